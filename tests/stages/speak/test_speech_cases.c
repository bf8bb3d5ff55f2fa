/* stages/speak: the table of cases, tests/fixtures/speech/cases.tsv: numbers, dates, amounts, phones, codes, units, words as they are said. */
#include "base/alloc.h"
#include "base/fs.h"
#include "stages/speak/speech_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_NAME "tests/fixtures/speech/cases.tsv"
#define CASES_MIN 150

static void check_case(struct str text, struct str spoken, size_t line, size_t *wrong)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(speech_text(&b, text, &e), 0);
	if (str_eq(buf_view(&b), spoken))
		return;
	print_message(
		"%s:%zu: %.*s\n  is said %s\n  not     %.*s\n", FILE_NAME, line, STR_FMT(text), b.data, STR_FMT(spoken));
	++*wrong;
}

static void says_each_case(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf file = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(fs_read(FILE_NAME, 1 << 20, &file, &e), 0);
	struct str rest = buf_view(&file), line, seen[1000];
	size_t cases = 0, wrong = 0;
	for (size_t n = 1; str_line(&rest, &line); n++) {
		ptrdiff_t tab = str_find(line, STR("\t"));
		if (line.n == 0 || line.p[0] == '#')
			continue;
		assert_true(tab > 0 && cases < COUNT_OF(seen));
		struct str text = str_n(line.p, (size_t)tab), spoken = str_n(line.p + tab + 1, line.n - (size_t)tab - 1);
		for (size_t i = 0; i < cases; i++)
			assert_false(str_eq(seen[i], text)); /* twice the same is no second case */
		seen[cases++] = text;
		check_case(text, spoken, n, &wrong);
	}
	assert_int_equal(wrong, 0);
	assert_true(cases >= CASES_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(says_each_case)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
