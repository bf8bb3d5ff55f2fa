/* Speech by libespeak-ng, for the worker only: global state, one process, one thread. The only file that includes it is speech.c. */
#ifndef TAF_IO_SPEECH_H
#define TAF_IO_SPEECH_H

#include "base/buf.h"
#include "base/err.h"
#include "io/av.h"

struct speech_voice {
	const char *variant; /* an espeak-ng variant ("f2", "m3", "Andy", …) or "" for the plain voice */
	int rate_wpm;        /* 80…450 */
	int pitch;           /* 0…99, 50 is the voice's own */
	int range;           /* 0…99, intonation range */
};

/** Once per process. ERR_CONFIG when the voice cmn-latn-pinyin is not installed. */
int speech_init(struct err *e);
const char *speech_version(void);
/** Speak `text` (UTF-8); mono at the engine's rate (22,050 Hz). ERR_DATA when nothing audible comes out. */
int speech_say(const struct speech_voice *voice, struct str text, struct sound *ret, struct err *e);
/** The phonemes espeak-ng would speak, with language switches as "(en)"; appended. */
int speech_phonemes(struct str text, struct buf *ret, struct err *e);

#endif
