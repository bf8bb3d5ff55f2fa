/* stages/speak/speak_sound: the sounds of a call. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "io/av.h"
#include "io/speech.h"
#include "provider/espeak.h"
#include "stages/speak/speak.h"
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

static struct espeak_params params = {.rate = 1};
static const struct provider voice = {.name = "voice", .ops = &provider_espeak, .params = &params};

static const char call_text[] =
	"{\"turns\":[{\"role\":\"left\",\"text\":\"您好这里是银行客服中心请问您最近有没有收到短信通知\"},"
	"{\"role\":\"right\",\"text\":\"……\"},{\"role\":\"right\",\"text\":\"没有收到请问到底发生了什么事情呢我有点担心\"},"
	"{\"role\":\"left\",\"text\":\"好。\"}],\"profile\":{\"right\":{\"age\":30}}}";

static void speaks_a_call(void **state)
{
	(void)state;
	static const int64_t turns[] = {0, 2, 3}, syllables[] = {24, 20, 1};
	struct sound_work s;
	struct err e = ERR_INIT;
	sound_work_init(&s, &stage_speak, &voice, "{provider: voice}");
	sound_work_call(&s, "a/1", sound_work_json(&s, call_text));
	assert_int_equal(sound_work_ask(&s, &e), 0);
	assert_int_equal(speak_sound.process(&s.work, &e), 0);
	const struct json *speech = json_get(s.work.fields, "speech");
	assert_int_equal(json_count(speech), 3);
	assert_int_equal(json_count(s.io.answers), 3);
	size_t i = 0;
	JSON_EACH(row, speech) {
		CLEANUP(sound_release) struct sound sound = SOUND_INIT;
		assert_int_equal(json_get_int(row, "turn", -1), turns[i]);
		const struct buf *flac = sound_work_get(&s, json_get_str(row, "object"));
		assert_non_null(flac);
		assert_int_equal(av_decode(buf_view(flac), &sound, &e), 0);
		assert_int_equal(json_get_int(row, "sample_rate", 0), sound.rate);
		assert_int_equal(json_get_int(row, "duration_ms", 0), (sound.frames * 1000 + sound.rate / 2) / sound.rate);
		const struct json *answer = json_get(json_at(s.io.answers, i), "answer");
		assert_true(str_eq(json_get_str(answer, "object"), json_get_str(row, "object")));
		assert_true(
			json_equal(json_get(row, "voice"), json_get(json_get(json_at(s.work.asks, i), "request"), "voice")));
		/* natural pace, in what is heard */
		int64_t first = 0, last = sound.frames - 1;
		while (fabsf(sound.samples[first]) < 0.005f)
			first++;
		while (fabsf(sound.samples[last]) < 0.005f)
			last--;
		double pace = (double)syllables[i] * sound.rate / (double)(last - first);
		assert_true(syllables[i] == 1 || (pace >= 4 && pace <= 6));
		i++;
	}
	sound_work_release(&s);
}

static void stored_answers_are_taken(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	sound_work_init(&s, &stage_speak, &voice, "{provider: voice}");
	sound_work_call(&s, "a/1", sound_work_json(&s, call_text));
	assert_int_equal(sound_work_ask(&s, &e), 0);
	struct json *answer = json_object(&s.arena);
	json_set_text(&s.arena, answer, "object", "00ff");
	json_set_int(&s.arena, answer, "duration_ms", 1234);
	json_set_int(&s.arena, answer, "sample_rate", 16000);
	json_set(&s.arena, json_at(s.work.asks, 1), "answer", answer);
	assert_int_equal(speak_sound.process(&s.work, &e), 0);
	assert_int_equal(json_count(s.io.answers), 2); /* only what was missing is made */
	assert_int_equal(json_get_int(json_at(s.io.answers, 1), "index", -1), 2);
	const struct json *row = json_at(json_get(s.work.fields, "speech"), 1);
	assert_true(str_is(json_get_str(row, "object"), "00ff"));
	assert_int_equal(json_get_int(row, "duration_ms", 0), 1234);
	assert_int_equal(s.n, 2);
	sound_work_release(&s);
}

static void order_of_calls_does_not_matter(void **state)
{
	(void)state;
	struct buf text[2] = {BUF_INIT, BUF_INIT};
	for (int round = 0; round < 2; round++) {
		struct sound_work s;
		struct err e = ERR_INIT;
		sound_work_init(&s, &stage_speak, &voice, "{provider: voice}");
		for (int i = 0; i < 2; i++) {
			sound_work_call(&s, i == round ? "a/1" : "b/2", sound_work_json(&s, call_text));
			assert_int_equal(sound_work_ask(&s, &e), 0);
			assert_int_equal(speak_sound.process(&s.work, &e), 0);
			if (i == round)
				json_write(&text[round], s.work.fields);
		}
		sound_work_release(&s);
	}
	assert_string_equal(text[0].data, text[1].data);
	buf_release(&text[0]);
	buf_release(&text[1]);
}

static void requests_that_do_not_fit_are_a_bug(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	sound_work_init(&s, &stage_speak, &voice, "{provider: voice}");
	sound_work_call(&s, "a/1", sound_work_json(&s, call_text));
	s.work.asks = json_array(&s.arena);
	assert_int_equal(speak_sound.process(&s.work, &e), ERR_BUG);
	sound_work_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_a_call),
		cmocka_unit_test(stored_answers_are_taken),
		cmocka_unit_test(order_of_calls_does_not_matter),
		cmocka_unit_test(requests_that_do_not_fit_are_a_bug),
	};
	av_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
