/* ECMA-262 patterns by PCRE2: what they mean, what is refused, and that none runs for ever. */
#include "io/regex.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void meanings(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		int found;
	} cases[] = {
		{"a+", "xaax", 1},
		{"^[低中高]+$", "低高", 1},
		{"^[低中高]+$", "低人", 0},
		{"^.$", "喂", 1}, /* a character, not a byte */
		{"^.$", "\xF0\x9F\x98\x80", 1},
		{"^a$", "a\n", 0}, /* $ is the end of the text */
		{"^a.b$", "a\rb", 0},
		{"^\\d+$", "12", 1},
		{"^\\d+$", "１２", 0}, /* full width digits are none */
		{"^\\w$", "喂", 0},
		{"^\\s$", "\xE3\x80\x80", 1}, /* ideographic space */
		{"^[\\s]$", "\xE3\x80\x80", 1},
		{"^\\S$", "\xE3\x80\x80", 0},
		{"^\\s$", "\v", 1},
		{"^[^]$", "\n", 1},
		{"[]", "a", 0},
		{"^\\p{L}+$", "中文", 1},
		{"^\\u4e2d\\x41\\u{1F600}$", "中A\xF0\x9F\x98\x80", 1},
		{"^(?:ab){2}$", "abab", 1},
		{"^a{2,}?$", "aaa", 1},
		{"^(?!.*再见).*$", "好，再见", 0},
		{"(?<=元)整", "五元整", 1},
		{"^a#b c$", "a#b c", 1},
		{"^[[]$", "[", 1},
		{"^[a\\-z]$", "-", 1},
		{"^\\/$", "/", 1},
		{"^\\0$", "a", 0},
		{"", "", 1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct regex *r = NULL;
		struct err e = ERR_INIT;
		if (regex_new(&a, str_of(cases[i].pattern), &r, &e) < 0)
			fail_msg("%s", e.text);
		if (regex_find(r, str_of(cases[i].text), &e) != cases[i].found)
			fail_msg("%s on %s is not %d", cases[i].pattern, cases[i].text, cases[i].found);
	}
}

static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *says;
	} cases[] = {
		{"(", "missing closing parenthesis"},
		{"(a)\\1", "character 4: back references"},
		{"a++", "character 3: a count behind a count"},
		{"(?i)a", "this kind of group"},
		{"(?<n>a)", "this kind of group"},
		{"(?>a)", "this kind of group"},
		{"(?R)", "this kind of group"},
		{"(*UCP)a", "nothing to repeat"},
		{"[a", "not closed"},
		{"a]", "closes nothing"},
		{"a}", "closes nothing"},
		{"中{", "character 2: { begins no count"},
		{"\\Aa", "escape"},
		{"a\\Z", "escape"},
		{"\\Qa\\E", "escape"},
		{"\\h", "escape"},
		{"\\u12", "hexadecimal"},
		{"\\x{41}", "hexadecimal"},
		{"\\", "nothing behind"},
		{"\\p{^L}", "property"},
		{"[z-a]", "range"},
		{"*a", "quantifier"},
		{"a{70000}", "number too big"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct regex *r = NULL;
		struct err e = ERR_INIT;
		assert_int_equal(regex_new(&a, str_of(cases[i].pattern), &r, &e), ERR_CONFIG);
		assert_null(r);
		if (!strstr(e.text, cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says);
	}
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct regex *r = NULL;
	char *large = arena_alloc(&a, REGEX_MAX + 1);
	memset(large, 'a', REGEX_MAX + 1);
	assert_int_equal(regex_new(&a, str_n(large, REGEX_MAX + 1), &r, NULL), ERR_CONFIG);
	assert_int_equal(regex_new(&a, str_n(large, REGEX_MAX), &r, NULL), 0);
	assert_int_equal(regex_new(&a, str_n("a\0b", 3), &r, NULL), ERR_CONFIG);
	assert_int_equal(regex_new(&a, STR("\xff"), &r, NULL), ERR_CONFIG);
}

static void limits(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct regex *r = NULL;
	struct err e = ERR_INIT;
	char text[5001];
	memset(text, 'a', sizeof(text));
	assert_int_equal(regex_new(&a, STR("^(a+)+$"), &r, &e), 0);
	text[40] = '!';
	assert_int_equal(regex_find(r, str_n(text, 41), &e), ERR_TOOBIG);
	text[40] = 'a';
	assert_int_equal(regex_find(r, str_n(text, sizeof(text)), NULL), 1);
	assert_int_equal(regex_find(r, (struct str){NULL, 0}, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meanings),
		cmocka_unit_test(refused),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
