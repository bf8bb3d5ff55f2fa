/* qa, rules: audio: generated calls of known faults, and what normalize makes of espeak's voices. */
#include "base/alloc.h"
#include "io/av.h"
#include "io/loudness.h"
#include "io/speech.h"
#include "stages/normalize/normalize.h"
#include "stages/qa/qa.h"
#include "tests/stages/qa/callkit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- The description --- */

static void describes_what_was_put_in(void **state)
{
	(void)state;
	struct sound_work w;
	CLEANUP(made_release) struct made m;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio}");
	make_usual(&w, &m);
	const char *found = judge_made(&w, &m);
	assert_string_equal(found, "");
	assert_false(w.work.rejected);
	assert_int_equal(acoustic(&w, "left.turns"), 2);
	assert_int_equal(acoustic(&w, "left.speech_ms"), 800 + 900 + 2000);
	assert_int_equal(acoustic(&w, "right.speech_ms"), 2000 + 1800);
	assert_int_equal(acoustic(&w, "left.syllables"), 20);
	assert_int_equal(acoustic(&w, "left.speech_rate_msyl_per_s"), 20 * 1000000 / 3700);
	assert_int_equal(acoustic(&w, "left.pauses"), 1);
	assert_int_equal(acoustic(&w, "left.pause_median_ms"), 300);
	assert_int_equal(acoustic(&w, "left.pause_longest_ms"), 300);
	assert_int_equal(acoustic(&w, "right.pauses"), 0);
	assert_null(json_path(w.work.fields, "acoustics.right.pause_median_ms"));
	assert_int_equal(acoustic(&w, "left.response_median_ms"), 400);
	assert_int_equal(
		acoustic(&w, "right.response_median_ms"), 0); /* 500 once, and once it begins too early: the lower of the two */
	assert_int_equal(acoustic(&w, "overlap_ms"), 200);
	assert_int_equal(acoustic(&w, "silence_ms"), 9500 - 3700 - 3800 + 200);
	assert_in_range(acoustic(&w, "left.pitch_low_hz"), 119, 121);
	assert_in_range(acoustic(&w, "left.pitch_high_hz"), 129, 131);
	assert_in_range(acoustic(&w, "right.pitch_median_hz"), 199, 211);
	int64_t left = acoustic(&w, "left.loudness_mlufs");
	assert_true(left > -24500 && left < -21500);
	sound_work_release(&w);
}

/* Leaving the long silences out does not change a side's loudness. */
static void loudness_of_a_side_is_that_of_its_channel(void **state)
{
	(void)state;
	struct sound_work w;
	CLEANUP(made_release) struct made m;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio}");
	make_usual(&w, &m);
	judge_made(&w, &m);
	for (int side = 0; side < 2; side++) {
		CLEANUP(sound_release) struct sound mono = {.channels = 1, .rate = RATE};
		struct loudness l;
		struct err e = ERR_INIT;
		sound_resize(&mono, m.sound.frames);
		for (int64_t i = 0; i < mono.frames; i++)
			mono.samples[i] = m.sound.samples[i * 2 + side];
		assert_int_equal(loudness_measure(&mono, false, &l, &e), 0);
		int64_t told = acoustic(&w, side ? "right.loudness_mlufs" : "left.loudness_mlufs");
		if (fabs((double)told - l.integrated_lufs * 1000) > 5)
			print_message("%lld, the whole channel has %.3f\n", (long long)told, l.integrated_lufs);
		assert_true(fabs((double)told - l.integrated_lufs * 1000) <= 5);
	}
	sound_work_release(&w);
}

/* One channel for both: the sides are heard in their segments. */
static void one_channel_is_described_by_segments(void **state)
{
	(void)state;
	struct sound_work w;
	CLEANUP(made_release) struct made m;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio}");
	make_usual(&w, &m);
	for (int64_t i = 0; i < m.sound.frames; i++)
		m.sound.samples[i] = m.sound.samples[i * 2] + m.sound.samples[i * 2 + 1];
	m.sound.channels = 1;
	assert_string_equal(judge_made(&w, &m), "");
	assert_int_equal(acoustic(&w, "left.speech_ms"), 3700);
	assert_int_equal(acoustic(&w, "right.speech_ms"), 3800);
	assert_in_range(acoustic(&w, "left.pitch_median_hz"), 119, 131);
	assert_in_range(acoustic(&w, "right.pitch_median_hz"), 199, 211);
	sound_work_release(&w);
}

/* --- Faults of the sound --- */

static void finds_silence(void **state)
{
	(void)state;
	struct sound_work w;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio, max_gap_ms: 2000, loudness_min: -40, max_silence_percent: 50}");
	struct made m;
	make_usual(&w, &m);
	made_silence(&m, 0, 5400, 7400);
	assert_string_equal(judge_made(&w, &m), "long_silence/ 2200; turn_without_sound/2 0");
	made_silence(&m, 0, 0, 9500);
	assert_string_equal(judge_made(&w, &m), "silence_share/ 60; long_silence/ 3000; side_without_sound/left 0");
	assert_true(w.work.rejected);
	assert_int_equal(acoustic(&w, "left.speech_ms"), 0);
	assert_null(json_path(w.work.fields, "acoustics.left.pitch_median_hz"));
	assert_null(json_path(w.work.fields, "acoustics.left.loudness_mlufs"));
	made_silence(&m, 1, 0, 9500);
	assert_string_equal(judge_made(&w, &m),
		"silence_share/ 100; long_silence/ 9500; side_without_sound/left 0; side_without_sound/right 0; "
		"near_silence/ 1000; rms/ -120000; loudness/ \"silent\"; true_peak/ \"silent\"");
	made_release(&m);
	sound_work_release(&w);
}

static void finds_swapped_channels_and_leaks(void **state)
{
	(void)state;
	struct sound_work w;
	struct made m;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio}");
	make_usual(&w, &m);
	for (int64_t i = 0; i < m.sound.frames; i++) {
		float left = m.sound.samples[i * 2];
		m.sound.samples[i * 2] = m.sound.samples[i * 2 + 1];
		m.sound.samples[i * 2 + 1] = left;
	}
	const char *found = judge_made(&w, &m);
	assert_true(strncmp(found, "channels_swapped/ ", 18) == 0 && !strchr(found, ';'));
	made_release(&m);
	make_usual(&w, &m);
	for (int64_t i = 0; i < m.sound.frames; i++)
		m.sound.samples[i * 2 + 1] += 0.1f * m.sound.samples[i * 2]; /* -20 dB */
	assert_string_equal(judge_made(&w, &m), "leakage/left -20");
	made_release(&m);
	make_usual(&w, &m);
	for (int64_t i = 0; i < m.sound.frames; i++)
		m.sound.samples[i * 2 + 1] += 0.03f * m.sound.samples[i * 2]; /* -30 dB */
	assert_string_equal(judge_made(&w, &m), "");
	made_release(&m);
	sound_work_release(&w);
}

static void finds_clipping_and_levels(void **state)
{
	(void)state;
	struct sound_work w;
	struct made m;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio}");
	make_usual(&w, &m);
	made_scale(&m.sound, 20);
	for (int64_t i = 0; i < m.sound.frames * 2; i++)
		m.sound.samples[i] = fmaxf(-1, fminf(1, m.sound.samples[i]));
	const char *found = judge_made(&w, &m);
	assert_non_null(strstr(found, "clipping/ "));
	assert_non_null(strstr(strstr(found, "clipping/ ") + 1, "clipping/ ")); /* share and run */
	assert_non_null(strstr(found, "loudness/ -"));
	assert_non_null(strstr(found, "true_peak/ "));
	made_release(&m);
	make_usual(&w, &m);
	made_scale(&m.sound, 0.5);
	found = judge_made(&w, &m);
	assert_true(strncmp(found, "loudness/ -290", 14) == 0 && !strchr(found, ';'));
	made_release(&m);
	sound_work_release(&w);
}

static void set_text(struct made *m, struct sound_work *w, size_t turn, const char *text)
{
	json_set_text(&w->arena, json_at(m->turns, turn), "text", text);
}

/* The comfort noise of a telephone side that says nothing is no voice, and not too quiet for one. */
static void noise_of_a_silent_side_is_no_voice(void **state)
{
	(void)state;
	struct sound_work w;
	CLEANUP(made_release) struct made m;
	uint32_t noise = 1;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio, max_gap_ms: 5000, max_silence_percent: 90}");
	make_usual(&w, &m);
	struct json *own = json_array(&w.arena);
	JSON_EACH(segment, m.segments)
		if (str_is(json_get_str(segment, "role"), "left"))
			json_append(own, json_copy(&w.arena, segment));
	m.segments = own;
	set_text(&m, &w, 1, "");
	set_text(&m, &w, 3, "");
	for (int64_t i = 0; i < m.sound.frames; i++) { /* -68 dBFS */
		noise = noise * 1664525u + 1013904223u;
		m.sound.samples[i * 2 + 1] = 7e-4f * (float)((double)noise / 2147483648.0 - 1);
	}
	assert_string_equal(judge_made(&w, &m), "");
	assert_true(acoustic(&w, "right.loudness_mlufs") > -70000); /* it is measured all the same */
	sound_work_release(&w);
}

static void finds_sound_that_does_not_go_with_the_text(void **state)
{
	(void)state;
	struct sound_work w;
	CLEANUP(made_release) struct made m;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio}");
	make_usual(&w, &m);
	set_text(&m, &w, 1, "喂");
	assert_string_equal(judge_made(&w, &m), "too_slow/1 500");
	set_text(&m, &w, 1, "2026年");
	assert_string_equal(judge_made(&w, &m), ""); /* five syllables */
	for (int i = 0; i < 22; i++)
		buf_puts(&text, "好");
	set_text(&m, &w, 1, text.data);
	assert_string_equal(judge_made(&w, &m), ""); /* 11 a second: two syllables more than the limit are allowed */
	for (int i = 0; i < 8; i++)
		buf_puts(&text, "好");
	set_text(&m, &w, 1, text.data);
	assert_string_equal(judge_made(&w, &m), "too_fast/1 15000; too_fast/right 10263");
	sound_work_release(&w);
}

/* --- Segments, files --- */

static void set_segment(struct made *m, struct sound_work *w, size_t at, const char *key, int64_t value)
{
	json_set_int(&w->arena, json_at(m->segments, at), key, value);
}

static void finds_misplaced_segments(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		const char *key;
		int64_t value;
		const char *findings;
	} cases[] = {
		{1, "turn", 9, "segment_without_turn/9 10; turn_without_segment/1 0"},
		{1, "turn", 0, "segment_doubled/0 2; turn_without_segment/1 0"},
		{1, "turn", 2, "segment_side/2 \"right\"; turn_without_segment/1 0"},
		{3, "end_ms", 20000, "segment_after_end/3 20000"},
		{3, "end_ms", 7200, "segment_order/3 7200"},
		{3, "start_ms", 3500, "segment_order/3 3500"},
		{2, "start_ms", 2400, "segment_order/2 2400"},
		{0, "start_ms", -1, "segment_order/0 2500"},
	};
	struct sound_work w;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio, max_leakage_db: 100}");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(made_release) struct made m;
		make_usual(&w, &m);
		set_segment(&m, &w, cases[i].at, cases[i].key, cases[i].value);
		const char *found = judge_made(&w, &m);
		if (strcmp(found, cases[i].findings) != 0)
			print_message("case %zu: %s\n", i, found);
		assert_string_equal(found, cases[i].findings);
	}
	sound_work_release(&w);
}

static void finds_files_that_lie(void **state)
{
	(void)state;
	struct sound_work w;
	CLEANUP(made_release) struct made m;
	CLEANUP(buf_release) struct buf mp3 = BUF_INIT;
	struct err e = ERR_INIT;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio, action: mark}");
	make_usual(&w, &m);
	assert_int_equal(av_encode_mp3(&m.sound, 64, &mp3, &e), 0);
	assert_string_equal(judge(&w, call_of(&w, &m, buf_view(&mp3), 9500)), "");
	assert_string_equal(judge(&w, call_of(&w, &m, buf_view(&mp3), 9000)), "declared_duration/ 500");
	assert_false(w.work.rejected); /* marked */
	assert_true(str_is(json_get_str(json_path(w.work.fields, "qa.@"), "verdict"), "pass"));
	assert_non_null(json_get(w.work.fields, "acoustics"));
	/* cut short: the half that is there is decoded */
	const char *found = judge(&w, call_of(&w, &m, str_n(mp3.data, mp3.len / 2), 9500));
	assert_true(strstr(found, "declared_duration/ -") || strstr(found, "undecodable/"));
	if (w.work.rejected)
		assert_null(json_get(w.work.fields, "acoustics"));
	else
		assert_non_null(strstr(found, "segment_after_end/3"));
	/* no sound at all: nothing to go on with, so even mark rejects */
	found = judge(&w, call_of(&w, &m, STR("this is no sound"), 9500));
	assert_true(strncmp(found, "undecodable/ ", 13) == 0);
	assert_true(w.work.rejected);
	assert_null(json_get(w.work.fields, "acoustics"));
	/* every cut gives findings, never a crash */
	for (size_t n = 0; n < 4000; n += 371) {
		found = judge(&w, call_of(&w, &m, str_n(mp3.data, n), 9500));
		assert_true(found[0]);
	}
	w.damaged = true; /* an object that is gone is made again by the engine */
	sound_work_call(&w, "a/1", call_of(&w, &m, buf_view(&mp3), 9500));
	assert_int_equal(qa_sound.process(&w.work, &e), ERR_LOST);
	sound_work_release(&w);
}

static void takes_very_short_sounds(void **state)
{
	(void)state;
	struct sound_work w;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio}");
	for (int64_t frames = 1; frames < 5000; frames = frames * 3 + 1) {
		CLEANUP(made_release)
		struct made m = {
			.sound = {.channels = 2, .rate = RATE}, .turns = json_array(&w.arena), .segments = json_array(&w.arena)};
		sound_resize(&m.sound, frames);
		m.sound.samples[0] = 0.5f;
		const char *found = judge_made(&w, &m);
		assert_non_null(strstr(found, "loudness/ \"silent\""));
	}
	sound_work_release(&w);
}

/* --- Real voices, through normalize --- */

static const char *const lines[] = {"您好，这里是客户服务中心，请问您现在方便吗？", "方便的，有什么事情请说。",
	"我们发现您的账户有异常，请核对一下信息。", "是吗？我怎么不知道这件事情。", "请您不要挂断电话，我马上为您转接。",
	"好。"};

static void speak_call(struct sound_work *s, const char *left, const char *right, struct json **ret_turns)
{
	struct json *call = json_object(&s->arena), *turns = json_array(&s->arena), *speech = json_array(&s->arena);
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct speech_voice v = {.variant = i % 2 ? right : left, .rate_wpm = 240, .pitch = 50, .range = 50};
		CLEANUP(sound_release) struct sound sound = SOUND_INIT;
		CLEANUP(buf_release) struct buf flac = BUF_INIT;
		struct err e = ERR_INIT;
		assert_int_equal(speech_say(&v, str_of(lines[i]), &sound, &e), 0);
		assert_int_equal(av_encode_flac(&sound, &flac, &e), 0);
		struct json *turn = json_object(&s->arena), *row = json_object(&s->arena);
		json_set_text(&s->arena, turn, "role", i % 2 ? "right" : "left");
		json_set_text(&s->arena, turn, "text", lines[i]);
		json_append(turns, turn);
		json_set_int(&s->arena, row, "turn", (int64_t)i);
		json_set_text(&s->arena, row, "object", sound_work_put(s, buf_view(&flac)));
		json_append(speech, row);
	}
	json_set(&s->arena, call, "turns", turns);
	json_set(&s->arena, call, "speech", speech);
	sound_work_call(s, "a/1", call);
	*ret_turns = turns;
}

static void normalized_voices_pass_and_are_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *with;
		const char *qa;
	} cases[] = {{"{}", "{rules: audio}"}, {"{}", "{rules: audio, preset: teleantifraud2}"},
		{"{sample_rate: 8000, bitrate: 16}", "{rules: audio}"},
		{"{sample_rate: 48000, bitrate: 96, loudness: -18}", "{rules: audio, loudness_max: -17.5}"}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sound_work s, w;
		struct err e = ERR_INIT;
		struct json *turns;
		sound_work_init(&s, &stage_normalize, NULL, cases[i].with);
		sound_work_init(&w, &stage_qa, NULL, cases[i].qa);
		speak_call(&s, "m3", "f2", &turns);
		assert_int_equal(normalize_sound.process(&s.work, &e), 0);
		struct json *call = json_object(&w.arena);
		struct json *audio = json_copy(&w.arena, json_get(s.work.fields, "audio"));
		sound_work_put(&w, buf_view(sound_work_get(&s, json_get_str(audio, "object"))));
		json_set(&w.arena, call, "audio", audio);
		json_set(&w.arena, call, "turns", json_copy(&w.arena, turns));
		assert_string_equal(judge(&w, call), "");
		int64_t man = acoustic(&w, "left.pitch_median_hz"), woman = acoustic(&w, "right.pitch_median_hz");
		if (man > 140 || woman < 150)
			print_message("%s: %lld and %lld Hz\n", cases[i].with, (long long)man, (long long)woman);
		assert_in_range(man, 70, 140);
		assert_in_range(woman, 150, 300);
		assert_in_range(acoustic(&w, "left.speech_rate_msyl_per_s"), 3500, 8000);
		assert_int_equal(acoustic(&w, "overlap_ms"), 0);
		assert_in_range(acoustic(&w, "right.response_median_ms"), 200, 1000);
		sound_work_release(&s);
		sound_work_release(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(describes_what_was_put_in),
		cmocka_unit_test(loudness_of_a_side_is_that_of_its_channel),
		cmocka_unit_test(one_channel_is_described_by_segments),
		cmocka_unit_test(finds_silence),
		cmocka_unit_test(finds_swapped_channels_and_leaks),
		cmocka_unit_test(finds_clipping_and_levels),
		cmocka_unit_test(noise_of_a_silent_side_is_no_voice),
		cmocka_unit_test(finds_sound_that_does_not_go_with_the_text),
		cmocka_unit_test(finds_misplaced_segments),
		cmocka_unit_test(finds_files_that_lie),
		cmocka_unit_test(takes_very_short_sounds),
		cmocka_unit_test(normalized_voices_pass_and_are_told_apart),
	};
	av_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
