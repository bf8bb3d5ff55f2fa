/* dedupe: who is kept, chains, families; against all pairs; the order of calls and the size of blocks change
 * nothing. */
#include "base/alloc.h"
#include "base/draw.h"
#include "base/utf8.h"
#include "stages/dedupe/pairs.h"
#include "tests/stages/gatherkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct stage_ops stage_dedupe;

static void reduce(const char *with, struct pool *p)
{
	struct kit k;
	struct err e = ERR_INIT;
	if (kit_open(&k, &stage_dedupe, with, ".", &e) || kit_reduce(&k, p, &e))
		fail_msg("%s", e.text);
	kit_close(&k);
}

/* `n` characters that no other `from` gives, from + n and so on: texts that overlap as their ranges do. */
static char *letters(struct arena *a, uint32_t from, uint32_t n)
{
	char *text = arena_alloc(a, 3 * n + 1);
	for (uint32_t i = 0; i < n; i++)
		utf8_put(0x4E00 + (from + i) % 20000, text + 3 * i);
	return text;
}

static void add_call(struct pool *p, const char *id, const char *source, const char *text)
{
	pool_add_text(p, id,
		arena_printf(&p->arena, "{\"source\":\"%s\",\"turns\":[{\"role\":\"left\",\"text\":\"%s\"}]}", source, text));
}

static const struct json *finding(const struct pool *p, const char *id)
{
	return json_first(json_path(pool_find(p, id)->fields, "qa.@.findings"));
}

static const char *group(const struct pool *p, const char *id)
{
	return json_get_str(pool_find(p, id)->fields, "group").p;
}

static void expect(const struct pool *p, const char *id, const char *rule, int permille, const char *of)
{
	const struct json *f = finding(p, id);
	if (!f)
		fail_msg("%s has no finding", id);
	assert_string_equal(json_get_str(f, "rule").p, rule);
	assert_int_equal(json_get_int(f, "value", -1), permille);
	assert_string_equal(json_get_str(f, "unit").p, "permille");
	assert_string_equal(json_get_str(f, "of").p, of);
}

static void expect_kept(const struct pool *p, const char *id)
{
	assert_null(finding(p, id));
	assert_false(pool_find(p, id)->rejected);
	assert_string_equal(json_path(pool_find(p, id)->fields, "qa.@.verdict")->u.s.p, "pass");
}

static void equal_words_are_duplicates(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	add_call(&p, "b", "asr", "您好，请问是王女士吗");
	add_call(&p, "a", "asr", "您好 请问，是王女士吗？");
	add_call(&p, "c", "asr", "今天天气不错适合出门");
	reduce("", &p);
	expect_kept(&p, "a");
	expect_kept(&p, "c");
	expect(&p, "b", "exact_duplicate", 1000, "a");
	assert_int_equal(json_get_int(finding(&p, "b"), "limit", -1), 1000);
	assert_true(pool_find(&p, "b")->rejected);
	assert_string_equal(json_path(pool_find(&p, "b")->fields, "qa.@.verdict")->u.s.p, "reject");
	assert_string_equal(group(&p, "a"), "a");
	assert_string_equal(group(&p, "b"), "a");
	assert_string_equal(group(&p, "c"), "c");
	pool_release(&p);
}

static void sources_decide_before_ids(void **state)
{
	(void)state;
	static const char *const order[] = {"asr", "published", "enhanced", "synthetic"};
	for (size_t from = 0; from < 4; from++) {
		struct pool p = POOL_INIT;
		for (size_t i = from; i < 4; i++) { /* the later the source, the lower the id */
			char id[2] = {(char)('z' - i), '\0'};
			add_call(&p, id, order[i], letters(&p.arena, i == 2 ? 1 : 0, 100));
		}
		reduce("", &p);
		char kept[2] = {(char)('z' - from), '\0'};
		expect_kept(&p, kept);
		for (size_t i = from + 1; i < 4; i++) {
			char id[2] = {(char)('z' - i), '\0'};
			const struct json *f = finding(&p, id);
			assert_non_null(f);
			assert_string_equal(json_get_str(f, "of").p, kept);
			assert_string_equal(group(&p, id), kept);
		}
		pool_release(&p);
	}
}

/* Three texts of 103 characters: 100 shingles, moved on by 10. Neighbours share 90 of 110 (818), the ends 80 of 120
 * (666). */
static void nobody_is_dropped_by_a_chain(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	add_call(&p, "a", "asr", letters(&p.arena, 0, 103));
	add_call(&p, "b", "asr", letters(&p.arena, 10, 103));
	add_call(&p, "c", "asr", letters(&p.arena, 20, 103));
	reduce("", &p);
	expect_kept(&p, "a");
	expect(&p, "b", "near_duplicate", 818, "a");
	assert_int_equal(json_get_int(finding(&p, "b"), "limit", -1), 800);
	expect_kept(&p, "c"); /* like b only, and b is not kept */
	assert_string_equal(group(&p, "c"), "a");
	reduce("{threshold: 0.819}", &p);
	expect_kept(&p, "b");
	reduce("{threshold: 0.6}", &p);
	expect(&p, "b", "near_duplicate", 818, "a");
	expect(&p, "c", "near_duplicate", 666, "a");
	pool_release(&p);
}

static void the_most_alike_is_named(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	add_call(&p, "a", "asr", letters(&p.arena, 0, 103));
	add_call(&p, "b", "asr", letters(&p.arena, 15, 103)); /* with a: 85 of 115 */
	add_call(&p, "c", "asr", letters(&p.arena, 9, 103));  /* with a 91 of 109, with b 94 of 106 */
	add_call(&p, "d", "asr", letters(&p.arena, 9, 103));  /* equal to c, which is not kept */
	reduce("", &p);
	expect_kept(&p, "b");
	expect(&p, "c", "near_duplicate", 886, "b");
	expect(&p, "d", "near_duplicate", 886, "b");
	pool_release(&p);
}

static void relatives_are_kept_in_one_family(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	add_call(&p, "k/1", "synthetic", letters(&p.arena, 0, 103));
	add_call(&p, "k/2", "asr", letters(&p.arena, 30, 103));      /* 70 of 130: 538 */
	add_call(&p, "k/3", "enhanced", letters(&p.arena, 60, 103)); /* with k/1 40 of 160, with k/2 538 */
	add_call(&p, "k/4", "asr", letters(&p.arena, 5000, 103));
	reduce("", &p);
	for (size_t i = 0; i < p.n; i++)
		expect_kept(&p, p.v[i].id.p);
	assert_string_equal(group(&p, "k/1"), "k/2"); /* the first by source, of the whole chain */
	assert_string_equal(group(&p, "k/2"), "k/2");
	assert_string_equal(group(&p, "k/3"), "k/2");
	assert_string_equal(group(&p, "k/4"), "k/4");
	reduce("{related: 0.539}", &p);
	assert_string_equal(group(&p, "k/1"), "k/1");
	assert_string_equal(group(&p, "k/3"), "k/3");
	pool_release(&p);
}

static void mark_keeps_all(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	add_call(&p, "a", "asr", letters(&p.arena, 0, 103));
	add_call(&p, "b", "asr", letters(&p.arena, 1, 103));
	reduce("{action: mark}", &p);
	expect(&p, "b", "near_duplicate", 980, "a");
	assert_false(pool_find(&p, "b")->rejected);
	assert_string_equal(json_path(pool_find(&p, "b")->fields, "qa.@.verdict")->u.s.p, "pass");
	pool_release(&p);
}

static void odd_pools(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	reduce("", &p); /* none */
	add_call(&p, "one", "asr", "好");
	reduce("", &p);
	expect_kept(&p, "one");
	pool_add_text(&p, "empty/1", "{\"source\":\"asr\",\"turns\":[]}");
	pool_add_text(&p, "empty/2", "{\"source\":\"asr\",\"turns\":[{\"role\":\"left\",\"text\":\"……\"}]}");
	add_call(&p, "two", "asr", "好。");
	add_call(&p, "other", "asr", "是");
	add_call(&p, "unheard", "of", "好");
	reduce("", &p);
	expect_kept(&p, "empty/1"); /* nothing said is nothing repeated */
	expect_kept(&p, "empty/2");
	expect_kept(&p, "other");
	expect(&p, "two", "exact_duplicate", 1000, "one");
	expect(&p, "unheard", "exact_duplicate", 1000, "one");
	pool_release(&p);
}

static void options_are_checked(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	assert_int_equal(kit_open(&k, &stage_dedupe, "{threshold: 0.6, related: 0.7}", ".", &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "related (0.7) is over threshold (0.6)"));
	kit_close(&k);
	err_clear(&e);
	assert_int_equal(kit_open(&k, &stage_dedupe, "{threshold: 0.2}", ".", &e), ERR_CONFIG);
	kit_close(&k);
}

/* --- Against all pairs --- */

/* Texts that are made from one another by changed characters, in chains and clusters of all distances. */
static void fill(struct pool *p, uint64_t seed, size_t n)
{
	static const char *const sources[] = {"asr", "published", "enhanced", "synthetic"};
	struct draw d;
	char **texts = arena_array(&p->arena, n, sizeof(*texts));
	draw_init(&d, seed, STR("dedupe"), "pool");
	for (size_t i = 0; i < n; i++) {
		uint32_t kind = draw_below(&d, 4);
		size_t chars = 60 + draw_below(&d, 80);
		if (i == 0 || kind == 0) {
			texts[i] = letters(&p->arena, draw_below(&d, 1000000), (uint32_t)chars);
		} else {
			texts[i] = arena_strdup(&p->arena, texts[draw_below(&d, (uint32_t)i)]);
			uint32_t changes = draw_below(&d, 14);
			for (uint32_t c = 0; c < changes; c++)
				utf8_put(0x4E00 + draw_below(&d, 20000), texts[i] + 3 * draw_below(&d, (uint32_t)(strlen(texts[i]) / 3)));
		}
		add_call(p, arena_printf(&p->arena, "c/%04zu", i), sources[draw_below(&d, 4)], texts[i]);
	}
}

struct plain_call {
	struct shingles s;
	size_t rank, of, family;
	int permille;
};

static size_t rank_of(const struct pool_call *c)
{
	static const char *const order[] = {"asr", "published", "enhanced", "synthetic"};
	size_t rank = 0;
	while (!str_is(json_get_str(c->call, "source"), order[rank]))
		rank++;
	return rank;
}

/* What the header promises, said plainly: all pairs, in keep order. */
static struct plain_call *brute_force(const struct pool *p, size_t *order)
{
	struct plain_call *v = xcalloc(p->n, sizeof(*v));
	struct err e = ERR_INIT;
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++) {
		v[i] = (struct plain_call){.s = SHINGLES_INIT, .rank = rank_of(&p->v[i]), .of = SIZE_MAX, .family = i};
		assert_int_equal(shingles_read(&v[i].s, json_get(p->v[i].call, "turns"), &e), 0);
		shingles_sort(&v[i].s);
	}
	for (size_t rank = 0; rank < 4; rank++)
		for (size_t i = 0; i < p->n; i++)
			if (v[i].rank == rank)
				order[n++] = i;
	for (size_t b = 0; b < n; b++) {
		struct plain_call *y = &v[order[b]];
		for (size_t a = 0; a < b; a++) {
			struct plain_call *x = &v[order[a]];
			int like = shingles_permille(x->s.n, y->s.n, shingles_common(x->s.v, x->s.n, y->s.v, y->s.n));
			if (like >= 500 && x->family != y->family) {
				size_t was = y->family, now = x->family;
				for (size_t i = 0; i < n; i++)
					if (v[i].family == was)
						v[i].family = now;
			}
			if (like >= 800 && x->of == SIZE_MAX && (y->of == SIZE_MAX || like > y->permille)) {
				y->of = order[a];
				y->permille = like;
			}
		}
	}
	return v;
}

/* Pairs at 0.5 may be missed (1.6%): the families of a pool are compared where all its pairs of 0.5 to 0.6 were met.
 * Duplicates always. */
static void all_pairs_give_the_same(void **state)
{
	(void)state;
	size_t duplicates = 0, families_equal = 0;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct pool p = POOL_INIT;
		fill(&p, seed, 150);
		reduce("", &p);
		size_t *order = xcalloc(p.n, sizeof(*order));
		struct plain_call *v = brute_force(&p, order);
		bool same = true;
		for (size_t i = 0; i < p.n; i++) {
			const struct json *f = finding(&p, p.v[i].id.p);
			assert_int_equal(f != NULL, v[i].of != SIZE_MAX);
			duplicates += f != NULL;
			if (f) {
				assert_int_equal(json_get_int(f, "value", -1), v[i].permille);
				assert_string_equal(json_get_str(f, "of").p, p.v[v[i].of].id.p);
				assert_null(finding(&p, json_get_str(f, "of").p)); /* of a kept call */
			}
			for (size_t k = 0; k < i; k++) {
				bool together = strcmp(group(&p, p.v[i].id.p), group(&p, p.v[k].id.p)) == 0;
				assert_true(!together || v[i].family == v[k].family);
				same &= together == (v[i].family == v[k].family);
			}
		}
		families_equal += same;
		for (size_t i = 0; i < p.n; i++)
			shingles_release(&v[i].s);
		free(v);
		free(order);
		pool_release(&p);
	}
	assert_true(duplicates > 300);
	assert_true(families_equal >= 10);
}

/* --- Nothing but the set of calls counts --- */

static char *results(struct pool *p)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < p->n; i++) {
		buf_printf(&b, "%s %d ", p->v[i].id.p, p->v[i].rejected);
		json_write(&b, p->v[i].fields);
		buf_putc(&b, '\n');
	}
	return buf_take(&b);
}

static void order_does_not_count(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	struct draw d;
	fill(&p, 77, 200);
	reduce("", &p);
	CLEANUP(free_ptr) char *first = results(&p);
	draw_init(&d, 3, STR("order"), "shuffle");
	for (size_t i = p.n; i > 1; i--) {
		size_t k = draw_below(&d, (uint32_t)i);
		struct pool_call c = p.v[i - 1];
		p.v[i - 1] = p.v[k];
		p.v[k] = c;
	}
	reduce("", &p);
	CLEANUP(free_ptr) char *second = results(&p);
	assert_string_equal(first, second);
	pool_release(&p);
}

/* One pass over a pool with blocks of at most `block_max` shingles. */
static char *with_blocks(const struct pool *p, size_t block_max, size_t *ret_blocks)
{
	struct pairs all;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	pairs_init(&all, p->n, 800, 500);
	all.block_max = block_max;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct json *c = p->v[i].call;
		assert_int_equal(pairs_first(&all, i, json_get_str(c, "source"), json_get(c, "turns"), &e), 0);
	}
	pairs_plan(&all);
	*ret_blocks = 0;
	while (pairs_block(&all)) {
		++*ret_blocks;
		for (int rank = 0; rank < PAIRS_RANKS; rank++)
			for (uint32_t i = 0; pairs_wants(&all, rank) && i < p->n; i++)
				assert_int_equal(pairs_again(&all, i, rank, json_get(p->v[i].call, "turns"), &e), 0);
	}
	pairs_end(&all);
	for (uint32_t i = 0; i < p->n; i++)
		buf_printf(&b, "%u %u %u %d\n", i, all.calls[i].of, pairs_family(&all, i), all.calls[i].permille);
	pairs_release(&all);
	return buf_take(&b);
}

static void blocks_do_not_count(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	size_t blocks;
	fill(&p, 5, 200);
	CLEANUP(free_ptr) char *one = with_blocks(&p, PAIRS_BLOCK, &blocks);
	assert_int_equal(blocks, 1);
	static const size_t sizes[] = {1, 200, 1000, 5000};
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		CLEANUP(free_ptr) char *many = with_blocks(&p, sizes[i], &blocks);
		assert_true(blocks > 2);
		assert_string_equal(one, many);
	}
	pool_release(&p);
}

/* A call that comes or goes changes nothing for those that do not resemble it. */
static void strangers_do_not_count(void **state)
{
	(void)state;
	struct pool p = POOL_INIT, more = POOL_INIT;
	fill(&p, 9, 100);
	fill(&more, 9, 100);
	for (uint32_t i = 0; i < 20; i++)
		add_call(&more, arena_printf(&more.arena, "a/%u", i), "asr",
			arena_printf(&more.arena, "%08x%08x", i * 2654435761u, ~i));
	reduce("", &p);
	reduce("", &more);
	for (size_t i = 0; i < p.n; i++)
		assert_true(json_equal(p.v[i].fields, pool_find(&more, p.v[i].id.p)->fields));
	pool_release(&p);
	pool_release(&more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_words_are_duplicates),
		cmocka_unit_test(sources_decide_before_ids),
		cmocka_unit_test(nobody_is_dropped_by_a_chain),
		cmocka_unit_test(the_most_alike_is_named),
		cmocka_unit_test(relatives_are_kept_in_one_family),
		cmocka_unit_test(mark_keeps_all),
		cmocka_unit_test(odd_pools),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(all_pairs_give_the_same),
		cmocka_unit_test(order_does_not_count),
		cmocka_unit_test(blocks_do_not_count),
		cmocka_unit_test(strangers_do_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
