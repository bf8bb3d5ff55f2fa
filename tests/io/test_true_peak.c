/* io/true_peak, against libebur128's true peak over the whole: hot signals of high frequencies, noise, impulses, and any way of cutting them in pieces. */
#include "base/alloc.h"
#include "io/true_peak.h"

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
#define FRAMES 30000

static double reference(const float *v, size_t n, int rate)
{
	static const float silence[64];
	ebur128_state *st = ebur128_init(1, (unsigned long)rate, EBUR128_MODE_TRUE_PEAK | EBUR128_MODE_SAMPLE_PEAK);
	double peak = 0;
	ebur128_add_frames_float(st, v, n);
	ebur128_add_frames_float(st, silence, 64);
	ebur128_true_peak(st, 0, &peak);
	ebur128_destroy(&st);
	return peak;
}

static double measured(const float *v, size_t n, int rate, uint32_t cut)
{
	struct true_peak t;
	true_peak_init(&t, rate);
	for (size_t at = 0; at < n;) {
		size_t piece = cut ? 1 + (cut >> 8) % 777 : n;
		piece = piece < n - at ? piece : n - at;
		true_peak_add(&t, v + at, (int64_t)piece);
		at += piece;
		cut = cut * 1664525u + 1013904223u;
	}
	return true_peak_end(&t);
}

static void hot_high_tones(void **state)
{
	(void)state;
	static const int rates[] = {8000, 16000, 24000, 48000, 96000, 192000};
	static float v[FRAMES];
	for (size_t r = 0; r < COUNT_OF(rates); r++)
		for (int part = 3; part <= 11; part++) { /* of 24ths of the sample rate: up to 0.46 */
			double hz = rates[r] * part / 24.0 + 7, top = 0;
			for (int i = 0; i < FRAMES; i++)
				v[i] = (float)(0.97 * sin(2 * PI * hz * i / rates[r] + part));
			double got = measured(v, FRAMES, rates[r], 0);
			assert_true(fabs(got - reference(v, FRAMES, rates[r])) < 1e-6);
			for (int i = 0; i < FRAMES; i++)
				top = fmax(top, fabs((double)v[i]));
			assert_true(got >= top);
			/* the wave's own top, as far as four times oversampling sees it (BS.1770-4 annex 2: 0.69 dB at 0.45 of the rate); the filter's ends ring */
			if (rates[r] < 96000)
				assert_true(got > 0.97 * 0.92 && got < 0.97 * 1.25);
		}
}

/* A tone at a quarter of the rate, caught 45 degrees beside its tops: its samples say 3 dB too little. */
static void between_samples(void **state)
{
	(void)state;
	static float v[FRAMES];
	for (int i = 0; i < FRAMES; i++)
		v[i] = (float)(0.7 * sin(PI / 2 * i + PI / 4) * fmin(1, i / 5000.0));
	double got = measured(v, FRAMES, 24000, 0);
	assert_true(got > 0.69 && got < 0.76);
}

static void any_signal_in_any_pieces(void **state)
{
	(void)state;
	static const int rates[] = {24000, 48000, 8000, 96000};
	static float v[FRAMES];
	uint32_t x = 4711;
	for (int round = 0; round < 80; round++) {
		size_t n = 1 + (x >> 8) % FRAMES;
		for (size_t i = 0; i < n; i++) {
			x = x * 1664525u + 1013904223u;
			double r = (double)(x >> 8) / (1 << 23) - 1;
			v[i] = (float)(round % 4 == 0   ? r
						   : round % 4 == 1 ? (x % 700 == 0 ? r : r * 0.02)
						   : round % 4 == 2 ? r * exp(-(double)(i % 3000) / 200)
											: fmax(-0.8, fmin(0.8, 1.1 * sin((double)i * (double)i * 1e-4))));
		}
		int rate = rates[round / 4 % 4];
		double want = reference(v, n, rate);
		assert_true(fabs(measured(v, n, rate, 0) - want) < 1e-12);
		assert_true(fabs(measured(v, n, rate, x) - want) < 1e-12);
	}
}

static void bound_of_the_filter_holds(void **state)
{
	(void)state;
	static const int rates[] = {24000, 96000, 192000};
	for (size_t r = 0; r < COUNT_OF(rates); r++) {
		struct true_peak_filter f;
		true_peak_filter_init(&f, rates[r]);
		for (int k = 0; k < f.factor; k++) {
			double sum = 0;
			for (int i = 0; i < f.taps; i++)
				sum += fabs(f.weight[i][k]);
			assert_true(sum <= (double)f.gain);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hot_high_tones),
		cmocka_unit_test(between_samples),
		cmocka_unit_test(any_signal_in_any_pieces),
		cmocka_unit_test(bound_of_the_filter_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
