/* synthesize with agents: the order of questions, what each side is shown, how calls end, and that every way to misbehave costs a draw or the call. */
#include "base/alloc.h"
#include "stages/synthesize/parts.h"
#include "tests/stages/synthesize/agentkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FRAUD "bank-card-freeze"
#define NORMAL "book-haircut"

static struct agentkit k;

static const struct json *write_call(const char *scenario)
{
	struct work w;
	struct err e = ERR_INIT;
	if (agents_work(&k, agents_item(&k, scenario), &w, &e) != 0)
		fail_msg("%s: %s", scenario, e.text);
	return w.fields;
}

static struct str turn(const struct json *call, size_t i)
{
	return turn_text(json_at(json_get(call, "turns"), i));
}

/* Taking turns from the initiator on, every line by the rules, and the end by who spoke last. */
static void check_clean(const struct json *call)
{
	struct line_rules rules;
	struct err e = ERR_INIT;
	struct line said[64];
	size_t n = 0;
	struct str expected = json_get_str(call, "initiator");
	assert_int_equal(line_rules_load(&k.kit.arena, "stages/synthesize/line_rules.yaml", &rules, &e), 0);
	JSON_EACH(t, json_get(call, "turns")) {
		struct line_wants wants = {.max_chars = 120, .said = said, .nsaid = n};
		assert_true(str_eq(turn_role(t), expected));
		if (line_read(&k.kit.arena, &rules, &wants, turn_text(t), &said[n], &e) != 0)
			fail_msg("%s", e.text);
		assert_true(str_eq(said[n++].text, turn_text(t)));
		assert_true(json_is(json_get(t, "emotion"), JSON_STRING) == k.emotions);
		expected = str_is(expected, "left") ? STR("right") : STR("left");
	}
	struct str by = json_get_str(json_get(call, "termination"), "by");
	assert_true(str_is(by, "natural") || !str_eq(by, expected));
}

static void a_whole_call(void **state)
{
	(void)state;
	agents_open(&k, "count: 30");
	k.over_at = 4;
	const struct json *call = write_call(FRAUD);
	const struct json *right = json_path(call, "profile.right");
	check_clean(call);
	assert_string_equal(agents_steps(&k),
		"left 1 right 1 left 2 right 2 left 3 right 3 manager 3 left 4 right 4 manager 4"
		" closing left closing right");
	assert_int_equal(json_count(json_get(call, "turns")), 10);
	assert_string_equal(kit_json(&k.kit, json_get(call, "termination")),
		"{\"by\":\"natural\",\"reason\":\"话说完了\",\"signal\":\"TERMINATE_SIGNAL\"}");
	assert_true(str_is(json_get_str(call, "source"), "synthetic"));
	assert_true(str_is(json_get_str(json_get(call, "scenario"), "writer"), "llm"));
	assert_true(str_is(json_get_str(json_get(call, "label"), "fraud_type"), "银行诈骗"));
	assert_true(json_get_str(right, "awareness").n > 0 && json_get_str(right, "style").n == 0);
	assert_true(json_get_str(right, "occupation").n > 0 && json_get_int(right, "age", 0) >= 18);
	call = write_call(NORMAL); /* the user dials, and speaks first */
	check_clean(call);
	assert_true(str_starts(str_of(agents_steps(&k)), "right 1 left 1 right 2 left 2"));
	assert_true(str_ends(str_of(agents_steps(&k)), "closing right closing left"));
	right = json_path(call, "profile.right");
	assert_true(json_get_str(right, "style").n > 0 && json_get_str(right, "awareness").n == 0);
	agents_close(&k);
}

static void each_side_sees_itself_as_the_assistant(void **state)
{
	(void)state;
	agents_open(&k, "count: 30, min_turns: 4");
	k.over_at = 2;
	const struct json *call = write_call(FRAUD);
	const struct llmkit_asked *first = agents_asked(&k, "left 1"), *left = agents_asked(&k, "left 2"),
							  *right = agents_asked(&k, "right 2"), *last = agents_asked(&k, "closing right");
	assert_int_equal(json_count(first->messages), 2);
	assert_true(str_is(asked_role(first, 0), "system") && str_is(asked_role(first, 1), "user"));
	/* left: system, begin!, own line, the other's */
	assert_int_equal(json_count(left->messages), 4);
	assert_true(str_eq(asked_text(left, 1), asked_text(first, 1)));
	assert_true(str_is(asked_role(left, 2), "assistant") && str_eq(asked_text(left, 2), turn(call, 0)));
	assert_true(str_is(asked_role(left, 3), "user") && str_eq(asked_text(left, 3), turn(call, 1)));
	/* right: system, the other's, own line, the other's */
	assert_int_equal(json_count(right->messages), 4);
	assert_true(str_is(asked_role(right, 1), "user") && str_eq(asked_text(right, 1), turn(call, 0)));
	assert_true(str_is(asked_role(right, 2), "assistant") && str_eq(asked_text(right, 2), turn(call, 1)));
	assert_true(str_is(asked_role(right, 3), "user") && str_eq(asked_text(right, 3), turn(call, 2)));
	/* the last line is written with the whole call, the other side's last words among it */
	assert_int_equal(json_count(last->messages), 6);
	struct str words = asked_text(last, 5);
	assert_true(str_is(asked_role(last, 5), "user"));
	assert_true(str_starts(words, arena_str(&k.kit.arena, turn(call, 4)).p));
	assert_true(str_find(words, STR("##TERMINATE_SIGNAL##")) > 0);
	assert_true(str_find(words, STR("话说完了")) > 0);
	/* the manager hears both, told apart */
	words = asked_text(agents_asked(&k, "manager 2"), 1);
	for (size_t i = 0; i < 4; i++) {
		const char *line = arena_printf(&k.kit.arena, "%s：%.*s", i % 2 ? "right" : "left", STR_FMT(turn(call, i)));
		assert_true(str_find(words, str_of(line)) >= 0);
	}
	agents_close(&k);
}

static void prompts_say_what_is_known(void **state)
{
	(void)state;
	agents_open(&k, "count: 360, min_turns: 4");
	k.over_at = 2;
	const struct kit_item *item = agents_item(&k, FRAUD);
	struct work w;
	struct err e = ERR_INIT;
	assert_int_equal(agents_work(&k, item, &w, &e), 0);
	struct str left = asked_text(agents_asked(&k, "left 1"), 0), right = asked_text(agents_asked(&k, "right 1"), 0);
	assert_true(str_find(left, STR("冒充信用卡中心称卡被盗刷")) > 0 && str_find(left, STR("要求验证码")) > 0);
	assert_true(str_find(left, STR("由你拨出")) > 0 && str_find(right, STR("由对方拨出")) > 0);
	/* the called person is not told of the plot */
	assert_true(str_find(right, STR("盗刷")) < 0 && str_find(right, STR("银行诈骗")) < 0 &&
				str_find(right, STR("要求验证码")) < 0);
	const char *age =
		arena_printf(&k.kit.arena, "%lld岁", (long long)json_get_int(json_path(w.fields, "profile.right"), "age", 0));
	assert_true(str_find(right, str_of(age)) > 0);
	/* the signal is made known when it may be used, from the fourth line on */
	assert_true(str_find(right, STR("##")) < 0 && str_find(right, STR("不要道别")) > 0);
	struct str later = asked_text(agents_asked(&k, "right 2"), 0);
	assert_true(str_find(later, STR("##ENDCALL_SIGNAL##")) > 0 && str_find(later, STR("不要道别")) < 0);
	assert_true(str_find(asked_text(agents_asked(&k, "closing left"), 0), STR("##")) < 0);
	/* every scenario's own lines tell every cell what the call is about; no slot stays open */
	for (size_t i = 0; i < k.kit.n; i++) {
		if (agents_work(&k, &k.kit.items[i], &w, &e) != 0)
			fail_msg("%.*s: %s", STR_FMT(k.kit.items[i].id), e.text);
		check_clean(w.fields);
		left = asked_text(agents_asked(&k, "left 1"), 0);
		if (str_find(left, STR("不要照抄：\n")) < 0)
			fail_msg("%.*s: no lines for this person", STR_FMT(k.kit.items[i].id));
		assert_true(str_find(left, STR("{{")) < 0 && str_find(left, STR("<")) < 0);
	}
	agents_close(&k);
}

/* --- Ends --- */

static void who_ends_speaks_last(void **state)
{
	(void)state;
	static const struct {
		const char *terminator, *by, *closing;
	} cases[] = {
		{"natural", "natural", "manager 3 closing left closing right"},
		{"endcall", "natural", "manager 3 closing left closing right"},
		{"left", "left", "manager 3 closing left"},
		{"right", "right", "manager 3 closing left closing right"},
	};
	agents_open(&k, "count: 30");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		k.over_at = 3;
		k.terminator = cases[i].terminator;
		const struct json *call = write_call(FRAUD);
		check_clean(call);
		assert_true(str_ends(str_of(agents_steps(&k)), cases[i].closing));
		assert_true(str_is(json_get_str(json_get(call, "termination"), "by"), cases[i].by));
	}
	agents_close(&k);
}

static void a_question_is_answered_first(void **state)
{
	(void)state;
	static const char *const asking[] = {"那你们什么时候把钱退给我？", "这个钱真的能退给我吗。"};
	agents_open(&k, "count: 30");
	for (size_t i = 0; i < COUNT_OF(asking); i++) {
		k.over_at = 3;
		k.bad_step = "right 3";
		k.bad = asking[i];
		k.bad_draws = 3;
		check_clean(write_call(FRAUD));
		assert_true(str_ends(
			str_of(agents_steps(&k)), "right 3 manager 3 left 4 right 4 manager 4 closing left closing right"));
	}
	agents_close(&k);
}

static void at_most_max_turns(void **state)
{
	(void)state;
	static const struct {
		const char *with;
		size_t turns;
	} cases[] = {{"count: 30, min_turns: 6, max_turns: 10", 10}, {"count: 30, min_turns: 6, max_turns: 11", 10},
		{"count: 30, min_turns: 3, max_turns: 4", 4}, {"count: 30, min_turns: 5, max_turns: 6", 6}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		agents_open(&k, cases[i].with);
		const struct json *call = write_call(NORMAL);
		check_clean(call);
		assert_int_equal(json_count(json_get(call, "turns")), cases[i].turns);
		assert_true(str_ends(str_of(agents_steps(&k)), "closing right closing left"));
		assert_true(str_is(json_get_str(json_get(call, "termination"), "by"), "natural"));
		assert_true(json_get_str(json_get(call, "termination"), "reason").n > 0);
		agents_close(&k);
	}
}

static void a_side_hangs_up(void **state)
{
	(void)state;
	agents_open(&k, "count: 30, min_turns: 4");
	k.over_at = 3;
	k.bad_step = "right 2";
	k.bad = "不用说了，我这就去派出所，再见。##ENDCALL_SIGNAL##";
	k.bad_draws = 3;
	k.terminator = "endcall";
	const struct json *call = write_call(FRAUD);
	check_clean(call);
	assert_string_equal(agents_steps(&k), "left 1 right 1 left 2 right 2 hang-up 4"); /* nothing is said after it */
	assert_true(str_is(turn(call, 3), "不用说了，我这就去派出所，再见。"));
	assert_string_equal(kit_json(&k.kit, json_get(call, "termination")),
		"{\"by\":\"right\",\"reason\":\"话说完了\",\"signal\":\"ENDCALL_SIGNAL\"}");
	struct str words = asked_text(agents_asked(&k, "hang-up 4"), 1);
	assert_true(str_find(words, STR("最后一句是 right 说的")) > 0 && str_find(words, turn(call, 3)) > 0);
	/* both had said goodbye: the manager may say so; whom it names otherwise changes no fact */
	k.terminator = "natural";
	assert_true(str_is(json_get_str(json_get(write_call(FRAUD), "termination"), "by"), "natural"));
	k.terminator = "left";
	assert_true(str_is(json_get_str(json_get(write_call(FRAUD), "termination"), "by"), "right"));
	agents_close(&k);
}

static struct llmkit_answer (*behaving)(void *arg, const struct llmkit_asked *asked);

static struct llmkit_answer a_slip(void *arg, const struct llmkit_asked *asked)
{
	if (strcmp(asked->step, "right 2") == 0)
		return (struct llmkit_answer){.content = "我这会儿在外面呢，信号不太好。##ENDCALL_SIGNAL##"};
	if (strcmp(asked->step, "hang-up 4") == 0)
		return (struct llmkit_answer){
			.content = "{\"should_terminate\":false,\"terminator\":\"natural\",\"reason\":\"还在等回答\"}"};
	return behaving(arg, asked);
}

static void a_signal_by_mistake(void **state)
{
	(void)state;
	agents_open(&k, "count: 30, min_turns: 4");
	k.over_at = 3;
	behaving = k.llm.answer;
	k.llm.answer = a_slip;
	const struct json *call = write_call(FRAUD);
	check_clean(call);
	assert_string_equal(agents_steps(&k), "left 1 right 1 left 2 right 2 hang-up 4 manager 2 left 3 right 3 manager 3"
										  " closing left closing right");
	assert_true(str_is(turn(call, 3), "我这会儿在外面呢，信号不太好。"));
	assert_true(str_is(asked_text(agents_asked(&k, "left 3"), 5), "我这会儿在外面呢，信号不太好。"));
	agents_close(&k);
}

/* --- Misbehaviour --- */

static void every_defect_costs_a_draw_or_the_call(void **state)
{
	(void)state;
	static const struct {
		const char *step, *answer, *words;
	} cases[] = {
		{"right 3", "你能说得详细一点吗？##ENDCALL_SIGNAL##", "hang_up_question"},
		{"right 1", "我不需要，再见。##ENDCALL_SIGNAL##", "token"}, /* too early: the call would have one exchange */
		{"closing left", "请问还有什么可以帮您？", "closing_question"},
		{"closing left", "感谢您的接听，再见。##TERMINATE_SIGNAL##", "token"},
		{"closing right", "（挂断电话）", "bracket"},
		{"closing right", "", "the answer is empty"},
		{"left 1", "您好，这里是XX银行客服中心。", "placeholder"},
		{"left 2", "请问是[姓名]先生/女士吗？", "placeholder"},
		{"right 2", "（犹豫了一下）我的卡在家里。", "bracket"},
		{"left 2", "请报一下**尾号**。", "markup"},
		{"left 2", "请报尾号。<|im_end|>", "token"},
		{"left 2", "API调用失败，无法生成回复。", "token"},
		{"left 2", "客服：请报一下尾号。", "speaker"},
		{"left 2", "请报一下尾号。用户：尾号三七幺零。", "both_sides"},
		{"right 2", "我会根据用户画像生成合理的回应。", "meta"},
		{"right 2", "您的弟弟currently在我们这里。", "foreign_word"},
		{"left 2", "您好，请问是本人吗？我这边是江海银行信用卡中心的呀。", "repeat"},
		{"left 2", "请报尾号。\n您看可以吗？", "line_break"},
		{"manager 3", "{\"should_terminate\":true,\"terminator\":\"user结束\",\"reason\":\"挂了\"}", "terminator"},
		{"manager 3", "{\"should_terminate\":\"yes\",\"terminator\":\"left\",\"reason\":\"挂了\"}", "should_terminate"},
		{"manager 3", "通话应该结束了。", ""},
	};
	agents_open(&k, "count: 30");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct work w;
		struct err e = ERR_INIT;
		k.over_at = 4;
		k.bad_step = cases[i].step;
		k.bad = cases[i].answer;
		k.bad_draws = 2;
		check_clean(write_call(FRAUD)); /* the third draw will do */
		assert_non_null(strstr(agents_steps(&k), arena_printf(&k.kit.arena, "%s/2", cases[i].step)));
		assert_int_equal(k.llm.invalid, 2);
		k.bad_draws = 3;
		int rc = agents_work(&k, agents_item(&k, FRAUD), &w, &e);
		if (rc != ERR_INVALID || !str_starts(str_of(e.text), cases[i].step) || !strstr(e.text, cases[i].words))
			fail_msg("%s '%s': %d %s", cases[i].step, cases[i].answer, rc, e.text);
	}
	agents_close(&k);
}

static void a_line_of_any_length_is_not_taken(void **state)
{
	(void)state;
	agents_open(&k, "count: 30, max_line_chars: 30");
	k.over_at = 4;
	k.bad_step = "left 3";
	k.bad = "一二三四五六七八九十，一二三四五六七八九十，一二三四五六七八九。";
	k.bad_draws = 1;
	check_clean(write_call(FRAUD));
	assert_non_null(strstr(agents_steps(&k), "left 3/1"));
	assert_true(str_find(asked_text(agents_asked(&k, "left 3"), 0), STR("最多30个字")) > 0);
	agents_close(&k);
}

static void emotions_only_when_asked(void **state)
{
	(void)state;
	agents_open(&k, "count: 30, emotions: true");
	k.over_at = 3;
	const struct json *call = write_call(FRAUD);
	check_clean(call);
	assert_true(str_is(json_get_str(json_at(json_get(call, "turns"), 1), "emotion"), "犹豫"));
	assert_true(str_find(asked_text(agents_asked(&k, "left 1"), 0), STR("不耐烦")) > 0);
	assert_non_null(strstr(agents_asked(&k, "left 1")->request, "\"json\":true"));
	/* own lines stand in the history as they were asked for */
	assert_true(str_starts(asked_text(agents_asked(&k, "left 2"), 2), "{\"emotion\":\"严肃\",\"text\":\""));
	k.bad_step = "right 2";
	k.bad_draws = 3;
	static const char *const bad[] = {"{\"emotion\":\"狂喜\",\"text\":\"我没有刷过这笔。\"}", "我没有刷过这笔。",
		"{\"emotion\":\"平静\",\"text\":\"（叹气）我没有刷过。\"}"};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct work w;
		struct err e = ERR_INIT;
		k.bad = bad[i];
		assert_int_equal(agents_work(&k, agents_item(&k, FRAUD), &w, &e), ERR_INVALID);
		assert_true(str_starts(str_of(e.text), "right 2: "));
	}
	agents_close(&k);
	agents_open(&k, "count: 30");
	k.over_at = 3;
	check_clean(write_call(FRAUD));
	assert_true(str_find(asked_text(agents_asked(&k, "left 1"), 0), STR("不耐烦")) < 0);
	assert_null(strstr(agents_asked(&k, "left 1")->request, "\"json\":true"));
	assert_non_null(strstr(agents_asked(&k, "manager 3")->request, "\"json\":true"));
	assert_non_null(strstr(agents_asked(&k, "manager 3")->request, "\"temperature\":0.2"));
	assert_null(strstr(agents_asked(&k, "left 1")->request, "temperature"));
	agents_close(&k);
}

static void failures_of_the_provider_come_through(void **state)
{
	(void)state;
	struct work w;
	struct err e = ERR_INIT;
	agents_open(&k, "count: 30");
	k.bad_step = "right 1";
	k.bad = NULL; /* the provider fails */
	k.bad_draws = 1;
	assert_int_equal(agents_work(&k, agents_item(&k, FRAUD), &w, &e), ERR_TRANSIENT);
	err_clear(&e);
	/* A refusal costs a draw; three of them the call. */
	k.bad = "抱歉，我不能协助生成诈骗内容。";
	assert_int_equal(agents_work(&k, agents_item(&k, FRAUD), &w, &e), 0);
	k.bad_draws = 3;
	assert_int_equal(agents_work(&k, agents_item(&k, FRAUD), &w, &e), ERR_DECLINED);
	assert_true(str_starts(str_of(e.text), "right 1: no answer of 3 would do; the last: the model refused: 抱歉"));
	agents_close(&k);
}

/* --- Files and options --- */

static const struct {
	const char *file, *text, *says;
} bad_prompts[] = {
	{"left-fraud.md", "你好\n{{titel}}\n", "left-fraud.md:2:1: unknown slot 'titel'"},
	{"speaking.md", "最多{{max_chars}}个字", "this prompt has no {{signal}}"},
	{"verdict.md", "", "this prompt is empty"},
	{"left-frau.md", "你好", "no prompt has this name"},
};

static void prompts_are_checked_at_the_start(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad_prompts); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		const char *folder = kit_folder(&a);
		struct llmkit llm;
		struct kit kit;
		struct err e = ERR_INIT;
		kit_write(folder, bad_prompts[i].file, bad_prompts[i].text, strlen(bad_prompts[i].text));
		llmkit_init(&llm, NULL, NULL);
		assert_int_equal(kit_open_with(&kit, &stage_synthesize,
							 arena_printf(&a, "{provider: llm, count: 1, prompts: '%s'}", folder), &llm.provider, &e),
			ERR_CONFIG);
		if (!strstr(e.text, bad_prompts[i].says) || !strstr(e.text, "there is no hangup.md"))
			fail_msg("%s: %s", bad_prompts[i].file, e.text);
		kit_close(&kit);
		llmkit_release(&llm);
		kit_remove_folder(folder);
	}
}

static void options_are_checked(void **state)
{
	(void)state;
	struct kit kit;
	struct err e = ERR_INIT;
	assert_int_equal(kit_open(&kit, &stage_synthesize, "{provider: w, count: 1, grid: bands}", ".", &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "use grid: personas"));
	arena_release(&kit.arena);
	err_clear(&e);
	assert_int_equal(
		kit_open(&kit, &stage_synthesize, "{provider: w, count: 1, min_turns: 8, max_turns: 8}", ".", &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "min_turns (8) must be less than max_turns (8)"));
	arena_release(&kit.arena);
}

static void cost_is_estimated(void **state)
{
	(void)state;
	struct stage_cost few, many;
	agents_open(&k, "count: 1, min_turns: 6, max_turns: 10");
	stage_synthesize.cost(&k.kit.stage, &few);
	assert_int_equal(few.requests, 8 + 2); /* eight lines, verdicts after the sixth and the eighth */
	assert_true(few.tokens_out > 8 * 20 && few.tokens_out < 8 * 100);
	/* what is really asked, when the call has that length */
	k.over_at = 3;
	write_call(FRAUD);
	int64_t bytes = 0;
	for (size_t i = 0; i < k.llm.n; i++)
		bytes += (int64_t)strlen(k.llm.asked[i].request);
	assert_true(few.bytes_in > bytes * 2 / 3 && few.bytes_in < bytes * 3 / 2);
	agents_close(&k);
	agents_open(&k, "count: 1, min_turns: 6, max_turns: 40");
	stage_synthesize.cost(&k.kit.stage, &many);
	assert_true(many.requests == 23 + 9 && many.bytes_in > 2 * few.bytes_in && many.tokens_out > 2 * few.tokens_out);
	k.kit.stage.provider = NULL; /* script */
	stage_synthesize.cost(&k.kit.stage, &many);
	assert_int_equal(many.requests + many.bytes_in + many.tokens_out, 0);
	agents_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_call),
		cmocka_unit_test(each_side_sees_itself_as_the_assistant),
		cmocka_unit_test(prompts_say_what_is_known),
		cmocka_unit_test(who_ends_speaks_last),
		cmocka_unit_test(a_question_is_answered_first),
		cmocka_unit_test(at_most_max_turns),
		cmocka_unit_test(a_side_hangs_up),
		cmocka_unit_test(a_signal_by_mistake),
		cmocka_unit_test(every_defect_costs_a_draw_or_the_call),
		cmocka_unit_test(a_line_of_any_length_is_not_taken),
		cmocka_unit_test(emotions_only_when_asked),
		cmocka_unit_test(failures_of_the_provider_come_through),
		cmocka_unit_test(prompts_are_checked_at_the_start),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(cost_is_estimated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
