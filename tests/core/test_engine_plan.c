/* The plan: it changes nothing, and a run after it stays within what it said. */
#include "tests/core/toy.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIPE(seed, judge, slots, copy, say) \
	"version: 1\nname: toy\nseed: " seed "\nproviders: {v: {kind: espeak" say "}}\nstages:\n" \
	"  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n" \
	"  - {name: judge, uses: toy-judge, needs: [in], with: {bad: " judge "}}\n" \
	"  - {name: more, uses: toy-more, needs: [judge], with: {slots: " slots "}}\n" \
	"  - {name: copy, uses: " copy "}\n" \
	"  - {name: rank, uses: toy-rank, needs: [copy]}\n" \
	"  - {name: tell, uses: toy-tell, needs: [rank], with: {provider: v}}\n" \
	"  - {name: say, uses: toy-sound, needs: [judge]}\n" \
	"  - {name: out, uses: toy-list, needs: [tell, say]}\n"
#define COPY "toy-copy, needs: [judge, more], with: {file: rules.yaml}"
#define BASE PIPE("7", "bad", "2", COPY, "")
#define IN "a=one\nb=two\nc=three bad\nd=one\n"

/* Names, sizes and times of all files under a folder, appended. */
static void picture(struct buf *b, const char *folder)
{
	struct fs_names names = {NULL, 0};
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	if (fs_list(folder, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		struct fs_stat st;
		fs_join(&path, folder, names.v[i]);
		assert_int_equal(fs_stat(path.data, &st, NULL), 0);
		buf_printf(b, "%s %lld %lld\n", path.data, (long long)st.size, (long long)(st.is_dir ? 0 : st.mtime_ns));
		if (st.is_dir)
			picture(b, path.data);
	}
	fs_names_free(&names);
}

struct foreseen {
	char name[32];
	int64_t to_run, unknown, cached;
};

static size_t plan(struct toy *t, struct foreseen *ret)
{
	CLEANUP(buf_release) struct buf before = BUF_INIT;
	CLEANUP(buf_release) struct buf after = BUF_INIT;
	picture(&before, t->dir);
	if (toy_plan(t) != 0)
		fail_msg("%s", t->err.text);
	picture(&after, t->dir);
	assert_string_equal(before.data, after.data);
	for (size_t i = 0; i < t->status.nstages; i++) {
		snprintf(ret[i].name, sizeof(ret[i].name), "%s", t->status.stages[i].name);
		ret[i].to_run = t->status.stages[i].c.to_run;
		ret[i].unknown = t->status.stages[i].c.unknown;
		ret[i].cached = t->status.stages[i].c.cached;
	}
	return t->status.nstages;
}

static void plan_then_run(struct toy *t, const char *what)
{
	struct foreseen f[16];
	size_t n = plan(t, f);
	int rc = toy_run(t);
	if (rc != 0 && rc != 3)
		fail_msg("%s: %d: %s", what, rc, t->err.text);
	for (size_t i = 0; i < n; i++) {
		int64_t computed = toy_counts(t, f[i].name)->computed;
		if (f[i].to_run > computed || computed > f[i].to_run + f[i].unknown)
			fail_msg("%s: stage %s: to_run %lld, unknown %lld, computed %lld", what, f[i].name, (long long)f[i].to_run,
				(long long)f[i].unknown, (long long)computed);
		if (f[i].unknown == 0)
			assert_int_equal(f[i].cached, toy_counts(t, f[i].name)->cached);
	}
	n = plan(t, f);
	for (size_t i = 0; i < n; i++)
		if (f[i].to_run + f[i].unknown != 0)
			fail_msg("%s: after the run, stage %s would run %lld", what, f[i].name, (long long)f[i].to_run);
}

static void bounds(void **state)
{
	(void)state;
	static const struct {
		const char *what, *yaml, *in, *rules, *removed;
	} edits[] = {
		{"cold", BASE, IN, "a: 1\n", NULL},
		{"nothing", BASE, IN, "a: 1\n", NULL},
		{"a line more", BASE, IN "e=five\n", "a: 1\n", NULL},
		{"a line changed", BASE, "a=one\nb=zwei\nc=three bad\nd=one\n", "a: 1\n", NULL},
		{"back", BASE, IN, "a: 1\n", NULL},
		{"threshold", PIPE("7", "two", "2", COPY, ""), IN, "a: 1\n", NULL},
		{"slots", PIPE("7", "bad", "4", COPY, ""), IN, "a: 1\n", NULL},
		{"file", BASE, IN, "a: 2\n", NULL},
		{"comment", BASE "# x\n", "# y\n" IN, "a: 2 # z\n", NULL},
		{"version", PIPE("7", "bad", "2", "toy-copy2, needs: [judge, more]", ""), IN, "a: 2\n", NULL},
		{"needs", PIPE("7", "bad", "2", "toy-copy2, needs: [more]", ""), IN, "a: 2\n", NULL},
		{"draws", PIPE("9", "bad", "2", "toy-draw, needs: [judge, more]", ""), IN, "a: 2\n", NULL},
		{"provider", PIPE("9", "bad", "2", "toy-draw, needs: [judge, more]", ", rate: 1.3"), IN, "a: 2\n", NULL},
		{"fails", PIPE("7", "bad", "2", "toy-copy, needs: [judge, more], with: {fail: two, add: u}", ""), IN, "a: 1\n",
			NULL},
		{"fails again", PIPE("7", "bad", "2", "toy-copy, needs: [judge, more], with: {fail: two, add: u}", ""),
			IN "k=l\n", "a: 1\n", NULL},
		{"release gone", BASE, IN, "a: 1\n", "work/toy-list/list.txt"},
		{"release gone again", BASE, IN, "a: 1\n", "work/toy-list"},
		{"all gone", BASE, IN, "a: 1\n", "work"},
	};
	struct toy t;
	toy_begin(&t);
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		toy_write(&t, "pipeline.yaml", edits[i].yaml);
		toy_write(&t, "in.txt", edits[i].in);
		toy_write(&t, "rules.yaml", edits[i].rules);
		if (edits[i].removed)
			toy_remove(&t, edits[i].removed);
		plan_then_run(&t, edits[i].what);
	}
	char object[200];
	toy_object(&t, "two", object, sizeof(object));
	toy_remove(&t, object);
	plan_then_run(&t, "object gone");
	toy_end(&t);
}

static void reason_is(struct toy *t, const char *stage, enum reason why, int64_t n)
{
	if (toy_plan(t) != 0)
		fail_msg("%s", t->err.text);
	int64_t got = toy_counts(t, stage)->reasons[why];
	if (got != n || toy_counts(t, stage)->to_run != n)
		fail_msg("stage %s: %lld of %lld are %s, not %lld", stage, (long long)got,
			(long long)toy_counts(t, stage)->to_run, reason_name(why), (long long)n);
	int rc = toy_run(t);
	assert_true(rc == 0 || rc == 3);
}

static void reasons(void **state)
{
	(void)state;
#define SMALL(seed, copy, voice) \
	"version: 1\nname: toy\nseed: " seed "\nproviders: {v: {kind: espeak" voice \
	"}}\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n" \
	"  - {name: copy, uses: " copy "}\n  - {name: tell, uses: toy-tell, needs: [in], with: {provider: v}}\n"
#define PLAIN "toy-copy, needs: [in], with: {file: rules.yaml}"
	struct toy t;
	toy_begin(&t);
	toy_write(&t, "rules.yaml", "a: 1\n");
	toy_write(&t, "in.txt", "a=one\nb=two\n");
	toy_write(&t, "pipeline.yaml", SMALL("7", PLAIN, ""));
	reason_is(&t, "in", REASON_NEW, 2);
	toy_write(&t, "in.txt", "a=one\nb=two\nc=three\n");
	reason_is(&t, "in", REASON_NEW, 1);
	toy_write(&t, "rules.yaml", "a: 2\n");
	reason_is(&t, "copy", REASON_FILE, 3);
	toy_write(&t, "pipeline.yaml", SMALL("7", "toy-copy, needs: [in], with: {file: rules.yaml, add: x}", ""));
	reason_is(&t, "copy", REASON_PARAMETER, 3);
	toy_write(&t, "pipeline.yaml", SMALL("7", "toy-copy2, needs: [in], with: {file: rules.yaml, add: x}", ""));
	reason_is(&t, "copy", REASON_VERSION, 3);
	toy_write(&t, "pipeline.yaml", SMALL("7", "toy-copy2, needs: [in], with: {file: rules.yaml, add: x}", ", rate: 1.4"));
	reason_is(&t, "tell", REASON_PROVIDER, 3);
	toy_write(&t, "pipeline.yaml",
		SMALL("7", "toy-copy2, needs: [in], with: {fail: two, add: w, class: transient}", ", rate: 1.4"));
	reason_is(&t, "copy", REASON_PARAMETER, 3);
	reason_is(&t, "copy", REASON_FAILED, 1);
	toy_write(&t, "in.txt", "a=one\nb=two!\nc=three\n");
	reason_is(&t, "in", REASON_FILE, 1);
	/* An input that changed by a stage which is known already. */
	toy_write(&t, "pipeline.yaml",
		"version: 1\nname: toy\nseed: 7\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
		"  - {name: more, uses: toy-more, needs: [in]}\n  - {name: copy, uses: toy-copy, needs: [more], with: {add: "
		"n}}\n"
		"  - {name: late, uses: toy-rank, needs: [copy]}\n");
	t.args.until = "more";
	toy_run_ok(&t, 0);
	t.args.until = NULL;
	reason_is(&t, "copy", REASON_NEW, 6);
	toy_write(&t, "in.txt", "a=uno\nb=two!\nc=three\n");
	t.args.until = "more";
	toy_run_ok(&t, 0);
	t.args.until = NULL;
	reason_is(&t, "copy", REASON_INPUT, 2);
	toy_end(&t);
}

int main(int argc, char **argv)
{
	int rc = toy_worker(argc, argv);
	if (rc >= 0)
		return rc;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(reasons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
