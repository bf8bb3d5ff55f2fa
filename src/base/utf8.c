#include "base/utf8.h"

#include <string.h>

/** Length of the valid character at `p`, or 0. `n` > 0. Ranges of the second byte are those of the Unicode standard's table 3-7. */
static size_t decode(const unsigned char *p, size_t n, uint32_t *ret_cp)
{
	unsigned char c = p[0], low = 0x80, high = 0xBF;
	size_t len = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
	if (len == 1) {
		*ret_cp = c;
		return 1;
	}
	if (len == 0 || len > n)
		return 0;
	if (c == 0xE0)
		low = 0xA0;
	else if (c == 0xED)
		high = 0x9F;
	else if (c == 0xF0)
		low = 0x90;
	else if (c == 0xF4)
		high = 0x8F;
	if (p[1] < low || p[1] > high)
		return 0;
	uint32_t cp = (c & (0xFFu >> (len + 1))) << 6 | (p[1] & 0x3Fu);
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3Fu);
	}
	*ret_cp = cp;
	return len;
}

ptrdiff_t utf8_invalid(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;
	while (i < s.n) {
		if (p[i] < 0x80) {
			uint64_t eight;
			if (s.n - i >= sizeof(eight)) {
				memcpy(&eight, p + i, sizeof(eight));
				if (!(eight & UINT64_C(0x8080808080808080))) {
					i += sizeof(eight);
					continue;
				}
			}
			i++;
			continue;
		}
		uint32_t cp;
		size_t len = decode(p + i, s.n - i, &cp);
		if (len == 0)
			return (ptrdiff_t)i;
		i += len;
	}
	return -1;
}

bool utf8_next(struct str *s, uint32_t *ret_cp)
{
	if (s->n == 0)
		return false;
	size_t len = decode((const unsigned char *)s->p, s->n, ret_cp);
	if (len == 0) {
		*ret_cp = 0xFFFD;
		len = 1;
	}
	s->p += len;
	s->n -= len;
	return true;
}

size_t utf8_put(uint32_t cp, char *ret)
{
	if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
		cp = 0xFFFD;
	if (cp < 0x80) {
		ret[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		ret[0] = (char)(0xC0 | cp >> 6);
		ret[1] = (char)(0x80 | (cp & 0x3F));
		return 2;
	}
	if (cp < 0x10000) {
		ret[0] = (char)(0xE0 | cp >> 12);
		ret[1] = (char)(0x80 | (cp >> 6 & 0x3F));
		ret[2] = (char)(0x80 | (cp & 0x3F));
		return 3;
	}
	ret[0] = (char)(0xF0 | cp >> 18);
	ret[1] = (char)(0x80 | (cp >> 12 & 0x3F));
	ret[2] = (char)(0x80 | (cp >> 6 & 0x3F));
	ret[3] = (char)(0x80 | (cp & 0x3F));
	return 4;
}

size_t utf8_count(struct str s)
{
	size_t n = 0;
	for (uint32_t cp; utf8_next(&s, &cp);)
		n++;
	return n;
}

struct str utf8_clip(struct str s, size_t max)
{
	size_t n = max;
	if (s.n <= max)
		return s;
	while (n > 0 && max - n < 3 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
		n--;
	return str_n(s.p, n);
}

struct range {
	uint32_t first, last;
};

static bool in_ranges(uint32_t cp, const struct range *v, size_t n)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (cp > v[mid].last)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && cp >= v[low].first;
}

#define IN(cp, table) in_ranges((cp), (table), sizeof(table) / sizeof((table)[0]))

bool utf8_is_han(uint32_t cp)
{
	static const struct range han[] = {
		{0x3007, 0x3007}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x2A6DF},
		{0x2A700, 0x2EBEF},                     /* C to F */
		{0x2F800, 0x2FA1F}, {0x30000, 0x323AF}, /* G and H */
	};
	return IN(cp, han);
}

bool utf8_is_space(uint32_t cp)
{
	return cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0xA0 || cp == 0x3000 || (cp >= 0x2000 && cp <= 0x200B) ||
		   cp == 0xFEFF;
}

static size_t width_of(uint32_t cp)
{
	static const struct range none[] = {
		{0x0000, 0x001F},
		{0x007F, 0x009F},
		{0x0300, 0x036F},
		{0x0483, 0x0489},
		{0x0591, 0x05BD},
		{0x0610, 0x061A},
		{0x064B, 0x065F},
		{0x0E31, 0x0E31},
		{0x0E34, 0x0E3A},
		{0x0E47, 0x0E4E},
		{0x1AB0, 0x1AFF},
		{0x1DC0, 0x1DFF},
		{0x200B, 0x200F},
		{0x202A, 0x202E},
		{0x2060, 0x2064},
		{0x20D0, 0x20FF},
		{0x302A, 0x302D},
		{0x3099, 0x309A},
		{0xFE00, 0xFE0F},
		{0xFE20, 0xFE2F},
		{0xFEFF, 0xFEFF},
		{0xE0100, 0xE01EF},
	};
	static const struct range wide[] = {
		{0x1100, 0x115F},
		{0x231A, 0x231B},
		{0x2329, 0x232A},
		{0x23E9, 0x23EC},
		{0x2E80, 0x303E},
		{0x3041, 0xA4CF},
		{0xA960, 0xA97C},
		{0xAC00, 0xD7A3},
		{0xF900, 0xFAFF},
		{0xFE10, 0xFE19},
		{0xFE30, 0xFE6F},
		{0xFF01, 0xFF60},
		{0xFFE0, 0xFFE6},
		{0x1F300, 0x1F64F},
		{0x1F680, 0x1F6FF},
		{0x1F900, 0x1F9FF},
		{0x20000, 0x2FFFD},
		{0x30000, 0x3FFFD},
	};
	if (cp >= 0x20 && cp < 0x7F)
		return 1;
	return IN(cp, none) ? 0 : IN(cp, wide) ? 2 : 1;
}

size_t utf8_width(struct str s)
{
	size_t n = 0;
	for (uint32_t cp; utf8_next(&s, &cp);)
		n += width_of(cp);
	return n;
}
