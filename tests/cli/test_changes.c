#include "cli/changes.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_changes(const char *was, const char *is, size_t max, const char *want)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct json *x, *y;
	assert_int_equal(json_parse(&a, str_of(was), &x, NULL), 0);
	assert_int_equal(json_parse(&a, str_of(is), &y, NULL), 0);
	const struct json *changes = changes_between(&a, x, y, max);
	JSON_EACH(change, changes) {
		change_text(&b, change);
		buf_putc(&b, '\n');
	}
	assert_string_equal(b.data, want);
}

static void test_leaves(void **state)
{
	(void)state;
	assert_changes("{\"a\":{\"b\":4,\"c\":1}}", "{\"a\":{\"b\":6,\"c\":1}}", 9, "a.b: 4 → 6\n");
	assert_changes("{\"a\":1}", "{\"a\":1}", 9, "");
	assert_changes("{\"a\":1}", "{\"b\":null}", 9, "a: 1 → (none)\nb: (none) → null\n");
	assert_changes("{\"a\":1}", "{\"a\":{\"b\":1}}", 9, "a: 1 → {\"b\":1}\n");
}

static void test_arrays(void **state)
{
	(void)state;
	assert_changes("{\"t\":[{\"x\":\"甲\"},{\"x\":\"乙\"}]}", "{\"t\":[{\"x\":\"甲\"},{\"x\":\"丙\"},{\"x\":\"丁\"}]}",
		9, "t[1].x: \"乙\" → \"丙\"\nt[2]: (none) → {\"x\":\"丁\"}\n");
	assert_changes("[1,2,3]", "[1]", 9, "[1]: 2 → (none)\n[2]: 3 → (none)\n");
}

static void test_limits(void **state)
{
	(void)state;
	assert_changes("[1,2,3,4]", "[5,6,7,8]", 2, "[0]: 1 → 5\n[1]: 2 → 6\n…\n");
	assert_changes("{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
		"{\"a\":\"x\\u001by\"}", 2, "a: \"0123456789012345678901234567890123456789012345678901234567… → \"x\\u001by\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
