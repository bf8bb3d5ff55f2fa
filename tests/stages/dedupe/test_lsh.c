/* lsh: the shape of the bands, and that pairs are found as often as the curve says. */
#include "stages/dedupe/lsh.h"

#include "base/alloc.h"
#include "base/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void shapes_are_those_of_the_header(void **state)
{
	(void)state;
	static const struct {
		int permille, rows, bands;
	} rows[] = {{300, 2, 128}, {400, 3, 85}, {500, 4, 64}, {600, 5, 51}, {700, 6, 42}, {800, 9, 28}, {900, 15, 17},
		{1000, LSH_HASHES, 1}};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int r, b;
		lsh_shape(rows[i].permille, &r, &b);
		assert_int_equal(r, rows[i].rows);
		assert_int_equal(b, rows[i].bands);
	}
}

static void least_is_deviations_down(void **state)
{
	(void)state;
	/* 128 · 0.5 - 3 · √(128 · 0.25) = 47.03; 128 · 0.8 - 3 · √(128 · 0.16) = 88.8, - 5 · … = 79.8; no spread at 1 */
	assert_int_equal(lsh_least(500, 3), 48);
	assert_int_equal(lsh_least(800, 3), 89);
	assert_int_equal(lsh_least(800, 5), 80);
	assert_int_equal(lsh_least(1000, 3), LSH_SKETCH);
	for (int s = 300; s < 1000; s++)
		assert_true(lsh_least(s, 3) <= lsh_least(s + 1, 3));
}

/* Two sets of `n` numbers each, of which `common` are the same. */
static void add_pair(struct lsh *l, size_t at, size_t n, size_t common, struct draw *d)
{
	uint64_t *v = xcalloc(n + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = draw_u64(d);
	lsh_add(l, at, v, n);
	for (size_t i = common; i < n; i++)
		v[i] = draw_u64(d);
	lsh_add(l, at + 1, v, n);
	free(v);
}

static bool meets(const struct lsh *l, uint32_t x, uint32_t y)
{
	for (int b = 0; b < l->bands; b++)
		for (uint32_t at = lsh_below(l, b, y); at != UINT32_MAX; at = lsh_below(l, b, at))
			if (at == x)
				return true;
	return false;
}

#define PAIRS 1500

static void count_found(size_t n, size_t common, int *ret_met, int *ret_alike)
{
	struct lsh l = LSH_INIT;
	struct draw d;
	uint32_t *order = xcalloc(2 * PAIRS, sizeof(*order));
	lsh_init(&l, 2 * PAIRS, 500);
	draw_init(&d, common, STR("lsh"), "pairs");
	for (uint32_t i = 0; i < 2 * PAIRS; i += 2) {
		add_pair(&l, i, n, common, &d);
		order[i] = i;
		order[i + 1] = i + 1;
	}
	bool *needed = xcalloc(2 * PAIRS, sizeof(*needed));
	lsh_close(&l, order, 0, needed);
	free(needed);
	*ret_met = *ret_alike = 0;
	for (uint32_t i = 0; i < 2 * PAIRS; i += 2) {
		*ret_met += meets(&l, i, i + 1);
		*ret_alike += lsh_alike(&l, i, i + 1) >= lsh_least(500, 3);
	}
	lsh_release(&l);
	free(order);
}

static void pairs_are_found_as_the_curve_says(void **state)
{
	(void)state;
	/* n numbers of which c are common: resemblance c / (2n - c). Expected: 1500 · P(s); room for four standard
	 * deviations. */
	static const struct {
		size_t n, common;
		int least, most;
	} rows[] = {
		{300, 100, 100, 190},   /* 0.2: P = 0.097 → 146 ± 46 */
		{300, 200, 1457, 1495}, /* 0.5: 0.984 → 1476 ± 19 */
		{280, 210, 1496, 1500}, /* 0.6: 0.9999 */
		{270, 240, 1500, 1500}, /* 0.8 */
		{300, 0, 0, 1},         /* nothing in common */
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int met, alike;
		count_found(rows[i].n, rows[i].common, &met, &alike);
		if (met < rows[i].least || met > rows[i].most)
			fail_msg("%zu of %zu: %d pairs met", rows[i].common, rows[i].n, met);
		if (rows[i].common >= 200)
			assert_true(alike >= PAIRS - 8); /* at the limit 0.13% are lost: 2 ± 5.6 */
	}
}

/* Only calls whose sketches are alike enough are met; links lead over the others. */
static void unlike_calls_are_not_met(void **state)
{
	(void)state;
	struct lsh l = LSH_INIT;
	struct draw d;
	uint32_t order[200];
	bool needed[200] = {false};
	lsh_init(&l, 200, 500);
	draw_init(&d, 1, STR("lsh"), "unlike");
	for (uint32_t i = 0; i < 200; i++)
		order[i] = i;
	for (size_t i = 0; i < 200; i += 2)
		add_pair(&l, i, 100, i < 100 ? 45 : 90, &d); /* 0.29, under the least; 0.82 */
	lsh_close(&l, order, lsh_least(500, 3), needed);
	for (uint32_t i = 0; i < 200; i += 2) {
		bool like = lsh_alike(&l, i, i + 1) >= lsh_least(500, 3);
		assert_int_equal(needed[i], like && meets(&l, i, i + 1));
		assert_int_equal(needed[i + 1], needed[i]);
		assert_true(i < 100 || needed[i]);
		assert_true(i >= 100 || needed[i] || !meets(&l, i, i + 1));
	}
	lsh_release(&l);
}

/* Sets in buckets by any numbers, some left out. */
static void order_renumbers(void **state)
{
	(void)state;
	struct lsh l = LSH_INIT;
	uint64_t one[] = {1, 2, 3}, other[] = {77, 78};
	for (int i = 0; i < 3; i++)
		one[i] *= UINT64_C(0x9e3779b97f4a7c15);
	uint32_t order[] = {3, UINT32_MAX, 0, 1, 2};
	lsh_init(&l, 5, 500);
	for (size_t i = 0; i < 5; i++)
		lsh_add(&l, i, i == 3 ? other : one, i == 3 ? 2 : 3);
	bool needed[5] = {false};
	lsh_close(&l, order, LSH_SKETCH, needed);
	assert_true(needed[0] && !needed[1] && needed[2] && needed[3] && !needed[4]);
	for (int b = 0; b < l.bands; b++) {
		assert_int_equal(lsh_below(&l, b, 3), 2);
		assert_int_equal(lsh_below(&l, b, 2), 0);
		assert_int_equal(lsh_below(&l, b, 1), UINT32_MAX);
		assert_int_equal(lsh_below(&l, b, 0), UINT32_MAX);
		assert_int_equal(lsh_below(&l, b, 4), UINT32_MAX);
	}
	assert_int_equal(lsh_alike(&l, 0, 4), LSH_SKETCH);
	lsh_release(&l);
}

/* A call that is not needed, between two that are, in nearly all of their buckets. */
static void links_lead_over_the_others(void **state)
{
	(void)state;
	struct lsh l = LSH_INIT;
	struct draw d;
	uint64_t v[200];
	uint32_t order[] = {0, 1, 2};
	bool needed[3] = {false};
	draw_init(&d, 2, STR("lsh"), "between");
	for (size_t i = 0; i < 200; i++)
		v[i] = draw_u64(&d);
	lsh_init(&l, 3, 500);
	lsh_add(&l, 0, v, 200);
	lsh_add(&l, 1, v, 195);
	lsh_add(&l, 2, v, 200);
	lsh_close(&l, order, LSH_SKETCH, needed);
	assert_true(lsh_alike(&l, 0, 1) < LSH_SKETCH && lsh_alike(&l, 0, 1) > 100);
	assert_true(needed[0] && !needed[1] && needed[2]);
	for (int b = 0; b < l.bands; b++)
		assert_int_equal(lsh_below(&l, b, 2), 0);
	lsh_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_are_those_of_the_header),
		cmocka_unit_test(least_is_deviations_down),
		cmocka_unit_test(pairs_are_found_as_the_curve_says),
		cmocka_unit_test(unlike_calls_are_not_met),
		cmocka_unit_test(links_lead_over_the_others),
		cmocka_unit_test(order_renumbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
