/* stages/speak/speak: what is asked of the provider. */
#include "base/alloc.h"
#include "provider/espeak.h"
#include "stages/speak/speak.h"
#include "tests/stages/sound_work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct espeak_params normal = {.rate = 1}, slow = {.rate = 0.5};
static const struct provider voice = {.name = "voice", .ops = &provider_espeak, .params = &normal};
static const struct provider slow_voice = {.name = "voice", .ops = &provider_espeak, .params = &slow};

static const char call_text[] = "{\"turns\":[{\"role\":\"left\",\"text\":\"您好，王女士，这里是银行。\"},{\"role\":"
								"\"right\",\"text\":\"你好，什么事？\"},"
								"{\"role\":\"right\",\"text\":\"……\"},{\"role\":\"left\",\"text\":\"尾号8888的卡\"},{"
								"\"role\":\"right\",\"text\":\"好。\"}],"
								"\"profile\":{\"left\":{\"age\":30,\"gender\":\"男\"},\"right\":{\"age\":70}}}";

static const struct json *ask_at(struct sound_work *s, size_t i)
{
	return json_get(json_at(s->work.asks, i), "request");
}

static void asks_for_each_turn_that_can_be_spoken(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	sound_work_init(&s, &stage_speak, &voice, "{provider: voice}");
	sound_work_call(&s, "a/1", sound_work_json(&s, call_text));
	assert_int_equal(sound_work_ask(&s, &e), 0);
	assert_int_equal(json_count(s.work.asks), 4); /* the third turn is a silence */
	assert_true(str_is(json_get_str(ask_at(&s, 0), "text"), "您好，王女士，这里是银航。"));
	assert_true(str_is(json_get_str(ask_at(&s, 2), "text"), "尾号八八八八的卡"));
	/* one voice a side, and two that differ */
	const struct json *left = json_get(ask_at(&s, 0), "voice"), *right = json_get(ask_at(&s, 1), "voice");
	assert_true(json_equal(left, json_get(ask_at(&s, 2), "voice")));
	assert_true(json_equal(right, json_get(ask_at(&s, 3), "voice")));
	assert_false(str_eq(json_get_str(left, "variant"), json_get_str(right, "variant")));
	/* a woman of 70, since the other side calls her 女士: she is slow */
	assert_in_range(json_get_int(right, "rate_wpm", 0), 200, 222);
	assert_in_range(json_get_int(left, "rate_wpm", 0), 226, 250);
	sound_work_release(&s);
}

static enum voice_gender gender_asked(struct sound_work *s, size_t i)
{
	const struct speak_state *st = s->stage.state;
	struct str variant = json_get_str(json_get(ask_at(s, i), "voice"), "variant");
	for (size_t k = 0; k < st->voices.n; k++)
		if (str_eq(st->voices.v[k].variant, variant))
			return st->voices.v[k].gender;
	return VOICE_ANY_GENDER;
}

static void persona_decides_gender(void **state)
{
	(void)state;
	struct sound_work s;
	sound_work_init(&s, &stage_speak, &voice, "{provider: voice}");
	for (int i = 0; i < 40; i++) {
		char id[16];
		struct err e = ERR_INIT;
		snprintf(id, sizeof id, "a/%d", i);
		sound_work_call(&s, id, sound_work_json(&s, call_text));
		assert_int_equal(sound_work_ask(&s, &e), 0);
		assert_int_equal(gender_asked(&s, 0), VOICE_MALE);
		assert_int_equal(gender_asked(&s, 1), VOICE_FEMALE);
	}
	sound_work_release(&s);
}

static void equal_calls_ask_equally_and_ids_vary_voices(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	size_t other = 0;
	sound_work_init(&s, &stage_speak, &voice, "{provider: voice}");
	sound_work_call(&s, "a/0", sound_work_json(&s, call_text));
	assert_int_equal(sound_work_ask(&s, &e), 0);
	const struct json *first = s.work.asks;
	for (int i = 0; i < 20; i++) {
		char id[16];
		snprintf(id, sizeof id, "a/%d", i);
		sound_work_call(&s, id, sound_work_json(&s, call_text));
		assert_int_equal(sound_work_ask(&s, &e), 0);
		assert_true(i > 0 || json_equal(first, s.work.asks));
		other += !json_equal(first, s.work.asks);
	}
	assert_true(other >= 18);
	sound_work_release(&s);
}

static void rate_is_a_factor(void **state)
{
	(void)state;
	int64_t rates[3] = {0};
	static const char *const with[] = {"{provider: voice}", "{provider: voice, rate: 0.8}", "{provider: voice}"};
	for (int i = 0; i < 3; i++) {
		struct sound_work s;
		struct err e = ERR_INIT;
		sound_work_init(&s, &stage_speak, i == 2 ? &slow_voice : &voice, with[i]);
		sound_work_call(&s, "a/1", sound_work_json(&s, call_text));
		assert_int_equal(sound_work_ask(&s, &e), 0);
		rates[i] = json_get_int(json_get(ask_at(&s, 0), "voice"), "rate_wpm", 0);
		sound_work_release(&s);
	}
	assert_int_equal(rates[1], (rates[0] * 8 + 5) / 10);
	assert_int_equal(rates[2], (rates[0] + 1) / 2);
}

static void a_call_without_words_is_a_bad_record(void **state)
{
	(void)state;
	struct sound_work s;
	struct err e = ERR_INIT;
	sound_work_init(&s, &stage_speak, &voice, "{provider: voice}");
	sound_work_call(&s, "a/1", sound_work_json(&s, "{\"turns\":[{\"role\":\"left\",\"text\":\"……\"}]}"));
	assert_int_equal(sound_work_ask(&s, &e), ERR_DATA);
	err_clear(&e);
	sound_work_call(&s, "a/1", sound_work_json(&s, "{\"turns\":[]}"));
	assert_int_equal(sound_work_ask(&s, &e), ERR_DATA);
	sound_work_release(&s);
}

static void describes_itself(void **state)
{
	(void)state;
	struct stage_fields f = {.nreads = 0};
	stage_speak.fields(&(struct speak_params){.rate = 1}, &f);
	assert_int_equal(f.nwrites, 1);
	assert_string_equal(f.writes[0].path, "speech");
	for (size_t i = 0; i < f.nreads; i++)
		assert_true(strncmp(f.reads[i].path, "turns.", 6) == 0 || f.reads[i].flags == FIELD_OPTIONAL);
	assert_ptr_equal(stage_speak.process, speak_by_server); /* of the embedded engine it is the worker's */
	assert_non_null(strstr(stage_speak.libraries(), "libavcodec"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_each_turn_that_can_be_spoken),
		cmocka_unit_test(persona_decides_gender),
		cmocka_unit_test(equal_calls_ask_equally_and_ids_vary_voices),
		cmocka_unit_test(rate_is_a_factor),
		cmocka_unit_test(a_call_without_words_is_a_bad_record),
		cmocka_unit_test(describes_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
