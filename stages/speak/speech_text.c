#include "stages/speak/speech_text.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "io/text.h"
#include "stages/speak/speech_digits.h"
#include "stages/speak/speech_tables.h"

#include <stdlib.h>
#include <string.h>

/* --- Code points, padded --- */

struct points {
	uint32_t *all; /* SPAN_PAD zeros, text, SPAN_PAD zeros */
	uint32_t *v;
	size_t n;
};

static void points_release(struct points *p)
{
	free(p->all);
}

static void points_read(struct points *p, struct str s)
{
	p->all = xcalloc(s.n + 2 * SPAN_PAD, sizeof *p->all);
	p->v = p->all + SPAN_PAD;
	while (utf8_next(&s, &p->v[p->n]))
		p->n++;
	p->v[p->n] = 0;
}

/** Leave out [from, to). */
static void points_cut(struct points *p, size_t from, size_t to)
{
	memmove(p->v + from, p->v + to, (p->n - to) * sizeof *p->v);
	memset(p->v + p->n - (to - from), 0, (to - from) * sizeof *p->v);
	p->n -= to - from;
}

static bool is_digit(uint32_t cp)
{
	return cp >= '0' && cp <= '9';
}

/** All that stand for a hyphen or a minus are one: in 5–10 the sign must not be lost. Of a dash between digits, too: 100—200. */
static void plain_dashes(struct points *p)
{
	for (size_t i = 0; i < p->n; i++) {
		uint32_t cp = p->v[i];
		bool between = is_digit(i ? p->v[i - 1] : 0) && is_digit(p->v[i + 1]);
		if ((cp >= 0x2010 && cp <= 0x2013) || cp == 0x2212 || ((cp == 0x2014 || cp == 0x2015) && between))
			p->v[i] = '-';
	}
}

static bool is_letter(uint32_t cp)
{
	return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

/* --- What is not said: stage directions, placeholders, markup --- */

#define ASIDE_MAX 60 /* code points; longer text in brackets is text */
#define CODE_MIN 3   /* digits of a code or number that is said though it stands in brackets */

static uint32_t closing(uint32_t open)
{
	switch (open) {
	case '(':
		return ')';
	case '[':
		return ']';
	case '{':
		return '}';
	case '<':
		return '>';
	case 0x3014: /* 〔 */
		return 0x3015;
	default:
		return 0;
	}
}

/** Something in brackets: position after it when it is to be left out, else 0. What the caller says stays: a number alone, (010)12345678, and one
 * with its name, (尾号1234); of this the brackets become pauses. */
static size_t aside_end(struct points *p, size_t at)
{
	uint32_t close = closing(p->v[at]);
	bool digits = true, code = false;
	for (size_t i = at + 1; close && i < p->n && i - at <= ASIDE_MAX; i++) {
		if (p->v[i] == close && code && p->v[at] == '(') {
			p->v[at] = p->v[i] = ',';
			return 0;
		}
		if (p->v[i] == close)
			return digits && p->v[at] == '(' ? 0 : i + 1;
		if (p->v[i] == p->v[at])
			return 0;
		digits &= is_digit(p->v[i]) || (p->v[i] == '-' && i > at + 1);
		struct span t = {p->v, p->n};
		code |= digits_at(t, i) >= CODE_MIN &&
				(digits_stand_after(t, i, speech_code_words) || digits_stand_after(t, i, speech_phone_words));
	}
	return 0;
}

/** ##TERMINATE_SIGNAL##, ##查询中##: position after it, else 0. */
static size_t signal_end(const struct points *p, size_t at)
{
	if (p->v[at] != '#' || p->v[at + 1] != '#' || p->v[at + 2] == '#')
		return 0;
	for (size_t i = at + 2; i < p->n && i - at <= ASIDE_MAX && p->v[i] != '\n'; i++)
		if (p->v[i] == '#' && p->v[i + 1] == '#')
			return i + 2;
	return 0;
}

static bool is_edge(uint32_t cp)
{
	return cp == 0 || cp == ' ' || cp == '\n' || cp == '"' || cp == '-' || (cp < 0x80 && strchr(",.;:!?()", (int)cp)) ||
		   (cp >= 0x3001 && cp <= 0x3011);
}

#define BOLD_AT_AN_EDGE 3 /* code points: 是**观景台**， */
#define BOLD_IN_TEXT 4    /* 来自**投资公司**的, not 浦东区**路**号 */

/** **bold**: both ends stand at an edge, or some words without a mark stand between; **银行 is a name left out, and so are two of them with a word between.
 * Gives where the closing mark is, else 0. */
static size_t bold_end(const struct points *p, size_t at)
{
	uint32_t before = at ? p->v[at - 1] : 0;
	bool opens = is_edge(before), plain = opens || utf8_is_han(before);
	if (p->v[at] != '*' || p->v[at + 1] != '*' || p->v[at + 2] == '*' || p->v[at + 2] == ' ' || !plain)
		return 0;
	for (size_t i = at + 2; i + 1 < p->n && i - at <= ASIDE_MAX && p->v[i] != '\n'; i++) {
		if (p->v[i] != '*' || p->v[i + 1] != '*') {
			plain &= !is_edge(p->v[i]);
			continue;
		}
		bool closes = is_edge(p->v[i + 2]);
		plain &= (closes || utf8_is_han(p->v[i + 2])) && i - at - 2 >= (opens || closes ? BOLD_AT_AN_EDGE : BOLD_IN_TEXT);
		return (opens && closes) || plain ? i : 0;
	}
	return 0;
}

static void strip_markup(struct points *p)
{
	for (size_t i = 0; i < p->n;) {
		size_t end = aside_end(p, i), signal = signal_end(p, i), bold = bold_end(p, i);
		if (p->v[i] == '[' && end && p->v[end] == '(') { /* [title](link): the title is said */
			size_t link = aside_end(p, end);
			points_cut(p, end - 1, link ? link : end);
			points_cut(p, i, i + 1);
		} else if (end || signal) {
			points_cut(p, i, end ? end : signal);
		} else if (bold) {
			points_cut(p, bold, bold + 2);
			points_cut(p, i, i + 2);
		} else {
			i++;
		}
	}
}

/* --- Letters --- */

static void say_letter(struct buf *b, uint32_t cp)
{
	buf_puts(b, speech_letters[(cp | 0x20) - 'a']);
}

static bool is_url_char(uint32_t cp)
{
	return cp < 0x80 && (is_letter(cp) || is_digit(cp) || (cp && strchr("@._/:-?=&%+~#", (int)cp)));
}

static bool is_sign(uint32_t cp)
{
	return is_letter(cp) || is_digit(cp);
}

/** What follows the last dot is letters: .cn, not .5 or .12. */
static bool ends_as_a_domain(struct span t, size_t at, size_t end)
{
	size_t stop = at, letters = 0;
	while (stop < end && t.v[stop] != '/' && t.v[stop] != '?' && t.v[stop] != ':')
		stop++;
	while (letters < stop - at && is_letter(t.v[stop - 1 - letters]))
		letters++;
	return letters >= 2 && letters + 1 < stop - at && t.v[stop - 1 - letters] == '.' && is_sign(t.v[stop - 2 - letters]);
}

static size_t say_url(struct buf *b, struct span t, size_t at, size_t end)
{
	while (at < end) {
		const char *said = NULL;
		size_t n = speech_find(speech_url_words, t, at, true, &said);
		if (n && at + n <= end && (!is_letter(t.v[at]) || (at > 0 && t.v[at - 1] == '.')))
			buf_puts(b, said);
		else if (is_letter(t.v[at]))
			say_letter(b, t.v[at]), n = 1;
		else
			buf_puts(b, is_digit(t.v[at]) ? speech_digit(t.v[at], false) : ""), n = 1;
		at += n;
	}
	return end;
}

/** Addresses of mail and web pages, sign by sign. Position after it, or 0. */
static size_t try_url(struct buf *b, struct span t, size_t at)
{
	size_t end = at, scheme = 0;
	bool mail = false;
	while (end < t.n && is_url_char(t.v[end])) {
		mail |= t.v[end] == '@' && end > at;
		if (t.v[end] == ':' && t.v[end + 1] == '/' && t.v[end + 2] == '/')
			scheme = end + 3;
		end++;
	}
	while (end > at && !is_sign(t.v[end - 1]))
		end--;
	at = scheme && scheme < end ? scheme : at;
	return end > at && (mail || ends_as_a_domain(t, at, end)) ? say_url(b, t, at, end) : 0;
}

/** A name or number left out: XX银行, **公司, 张X. Position after it, or 0. */
static size_t try_mask(struct buf *b, struct span t, size_t at)
{
	size_t n = 0;
	while (speech_is_mask(t.v[at + n]))
		n++;
	if (n == 0 || is_letter(t.v[at + n]) || (at > 0 && is_letter(t.v[at - 1])) || t.v[at + n] == '@' || t.v[at + n] == '.')
		return 0;
	bool name = n > 1 || (t.v[at] != '*' && t.v[at] != 0xd7 && speech_after(t, at + n, speech_hidden_before)) ||
				((t.v[at] == 0xd7 || t.v[at] == '*' || t.v[at] == 0x25cb) && utf8_is_han(t.v[at + n]));
	if (!name)
		return 0;
	buf_puts(b, n > 1 ? "某某" : "某");
	return at + n;
}

/** Whether a unit may stand at `at`: behind a number, or behind a unit and a stroke (元/㎡). */
static bool is_counted(struct span t, size_t at)
{
	while (at > 0 && t.v[at - 1] == ' ')
		at--;
	return at > 0 && (is_digit(t.v[at - 1]) || (t.v[at - 1] == '/' && at > 1 && speech_is_money(t.v[at - 2])));
}

static size_t say_latin(struct buf *b, struct span t, size_t at)
{
	const char *said = NULL;
	size_t n = is_counted(t, at) ? speech_find(speech_units, t, at, false, &said) : 0;
	if (!n && (at == 0 || !is_letter(t.v[at - 1])))
		n = speech_find(speech_words, t, at, true, &said);
	if (n) {
		buf_puts(b, said);
		return at + n;
	}
	do {
		say_letter(b, t.v[at++]);
	} while (is_letter(t.v[at]));
	if (t.v[at] == '2' && is_letter(t.v[at + 1]) && (at < 2 || !is_letter(t.v[at - 2]))) { /* P2P, B2C: "to" */
		buf_puts(b, "图");
		at++;
	} else if (t.v[at] == '_' && is_sign(t.v[at + 1])) {
		buf_puts(b, "下划线");
		at++;
	}
	return at;
}

/* --- Pauses and signs --- */

static bool ends_with(const struct buf *b, const char *tail)
{
	return str_ends(buf_view(b), tail);
}

/** A pause, the stronger of two that meet. None at the beginning. */
static void say_pause(struct buf *b, size_t start, const char *mark)
{
	if (b->len == start)
		return;
	bool weak = strcmp(mark, "，") == 0;
	if (ends_with(b, "，")) {
		if (!weak) {
			buf_truncate(b, b->len - strlen("，"));
			buf_puts(b, mark);
		}
		return;
	}
	if (ends_with(b, "。") || ends_with(b, "？") || ends_with(b, "！"))
		return;
	buf_puts(b, mark);
}

static const char *pause_of(uint32_t cp)
{
	switch (cp) {
	case '?':
		return "？";
	case '!':
		return "！";
	case '.':
	case ';':
	case '\n':
	case 0x3002: /* 。 */
		return "。";
	case ',':
	case ':':
	case 0x3001: /* 、 */
	case 0x2014: /* — */
	case 0x2015:
	case 0x2026: /* … */
	case 0x22ef: /* ⋯ */
	case '~':
	case 0x3010: /* 【 */
	case 0x3011:
	case '|':
		return "，";
	default:
		return NULL;
	}
}

#define UNIT_MAX 4 /* code points */

/** A stroke: 元/天 is 每, 男/女 is 或. */
static const char *stroke_of(struct span t, size_t at)
{
	uint32_t before = at > 0 ? t.v[at - 1] : 0, after = t.v[at + 1];
	size_t back = 1;
	while (back <= UNIT_MAX && back < at && !is_digit(t.v[at - back]))
		back++;
	if ((is_digit(at >= back ? t.v[at - back] : 0) && speech_after(t, at + 1, speech_per)) ||
		(speech_is_money(before) && at > 1 && !is_digit(after)))
		return "每";
	return utf8_is_han(before) && utf8_is_han(after) && after != 0x6216 ? "或" : ""; /* 和/或 */
}

static const char *sign_of(struct span t, size_t at)
{
	uint32_t before = at > 0 ? t.v[at - 1] : 0, after = t.v[at + 1];
	const char *said = NULL;
	switch (t.v[at]) {
	case '/':
		return stroke_of(t, at);
	case '-':
		return is_digit(after) && !is_sign(before) ? "负" : "";
	case '*':
	case 0xd7: /* × */
		return is_digit(after) || after == ' ' ? "乘" : "";
	default:
		return speech_find(speech_signs, t, at, false, &said) ? said : "";
	}
}

static bool is_range_mark(uint32_t cp)
{
	return cp == '-' || cp == '~';
}

/** Behind an amount of money: $5-$10, ￥9.90-19.90. */
static size_t say_money_range(struct buf *b, struct span t, size_t at)
{
	const char *name;
	if (!is_range_mark(t.v[at]) || (!is_digit(t.v[at + 1]) && !speech_find(speech_money_signs, t, at + 1, false, &name)))
		return at;
	buf_puts(b, "到");
	return at + 1;
}

/** $100, ¥100, HK$100: the name of the money follows the number. Position after it, or 0. */
static size_t try_money(struct buf *b, struct span t, size_t at)
{
	const char *name = NULL;
	size_t n = speech_find(speech_money_signs, t, at, false, &name);
	if (n && t.v[at + n] == ' ') /* USD 100 */
		n++;
	if (!n || !is_digit(t.v[at + n]) || (at > 0 && is_letter(t.v[at]) && is_letter(t.v[at - 1])))
		return 0;
	size_t amount = strcmp(name, "元") == 0 ? speech_yuan(b, t, at + n) : 0;
	if (amount)
		return say_money_range(b, t, amount);
	size_t end = speech_amount(b, t, at + n);
	if (is_range_mark(t.v[end - 1])) /* ¥5-10: the money is named behind both */
		end = speech_amount(b, t, end);
	static const char *const myriads[] = {"万", "亿", "千", NULL}, *const yuan[] = {"元", NULL};
	if (speech_after(t, end, myriads) && t.v[end] != ' ') {
		char raw[4];
		buf_add(b, raw, utf8_put(t.v[end], raw));
		end++;
	}
	buf_puts(b, name);
	end += speech_after(t, end, yuan) && t.v[end] != ' ';
	return say_money_range(b, t, end);
}

/** Speak what is at `at`; the position after it. */
static size_t say_next(struct buf *b, size_t start, struct span t, size_t at)
{
	uint32_t cp = t.v[at];
	size_t end = 0;
	if (cp == 0x3007) { /* 〇 */
		buf_puts(b, "零");
		return at + 1;
	}
	if (utf8_is_han(cp)) {
		char raw[4];
		buf_add(b, raw, utf8_put(cp, raw));
		return at + 1;
	}
	bool joined = at > 0 && (is_letter(t.v[at - 1]) || t.v[at - 1] == '@' || is_digit(t.v[at - 1]));
	if ((is_letter(cp) || is_digit(cp)) && !joined && (end = try_url(b, t, at)))
		return end;
	if (speech_is_mask(cp) && !joined && (end = speech_number(b, t, at)))
		return end;
	if (speech_is_mask(cp) && (end = try_mask(b, t, at)))
		return end;
	if (is_digit(cp))
		return speech_number(b, t, at);
	if ((end = try_money(b, t, at)))
		return end;
	if (is_letter(cp))
		return say_latin(b, t, at);
	if (cp == 0xb0) { /* ° */
		bool scale = t.v[at + 1] == 'C' || t.v[at + 1] == 'F';
		buf_puts(b, !scale ? "度" : t.v[at + 1] == 'C' ? "摄氏度" : "华氏度");
		return at + 1 + scale;
	}
	const char *between = cp == '-' || cp == '~' || cp == 0x2014 ? speech_dash(t, at) : NULL;
	if (between && (*between || cp == '-')) {
		buf_puts(b, between);
		return at + 1;
	}
	bool list = cp == '-' && (at == 0 || t.v[at - 1] == ' ') && t.v[at + 1] == ' ';
	const char *pause = pause_of(cp);
	if (pause)
		say_pause(b, start, pause);
	else if (!list)
		buf_puts(b, sign_of(t, at));
	return at + 1;
}

int speech_text(struct buf *ret, struct str text, struct err *e)
{
	CLEANUP(buf_release) struct buf lines = BUF_INIT;
	CLEANUP(buf_release) struct buf plain = BUF_INIT;
	struct str rest_lines = text, line;
	for (bool first = true; str_split(&rest_lines, '\n', &line); first = false) {
		if (!first) /* the end of a line is a pause, and would be lost as a blank */
			buf_puts(&lines, "\n。\n");
		buf_str(&lines, line);
	}
	int code = text_normalize(&plain, buf_view(&lines), e);
	if (code)
		return code;
	CLEANUP(points_release) struct points p = {.all = NULL};
	points_read(&p, buf_view(&plain));
	plain_dashes(&p);
	strip_markup(&p);
	struct span t = {p.v, p.n};
	size_t start = ret->len;
	for (size_t at = 0; at < t.n;)
		at = say_next(ret, start, t, at);
	if (ends_with(ret, "，") && ret->len > start)
		buf_truncate(ret, ret->len - strlen("，"));
	bool spoken = false;
	struct str rest = {ret->data + start, ret->len - start};
	uint32_t cp;
	while (!spoken && utf8_next(&rest, &cp))
		spoken = utf8_is_han(cp);
	if (!spoken)
		buf_truncate(ret, start);
	return buf_error(ret) ? err_set(e, ERR_TOOBIG, "the spoken text is too long") : 0;
}
