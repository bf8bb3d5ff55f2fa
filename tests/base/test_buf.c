#include "base/buf.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_buf(const struct buf *b, const char *want)
{
	assert_int_equal(b->len, strlen(want));
	assert_string_equal(b->data, want);
}

static void test_empty(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	assert_buf(&b, "");
	buf_add(&b, NULL, 0);
	buf_clear(&b);
	buf_truncate(&b, 0);
	assert_ptr_equal(b.data, buf_empty);
	buf_release(&b);
	assert_buf(&b, "");
	char *p = buf_take(&b);
	assert_string_equal(p, "");
	free(p);
}

static void test_append(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	buf_puts(&b, "ab");
	buf_putc(&b, 'c');
	buf_str(&b, str_n("defg", 2));
	buf_printf(&b, "%d-%s", 42, "x");
	buf_hex(&b, "\x00\xff\x1a", 3);
	assert_buf(&b, "abcde42-x00ff1a");
	buf_truncate(&b, 3);
	assert_buf(&b, "abc");
	assert_true(str_is(buf_view(&b), "abc"));
	char *p = buf_take(&b);
	assert_string_equal(p, "abc");
	assert_buf(&b, "");
	free(p);
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	buf_release(&b);
}

static void test_printf_long(void **state)
{
	(void)state;
	for (int n = 250; n < 262; n++) { /* around the size of its own small buffer */
		struct buf b = BUF_INIT;
		buf_printf(&b, "<%*d>", n, 7);
		assert_int_equal(b.len, n + 2);
		assert_int_equal(b.data[0], '<');
		assert_int_equal(b.data[n + 1], '>');
		assert_int_equal(b.data[n], '7');
		assert_int_equal(strlen(b.data), b.len);
		buf_release(&b);
	}
}

static void test_many(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	assert_int_equal(b.data[100000], 0);
	assert_false(buf_error(&b));
	buf_release(&b);
}

static void test_cap(void **state)
{
	(void)state;
	struct buf b = BUF_INIT_MAX(5);
	buf_puts(&b, "abcde");
	assert_false(buf_error(&b));
	assert_buf(&b, "abcde");
	buf_putc(&b, 'f');
	assert_true(buf_error(&b));
	assert_buf(&b, "abcde");
	buf_truncate(&b, 0);
	buf_putc(&b, 'x'); /* the error is sticky: nothing is added any more */
	assert_buf(&b, "");
	assert_true(buf_error(&b));
	buf_clear(&b);
	assert_false(buf_error(&b));
	buf_puts(&b, "abc");
	buf_puts(&b, "def");
	assert_buf(&b, "abc");
	buf_clear(&b);
	buf_printf(&b, "%d", 123456);
	assert_true(buf_error(&b));
	buf_clear(&b);
	buf_hex(&b, "abc", 3);
	assert_true(buf_error(&b));
	buf_clear(&b);
	assert_null(buf_reserve(&b, 6));
	buf_release(&b);
	assert_false(buf_error(&b));
	buf_puts(&b, "abcdef"); /* the cap stays */
	assert_true(buf_error(&b));
	buf_release(&b);
	buf_init(&b, 0);
	buf_puts(&b, "");
	assert_false(buf_error(&b));
	buf_putc(&b, 'a');
	assert_true(buf_error(&b));
	buf_release(&b);
}

static void test_reserve(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	buf_puts(&b, "0123456789");
	buf_truncate(&b, 2);
	char *p = buf_reserve(&b, 8);
	memcpy(p, "abc", 3);
	b.len += 3;
	assert_buf(&b, "01abc"); /* terminated though less was added than reserved */
	p = buf_reserve(&b, 5000);
	memset(p, 'x', 5000);
	b.len += 5000;
	assert_int_equal(strlen(b.data), 5005);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_printf_long),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_reserve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
