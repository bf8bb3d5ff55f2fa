/* import: what a record becomes, and the records that cannot become a call. */
#include "base/alloc.h"
#include "stages/import/import.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena = ARENA_INIT;
static const char *folder;

static int set_up(void **state)
{
	(void)state;
	folder = kit_folder(&arena);
	kit_write(folder, "t.jsonl", "{}\n", 3);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kit_remove_folder(folder);
	arena_release(&arena);
	return 0;
}

/* Work on a JSONL record with these options; its fields, or the words of the error. */
static const char *work(struct kit *k, const char *with, const char *record)
{
	struct err e = ERR_INIT;
	struct work w;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "inputs: [t.jsonl]\n%s", with);
	if (kit_open(k, &stage_import, b.data, folder, &e))
		fail_msg("%s", e.text);
	struct json *content = record_content(&k->arena, &reader_jsonl, kit_parse(k, record));
	if (kit_work(k, "t/x", content, &w, &e)) {
		assert_int_equal(err_class_of(e.code), CLASS_DATA);
		return arena_strdup(&k->arena, e.text);
	}
	assert_false(w.rejected);
	return kit_json(k, w.fields);
}

static void has(const char *with, const char *record, const char *expected)
{
	struct kit k;
	const char *got = work(&k, with, record);
	if (!strstr(got, expected))
		fail_msg("'%s' is not in: %s", expected, got);
	kit_close(&k);
}

static void has_not(const char *with, const char *record, const char *unexpected)
{
	struct kit k;
	const char *got = work(&k, with, record);
	if (strstr(got, unexpected))
		fail_msg("'%s' is in: %s", unexpected, got);
	kit_close(&k);
}

#define FRAUD "{\"left\":[\"一\",\"三\"],\"right\":[\"二\"],\"fraud_type\":\"投资诈骗\"}"
#define NORMAL "{\"left\":[\"一\"],\"right\":[\"二\"],\"fraud_type\":\"打车服务\"}"
#define TURNS(left, right) "{\"left\":" left ",\"right\":" right ",\"fraud_type\":\"投资诈骗\"}"

static void makes_a_whole_call(void **state)
{
	(void)state;
	struct kit k;
	const char *got = work(&k, "",
		"{\"left\":[\"您好\",\"再见。##ENDCALL_SIGNAL##\"],\"right\":[\"你好\"],\"fraud_type\":\"投资诈骗\",\"user_"
		"age\":41,"
		"\"user_awareness\":\"低\",\"occupation\":\"农民\",\"termination_reason\":\"达成\",\"terminator\":"
		"\"诈骗者结束\"}");
	assert_string_equal(got,
		"{\"initiator\":\"left\",\"label\":{\"fraud_type\":\"投资诈骗\",\"is_fraud\":true},"
		"\"profile\":{\"right\":{\"age\":41,\"awareness\":\"低\",\"occupation\":\"农民\"}},\"source\":\"asr\","
		"\"termination\":{\"by\":\"left\",\"original\":\"诈骗者结束\",\"reason\":\"达成\",\"signal\":\"ENDCALL_"
		"SIGNAL\"},"
		"\"turns\":[{\"role\":\"left\",\"text\":\"您好\"},{\"role\":\"right\",\"text\":\"你好\"},{\"role\":\"left\","
		"\"text\":\"再见。\"}]}");
	kit_close(&k);
}

static void orders_turns(void **state)
{
	(void)state;
	has("", FRAUD, "一\"},{\"role\":\"right\",\"text\":\"二\"},{\"role\":\"left\",\"text\":\"三\"}]");
	has("", TURNS("[\"a\",\"c\"]", "[\"b\",\"d\"]"),
		"\"a\"},{\"role\":\"right\",\"text\":\"b\"},{\"role\":\"left\",\"text\":\"c\"},{\"role\":\"right\",\"text\":"
		"\"d\"}]");
	has("", TURNS("[\"a\"]", "[]"), "[{\"role\":\"left\",\"text\":\"a\"}]");
	has("", TURNS("[\"a\",\"b\",\"c\"]", "[\"d\",\"e\",\"f\",\"g\",\"h\"]"), "turns doubled: 3 left, 5 right");
	has("", TURNS("[\"a\"]", "[\"d\",\"e\"]"), "turns doubled: 1 left, 2 right");
	has("", TURNS("[\"a\",\"b\"]", "[]"), "turns doubled: 2 left, 0 right");
	has("", TURNS("[]", "[]"), "empty call");
	has("", TURNS("[]", "[\"a\"]"), "turns doubled: 0 left, 1 right");
}

static void labels_calls(void **state)
{
	(void)state;
	static const char none[] = "{\"left\":[\"一\"],\"right\":[\"二\"]}";
	has("", NORMAL, "\"label\":{\"is_fraud\":false,\"scene\":\"打车服务\",\"scene_origin\":\"given\"}");
	has("", "{\"left\":[\"一\"],\"right\":[],\"fraud_type\":\" 投资诈骗 \",\"scene\":\"订餐服务\"}",
		"\"label\":{\"fraud_type\":\"投资诈骗\",\"is_fraud\":true,\"scene\":\"订餐服务\",\"scene_origin\":\"given\"}");
	has("", "{\"left\":[\"一\"],\"right\":[],\"scene\":\"订餐服务\"}", "\"is_fraud\":false,\"scene\":\"订餐服务\"");
	has("", "{\"left\":[\"一\"],\"right\":[],\"fraud_type\":\"未知诈骗\"}",
		"unknown label '未知诈骗': neither a fraud type nor a scene");
	has("", "{\"left\":[\"一\"],\"right\":[],\"fraud_type\":\"投资诈骗\",\"scene\":\"看病\"}", "unknown label '看病'");
	has("", "{\"left\":[\"一\"],\"right\":[],\"fraud_type\":\"x\",\"scene\":\"订餐服务\"}",
		"unknown label 'x': not a fraud type");
	has("", "{\"left\":[\"一\"],\"right\":[],\"fraud_type\":\"赵六13900001111\"}",
		"unknown label of 13 characters: neither a fraud type nor a scene");
	has("", none, "no label");
	has("label: 绑架诈骗\n", none, "\"fraud_type\":\"绑架诈骗\"");
	has("label: 外卖服务\n", none, "\"scene\":\"外卖服务\"");
	has("label: 外卖\n", none, "unknown label '外卖'");
	has("label: 外卖服务\n", FRAUD, "\"fraud_type\":\"投资诈骗\"");
}

static void tells_who_dialled_and_whence(void **state)
{
	(void)state;
	has("", FRAUD, "\"initiator\":\"left\"");
	has("", NORMAL, "\"initiator\":\"right\"");
	has("initiator: right\n", FRAUD, "\"initiator\":\"right\"");
	has("initiator: left\n", NORMAL, "\"initiator\":\"left\"");
	has("initiator: unknown\n", FRAUD, "\"initiator\":\"unknown\"");
	has("", FRAUD, "\"source\":\"asr\"");
	has("source: published\n", FRAUD, "\"source\":\"published\"");
}

static void absent_members_stay_absent(void **state)
{
	(void)state;
	has("", FRAUD, "\"termination\":{\"by\":\"unknown\"}");
	has_not("", FRAUD, "profile");
	has("", "{\"left\":[\"一\"],\"right\":[],\"fraud_type\":\"投资诈骗\",\"terminator\":\"\"}",
		"{\"by\":\"unknown\",\"original\":\"\"}");
	has("", "{\"left\":[\"一\"],\"right\":[],\"fraud_type\":\"投资诈骗\",\"user_age\":0,\"occupation\":\" \"}",
		"\"profile\":{\"right\":{\"age\":0}}");
}

static void cleans_texts(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"  您好　", "您好"},
		{"\xe2\x80\x8b您\xef\xbb\xbf好\xe2\x80\x8d", "您好"},
		{"　　", ""},
		{"", ""},
		{"ＡＢＣ 12３……", "ＡＢＣ 12３……"},
		{"e\xcc\x81", "é"},
		{"好。 ##TERMINATE_SIGNAL## ", "好。"},
		{"请稍等##查询中##", "请稍等##查询中##"},
		{"一  二", "一  二"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf record = BUF_INIT;
		CLEANUP(buf_release) struct buf expected = BUF_INIT;
		buf_printf(&record, TURNS("[\"%s\"]", "[\"x\"]"), cases[i][0]);
		buf_printf(&expected, "[{\"role\":\"left\",\"text\":\"%s\"},", cases[i][1]);
		has("", record.data, expected.data);
	}
	has("", TURNS("[\"a\\nb\"]", "[]"), "a\\nb");
	has("", TURNS("[\"一##ENDCALL_SIGNAL##二\"]", "[]"), "一二");
	has("", TURNS("[\"一##ENDCALL_SIGNAL##二\"]", "[\"三##TERMINATE_SIGNAL##\"]"), "\"signal\":\"TERMINATE_SIGNAL\"");
	has_not("", FRAUD, "signal");
}

static void privacy_is_an_option(void **state)
{
	(void)state;
	struct kit k;
	work(&k, "", FRAUD);
	assert_true(stage_import.is_private(k.stage.params));
	kit_close(&k);
	work(&k, "private: false\n", FRAUD);
	assert_false(stage_import.is_private(k.stage.params));
	kit_close(&k);
}

static void options_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"inputs: [none.jsonl]\n",
		"prefix: x\n",
		"inputs: [t.jsonl]\nsource: web\n",
		"inputs: [t.jsonl]\nsorce: asr\n",
		"inputs: [t.jsonl]\nlabels: none.yaml\n",
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		if (kit_open(&k, &stage_import, bad[i], folder, &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_true(e.text[0] != '\0');
		kit_close(&k);
	}
}

static void writes_what_it_declares(void **state)
{
	(void)state;
	struct stage_fields f = {.nreads = 0};
	struct kit k;
	work(&k, "", FRAUD);
	stage_import.fields(k.stage.params, &f);
	assert_int_equal(f.nreads, 0);
	struct err e = ERR_INIT;
	struct work w;
	assert_int_equal(kit_work(&k, "t/x", record_content(&k.arena, &reader_jsonl, kit_parse(&k, FRAUD)), &w, &e), 0);
	JSON_EACH(member, w.fields) {
		bool declared = false;
		for (size_t i = 0; i < f.nwrites; i++)
			declared = declared || field_covers(f.writes[i].path, member->key.p);
		assert_true(declared);
	}
	for (size_t i = 0; i < f.nwrites; i++)
		assert_true((f.writes[i].flags & FIELD_OPTIONAL) || json_get(w.fields, f.writes[i].path));
	kit_close(&k);
}

/* The broken fixtures of the tree: each broken line or file is told, each good one goes on. */
static void broken_fixtures(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	size_t broken = 0, failed = 0, good = 0;
	if (kit_open(&k, &stage_import, "inputs: [tests/fixtures/broken/*]\n", ".", &e) || kit_list(&k, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < k.n; i++) {
		struct work w;
		struct err own = ERR_INIT;
		if (k.items[i].broken)
			broken++;
		else if (kit_work(&k, k.items[i].id.p, k.items[i].content, &w, &own))
			failed++;
		else
			good++;
	}
	assert_int_equal(broken, 14);
	assert_int_equal(failed, 4);
	assert_int_equal(good, 4);
	kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_a_whole_call),
		cmocka_unit_test(orders_turns),
		cmocka_unit_test(labels_calls),
		cmocka_unit_test(tells_who_dialled_and_whence),
		cmocka_unit_test(absent_members_stay_absent),
		cmocka_unit_test(cleans_texts),
		cmocka_unit_test(privacy_is_an_option),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(writes_what_it_declares),
		cmocka_unit_test(broken_fixtures),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
