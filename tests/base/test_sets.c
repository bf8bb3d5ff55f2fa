/* sets: the same partition as by painting, whatever the order of links. */
#include "base/sets.h"

#include "base/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define N 60

static void paint(uint32_t *colour, uint32_t x, uint32_t y)
{
	uint32_t a = colour[x], b = colour[y], low = a < b ? a : b;
	for (size_t i = 0; i < N; i++)
		if (colour[i] == a || colour[i] == b)
			colour[i] = low;
}

static void links_join_sets(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 100; round++) {
		struct sets s;
		struct draw d;
		uint32_t colour[N];
		sets_init(&s, N);
		draw_init(&d, round, STR("sets"), "links");
		for (uint32_t i = 0; i < N; i++)
			colour[i] = i;
		uint32_t links = draw_below(&d, 80);
		for (uint32_t i = 0; i < links; i++) {
			uint32_t x = draw_below(&d, N), y = draw_below(&d, N);
			sets_link(&s, x, y);
			paint(colour, x, y);
		}
		for (uint32_t i = 0; i < N; i++)
			assert_int_equal(sets_root(&s, i), colour[i]); /* the lowest of the set */
		sets_release(&s);
	}
}

static void long_chains_are_quick(void **state)
{
	(void)state;
	struct sets s;
	uint32_t n = 2000000;
	sets_init(&s, n);
	for (uint32_t i = n - 1; i > 0; i--)
		sets_link(&s, i, i - 1);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(sets_root(&s, i), 0);
	sets_release(&s);
	sets_init(&s, 0);
	sets_release(&s);
	sets_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_join_sets),
		cmocka_unit_test(long_chains_are_quick),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
