/* Samples are taken in blocks: first turned into steps of 16 bit, then counted in loops without branches, which compilers make wide. */
#include "stages/qa/signal.h"

#include <math.h>

#define BLOCK 256
#define LARGEST 2.0f /* of full scale: what a decoder gives over it is cut here */

static int32_t steps_of(float v)
{
	v = v > -LARGEST ? v : -LARGEST; /* not a number: this too */
	v = v < LARGEST ? v : LARGEST;
	return (int32_t)(v * SIGNAL_FULL); /* towards zero */
}

static void take(const struct sound *sound, int channel, int64_t from, int n, int32_t *to)
{
	const float *v = sound->samples + from * sound->channels;
	if (sound->channels == 1)
		for (int i = 0; i < n; i++)
			to[i] = steps_of(v[i]);
	else if (channel == SIGNAL_BOTH)
		for (int i = 0; i < n; i++)
			to[i] = steps_of(v[2 * i] + v[2 * i + 1]);
	else
		for (int i = 0; i < n; i++)
			to[i] = steps_of(v[2 * i + channel]);
}

/** x[-1] is the sample before. A block's sums fit into 32 bit: 256 steps of twice 65,536. */
static inline void count(struct signal *s, const int32_t *x, int n)
{
	int32_t near = 0, clipped = 0, crossings = 0, magnitude = 0, steps = 0, peak = 0;
	for (int i = 0; i < n; i++) {
		int32_t v = x[i] < 0 ? -x[i] : x[i], step = x[i] - x[i - 1];
		near += v < SIGNAL_NEAR;
		clipped += v >= SIGNAL_CLIPPED;
		crossings += (x[i] < 0) != (x[i - 1] < 0);
		magnitude += v;
		steps += step < 0 ? -step : step;
		peak = v > peak ? v : peak;
	}
	float square[4] = {0, 0, 0, 0};
	for (int i = 0; i + 4 <= n; i += 4)
		for (int k = 0; k < 4; k++)
			square[k] += (float)x[i + k] * (float)x[i + k];
	for (int i = n - n % 4; i < n; i++)
		square[0] += (float)x[i] * (float)x[i];
	s->n += n;
	s->near += near;
	s->clipped += clipped;
	s->crossings += crossings;
	s->magnitude += magnitude;
	s->steps += steps;
	s->square += (double)((square[0] + square[1]) + (square[2] + square[3]));
	s->peak = peak > s->peak ? peak : s->peak;
}

void signal_add(struct signal *s, const struct sound *sound, int channel, int64_t from, int64_t to)
{
	int32_t x[BLOCK + 1];
	for (int64_t at = from; at < to; at += BLOCK) {
		int n = to - at < BLOCK ? (int)(to - at) : BLOCK;
		take(sound, channel, at, n, x + 1);
		x[0] = s->n ? s->last : x[1];
		if (n == BLOCK)
			count(s, x + 1, BLOCK);
		else
			count(s, x + 1, n);
		s->last = x[n];
	}
}

void signal_measures(const struct signal *s, double ret[SIGNAL_MEASURES])
{
	double n = s->n ? (double)s->n : 1, rms = sqrt(s->square / n);
	ret[SIGNAL_NEAR_SILENCE] = (double)s->near / n;
	ret[SIGNAL_CLIPPING] = (double)s->clipped / n;
	ret[SIGNAL_RMS] = rms / SIGNAL_FULL;
	ret[SIGNAL_CREST] = s->peak / (rms + 1);
	ret[SIGNAL_ZERO_CROSSING] = (double)s->crossings / n;
	ret[SIGNAL_HIGH_FREQUENCY] = (double)s->steps / (double)(s->magnitude + 1);
}
