/* Loudness by libebur128.
 *
 * Its true peak (four times oversampled below 96 kHz, twice below 192 kHz) costs more than all the rest, so it is asked for only where it can
 * matter. An output of its interpolation filter (a Hann-windowed sinc of 49 taps) is a sum over 13 samples, 25 at twice, whose weights add up to
 * 1.87 and 2.31 in magnitude (computed), so below peak_gain(). It can be over the sample peak, which the true peak is never under, only where one of
 * these samples is over sample peak / peak_gain(). Such stretches alone are measured, with the samples around them: the result is that of the whole. */
#include "io/loudness.h"

#include "base/alloc.h"

#include <ebur128.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define REACH_MAX 32
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

static float peak_gain(int rate)
{
	return rate < 96000 ? 1.9f : 2.4f;
}

/** Frames around a loud sample that an output can rest on, and some. */
static int64_t peak_reach(int rate)
{
	return rate < 96000 ? 16 : REACH_MAX;
}

/** The stretches of one channel with samples over `limit`, and what stands around them, through the filter of a mono state. A silence between two of them
 * keeps what is left out from mattering: the filter's memory is empty when the next begins. */
static int feed_loud(ebur128_state *st, const struct sound *s, int channel, float limit, float *scratch)
{
	static const float silence[REACH_MAX];
	int64_t reach = peak_reach(s->rate), end = -1, from = 0;
	const float *v = s->samples + channel;
	for (int64_t i = 0; i <= s->frames; i++) {
		bool last = i == s->frames;
		if (!last && fabsf(v[i * s->channels]) < limit)
			continue;
		if (end < 0 && !last) {
			from = i - reach > 0 ? i - reach : 0;
			end = i + reach;
			continue;
		}
		if (!last && i - reach <= end && i + reach - from < FEED_FRAMES) {
			end = i + reach;
			continue;
		}
		if (end < 0)
			break;
		/* A stretch that is cut only for its length goes on where it ends. */
		int64_t stop = end < s->frames ? end : s->frames, next = i - reach;
		bool cut = !last && next <= end;
		for (int64_t k = from; k < stop; k++)
			scratch[k - from] = v[k * s->channels];
		int r = ebur128_add_frames_float(st, scratch, (size_t)(stop - from));
		if (r == EBUR128_SUCCESS && !cut)
			r = ebur128_add_frames_float(st, silence, (size_t)reach);
		if (r != EBUR128_SUCCESS)
			return r;
		from = cut ? stop : next;
		end = i + reach;
	}
	return EBUR128_SUCCESS;
}

/** True peak as a factor of full scale. */
static int true_peak_of(const struct sound *s, float peak, double *ret, struct err *e)
{
	CLEANUP(free_ptr) float *scratch = xcalloc(FEED_FRAMES + 2 * REACH_MAX, sizeof *scratch);
	double max = peak;
	for (int ch = 0; ch < s->channels; ch++) {
		CLEANUP(state_release) ebur128_state *st = ebur128_init(1, (unsigned long)s->rate, EBUR128_MODE_TRUE_PEAK);
		if (!st)
			abort(); /* memory: as base/alloc */
		double v = 0;
		int r = feed_loud(st, s, ch, peak / peak_gain(s->rate), scratch);
		if (r == EBUR128_SUCCESS)
			r = ebur128_true_peak(st, 0, &v);
		if (r != EBUR128_SUCCESS)
			return err_set(e, ERR_DATA, "libebur128 cannot measure the true peak (error %d)", r);
		max = v > max ? v : max;
	}
	*ret = max;
	return 0;
}

int loudness_true_peak(const struct sound *s, double *ret_dbtp, struct err *e)
{
	int code = check(s, e);
	if (code)
		return code;
	float peak = sample_peak(s);
	double factor = peak;
	if (peak > 0)
		code = true_peak_of(s, peak, &factor, e);
	if (!code)
		*ret_dbtp = peak > 0 ? 20 * log10(factor) : -HUGE_VAL;
	return code;
}

int loudness_measure(const struct sound *s, bool true_peak, struct loudness *ret, struct err *e)
{
	int code = check(s, e);
	if (code)
		return code;
	struct loudness out = {.integrated_lufs = -HUGE_VAL, .true_peak_dbtp = -HUGE_VAL};
	CLEANUP(state_release)
	ebur128_state *st = ebur128_init((unsigned)s->channels, (unsigned long)s->rate, EBUR128_MODE_I);
	if (!st)
		abort(); /* memory: as base/alloc */
	int r = feed(st, s, 0, s->frames);
	if (r == EBUR128_SUCCESS)
		r = ebur128_loudness_global(st, &out.integrated_lufs);
	if (r != EBUR128_SUCCESS)
		return err_set(e, ERR_DATA, "libebur128 cannot measure the loudness (error %d)", r);
	code = true_peak ? loudness_true_peak(s, &out.true_peak_dbtp, e) : 0;
	if (!code)
		*ret = out;
	return code;
}

/* --- Step by step --- */

/* ITU-R BS.1770-4, equations 4-7: loudness of an energy, the absolute gate at -70 LUFS, the relative one 10 LU below the mean of what passes that. */
#define OFFSET_LU (-0.691)
#define GATE_LUFS (-70.0)
#define GATE_RELATIVE 0.1

struct loudness_meter {
	ebur128_state *st;
	float *scratch;
	int64_t room; /* samples */
};

int loudness_meter_new(int rate, struct loudness_meter **ret, struct err *e)
{
	struct sound like = {.channels = 1, .rate = rate};
	int code = check(&like, e);
	if (code)
		return code;
	struct loudness_meter *m = xcalloc(1, sizeof *m);
	m->st = ebur128_init(1, (unsigned long)rate, EBUR128_MODE_M);
	if (!m->st)
		abort(); /* memory: as base/alloc */
	m->room = rate;
	m->scratch = xcalloc((size_t)m->room, sizeof *m->scratch);
	*ret = m;
	return 0;
}

void loudness_meter_free(struct loudness_meter **m)
{
	if (!*m)
		return;
	ebur128_destroy(&(*m)->st);
	free((*m)->scratch);
	free(*m);
	*m = NULL;
}

int loudness_meter_step(struct loudness_meter *m, const float *v, int64_t n, int stride, double *ret_energy)
{
	double lufs = 0;
	ASSERT(n <= m->room);
	for (int64_t i = 0; i < n; i++)
		m->scratch[i] = v[i * stride];
	if (ebur128_add_frames_float(m->st, m->scratch, (size_t)n) != EBUR128_SUCCESS ||
		ebur128_loudness_momentary(m->st, &lufs) != EBUR128_SUCCESS)
		return ERR_DATA;
	*ret_energy = isfinite(lufs) ? pow(10, (lufs - OFFSET_LU) / 10) : 0;
	return 0;
}

/** Mean of what is not below `gate`; 0 when nothing is. */
static double mean_over(const double *energies, size_t n, double gate)
{
	double sum = 0;
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (energies[i] < gate)
			continue;
		sum += energies[i];
		count++;
	}
	return count ? sum / (double)count : 0;
}

double loudness_gated(const double *energies, size_t n)
{
	double gate = pow(10, (GATE_LUFS - OFFSET_LU) / 10), rough = mean_over(energies, n, gate);
	if (rough <= 0)
		return -HUGE_VAL;
	return OFFSET_LU + 10 * log10(mean_over(energies, n, fmax(gate, rough * GATE_RELATIVE)));
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
