/* sample: quotas against their definition, choices against the bounds of the header. */
#include "stages/bench/sample.h"

#include "base/alloc.h"
#include "base/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Quotas --- */

/* The largest remainders by trying all ways to give away what is left: the best is the one of the highest sum of
 * remainders, then of the first names. */
static void best_quotas(const int64_t *calls, size_t n, int64_t size, int64_t *ret)
{
	int64_t all = 0, left, best = -1;
	for (size_t i = 0; i < n; i++)
		all += calls[i];
	left = size = size > all ? all : size;
	for (size_t i = 0; i < n; i++)
		left -= all ? size * calls[i] / all : 0;
	for (uint32_t who = 0; who < 1u << n; who++) {
		int64_t sum = 0;
		uint32_t early = 0;
		if (__builtin_popcount(who) != left)
			continue;
		for (size_t i = 0; i < n; i++) {
			if (!(who & 1u << i))
				continue;
			sum += size * calls[i] % all;
			early |= 1u << (n - 1 - i); /* as a number: the higher, the earlier the names */
		}
		int64_t worth = sum * (1 << n) + early;
		if (worth <= best)
			continue;
		best = worth;
		for (size_t i = 0; i < n; i++)
			ret[i] = (all ? size * calls[i] / all : 0) + !!(who & 1u << i);
	}
}

static void quotas_are_those_of_the_largest_remainders(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 3000; round++) {
		struct draw d;
		int64_t calls[6], quotas[6], best[6], all = 0, sum = 0;
		draw_init(&d, round, STR("quotas"), "toy");
		size_t n = 1 + draw_below(&d, 6);
		for (size_t i = 0; i < n; i++)
			all += calls[i] = draw_below(&d, round % 3 ? 40 : 4);
		int64_t size = draw_below(&d, 60);
		sample_quotas(calls, n, size, quotas);
		best_quotas(calls, n, size, best);
		if (size > all)
			size = all;
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(quotas[i], best[i]);
			assert_true(quotas[i] <= calls[i]);
			/* within one of proportional: |quota - size · calls / all| < 1 */
			if (all)
				assert_true(llabs(quotas[i] * all - size * calls[i]) < all);
			sum += quotas[i];
		}
		assert_int_equal(sum, size);
	}
}

static void ties_go_to_the_first_names(void **state)
{
	(void)state;
	int64_t calls[] = {5, 5, 5, 5}, quotas[4];
	sample_quotas(calls, 4, 2, quotas);
	assert_int_equal(quotas[0] + quotas[1], 2);
	assert_int_equal(quotas[2] + quotas[3], 0);
	int64_t none[] = {0, 0};
	sample_quotas(none, 2, 5, quotas);
	assert_int_equal(quotas[0] + quotas[1], 0);
	sample_quotas(none, 0, 5, quotas);
}

/* --- Choice --- */

#define MOST 4000

struct population {
	struct sample_family v[MOST];
	char names[MOST][16];
	size_t n, nstrata;
};

static void add_family(struct population *p, uint32_t tag, uint32_t stratum, uint32_t calls)
{
	char *name = p->names[p->n];
	snprintf(name, sizeof(p->names[0]), "f/%06u", tag);
	struct str s = str_of(name);
	p->v[p->n++] = (struct sample_family){
		.hash = draw_hash(7, s, "bench"), .name = s, .stratum = stratum, .calls = calls, .tag = tag};
}

static int by_tag(const void *x, const void *y)
{
	const struct sample_family *a = x, *b = y;
	return a->tag < b->tag ? -1 : a->tag > b->tag;
}

/* Chooses, checks what holds for every choice, and leaves the families in order of their tags. */
static void choose(struct population *p, int64_t size, int64_t *quotas)
{
	int64_t calls[16] = {0}, chosen[16] = {0}, smallest[16];
	for (size_t i = 0; i < p->n; i++)
		calls[p->v[i].stratum] += p->v[i].calls;
	sample_quotas(calls, p->nstrata, size, quotas);
	sample_choose(p->v, p->n, p->nstrata, size, SAMPLE_TEST);
	for (size_t s = 0; s < p->nstrata; s++)
		smallest[s] = INT64_MAX;
	for (size_t i = 0; i < p->n; i++) {
		const struct sample_family *f = &p->v[i];
		if (f->side == SAMPLE_TEST)
			chosen[f->stratum] += f->calls;
		else if (f->calls < smallest[f->stratum])
			smallest[f->stratum] = f->calls;
	}
	for (size_t s = 0; s < p->nstrata; s++) {
		assert_true(chosen[s] <= quotas[s]);
		if (chosen[s] < quotas[s])
			assert_true(quotas[s] - chosen[s] < smallest[s]);
	}
	qsort(p->v, p->n, sizeof(*p->v), by_tag);
}

static void families_fit_into_quotas(void **state)
{
	(void)state;
	static struct population p;
	int64_t quotas[16];
	for (uint64_t round = 0; round < 300; round++) {
		struct draw d;
		draw_init(&d, round, STR("sample"), "families");
		p.n = 0;
		p.nstrata = 1 + draw_below(&d, 5);
		uint32_t n = draw_below(&d, 300), most = 1 + draw_below(&d, 9);
		for (uint32_t i = 0; i < n; i++)
			add_family(&p, i, draw_below(&d, (uint32_t)p.nstrata), 1 + draw_below(&d, most));
		choose(&p, draw_below(&d, 200), quotas);
	}
}

static void of_single_calls_quotas_are_met(void **state)
{
	(void)state;
	static struct population p;
	int64_t quotas[16], chosen[16] = {0};
	p.n = 0;
	p.nstrata = 4;
	for (uint32_t i = 0; i < 1000; i++)
		add_family(&p, i, i % 7 % 4, 1);
	choose(&p, 100, quotas);
	for (size_t i = 0; i < p.n; i++)
		chosen[p.v[i].stratum] += p.v[i].side == SAMPLE_TEST;
	for (size_t s = 0; s < 4; s++)
		assert_int_equal(chosen[s], quotas[s]);
}

static void barred_and_taken_families_stay(void **state)
{
	(void)state;
	static struct population p;
	p.n = 0;
	p.nstrata = 1;
	for (uint32_t i = 0; i < 100; i++) {
		add_family(&p, i, 0, 1);
		p.v[i].barred = i < 10;
		p.v[i].side = i >= 90 ? SAMPLE_TEST : SAMPLE_REST;
	}
	sample_choose(p.v, p.n, 1, 1000, SAMPLE_DEV);
	for (size_t i = 0; i < p.n; i++)
		assert_int_equal(p.v[i].side, p.v[i].tag < 10 ? SAMPLE_REST : p.v[i].tag >= 90 ? SAMPLE_TEST : SAMPLE_DEV);
}

/* --- Stability: the bound (1) of the header --- */

enum growth { GROW_EVENLY, GROW_ONE, GROW_NEW, GROW_FAMILIES, SHRINK, GROWTHS };

/* The population of this seed, grown in one of the ways. `grown` = false: as it was. */
static void populate(struct population *p, uint64_t seed, uint32_t most, enum growth how, bool grown)
{
	struct draw d;
	draw_init(&d, seed, STR("sample"), "population");
	p->n = 0;
	p->nstrata = 6; /* the last is empty before */
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t stratum = draw_below(&d, 3) ? draw_below(&d, 2) : draw_below(&d, 5), calls = 1;
		if (draw_below(&d, 4) == 0)
			calls = 1 + draw_below(&d, most);
		bool touched = draw_below(&d, 10) == 0;
		if (grown && how == GROW_FAMILIES && touched)
			calls++;
		if (!grown || how != SHRINK || !touched)
			add_family(p, i, stratum, calls);
	}
	for (uint32_t i = 0; grown && how <= GROW_NEW && i < 300; i++)
		add_family(p, 3000 + i, how == GROW_EVENLY ? i % 5 : how == GROW_ONE ? 1 : 5, 1 + draw_below(&d, most));
}

struct moves {
	int64_t left[16], entered[16]; /* calls of unchanged families */
	int64_t before[16], after[16]; /* chosen calls of all others */
	int64_t largest[16];
};

static void count_moves(const struct population *a, const struct population *b, struct moves *m)
{
	memset(m, 0, sizeof(*m));
	size_t k = 0;
	for (size_t i = 0; i < a->n || k < b->n;) {
		const struct sample_family *x = i < a->n ? &a->v[i] : NULL, *y = k < b->n ? &b->v[k] : NULL;
		bool both = x && y && x->tag == y->tag;
		if (both && x->calls == y->calls && x->stratum == y->stratum) {
			if (x->side == SAMPLE_TEST && y->side != SAMPLE_TEST)
				m->left[x->stratum] += x->calls;
			if (x->side != SAMPLE_TEST && y->side == SAMPLE_TEST)
				m->entered[x->stratum] += x->calls;
			if (x->calls > m->largest[x->stratum])
				m->largest[x->stratum] = x->calls;
			i++;
			k++;
			continue;
		}
		if (x && (!y || x->tag <= y->tag)) {
			m->before[x->stratum] += x->side == SAMPLE_TEST ? x->calls : 0;
			i++;
		}
		if (y && (!x || y->tag <= x->tag)) {
			m->after[y->stratum] += y->side == SAMPLE_TEST ? y->calls : 0;
			k++;
		}
	}
}

static int64_t positive(int64_t v)
{
	return v > 0 ? v : 0;
}

static void who_leaves_is_bounded(void **state)
{
	(void)state;
	static struct population a, b;
	struct moves m;
	int64_t qa[16], qb[16], tight = 0;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		for (int how = 0; how < GROWTHS; how++) {
			uint32_t most = seed % 4 == 0 ? 1 : (uint32_t)(seed % 4) * 5;
			bool fixed = seed % 2;
			populate(&a, seed, most, how, false);
			populate(&b, seed, most, how, true);
			int64_t na = 0, nb = 0;
			for (size_t i = 0; i < a.n; i++)
				na += a.v[i].calls;
			for (size_t i = 0; i < b.n; i++)
				nb += b.v[i].calls;
			choose(&a, fixed ? 300 : na / 10, qa);
			choose(&b, fixed ? 300 : nb / 10, qb);
			count_moves(&a, &b, &m);
			for (size_t s = 0; s < 6; s++) {
				int64_t slack = m.largest[s] ? 2 * (m.largest[s] - 1) : 0;
				assert_true(m.left[s] <= m.after[s] + positive(qa[s] - qb[s]) + slack);
				assert_true(m.entered[s] <= m.before[s] + positive(qb[s] - qa[s]) + slack);
				tight += m.left[s] && m.left[s] == m.after[s] + positive(qa[s] - qb[s]);
			}
		}
	}
	assert_true(tight > 0); /* the bound is reached: it is not merely far away */
}

/* A share: strata that do not grow keep their quotas but for two calls; nothing moves in them but for that. */
static void other_strata_stay(void **state)
{
	(void)state;
	static struct population a, b;
	struct moves m;
	int64_t qa[16], qb[16];
	for (uint64_t seed = 1; seed <= 40; seed++) {
		for (int how = GROW_ONE; how <= GROW_NEW; how++) {
			populate(&a, seed, 1, how, false);
			populate(&b, seed, 1, how, true);
			choose(&a, (int64_t)(a.n + 5) / 10, qa);
			choose(&b, (int64_t)(b.n + 5) / 10, qb);
			count_moves(&a, &b, &m);
			for (size_t s = 0; s < 6; s++) {
				if (s == (how == GROW_ONE ? 1u : 5u))
					continue;
				assert_true(llabs(qa[s] - qb[s]) <= 2);
				assert_int_equal(m.left[s], positive(qa[s] - qb[s]));
				assert_int_equal(m.entered[s], positive(qb[s] - qa[s]));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotas_are_those_of_the_largest_remainders),
		cmocka_unit_test(ties_go_to_the_first_names),
		cmocka_unit_test(families_fit_into_quotas),
		cmocka_unit_test(of_single_calls_quotas_are_met),
		cmocka_unit_test(barred_and_taken_families_stay),
		cmocka_unit_test(who_leaves_is_bounded),
		cmocka_unit_test(other_strata_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
