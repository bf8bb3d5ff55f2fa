/* import/terminator: who ended a call, and control signals. */
#include "base/alloc.h"
#include "stages/import/import.h"
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
static struct terminators terminators;

static int set_up(void **state)
{
	struct err e = ERR_INIT;
	(void)state;
	if (terminators_load(&arena, "stages/import/terminators.yaml", &terminators, &e))
		fail_msg("%s", e.text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	terminators_release(&terminators);
	arena_release(&arena);
	return 0;
}

static void maps_free_texts(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"left", "left"},
		{"right", "right"},
		{"natural", "natural"},
		{"user_end", "right"},
		{"user end", "right"},
		{"User-End", "right"},
		{"user结束", "right"},
		{"用户结束", "right"},
		{"用户主动挂断", "right"},
		{"user", "right"},
		{"service", "left"},
		{"service方结束", "left"},
		{"诈骗者结束", "left"},
		{"诈骗者", "left"},
		{"客服挂断", "left"},
		{"left_end", "left"},
		{"ｕｓｅｒ", "right"},
		{"endcall", "unknown"},
		{"empty", "unknown"},
		{"", "unknown"},
		{"  ", "unknown"},
		{"end", "unknown"},
		{"结束", "unknown"},
		{"whoever", "unknown"},
		{"users", "unknown"},
		{"\xff", "unknown"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (strcmp(terminator_side(&terminators, str_of(cases[i][0])), cases[i][1]) != 0)
			fail_msg("'%s' is %s", cases[i][0], terminator_side(&terminators, str_of(cases[i][0])));
	assert_string_equal(terminator_side(&terminators, str_of(NULL)), "unknown");
}

static void cuts_signals(void **state)
{
	(void)state;
	static const struct {
		const char *text, *left, *name;
	} cases[] = {
		{"再见。##ENDCALL_SIGNAL##", "再见。", "ENDCALL_SIGNAL"},
		{"再见。 ###TERMINATE_SIGNAL###", "再见。 ", "TERMINATE_SIGNAL"},
		{"再见。## endcall signal ##", "再见。", "ENDCALL_SIGNAL"},
		{"再见。＃＃ENDCALL_SIGNAL＃＃", "再见。", "ENDCALL_SIGNAL"},
		{"再见。##ENDCALL_SIGNAL", "再见。", "ENDCALL_SIGNAL"},
		{"好##TERMINATE_SIGNAL##的", "好的", "TERMINATE_SIGNAL"},
		{"a ##ENDCALL_SIGNAL## b", "a b", "ENDCALL_SIGNAL"},
		{"##ENDCALL_SIGNAL####TERMINATE_SIGNAL##", "", "TERMINATE_SIGNAL"},
		{"请稍等。##查询中##", "请稍等。##查询中##", NULL},
		{"##WAITING_SIGNAL##", "##WAITING_SIGNAL##", NULL},
		{"##ENDCALL_SIGNALS##", "##ENDCALL_SIGNALS##", NULL},
		{"#ENDCALL_SIGNAL", "#ENDCALL_SIGNAL", NULL},
		{"##", "##", NULL},
		{"#", "#", NULL},
		{"", "", NULL},
		{"没有", "没有", NULL},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		const char *name = NULL;
		signals_cut(&terminators, str_of(cases[i].text), &b, &name);
		if (strcmp(b.data, cases[i].left) != 0 || (name == NULL) != (cases[i].name == NULL) ||
			(name && strcmp(name, cases[i].name) != 0))
			fail_msg("'%s' → '%s', %s", cases[i].text, b.data, name ? name : "none");
	}
}

static void refuses_bad_tables(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"left: [user]\nright: [User]\n", "twice"},
		{"middle: [a]\n", "unknown key"},
		{"left: a\n", "expected a list"},
		{"left: [[a]]\n", "expected a text"},
		{"- a\n", "expected a map"},
	};
	struct arena a = ARENA_INIT;
	const char *folder = kit_folder(&a);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e = ERR_INIT;
		struct terminators t;
		kit_write(folder, "t.yaml", cases[i][0], strlen(cases[i][0]));
		assert_int_equal(terminators_load(&a, arena_printf(&a, "%s/t.yaml", folder), &t, &e), ERR_CONFIG);
		if (!strstr(e.text, cases[i][1]) || !strstr(e.text, "t.yaml:"))
			fail_msg("%s", e.text);
	}
	kit_remove_folder(folder);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_free_texts),
		cmocka_unit_test(cuts_signals),
		cmocka_unit_test(refuses_bad_tables),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
