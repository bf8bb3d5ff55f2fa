#include "core/keyindex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void many(void **state)
{
	(void)state;
	struct keyindex x = {NULL, 0, 0};
	size_t at = SIZE_MAX;
	assert_int_equal(keyindex_next(&x, 5, &at), 0);
	for (int64_t i = 1; i <= 5000; i++)
		keyindex_put(&x, (uint64_t)i * 1024, i); /* all in few places: long probes */
	for (int64_t i = 1; i <= 5000; i++) {
		at = SIZE_MAX;
		assert_int_equal(keyindex_next(&x, (uint64_t)i * 1024, &at), i);
		assert_int_equal(keyindex_next(&x, (uint64_t)i * 1024, &at), 0);
	}
	at = SIZE_MAX;
	assert_int_equal(keyindex_next(&x, 77, &at), 0);
	keyindex_release(&x);
}

static void doubles_and_drops(void **state)
{
	(void)state;
	struct keyindex x = {NULL, 0, 0};
	keyindex_put(&x, 9, 1);
	keyindex_put(&x, 9, 2);
	keyindex_put(&x, 9, 3);
	keyindex_drop(&x, 9, 2);
	keyindex_drop(&x, 9, 8); /* missing is fine */
	size_t at = SIZE_MAX;
	assert_int_equal(keyindex_next(&x, 9, &at), 1);
	assert_int_equal(keyindex_next(&x, 9, &at), 3);
	assert_int_equal(keyindex_next(&x, 9, &at), 0);
	for (int64_t i = 10; i < 3000; i++) /* grown over */
		keyindex_put(&x, (uint64_t)i, i);
	at = SIZE_MAX;
	int64_t sum = 0;
	for (int64_t r = keyindex_next(&x, 9, &at); r; r = keyindex_next(&x, 9, &at))
		sum += r;
	assert_int_equal(sum, 4);
	keyindex_release(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many),
		cmocka_unit_test(doubles_and_drops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
