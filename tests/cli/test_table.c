#include "cli/table.h"

#include "base/alloc.h"
#include "cli/say.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_columns(void **state)
{
	(void)state;
	static const char *const heads[] = {"stage", ">in", "why"};
	CLEANUP(table_release) struct table t;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	table_init(&t, heads, 3);
	table_cell(&t, STR("呼叫"));
	table_cell_count(&t, 12345);
	table_cell(&t, STR("a"));
	table_cell(&t, STR("clean"));
	table_cell_count(&t, 7);
	table_cell(&t, STR("b\x1b[31m"));
	table_print(&t, &b);
	assert_string_equal(b.data, "stage      in  why\n"
								"呼叫   12,345  a\n"
								"clean       7  b\xef\xbf\xbd[31m\n");
}

static void test_empty(void **state)
{
	(void)state;
	static const char *const heads[] = {"a", ">b"};
	CLEANUP(table_release) struct table t;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	table_init(&t, heads, 2);
	table_print(&t, &b);
	assert_string_equal(b.data, "a  b\n");
}

static void test_numbers(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	put_count(&b, 0);
	buf_putc(&b, ' ');
	put_count(&b, 999);
	buf_putc(&b, ' ');
	put_count(&b, -1234567);
	assert_string_equal(b.data, "0 999 -1,234,567");
	buf_clear(&b);
	put_bytes(&b, 999);
	buf_putc(&b, ' ');
	put_bytes(&b, 1500);
	buf_putc(&b, ' ');
	put_bytes(&b, 999999);
	buf_putc(&b, ' ');
	put_bytes(&b, 18000000000);
	assert_string_equal(b.data, "999 B 1.5 kB 1.0 MB 18 GB");
	buf_clear(&b);
	put_seconds(&b, 0.04);
	buf_putc(&b, ' ');
	put_seconds(&b, 12.4);
	buf_putc(&b, ' ');
	put_seconds(&b, 59.6);
	buf_putc(&b, ' ');
	put_seconds(&b, 3723);
	assert_string_equal(b.data, "0.0 s 12 s 1:00 1:02:03");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
