/* The turns of a call as they go into the mix, and when they are spoken. A turn's sound is decoded, trimmed, resampled, and put through the telephone if its
 * side has one. Sounds are kept up to a limit; beyond it they are made again when they are needed, so that memory does not grow with the call. One thread. */
#ifndef TAF_NORMALIZE_TURNS_H
#define TAF_NORMALIZE_TURNS_H

#include "core/stage.h"
#include "io/loudness.h"
#include "stages/normalize/normalize.h"

#define CALL_SECONDS_MAX 43200 /* of a call; 12 hours */
#define TURN_SECONDS_MAX 600   /* of one turn, which is held whole */

struct turn {
	int64_t index; /* in the call */
	enum side side;
	struct str object;
	int64_t start, frames; /* in the mix, at its rate */
	struct sound sound;    /* mono, at the rate of the mix; empty while it is not held */
	bool kept;             /* once held, it stays */
};

struct turns {
	struct work *w;
	const struct normalize_params *p;
	struct turn *v; /* in the record's arena; their sounds are owned */
	size_t n;
	int64_t frames; /* of the whole call */
	int64_t kept;   /* frames of sounds that are held for good */
	/* as the turns come out of their files, in their places */
	struct loudness side[SIDES]; /* -HUGE_VAL: below the gate, or the side does not speak */
	bool speaks[SIDES];
};

/** Read all turns, place them on the timeline and measure both sides. */
int turns_read(struct turns *t, struct err *e);
void turns_release(struct turns *t);
/** Have the sound of a turn in t->v[i].sound. */
int turns_hold(struct turns *t, size_t i, struct err *e);
/** It is needed no more for now. */
void turns_let_go(struct turns *t, size_t i);

/** The pause before a turn: log-normal between the limits; longer where an elderly side answers the other. Milliseconds. */
int64_t turns_pause(const struct normalize_params *p, struct draw *d, bool elderly_answers);

int64_t turns_in_frames(int64_t ms, int64_t rate);
int64_t turns_in_ms(int64_t frames, int64_t rate);

#endif
