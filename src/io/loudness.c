/* Loudness by libebur128.
 *
 * Its filter runs over each channel alone; what it gives are the mean squares of stretches of 100 ms, the *units*. From them the integrated loudness is
 * formed here, as BS.1770-4 says: blocks of 400 ms, one each 100 ms, the sum over the channels, gates at -70 LUFS and 10 LU below the mean of what is left.
 * So one pass gives each channel's loudness and that of the whole, which libebur128 would need three for; tests/io/test_loudness.c holds the results against
 * its own. A unit of silence behind one of silence is not filtered at all: the filter's memory (38 Hz) has sunk by 200 dB by then. On a telephone call
 * of two channels that is half of the work. */
#include "io/loudness.h"

#include "base/alloc.h"
#include "io/true_peak.h"

#include <ebur128.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_MS 100
#define GATE_LUFS (-70.0)
#define GATE_RELATIVE 0.1 /* -10 LU */
#define SILENT 1e-7f      /* -140 dB of full scale */
#define PIECE 4096

/* What a channel is measured by. */
struct track {
	ebur128_state *st;
	struct true_peak peak;
	float *unit;    /* the samples of the unit that is being filled; NULL while all of it is silence */
	float *room;    /* its memory */
	bool was_quiet; /* the unit before was silent */
	double *energy; /* of each full unit */
};

struct loudness_meter {
	int channels, rate;
	bool true_peak;
	int64_t unit_frames, filled;
	size_t units, cap;
	struct track track[LOUDNESS_CHANNELS];
};

static double energy_of(double lufs)
{
	return isfinite(lufs) ? pow(10, (lufs + 0.691) / 10) : 0;
}

static double lufs_of(double energy)
{
	return 10 * log10(energy) - 0.691;
}

int64_t loudness_unit(int rate)
{
	return ((int64_t)rate + 5) / 10; /* as libebur128 */
}

struct loudness_meter *loudness_meter_new(int channels, int rate, bool true_peak)
{
	struct loudness_meter *m = xcalloc(1, sizeof *m);
	m->channels = channels;
	m->rate = rate;
	m->true_peak = true_peak;
	m->unit_frames = loudness_unit(rate);
	for (int ch = 0; ch < channels; ch++) {
		struct track *t = &m->track[ch];
		t->st = ebur128_init(1, (unsigned long)rate, EBUR128_MODE_M);
		if (!t->st)
			abort(); /* memory: as base/alloc */
		t->room = xcalloc((size_t)m->unit_frames, sizeof *t->room);
		t->was_quiet = true;
		true_peak_init(&t->peak, rate);
	}
	return m;
}

void loudness_meter_free(struct loudness_meter **p)
{
	struct loudness_meter *m = *p;
	for (int ch = 0; m && ch < m->channels; ch++) {
		ebur128_destroy(&m->track[ch].st);
		free(m->track[ch].room);
		free(m->track[ch].energy);
	}
	free(m);
	*p = NULL;
}

/** A unit is full: its mean square behind the filter. */
static int measure_unit(struct loudness_meter *m, struct track *t, struct err *e)
{
	bool quiet = !t->unit || true_peak_samples(t->unit, m->unit_frames) < SILENT;
	double lufs = -HUGE_VAL;
	if (!t->unit)
		memset(t->room, 0, (size_t)m->unit_frames * sizeof *t->room);
	if (!quiet || !t->was_quiet) {
		int r = ebur128_add_frames_float(t->st, t->room, (size_t)m->unit_frames);
		if (r == EBUR128_SUCCESS)
			r = ebur128_loudness_window(t->st, UNIT_MS, &lufs);
		if (r != EBUR128_SUCCESS)
			return err_set(e, ERR_DATA, "libebur128 cannot measure the loudness (error %d)", r);
	}
	if (m->true_peak && !(quiet && t->was_quiet))
		true_peak_add(&t->peak, t->room, m->unit_frames);
	t->energy[m->units] = energy_of(lufs);
	t->was_quiet = quiet;
	t->unit = NULL;
	return 0;
}

static int end_unit(struct loudness_meter *m, struct err *e)
{
	if (m->units == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		for (int ch = 0; ch < m->channels; ch++)
			m->track[ch].energy = xreallocarray(m->track[ch].energy, m->cap, sizeof(double));
	}
	for (int ch = 0; ch < m->channels; ch++) {
		int code = measure_unit(m, &m->track[ch], e);
		if (code)
			return code;
	}
	m->units++;
	m->filled = 0;
	return 0;
}

int loudness_meter_add(struct loudness_meter *m, const float *const *planes, int64_t frames, struct err *e)
{
	for (int64_t at = 0; at < frames;) {
		int64_t n = m->unit_frames - m->filled < frames - at ? m->unit_frames - m->filled : frames - at;
		for (int ch = 0; ch < m->channels; ch++) {
			struct track *t = &m->track[ch];
			if (planes[ch] && !t->unit) {
				t->unit = t->room;
				memset(t->unit, 0, (size_t)m->filled * sizeof *t->unit);
			}
			if (planes[ch])
				memcpy(t->unit + m->filled, planes[ch] + at, (size_t)n * sizeof *t->unit);
			else if (t->unit)
				memset(t->unit + m->filled, 0, (size_t)n * sizeof *t->unit);
		}
		at += n;
		m->filled += n;
		int code = m->filled == m->unit_frames ? end_unit(m, e) : 0;
		if (code)
			return code;
	}
	return 0;
}

/** Mean square of the block that begins at `unit`, over the channels first…last. */
static double block_energy(const struct loudness_meter *m, size_t unit, int first, int last)
{
	double sum = 0;
	for (int ch = first; ch <= last; ch++)
		for (size_t i = 0; i < LOUDNESS_BLOCK_UNITS; i++)
			sum += m->track[ch].energy[unit + i];
	return sum / LOUDNESS_BLOCK_UNITS;
}

size_t loudness_meter_blocks(const struct loudness_meter *m, int first, int last, double **ret)
{
	size_t n = m->units < LOUDNESS_BLOCK_UNITS ? 0 : m->units - LOUDNESS_BLOCK_UNITS + 1;
	double *blocks = xcalloc(n + 1, sizeof *blocks);
	for (size_t u = 0; u < n; u++)
		blocks[u] = block_energy(m, u, first, last);
	*ret = blocks;
	return n;
}

/** Mean of the blocks at or over `gate`; 0 when there are none. */
static double mean_over(const double *blocks, size_t n, double gate)
{
	double sum = 0;
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (blocks[i] < gate)
			continue;
		sum += blocks[i];
		count++;
	}
	return count ? sum / (double)count : 0;
}

double loudness_gated(const double *blocks, size_t n)
{
	double gate = energy_of(GATE_LUFS), mean = mean_over(blocks, n, gate);
	if (mean <= 0)
		return -HUGE_VAL;
	double relative = mean * GATE_RELATIVE;
	return lufs_of(mean_over(blocks, n, relative > gate ? relative : gate));
}

static double integrated(const struct loudness_meter *m, int first, int last)
{
	CLEANUP(free_ptr) double *blocks = NULL;
	size_t n = loudness_meter_blocks(m, first, last, &blocks);
	return loudness_gated(blocks, n);
}

static double decibels(double peak)
{
	return peak > 0 ? 20 * log10(peak) : -HUGE_VAL;
}

void loudness_meter_end(struct loudness_meter *m, struct loudness *ret_whole, struct loudness *ret_channel)
{
	double top = 0;
	for (int ch = 0; ch < m->channels; ch++) {
		struct track *t = &m->track[ch];
		if (m->true_peak && t->unit)
			true_peak_add(&t->peak, t->unit, m->filled);
		double peak = m->true_peak ? true_peak_end(&t->peak) : 0;
		top = peak > top ? peak : top;
		if (ret_channel)
			ret_channel[ch] =
				(struct loudness){.integrated_lufs = integrated(m, ch, ch), .true_peak_dbtp = decibels(peak)};
	}
	*ret_whole = (struct loudness){.integrated_lufs = integrated(m, 0, m->channels - 1), .true_peak_dbtp = decibels(top)};
}

static int check(const struct sound *s, struct err *e)
{
	if (s->frames < 0 || s->channels < 1 || s->channels > LOUDNESS_CHANNELS || s->rate < 100 || s->rate > 2822400)
		return err_set(e, ERR_DATA, "loudness of %d channels at %d Hz cannot be measured", s->channels, s->rate);
	return 0;
}

/** A channel of frames at…at + n: of a sound of one channel its own samples, else copied to `scratch`. */
static const float *plane_of(const struct sound *s, int ch, int64_t at, int64_t n, float *scratch)
{
	const float *from = s->samples + at * s->channels;
	if (s->channels == 1)
		return from;
	for (int64_t i = 0; i < n; i++)
		scratch[i] = from[i * s->channels + ch];
	return scratch;
}

int loudness_meter_add_sound(struct loudness_meter *m, const struct sound *s, struct err *e)
{
	float scratch[LOUDNESS_CHANNELS][PIECE];
	for (int64_t at = 0; at < s->frames; at += PIECE) {
		int64_t n = s->frames - at < PIECE ? s->frames - at : PIECE;
		const float *planes[LOUDNESS_CHANNELS] = {NULL};
		for (int ch = 0; ch < s->channels; ch++)
			planes[ch] = plane_of(s, ch, at, n, scratch[ch]);
		int code = loudness_meter_add(m, planes, n, e);
		if (code)
			return code;
	}
	return 0;
}

int loudness_measure(const struct sound *s, bool true_peak, struct loudness *ret, struct err *e)
{
	int code = check(s, e);
	if (code)
		return code;
	CLEANUP(loudness_meter_free) struct loudness_meter *m = loudness_meter_new(s->channels, s->rate, true_peak);
	code = loudness_meter_add_sound(m, s, e);
	if (!code)
		loudness_meter_end(m, ret, NULL);
	return code;
}

int loudness_true_peak(const struct sound *s, double *ret_dbtp, struct err *e)
{
	int code = check(s, e);
	if (code)
		return code;
	double top = 0;
	float scratch[PIECE];
	for (int ch = 0; ch < s->channels; ch++) {
		struct true_peak t;
		true_peak_init(&t, s->rate);
		for (int64_t at = 0; at < s->frames; at += PIECE) {
			int64_t n = s->frames - at < PIECE ? s->frames - at : PIECE;
			true_peak_add(&t, plane_of(s, ch, at, n, scratch), n);
		}
		double peak = true_peak_end(&t);
		top = peak > top ? peak : top;
	}
	*ret_dbtp = decibels(top);
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
