/* stages/qa/voice: activity and pitch of generated signals. */
#include "base/alloc.h"
#include "base/draw.h"
#include "stages/qa/voice.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TURN 6.283185307179586

enum shape { SINE, SAW, PULSES, MISSING_FUNDAMENTAL };

struct signal {
	float *v;
	int64_t n;
	int rate;
};

static void signal_release(struct signal *s)
{
	free(s->v);
}

static struct signal silence(int rate, int64_t ms)
{
	struct signal s = {.n = ms * rate / 1000, .rate = rate};
	s.v = xcalloc((size_t)s.n + 1, sizeof *s.v);
	return s;
}

static double wave(enum shape shape, double phase)
{
	double sum = 0;
	switch (shape) {
	case SINE:
		return sin(TURN * phase);
	case SAW: /* of ten harmonics, so that nothing lies over half the rate */
		for (int h = 1; h <= 10; h++)
			sum += sin(TURN * phase * h) / h;
		return sum / 2;
	case PULSES: /* equal harmonics */
		for (int h = 1; h <= 7; h++)
			sum += cos(TURN * phase * h);
		return sum / 7;
	default:
		for (int h = 2; h <= 6; h++)
			sum += sin(TURN * phase * h) / h;
		return sum;
	}
}

static void add_tone(struct signal *s, enum shape shape, double hz, double level, const int64_t span_ms[2])
{
	for (int64_t i = span_ms[0] * s->rate / 1000; i < span_ms[1] * s->rate / 1000 && i < s->n; i++)
		s->v[i] += (float)(level * wave(shape, fmod(hz * (double)i / s->rate, 1)));
}

static void add_noise(struct signal *s, double level)
{
	struct draw d;
	draw_init(&d, 3, STR("noise"), "test");
	for (int64_t i = 0; i < s->n; i++)
		s->v[i] += (float)(level * ((double)draw_range(&d, -1000000, 1000000) / 1e6));
}

static struct voice_track track_of(const struct signal *s)
{
	return (struct voice_track){s->v, 1, s->n, s->rate};
}

static void listen(const struct signal *s, struct voice *ret)
{
	struct voice_track t = track_of(s);
	voice_measure(&t, ret);
	voice_activity(ret, voice_floor(ret->level));
}

static size_t spoken(const struct voice *v, size_t from, size_t to)
{
	size_t n = 0;
	for (size_t i = from; i < to && i < v->n; i++)
		n += v->active[i];
	return n;
}

static void check_pitch(enum shape shape, double hz, int rate, double noise)
{
	CLEANUP(signal_release) struct signal s = silence(rate, 1400);
	CLEANUP(voice_release) struct voice v = {.n = 0};
	struct voice_pitch p;
	add_tone(&s, shape, hz, 0.3, (int64_t[]){200, 1200});
	add_noise(&s, noise);
	listen(&s, &v);
	struct voice_track t = track_of(&s);
	voice_pitch(&t, &v, &p);
	double off = fabs((double)p.median_hz - hz) / hz;
	bool narrow = (double)(p.high_hz - p.low_hz) <= 0.03 * hz + 2;
	if (off > 0.015 || p.frames < 40 || !narrow)
		print_message("shape %d, %g Hz at %d, noise %g: %d, median %d, %d, %d frames\n", (int)shape, hz, rate, noise,
			(int)p.low_hz, (int)p.median_hz, (int)p.high_hz, (int)p.frames);
	assert_true(p.frames >= 40); /* of 50: the ends are no whole windows */
	assert_true(off <= 0.015);
	assert_true(p.low_hz <= p.median_hz && p.median_hz <= p.high_hz);
	assert_true(narrow);
}

static void finds_known_pitch(void **state)
{
	(void)state;
	static const double pitches[] = {70, 85, 120, 180, 240, 333, 450};
	static const int rates[] = {8000, 16000, 22050, 24000, 48000};
	for (int shape = SINE; shape <= MISSING_FUNDAMENTAL; shape++)
		for (size_t i = 0; i < COUNT_OF(pitches); i++)
			check_pitch((enum shape)shape, pitches[i], 24000, 0);
	for (size_t k = 0; k < COUNT_OF(rates); k++)
		check_pitch(SAW, 133, rates[k], 0);
	for (size_t i = 0; i < COUNT_OF(pitches); i++)
		check_pitch(SAW, pitches[i], 24000, 0.02); /* about 20 dB below */
}

static void tells_the_range(void **state)
{
	(void)state;
	CLEANUP(signal_release) struct signal s = silence(24000, 4000);
	CLEANUP(voice_release) struct voice v = {.n = 0};
	struct voice_pitch p;
	add_tone(&s, SAW, 100, 0.3, (int64_t[]){100, 900});
	add_tone(&s, SAW, 150, 0.3, (int64_t[]){1000, 2800});
	add_tone(&s, SAW, 200, 0.3, (int64_t[]){2900, 3700});
	listen(&s, &v);
	struct voice_track t = track_of(&s);
	voice_pitch(&t, &v, &p);
	assert_in_range(p.low_hz, 99, 101);
	assert_in_range(p.median_hz, 149, 151);
	assert_in_range(p.high_hz, 199, 201);
}

static void noise_has_no_pitch(void **state)
{
	(void)state;
	CLEANUP(signal_release) struct signal s = silence(24000, 2000);
	CLEANUP(voice_release) struct voice v = {.n = 0};
	struct voice_pitch p;
	add_noise(&s, 0.3);
	memset(s.v, 0, (size_t)s.n / 2 * sizeof *s.v);
	listen(&s, &v);
	assert_in_range(spoken(&v, 0, v.n), 98, 100); /* it is loud, and it begins: no steady hiss */
	struct voice_track t = track_of(&s);
	voice_pitch(&t, &v, &p);
	assert_true(p.frames <= 2);
}

static void finds_speech_and_pauses(void **state)
{
	(void)state;
	static const double noises[] = {0, 0.0005, 0.005}; /* the last is 30 dB below */
	for (size_t k = 0; k < COUNT_OF(noises); k++) {
		CLEANUP(signal_release) struct signal s = silence(24000, 5000);
		CLEANUP(voice_release) struct voice v = {.n = 0};
		add_tone(&s, SAW, 150, 0.3, (int64_t[]){1000, 2000});
		add_tone(&s, SAW, 150, 0.3, (int64_t[]){2050, 2500}); /* 50 ms: a stop consonant */
		add_tone(&s, SAW, 150, 0.3, (int64_t[]){2750, 3000}); /* 250 ms: a pause */
		add_tone(&s, SAW, 150, 0.3, (int64_t[]){4000, 4020}); /* a click */
		add_noise(&s, noises[k]);
		listen(&s, &v);
		assert_int_equal(v.n, 500);
		assert_int_equal(spoken(&v, 0, 100), 0);
		assert_int_equal(spoken(&v, 100, 250), 150);
		assert_int_equal(spoken(&v, 250, 275), 0);
		assert_int_equal(spoken(&v, 275, 300), 25);
		assert_int_equal(spoken(&v, 300, 500), 0);
	}
}

static void silence_and_hum_are_no_speech(void **state)
{
	(void)state;
	CLEANUP(signal_release) struct signal quiet = silence(8000, 3000);
	CLEANUP(signal_release) struct signal hum = silence(8000, 3000);
	CLEANUP(signal_release) struct signal offset = silence(8000, 3000);
	CLEANUP(signal_release) struct signal nothing = silence(8000, 0);
	const struct signal *signals[] = {&quiet, &hum, &offset, &nothing};
	add_tone(&hum, SINE, 50, 0.1, (int64_t[]){0, 3000});
	for (int64_t i = 0; i < offset.n; i++)
		offset.v[i] = 0.4f; /* a constant is not heard */
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		CLEANUP(voice_release) struct voice v = {.n = 0};
		struct voice_pitch p;
		listen(signals[i], &v);
		assert_int_equal(spoken(&v, 0, v.n), 0);
		struct voice_track t = track_of(signals[i]);
		voice_pitch(&t, &v, &p);
		assert_int_equal(p.frames, 0);
		assert_int_equal(p.median_hz, 0);
	}
}

/* Cross-talk far below the loud side is not somebody speaking. */
static void a_faint_channel_is_silent(void **state)
{
	(void)state;
	CLEANUP(signal_release) struct signal s = silence(24000, 2000);
	CLEANUP(voice_release) struct voice v = {.n = 0};
	add_tone(&s, SAW, 150, 0.003, (int64_t[]){500, 1500});
	struct voice_track t = track_of(&s);
	voice_measure(&t, &v);
	double own = v.level;
	voice_activity(&v, voice_floor(own));
	assert_int_equal(spoken(&v, 0, v.n), 100);
	voice_activity(&v, voice_floor(own * 1e5));
	assert_int_equal(spoken(&v, 0, v.n), 0);
}

static void takes_one_channel_of_many(void **state)
{
	(void)state;
	CLEANUP(signal_release) struct signal s = silence(16000, 2000);
	CLEANUP(signal_release) struct signal both = silence(16000, 4000);
	CLEANUP(voice_release) struct voice one = {.n = 0};
	CLEANUP(voice_release) struct voice other = {.n = 0};
	struct voice_pitch p, q;
	add_tone(&s, SAW, 130, 0.2, (int64_t[]){300, 1700});
	for (int64_t i = 0; i < s.n; i++) {
		both.v[2 * i] = 0.5f * (float)(i % 3);
		both.v[2 * i + 1] = s.v[i];
	}
	struct voice_track alone = track_of(&s), second = {both.v + 1, 2, s.n, 16000};
	listen(&s, &one);
	voice_measure(&second, &other);
	voice_activity(&other, voice_floor(other.level));
	assert_memory_equal(one.energy, other.energy, one.n * sizeof *one.energy);
	assert_memory_equal(one.active, other.active, one.n * sizeof *one.active);
	voice_pitch(&alone, &one, &p);
	voice_pitch(&second, &other, &q);
	assert_memory_equal(&p, &q, sizeof p);
	assert_in_range(p.median_hz, 129, 131);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_known_pitch),
		cmocka_unit_test(tells_the_range),
		cmocka_unit_test(noise_has_no_pitch),
		cmocka_unit_test(finds_speech_and_pauses),
		cmocka_unit_test(silence_and_hum_are_no_speech),
		cmocka_unit_test(a_faint_channel_is_silent),
		cmocka_unit_test(takes_one_channel_of_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
