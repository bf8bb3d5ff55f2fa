/* A request for speech, by either contract: read and checked as those servers do. */
#ifndef TAF_TTS_REQUEST_H
#define TAF_TTS_REQUEST_H

#include "io/json.h"

#define TEXTS_MAX 1000
#define TEXTS_BYTES_MAX ((size_t)64 << 10) /* of all texts of a request: more than an hour of sound */

enum format { FORMAT_MP3, FORMAT_WAV, FORMAT_FLAC, FORMAT_OPUS, FORMAT_PCM, FORMAT_COUNT };
extern const char *const format_names[FORMAT_COUNT];

struct speech_request {
	struct str *texts;
	size_t n;
	struct str model, voice; /* of /audio/speech */
	enum format format;
	double speed;
	int64_t characters;
	bool voiced;        /* it says whose voice; else each text has one of its own */
	uint64_t voice_key; /* whose voice, and the server's seed */
	uint64_t key;       /* all that decides the sounds: seed, texts, voice, sampling, speed */
	uint64_t manner;    /* the same without the texts */
	uint64_t heat;      /* the temperature; the same for all requests that have none */
	uint64_t digest;    /* of the whole canonical body */
};

/** POST /generate_voice. On ERR_DATA `detail` is FastAPI's list of what does not fit. Texts live in the arena. */
int request_chattts(struct arena *a, struct str body, uint64_t seed, struct speech_request *ret, struct json **detail);
/** POST /audio/speech. ERR_DATA with the words for a 400. */
int request_speech(struct arena *a, struct str body, uint64_t seed, struct speech_request *ret, struct err *e);
/** How a text of it is to be said. */
uint64_t request_manner(const struct speech_request *r, struct str text);

#endif
