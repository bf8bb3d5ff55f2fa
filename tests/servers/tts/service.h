/* The TTS server as a service. */
#ifndef TAF_TTS_SERVICE_H
#define TAF_TTS_SERVICE_H

#include "tests/servers/common/server.h"

#include "base/map.h"

/** What the server owns. */
struct tts {
	const char *voice; /* option: NULL or "tones", "espeak" */
	bool espeak;
	int64_t sounds, sound_ms; /* that were made */
	uint64_t asked[2];        /* requests of /generate_voice, of /audio/speech */
	struct map first;         /* by text: the temperature and the voice that it was first asked for with, see fate.c */
};
extern const struct service tts_service;

#endif
