/* One stage on one call: what is tried is what a run then does, for every kind and executor; nothing is stored. */
#include "core/try.h"

#include "tests/core/toy.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIPE(add, slots) \
	"version: 1\nname: toy\nseed: 7\nproviders: {v: {kind: espeak}}\nstages:\n" \
	"  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n" \
	"  - {name: judge, uses: toy-judge, needs: [in], with: {bad: bad}}\n" \
	"  - {name: more, uses: toy-more, needs: [judge], with: {slots: " slots "}}\n" \
	"  - {name: kin, uses: toy-kin, needs: [judge], with: {slots: 2, peers: 2}}\n" \
	"  - {name: copy, uses: toy-copy, needs: [judge, more, kin], with: {add: " add "}}\n" \
	"  - {name: tell, uses: toy-tell, needs: [copy], with: {provider: v}}\n" \
	"  - {name: net, uses: toy-net, needs: [judge]}\n" \
	"  - {name: say, uses: toy-sound, needs: [judge]}\n" \
	"  - {name: hear, uses: toy-hear, needs: [say]}\n" \
	"  - {name: rank, uses: toy-rank, needs: [tell]}\n"
#define IN "a=one\nb=two\nc=three\nd=four bad\n"

struct bench {
	struct toy t;
	struct try_result r;
	struct err e;
};

static int go(struct bench *b, const char *stage, const char *id)
{
	static const char *const worker[] = {"/proc/self/exe", "--worker", NULL};
	char file[300], work[300], objects[300];
	snprintf(file, sizeof(file), "%s/pipeline.yaml", b->t.dir);
	snprintf(work, sizeof(work), "%s/work", b->t.dir);
	snprintf(objects, sizeof(objects), "%s/made", b->t.dir);
	struct problems problems = PROBLEMS_INIT;
	struct config_args config_args = {.file = file, .registry = &toy_registry};
	struct config *config = NULL;
	assert_int_equal(config_load(&config_args, &config, &problems), 0);
	problems_release(&problems);
	fs_remove_tree(objects, NULL);
	assert_int_equal(fs_mkdirs(objects, NULL), 0);
	struct try_args args = {.config = config,
		.work = work,
		.stage = stage,
		.id = str_of(id),
		.objects = objects,
		.worker = b->t.worker ? b->t.worker : worker};
	try_release(&b->r);
	err_clear(&b->e);
	int rc = try_stage(&args, &b->r, &b->e);
	config_free(config);
	return rc;
}

static void begin(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	toy_begin(&b->t);
	toy_write(&b->t, "pipeline.yaml", PIPE("x", "2"));
	toy_write(&b->t, "in.txt", IN);
}

static void end(struct bench *b)
{
	try_release(&b->r);
	toy_end(&b->t);
}

static void same_as_stored(struct bench *b, const char *stage, const char *id)
{
	int rc = go(b, stage, id);
	if (rc < 0 || b->r.code < 0)
		fail_msg("%s %s: %s %s", stage, id, b->e.text, b->r.code < 0 ? b->r.error : "");
	assert_string_equal(b->r.id, id);
	assert_non_null(b->r.stored.outcome);
	if (b->r.stored.reason)
		fail_msg("%s %s: a run would work on it again: %s", stage, id, b->r.stored.reason);
	if (!json_equal(b->r.fields, b->r.stored.fields))
		fail_msg("%s %s: not what is stored", stage, id);
	assert_int_equal(b->r.rejected, b->r.stored.rejected);
}

static void every_kind(void **state)
{
	(void)state;
	struct bench b;
	begin(&b);
	toy_run_ok(&b.t, 0);
	same_as_stored(&b, "in", "a");
	assert_non_null(strstr(b.r.place, "in.txt:1"));
	same_as_stored(&b, "judge", "d");
	assert_true(b.r.rejected);
	same_as_stored(&b, "more", "b+more.2");
	assert_int_equal(b.r.slots, 2);
	same_as_stored(&b, "kin", "a+kin.1"); /* its key holds what it sees of the pool */
	assert_int_equal(json_count(b.r.peers), 2);
	same_as_stored(&b, "copy", "a");
	same_as_stored(&b, "copy", "b+more.1");
	same_as_stored(&b, "copy", "c+kin.2");
	same_as_stored(&b, "tell", "a+kin.1");
	assert_true(json_get_bool(json_at(b.r.asks, 0), "stored", false));
	same_as_stored(&b, "net", "c");
	same_as_stored(&b, "say", "a");
	same_as_stored(&b, "hear", "b"); /* reads an object in the worker */
	end(&b);
}

static void nothing_stored(void **state)
{
	(void)state;
	struct bench b;
	begin(&b);
	toy_run_ok(&b.t, 0);
	toy_write(&b.t, "pipeline.yaml", PIPE("y", "3"));
	assert_int_equal(go(&b, "copy", "a"), 0);
	assert_string_equal(b.r.stored.reason, "parameter-changed");
	assert_false(json_equal(b.r.fields, b.r.stored.fields));
	assert_int_equal(go(&b, "more", "a+more.3"), 0); /* a slot that no run has made yet */
	assert_null(b.r.stored.outcome);
	assert_non_null(b.r.fields);
	CLEANUP(buf_release) struct buf tried = BUF_INIT;
	assert_int_equal(go(&b, "copy", "b+more.2"), 0);
	json_write(&tried, b.r.fields);
	toy_run_ok(&b.t, 0);
	toy_computed(&b.t, "more", 3); /* not spared by the trial */
	CLEANUP(buf_release) struct buf run = BUF_INIT;
	same_as_stored(&b, "copy", "b+more.2");
	json_write(&run, b.r.stored.fields);
	assert_string_equal(tried.data, run.data);
	end(&b);
}

static void a_parent_stands_for_its_first(void **state)
{
	(void)state;
	struct bench b;
	begin(&b);
	toy_run_ok(&b.t, 0);
	assert_int_equal(go(&b, "more", "a"), 0);
	assert_string_equal(b.r.id, "a+more.1");
	assert_int_equal(go(&b, "more", "a+more.9"), ERR_NOTFOUND);
	assert_int_equal(go(&b, "more", "d"), ERR_NOTFOUND); /* rejected before */
	assert_non_null(strstr(b.e.text, "judge rejected d"));
	end(&b);
}

static void not_there_yet(void **state)
{
	(void)state;
	struct bench b;
	begin(&b);
	assert_int_equal(go(&b, "copy", "a"), ERR_NOTFOUND);
	assert_string_equal(b.r.until, "judge");
	assert_int_equal(go(&b, "in", "a"), 0); /* a source needs no run */
	assert_null(b.r.stored.outcome);
	b.t.args.until = "judge";
	toy_run_ok(&b.t, 0);
	assert_int_equal(go(&b, "copy", "a"), 0);
	assert_int_equal(go(&b, "tell", "a"), ERR_NOTFOUND);
	assert_string_equal(b.r.until, "copy");
	assert_int_equal(go(&b, "copy", "aa"), ERR_NOTFOUND);
	assert_null(b.r.until);
	assert_int_equal(b.r.near.n, 1);
	assert_int_equal(go(&b, "rank", "a"), ERR_USAGE);
	b.t.args.until = NULL;
	toy_run_ok(&b.t, 0);
	toy_write(&b.t, "in.txt", "a=one\nb=two\n");
	toy_run_ok(&b.t, 0);
	assert_int_equal(go(&b, "copy", "c"), ERR_NOTFOUND);
	assert_non_null(strstr(b.e.text, "no longer lists"));
	assert_int_equal(go(&b, "in", "c"), ERR_NOTFOUND);
	end(&b);
}

static void failures_are_told(void **state)
{
	(void)state;
	static const char *const none[] = {"/bin/false", NULL}, *const missing[] = {"/nowhere/worker", NULL};
	struct bench b;
	begin(&b);
	toy_write(&b.t, "in.txt", "a=crash\nb=leave\nc!\n");
	b.t.args.until = "judge";
	assert_int_equal(toy_run(&b.t), EXIT_QUARANTINED);
	assert_int_equal(go(&b, "say", "a"), 0);
	assert_int_equal(b.r.code, ERR_WORKER);
	assert_non_null(strstr(b.r.error, "died on this item"));
	assert_int_equal(go(&b, "say", "b"), 0);
	assert_int_equal(b.r.code, ERR_WORKER);
	assert_int_equal(go(&b, "in", "c"), 0);
	assert_int_equal(b.r.code, ERR_DATA);
	if (!strstr(b.r.error, "in.txt:3: broken"))
		fail_msg("%s", b.r.error);
	assert_non_null(b.r.stored.failure);
	b.t.worker = none;
	assert_int_equal(go(&b, "say", "a"), ERR_IO);
	b.t.worker = missing;
	assert_true(go(&b, "say", "a") < 0);
	end(&b);
}

int main(int argc, char **argv)
{
	int rc = toy_worker(argc, argv);
	if (rc >= 0)
		return rc;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
		cmocka_unit_test(nothing_stored),
		cmocka_unit_test(a_parent_stands_for_its_first),
		cmocka_unit_test(not_there_yet),
		cmocka_unit_test(failures_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
