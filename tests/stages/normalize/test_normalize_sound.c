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
	assert_int_equal(json_get_int(audio, "channels", 0), ret->channels);
	JSON_EACH(segment, json_get(audio, "segments")) { /* of the file's own rate: Opus is decoded at another */
		int64_t start = json_get_int(segment, "start_sample", -1), end = json_get_int(segment, "end_sample", -1);
		assert_true(llabs(start * 1000 / ret->rate - json_get_int(segment, "start_ms", -1)) <= 1);
		assert_true(llabs(end * 1000 / ret->rate - json_get_int(segment, "end_ms", -1)) <= 1 && end <= ret->frames);
	}
	/* and so do its sides, each channel as a file of its own */
	for (int side = 0; side < 2 && ret->channels == 2; side++) {
		const struct json *said = json_get(json_get(audio, "sides"), side ? "right" : "left");
		CLEANUP(sound_release) struct sound one = {.channels = 1, .rate = ret->rate};
		struct loudness own;
		sound_resize(&one, ret->frames);
		for (int64_t k = 0; k < ret->frames; k++)
			one.samples[k] = ret->samples[k * 2 + side];
		assert_int_equal(loudness_measure(&one, true, &own, &e), 0);
		if (!said)
			continue;
		assert_true(fabs(own.integrated_lufs * 1000 - (double)json_get_int(said, "loudness_mlufs", 0)) <= 1);
		assert_true(fabs(own.true_peak_dbtp * 1000 - (double)json_get_int(said, "true_peak_mdbtp", 0)) <= 1);
	}
}

static double side_lufs(const struct sound_work *s, const char *side)
{
	const struct json *audio = json_get(s->work.fields, "audio");
	return (double)json_get_int(json_get(json_get(audio, "sides"), side), "loudness_mlufs", 0) / 1000;
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
		{"{loudness: -20, peak: -5}", -20, -5}, {"{format: flac}", -23, -1},
		{"{format: wav, sample_rate: 44100}", -23, -1}, {"{format: opus, bitrate: 48}", -23, -1},
		{"{format: opus, bitrate: 16, loudness: -20}", -20, -1}, /* a codec that takes 2 LU away, of sides at the limiter */
		{"{layout: mono, bitrate: 32}", -23, -1}, {"{telephone_left: pstn-a, telephone_right: pstn-mu}", -23, -1},
		{"{telephone_right: pstn-a, line_noise_db: 20, layout: mono, format: opus}", -23, -1},
		{"{telephone_left: pstn-mu, sample_rate: 8000, format: wav}", -23, -1}};
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
		if (fabs(side_lufs(&s, "left") - cases[i].lufs) > 0.2 || fabs(side_lufs(&s, "right") - cases[i].lufs) > 0.2)
			print_message("%s: %.3f %.3f\n", cases[i].with, side_lufs(&s, "left"), side_lufs(&s, "right"));
		assert_true(fabs(side_lufs(&s, "left") - cases[i].lufs) <= 0.2);
		assert_true(fabs(side_lufs(&s, "right") - cases[i].lufs) <= 0.2);
		assert_true(fabs(l.integrated_lufs - cases[i].lufs) <= 0.3);
		assert_true(l.true_peak_dbtp <= cases[i].peak);
		sound_work_release(&s);
	}
}

/* A codec that takes more away than was foreseen raises the gain in the second pass; at some ceilings only that pass meets the limiter. Each ceiling from
 * below the peaks to above them must end at the loudness, or as far below it as the limiter had to go. */
static void a_gain_that_meets_the_ceiling_late_is_kept(void **state)
{
	(void)state;
	struct sound_work first;
	struct err e = ERR_INIT;
	sound_work_init(&first, &stage_normalize, NULL, "{format: opus, bitrate: 32, peak: 0}");
	const struct json *call = call_of(&first, 2, 1);
	sound_work_call(&first, "a/1", call);
	assert_int_equal(normalize_sound.process(&first.work, &e), 0);
	const struct json *sides = json_get(json_get(first.work.fields, "audio"), "sides");
	double top = fmax((double)json_get_int(json_get(sides, "left"), "true_peak_mdbtp", 0),
					 (double)json_get_int(json_get(sides, "right"), "true_peak_mdbtp", 0)) /
				 1000;
	for (double peak = top - 0.4; peak < top + 1; peak += 0.2) {
		struct sound_work s;
		char with[80];
		snprintf(with, sizeof(with), "{format: opus, bitrate: 32, peak: %.2f}", peak);
		sound_work_init(&s, &stage_normalize, NULL, with);
		sound_work_call(&s, "a/1", call_of(&s, 2, 1));
		if (normalize_sound.process(&s.work, &e) != 0)
			print_message("%s: %s\n", with, e.text);
		assert_int_equal(e.code, 0);
		assert_true(fabs(side_lufs(&s, "left") + 23) <= 0.2 && fabs(side_lufs(&s, "right") + 23) <= 0.2);
		sound_work_release(&s);
	}
	sound_work_release(&first);
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
	assert_true(fabs(side_lufs(&s, "left") - side_lufs(&s, "right")) < 0.4); /* though one came quieter */
	sound_work_release(&s);
}

static double peak_between(const struct sound *s, int channel, int64_t from, int64_t to)
{
	double top = 0;
	for (int64_t i = from; i < to; i++)
		top = fmax(top, fabs((double)s->samples[i * s->channels + channel]));
	return top;
}

/* Lossless, so that every sample can be looked at: where a side does not speak its channel is silent to the last bit, or holds its comfort noise and
 * nothing else; turns begin and end where the segments say. */
static void nothing_goes_over_to_the_other_side(void **state)
{
	(void)state;
	static const char *const with[] = {"{format: flac}", "{format: flac, telephone_left: pstn-a}"};
	for (size_t k = 0; k < COUNT_OF(with); k++) {
		struct sound_work s;
		struct err e = ERR_INIT;
		struct loudness l;
		CLEANUP(sound_release) struct sound sound = SOUND_INIT;
		sound_work_init(&s, &stage_normalize, NULL, with[k]);
		sound_work_call(&s, "a/1", call_of(&s, 6, 0.5f));
		assert_int_equal(normalize_sound.process(&s.work, &e), 0);
		heard(&s, &sound, &l);
		int64_t ends[2] = {0, 0};
		JSON_EACH(segment, json_path(s.work.fields, "audio.segments")) {
			int64_t start = json_get_int(segment, "start_sample", -1), end = json_get_int(segment, "end_sample", -1);
			int side = str_is(json_get_str(segment, "role"), "right");
			double quiet = peak_between(&sound, side, ends[side], start);
			if (k == 1 && side == 0) /* -23 - 45 dB of RMS: peaks a few times that */
				assert_true(quiet > 0.0003 && quiet < 0.003);
			else
				assert_true(quiet == 0);
			assert_true(peak_between(&sound, side, start, start + 600) > 0.001); /* 10 ms of margin, then it speaks */
			assert_true(peak_between(&sound, side, end - 24, end) < 0.02);
			ends[side] = end;
		}
		sound_work_release(&s);
	}
}

static void telephone_is_narrow_and_on_its_own_side(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	struct loudness l;
	CLEANUP(sound_release) struct sound sound = SOUND_INIT;
	sound_work_init(&s, &stage_normalize, NULL, "{format: wav, telephone_right: pstn-mu, comfort_noise_db: 0}");
	sound_work_call(&s, "a/1", call_of(&s, 6, 1));
	assert_int_equal(normalize_sound.process(&s.work, &e), 0);
	heard(&s, &sound, &l);
	double high[2] = {0, 0}, all[2] = {0, 0};
	for (int side = 0; side < 2; side++)
		for (int64_t i = 3; i < sound.frames; i++) {
			/* third differences weigh 6 kHz and more 8 times and more, 300 Hz 0.0005 times */
			const float *v = &sound.samples[i * 2 + side];
			double d = (double)v[0] - 3 * (double)v[-2] + 3 * (double)v[-4] - (double)v[-6];
			high[side] += d * d;
			all[side] += (double)v[0] * (double)v[0];
		}
	assert_true(high[0] / all[0] > 0.05);
	assert_true(high[1] / all[1] < 0.5 * high[0] / all[0]);
	sound_work_release(&s);
}

static void mono_is_the_sum_of_both_sides(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	struct loudness l;
	CLEANUP(sound_release) struct sound one = SOUND_INIT;
	CLEANUP(sound_release) struct sound two = SOUND_INIT;
	for (int k = 0; k < 2; k++) {
		sound_work_init(&s, &stage_normalize, NULL, k ? "{format: wav, layout: mono}" : "{format: wav}");
		sound_work_call(&s, "a/1", call_of(&s, 4, 0.5f));
		assert_int_equal(normalize_sound.process(&s.work, &e), 0);
		heard(&s, k ? &one : &two, &l);
		sound_work_release(&s);
	}
	assert_int_equal(one.channels, 1);
	assert_int_equal(two.channels, 2);
	assert_int_equal(one.frames, two.frames);
	for (int64_t i = 0; i < one.frames; i++)
		assert_true(fabsf(one.samples[i] - two.samples[i * 2] - two.samples[i * 2 + 1]) < 1e-6f);
}

static void the_age_of_who_answers_counts(void **state)
{
	(void)state;
	struct sound_work s;
	int64_t gaps[2][5];
	for (int old = 0; old < 2; old++) {
		struct err e = ERR_INIT;
		sound_work_init(&s, &stage_normalize, NULL, "{elderly_percent: 200}");
		struct json *call = json_copy(&s.arena, call_of(&s, 6, 1));
		json_set(&s.arena, call, "profile",
			json_copy(&s.arena, sound_work_json(&s, old ? "{\"right\":{\"age\":71}}" : "{\"right\":{\"age\":35}}")));
		sound_work_call(&s, "a/1", call);
		assert_int_equal(normalize_sound.process(&s.work, &e), 0);
		int64_t last = -1;
		int i = 0;
		JSON_EACH(segment, json_path(s.work.fields, "audio.segments")) {
			if (last >= 0)
				gaps[old][i++] = json_get_int(segment, "start_ms", 0) - last;
			last = json_get_int(segment, "end_ms", 0);
		}
		sound_work_release(&s);
	}
	for (int i = 0; i < 5; i++) /* right answers left, left answers right, … */
		assert_true(llabs(gaps[1][i] - gaps[0][i] * (i % 2 ? 1 : 2)) <= 4);
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

/** A square wave that begins and ends at full level, beside the zero line. */
static const char *flac_of_cut(struct sound_work *s)
{
	CLEANUP(sound_release) struct sound sound = {.channels = 1, .rate = 24000};
	CLEANUP(buf_release) struct buf flac = BUF_INIT;
	struct err e = ERR_INIT;
	sound_resize(&sound, 24000);
	for (int64_t i = 0; i < sound.frames; i++)
		sound.samples[i] = 0.3f + 0.3f * (i / 30 % 2 ? 1.0f : -1.0f);
	assert_int_equal(av_encode_flac(&sound, &flac, &e), 0);
	return sound_work_put(s, buf_view(&flac));
}

static void what_was_cut_off_does_not_click(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	struct loudness l;
	CLEANUP(sound_release) struct sound sound = SOUND_INIT;
	sound_work_init(&s, &stage_normalize, NULL, "{format: wav}");
	sound_work_call(&s, "a/1", call_with(&s, flac_of_cut(&s)));
	assert_int_equal(normalize_sound.process(&s.work, &e), 0);
	heard(&s, &sound, &l);
	const struct json *segment = json_first(json_path(s.work.fields, "audio.segments"));
	int64_t start = json_get_int(segment, "start_sample", -1), end = json_get_int(segment, "end_sample", -1);
	double top = peak_between(&sound, 0, start, end), sum = 0;
	for (int64_t i = start; i < end; i++)
		sum += (double)sound.samples[i * 2];
	assert_int_equal(end - start, 24000);
	assert_true(top > 0.05 && fabs(sum / 24000) < 0.01 * top);
	assert_true(peak_between(&sound, 0, start, start + 2) < 0.05 * top);
	assert_true(peak_between(&sound, 0, end - 2, end) < 0.05 * top);
	sound_work_release(&s);
}

/* Blocks are worked one by one, and sounds go through windows: in the file each sample is the turn's, scaled. */
static void a_turn_comes_out_sample_by_sample(void **state)
{
	(void)state;
	enum { FRAMES = 24000 * 4 };
	struct sound_work s;
	struct err e = ERR_INIT;
	struct loudness l;
	CLEANUP(sound_release) struct sound in = {.channels = 1, .rate = 24000};
	CLEANUP(sound_release) struct sound out = SOUND_INIT;
	CLEANUP(buf_release) struct buf flac = BUF_INIT;
	uint32_t x = 1;
	sound_resize(&in, FRAMES);
	for (int64_t i = 0; i < FRAMES; i++)
		in.samples[i] = 0.2f * (float)((double)((x = x * 1664525u + 1013904223u) >> 8) / (1 << 23) - 1);
	assert_int_equal(av_encode_flac(&in, &flac, &e), 0);
	sound_work_init(&s, &stage_normalize, NULL, "{format: wav}");
	sound_work_call(&s, "a/1", call_with(&s, sound_work_put(&s, buf_view(&flac))));
	assert_int_equal(normalize_sound.process(&s.work, &e), 0);
	heard(&s, &out, &l);
	int64_t start = json_get_int(json_first(json_path(s.work.fields, "audio.segments")), "start_sample", -1);
	assert_int_equal(start, 24000 * 3 / 10);
	double xy = 0, xx = 0, most = 0;
	for (int64_t i = 100; i < FRAMES - 100; i++) { /* but for the fades */
		xy += (double)in.samples[i] * (double)out.samples[(start + i) * 2];
		xx += (double)in.samples[i] * (double)in.samples[i];
	}
	for (int64_t i = 100; i < FRAMES - 100; i++)
		most = fmax(most, fabs((double)out.samples[(start + i) * 2] - (double)in.samples[i] * xy / xx));
	assert_true(xy / xx > 0.1 && most < 2e-4); /* steps of 16 bit, and what was the mean */
	sound_work_release(&s);
}

/** The sound of turn 0 in the place of turn 2, too. */
static const struct json *call_that_says_it_twice(struct sound_work *s)
{
	struct json *call = json_copy(&s->arena, call_of(s, 3, 1)), *speech = json_array(&s->arena);
	const struct json *had = json_get(call, "speech");
	for (size_t i = 0; i < 3; i++) {
		struct json *row = json_copy(&s->arena, json_at(had, i == 2 ? 0 : i));
		json_set_int(&s->arena, row, "turn", (int64_t)i);
		json_append(speech, row);
	}
	json_set(&s->arena, call, "speech", speech);
	return call;
}

/** The largest difference of `n` samples of two places. */
static double apart(const struct sound *s, const int64_t at[2], const int channel[2], int64_t n)
{
	double most = 0;
	for (int64_t i = 0; i < n; i++)
		most = fmax(most,
			fabs((double)s->samples[(at[0] + i) * 2 + channel[0]] - (double)s->samples[(at[1] + i) * 2 + channel[1]]));
	return most;
}

/* What repeats itself, or stands in both ears at once, is no line noise; one word said twice is the same without it. */
static void noise_is_new_each_time(void **state)
{
	(void)state;
	for (int noise = 0; noise < 2; noise++) {
		struct sound_work s;
		struct err e = ERR_INIT;
		struct loudness l;
		CLEANUP(sound_release) struct sound sound = SOUND_INIT;
		sound_work_init(&s, &stage_normalize, NULL,
			noise ? "{format: wav, telephone_left: pstn-a, telephone_right: pstn-a}"
				  : "{format: wav, telephone_left: pstn-a, line_noise_db: 0, comfort_noise_db: 0}");
		sound_work_call(&s, "a/1", call_that_says_it_twice(&s));
		assert_int_equal(normalize_sound.process(&s.work, &e), 0);
		heard(&s, &sound, &l);
		const struct json *segments = json_path(s.work.fields, "audio.segments");
		int64_t said[2] = {json_get_int(json_at(segments, 0), "start_sample", -1),
			json_get_int(json_at(segments, 2), "start_sample", -1)};
		double twice = apart(&sound, said, (const int[]){0, 0}, 12000);
		double lead = apart(&sound, (const int64_t[]){0, 0}, (const int[]){0, 1}, said[0] - 240); /* but for the fade */
		assert_true(noise ? twice > 0.0005 && lead > 0.0003 : twice == 0 && lead == 0);
		sound_work_release(&s);
	}
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

/** The call without turns 1 and 3: the right side says 好 and nothing else. */
static const struct json *call_of_one_word(struct sound_work *s)
{
	struct json *call = json_copy(&s->arena, call_of(s, 6, 1)), *kept = json_array(&s->arena);
	JSON_EACH(row, json_get(call, "speech")) {
		int64_t turn = json_get_int(row, "turn", -1);
		if (turn % 2 == 0 || turn == 5)
			json_append(kept, json_copy(&s->arena, row));
	}
	json_set(&s->arena, call, "speech", kept);
	return call;
}

/* A word in a call of noise: a voice that is blown up until word and noise together are loud enough is no result. */
static void comfort_noise_is_no_voice(void **state)
{
	(void)state;
	static const char *const with[] = {"{telephone_right: pstn-a}", "{telephone_right: pstn-a, comfort_noise_db: 20}"};
	for (size_t i = 0; i < COUNT_OF(with); i++) {
		struct sound_work s;
		struct err e = ERR_INIT;
		sound_work_init(&s, &stage_normalize, NULL, with[i]);
		sound_work_call(&s, "a/1", call_of_one_word(&s));
		assert_int_equal(normalize_sound.process(&s.work, &e), i ? ERR_DATA : 0);
		assert_true(i ? strstr(e.text, "the right side speaks so little") && strstr(e.text, "comfort_noise_db (20)")
					  : fabs(side_lufs(&s, "right") + 23) <= 0.2);
		sound_work_release(&s);
	}
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
		cmocka_unit_test(a_gain_that_meets_the_ceiling_late_is_kept),
		cmocka_unit_test(the_peak_wins),
		cmocka_unit_test(sides_channels_and_timeline),
		cmocka_unit_test(nothing_goes_over_to_the_other_side),
		cmocka_unit_test(telephone_is_narrow_and_on_its_own_side),
		cmocka_unit_test(mono_is_the_sum_of_both_sides),
		cmocka_unit_test(the_age_of_who_answers_counts),
		cmocka_unit_test(same_call_gives_same_bytes),
		cmocka_unit_test(one_side_alone_is_fine),
		cmocka_unit_test(comfort_noise_is_no_voice),
		cmocka_unit_test(what_was_cut_off_does_not_click),
		cmocka_unit_test(a_turn_comes_out_sample_by_sample),
		cmocka_unit_test(noise_is_new_each_time),
		cmocka_unit_test(says_why_it_cannot),
	};
	av_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
