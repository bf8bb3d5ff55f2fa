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
	}
}

/* The steps of two channels, added up and gated, are the loudness of both. */
static void steps_add_up_to_the_whole(void **state)
{
	(void)state;
	static const int rates[] = {24000, 48000, 8000};
	for (size_t k = 0; k < COUNT_OF(rates); k++) {
		CLEANUP(sound_release) struct sound s = {.channels = 2, .rate = rates[k]};
		double energies[95] = {0};
		struct loudness whole;
		struct err e = ERR_INIT;
		sound_resize(&s, rates[k] * 95 / 10);
		for (int64_t i = 0; i < s.frames; i++)
			for (int ch = 0; ch < 2; ch++)
				s.samples[2 * i + ch] =
					sample(ch, (uint32_t)(i * 2654435761u), i) * (i / rates[k] % 3 == ch ? 0.3f : 0.01f);
		assert_int_equal(loudness_measure(&s, false, &whole, &e), 0);
		for (int ch = 0; ch < 2; ch++) {
			CLEANUP(loudness_meter_free) struct loudness_meter *m = NULL;
			assert_int_equal(loudness_meter_new(s.rate, &m, &e), 0);
			for (int64_t u = 0; u < 95; u++) {
				double energy = 0;
				assert_int_equal(
					loudness_meter_step(m, s.samples + u * s.rate / 10 * 2 + ch, s.rate / 10, 2, &energy), 0);
				energies[u] += u < 3 ? 0 : energy; /* the first blocks are not whole */
			}
		}
		if (fabs(loudness_gated(energies, 95) - whole.integrated_lufs) > 1e-3)
			print_message("%d Hz: %f, %f\n", s.rate, loudness_gated(energies, 95), whole.integrated_lufs);
		assert_true(fabs(loudness_gated(energies, 95) - whole.integrated_lufs) <= 1e-3);
	}
	assert_true(isinf(loudness_gated(NULL, 0)));
	struct loudness_meter *none = NULL;
	struct err e = ERR_INIT;
	assert_int_equal(loudness_meter_new(0, &none, &e), ERR_DATA);
	assert_null(none);
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
		cmocka_unit_test(steps_add_up_to_the_whole),
		cmocka_unit_test(names_its_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
