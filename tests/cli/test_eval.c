/* The answer in a model's text, and the numbers, on values that can be checked by hand. tests/cases/cli-eval has the second implementation. */
#include "cli/eval.h"

#include "base/alloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORD(lit) {lit, sizeof(lit) - 1}
static const struct eval_labels frauds = {.v = {WORD("fraud"), WORD("normal")}, .n = 2};
static const struct eval_labels types = {.v = {WORD("客服诈骗"), WORD("投资诈骗"), WORD("银行诈骗")}, .n = 3};

static const struct {
	enum eval_task task;
	const char *text;
	enum eval_found found;
	int label;
} texts[] = {
	{EVAL_TYPE, "<think>想</think><answer>{\"fraud_type\": \"投资诈骗\"}</answer>", EVAL_FOUND, 1},
	{EVAL_TYPE, "```json\n{\"fraud_type\":\"银行诈骗\"}\n```", EVAL_FOUND, 2},
	{EVAL_TYPE, "是 {\"fraud_type\":\"客服诈骗\",\"reason\":\"说了 {验证码}\"} 。", EVAL_FOUND, 0},
	{EVAL_TYPE, "{\"fraud_type\":\"银行诈骗\"} 不对，{\"fraud_type\":\"客服诈骗\"}", EVAL_FOUND, 0}, /* the last one */
	{EVAL_TYPE, "{\"fraud_type\":\"银行诈骗\"} {\"reason\":\"补充\"}", EVAL_FOUND, 2}, /* the last with the key */
	{EVAL_TYPE, "{\"fraud_type\":\"银行诈骗\"}<answer>{\"fraud_type\":\"投资诈骗\"}</answer>{\"fraud_type\":\"客服诈骗\"}",
		EVAL_FOUND, 1}, /* the tags say which */
	{EVAL_TYPE, "<answer>投资诈骗</answer>", EVAL_UNPARSABLE, 0},
	{EVAL_TYPE, "<answer>见下</answer> {\"fraud_type\":\"投资诈骗\"}", EVAL_FOUND, 1},
	{EVAL_TYPE, "<answer>{\"fraud_type\":\"投资诈骗\"}", EVAL_FOUND, 1},     /* cut off behind the answer */
	{EVAL_TYPE, "<think>{\"fraud_type\":\"投资诈骗\"}", EVAL_UNPARSABLE, 0}, /* cut off before it */
	{EVAL_TYPE, "{\"fraud_type\":\"投资诈骗\"}</think>{\"fraud_type\":\"客服诈骗\"}", EVAL_FOUND, 0},
	{EVAL_TYPE, "{\"fraud_type\":\" 投资诈骗\\n\"}", EVAL_FOUND, 1},
	{EVAL_TYPE, "{\"fraud_type\":\"冒充客服（客服诈骗）\"}", EVAL_FOUND, 0},
	{EVAL_TYPE, "{\"fraud_type\":\"客服诈骗或投资诈骗\"}", EVAL_INVALID, 0},
	{EVAL_TYPE, "{\"fraud_type\":\"\"}", EVAL_INVALID, 0},
	{EVAL_TYPE, "{\"fraud_type\":null}", EVAL_INVALID, 0},
	{EVAL_TYPE, "{\"fraud_type\":[\"客服诈骗\"]}", EVAL_INVALID, 0},
	{EVAL_TYPE, "{'fraud_type':'客服诈骗'}", EVAL_UNPARSABLE, 0},
	{EVAL_TYPE, "{\"is_fraud\":true}", EVAL_UNPARSABLE, 0},
	{EVAL_TYPE, "", EVAL_UNPARSABLE, 0},
	{EVAL_TYPE, "{{{\"fraud_type\":\"客服诈骗\"}", EVAL_FOUND, 0},
	{EVAL_TYPE, "{\"a\":\"\\\"}\", \"fraud_type\":\"客服诈骗\"}", EVAL_FOUND, 0},
	{EVAL_FRAUD, "{\"is_fraud\": true}", EVAL_FOUND, 0},
	{EVAL_FRAUD, "{\"is_fraud\": false}", EVAL_FOUND, 1},
	{EVAL_FRAUD, "{\"is_fraud\": \"True\"}", EVAL_FOUND, 0},
	{EVAL_FRAUD, "{\"is_fraud\": \"FALSE \"}", EVAL_FOUND, 1},
	{EVAL_FRAUD, "{\"is_fraud\": 1}", EVAL_INVALID, 0},
	{EVAL_FRAUD, "{\"is_fraud\": \"fraud\"}", EVAL_INVALID, 0},
	{EVAL_FRAUD, "true", EVAL_UNPARSABLE, 0},
};

static void answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		int label = 0;
		const struct eval_labels *labels = texts[i].task == EVAL_FRAUD ? &frauds : &types;
		enum eval_found found = eval_answer(texts[i].task, labels, str_of(texts[i].text), &label);
		if (found != texts[i].found || label != texts[i].label)
			fail_msg("%s: %d %d", texts[i].text, found, label);
	}
}

/* Braces without end cost no time to speak of. */
static void hostile(void **state)
{
	(void)state;
	size_t n = (size_t)4 << 20;
	CLEANUP(free_ptr) char *text = xmalloc(n + 1);
	memset(text, '{', n);
	text[n] = '\0';
	int label;
	assert_int_equal(eval_answer(EVAL_TYPE, &types, str_n(text, n), &label), EVAL_UNPARSABLE);
}

static bool near(double a, double b)
{
	return fabs(a - b) < 5e-5;
}

/* Intervals as in Wilson's formula's published examples (Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29). */
static void wilson(void **state)
{
	(void)state;
	static const struct {
		int64_t k, n;
		double low, high;
	} known[] = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718},
		{0, 0, 0, 1}};
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		struct eval_share s;
		eval_wilson(known[i].k, known[i].n, &s);
		if (!near(s.low, known[i].low) || !near(s.high, known[i].high))
			fail_msg("%lld/%lld: %f to %f", (long long)known[i].k, (long long)known[i].n, s.low, s.high);
	}
}

/* 4 items of A, 1 of B: A right twice, once taken for B, once no answer; B right. */
static void scores(void **state)
{
	(void)state;
	struct eval_item items[5] = {{.task = EVAL_FRAUD, .truth = 0, .found = EVAL_FOUND, .predicted = 0},
		{.task = EVAL_FRAUD, .truth = 0, .found = EVAL_FOUND, .predicted = 0},
		{.task = EVAL_FRAUD, .truth = 0, .found = EVAL_FOUND, .predicted = 1},
		{.task = EVAL_FRAUD, .truth = 0, .found = EVAL_UNPARSABLE},
		{.task = EVAL_FRAUD, .truth = 1, .found = EVAL_FOUND, .predicted = 1, .strata = {STR("asr")}}};
	struct eval_bench b = {.items = items, .n = 5};
	struct str asr = STR("asr");
	CLEANUP(free_ptr) struct eval_score *s = xcalloc(1, sizeof(*s));
	b.labels[EVAL_FRAUD] = frauds;
	eval_score(&b, EVAL_FRAUD, STRATUM_SOURCE, NULL, s);
	assert_int_equal(s->items, 5);
	assert_int_equal(s->accuracy.k, 3);
	assert_int_equal(s->confusion[0][2], 1);
	assert_true(near(s->classes[0].precision.value, 1) && near(s->classes[0].recall.value, 0.5));
	assert_true(near(s->classes[1].precision.value, 0.5) && near(s->classes[1].recall.value, 1));
	assert_true(near(s->macro.f1, 2.0 / 3) && near(s->weighted.precision, 0.9) && near(s->micro.precision, 0.75));
	assert_true(near(s->micro.f1, 2.0 * 3 / (4 + 5)));
	eval_score(&b, EVAL_FRAUD, STRATUM_SOURCE, &asr, s);
	assert_int_equal(s->items, 1);
	assert_int_equal(s->nclasses, 1);
	eval_score(&b, EVAL_TYPE, STRATUM_SOURCE, NULL, s);
	assert_int_equal(s->items, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(hostile),
		cmocka_unit_test(wilson),
		cmocka_unit_test(scores),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
