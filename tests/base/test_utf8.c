#include "base/utf8.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_every_code_point(void **state)
{
	(void)state;
	char bytes[4];
	for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
		uint32_t got = 1;
		if (cp >= 0xD800 && cp <= 0xDFFF)
			continue;
		size_t n = utf8_put(cp, bytes);
		struct str s = str_n(bytes, n);
		if (utf8_invalid(s) != -1 || !utf8_next(&s, &got) || got != cp || s.n != 0)
			fail_msg("U+%04X", (unsigned)cp);
		if (n > 1 && utf8_invalid(str_n(bytes, n - 1)) != 0)
			fail_msg("U+%04X cut", (unsigned)cp);
	}
	assert_int_equal(utf8_put(0xD800, bytes), 3);
	assert_memory_equal(bytes, "\xEF\xBF\xBD", 3);
	assert_int_equal(utf8_put(0x110000, bytes), 3);
}

static void test_invalid(void **state)
{
	(void)state;
	static const struct {
		struct str s;
		ptrdiff_t at;
	} cases[] = {
		{{"", 0}, -1},
		{{NULL, 0}, -1},
		{{"abcdefghijklmnop", 16}, -1},
		{{"abcdefghi\xff", 10}, 9},
		{{"abcdefg\x80", 8}, 7},
		{{"\xc0\x80", 2}, 0},
		{{"\xc1\xbf", 2}, 0},
		{{"\xe0\x9f\xbf", 3}, 0},
		{{"\xf0\x8f\xbf\xbf", 4}, 0},
		{{"\xf4\x90\x80\x80", 4}, 0},
		{{"\xf5\x80\x80\x80", 4}, 0},
		{{"\xed\xa0\x80", 3}, 0},
		{{"\xed\xbf\xbf", 3}, 0},
		{{"\xed\x9f\xbf", 3}, -1},
		{{"\xe4\xbd\xa0\xe4\xbd", 5}, 3},
		{{"\xe4\xbd\x41", 3}, 0},
		{{"a\0b", 3}, -1},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(utf8_invalid(cases[i].s), cases[i].at);
}

static void test_next(void **state)
{
	(void)state;
	struct str s = STR("a\xff你\xe4\xbd");
	static const uint32_t want[] = {'a', 0xFFFD, 0x4F60, 0xFFFD, 0xFFFD};
	uint32_t cp;
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_true(utf8_next(&s, &cp));
		assert_int_equal(cp, want[i]);
	}
	assert_false(utf8_next(&s, &cp));
	assert_int_equal(utf8_count(STR("你好ab😀")), 5);
	assert_int_equal(utf8_count(STR("")), 0);
}

static void test_classes(void **state)
{
	(void)state;
	static const uint32_t han[] = {
		0x3007, 0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0x20000, 0x2A6DF, 0x2A700, 0x2EBEF, 0x2F800, 0x30000, 0x323AF};
	static const uint32_t other[] = {
		'a', 0x3006, 0x3008, 0x3042, 0x33FF, 0x4DC0, 0xAC00, 0xFF21, 0x1F600, 0x2EBF0, 0x323B0, 0};
	for (size_t i = 0; i < COUNT_OF(han); i++)
		assert_true(utf8_is_han(han[i]));
	for (size_t i = 0; i < COUNT_OF(other); i++)
		assert_false(utf8_is_han(other[i]));
	static const uint32_t spaces[] = {' ', '\t', '\n', '\r', 0xA0, 0x3000, 0x2000, 0x200A, 0x200B, 0xFEFF};
	for (size_t i = 0; i < COUNT_OF(spaces); i++)
		assert_true(utf8_is_space(spaces[i]));
	assert_false(utf8_is_space('a') || utf8_is_space(0x200C) || utf8_is_space(0x3001) || utf8_is_space(0));
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(utf8_width(STR("abc")), 3);
	assert_int_equal(utf8_width(STR("你好，")), 6);
	assert_int_equal(utf8_width(STR("e\u0301")), 1);
	assert_int_equal(utf8_width(STR("한글ａ")), 6);
	assert_int_equal(utf8_width(STR("😀")), 2);
	assert_int_equal(utf8_width(STR("é█…")), 3);
	assert_int_equal(utf8_width(STR("")), 0);
}

static void test_clip(void **state)
{
	(void)state;
	struct str s = STR("a你好😀");
	static const size_t ends[] = {0, 1, 1, 1, 4, 4, 4, 7, 7, 7, 7, 11, 11};
	for (size_t max = 0; max < COUNT_OF(ends); max++)
		assert_int_equal(utf8_clip(s, max).n, ends[max]);
	assert_int_equal(utf8_clip(STR("\x80\x80\x80\x80\x80\x80"), 5).n, 2); /* no UTF-8: about there */
	assert_int_equal(utf8_clip(str_of(NULL), 5).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_clip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
