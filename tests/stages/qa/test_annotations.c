/* qa, rules: annotations. */
#include "base/alloc.h"
#include "stages/qa/qa.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TURNS \
	"\"turns\":[{\"text\":\"您好，这里是银行客服，您的账户有异常。\"},{\"text\":\"啊，什么异常？ＡＰＰ显示正常。\"}," \
	"{\"text\":\"请把验证码告诉我，不然账户会被冻结！\"},{\"text\":\"好的，我想想。\"}]"
#define SCENE_THINKING "第1轮中左方自称「这里是银行客服」，谈的是账户问题，没有订餐或打车，最接近咨询客服。"
#define FRAUD_THINKING "对方在第3轮要求「请把验证码告诉我」，并以冻结相威胁，这是典型的诈骗手法。"
#define TYPE_THINKING "第一轮冒充「银行客服」，第3轮索要「验证码」，符合冒充银行的特点。"
#define ANSWER(key, value) "{\"" key "\":" value ",\"reason\":\"根据通话内容判断。\",\"confidence_percent\":90}"
#define ROUND(name, thinking, answer) "\"" name "\":{\"thinking\":\"" thinking "\",\"answer\":" answer "}"
#define GOOD_SCENE ROUND("scene", SCENE_THINKING, ANSWER("scene", "\"咨询客服\""))
#define GOOD_FRAUD ROUND("fraud", FRAUD_THINKING, ANSWER("is_fraud", "true"))
#define GOOD_TYPE ROUND("fraud_type", TYPE_THINKING, ANSWER("fraud_type", "\"银行诈骗\""))
#define LABEL "\"label\":{\"is_fraud\":true,\"fraud_type\":\"银行诈骗\"}"
#define HEAD "\"writer\":\"script\",\"hears\":\"text\","
#define CALL(rounds) "{" TURNS "," LABEL ",\"annotations\":{" HEAD rounds "}}"
#define WITH_SCENE(thinking) \
	CALL(ROUND("scene", thinking, ANSWER("scene", "\"咨询客服\"")) "," GOOD_FRAUD "," GOOD_TYPE)

static struct kit kit;
static struct work work;

static int setup(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int r = kit_open(&kit, &stage_qa, "{rules: annotations}", ".", &e);
	if (r)
		print_message("%s\n", e.text);
	return r;
}

static int teardown(void **state)
{
	(void)state;
	kit_close(&kit);
	return 0;
}

/** "rule/round/turn value" of each finding, parted by "; ". */
static const char *judge_by(struct kit *k, const char *call)
{
	struct err e = ERR_INIT;
	struct work_io io = {.arg = NULL};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	work = (struct work){.stage = &k->stage, .id = STR("a/1"), .arena = &k->arena, .call = kit_parse(k, call), .io = &io};
	int code = qa_sound.process(&work, &e);
	if (code)
		print_message("%s\n", e.text);
	assert_int_equal(code, 0);
	const struct json *findings = json_path(work.fields, "qa.@.findings");
	JSON_EACH(f, findings) {
		const struct json *value = json_get(f, "value");
		buf_printf(
			&b, "%s%.*s/%.*s", b.len ? "; " : "", STR_FMT(json_get_str(f, "rule")), STR_FMT(json_get_str(f, "round")));
		if (json_get(f, "turn"))
			buf_printf(&b, "/%lld", (long long)json_get_int(f, "turn", -1));
		buf_putc(&b, ' ');
		if (json_is(value, JSON_STRING))
			buf_str(&b, value->u.s);
		else
			json_write(&b, value);
		assert_non_null(json_get(f, "limit"));
	}
	return arena_str(&k->arena, buf_view(&b)).p;
}

static const char *judge(const char *call)
{
	return judge_by(&kit, call);
}

static void a_good_one_passes(void **state)
{
	(void)state;
	assert_string_equal(judge(CALL(GOOD_SCENE "," GOOD_FRAUD "," GOOD_TYPE)), "");
	assert_false(work.rejected);
	assert_string_equal(kit_json(&kit, work.fields), "{\"qa\":{\"@\":{\"findings\":[],\"verdict\":\"pass\"}}}");
	/* a normal call has no third round */
	assert_string_equal(
		judge("{" TURNS ",\"label\":{\"is_fraud\":false,\"scene\":\"咨询客服\"},\"annotations\":{" HEAD GOOD_SCENE
			  "," ROUND("fraud", SCENE_THINKING, ANSWER("is_fraud", "false")) "}}"),
		"");
}

static void fields_have_their_place_and_type(void **state)
{
	(void)state;
	assert_string_equal(judge("{" TURNS "," LABEL ",\"annotations\":{}}"),
		"field_missing/ writer; field_missing/ hears; field_missing/ scene; field_missing/ fraud");
	assert_true(work.rejected);
	assert_string_equal(
		judge("{" TURNS "," LABEL ",\"annotations\":{\"writer\":3,\"hears\":\"smell\",\"more\":1," GOOD_SCENE
			  "," GOOD_FRAUD "," GOOD_TYPE "}}"),
		"field_type/ writer; not_in_set/ smell; field_unknown/ more");
	assert_string_equal(judge(CALL("\"scene\":[],\"fraud\":{\"thinking\":\"\",\"answer\":3},\"fraud_type\":{}")),
		"field_type/ scene; field_missing/fraud thinking; field_type/fraud answer; "
		"field_missing/fraud_type thinking; field_missing/fraud_type answer");
	assert_string_equal(
		judge(
			CALL("\"scene\":{\"thinking\":\"" SCENE_THINKING
				 "\",\"answer\":{\"scene\":true,\"is_fraud\":true,\"reason\":7,\"confidence_percent\":101}}," GOOD_FRAUD
				 "," GOOD_TYPE)),
		"field_type/scene scene; field_unknown/scene is_fraud; field_type/scene reason; field_range/scene 101");
	assert_string_equal(judge("{\"turns\":[],\"label\":{},\"annotations\":[]}"),
		"field_missing/ writer; field_missing/ hears; field_missing/ scene; field_missing/ fraud");
}

static void answers_are_in_the_sets_and_as_given(void **state)
{
	(void)state;
	assert_string_equal(
		judge(CALL(ROUND("scene", SCENE_THINKING, ANSWER("scene", "\"银行诈骗\"")) "," GOOD_FRAUD "," GOOD_TYPE)),
		"not_in_set/scene 银行诈骗");
	assert_string_equal(judge(CALL(GOOD_SCENE "," GOOD_FRAUD "," ROUND(
							"fraud_type", TYPE_THINKING, ANSWER("fraud_type", "\"客服诈骗\"")))),
		"label_mismatch/fraud_type 客服诈骗");
	assert_string_equal(
		judge("{" TURNS ",\"label\":{\"is_fraud\":false,\"scene\":\"打车服务\"},\"annotations\":{" HEAD GOOD_SCENE
			  "," GOOD_FRAUD "," GOOD_TYPE "}}"),
		"label_mismatch/scene 咨询客服; label_mismatch/fraud fraud");
}

static void rounds_agree(void **state)
{
	(void)state;
	assert_string_equal(judge(CALL(GOOD_SCENE "," GOOD_FRAUD)), "contradiction/fraud_type no fraud type");
	assert_string_equal(judge("{" TURNS ",\"label\":{\"is_fraud\":false},\"annotations\":{" HEAD GOOD_SCENE
							  "," ROUND("fraud", SCENE_THINKING, ANSWER("is_fraud", "false")) "," GOOD_TYPE "}}"),
		"contradiction/fraud_type a fraud type");
}

static void citations_and_quotations_hold(void **state)
{
	(void)state;
	static const struct {
		const char *call, *findings;
	} cases[] = {
		{WITH_SCENE("左方自称「这里是银行客服」，谈的是账户问题，最接近咨询客服。"), "no_citation/scene 0"},
		{WITH_SCENE("左方在第9轮自称客服，谈的是账户问题，最接近咨询客服这个场景。"),
			"citation_unknown/scene 9; no_citation/scene 0"},
		{WITH_SCENE("左方在第0轮、第2轮谈的是账户问题，最接近咨询客服这个场景。"), "citation_unknown/scene 0"},
		{WITH_SCENE("左方在第99999999999999999999轮、第二轮谈的是账户问题，最接近咨询客服。"),
			"citation_unknown/scene 1000000"},
		{WITH_SCENE("左方在第2轮自称「这里是银行客服」，谈的是账户问题，最接近咨询客服。"),
			"quotation_false/scene/1 这里是银行客服"},
		{WITH_SCENE("左方在第1轮说「把钱转到安全账户」，谈的是账户问题，最接近咨询客服。"),
			"quotation_false/scene/0 把钱转到安全账户"},
		/* punctuation, blanks and width of letters do not count; an ellipsis leaves words out, in order only */
		{WITH_SCENE("右方在第 ２ 轮答「啊 什么异常 app」，谈的是账户问题，最接近咨询客服。"), ""},
		{WITH_SCENE("左方在第1轮说「您好……账户有异常」，谈的是账户问题，最接近咨询客服。"), ""},
		{WITH_SCENE("左方在第1轮说「账户有异常…您好」，谈的是账户问题，最接近咨询客服。"),
			"quotation_false/scene/0 账户有异常…您好"},
		/* one of several, a list, one behind, and those before again */
		{WITH_SCENE("第1轮和第3轮提到「账户」与「验证码」，谈的是账户问题，最接近咨询客服。"), ""},
		{WITH_SCENE("第1、3轮提到「冻结」，「银行」也有，谈的是账户问题，最接近咨询客服。"), ""},
		{WITH_SCENE("第4轮很犹豫，因为听到「验证码」（第3轮），谈的是账户问题，最接近咨询客服。"), ""},
		{WITH_SCENE("第1轮说「银行」，第4轮却说「验证码」，谈的是账户问题，最接近咨询客服。"),
			"quotation_false/scene/3 验证码"},
		/* labels are names; a bracket that is never closed is a quotation to the end */
		{WITH_SCENE("第1轮谈的是账户问题，没有订餐或打车，所以场景最接近「咨询客服」。"), ""},
		{WITH_SCENE("第1轮谈的是账户问题，没有订餐或打车，所以「最接近咨询。"), "quotation_false/scene/0 最接近咨询。"},
		{WITH_SCENE("「」谈的是账户问题，没有订餐或打车，第十轮、第二十轮都没有，第轮、第四次也没有。"),
			"citation_unknown/scene 10; citation_unknown/scene 20; no_citation/scene 0"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *found = judge(cases[i].call);
		if (strcmp(found, cases[i].findings) != 0)
			print_message("case %zu: %s\n", i, found);
		assert_string_equal(found, cases[i].findings);
	}
}

static void texts_are_clean(void **state)
{
	(void)state;
	static const struct {
		const char *call, *findings;
	} cases[] = {
		{WITH_SCENE("已知答案是咨询客服，第1轮谈的是账户问题，没有订餐或打车。"), "leak/scene 已知答案"},
		{WITH_SCENE("作为ＡＩ，我认为第1轮谈的是账户问题，没有订餐或打车。"), "leak/scene 作为ai"},
		{WITH_SCENE("<think>第1轮谈的是账户问题，没有订餐或打车，最接近咨询。</think>"), "markup/scene <think"},
		{WITH_SCENE("第1轮谈的是账户问题，没有订餐或打车。```json 最接近咨询。"), "markup/scene ```"},
		{WITH_SCENE("第1轮谈的是账户问题，没有订餐或打车，最接近\\u0007咨询客服。"), "markup/scene U+0007"},
		{WITH_SCENE("In 第1轮 the caller talks about an account, so this is customer service."), "non_chinese/scene 7"},
		{WITH_SCENE("第1轮是咨询。"), "thinking_short/scene 7"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *found = judge(cases[i].call);
		if (strcmp(found, cases[i].findings) != 0)
			print_message("case %zu: %s\n", i, found);
		assert_string_equal(found, cases[i].findings);
	}
	/* what the call says is no leak */
	assert_string_equal(
		judge(
			"{\"turns\":[{\"text\":\"正确答案是三号。\"}],\"label\":{\"is_fraud\":true},\"annotations\":{" HEAD
			"\"scene\":{\"thinking\":\"第1轮中左方说「正确答案是三号」，像是在办活动，最接近咨询。\","
			"\"answer\":" ANSWER("scene",
				"\"咨询客服\"") "},\"fraud\":{\"thinking\":\"第1轮是骗人的手法，后面还会要钱，非常典型的做法。\","
								"\"answer\":" ANSWER("is_fraud",
									"true") "},\"fraud_type\":{\"thinking\":"
											"\"第1轮是骗人的手法，后面还会要钱，非常典型的做法。\",\"answer\":" ANSWER(
												"fraud_type", "\"彩票诈骗\"") "}}}"),
		"");
	/* the reason is read too */
	assert_string_equal(
		judge(CALL(
			GOOD_SCENE "," GOOD_FRAUD ",\"fraud_type\":{\"thinking\":\"" TYPE_THINKING
					   "\",\"answer\":{\"fraud_type\":\"银行诈骗\",\"reason\":\"fraud\",\"confidence_percent\":1}}")),
		"non_chinese/fraud_type 0");
}

static void marks_instead(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	assert_int_equal(
		kit_open(&k, &stage_qa, "{rules: annotations, action: mark, max_thinking: 30, min_citations: 3}", ".", &e), 0);
	assert_string_equal(judge_by(&k, CALL(GOOD_SCENE "," GOOD_FRAUD "," GOOD_TYPE)),
		"thinking_long/scene 42; no_citation/scene 1; thinking_long/fraud 37; no_citation/fraud 1; "
		"thinking_long/fraud_type 33; no_citation/fraud_type 2");
	assert_false(work.rejected);
	assert_true(str_is(json_get_str(json_path(work.fields, "qa.@"), "verdict"), "pass"));
	kit_close(&k);
}

static void refuses_a_bad_rules_file(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	const char *folder = kit_folder(&a);
	static const struct {
		const char *text, *words;
	} cases[] = {{"leek: [a]", "unknown key"}, {"leaks: a", "list of texts"}, {"markup: [[a]]", "a text"},
		{"leaks: ['']", "empty"}, {"[a]", "keys leaks and markup"}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		kit_write(folder, "leaks.yaml", cases[i].text, strlen(cases[i].text));
		assert_int_equal(kit_open(&k, &stage_qa, "{rules: annotations, leaks: leaks.yaml}", folder, &e), ERR_CONFIG);
		assert_non_null(strstr(e.text, cases[i].words));
		kit_close(&k);
	}
	kit_remove_folder(folder);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_passes),
		cmocka_unit_test(fields_have_their_place_and_type),
		cmocka_unit_test(answers_are_in_the_sets_and_as_given),
		cmocka_unit_test(rounds_agree),
		cmocka_unit_test(citations_and_quotations_hold),
		cmocka_unit_test(texts_are_clean),
		cmocka_unit_test(marks_instead),
		cmocka_unit_test(refuses_a_bad_rules_file),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
