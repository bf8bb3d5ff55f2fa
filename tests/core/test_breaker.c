#include "core/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void opens_and_probes(void **state)
{
	(void)state;
	struct breaker b = {0};
	int64_t when = 0, now = 1000;
	for (int i = 0; i < BREAKER_FAILURES - 1; i++)
		assert_int_equal(breaker_done(&b, false, BREAKER_FAILED, now), BREAKER_NOTHING);
	/* In a row means in a row; what was cancelled is neither. */
	assert_int_equal(breaker_done(&b, false, BREAKER_ALIVE, now), BREAKER_NOTHING);
	for (int i = 0; i < BREAKER_FAILURES - 1; i++)
		assert_int_equal(breaker_done(&b, false, BREAKER_FAILED, now), BREAKER_NOTHING);
	assert_int_equal(breaker_done(&b, false, BREAKER_UNKNOWN, now), BREAKER_NOTHING);
	assert_true(breaker_may_send(&b, now, &when));
	assert_false(breaker_sent(&b));
	assert_int_equal(breaker_done(&b, false, BREAKER_FAILED, now), BREAKER_OPENED);
	static const int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_false(breaker_may_send(&b, now + waits[i] - 1, &when));
		assert_int_equal(when, now + waits[i]);
		now += waits[i];
		assert_true(breaker_may_send(&b, now, &when));
		assert_true(breaker_sent(&b));
		assert_false(breaker_may_send(&b, now + 100000, &when)); /* one probe at a time */
		assert_true(when == INT64_MAX);
		assert_int_equal(breaker_done(&b, false, BREAKER_FAILED, now), BREAKER_NOTHING); /* sent before: old news */
		assert_int_equal(breaker_done(&b, true, BREAKER_FAILED, now), BREAKER_STILL_OPEN);
	}
	assert_int_equal(breaker_pause_ms(&b, now), 183000);
	assert_int_equal(breaker_done(&b, true, BREAKER_ALIVE, now + 7000), BREAKER_CLOSED);
	assert_int_equal(b.paused_ms, 190000);
	assert_int_equal(breaker_pause_ms(&b, now + 8000), 0);
	assert_true(breaker_may_send(&b, now + 7000, &when));
	assert_int_equal(b.failures, 0);
}

static void other_signs(void **state)
{
	(void)state;
	struct breaker b = {0};
	int64_t when = 0;
	for (int i = 0; i < BREAKER_FAILURES; i++)
		breaker_done(&b, false, BREAKER_FAILED, 0);
	assert_true(b.open);
	/* A reply to what was sent before is as good as a probe. */
	assert_int_equal(breaker_done(&b, false, BREAKER_ALIVE, 500), BREAKER_CLOSED);
	for (int i = 0; i < BREAKER_FAILURES; i++)
		breaker_done(&b, false, BREAKER_FAILED, 1000);
	assert_true(b.open && b.wait_ms == 1000); /* from the beginning */
	/* A probe that was cancelled says nothing: the next goes after the same wait. */
	assert_true(breaker_may_send(&b, 2000, &when));
	assert_true(breaker_sent(&b));
	assert_int_equal(breaker_done(&b, true, BREAKER_UNKNOWN, 2100), BREAKER_NOTHING);
	assert_true(b.open);
	assert_false(breaker_may_send(&b, 3099, &when));
	assert_true(breaker_may_send(&b, 3100, &when));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_and_probes),
		cmocka_unit_test(other_signs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
