/* What is found in the turns: words of cues, and the clauses around them that can be quoted. */
#include "stages/annotate/annotate.h"

#include "base/utf8.h"
#include "core/call.h"

#include <string.h>

#define CLAUSE_SCAN 240 /* bytes looked at on each side of a word for its clause */
#define QUOTE_GOOD 6    /* characters: shorter clauses are joined with their neighbour, longer ones are not cut below */
#define FIRST_MIN 4     /* characters of a clause of the first turn that is worth quoting */
#define DULL_MAX 8      /* characters of a greeting, which is quoted only when there is nothing else */

/* --- Clauses --- */

/* Letters of a quotation: Chinese characters and digits. All else (punctuation, brackets, Latin letters, markup) ends a clause. */
static bool quotable(uint32_t cp)
{
	return utf8_is_han(cp) || (cp >= '0' && cp <= '9') || cp == '%' || cp == 0x00B7;
}

static uint32_t char_at(struct str text, size_t at)
{
	struct str rest = str_n(text.p + at, text.n - at);
	uint32_t cp = 0;
	utf8_next(&rest, &cp);
	return cp;
}

static size_t char_after(struct str text, size_t at)
{
	struct str rest = str_n(text.p + at, text.n - at);
	uint32_t cp;
	utf8_next(&rest, &cp);
	return (size_t)(rest.p - text.p);
}

static size_t char_before(struct str text, size_t at)
{
	do
		at--;
	while (at > 0 && ((unsigned char)text.p[at] & 0xC0) == 0x80);
	return at;
}

static size_t clause_end(struct str text, size_t at)
{
	size_t limit = at + CLAUSE_SCAN;
	while (at < text.n && at < limit && quotable(char_at(text, at)))
		at = char_after(text, at);
	return at;
}

static size_t clause_begin(struct str text, size_t at)
{
	size_t limit = at > CLAUSE_SCAN ? at - CLAUSE_SCAN : 0;
	while (at > limit) {
		size_t before = char_before(text, at);
		if (!quotable(char_at(text, before)))
			break;
		at = before;
	}
	return at;
}

static size_t chars(struct str text, size_t from, size_t to)
{
	return utf8_count(str_n(text.p + from, to - from));
}

static size_t forward(struct str text, size_t at, size_t n)
{
	while (n-- && at < text.n)
		at = char_after(text, at);
	return at;
}

static bool soft(uint32_t cp)
{
	return cp == 0xFF0C || cp == 0x3001; /* ， 、 */
}

/* Join a short clause with the one behind it, else before it, over a comma. False when there is none that fits. */
static bool widen(struct str text, size_t *from, size_t *to)
{
	if (*to < text.n && soft(char_at(text, *to))) {
		size_t next = char_after(text, *to), end = clause_end(text, next);
		if (end > next && chars(text, *from, end) <= QUOTE_MAX_CHARS) {
			*to = end;
			return true;
		}
	}
	if (*from > 0) {
		size_t comma = char_before(text, *from), begin = clause_begin(text, comma);
		if (soft(char_at(text, comma)) && begin < comma && chars(text, begin, *to) <= QUOTE_MAX_CHARS) {
			*from = begin;
			return true;
		}
	}
	return false;
}

/* The clause around the word at [from, to), no longer than a quotation may be: cut at punctuation where it can be, else at the word. True when it was not cut. */
static bool quote_around(struct str text, size_t *from, size_t *to)
{
	size_t begin = clause_begin(text, *from), end = clause_end(text, *to);
	if (chars(text, begin, end) > QUOTE_MAX_CHARS) {
		size_t head = chars(text, begin, *to), tail = chars(text, *from, end);
		if (head <= QUOTE_MAX_CHARS)
			end = head >= QUOTE_GOOD ? *to : forward(text, begin, QUOTE_MAX_CHARS);
		else if (tail <= QUOTE_MAX_CHARS && tail >= QUOTE_GOOD)
			begin = *from;
		else {
			begin = *from;
			end = forward(text, begin, QUOTE_MAX_CHARS);
			if (end > clause_end(text, *to))
				end = clause_end(text, *to);
		}
	}
	bool whole = begin == clause_begin(text, *from) && end == clause_end(text, *to);
	*from = begin;
	*to = end;
	while (chars(text, *from, *to) < QUOTE_GOOD && widen(text, from, to))
		;
	return whole;
}

/* Nothing in it that must not be quoted: letters of other scripts (a word of the tables may have them), words of `never`. */
static bool clean(const struct tables *t, struct str quote)
{
	uint32_t cp;
	static const char *const tails[] = {"的", "了", "吗", "呢", "吧", "么", "们", NULL};
	if (utf8_count(quote) > QUOTE_MAX_CHARS)
		return false;
	for (size_t i = 0; tails[i]; i++) /* the rest of a word that something else cut off */
		if (str_starts(quote, tails[i]))
			return false;
	for (struct str rest = quote; utf8_next(&rest, &cp);)
		if (!quotable(cp) && !soft(cp))
			return false;
	for (size_t i = 0; i < t->never.n; i++)
		if (str_find(quote, t->never.v[i]) >= 0)
			return false;
	return true;
}

static void quote_hit(const struct tables *t, struct str text, struct hit *h)
{
	h->whole = quote_around(text, &h->from, &h->to);
	struct str quote = str_n(text.p + h->from, h->to - h->from);
	if (clean(t, quote))
		h->quote = quote;
}

/* --- Words --- */

struct turn {
	struct str text;
	bool left;
	int index, of;
};

static bool in_reach(const struct cue *c, const struct turn *turn)
{
	if (turn->left ? !c->left : !c->right)
		return false;
	if (c->within > 0)
		return turn->index < c->within;
	return c->within == 0 || turn->index >= turn->of + c->within;
}

static bool denied(const struct cue *c, const struct turn *turn, size_t from, size_t to)
{
	if (!c->unless.n)
		return false;
	size_t begin = clause_begin(turn->text, from), end = clause_end(turn->text, to);
	struct str clause = str_n(turn->text.p + begin, end - begin);
	for (size_t i = 0; i < c->unless.n; i++)
		if (str_find(clause, c->unless.v[i]) >= 0)
			return true;
	return false;
}

static void add_hit(const struct tables *t, struct found *f, const struct turn *turn, size_t from, size_t to)
{
	struct hit *last = f->n ? &f->hits[f->n - 1] : NULL;
	size_t same = 0;
	for (size_t i = 0; i < f->n; i++)
		same += f->hits[i].turn == turn->index;
	if (f->n == CUE_HITS_MAX || same == CUE_HITS_A_TURN || (same && from < last->to))
		return; /* enough, or in the same words */
	struct hit h = {.turn = turn->index, .left = turn->left, .from = from, .to = to};
	quote_hit(t, turn->text, &h);
	if (same && h.from < last->to)
		return;
	f->turns += same == 0;
	f->hits[f->n++] = h;
}

static void find_words(const struct tables *t, const struct turn *turn, struct found *cues)
{
	struct str text = turn->text;
	for (size_t at = 0; at < text.n; at++) {
		if (((unsigned char)text.p[at] & 0xC0) == 0x80)
			continue;
		uint32_t b = word_bucket(text.p + at, text.n - at);
		for (uint32_t i = t->bucket[b]; i < t->bucket[b + 1]; i++) {
			const struct cue_word *w = &t->words[i];
			const struct cue *c = &t->cues[w->cue];
			struct found *f = &cues[w->cue];
			if (w->text.n > text.n - at || f->n == CUE_HITS_MAX || memcmp(w->text.p, text.p + at, w->text.n) != 0 ||
				!in_reach(c, turn) || denied(c, turn, at, at + w->text.n))
				continue;
			add_hit(t, f, turn, at, at + w->text.n);
		}
	}
}

static bool is_dull(const struct tables *t, struct str quote)
{
	for (size_t i = 0; utf8_count(quote) <= DULL_MAX && i < t->dull.n; i++)
		if (str_find(quote, t->dull.v[i]) >= 0)
			return true;
	return false;
}

/* The first clauses of the first turn that has any worth quoting; greetings only with `dull`. */
static void find_first(const struct tables *t, const struct turn *turn, bool dull, struct found *f)
{
	struct str text = turn->text;
	for (size_t at = 0; at < text.n && f->n < CUE_HITS_A_TURN;) {
		size_t end = clause_end(text, at);
		if (end == at) {
			at = char_after(text, at);
			continue;
		}
		struct hit h = {.turn = turn->index, .left = turn->left, .from = at, .to = end};
		if (chars(text, at, end) > QUOTE_MAX_CHARS)
			h.to = forward(text, at, QUOTE_MAX_CHARS);
		quote_hit(t, text, &h);
		at = h.to > end ? h.to : end;
		if (h.quote.n && utf8_count(h.quote) >= FIRST_MIN && (dull || !is_dull(t, h.quote)))
			f->hits[f->n++] = h;
	}
	f->turns = f->n > 0;
}

void evidence_find(struct arena *a, const struct tables *t, const struct json *turns, struct evidence *ret)
{
	struct turn turn = {.of = (int)json_count(turns)};
	*ret = (struct evidence){.turns = turn.of};
	ret->cues = arena_array(a, t->ncues + 1, sizeof(*ret->cues));
	JSON_EACH(item, turns) {
		turn.text = turn_text(item);
		turn.left = str_is(turn_role(item), "left");
		if (turn.text.n) {
			find_words(t, &turn, ret->cues);
			for (int dull = 0; dull < 2 && !ret->first.n; dull++)
				find_first(t, &turn, dull, &ret->first);
		}
		turn.index++;
	}
}

int64_t label_points(const struct tables *t, const struct evidence *ev, const struct label_kind *k, bool flat)
{
	int64_t points = 0;
	for (size_t i = k->first; i < k->first + k->n; i++) {
		int turns = ev->cues[i].turns < CUE_TURNS_MAX ? ev->cues[i].turns : CUE_TURNS_MAX;
		points += (int64_t)t->cues[i].weight * (flat ? turns > 0 : turns);
	}
	return points;
}
