/* Scenario files and personas: what is understood, and every complaint with its place. */
#include "core/scenario.h"

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

/* Lines are counted in the cases below: keep them. */
static const char good[] = "name: good\n"                                                           /* 1 */
						   "title: 问货\n"                                                          /* 2 */
						   "kind: normal\n"                                                         /* 3 */
						   "scene: 日常购物\n"                                                      /* 4 */
						   "initiator: right\n"                                                     /* 5 */
						   "slots:\n"                                                               /* 6 */
						   "  货: [苹果, 梨]\n"                                                     /* 7 */
						   "  价: {amount: [2, 9]}\n"                                               /* 8 */
						   "phases:\n"                                                              /* 9 */
						   "  - name: 开场\n"                                                       /* 10 */
						   "    lines:\n"                                                           /* 11 */
						   "      left: [您好，请讲。, <喂|您好>，您说。]\n"                        /* 12 */
						   "      right: [有<货>吗？, <货>还有没有？]\n"                            /* 13 */
						   "  - name: 价钱\n"                                                       /* 14 */
						   "    lines:\n"                                                           /* 15 */
						   "      left: [有，<价>块一斤。, 有的，<价>块。]\n"                       /* 16 */
						   "      right: {低: [好，来两斤。], 中高: [有点贵，少要点。]}\n"          /* 17 */
						   "  - name: 送货\n"                                                       /* 18 */
						   "    lines:\n"                                                           /* 19 */
						   "      left: [送到哪里？, 要送吗？]\n"                                   /* 20 */
						   "      right: [我自己来拿。, {say: 苹果我自己拿。, when: {货: 苹果}}]\n" /* 21 */
						   "endings:\n"                                                             /* 22 */
						   "  - by: natural\n"                                                      /* 23 */
						   "    reason: 买好\n"                                                     /* 24 */
						   "    lines: {left: [好的，再见。], right: [再见。]}\n"                   /* 25 */
						   "  - by: left\n"                                                         /* 26 */
						   "    reason: 忙\n"                                                       /* 27 */
						   "    lines: {left: [先忙了。]}\n"                                        /* 28 */
						   "tests: {must_contain: [块]}\n";                                         /* 29 */

static const char people[] = "personas:\n"
							 "  - {name: a-low, age: [20, 30], gender: 女, occupation: 店员, awareness: 低, fillers: "
							 "{words: [嗯], probability: 0.5}}\n"
							 "  - {name: b-high, age: [60, 70], gender: 男, occupation: 退休人员, awareness: 高}\n";

static char *replaced(const char *text, const char *from, const char *to)
{
	struct buf b = BUF_INIT;
	const char *at = strstr(text, from);
	assert_non_null(at);
	buf_add(&b, text, (size_t)(at - text));
	buf_puts(&b, to);
	buf_puts(&b, at + strlen(from));
	return buf_take(&b);
}

/** Parse and check; the problems' text in `ret`. */
static bool judge(struct arena *a, const char *text, struct scenario **ret_scenario, struct buf *ret)
{
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct labels labels;
	struct personas personas;
	struct err e = ERR_INIT;
	assert_int_equal(labels_load(a, "schemas/labels.yaml", &labels, &e), 0);
	assert_true(personas_parse(a, "people.yaml", str_of(people), &personas, &p));
	bool ok = scenario_parse(a, "x/good.yaml", str_of(text), ret_scenario, &p);
	if (ok)
		ok = scenario_check(*ret_scenario, &labels, &personas, &p);
	problems_print(&p, ret);
	return ok;
}

static void understood(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	struct scenario *s;
	if (!judge(&a, good, &s, &words))
		fail_msg("%s", words.data);
	assert_true(str_is(s->name, "good") && str_is(s->scene, "日常购物") && !s->is_fraud);
	assert_int_equal(s->initiator, ROLE_RIGHT);
	assert_int_equal(s->nphases, 3);
	assert_int_equal(s->nendings, 2);
	const struct scenario_way *way = &s->phases[0].ways[0];
	assert_int_equal(way->nlines[ROLE_LEFT], 2);
	const struct scenario_text *text = &way->lines[ROLE_LEFT][1].text;
	assert_int_equal(text->n, 2);
	assert_int_equal(text->parts[0].kind, PART_CHOICE);
	assert_int_equal(text->parts[0].noptions, 2);
	way = &s->phases[1].ways[0];
	assert_int_equal(way->nlines[ROLE_RIGHT], 2);
	unsigned both = way->lines[ROLE_RIGHT][0].when.awareness | way->lines[ROLE_RIGHT][1].when.awareness;
	assert_int_equal(both, AWARE_ANY);
	assert_int_equal(way->lines[ROLE_RIGHT][0].when.awareness & way->lines[ROLE_RIGHT][1].when.awareness, 0);
	assert_true(scenario_slot_find(s, STR("价")) >= 0);
	assert_int_equal(scenario_slot_find(s, STR("没有")), -1);
}

static const struct {
	const char *from, *to; /* edit of the good file */
	const char *place, *words;
} cases[] = {
	{"有<货>吗？", "有<货物>吗？", "x/good.yaml:13:", "unknown slot <货物>; did you mean <货>?"},
	{"有<货>吗？", "有<桃子>吗？", "x/good.yaml:13:", "unknown slot <桃子>"},
	{"有<货>吗？", "有<货吗？", "x/good.yaml:13:", "'<' without its '>'"},
	{"有<货>吗？", "有<>吗？", "x/good.yaml:13:", "<> is empty"},
	{"有<货>吗？", "有XX吗？", "x/good.yaml:13:", "'X' cannot be spoken"},
	{"有<货>吗？", "（笑）有吗？", "x/good.yaml:13:", "'（' cannot be spoken"},
	{"有<货>吗？", "有3个吗？", "x/good.yaml:13:", "'3' cannot be spoken"},
	{"有<货>吗？", "有<货>吗", "x/good.yaml:13:", "must end with"},
	{"有<货>吗？, <货>还有没有？", "有<货>吗？", "x/good.yaml:10:", "right has one line only"},
	{"有<货>吗？, <货>还有没有？", "有<货>吗？, 有<货>吗？", "x/good.yaml:13:", "stands twice"},
	{"[苹果, 梨]", "[苹果]", "x/good.yaml:7:", "at least two values"},
	{"[苹果, 梨]", "[苹果, pear]", "x/good.yaml:7:", "'p' cannot be spoken"},
	{"<价>块一斤。, 有的，<价>块。", "三块一斤。, 有的，三块。", "x/good.yaml:8:", "slot '价' is never used"},
	{"{amount: [2, 9]}", "{amount: [9, 2]}", "x/good.yaml:8:", "[lowest, highest]"},
	{"{amount: [2, 9]}", "{prize: 3}", "x/good.yaml:8:", "a slot is a list of values"},
	{"scene: 日常购物", "scene: 购物", "x/good.yaml:4:", "购物"},
	{"scene: 日常购物\n", "", "x/good.yaml:1:", "'scene' is missing"},
	{"scene: 日常购物", "fraud_type: 银行诈骗\nscene: 日常购物", "x/good.yaml:4:", "no fraud_type"},
	{"kind: normal", "kind: usual", "x/good.yaml:3:", "'kind' must be one of: normal, fraud"},
	{"initiator: right", "initiator: user", "x/good.yaml:5:", "must be one of: left, right"},
	{"title: 问货", "titel: 问货", "x/good.yaml:2:1", "unknown key 'titel'"},
	{"name: good", "name: Good", "x/good.yaml:1:", "a-z, 0-9"},
	{"name: good", "name: other", "x/good.yaml:1:", "must be the file's name"},
	{"{低: [好，来两斤。], 中高:", "{低: [好，来两斤。], 太高:", "x/good.yaml:17:", "is no awareness"},
	{"{低: [好，来两斤。], 中高: [有点贵，少要点。]}", "{低: [好，来两斤。, 好。]}",
		"x/good.yaml:14:", "no line for persona 'b-high'"},
	{"when: {货: 苹果}", "when: {货: 香蕉}", "x/good.yaml:21:", "has no value '香蕉'"},
	{"when: {货: 苹果}", "when: {价: 三}", "x/good.yaml:21:", "needs a slot with a list"},
	{"when: {货: 苹果}", "when: {颜色: 红}", "x/good.yaml:21:", "neither awareness"},
	{"by: left\n", "by: right\n", "x/good.yaml:26:", "who hangs up speaks last"},
	{"  - by: left\n    reason: 忙\n    lines: {left: [先忙了。]}\n", "", "x/good.yaml:23:", "at least 2 endings"},
	{"  - name: 送货", "  - name: 开场", "x/good.yaml:18:", "two phases are called"},
	{"tests: {must_contain: [块]}\n", "", "x/good.yaml:1:", "'tests' is missing"},
	{"tests: {must_contain: [块]}", "tests: {runs: 5}", "x/good.yaml:29:", "must_contain is missing"},
	{"    reason: 忙\n", "    reason: 忙\n    when: {occupation: 宇航员}\n", "", ""},
	{"initiator: right", "initiator: right\nsuits: {age: [90, 99]}", "x/good.yaml:1:", "no persona"},
	{"initiator: right", "initiator: [right", "x/good.yaml:", ""},
};

static void complaints(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		CLEANUP(buf_release) struct buf words = BUF_INIT;
		CLEANUP(free_ptr) char *text = replaced(good, cases[i].from, cases[i].to);
		struct scenario *s;
		bool ok = judge(&a, text, &s, &words);
		if (!*cases[i].place && !*cases[i].words)
			continue; /* any outcome, but no crash */
		if (ok || !strstr(words.data, cases[i].place) || !strstr(words.data, cases[i].words))
			fail_msg("case %zu ('%s'): wanted '%s' and '%s', got: %s", i, cases[i].to, cases[i].place, cases[i].words,
				words.data);
	}
}

static void all_at_once(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	CLEANUP(free_ptr) char *one = replaced(good, "title: 问货", "titel: 问货");
	CLEANUP(free_ptr) char *two = replaced(one, "有<货>吗？", "有<鱼>吗？");
	struct scenario *s;
	assert_false(judge(&a, two, &s, &words));
	assert_non_null(strstr(words.data, "'titel'"));
	assert_non_null(strstr(words.data, "<鱼>"));
}

static void shipped_personas(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct err e = ERR_INIT;
	struct personas personas;
	assert_int_equal(fs_read("stages/synthesize/personas.yaml", 1 << 20, &text, &e), 0);
	assert_true(personas_parse(&a, "personas.yaml", buf_view(&text), &personas, &p));
	assert_true(personas.n >= 12);
	unsigned seen = 0;
	for (size_t i = 0; i < personas.n; i++) {
		const struct persona *who = &personas.v[i];
		seen |= (unsigned)who->awareness;
		/* No implausible pairs. */
		assert_false(str_is(who->occupation, "退休人员") && who->age_min < 50);
		assert_false(str_is(who->occupation, "大学生") && (who->age_max > 30 || who->age_min < 17));
	}
	assert_int_equal(seen, AWARE_ANY);
}

static void bad_personas(void **state)
{
	(void)state;
	static const char *const edits[][3] = {
		{"awareness: 低", "awareness: 很低", "must be 低, 中 or 高"},
		{"age: [20, 30]", "age: [30, 20]", "lowest, highest"},
		{"gender: 女", "gender: 其他", "must be 男 or 女"},
		{"name: b-high", "name: a-low", "two personas are called 'a-low'"},
		{"occupation: 店员, ", "", "needs 'occupation'"},
		{"occupation: 店员, ", "occupation: A店员, ", "an occupation is Chinese words"},
		{"name: a-low", "job: x, name: a-low", "unknown key 'job'"},
		{"name: a-low", "name age: x, name: a-low", "unknown key 'name age'"},
		{"name: a-low", "name: a23456789-a23456789-a23456789-a23456789-a", "a persona's name is 1 to 40"},
		{"probability: 0.5", "probability: 5", "fillers:"},
		{"personas:", "people:", "'personas'"},
	};
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		CLEANUP(buf_release) struct buf words = BUF_INIT;
		CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
		CLEANUP(free_ptr) char *text = replaced(people, edits[i][0], edits[i][1]);
		struct personas personas;
		assert_false(personas_parse(&a, "people.yaml", str_of(text), &personas, &p));
		problems_print(&p, &words);
		if (!strstr(words.data, edits[i][2]) || !strstr(words.data, "people.yaml:"))
			fail_msg("'%s': got %s", edits[i][1], words.data);
	}
}

static void unspeakable(void **state)
{
	(void)state;
	assert_int_equal(scenario_unspeakable(STR("您好，一共三十五块。“行吗？”——好……")).n, 0);
	assert_true(str_is(scenario_unspeakable(STR("您好##完")), "#"));
	assert_true(str_is(scenario_unspeakable(STR("好的，")), "") || scenario_unspeakable(STR("好的，")).n == 0);
	assert_true(str_is(scenario_unspeakable(STR("嗨😀")), "😀"));
	assert_true(str_is(scenario_unspeakable(STR("好的 吗")), " "));
	assert_true(str_is(scenario_unspeakable(STR("Ｘ先生")), "Ｘ"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood),
		cmocka_unit_test(complaints),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(shipped_personas),
		cmocka_unit_test(bad_personas),
		cmocka_unit_test(unspeakable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
