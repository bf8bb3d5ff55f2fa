/* screen: each rule with what was measured, its limit and the turn; the limits are the parameters. */
#include "base/alloc.h"
#include "core/call.h"
#include "stages/screen/rules.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CALL_MAX 2100

/* Screen a call of these texts, left first; the findings as JSON. */
static const char *screen(struct kit *k, const char *with, const char *const *texts, size_t n)
{
	struct err e = ERR_INIT;
	struct work w;
	if (kit_open(k, &stage_screen, with, ".", &e))
		fail_msg("%s", e.text);
	struct json *call = json_object(&k->arena), *turns = json_array(&k->arena);
	for (size_t i = 0; i < n; i++)
		json_append(turns, turn_new(&k->arena, i % 2 ? "right" : "left", str_of(texts[i])));
	json_set(&k->arena, call, "turns", turns);
	if (kit_work(k, "a/b", call, &w, &e))
		fail_msg("%s", e.text);
	const struct json *findings = json_path(w.fields, "qa.@.findings");
	assert_non_null(findings);
	assert_true(str_is(json_get_str(json_path(w.fields, "qa.@"), "verdict"), json_count(findings) ? "reject" : "pass"));
	assert_int_equal(w.rejected, json_count(findings) > 0);
	return kit_json(k, findings);
}

static void finds(const char *with, const char *const *texts, size_t n, const char *expected)
{
	struct kit k;
	const char *got = screen(&k, with, texts, n);
	if (strcmp(got, expected) != 0)
		fail_msg("expected %s\ngot %s", expected, got);
	kit_close(&k);
}

#define FINDS(with, expected, ...) \
	do { \
		static const char *const texts_[] = {__VA_ARGS__}; \
		finds(with, texts_, COUNT_OF(texts_), expected); \
	} while (0)

#define A "您好，这里是市民服务热线，请问有什么可以帮您？"
#define B "你好，我想问一下周末图书馆几点开门。"
#define C "周末是上午九点到下午五点，节假日另有安排。"
#define D "明白了，谢谢你，再见。"

static void passes_good_calls(void **state)
{
	(void)state;
	FINDS("{}", "[]", A, B, C, D);
}

static void finds_empty_calls_and_turns(void **state)
{
	(void)state;
	finds("{}", NULL, 0, "[{\"limit\":1,\"rule\":\"empty\",\"unit\":\"turns\",\"value\":0}]");
	FINDS("{}", "[{\"limit\":1,\"rule\":\"empty\",\"turn\":4,\"unit\":\"characters\",\"value\":0}]", A, B, C, D, "");
	FINDS("{}", "[{\"limit\":1,\"rule\":\"empty\",\"turn\":1,\"unit\":\"characters\",\"value\":0}]", A, "……", C, D);
}

static void finds_short_and_long(void **state)
{
	(void)state;
	FINDS("{}", "[{\"limit\":4,\"rule\":\"too_short\",\"unit\":\"turns\",\"value\":2}]", A, B);
	FINDS("{min_turns: 2}", "[]", A, B);
	FINDS("{}", "[{\"limit\":30,\"rule\":\"too_short\",\"unit\":\"characters\",\"value\":8}]", "喂？", "你好", "再见",
		"嗯。");
	FINDS("{min_chars: 8}", "[]", "喂？", "你好", "再见", "嗯。");
	FINDS("{max_turns: 4}", "[{\"limit\":4,\"rule\":\"too_long\",\"unit\":\"turns\",\"value\":5}]", A, B, C, D, "再见。");
	FINDS("{max_chars: 70}", "[{\"limit\":70,\"rule\":\"too_long\",\"unit\":\"characters\",\"value\":73}]", A, B, C, D);
	FINDS("{max_turn_chars: 22}",
		"[{\"limit\":22,\"rule\":\"too_long\",\"turn\":0,\"unit\":\"characters\",\"value\":23}]", A, B, C, D);
	FINDS("{max_turn_chars: 23}", "[]", A, B, C, D);
}

static void finds_repeats(void **state)
{
	(void)state;
	FINDS("{}", "[{\"limit\":0,\"rule\":\"repeated_turns\",\"turn\":4,\"unit\":\"turns\",\"value\":2}]", A, B, C, D, C,
		"知道了。", C);
	FINDS("{max_repeats: 2}", "[]", A, B, C, D, C, "知道了。", C);
	FINDS("{}", "[]", A, A, C, D); /* the other side may say the same */
	FINDS("{}", "[]", A, "好的，谢谢。", C, "好的，谢谢。", "再见。", "好的，谢谢。");
	FINDS("{}", "[{\"limit\":0,\"rule\":\"repeated_turns\",\"turn\":4,\"unit\":\"turns\",\"value\":1}]", A, B, C, D,
		"周末是上午九点到下午五点，节假日有别的安排。");
	FINDS("{repeat_similarity: 100}", "[]", A, B, C, D, "周末是上午九点到下午五点，节假日有别的安排。");
}

static void finds_leaks(void **state)
{
	(void)state;
	FINDS("{}", "[{\"limit\":0,\"rule\":\"control_signal\",\"turn\":2,\"unit\":\"texts\",\"value\":\"##查询中##\"}]", A,
		B, "请稍等##查询中##", D);
	FINDS("{}", "[{\"limit\":0,\"rule\":\"api_error\",\"turn\":2,\"unit\":\"texts\",\"value\":\"API调用失败\"}]", A, B,
		"API调用失败，无法生成回复。", D);
}

static void finds_other_languages(void **state)
{
	(void)state;
	FINDS("{}", "[{\"limit\":0,\"rule\":\"non_chinese\",\"turn\":2,\"unit\":\"words\",\"value\":\"helpful\"}]", A, B,
		"这真的很 helpful。", D);
	FINDS("{max_foreign_words: 1}", "[]", A, B, "这真的很 helpful。", D);
	FINDS("{}",
		"[{\"limit\":50,\"rule\":\"non_chinese\",\"turn\":2,\"unit\":\"percent\",\"value\":0},"
		"{\"limit\":0,\"rule\":\"non_chinese\",\"turn\":2,\"unit\":\"words\",\"value\":\"open from nine until five … "
		"(6)\"}]",
		A, B, "We are open from nine until five on weekends.", D);
	FINDS("{}", "[]", A, B, "是 iPhone Pro Max。", D);
	FINDS("{han_share: 0, max_foreign_words: 9}", "[]", A, B, "We are open from nine until five on weekends.", D);
}

static void lists_all_findings(void **state)
{
	(void)state;
	FINDS("{}",
		"[{\"limit\":1,\"rule\":\"empty\",\"turn\":1,\"unit\":\"characters\",\"value\":0},"
		"{\"limit\":4,\"rule\":\"too_short\",\"unit\":\"turns\",\"value\":2},"
		"{\"limit\":30,\"rule\":\"too_short\",\"unit\":\"characters\",\"value\":11},"
		"{\"limit\":0,\"rule\":\"control_signal\",\"turn\":0,\"unit\":\"texts\",\"value\":\"##WAIT##\"}]",
		"请稍等##WAIT##", "");
}

/* 2,000 turns that all differ, and 2,000 that are the same, in reasonable time. */
static void takes_the_longest_call(void **state)
{
	(void)state;
	static const char *texts[CALL_MAX];
	struct arena a = ARENA_INIT;
	struct kit k;
	for (size_t i = 0; i < CALL_TURNS_MAX; i++)
		texts[i] = arena_printf(&a, "%s第%zu次", A, i * 7919 % 2003);
	const char *got = screen(&k, "{max_turns: 2000, max_chars: 1000000}", texts, CALL_TURNS_MAX);
	assert_non_null(strstr(got, "repeated_turns"));
	kit_close(&k);
	arena_release(&a);
}

static void limits_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = {"{min_turns: 5, max_turns: 4}", "{min_chars: 9, max_chars: 8}",
		"{han_share: 101}", "{repeat_similarity: 20}", "{rules: none.yaml}", "{min_turn: 3}"};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		if (kit_open(&k, &stage_screen, bad[i], ".", &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		kit_close(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_good_calls),
		cmocka_unit_test(finds_empty_calls_and_turns),
		cmocka_unit_test(finds_short_and_long),
		cmocka_unit_test(finds_repeats),
		cmocka_unit_test(finds_leaks),
		cmocka_unit_test(finds_other_languages),
		cmocka_unit_test(lists_all_findings),
		cmocka_unit_test(takes_the_longest_call),
		cmocka_unit_test(limits_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
