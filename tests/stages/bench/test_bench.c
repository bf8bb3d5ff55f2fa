/* bench: sizes, strata, families on one side, sources, dev; how membership moves when calls come, go or change. */
#include "base/alloc.h"
#include "base/draw.h"
#include "core/key.h"
#include "tests/stages/gatherkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct stage_ops stage_bench, stage_dedupe;

static void reduce_seeded(const struct stage_ops *ops, const char *with, uint64_t seed, struct pool *p)
{
	struct kit k;
	struct err e = ERR_INIT;
	if (kit_open(&k, ops, with, ".", &e))
		fail_msg("%s", e.text);
	k.stage.seed = seed;
	if (kit_reduce(&k, p, &e))
		fail_msg("%s", e.text);
	kit_close(&k);
}

static void reduce(const char *with, struct pool *p)
{
	reduce_seeded(&stage_bench, with, 1, p);
}

static const char *const types[] = {"投资诈骗", "银行诈骗", "客服诈骗"};
static const char *const scenes[] = {"订餐服务", "打车服务"};

/* `more`: further members, beginning with a comma, or "". */
static void add_call(struct pool *p, const char *id, const char *source, int kind, const char *more)
{
	const char *label = kind < 3 ? arena_printf(&p->arena, "{\"is_fraud\":true,\"fraud_type\":\"%s\"}", types[kind])
								 : arena_printf(&p->arena, "{\"is_fraud\":false,\"scene\":\"%s\"}", scenes[kind - 3]);
	pool_add_text(p, id, arena_printf(&p->arena, "{\"source\":\"%s\",\"label\":%s%s}", source, label, more));
}

/* n calls: half of kind 0, the rest shared out. */
static void fill(struct pool *p, const char *prefix, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_call(p, arena_printf(&p->arena, "%s/%05zu", prefix, i), "asr", i % 2 ? 0 : (int)(i / 2 % 5), "");
}

static const char *split(const struct pool *p, const char *id)
{
	return json_get_str(pool_find(p, id)->fields, "split").p;
}

static bool in(const struct pool_call *c, const char *side)
{
	return str_is(json_get_str(c->fields, "split"), side);
}

static size_t count(const struct pool *p, const char *side)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += in(&p->v[i], side);
	return n;
}

static void sizes_are_met(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	fill(&p, "c", 1000);
	reduce("", &p); /* a tenth */
	assert_int_equal(count(&p, "test"), 100);
	assert_int_equal(count(&p, "train"), 900);
	reduce("{share: 0.25}", &p);
	assert_int_equal(count(&p, "test"), 250);
	reduce("{size: 37}", &p);
	assert_int_equal(count(&p, "test"), 37);
	reduce("{size: 1000}", &p);
	assert_int_equal(count(&p, "test"), 1000);
	reduce("{size: 5000}", &p);
	assert_int_equal(count(&p, "test"), 1000);
	reduce("{size: 100, dev_share: 0.2}", &p);
	assert_int_equal(count(&p, "test"), 100);
	assert_int_equal(count(&p, "dev"), 200);
	assert_int_equal(count(&p, "train"), 700);
	reduce("{size: 1000, dev_share: 0.2}", &p);
	assert_int_equal(count(&p, "dev"), 0);
	pool_release(&p);
}

static size_t members(const struct pool *p, const char *path, const char *value)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += in(&p->v[i], "test") && json_is(json_path(p->v[i].call, path), JSON_STRING) &&
			 str_is(json_path(p->v[i].call, path)->u.s, value);
	return n;
}

static void strata_are_proportional(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	fill(&p, "c", 1000); /* kinds: 600, 100, 100, 100, 100 */
	reduce("{size: 100}", &p);
	assert_int_equal(members(&p, "label.fraud_type", types[0]), 60);
	assert_int_equal(members(&p, "label.fraud_type", types[1]), 10);
	assert_int_equal(members(&p, "label.fraud_type", types[2]), 10);
	assert_int_equal(members(&p, "label.scene", scenes[0]), 10);
	assert_int_equal(members(&p, "label.scene", scenes[1]), 10);
	reduce("{size: 7}", &p); /* 4.2 and four of 0.7: the remainder of 0.2 gets nothing, three of the four get one */
	assert_int_equal(members(&p, "label.fraud_type", types[0]), 4);
	assert_int_equal(members(&p, "label.scene", scenes[0]) + members(&p, "label.scene", scenes[1]) +
						 members(&p, "label.fraud_type", types[1]) + members(&p, "label.fraud_type", types[2]),
		3);
	pool_release(&p);
}

static void strata_are_chosen_by_field(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	for (size_t i = 0; i < 400; i++) /* scenes of fraud calls, which do not count by default */
		add_call(&p, arena_printf(&p.arena, "c/%03zu", i), i % 4 ? "asr" : "synthetic", 0,
			i % 2 ? "" : ",\"scenario\":{\"name\":\"even\"}");
	reduce("{size: 40, strata: [source, scenario.name]}", &p);
	assert_int_equal(members(&p, "source", "synthetic"), 10);
	assert_int_equal(members(&p, "scenario.name", "even"), 20);
	reduce("{size: 40, strata: []}", &p);
	assert_int_equal(count(&p, "test"), 40);
	pool_release(&p);
}

static void odd_pools(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	reduce("", &p);
	add_call(&p, "one", "asr", 0, "");
	reduce("", &p); /* a tenth of one, rounded */
	assert_string_equal(split(&p, "one"), "train");
	reduce("{size: 1}", &p);
	assert_string_equal(split(&p, "one"), "test");
	/* a stratum of one call beside a large one */
	for (size_t i = 0; i < 99; i++)
		add_call(&p, arena_printf(&p.arena, "c/%02zu", i), "asr", 3, "");
	reduce("{size: 10}", &p); /* 9.9 and 0.1 */
	assert_string_equal(split(&p, "one"), "train");
	assert_int_equal(count(&p, "test"), 10);
	reduce("{size: 95}", &p); /* 94.05 and 0.95 */
	assert_string_equal(split(&p, "one"), "test");
	assert_int_equal(count(&p, "test"), 95);
	pool_release(&p);
}

/* --- Families --- */

static void families_are_on_one_side(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct pool p = POOL_INIT;
		struct draw d;
		draw_init(&d, seed, STR("bench"), "families");
		fill(&p, "c", 100);
		for (size_t i = 0; i < 60; i++) {
			const char *id = arena_printf(&p.arena, "e/%02zu", i);
			uint32_t x = draw_below(&d, 100), y = draw_below(&d, 100);
			const char *more = i % 3 == 0   ? arena_printf(&p.arena, ",\"parents\":[\"c/%05u\"]", x)
							   : i % 3 == 1 ? arena_printf(&p.arena, ",\"group\":\"c/%05u\",\"parents\":[]", y)
											: arena_printf(&p.arena, ",\"parents\":[\"gone/%u\",\"c/%05u\"]", x % 5, y);
			add_call(&p, id, "enhanced", (int)draw_below(&d, 5), more);
		}
		reduce_seeded(&stage_bench, "{share: 0.3, dev_share: 0.2}", seed, &p);
		const char *gone[5] = {NULL};
		for (size_t i = 0; i < p.n; i++) {
			const struct json *c = p.v[i].call;
			struct str g = json_get_str(c, "group"), own = json_get_str(p.v[i].fields, "split");
			if (g.n)
				assert_string_equal(split(&p, g.p), own.p);
			JSON_EACH(parent, json_get(c, "parents")) {
				if (!str_starts(parent->u.s, "gone/")) {
					assert_string_equal(split(&p, parent->u.s.p), own.p);
					continue;
				}
				int which = parent->u.s.p[5] - '0'; /* children of one parent that is not there are brothers */
				if (gone[which])
					assert_string_equal(gone[which], own.p);
				gone[which] = own.p;
			}
		}
		assert_true(count(&p, "test") > 0 && count(&p, "train") > 0);
		pool_release(&p);
	}
}

/* A family counts in the stratum of its first call by source, and fits there or not at all. */
static void a_family_counts_where_its_first_call_does(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	add_call(&p, "b", "asr", 0, "");
	add_call(&p, "a", "synthetic", 1, ",\"group\":\"b\"");
	add_call(&p, "c", "asr", 1, "");
	add_call(&p, "d", "asr", 1, "");
	reduce("{size: 2}", &p); /* two strata of two calls, of which one is one family: quotas 1 and 1 */
	assert_string_equal(split(&p, "a"), "train");
	assert_string_equal(split(&p, "b"), "train");
	assert_int_equal(count(&p, "test"), 1);
	reduce("{size: 4}", &p);
	assert_int_equal(count(&p, "test"), 4);
	pool_release(&p);
}

static void only_families_of_these_sources(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	fill(&p, "c", 200);
	for (size_t i = 0; i < 100; i++) {
		add_call(&p, arena_printf(&p.arena, "s/%02zu", i), "synthetic", (int)(i % 5), "");
		add_call(&p, arena_printf(&p.arena, "c/%05zu+e.0", i), "enhanced", (int)(i % 5),
			arena_printf(&p.arena, ",\"parents\":[\"c/%05zu\"]", i));
	}
	for (size_t i = 100; i < 110; i++) /* and of ten, another is like it; it comes before them */
		add_call(&p, arena_printf(&p.arena, "a/%zu", i), "synthetic", (int)(i % 5),
			arena_printf(&p.arena, ",\"group\":\"c/%05zu\"", i));
	reduce("{share: 0.2, sources: [asr, published]}", &p); /* 90 calls are of no mixed family */
	assert_int_equal(count(&p, "test"), 18);
	for (size_t i = 0; i < p.n; i++)
		if (in(&p.v[i], "test"))
			assert_true(str_is(json_get_str(p.v[i].call, "source"), "asr") && str_cmp(p.v[i].id, STR("c/00110")) >= 0);
	reduce("{size: 300, sources: [asr]}", &p);
	assert_int_equal(count(&p, "test"), 90);
	pool_release(&p);
}

/* --- What membership depends on --- */

static void order_does_not_count_and_the_seed_does(void **state)
{
	(void)state;
	struct pool p = POOL_INIT, q = POOL_INIT;
	fill(&p, "c", 500);
	for (size_t i = p.n; i-- > 0;)
		pool_add(&q, p.v[i].id.p, p.v[i].call);
	reduce("{dev_share: 0.1}", &p);
	reduce("{dev_share: 0.1}", &q);
	size_t same = 0;
	for (size_t i = 0; i < p.n; i++)
		assert_string_equal(split(&p, p.v[i].id.p), split(&q, p.v[i].id.p));
	reduce_seeded(&stage_bench, "{dev_share: 0.1}", 2, &q);
	for (size_t i = 0; i < p.n; i++)
		same += in(&p.v[i], "test") && in(&q.v[i], "test");
	assert_true(same < 20); /* of 50; by chance 5 */
	pool_release(&p);
	pool_release(&q);
}

static void the_seed_is_in_the_key(void **state)
{
	(void)state;
	struct config_stage cs = {0};
	struct kit k;
	struct err e = ERR_INIT;
	struct digest one, two;
	CLEANUP(buf_release) struct buf parts = BUF_INIT;
	assert_int_equal(kit_open(&k, &stage_bench, "", ".", &e), 0);
	cs.stage = k.stage;
	struct files *files = files_new(NULL, false);
	assert_int_equal(key_fingerprint(&cs, 1, files, &parts, &one, &e), 0);
	assert_int_equal(key_fingerprint(&cs, 2, files, &parts, &two, &e), 0);
	assert_false(digest_equal(&one, &two));
	files_free(files);
	kit_close(&k);
}

struct moved {
	size_t left, entered, fresh; /* old members that left, old calls that entered, new members */
};

static struct moved moved(const struct pool *before, const struct pool *after)
{
	struct moved m = {0, 0, 0};
	for (size_t i = 0; i < after->n; i++) {
		const struct pool_call *now = &after->v[i], *was = pool_find(before, now->id.p);
		if (!was)
			m.fresh += in(now, "test");
		else if (in(was, "test") != in(now, "test"))
			*(in(was, "test") ? &m.left : &m.entered) += 1;
	}
	return m;
}

static void copy(struct pool *to, const struct pool *from)
{
	for (size_t i = 0; i < from->n; i++)
		pool_add(to, from->v[i].id.p, from->v[i].call);
}

/* 10% more calls, in three ways, as a share and with a fixed size. Five strata, a sixth is new. */
static void ten_percent_more(void **state)
{
	(void)state;
	static const char *const withs[] = {"{share: 0.1}", "{size: 200}"};
	struct pool before = POOL_INIT;
	fill(&before, "c", 2000);
	for (int way = 0; way < 3; way++) {
		struct pool after = POOL_INIT;
		copy(&after, &before);
		for (size_t i = 0; i < 200; i++) {
			const char *id = arena_printf(&after.arena, "n/%03zu", i);
			if (way == 0)
				add_call(&after, id, "asr", i % 2 ? 0 : (int)(i / 2 % 5), "");
			else if (way == 1)
				add_call(&after, id, "synthetic", 2, "");
			else
				pool_add_text(&after, id, "{\"source\":\"asr\",\"label\":{\"is_fraud\":false,\"scene\":\"交通咨询\"}}");
		}
		for (size_t w = 0; w < COUNT_OF(withs); w++) {
			reduce(withs[w], &before);
			reduce(withs[w], &after);
			struct moved m = moved(&before, &after);
			size_t size = w ? 200 : 220;
			assert_int_equal(count(&after, "test"), size);
			/* nobody leaves but for a new member or a smaller quota; with a share, quotas shrink by two a stratum at
			 * most */
			assert_true(m.left <= m.fresh + m.entered + (w ? 0 : 2 * 5));
			assert_int_equal((int)m.fresh + (int)m.entered - (int)m.left, (int)size - 200);
			assert_true(m.fresh >= 10 && m.fresh <= 40);
			assert_true(m.entered <= 2 * 5 + (w ? 0u : 20u));
			if (w == 0 && way == 2)
				assert_true(m.left == 0 && m.entered == 0 && m.fresh == 20); /* the old quotas stay as they are */
		}
		pool_release(&after);
	}
	pool_release(&before);
}

/* One scenario more: the calls of others keep their side but for the bound of the header, here two a stratum. */
static void one_scenario_more(void **state)
{
	(void)state;
	struct pool before = POOL_INIT, after = POOL_INIT;
	fill(&before, "c", 3000);
	for (size_t i = 0; i < 180; i++)
		add_call(&before, arena_printf(&before.arena, "scenario-%zu/young/%zu", i % 30, i), "synthetic",
			(int)(i % 30 % 5), "");
	copy(&after, &before);
	for (size_t i = 0; i < 6; i++)
		add_call(&after, arena_printf(&after.arena, "bank-new/young/%zu", i), "synthetic", 1, "");
	reduce("", &before);
	reduce("", &after);
	struct moved m = moved(&before, &after);
	assert_true(m.left <= m.fresh + 2 && m.entered <= 2 * 5);
	assert_true(m.left + m.entered + m.fresh <= 6);
	pool_release(&before);
	pool_release(&after);
}

/* Children of real calls come: nobody's place in the order changes, though families grow. */
static void children_follow_their_parents(void **state)
{
	(void)state;
	struct pool before = POOL_INIT, after = POOL_INIT;
	fill(&before, "c", 1000);
	copy(&after, &before);
	for (size_t i = 0; i < 1000; i++) /* every family doubles: with the quotas, so that the same families are chosen */
		add_call(&after, arena_printf(&after.arena, "c/%05zu+e.0", i), "enhanced", 0,
			arena_printf(&after.arena, ",\"parents\":[\"c/%05zu\"]", i));
	reduce("", &before);
	reduce("", &after);
	struct moved m = moved(&before, &after);
	assert_int_equal(m.left, 0);
	assert_int_equal(m.entered, 0);
	assert_int_equal(m.fresh, 100);
	pool_release(&before);
	pool_release(&after);
}

/* Texts are not read; through dedupe they count only where they change a family. */
static void a_changed_text_changes_no_membership(void **state)
{
	(void)state;
	struct pool before = POOL_INIT, after = POOL_INIT;
	struct draw d;
	draw_init(&d, 1, STR("bench"), "texts");
	for (size_t i = 0; i < 300; i++)
		add_call(&before, arena_printf(&before.arena, "c/%03zu", i), "asr", (int)(i % 5),
			arena_printf(&before.arena, ",\"turns\":[{\"role\":\"left\",\"text\":\"%016llx\"}]",
				(unsigned long long)draw_u64(&d)));
	copy(&after, &before);
	for (size_t i = 0; i < 300; i += 3) {
		struct json *call = json_copy(&after.arena, after.v[i].call);
		json_set_text(&after.arena, json_first(json_get(call, "turns")), "text",
			arena_printf(&after.arena, "又一次%016llx", (unsigned long long)draw_u64(&d)));
		after.v[i].call = call;
	}
	reduce_seeded(&stage_dedupe, "", 1, &before);
	reduce_seeded(&stage_dedupe, "", 1, &after);
	pool_settle(&before);
	pool_settle(&after);
	reduce("", &before);
	reduce("", &after);
	assert_int_equal(before.n, 300);
	assert_int_equal(count(&before, "test"), 30);
	struct moved m = moved(&before, &after);
	assert_int_equal(m.left + m.entered + m.fresh, 0);
	/* a call that becomes like another goes where that goes, and nobody else moves by more than the bound */
	struct json *call = json_copy(&after.arena, after.v[4].call);
	json_set_str(&after.arena, json_first(json_get(call, "turns")), "text",
		json_get_str(json_first(json_get(after.v[5].call, "turns")), "text"));
	after.v[4].call = call;
	reduce_seeded(&stage_dedupe, "{action: mark}", 1, &after);
	pool_settle(&after);
	reduce("", &after);
	assert_string_equal(split(&after, "c/004"), split(&after, "c/005"));
	m = moved(&before, &after);
	assert_true(m.left + m.entered <= 2 + 4);
	pool_release(&before);
	pool_release(&after);
}

static void options_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *with, *words;
	} rows[] = {
		{"{size: 10, share: 0.1}", "size or share"},
		{"{strata: [label.fraudtype]}", "'label.fraudtype'"},
		{"{strata: [label.is_fraud|turns]}", "'turns'"},
		{"{sources: [real]}", "'real'"},
		{"{share: 2}", "share"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		assert_int_equal(kit_open(&k, &stage_bench, rows[i].with, ".", &e), ERR_CONFIG);
		assert_non_null(strstr(e.text, rows[i].words));
		kit_close(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_met),
		cmocka_unit_test(strata_are_proportional),
		cmocka_unit_test(strata_are_chosen_by_field),
		cmocka_unit_test(odd_pools),
		cmocka_unit_test(families_are_on_one_side),
		cmocka_unit_test(a_family_counts_where_its_first_call_does),
		cmocka_unit_test(only_families_of_these_sources),
		cmocka_unit_test(order_does_not_count_and_the_seed_does),
		cmocka_unit_test(the_seed_is_in_the_key),
		cmocka_unit_test(ten_percent_more),
		cmocka_unit_test(one_scenario_more),
		cmocka_unit_test(children_follow_their_parents),
		cmocka_unit_test(a_changed_text_changes_no_membership),
		cmocka_unit_test(options_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
