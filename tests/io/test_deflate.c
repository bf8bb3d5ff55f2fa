/* Packed texts: round trips, and that damaged or hostile bytes are refused whole. */
#include "io/deflate.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void round_trips(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf raw = BUF_INIT;
	for (size_t n = 0; n < 200000; n = n * 3 + 1) {
		CLEANUP(buf_release) struct buf packed = BUF_INIT;
		CLEANUP(buf_release) struct buf back = BUF_INIT;
		while (raw.len < n)
			buf_printf(&raw, "您好，这里是%zu号。", raw.len);
		buf_truncate(&raw, n);
		buf_puts(&back, "before");
		deflate_pack(&packed, buf_view(&raw));
		assert_false(buf_error(&packed));
		assert_true(n < 1000 || packed.len < n / 2);
		assert_int_equal(deflate_unpack(buf_view(&packed), n, &back, NULL), 0);
		assert_int_equal(back.len, n + 6);
		assert_memory_equal(back.data + 6, raw.data, n);
		if (n > 0) /* over the cap: nothing is kept */
			assert_int_equal(deflate_unpack(buf_view(&packed), n - 1, &back, NULL), ERR_TOOBIG);
		assert_int_equal(back.len, n + 6);
	}
}

static void damaged(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf raw = BUF_INIT;
	CLEANUP(buf_release) struct buf packed = BUF_INIT;
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	for (int i = 0; i < 300; i++)
		buf_printf(&raw, "%d ", i * i);
	deflate_pack(&packed, buf_view(&raw));
	for (size_t n = 0; n < packed.len; n++)
		assert_int_equal(deflate_unpack(str_n(packed.data, n), 1 << 20, &out, NULL), ERR_PARSE);
	int passed = 0;
	for (size_t i = 0; i < packed.len; i++) { /* one byte changed: the checksum tells, whatever it decodes to */
		packed.data[i] ^= 0x10;
		passed += deflate_unpack(buf_view(&packed), 1 << 20, &out, NULL) == 0;
		packed.data[i] ^= 0x10;
	}
	assert_true(passed <= 1); /* a bit of the header says only how hard it was tried */
	buf_putc(&packed, 'x');
	buf_clear(&out);
	assert_int_equal(deflate_unpack(buf_view(&packed), 1 << 20, &out, NULL), ERR_PARSE);
	assert_int_equal(out.len, 0);
	/* The cap may be as large as the buffer's own: what fits is unpacked. */
	CLEANUP(buf_release) struct buf small = BUF_INIT_MAX(2000);
	buf_clear(&packed);
	buf_truncate(&raw, 1500);
	deflate_pack(&packed, buf_view(&raw));
	assert_int_equal(deflate_unpack(buf_view(&packed), 2000, &small, NULL), 0);
	assert_true(small.len == 1500 && !buf_error(&small));
	buf_clear(&small);
	assert_int_equal(deflate_unpack(buf_view(&packed), 1499, &small, NULL), ERR_TOOBIG);
	/* A megabyte of zeros in a kilobyte does not get past its cap. */
	CLEANUP(buf_release) struct buf zeros = BUF_INIT;
	buf_reserve(&zeros, 1 << 20);
	zeros.len = 1 << 20;
	buf_clear(&packed);
	deflate_pack(&packed, buf_view(&zeros));
	assert_true(packed.len < 8000);
	assert_int_equal(deflate_unpack(buf_view(&packed), 100000, &out, NULL), ERR_TOOBIG);
	assert_true(out.len == 0 && out.cap < 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
