#include "base/alloc.h"
#include "core/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WALL INT64_C(1795287876000) /* 2026-11-21T19:04:36Z */

static void retry_after(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {{"120", 120000}, {" 120 ", 120000}, {"1.5", 1500}, {"0.0201", 21}, {"0", 0}, {"3600", 3600000},
		{"3601", 3600000}, {"999999999999999999", 3600000}, {"Sat, 21 Nov 2026 19:05:06 GMT", 30000},
		{"Saturday, 21-Nov-26 19:05:06 GMT", 30000}, {"Sat Nov 21 19:05:06 2026", 30000},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 0}, {"Fri, 31 Dec 9999 23:59:59 GMT", 3600000}, {"", -1}, {"   ", -1},
		{"-1", -1}, {"+1", -1}, {"1e3", -1}, {"0x10", -1}, {"inf", -1}, {"nan", -1}, {".5", -1}, {"5.", -1},
		{"1.2.3", -1}, {"12 s", -1}, {"5s", -1}, {"9999999999999999999999", -1}, {"Sat, 21 Nov 2026", -1},
		{"Sat, 21 Nov 2026 19:05:06 PST", -1}, {"Sat, 32 Nov 2026 19:05:06 GMT", -1},
		{"Sat, 21 Nov 2026 19:05:06 GMT and more", -1}, {"soon", -1}};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (retry_after_ms(rows[i].text, WALL) != rows[i].ms)
			fail_msg("\"%s\" gave %lld", rows[i].text, (long long)retry_after_ms(rows[i].text, WALL));
	assert_int_equal(retry_after_ms(NULL, WALL), -1);
}

static void reset(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {{"6m0s", 360000}, {"1h2m", 3600000}, {"59m59s", 3599000}, {"20ms", 20}, {"1.2s", 1200}, {"1s", 1000},
		{"2m59.56s", 179560}, {"1s500ms", 1500}, {"500us", 1}, {"500µs", 1}, {"0s", 0}, {"60", 60000}, {"0.5", 500},
		{"1795287886", 10000}, {"1795287886.5", 10500}, {"1795287886000", 10000}, {"1795287800", 0},
		{"2795287886", 3600000}, {"2026-11-21T19:04:46Z", 10000}, {"Sat, 21 Nov 2026 19:05:06 GMT", 30000}, {"", -1},
		{"m", -1}, {"5x", -1}, {"5m3h", -1}, {"5s5s", -1}, {"5 s", -1}, {"5s ", 5000}, {"-5s", -1}, {"s5", -1},
		{"1.s", -1}, {"1h2", -1}, {"2026-13-21T19:04:46Z", -1}};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (reset_ms(rows[i].text, WALL) != rows[i].ms)
			fail_msg("\"%s\" gave %lld", rows[i].text, (long long)reset_ms(rows[i].text, WALL));
	assert_int_equal(reset_ms(NULL, WALL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(retry_after),
		cmocka_unit_test(reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
