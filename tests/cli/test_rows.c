#include "cli/rows.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The rows as canonical JSON with their lines, joined; an error ends it with "!" and its words. */
static void read_all(const char *text, struct buf *ret)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct rows rows;
	struct json *row;
	struct err e = ERR_INIT;
	int rc;
	buf_clear(ret);
	rows_init(&rows, "f", str_of(text));
	while ((rc = rows_next(&rows, &a, &row, &e)) > 0) {
		buf_printf(ret, "%zu:", rows.line);
		json_write(ret, row);
		buf_putc(ret, ' ');
	}
	if (rc < 0)
		buf_printf(ret, "!%s", e.text);
	assert_int_equal(rows_next(&rows, &a, &row, NULL) > 0, 0);
}

static void forms(void **state)
{
	(void)state;
	static const char *const v[][2] = {
		{"", ""},
		{"\n\n", ""},
		{"{\"a\":1}\n\n{\"a\":2}\r\n", "1:{\"a\":1} 3:{\"a\":2} "},
		{"\xEF\xBB\xBF{\"a\":1}", "1:{\"a\":1} "},
		{"[]", ""},
		{"[1, \"]\",\n [2], {\"a\": \"}\"}]", "1:1 1:\"]\" 2:[2] 2:{\"a\":\"}\"} "},
		{"[{\"a\":\"\\\"]\"}]", "1:{\"a\":\"\\\"]\"} "},
		{"{\"results\": [1, 2]}", "1:1 1:2 "},
		{"{\"results\": {\"x\": [1], \"y\": [], \"z\": [2,\n3]}}", "1:1 1:2 2:3 "},
		{"{\"results\": 5}", "1:{\"results\":5} "},
		{"{\"result\": [1]}\n{\"b\":2}", "1:{\"result\":[1]} 2:{\"b\":2} "},
	};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < COUNT_OF(v); i++) {
		read_all(v[i][0], &b);
		assert_string_equal(b.data, v[i][1]);
	}
}

static void broken(void **state)
{
	(void)state;
	static const char *const v[][2] = {
		{"{\"a\":", "!f:1: no JSON"},
		{"{}\nx", "1:{} !f:2: no JSON"},
		{"[{}", "1:{} !f:1: the list is cut short"},
		{"[{},\n{\"a\"", "1:{} !f:2: no JSON"},
		{"[}]", "!f:1: no JSON"},
		{"[\"abc", "!f:1: no JSON"},
		{"{\"results\": {\"x\": [1", "1:1 !f:1: the list is cut short"},
	};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < COUNT_OF(v); i++) {
		read_all(v[i][0], &b);
		if (!str_starts(buf_view(&b), v[i][1]))
			fail_msg("%s: %s", v[i][0], b.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(broken)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
