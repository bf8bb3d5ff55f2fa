/* enhance as a whole, over a pool in the project's own words: what a child keeps, what it must not be, and what it does not depend on. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "core/call.h"
#include "stages/enhance/pool.h"
#include "tests/stages/enhance/poolkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define POOL 320

static int64_t rouge_of(struct arena *a, const struct json *x, const struct json *y)
{
	struct rouge_text tx, ty;
	assert_int_equal(pool_text(a, json_get(x, "turns"), &tx, NULL), 0);
	assert_int_equal(pool_text(a, json_get(y, "turns"), &ty, NULL), 0);
	return rouge_permille(rouge_new(a, &tx), &ty, 0);
}

static void check_turns(const struct json *child)
{
	struct str before = STR("");
	size_t n = 0;
	JSON_EACH(turn, json_get(child, "turns")) {
		assert_false(str_eq(turn_role(turn), before)); /* sides take turns */
		assert_true(turn_text(turn).n > 0);
		assert_true(utf8_invalid(turn_text(turn)) < 0);
		assert_true(str_find(turn_text(turn), STR("{")) < 0);
		before = turn_role(turn);
		n++;
	}
	assert_true(n >= 4);
	assert_int_equal(json_count(json_path(child, "enhancement.from")), n);
}

static void check_child(struct poolkit *p, const struct poolkit_call *parent, const struct json *child)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	int64_t most = 0;
	check_turns(child);
	assert_true(str_is(json_get_str(child, "source"), "enhanced"));
	assert_true(str_is(json_path(child, "enhancement.writer")->u.s, "script"));
	assert_true(str_eq(json_at(json_get(child, "parents"), 0)->u.s, parent->id));
	const struct json *label = json_get(child, "label"), *from = json_get(parent->call, "label");
	assert_true(json_equal(json_get(label, "is_fraud"), json_get(from, "is_fraud")));
	assert_true(json_equal(json_get(label, "fraud_type"), json_get(from, "fraud_type")));
	assert_true(json_equal(json_get(label, "scene"), json_get(from, "scene")));
	struct str name = pool_label(&a, parent->call);
	for (size_t i = 0; i < p->n; i++) {
		if (!str_eq(pool_label(&a, p->v[i].call), name))
			continue;
		int64_t like = rouge_of(&a, child, p->v[i].call);
		most = like > most ? like : most;
	}
	assert_int_equal(json_get_int(json_get(child, "enhancement"), "rouge_l_permille", -1), most);
	assert_true(most < 700);
	size_t own = 0;
	JSON_EACH(turn, json_path(child, "enhancement.from")) {
		struct poolkit_call *source = poolkit_find(p, json_get_str(turn, "call").p);
		const struct json *was = json_at(json_get(source->call, "turns"), (size_t)json_get_int(turn, "source_turn", -1));
		const struct json *is = json_at(json_get(child, "turns"), (size_t)json_get_int(turn, "turn", -1));
		assert_true(str_eq(turn_role(was), turn_role(is)));
		own += source == parent;
	}
	assert_true(own > 0);
}

static void children_of_a_big_pool(void **state)
{
	(void)state;
	struct poolkit p;
	size_t made = 0, rejected = 0, bins[10] = {0};
	pool_open(&p, "parents: 100\n");
	pool_synthesize(&p, POOL);
	pool_peers(&p);
	for (size_t i = 0; i < p.n; i++) {
		for (int slot = 0; p.v[i].parent && slot < 2; slot++) {
			struct work w;
			struct err e = ERR_INIT;
			if (pool_work(&p, p.v[i].id.p, slot, &w, &e) < 0)
				fail_msg("%s: %s", p.v[i].id.p, e.text);
			rejected += w.rejected;
			if (w.rejected)
				continue;
			check_child(&p, &p.v[i], w.fields);
			bins[json_get_int(json_get(w.fields, "enhancement"), "rouge_l_permille", 0) / 100]++;
			made++;
		}
	}
	printf("of %zu slots %zu children; ROUGE-L by tenths:", made + rejected, made);
	for (size_t i = 0; i < 10; i++)
		printf(" %zu", bins[i]);
	printf("\n");
	assert_true(made * 10 >= (made + rejected) * 5);
	pool_close(&p);
}

/* The same pool in another order of arrival, slots worked from the last to the first, more slots and more parents: the same children. */
static void nothing_else_decides(void **state)
{
	(void)state;
	struct poolkit one, other;
	size_t compared = 0;
	pool_open(&one, "parents: 12\nper_call: 2\n");
	pool_open(&other, "parents: 30\nper_call: 5\n");
	pool_synthesize(&one, 200);
	for (size_t i = one.n; i-- > 0;)
		poolkit_add(&other, one.v[i].id.p, one.v[i].call);
	pool_peers(&one);
	pool_peers(&other);
	const char *results[24][2];
	for (size_t i = 0, k = 0; i < one.n; i++)
		if (one.v[i].parent)
			results[k][0] = pool_result(&one, one.v[i].id.p, 0), results[k++][1] = pool_result(&one, one.v[i].id.p, 1);
	for (size_t i = one.n, k = 12; i-- > 0;) {
		if (!one.v[i].parent)
			continue;
		k--;
		assert_string_equal(pool_result(&other, one.v[i].id.p, 1), results[k][1]);
		assert_string_equal(pool_result(&other, one.v[i].id.p, 0), results[k][0]);
		if (strncmp(results[k][0], "REJECTED", 8) != 0)
			assert_string_not_equal(results[k][0], results[k][1]);
		compared++;
	}
	assert_int_equal(compared, 12);
	pool_close(&one);
	pool_close(&other);
}

static void the_seed_decides(void **state)
{
	(void)state;
	struct poolkit one, other;
	size_t same = 0, all = 0;
	pool_open(&one, "");
	pool_open(&other, "");
	other.k.stage.seed = 8;
	pool_synthesize(&one, 120);
	pool_synthesize(&other, 120);
	pool_peers(&one);
	pool_peers(&other);
	for (size_t i = 0; i < one.n && all < 20; i += 6, all++)
		same += strcmp(pool_result(&one, one.v[i].id.p, 0), pool_result(&other, one.v[i].id.p, 0)) == 0;
	assert_true(same < all / 2);
	pool_close(&one);
	pool_close(&other);
}

static void what_is_not_new_is_rejected(void **state)
{
	(void)state;
	struct poolkit p;
	struct work w;
	struct err e = ERR_INIT;
	pool_open(&p, "novelty: 0.05\nparents: 5\n");
	pool_synthesize(&p, 120);
	pool_peers(&p);
	for (size_t i = 0; i < p.n; i++) {
		if (!p.v[i].parent)
			continue;
		assert_int_equal(pool_work(&p, p.v[i].id.p, 0, &w, &e), 0);
		assert_true(w.rejected);
		const struct json *f = json_first(json_path(w.fields, "qa.@.findings"));
		assert_true(str_is(json_get_str(f, "rule"), "novelty") || str_is(json_get_str(f, "rule"), "no_fit"));
		assert_null(json_get(w.fields, "turns"));
	}
	pool_close(&p);
}

/* Without peers there is only the parent in other words, which is too like it; what cannot be put together at all says so. */
static void a_parent_alone(void **state)
{
	(void)state;
	static const char *const turns[] = {"L您好，这里是滨江花店，有什么可以帮您？", "R你好，我想订一束百合。",
		"L好的，您打算哪天来取？", "R后天下午来取，可以吗？", "L可以，我给您留好，再见。", "R谢谢，再见。", NULL};
	static const char *const doubled[] = {"L您好。", "L在吗？", "R在。", NULL};
	struct poolkit p;
	struct work w;
	struct err e = ERR_INIT;
	pool_open(&p, "");
	pool_say(&p, "alone", false, "日常购物", turns);
	pool_say(&p, "doubled", false, "打车服务", doubled);
	pool_peers(&p);
	assert_int_equal(pool_work(&p, "alone", 0, &w, &e), 0);
	assert_true(w.rejected);
	assert_int_equal(pool_work(&p, "doubled", 0, &w, &e), 0);
	assert_true(w.rejected);
	assert_true(str_is(json_get_str(json_first(json_path(w.fields, "qa.@.findings")), "rule"), "no_fit"));
	pool_close(&p);
}

static void too_long_a_call_is_told(void **state)
{
	(void)state;
	struct poolkit p;
	struct work w;
	struct err e = ERR_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_putc(&b, 'L');
	for (int i = 0; i < POOL_CHARS_MAX + 1; i++)
		buf_puts(&b, "啊");
	const char *const turns[] = {b.data, "R嗯。", NULL}, *const brief[] = {"L您好。", "R你好。", NULL};
	pool_open(&p, "");
	pool_say(&p, "long", true, "投资诈骗", turns);
	pool_say(&p, "short", true, "投资诈骗", brief);
	pool_peers(&p);
	assert_int_equal(poolkit_find(&p, "short")->npeers, 0); /* the long one is nobody's peer */
	assert_int_equal(pool_work(&p, "long", 0, &w, &e), ERR_TOOBIG);
	pool_close(&p);
}

static void a_slot_before_the_pool_is_a_mistake(void **state)
{
	(void)state;
	static const char *const turns[] = {"L您好，这里是客服中心，请问有什么可以帮您？",
		"R你好，我想查一下我的订单到哪里了。", "L好的，请您稍等，我帮您看一下。", "R好的，谢谢，再见。", NULL};
	struct poolkit p;
	struct work w;
	struct err e = ERR_INIT;
	pool_open(&p, "");
	pool_say(&p, "x", false, "咨询客服", turns);
	pool_say(&p, "y", false, "咨询客服", turns);
	p.v[0].parent = true;
	p.v[0].npeers = 1;
	p.v[0].peers[0] = 1;
	assert_int_equal(pool_work(&p, "x", 0, &w, &e), ERR_BUG);
	pool_close(&p);
}

static void options_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = {"tag: E\n", "tag: ''\n", "novelty: 1.5\n", "peers: 21\n", "draws: 0\n",
		"lexicon: tests/stages/enhance/none.yaml\n"};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		CLEANUP(buf_release) struct buf with = BUF_INIT;
		buf_printf(&with, "provider: writer\n%s", bad[i]);
		if (kit_open(&k, &stage_enhance, with.data, ".", &e) == 0)
			fail_msg("%s", bad[i]);
		kit_close(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_of_a_big_pool),
		cmocka_unit_test(nothing_else_decides),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(what_is_not_new_is_rejected),
		cmocka_unit_test(a_parent_alone),
		cmocka_unit_test(too_long_a_call_is_told),
		cmocka_unit_test(a_slot_before_the_pool_is_a_mistake),
		cmocka_unit_test(options_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
