/* UTF-8 by hand and Unicode normalisation: what is normal stays as it is. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "io/text.h"
#include "tests/fuzz/fuzz.h"

static void check_utf8(struct str s)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct str rest = s;
	size_t n = 0;
	uint32_t cp;
	char bytes[4];
	for (; utf8_next(&rest, &cp); n++) {
		ASSERT(cp <= 0x10FFFF && !(cp >= 0xD800 && cp <= 0xDFFF));
		buf_add(&b, bytes, utf8_put(cp, bytes));
	}
	ASSERT(n == utf8_count(s) && utf8_width(s) <= 2 * n && utf8_invalid(buf_view(&b)) < 0);
	ptrdiff_t bad = utf8_invalid(s);
	ASSERT(str_eq(buf_view(&b), s) == (bad < 0));
	ASSERT(bad < 0 || utf8_invalid(str_n(s.p, (size_t)bad)) < 0);
}

static void check_normal(struct str s, int (*normal)(struct buf *, struct str, struct err *))
{
	CLEANUP(buf_release) struct buf once = BUF_INIT;
	CLEANUP(buf_release) struct buf twice = BUF_INIT;
	struct err e = ERR_INIT;
	int r = normal(&once, s, &e);
	if (r) {
		ASSERT(utf8_invalid(s) >= 0 && once.len == 0);
		fuzz_failed(r, ERR_PARSE, &e);
		return;
	}
	ASSERT(utf8_invalid(s) < 0 && utf8_invalid(buf_view(&once)) < 0);
	ASSERT(normal(&twice, buf_view(&once), &e) == 0);
	ASSERT(str_eq(buf_view(&once), buf_view(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = fuzz_str(data, size);
	check_utf8(s);
	check_normal(s, text_nfc);
	check_normal(s, text_normalize);
	return 0;
}
