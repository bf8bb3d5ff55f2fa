/* The provider chattts, before anything is sent: whose voice a person gets, and options that are refused. */
#include "tests/provider/chattts_kit.h"

#include "base/alloc.h"
#include "base/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct json *cast(struct tts_kit *k, const char *gender, const char *age, const struct json *other, int i)
{
	const struct provider_person who = {gender, age};
	const struct json *v = NULL;
	struct draw d;
	char id[32];
	snprintf(id, sizeof(id), "call/%d", i);
	draw_init(&d, 1, str_of(id), "voice");
	assert_int_equal(k->p.ops->voice(&k->p, &who, other, &d, &k->arena, &v, &k->e), 0);
	return v;
}

static void voices_by_person(void **state)
{
	(void)state;
	struct tts_kit k;
	int young = 0;
	tts_kit_open(&k,
		&provider_chattts, "{base_url: 'http://127.0.0.1:9', voices: [1031 female young, '2 male young, middle', 3 male elderly, 44 female]}",
		NULL);
	for (int i = 0; i < 50; i++) {
		const struct json *left = cast(&k, "male", "elderly", NULL, i), *right;
		assert_int_equal(json_get_int(left, "manual_seed", 0), 3);
		right = cast(&k, "male", "elderly", left, i); /* age gives way, not gender */
		assert_int_equal(json_get_int(right, "manual_seed", 0), 2);
		left = cast(&k, "female", "young", NULL, i);
		young += json_get_int(left, "manual_seed", 0) == 1031;
		assert_true(json_get_int(left, "manual_seed", 0) == 44 || json_get_int(left, "manual_seed", 0) == 1031);
		assert_false(json_equal(left, cast(&k, NULL, NULL, left, i)));
	}
	assert_true(young > 10 && young < 40);
	tts_kit_close(&k);
}

static void seeds_are_drawn(void **state)
{
	(void)state;
	struct tts_kit k;
	int64_t seen[3] = {0};
	tts_kit_open(&k, &provider_chattts, "{base_url: 'http://127.0.0.1:9', seed_min: 5, seed_max: 7}", NULL);
	for (int i = 0; i < 60; i++) {
		const struct json *left = cast(&k, NULL, NULL, NULL, i), *right = cast(&k, NULL, NULL, left, i + 100);
		int64_t a = json_get_int(left, "manual_seed", 0), b = json_get_int(right, "manual_seed", 0);
		assert_true(a >= 5 && a <= 7 && b >= 5 && b <= 7 && a != b);
		assert_true(json_equal(left, cast(&k, NULL, NULL, NULL, i)));
		seen[b - 5]++;
	}
	assert_true(seen[0] > 5 && seen[1] > 5 && seen[2] > 5);
	tts_kit_close(&k);
}

/* Who has spoken is not paid for again because there is a voice more: the list is in the stage's key, not in that of a sound. */
static void a_longer_list_changes_few(void **state)
{
	(void)state;
#define LIST "{base_url: 'http://127.0.0.1:9', voices: [1, 2, 3, 4, 5, 6, 7, 8, 9"
	struct tts_kit k, longer, shorter;
	int changed = 0, of_left = 0;
	tts_kit_open(&k, &provider_chattts, LIST "]}", NULL);
	tts_kit_open(&longer, &provider_chattts, LIST ", 10]}", NULL);
	tts_kit_open(&shorter, &provider_chattts, "{base_url: 'http://127.0.0.1:9', voices: [9, 1, 3, 4, 5, 6, 7, 8]}",
		NULL); /* without 2 */
	assert_false(json_equal(k.p.identity, longer.p.identity));
	assert_true(json_equal(k.p.answers, longer.p.answers));
	assert_true(json_get(json_get(k.p.answers, "options"), "temperature") != NULL);
	for (int i = 0; i < 200; i++) {
		const struct json *right = cast(&k, NULL, NULL, NULL, i), *now = cast(&longer, NULL, NULL, NULL, i);
		changed += !json_equal(right, now);
		assert_true(json_equal(right, now) || json_get_int(now, "manual_seed", 0) == 10);
		now = cast(&shorter, NULL, NULL, NULL, i);
		assert_true(json_equal(right, now) || json_get_int(right, "manual_seed", 0) == 2);
		/* nor does another voice of the one side change the other's, but where both would be the same */
		of_left += !json_equal(cast(&k, NULL, NULL, tts_kit_json(&k, "{\"manual_seed\":1}"), i),
			cast(&k, NULL, NULL, tts_kit_json(&k, "{\"manual_seed\":2}"), i));
	}
	assert_in_range(changed, 5, 45);
	assert_in_range(of_left, 15, 80);
	tts_kit_close(&shorter);
	tts_kit_close(&longer);
	tts_kit_close(&k);
}

/* --- Options --- */

static void what_is_wrong_before_any_work(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"{}", "give base_url, or base_urls"},
		{"{base_url: 'http://a', base_urls: ['http://b']}", "not both"},
		{"{base_url: 'a:9000'}", "base_url must begin with http://"},
		{"{base_urls: ['http://a', 'b:9000']}", "it is 'b:9000'"},
		{"{base_url: 'me:secret@b:9000'}", "it is '…'"},
		{"{base_urls: ['http://a/?x']}", "base_urls cannot have a '?' or '#': /generate_voice"},
		{"{base_urls: ['http://a', 'http://a/generate_voice/']}", "twice"},
		{"{base_url: 'http://a', voices: [7 male]}", "two at least"},
		{"{base_url: 'http://a', voices: [7 male, 7 female]}", "7 is there twice"},
		{"{base_url: 'http://a', voices: [7 man, 8]}", "'man' is none of these"},
		{"{base_url: 'http://a', voices: [nova, 8]}", "nova is neither a seed"},
		{"{base_url: 'http://a', voices: ['007', 8]}", "without a sign"},
		{"{base_url: 'http://a', voices: ['', 8]}", "has no name"},
		{"{base_url: 'http://a', temperature: [0.3, hot]}", "'hot' is no number from 1e-05 to 2"},
		{"{base_url: 'http://a', temperature: []}", "at least one"},
		{"{base_url: 'http://a', seed_min: 9, seed_max: 9}", "seed_max must be over seed_min"},
		{"{base_url: 'http://a', extra: {params_infer_code.temperature: 1}}", "it is an option of its own"},
		{"{base_url: 'http://a', extra: {params_infer_code: 1}}", "taf's own"},
		{"{base_url: 'http://a', extra: {text.x: 1}}", "taf's own"},
		{"{base_url: 'http://a', api_key_env: TAF_TEST_NOT_SET}", "is not set"},
	};
	unsetenv("TAF_TEST_NOT_SET");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct tts_kit k;
		struct err e = ERR_INIT;
		tts_kit_open(&k, &provider_chattts, cases[i][0], &e);
		if (e.code != ERR_CONFIG || !strstr(e.text, cases[i][1]) || !strstr(e.text, "provider speaker"))
			fail_msg("%s: %d '%s'", cases[i][0], e.code, e.text);
		tts_kit_close(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(voices_by_person),
		cmocka_unit_test(seeds_are_drawn),
		cmocka_unit_test(a_longer_list_changes_few),
		cmocka_unit_test(what_is_wrong_before_any_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
