/* enhance with a model, from a scripted LLM: what is asked, which answers will do, what the others cost. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"
#include "stages/enhance/enhance.h"
#include "tests/stages/enhance/poolkit.h"
#include "tests/stages/llmkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct poolkit p;
static struct llmkit llm;
static struct llmkit_answer answers[4]; /* by draw; the last one stays */

#define GOOD \
	"{\"turns\":[{\"role\":\"left\",\"text\":\"您好，请问是周女士吗？这里是远景理财。\"}," \
	"{\"role\":\"right\",\"text\":\"是我，你有什么事？\"}," \
	"{\"role\":\"left\",\"text\":\"我们有个养老项目，每月固定分红，想邀请您参加。\"}," \
	"{\"role\":\"right\",\"text\":\"分红从哪里来呢？\"}," \
	"{\"role\":\"left\",\"text\":\"钱投在海外农场，您先转两万元占个名额就行。\"}," \
	"{\"role\":\"right\",\"text\":\"我不转，我要先问问女儿，再见。\"}]}"

static struct llmkit_answer reply(void *arg, const struct llmkit_asked *asked)
{
	int at = asked->draw;
	(void)arg;
	while (at > 0 && (at > 3 || !answers[at].content))
		at--;
	return answers[at];
}

/* Four calls of one label and one of another. */
static void setup(const char *with)
{
	static const char *const one[] = {"L您好，我是金石资本的投资顾问，有个内部项目。", "R什么项目？收益怎么样？",
		"L稳赚不赔，一个月翻倍，今天就要打款。", "R听起来不靠谱，我不投。", NULL};
	static const char *const two[] = {"L叔叔，跟着老师买这只股票，明天就涨停。", "R真的吗？要交钱吗？",
		"L先交九百元会费，老师带您操作。", "R那我考虑一下。", NULL};
	static const char *const three[] = {"L我们平台可以代您炒黄金，保本保息。", "R平台有牌照吗？",
		"L当然有，您下载软件充值就行。", "R我不下载，再见。", NULL};
	static const char *const four[] = {
		"L虚拟货币马上要涨，您注册一个账号。", "R我不懂这个。", "L我教您，先转五千块试试。", "R不用了。", NULL};
	static const char *const other[] = {"L您好，这里是川味饭馆，请问几位用餐？", "R六位，要一个包间。", NULL};
	struct err e = ERR_INIT;
	llmkit_init(&llm, reply, NULL);
	memset(&p, 0, sizeof(p));
	memset(answers, 0, sizeof(answers));
	answers[0].content = GOOD;
	if (kit_open_with(&p.k, &stage_enhance, arena_printf(&p.arena, "provider: llm\n%s", with), &llm.provider, &e))
		fail_msg("%s", e.text);
	p.k.stage.seed = 7;
	pool_say(&p, "a/1", true, "投资诈骗", one);
	pool_say(&p, "a/2", true, "投资诈骗", two);
	pool_say(&p, "a/3", true, "投资诈骗", three);
	pool_say(&p, "a/4", true, "投资诈骗", four);
	pool_say(&p, "b/1", false, "订餐服务", other);
	pool_peers(&p);
}

static void teardown(void)
{
	pool_close(&p);
	llmkit_release(&llm);
}

static int work(const char *parent, int slot, struct work *w, struct err *e)
{
	p.io = &llm.io;
	return pool_work(&p, parent, slot, w, e);
}

static const struct json *made(const char *parent, int slot)
{
	struct err e = ERR_INIT;
	struct work w;
	if (work(parent, slot, &w, &e))
		fail_msg("%s", e.text);
	assert_false(w.rejected);
	return w.fields;
}

static const char *failed(const char *parent, int code)
{
	static struct err e;
	struct work w;
	err_clear(&e);
	assert_int_equal(work(parent, 0, &w, &e), code);
	return e.text;
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

static void a_child(void **state)
{
	(void)state;
	setup("peers: 2\n");
	const struct json *child = made("a/1", 0);
	assert_int_equal(llm.n, 1);
	assert_true(str_is(json_get_str(child, "source"), "enhanced"));
	assert_true(str_is(json_get_str(child, "initiator"), "left"));
	assert_string_equal(kit_json(&p.k, json_get(child, "label")), "{\"fraud_type\":\"投资诈骗\",\"is_fraud\":true}");
	assert_int_equal(json_count(json_get(child, "turns")), 6);
	assert_true(str_is(turn_role(json_at(json_get(child, "turns"), 1)), "right"));
	const struct json *parents = json_get(child, "parents"), *made_by = json_get(child, "enhancement");
	assert_int_equal(json_count(parents), 3);
	assert_true(str_is(json_at(parents, 0)->u.s, "a/1"));
	assert_true(str_is(json_get_str(made_by, "writer"), "test:scripted-1"));
	assert_int_equal(json_count(json_get(made_by, "from")), 0);
	assert_int_equal(json_count(json_get(made_by, "axes")), AXIS_COUNT);
	int64_t alike = json_get_int(made_by, "rouge_l_permille", -1);
	assert_true(alike > 0 && alike < 700);
	struct str by = json_get_str(json_get(child, "termination"), "by");
	assert_true(str_is(by, "left") || str_is(by, "right") || str_is(by, "natural"));
	int64_t age = json_get_int(json_path(child, "profile.right"), "age", 0);
	assert_true(age >= 18 && age <= 80);
	llmkit_conforms(&llm, child);
	teardown();
}

static void what_is_asked(void **state)
{
	(void)state;
	setup("peers: 2\n");
	const struct json *child = made("a/1", 0);
	const char *asked = llmkit_text(&llm, &llm.asked[0]);
	has(asked, "下面是3通“投资诈骗”电话");
	has(asked, "例1：\nleft：您好，我是金石资本的投资顾问");
	has(asked, "例3：");
	has_not(asked, "例4：");
	has_not(asked, "川味饭馆"); /* of another label */
	has_not(asked, "{{");
	has_not(asked, "钓鱼诈骗"); /* another label */
	has(asked, "一共6到40句话");
	const struct poolkit_call *parent = poolkit_find(&p, "a/1");
	for (size_t i = 0; i < parent->npeers; i++)
		has(asked, turn_text(json_at(json_get(p.v[parent->peers[i]].call, "turns"), 0)).p);
	JSON_EACH(axis, json_path(child, "enhancement.axes"))
		has(asked, axis->u.s.p);
	teardown();
}

static void axes_are_drawn_by_slot(void **state)
{
	(void)state;
	setup("peers: 1\n");
	const char *first = arena_strdup(&p.arena, kit_json(&p.k, json_path(made("a/1", 0), "enhancement.axes")));
	size_t differ = 0;
	for (int slot = 1; slot < 6; slot++)
		differ += strcmp(first, kit_json(&p.k, json_path(made("a/1", slot), "enhancement.axes"))) != 0;
	assert_true(differ >= 4);
	assert_string_equal(first, kit_json(&p.k, json_path(made("a/1", 0), "enhancement.axes")));
	teardown();
}

static void normal_calls(void **state)
{
	(void)state;
	setup("");
	answers[0].content = "{\"turns\":[{\"role\":\"right\",\"text\":\"喂，我想订明天晚上的位子。\"},{\"role\":\"left\","
						 "\"text\":\"好的，您几个人来？\"},"
						 "{\"role\":\"right\",\"text\":\"四个大人，一个孩子。\"},{\"role\":\"left\",\"text\":"
						 "\"给您留靠窗的桌，留个电话吧。\"},"
						 "{\"role\":\"right\",\"text\":\"一三八，后面是一二三四五六七八。\"},{\"role\":\"left\","
						 "\"text\":\"记下了，明晚六点半见。\"}]}";
	const struct json *child = made("b/1", 0);
	has(llmkit_text(&llm, &llm.asked[0]), "请写一通新的“订餐服务”电话");
	assert_string_equal(kit_json(&p.k, json_get(child, "label")), "{\"is_fraud\":false,\"scene\":\"订餐服务\"}");
	assert_int_equal(json_count(json_get(child, "parents")), 1);
	teardown();
}

/* --- Answers that will not do --- */

#define TURN(role, text) "{\"role\":\"" role "\",\"text\":\"" text "\"}"
#define SIX(a, b, last) \
	"{\"turns\":[" TURN("left", a) "," TURN("right", b) "," TURN("left", "您先登记一下家里的住址和姓名。") "," TURN( \
		"right", "我住在河边那条街，姓唐。") "," TURN("left", "好，那我让同事下午过去找您。") "," TURN("right", last) "]}"

static void bad_turns_cost_the_next_draw(void **state)
{
	(void)state;
	static const struct {
		const char *content, *reason;
	} cases[] = {{SIX("您好。", "谁啊，找我什么事情", "##ENDCALL_SIGNAL##好的##"), "turn 6: token"},
		{SIX("您好，我是XX银行的。", "什么事", "好，再见。"), "turn 1: placeholder"},
		{SIX("（微笑）您好，有个事情通知您。", "什么事", "好，再见。"), "turn 1: bracket"},
		{SIX("`您好`，有个事情通知您。", "什么事", "好，再见。"), "turn 1: markup"},
		{SIX("作为AI，我来模拟通话。", "什么事", "好，再见。"), "turn 1: meta"},
		{SIX("您好，有个事情通知您。", "用户：什么事", "好，再见。"), "turn 2: speaker"},
		{SIX("您好，有个事情通知您。", "什么事", "那你们几点钟来？"), "turn 6: closing_question"},
		{SIX("您好，有个事情通知您。", "", "好，再见。"), "turn 2: empty"},
		{"{\"turns\":[" TURN("left", "您好。") "," TURN("right", "谁？") "]}",
			"turns: there are 2; wanted are 6 to 40"},
		{"{\"turns\":[" TURN("left", "您好。") "," TURN("left", "在吗？") "," TURN("left", "听得到吗？") "," TURN(
			 "right", "听到。") "," TURN("left", "好。") "," TURN("right", "再见。") "]}",
			"turn 2: left speaks twice in a row"},
		{"{\"turns\":[" TURN("caller", "您好。") "]}", "role"}, {"{\"dialogue\":[]}", "turns"}, {"写好了。", "child"}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		setup("");
		answers[0].content = cases[i].content;
		const char *said = failed("a/1", ERR_INVALID);
		has(said, "child: no answer of 3 would do");
		has(said, cases[i].reason);
		assert_int_equal(llm.n, 3);
		answers[1].content = GOOD;
		made("a/1", 0);
		assert_int_equal(llm.n, 5);
		teardown();
	}
}

/* The words of a call of the pool. */
#define COPY \
	"{\"turns\":[" TURN("left", "您好，我是金石资本的投资顾问，有个内部项目。") "," TURN( \
		"right", "什么项目？收益怎么样？") "," TURN("left", "稳赚不赔，一个月翻倍，") "," TURN("right", \
		"那好。") "," TURN("left", "今天就要打款。") "," TURN("right", "听起来不靠谱，我不投。") "]}"

static void too_similar(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct work w;
	setup("");
	answers[0].content = COPY;
	answers[1].content = GOOD;
	made("a/2", 0); /* like a/1, which is of the pool */
	assert_int_equal(llm.n, 2);
	assert_int_equal(llm.invalid, 1);
	answers[1].content = NULL;
	assert_int_equal(work("a/2", 0, &w, &e), 0);
	assert_true(w.rejected);
	const struct json *finding = json_at(json_path(w.fields, "qa.@.findings"), 0);
	assert_true(str_is(json_get_str(finding, "rule"), "novelty"));
	assert_true(json_get_int(finding, "value", 0) >= 700);
	assert_int_equal(json_get_int(finding, "limit", 0), 700);
	/* one draw too similar, the others not even good: still a rejection, as the embedded writer's */
	answers[1].content = "{\"turns\":[]}";
	assert_int_equal(work("a/2", 0, &w, &e), 0);
	assert_true(w.rejected);
	teardown();
}

static void failures_go_through(void **state)
{
	(void)state;
	setup("");
	answers[0].content = NULL;
	has(failed("a/1", ERR_TRANSIENT), "child: scripted failure");
	teardown();
}

static void peers_that_do_not_fit_are_left_out(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf big = BUF_INIT;
	setup("peers: 3\n");
	for (int i = 0; i < 6000; i++)
		buf_puts(&big, "钱转来");
	for (int i = 0; i < 3; i++) {
		const char *const turns[] = {arena_printf(&p.arena, "L第%d个：%s", i, big.data), "R好。", NULL};
		pool_say(&p, arena_printf(&p.arena, "c/%d", i), true, "银行诈骗", turns);
	}
	pool_peers(&p);
	assert_int_equal(poolkit_find(&p, "c/0")->npeers, 2);
	assert_int_equal(json_count(json_get(made("c/0", 0), "parents")), 1);
	has(llmkit_text(&llm, &llm.asked[0]), "下面是1通");
	teardown();
}

static void reads_are_declared(void **state)
{
	(void)state;
	setup("peers: 3\n");
	made("a/1", 0);
	has_not(llm.asked[0].request, "a/1"); /* ids are not shown */
	has_not(llm.asked[0].request, "a/2");
	struct stage_fields f = {.nreads = 0};
	stage_enhance.fields(p.k.stage.params, &f);
	for (size_t i = 0; i < f.nreads; i++)
		assert_null(strstr(f.reads[i].path, "audio"));
	teardown();
}

static void cost_is_told(void **state)
{
	(void)state;
	struct stage_cost c = {0};
	setup("peers: 3\n");
	made("a/1", 0);
	int64_t sent = (int64_t)strlen(llmkit_text(&llm, &llm.asked[0]));
	stage_enhance.cost(&p.k.stage, &c);
	assert_int_equal(c.requests, 1);
	assert_true(c.bytes_in > sent && c.bytes_in < sent + 4 * 1300);
	assert_true(c.tokens_out > 0);
	teardown();
}

/* --- axes.yaml --- */

static void axes_of_a_label(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	const char *folder = kit_folder(&a), *path = arena_printf(&a, "%s/axes.yaml", folder);
	const char *text =
		"scene: &x {fraud: [甲, 乙], normal: [丙]}\npretext: {fraud: [一], normal: [二], 投资诈骗: [三]}\nregion: *x\n"
		"person: {fraud: [{say: 老人, age: 70, gender: female, occupation: 农民}], normal: [人]}\n"
		"outcome: {fraud: [{say: 挂了, by: right}], normal: [完]}\n";
	struct axes axes;
	struct err e = ERR_INIT;
	kit_write(folder, "axes.yaml", text, strlen(text));
	if (axes_load(&a, path, &axes, &e))
		fail_msg("%s", e.text);
	assert_true(str_is(axes_draw(&axes, AXIS_PRETEXT, true, STR("投资诈骗"), 1)->say, "三"));
	assert_true(str_is(axes_draw(&axes, AXIS_PRETEXT, true, STR("银行诈骗"), 1)->say, "一"));
	assert_true(str_is(axes_draw(&axes, AXIS_PRETEXT, false, STR("订餐服务"), 1)->say, "二"));
	assert_int_equal(axes_draw(&axes, AXIS_PERSON, true, STR(""), 1)->age, 70);
	assert_true(str_is(axes_draw(&axes, AXIS_OUTCOME, true, STR(""), 1)->by, "right"));
	size_t first = 0;
	for (uint64_t seed = 0; seed < 100; seed++)
		first += str_is(axes_draw(&axes, AXIS_SCENE, true, STR(""), seed)->say, "甲");
	assert_true(first > 20 && first < 80);
	kit_remove_folder(folder);
}

static void axes_that_are_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} cases[] = {{"scne: {}\n", "unknown key 'scne'; did you mean 'scene'?"}, {"[a]\n", "expected the axes scene"},
		{"scene: {fraud: [a]}\n", "the groups fraud and normal are wanted"},
		{"scene: {fraud: [a], normal: [b], 投资骗: [c]}\n", "neither fraud, normal nor a label"},
		{"scene: {fraud: [], normal: [b]}\n", "expected a list of values"},
		{"person: {fraud: [{say: a, age: 500}], normal: [b]}\n", "age: expected a number"},
		{"person: {fraud: [{say: a, gender: x}], normal: [b]}\n", "gender: expected"},
		{"outcome: {fraud: [{say: a, by: me}], normal: [b]}\n", "by: expected"},
		{"scene: {fraud: [{by: left}], normal: [b]}\n", "unknown key 'by'"},
		{"scene: {fraud: [{}], normal: [b]}\n", "a map with say"}};
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	const char *folder = kit_folder(&a), *path = arena_printf(&a, "%s/axes.yaml", folder);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e = ERR_INIT;
		struct axes axes;
		kit_write(folder, "axes.yaml", cases[i].text, strlen(cases[i].text));
		assert_int_equal(axes_load(&a, path, &axes, &e), ERR_CONFIG);
		has(e.text, cases[i].words);
		has(e.text, "axes.yaml:1:");
	}
	kit_remove_folder(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child),
		cmocka_unit_test(what_is_asked),
		cmocka_unit_test(axes_are_drawn_by_slot),
		cmocka_unit_test(normal_calls),
		cmocka_unit_test(bad_turns_cost_the_next_draw),
		cmocka_unit_test(too_similar),
		cmocka_unit_test(failures_go_through),
		cmocka_unit_test(peers_that_do_not_fit_are_left_out),
		cmocka_unit_test(reads_are_declared),
		cmocka_unit_test(cost_is_told),
		cmocka_unit_test(axes_of_a_label),
		cmocka_unit_test(axes_that_are_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
