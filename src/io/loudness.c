/* Loudness by libebur128.
 *
 * Its true peak (four times oversampled below 96 kHz, twice below 192 kHz) costs more than all the rest, so it is asked for only where it can matter.
 * Its interpolation filter has 49 taps, 13 for one output (25 at twice), and the sum of their magnitudes is below PEAK_GAIN (computed for the
 * Hann-windowed sinc it uses: 1.87 at four times, 2.31 with 25 taps at twice): an output cannot be over the largest sample (the sample peak, which the true peak never goes below) unless one of those
 * samples is over sample peak / PEAK_GAIN. Only such stretches are measured, with the samples that stand around them: the result is that of the whole. */
#include "io/loudness.h"

#include "base/alloc.h"

#include <ebur128.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PEAK_GAIN 2.4f
#define PEAK_REACH 32 /* frames on both sides of a loud sample: the filter's 25, and room */
#define FEED_FRAMES 65536

static void state_release(ebur128_state **st)
{
	if (*st)
		ebur128_destroy(st);
}

static int check(const struct sound *s, struct err *e)
{
	if (s->frames < 0 || s->channels < 1 || s->channels > 2 || s->rate < 16 || s->rate > 2822400)
		return err_set(e, ERR_DATA, "loudness of %d channels at %d Hz cannot be measured", s->channels, s->rate);
	return 0;
}

static float sample_peak(const struct sound *s)
{
	float peak = 0;
	int64_t n = s->frames * s->channels;
	for (int64_t i = 0; i < n; i++) {
		float v = fabsf(s->samples[i]);
		peak = v > peak ? v : peak;
	}
	return peak;
}

static ebur128_state *new_state(const struct sound *s, int mode)
{
	ebur128_state *st = ebur128_init((unsigned)s->channels, (unsigned long)s->rate, mode);
	if (!st)
		abort(); /* memory: as base/alloc */
	return st;
}

static int feed(ebur128_state *st, const struct sound *s, int64_t from, int64_t to)
{
	for (int64_t at = from; at < to; at += FEED_FRAMES) {
		size_t n = (size_t)(to - at < FEED_FRAMES ? to - at : FEED_FRAMES);
		int r = ebur128_add_frames_float(st, s->samples + at * s->channels, n);
		if (r != EBUR128_SUCCESS)
			return r;
	}
	return EBUR128_SUCCESS;
}

static bool is_loud(const struct sound *s, int64_t frame, float limit)
{
	const float *v = s->samples + frame * s->channels;
	for (int ch = 0; ch < s->channels; ch++)
		if (fabsf(v[ch]) >= limit)
			return true;
	return false;
}

/** True peak as a factor of full scale. Stretches that are left out lie between two reaches: they are replaced by silence, which the filter's memory needs
 * so that nothing from before a gap meets what comes after it. */
static int true_peak_of(const struct sound *s, float peak, double *ret, struct err *e)
{
	CLEANUP(state_release) ebur128_state *st = new_state(s, EBUR128_MODE_TRUE_PEAK);
	static const float silence[PEAK_REACH * 2];
	float limit = peak / PEAK_GAIN;
	int64_t fed = 0; /* frames before it are done */
	int r = EBUR128_SUCCESS;
	for (int64_t i = 0; i < s->frames && r == EBUR128_SUCCESS; i++) {
		if (!is_loud(s, i, limit))
			continue;
		int64_t from = i - PEAK_REACH, last = i;
		for (int64_t k = i + 1; k < s->frames && k <= last + 2 * PEAK_REACH; k++)
			last = is_loud(s, k, limit) ? k : last;
		int64_t to = last + PEAK_REACH < s->frames ? last + PEAK_REACH : s->frames;
		from = from > fed ? from : fed;
		if (from > fed)
			r = ebur128_add_frames_float(st, silence, PEAK_REACH);
		if (r == EBUR128_SUCCESS)
			r = feed(st, s, from, to);
		fed = to;
		i = to - 1;
	}
	if (r == EBUR128_SUCCESS)
		r = ebur128_add_frames_float(st, silence, PEAK_REACH); /* what the filter still holds */
	double max = peak;
	for (int ch = 0; ch < s->channels && r == EBUR128_SUCCESS; ch++) {
		double v = 0;
		r = ebur128_true_peak(st, (unsigned)ch, &v);
		max = v > max ? v : max;
	}
	if (r != EBUR128_SUCCESS)
		return err_set(e, ERR_DATA, "libebur128 cannot measure the true peak (error %d)", r);
	*ret = max;
	return 0;
}

int loudness_measure(const struct sound *s, bool true_peak, struct loudness *ret, struct err *e)
{
	int code = check(s, e);
	if (code)
		return code;
	struct loudness out = {.integrated_lufs = -HUGE_VAL, .true_peak_dbtp = -HUGE_VAL};
	CLEANUP(state_release) ebur128_state *st = new_state(s, EBUR128_MODE_I);
	int r = feed(st, s, 0, s->frames);
	if (r == EBUR128_SUCCESS)
		r = ebur128_loudness_global(st, &out.integrated_lufs);
	if (r != EBUR128_SUCCESS)
		return err_set(e, ERR_DATA, "libebur128 cannot measure the loudness (error %d)", r);
	float peak = true_peak ? sample_peak(s) : 0;
	if (peak > 0) {
		double factor = peak;
		code = true_peak_of(s, peak, &factor, e);
		if (code)
			return code;
		out.true_peak_dbtp = 20 * log10(factor);
	}
	*ret = out;
	return 0;
}

const char *loudness_version(void)
{
	static char text[48];
	int major = 0, minor = 0, patch = 0;
	ebur128_get_version(&major, &minor, &patch);
	if (!text[0])
		snprintf(text, sizeof text, "libebur128 %d.%d.%d", major, minor, patch);
	return text;
}
