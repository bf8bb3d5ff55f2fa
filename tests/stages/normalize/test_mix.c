/* stages/normalize/mix. */
#include "base/alloc.h"
#include "io/true_peak.h"
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

static void takes_the_offset_away(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = tone(0.5, 100, 24000);
	for (int64_t i = 0; i < s.frames; i++)
		s.samples[i] += 0.25f;
	mix_center(&s);
	double sum = 0;
	for (int64_t i = 0; i < s.frames; i++)
		sum += (double)s.samples[i];
	assert_true(fabs(sum / (double)s.frames) < 1e-6);
	assert_true(fabs((double)true_peak_samples(s.samples, s.frames) - 0.5) < 0.01);
}

static void trims_both_ends(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = tone(0.5, 10000, 24000);
	s.samples[5000] = 0.001f; /* 54 dB below the peak: still silence */
	assert_true(mix_trim(&s, 45, 10, 40));
	assert_in_range(s.frames, 24000 + 200, 24000 + 1200 + 10); /* 10 ms before, 40 ms after */
	CLEANUP(sound_release) struct sound wide = tone(0.5, 10000, 24000);
	assert_true(mix_trim(&wide, 45, 100, 0));
	assert_in_range(wide.frames, 24000 + 2390, 24000 + 2400);
	CLEANUP(sound_release) struct sound same = tone(0.5, 0, 24000);
	assert_true(mix_trim(&same, 45, 10, 40));
	assert_in_range(same.frames, 23990, 24000);
	CLEANUP(sound_release) struct sound silent = tone(0, 10, 24000);
	assert_false(mix_trim(&silent, 45, 10, 40));
}

static void fades_both_ends(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = tone(0.5, 0, 24000);
	CLEANUP(sound_release) struct sound was = tone(0.5, 0, 24000);
	for (int64_t i = 0; i < s.frames; i++)
		s.samples[i] = was.samples[i] = 0.5f;
	mix_fade(&s);
	assert_true(s.samples[0] < 0.01f && s.samples[s.frames - 1] < 0.01f);
	for (int64_t i = 1; i < 72; i++) /* 3 ms, no step larger than what a straight line takes */
		assert_true(s.samples[i] > s.samples[i - 1] && s.samples[i] - s.samples[i - 1] < 0.5f / 70);
	assert_memory_equal(s.samples + 72, was.samples + 72, (size_t)(s.frames - 144) * sizeof(float));
	s.frames = 3; /* shorter than both fades */
	mix_fade(&s);
	s.frames = was.frames;
}

static void decibels(void **state)
{
	(void)state;
	assert_true(fabs(mix_factor(-20) - 0.1) < 1e-12 && mix_factor(0) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_offset_away),
		cmocka_unit_test(trims_both_ends),
		cmocka_unit_test(fades_both_ends),
		cmocka_unit_test(decibels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
