/* screen/rules: texts found, likeness, foreign words. */
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

static struct arena arena = ARENA_INIT;
static struct rules rules;

static int set_up(void **state)
{
	struct err e = ERR_INIT;
	(void)state;
	if (rules_load(&arena, "stages/screen/rules.yaml", &rules, &e))
		fail_msg("%s", e.text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct measured measure(const char *text)
{
	struct measured t;
	assert_int_equal(rules_turn(&arena, turn_new(&arena, "left", str_of(text)), &t, NULL), 0);
	return t;
}

static void counts(void **state)
{
	(void)state;
	struct measured t = measure(" 您好，a 1。");
	assert_int_equal(t.chars, 6);
	assert_int_equal(t.spoken, 4);
	assert_int_equal(t.npairs, 3);
	assert_true(t.left);
	assert_int_equal(measure("……。").spoken, 0);
	assert_int_equal(measure("").spoken, 0);
}

static void finds_texts(void **state)
{
	(void)state;
	static const struct {
		bool signal;
		const char *text, *found;
	} cases[] = {
		{true, "请稍等##查询中##李先生", "##查询中##"},
		{true, "好###TERMINATE_SIGNAL###", "###TERMINATE_SIGNAL###"},
		{true, "＃＃ＷＡＩＴ＃＃", "##WAIT##"},
		{true, "好##", "##"},
		{true, "好 wait_signal", "_signal"},
		{true, "<think>他", "<think"},
		{true, "请按#号键", NULL},
		{true, "", NULL},
		{false, "API调用失败，无法生成回复。", "API调用失败"},
		{false, "Error code: 429", "Error code"},
		{false, "您的电话打不通", NULL},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct measured t = measure(cases[i].text);
		struct str found = rules_find(cases[i].signal ? &rules.control_signals : &rules.api_errors, &t);
		if (cases[i].found ? !str_is(found, cases[i].found) : found.p != NULL)
			fail_msg("%s: found '%.*s'", cases[i].text, STR_FMT(found));
	}
}

static void compares(void **state)
{
	(void)state;
	struct measured a = measure("我这就去找，你等我一下，我马上回来。"),
					b = measure("我这就去找 你等我一下 我马上回来！"), c = measure("请问您要订几点的车？"),
					empty = measure("");
	assert_int_equal(rules_alike(&a, &b), 100);
	assert_int_equal(rules_alike(&a, &c), 0);
	assert_int_equal(rules_alike(&empty, &empty), 0);
	assert_int_equal(rules_alike(&a, &empty), 0);
	struct measured half = measure("我这就去找");
	assert_int_equal(rules_alike(&a, &half), 200 * 4 / (14 + 4));
}

static void finds_foreign_words(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t words;
		const char *first;
	} cases[] = {
		{"您最近是否有 overseas 的消费吗？", 1, "overseas"},
		{"海带 salad。", 1, "salad"},
		{"没问题 увеличение памяти может", 3, "увеличение"},
		{"즉，我们", 1, "즉"},
		{"ありがとう", 1, "ありがとう"},
		{"iPhone 15 Pro 和 Python", 0, NULL},
		{"请看 www.example.com 或写信到 zhang@example.com。", 0, NULL},
		{"发到abcd1234就行", 0, NULL},
		{"账号xxxx，XXXX银行", 0, NULL},
		{"用wifi上网，看一下app和email", 0, NULL},
		{"OK，bye", 0, NULL},
		{"您好，请问您是哪位？", 0, NULL},
		{"〇一二三々", 0, NULL},
		{"", 0, NULL},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct foreign f;
		struct measured t = measure(cases[i].text);
		rules_foreign(&arena, &rules, &t, &f);
		if (f.nwords != cases[i].words || (cases[i].words && !str_is(f.words[0], cases[i].first)))
			fail_msg("%s: %zu words, '%.*s'", cases[i].text, f.nwords, f.nwords ? (int)f.words[0].n : 0,
				f.nwords ? f.words[0].p : "");
	}
	struct foreign f;
	struct measured t = measure("二字 ab XXXX a1b2");
	rules_foreign(&arena, &rules, &t, &f);
	assert_int_equal(f.han, 2);
	assert_int_equal(f.other, 2);
}

static void refuses_bad_files(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"api_errors: x\n", "expected a list"},
		{"words: [[a]]\n", "expected a text"},
		{"words: ['']\n", "empty"},
		{"wrods: [a]\n", "unknown key"},
		{"- a\n", "expected the keys"},
	};
	struct arena a = ARENA_INIT;
	const char *folder = kit_folder(&a);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e = ERR_INIT;
		struct rules r;
		kit_write(folder, "r.yaml", cases[i][0], strlen(cases[i][0]));
		assert_int_equal(rules_load(&a, arena_printf(&a, "%s/r.yaml", folder), &r, &e), ERR_CONFIG);
		if (!strstr(e.text, cases[i][1]) || !strstr(e.text, "r.yaml:1:"))
			fail_msg("%s", e.text);
	}
	kit_remove_folder(folder);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(finds_texts),
		cmocka_unit_test(compares),
		cmocka_unit_test(finds_foreign_words),
		cmocka_unit_test(refuses_bad_files),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
