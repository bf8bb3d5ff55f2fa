/* What the worker looks at before it says that it is ready. */
#include "worker/worker.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Keys name the libraries of the build: with others at hand nothing may be worked. */
static void test_same_library(void **state)
{
	(void)state;
	static const struct {
		const char *runs, *built;
		bool same;
	} cases[] = {
		{"libavcodec 59.37.100; libswresample 4.7.100", "59.37.100", true},
		{"libavcodec 59.37.100; libswresample 4.7.100", "4.7.100", true},
		{"1.2.6", "1.2.6", true},
		{"1.52-dev  Data at: /usr/share", "1.52-dev", true},
		{"1.2.6", "unknown", true}, /* a build that could not tell */
		{"libavcodec 60.3.100; libswresample 4.7.100", "59.37.100", false},
		{"1.2.60", "1.2.6", false},
		{"11.2.6", "1.2.6", false},
		{"", "1.2.6", false},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e = ERR_INIT;
		int rc = worker_same_library(cases[i].runs, cases[i].built, &e);
		assert_int_equal(rc, cases[i].same ? 0 : ERR_CONFIG);
		assert_true(cases[i].same || (strstr(e.text, cases[i].built) && strstr(e.text, "build it anew")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_library)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
