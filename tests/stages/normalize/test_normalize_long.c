/* stages/normalize: a call of three hours in bounded memory. A process of its own, so that its peak is that of this one call. */
#include "base/alloc.h"
#include "io/av.h"
#include "stages/normalize/normalize.h"
#include "tests/stages/sound_work.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define RATE 8000
#define TURNS 720
#define TURN_S 5
#define SOUNDS 4

static int64_t peak_bytes(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (int64_t)r.ru_maxrss * 1024;
}

/** A voice-like sound: harmonics of a low tone, in syllables. */
static const char *make_sound(struct sound_work *s, int which)
{
	CLEANUP(sound_release) struct sound sound = {.channels = 1, .rate = RATE};
	CLEANUP(buf_release) struct buf flac = BUF_INIT;
	struct err e = ERR_INIT;
	sound_resize(&sound, (int64_t)RATE * TURN_S);
	for (int64_t i = 0; i < sound.frames; i++) {
		double t = (double)i / RATE, v = 0, syllable = fabs(sin(t * 13));
		for (int k = 1; k < 8; k++)
			v += sin(6.2831853 * t * (110 + 20 * which) * k) / k;
		sound.samples[i] = (float)(0.1 * v * syllable);
	}
	assert_int_equal(av_encode_flac(&sound, &flac, &e), 0);
	return sound_work_put(s, buf_view(&flac));
}

struct counting {
	int64_t frames;
	int channels;
};

static int count(void *arg, const struct av_block *b, struct err *e)
{
	struct counting *c = arg;
	(void)e;
	c->frames += b->frames;
	c->channels = b->channels;
	return 0;
}

/* 720 turns of 5 s with pauses of 10 s: 3 hours, whose samples on two channels are 691 MB as floats (at 24 kHz 2 GB). What may be in memory is the file,
 * the sounds that are kept (64 MiB of an hour's 115), and little else. FLAC, since LAME takes 40 s for it. */
static void three_hours_do_not_grow(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	sound_work_init(
		&s, &stage_normalize, NULL, "{format: flac, sample_rate: 8000, pause_min_ms: 10000, pause_max_ms: 10000}");
	const char *sounds[SOUNDS];
	for (int i = 0; i < SOUNDS; i++)
		sounds[i] = make_sound(&s, i);
	struct json *call = json_object(&s.arena), *turns = json_array(&s.arena), *speech = json_array(&s.arena);
	for (int64_t i = 0; i < TURNS; i++) {
		struct json *turn = json_object(&s.arena), *row = json_object(&s.arena);
		json_set_text(&s.arena, turn, "role", i % 2 ? "right" : "left");
		json_append(turns, turn);
		json_set_int(&s.arena, row, "turn", i);
		json_set_text(&s.arena, row, "object", sounds[i * 7 / 3 % SOUNDS]);
		json_append(speech, row);
	}
	json_set(&s.arena, call, "turns", turns);
	json_set(&s.arena, call, "speech", speech);
	sound_work_call(&s, "a/1", call);
	int64_t before = peak_bytes();
	if (normalize_sound.process(&s.work, &e) != 0)
		print_message("%s\n", e.text);
	assert_int_equal(e.code, 0);
	int64_t grown = peak_bytes() - before;
	const struct json *audio = json_get(s.work.fields, "audio");
	const struct buf *file = sound_work_get(&s, json_get_str(audio, "object"));
	struct counting c = {0, 0};
	struct av_sink sink = {.take = count, .arg = &c};
	assert_int_equal(av_decode_each(buf_view(file), &sink, &e), 0);
	int64_t duration = json_get_int(audio, "duration_ms", 0);
	print_message("%lld ms of sound, a file of %zu KiB, %lld KiB of memory\n", (long long)duration, file->len / 1024,
		(long long)grown / 1024);
	assert_true(duration > 3 * 3600 * 1000 - 120000);
	assert_true(llabs(c.frames * 1000 / RATE - duration) <= 1);
	assert_int_equal(c.channels, 2);
	assert_int_equal(json_count(json_get(audio, "segments")), TURNS);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(grown < (int64_t)160 << 20);
#endif
	sound_work_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(three_hours_do_not_grow)};
	av_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
