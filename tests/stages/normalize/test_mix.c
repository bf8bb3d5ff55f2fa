/* stages/normalize/mix. */
#include "base/alloc.h"
#include "io/loudness.h"
#include "stages/normalize/mix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RATE 24000

static struct sound tone(double peak, int64_t silent, int64_t frames)
{
	struct sound s = {.channels = 1, .rate = RATE};
	sound_resize(&s, frames + 2 * silent);
	for (int64_t i = 0; i < frames; i++)
		s.samples[silent + i] = (float)(peak * sin(0.2 * (double)i));
	return s;
}

static void makes_mono(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = {.channels = 2, .rate = RATE};
	sound_resize(&s, 3);
	for (int i = 0; i < 6; i++)
		s.samples[i] = (float)i;
	mix_mono(&s);
	assert_int_equal(s.channels, 1);
	assert_true(s.samples[0] == 0.5f && s.samples[1] == 2.5f && s.samples[2] == 4.5f);
}

static void trims_both_ends(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = tone(0.5, 10000, 24000);
	s.samples[5000] = 0.001f; /* 54 dB below the peak: still silence */
	assert_true(mix_trim(&s, 45));
	assert_in_range(s.frames, 24000 + 200, 24000 + 1200 + 10); /* 10 ms before, 40 ms after */
	CLEANUP(sound_release) struct sound same = tone(0.5, 0, 24000);
	assert_true(mix_trim(&same, 45));
	assert_in_range(same.frames, 23990, 24000);
	CLEANUP(sound_release) struct sound silent = tone(0, 10, 24000);
	assert_false(mix_trim(&silent, 45));
}

static void places_sides_on_channels(void **state)
{
	(void)state;
	struct mix_turn turns[2] = {{.sound = tone(0.5, 0, 1000), .side = MIX_LEFT, .start = 100},
		{.sound = tone(0.5, 0, 500), .side = MIX_RIGHT, .start = 1500}};
	const double gain[MIX_SIDES] = {2, 0.5};
	CLEANUP(sound_release) struct sound out = SOUND_INIT;
	mix_place(turns, 2, gain, 2500, &out);
	assert_int_equal(out.channels, 2);
	assert_int_equal(out.frames, 2500);
	for (int64_t i = 0; i < 2500; i++) {
		double left = i >= 100 && i < 1100 ? sin(0.2 * (double)(i - 100)) : 0;
		double right = i >= 1500 && i < 2000 ? 0.25 * sin(0.2 * (double)(i - 1500)) : 0;
		assert_true(fabs(out.samples[i * 2] - left) < 1e-6 && fabs(out.samples[i * 2 + 1] - right) < 1e-6);
	}
	assert_null(turns[0].sound.samples); /* handed on */
	assert_true(fabs(mix_peak(&out) - 1) < 0.01);
}

static void measures_a_side(void **state)
{
	(void)state;
	struct mix_turn turns[3] = {{.sound = tone(0.1, 0, RATE * 2), .side = MIX_LEFT},
		{.sound = tone(0.5, 0, RATE), .side = MIX_RIGHT}, {.sound = tone(0.1, 0, RATE * 2), .side = MIX_LEFT}};
	double left = 0, right = 0, none = 0;
	struct err e = ERR_INIT;
	assert_int_equal(mix_side_loudness(turns, 3, MIX_LEFT, &left, &e), 0);
	assert_int_equal(mix_side_loudness(turns, 3, MIX_RIGHT, &right, &e), 0);
	assert_int_equal(mix_side_loudness(turns, 1, MIX_RIGHT, &none, &e), 0);
	assert_true(fabs(right - left - mix_db(5)) < 0.6);
	assert_true(isinf(none));
	/* a word of 0.2 s is under the gate's 0.4 s, but its block with the silence after it counts */
	struct mix_turn word = {.sound = tone(0.5, 0, RATE / 5), .side = MIX_LEFT};
	assert_int_equal(mix_side_loudness(&word, 1, MIX_LEFT, &left, &e), 0);
	assert_true(isfinite(left));
	for (int i = 0; i < 3; i++)
		sound_release(&turns[i].sound);
	sound_release(&word.sound);
}

/* No sample over the ceiling, no step in the gain, nothing touched far from peaks. */
static void limits_peaks(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = {.channels = 2, .rate = RATE};
	CLEANUP(sound_release) struct sound before = {.channels = 2, .rate = RATE};
	int64_t n = RATE * 2;
	sound_resize(&s, n);
	sound_resize(&before, n);
	for (int64_t i = 0; i < n; i++) {
		double loud = i % 9000 < 40 ? 1.6 : 0.3;
		s.samples[i * 2] = (float)(loud * (i % 2 ? 1 : -1));
		s.samples[i * 2 + 1] = 0.25f;
	}
	s.samples[0] = 2;
	s.samples[n * 2 - 2] = -2;
	memcpy(before.samples, s.samples, (size_t)n * 2 * sizeof(float));
	mix_limit(&s, 0.5);
	assert_true(mix_peak(&s) <= 0.5 && mix_peak(&s) > 0.499);
	double last = 0;
	for (int64_t i = 0; i < n; i++) {
		double gain = s.samples[i * 2 + 1] / 0.25; /* both channels sink together */
		assert_true(gain <= 1 + 1e-6 && gain > 0.2);
		assert_true(i == 0 || fabs(gain - last) < 0.01);
		last = gain;
		if (i % 9000 > 400 && i % 9000 < 8600 && i > 1000 && i < n - 1000)
			assert_true(s.samples[i * 2] == before.samples[i * 2]);
	}
	memcpy(s.samples, before.samples, (size_t)n * 2 * sizeof(float));
	mix_limit(&s, 2.5); /* nothing to do */
	assert_memory_equal(s.samples, before.samples, (size_t)n * 2 * sizeof(float));
	struct sound one = {.channels = 1, .rate = RATE};
	sound_resize(&one, 1);
	one.samples[0] = -3;
	mix_limit(&one, 0.5);
	assert_true(fabsf(one.samples[0] + 0.5f) < 1e-6f);
	sound_release(&one);
}

static void decibels(void **state)
{
	(void)state;
	assert_true(fabs(mix_db(10) - 20) < 1e-12 && fabs(mix_factor(-20) - 0.1) < 1e-12 && isinf(mix_db(0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_mono),
		cmocka_unit_test(trims_both_ends),
		cmocka_unit_test(places_sides_on_channels),
		cmocka_unit_test(measures_a_side),
		cmocka_unit_test(limits_peaks),
		cmocka_unit_test(decibels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
