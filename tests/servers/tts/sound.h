/* A reply made of the sounds of a request: spoken, spoilt as the switches order, encoded, packed. Runs in a thread of the pool and touches nothing else. */
#ifndef TAF_TTS_SOUND_H
#define TAF_TTS_SOUND_H

#include "tests/servers/tts/request.h"
#include "tests/servers/tts/switches.h"

#include "base/buf.h"

#include <stdatomic.h>

/** What is to be made; all of it is the job's own. */
struct sound_order {
	struct speech_request request;
	bool chattts; /* a zip; else one file, or JSON */
	bool espeak, dummy_first, open_wav;
	char json_reply[WORDS_MAX];
	enum spoilt *spoilt;     /* what is wrong with the sound of each text; at most one is of the zip */
	const atomic_bool *stop; /* set: the server ends, nobody waits for the rest */
};
struct sound_made {
	const char *type; /* of the body */
	int64_t sound_ms; /* of all sounds, as they should be */
	int64_t sounds;
};

/** Body appended to `b`. ERR_… with words: the engine broke. */
int sound_make(const struct sound_order *o, struct buf *b, struct sound_made *ret, struct err *e);

#endif
