/* Expand over a closed pool: what a slot sees of others is in its key, whoever changes; narrowed runs see the whole pool; closed stages are not asked. */
#include "tests/core/toy.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/stop.h"
#include "core/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "version: 1\nname: toy\nseed: 7\nstages:\n  - {name: in, uses: toy-lines, with: {files: [in.txt]}}\n"
#define KIN(with) \
	HEAD "  - {name: judge, uses: toy-judge, needs: [in], with: {bad: bad}}\n" \
		 "  - {name: kin, uses: toy-kin, needs: [judge], with: {" with "}}\n" \
		 "  - {name: copy, uses: toy-copy, needs: [judge, kin]}\n  - {name: out, uses: toy-list, needs: [copy]}\n"
#define LIST "work/toy-list/list.txt"

static void begin(struct toy *t, const char *yaml, const char *in)
{
	toy_begin(t);
	toy_write(t, "pipeline.yaml", yaml);
	toy_write(t, "in.txt", in);
}

static void again(struct toy *t, const char *yaml, const char *in)
{
	if (yaml)
		toy_write(t, "pipeline.yaml", yaml);
	if (in)
		toy_write(t, "in.txt", in);
	toy_run_ok(t, 0);
}

static bool listed(struct toy *t, const char *part)
{
	CLEANUP(free_ptr) char *list = toy_read(t, LIST);
	return list && strstr(list, part);
}

static void sees_its_peers(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, KIN("slots: 2, peers: 2"), "a=one\nb=solo\nc=three\nd=bad\n");
	toy_run_ok(&t, 0);
	assert_int_equal(toy_worked("toy-peers"), 1);
	toy_computed(&t, "kin", 4); /* of a and c; b is no parent, d was rejected and is not in the pool */
	assert_int_equal(toy_counts(&t, "out")->in, 7);
	assert_true(listed(&t, "a+kin.1\t{\"note\":\"one/1 b:solo c:three\""));
	assert_true(listed(&t, "c+kin.2\t{\"note\":\"three/2\""));
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	assert_int_equal(toy_worked("toy-peers"), 0);
	again(&t, KIN("slots: 3, peers: 2"), NULL); /* a higher count leaves the others alone */
	toy_computed(&t, "kin", 2);
	again(&t, KIN("slots: 2, peers: 2"), NULL);
	toy_computed(&t, "kin", 0);
	assert_int_equal(toy_counts(&t, "out")->in, 7);
	again(&t, KIN("slots: 2, peers: 1"), NULL);
	toy_computed(&t, "kin", 4); /* another way to choose is another stage to them all, though c sees what it saw */
	again(&t, KIN("slots: 2, peers: 2"), NULL);
	toy_nothing_computed(&t);
	toy_end(&t);
}

static void others_count(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, KIN("peers: 1"), "a=one\nc=three\ne=five\n");
	toy_run_ok(&t, 0);
	again(&t, NULL, "a=one\nc=THREE\ne=five\n"); /* a sees c */
	toy_computed(&t, "kin", 2);
	assert_true(listed(&t, "a+kin.1\t{\"note\":\"one/1 c:THREE\""));
	again(&t, NULL, "a=one\nb=two\nc=THREE\ne=five\n"); /* one comes between: a sees it now, and it sees c */
	toy_computed(&t, "kin", 2);
	assert_true(listed(&t, "a+kin.1\t{\"note\":\"one/1 b:two\""));
	again(&t, NULL, "a=one\nb=two\nc=bad\ne=five\n"); /* one is rejected: its children leave, b sees e */
	toy_computed(&t, "kin", 1);
	assert_false(listed(&t, "c+kin.1"));
	again(&t, NULL, "a=one\nc=three\ne=five\n"); /* and all is as it was */
	toy_computed(&t, "kin", 0);
	assert_true(listed(&t, "a+kin.1\t{\"note\":\"one/1 c:three\""));
	again(&t, NULL, "a=one\nc=three\ne=solo\n"); /* a parent no more: its slots leave, c sees its new text */
	toy_computed(&t, "kin", 1);
	assert_false(listed(&t, "e+kin.1"));
	assert_true(listed(&t, "c+kin.1\t{\"note\":\"three/1 e:solo\""));
	toy_end(&t);
}

static void basis_counts(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, KIN("peers: 0, basis: true"), "a=one\nb=two\n");
	toy_run_ok(&t, 0);
	again(&t, NULL, "a=one\nb=two\nc=three\n");
	toy_computed(&t, "kin", 3);
	toy_computed(&t, "copy", 2); /* c and its child: the others came out the same */
	again(&t, KIN("peers: 0"), NULL);
	toy_computed(&t, "kin", 3);
	again(&t, NULL, "a=one\nb=two\nc=three\nd=four\n");
	toy_computed(&t, "kin", 1);
	toy_end(&t);
}

/* A stage that is closed is not asked, although something else in the pipeline changed. */
static void closed_is_not_asked(void **state)
{
	(void)state;
	struct toy t;
#define TWO \
	HEAD "  - {name: other, uses: toy-lines, with: {files: [other.txt]}}\n" \
		 "  - {name: kin, uses: toy-kin, needs: [in]}\n" \
		 "  - {name: copy, uses: toy-copy, needs: [in, kin, other]}\n  - {name: out, uses: toy-list, needs: [copy]}\n"
	toy_begin(&t);
	toy_write(&t, "other.txt", "x=ex\n");
	again(&t, TWO, "a=one\nb=two\nc=solo\n");
	assert_int_equal(toy_counts(&t, "out")->in, 6);
	toy_write(&t, "other.txt", "x=ex\ny=why\n");
	toy_run_ok(&t, 0);
	assert_int_equal(toy_worked("toy-peers"), 0);
	assert_int_equal(toy_counts(&t, "kin")->cached, 2);
	toy_computed(&t, "kin", 0);
	toy_computed(&t, "copy", 1);
	assert_int_equal(toy_counts(&t, "out")->in, 7);
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	toy_end(&t);
}

/* --only and --limit bring the whole pool, so that the keys are those of the whole run; nothing else is worked behind it. */
static void narrowed_sees_all(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, KIN("peers: 1"), "a=one\nb=two\nc=three\nd=four\n");
	t.args.only = "b+kin.1";
	toy_run_ok(&t, 0);
	toy_computed(&t, "in", 4);
	toy_computed(&t, "kin", 1);
	toy_computed(&t, "copy", 2); /* b, which was named as its parent, and the child */
	CLEANUP(free_ptr) char *pilot = toy_read(&t, "work/pilot/toy-list/list.txt");
	assert_non_null(strstr(pilot, "b+kin.1\t{\"note\":\"two/1 c:three\""));
	assert_null(strstr(pilot, "a\t"));
	t.args.only = NULL;
	t.args.limit = 1;
	toy_run_ok(&t, 0);
	assert_int_equal(toy_counts(&t, "copy")->in, 2);
	t.args.limit = 0;
	toy_run_ok(&t, 0);
	assert_true(toy_counts(&t, "kin")->computed < 4);
	assert_int_equal(toy_counts(&t, "kin")->computed + toy_counts(&t, "kin")->cached, 4);
	assert_int_equal(toy_counts(&t, "out")->in, 8);
	toy_end(&t);
}

/* The plan is never less than what comes, and exact where the pool stands. */
static void planned(void **state)
{
	(void)state;
	struct toy t;
	static const char *const ins[] = {"a=one\nb=two\nc=solo\n", "a=one\nb=TWO\nc=solo\n",
		"a=one\nb=TWO\nbb=new\nc=solo\n", "a=one\nbb=bad\nc=solo\n"};
	begin(&t, KIN("peers: 1"), ins[0]);
	for (size_t i = 0; i < COUNT_OF(ins); i++) {
		toy_write(&t, "in.txt", ins[i]);
		assert_int_equal(toy_plan(&t), 0);
		int64_t least = toy_counts(&t, "kin")->to_run, most = least + toy_counts(&t, "kin")->unknown;
		toy_run_ok(&t, 0);
		assert_in_range(toy_counts(&t, "kin")->computed, least, most);
		assert_int_equal(toy_plan(&t), 0);
		assert_int_equal(toy_counts(&t, "kin")->to_run + toy_counts(&t, "kin")->unknown, 0);
		toy_write(&t, "pipeline.yaml", i % 2 ? KIN("peers: 1") : KIN("peers: 1, slots: 2"));
		assert_int_equal(toy_plan(&t), 0);
		int64_t to_run = toy_counts(&t, "kin")->to_run;
		assert_int_equal(toy_counts(&t, "kin")->unknown, 0);
		toy_run_ok(&t, 0);
		toy_computed(&t, "kin", to_run);
	}
	toy_end(&t);
}

/* A plan that does not know the pool yet counts no more children than there may be. */
static void planned_from_nothing(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, KIN("peers: 1, slots: 2, most: 3"), "a=one\nb=two\nc=solo\nd=four\ne=five\nf=six\n");
	assert_int_equal(toy_plan(&t), 0);
	assert_int_equal(toy_counts(&t, "kin")->to_run, 0);
	assert_int_equal(toy_counts(&t, "kin")->unknown, 6);
	assert_int_equal(toy_counts(&t, "copy")->unknown, 12);
	toy_run_ok(&t, 0);
	toy_computed(&t, "kin", 6);
	again(&t, KIN("peers: 1, slots: 2, most: 4"), NULL);
	toy_computed(&t, "kin", 2);
	toy_end(&t);
}

/* Many calls, threads and slow work before the pool, interrupted on the way: the list is that of a quiet run. */
static void order_and_interruption(void **state)
{
	(void)state;
	struct toy t;
	CLEANUP(buf_release) struct buf in = BUF_INIT;
	for (int i = 0; i < 300; i++)
		buf_printf(&in, "c%d=%s %d\n", (i * 7919) % 1000, i % 7 ? "text" : "solo", i % 50);
	begin(&t,
		HEAD "  - {name: net, uses: toy-net, needs: [in], with: {sleep_ms: 1}}\n"
			 "  - {name: kin, uses: toy-kin, needs: [in, net], with: {slots: 2, peers: 3, basis: true}}\n"
			 "  - {name: copy, uses: toy-copy, needs: [net, kin], with: {sleep_ms: 1}}\n"
			 "  - {name: out, uses: toy-list, needs: [copy]}\n",
		in.data);
	t.args.jobs = 1;
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *list = toy_read(&t, LIST);
	toy_remove(&t, "work");
	t.args.jobs = 8;
	for (int i = 1; i <= 4; i++) {
		char point[32];
		snprintf(point, sizeof(point), "after-commit:%d", i);
		toy_run_killed(&t, point, 0);
	}
	toy_run_ok(&t, 0);
	CLEANUP(free_ptr) char *other = toy_read(&t, LIST);
	assert_string_equal(list, other);
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	toy_end(&t);
}

/* A sound behind the pool is lost: only the stage that made it works again. */
static void lost_behind_a_pool(void **state)
{
	(void)state;
	struct toy t;
	begin(&t,
		HEAD "  - {name: kin, uses: toy-kin, needs: [in]}\n  - {name: sound, uses: toy-sound, needs: [kin]}\n"
			 "  - {name: out, uses: toy-list, needs: [sound]}\n",
		"a=one\nb=two\n");
	toy_run_ok(&t, 0);
	char path[128];
	toy_object(&t, "two/1", path, sizeof(path));
	toy_remove(&t, path);
	toy_run_ok(&t, 0);
	toy_computed(&t, "kin", 0);
	toy_computed(&t, "sound", 1);
	toy_end(&t);
}

struct failed {
	struct failure f;
	struct memo m;
};

static int take_failure(void *arg, const struct failure *f)
{
	struct failed *found = arg;
	found->f = *f;
	found->f.text = (struct buf)BUF_INIT;
	return 0;
}

static int take_memo(void *arg, const struct memo *m)
{
	struct failed *found = arg;
	if (m->item == found->f.item)
		found->m = *m;
	return 0;
}

/* As taf retry does: the one failure is forgotten, and its stage, no other, counts as settled no more. */
static void retry(struct toy *t)
{
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct store *store = NULL;
	struct json *state;
	struct err e = ERR_INIT;
	struct failed found = {.f.item = 0};
	buf_printf(&work, "%s/work", t->dir);
	assert_int_equal(store_open(work.data, DB_WRITE, &store, &e), 0);
	assert_int_equal(store_failures(store, take_failure, &found, &e), 0);
	assert_int_equal(store_memos(store, found.f.stage, take_memo, &found, &e), 0);
	assert_int_equal(found.m.outcome, OUTCOME_QUARANTINED);
	store_drop_failure(store, &found.f.key, found.f.item);
	found.m.outcome = OUTCOME_NONE;
	store_put_memo(store, found.f.stage, &found.m);
	assert_true(store_stage_state(store, found.f.stage, &text, &e) >= 0);
	assert_int_equal(json_parse(&a, buf_view(&text), &state, &e), 0);
	assert_non_null(json_get(state, "closed"));
	json_drop(state, "closed");
	buf_clear(&text);
	json_write(&text, state);
	store_put_stage_state(store, found.f.stage, buf_view(&text));
	assert_int_equal(store_flush(store, &e), 0);
	store_close(store, false);
}

/* A call that failed before the pool comes into it when it is tried again, although the stage of the pool itself was settled. */
static void comes_after_retry(void **state)
{
	(void)state;
	struct toy t;
#define SOFT(fail) \
	HEAD "  - {name: soft, uses: toy-copy, needs: [in], with: {" fail "}}\n" \
		 "  - {name: kin, uses: toy-kin, needs: [soft]}\n  - {name: out, uses: toy-list, needs: [soft, kin]}\n"
	begin(&t, SOFT("fail: boom"), "a=one\nb=boom\nc=three\n");
	toy_run_ok(&t, 3);
	toy_write(&t, "pipeline.yaml", SOFT("")); /* whatever made it fail is gone, but it waits to be asked for */
	toy_run_ok(&t, 3);
	toy_computed(&t, "soft", 0);
	assert_true(listed(&t, "a+kin.1\t{\"turns\":[{\"text\":\"one/1 c:three\"}]}"));
	retry(&t);
	assert_int_equal(toy_plan(&t), 0);
	int64_t to_run = toy_counts(&t, "kin")->to_run, unknown = toy_counts(&t, "kin")->unknown;
	toy_run_ok(&t, 0);
	toy_computed(&t, "soft", 1);
	toy_computed(&t, "kin", 2); /* b's, and a's, which sees b now */
	assert_in_range(2, to_run, to_run + unknown);
	assert_true(listed(&t, "a+kin.1\t{\"turns\":[{\"text\":\"one/1 b:boom\"}]}"));
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	toy_end(&t);
}

/* A pool that calls made of another pool, or of a plain expand, are part of: narrowed runs bring those too, and only so far. */
static void pools_in_a_row(void **state)
{
	(void)state;
	struct toy t;
	static const struct {
		const char *first, *only;
		int64_t copied; /* the call itself, its child, its grandchild: as far as they are wanted */
	} cases[] = {{"toy-kin, needs: [in]", "b", 3}, {"toy-kin, needs: [in]", "b+kin.1", 3},
		{"toy-kin, needs: [in]", NULL, 3}, {"toy-more, needs: [in]", "b", 5}, {"toy-more, needs: [in]", "b+more.1", 3},
		{"toy-more, needs: [in]", NULL, 5}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf yaml = BUF_INIT;
		buf_printf(&yaml,
			HEAD "  - {name: one, uses: %s}\n"
				 "  - {name: two, uses: toy-kin, needs: [one], with: {peers: 2}}\n"
				 "  - {name: copy, uses: toy-copy, needs: [in, one, two]}\n"
				 "  - {name: out, uses: toy-list, needs: [copy]}\n",
			cases[i].first);
		begin(&t, yaml.data, "a=one\nb=two\nc=three\nd=four\n");
		t.args.only = cases[i].only;
		t.args.limit = cases[i].only ? 0 : 1;
		toy_run_ok(&t, 0);
		assert_int_equal(toy_counts(&t, "copy")->in, cases[i].copied);
		int64_t done = toy_counts(&t, "two")->computed;
		t.args.only = NULL;
		t.args.limit = 0;
		toy_run_ok(&t, 0);
		toy_computed(&t, "one", 0); /* all of it was in the pool of two */
		assert_int_equal(toy_counts(&t, "two")->cached, done);
		toy_end(&t);
	}
}

/* An account that refuses before the pool, or a failure that passes: no pool is taken for the whole one that is not. */
static void waits_for_the_whole_pool(void **state)
{
	(void)state;
	struct toy t;
	begin(&t, SOFT("fail: boom, class: account"), "a=one\nb=boom\nc=three\n");
	toy_run_ok(&t, 1);
	toy_computed(&t, "kin", 0); /* b may still come */
	again(&t, SOFT(""), NULL);
	toy_computed(&t, "kin", 3);
	assert_true(listed(&t, "a+kin.1\t{\"turns\":[{\"text\":\"one/1 b:boom\"}]}"));
	toy_end(&t);
	begin(&t, SOFT("fail: boom, class: transient"), "a=one\nb=boom\nc=three\n");
	toy_run_ok(&t, 3);
	toy_computed(&t, "kin", 2); /* quarantined: left out, as everywhere */
	again(&t, SOFT(""), NULL);
	toy_computed(&t, "kin", 2); /* b's, and a's, which sees b now */
	assert_true(listed(&t, "a+kin.1\t{\"turns\":[{\"text\":\"one/1 b:boom\"}]}"));
	toy_run_ok(&t, 0);
	toy_nothing_computed(&t);
	toy_end(&t);
}

int main(int argc, char **argv)
{
	int rc = toy_worker(argc, argv);
	if (rc >= 0)
		return rc;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_its_peers),
		cmocka_unit_test(others_count),
		cmocka_unit_test(basis_counts),
		cmocka_unit_test(closed_is_not_asked),
		cmocka_unit_test(narrowed_sees_all),
		cmocka_unit_test(planned),
		cmocka_unit_test(planned_from_nothing),
		cmocka_unit_test(order_and_interruption),
		cmocka_unit_test(lost_behind_a_pool),
		cmocka_unit_test(comes_after_retry),
		cmocka_unit_test(pools_in_a_row),
		cmocka_unit_test(waits_for_the_whole_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
