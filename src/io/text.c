/* Unicode text by utf8proc. */
#include "io/text.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

/* Longest text for one call, so that sizes stay far from the library's signed lengths. */
#define TEXT_MAX ((size_t)64 << 20)

static int text_error(struct str s, utf8proc_ssize_t code, struct err *e)
{
	ptrdiff_t at = utf8_invalid(s);
	if (at >= 0)
		return err_set(e, ERR_PARSE, "invalid UTF-8 at byte %zu", (size_t)at + 1);
	return err_set(e, ERR_PARSE, "text: %s", utf8proc_errmsg(code));
}

/* Code points that are their own NFC whatever stands beside them: most of our texts consist of nothing else, and utf8proc is slow on them. */
static bool nfc_inert(uint32_t cp)
{
	return cp < 0x300 || (cp >= 0x4E00 && cp <= 0x9FFF) || (cp >= 0xFF01 && cp <= 0xFFEE) ||
		   (cp >= 0x3001 && cp <= 0x3029) || (cp >= 0x2010 && cp <= 0x2027);
}

static bool nfc_already(struct str s)
{
	uint32_t cp;
	if (utf8_invalid(s) >= 0)
		return false;
	while (utf8_next(&s, &cp))
		if (!nfc_inert(cp))
			return false;
	return true;
}

static int map_text(struct str s, utf8proc_option_t options, utf8proc_uint8_t **ret, size_t *ret_n, struct err *e)
{
	utf8proc_uint8_t *out = NULL;
	if (s.n > TEXT_MAX)
		return err_set(e, ERR_TOOBIG, "a text of %zu bytes is over %zu", s.n, TEXT_MAX);
	utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &out, options);
	if (n < 0) {
		free(out);
		return text_error(s, n, e);
	}
	*ret = out;
	*ret_n = (size_t)n;
	return 0;
}

int text_nfc(struct buf *ret, struct str s, struct err *e)
{
	CLEANUP(free_ptr) utf8proc_uint8_t *out = NULL;
	size_t n = 0;
	if (s.n == 0)
		return 0;
	if (nfc_already(s)) {
		buf_str(ret, s);
	} else {
		int r = map_text(s, UTF8PROC_STABLE | UTF8PROC_COMPOSE, &out, &n, e);
		if (r)
			return r;
		buf_add(ret, out, n);
	}
	return buf_error(ret) ? err_set(e, ERR_TOOBIG, "the normalised text is over its limit") : 0;
}

/* Zero-width characters are no white space: they vanish, or they would put a blank between two characters of a word. */
static bool zero_width(uint32_t cp)
{
	return (cp >= 0x200B && cp <= 0x200F) || cp == 0x2060 || cp == 0xFEFF || cp == 0xAD;
}

static bool control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7F && cp < 0xA0 && cp != 0x85);
}

static bool white(uint32_t cp)
{
	return utf8_is_space(cp) || cp == '\n' || cp == '\t' || cp == 0x85 || cp == 0x2028 || cp == 0x2029;
}

/* Before the normal form is made: what then stand side by side may compose, and normal text has to stay as it is. No code point's normal form
 * holds one of these. */
static int drop_invisible(struct buf *ret, struct str s, struct err *e)
{
	uint32_t cp;
	if (s.n > TEXT_MAX)
		return err_set(e, ERR_TOOBIG, "a text of %zu bytes is over %zu", s.n, TEXT_MAX);
	if (utf8_invalid(s) >= 0)
		return text_error(s, UTF8PROC_ERROR_INVALIDUTF8, e);
	for (struct str rest = s; rest.n;) {
		const char *from = rest.p;
		utf8_next(&rest, &cp);
		if (!zero_width(cp) && (!control(cp) || cp == '\n' || cp == '\t'))
			buf_add(ret, from, (size_t)(rest.p - from));
	}
	return 0;
}

int text_normalize(struct buf *ret, struct str s, struct err *e)
{
	CLEANUP(free_ptr) utf8proc_uint8_t *out = NULL;
	size_t n = 0;
	bool gap = false, any = false;
	uint32_t cp;
	CLEANUP(buf_release) struct buf visible = BUF_INIT_MAX(TEXT_MAX);
	int r = drop_invisible(&visible, s, e);
	if (r || visible.len == 0)
		return r;
	r = map_text(buf_view(&visible), UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT, &out, &n, e);
	if (r)
		return r;
	for (struct str rest = str_n((const char *)out, n); utf8_next(&rest, &cp);) {
		char bytes[4];
		if (white(cp)) {
			gap = any;
			continue;
		}
		if (gap)
			buf_putc(ret, ' ');
		buf_add(ret, bytes, utf8_put(cp, bytes));
		gap = false;
		any = true;
	}
	return buf_error(ret) ? err_set(e, ERR_TOOBIG, "the normalised text is over its limit") : 0;
}

char text_class(uint32_t cp)
{
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
		return 'L';
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
		return 'M';
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return 'N';
	case UTF8PROC_CATEGORY_PC:
	case UTF8PROC_CATEGORY_PD:
	case UTF8PROC_CATEGORY_PS:
	case UTF8PROC_CATEGORY_PE:
	case UTF8PROC_CATEGORY_PI:
	case UTF8PROC_CATEGORY_PF:
	case UTF8PROC_CATEGORY_PO:
		return 'P';
	case UTF8PROC_CATEGORY_SM:
	case UTF8PROC_CATEGORY_SC:
	case UTF8PROC_CATEGORY_SK:
	case UTF8PROC_CATEGORY_SO:
		return 'S';
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return 'Z';
	default:
		return 'C';
	}
}

const char *text_unicode_version(void)
{
	return utf8proc_unicode_version();
}
