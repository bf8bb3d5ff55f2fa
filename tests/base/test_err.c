#include "base/err.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

static void test_first_stays(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	assert_int_equal(err_set(&e, ERR_DATA, "turn %d", 3), ERR_DATA);
	assert_int_equal(err_set(&e, ERR_IO, "later"), ERR_IO);
	assert_int_equal(e.code, ERR_DATA);
	assert_string_equal(e.text, "turn 3");
	err_clear(&e);
	assert_int_equal(e.code, 0);
	assert_string_equal(e.text, "");
	assert_int_equal(err_set(NULL, ERR_DATA, "x"), ERR_DATA);
	assert_int_equal(err_context(NULL, "x"), ERR_BUG);
	err_clear(NULL);
}

static void test_errno(void **state)
{
	(void)state;
	static const struct {
		int number, code;
	} cases[] = {{ENOSPC, ERR_NOSPACE}, {EDQUOT, ERR_NOSPACE}, {ENOENT, ERR_NOTFOUND}, {EACCES, ERR_IO}, {EIO, ERR_IO}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e = ERR_INIT;
		errno = cases[i].number;
		assert_int_equal(err_errno(&e, "cannot open %s", "x"), cases[i].code);
		assert_int_equal(errno, cases[i].number);
		assert_int_equal(err_errno(NULL, "x"), cases[i].code);
	}
	struct err e = ERR_INIT;
	errno = ENOENT;
	err_errno(&e, "cannot open %s", "x");
	assert_string_equal(e.text, "cannot open x: No such file or directory");
}

static void test_context(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	assert_int_equal(err_context(&e, "unused"), 0);
	assert_string_equal(e.text, "");
	err_set(&e, ERR_DATA, "bad");
	assert_int_equal(err_context(&e, "line %d", 2), ERR_DATA);
	err_context(&e, "file");
	assert_string_equal(e.text, "file: line 2: bad");
}

/** Long words are cut between characters, wherever the end falls. */
static void test_cut(void **state)
{
	(void)state;
	char text[ERR_TEXT_MAX + 100];
	for (size_t lead = 0; lead < 4; lead++) {
		struct err e = ERR_INIT;
		memset(text, 'a', lead);
		for (size_t i = lead; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "你", 4);
		err_set(&e, ERR_DATA, "%s", text);
		assert_true(strlen(e.text) >= ERR_TEXT_MAX - 4);
		assert_int_equal(utf8_invalid(str_of(e.text)), -1);
		err_context(&e, "%.*s", (int)(lead + 1), "abcd");
		assert_int_equal(utf8_invalid(str_of(e.text)), -1);
		assert_true(e.text[lead + 1] == ':');
	}
	struct err whole = ERR_INIT; /* a text that just fits is left alone */
	memset(text, 'a', sizeof(text));
	memcpy(text + ERR_TEXT_MAX - 4, "你", 4);
	err_set(&whole, ERR_DATA, "%s", text);
	assert_int_equal(strlen(whole.text), ERR_TEXT_MAX - 1);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(err_text(ERR_DATA), "bad record");
	assert_string_equal(err_name(ERR_DATA), "DATA");
	assert_string_equal(err_name(ERR_BUG), "BUG");
	assert_string_equal(err_name(ERR_STOPPED), "STOPPED");
	assert_string_equal(err_name(-1000), "BUG");
	assert_string_equal(err_name(5), "BUG");
	assert_string_equal(err_name(0), "OK");
	assert_int_equal(err_class_of(ERR_TIMEOUT), CLASS_TRANSIENT);
	assert_int_equal(err_class_of(ERR_LOCKED), CLASS_MACHINE);
	assert_int_equal(err_class_of(-1000), CLASS_BUG);
	for (int c = CLASS_BUG; c <= CLASS_STOPPED; c++)
		assert_int_equal(err_class_parse(err_class_name((enum err_class)c)), c);
	assert_int_equal(err_class_parse("nonsense"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_stays),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
