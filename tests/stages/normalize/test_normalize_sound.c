/* stages/normalize/normalize_sound: from turns to the file, measured on the decoded file. */
#include "base/alloc.h"
#include "io/av.h"
#include "io/loudness.h"
#include "io/speech.h"
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

#include <cmocka.h>

static const char *const lines[] = {"您好，这里是客户服务中心，请问您现在方便吗？", "方便的，有什么事情请说。",
	"我们发现您的账户有异常。", "是吗？我怎么不知道。", "请您不要挂断电话。", "好。"};

/** A call of `n` spoken turns; the left side is `left_gain` times as loud as it comes. */
static const struct json *call_of(struct sound_work *s, size_t n, float left_gain)
{
	struct json *call = json_object(&s->arena), *turns = json_array(&s->arena), *speech = json_array(&s->arena);
	for (size_t i = 0; i < n; i++) {
		struct speech_voice v = {.variant = i % 2 ? "m3" : "f2", .rate_wpm = 240, .pitch = i % 2 ? 60 : 50, .range = 50};
		CLEANUP(sound_release) struct sound sound = SOUND_INIT;
		CLEANUP(buf_release) struct buf flac = BUF_INIT;
		struct err e = ERR_INIT;
		assert_int_equal(speech_say(&v, str_of(lines[i % COUNT_OF(lines)]), &sound, &e), 0);
		for (int64_t k = 0; i % 2 == 0 && k < sound.frames; k++)
			sound.samples[k] *= left_gain;
		assert_int_equal(av_encode_flac(&sound, &flac, &e), 0);
		struct json *turn = json_object(&s->arena), *row = json_object(&s->arena);
		json_set_text(&s->arena, turn, "role", i % 2 ? "right" : "left");
		json_append(turns, turn);
		json_set_int(&s->arena, row, "turn", (int64_t)i);
		json_set_text(&s->arena, row, "object", sound_work_put(s, buf_view(&flac)));
		json_append(speech, row);
	}
	json_set(&s->arena, call, "turns", turns);
	json_set(&s->arena, call, "speech", speech);
	return call;
}

static void heard(struct sound_work *s, struct sound *ret, struct loudness *l)
{
	const struct json *audio = json_get(s->work.fields, "audio");
	const struct buf *mp3 = sound_work_get(s, json_get_str(audio, "object"));
	struct err e = ERR_INIT;
	assert_non_null(mp3);
	assert_int_equal(av_decode(buf_view(mp3), ret, &e), 0);
	assert_int_equal(loudness_measure(ret, true, l, &e), 0);
	/* what the record says is what is heard */
	assert_true(fabs(l->integrated_lufs * 1000 - (double)json_get_int(audio, "loudness_mlufs", 0)) <= 1);
	assert_true(fabs(l->true_peak_dbtp * 1000 - (double)json_get_int(audio, "true_peak_mdbtp", 0)) <= 1);
	assert_int_equal(json_get_int(audio, "duration_ms", 0), (ret->frames * 1000 + ret->rate / 2) / ret->rate);
	assert_int_equal(json_get_int(audio, "sample_rate", 0), ret->rate);
	assert_int_equal(json_get_int(audio, "channels", 0), 2);
	assert_int_equal(ret->channels, 2);
}

static double energy(const struct sound *s, int channel, int64_t from_ms, int64_t to_ms)
{
	double sum = 0;
	for (int64_t i = from_ms * s->rate / 1000; i < to_ms * s->rate / 1000; i++)
		sum += (double)s->samples[i * 2 + channel] * (double)s->samples[i * 2 + channel];
	return sum;
}

static void loudness_and_peak_hold_in_the_decoded_file(void **state)
{
	(void)state;
	static const struct {
		const char *with;
		double lufs, peak;
	} cases[] = {{"{}", -23, -1}, {"{loudness: -30}", -30, -1}, {"{loudness: -18, bitrate: 32}", -18, -1},
		{"{sample_rate: 16000, bitrate: 48}", -23, -1}, {"{sample_rate: 8000, bitrate: 16}", -23, -1},
		{"{loudness: -20, peak: -5}", -20, -5}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sound_work s;
		struct err e = ERR_INIT;
		struct loudness l;
		CLEANUP(sound_release) struct sound sound = SOUND_INIT;
		sound_work_init(&s, &stage_normalize, NULL, cases[i].with);
		sound_work_call(&s, "a/1", call_of(&s, 6, 0.3f));
		if (normalize_sound.process(&s.work, &e) != 0)
			print_message("%s: %s\n", cases[i].with, e.text);
		assert_int_equal(e.code, 0);
		heard(&s, &sound, &l);
		assert_true(fabs(l.integrated_lufs - cases[i].lufs) <= 0.2);
		assert_true(l.true_peak_dbtp <= cases[i].peak);
		sound_work_release(&s);
	}
}

/* The ceiling can make the loudness unreachable: the peak wins, and the loudest below it is kept. */
static void the_peak_wins(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	struct loudness l;
	CLEANUP(sound_release) struct sound sound = SOUND_INIT;
	sound_work_init(&s, &stage_normalize, NULL, "{loudness: -10, peak: -12}");
	sound_work_call(&s, "a/1", call_of(&s, 4, 1));
	assert_int_equal(normalize_sound.process(&s.work, &e), 0);
	heard(&s, &sound, &l);
	assert_true(l.true_peak_dbtp <= -12);
	assert_true(l.integrated_lufs < -12 && l.integrated_lufs > -26);
	sound_work_release(&s);
}

static void sides_channels_and_timeline(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	struct loudness l;
	CLEANUP(sound_release) struct sound sound = SOUND_INIT;
	sound_work_init(&s, &stage_normalize, NULL, "{pause_min_ms: 300, pause_max_ms: 700, lead_ms: 200, tail_ms: 150}");
	sound_work_call(&s, "a/1", call_of(&s, 6, 0.1f)); /* left comes 20 dB quieter */
	assert_int_equal(normalize_sound.process(&s.work, &e), 0);
	heard(&s, &sound, &l);
	const struct json *audio = json_get(s.work.fields, "audio"), *segments = json_get(audio, "segments");
	assert_int_equal(json_count(segments), 6);
	int64_t at = 0, i = 0;
	bool pauses_differ = false;
	int64_t last_pause = -1;
	JSON_EACH(segment, segments) {
		int64_t start = json_get_int(segment, "start_ms", -1), end = json_get_int(segment, "end_ms", -1);
		bool left = str_is(json_get_str(segment, "role"), "left");
		assert_int_equal(json_get_int(segment, "turn", -1), i);
		assert_int_equal(left, i % 2 == 0);
		assert_in_range(start - at, i ? 299 : 200, i ? 701 : 200);
		pauses_differ |= i > 1 && start - at != last_pause;
		last_pause = start - at;
		assert_true(end > start + 100);
		/* who speaks is on his channel alone, and between the turns it is quiet */
		assert_true(energy(&sound, left ? 0 : 1, start, end) > 1);
		assert_true(energy(&sound, left ? 1 : 0, start, end) < 0.001 * energy(&sound, left ? 0 : 1, start, end));
		assert_true(energy(&sound, 0, at + 30, start - 30) + energy(&sound, 1, at + 30, start - 30) < 0.01);
		at = end;
		i++;
	}
	assert_true(pauses_differ);
	int64_t tail = json_get_int(audio, "duration_ms", 0) - at;
	assert_in_range(tail, 149, 150 + 50);
	/* both sides equally loud, though one came quieter */
	struct sound one = {.channels = 1, .rate = sound.rate};
	double lufs[2];
	sound_resize(&one, sound.frames);
	for (int side = 0; side < 2; side++) {
		for (int64_t k = 0; k < sound.frames; k++)
			one.samples[k] = sound.samples[k * 2 + side];
		assert_int_equal(loudness_measure(&one, false, &l, &e), 0);
		lufs[side] = l.integrated_lufs;
	}
	sound_release(&one);
	assert_true(fabs(lufs[0] - lufs[1]) < 0.5);
	sound_work_release(&s);
}

static void same_call_gives_same_bytes(void **state)
{
	(void)state;
	struct str hex[3];
	struct sound_work s;
	sound_work_init(&s, &stage_normalize, NULL, "{}");
	for (int i = 0; i < 3; i++) {
		struct err e = ERR_INIT;
		sound_work_call(&s, i == 2 ? "a/2" : "a/1", call_of(&s, 3, 1));
		assert_int_equal(normalize_sound.process(&s.work, &e), 0);
		hex[i] = json_get_str(json_get(s.work.fields, "audio"), "object");
	}
	assert_true(str_eq(hex[0], hex[1]));
	assert_false(str_eq(hex[0], hex[2])); /* another call draws other pauses */
	sound_work_release(&s);
}

static void one_side_alone_is_fine(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	struct loudness l;
	CLEANUP(sound_release) struct sound sound = SOUND_INIT;
	sound_work_init(&s, &stage_normalize, NULL, "{}");
	sound_work_call(&s, "a/1", call_of(&s, 1, 1));
	assert_int_equal(normalize_sound.process(&s.work, &e), 0);
	heard(&s, &sound, &l);
	assert_true(fabs(l.integrated_lufs + 23) <= 0.2);
	sound_work_release(&s);
}

static const struct json *call_with(struct sound_work *s, const char *hex)
{
	struct json *call = json_object(&s->arena), *turns = json_array(&s->arena), *speech = json_array(&s->arena);
	struct json *turn = json_object(&s->arena), *row = json_object(&s->arena);
	json_set_text(&s->arena, turn, "role", "left");
	json_append(turns, turn);
	json_set_int(&s->arena, row, "turn", 0);
	json_set_text(&s->arena, row, "object", hex);
	json_append(speech, row);
	json_set(&s->arena, call, "turns", turns);
	json_set(&s->arena, call, "speech", speech);
	return call;
}

static void check_fails(struct sound_work *s, const struct json *call, int code, const char *word)
{
	struct err e = ERR_INIT;
	sound_work_call(s, "a/1", call);
	int got = normalize_sound.process(&s->work, &e);
	if (got != code || !strstr(e.text, word))
		print_message("%d %s\n", got, e.text);
	assert_int_equal(got, code);
	assert_non_null(strstr(e.text, word));
	assert_null(s->work.fields);
}

static const char *flac_of(struct sound_work *s, int64_t frames, float level)
{
	CLEANUP(sound_release) struct sound sound = {.channels = 1, .rate = 24000};
	CLEANUP(buf_release) struct buf flac = BUF_INIT;
	struct err e = ERR_INIT;
	sound_resize(&sound, frames);
	for (int64_t i = 0; i < frames; i++)
		sound.samples[i] = level * (i / 30 % 2 ? 1.0f : -1.0f);
	assert_int_equal(av_encode_flac(&sound, &flac, &e), 0);
	return sound_work_put(s, buf_view(&flac));
}

static void says_why_it_cannot(void **state)
{
	(void)state;
	struct sound_work s;
	sound_work_init(&s, &stage_normalize, NULL, "{lead_ms: 0, tail_ms: 0}");
	const struct json *good = call_of(&s, 2, 1);
	check_fails(&s, call_with(&s, flac_of(&s, 24000, 0)), ERR_DATA, "silent");
	check_fails(&s, call_with(&s, flac_of(&s, 2400, 0.5f)), ERR_DATA, "400 ms");
	check_fails(&s, call_with(&s, sound_work_put(&s, STR("no sound"))), ERR_PARSE, "turn 0");
	check_fails(
		&s, call_with(&s, "0000000000000000000000000000000000000000000000000000000000000000"), ERR_LOST, "turn 0");
	check_fails(&s, call_with(&s, "not a digest"), ERR_DATA, "digest");
	check_fails(&s, sound_work_json(&s, "{\"turns\":[],\"speech\":[]}"), ERR_DATA, "no speech");
	check_fails(
		&s, sound_work_json(&s, "{\"turns\":[],\"speech\":[{\"turn\":3,\"object\":\"00\"}]}"), ERR_DATA, "turn 3");
	s.damaged = true;
	check_fails(&s, good, ERR_LOST, "turn 0");
	sound_work_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loudness_and_peak_hold_in_the_decoded_file),
		cmocka_unit_test(the_peak_wins),
		cmocka_unit_test(sides_channels_and_timeline),
		cmocka_unit_test(same_call_gives_same_bytes),
		cmocka_unit_test(one_side_alone_is_fine),
		cmocka_unit_test(says_why_it_cannot),
	};
	av_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
