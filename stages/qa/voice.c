/* Voice activity by energy, pitch by YIN.
 *
 * Activity. A frame of 10 ms speaks when its energy is over the highest of three thresholds: 30 dB below the level of speech, 10 dB over the noise (the 5th
 * percentile of all frames), and the floor given by the caller. The level is the mean of the frames that pass two gates, as in ITU-R BS.1770: an
 * absolute one, and one 10 dB below the mean of what passes that; so it is a level of speech whatever share of the call is silent. Quiet
 * shorter than 60 ms (the closure of a stop consonant) belongs to the speech around it, sound shorter than 30 ms (a click) is none. A steady hum or
 * hiss is its own noise floor, so it is no speech.
 *
 * Pitch. A. de Cheveigné, H. Kawahara: YIN, a fundamental frequency estimator for speech and music, J. Acoust. Soc. Am. 111 (2002), steps 2, 3 and 5:
 * difference function, cumulative mean normalisation, parabolic interpolation. In place of its absolute threshold (step 4) the first dip nearly as deep as
 * the deepest is taken: strong harmonics make shallow dips before it, and synthetic voices have such. A frame without a deep dip is unvoiced.
 * It works on a signal of about 5 kHz, by averaging with a cubic B-spline (four moving averages one after the other) and leaving out samples: what
 * would come down to where pitches are is 50 dB weaker. */
#include "stages/qa/voice.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define LEVEL_BELOW 1e-3 /* 30 dB below the level of speech */
#define NOISE_OVER 10.0  /* 10 dB over the noise */
#define NOISE_PERCENTILE 5
#define GATE_ABSOLUTE 1e-6 /* -60 dB of full scale */
#define GATE_RELATIVE 0.1
#define FLOOR_BELOW 1e-4 /* a channel 40 dB below the loudest is silent */
#define GAP_FRAMES 6     /* shorter quiet is speech */
#define BURST_FRAMES 3   /* shorter sound is none */

#define PITCH_MIN_HZ 60
#define PITCH_MAX_HZ 500
#define PITCH_RATE_HZ 4500 /* at least; below twice that, or the rate of the file */
#define PITCH_HOP 2        /* frames */
#define PITCH_WINDOW_MS 25
#define PITCH_DIP 0.2f   /* the deepest dip of a voiced frame is below */
#define PITCH_NEAR 0.05f /* the first dip that is not shallower than the deepest by more is the period */
#define PITCH_UNIT 10    /* of the numbers that are sorted: a tenth of a hertz */

/* --- Energies --- */

void voice_release(struct voice *v)
{
	free(v->energy);
	free(v->active);
	*v = (struct voice){.energy = NULL};
}

int64_t voice_sample(int rate, size_t frame)
{
	return (int64_t)frame * rate * VOICE_FRAME_MS / 1000;
}

/* Four sums side by side: the order is fixed, and the additions need not wait for each other. */
static float mean_of(const float *v, int64_t n, int stride)
{
	float sum[4] = {0, 0, 0, 0};
	int64_t i = 0;
	for (; i + 4 <= n; i += 4, v += 4 * stride)
		for (int k = 0; k < 4; k++)
			sum[k] += v[k * stride];
	for (; i < n; i++, v += stride)
		sum[0] += *v;
	return n ? ((sum[0] + sum[1]) + (sum[2] + sum[3])) / (float)n : 0;
}

static float energy_of(const float *v, int64_t n, int stride, float mean)
{
	float sum[4] = {0, 0, 0, 0};
	int64_t i = 0;
	for (; i + 4 <= n; i += 4, v += 4 * stride)
		for (int k = 0; k < 4; k++)
			sum[k] += (v[k * stride] - mean) * (v[k * stride] - mean);
	for (; i < n; i++, v += stride)
		sum[0] += (*v - mean) * (*v - mean);
	return n ? ((sum[0] + sum[1]) + (sum[2] + sum[3])) / (float)n : 0;
}

/** Mean of the frames over `gate`. */
static double gated(const struct voice *v, double gate)
{
	double sum = 0;
	int64_t count = 0;
	for (size_t i = 0; i < v->n; i++) {
		if ((double)v->energy[i] <= gate)
			continue;
		sum += (double)v->energy[i];
		count++;
	}
	return count ? sum / (double)count : 0;
}

void voice_measure(const struct voice_track *t, struct voice *ret)
{
	struct voice v = {.n = (size_t)(t->frames * 1000 / ((int64_t)t->rate * VOICE_FRAME_MS))};
	double sum = 0;
	v.energy = xcalloc(v.n + 1, sizeof *v.energy);
	v.active = xcalloc(v.n + 1, sizeof *v.active);
	for (size_t i = 0; i < v.n; i++) {
		int64_t from = voice_sample(t->rate, i), to = voice_sample(t->rate, i + 1);
		sum += (double)mean_of(t->samples + from * t->stride, to - from, t->stride);
	}
	float mean = v.n ? (float)(sum / (double)v.n) : 0;
	for (size_t i = 0; i < v.n; i++) {
		int64_t from = voice_sample(t->rate, i), to = voice_sample(t->rate, i + 1);
		v.energy[i] = energy_of(t->samples + from * t->stride, to - from, t->stride, mean);
	}
	double rough = gated(&v, GATE_ABSOLUTE), relative = rough * GATE_RELATIVE;
	v.level = gated(&v, relative > GATE_ABSOLUTE ? relative : GATE_ABSOLUTE);
	*ret = v;
}

double voice_floor(double loudest_level)
{
	double floor = loudest_level * FLOOR_BELOW;
	return floor > GATE_ABSOLUTE ? floor : GATE_ABSOLUTE;
}

/* --- Activity --- */

static int by_energy(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return x < y ? -1 : x > y;
}

static double noise_of(const struct voice *v)
{
	if (v->n == 0)
		return 0;
	CLEANUP(free_ptr) float *sorted = xcalloc(v->n, sizeof *sorted);
	memcpy(sorted, v->energy, v->n * sizeof *sorted);
	qsort(sorted, v->n, sizeof *sorted, by_energy);
	return (double)sorted[v->n * NOISE_PERCENTILE / 100];
}

/** Runs of `was` shorter than `min` frames turn over. At the ends only sound does: quiet there has speech on one side alone. */
static void turn_over(struct voice *v, bool was, size_t min)
{
	for (size_t i = 0; i < v->n;) {
		size_t from = i;
		while (i < v->n && v->active[i] == v->active[from])
			i++;
		if (v->active[from] != was || i - from >= min || (!was && (from == 0 || i == v->n)))
			continue;
		for (size_t k = from; k < i; k++)
			v->active[k] = !was;
	}
}

void voice_activity(struct voice *v, double floor)
{
	double threshold = v->level * LEVEL_BELOW, noise = noise_of(v) * NOISE_OVER;
	threshold = noise > threshold ? noise : threshold;
	threshold = floor > threshold ? floor : threshold;
	for (size_t i = 0; i < v->n; i++)
		v->active[i] = (double)v->energy[i] > threshold;
	turn_over(v, false, GAP_FRAMES);
	turn_over(v, true, BURST_FRAMES);
}

/* --- Pitch --- */

/** A channel at about 5 kHz. */
struct slow {
	float *v; /* owned */
	int64_t n;
	int step;    /* samples of the file for one */
	double rate; /* Hz */
};

static void slow_release(struct slow *s)
{
	free(s->v);
}

#define NEAR_FRAMES 3 /* that a stretch of 42 ms around an active frame can reach */
#define STEP_MAX (192000 / PITCH_RATE_HZ)
#define WIDTH(step) ((step) + (step) / 2) /* of an average: harmonics over 1.5 kHz only blur the dips */
#define TAPS_MAX (4 * (WIDTH(STEP_MAX) - 1) + 1)

/** The weights of four moving averages, one after the other, over `width` samples each; they add up to 1. */
static int spline(int width, float taps[TAPS_MAX])
{
	double now[TAPS_MAX] = {1}, next[TAPS_MAX];
	int n = 1;
	for (int round = 0; round < 4; round++) {
		memset(next, 0, sizeof next);
		for (int i = 0; i < n; i++)
			for (int k = 0; k < width; k++)
				next[i + k] += now[i] / width;
		memcpy(now, next, sizeof now);
		n += width - 1;
	}
	for (int i = 0; i < n; i++)
		taps[i] = (float)now[i];
	return n;
}

/** One sample of the slow signal. `from`: the first of the file that counts. The taps are symmetric. */
static float smooth(const float *from, int stride, const float *taps, int ntaps)
{
	const float *to = from + (int64_t)(ntaps - 1) * stride;
	float sum = taps[ntaps / 2] * from[(int64_t)(ntaps / 2) * stride];
	for (int k = 0; k < ntaps / 2; k++, from += stride, to -= stride)
		sum += taps[k] * (*from + *to);
	return sum;
}

/** Only what is near speech is worked out; the rest stays 0. */
static void slow_down(const struct voice_track *t, const struct voice *v, struct slow *ret)
{
	float taps[TAPS_MAX];
	int step = t->rate / PITCH_RATE_HZ;
	struct slow s = {.step = step < 1 ? 1 : step > STEP_MAX ? STEP_MAX : step};
	int ntaps = spline(WIDTH(s.step), taps), reach = ntaps / 2;
	s.rate = (double)t->rate / s.step;
	s.n = t->frames / s.step;
	s.v = xcalloc((size_t)s.n + 1, sizeof *s.v);
	for (size_t i = 0; i < v->n; i++) {
		bool near = false;
		for (size_t k = i > NEAR_FRAMES ? i - NEAR_FRAMES : 0; k <= i + NEAR_FRAMES && k < v->n; k++)
			near |= v->active[k];
		int64_t at = (voice_sample(t->rate, i) + s.step - 1) / s.step, to = voice_sample(t->rate, i + 1);
		for (; near && at < s.n && at * s.step < to; at++) {
			int64_t from = at * s.step - reach;
			if (from >= 0 && from + ntaps <= t->frames)
				s.v[at] = smooth(t->samples + from * t->stride, t->stride, taps, ntaps);
		}
	}
	*ret = s;
}

/** Σ (x[i] − x[i + lag])² over the window. */
static float difference(const float *x, int lag, int window)
{
	float sum[4] = {0, 0, 0, 0};
	const float *y = x + lag;
	int i = 0;
	for (; i + 4 <= window; i += 4)
		for (int k = 0; k < 4; k++)
			sum[k] += (x[i + k] - y[i + k]) * (x[i + k] - y[i + k]);
	for (; i < window; i++)
		sum[0] += (x[i] - y[i]) * (x[i] - y[i]);
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

#define LAG_MAX (2 * PITCH_RATE_HZ / PITCH_MIN_HZ + 3)

/** How deep the dip at v[0] goes between the lags: the bottom of the parabola through it and its neighbours; 1 where there is no dip. */
static float depth(const float *v)
{
	float bend = v[-1] - 2 * v[0] + v[1], slope = v[-1] - v[1];
	if (v[0] > v[-1] || v[0] > v[1])
		return 1;
	return bend > 0 ? v[0] - slope * slope / (8 * bend) : v[0];
}

/** The period in samples of the stretch at `x`, which holds window + longest lag; 0 when it has none. */
static double period(const float *x, int shortest, int longest, int window)
{
	float d[LAG_MAX + 1], normal[LAG_MAX + 1];
	double sum = 0;
	float deepest = 1;
	d[0] = 0;
	normal[0] = 1;
	for (int lag = 1; lag <= longest + 1; lag++) {
		d[lag] = difference(x, lag, window);
		sum += (double)d[lag];
		normal[lag] = sum > 0 ? (float)((double)d[lag] * lag / sum) : 1;
	}
	for (int lag = shortest; lag <= longest; lag++) {
		float now = depth(normal + lag);
		deepest = now < deepest ? now : deepest;
	}
	if (deepest > PITCH_DIP)
		return 0;
	int best = shortest;
	while (best < longest && depth(normal + best) > deepest + PITCH_NEAR)
		best++;
	double a = (double)d[best - 1], b = (double)d[best], c = (double)d[best + 1], bend = a - 2 * b + c;
	double shift = bend > 0 ? 0.5 * (a - c) / bend : 0;
	return best + (shift > 1 ? 1 : shift < -1 ? -1 : shift);
}

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;
	return x < y ? -1 : x > y;
}

static int64_t percentile(const int *sorted, int64_t n, int percent)
{
	return (sorted[(n - 1) * percent / 100] + PITCH_UNIT / 2) / PITCH_UNIT;
}

void voice_pitch(const struct voice_track *t, const struct voice *v, struct voice_pitch *ret)
{
	CLEANUP(slow_release) struct slow s = {.v = NULL};
	CLEANUP(free_ptr) int *found = xcalloc(v->n / PITCH_HOP + 1, sizeof *found);
	slow_down(t, v, &s);
	int shortest = (int)(s.rate / PITCH_MAX_HZ), longest = (int)(s.rate / PITCH_MIN_HZ);
	longest = longest < LAG_MAX ? longest : LAG_MAX - 1;
	int window = (int)(s.rate * PITCH_WINDOW_MS / 1000), span = window + longest + 1;
	int64_t n = 0;
	for (size_t i = 0; i < v->n; i += PITCH_HOP) {
		int64_t middle = (voice_sample(t->rate, i) + voice_sample(t->rate, i + 1)) / 2 / s.step, from = middle - span / 2;
		if (!v->active[i] || from < 0 || from + span > s.n)
			continue;
		double samples = period(s.v + from, shortest, longest, window);
		double hz = samples > 0 ? s.rate / samples : 0;
		if (hz >= PITCH_MIN_HZ && hz <= PITCH_MAX_HZ)
			found[n++] = (int)(hz * PITCH_UNIT + 0.5);
	}
	*ret = (struct voice_pitch){.frames = n};
	if (n == 0)
		return;
	qsort(found, (size_t)n, sizeof *found, by_number);
	ret->median_hz = percentile(found, n, 50);
	ret->low_hz = percentile(found, n, 10);
	ret->high_hz = percentile(found, n, 90);
}
