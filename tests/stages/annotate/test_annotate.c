/* annotate on calls made for it: every label, every way of hearing, awkward calls, files that are wrong. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "core/call.h"
#include "stages/annotate/annotate.h"
#include "tests/stages/annotate/notes.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT "provider: writer\n"
#define FEATURES "provider: writer\nhears: features\n"

static struct kit k;
static struct labels labels;

static void open_with(const char *with)
{
	struct err e = ERR_INIT;
	if (kit_open(&k, &stage_annotate, with, ".", &e) || labels_load(&k.arena, "schemas/labels.yaml", &labels, &e))
		fail_msg("%s", e.text);
}

/* A call of alternating turns, from the left on; texts NULL-terminated. */
static struct json *make_call(const char *const *texts, const char *label)
{
	struct json *call = json_object(&k.arena), *turns = json_array(&k.arena);
	for (size_t i = 0; texts[i]; i++)
		json_append(turns, turn_new(&k.arena, i % 2 ? "right" : "left", str_of(texts[i])));
	json_set(&k.arena, call, "turns", turns);
	json_set(&k.arena, call, "label", kit_parse(&k, label));
	return call;
}

static void add_voice(struct json *call, int rate, int pauses, int low, int high)
{
	char text[300];
	snprintf(text,
		sizeof(text), "{\"left\":{\"speech_ms\":30000,\"pauses\":%d,\"speech_rate_msyl_per_s\":%d,\"pitch_low_hz\":%d,\"pitch_high_hz\":%d}}",
		pauses, rate, low, high);
	json_set(&k.arena, call, "acoustics", kit_parse(&k, text));
}

static const struct json *annotate(const char *id, const struct json *call)
{
	struct err e = ERR_INIT;
	struct work w;
	if (kit_work(&k, id, call, &w, &e))
		fail_msg("%s: %s", id, e.text);
	return w.fields;
}

static const struct json *checked(const char *id, const struct json *call)
{
	struct notes_count count = {.rounds = 0};
	const struct json *wrote = annotate(id, call);
	const char *wrong = notes_problem(&k.arena, call, wrote, &count);
	if (wrong)
		fail_msg("%s: %s", id, wrong);
	return wrote;
}

static struct str thinking(const struct json *wrote, const char *round)
{
	return json_get_str(json_get(json_get(wrote, "annotations"), round), "thinking");
}

static int64_t percent(const struct json *wrote, const char *round)
{
	return json_get_int(json_get(json_get(json_get(wrote, "annotations"), round), "answer"), "confidence_percent", -1);
}

static const char *const bank[] = {"您好，这里是东方银行的客服中心，您的账户存在异常交易。",
	"啊，怎么回事？我没用过这张卡。", "为了您的资金安全，请您提供身份证号码和银行卡号，否则账户会被冻结。",
	"我有点担心，你怎么证明自己是银行的？", "请您尽快提供，不要告诉别人。", "你是骗子吧，我不会提供的。", NULL};
static const char *const nothing[] = {"请问是张先生吗？", "是我，您是哪位？", "等一下再说吧。", "嗯，行。", NULL};
static const char *const greetings[] = {"喂？", "喂。", NULL};

static void every_label_every_way(void **state)
{
	(void)state;
	static const char *const *const kinds[] = {bank, nothing, greetings};
	static const char *const ways[] = {TEXT, FEATURES}, *const dials[] = {"left", "right", "unknown"},
							 *const ends[] = {"left", "right", "natural", "unknown"}, *const aware[] = {"低", "中", "高"};
	size_t made = 0;
	for (size_t way = 0; way < COUNT_OF(ways); way++) {
		open_with(ways[way]);
		for (size_t i = 0; i < (labels.nfraud_types + labels.nscenes) * 24; i++) {
			size_t which = i / 24;
			bool fraud = which < labels.nfraud_types;
			char label[200], id[60], rest[200];
			struct str name = fraud ? labels.fraud_types[which] : labels.scenes[which - labels.nfraud_types];
			snprintf(label, sizeof(label), "{\"is_fraud\":%s,\"%s\":\"%.*s\"}", fraud ? "true" : "false",
				fraud ? "fraud_type" : "scene", STR_FMT(name));
			struct json *call = make_call(kinds[i % 3], label);
			json_set_text(&k.arena, call, "initiator", dials[i % 3]);
			snprintf(rest, sizeof(rest), "{\"by\":\"%s\"}", ends[i % 4]);
			json_set(&k.arena, call, "termination", kit_parse(&k, rest));
			snprintf(rest, sizeof(rest), "{\"right\":{\"awareness\":\"%s\"}}", aware[i % 3]);
			json_set(&k.arena, call, "profile", kit_parse(&k, rest));
			if (way)
				add_voice(call, 2500 + 1000 * (int)(i % 6), (int)(i % 9), 100, 110 + 15 * (int)(i % 10));
			snprintf(id, sizeof(id), "call/%zu", i);
			const struct json *wrote = checked(id, call);
			assert_true(str_is(json_get_str(json_get(wrote, "annotations"), "hears"), way ? "features" : "text"));
			made++;
		}
		kit_close(&k);
	}
	assert_int_equal(made, 2 * 15 * 24);
}

static void awkward_calls(void **state)
{
	(void)state;
	static char long_turn[18000];
	const char *const latin[] = {"Hello, **this** is <b>ABC</b> bank.", "What? OK!", NULL};
	const char *const mixed[] = {"您好，XX银行（停顿）提醒：您的ABC账户异常##END##", "好的「明白」，谢谢", NULL};
	const char *const empty[] = {"", "", NULL}, *const one[] = {"恭喜您中了一等奖", NULL};
	const char *const endless[] = {long_turn, long_turn, NULL};
	const char *const leak[] = {"正确答案标签已知，您的账户异常，请提供身份证号的标签。", "好的。", NULL};
	const char *const *const all[] = {latin, mixed, empty, one, endless, leak};
	for (size_t i = 0; i + 3 < sizeof(long_turn); i += 3)
		memcpy(long_turn + i, i % 9 ? "汇" : "款", 3);
	open_with(TEXT);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		checked("a/fraud", make_call(all[i], "{\"is_fraud\":true,\"fraud_type\":\"银行诈骗\"}"));
		checked("a/normal", make_call(all[i], "{\"is_fraud\":false,\"scene\":\"日常购物\"}"));
	}
	/* nothing to quote is said plainly, and weighs little */
	const struct json *wrote = checked("a/latin", make_call(latin, "{\"is_fraud\":true,\"fraud_type\":\"银行诈骗\"}"));
	assert_true(str_find(thinking(wrote, "fraud"), STR("「")) < 0);
	assert_true(percent(wrote, "scene") < 50 && percent(wrote, "fraud") < 50 && percent(wrote, "fraud_type") < 50);
	/* 2,000 turns: still short, and turns far behind are named rightly */
	struct json *call = make_call(one, "{\"is_fraud\":true,\"fraud_type\":\"彩票诈骗\"}"), *turns = json_array(&k.arena);
	for (int i = 0; i < CALL_TURNS_MAX; i++)
		json_append(turns, turn_new(&k.arena, i % 2 ? "right" : "left",
							   i == CALL_TURNS_MAX - 2 ? STR("请先支付一笔手续费再领奖") : STR("嗯嗯，这样啊")));
	json_set(&k.arena, call, "turns", turns);
	wrote = checked("a/many", call);
	assert_true(str_find(thinking(wrote, "fraud"), STR("第1999轮")) >= 0);
	/* no turns at all */
	struct err e = ERR_INIT;
	struct work w;
	json_set(&k.arena, call, "turns", json_array(&k.arena));
	assert_int_equal(kit_work(&k, "a/none", call, &w, &e), ERR_DATA);
	kit_close(&k);
}

static void the_label_decides(void **state)
{
	(void)state;
	open_with(TEXT);
	/* the same words, as fraud and as an ordinary call */
	const struct json *fraud = checked("b/1", make_call(bank, "{\"is_fraud\":true,\"fraud_type\":\"银行诈骗\"}"));
	const struct json *normal = checked("b/1", make_call(bank, "{\"is_fraud\":false,\"scene\":\"咨询客服\"}"));
	assert_true(percent(fraud, "fraud") > 80);
	assert_true(percent(normal, "fraud") < 60);
	assert_null(json_get(json_get(normal, "annotations"), "fraud_type"));
	/* a fraud call without a type has two rounds */
	const struct json *untyped = checked("b/1", make_call(bank, "{\"is_fraud\":true}"));
	assert_null(json_get(json_get(untyped, "annotations"), "fraud_type"));
	/* labels that no table knows are written about in general words */
	const struct json *unknown =
		checked("b/2", make_call(bank, "{\"is_fraud\":true,\"fraud_type\":\"新式诈骗\",\"scene\":\"新式服务\"}"));
	assert_true(str_find(thinking(unknown, "fraud_type"), STR("新式诈骗")) >= 0);
	assert_true(str_find(thinking(unknown, "scene"), STR("新式服务")) >= 0);
	assert_true(percent(unknown, "fraud_type") < 50);
	kit_close(&k);
}

static void a_scene_is_chosen_when_none_is_given(void **state)
{
	(void)state;
	static const char *const taxi[] = {"您好，打车服务助手。", "我要叫车去火车站。", "司机五分钟后到达上车地点。", NULL};
	static const char *const both[] = {
		"欢迎使用外卖服务。", "我想点一份外卖，再问下明天预约的事。", "好的，已为您下单。", NULL};
	open_with(TEXT);
	const struct json *wrote = checked("c/1", make_call(taxi, "{\"is_fraud\":false}"));
	assert_true(str_is(json_get_str(json_get(wrote, "label"), "scene"), "打车服务"));
	assert_int_equal(json_count(json_get(wrote, "label")), 2); /* nothing else of the label */
	wrote = checked("c/2", make_call(both, "{\"is_fraud\":false}"));
	assert_true(str_is(json_get_str(json_get(wrote, "label"), "scene"), "外卖服务"));
	wrote = checked("c/3", make_call(nothing, "{\"is_fraud\":true,\"fraud_type\":\"绑架诈骗\"}"));
	assert_true(str_is(json_get_str(json_get(wrote, "label"), "scene"), "咨询客服")); /* the default */
	assert_true(percent(wrote, "scene") < 50);
	/* a given one stays, though the words say another */
	wrote = checked("c/4", make_call(taxi, "{\"is_fraud\":false,\"scene\":\"预约服务\"}"));
	assert_null(json_get(wrote, "label"));
	assert_true(percent(wrote, "scene") < percent(checked("c/1", make_call(taxi, "{\"is_fraud\":false}")), "scene"));
	kit_close(&k);
}

static void cues_count_as_they_should(void **state)
{
	(void)state;
	static const char *const safe[] = {"这里是公交咨询，我们不会要求您提供验证码。", "好的，谢谢。", NULL};
	static const char *const asks[] = {"这里是公交咨询，请您提供验证码。", "好的，谢谢。", NULL};
	static const char *const other_side[] = {"您好。", "这里是公交咨询，请您提供验证码。", NULL};
	const char *label = "{\"is_fraud\":true,\"fraud_type\":\"钓鱼诈骗\"}";
	open_with(TEXT);
	int64_t no = percent(checked("d/1", make_call(safe, label)), "fraud"),
			yes = percent(checked("d/1", make_call(asks, label)), "fraud"),
			right = percent(checked("d/1", make_call(other_side, label)), "fraud");
	assert_true(yes > no);
	assert_true(yes > right);
	/* a denied word is none, nor is one of the other side */
	static const char *const *const calls[] = {safe, asks, other_side};
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		const struct tables *t = k.stage.state;
		struct evidence ev;
		evidence_find(&k.arena, t, json_get(make_call(calls[i], label), "turns"), &ev);
		assert_int_equal(ev.cues[cue_find(t, STR("索要密码"))].n, calls[i] == asks);
	}
	kit_close(&k);
}

/* Of calls in which money, cards or papers come up nobody says that they do not; of others it may be said. */
static bool denies(const struct json *wrote)
{
	static const char *const words[] = {
		"直接要钱", "明说要钱", "要钱要信息", "要钱或要证件", "走到要钱", "要求还没有说出来", "没有要钱"};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, json_get(json_get(wrote, "annotations"), "fraud"));
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strstr(b.data, words[i]))
			return true;
	return false;
}

static void money_is_not_denied(void **state)
{
	(void)state;
	static const char *const hinted[] = {
		"您的信用卡刚才在外地消费了一万二。", "不是我。", "等您想清楚，卡就空了。", "再说吧。", NULL};
	static const char *const tempted[] = {"恭喜您，奖金六万块，银行卡核验完就有。", "真的？", "当然。", "再说吧。", NULL};
	static const char *const demanded[] = {"您认购一片药材地，六万块起。", "好。", "把存折和身份证带上。", "行。", NULL};
	static const char *const served[] = {
		"两张票，一共七十块，上车凭身份证。", "好的。", "不客气，再见。", "再见。", NULL};
	static const struct {
		const char *const *texts;
		bool fraud, denied;
	} calls[] = {{hinted, true, false}, {tempted, true, false}, {demanded, true, false}, {served, false, false},
		{nothing, true, true}, {nothing, false, true}};
	open_with(TEXT);
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		const char *label = calls[i].fraud ? "{\"is_fraud\":true,\"fraud_type\":\"银行诈骗\"}"
										   : "{\"is_fraud\":false,\"scene\":\"交通咨询\"}";
		size_t denied = 0;
		for (int n = 0; n < 60; n++) {
			char id[32];
			snprintf(id, sizeof(id), "m/%d", n);
			denied += denies(checked(id, make_call(calls[i].texts, label)));
		}
		if ((denied > 0) != calls[i].denied)
			fail_msg("call %zu: money is denied %zu times of 60", i, denied);
	}
	kit_close(&k);
}

static void quotations_are_cut_well(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"我想说的是这样一件非常非常重要而且要紧的大事情就是请把验证码告诉我们工作人员好吗谢谢您的配合与支持",
		"好，谢谢", "（停顿）您的XX账户异常。“请马上转账到安全账户”，好吗", "不行，我不会提供", NULL};
	const struct tables *t;
	struct evidence ev;
	open_with(TEXT);
	t = k.stage.state;
	evidence_find(&k.arena, t, json_get(make_call(texts, "{\"is_fraud\":true}"), "turns"), &ev);
	const struct found *code = &ev.cues[cue_find(t, STR("索要密码"))], *money = &ev.cues[cue_find(t, STR("索要钱款"))],
					   *refusal = &ev.cues[cue_find(t, STR("拒绝"))], *bye = &ev.cues[cue_find(t, STR("道别"))];
	assert_int_equal(code->n, 1);
	assert_true(utf8_count(code->hits[0].quote) <= QUOTE_MAX_CHARS);
	assert_true(str_find(code->hits[0].quote, STR("验证码")) >= 0);
	assert_true(str_is(money->hits[0].quote, "请马上转账到安全账户"));
	assert_true(str_is(refusal->hits[0].quote, "不行，我不会提供")); /* short clauses are joined */
	assert_int_equal(refusal->hits[0].turn, 3);
	assert_false(refusal->hits[0].left);
	assert_true(str_is(bye->hits[bye->n - 1].quote, "好，谢谢") || bye->n > 1);
	kit_close(&k);
}

static void calls_differ_and_repeat(void **state)
{
	(void)state;
	size_t same = 0;
	char first[4000];
	const char *label = "{\"is_fraud\":true,\"fraud_type\":\"银行诈骗\"}";
	open_with(TEXT);
	snprintf(first, sizeof(first), "%s", kit_json(&k, annotate("e/0", make_call(bank, label))));
	for (int i = 1; i < 50; i++) {
		char id[20];
		snprintf(id, sizeof(id), "e/%d", i);
		same += strcmp(first, kit_json(&k, annotate(id, make_call(bank, label)))) == 0;
	}
	assert_int_equal(same, 0);
	assert_string_equal(first, kit_json(&k, annotate("e/0", make_call(bank, label))));
	kit_close(&k);
	open_with(TEXT);
	assert_string_equal(first, kit_json(&k, annotate("e/0", make_call(bank, label))));
	k.stage.seed = 77;
	assert_string_not_equal(first, kit_json(&k, annotate("e/0", make_call(bank, label))));
	kit_close(&k);
}

static void the_voice_is_told_as_measured(void **state)
{
	(void)state;
	static const struct {
		int rate;
		const char *number;
	} cases[] = {{7260, "7.3个音节"}, {2940, "2.9个音节"}, {5000, "5个音节"}};
	open_with(FEATURES);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json *call = make_call(bank, "{\"is_fraud\":true,\"fraud_type\":\"银行诈骗\"}");
		add_voice(call, cases[i].rate, 2, 100, 140);
		struct str text = thinking(checked("f/1", call), "fraud");
		assert_true(str_find(text, str_of(cases[i].number)) >= 0);
		assert_true(i != 1 || str_find(text, STR("慢")) >= 0);
		assert_int_equal(i == 0, str_find(text, STR("算快")) >= 0 || str_find(text, STR("偏快")) >= 0 ||
									 str_find(text, STR("听着赶")) >= 0 || str_find(text, STR("赶着说")) >= 0);
	}
	/* a side that was not measured is not spoken of */
	struct json *call = make_call(bank, "{\"is_fraud\":true,\"fraud_type\":\"银行诈骗\"}");
	json_set(&k.arena, call, "acoustics", kit_parse(&k, "{\"left\":{\"speech_ms\":0,\"pauses\":0}}"));
	assert_true(str_find(thinking(checked("f/2", call), "fraud"), STR("音节")) < 0);
	kit_close(&k);
	/* what was not asked for is not read */
	open_with(TEXT);
	call = make_call(bank, "{\"is_fraud\":true,\"fraud_type\":\"银行诈骗\"}");
	add_voice(call, 7000, 2, 100, 140);
	assert_true(str_find(thinking(checked("f/1", call), "fraud"), STR("音节")) < 0);
	kit_close(&k);
}

/* --- Configuration --- */

static bool reads(const char *with, const char *path, bool *ret_optional)
{
	struct stage_fields f = {.nreads = 0};
	bool found = false;
	open_with(with);
	stage_annotate.fields(k.stage.params, &f);
	for (size_t i = 0; i < f.nreads; i++)
		if (strcmp(f.reads[i].path, path) == 0) {
			found = true;
			*ret_optional = f.reads[i].flags & FIELD_OPTIONAL;
		}
	kit_close(&k);
	return found;
}

static void what_it_reads_depends_on_hears(void **state)
{
	(void)state;
	bool optional;
	struct err e = ERR_INIT;
	assert_false(reads(TEXT, "acoustics.left.speech_ms", &optional));
	assert_true(reads(FEATURES, "acoustics.left.speech_ms", &optional));
	assert_false(optional);
	assert_true(reads(TEXT, "label.scene", &optional));
	assert_true(optional);
	assert_int_equal(kit_open(&k, &stage_annotate, "provider: writer\nhears: audio\n", ".", &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "hears: features"));
	kit_close(&k);
	for (size_t i = 0; i < stage_annotate.noptions; i++)
		if (strcmp(stage_annotate.options[i].name, "labels") == 0) /* a new label re-runs nothing */
			assert_false(stage_annotate.options[i].flags & OPTION_SHAPES);
}

/* Replace `from` by `to` in a file of the stage, open with it, and expect the words in the error. */
static void expect_problem(const char *option, const char *from, const char *to, const char *words)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf changed = BUF_INIT;
	struct err e = ERR_INIT;
	const char *folder = kit_folder(&a);
	const char *path =
		strcmp(option, "labels") == 0 ? "schemas/labels.yaml" : arena_printf(&a, "stages/annotate/%s.yaml", option);
	assert_int_equal(fs_read(path, 4 << 20, &text, &e), 0);
	ptrdiff_t at = str_find(buf_view(&text), str_of(from));
	assert_true(at >= 0);
	buf_add(&changed, text.data, (size_t)at);
	buf_puts(&changed, to);
	buf_puts(&changed, text.data + at + strlen(from));
	kit_write(folder, "changed.yaml", changed.data, changed.len);
	const char *with = arena_printf(&a, "provider: writer\n%s: %s/changed.yaml\n", option, folder);
	int rc = kit_open(&k, &stage_annotate, with, ".", &e);
	kit_close(&k);
	kit_remove_folder(folder);
	if (!words) {
		if (rc)
			fail_msg("%s", e.text);
		return;
	}
	assert_int_equal(rc, ERR_CONFIG);
	if (!strstr(e.text, words))
		fail_msg("expected '%s' in: %s", words, e.text);
}

static void wrong_files_are_told(void **state)
{
	(void)state;
	expect_problem("scenes", "scene: 打车服务", "scene: 飞行服务", "not in the closed set");
	expect_problem("scenes", "default: 咨询客服", "default: 飞行服务", "none of the scenes");
	expect_problem("scenes", "weight: 9", "weight: 90", "from 0 to 9");
	expect_problem("scenes", "side: left", "side: letf", "did you mean 'left'");
	expect_problem("scenes", "words: [外卖,", "words: [卖,", "too short");
	expect_problem("scenes", "label: 订餐服务", "label: 飞行服务", "there is no '飞行服务' here");
	expect_problem("cues", "  - name: 威胁",
		"  - {name: 压力, kind: sign, weight: 1, words: [没有这个词], means: [没有]}\n  - name: 威胁",
		"two common cues are called '压力'");
	expect_problem("cues", "unless: [索要钱款]", "unless: [索要珠宝]", "no common cue is called '索要珠宝'");
	expect_problem("cues", "kind: sign", "sort: sign", "unknown key 'sort'");
	expect_problem("cues", "type: 投资诈骗", "type: 钓鱼诈骗", "stands here twice");
	expect_problem("templates", "<引:身份>", "<引:身世>", "no value has this name: '引:身世'");
	expect_problem("templates", "when: [欺诈, 左拨, 身份]", "when: [欺诈, 左播, 身份]", "there is no fact '左播'");
	expect_problem("templates", "<意:甲>。", "<意:甲>，答案很清楚。", "in the list never");
	expect_problem("templates", "<意:甲>。", "<意:甲>，OK。", "cannot stand in a sentence");
	expect_problem("templates", "<意:甲>。", "<意:甲。", "without its '>'");
	expect_problem("templates", "per_point: 3", "per_point: x", "whole number");
	expect_problem("templates", "  fraud_type_reason:", "  fraud_type_why:", "'fraud_type_reason' is missing");
	expect_problem("templates", "rank: 1", "rank: 0", "from 1 to 9");
	/* a new label needs no table */
	expect_problem("labels", "scenes:\n", "scenes:\n  - 飞行服务\n", NULL);
	expect_problem("labels", "  - 打车服务\n", "", "not in the closed set");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_label_every_way),
		cmocka_unit_test(awkward_calls),
		cmocka_unit_test(the_label_decides),
		cmocka_unit_test(a_scene_is_chosen_when_none_is_given),
		cmocka_unit_test(cues_count_as_they_should),
		cmocka_unit_test(money_is_not_denied),
		cmocka_unit_test(quotations_are_cut_well),
		cmocka_unit_test(calls_differ_and_repeat),
		cmocka_unit_test(the_voice_is_told_as_measured),
		cmocka_unit_test(what_it_reads_depends_on_hears),
		cmocka_unit_test(wrong_files_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
