/* The template writer: what comes together is made one (a person, an amount, a firm), goodbyes stay at the end, greetings at the start; slots and attempts
 * differ; hostile calls do no harm. */
#include "provider/script_remix.h"

#include "base/alloc.h"
#include "base/utf8.h"

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
	struct lexicon l;
};

static int open_world(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct err e = ERR_INIT;
	if (lexicon_load(&w->a, "stages/enhance/remix.yaml", &w->l, &e) < 0)
		fail_msg("%s", e.text);
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

/* Turns "L…" and "R…" up to NULL. */
static struct remix_call call_of(struct arena *a, const char *const *turns)
{
	struct remix_call c = {.turns = arena_array(a, 64, sizeof(*c.turns))};
	for (; *turns; turns++)
		c.turns[c.n++] = (struct remix_turn){.left = **turns == 'L', .text = str_of(*turns + 1)};
	return c;
}

static const char *const bank_one[] = {
	"L您好，我是工商银行的客服专员小李，您的账户昨天有一笔异常交易，请问您现在方便吗？",
	"R你好，小李，我是王女士。是什么样的异常交易？", "L王女士，金额是五百元，为了您的资金安全，请您提供一下身份证号码。",
	"R我没有花过五百元啊。我有点担心，你们怎么证明是工商银行的？",
	"L王女士，我理解您的担心，我们是工商银行的官方客服，请您尽快提供，不然账户会被冻结。",
	"R我还是自己去银行柜台核实一下，谢谢，再见。", "L好的，如果有任何问题可以随时联系我们，再见。", NULL};
static const char *const bank_two[] = {
	"L您好，这里是招商银行客服中心，我是客服经理张经理，系统显示您的账户有异常交易，请问您是陈先生吗？",
	"R我是陈先生，张经理，是什么样的异常交易？", "L陈先生，有一笔八千元的转账，为了核实，请您提供一下身份证号码。",
	"R八千元？我没有转过。我有点担心，你们真的是招商银行吗？",
	"L陈先生，请您放心，我们是招商银行的官方客服。现在请您尽快提供身份证号码，我们马上冻结这笔八千元的转账。",
	"R张经理，我要先核实一下，我打招商银行的官方电话问问，再见。", "L好的，陈先生，感谢您的配合，再见。", NULL};
static const char *const bank_three[] = {
	"L您好，我是华夏银行客服小刘，您的账户有异常交易，需要核实您的身份，请问您方便吗？", "R方便，小刘，怎么回事？",
	"L有人在外地刷了您三千元，请您提供一下身份证号码。", "R三千元？我的卡一直在身上。我担心这是诈骗，你怎么证明？",
	"L我的工号是六二一八，您可以放心，请您尽快提供。", "R不用了，小刘，我去银行柜台查一下，再见。",
	"L好的，祝您生活愉快，再见。", NULL};

static struct remix *banks(struct world *w, uint64_t seed, int slot)
{
	struct remix_call *calls = arena_array(&w->a, 3, sizeof(*calls));
	struct remix_wish wish = {
		.novelty = 800, .min_turns = 4, .is_fraud = true, .seed = seed, .slot = slot, .attempts = 6};
	calls[0] = call_of(&w->a, bank_one);
	calls[1] = call_of(&w->a, bank_two);
	calls[2] = call_of(&w->a, bank_three);
	return remix_new(&w->a, &w->l, calls, 3, &wish);
}

static const char *text_of(struct world *w, const struct remix_child *c)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < c->n; i++)
		buf_printf(&b, "%c %.*s\n", c->turns[i].left ? 'L' : 'R', STR_FMT(c->turns[i].text));
	return arena_strdup(&w->a, b.data);
}

/* How many different words of a list stand in a text. */
static size_t kinds_in(const char *text, const struct lexicon_list *list)
{
	size_t n = 0;
	for (size_t i = 0; i < list->n; i++)
		n += str_find(str_of(text), list->v[i]) >= 0;
	return n;
}

/* How many different surnames stand before one of the titles, or behind 小. */
static size_t people_in(const struct world *w, const char *text, const char *title)
{
	const struct lexicon_list *names = &w->l.lists[LEX_NAMES][lexicon_list(&w->l, LEX_NAMES, "surname")];
	size_t n = 0;
	for (size_t i = 0; i < names->n; i++) {
		char word[64];
		snprintf(word, sizeof(word), *title ? "%.*s%s" : "小%.*s", STR_FMT(names->v[i]), title);
		n += strstr(text, word) != NULL;
	}
	return n;
}

static void made_one(void **state)
{
	struct world *w = *state;
	const struct lexicon_list *firms = &w->l.lists[LEX_ENTITIES][lexicon_list(&w->l, LEX_ENTITIES, "bank")];
	size_t mixed = 0;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct remix *r = banks(w, seed, 0);
		struct remix_child c;
		struct err e = ERR_INIT;
		if (remix_write(&w->a, r, 0, &c, &e) < 0)
			fail_msg("%s", e.text);
		const char *text = text_of(w, &c);
		size_t women = people_in(w, text, "女士"), men = people_in(w, text, "先生");
		if (kinds_in(text, firms) > 1)
			fail_msg("two banks:\n%s", text);
		if (women + men > 1)
			fail_msg("two called persons:\n%s", text);
		if (people_in(w, text, "经理") + people_in(w, text, "") > 1)
			fail_msg("two callers:\n%s", text);
		for (size_t i = 0; i < c.n; i++) {
			bool bye = str_find(c.turns[i].text, STR("再见")) >= 0;
			assert_true(!bye || i + 2 >= c.n);
			assert_true(i == 0 || !str_starts(c.turns[i].text, "您好，这里"));
			assert_int_equal(c.turns[i].left, i % 2 == 0);
			mixed += c.from[i].call != c.from[0].call;
		}
		assert_true(strstr(text, "王女士") == NULL && strstr(text, "陈先生") == NULL); /* drawn anew */
	}
	assert_true(mixed > 60);
}

/* Amounts keep their proportions: one factor for all of a child. */
static void amounts_hold_together(void **state)
{
	struct world *w = *state;
	static const char *const parent[] = {"L您好，这里是外卖服务，请问需要点什么？", "R我要两份套餐，一份三十元对吧？",
		"L对，一份三十元，两份一共六十元，请问送到哪里？", "R送到学校门口，谢谢。",
		"L好的，一共六十元，三十分钟送到，再见。", "R好的，再见。", NULL};
	struct remix_call call = call_of(&w->a, parent);
	struct remix_wish wish = {.novelty = 1000, .min_turns = 4, .attempts = 1};
	for (wish.seed = 1; wish.seed <= 20; wish.seed++) {
		struct remix_child c;
		struct err e = ERR_INIT;
		struct remix *r = remix_new(&w->a, &w->l, &call, 1, &wish);
		assert_int_equal(remix_write(&w->a, r, 0, &c, &e), 0);
		const char *text = text_of(w, &c);
		static const char *const pairs[][2] = {{"六十", "一百二十"}, {"九十", "一百八十"}, {"十五", "三十"},
			{"四十五", "九十"}, {"二十四", "四十八"}, {"三十六", "七十二"}, {"七十五", "一百五十"},
			{"四十八", "九十六"}, {"十八", "三十六"}, {"一百二十", "两百四十"}};
		size_t fits = 0;
		for (size_t i = 0; i < COUNT_OF(pairs); i++) {
			char one[64], both[64];
			snprintf(one, sizeof(one), "一份%s元", pairs[i][0]);
			snprintf(both, sizeof(both), "一共%s元", pairs[i][1]);
			fits += strstr(text, one) && strstr(text, both);
		}
		if (fits != 1)
			fail_msg("%s", text);
	}
}

static void slots_and_attempts_differ(void **state)
{
	struct world *w = *state;
	const char *texts[24];
	size_t n = 0;
	for (int slot = 0; slot < 4; slot++) {
		struct remix *r = banks(w, 5, slot);
		for (int attempt = 0; attempt < 6; attempt++) {
			struct remix_child c;
			struct err e = ERR_INIT;
			assert_int_equal(remix_write(&w->a, r, attempt, &c, &e), 0);
			texts[n] = text_of(w, &c);
			for (size_t i = 0; i < n; i++)
				assert_string_not_equal(texts[i], texts[n]);
			n++;
		}
		struct remix_child again;
		struct err e = ERR_INIT;
		assert_int_equal(remix_write(&w->a, banks(w, 5, slot), 5, &again, &e), 0);
		assert_string_equal(text_of(w, &again), texts[n - 1]);
	}
}

static void tells_what_it_did(void **state)
{
	struct world *w = *state;
	struct remix_child c;
	struct err e = ERR_INIT;
	assert_int_equal(remix_write(&w->a, banks(w, 3, 0), 0, &c, &e), 0);
	bool money = false, pretext = false, outcome = false, person = false;
	for (size_t i = 0; i < c.nredrawn; i++)
		money |= strcmp(c.redrawn[i], "bank") == 0;
	for (size_t i = 0; i < c.naxes; i++) {
		pretext |= strcmp(c.axes[i].name, "pretext") == 0 && str_is(c.axes[i].value, "账户异常");
		outcome |= strcmp(c.axes[i].name, "outcome") == 0;
		person |= strcmp(c.axes[i].name, "person") == 0;
	}
	assert_true(money && pretext && outcome && person);
	assert_int_equal(c.opener, c.from[0].call);
	assert_int_equal(c.closer, c.from[c.n - 1].call);
}

/* Broken, empty, endless and foreign calls: an error or a child, never a crash. */
static void hostile_calls(void **state)
{
	struct world *w = *state;
	static const char *const empty[] = {NULL}, *const nothing[] = {"L", "R", "L", "R", NULL};
	static const char *const one_side[] = {"L您好。", "L您好。", "L再见。", "L再见。", NULL};
	static const char *const signs[] = {"L（笑）", "R((((", "L【】", "R）", "L##END##", "R\xFF\xFE", NULL};
	static const char *const byes[] = {"L再见。", "R再见。", "L再见。", "R再见。", "L再见。", NULL};
	const char *many[60 + 1];
	for (size_t i = 0; i < 60; i++)
		many[i] = i % 2 ? "R嗯，好的，我知道了，您继续说吧。" : "L我再跟您说一遍，金额是五百元，请您尽快处理。";
	many[60] = NULL;
	const char *const *const all[] = {empty, nothing, one_side, signs, byes, many, bank_one};
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		for (size_t k = 0; k < COUNT_OF(all); k++) {
			const struct remix_call calls[] = {call_of(&w->a, all[i]), call_of(&w->a, all[k]), call_of(&w->a, all[i])};
			const struct remix_wish wish = {.novelty = 1000, .min_turns = 2, .seed = i * 10 + k, .attempts = 2};
			const struct remix *r = remix_new(&w->a, &w->l, calls, COUNT_OF(calls), &wish);
			for (int attempt = 0; attempt < 2; attempt++) {
				struct remix_child c;
				struct err e = ERR_INIT;
				int rc = remix_write(&w->a, r, attempt, &c, &e);
				assert_true(rc == 0 || rc == ERR_DATA);
				for (size_t t = 0; rc == 0 && t < c.n; t++)
					assert_true(c.turns[t].text.n > 0 && utf8_invalid(c.turns[t].text) < 0);
			}
		}
	}
}

static void lexicon_mistakes_are_told(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct lexicon l;
	struct err e = ERR_INIT;
	assert_int_equal(lexicon_load(&a, "schemas/labels.yaml", &l, &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "the section 'names' is missing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_one),
		cmocka_unit_test(amounts_hold_together),
		cmocka_unit_test(slots_and_attempts_differ),
		cmocka_unit_test(tells_what_it_did),
		cmocka_unit_test(hostile_calls),
		cmocka_unit_test(lexicon_mistakes_are_told),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
