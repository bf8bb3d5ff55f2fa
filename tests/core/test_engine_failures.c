/* Failures are rows, never results: classes, quarantine, what the next run takes up; lost objects; a store that cannot be written. */
#include "tests/core/toy.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/stop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define HEAD "version: 1\nname: toy\nseed: 7\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
#define FAILS(uses, with) \
	HEAD "  - {name: copy, uses: " uses ", needs: [in], with: {" with \
		 "}}\n  - {name: late, uses: toy-judge, needs: [copy], with: {bad: zz}}\n" \
		 "  - {name: out, uses: toy-list, needs: [late]}\n"
#define LIST "work/toy-list/list.txt"

static void begin(struct toy *t, const char *yaml, const char *in)
{
	toy_begin(t);
	toy_write(t, "pipeline.yaml", yaml);
	toy_write(t, "in.txt", in);
}

static void data(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, FAILS("toy-copy", "fail: bad"), "a=one\nb=bad\n");
	toy_run_ok(&t, 3);
	assert_int_equal(toy_counts(&t, "copy")->quarantined, 1);
	assert_int_equal(toy_counts(&t, "copy")->failed, 0);
	assert_int_equal(toy_counts(&t, "out")->in, 1);
	assert_int_equal(toy_failures(&t, "the text has 'bad'"), 1);
	toy_run_ok(&t, 3); /* nothing to do, and still quarantined */
	toy_nothing_computed(&t);
	assert_int_equal(toy_counts(&t, "copy")->quarantined, 1);
	toy_remove(&t, LIST);
	toy_run_ok(&t, 3);
	toy_computed(&t, "copy", 0); /* known to fail: not tried again */
	toy_write(&t, "in.txt", "a=one\nb=bad\nc=bad\n");
	toy_run_ok(&t, 3);
	assert_int_equal(toy_worked("toy-copy"), 0); /* c has the key of b */
	assert_int_equal(toy_counts(&t, "copy")->quarantined, 2);
	toy_write(&t, "pipeline.yaml", FAILS("toy-copy", "fail: bad, add: x"));
	toy_run_ok(&t, 3);
	toy_computed(&t, "copy", 2); /* another key */
	assert_int_equal(toy_worked("toy-copy"), 2);
	toy_write(&t, "in.txt", "a=one\nb=good\n");
	toy_run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	toy_end(&t);
}

static void transient(void **state)
{
	(void)state;
	static const char *const uses[] = {"toy-copy", "toy-net"};
	for (int i = 0; i < 2; i++) {
		struct toy t;
		CLEANUP(buf_release) struct buf yaml = BUF_INIT;
		buf_printf(&yaml,
			HEAD "  - {name: copy, uses: %s, needs: [in], with: {fail: bad, class: transient}}\n"
				 "  - {name: out, uses: toy-list, needs: [copy]}\n",
			uses[i]);
		begin(&t, yaml.data, "a=one\nb=bad\n");
		toy_run_ok(&t, 3);
		assert_int_equal(toy_worked(uses[i]), 6); /* one, and five times bad */
		assert_int_equal(toy_counts(&t, "copy")->failed, 1);
		assert_int_equal(toy_counts(&t, "out")->in, 1);
		CLEANUP(buf_release) struct buf mended = BUF_INIT;
		buf_printf(&mended,
			HEAD "  - {name: copy, uses: %s, needs: [in]}\n  - {name: out, uses: toy-list, needs: [copy]}\n", uses[i]);
		toy_write(&t, "pipeline.yaml", mended.data); /* the same keys */
		toy_run_ok(&t, 0);
		toy_computed(&t, "copy", 1);
		assert_int_equal(toy_counts(&t, "out")->in, 2);
		assert_int_equal(toy_failures(&t, ""), 0);
		toy_end(&t);
	}
}

static void account(void **state)
{
	(void)state;
	struct toy t;
	begin(&t,
		HEAD "  - {name: side, uses: toy-judge, needs: [in], with: {bad: zz}}\n  - {name: copy, uses: toy-copy, needs: "
			 "[in], with: {fail: bad, class: account}}\n"
			 "  - {name: slow, uses: toy-copy2, needs: [side], with: {sleep_ms: 5}}\n  - {name: out, uses: toy-list, "
			 "needs: [copy]}\n",
		"a=bad\nb=two\nc=three\nd=four\n");
	t.args.jobs = 1;
	assert_int_equal(toy_run(&t), 1);
	assert_non_null(strstr(t.err.text, "the text has 'bad'"));
	assert_non_null(strstr(t.err.text, "copy"));
	toy_computed(&t, "slow", 4); /* the rest goes on */
	assert_int_equal(toy_worked("toy-list"), 0);
	assert_null(toy_read(&t, LIST));
	toy_write(&t, "pipeline.yaml",
		HEAD "  - {name: side, uses: toy-judge, needs: [in], with: {bad: zz}}\n  - {name: copy, uses: toy-copy, needs: "
			 "[in]}\n"
			 "  - {name: slow, uses: toy-copy2, needs: [side], with: {sleep_ms: 5}}\n"
			 "  - {name: out, uses: toy-list, needs: [copy]}\n");
	toy_run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "out")->in, 4);
	toy_computed(&t, "slow", 0);
	toy_end(&t);
}

static void machine(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, FAILS("toy-copy", "fail: bad, class: machine"), "a=one\nb=bad\n");
	assert_int_equal(toy_run(&t), 1);
	assert_non_null(strstr(t.err.text, "call b"));
	assert_non_null(strstr(t.err.text, "stage copy"));
	assert_null(toy_read(&t, LIST));
	assert_int_equal(toy_failures(&t, ""), 0);
	toy_write(&t, "pipeline.yaml", FAILS("toy-copy", ""));
	toy_run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	toy_end(&t);
}

static void broken_items(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, FAILS("toy-copy", ""), "a=one\nb!x\nc!y\nc=three\na=other\n");
	toy_run_ok(&t, 3);
	assert_int_equal(toy_counts(&t, "in")->quarantined, 4); /* b, c, the second c, the second a */
	assert_int_equal(toy_failures(&t, "in.txt:2: broken x"), 1);
	assert_int_equal(toy_failures(&t, "in.txt:3: broken y"), 1);
	assert_int_equal(toy_failures(&t, "in.txt:1, again at"), 1);
	assert_int_equal(toy_counts(&t, "out")->in, 1);
	toy_write(&t, "in.txt", "a=one\nb=two\nc!y\nc=three\na=other\n");
	toy_run_ok(&t, 3);
	assert_int_equal(toy_counts(&t, "in")->quarantined, 3);
	toy_computed(&t, "in", 1);
	toy_end(&t);
}

/* --- Lost objects --- */

#define SOUND \
	HEAD "  - {name: say, uses: toy-sound, needs: [in]}\n  - {name: hear, uses: toy-hear, needs: [say]}\n" \
		 "  - {name: out, uses: toy-list, needs: [hear]}\n"

static void object_deleted_between_runs(void **state)
{
	(void)state;
	struct toy t;
	char object[200];
	begin(&t, SOUND, "a=one\nb=two\nc=two\n");
	toy_run_ok(&t, 0);
	toy_computed(&t, "say", 2);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	toy_object(&t, "two", object, sizeof(object));
	toy_remove(&t, object);
	assert_int_equal(toy_plan(&t), 0);
	int64_t to_run = toy_counts(&t, "say")->to_run;
	assert_int_equal(to_run, 1);
	toy_run_ok(&t, 0);
	toy_computed(&t, "say", 1); /* b and c share it */
	toy_file_is(&t, object, "two");
	toy_file_is(&t, LIST, list);
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	toy_end(&t);
}

/* Truncated, or changed at the same length: noticed by who reads it, made again in the same run. */
static void object_damaged(void **state)
{
	(void)state;
	static const char *const damages[] = {"tw", "tWo", NULL};
	for (size_t i = 0; i < COUNT_OF(damages); i++) {
		struct toy t;
		char object[200];
		begin(&t, SOUND, "a=one\nb=two\nc=two\n");
		toy_run_ok(&t, 0);
		CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
		toy_object(&t, "two", object, sizeof(object));
		CLEANUP(buf_release) struct buf path = BUF_INIT;
		buf_printf(&path, "%s/%s", t.dir, object);
		FILE *f = fopen(path.data, "w");
		assert_non_null(f);
		fputs(damages[i] ? damages[i] : "", f);
		fclose(f);
		toy_remove(&t, LIST); /* the sink reads it */
		toy_run_ok(&t, 0);
		toy_file_is(&t, object, "two");
		toy_file_is(&t, LIST, list);
		/* And the worker. */
		f = fopen(path.data, "w");
		fputs(damages[i] ? damages[i] : "", f);
		fclose(f);
		toy_write(&t, "pipeline.yaml",
			HEAD
			"  - {name: say, uses: toy-sound, needs: [in]}\n"
			"  - {name: hear, uses: toy-hear, needs: [say], generation: 1}\n"
			"  - {name: both, uses: toy-judge, needs: [say]}\n  - {name: out, uses: toy-list, needs: [hear, both]}\n");
		toy_run_ok(&t, 0);
		toy_file_is(&t, object, "two");
		assert_int_equal(toy_counts(&t, "out")->in, 3);
		assert_int_equal(toy_counts(&t, "both")->in, 3);
		toy_run_ok(&t, 0);
		toy_nothing_computed(&t);
		toy_end(&t);
	}
}

static void object_lost_meanwhile(void **state)
{
	(void)state;
	struct toy t;
	char object[200];
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	for (int i = 0; i < 60; i++)
		buf_printf(&in, "c%02d=text %d\n", i, i);
	begin(&t, SOUND, in.data);
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	toy_remove(&t, LIST);
	toy_write(&t, "pipeline.yaml",
		HEAD "  - {name: say, uses: toy-sound, needs: [in]}\n  - {name: hear, uses: toy-hear, needs: [say]}\n"
			 "  - {name: wait, uses: toy-copy, needs: [in], with: {sleep_ms: 400}}\n"
			 "  - {name: other, uses: toy-judge, needs: [hear]}\n"
			 "  - {name: again, uses: toy-hear, needs: [wait, other], generation: 4}\n"
			 "  - {name: out, uses: toy-list, needs: [again, hear]}\n"
			 "  - {name: rank, uses: toy-rank, needs: [hear]}\n");
	t.args.jobs = 60;
	toy_start(&t);
	for (int i = 0; i < 60; i += 7) {
		char text[20];
		snprintf(text, sizeof(text), "text %d", i);
		toy_object(&t, text, object, sizeof(object));
		clock_sleep_ms(20);
		toy_remove(&t, object);
	}
	if (toy_join(&t) != 0)
		fail_msg("%d: %s", t.rc, t.err.text);
	assert_int_equal(toy_counts(&t, "out")->in, 60);
	assert_int_equal(toy_counts(&t, "rank")->in, 60);
	assert_int_equal(toy_counts(&t, "again")->out, 60);
	toy_object(&t, "text 7", object, sizeof(object));
	toy_file_is(&t, object, "text 7");
	toy_write(&t, "pipeline.yaml", SOUND);
	t.args.jobs = 2;
	toy_run_ok(&t, 0);
	toy_file_is(&t, LIST, list);
	toy_end(&t);
}

/* --- The store --- */

/* No room: the run stops cleanly with a reason, and the next one goes on. */
static void store_full(void **state)
{
	(void)state;
	struct toy t;
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	for (int i = 0; i < 3000; i++)
		buf_printf(&in, "call-number-%05d=some text that takes room %d\n", i, i);
	begin(&t, FAILS("toy-copy", ""), in.data);
	struct rlimit old, small;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 700 * 1000;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	int rc = toy_run(&t);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rc, 1);
	assert_true(t.err.text[0]);
	assert_null(toy_read(&t, LIST));
	toy_run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "out")->in, 3000);
	toy_end(&t);
}

static void readers_meanwhile(void **state)
{
	(void)state;
	struct toy t;
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	for (int i = 0; i < 60; i++)
		buf_printf(&in, "c%d=text %d\n", i, i);
	begin(&t, FAILS("toy-copy", "sleep_ms: 60"), in.data);
	toy_start(&t);
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	buf_printf(&work, "%s/work", t.dir);
	bool seen_running = false;
	for (int i = 0; i < 60 && !seen_running; i++) {
		clock_sleep_ms(30);
		struct store *store = NULL;
		struct err e = ERR_INIT;
		struct run_row row = {.stats = BUF_INIT};
		if (store_open(work.data, DB_READ, &store, &e) < 0) {
			assert_int_equal(e.code, ERR_NOTFOUND); /* not made yet */
			continue;
		}
		if (store_run(store, 0, &row, &e) > 0)
			seen_running |= strcmp(row.state, "running") == 0;
		assert_int_equal(e.code, 0);
		buf_release(&row.stats);
		store_close(store, true);
	}
	assert_int_equal(toy_join(&t), 0);
	assert_true(seen_running);
	toy_end(&t);
}

static void time_is_up(void **state)
{
	(void)state;
	struct toy t;
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	for (int i = 0; i < 40; i++)
		buf_printf(&in, "c%d=text %d\n", i, i);
	begin(&t, FAILS("toy-copy", "sleep_ms: 100"), in.data);
	t.args.max_time_s = 1;
	toy_run_ok(&t, 4);
	assert_null(toy_read(&t, LIST));
	int64_t done = toy_counts(&t, "copy")->computed;
	assert_in_range(done, 1, 39);
	t.args.max_time_s = 0;
	t.args.jobs = 20;
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 40 - done);
	toy_end(&t);
}

/* What lies behind an open stage is open too, also behind --until: else the call that passes at last is never taken on. */
static void until_leaves_the_rest_open(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, FAILS("toy-copy", "fail: bad, class: transient"), "a=one\nb=bad\n");
	toy_run_ok(&t, 3);
	assert_int_equal(toy_counts(&t, "out")->in, 1);
	toy_write(&t, "pipeline.yaml", FAILS("toy-copy", "fail: nothing"));
	t.args.until = "copy";
	toy_run_ok(&t, 0);
	t.args.until = NULL;
	toy_run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	toy_end(&t);
}

/* An id that another, closed source has already. */
static void id_of_a_closed_source(void **state)
{
	(void)state;
	struct toy t;
	static const char two[] = "version: 1\nname: toy\nseed: 7\nstages:\n"
							  "  - {name: b, uses: toy-lines, with: {files: [b.txt]}}\n"
							  "  - {name: a, uses: toy-lines, with: {files: [a.txt]}}\n"
							  "  - {name: copy, uses: toy-copy, needs: [a, b]}\n"
							  "  - {name: out, uses: toy-list, needs: [copy]}\n";
	begin(&t, two, "");
	toy_write(&t, "a.txt", "x=one\n");
	toy_write(&t, "b.txt", "y=two\n");
	toy_run_ok(&t, 0);
	toy_write(&t, "b.txt", "x=two\n");
	toy_run_ok(&t, 2);
	assert_non_null(strstr(t.err.text, "is listed by stage"));
	toy_end(&t);
}

int main(int argc, char **argv)
{
	int rc = toy_worker(argc, argv);
	if (rc >= 0)
		return rc;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(until_leaves_the_rest_open),
		cmocka_unit_test(id_of_a_closed_source),
		cmocka_unit_test(data),
		cmocka_unit_test(transient),
		cmocka_unit_test(account),
		cmocka_unit_test(machine),
		cmocka_unit_test(broken_items),
		cmocka_unit_test(object_deleted_between_runs),
		cmocka_unit_test(object_damaged),
		cmocka_unit_test(object_lost_meanwhile),
		cmocka_unit_test(store_full),
		cmocka_unit_test(readers_meanwhile),
		cmocka_unit_test(time_is_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
