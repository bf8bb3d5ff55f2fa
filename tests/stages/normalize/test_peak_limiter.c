/* stages/normalize/peak_limiter: no true peak over the ceiling, no step in the gain, nothing touched far from peaks, the same in any block size. */
#include "base/alloc.h"
#include "stages/normalize/peak_limiter.h"

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
#define RATE 24000
#define FRAMES (RATE * 2)

/** libebur128's, over the whole. */
static double true_peak_of(const float *v, int64_t n)
{
	static const float silence[64];
	ebur128_state *st = ebur128_init(1, RATE, EBUR128_MODE_TRUE_PEAK | EBUR128_MODE_SAMPLE_PEAK);
	double peak = 0;
	ebur128_add_frames_float(st, v, (size_t)n);
	ebur128_add_frames_float(st, silence, 64);
	ebur128_true_peak(st, 0, &peak);
	ebur128_destroy(&st);
	return peak;
}

static double limit(const float *from, double ceiling, int64_t block, float *to)
{
	struct peak_limiter l;
	peak_limiter_init(&l, RATE, block);
	float *window = xcalloc((size_t)peak_limiter_window(&l), sizeof *window), *out = xcalloc((size_t)block, sizeof *out);
	for (int64_t at = 0; at < FRAMES; at += block) {
		for (int64_t i = 0; i < peak_limiter_window(&l); i++) {
			int64_t k = at - l.margin + i;
			window[i] = k >= 0 && k < FRAMES ? from[k] : 0;
		}
		peak_limiter_work(&l, window, ceiling, out);
		for (int64_t i = 0; i < block && at + i < FRAMES; i++)
			to[at + i] = out[i];
	}
	double least = l.least;
	free(window);
	free(out);
	peak_limiter_release(&l);
	return least;
}

static void limits_peaks(void **state)
{
	(void)state;
	static float s[FRAMES], out[FRAMES], other[FRAMES];
	for (int64_t i = 0; i < FRAMES; i++)
		s[i] = (float)((i % 9000 < 40 ? 1.6 : 0.2) * (i / 3 % 2 ? 1 : -1));
	s[0] = 2;
	s[FRAMES - 1] = -2;
	assert_true(limit(s, 0.5, 4096, out) < 0.4);
	assert_true(true_peak_of(out, FRAMES) <= 0.5 * 1.002);
	double last = 0;
	for (int64_t i = 0; i < FRAMES; i++) {
		double gain = (double)out[i] / (double)s[i];
		assert_true(gain <= 1 + 1e-6 && gain > 0.15);
		assert_true(i < 200 || i > FRAMES - 200 || fabs(gain - last) < 0.01);
		last = gain;
		if (i % 9000 > 400 && i % 9000 < 8600 && i > 1000 && i < FRAMES - 1000)
			assert_true(out[i] == s[i]);
	}
	limit(s, 0.5, 1000, other);
	assert_memory_equal(out, other, sizeof out);
	assert_true(limit(s, 4, 4096, out) == 1); /* nothing to do */
	assert_memory_equal(out, s, sizeof out);
}

/* Hot signals of high frequencies: their samples are far below their true peak. */
static void limits_what_lies_between_samples(void **state)
{
	(void)state;
	static float s[FRAMES], out[FRAMES];
	for (int part = 3; part <= 11; part++) {
		for (int64_t i = 0; i < FRAMES; i++)
			s[i] = (float)(0.95 * sin(2 * PI * (part / 24.0 * (double)i + 0.125)) *
						   (0.3 + 0.7 * fabs(sin((double)i * 0.001))));
		limit(s, 0.5, 4096, out);
		double peak = true_peak_of(out, FRAMES);
		assert_true(peak <= 0.5 * 1.005); /* the gain moves a little under the filter */
		assert_true(peak > 0.5 * 0.98);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_peaks),
		cmocka_unit_test(limits_what_lies_between_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
