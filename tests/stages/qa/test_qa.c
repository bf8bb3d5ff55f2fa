/* stages/qa/qa: its description. */
#include "base/alloc.h"
#include "stages/qa/qa.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool has(const struct field *v, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].path, path) == 0)
			return true;
	return false;
}

static void fields_follow_the_rules(void **state)
{
	(void)state;
	struct qa_params p = {.rules = QA_AUDIO};
	struct stage_fields f = {.nreads = 0}, g = {.nreads = 0};
	stage_qa.fields(&p, &f);
	assert_true(has(f.reads, f.nreads, "audio.segments") && !has(f.reads, f.nreads, "annotations"));
	assert_true(has(f.writes, f.nwrites, "acoustics") && has(f.writes, f.nwrites, "qa.@"));
	p.rules = QA_ANNOTATIONS;
	stage_qa.fields(&p, &g);
	assert_true(has(g.reads, g.nreads, "annotations") && !has(g.reads, g.nreads, "audio.object"));
	assert_true(!has(g.writes, g.nwrites, "acoustics") && has(g.writes, g.nwrites, "qa.@"));
	assert_null(stage_qa.process); /* the worker's */
	for (size_t i = 0; i < stage_qa.noptions; i++)
		assert_true(stage_qa.options[i].flags & OPTION_SHAPES); /* all of them change verdicts */
}

static void check(const char *with, const char *words)
{
	struct kit k;
	struct err e = ERR_INIT;
	int code = kit_open(&k, &stage_qa, with, ".", &e);
	assert_int_equal(code, words ? ERR_CONFIG : 0);
	if (words && !strstr(e.text, words))
		print_message("%s: %s\n", with, e.text);
	assert_true(!words || strstr(e.text, words));
	kit_close(&k);
}

static void refuses_what_cannot_be(void **state)
{
	(void)state;
	check("{rules: audio}", NULL);
	check("{rules: annotations, action: mark}", NULL);
	check("{}", "rules");
	check("{rules: smell}", "rules");
	check("{rules: audio, action: drop}", "action");
	check("{rules: audio, turn_rate_min: 9, turn_rate_max: 8}", "turn_rate_min (9) is over turn_rate_max (8)");
	check("{rules: audio, loudness_min: -10}", "loudness_min");
	check("{rules: audio, side_rate_max: 1}", "side_rate_min");
	check("{rules: annotations, max_thinking: 5}", "min_thinking");
	check("{rules: annotations, leaks: no-such-file.yaml}", "no-such-file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_follow_the_rules),
		cmocka_unit_test(refuses_what_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
