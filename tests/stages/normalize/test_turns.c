/* stages/normalize/turns: pauses and times. */
#include "base/alloc.h"
#include "stages/normalize/turns.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DRAWS 20000

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static void draw_pauses(int64_t min, int64_t max, bool elderly, int64_t v[DRAWS])
{
	struct normalize_params p = {.pause_min_ms = min, .pause_max_ms = max, .elderly_percent = 150};
	struct draw d;
	draw_init(&d, 1, STR("a/1"), "pause");
	for (int i = 0; i < DRAWS; i++)
		v[i] = turns_pause(&p, &d, elderly);
	qsort(v, DRAWS, sizeof *v, by_number);
}

static void pauses_are_log_normal_between_the_limits(void **state)
{
	(void)state;
	static int64_t v[DRAWS];
	draw_pauses(250, 900, false, v);
	assert_true(v[0] >= 250 && v[0] < 265 && v[DRAWS - 1] <= 900 && v[DRAWS - 1] > 850);
	assert_in_range(v[DRAWS / 2], 465, 484); /* the geometric mean: 474 */
	/* one deviation below and above the median: factors of (900/250)^(1/4) = 1.377; cut off at two, a little less */
	assert_in_range(v[DRAWS * 159 / 1000], 474 / 1.377, 474 / 1.30);
	assert_in_range(v[DRAWS * 841 / 1000], 474 * 1.30, 474 * 1.377);
	draw_pauses(0, 100, false, v);
	assert_true(v[0] >= 0 && v[DRAWS - 1] <= 100 && v[DRAWS / 2] > 15 && v[DRAWS / 2] < 30);
	draw_pauses(400, 400, false, v);
	assert_true(v[0] == 400 && v[DRAWS - 1] == 400);
	draw_pauses(0, 0, true, v);
	assert_true(v[0] == 0 && v[DRAWS - 1] == 0);
}

static void elderly_people_take_longer(void **state)
{
	(void)state;
	static int64_t young[DRAWS], old[DRAWS];
	draw_pauses(250, 900, false, young);
	draw_pauses(250, 900, true, old);
	for (int i = 0; i < DRAWS; i += 100)
		assert_true(fabs((double)old[i] - 1.5 * (double)young[i]) <= 2);
}

static void times_round_to_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(turns_in_frames(300, 24000), 7200);
	assert_int_equal(turns_in_frames(1, 22050), 22);
	assert_int_equal(turns_in_ms(7211, 24000), 300);
	assert_int_equal(turns_in_ms(7212, 24000), 301);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_are_log_normal_between_the_limits),
		cmocka_unit_test(elderly_people_take_longer),
		cmocka_unit_test(times_round_to_the_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
