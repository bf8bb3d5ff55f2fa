/* What is in a key and what is not; early cutoff; one work for equal keys. */
#include "tests/core/toy.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "version: 1\nname: toy\nseed: 7\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
#define LIST "  - {name: out, uses: toy-list, needs: [copy]}\n"
#define COPY(uses, with) HEAD "  - {name: copy, uses: " uses ", needs: [in], with: {" with "}}\n" LIST

/* Run under one pipeline, then under another: how many of the three calls `copy` computes. */
static void edit(struct toy *t, const char *before, const char *after, int64_t want)
{
	toy_write(t, "pipeline.yaml", before);
	toy_run_ok(t, 0);
	toy_write(t, "pipeline.yaml", after);
	toy_run_ok(t, 0);
	toy_computed(t, "copy", want);
	toy_computed(t, "in", 0);
	toy_write(t, "pipeline.yaml", before); /* and back: all is in the store */
	toy_run_ok(t, 0);
	toy_computed(t, "copy", 0);
	assert_int_equal(toy_counts(t, "copy")->cached, 3);
}

static void begin(struct toy *t)
{
	toy_begin(t);
	toy_write(t, "in.txt", "a=one\nb=two\nc=three\n");
}

static void parts_of_a_key(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	edit(&t, COPY("toy-copy", ""), COPY("toy-copy2", ""), 3);         /* type and version */
	edit(&t, COPY("toy-copy", ""), COPY("toy-copy", "add: '-y'"), 3); /* a shaping parameter */
	edit(&t, COPY("toy-copy", ""), COPY("toy-copy", "count: 5"), 0);  /* one that shapes nothing */
	edit(&t, COPY("toy-copy", ""), HEAD "  - {name: copy, uses: toy-copy, needs: [in], generation: 2}\n" LIST, 3);
	edit(&t, COPY("toy-copy", ""),
		"version: 1\nname: other\nseed: 8\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
		"  - {name: copy, uses: toy-copy, needs: [in]}\n" LIST,
		0); /* the seed of a stage that does not draw */
	edit(&t, COPY("toy-draw", ""),
		"version: 1\nname: toy\nseed: 8\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
		"  - {name: copy, uses: toy-draw, needs: [in]}\n" LIST,
		3);
	toy_end(&t);
}

static void libraries(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	toy_write(&t, "pipeline.yaml", COPY("toy-lib", ""));
	toy_libraries = "toylib 1";
	toy_run_ok(&t, 0);
	toy_libraries = "toylib 2";
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 3);
	toy_libraries = "toylib 1";
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 0);
	toy_end(&t);
}

#define TELL(providers, with) \
	"version: 1\nname: toy\nseed: 7\nproviders: {" providers \
	"}\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n" \
	"  - {name: copy, uses: toy-tell, needs: [in], with: {" with "}}\n" LIST

static void provider_identity_counts(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	edit(&t, TELL("v: {kind: espeak}", "provider: v"), TELL("v: {kind: espeak, rate: 1.2}", "provider: v"), 3);
	edit(&t, TELL("v: {kind: espeak}", "provider: v"), TELL("w: {kind: espeak}", "provider: w"), 0); /* its name does not */
	toy_end(&t);
}

static void yaml_files_by_content(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	toy_write(&t, "pipeline.yaml", COPY("toy-copy", "file: rules.yaml"));
	toy_write(&t, "rules.yaml", "a: 1\nb: [x, y]\n");
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 3);
	toy_write(&t, "rules.yaml", "\xef\xbb\xbf# a comment\r\na:   1\r\nb:\r\n  - x\r\n  - y   # more\r\n");
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	assert_int_equal(toy_worked("toy-list"), 0);
	toy_write(&t, "rules.yaml", "a: 2\nb: [x, y]\n");
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 3);
	toy_write(&t, "rules.yaml", "a: 1\nb: [x, y]\n");
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 0);
	toy_end(&t);
}

static void comments_and_line_ends(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	toy_write(&t, "pipeline.yaml", COPY("toy-copy", ""));
	toy_run_ok(&t, 0);
	toy_write(&t, "pipeline.yaml", "# what this is\r\n" COPY("toy-copy", "") "# the end\n");
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	assert_int_equal(toy_worked("toy-list"), 0);
	toy_write(&t, "in.txt",
		"\xef\xbb\xbf"
		"a=one  \r\nb=two\r\nc=three\r\n\r\n");
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	toy_write(&t, "in.txt", "# a comment\na=one\nb=two\n\nc=three");
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	assert_int_equal(toy_worked("toy-lines"), 0);
	assert_int_equal(toy_worked("toy-list"), 0);
	toy_end(&t);
}

static void ids_and_draws(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	toy_write(&t, "in.txt", "a=same\nb=same\n");
	toy_write(&t, "pipeline.yaml", COPY("toy-draw", ""));
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 2); /* the id is in the key: each draws for itself */
	CLEANUP(free_ptr) char *list = toy_read(&t, "work/toy-list/list.txt");
	char *b = strstr(list, "\nb\t");
	assert_non_null(b);
	assert_int_not_equal(strncmp(list + 2, b + 3, 20), 0);
	toy_write(&t, "in.txt", "b=same\na=same\n"); /* another order draws the same */
	toy_remove(&t, "work");
	toy_run_ok(&t, 0);
	toy_file_is(&t, "work/toy-list/list.txt", list);
	toy_end(&t);
}

static void one_key_one_work(void **state)
{
	(void)state;
	static const char *const uses[] = {"toy-copy", "toy-net", "toy-sound"};
	for (size_t i = 0; i < COUNT_OF(uses); i++) {
		struct toy t;
		toy_begin(&t);
		CLEANUP(buf_release) struct buf yaml = BUF_INIT;
		CLEANUP(buf_release) struct buf in = BUF_INIT;
		buf_printf(&yaml, HEAD "  - {name: copy, uses: %s, needs: [in]%s}\n" LIST, uses[i],
			i < 2 ? ", with: {sleep_ms: 30}" : "");
		for (int k = 0; k < 40; k++)
			buf_printf(&in, "x%02d=same\n", k);
		toy_write(&t, "pipeline.yaml", yaml.data);
		toy_write(&t, "in.txt", in.data);
		t.args.network = 20;
		t.args.jobs = 4;
		toy_run_ok(&t, 0);
		toy_computed(&t, "copy", 1);
		assert_int_equal(toy_counts(&t, "copy")->cached, 39);
		assert_int_equal(toy_counts(&t, "copy")->in, 40);
		assert_int_equal(toy_counts(&t, "out")->in, 40);
		toy_end(&t);
	}
}

#define DEEP(add, length) \
	HEAD "  - {name: copy, uses: toy-copy, needs: [in], with: {add: '" add "'}}\n" \
		 "  - {name: late, uses: toy-copy2, needs: [copy], with: {length: " length "}}\n" \
		 "  - {name: out, uses: toy-rank, needs: [late]}\n"

static void reads_by_leaf(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	toy_write(&t, "pipeline.yaml", DEEP("x", "false"));
	toy_run_ok(&t, 0);
	toy_computed(&t, "late", 3);
	toy_write(&t, "pipeline.yaml", DEEP("y", "false")); /* `note` changes, late reads turns.text only */
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 3);
	toy_computed(&t, "late", 0);
	assert_int_equal(toy_worked("toy-rank"), 0);
	toy_write(&t, "pipeline.yaml", DEEP("y", "true")); /* other reads: another input */
	toy_run_ok(&t, 0);
	toy_computed(&t, "late", 3);
	toy_end(&t);
}

static void early_cutoff(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	toy_write(&t, "pipeline.yaml",
		HEAD "  - {name: copy, uses: toy-judge, needs: [in], with: {bad: zzz}}\n"
			 "  - {name: late, uses: toy-copy, needs: [copy]}\n  - {name: out, uses: toy-list, needs: [late]}\n");
	toy_run_ok(&t, 0);
	toy_write(&t, "pipeline.yaml",
		HEAD "  - {name: copy, uses: toy-judge, needs: [in], with: {bad: qqq}}\n"
			 "  - {name: late, uses: toy-copy, needs: [copy]}\n  - {name: out, uses: toy-list, needs: [late]}\n");
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 3); /* judged anew, the same verdicts */
	toy_computed(&t, "late", 0);
	toy_end(&t);
}

static void absent_is_not_null(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct json *with, *without;
	static const struct field paths[] = {{"x", FIELD_OPTIONAL}, {"turns.text", 0}};
	assert_int_equal(
		json_parse(&a, STR("{\"x\":null,\"turns\":[{\"text\":null,\"role\":\"left\"},{}],\"y\":1}"), &with, NULL), 0);
	assert_int_equal(json_parse(&a, STR("{\"turns\":[{\"text\":null},{}]}"), &without, NULL), 0);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, fields_project(&a, with, paths, 2));
	assert_string_equal(b.data, "{\"turns\":[{\"text\":null},{}],\"x\":null}");
	buf_clear(&b);
	json_write(&b, fields_project(&a, without, paths, 2));
	assert_string_equal(b.data, "{\"turns\":[{\"text\":null},{}]}");
	arena_release(&a);
}

/* Answers: stored before the result, asked once; draw 0 for a provider whose answers are a function of the request, else one a call. */
static void answers(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	toy_write(&t, "in.txt", "a=same\nb=same\nc=bad\n");
	toy_write(&t, "pipeline.yaml", TELL("v: {kind: espeak}", "provider: v, fail: bad"));
	toy_run_ok(&t, 3);
	assert_int_equal(toy_worked("toy-ask"), 2); /* same, bad: the answer of a failing work is kept too */
	toy_write(&t, "pipeline.yaml", TELL("v: {kind: espeak}", "provider: v"));
	toy_write(&t, "in.txt", "a=same\nb=same\nc=bad\nd=new\n");
	toy_run_ok(&t, 3);
	assert_int_equal(toy_worked("toy-ask"), 1);
	toy_write(&t, "pipeline.yaml",
		"version: 1\nname: toy\nseed: 7\nproviders: {v: {kind: espeak}}\nstages:\n"
		"  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
		"  - {name: copy, uses: toy-tell, needs: [in], generation: 1, with: {provider: v}}\n" LIST);
	toy_run_ok(&t, 0);
	assert_int_equal(toy_worked("toy-ask"), 3); /* same, bad, new: asked anew */
	toy_end(&t);
	for (int wild = 0; wild < 2; wild++) {
		toy_begin(&t);
		t.wild = wild;
		toy_write(&t, "in.txt", "a=same\n");
		toy_write(&t, "pipeline.yaml", TELL("v: {kind: espeak}", "provider: v, fail: same, class: data"));
		toy_run_ok(&t, 3);
		assert_int_equal(toy_worked("toy-ask"), 1);
		toy_write(&t, "in.txt", "a=same\nb=same \nc=other\n");
		toy_write(&t, "pipeline.yaml", TELL("v: {kind: espeak}", "provider: v, fail: same, class: data"));
		toy_run_ok(&t, 3);
		assert_int_equal(toy_worked("toy-ask"), 1); /* c; a and b share a failed key */
		toy_end(&t);
	}
}

/* Each slot of a parent has draws of its own: two slots that ask the same get two answers, unless an answer is a function of the request. */
static void answers_of_slots(void **state)
{
	(void)state;
	for (int wild = 0; wild < 2; wild++) {
		struct toy t;
		toy_begin(&t);
		t.wild = wild;
		t.args.jobs = 1;
		toy_write(&t, "in.txt", "a=same\n");
		toy_write(&t, "pipeline.yaml",
			"version: 1\nname: toy\nseed: 7\nproviders: {v: {kind: espeak}}\nstages:\n"
			"  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
			"  - {name: copy, uses: toy-tell-more, needs: [in], with: {provider: v}}\n" LIST);
		toy_run_ok(&t, 0);
		assert_int_equal(toy_worked("toy-tell"), 2);
		assert_int_equal(toy_worked("toy-ask"), wild ? 2 : 1);
		toy_end(&t);
	}
}

/* A data file that changes while a run is going on is read as it was at the start, and the next run does again what rests on it. */
static void data_file_changed_meanwhile(void **state)
{
	(void)state;
	struct toy t;
	begin(&t);
	toy_write(&t, "rules.yaml", "a: 1\n");
	toy_write(&t, "pipeline.yaml",
		"version: 1\nname: toy\nseed: 7\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
		"  - {name: slow, uses: toy-net, needs: [in], with: {sleep_ms: 2000}}\n"
		"  - {name: copy, uses: toy-copy2, needs: [slow], with: {file: rules.yaml}}\n" LIST);
	toy_start(&t);
	while (toy_worked("toy-net") == 0) /* the keys are made by then */
		clock_sleep_ms(10);
	toy_write(&t, "rules.yaml", "a: 2\n");
	assert_int_equal(toy_join(&t), 0);
	int64_t calls = toy_counts(&t, "copy")->in;
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", calls);
	toy_end(&t);
}

int main(int argc, char **argv)
{
	int rc = toy_worker(argc, argv);
	if (rc >= 0)
		return rc;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_a_key),
		cmocka_unit_test(libraries),
		cmocka_unit_test(provider_identity_counts),
		cmocka_unit_test(yaml_files_by_content),
		cmocka_unit_test(comments_and_line_ends),
		cmocka_unit_test(ids_and_draws),
		cmocka_unit_test(one_key_one_work),
		cmocka_unit_test(reads_by_leaf),
		cmocka_unit_test(early_cutoff),
		cmocka_unit_test(absent_is_not_null),
		cmocka_unit_test(answers),
		cmocka_unit_test(answers_of_slots),
		cmocka_unit_test(data_file_changed_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
