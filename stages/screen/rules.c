/* screen's rules over text. */
#include "stages/screen/rules.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/call.h"
#include "io/text.h"

#include <stdlib.h>
#include <string.h>

#define EXCERPT_MAX 60     /* bytes */
#define LATIN_WORD 2       /* what a Latin word counts beside Chinese characters */
#define FOREIGN_WORD_MIN 4 /* letters: shorter ones are mostly units and abbreviations */

int rules_load(struct arena *a, const char *path, struct rules *ret, struct err *e)
{
	struct rules loaded = {.words = {.n = 0}};
	const struct phrase_key keys[] = {
		{"api_errors", &loaded.api_errors}, {"control_signals", &loaded.control_signals}, {"words", &loaded.words}};
	int r = phrases_load(a, path, keys, COUNT_OF(keys), e);
	if (!r)
		*ret = loaded;
	return r;
}

/* --- A turn --- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static bool spoken(uint32_t cp)
{
	if (utf8_is_han(cp))
		return true;
	char c = text_class(cp);
	return c == 'L' || c == 'N';
}

/* Pairs of neighbouring letters and digits: punctuation and blanks do not part them. */
static void turn_pairs(struct arena *a, struct measured *t)
{
	uint32_t cp, before = 0;
	t->pairs = arena_array(a, utf8_count(t->folded) + 1, sizeof(*t->pairs));
	for (struct str rest = t->folded; utf8_next(&rest, &cp);) {
		if (!utf8_is_space(cp))
			t->chars++;
		if (!spoken(cp))
			continue;
		if (t->spoken++)
			t->pairs[t->npairs++] = (uint64_t)before << 32 | cp;
		before = cp;
	}
	qsort(t->pairs, t->npairs, sizeof(*t->pairs), by_number);
}

int rules_turn(struct arena *a, const struct json *turn, struct measured *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf folded = BUF_INIT;
	CLEANUP(buf_release) struct buf plain = BUF_INIT;
	struct measured t = {.left = str_is(turn_role(turn), "left")};
	int r = phrases_fold(&folded, turn_text(turn), e);
	if (!r)
		r = text_normalize(&plain, turn_text(turn), e);
	if (r)
		return r;
	t.folded = arena_str(a, buf_view(&folded));
	t.plain = arena_str(a, buf_view(&plain));
	turn_pairs(a, &t);
	*ret = t;
	return 0;
}

/* --- Measures --- */

/* Enough of the text at `at` to recognise it: a ##…## marker whole, else the pattern alone. Never ends inside a code point. */
static struct str excerpt(struct str text, size_t at, size_t n)
{
	struct str rest = str_n(text.p + at + n, text.n - at - n);
	if (text.p[at] == '#') {
		ptrdiff_t close = str_find(rest, STR("##"));
		if (close >= 0 && close < EXCERPT_MAX) {
			n += (size_t)close + 2;
			while (at + n < text.n && text.p[at + n] == '#')
				n++;
		}
	}
	return str_n(text.p + at, n);
}

struct str rules_find(const struct phrase_list *list, const struct measured *t)
{
	for (size_t i = 0; i < list->n; i++) {
		ptrdiff_t at = str_find(t->folded, list->v[i]);
		if (at >= 0)
			return excerpt(t->plain, (size_t)at, list->v[i].n);
	}
	return str_of(NULL);
}

int64_t rules_alike(const struct measured *a, const struct measured *b)
{
	size_t i = 0, k = 0, common = 0;
	if (a->npairs + b->npairs == 0)
		return 0;
	while (i < a->npairs && k < b->npairs) {
		if (a->pairs[i] == b->pairs[k]) {
			common++;
			i++;
			k++;
		} else if (a->pairs[i] < b->pairs[k]) {
			i++;
		} else {
			k++;
		}
	}
	return (int64_t)(200 * common / (a->npairs + b->npairs));
}

/* --- Foreign words --- */

static bool latin(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What may stand in an address, a code or a word. */
static bool token_byte(char c)
{
	return latin(c) || (c >= '0' && c <= '9') || (c && strchr("@._/:#*-+&=?%~'", c));
}

static void add_word(struct arena *a, struct foreign *f, struct str word)
{
	if (f->nwords == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 8;
		struct str *v = arena_array(a, f->cap, sizeof(*v));
		if (f->nwords)
			memcpy(v, f->words, f->nwords * sizeof(*v));
		f->words = v;
	}
	f->words[f->nwords++] = word;
}

static bool same_letters(struct str s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] != s.p[0])
			return false;
	return true;
}

/* An address or a code: signs or digits inside it. A full stop, colon or question mark at the end is punctuation. */
static bool is_code(struct str token)
{
	while (token.n && strchr(".:?'", token.p[token.n - 1]))
		token.n--;
	for (size_t i = 0; i < token.n; i++)
		if (strchr("@./:_0123456789#*+&=?%~", token.p[i]))
			return true;
	return false;
}

static void foreign_token(struct arena *a, const struct rules *r, struct str token, struct foreign *f)
{
	if (is_code(token))
		return;
	for (size_t i = 0; i < token.n;) {
		size_t from = i;
		bool lower = true;
		while (i < token.n && latin(token.p[i])) {
			lower = lower && token.p[i] >= 'a';
			i++;
		}
		struct str word = str_n(token.p + from, i - from);
		if (word.n == 0) {
			i++;
			continue;
		}
		if (same_letters(word))
			continue;
		f->other += LATIN_WORD;
		if (lower && word.n >= FOREIGN_WORD_MIN && !phrases_have(&r->words, word))
			add_word(a, f, word);
	}
}

/* Latin with accents stays out, as do the Greek letters of formulas and units: they are counted as letters, not as words. */
static bool other_script(uint32_t cp)
{
	return cp >= 0x400 && !utf8_is_han(cp) && text_class(cp) == 'L' && !(cp >= 0x1E00 && cp <= 0x1FFF) && cp != 0x3005;
}

/* The run of letters of another script at the front of `rest`, which moves on behind it. */
static struct str other_run(struct str *rest, size_t *ret_letters)
{
	struct str at = *rest;
	uint32_t cp;
	*ret_letters = 0;
	const char *from = at.p;
	while (utf8_next(&at, &cp) && (other_script(cp) || text_class(cp) == 'M')) {
		*rest = at;
		(*ret_letters)++;
	}
	return str_n(from, (size_t)(rest->p - from));
}

void rules_foreign(struct arena *a, const struct rules *r, const struct measured *t, struct foreign *ret)
{
	struct foreign f = {.han = 0};
	struct str rest = t->plain;
	uint32_t cp;
	while (rest.n > 0) {
		struct str before = rest;
		if (token_byte(rest.p[0])) {
			size_t n = 0;
			while (n < rest.n && token_byte(rest.p[n]))
				n++;
			foreign_token(a, r, str_n(rest.p, n), &f);
			rest = str_n(rest.p + n, rest.n - n);
			continue;
		}
		utf8_next(&rest, &cp);
		if (utf8_is_han(cp)) {
			f.han++;
		} else if (other_script(cp)) {
			size_t letters;
			rest = before;
			add_word(a, &f, other_run(&rest, &letters));
			f.other += letters;
		} else if (text_class(cp) == 'L') {
			f.other++;
		}
	}
	*ret = f;
}
