#include "cli/machine.h"

#include "base/alloc.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_quota(void **state)
{
	(void)state;
	assert_int_equal(machine_quota(STR("max 100000\n")), 0);
	assert_int_equal(machine_quota(STR("200000 100000\n")), 2);
	assert_int_equal(machine_quota(STR("150000 100000\n")), 2);
	assert_int_equal(machine_quota(STR("1000 100000")), 1);
	assert_int_equal(machine_quota(STR("")), 0);
	assert_int_equal(machine_quota(STR("100000")), 0);
	assert_int_equal(machine_quota(STR("-1 100000")), 0);
	assert_int_equal(machine_quota(STR("5 0")), 0);
}

static void test_affinity(void **state)
{
	(void)state;
	cpu_set_t all, one;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_true(machine_jobs() >= 1 && machine_jobs() <= CPU_COUNT(&all));
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, &one);
			break;
		}
	}
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(machine_jobs(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void test_worker(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	setenv("TAF_WORKER", "/bin/sh", 1);
	assert_int_equal(machine_worker(&b, true, &e), 0);
	assert_string_equal(b.data, "/bin/sh");
	setenv("TAF_WORKER", "/nowhere/taf-worker", 1);
	assert_int_equal(machine_worker(&b, false, &e), 0);
	assert_true(machine_worker(&b, true, &e) < 0);
	unsetenv("TAF_WORKER");
	err_clear(&e);
	assert_int_equal(machine_worker(&b, false, &e), 0);
	assert_true(str_ends(buf_view(&b), "/taf-worker"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_worker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
