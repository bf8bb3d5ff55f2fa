#include "base/str.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

static const struct str none = {NULL, 0};

static void test_compare(void **state)
{
	(void)state;
	assert_int_equal(str_of(NULL).n, 0);
	assert_true(str_eq(none, str_of("")));
	assert_true(str_is(none, ""));
	assert_true(str_eq(STR("a\0b"), str_n("a\0b", 3)));
	assert_false(str_is(STR("ab"), "abc"));
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("b"), STR("ab")) > 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_cmp(none, str_of("")), 0);
	assert_true(str_cmp(none, STR("a")) < 0);
	assert_true(str_starts(STR("abc"), "ab") && str_starts(none, "") && !str_starts(STR("a"), "ab"));
	assert_true(str_ends(STR("abc"), "bc") && str_ends(none, "") && !str_ends(STR("c"), "bc"));
}

static void test_find(void **state)
{
	(void)state;
	assert_int_equal(str_find(STR("abcbc"), STR("bc")), 1);
	assert_int_equal(str_find(STR("abc"), STR("")), 0);
	assert_int_equal(str_find(none, none), 0);
	assert_int_equal(str_find(STR("abc"), STR("abcd")), -1);
	assert_int_equal(str_find(STR("abc"), STR("x")), -1);
	assert_int_equal(str_find(none, STR("x")), -1);
}

static void test_trim(void **state)
{
	(void)state;
	assert_true(str_is(str_trim(STR(" \t\r\n\v\f a b \n")), "a b"));
	assert_true(str_is(str_trim(STR("  ")), ""));
	assert_true(str_is(str_trim(none), ""));
	assert_true(str_is(str_trim(STR("\xE3\x80\x80")), "\xE3\x80\x80")); /* ASCII only */
}

/** All pieces, joined by '|'. */
static void assert_split(struct str s, bool lines, const char *want)
{
	char got[100] = "";
	struct str piece;
	size_t n = 0;
	while (lines ? str_line(&s, &piece) : str_split(&s, ',', &piece))
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%.*s|", STR_FMT(piece));
	assert_string_equal(got, want);
	assert_true(lines || !s.p);
}

static void test_split(void **state)
{
	(void)state;
	assert_split(STR("a,b"), false, "a|b|");
	assert_split(STR("a,,b,"), false, "a||b||");
	assert_split(STR(","), false, "||");
	assert_split(STR("abc"), false, "abc|");
	assert_split(STR(""), false, "|");
	assert_split(none, false, "");
	assert_split(STR("a\nb"), true, "a|b|");
	assert_split(STR("a\r\n\r\n\nb\n"), true, "a|||b|");
	assert_split(STR("a\rb\r"), true, "a\rb\r|");
	assert_split(STR(""), true, "");
	assert_split(none, true, "");
}

static void test_int(void **state)
{
	(void)state;
	int64_t v = 77;
	assert_true(str_int(STR("0"), &v) && v == 0);
	assert_true(str_int(STR("-12"), &v) && v == -12);
	assert_true(str_int(STR("+12"), &v) && v == 12);
	assert_true(str_int(STR("9223372036854775807"), &v) && v == INT64_MAX);
	assert_true(str_int(STR("-9223372036854775808"), &v) && v == INT64_MIN);
	v = 77;
	static const char *const bad[] = {"", "-", "+", "1x", " 1", "1 ", "9223372036854775808", "-9223372036854775809",
		"0x1", "1.0", "--1", "99999999999999999999999"};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(str_int(str_of(bad[i]), &v));
	assert_false(str_int(none, &v));
	assert_int_equal(v, 77);
}

static void test_real(void **state)
{
	(void)state;
	double v = 77;
	assert_true(str_real(STR("1.5"), &v) && v == 1.5);
	assert_true(str_real(STR("-2e3"), &v) && v == -2000);
	assert_true(str_real(str_n("0.25xyz", 4), &v) && v == 0.25);
	assert_true(str_real(STR("7"), &v) && v == 7);
	v = 77;
	static const char *const bad[] = {"", "-", "1x", " 1", "1 ", "nan", "inf", "0x10", "1e", "1e999", "e5", ".", "1.2.3"};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(str_real(str_of(bad[i]), &v));
	assert_false(str_real(STR("1\0"), &v));
	assert_true(v == 77);
}

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 5), 3);
	assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 2), 3);
	assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 1), 2);
	assert_int_equal(str_distance(STR("abc"), STR("abc"), 2), 0);
	assert_int_equal(str_distance(none, STR("ab"), 5), 2);
	assert_int_equal(str_distance(STR("ab"), none, 5), 2);
	assert_int_equal(str_distance(STR("stages"), STR("stgaes"), 5), 2);
	char longer[70];
	memset(longer, 'a', sizeof(longer));
	assert_int_equal(str_distance(str_n(longer, 65), str_n(longer, 65), 3), 4);
	assert_int_equal(str_distance(str_n(longer, 64), str_n(longer, 63), 3), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_int),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_distance),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
