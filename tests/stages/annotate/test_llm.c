/* annotate with a model, from a scripted LLM: what is asked, which answers will do, what the others cost. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"
#include "stages/annotate/ask.h"
#include "tests/stages/import/stagekit.h"
#include "tests/stages/llmkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OBJECT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define THINKING \
	"第1轮对方说「您的账户存在异常交易」，先用一件让人担心的事开头。用户问怎么办之后，第3轮又说「请提供验证码」，把话" \
	"题引到账户的要紧信息上，" \
	"一步接一步，前后都围着账户的事在说，没有谈到吃饭、坐车这些事。"
#define REASON "第1轮和第3轮都在谈账户，事由清楚。"
#define TEXT "provider: llm\n"

extern const struct stage_ops stage_qa;
extern const struct stage_sound qa_sound; /* where its work is */

static struct kit k;
static struct llmkit llm;

/* Answers of a step, by draw; the last one stays. */
struct script {
	struct llmkit_answer scene[4], fraud[4], type[4];
};
static struct script script;

static const char *answer_of(const char *member, const char *thinking)
{
	return arena_printf(&llm.arena, "{%s%s%s\"reason\":\"" REASON "\",\"confidence\":0.87,%s}",
		thinking ? "\"thinking\":\"" : "", thinking ? thinking : "", thinking ? "\"," : "", member);
}

static struct llmkit_answer reply(void *arg, const struct llmkit_asked *asked)
{
	const struct script *s = arg;
	const struct llmkit_answer *of = str_starts(str_of(asked->step), "scene")        ? s->scene
									 : str_starts(str_of(asked->step), "fraud_type") ? s->type
																					 : s->fraud;
	int at = asked->draw;
	while (at > 0 && (at > 3 || !of[at].content))
		at--;
	return of[at];
}

static void setup(const char *with)
{
	struct err e = ERR_INIT;
	llmkit_init(&llm, reply, &script);
	script = (struct script){.scene = {{.content = answer_of("\"scene\":\"咨询客服\"", THINKING)}},
		.fraud = {{.content = answer_of("\"is_fraud\":true", THINKING)}},
		.type = {{.content = answer_of("\"fraud_type\":\"钓鱼诈骗\"", THINKING)}}};
	if (kit_open_with(&k, &stage_annotate, with, &llm.provider, &e))
		fail_msg("%s", e.text);
	k.io = &llm.io;
}

static void teardown(void)
{
	kit_close(&k);
	llmkit_release(&llm);
}

static struct json *call_with(const char *label)
{
	static const char *const texts[] = {"您好，我是客服中心的，您的账户存在异常交易。", "是吗？那我该怎么办？",
		"请提供验证码，我帮您核对。", "我不会告诉你的，再见。"};
	struct json *call = json_object(&k.arena), *turns = json_array(&k.arena);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		json_append(turns, turn_new(&k.arena, i % 2 ? "right" : "left", str_of(texts[i])));
	json_set(&k.arena, call, "turns", turns);
	json_set(&k.arena, call, "label", kit_parse(&k, label));
	json_set_text(&k.arena, call, "initiator", "left");
	return call;
}

#define FRAUD "{\"is_fraud\":true,\"fraud_type\":\"钓鱼诈骗\",\"scene\":\"咨询客服\"}"
#define NORMAL "{\"is_fraud\":false,\"scene\":\"咨询客服\"}"

static int work(const struct json *call, struct work *ret, struct err *e)
{
	return kit_work(&k, "a/1", call, ret, e);
}

static const struct json *annotated(const char *label)
{
	struct err e = ERR_INIT;
	struct work w;
	if (work(call_with(label), &w, &e))
		fail_msg("%s", e.text);
	return w.fields;
}

static const char *failed(const char *label, int code)
{
	static struct err e;
	struct work w;
	err_clear(&e);
	assert_int_equal(work(call_with(label), &w, &e), code);
	assert_null(w.fields);
	return e.text;
}

static struct str text_at(const struct json *v, const char *path)
{
	const struct json *found = json_path(v, path);
	return json_is(found, JSON_STRING) ? found->u.s : STR("");
}

static void has(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("'%s' is not in: %s", words, text);
}

static void has_not(const char *text, const char *words)
{
	if (strstr(text, words))
		fail_msg("'%s' is in: %s", words, text);
}

static void three_rounds(void **state)
{
	(void)state;
	setup(TEXT);
	const struct json *out = annotated(FRAUD);
	assert_int_equal(llm.n, 3);
	assert_string_equal(llm.asked[0].step, "scene");
	assert_string_equal(llm.asked[1].step, "fraud");
	assert_string_equal(llm.asked[2].step, "fraud_type");
	const struct json *notes = json_get(out, "annotations");
	assert_true(str_is(text_at(notes, "writer"), "test:scripted-1"));
	assert_true(str_is(text_at(notes, "hears"), "text"));
	assert_string_equal(kit_json(&k, json_path(notes, "scene.answer")),
		"{\"confidence_percent\":87,\"reason\":\"" REASON "\",\"scene\":\"咨询客服\"}");
	assert_string_equal(kit_json(&k, json_path(notes, "fraud.answer")),
		"{\"confidence_percent\":87,\"is_fraud\":true,\"reason\":\"" REASON "\"}");
	assert_string_equal(kit_json(&k, json_path(notes, "fraud_type.answer")),
		"{\"confidence_percent\":87,\"fraud_type\":\"钓鱼诈骗\",\"reason\":\"" REASON "\"}");
	assert_true(str_is(text_at(notes, "scene.thinking"), THINKING));
	assert_null(json_get(out, "label"));
	llmkit_conforms(&llm, out);
	teardown();
}

/* What annotate takes, qa passes. */
static void qa_passes_it(void **state)
{
	(void)state;
	struct kit qa;
	struct err e = ERR_INIT;
	struct work w;
	setup(TEXT);
	struct json *call = call_with(FRAUD);
	json_set(&k.arena, call, "annotations", json_copy(&k.arena, json_get(annotated(FRAUD), "annotations")));
	assert_int_equal(kit_open(&qa, &stage_qa, "{rules: annotations}", ".", &e), 0);
	w = (struct work){.stage = &qa.stage, .id = STR("a/1"), .arena = &qa.arena, .call = call, .io = &llm.io};
	if (qa_sound.process(&w, &e))
		fail_msg("%s", e.text);
	if (w.rejected)
		fail_msg("%s", kit_json(&qa, w.fields));
	kit_close(&qa);
	teardown();
}

static void what_is_asked(void **state)
{
	(void)state;
	setup(TEXT);
	annotated(FRAUD);
	const char *scene = llmkit_text(&llm, &llm.asked[0]), *fraud = llmkit_text(&llm, &llm.asked[1]),
			   *type = llmkit_text(&llm, &llm.asked[2]);
	has(scene, "第1轮 对方：您好，我是客服中心的");
	has(scene, "第4轮 用户：我不会告诉你的");
	has(scene, "共4轮");
	has(scene, "必须是“咨询客服”");
	has_not(scene, "钓鱼诈骗"); /* a later round's label */
	has_not(scene, "打车服务"); /* another scene */
	has(fraud, "is_fraud 必须是 true");
	has(type, "必须是“钓鱼诈骗”");
	has_not(type, "投资诈骗");
	for (size_t i = 0; i < llm.n; i++) { /* who dialled tells fraud from everyday calls */
		has_not(llmkit_text(&llm, &llm.asked[i]), "拨");
		has_not(llmkit_text(&llm, &llm.asked[i]), "来电");
		has_not(llmkit_text(&llm, &llm.asked[i]), "{{");
	}
	teardown();
}

static void normal_calls_have_two_rounds(void **state)
{
	(void)state;
	setup(TEXT);
	script.fraud[0].content = answer_of("\"is_fraud\":false", THINKING);
	const struct json *out = annotated(NORMAL);
	assert_int_equal(llm.n, 2);
	assert_null(json_path(out, "annotations.fraud_type"));
	has(llmkit_text(&llm, &llm.asked[1]), "is_fraud 必须是 false");
	teardown();
}

static void wrong_label_costs_the_next_draw(void **state)
{
	(void)state;
	setup(TEXT);
	script.fraud[0].content = answer_of("\"is_fraud\":false", THINKING);
	script.fraud[1].content = answer_of("\"is_fraud\":true", THINKING);
	annotated(FRAUD);
	assert_int_equal(llm.n, 4);
	assert_int_equal(llm.invalid, 1);
	assert_string_equal(llm.asked[1].request, llm.asked[2].request);
	assert_int_equal(llm.asked[2].draw, 1);
	teardown();
}

static void wrong_labels_end_in_quarantine(void **state)
{
	(void)state;
	setup(TEXT);
	script.type[0].content = answer_of("\"fraud_type\":\"投资诈骗\"", THINKING);
	const char *said = failed(FRAUD, ERR_INVALID);
	has(said, "fraud_type: no answer of 3 would do");
	has(said, "wrong label: fraud_type is '投资诈骗'");
	has_not(said, "closed set");
	script.type[0].content = answer_of("\"fraud_type\":\"电话诈骗\"", THINKING);
	has(failed(FRAUD, ERR_INVALID), "'电话诈骗', which is not in the closed set");
	teardown();
}

/* A label no closed set has is not paid for. */
static void labels_outside_the_sets_are_not_asked(void **state)
{
	(void)state;
	setup(TEXT);
	has(failed("{\"is_fraud\":true,\"fraud_type\":\"电话诈骗\"}", ERR_DATA), "not in the closed set");
	has(failed("{\"is_fraud\":false,\"scene\":\"看病\"}", ERR_DATA), "not in the closed set");
	assert_int_equal(llm.n, 0);
	teardown();
}

static void texts_that_qa_would_refuse(void **state)
{
	(void)state;
	static const struct {
		const char *thinking, *reason;
	} cases[] = {{"根据给定的标签，这是一通诈骗电话。" THINKING, "leak: "}, {"第1轮说到账户。", "thinking_short"},
		{"对方先说账户有异常交易，再要验证码，用户没有答应，话题从头到尾都没有离开账户，前后一致，没有别的事情夹在里面"
		 "，也没有提到出行、购物、"
		 "用餐这些内容。",
			"no_citation"},
		{THINKING "第9轮又提了一次。", "citation_unknown: 9 turns, the limit is 4"},
		{THINKING "第2轮用户说「我马上转账」。", "quotation_false: words in 「」 that turn 2 does not say"},
		{"```第1轮```" THINKING, "markup: "},
		{"The caller in 第1轮 says that the account has an abnormal transaction and then asks the user for the code "
		 "which nobody should ever give away on the phone.",
			"non_chinese"}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		setup(TEXT);
		script.scene[0].content = answer_of("\"scene\":\"咨询客服\"", cases[i].thinking);
		const char *said = failed(FRAUD, ERR_INVALID);
		has(said, "scene: no answer of 3 would do");
		has(said, cases[i].reason);
		has_not(said, "我马上转账");
		llmkit_forget(&llm);
		script.scene[1].content = answer_of("\"scene\":\"咨询客服\"", THINKING);
		annotated(FRAUD);
		assert_int_equal(llm.n, 4);
		teardown();
	}
}

static void leak_in_the_reason(void **state)
{
	(void)state;
	setup(TEXT);
	script.fraud[0].content =
		"{\"thinking\":\"" THINKING "\",\"reason\":\"根据标签判断\",\"confidence\":1,\"is_fraud\":true}";
	has(failed(FRAUD, ERR_INVALID), "reason: leak: 根据标签");
	script.fraud[0].content = "{\"thinking\":\"" THINKING "\",\"reason\":\" \",\"confidence\":1,\"is_fraud\":true}";
	has(failed(FRAUD, ERR_INVALID), "reason: there is none");
	teardown();
}

/* --- Where the thinking comes from --- */

#define OTHER_THINKING \
	"先听第1轮，对方自称「我是客服中心的」，接着说账户出了异常。到第3轮要的是验证码，用户在第4轮回「我不会告诉你的」" \
	"，可见双方谈的始终是账户的事，" \
	"没有别的内容。"

static const char *scene_thinking(void)
{
	return text_at(annotated(FRAUD), "annotations.scene.thinking").p;
}

static void the_servers_reasoning_comes_first(void **state)
{
	(void)state;
	setup(TEXT);
	script.scene[0].reasoning = OTHER_THINKING;
	assert_string_equal(scene_thinking(), OTHER_THINKING);
	script.scene[0].reasoning = NULL; /* the same within the content */
	script.scene[0].content = arena_printf(
		&llm.arena, "<think>\n%s\n</think>\n\n%s", OTHER_THINKING, answer_of("\"scene\":\"咨询客服\"", THINKING));
	assert_string_equal(scene_thinking(), OTHER_THINKING);
	/* one that tells of the question costs nothing: the answer has its own */
	script.scene[0].reasoning = "用户要求我输出JSON，给定的标签是咨询客服。" OTHER_THINKING;
	script.scene[0].content = answer_of("\"scene\":\"咨询客服\"", THINKING);
	llmkit_forget(&llm);
	assert_string_equal(scene_thinking(), THINKING);
	assert_int_equal(llm.n, 3);
	teardown();
}

static void thinking_of_the_answer_alone(void **state)
{
	(void)state;
	setup(TEXT "thinking: answer\n");
	script.scene[0].reasoning = OTHER_THINKING;
	assert_string_equal(scene_thinking(), THINKING);
	script.scene[0].content = answer_of("\"scene\":\"咨询客服\"", "");
	has(failed(FRAUD, ERR_INVALID), "thinking: there is none");
	teardown();
}

static void missing_thinking(void **state)
{
	(void)state;
	setup(TEXT);
	script.scene[0].content = answer_of("\"scene\":\"咨询客服\"", "");
	has(failed(FRAUD, ERR_INVALID), "thinking: there is none");
	script.scene[0].reasoning = OTHER_THINKING; /* empty, but the server gave one */
	assert_string_equal(scene_thinking(), OTHER_THINKING);
	script.scene[0].content = answer_of("\"scene\":\"咨询客服\"", NULL);
	script.scene[0].reasoning = NULL;
	has(failed(FRAUD, ERR_INVALID), "thinking"); /* the schema wants it */
	teardown();
}

/* --- Forms of answers --- */

static void json_in_a_fence(void **state)
{
	(void)state;
	setup(TEXT);
	script.scene[0].content =
		arena_printf(&llm.arena, "好的，结果如下：\n```json\n%s\n```\n", answer_of("\"scene\":\"咨询客服\"", THINKING));
	annotated(FRAUD);
	assert_int_equal(llm.n, 3);
	teardown();
}

static void answers_that_are_none(void **state)
{
	(void)state;
	static const char *const answers[] = {"这是咨询客服。", "{\"scene\":", "[]", "{\"scene\":\"咨询客服\"}",
		"{\"thinking\":\"" THINKING "\",\"scene\":\"咨询客服\",\"reason\":\"" REASON "\",\"confidence\":95}",
		"{\"thinking\":\"" THINKING "\",\"scene\":\"咨询客服\",\"reason\":\"" REASON "\",\"confidence\":\"高\"}",
		"{\"thinking\":\"" THINKING "\",\"scene\":7,\"reason\":\"" REASON "\",\"confidence\":0.5}"};
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		setup(TEXT);
		script.scene[0].content = answers[i];
		failed(FRAUD, ERR_INVALID);
		assert_int_equal(llm.n, 3);
		assert_int_equal(llm.invalid, 3);
		teardown();
	}
}

static void repair_states_the_fault(void **state)
{
	(void)state;
	setup(TEXT);
	llm.repair = true;
	script.scene[0].content = answer_of("\"scene\":\"打车服务\"", THINKING);
	failed(FRAUD, ERR_INVALID);
	assert_int_equal(llm.n, 6);
	assert_string_equal(llm.asked[1].step, "scene repair");
	has(llmkit_text(&llm, &llm.asked[1]), "wrong label: scene is '打车服务'");
	teardown();
}

static void failures_go_through(void **state)
{
	(void)state;
	setup(TEXT);
	script.fraud[0].content = NULL;
	has(failed(FRAUD, ERR_TRANSIENT), "fraud: scripted failure");
	struct err e = ERR_INIT;
	struct work w;
	assert_int_equal(work(kit_parse(&k, "{\"turns\":[],\"label\":{\"is_fraud\":false}}"), &w, &e), ERR_DATA);
	teardown();
}

static void confidence_is_in_percent(void **state)
{
	(void)state;
	static const struct {
		const char *said;
		int64_t percent;
	} cases[] = {{"0", 0}, {"1", 100}, {"1.0", 100}, {"0.995", 100}, {"0.29", 29}, {"0.57", 57}, {"0.004", 0}};
	setup(TEXT);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		script.scene[0].content = arena_printf(&llm.arena,
			"{\"thinking\":\"" THINKING "\",\"scene\":\"咨询客服\",\"reason\":\"" REASON "\",\"confidence\":%s}",
			cases[i].said);
		const struct json *answer = json_path(annotated(FRAUD), "annotations.scene.answer");
		assert_int_equal(json_get_int(answer, "confidence_percent", -1), cases[i].percent);
	}
	teardown();
}

/* --- A call without a scene --- */

static void the_model_chooses_a_scene(void **state)
{
	(void)state;
	setup(TEXT);
	struct json *call = call_with("{\"is_fraud\":true,\"fraud_type\":\"钓鱼诈骗\"}");
	struct err e = ERR_INIT;
	struct work w;
	json_append(json_get(call, "turns"), turn_new(&k.arena, "left", STR("那我帮您订餐，餐厅的包间要订位吗？")));
	assert_int_equal(work(call, &w, &e), 0);
	const char *asked = llmkit_text(&llm, &llm.asked[0]);
	has(asked, "咨询客服");
	has(asked, "订餐服务");
	has_not(asked, "打车服务"); /* nothing in the call speaks for it */
	assert_string_equal(
		kit_json(&k, json_get(w.fields, "label")), "{\"scene\":\"咨询客服\",\"scene_origin\":\"model\"}");
	script.scene[0].content = answer_of("\"scene\":\"订餐服务\"", THINKING);
	assert_int_equal(work(call, &w, &e), 0);
	assert_true(str_is(text_at(w.fields, "label.scene"), "订餐服务"));
	script.scene[0].content = answer_of("\"scene\":\"打车服务\"", THINKING);
	assert_int_equal(work(call, &w, &e), ERR_INVALID);
	has(e.text, "wrong label: scene is '打车服务'");
	teardown();
}

static void proposals(void **state)
{
	(void)state;
	setup(TEXT);
	struct labels labels;
	struct tables t;
	struct str got[SCENES_PROPOSED];
	struct err e = ERR_INIT;
	const struct table_files files = {
		"stages/annotate/scenes.yaml", "stages/annotate/cues.yaml", "stages/annotate/templates.yaml"};
	memset(&t, 0, sizeof(t));
	assert_int_equal(labels_load(&k.arena, "schemas/labels.yaml", &labels, &e), 0);
	assert_int_equal(tables_load(&k.arena, &files, &labels, &t, &e), 0);
	/* nothing to go by: the default alone */
	struct json *turns = json_array(&k.arena);
	json_append(turns, turn_new(&k.arena, "left", STR("嗯。")));
	assert_int_equal(scenes_proposed(&k.arena, &t, turns, got), 1);
	assert_true(str_is(got[0], "咨询客服"));
	/* a strong one stands first, and never more than the limit */
	turns = json_array(&k.arena);
	json_append(turns, turn_new(&k.arena, "left", STR("您好，餐厅订位吗？要包间吗？几位用餐？")));
	json_append(turns, turn_new(&k.arena, "right",
						   STR("订一桌，叫个车来接我，司机师傅几点到？再预约个时间，公交地铁怎么走？点外卖吧。")));
	json_append(turns, turn_new(&k.arena, "left", STR("好的，订餐、订座都可以。")));
	size_t n = scenes_proposed(&k.arena, &t, turns, got);
	assert_int_equal(n, SCENES_PROPOSED);
	assert_true(str_is(got[0], "订餐服务"));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(str_eq(got[i], got[j]));
	teardown();
}

/* --- Sound --- */

static void features_are_told(void **state)
{
	(void)state;
	setup(TEXT "hears: features\n");
	struct json *call = call_with(FRAUD);
	struct err e = ERR_INIT;
	struct work w;
	json_set(&k.arena, call, "acoustics",
		kit_parse(&k, "{\"left\":{\"speech_ms\":12400,\"pauses\":3,\"speech_rate_msyl_per_s\":5480}}"));
	assert_int_equal(work(call, &w, &e), 0);
	const char *asked = llmkit_text(&llm, &llm.asked[2]);
	has(asked, "每秒约5.5个音节");
	has(asked, "说话的12秒里有3次");
	has_not(asked, "赫兹"); /* it was not measured */
	assert_true(str_is(text_at(w.fields, "annotations.hears"), "features"));
	teardown();
}

static void audio_is_one_part(void **state)
{
	(void)state;
	setup(TEXT "hears: audio\n");
	struct json *call = call_with(FRAUD);
	struct err e = ERR_INIT;
	struct work w;
	json_set(&k.arena, call, "audio", kit_parse(&k, "{\"object\":\"" OBJECT "\"}"));
	assert_int_equal(work(call, &w, &e), 0);
	for (size_t i = 0; i < llm.n; i++) {
		size_t parts = 0;
		JSON_EACH(part, json_get(json_at(llm.asked[i].messages, 1), "content")) {
			if (!str_is(json_get_str(part, "type"), "input_audio"))
				continue;
			assert_string_equal(
				kit_json(&k, part), "{\"format\":\"mp3\",\"object\":\"" OBJECT "\",\"type\":\"input_audio\"}");
			parts++;
		}
		assert_int_equal(parts, 1);
		has(llmkit_text(&llm, &llm.asked[i]), "第1轮 对方：");
		has(llmkit_text(&llm, &llm.asked[i]), "左声道是对方");
	}
	struct stage_fields f = {.nreads = 0};
	stage_annotate.fields(k.stage.params, &f);
	bool object = false;
	for (size_t i = 0; i < f.nreads; i++)
		object |= strcmp(f.reads[i].path, "audio.object") == 0 && !(f.reads[i].flags & FIELD_OPTIONAL);
	assert_true(object);
	teardown();
}

static void text_reads_no_sound(void **state)
{
	(void)state;
	setup(TEXT);
	struct stage_fields f = {.nreads = 0};
	stage_annotate.fields(k.stage.params, &f);
	for (size_t i = 0; i < f.nreads; i++)
		assert_false(str_starts(str_of(f.reads[i].path), "audio") || str_starts(str_of(f.reads[i].path), "acoustics"));
	teardown();
}

/* --- What requests do not depend on --- */

static void a_new_label_asks_nothing_anew(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf labels = BUF_INIT;
	const char *folder = kit_folder(&a), *before[6];
	static const char *const calls[] = {FRAUD, "{\"is_fraud\":true,\"fraud_type\":\"钓鱼诈骗\"}"};
	size_t n = 0;
	assert_int_equal(fs_read("schemas/labels.yaml", 1 << 20, &labels, NULL), 0);
	buf_puts(&labels, "\n");
	CLEANUP(buf_release) struct buf more = BUF_INIT;
	struct str rest = buf_view(&labels), line;
	while (str_line(&rest, &line)) {
		buf_printf(&more, "%.*s\n", STR_FMT(line));
		if (str_starts(line, "fraud_types:"))
			buf_puts(&more, "  - 征婚诈骗\n");
		if (str_starts(line, "scenes:"))
			buf_puts(&more, "  - 物业报修\n");
	}
	kit_write(folder, "labels.yaml", more.data, more.len);
	for (int round = 0; round < 2; round++) {
		setup(round ? arena_printf(&a, TEXT "labels: '%s/labels.yaml'\n", folder) : TEXT);
		for (size_t c = 0; c < COUNT_OF(calls); c++)
			annotated(calls[c]);
		assert_int_equal(llm.n, 6);
		for (size_t i = 0; i < llm.n; i++) {
			if (round)
				assert_string_equal(before[i], llm.asked[i].request);
			else
				before[n++] = arena_strdup(&a, llm.asked[i].request);
			has_not(llm.asked[i].request, "征婚诈骗");
		}
		teardown();
	}
	kit_remove_folder(folder);
}

/* --- Configuration --- */

static const char *refused(const char *with, const struct provider *provider)
{
	static struct err e;
	err_clear(&e);
	assert_int_equal(kit_open_with(&k, &stage_annotate, with, provider, &e), ERR_CONFIG);
	kit_close(&k);
	return e.text;
}

static void configurations_that_are_wrong(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	const char *folder = kit_folder(&a);
	llmkit_init(&llm, reply, &script);
	kit_write(folder, "system.md", "{{label}} 你是\n", strlen("{{label}} 你是\n"));
	kit_write(folder, "scne.md", "x", 1);
	has(refused(TEXT "hears: audio\n", NULL), "hears: audio needs a writer that can listen");
	has(refused(TEXT "min_thinking: 9\nmax_thinking: 8\n", &llm.provider), "min_thinking (9) is over");
	const char *said = refused(arena_printf(&a, TEXT "prompts: '%s'\n", folder), &llm.provider);
	has(said, "system.md:1:1: unknown slot 'label'");
	has(said, "no prompt of the name 'scne'; did you mean 'scene'?");
	has(refused(arena_printf(&a, TEXT "prompts: ['stages/annotate/prompts', '%s/system.md']\n", folder), &llm.provider),
		"another file for the prompt system");
	has(refused(TEXT "prompts: ['stages/annotate/prompts/system.md']\n", &llm.provider), "there is no file call.md");
	llmkit_release(&llm);
	kit_remove_folder(folder);
}

static void cost_is_told(void **state)
{
	(void)state;
	struct stage_cost c = {0};
	setup(TEXT);
	annotated(FRAUD);
	int64_t sent = 0;
	for (size_t i = 0; i < llm.n; i++)
		sent += (int64_t)strlen(llmkit_text(&llm, &llm.asked[i]));
	stage_annotate.cost(&k.stage, &c);
	assert_int_equal(c.requests, 3);
	assert_true(c.bytes_in > sent && c.bytes_in < sent + 3 * 2000); /* the call here is shorter than most */
	assert_true(c.tokens_out > 0);
	teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_rounds),
		cmocka_unit_test(qa_passes_it),
		cmocka_unit_test(what_is_asked),
		cmocka_unit_test(normal_calls_have_two_rounds),
		cmocka_unit_test(wrong_label_costs_the_next_draw),
		cmocka_unit_test(wrong_labels_end_in_quarantine),
		cmocka_unit_test(labels_outside_the_sets_are_not_asked),
		cmocka_unit_test(texts_that_qa_would_refuse),
		cmocka_unit_test(leak_in_the_reason),
		cmocka_unit_test(the_servers_reasoning_comes_first),
		cmocka_unit_test(thinking_of_the_answer_alone),
		cmocka_unit_test(missing_thinking),
		cmocka_unit_test(json_in_a_fence),
		cmocka_unit_test(answers_that_are_none),
		cmocka_unit_test(repair_states_the_fault),
		cmocka_unit_test(failures_go_through),
		cmocka_unit_test(confidence_is_in_percent),
		cmocka_unit_test(the_model_chooses_a_scene),
		cmocka_unit_test(proposals),
		cmocka_unit_test(features_are_told),
		cmocka_unit_test(audio_is_one_part),
		cmocka_unit_test(text_reads_no_sound),
		cmocka_unit_test(a_new_label_asks_nothing_anew),
		cmocka_unit_test(configurations_that_are_wrong),
		cmocka_unit_test(cost_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
