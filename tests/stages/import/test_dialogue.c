/* import/dialogue: full dialogues, and JSONL lines that take their order from them. */
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

static const char *const doubled =
	"{\n  \"dialogue_history\": [\n"
	"    {\"role\": \"left\", \"content\": \"一\", \"timestamp\": 1740731754.24},\n"
	"    {\"role\": \"right\", \"content\": \"二\"},\n"
	"    {\"role\": \"right\", \"content\": \"三\"},\n"
	"    {\"role\": \"left\", \"content\": \"四\"}],\n"
	"  \"turns\": 2, \"terminated_by_manager\": false, \"end_call_signal_detected\": true,\n"
	"  \"termination_reason\": \"说完了\", \"terminator\": \"user_end\", \"conclusion_messages\": "
	"[\"##ENDCALL_SIGNAL##\"]\n}\n";

static void open_folder(struct kit *k, const char *folder, const char *with)
{
	struct err e = ERR_INIT;
	if (kit_open(k, &stage_import, with, folder, &e) || kit_list(k, &e))
		fail_msg("%s", e.text);
}

static const char *work(struct kit *k, const char *id)
{
	struct err e = ERR_INIT;
	struct work w;
	const struct kit_item *item = kit_item(k, id);
	assert_non_null(item);
	assert_null(item->broken);
	if (kit_work(k, id, item->content, &w, &e))
		return arena_strdup(&k->arena, e.text);
	return kit_json(k, w.fields);
}

static void keeps_the_true_order(void **state)
{
	(void)state;
	struct kit k;
	const char *folder = kit_folder(&arena);
	kit_write(folder, "one.json", doubled, strlen(doubled));
	open_folder(&k, folder, "inputs: ['*.json']\nlabel: 客服诈骗\n");
	assert_int_equal(k.n, 1);
	assert_string_equal(work(&k, "one"),
		"{\"initiator\":\"left\",\"label\":{\"fraud_type\":\"客服诈骗\",\"is_fraud\":true},\"source\":\"asr\","
		"\"termination\":{\"by\":\"right\",\"original\":\"user_end\",\"reason\":\"说完了\",\"signal\":\"ENDCALL_"
		"SIGNAL\"},"
		"\"turns\":[{\"role\":\"left\",\"text\":\"一\"},{\"role\":\"right\",\"text\":\"二\"},{\"role\":\"right\","
		"\"text\":\"三\"},"
		"{\"role\":\"left\",\"text\":\"四\"}]}");
	kit_close(&k);
	open_folder(&k, folder, "inputs: [one.json]\n");
	assert_non_null(strstr(work(&k, "one"), "no label"));
	kit_close(&k);
	open_folder(&k, folder, "inputs: [one.json]\nprefix: Run 1\n");
	assert_non_null(kit_item(&k, "%52un%201/one"));
	kit_close(&k);
	kit_remove_folder(folder);
}

static void takes_label_and_profile_from_the_file(void **state)
{
	(void)state;
	static const char text[] = "\xef\xbb\xbf{\"dialogue_history\":[{\"role\":\"left\",\"content\":\"您好\"}],\"tts_"
							   "id\":\"x7\",\"fraud_type\":\"订餐服务\",\"user_age\":30,"
							   "\"occupation\":\"教师\",\"user_awareness\":\"高\"}";
	struct kit k;
	const char *folder = kit_folder(&arena);
	kit_write(folder, "one.json", text, strlen(text));
	open_folder(&k, folder, "inputs: [one.json]\n");
	assert_string_equal(work(&k, "one/x7"),
		"{\"initiator\":\"right\",\"label\":{\"is_fraud\":false,\"scene\":\"订餐服务\",\"scene_origin\":\"given\"},"
		"\"profile\":{\"right\":{\"age\":30,\"awareness\":\"高\",\"occupation\":\"教师\"}},\"source\":\"asr\","
		"\"termination\":{\"by\":\"unknown\"},"
		"\"turns\":[{\"role\":\"left\",\"text\":\"您好\"}]}");
	kit_close(&k);
	kit_remove_folder(folder);
}

static void tells_what_is_broken(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"{\"dialogue_history\":[", "bad JSON"},
		{"{\"dialogue_history\":{}}", "dialogue_history: expected a list"},
		{"{\"dialogue_history\":[7]}", "dialogue_history[0]: expected an object"},
		{"{\"dialogue_history\":[{\"role\":\"manager\",\"content\":\"\"}]}",
			"dialogue_history[0].role: expected left or right"},
		{"{\"dialogue_history\":[{\"content\":\"\"}]}", "dialogue_history[0].role"},
		{"{\"dialogue_history\":[{\"role\":\"left\"}]}", "dialogue_history[0].content: expected a text, found nothing"},
		{"{\"dialogue_history\":null}", "dialogue_history is missing"},
		{"{\"dialogue_history\":[],\"end_call_signal_detected\":\"yes\"}",
			"end_call_signal_detected: expected true or false"},
		{"{\"dialogue_history\":[{\"role\":\"left\",\"content\":\"\xc0\"}]}", "invalid UTF-8"},
		{"", "the file is empty"},
		{"\xef\xbb\xbf \r\n", "the file is empty"},
		{"WEBVTT\n\n00:01", "empty call: no segment has a text"},
		{"00:01 bytes", "not a form that import knows"},
		{"{\n\"a\": 1\n}\n", "not a form that import knows"},
		{"\x89PNG\r\n\x1a\n", "not a form that import knows"},
	};
	const char *folder = kit_folder(&arena);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct kit k;
		kit_write(folder, "bad.json", cases[i][0], strlen(cases[i][0]));
		kit_write(folder, "good.json", doubled, strlen(doubled));
		open_folder(&k, folder, "inputs: [bad.json, good.json]\n");
		assert_int_equal(k.n, 2);
		const struct kit_item *bad = kit_item(&k, "bad");
		if (!bad || !bad->broken || !strstr(bad->broken, cases[i][1]))
			fail_msg("%s: '%s' is not in: %s", cases[i][0], cases[i][1], bad && bad->broken ? bad->broken : "(none)");
		assert_int_equal(bad->at.line, 0);
		assert_null(kit_item(&k, "good")->broken);
		kit_close(&k);
	}
	kit_remove_folder(folder);
}

static void a_line_takes_its_dialogue(void **state)
{
	(void)state;
	static const char lines[] =
		"{\"tts_id\":\"one\",\"left\":[\"一\",\"四\"],\"right\":[\"二\",\"三\"],\"fraud_type\":\"邮件诈骗\",\"user_"
		"age\":44}\n"
		"{\"tts_id\":\"two\",\"left\":[\"一\",\"四\"],\"right\":[\"二\"],\"fraud_type\":\"邮件诈骗\"}\n"
		"{\"tts_id\":\"three\",\"left\":[\"一\",\"四\"],\"right\":[\"二\"],\"fraud_type\":\"邮件诈骗\"}\n";
	struct kit k;
	const char *folder = kit_folder(&arena);
	kit_write(folder, "one.json", doubled, strlen(doubled));
	kit_write(folder, "two.json", doubled, strlen(doubled));
	kit_write(folder, "four.json", doubled, strlen(doubled));
	kit_write(folder, "lines.jsonl", lines, strlen(lines));
	open_folder(&k, folder, "inputs: ['*']\nprefix: r\nlabel: 客服诈骗\n");
	assert_int_equal(k.n, 4);
	const char *call = work(&k, "r/one");
	assert_non_null(strstr(call, "\"邮件诈骗\""));
	assert_non_null(strstr(call, "\"age\":44"));
	assert_non_null(strstr(call, "\"二\"},{\"role\":\"right\",\"text\":\"三\"}"));
	assert_non_null(
		strstr(kit_item(&k, "r/two")->broken, "2 left and 1 right turns, the full dialogue of the same id 2 and 2"));
	assert_null(json_get(kit_item(&k, "r/three")->content, "dialogue"));
	assert_non_null(strstr(work(&k, "r/four"), "\"客服诈骗\""));
	kit_close(&k);
	/* Without a common prefix they are calls of their own. */
	open_folder(&k, folder, "inputs: ['*']\nlabel: 客服诈骗\n");
	assert_int_equal(k.n, 6);
	kit_close(&k);
	kit_remove_folder(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_true_order),
		cmocka_unit_test(takes_label_and_profile_from_the_file),
		cmocka_unit_test(tells_what_is_broken),
		cmocka_unit_test(a_line_takes_its_dialogue),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_release(&arena);
	return failed;
}
