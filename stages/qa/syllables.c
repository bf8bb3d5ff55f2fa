/* How many syllables a text has. */
#include "stages/qa/syllables.h"

#include "base/alloc.h"
#include "base/utf8.h"

#define ASIDE_MAX 60      /* code points, as in speak: longer text in brackets is said */
#define CODE_MIN 3        /* digits, as there: a code in brackets is said */
#define FULL_WIDTH 0xFEE0 /* U+FF01…FF5E are ASCII ! … ~ moved by this */

static bool next(struct str *rest, uint32_t *ret)
{
	if (!utf8_next(rest, ret))
		return false;
	if (*ret >= 0xFF01 && *ret <= 0xFF5E)
		*ret -= FULL_WIDTH;
	return true;
}

static bool is_digit(uint32_t cp)
{
	return cp >= '0' && cp <= '9';
}

static bool is_small(uint32_t cp)
{
	return cp >= 'a' && cp <= 'z';
}

static bool is_latin(uint32_t cp)
{
	return is_small(cp) || (cp >= 'A' && cp <= 'Z');
}

static bool is_vowel(uint32_t cp)
{
	cp |= 0x20;
	return cp == 'a' || cp == 'e' || cp == 'i' || cp == 'o' || cp == 'u' || cp == 'y';
}

/** The Latin word at the front of `rest`, which moves on behind it. */
static int64_t word(struct str *rest)
{
	int64_t letters = 0, groups = 0;
	bool small = false, in_vowels = false;
	uint32_t cp;
	for (struct str at = *rest; next(&at, &cp) && is_latin(cp); *rest = at) {
		letters++;
		small |= is_small(cp);
		groups += is_vowel(cp) && !in_vowels;
		in_vowels = is_vowel(cp);
	}
	return small && groups ? groups : letters;
}

static uint32_t closing(uint32_t open)
{
	static const uint32_t pairs[][2] = {{'(', ')'}, {'[', ']'}, {'{', '}'}, {'<', '>'}, {0x3014, 0x3015}}; /* 〔〕 */
	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		if (pairs[i][0] == open)
			return pairs[i][1];
	return 0;
}

/** Whether `rest`, behind `open`, begins with what is not said: a stage direction, a placeholder, a control signal. It moves on behind it. */
static bool skip_aside(struct str *rest, uint32_t open)
{
	struct str at = *rest;
	uint32_t cp, before = 0, close = closing(open);
	int code = 0; /* digits that stand last */
	bool digits = true;
	if (open == '#' && (!next(&at, &cp) || cp != '#'))
		return false;
	for (int i = 0; (close || open == '#') && i < ASIDE_MAX && next(&at, &cp); i++, before = cp) {
		if (open == '#' ? cp == '#' && before == '#' : cp == close) {
			if (open == '(' && (digits || code >= CODE_MIN)) /* (010)12345678, (尾号:1234) */
				return false;
			*rest = at;
			return true;
		}
		if (close && cp == open)
			return false;
		digits &= is_digit(cp) || (cp == '-' && i > 0);
		code = is_digit(cp) ? code + 1 : cp == '-' ? code : 0;
	}
	return false;
}

int64_t syllables_count(struct str text)
{
	int64_t n = 0;
	uint32_t cp, before = 0, after;
	struct str rest = text;
	for (struct str at = rest; next(&at, &cp); rest = at, before = cp) {
		if (skip_aside(&at, cp))
			continue;
		struct str ahead = at;
		if (utf8_is_han(cp) || is_digit(cp)) {
			n++;
		} else if (is_latin(cp)) {
			at = rest;
			n += word(&at);
		} else if (cp == '%') {
			n += 3;
		} else if (cp == '.' && is_digit(before) && next(&ahead, &after) && is_digit(after)) {
			n++;
		}
	}
	return n;
}
