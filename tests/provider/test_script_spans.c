/* What the template writer finds in a turn: numbers in strict Chinese numerals, amounts, times, people, names of one kind; and what it leaves alone. */
#include "provider/script_spans.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static void numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {{"零", 0}, {"两", 2}, {"十", 10}, {"十二", 12}, {"二十", 20}, {"一百零五", 105}, {"一百一十", 110},
		{"三千五百", 3500}, {"两千零三十", 2030}, {"一万零五十", 10050}, {"五十万", 500000},
		{"一百二十万三千", 1203000}, {"九千九百九十九万", 99990000}, {"", -1}, {"三四百", -1}, {"三千五", -1},
		{"一二三", -1}, {"百", -1}, {"千万", -1}, {"万", -1}, {"一万万", -1}, {"十百", -1}, {"一百二百", -1},
		{"二百一千", -1}, {"一亿", -1}, {"一块", -1}};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (spans_number(str_of(cases[i].text)) != cases[i].value)
			fail_msg("%s: %lld", cases[i].text, (long long)spans_number(str_of(cases[i].text)));
}

/* "kind:text" of all spans of a turn, by blanks. */
static const char *found(struct world *w, const char *text, bool left)
{
	static const char *const names[] = {"left", "right", "other", "money", "clock", "date", "minutes", "digits"};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct spans s;
	struct spans known = {.n = 0};
	spans_find(&w->a, &w->l, NULL, str_of(text), left, &s);
	spans_know(&w->a, &s, &known);
	spans_find(&w->a, &w->l, &known, str_of(text), left, &s);
	spans_settle(&s, 1);
	size_t at = 0;
	for (size_t i = 0; i < s.n; i++) {
		const struct span *v = &s.v[i];
		assert_true(v->from >= at && v->to > v->from && v->to <= strlen(text));
		at = v->to;
		const char *name =
			v->kind < SPAN_ENTITY ? names[v->kind] : w->l.lists[LEX_ENTITIES][v->kind - SPAN_ENTITY].name.p;
		buf_printf(&b, "%s%s:%.*s", i ? " " : "", name, (int)(v->to - v->from), text + v->from);
	}
	return arena_strdup(&w->a, b.data);
}

static void finds(void **state)
{
	static const struct {
		bool left;
		const char *text, *spans;
	} cases[] = {
		/* people */
		{true, "您好，我是客服专员小李。", "left:小李"},
		{true, "客服小张为您服务。", "left:小张"},
		{true, "我是您的投资顾问，李明。", "left:李明"},
		{true, "张先生您好，请问是张建国吗？", "right:张先生 right:张建国"},
		{true, "好的，阿姨，您别着急。", "right:阿姨"},
		{true, "我是王强的朋友，王强出事了。", "other:王强 other:王强"},
		{false, "你好，小李。我是王阿姨。", "left:小李 right:王阿姨"},
		{false, "我叫李建国，您贵姓？", "right:李建国"},
		{false, "我姓张，免贵。", "right:张"},
		{false, "谢谢张经理。", "left:张经理"},
		{true, "请问您是李先生/女士吗？", "right:李先生/女士"},
		{true, "请您小心，马上处理，高峰期要等。", ""},
		/* money */
		{true, "金额是五百元，手续费20块钱。", "money:五百 money:20"},
		{true, "奖金高达五十万元！", "money:五十万"},
		{true, "奖金50万，税金1,000元。", "money:50万 money:1,000"},
		{true, "一共三四百元，或者3.5元。", ""},
		{true, "千万别挂，十万火急，百分之二十。", ""},
		{true, "一块查，两块手表，第一元件。", ""},
		/* times */
		{true, "明天下午三点到账，上午10点半也行。", "tomorrow:明天 clock:10"},
		{true, "晚上七点见，就定七点。", "clock:七 clock:七"},
		{true, "快一点，早一点，有两点要说。", ""},
		{true, "三月十五日发货，十五日见，坐15号线。", "date:十五 date:十五"},
		{true, "大约三十分钟，30至40分钟。", "minutes:三十"},
		/* digits */
		{false, "我的电话是13812345678。", "digits:13812345678"},
		{false, "后四位是六三四二。", "digits:六三四二"},
		{true, "请拨95588或者4001234567，二零二三年。", ""},
		/* names of one kind */
		{true, "这里是工商银行，您在顺丰快递有件包裹。", "bank:工商银行 courier:顺丰快递"},
		{false, "一份牛肉炒饭，送到北京市朝阳区。", "dish:牛肉炒饭"},
		{false, "从北京到上海。", "city:北京 city:上海"},
		{true, "周一至周五营业。", "workdays:周一至周五"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *got = found(*state, cases[i].text, cases[i].left);
		if (strcmp(got, cases[i].spans) != 0)
			fail_msg("%s\n  expected %s\n  got      %s", cases[i].text, cases[i].spans, got);
	}
}

/* Whom a name means is a matter of the whole call. */
static void settles(void **state)
{
	struct world *w = *state;
	static const char *const texts[] = {
		"喂，您好，张伟现在遇到麻烦了。", "张伟是谁？我叫王强。", "王强先生，张伟是您的朋友。"};
	static const int kinds[] = {SPAN_OTHER, SPAN_OTHER, SPAN_RIGHT, SPAN_RIGHT, SPAN_OTHER};
	struct spans turns[3];
	size_t k = 0;
	for (size_t t = 0; t < 3; t++)
		spans_find(&w->a, &w->l, NULL, str_of(texts[t]), t % 2 == 0, &turns[t]);
	turns[0].v[0].kind = SPAN_OTHER; /* as "张伟的朋友" would have told */
	spans_settle(turns, 3);
	for (size_t t = 0; t < 3; t++)
		for (size_t i = 0; i < turns[t].n; i++)
			assert_int_equal(turns[t].v[i].kind, kinds[k++]);
	assert_int_equal(k, COUNT_OF(kinds));
}

/* Any bytes: no crash, spans in order (found() asserts it). */
static void odd_texts(void **state)
{
	static const char *const texts[] = {"", "1", "一", "小", "老", "王", "王先", "周", "点", "元",
		"9999999999999999999999999元", "一一一一一一一一一一一一一一一一一一一一一一一一一一一一元", "\xE5", "\xE5\xBC",
		"张\xFF先生", "１２３元", "5元5元5元", "零元", "0元", "百万", "晚上十三点", "13点", "三十二号", "00000000"};
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		found(*state, texts[i], true);
		found(*state, texts[i], false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(finds),
		cmocka_unit_test(settles),
		cmocka_unit_test(odd_texts),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
