/* How calls go through: joins, tombstones and return, renamed and removed stages, expand, reduce, sink, narrowed runs, interruptions. */
#include "tests/core/toy.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/stop.h"
#include "core/store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "version: 1\nname: toy\nseed: 7\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
#define CHAIN(bad, add) \
	HEAD "  - {name: judge, uses: toy-judge, needs: [in], with: {bad: " bad "}}\n" \
		 "  - {name: copy, uses: toy-copy, needs: [judge], with: {add: '" add "'}}\n" \
		 "  - {name: out, uses: toy-list, needs: [copy]}\n"
#define LIST "work/toy-list/list.txt"

static void begin(struct toy *t, const char *yaml, const char *in)
{
	toy_begin(t);
	toy_write(t, "pipeline.yaml", yaml);
	toy_write(t, "in.txt", in);
}

static void again(struct toy *t, const char *yaml, const char *in, int want)
{
	if (yaml)
		toy_write(t, "pipeline.yaml", yaml);
	if (in)
		toy_write(t, "in.txt", in);
	toy_run_ok(t, want);
}

static const char diamond[] = HEAD "  - {name: left, uses: toy-copy, needs: [in], with: {sleep_ms: 5}}\n"
								   "  - {name: right, uses: toy-judge, needs: [in], with: {bad: no}}\n"
								   "  - {name: join, uses: toy-sound, needs: [left, right]}\n"
								   "  - {name: out, uses: toy-list, needs: [join]}\n";

static void joins(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, diamond, "a=yes\nb=no\nc=well\n");
	toy_run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "join")->in, 2); /* a call by two paths is one; rejected by one is rejected */
	toy_computed(&t, "join", 2);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	assert_non_null(strstr(list, "a\t{\"blob\""));
	assert_non_null(strstr(list, "\"note\":\"yes\",\"qa\":{\"right\":")); /* fields of both paths */
	again(&t,
		HEAD
		"  - {name: left, uses: toy-copy, needs: [in], with: {fail: well}}\n"
		"  - {name: right, uses: toy-judge, needs: [in], with: {bad: no}}\n"
		"  - {name: join, uses: toy-copy2, needs: [left, right]}\n  - {name: out, uses: toy-rank, needs: [join]}\n",
		"a=yes\nb=no\nc=well\nd=well no\n", 3);
	assert_int_equal(
		toy_counts(&t, "left")->quarantined, 1); /* d; c was done before: what failing means is no part of its key */
	assert_int_equal(toy_counts(&t, "join")->in, 2);
	toy_end(&t);
}

static void quarantined_on_one_path(void **state)
{
	(void)state;
	struct toy t;
	begin(&t,
		HEAD "  - {name: left, uses: toy-copy, needs: [in], with: {fail: well}}\n"
			 "  - {name: right, uses: toy-judge, needs: [in]}\n"
			 "  - {name: out, uses: toy-list, needs: [left, right, in]}\n",
		"a=yes\nc=well\n");
	toy_run_ok(&t, 3);
	assert_int_equal(toy_counts(&t, "out")->in, 1);
	toy_end(&t);
}

static void tombstone_and_return(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, CHAIN("bad", "x"), "a=one\nb=two\nc=three\n");
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *all = toy_read(&t, LIST);
	again(&t, NULL, "a=one\nc=three\n", 0);
	toy_computed(&t, "copy", 0);
	assert_int_equal(toy_counts(&t, "copy")->in, 2);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	CLEANUP(free_ptr) char *two = toy_read(&t, LIST);
	assert_null(strstr(two, "b\t"));
	again(&t, NULL, "a=one\nb=two\nc=three\n", 0);
	toy_computed(&t, "in", 0);
	toy_computed(&t, "judge", 0);
	toy_computed(&t, "copy", 0);
	toy_file_is(&t, LIST, all);
	again(&t, CHAIN("w", "x"), NULL, 0); /* now `two` is rejected, and back */
	assert_int_equal(toy_counts(&t, "judge")->rejected, 1);
	assert_int_equal(toy_counts(&t, "copy")->in, 2);
	toy_computed(&t, "copy", 0);
	again(&t, CHAIN("bad", "x"), NULL, 0);
	toy_computed(&t, "judge", 0);
	toy_computed(&t, "copy", 0);
	toy_file_is(&t, LIST, all);
	again(&t, NULL, "b=two\nc=three\na=one\nd=four\n", 0); /* one more, in another order */
	toy_computed(&t, "in", 1);
	toy_computed(&t, "copy", 1);
	toy_end(&t);
}

/* A call whose result was replaced by a failure, which then ended upstream and comes back, is quarantined again, not what it was at first. */
static void no_wrong_return(void **state)
{
	(void)state;
	struct toy t;
#define FAILS(bad) \
	HEAD "  - {name: judge, uses: toy-judge, needs: [in], with: {bad: " bad "}}\n" \
		 "  - {name: copy, uses: toy-copy, needs: [judge], with: {fail: worse}}\n  - {name: out, uses: toy-list, " \
		 "needs: [copy]}\n"
	begin(&t, FAILS("zz"), "a=one\nb=two\n");
	toy_run_ok(&t, 0);
	again(&t, NULL, "a=one\nb=two worse\n", 3);
	again(&t, FAILS("two"), NULL, 0);
	again(&t, FAILS("zz"), NULL, 3);
	toy_computed(&t, "copy", 0);
	assert_int_equal(toy_counts(&t, "copy")->quarantined, 1);
	assert_int_equal(toy_counts(&t, "out")->in, 1);
	toy_end(&t);
}

static void renamed_removed_rewired(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, CHAIN("bad", "x"), "a=one\nb=two\nc=bad\n");
	toy_run_ok(&t, 0);
	again(&t,
		HEAD "  - {name: assess, uses: toy-judge, needs: [in]}\n  - {name: copy, uses: toy-copy, needs: [assess], "
			 "with: {add: 'x'}}\n"
			 "  - {name: out, uses: toy-list, needs: [copy]}\n",
		NULL, 0);
	toy_computed(&t, "assess", 0);
	toy_computed(&t, "copy", 0);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	assert_non_null(strstr(list, "\"qa\":{\"assess\":{"));
	assert_null(strstr(list, "\"judge\""));
	again(&t, HEAD "  - {name: copy, uses: toy-copy, needs: [in], with: {add: 'x'}}\n  - {name: out, uses: toy-list, needs: [copy]}\n",
		NULL, 0);
	toy_computed(&t, "copy", 1); /* c was never copied */
	assert_int_equal(toy_counts(&t, "out")->in, 3);
	again(&t, CHAIN("bad", "x"), NULL, 0);
	toy_computed(&t, "judge", 0);
	toy_computed(&t, "copy", 0);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	/* Another type under the name of a stage that others read from: what it no longer writes is gone. */
	again(&t,
		HEAD "  - {name: judge, uses: toy-judge, needs: [in]}\n  - {name: copy, uses: toy-judge, needs: [judge]}\n"
			 "  - {name: out, uses: toy-list, needs: [copy]}\n",
		NULL, 0);
	CLEANUP(free_ptr) char *other = toy_read(&t, LIST);
	assert_null(strstr(other, "note"));
	toy_end(&t);
}

/* Interrupted under B with stages in other places, then A: what B left in the memos does not count. */
static void interrupted_under_another_config(void **state)
{
	(void)state;
	struct toy t;
#define A \
	HEAD "  - {name: one, uses: toy-more, needs: [in]}\n  - {name: two, uses: toy-copy, needs: [in, one]}\n" \
		 "  - {name: slow, uses: toy-copy2, needs: [two], with: {sleep_ms: 0}}\n  - {name: out, uses: toy-list, " \
		 "needs: [slow]}\n"
#define B \
	HEAD "  - {name: one, uses: toy-more, needs: [in], with: {slots: 1}}\n  - {name: two, uses: toy-copy, needs: " \
		 "[one], with: {add: q}}\n" \
		 "  - {name: slow, uses: toy-copy2, needs: [two], with: {sleep_ms: 150, add: r}}\n  - {name: out, uses: " \
		 "toy-list, needs: [slow]}\n"
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	for (int i = 0; i < 30; i++)
		buf_printf(&in, "c%02d=text %d\n", i, i);
	begin(&t, A, in.data);
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	toy_write(&t, "pipeline.yaml", B);
	toy_write(&t, "in.txt", "c00=changed\nc01=text 1\nnew=x\nnew2=y\nnew3=z\nnew4=z4\nnew5=z5\nnew6=z6\n");
	toy_start(&t);
	clock_sleep_ms(400);
	stop_request(STOP_FINISH);
	int rc = toy_join(&t);
	stop_request(STOP_NONE);
	assert_int_equal(rc, 130);
	again(&t, A, in.data, 0);
	toy_nothing_computed(&t);
	toy_file_is(&t, LIST, list);
	/* The same with a kill -9. */
	static const char *const points[] = {"after-commit:1", "after-commit:2", "after-commit:3", "before-commit:5"};
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		toy_write(&t, "pipeline.yaml", B);
		toy_write(&t, "in.txt", "c00=changed\nc02=other\nmore=x\n");
		toy_run_killed(&t, points[i], 0);
		toy_remove(&t, LIST); /* so that it is not closed as a whole */
		again(&t, A, in.data, 0);
		toy_computed(&t, "one", 0);
		toy_computed(&t, "slow", 0);
		toy_file_is(&t, LIST, list);
	}
	toy_end(&t);
#undef A
#undef B
}

static void killed_anywhere(void **state)
{
	(void)state;
	static const char *const points[] = {"before-commit:1", "after-commit:2", "object-renamed:2", "before-commit:4",
		"release-written", "release-moved", "release-exchanged", "after-commit:6"};
	struct toy t;
	const char *yaml =
		HEAD "  - {name: judge, uses: toy-judge, needs: [in]}\n  - {name: say, uses: toy-sound, needs: [judge]}\n"
			 "  - {name: hear, uses: toy-hear, needs: [say]}\n  - {name: out, uses: toy-list, needs: [hear]}\n";
	const char *in = "a=one\nb=two\nc=bad\nd=four\ne=five\n";
	begin(&t, yaml, in);
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	toy_remove(&t, "work");
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		toy_run_killed(&t, points[i], 0);
		if (i % 3 == 2) { /* from the beginning, and from a finished state */
			again(&t, NULL, NULL, 0);
			toy_file_is(&t, LIST, list);
			toy_remove(&t, i % 2 ? "work" : LIST);
		}
	}
	again(&t, NULL, NULL, 0);
	toy_file_is(&t, LIST, list);
	CLEANUP(free_ptr) char *path = toy_read(&t, "work/toy-list.new/list.txt");
	assert_null(path);
	toy_end(&t);
}

static void narrowed(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, CHAIN("bad", "x"), "s/1=one\ns/2=two\nt/1=three\nt/2=four\n");
	t.args.limit = 2;
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 2);
	assert_null(toy_read(&t, LIST));
	CLEANUP(free_ptr) char *pilot = toy_read(&t, "work/pilot/toy-list/list.txt");
	assert_non_null(pilot);
	t.args.limit = 0;
	toy_run_ok(&t, 0); /* the rest, same keys */
	toy_computed(&t, "copy", 2);
	assert_int_equal(toy_counts(&t, "out")->in, 4);
	toy_write(&t, "in.txt", "s/1=one\ns/2=two!\nt/1=three\nt/2=four!\n");
	t.args.only = "s";
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 1);
	assert_int_equal(toy_counts(&t, "copy")->in, 2);
	t.args.only = NULL;
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 1);
	toy_write(&t, "in.txt", "s/1=one\ns/2=two\nt/1=three\nt/2=four\n");
	t.args.only = "t/2"; /* under other input, then back: the pilot's memos do not stand for the rest */
	toy_run_ok(&t, 0);
	t.args.only = NULL;
	toy_write(&t, "in.txt", "s/1=one\ns/2=two!\nt/1=three\nt/2=four!\n");
	toy_remove(&t, LIST);
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	assert_non_null(strstr(list, "four!"));
	toy_end(&t);
}

static void until(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, CHAIN("bad", "x"), "a=one\nb=two\n");
	t.args.until = "judge";
	toy_run_ok(&t, 0);
	assert_int_equal(t.status.nstages, 2);
	assert_int_equal(toy_worked("toy-copy"), 0);
	t.args.until = NULL;
	toy_run_ok(&t, 0);
	toy_computed(&t, "judge", 0);
	toy_computed(&t, "copy", 2);
	toy_end(&t);
}

/* A sink replaces its folder; where the user put a link instead, nothing is lost and the words say what to do. */
static void linked_folder(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, CHAIN("no", "x"), "a=one\n");
	char target[300], link[300];
	snprintf(target, sizeof(target), "%s/elsewhere", t.dir);
	snprintf(link, sizeof(link), "%s/work", t.dir);
	assert_int_equal(fs_mkdirs(target, NULL), 0);
	assert_int_equal(fs_mkdirs(link, NULL), 0);
	snprintf(link, sizeof(link), "%s/work/toy-list", t.dir);
	assert_int_equal(symlink(target, link), 0);
	toy_write(&t, "elsewhere/mine.txt", "mine");
	toy_run_ok(&t, 1);
	assert_non_null(strstr(t.err.text, "is a link"));
	toy_file_is(&t, "elsewhere/mine.txt", "mine");
	assert_int_equal(unlink(link), 0);
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 0);
	toy_end(&t);
}

/* A member written whole takes the place of what was there; a path is laid over it. Equal calls differ to a stage that reads the id. */
static void whole_members_replace(void **state)
{
	(void)state;
	struct toy t;
	begin(&t,
		HEAD "  - {name: one, uses: toy-mark, needs: [in], with: {whole: a}}\n"
			 "  - {name: two, uses: toy-mark, needs: [one], with: {second: a}}\n"
			 "  - {name: three, uses: toy-mark, needs: [two], with: {whole: b, word: three}}\n  - {name: out, uses: "
			 "toy-list, "
			 "needs: [three]}\n",
		"a=same\nb=same\n");
	toy_run_ok(&t, 0);
	toy_file_is(&t, LIST,
		"a\t{\"mark\":{\"first\":\"one\",\"second\":\"a\"},\"turns\":[{\"text\":\"same\"}]}\n"
		"b\t{\"mark\":{\"first\":\"three\"},\"turns\":[{\"text\":\"same\"}]}\n");
	again(&t,
		HEAD "  - {name: one, uses: toy-mark, needs: [in], with: {whole: a}}\n"
			 "  - {name: two, uses: toy-mark, needs: [one], with: {second: a}}\n"
			 "  - {name: three, uses: toy-mark, needs: [two], with: {whole: a, word: three}}\n  - {name: out, uses: "
			 "toy-list, "
			 "needs: [three]}\n",
		NULL, 0);
	toy_file_is(&t, LIST,
		"a\t{\"mark\":{\"first\":\"three\"},\"turns\":[{\"text\":\"same\"}]}\n"
		"b\t{\"turns\":[{\"text\":\"same\"}]}\n");
	toy_end(&t);
}

#define MORE(slots, bad) \
	HEAD "  - {name: judge, uses: toy-judge, needs: [in], with: {bad: " bad "}}\n" \
		 "  - {name: more, uses: toy-more, needs: [judge], with: {slots: " slots "}}\n" \
		 "  - {name: copy, uses: toy-copy, needs: [judge, more]}\n  - {name: out, uses: toy-list, needs: [copy]}\n"
#define ONLY_MORE \
	HEAD "  - {name: more, uses: toy-more, needs: [in]}\n  - {name: copy, uses: toy-copy, needs: [more]}\n" \
		 "  - {name: out, uses: toy-list, needs: [copy]}\n"

static void expands(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, ONLY_MORE, "a=one\nb=two\n");
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *children = toy_read(&t, LIST);
	assert_int_equal(strncmp(children, "a+more.1\t{\"note\":\"one/1\"", 24), 0);
	assert_int_equal(toy_counts(&t, "out")->in, 4); /* parents do not pass */
	again(&t, MORE("2", "bad"), NULL, 0);
	toy_computed(&t, "more", 0);
	toy_computed(&t, "copy", 2); /* the parents, by the other path */
	assert_int_equal(toy_counts(&t, "out")->in, 6);
	again(&t, MORE("3", "bad"), NULL, 0); /* a higher count leaves the others alone */
	toy_computed(&t, "more", 2);
	toy_computed(&t, "copy", 2);
	again(&t, MORE("3", "two"), NULL, 0); /* a parent that is rejected ends its children */
	toy_computed(&t, "copy", 0);
	assert_int_equal(toy_counts(&t, "out")->in, 4);
	again(&t, MORE("3", "bad"), NULL, 0);
	toy_computed(&t, "more", 0);
	toy_computed(&t, "copy", 0);
	assert_int_equal(toy_counts(&t, "out")->in, 8);
	again(&t, NULL, "a=one\n", 0); /* one that left too */
	assert_int_equal(toy_counts(&t, "out")->in, 4);
	t.args.only = "a+more.2";
	toy_run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "more")->in, 1);
	t.args.only = NULL;
	again(&t, NULL, "a=one\na+more.2=theirs\n", 2); /* the id of a child, listed */
	assert_non_null(strstr(t.err.text, "a+more.2"));
	assert_non_null(strstr(t.err.text, "stage more"));
	assert_non_null(strstr(t.err.text, "stage in"));
	toy_end(&t);
}

static void parents_are_set(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, ONLY_MORE, "a=one\n");
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *work = xstrdup(t.dir);
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/work", work);
	CLEANUP(store_cleanup) struct store *store = NULL;
	assert_int_equal(store_open(path.data, DB_READ, &store, NULL), 0);
	int64_t n = 0;
	assert_int_equal(db_query_int(store_db(store),
						 "SELECT count(*) FROM result WHERE fields LIKE '%\"parents\":[\"a\"]%'", 0, &n, NULL),
		0);
	assert_int_equal(n, 2);
	toy_end(&t);
}

#define RANK \
	HEAD "  - {name: rank, uses: toy-rank, needs: [in]}\n  - {name: copy, uses: toy-copy, needs: [rank]}\n" \
		 "  - {name: out, uses: toy-list, needs: [copy]}\n"

static void reduces(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, RANK, "b=two\na=one\nd=one\nc=three\n");
	t.args.jobs = 4;
	toy_run_ok(&t, 0);
	toy_file_is(&t, LIST,
		"a\t{\"note\":\"one\",\"rank\":0,\"turns\":[{\"text\":\"one\"}]}\nb\t{\"note\":\"two\",\"rank\":1,\"turns\":[{"
		"\"text\":\"two\"}]}\n"
		"c\t{\"note\":\"three\",\"rank\":2,\"turns\":[{\"text\":\"three\"}]}\n");
	assert_int_equal(toy_counts(&t, "rank")->rejected, 1);
	toy_run_ok(&t, 0);
	assert_int_equal(toy_worked("toy-rank"), 0);
	again(&t, NULL, "b=two\na=one\nd=one\nc=three\nz=last\n", 0); /* new member: ranked anew, the others as they were */
	assert_int_equal(toy_worked("toy-rank"), 1);
	toy_computed(&t, "copy", 1);
	again(&t, NULL, "b=two\na=one\nd=one\nc=three\n", 0);
	assert_int_equal(toy_worked("toy-rank"), 0); /* in the store */
	toy_computed(&t, "copy", 0);
	assert_int_equal(toy_counts(&t, "out")->in, 3);
	again(&t, NULL, "b=two\na=one\nd=other\nc=three\n", 0); /* no longer doubled */
	assert_int_equal(toy_counts(&t, "rank")->rejected, 0);
	assert_int_equal(toy_counts(&t, "out")->in, 4);
	toy_end(&t);
}

static void same_size_same_mtime(struct toy *t, const char *name, const char *text)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%s", t->dir, name);
	struct stat st;
	assert_int_equal(stat(path.data, &st), 0);
	FILE *f = fopen(path.data, "r+");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	assert_int_equal(utimensat(AT_FDCWD, path.data, times, 0), 0);
}

static void sinks_and_nothing_to_do(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, CHAIN("bad", "x"), "a=one\nb=two\n");
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	assert_int_equal(t.status.noutputs, 1);
	toy_run_ok(&t, 0);
	assert_int_equal(toy_worked("toy-list") + toy_worked("toy-lines") + toy_worked("toy-copy"), 0);
	assert_int_equal(t.status.noutputs, 1);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	toy_remove(&t, LIST);
	toy_run_ok(&t, 0);
	toy_file_is(&t, LIST, list);
	assert_int_equal(toy_worked("toy-list"), 1);
	toy_nothing_computed(&t);            /* packed again from what is stored */
	same_size_same_mtime(&t, LIST, "x"); /* somebody wrote into it */
	toy_run_ok(&t, 0);
	toy_file_is(&t, LIST, list);
	clock_sleep_ms(2100); /* old enough that stat is trusted */
	toy_run_ok(&t, 0);
	toy_run_ok(&t, 0);
	same_size_same_mtime(&t, "in.txt", "a=ONE\n");
	toy_run_ok(&t, 0);
	toy_computed(&t, "copy", 1);
	toy_end(&t);
}

static void order_shows_nowhere(void **state)
{
	(void)state;
	struct toy t;
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	for (int i = 0; i < 300; i++)
		buf_printf(&in, "c%d=text %d\n", (i * 7919) % 1000, i % 50);
	begin(&t,
		HEAD "  - {name: judge, uses: toy-judge, needs: [in], with: {bad: '7'}}\n  - {name: more, uses: toy-more, "
			 "needs: [judge]}\n"
			 "  - {name: net, uses: toy-net, needs: [judge, more], with: {sleep_ms: 1}}\n  - {name: rank, uses: "
			 "toy-rank, needs: [net]}\n"
			 "  - {name: out, uses: toy-list, needs: [rank]}\n",
		in.data);
	t.args.jobs = 1;
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	toy_remove(&t, "work");
	t.args.jobs = 8;
	toy_start(&t);
	clock_sleep_ms(250);
	stop_request(STOP_FINISH);
	toy_join(&t);
	stop_request(STOP_NONE);
	toy_run_ok(&t, 0);
	toy_file_is(&t, LIST, list);
	toy_end(&t);
}

static void network_in_flight(void **state)
{
	(void)state;
	struct toy t;
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	for (int i = 0; i < 200; i++)
		buf_printf(&in, "c%d=text %d\n", i, i);
	begin(&t, HEAD "  - {name: net, uses: toy-net, needs: [in], with: {sleep_ms: 200}}\n  - {name: out, uses: toy-list, needs: [net]}\n",
		in.data);
	t.args.network = 100;
	toy_run_ok(&t, 0);
	toy_computed(&t, "net", 200);
	assert_in_range(toy_most_at_once(), 40, 100);
	toy_end(&t);
}

static void two_sources(void **state)
{
	(void)state;
	struct toy t;
	begin(&t,
		HEAD "  - {name: also, uses: toy-lines, with: {files: [also.txt]}}\n  - {name: copy, uses: toy-copy, needs: "
			 "[in, also]}\n"
			 "  - {name: out, uses: toy-list, needs: [copy]}\n",
		"a=one\n");
	toy_write(&t, "also.txt", "b=two\n");
	toy_run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "out")->in, 2);
	toy_write(&t, "also.txt", "b=two\na=three\n");
	toy_run_ok(&t, 2);
	assert_non_null(strstr(t.err.text, "'a'"));
	assert_non_null(strstr(t.err.text, "stage in"));
	assert_non_null(strstr(t.err.text, "stage also"));
	toy_end(&t);
}

/* Parents of one text: each new call names its own, although the rest of it is the same. */
struct parents_of {
	struct store *store;
	struct buf text;
};

static int take_parents(void *arg, const struct memo *m)
{
	struct parents_of *p = arg;
	struct result row = {.fields = BUF_INIT};
	assert_int_equal(store_result(p->store, m->result, &row, NULL), 0);
	buf_str(&p->text, buf_view(&row.fields));
	buf_release(&row.fields);
	return 0;
}

static void twins_name_their_own_parent(void **state)
{
	(void)state;
	struct toy t;
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	struct parents_of p = {.text = BUF_INIT};
	struct err e = ERR_INIT;
	toy_begin(&t);
	toy_write(&t, "pipeline.yaml", HEAD "  - {name: more, uses: toy-more, needs: [in], with: {slots: 1}}\n");
	toy_write(&t, "in.txt", "a=same\nb=same\n");
	toy_run_ok(&t, 0);
	buf_printf(&work, "%s/work", t.dir);
	assert_int_equal(store_open(work.data, DB_READ, &p.store, &e), 0);
	assert_int_equal(store_memos(p.store, store_find_stage(p.store, "more"), take_parents, &p, &e), 0);
	assert_non_null(strstr(p.text.data, "[\"a\"]"));
	assert_non_null(strstr(p.text.data, "[\"b\"]"));
	store_close(p.store, true);
	buf_release(&p.text);
	toy_end(&t);
}

int main(int argc, char **argv)
{
	int rc = toy_worker(argc, argv);
	if (rc >= 0)
		return rc;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twins_name_their_own_parent),
		cmocka_unit_test(joins),
		cmocka_unit_test(quarantined_on_one_path),
		cmocka_unit_test(tombstone_and_return),
		cmocka_unit_test(no_wrong_return),
		cmocka_unit_test(renamed_removed_rewired),
		cmocka_unit_test(interrupted_under_another_config),
		cmocka_unit_test(killed_anywhere),
		cmocka_unit_test(narrowed),
		cmocka_unit_test(until),
		cmocka_unit_test(linked_folder),
		cmocka_unit_test(whole_members_replace),
		cmocka_unit_test(expands),
		cmocka_unit_test(parents_are_set),
		cmocka_unit_test(reduces),
		cmocka_unit_test(sinks_and_nothing_to_do),
		cmocka_unit_test(order_shows_nowhere),
		cmocka_unit_test(network_in_flight),
		cmocka_unit_test(two_sources),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
