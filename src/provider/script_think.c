/* Texts with marks, and paragraphs of steps. */
#include "provider/script_think.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#include <string.h>

#define DEPTH_MAX 4

/* --- Marks --- */

/* Cut the inside of the mark that `text` begins with ("<" taken off) out of it: up to its ">", marks inside counted. False when it has no end. */
static bool cut_mark(struct str *text, struct str *ret_inside)
{
	size_t depth = 1;
	for (size_t i = 0; i < text->n; i++) {
		if (text->p[i] == '<')
			depth++;
		else if (text->p[i] == '>' && --depth == 0) {
			*ret_inside = str_n(text->p, i);
			*text = str_n(text->p + i + 1, text->n - i - 1);
			return true;
		}
	}
	return false;
}

/* Cut the next alternative off; `|` inside of marks does not part. False when none is left. */
static bool cut_choice(struct str *rest, struct str *ret)
{
	size_t depth = 0;
	if (!rest->p)
		return false;
	for (size_t i = 0; i < rest->n; i++) {
		if (rest->p[i] == '<')
			depth++;
		else if (rest->p[i] == '>')
			depth--;
		else if (rest->p[i] == '|' && depth == 0) {
			*ret = str_n(rest->p, i);
			*rest = str_n(rest->p + i + 1, rest->n - i - 1);
			return true;
		}
	}
	*ret = *rest;
	*rest = (struct str){NULL, 0};
	return true;
}

static bool is_choice(struct str inside)
{
	struct str rest = inside, piece;
	return cut_choice(&rest, &piece) && rest.p;
}

struct checker {
	bool (*known)(void *arg, struct str name);
	void *arg;
	struct str *piece;
};

static const char *check_marks(const struct checker *c, struct str text, int depth)
{
	*c->piece = text;
	if (depth > DEPTH_MAX)
		return "marks are nested too deep";
	for (struct str rest = text; rest.n;) {
		struct str inside, choice;
		char ch = rest.p[0];
		*c->piece = rest;
		rest = str_n(rest.p + 1, rest.n - 1);
		if (ch == '>')
			return "a '>' without its '<'";
		if (ch != '<')
			continue;
		if (!cut_mark(&rest, &inside))
			return "a '<' without its '>'";
		*c->piece = inside;
		if (!is_choice(inside)) {
			if (!c->known(c->arg, inside))
				return "no value has this name";
			continue;
		}
		for (struct str all = inside; cut_choice(&all, &choice);) {
			const char *wrong = check_marks(c, choice, depth + 1);
			if (wrong)
				return wrong;
		}
	}
	return NULL;
}

const char *think_line_problem(
	struct str text, bool (*known)(void *arg, struct str name), void *arg, struct str *ret_piece)
{
	struct checker c = {.known = known, .arg = arg, .piece = ret_piece};
	*ret_piece = text;
	if (text.n == 0)
		return "an empty line";
	if (text.n > THINK_LINE_BYTES)
		return "a line of more than 1200 bytes";
	return check_marks(&c, text, 0);
}

struct think_line think_line(struct str text)
{
	return (struct think_line){.text = text, .hash = hash_bytes(text.p, text.n, 0)};
}

/* --- Draws --- */

size_t think_draw(const struct str *texts, size_t n, uint64_t seed)
{
	size_t best = 0;
	uint64_t low = UINT64_MAX;
	for (size_t i = 0; i < n; i++) {
		uint64_t h = hash_bytes(texts[i].p, texts[i].n, seed);
		if (h < low) {
			low = h;
			best = i;
		}
	}
	return best;
}

struct str_choice {
	struct str text;
	uint64_t rank;
};

static struct str draw_choice(struct str inside, uint64_t seed)
{
	struct str_choice best = {.text = STR(""), .rank = UINT64_MAX};
	struct str choice;
	while (cut_choice(&inside, &choice)) {
		uint64_t h = hash_bytes(choice.p, choice.n, seed);
		if (h < best.rank)
			best = (struct str_choice){.text = choice, .rank = h};
	}
	return best.text;
}

/* --- Saying --- */

/* Lines were checked when they were loaded: marks are well formed and not nested deeper than DEPTH_MAX. */
static bool say_text(const struct think_call *c, struct str text, uint64_t seed, struct buf *ret)
{
	uint64_t place = 0;
	while (text.n) {
		const char *mark = memchr(text.p, '<', text.n);
		size_t plain = mark ? (size_t)(mark - text.p) : text.n;
		struct str inside;
		buf_add(ret, text.p, plain);
		text = str_n(text.p + plain, text.n - plain);
		if (!mark)
			break;
		text = str_n(text.p + 1, text.n - 1);
		if (!cut_mark(&text, &inside))
			return false;
		place++;
		if (!is_choice(inside)) {
			if (!c->value(c->arg, inside, ret))
				return false;
			continue;
		}
		uint64_t at = hash_bytes(&place, sizeof(place), seed);
		if (!say_text(c, draw_choice(inside, at), at, ret))
			return false;
	}
	return true;
}

static bool either(struct str facts, const struct think_call *c)
{
	struct str fact;
	while (str_split(&facts, '|', &fact))
		if (c->fact(c->arg, fact))
			return true;
	return false;
}

static bool step_holds(const struct think_step *s, const struct think_call *c)
{
	for (size_t i = 0; i < s->nwhen; i++)
		if (!either(s->when[i], c))
			return false;
	for (size_t i = 0; i < s->nunless; i++)
		if (either(s->unless[i], c))
			return false;
	return true;
}

/* The lines in the order of their ranks for this call, until one can be said. */
static bool say_lines(struct arena *a, const struct think_step *s, const struct think_call *c, struct buf *ret)
{
	bool *tried = arena_array(a, s->nsay + 1, sizeof(*tried));
	for (size_t round = 0; round < s->nsay; round++) {
		size_t best = s->nsay, len = ret->len, mark = c->mark ? c->mark(c->arg) : 0;
		uint64_t low = UINT64_MAX;
		for (size_t i = 0; i < s->nsay; i++) {
			uint64_t h = hash_bytes(&s->say[i].hash, sizeof(s->say[i].hash), c->seed);
			if (!tried[i] && (best == s->nsay || h < low)) {
				best = i;
				low = h;
			}
		}
		if (say_text(c, s->say[best].text, low, ret))
			return true;
		tried[best] = true;
		buf_truncate(ret, len);
		if (c->rewind)
			c->rewind(c->arg, mark);
	}
	return false;
}

bool think_step(struct arena *a, const struct think_step *s, const struct think_call *c, struct buf *ret)
{
	if (!step_holds(s, c))
		return false;
	if (s->nsay)
		return say_lines(a, s, c, ret);
	for (size_t i = 0; i < s->nfirst; i++)
		if (think_step(a, &s->first[i], c, ret))
			return true;
	return false;
}

/* --- A paragraph --- */

static bool chosen(const struct think_step *s, const struct think_call *c)
{
	uint64_t h = hash_bytes(s->name.p, s->name.n, c->seed);
	return (int)(h % 100) < s->chance;
}

/* The step to leave out: of the highest rank, the last. -1 when only those remain that are always said. */
static int weakest(const struct think_plan *p, const struct str *said)
{
	int worst = -1;
	for (size_t i = 0; i < p->n; i++)
		if (said[i].p && p->steps[i].rank > 0 && (worst < 0 || p->steps[i].rank >= p->steps[worst].rank))
			worst = (int)i;
	return worst;
}

struct str think_write(struct arena *a, const struct think_plan *p, const struct think_call *c, size_t min, size_t max)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct str *said = arena_array(a, p->n + 1, sizeof(*said));
	size_t chars = 0;
	for (int filling = 0; filling < 2; filling++) {
		for (size_t i = 0; i < p->n; i++) {
			const struct think_step *s = &p->steps[i];
			buf_clear(&b);
			if (s->fill != filling || (filling && chars >= min) || (s->rank && !chosen(s, c)) || !think_step(a, s, c, &b))
				continue;
			said[i] = arena_str(a, buf_view(&b));
			chars += utf8_count(said[i]);
		}
		for (int out; chars > max && (out = weakest(p, said)) >= 0;) {
			chars -= utf8_count(said[out]);
			said[out] = (struct str){NULL, 0};
		}
	}
	buf_clear(&b);
	for (size_t i = 0; i < p->n; i++)
		buf_str(&b, said[i]);
	return arena_str(a, buf_view(&b));
}
