/* import/jsonl: lines with odd bytes, broken lines, wrong types, limits; each tells what is wrong and the rest goes on. */
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

#define GOOD(id) "{\"tts_id\":\"" id "\",\"left\":[\"您好\"],\"right\":[\"你好\"],\"fraud_type\":\"投资诈骗\"}"

static struct arena arena = ARENA_INIT;
static const char *folder;

static int set_up(void **state)
{
	(void)state;
	folder = kit_folder(&arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kit_remove_folder(folder);
	arena_release(&arena);
	return 0;
}

/* A listing of one file called t.jsonl. */
static void list_bytes(struct kit *k, const char *text, size_t n)
{
	struct err e = ERR_INIT;
	kit_write(folder, "t.jsonl", text, n);
	if (kit_open(k, &stage_import, "inputs: [t.jsonl]\n", folder, &e) || kit_list(k, &e))
		fail_msg("%s", e.text);
}

static void list_text(struct kit *k, const char *text)
{
	list_bytes(k, text, strlen(text));
}

static void lists_good_lines(void **state)
{
	(void)state;
	struct kit k;
	list_text(&k, GOOD("a") "\n\n  \n" GOOD("B 1"));
	assert_int_equal(k.n, 2);
	assert_string_equal(k.items[0].id.p, "t/a");
	assert_int_equal(k.items[0].at.line, 1);
	assert_string_equal(k.items[1].id.p, "t/%42%201");
	assert_int_equal(k.items[1].at.line, 4);
	assert_string_equal(kit_json(&k, k.items[0].content),
		"{\"reader\":\"jsonl\",\"record\":{\"fraud_type\":\"投资诈骗\",\"left\":[\"您好\"],\"right\":[\"你好\"]}}");
	kit_close(&k);
}

/* BOM, CRLF, blank lines, key order, blanks and unused members are no part of a record. */
static void bytes_around_do_not_count(void **state)
{
	(void)state;
	static const char *const same[] = {
		GOOD("a") "\n",
		"\xef\xbb\xbf" GOOD("a") "\r\n",
		"\r\n\r\n" GOOD("a"),
		"{ \"right\" : [\"你好\"], \"fraud_type\":\"投资诈骗\", \"left\":[\"\\u60a8好\"], \"tts_id\":\"a\", "
		"\"seconds\": 1.5, \"user_age\": null }",
	};
	const char *first = NULL;
	for (size_t i = 0; i < COUNT_OF(same); i++) {
		struct kit k;
		list_text(&k, same[i]);
		assert_int_equal(k.n, 1);
		assert_null(k.items[0].broken);
		const char *content = arena_strdup(&arena, kit_json(&k, k.items[0].content));
		if (!first)
			first = content;
		assert_string_equal(content, first);
		kit_close(&k);
	}
}

/* The locator finds the record's bytes again. */
static void locates_records(void **state)
{
	(void)state;
	static const char text[] = "\xef\xbb\xbf\r\n  " GOOD("a") " \r\n\xef\xbb\xbf" GOOD("b");
	struct kit k;
	list_text(&k, text);
	assert_int_equal(k.n, 2);
	for (size_t i = 0; i < 2; i++) {
		const char *expected = i ? GOOD("b") : GOOD("a");
		assert_int_equal(k.items[i].at.length, strlen(expected));
		assert_memory_equal(text + k.items[i].at.offset, expected, strlen(expected));
	}
	kit_close(&k);
}

static void tells_what_is_broken(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"{\"tts_id\":\"x\",\"left\":[\"a\",]}", "bad JSON"},
		{"{\"tts_id\":\"x\",\"left\":[\"a\"", "bad JSON"},
		{"{\"tts_id\":\"x\"} trailing }", "bad JSON"},
		{"[\"tts_id\"]", "expected a JSON object, found"},
		{"\"tts_id\"", "expected a JSON object, found"},
		{"{\"tts_id\":\"\xff\",\"left\":[]}", "invalid UTF-8 at byte 12"},
		{"{\"left\":[],\"right\":[]}", "tts_id is missing"},
		{"{\"tts_id\":null,\"left\":[],\"right\":[]}", "tts_id is missing"},
		{"{\"tts_id\":\" \",\"left\":[],\"right\":[]}", "tts_id: the id is empty"},
		{"{\"tts_id\":true,\"left\":[],\"right\":[]}", "tts_id: expected a text"},
		{"{\"tts_id\":\"x\",\"right\":[]}", "left is missing"},
		{"{\"tts_id\":\"x\",\"left\":\"a\",\"right\":[]}", "left: expected a list"},
		{"{\"tts_id\":\"x\",\"left\":[],\"right\":{}}", "right: expected a list"},
		{"{\"tts_id\":\"x\",\"left\":[\"a\",7],\"right\":[]}", "left[1]: expected a text"},
		{"{\"tts_id\":\"x\",\"left\":[],\"right\":[null]}", "right[0]: expected a text"},
		{"{\"tts_id\":\"x\",\"left\":[],\"right\":[],\"user_age\":\"30\"}", "user_age: expected a whole number"},
		{"{\"tts_id\":\"x\",\"left\":[],\"right\":[],\"user_age\":30.5}", "user_age: expected a whole number"},
		{"{\"tts_id\":\"x\",\"left\":[],\"right\":[],\"user_age\":-1}", "user_age: -1 is not between"},
		{"{\"tts_id\":\"x\",\"left\":[],\"right\":[],\"fraud_type\":[]}", "fraud_type: expected a text"},
		{"{\"tts_id\":\"x\",\"left\":[],\"right\":[],\"terminator\":3}", "terminator: expected a text"},
		{"{\"tts_id\":\"x\",\"tts_id\":\"y\",\"left\":[],\"right\":[]}", "bad JSON"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct kit k;
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		buf_printf(&text, "%s\n%s\n%s\n", GOOD("a"), cases[i][0], GOOD("b"));
		list_text(&k, text.data);
		assert_int_equal(k.n, 3);
		assert_string_equal(k.items[1].id.p, "t/line-2");
		assert_int_equal(k.items[1].at.line, 2);
		if (!k.items[1].broken || !strstr(k.items[1].broken, cases[i][1]))
			fail_msg(
				"%s: '%s' is not in: %s", cases[i][0], cases[i][1], k.items[1].broken ? k.items[1].broken : "(none)");
		assert_null(k.items[0].broken);
		assert_string_equal(k.items[2].id.p, "t/b");
		assert_null(k.items[2].broken);
		kit_close(&k);
	}
}

static void list_turns(struct kit *k, size_t turns, size_t bytes)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_puts(&b, GOOD("a") "\n{\"tts_id\":\"big\",\"left\":[");
	for (size_t i = 0; i < turns; i++) {
		buf_puts(&b, i ? ",\"" : "\"");
		for (size_t n = 0; n < bytes; n++)
			buf_putc(&b, 'x');
		buf_putc(&b, '"');
	}
	buf_puts(&b, "],\"right\":[\"y\"]}\n");
	list_bytes(k, b.data, b.len);
	assert_int_equal(k->n, 2);
}

static void keeps_limits(void **state)
{
	(void)state;
	struct kit k;
	list_turns(&k, CALL_TURNS_MAX - 1, 1);
	assert_null(k.items[1].broken);
	kit_close(&k);
	list_turns(&k, CALL_TURNS_MAX, 1); /* and one on the right */
	assert_non_null(strstr(k.items[1].broken, "2001 turns are over 2000"));
	kit_close(&k);
	list_turns(&k, CALL_TURNS_MAX + 1, 1);
	assert_non_null(strstr(k.items[1].broken, "left: 2001 turns"));
	kit_close(&k);
	list_turns(&k, 1, CALL_TURN_TEXT_MAX);
	assert_null(k.items[1].broken);
	kit_close(&k);
	list_turns(&k, 1, CALL_TURN_TEXT_MAX + 1);
	assert_non_null(strstr(k.items[1].broken, "left[0]: a turn of 20001 bytes"));
	kit_close(&k);
	list_turns(&k, 300, 14000);
	assert_non_null(strstr(k.items[1].broken, "is over 4194304"));
	assert_string_equal(k.items[1].id.p, "t/line-2");
	kit_close(&k);
}

static void refuses_long_ids(void **state)
{
	(void)state;
	struct kit k;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_puts(&b, "{\"left\":[],\"right\":[],\"tts_id\":\"");
	for (int i = 0; i < CALL_ID_MAX - 1; i++)
		buf_putc(&b, 'x'); /* "t/" and 119 */
	buf_puts(&b, "\"}\n" GOOD("a"));
	list_text(&k, b.data);
	assert_int_equal(k.n, 2);
	assert_string_equal(k.items[0].id.p, "t/line-1");
	assert_non_null(strstr(k.items[0].broken, "longer than 120 bytes"));
	kit_close(&k);
}

static void number_ids_are_ids(void **state)
{
	(void)state;
	struct kit k;
	list_text(&k, "{\"tts_id\":17,\"left\":[],\"right\":[]}");
	assert_string_equal(k.items[0].id.p, "t/17");
	kit_close(&k);
}

static void doubled_ids_are_told(void **state)
{
	(void)state;
	struct kit k;
	size_t broken = 0;
	list_text(&k, GOOD("a") "\n" GOOD("a") "\n" GOOD("b"));
	assert_int_equal(k.n, 3);
	for (size_t i = 0; i < k.n; i++) {
		if (!k.items[i].broken)
			continue;
		broken++;
		assert_non_null(strstr(k.items[i].broken, "t.jsonl:1"));
		assert_non_null(strstr(k.items[i].broken, "t.jsonl:2"));
	}
	assert_int_equal(broken, 1);
	assert_null(kit_item(&k, "t/a")->broken);
	kit_close(&k);
}

/* Their new names are ids, however long the first is; and a file of one id over and over takes no longer than another. */
static void doubled_ids_have_ids(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct kit k;
	for (size_t n = 90; n <= 118; n++)
		for (int i = 0; i < 2; i++)
			buf_printf(&text, "{\"tts_id\":\"%.*s客\",\"left\":[],\"right\":[]}\n",
				(int)n - 9, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	for (int i = 0; i < 30000; i++)
		buf_puts(&text, "{\"tts_id\":\"a\",\"left\":[],\"right\":[]}\n");
	list_text(&k, text.data);
	assert_int_equal(k.n, 29 * 2 + 30000);
	for (size_t i = 0; i < k.n; i++)
		assert_true(id_valid(k.items[i].id));
	assert_non_null(kit_item(&k, "t/a+double.30000"));
	kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_good_lines),
		cmocka_unit_test(bytes_around_do_not_count),
		cmocka_unit_test(locates_records),
		cmocka_unit_test(tells_what_is_broken),
		cmocka_unit_test(keeps_limits),
		cmocka_unit_test(refuses_long_ids),
		cmocka_unit_test(number_ids_are_ids),
		cmocka_unit_test(doubled_ids_are_told),
		cmocka_unit_test(doubled_ids_have_ids),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
