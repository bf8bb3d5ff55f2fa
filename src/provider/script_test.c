/* A scenario's own tests, and how alike two calls are. */
#include "provider/script.h"

#include "base/alloc.h"
#include "base/draw.h"
#include "base/map.h"
#include "base/utf8.h"

#include <stdlib.h>

static int by_value(const void *x, const void *y)
{
	const uint64_t *a = x, *b = y;
	return *a < *b ? -1 : *a > *b;
}

struct grams script_grams(struct arena *a, const struct dialogue *d)
{
	size_t cap = 0;
	for (size_t i = 0; i < d->nturns; i++)
		cap += d->turns[i].text.n;
	struct grams g = {arena_array(a, cap + 1, sizeof(uint64_t)), 0};
	uint32_t window[4] = {0, 0, 0, 0};
	size_t seen = 0;
	for (size_t i = 0; i < d->nturns; i++) {
		struct str rest = d->turns[i].text;
		uint32_t cp;
		while (utf8_next(&rest, &cp)) {
			if (!utf8_is_han(cp))
				continue;
			for (int k = 0; k < 3; k++)
				window[k] = window[k + 1];
			window[3] = cp;
			if (++seen >= 4)
				g.v[g.n++] = hash_bytes(window, sizeof(window), 0);
		}
	}
	qsort(g.v, g.n, sizeof(uint64_t), by_value);
	size_t kept = 0;
	for (size_t i = 0; i < g.n; i++)
		if (!kept || g.v[kept - 1] != g.v[i])
			g.v[kept++] = g.v[i];
	g.n = kept;
	return g;
}

double grams_jaccard(const struct grams *x, const struct grams *y)
{
	size_t i = 0, k = 0, both = 0;
	while (i < x->n && k < y->n) {
		if (x->v[i] == y->v[k]) {
			both++;
			i++;
			k++;
		} else if (x->v[i] < y->v[k]) {
			i++;
		} else {
			k++;
		}
	}
	size_t all = x->n + y->n - both;
	return all ? (double)both / (double)all : 0;
}

/** Whether the call has the word, or one of its alternatives (甲|乙). */
static bool contains(const struct dialogue *d, struct str word)
{
	struct str option;
	while (str_split(&word, '|', &option))
		for (size_t i = 0; i < d->nturns; i++)
			if (option.n && str_find(d->turns[i].text, option) >= 0)
				return true;
	return false;
}

/* Each kind of complaint is made once a file, with the run that shows it: fixing one usually fixes many. */
struct complaints {
	const struct scenario *s;
	struct problems *p;
	bool told[8];
	int64_t run;
};
enum { TOLD_TURNS, TOLD_DOUBLE, TOLD_MUST, TOLD_NEVER, TOLD_WORDS, TOLD_REPEAT, TOLD_STUCK };

static bool first_time(struct complaints *c, int kind)
{
	bool told = c->told[kind];
	c->told[kind] = true;
	return !told;
}

static void judge_turns(struct complaints *c, const struct dialogue *d)
{
	struct yaml_mark mark = c->s->tests.mark;
	for (size_t i = 0; i < d->nturns; i++) {
		struct str text = d->turns[i].text, wrong = scenario_unspeakable(text);
		if ((!text.n || wrong.n) && first_time(c, TOLD_WORDS))
			problem_add(c->p, mark, "run %lld: turn %zu cannot be spoken as written: '%.*s'", (long long)c->run, i + 1,
				STR_FMT(text));
		if (i && d->turns[i - 1].role == d->turns[i].role && first_time(c, TOLD_DOUBLE))
			problem_add(c->p, mark, "run %lld: the same side speaks twice in a row: '%.*s' '%.*s'", (long long)c->run,
				STR_FMT(d->turns[i - 1].text), STR_FMT(text));
		for (size_t k = 0; k < i; k++)
			if (text.n > 30 && str_eq(d->turns[k].text, text) && first_time(c, TOLD_REPEAT))
				problem_add(c->p, mark, "run %lld: said twice in one call: '%.*s'", (long long)c->run, STR_FMT(text));
	}
}

static void judge(struct complaints *c, const struct dialogue *d, bool *some)
{
	const struct scenario_tests *t = &c->s->tests;
	if (((int64_t)d->nturns < t->min_turns || (int64_t)d->nturns > t->max_turns) && first_time(c, TOLD_TURNS))
		problem_add(c->p, t->mark, "run %lld has %zu turns; wanted are %lld to %lld", (long long)c->run, d->nturns,
			(long long)t->min_turns, (long long)t->max_turns);
	for (size_t i = 0; i < t->nmust; i++)
		if (!contains(d, t->must[i]) && first_time(c, TOLD_MUST))
			problem_add(c->p, t->mark, "run %lld does not contain '%.*s'", (long long)c->run, STR_FMT(t->must[i]));
	for (size_t i = 0; i < t->nnever; i++)
		if (contains(d, t->never[i]) && first_time(c, TOLD_NEVER))
			problem_add(c->p, t->mark, "run %lld contains '%.*s'", (long long)c->run, STR_FMT(t->never[i]));
	for (size_t i = 0; i < t->nsome; i++)
		some[i] = some[i] || contains(d, t->some[i]);
	judge_turns(c, d);
}

static void judge_alike(struct complaints *c, const struct grams *grams, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++) {
			double alike = grams_jaccard(&grams[i], &grams[k]);
			if (alike <= SCRIPT_ALIKE)
				continue;
			problem_add(c->p, c->s->tests.mark,
				"runs %zu and %zu are too alike (%.2f of 4-grams; at most %.2f): add lines or alternatives", k, i,
				alike, SCRIPT_ALIKE);
			return;
		}
}

bool script_test(const struct scenario *s, const struct personas *personas, struct problems *p)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct complaints c = {.s = s, .p = p};
	size_t before = p->n, nsuited = 0;
	const struct persona **suited = arena_array(&a, personas->n + 1, sizeof(*suited));
	for (size_t i = 0; i < personas->n; i++)
		if (scenario_suits(s, &personas->v[i]))
			suited[nsuited++] = &personas->v[i];
	bool *some = arena_array(&a, s->tests.nsome + 1, sizeof(bool));
	struct grams *grams = arena_array(&a, (size_t)s->tests.runs + 1, sizeof(*grams));
	size_t n = 0;
	for (c.run = 0; nsuited && c.run < s->tests.runs; c.run++) {
		struct dialogue d;
		struct err e = ERR_INIT;
		uint64_t seed = draw_hash((uint64_t)c.run, s->name, "scenario test");
		if (script_write(&a, s, suited[(size_t)c.run % nsuited], seed, &d, &e) != 0) {
			if (first_time(&c, TOLD_STUCK))
				problem_add(p, s->tests.mark, "run %lld: %s", (long long)c.run, e.text);
			continue;
		}
		judge(&c, &d, some);
		grams[n++] = script_grams(&a, &d);
	}
	judge_alike(&c, grams, n);
	for (size_t i = 0; nsuited && i < s->tests.nsome; i++)
		if (!some[i])
			problem_add(p, s->tests.mark, "no call of %lld contains '%.*s'", (long long)s->tests.runs,
				STR_FMT(s->tests.some[i]));
	return p->n == before;
}
