#include "base/alloc.h"
#include "core/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_sorted_with_lines(void **state)
{
	(void)state;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	problems_source(&p, "a.yaml", STR("one: 1\ntwo: 2\n"));
	problem_add(&p, (struct yaml_mark){"a.yaml", 2, 6}, "second %d", 2);
	problem_add(&p, (struct yaml_mark){"a.yaml", 1, 1}, "first");
	problem_add(&p, (struct yaml_mark){"a.yaml", 2, 6}, "third");
	problem_add(&p, (struct yaml_mark){"a.yaml", 2, 6}, "second %d", 2);
	problem_add(&p, (struct yaml_mark){"--set x=1", 0, 0}, "set");
	struct err e = ERR_INIT;
	err_set(&e, ERR_CONFIG, "b.yaml:1:2: as it is\n  line");
	problem_add_err(&p, (struct yaml_mark){"b.yaml", 1, 2}, &e);
	assert_int_equal(p.n, 6);
	problems_print(&p, &b);
	assert_string_equal(b.data, "--set x=1: set\n"
								"a.yaml:1:1: first\n    one: 1\n    ^\n"
								"a.yaml:2:6: second 2\n    two: 2\n         ^\n"
								"a.yaml:2:6: third\n    two: 2\n         ^\n"
								"b.yaml:1:2: as it is\n  line\n");
}

static void test_capped(void **state)
{
	(void)state;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (int i = 0; i < 70; i++)
		problem_add(&p, (struct yaml_mark){"f", i + 1, 1}, "p%d", i);
	problems_print(&p, &b);
	assert_non_null(strstr(b.data, "f:50:1: p49\n"));
	assert_null(strstr(b.data, "f:51:1:"));
	assert_non_null(strstr(b.data, "20 more"));
}

static void test_did_you_mean(void **state)
{
	(void)state;
	struct str v[] = {STR("screen"), STR("speak"), STR("synthesize"), STR("qa"), STR("import")};
	struct option_list known = {v, COUNT_OF(v)}, none = {NULL, 0};
	static const char *const rows[][2] = {{"scren", "screen"}, {"speek", "speak"}, {"syntesise", "synthesize"},
		{"q", "qa"}, {"imports", "import"}, {"xyz", ""}, {"w", ""}, {"", ""}};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
		CLEANUP(buf_release) struct buf expected = BUF_INIT;
		problem_unknown(&p, (struct yaml_mark){NULL, 0, 0}, "unknown", str_of(rows[i][0]), &known);
		buf_printf(&expected, "did you mean '%s'?", rows[i][1]);
		if (rows[i][1][0] ? !strstr(p.v[0].text, expected.data) : strstr(p.v[0].text, "did you") != NULL)
			fail_msg("%s", p.v[0].text);
	}
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct yaml_mark mark = {"f", 1, 1};
	problem_unknown(&p, mark, "unknown stage type", STR("scren"), &known);
	assert_string_equal(p.v[0].text, "unknown stage type 'scren'; did you mean 'screen'?");
	problem_unknown(&p, mark, "unknown stage type", STR("xyzzy"), &known);
	assert_string_equal(p.v[1].text, "unknown stage type 'xyzzy'; there is screen, speak, synthesize, qa, import");
	problem_unknown(&p, mark, "unknown profile", STR("a"), &none);
	assert_string_equal(p.v[2].text, "unknown profile 'a'; there is none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted_with_lines),
		cmocka_unit_test(test_capped),
		cmocka_unit_test(test_did_you_mean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
