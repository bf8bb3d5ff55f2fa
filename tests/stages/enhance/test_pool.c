/* The pool of enhance: who is a parent, who are the peers, and what a bigger pool or higher numbers leave as they were. */
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/stages/enhance/poolkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct poolkit *p, size_t n, const char *prefix)
{
	static const char *const labels[] = {"投资诈骗", "银行诈骗", "客服诈骗"};
	for (size_t i = 0; i < n; i++) {
		const char *id = arena_printf(&p->arena, "%s%04zu", prefix, i);
		const char *left = arena_printf(&p->arena, "L您好，这里是第%zu号。", i);
		const char *const turns[] = {left, "R你好，有什么事？", NULL};
		pool_say(p, id, true, labels[i % 3], turns);
	}
}

static size_t parents(const struct poolkit *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].parent;
	return n;
}

static const char *family(struct poolkit *p, const struct poolkit_call *c)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < c->npeers; i++)
		buf_printf(&b, "%.*s ", STR_FMT(p->v[c->peers[i]].id));
	return arena_strdup(&p->arena, b.data);
}

static void peers_are_of_the_label(void **state)
{
	(void)state;
	struct poolkit p;
	pool_open(&p, "");
	fill(&p, 60, "a/");
	pool_peers(&p);
	assert_int_equal(parents(&p), 60);
	for (size_t i = 0; i < p.n; i++) {
		assert_int_equal(p.v[i].npeers, 3);
		for (size_t k = 0; k < 3; k++) {
			assert_true(p.v[i].peers[k] != i && p.v[i].peers[k] % 3 == i % 3);
			for (size_t o = 0; o < k; o++)
				assert_true(p.v[i].peers[k] != p.v[i].peers[o]);
		}
	}
	pool_close(&p);
}

static void fewer_than_wanted(void **state)
{
	(void)state;
	static const char *const turns[] = {"L您好，请问有什么需要？", "R你好，我想问一下。", NULL};
	struct poolkit p;
	pool_open(&p, "peers: 5\n");
	pool_say(&p, "one", false, "订餐服务", turns);
	pool_say(&p, "two", true, "投资诈骗", turns);
	pool_say(&p, "two-b", true, "投资诈骗", turns);
	pool_peers(&p);
	assert_int_equal(poolkit_find(&p, "one")->npeers, 0);
	assert_int_equal(poolkit_find(&p, "two")->npeers, 1);
	pool_close(&p);
}

static void more_parents_only_add(void **state)
{
	(void)state;
	struct poolkit few, more;
	pool_open(&few, "parents: 10\n");
	pool_open(&more, "parents: 25\n");
	fill(&few, 60, "a/");
	fill(&more, 60, "a/");
	pool_peers(&few);
	pool_peers(&more);
	assert_int_equal(parents(&few), 10);
	assert_int_equal(parents(&more), 25);
	for (size_t i = 0; i < few.n; i++) {
		if (!few.v[i].parent)
			continue;
		assert_true(more.v[i].parent);
		assert_string_equal(family(&few, &few.v[i]), family(&more, &more.v[i]));
	}
	pool_close(&few);
	pool_close(&more);
}

/* A call that joins changes a parent's peers only where it is itself one of them, and the basis of its own label only. */
static void a_new_call_is_seen_where_it_ranks(void **state)
{
	(void)state;
	struct poolkit before, after;
	size_t changed = 0;
	pool_open(&before, "");
	pool_open(&after, "");
	fill(&before, 90, "a/");
	fill(&after, 90, "a/");
	static const char *const turns[] = {"L喂，您好。", "R请讲。", NULL};
	pool_say(&after, "a/0044b", true, "投资诈骗", turns);
	pool_peers(&before);
	pool_peers(&after);
	for (size_t i = 0; i < before.n; i++) {
		struct poolkit_call *was = &before.v[i], *is = poolkit_find(&after, was->id.p);
		const char *old = family(&before, was), *new = family(&after, is);
		bool invest = i % 3 == 0;
		assert_true(invest == !str_eq(was->basis, is->basis));
		if (strcmp(old, new) == 0)
			continue;
		assert_true(invest && strstr(new, "a/0044b "));
		changed++;
	}
	assert_in_range(changed, 1, 12); /* 3 of about 30 peers: one parent in ten */
	pool_close(&before);
	pool_close(&after);
}

static void a_text_changes_the_basis_of_its_label(void **state)
{
	(void)state;
	static const char *const one[] = {"L您好。", "R你好。", NULL}, *const other[] = {"L您好。", "R你好，请讲。", NULL};
	static const char *const marks[] = {"L您好！", "R你好", NULL};
	struct poolkit p[3];
	const char *const *const turns[] = {one, other, marks};
	for (int i = 0; i < 3; i++) {
		pool_open(&p[i], "");
		pool_say(&p[i], "x", true, "投资诈骗", turns[i]);
		pool_say(&p[i], "y", true, "投资诈骗", one);
		pool_peers(&p[i]);
	}
	assert_false(str_eq(poolkit_find(&p[0], "y")->basis, poolkit_find(&p[1], "y")->basis));
	assert_true(str_eq(poolkit_find(&p[0], "y")->basis, poolkit_find(&p[2], "y")->basis)); /* ROUGE-L does not see marks */
	for (int i = 0; i < 3; i++)
		pool_close(&p[i]);
}

/* Peers for 4,000 parents of 28,511 calls must not be felt: the time is printed, the pairs are counted by the sizes. */
static void a_big_pool(void **state)
{
	(void)state;
	struct poolkit p;
	pool_open(&p, "parents: 4000\n");
	fill(&p, 28511, "big/");
	int64_t start = clock_ms();
	pool_peers(&p);
	printf("4,000 parents of 28,511 calls in 3 labels: %lld ms\n", (long long)(clock_ms() - start));
	assert_int_equal(parents(&p), 4000);
	pool_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_are_of_the_label),
		cmocka_unit_test(fewer_than_wanted),
		cmocka_unit_test(more_parents_only_add),
		cmocka_unit_test(a_new_call_is_seen_where_it_ranks),
		cmocka_unit_test(a_text_changes_the_basis_of_its_label),
		cmocka_unit_test(a_big_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
