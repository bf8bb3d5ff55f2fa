/* Asking a speech server from a stage: the lines of one side of a call in one voice. Straight-line code, as core/chat.h: work_tts() blocks the item's
 * thread until every line has a sound that the stage accepts, or says why there is none.
 *
 * A sound that is accepted is stored at once, with what was measured of it, so that another rule is applied to it without asking again; by line: under the digest of {text, voice, emotion?, provider identity, generation} and a draw number from
 * H(call id, side). So a line that changes is spoken alone, and what was spoken before an interruption is not spoken again.
 *
 * The ladder, when sounds will not do: a batch of which nothing can be used is halved; a line is asked for alone; then once on each further rung
 * (another temperature); then the whole side is cast anew, so that it keeps one voice; when all casts are used up, the call is at an end. */
#ifndef TAF_CORE_TTS_H
#define TAF_CORE_TTS_H

#include "core/provider.h"
#include "core/stage.h"

struct tts_line {
	const char *step;         /* names it among those of the item ("left 3"), for people */
	struct str text, emotion; /* emotion may be empty */
	/** Stored: {object: HEX, …what judge() found}. NULL: none yet. */
	const struct json *answer;
	const char *why; /* the last sound would not do: why */
	int rung;        /* of the answer */
};

struct tts_side {
	const char *name; /* "left", "right": in the draws of voice and sounds */
	struct tts_line *lines;
	size_t n;
	struct provider_person who;
	const struct json *other; /* the other side's voice; NULL: it is chosen later */
	/** Measure new sounds: objects[i] (HEX) has come for lines[i]. ret[i] is {object, …what was measured}, or {why} for what is no sound; in the record's memory. */
	int (*measure)(
		void *arg, struct work *w, const char *const *objects, size_t n, const struct json **ret, struct err *e);
	/** Whether a sound, new or stored, will do for a line by what was measured: NULL, or why not in the record's memory. */
	const char *(*check)(void *arg, struct work *w, const struct tts_line *l, const struct json *measured);
	void *arg;
	const struct json *voice; /* out: the voice of all lines */
};

/** 0: every line has its answer. ERR_INVALID: no sound would do in any voice; ERR_DATA, ERR_TRANSIENT, ERR_ACCOUNT, ERR_STOPPED as the server (core/provider.h) or
 * judge() say. */
int work_tts(struct work *w, struct tts_side *side, struct err *e);

#endif
