#include "stages/normalize/peak_limiter.h"

#include "base/alloc.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LOOKAHEAD_MS 5
#define CHUNK 16

void peak_limiter_init(struct peak_limiter *l, int rate, int64_t block)
{
	memset(l, 0, sizeof *l);
	true_peak_filter_init(&l->filter, rate);
	l->reach = (int64_t)rate * LOOKAHEAD_MS / 1000;
	l->margin = 2 * l->reach + CHUNK + TRUE_PEAK_TAPS;
	l->block = block;
	l->least = 1;
	size_t n = (size_t)(peak_limiter_window(l) + 4 * l->reach + 2);
	l->gain = xcalloc(n, sizeof *l->gain);
	l->fore = xcalloc(n, sizeof *l->fore);
	l->back = xcalloc(n, sizeof *l->back);
}

void peak_limiter_release(struct peak_limiter *l)
{
	free(l->gain);
	free(l->fore);
	free(l->back);
	memset(l, 0, sizeof *l);
}

int64_t peak_limiter_window(const struct peak_limiter *l)
{
	return l->block + 2 * l->margin;
}

/** What gain each sample of the window needs by itself: 1 where it is below the ceiling. False when all of them are 1. */
static bool needed_gain(struct peak_limiter *l, const float *w, float ceiling)
{
	int64_t n = peak_limiter_window(l), keep = l->filter.taps - 1;
	bool any = false;
	for (int64_t i = 0; i < n; i++)
		l->gain[i] = 1;
	for (int64_t at = keep; at < n; at += CHUNK) {
		int64_t end = at + CHUNK < n ? at + CHUNK : n;
		if (true_peak_samples(w + at - keep, end - at + keep) * l->filter.gain <= ceiling)
			continue;
		for (int64_t i = at; i < end; i++) {
			float top = fmaxf(true_peak_at(&l->filter, w + i), fabsf(w[i - l->filter.taps / 2]));
			if (top <= ceiling)
				continue;
			/* it lies between these two */
			int64_t before = i - l->filter.taps / 2, after = before + 1 < n ? before + 1 : before;
			l->gain[before] = fminf(l->gain[before], ceiling / top);
			l->gain[after] = fminf(l->gain[after], ceiling / top);
			any = true;
		}
	}
	return any;
}

/** The least of each sample's neighbours up to `reach` away (van Herk: minima of blocks from both ends). */
static void sliding_minimum(struct peak_limiter *l)
{
	int64_t n = peak_limiter_window(l), reach = l->reach, width = 2 * reach + 1,
			padded = (n + 2 * reach + width - 1) / width * width;
	for (int64_t i = 0; i < padded; i++) {
		float x = i >= reach && i < n + reach ? l->gain[i - reach] : 1.0f;
		l->fore[i] = i % width ? fminf(l->fore[i - 1], x) : x;
		l->back[i] = x;
	}
	for (int64_t i = padded - 2; i >= 0; i--)
		if (i % width != width - 1)
			l->back[i] = fminf(l->back[i], l->back[i + 1]);
	for (int64_t i = 0; i < n; i++)
		l->gain[i] = fminf(l->back[i], l->fore[i + width - 1]);
}

void peak_limiter_work(struct peak_limiter *l, const float *window, double ceiling, float *to)
{
	const float *from = window + l->margin;
	float top = (float)ceiling;
	bool near = true_peak_samples(window, peak_limiter_window(l)) * l->filter.gain > top;
	if (!near || !needed_gain(l, window, top)) {
		memcpy(to, from, (size_t)l->block * sizeof *to);
		return;
	}
	sliding_minimum(l);
	/* The mean over ±reach of minima over ±reach is never over what the sample itself needs, and has no steps. */
	const float *gain = l->gain + l->margin;
	int64_t reach = l->reach;
	double sum = 0;
	for (int64_t i = -reach; i <= reach; i++)
		sum += (double)gain[i];
	for (int64_t i = 0; i < l->block; i++) {
		double g = sum / (double)(2 * reach + 1);
		to[i] = fmaxf(-top, fminf(top, from[i] * (float)g)); /* rounding may go over by a bit */
		l->least = g < l->least ? g : l->least;
		sum += (double)gain[i + reach + 1] - (double)gain[i - reach];
	}
}
