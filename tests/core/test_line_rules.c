/* What a line of an agent may hold: each rule by lines that keep it and lines that break it. */
#include "core/line_rules.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RULES "stages/synthesize/line_rules.yaml"

static struct arena arena;
static struct line_rules rules;

static int setup(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int rc = line_rules_load(&arena, RULES, &rules, &e);
	if (rc != 0)
		print_error("%s\n", e.text);
	return rc;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static int take(const char *text, struct line_wants wants, struct line *ret, struct err *e)
{
	if (!wants.max_chars)
		wants.max_chars = 60;
	return line_read(&arena, &rules, &wants, str_of(text), ret, e);
}

static void good_lines_pass(void **state)
{
	(void)state;
	static const struct {
		const char *text, *said; /* said NULL: the same */
	} good[] = {
		{"喂，您好，请问是王女士吗？我是江海银行信用卡中心的，工号三七幺零。", NULL},
		{"  您的 App 上能看到 VIP 等级，加我微信或者 QQ 都行。 ", "您的 App 上能看到 VIP 等级，加我微信或者 QQ 都行。"},
		{"“好的，我知道了。”", "好的，我知道了。"},
		{"“好的”，他当时是这么说的，“马上就来”", NULL},
		{"在三号楼B座，四S店旁边，10.5公里，5000块。", NULL},
		{"是这样的：您的件到了。我跟您说：别着急。", NULL},
		{"嗯……我想想——明天下午三点吧！", NULL},
		{"这通对话是录音的，通话结束后请您给个评价。", NULL},
		{"我在看《西游记》呢，你等一下好吗？", NULL},
		{"我是做客服的，用户多，顾客也多。", NULL},
		{"最近有个剧本杀的模拟炒股，玩的人可多了。", NULL},
	};
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct line line;
		struct err e = ERR_INIT;
		if (take(good[i].text, (struct line_wants){0}, &line, &e) != 0)
			fail_msg("'%s': %s", good[i].text, e.text);
		assert_true(str_is(line.text, good[i].said ? good[i].said : good[i].text));
		assert_false(line.hangs_up);
	}
}

static void broken_rules_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *rule;
	} bad[] = {
		{"", "empty: "},
		{" 　\n", "empty: "},
		{"……", "empty: "},
		{"一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四"
		 "五六七八九十一",
			"too_long: "},
		{"您好。\n请问找谁？", "line_break: "},
		{"请您保持电话畅通。##TERMINATE_SIGNAL##", "token: "},
		{"##ENDCALL_SIGNAL##那就这样吧。", "token: "},
		{"请稍等。＃＃查询中＃＃查到了。", "token: "},
		{"好的。<|im_end|>", "token: "},
		{"好的。</s>", "token: "},
		{"API调用失败，无法生成回复。", "token: "},
		{"这里是XX银行的客服。", "placeholder: "},
		{"我的号码是ｘｘｘｘ。", "placeholder: "},
		{"这里是××银行。", "placeholder: "},
		{"请问是王先生/女士吗？", "placeholder: "},
		{"请问是王先生／女士吗？", "placeholder: "},
		{"请问是先生或女士？", "placeholder: "},
		{"我是某某公司的。", "placeholder: "},
		{"请问是[姓名]吗？", "bracket: "},
		{"（犹豫了一下）我再想想。", "bracket: "},
		{"我的地址是（提供地址）。", "bracket: "},
		{"【停顿】好吧。", "bracket: "},
		{"〔笑〕好吧。", "bracket: "},
		{"﹙笑﹚好吧。", "bracket: "},
		{"我的号码是**一三八**。", "markup: "},
		{"# 您好", "markup: "},
		{"`好的`", "markup: "},
		{"- 您好，请讲。", "markup: "},
		{"1. 您好，请讲。", "markup: "},
		{"2、再报一下姓名。", "markup: "},
		{"好的😊谢谢。", "markup: "},
		{"好的→谢谢。", "markup: "},
		{"作为一个AI语言模型，我没有银行卡。", "meta: "},
		{"我会根据用户画像生成合理的回应。", "meta: "},
		{"以上仅为模拟对话。", "meta: "},
		{"客服：您好。", "speaker: "},
		{"A: 您好。", "speaker: "},
		{"我：您好。", "speaker: "},
		{"left：您好。", "speaker: "},
		{"王女士：您好。", "speaker: "},
		{"您好，请讲。用户：我想订餐。", "both_sides: "},
		{"请讲。 我：好的。", "both_sides: "},
		{"您的弟弟currently在我们这里。", "foreign_word: "},
		{"没发现问题。увеличение可能有用。", "foreign_word: "},
		{"ありがとう，再见。", "foreign_word: "},
		{"\xff\xfe", "token: "},
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct line line;
		struct err e = ERR_INIT;
		int rc = take(bad[i].text, (struct line_wants){0}, &line, &e);
		if (rc != ERR_INVALID || strncmp(e.text, bad[i].rule, strlen(bad[i].rule)) != 0)
			fail_msg("'%s': %d %s; expected %s", bad[i].text, rc, e.text, bad[i].rule);
	}
}

static void hanging_up(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool closing;
		const char *rule; /* NULL: fine */
	} cases[] = {
		{"不需要，再见。##ENDCALL_SIGNAL##", false, NULL},
		{"不需要，再见。 ##ENDCALL_SIGNAL## ", false, NULL},
		{"“不需要，再见。”##ENDCALL_SIGNAL##", false, NULL},
		{"你到底是谁？##ENDCALL_SIGNAL##", false, "hang_up_question: "},
		{"是谁?我挂了。##ENDCALL_SIGNAL##", false, "hang_up_question: "},
		{"这样行吗。我挂了##ENDCALL_SIGNAL##", false, "hang_up_question: "},
		{"可以吗##ENDCALL_SIGNAL##", false, "hang_up_question: "},
		{"##ENDCALL_SIGNAL##", false, "empty: "},
		{"再见。##ENDCALL_SIGNAL####ENDCALL_SIGNAL##", false, "token: "},
		{"好的，谢谢，再见。", true, NULL},
		{"好的，谢谢，再见。##ENDCALL_SIGNAL##", true, NULL}, /* the signal is taken off, nothing of it is left */
		{"好的，还有什么可以帮您？", true, "closing_question: "},
		{"再见。##TERMINATE_SIGNAL##", true, "token: "},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct line line;
		struct err e = ERR_INIT;
		struct line_wants wants = {.may_hang_up = !cases[i].closing, .closing = cases[i].closing};
		int rc = take(cases[i].text, wants, &line, &e);
		if (cases[i].rule ? rc != ERR_INVALID || strncmp(e.text, cases[i].rule, strlen(cases[i].rule)) != 0 : rc != 0)
			fail_msg("'%s': %d %s", cases[i].text, rc, e.text);
		if (!cases[i].rule) {
			assert_true(line.hangs_up == (strstr(cases[i].text, "##") != NULL));
			assert_true(str_find(line.text, STR("#")) < 0);
		}
	}
	struct line line;
	struct err e = ERR_INIT;
	assert_int_equal(take("不需要，再见。##ENDCALL_SIGNAL##", (struct line_wants){0}, &line, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "token: "));
}

static void open_questions(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool asks;
	} cases[] = {{"您是哪位？", true}, {"您是哪位?”", true}, {"是这样吗。", true}, {"便宜点行不行", true},
		{"您是哪位？我不认识您。", false}, {"这样啊，吗啡可不行。", false}, {"没什么。", false}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct line line;
		struct err e = ERR_INIT;
		assert_int_equal(take(cases[i].text, (struct line_wants){0}, &line, &e), 0);
		if (line.asks != cases[i].asks)
			fail_msg("'%s'", cases[i].text);
	}
}

static void repeats(void **state)
{
	(void)state;
	struct line said[3];
	struct err e = ERR_INIT;
	assert_int_equal(take("您好，请问是王女士吗？我是银行信用卡中心的。", (struct line_wants){0}, &said[0], &e), 0);
	assert_int_equal(take("好的，再见。", (struct line_wants){0}, &said[1], &e), 0);
	struct line_wants wants = {.said = said, .nsaid = 2};
	assert_int_equal(take("您好，请问是王女士吧，我是银行信用卡中心的！", wants, &said[2], &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "repeat: it says nearly the same as line 1"));
	err_clear(&e);
	assert_int_equal(take("好的，再见。", wants, &said[2], &e), 0); /* too short to tell */
	assert_int_equal(take("您的信用卡刚才在外地刷了一笔，是您本人操作的吗？", wants, &said[2], &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines_pass),
		cmocka_unit_test(broken_rules_are_named),
		cmocka_unit_test(hanging_up),
		cmocka_unit_test(open_questions),
		cmocka_unit_test(repeats),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
