#include "base/draw.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/** Outputs rest on these: they come from a second implementation and never change. */
static void test_fixed(void **state)
{
	(void)state;
	struct draw d;
	assert_true(draw_hash(UINT64_C(0), STR(""), "") == UINT64_C(0xc03225d3e04d48a7));
	draw_init(&d, UINT64_C(0), STR(""), "");
	assert_true(draw_u64(&d) == UINT64_C(0x0b519108ba56ab3e));
	assert_true(draw_u64(&d) == UINT64_C(0x29d4a16ade25b801));
	assert_true(draw_u64(&d) == UINT64_C(0xd079dcdec0cb21d1));
	assert_true(draw_hash(UINT64_C(7), STR("bank/a/0001"), "voice") == UINT64_C(0x0a7af6f2d4e2f9b5));
	draw_init(&d, UINT64_C(7), STR("bank/a/0001"), "voice");
	assert_true(draw_u64(&d) == UINT64_C(0xc026302982a33f48));
	assert_true(draw_u64(&d) == UINT64_C(0x4c744d5e71024e6f));
	assert_true(draw_u64(&d) == UINT64_C(0xff2b6cbc1cce4fd8));
	assert_true(draw_hash(UINT64_C(18446744073709551615), STR("电话"), "x") == UINT64_C(0x9b2d2dd361e232d4));
	draw_init(&d, UINT64_C(18446744073709551615), STR("电话"), "x");
	assert_true(draw_u64(&d) == UINT64_C(0x071dbc28760e137e));
	assert_true(draw_u64(&d) == UINT64_C(0xccfc25ce93a0498e));
	assert_true(draw_u64(&d) == UINT64_C(0xd650f1f2b05172e9));
	uint32_t v[] = {0, 1, 2, 3, 4, 5, 6, 7}, want[] = {6, 0, 7, 3, 2, 4, 5, 1};
	draw_init(&d, 1, STR("s"), "s");
	draw_shuffle(&d, v, COUNT_OF(v));
	assert_memory_equal(v, want, sizeof(v));
}

static void test_below(void **state)
{
	(void)state;
	struct draw d;
	int seen[7] = {0};
	draw_init(&d, 1, STR("x"), "dice");
	for (int i = 0; i < 70000; i++)
		seen[draw_below(&d, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 9600, 10400); /* over four standard deviations */
	for (int i = 0; i < 100; i++)
		assert_int_equal(draw_below(&d, 1), 0);
	int high = 0;
	for (int i = 0; i < 3000; i++) /* where a plain remainder of 32 bits would be biased */
		high += draw_below(&d, 0xC0000000u) >= 0x80000000u;
	assert_in_range(high, 900, 1100);
}

static void test_range(void **state)
{
	(void)state;
	struct draw d;
	bool low = false, high = false;
	draw_init(&d, 2, STR("x"), "range");
	for (int i = 0; i < 1000; i++) {
		int64_t v = draw_range(&d, -2, 2);
		assert_true(v >= -2 && v <= 2);
		low |= v == -2;
		high |= v == 2;
		double u = draw_unit(&d);
		assert_true(u >= 0 && u < 1);
	}
	assert_true(low && high);
	assert_int_equal(draw_range(&d, 5, 5), 5);
	assert_int_equal(draw_range(&d, INT64_MAX, INT64_MAX), INT64_MAX);
	int negative = 0;
	for (int i = 0; i < 1000; i++)
		negative += draw_range(&d, INT64_MIN, INT64_MAX) < 0;
	assert_in_range(negative, 400, 600);
}

static void test_shuffle(void **state)
{
	(void)state;
	struct draw d;
	int first[4] = {0};
	draw_init(&d, 3, STR("x"), "shuffle");
	for (int i = 0; i < 4000; i++) {
		uint32_t v[] = {0, 1, 2, 3}, sum = 0;
		draw_shuffle(&d, v, 4);
		for (size_t k = 0; k < 4; k++)
			sum |= 1u << v[k];
		assert_int_equal(sum, 15);
		first[v[0]]++;
	}
	for (int i = 0; i < 4; i++)
		assert_in_range(first[i], 850, 1150);
	draw_shuffle(&d, NULL, 0);
}

/** Each of the three parts counts, and where one ends and the next begins. */
static void test_parts(void **state)
{
	(void)state;
	uint64_t h = draw_hash(1, STR("ab"), "c");
	assert_true(h != draw_hash(2, STR("ab"), "c"));
	assert_true(h != draw_hash(1, STR("abc"), ""));
	assert_true(h != draw_hash(1, STR("a"), "bc"));
	assert_true(h != draw_hash(1, STR("ab"), "d"));
	assert_true(h == draw_hash(1, STR("ab"), "c"));
	(void)draw_hash(1, (struct str){NULL, 0}, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_shuffle),
		cmocka_unit_test(test_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
