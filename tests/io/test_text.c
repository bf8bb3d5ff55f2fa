/* io/text: Unicode normal forms and classes. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "io/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void normal(const char *in, const char *expected)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	if (text_normalize(&b, str_of(in), &e))
		fail_msg("%s", e.text);
	assert_string_equal(b.data, expected);
}

static void normalizes(void **state)
{
	(void)state;
	normal("ＡＢＣ１２３，＃", "ABC123,#");
	normal("  a\t\nb　　c  ", "a b c");
	normal("a\u200Bb\uFEFF", "ab");
	normal("a\x01\x1f"
		   "b",
		"ab");
	normal("\n\n", "");
	normal("", "");
	normal("e\u0301", "é");
	normal("ﬁ㎏", "fikg");
	normal("a\u00A0b", "a b");
	normal("你好。", "你好。");
}

static void nfc(const char *in, const char *expected)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_puts(&b, ">");
	assert_int_equal(text_nfc(&b, str_of(in), NULL), 0);
	assert_string_equal(b.data + 1, expected);
}

static void composes(void **state)
{
	(void)state;
	nfc("e\u0301", "é");
	nfc("ＡＢＣ  a\n", "ＡＢＣ  a\n"); /* no compatibility forms, no trimming */
	nfc("您好，这里是“客服”……", "您好，这里是“客服”……");
	nfc("\u1100\u1161", "가");
	nfc("か\u3099", "が");
	nfc("\uF900", "豈"); /* compatibility ideographs have canonical forms */
	nfc("", "");
}

/* The quick way for texts that are in NFC already must agree with the library on every code point, alone and before a mark. */
static void quick_way_agrees(void **state)
{
	(void)state;
	for (uint32_t cp = 1; cp < 0x30000; cp++) {
		char bytes[8];
		if (cp >= 0xD800 && cp <= 0xDFFF)
			continue;
		size_t n = utf8_put(cp, bytes);
		CLEANUP(buf_release) struct buf alone = BUF_INIT;
		CLEANUP(buf_release) struct buf marked = BUF_INIT;
		assert_int_equal(text_nfc(&alone, str_n(bytes, n), NULL), 0);
		/* A mark that composes with nothing keeps the text off the quick way: what came out
		 * unchanged without it must stand unchanged before it. */
		memcpy(bytes + n, "\u0334", 2);
		assert_int_equal(text_nfc(&marked, str_n(bytes, n + 2), NULL), 0);
		bool stays = alone.len == n && memcmp(alone.data, bytes, n) == 0;
		if (stays && text_class(cp) != 'M' && memcmp(marked.data, bytes, n) != 0)
			fail_msg("U+%04X differs", (unsigned)cp);
	}
}

static void refuses_invalid_utf8(void **state)
{
	(void)state;
	static const char *const bad[] = {"a\xff", "\xc0\x80", "\xed\xa0\x80", "好\xe5\xa5", "\xf4\x90\x80\x80"};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		assert_int_equal(text_nfc(&b, str_of(bad[i]), &e), ERR_PARSE);
		assert_non_null(strstr(e.text, "invalid UTF-8 at byte"));
		err_clear(&e);
		assert_int_equal(text_normalize(&b, str_of(bad[i]), &e), ERR_PARSE);
		assert_int_equal(b.len, 0);
	}
}

static void tells_a_full_buffer(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX(4);
	assert_int_equal(text_nfc(&b, STR("你好"), NULL), ERR_TOOBIG);
	buf_clear(&b);
	assert_int_equal(text_normalize(&b, STR("你好"), NULL), ERR_TOOBIG);
}

static void classes(void **state)
{
	(void)state;
	assert_int_equal(text_class('a'), 'L');
	assert_int_equal(text_class(0x4E00), 'L');
	assert_int_equal(text_class('7'), 'N');
	assert_int_equal(text_class(0x301), 'M');
	assert_int_equal(text_class(0x3002), 'P');
	assert_int_equal(text_class('+'), 'S');
	assert_int_equal(text_class(0x3000), 'Z');
	assert_int_equal(text_class('\n'), 'C');
	assert_int_equal(text_class(0x110000), 'C');
	assert_non_null(text_unicode_version());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normalizes),
		cmocka_unit_test(composes),
		cmocka_unit_test(quick_way_agrees),
		cmocka_unit_test(refuses_invalid_utf8),
		cmocka_unit_test(tells_a_full_buffer),
		cmocka_unit_test(classes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
