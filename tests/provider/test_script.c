/* The dialogue writer: numbers as they are said, every shipped scenario's own tests, and what an edit may and may not change. */
#include "provider/script.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct arena a;
	struct labels labels;
	struct personas personas;
};

static int open_world(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(labels_load(&w->a, "schemas/labels.yaml", &w->labels, &e), 0);
	assert_int_equal(fs_read("stages/synthesize/personas.yaml", 1 << 20, &text, &e), 0);
	assert_true(personas_parse(&w->a, "personas.yaml", buf_view(&text), &w->personas, &p));
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;
	arena_release(&w->a);
	free(w);
	return 0;
}

static struct scenario *parse(struct world *w, const char *file, struct str text)
{
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	struct scenario *s = NULL;
	bool ok = scenario_parse(&w->a, arena_strdup(&w->a, file), text, &s, &p) &&
			  scenario_check(s, &w->labels, &w->personas, &p);
	ok = ok && script_test(s, &w->personas, &p);
	problems_print(&p, &words);
	if (!ok)
		fail_msg("%s", words.data);
	return s;
}

static void numbers(void **state)
{
	(void)state;
	static const struct {
		int64_t n;
		const char *said;
	} cases[] = {{1, "一"}, {2, "两"}, {10, "十"}, {12, "十二"}, {20, "二十"}, {22, "二十二"}, {100, "一百"},
		{105, "一百零五"}, {110, "一百一十"}, {200, "两百"}, {202, "两百零二"}, {1000, "一千"}, {1005, "一千零五"},
		{1012, "一千零一十二"}, {1200, "一千二百"}, {2000, "两千"}, {3500, "三千五百"}, {10000, "一万"},
		{10500, "一万零五百"}, {12000, "一万两千"}, {20000, "两万"}, {100000, "十万"}, {120000, "十二万"},
		{188000, "十八万八千"}, {1000010, "一百万零一十"}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		say_number(&b, cases[i].n);
		assert_string_equal(b.data, cases[i].said);
	}
}

static void times(void **state)
{
	(void)state;
	static const struct {
		int64_t minutes;
		const char *said;
	} cases[] = {{570, "上午九点半"}, {540, "上午九点"}, {720, "中午十二点"}, {840, "下午两点"}, {1155, "晚上七点一刻"},
		{610, "上午十点十分"}, {620, "上午十点二十"}, {905, "下午三点零五"}, {1005, "下午四点三刻"},
		{400, "早上六点四十"}, {0, "凌晨十二点"}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		say_time(&b, cases[i].minutes);
		assert_string_equal(b.data, cases[i].said);
	}
}

static void shipped(void **state)
{
	struct world *w = *state;
	struct fs_names names = {NULL, 0};
	struct err e = ERR_INIT;
	size_t fraud[16] = {0}, scene[16] = {0};
	assert_int_equal(fs_glob("stages/synthesize/scenarios", &names, &e), 0);
	assert_true(names.n >= 30);
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		assert_int_equal(fs_read(names.v[i], 1 << 20, &text, &e), 0);
		struct scenario *s = parse(w, names.v[i], buf_view(&text));
		for (size_t k = 0; k < w->labels.nfraud_types; k++)
			fraud[k] += str_eq(s->fraud_type, w->labels.fraud_types[k]);
		for (size_t k = 0; k < w->labels.nscenes; k++)
			scene[k] += str_eq(s->scene, w->labels.scenes[k]);
	}
	for (size_t k = 0; k < w->labels.nfraud_types; k++)
		assert_true(fraud[k] >= 2);
	for (size_t k = 0; k < w->labels.nscenes; k++)
		assert_true(scene[k] >= 2);
	fs_names_free(&names);
}

static void starter_files(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_release) struct buf fraud = BUF_INIT, normal = BUF_INIT;
	scenario_template(&fraud, STR("new-one"), true, STR("客服诈骗"));
	scenario_template(&normal, STR("new-two"), false, STR("日常购物"));
	parse(w, "new-one.yaml", buf_view(&fraud));
	parse(w, "new-two.yaml", buf_view(&normal));
}

/** The example in docs/scenarios.md is a scenario that passes. */
static void documented(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(fs_read("docs/scenarios.md", 1 << 20, &text, &e), 0);
	char *begin = strstr(text.data, "```yaml\n");
	assert_non_null(begin);
	begin += strlen("```yaml\n");
	char *end = strstr(begin, "```");
	assert_non_null(end);
	parse(w, "shop-eggs.yaml", str_n(begin, (size_t)(end - begin)));
}

static const char *printed(struct world *w, const struct scenario *s, const struct persona *who, uint64_t seed)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct dialogue d;
	struct err e = ERR_INIT;
	if (script_write(&w->a, s, who, seed, &d, &e) != 0)
		fail_msg("%s", e.text);
	script_print(&b, s, who, &d);
	return arena_strdup(&w->a, b.data);
}

static char *edited(const char *text, const char *from, const char *to)
{
	struct buf b = BUF_INIT;
	const char *at = strstr(text, from);
	assert_non_null(at);
	buf_add(&b, text, (size_t)(at - text));
	buf_puts(&b, to);
	buf_puts(&b, at + strlen(from));
	return buf_take(&b);
}

static void deterministic(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	scenario_template(&text, STR("same"), false, STR("日常购物"));
	struct scenario *s = parse(w, "same.yaml", buf_view(&text)), *again = parse(w, "same.yaml", buf_view(&text));
	size_t differ = 0;
	for (uint64_t seed = 0; seed < 50; seed++) {
		const struct persona *who = &w->personas.v[seed % w->personas.n];
		assert_string_equal(printed(w, s, who, seed), printed(w, again, who, seed));
		differ += strcmp(printed(w, s, who, seed), printed(w, s, who, seed + 1000)) != 0;
	}
	assert_true(differ > 40);
}

/** A line added to a list changes only calls that come to say it; the order of keys in a map changes none. */
static void small_edits(void **state)
{
	struct world *w = *state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	scenario_template(&text, STR("edit"), false, STR("日常购物"));
	CLEANUP(free_ptr)
	char *more = edited(text.data, "        - 可以，给我留一个<吧|>。\n",
		"        - 可以，给我留一个<吧|>。\n        - 新加的一句话。\n");
	CLEANUP(free_ptr)
	char *swapped = edited(text.data,
		"  商品: [电饭煲, 吹风机, 台灯, 电水壶, 取暖器, 加湿器]\n  价钱: {amount: [60, 300], step: 10}\n",
		"  价钱: {step: 10, amount: [60, 300]}\n  商品: [台灯, 电水壶, 电饭煲, 吹风机, 加湿器, 取暖器]\n");
	struct scenario *s = parse(w, "edit.yaml", buf_view(&text)), *added = parse(w, "edit.yaml", str_of(more)),
					*other = parse(w, "edit.yaml", str_of(swapped));
	size_t says = 0;
	for (uint64_t seed = 0; seed < 90; seed++) {
		const struct persona *who = &w->personas.v[seed % w->personas.n];
		const char *before = printed(w, s, who, seed), *after = printed(w, added, who, seed);
		assert_string_equal(before, printed(w, other, who, seed));
		if (strstr(after, "新加的一句话"))
			says++;
		else
			assert_string_equal(before, after);
	}
	assert_in_range(says, 10, 50);
}

static void slots_stay(void **state)
{
	struct world *w = *state;
	static const char text[] =
		"name: slots\ntitle: 一\nkind: normal\nscene: 日常购物\ninitiator: right\n"
		"slots:\n  甲: [红, 黄, 蓝, 绿]\n  乙: {other: 甲}\n  丙: {other: 甲}\n"
		"  行: [{东西: 苹果, 颜色: 红色}, {东西: 香蕉, 颜色: 黄色}]\n"
		"phases:\n  - {name: 一, lines: {left: [说<甲>和<乙>和<丙>。, 讲<甲>和<乙>和<丙>。], right: [好。, 行。]}}\n"
		"  - {name: 二, lines: {left: [还是<甲>。, 就是<甲>。], right: [好吧。, 行吧。]}}\n"
		"  - name: 三\n    lines:\n      left:\n        - {say: 苹果是<颜色>的。, when: {东西: 苹果}}\n        - {say: "
		"香蕉是<颜色>的。, when: {东西: 香蕉}}\n"
		"      right: [嗯。, 哦。]\n"
		"endings:\n  - {by: natural, reason: 一, lines: {left: [再见。], right: [再见啊。]}}\n  - {by: left, reason: "
		"二, lines: {left: [走了。]}}\n"
		"tests: {runs: 0, must_contain: [说]}\n";
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	struct scenario *s;
	if (!scenario_parse(&w->a, "slots.yaml", str_of(text), &s, &p)) {
		problems_print(&p, &words);
		fail_msg("%s", words.data);
	}
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct dialogue d;
		struct err e = ERR_INIT;
		assert_int_equal(script_write(&w->a, s, &w->personas.v[0], seed, &d, &e), 0);
		struct str first = d.turns[0].text, second = d.turns[2].text, third = d.turns[4].text;
		struct str one = str_n(first.p + 3, 3), two = str_n(first.p + 9, 3), three = str_n(first.p + 15, 3);
		assert_true(str_eq(one, str_n(second.p + 6, 3)));
		assert_false(str_eq(one, two) || str_eq(one, three) || str_eq(two, three));
		assert_true(str_is(third, "苹果是红色的。") || str_is(third, "香蕉是黄色的。"));
	}
}

static void failing_tests_are_told(void **state)
{
	struct world *w = *state;
	static const char *const edits[][3] = {
		{"  min_turns: 6\n", "  min_turns: 20\n  max_turns: 30\n", "turns; wanted are"},
		{"must_contain: [块]", "must_contain: [不存在的词]", "does not contain '不存在的词'"},
		{"must_contain: [块]", "must_contain: [块]\n  never: [块]", "contains '块'"},
		{"must_contain: [块]", "must_contain: [块]\n  some_contain: [没有的]", "no call of"},
		{"    weight: 2\n    reason: 事情办好，双方道别\n    lines:\n",
			"    reason: 事情办好，双方道别\n    lines:\n      first: right\n", "the same side speaks twice"},
		{"  runs: 30\n", "  runs: 3000\n", "too alike"},
	};
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
		CLEANUP(buf_release) struct buf text = BUF_INIT, words = BUF_INIT;
		scenario_template(&text, STR("bad"), false, STR("日常购物"));
		CLEANUP(free_ptr) char *bad = edited(text.data, edits[i][0], edits[i][1]);
		if (i == 0) {
			free(bad);
			bad = edited(text.data, "  min_turns: 6\n  max_turns: 10\n", edits[i][1]);
		}
		struct scenario *s;
		assert_true(scenario_parse(&w->a, "bad.yaml", str_of(bad), &s, &p));
		assert_false(script_test(s, &w->personas, &p));
		problems_print(&p, &words);
		if (!strstr(words.data, edits[i][2]))
			fail_msg("wanted '%s', got %s", edits[i][2], words.data);
	}
}

static void jaccard(void **state)
{
	struct world *w = *state;
	struct script_turn a[] = {{ROLE_LEFT, STR("一二三四，五六")}},
					   b[] = {{ROLE_LEFT, STR("一二三四")}, {ROLE_RIGHT, STR("七")}},
					   c[] = {{ROLE_LEFT, STR("甲乙丙丁戊")}};
	struct dialogue da = {.turns = a, .nturns = 1}, db = {.turns = b, .nturns = 2}, dc = {.turns = c, .nturns = 1};
	struct grams ga = script_grams(&w->a, &da), gb = script_grams(&w->a, &db), gc = script_grams(&w->a, &dc);
	assert_int_equal(ga.n, 3); /* 一二三四 二三四五 三四五六: punctuation is no word */
	assert_int_equal(gb.n, 2);
	assert_float_equal(grams_jaccard(&ga, &ga), 1.0, 1e-9);
	assert_float_equal(grams_jaccard(&ga, &gb), 0.25, 1e-9);
	assert_float_equal(grams_jaccard(&ga, &gc), 0.0, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(times),
		cmocka_unit_test(shipped),
		cmocka_unit_test(starter_files),
		cmocka_unit_test(documented),
		cmocka_unit_test(deterministic),
		cmocka_unit_test(small_edits),
		cmocka_unit_test(slots_stay),
		cmocka_unit_test(failing_tests_are_told),
		cmocka_unit_test(jaccard),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
