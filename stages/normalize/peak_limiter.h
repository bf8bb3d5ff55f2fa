/* A look-ahead limiter for one channel that comes block by block: no true peak over the ceiling any more. The gain sinks ahead of a peak and rises after
 * it, over 5 ms. What is nowhere near the ceiling goes through unchanged, at the cost of a look at its samples. One thread. */
#ifndef TAF_NORMALIZE_PEAK_LIMITER_H
#define TAF_NORMALIZE_PEAK_LIMITER_H

#include "io/true_peak.h"

#include <stddef.h>

struct peak_limiter {
	struct true_peak_filter filter;
	int64_t reach, margin, block; /* frames; the margin is what stands around a block when it is worked */
	float *gain, *fore, *back;    /* scratch of peak_limiter_window() samples each */
	double least;                 /* gain so far; 1 while nothing was limited */
};
void peak_limiter_init(struct peak_limiter *l, int rate, int64_t block);
void peak_limiter_release(struct peak_limiter *l);
/** Samples of a window: margin, block, margin. */
int64_t peak_limiter_window(const struct peak_limiter *l);
/** The block in the middle of `window`, limited to `ceiling` (a factor of full scale), to `to`. */
void peak_limiter_work(struct peak_limiter *l, const float *window, double ceiling, float *to);

#endif
