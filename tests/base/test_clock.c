#include "base/clock.h"

#include "base/alloc.h"

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

static void test_span(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {{"90", 90}, {"90s", 90}, {"15m", 900}, {"2h", 7200}, {"1d", 86400}, {"1h30m", 5400}, {"0", 0}};
	static const char *const bad[] = {"", "s", "-5", "+5", "5x", "1h30", "h1", "99999999999h", "1 h"};
	int64_t got;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		got = -1;
		assert_true(clock_span(str_of(good[i].text), &got));
		assert_int_equal(got, good[i].seconds);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(clock_span(str_of(bad[i]), &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iso),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_span),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
