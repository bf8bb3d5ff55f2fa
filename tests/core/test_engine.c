#include "tests/core/toy.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char chain[] = "version: 1\nname: toy\nseed: 7\nstages:\n"
							"  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
							"  - {name: judge, uses: toy-judge, needs: [in]}\n"
							"  - {name: copy, uses: toy-copy, needs: [judge], with: {add: '-x'}}\n"
							"  - {name: out, uses: toy-list, needs: [copy]}\n";

static void run_ok(struct toy *t, int want)
{
	int rc = toy_run(t);
	if (rc != want)
		fail_msg("exit status %d, not %d: %s", rc, want, t->err.text);
}

static void cold_then_nothing(void **state)
{
	(void)state;
	struct toy t;
	toy_begin(&t);
	toy_write(&t, "pipeline.yaml", chain);
	toy_write(&t, "in.txt", "a=one\nb=bad two\nc=three\n");
	run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "in")->computed, 3);
	assert_int_equal(toy_counts(&t, "judge")->rejected, 1);
	assert_int_equal(toy_counts(&t, "copy")->computed, 2);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	CLEANUP(free_ptr) char *list = toy_read(&t, "work/toy-list/list.txt");
	assert_string_equal(list, "a\t{\"note\":\"one-x\",\"qa\":{\"judge\":{\"findings\":[],\"verdict\":\"pass\"}},"
							  "\"turns\":[{\"text\":\"one\"}]}\n"
							  "c\t{\"note\":\"three-x\",\"qa\":{\"judge\":{\"findings\":[],\"verdict\":\"pass\"}},"
							  "\"turns\":[{\"text\":\"three\"}]}\n");
	run_ok(&t, 0);
	assert_int_equal(toy_worked("toy-copy"), 0);
	assert_int_equal(toy_counts(&t, "copy")->cached, 2);
	assert_int_equal(toy_counts(&t, "copy")->computed, 0);
	toy_end(&t);
}

int main(int argc, char **argv)
{
	int rc = toy_worker(argc, argv);
	if (rc >= 0)
		return rc;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cold_then_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
