/* A text as signs and atoms. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "stages/anonymize/anonymize.h"

#include <string.h>

#define GAP_MAX 12        /* code points between two groups of one number */
#define COUNTED_MIN 7     /* digits said one by one behind 十 or 百 that make all of it a number and no amount */
#define LOOK_BACK 120     /* bytes of the same text in which a word counts as context: about 40 characters */
#define LOOK_TURN 240     /* bytes of an earlier text */
#define ID_BEFORE_MARK 14 /* digits of the run before an X can be that of a resident id */

/* --- Signs --- */

static const struct spoken {
	uint32_t cp;
	int8_t digit;
	bool soft; /* also an ordinary word */
} spoken[] = {
	{0x96f6, 0, false}, /* 零 */ {0x3007, 0, false}, /* 〇 */ {0x25cb, 0, false}, /* ○ */ {0x6d1e, 0, true}, /* 洞 */
	{0x4e00, 1, false}, /* 一 */ {0x5e7a, 1, false}, /* 幺 */ {0x4e48, 1, true},  /* 么, as recognisers write 幺 */
	{0x8981, 1, true},                                                            /* 要, the same */
	{0x4e8c, 2, false}, /* 二 */ {0x4e24, 2, false}, /* 两 */ {0x5169, 2, false}, /* 兩 */
	{0x4e09, 3, false}, /* 三 */ {0x56db, 4, false}, /* 四 */ {0x4e94, 5, false}, /* 五 */
	{0x516d, 6, false}, /* 六 */ {0x4e03, 7, false}, /* 七 */ {0x62d0, 7, true},  /* 拐 */
	{0x516b, 8, false}, /* 八 */ {0x4e5d, 9, false}, /* 九 */ {0x52fe, 9, true},  /* 勾 */
};

static const struct spoken *spoken_of(uint32_t cp)
{
	for (size_t i = 0; i < sizeof(spoken) / sizeof(spoken[0]); i++)
		if (spoken[i].cp == cp)
			return &spoken[i];
	return NULL;
}

static bool is_letter(uint32_t cp)
{
	uint32_t c = cp >= 0xff21 && cp <= 0xff5a ? cp - 0xfee0 : cp;
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What parts groups: blanks, dashes, commas, stops, points, slashes, brackets. */
static bool is_gap(uint32_t cp)
{
	static const uint32_t gaps[] = {'-', ',', '.', '/', '(', ')', 0x00b7, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014,
		0x2015, 0x2026, 0x2212, 0x3001, 0x3002, 0x30fb, 0xff08, 0xff09, 0xff0c, 0xff0d, 0xff0e, 0xff0f};
	if (cp == '\n' || cp == '\r')
		return false;
	if (utf8_is_space(cp))
		return true;
	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		if (gaps[i] == cp)
			return true;
	return false;
}

static void sign_set(struct sign *s, uint32_t cp)
{
	const struct spoken *d = spoken_of(cp);
	s->cp = cp;
	s->digit = -1;
	if (cp >= '0' && cp <= '9') {
		s->kind = SIGN_DIGIT;
		s->digit = (int8_t)(cp - '0');
	} else if (cp >= 0xff10 && cp <= 0xff19) {
		s->kind = SIGN_DIGIT;
		s->style = STYLE_WIDE;
		s->digit = (int8_t)(cp - 0xff10);
	} else if (d) {
		s->kind = d->soft ? SIGN_OTHER : SIGN_DIGIT;
		s->style = STYLE_SPOKEN;
		s->digit = d->digit;
		s->weak = d->soft;
	} else if (is_letter(cp)) {
		s->kind = SIGN_LETTER;
		s->style = cp >= 0xff21 ? STYLE_WIDE : STYLE_ASCII;
	} else if (is_gap(cp)) {
		s->kind = SIGN_GAP;
	}
}

/* 洞, 拐, 勾 are digits beside a digit; 要 and 么 only before one, since 要 follows numbers in ordinary speech. At the front of a group they stay weak. */
static void settle_weak(struct anon_text *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct sign *s = &t->signs[i];
		if (!s->weak)
			continue;
		bool before = i > 0 && t->signs[i - 1].kind == SIGN_DIGIT;
		const struct sign *next = i + 1 < t->n ? s + 1 : NULL;
		bool after = next && next->kind == SIGN_DIGIT;
		bool one = s->digit == 1;
		if (after || (before && !one)) {
			s->kind = SIGN_DIGIT;
			s->weak = !before;
		} else {
			s->digit = -1;
			s->weak = false;
		}
	}
}

static void read_signs(struct anon_call *c, struct anon_text *t)
{
	struct str rest = t->s;
	uint32_t cp;
	t->signs = arena_array(c->a, utf8_count(t->s) + 1, sizeof(*t->signs));
	while (rest.n) {
		struct sign *s = &t->signs[t->n];
		s->at = (uint32_t)(t->s.n - rest.n);
		utf8_next(&rest, &cp);
		sign_set(s, cp);
		t->n++;
	}
	t->signs[t->n] = (struct sign){.at = (uint32_t)t->s.n, .digit = -1};
	settle_weak(t);
}

struct str anon_slice(const struct anon_text *t, size_t from, size_t to)
{
	return str_n(t->s.p + t->signs[from].at, t->signs[to].at - t->signs[from].at);
}

/* --- Gaps --- */

static size_t skip_bytes(const struct anon_text *t, size_t i, size_t bytes)
{
	uint32_t to = t->signs[i].at + (uint32_t)bytes;
	while (i < t->n && t->signs[i].at < to)
		i++;
	return i;
}

size_t anon_gap_end(const struct anon_call *c, const struct anon_text *t, size_t i, unsigned *ret_flags)
{
	static const char extension[] = "转", branch[] = "分机";
	size_t from = i;
	unsigned flags = 0;
	while (i < t->n && i - from <= GAP_MAX) {
		struct str rest = anon_slice(t, i, t->n);
		size_t n;
		if (t->signs[i].kind == SIGN_GAP) {
			i++;
		} else if (t->signs[i].kind == SIGN_DIGIT || t->signs[i].kind == SIGN_LETTER) {
			break;
		} else if ((n = anon_word_at(&c->rules->lists[RULE_CORRECTIONS], rest))) {
			flags |= ATOM_CORRECTED;
			i = skip_bytes(t, i, n);
		} else if ((n = anon_word_at(&c->rules->lists[RULE_FILLERS], rest))) {
			i = skip_bytes(t, i, n);
		} else if (str_starts(rest, extension) || str_starts(rest, branch)) {
			flags |= ATOM_EXTENSION;
			i = skip_bytes(t, i, str_starts(rest, branch) ? strlen(branch) : strlen(extension));
		} else {
			break;
		}
	}
	if (i - from > GAP_MAX)
		return from;
	*ret_flags = flags;
	return i;
}

bool anon_context(const struct anon_call *c, const struct anon_text *t, size_t at, enum rule_list list, int turns)
{
	const struct anon_words *words = &c->rules->lists[list];
	struct str before = anon_slice(t, 0, at);
	if (before.n > LOOK_BACK)
		before = str_n(before.p + before.n - LOOK_BACK, LOOK_BACK);
	if (anon_word_in(words, before, NULL))
		return true;
	for (const struct anon_text *p = t; turns-- > 0 && p > c->texts && !t->field;) {
		struct str s = (--p)->s;
		if (s.n > LOOK_TURN)
			s = str_n(s.p + s.n - LOOK_TURN, LOOK_TURN);
		if (anon_word_in(words, s, NULL))
			return true;
	}
	return false;
}

/* --- Atoms --- */

struct reading {
	struct anon_call *c;
	struct anon_text *t;
	size_t i;       /* the next sign */
	size_t in_run;  /* atoms of the run so far */
	unsigned flags; /* of the next atom */
};

static void put_atom(struct reading *r, char value, size_t nsigns)
{
	const struct sign *s = &r->t->signs[r->i];
	r->t->atoms[r->t->natoms++] = (struct atom){
		.sign = (uint32_t)r->i, .nsigns = (uint8_t)nsigns, .style = s->style, .flags = (uint8_t)r->flags, .c = value};
	r->flags = 0;
	r->in_run++;
}

/* "三个六": three times the same digit. The count is said, so it is 2 to 6; a unit behind the digit makes it an ordinary count. */
static bool take_repeat(struct reading *r)
{
	const struct anon_text *t = r->t;
	static const char of[] = "个", of_old[] = "個";
	if (r->i + 2 >= t->n || t->signs[r->i].digit < 2 || t->signs[r->i].digit > 6)
		return false;
	struct str middle = anon_slice(t, r->i + 1, r->i + 2);
	const struct sign *d = &t->signs[r->i + 2];
	if ((!str_is(middle, of) && !str_is(middle, of_old)) || d->kind != SIGN_DIGIT)
		return false;
	if (r->i + 3 < t->n && anon_word_at(&r->c->rules->lists[RULE_UNITS], anon_slice(t, r->i + 3, t->n)))
		return false;
	unsigned count = (unsigned char)t->signs[r->i].digit;
	r->flags |= ATOM_GROUP;
	for (unsigned k = 0; k < count; k++) {
		put_atom(r, (char)('0' + d->digit), k == 0 ? 3 : 0);
		r->t->atoms[r->t->natoms - 1].style = d->style;
	}
	r->i += 3;
	r->flags = ATOM_GROUP;
	return true;
}

/* "三十七零一零二…": the first digits of a long number said as a count. How many signs stand for the digit at sign `i`: 2 with its 十 or 百, when so many
 * digits follow one by one that all of it is no amount; else 1. */
size_t anon_digit_signs(const struct anon_text *t, size_t i)
{
	size_t at = i, n = 0;
	for (int places = 0; places < 2 && at + 2 < t->n; places++) {
		uint32_t cp = t->signs[at + 1].cp;
		bool place = t->signs[at].kind == SIGN_DIGIT && t->signs[at].style == STYLE_SPOKEN && t->signs[at].digit > 0 &&
					 (cp == 0x5341 || cp == 0x767e);
		if (!place)
			break;
		at += 2;
	}
	if (at == i)
		return 1;
	while (at < t->n && n < COUNTED_MIN && t->signs[at].kind == SIGN_DIGIT) {
		at++;
		n++;
	}
	return n == COUNTED_MIN ? 2 : 1;
}

/* The X that ends a resident id, with 大写的 or not. */
static bool take_mark(struct reading *r)
{
	const struct anon_text *t = r->t;
	unsigned flags = 0;
	size_t at = anon_gap_end(r->c, t, r->i, &flags);
	uint32_t cp = t->signs[at].cp;
	if (r->in_run < ID_BEFORE_MARK || at >= t->n)
		return false;
	if (cp != 'x' && cp != 'X' && cp != 0xff38 && cp != 0xff58 && cp != 0x53c9 /* 叉 */)
		return false;
	if (at + 1 < t->n && (t->signs[at + 1].kind == SIGN_LETTER || t->signs[at + 1].kind == SIGN_DIGIT))
		return false;
	r->i = at;
	r->flags = flags | ATOM_GROUP | ATOM_MARK;
	put_atom(r, 'X', 1);
	r->i++;
	return true;
}

static void read_atoms(struct anon_call *c, struct anon_text *t)
{
	struct reading r = {.c = c, .t = t};
	t->atoms = arena_array(c->a, 2 * t->n + 8, sizeof(*t->atoms)); /* three signs make six at most */
	bool run = false;
	while (r.i < t->n) {
		if (t->signs[r.i].kind != SIGN_DIGIT) {
			r.i++;
			continue;
		}
		if (!run)
			r.in_run = 0;
		r.flags |= run ? ATOM_GROUP : ATOM_GROUP | ATOM_RUN;
		/* one group */
		while (r.i < t->n && t->signs[r.i].kind == SIGN_DIGIT) {
			if (take_repeat(&r))
				continue;
			bool weak = t->signs[r.i].weak;
			size_t signs = anon_digit_signs(t, r.i);
			put_atom(&r, (char)('0' + t->signs[r.i].digit), signs);
			r.flags = weak ? ATOM_GROUP : 0;
			r.i += signs;
		}
		r.flags = 0;
		take_mark(&r);
		unsigned flags = 0;
		size_t next = anon_gap_end(c, t, r.i, &flags);
		run = next < t->n && t->signs[next].kind == SIGN_DIGIT;
		if (run)
			r.flags = flags;
		r.i = next > r.i ? next : r.i;
	}
}

/* --- Quantities --- */

/* 十 and the like make a digit beside them part of an amount; other units only short groups. */
static bool counts(uint32_t cp)
{
	static const uint32_t units[] = {0x5341, 0x767e, 0x5343, 0x4e07, 0x4ebf, 0x842c, 0x5104, 0x7b2c /* 第 */};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i] == cp)
			return true;
	return false;
}

#define SHORT_GROUP 4 /* digits: longer groups are no amounts that people say digit by digit */

static void mark_quantities(const struct anon_call *c, struct anon_text *t)
{
	for (size_t i = 0; i < t->natoms;) {
		size_t end = i + 1;
		while (end < t->natoms && !(t->atoms[end].flags & ATOM_GROUP))
			end++;
		struct atom *first = &t->atoms[i], *last = &t->atoms[end - 1];
		size_t after = last->sign + (last->nsigns ? last->nsigns : 1);
		for (struct atom *p = last; p > first && !p->nsigns; p--) /* a repeat ends where its first atom does */
			after = (p - 1)->sign + (p - 1)->nsigns;
		uint32_t next = after < t->n ? t->signs[after].cp : 0;
		uint32_t before = first->sign > 0 ? t->signs[first->sign - 1].cp : 0;
		bool unit = after < t->n && end - i <= SHORT_GROUP && first->nsigns == 1 &&
					anon_word_at(&c->rules->lists[RULE_UNITS], anon_slice(t, after, t->n));
		if (unit)
			for (size_t k = i; k < end; k++)
				t->atoms[k].flags |= ATOM_QUANTITY;
		if (counts(before)) {
			first->flags |= ATOM_QUANTITY;
			if (end - i > 1)
				t->atoms[i + 1].flags |= ATOM_GROUP;
		}
		if (counts(next) && last->nsigns == 1)
			last->flags |= ATOM_QUANTITY | ATOM_GROUP;
		i = end;
	}
}

void anon_read(struct anon_call *c, struct anon_text *t)
{
	read_signs(c, t);
	read_atoms(c, t);
	mark_quantities(c, t);
}
