/* stages/normalize/telephone: G.711 against its tables and against libavcodec's decoders, the band, the level of noise. */
#include "base/alloc.h"
#include "stages/normalize/telephone.h"

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

/* Values of ITU-T G.711: ends of segments, and the codes around zero. */
static void knows_the_tables(void **state)
{
	(void)state;
	static const struct {
		int value, a, mu;
	} codes[] = {{0, 0xd5, 0xff}, {-1, 0x55, 0x7f}, {8, 0xd5, 0xfe}, {-8, 0x55, 0x7e}, {1000, 0xfa, 0xce},
		{-1000, 0x7a, 0x4e}, {10000, 0xb6, 0x9c}, {-10000, 0x36, 0x1c}, {32767, 0xaa, 0x80}, {-32768, 0x2a, 0x00}};
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		if (g711_a_code((int16_t)codes[i].value) != codes[i].a || g711_mu_code((int16_t)codes[i].value) != codes[i].mu)
			print_message("%d: %02x %02x\n", codes[i].value, (unsigned)g711_a_code((int16_t)codes[i].value),
				(unsigned)g711_mu_code((int16_t)codes[i].value));
		assert_int_equal(g711_a_code((int16_t)codes[i].value), codes[i].a);
		assert_int_equal(g711_mu_code((int16_t)codes[i].value), codes[i].mu);
	}
	assert_int_equal(g711_a_value(0xd5), 8);
	assert_int_equal(g711_a_value(0x55), -8);
	assert_int_equal(g711_a_value(0xaa), 32256);
	assert_int_equal(g711_a_value(0x2a), -32256);
	assert_int_equal(g711_mu_value(0xff), 0);
	assert_int_equal(g711_mu_value(0x80), 32124);
	assert_int_equal(g711_mu_value(0x00), -32124);
}

static void every_value_goes_to_the_nearest_step(void **state)
{
	(void)state;
	for (int v = -32768; v <= 32767; v++) {
		int a = g711_a_value(g711_a_code((int16_t)v)), mu = g711_mu_value(g711_mu_code((int16_t)v));
		int size = abs(v), step_a = size < 512 ? 16 : size / 16, step_mu = size / 16 + 8;
		assert_true(abs(a - v) <= step_a && abs(mu - v) <= (size > 32124 ? 644 : step_mu));
		assert_true(v == -32768 || g711_a_value(g711_a_code((int16_t)(v - 1))) <= a);
		assert_true(v == -32768 || g711_mu_value(g711_mu_code((int16_t)(v - 1))) <= mu);
	}
	for (int code = 0; code < 256; code++) {
		assert_int_equal(g711_a_code(g711_a_value((uint8_t)code)), code);
		if (code != 0x7f) /* mu-law has two zeros */
			assert_int_equal(g711_mu_code(g711_mu_value((uint8_t)code)), code);
	}
}

static void put(struct buf *b, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> (8 * i) & 255));
}

/* A WAV file of all codes, of format 6 (A-law) or 7 (mu-law), through FFmpeg. */
static void agrees_with_libavcodec(void **state)
{
	(void)state;
	for (uint32_t format = 6; format <= 7; format++) {
		CLEANUP(buf_release) struct buf wav = BUF_INIT;
		CLEANUP(sound_release) struct sound s = SOUND_INIT;
		struct err e = ERR_INIT;
		buf_puts(&wav, "RIFF");
		put(&wav, 38 + 512 + 8, 4);
		buf_puts(&wav, "WAVEfmt ");
		put(&wav, 18, 4);
		put(&wav, format, 2);
		put(&wav, 1, 2);
		put(&wav, 8000, 4);
		put(&wav, 8000, 4);
		put(&wav, 1, 2);
		put(&wav, 8, 2);
		put(&wav, 0, 2);
		buf_puts(&wav, "data");
		put(&wav, 512, 4);
		for (uint32_t i = 0; i < 512; i++)
			put(&wav, i & 255, 1);
		assert_int_equal(av_decode(buf_view(&wav), &s, &e), 0);
		assert_int_equal(s.frames, 512);
		for (int i = 0; i < 256; i++) {
			int want = format == 6 ? g711_a_value((uint8_t)i) : g711_mu_value((uint8_t)i);
			assert_int_equal((int)((double)s.samples[i] * 32768), want);
		}
	}
}

static double gain_at(double hz, int rate)
{
	struct band b;
	double in = 0, out = 0;
	band_init(&b, rate);
	for (int i = 0; i < rate; i++) {
		double v = sin(2 * PI * hz * i / rate);
		double y = (double)band_next(&b, (float)v);
		in += i > rate / 4 ? v * v : 0;
		out += i > rate / 4 ? y * y : 0;
	}
	return 10 * log10(out / in);
}

static void lets_the_band_through(void **state)
{
	(void)state;
	static const int rates[] = {8000, 16000, 24000, 48000};
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		assert_true(gain_at(50, rates[i]) < -55 && gain_at(150, rates[i]) < -22);
		assert_true(fabs(gain_at(300, rates[i]) + 3) < 0.2 && fabs(gain_at(3400, rates[i]) + 3) < 0.2); /* its corners */
		assert_true(fabs(gain_at(600, rates[i])) < 0.2 && fabs(gain_at(1000, rates[i])) < 0.2 &&
					fabs(gain_at(2500, rates[i])) < 0.5);
		if (rates[i] > 8000)
			assert_true(gain_at(7000, rates[i]) < -23);
	}
}

static double level(const float *v, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];
	return 10 * log10(sum / (double)n);
}

static void tone_of(struct sound *s, int rate, double hz, double peak)
{
	*s = (struct sound){.channels = 1, .rate = rate};
	sound_resize(s, rate * 2);
	for (int64_t i = 0; i < s->frames; i++)
		s->samples[i] = (float)(peak * sin(2 * PI * hz * (double)i / rate));
}

static void tone(struct sound *s, int rate, double peak)
{
	tone_of(s, rate, 1000, peak);
}

/** What is left of a 1 kHz tone at `rate` when the tone itself is taken out, below it in dB. */
static double residue(const struct sound *s)
{
	double a = 0, b = 0, all = 0;
	int64_t from = s->rate / 10, n = s->rate; /* whole periods */
	for (int64_t i = from; i < from + n; i++) {
		double v = (double)s->samples[i], w = 2 * PI * 1000 * (double)i / s->rate;
		a += v * sin(w) * 2 / (double)n;
		b += v * cos(w) * 2 / (double)n;
		all += v * v / (double)n;
	}
	double power = (a * a + b * b) / 2;
	return 10 * log10(power / (all - power));
}

static void noise_is_as_far_below_as_asked(void **state)
{
	(void)state;
	static const enum line kinds[] = {LINE_A_LAW, LINE_MU_LAW};
	for (size_t k = 0; k < COUNT_OF(kinds); k++)
		for (int step = 0; step < 3; step++) {
			static const double asked[] = {0, 25, 15};
			CLEANUP(sound_release) struct sound in = SOUND_INIT;
			CLEANUP(sound_release) struct sound out = SOUND_INIT;
			struct telephone_line line = {.kind = kinds[k], .noise_db = asked[step]};
			struct err e = ERR_INIT;
			draw_init(&line.noise, 1, STR("a"), "noise");
			tone(&in, 24000, step == 1 ? 0.9 : 0.01); /* the level that comes does not matter */
			assert_int_equal(telephone(&in, &line, 24000, &out, &e), 0);
			assert_int_equal(out.rate, 24000);
			assert_true(llabs(out.frames - 48000) <= 3);
			double snr = residue(&out), peak = step == 1 ? 0.9 : 0.01;
			assert_true(fabs(level(out.samples + 2400, 24000) - 20 * log10(peak) + 3.01) < 0.5);
			if (step == 0)
				assert_true(snr > 33 && snr < 45); /* G.711's own */
			else
				assert_true(fabs(snr - asked[step]) < 1);
		}
}

/** Level of a tone behind the line, above what went in. */
static double through_line(double hz, double peak)
{
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(sound_release) struct sound out = SOUND_INIT;
	struct telephone_line line = {.kind = LINE_A_LAW};
	struct err e = ERR_INIT;
	tone_of(&in, 24000, hz, peak);
	double had = level(in.samples + 2400, 24000);
	assert_int_equal(telephone(&in, &line, 24000, &out, &e), 0);
	return level(out.samples + 2400, 24000) - had;
}

static void a_voice_goes_through_the_band(void **state)
{
	(void)state;
	assert_true(through_line(60, 0.5) < -45 && through_line(100, 0.5) < -30);
	assert_true(fabs(through_line(1000, 0.5)) < 0.5 && fabs(through_line(3000, 0.5)) < 0.5);
	assert_true(through_line(5000, 0.5) < -50); /* beyond 8000 Hz of samples */
}

/* Behind the voice nothing follows: mu-law has a code for nothing, A-law has not, and hums one step beside it. */
static void each_line_has_its_law(void **state)
{
	(void)state;
	for (int kind = LINE_A_LAW; kind <= LINE_MU_LAW; kind++) {
		CLEANUP(sound_release) struct sound in = SOUND_INIT;
		CLEANUP(sound_release) struct sound out = SOUND_INIT;
		struct telephone_line line = {.kind = (enum line)kind};
		struct err e = ERR_INIT;
		int64_t nothing = 0;
		tone(&in, 8000, 0.5);
		for (int64_t i = 8000; i < in.frames; i++)
			in.samples[i] = 0;
		assert_int_equal(telephone(&in, &line, 8000, &out, &e), 0);
		for (int64_t i = 0; i < out.frames; i++)
			nothing += out.samples[i] == 0;
		assert_true(kind == LINE_A_LAW ? nothing == 0 : nothing > 7000);
	}
}

static void same_draw_same_noise(void **state)
{
	(void)state;
	static float one[24000], two[24000];
	for (int round = 0; round < 3; round++) {
		struct comfort c;
		struct draw d;
		draw_init(&d, round == 2 ? 2 : 1, STR("a"), "noise");
		comfort_init(&c, d, 24000, -60);
		float *to = round ? two : one;
		for (int i = 0; i < 24000; i++)
			to[i] = comfort_next(&c);
		assert_true(fabs(level(to, 24000) + 60) < 1);
		if (round)
			assert_true((memcmp(one, two, sizeof one) == 0) == (round == 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_tables),
		cmocka_unit_test(every_value_goes_to_the_nearest_step),
		cmocka_unit_test(agrees_with_libavcodec),
		cmocka_unit_test(lets_the_band_through),
		cmocka_unit_test(a_voice_goes_through_the_band),
		cmocka_unit_test(each_line_has_its_law),
		cmocka_unit_test(noise_is_as_far_below_as_asked),
		cmocka_unit_test(same_draw_same_noise),
	};
	av_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
