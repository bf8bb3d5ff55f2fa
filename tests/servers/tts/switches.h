/* The switches of the TTS server: those of every server, and what is wrong with the sounds and the zips. */
#ifndef TAF_TTS_SWITCHES_H
#define TAF_TTS_SWITCHES_H

#include "tests/servers/common/switches.h"

/* What the engine does, decided by the request alone (or by the text, see `until`): the same request gets it again, another temperature, seed or voice may not.
 * First that of the whole request, then those of one sound, then those of the zip. */
#define SPOILT_LIST(X) \
	X(ENGINE, "engine-error", "500 with words, of the whole request") \
	X(EMPTY, "empty-mp3", "a sound file of 0 bytes") \
	X(SILENT, "silent", "a silent sound of the right length") \
	X(SHORT, "short", "0.2 s of sound, whatever the text") \
	X(LONG, "long", "ten times as long as it should be") \
	X(TRUNCATED, "truncated-mp3", "a sound file that ends in the middle of a frame") \
	X(TORN, "torn-mp3", "a sound file whose frames lack their ends, all of them or from the middle on") \
	X(CUT, "cut-off", "speech that ends early, in a file that is whole") \
	X(RATE, "wrong-rate", "8 kHz: said so in the file, or played too fast in one that says 24 kHz") \
	X(STEREO, "stereo", "two channels") \
	X(CLIPPED, "clipped", "far too loud, and cut at full scale") \
	X(NOISE, "noise", "noise in place of speech") \
	X(ENTRIES, "wrong-count", "an entry of the zip is missing, or there is one too many") \
	X(NAMES, "traversal", "an entry of the zip has a name that leads elsewhere (../x.mp3, /tmp/x.mp3, ..\\x.mp3)") \
	X(BOMB, "bomb", "an entry that unpacks to 256 MiB, one that lies about its size, or 20,000 entries") \
	X(CRC, "bad-crc", "an entry whose checksum is wrong") \
	X(ENCRYPTED, "encrypted", "an entry that is encrypted (the password is secret)") \
	X(DOUBLED, "doubled", "an entry stands in the zip twice, with different sounds; the second is right")

enum spoilt {
	SPOILT_NONE,
#define X(name, option, help) SPOILT_##name,
	SPOILT_LIST(X)
#undef X
		SPOILT_COUNT
};
#define SPOILT_ZIP SPOILT_ENTRIES /* from here on they are of the zip */

/* When what is wrong with a sound comes right. */
enum until { UNTIL_NEVER, UNTIL_ALONE, UNTIL_TEMPERATURE, UNTIL_VOICE };

struct tts_switches {
	struct switches base; /* first */
	bool all_sounds, dummy_first, no_ready, no_status, not_ready, open_wav;
	int until; /* enum until */
	double ready_after_s;
	int64_t instances;
	char voices[WORDS_MAX], formats[WORDS_MAX], json_reply[WORDS_MAX], where[WORDS_MAX]; /* empty: any, none */
};
extern const struct switch_set tts_switch_set;

#endif
