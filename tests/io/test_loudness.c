/* io/loudness, against known signals and against libebur128 run over the whole. */
#include "base/alloc.h"
#include "io/loudness.h"

#include <ebur128.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PI 3.14159265358979323846

static void tone(struct sound *s, int channels, double hz, double peak, double phase, int64_t frames)
{
	*s = (struct sound){.channels = channels, .rate = 24000};
	sound_resize(s, frames);
	for (int64_t i = 0; i < frames; i++)
		for (int ch = 0; ch < channels; ch++)
			s->samples[i * channels + ch] = (float)(peak * sin(2 * PI * hz * (double)i / 24000 + phase));
}

static void knows_reference_tones(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	struct loudness l;
	struct err e = ERR_INIT;
	/* EBU Tech 3341: 1 kHz at -23 dBFS on both channels is -23 LUFS */
	tone(&s, 2, 1000, pow(10, -23.0 / 20), 0, 24000 * 5);
	assert_int_equal(loudness_measure(&s, true, &l, &e), 0);
	assert_true(fabs(l.integrated_lufs + 23) < 0.1);
	assert_true(fabs(l.true_peak_dbtp + 23) < 0.1);
	/* on one channel it is 3 dB less, wherever the other side is silent */
	for (int64_t i = 0; i < s.frames; i++)
		s.samples[i * 2 + 1] = 0;
	assert_int_equal(loudness_measure(&s, true, &l, &e), 0);
	assert_true(fabs(l.integrated_lufs + 26.01) < 0.1);
}

static void finds_peaks_between_samples(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	struct loudness l;
	struct err e = ERR_INIT;
	tone(&s, 1, 6000, 0.5, PI / 4, 24000); /* samples at ±0.354, the wave reaches 0.5 */
	assert_int_equal(loudness_measure(&s, true, &l, &e), 0);
	assert_true(l.true_peak_dbtp > -6.4 && l.true_peak_dbtp < -5.8);
	assert_int_equal(loudness_measure(&s, false, &l, &e), 0);
	assert_true(isinf(l.true_peak_dbtp)); /* not asked for */
}

static void silence_and_shortness_are_below_the_gate(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	struct loudness l;
	struct err e = ERR_INIT;
	tone(&s, 2, 1000, 0, 0, 24000);
	assert_int_equal(loudness_measure(&s, true, &l, &e), 0);
	assert_true(isinf(l.integrated_lufs) && l.integrated_lufs < 0);
	assert_true(isinf(l.true_peak_dbtp) && l.true_peak_dbtp < 0);
	CLEANUP(sound_release) struct sound shorter = SOUND_INIT;
	tone(&shorter, 1, 1000, 0.5, 0, 24000 * 3 / 10);
	assert_int_equal(loudness_measure(&shorter, true, &l, &e), 0);
	assert_true(isinf(l.integrated_lufs));
	assert_true(l.true_peak_dbtp > -7);
}

static void refuses_what_it_cannot_measure(void **state)
{
	(void)state;
	struct sound s = {.channels = 3, .rate = 24000};
	struct loudness l;
	struct err e = ERR_INIT;
	assert_int_equal(loudness_measure(&s, true, &l, &e), ERR_DATA);
}

/** Signals of several kinds: noise, sparse impulses, bursts that decay, chirps that clip. */
static float sample(int kind, uint32_t x, int64_t i)
{
	double r = (double)(x >> 8) / (1 << 23) - 1;
	switch (kind) {
	case 0:
		return (float)r;
	case 1:
		return (float)(x % 700 == 0 ? r : r * 0.02);
	case 2:
		return (float)(r * exp(-(double)(i % 3000) / 200));
	default:
		return (float)fmax(-0.8, fmin(0.8, 1.1 * sin((double)i * (double)i * 1e-4)));
	}
}

static double whole_peak(const struct sound *s)
{
	static const float silence[128];
	ebur128_state *st =
		ebur128_init((unsigned)s->channels, (unsigned long)s->rate, EBUR128_MODE_TRUE_PEAK | EBUR128_MODE_SAMPLE_PEAK);
	double max = 0, v = 0;
	ebur128_add_frames_float(st, s->samples, (size_t)s->frames);
	ebur128_add_frames_float(st, silence, 64);
	for (int ch = 0; ch < s->channels; ch++) {
		ebur128_true_peak(st, (unsigned)ch, &v);
		max = fmax(max, v);
	}
	ebur128_destroy(&st);
	return 20 * log10(max);
}

/* Only stretches near the peak are measured: that must give what measuring all of it gives, to the bit. */
static void peak_of_stretches_is_the_peak_of_the_whole(void **state)
{
	(void)state;
	static const int rates[] = {24000, 48000, 8000, 96000};
	uint32_t x = 99;
	for (int round = 0; round < 160; round++) {
		CLEANUP(sound_release) struct sound s = {.channels = 1 + round % 2, .rate = rates[round / 4 % 4]};
		struct loudness l;
		struct err e = ERR_INIT;
		sound_resize(&s, round < 8 ? 200000 : 1 + (x >> 8) % 20000); /* long ones: stretches that are cut */
		for (int64_t i = 0; i < s.frames * s.channels; i++)
			s.samples[i] = sample(round % 4, x = x * 1664525u + 1013904223u, i);
		assert_int_equal(loudness_measure(&s, true, &l, &e), 0);
		assert_true(fabs(l.true_peak_dbtp - whole_peak(&s)) < 1e-12);
		double alone = 0;
		assert_int_equal(loudness_true_peak(&s, &alone, &e), 0);
		assert_true(alone == l.true_peak_dbtp);
	}
}

static double whole_loudness(const struct sound *s, int first, int last)
{
	ebur128_state *st = ebur128_init((unsigned)(last - first + 1), (unsigned long)s->rate, EBUR128_MODE_I);
	double lufs = 0;
	for (int64_t i = 0; i < s->frames; i++) /* channels first…last are neighbours */
		ebur128_add_frames_float(st, s->samples + i * s->channels + first, 1);
	ebur128_loudness_global(st, &lufs);
	ebur128_destroy(&st);
	return lufs;
}

/* Speech-like: bursts with silences between them, the sides by turns, levels that differ. */
static void bursts(struct sound *s, int rate, int64_t frames)
{
	uint32_t x = 5;
	*s = (struct sound){.channels = 2, .rate = rate};
	sound_resize(s, frames);
	for (int64_t i = 0; i < frames; i++) {
		int64_t burst = i / (rate * 7 / 5);
		double level = burst % 5 == 4 || i % (rate * 7 / 5) >= rate ? 0 : burst % 3 == 0 ? 0.3 : 0.05;
		x = x * 1664525u + 1013904223u;
		double noise = ((double)(x >> 8) / (1 << 23) - 1) * sin((double)i * 20 / rate);
		/* the low tone ends at its top: the filter rings on into the silence */
		s->samples[i * 2 + burst % 2] = (float)(level * (noise + 2 * cos(2 * PI * 30 * (double)i / rate)));
	}
}

/* One pass over both channels gives what libebur128 gives in three, silence left out or not, in any pieces. */
static void each_channel_and_the_whole_in_one_pass(void **state)
{
	(void)state;
	static const int rates[] = {8000, 16000, 22050, 24000, 48000};
	for (size_t r = 0; r < COUNT_OF(rates); r++) {
		CLEANUP(sound_release) struct sound s = SOUND_INIT;
		bursts(&s, rates[r], (int64_t)rates[r] * 31 + 1234);
		CLEANUP(loudness_meter_free) struct loudness_meter *m = loudness_meter_new(2, s.rate, true);
		CLEANUP(free_ptr) float *left = xcalloc((size_t)s.frames, sizeof *left);
		CLEANUP(free_ptr) float *right = xcalloc((size_t)s.frames, sizeof *right);
		for (int64_t i = 0; i < s.frames; i++) {
			left[i] = s.samples[i * 2];
			right[i] = s.samples[i * 2 + 1];
		}
		struct err e = ERR_INIT;
		uint32_t x = 3;
		for (int64_t at = 0; at < s.frames;) {
			int64_t n = (x = x * 1664525u + 1013904223u) >> 20;
			n = n < s.frames - at ? n : s.frames - at;
			bool silent = true;
			for (int64_t i = at; i < at + n; i++)
				silent &= right[i] == 0;
			const float *planes[2] = {left + at, silent ? NULL : right + at};
			assert_int_equal(loudness_meter_add(m, planes, n, &e), 0);
			at += n;
		}
		struct loudness whole, side[2];
		loudness_meter_end(m, &whole, side);
		assert_true(fabs(whole.integrated_lufs - whole_loudness(&s, 0, 1)) < 1e-6);
		assert_true(fabs(side[0].integrated_lufs - whole_loudness(&s, 0, 0)) < 1e-6);
		assert_true(fabs(side[1].integrated_lufs - whole_loudness(&s, 1, 1)) < 1e-6);
		assert_true(fabs(whole.true_peak_dbtp - whole_peak(&s)) < 1e-12);
		assert_true(fmax(side[0].true_peak_dbtp, side[1].true_peak_dbtp) == whole.true_peak_dbtp);
	}
}

/* Silence that is not written down, between sounds within the same tenth of a second. */
static void silence_may_be_left_out_anywhere(void **state)
{
	(void)state;
	enum { RATE = 16000, FRAMES = RATE * 4, PIECE = 480 };
	static float v[FRAMES];
	for (int i = 0; i < FRAMES; i++)
		v[i] = i / PIECE % 3 == 1 ? 0 : (float)(0.2 * sin((double)i * 0.3));
	struct loudness got[2];
	struct err e = ERR_INIT;
	for (int with = 0; with < 2; with++) {
		CLEANUP(loudness_meter_free) struct loudness_meter *m = loudness_meter_new(1, RATE, true);
		for (int at = 0; at < FRAMES; at += PIECE) {
			int n = FRAMES - at < PIECE ? FRAMES - at : PIECE;
			const float *plane = with || at / PIECE % 3 != 1 ? v + at : NULL;
			assert_int_equal(loudness_meter_add(m, &plane, n, &e), 0);
		}
		loudness_meter_end(m, &got[with], NULL);
	}
	assert_true(got[0].integrated_lufs == got[1].integrated_lufs);
	assert_true(got[0].true_peak_dbtp == got[1].true_peak_dbtp);
}

/* The blocks of two channels, added up and gated, are the loudness of both; those of a part are that of the part. */
static void blocks_add_up_to_the_whole(void **state)
{
	(void)state;
	static const int rates[] = {24000, 48000, 8000, 11025};
	for (size_t k = 0; k < COUNT_OF(rates); k++) {
		CLEANUP(sound_release) struct sound s = {.channels = 2, .rate = rates[k]};
		CLEANUP(free_ptr) double *left = NULL;
		CLEANUP(free_ptr) double *right = NULL;
		CLEANUP(free_ptr) double *both = NULL;
		int64_t unit = loudness_unit(s.rate);
		struct err e = ERR_INIT;
		sound_resize(&s, unit * 95 + 17);
		for (int64_t i = 0; i < s.frames; i++)
			for (int ch = 0; ch < 2; ch++)
				s.samples[2 * i + ch] =
					sample(ch, (uint32_t)(i * 2654435761u), i) * (i / rates[k] % 3 == ch ? 0.3f : 0.01f);
		CLEANUP(loudness_meter_free) struct loudness_meter *m = loudness_meter_new(2, s.rate, false);
		assert_int_equal(loudness_meter_add_sound(m, &s, &e), 0);
		size_t n = loudness_meter_blocks(m, 0, 0, &left);
		assert_int_equal(n, 95 - LOUDNESS_BLOCK_UNITS + 1);
		assert_int_equal(loudness_meter_blocks(m, 1, 1, &right), n);
		assert_int_equal(loudness_meter_blocks(m, 0, 1, &both), n);
		/* a unit of 1102.5 frames is measured by 1102 of 1103 */
		double near = s.rate % 10 ? 1e-4 : 1e-6;
		assert_true(fabs(loudness_gated(both, n) - whole_loudness(&s, 0, 1)) < near);
		assert_true(fabs(loudness_gated(left, n) - whole_loudness(&s, 0, 0)) < near);
		for (size_t i = 0; i < n; i++)
			assert_true(fabs(left[i] + right[i] - both[i]) < 1e-12);
		struct sound part = {.samples = s.samples + 2 * 40 * unit, .frames = 30 * unit, .channels = 2, .rate = s.rate};
		double own = whole_loudness(&part, 0, 1);
		assert_true(
			fabs(loudness_gated(both + 40, 30 - LOUDNESS_BLOCK_UNITS + 1) - own) < 0.02); /* the filter begins anew */
	}
	assert_true(isinf(loudness_gated(NULL, 0)));
}

/* A meter that has not heard 400 ms has no blocks. */
static void too_short_has_no_blocks(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = {.channels = 1, .rate = 8000};
	CLEANUP(loudness_meter_free) struct loudness_meter *m = loudness_meter_new(1, 8000, false);
	CLEANUP(free_ptr) double *blocks = NULL;
	struct err e = ERR_INIT;
	sound_resize(&s, 3199);
	assert_int_equal(loudness_meter_add_sound(m, &s, &e), 0);
	assert_int_equal(loudness_meter_blocks(m, 0, 0, &blocks), 0);
}

static void names_its_version(void **state)
{
	(void)state;
	assert_non_null(strstr(loudness_version(), "libebur128 1."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_reference_tones),
		cmocka_unit_test(finds_peaks_between_samples),
		cmocka_unit_test(silence_and_shortness_are_below_the_gate),
		cmocka_unit_test(refuses_what_it_cannot_measure),
		cmocka_unit_test(peak_of_stretches_is_the_peak_of_the_whole),
		cmocka_unit_test(each_channel_and_the_whole_in_one_pass),
		cmocka_unit_test(silence_may_be_left_out_anywhere),
		cmocka_unit_test(blocks_add_up_to_the_whole),
		cmocka_unit_test(too_short_has_no_blocks),
		cmocka_unit_test(names_its_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
