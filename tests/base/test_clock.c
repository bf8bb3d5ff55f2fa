#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_iso(int64_t ms, const char *want)
{
	char text[21];
	clock_iso(ms, text, sizeof(text));
	assert_string_equal(text, want);
}

static void test_iso(void **state)
{
	(void)state;
	assert_iso(0, "1970-01-01T00:00:00Z");
	assert_iso(951827696789, "2000-02-29T12:34:56Z");
	assert_iso(-1, "1969-12-31T23:59:59Z");
	assert_iso(-1000, "1969-12-31T23:59:59Z");
	assert_iso(253402300799999, "9999-12-31T23:59:59Z");
	assert_iso(253402300800000, "0000-00-00T00:00:00Z");
	assert_iso(INT64_MAX, "0000-00-00T00:00:00Z");
	assert_iso(INT64_MIN, "0000-00-00T00:00:00Z");
	setenv("TZ", "Asia/Shanghai", 1); /* always UTC */
	assert_iso(0, "1970-01-01T00:00:00Z");
	unsetenv("TZ");
}

static void test_clocks(void **state)
{
	(void)state;
	int64_t us = clock_us(), ms = clock_ms();
	assert_true(ms - us / 1000 >= 0 && ms - us / 1000 < 1000);
	assert_true(clock_wall_ms() > 1600000000000);
	clock_sleep_ms(20);
	assert_true(clock_us() - us >= 20000);
	us = clock_us();
	clock_sleep_ms(0);
	clock_sleep_ms(-5);
	assert_true(clock_us() - us < 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iso),
		cmocka_unit_test(test_clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
