/* One channel of the mix, made block by block: the turns of its sides in their places, each side scaled, comfort noise between them, limited.
 * Lanes share the turns, whose sounds they hold while they need them. One thread. */
#ifndef TAF_NORMALIZE_LANE_H
#define TAF_NORMALIZE_LANE_H

#include "stages/normalize/peak_limiter.h"
#include "stages/normalize/telephone.h"
#include "stages/normalize/turns.h"

#define LANE_BLOCK 16384 /* frames at a time */

/** How loud the mix is made. */
struct levels {
	double gain_db[SIDES];
	double ceiling_db; /* of the true peak, before encoding */
};

/** A side in its lane. */
struct voice_part {
	bool here;
	float gain;
	struct comfort comfort;
};

struct lane {
	struct turns *t;
	struct voice_part side[SIDES];
	double ceiling;
	struct peak_limiter limiter;
	float *window;    /* the limiter's: what is behind `at` by its margin, the block, what is ahead */
	size_t first;     /* the turn before which all have been let go */
	int64_t rendered; /* frames of the mix that have gone into the window */
	int64_t left;     /* frames to come out */
};

/** `only`: a bit for each side that is heard in this lane. */
void lane_init(struct lane *l, struct turns *t, unsigned sides, const struct levels *levels);
void lane_release(struct lane *l);
/** The next LANE_BLOCK frames, fewer at the end, 0 behind it; a negative code on failure. `to` has room for a block. */
int64_t lane_next(struct lane *l, float *to, struct err *e);

#endif
