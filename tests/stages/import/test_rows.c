/* import/rows and import/csv: labels from a table, which belongs to which call, and what is wrong with a table. */
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

#define LINE(id) \
	"{\"tts_id\":\"" id "\",\"left\":[\"您好\"],\"right\":[\"喂\"],\"fraud_type\":\"打车服务\",\"user_age\":30}\n"
#define BARE(id) "{\"tts_id\":\"" id "\",\"left\":[\"您好\"],\"right\":[\"喂\"]}\n"

static int set_up(void **state)
{
	(void)state;
	static const char a[] = LINE("1") BARE("B 2"), b[] = BARE("1") BARE("3"), lone[] = "L: 您好\nR: 喂\n";
	folder = kit_folder(&arena);
	kit_write(folder, "a.jsonl", a, strlen(a));
	kit_write(folder, "b.jsonl", b, strlen(b));
	kit_write(folder, "录音.txt", lone, strlen(lone));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kit_remove_folder(folder);
	arena_release(&arena);
	return 0;
}

/* A listing of all three files with this table; 0, or what list() gave with its words in `e`. */
static int list_with(struct kit *k, const char *csv, const char *more, struct err *e)
{
	CLEANUP(buf_release) struct buf with = BUF_INIT;
	buf_printf(&with, "inputs: [a.jsonl, b.jsonl, 录音.txt]\nlabels_csv: l.csv\n%s", more);
	kit_write(folder, "l.csv", csv, strlen(csv));
	if (kit_open(k, &stage_import, with.data, folder, e))
		fail_msg("%s", e->text);
	return kit_list(k, e);
}

static void call_has(struct kit *k, const char *id, const char *expected)
{
	struct err e = ERR_INIT;
	struct work w;
	const struct kit_item *item = kit_item(k, id);
	assert_non_null(item);
	const char *got = item->broken;
	if (!got)
		got = kit_work(k, id, item->content, &w, &e) ? e.text : kit_json(k, w.fields);
	if (!strstr(got, expected))
		fail_msg("%s: '%s' is not in: %s", id, expected, got);
}

static void rows_go_to_their_calls(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	assert_int_equal(list_with(&k,
						 "\xef\xbb\xbfid , label,scene,age,gender,occupation,initiator\r\n\r\n"
						 "a/1,投资诈骗,订餐服务,71,女,\"退休, \"\"教师\"\"\",unknown\r\n"
						 "B 2,外卖服务,,,,,\r\n"
						 "b/1,,交通咨询,,m,,left\r\n"
						 "录音,\"绑架诈骗\",,,,\"第一行\r\n第二行\",",
						 "", &e),
		0);
	call_has(&k, "a/1",
		"{\"initiator\":\"unknown\",\"label\":{\"fraud_type\":\"投资诈骗\",\"is_fraud\":true,\"scene\":\"订餐服务\","
		"\"scene_origin\":\"given\"},\"profile\":{\"right\":{\"age\":71,\"gender\":\"female\",\"occupation\":\"退休, "
		"\\\"教师\\\"\"}},");
	call_has(&k, "a/%42%202", "\"label\":{\"is_fraud\":false,\"scene\":\"外卖服务\",\"scene_origin\":\"given\"}");
	call_has(&k, "b/1", "{\"initiator\":\"left\",\"label\":{\"is_fraud\":false,\"scene\":\"交通咨询\"");
	call_has(&k, "b/1", "\"profile\":{\"right\":{\"gender\":\"male\"}}");
	call_has(&k, "b/3", "no label: neither the transcript nor a row of labels_csv tells one");
	call_has(&k, "%e5%bd%95%e9%9f%b3", "\"fraud_type\":\"绑架诈骗\"");
	call_has(&k, "%e5%bd%95%e9%9f%b3", "\"occupation\":\"第一行\\r\\n第二行\"");
	kit_close(&k);
}

/* Only the row of a call is in its content: editing one changes one, moving and adding lines changes none. */
static void content_holds_one_row(void **state)
{
	(void)state;
	static const char *const tables[] = {
		"id,label\na/1,投资诈骗\nb/3,外卖服务\n",
		"label,id,age\n\n外卖服务,b/3,\n\"投资诈骗\", a/1 ,\n打车服务,B 2,\n",
		"id,fraud_type,scene\na/1,投资诈骗,\nb/3,,打车服务\n",
	};
	const char *first[2] = {NULL, NULL};
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		assert_int_equal(list_with(&k, tables[i], "", &e), 0);
		const char *one = arena_strdup(&arena, kit_json(&k, kit_item(&k, "a/1")->content));
		const char *three = arena_strdup(&arena, kit_json(&k, kit_item(&k, "b/3")->content));
		if (i == 0) {
			first[0] = one;
			first[1] = three;
			assert_non_null(strstr(one, "\"row\":{\"fraud_type\":\"投资诈骗\"}"));
		}
		assert_string_equal(one, first[0]);
		if (i == 2)
			assert_string_not_equal(three, first[1]);
		else
			assert_string_equal(three, first[1]);
		kit_close(&k);
	}
	/* Without a table the content is what it was before there were tables. */
	struct kit k;
	struct err e = ERR_INIT;
	if (kit_open(&k, &stage_import, "inputs: [a.jsonl]\n", folder, &e) || kit_list(&k, &e))
		fail_msg("%s", e.text);
	assert_string_equal(kit_json(&k, kit_item(&k, "a/%42%202")->content),
		"{\"reader\":\"jsonl\",\"record\":{\"left\":[\"您好\"],\"right\":[\"喂\"]}}");
	kit_close(&k);
}

static void bad_values_are_told_at_their_call(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"id,age\na/1,many\n", "l.csv:2: age: no whole number from 0 to 150"},
		{"id,age\n\na/1,151\n", "l.csv:3: age: no whole number"},
		{"id,age\na/1,-1\n", "age: no whole number"},
		{"id,gender\na/1,x\n", "gender: neither male nor female"},
		{"id,initiator\na/1,user\n", "initiator: none of left"},
		{"id,label\na/1,诈骗\n", "label: unknown label '诈骗'"},
		/* A column that slipped: what stands there may be personal data. */
		{"id,label\na/1,赵六13900001111\n", "label: unknown label of 13 characters: neither"},
		{"id,scene\na/1,投资诈骗\n", "scene: unknown scene"},
		{"id,fraud_type\na/1,打车服务\n", "fraud_type: unknown fraud type"},
		{"id,label,scene\na/1,打车服务,外卖服务\n", "label: '打车服务', but scene: '外卖服务'"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		assert_int_equal(list_with(&k, cases[i][0], "label: 外卖服务\n", &e), 0);
		call_has(&k, "a/1", cases[i][1]);
		call_has(&k, "b/1", "\"scene\":\"外卖服务\"");
		kit_close(&k);
	}
}

static void bad_tables_stop_the_run(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", "l.csv:1: the file is empty"},
		{"\xef\xbb\xbf\n\n", "the file is empty"},
		{"id,name,标签\na/1,x,y\n", "l.csv:1: unknown columns: 'name', '标签'; there are id, label, fraud_type, scene"},
		{"id\tlabel\n", "unknown columns: 'id\tlabel'"},
		{"label\n打车服务\n", "the header has no column id"},
		{"id,label,id\n", "column id stands twice"},
		{"id,label\na/1\n", "l.csv:2: 1 cells, the header has 2"},
		{"id,label\na/1,打车服务,\n", "l.csv:2: 3 cells"},
		{"id,label\n,打车服务\n", "l.csv:2: the id is empty"},
		{"id\na/1\n\na/1\n", "l.csv:4: the id 'a/1' stands twice, first in line 2"},
		{"id,label\n\"a/1,打车服务\nx\n", "l.csv:2: a quote is not closed"},
		{"id,label\n\"a\nb\",x\nc,a\"b\n", "l.csv:4: a quote within a cell"},
		{"id,label\n\"a\"b,x\n", "l.csv:2: text behind a closing quote"},
		{"id,label\na,\xb4\xf2\n", "l.csv: invalid UTF-8 at byte 12"},
		{"id\n1\n", "l.csv:2: '1' is the id of a/1 and of b/1: write whole ids"},
		{"id\nzz\nyy\n", "l.csv:2: no row belongs to a call, 'zz' neither"},
		{"a/1,13900001111\n", "unknown columns: of 3 characters, of 11 characters; there are id"},
		{"id,,\n", "unknown columns: '', ''"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		if (list_with(&k, cases[i][0], "", &e) != ERR_CONFIG || !strstr(e.text, cases[i][1]))
			fail_msg("'%s' is not in: %s", cases[i][1], e.text);
		kit_close(&k);
	}
	CLEANUP(buf_release) struct buf wide = BUF_INIT;
	struct kit k;
	struct err e = ERR_INIT;
	for (int i = 0; i < CSV_CELLS_MAX + 1; i++)
		buf_puts(&wide, "id,");
	assert_int_equal(list_with(&k, wide.data, "", &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "more than 64 cells"));
	kit_close(&k);
}

/* A whole id goes before an id within a file; rows without a call are no error as long as others have one. */
static void whole_ids_go_first(void **state)
{
	(void)state;
	struct kit k;
	struct err e = ERR_INIT;
	assert_int_equal(list_with(&k, "id,label\n1,打车服务\na/1,外卖服务\nnowhere,外卖服务\n", "", &e), 0);
	call_has(&k, "a/1", "外卖服务");
	call_has(&k, "b/1", "打车服务");
	kit_close(&k);
}

/* --- csv.c --- */

static void csv_rows(void **state)
{
	(void)state;
	static const struct {
		const char *text, *cells; /* cells as they are, a bar behind each, rows by line number */
	} cases[] = {
		{"a,b\r\nc,d", "1:a|b|2:c|d|"},
		{"a,\"b\nc\"\n\n\nd\n", "1:a|b\nc|5:d|"},
		{",\n\"\"\n", "1:||2:|"},
		{" a , \n", "1: a | |"},
		{"\"a\"\"\",\"\"\"\"\"\"", "1:a\"|\"\"|"},
		{"a\rb\n", "1:a\rb|"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct csv csv = {.rest = str_of(cases[i].text), .line = 1, .next = 1};
		struct csv_row *row = ARENA_NEW(&arena, struct csv_row);
		struct err e = ERR_INIT;
		int r;
		while ((r = csv_next(&csv, &arena, row, &e)) > 0) {
			buf_printf(&b, "%d:", csv.line);
			for (size_t n = 0; n < row->n; n++)
				buf_printf(&b, "%.*s|", STR_FMT(row->cells[n]));
		}
		assert_int_equal(r, 0);
		assert_string_equal(b.data, cases[i].cells);
	}
}

/* Names of recordings hold telephone numbers, and ids are published. */
static void ids_with_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *id;
		bool found;
	} rows[] = {{"13812345678-20240301", true}, {"rec/86-19912345678", true}, {"run1/11010119900307123x", true},
		{"a/110101199003071234.b", true}, {"a/12012345678", false}, {"a/138123456789", false},
		{"a/20240301123059", false}, {"a/1381234567", false}, {"a/00013", false}, {"", false}, {"1", false}};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (shown_number_in(str_of(rows[i].id)) != rows[i].found)
			fail_msg("%s", rows[i].id);
	struct kit k;
	struct err e = ERR_INIT;
	static const char named[] = LINE("13812345678") LINE("5");
	kit_write(folder, "n.jsonl", named, strlen(named));
	for (int open = 0; open < 2; open++) {
		if (kit_open(&k, &stage_import, open ? "{inputs: [n.jsonl], private: false}" : "{inputs: [n.jsonl]}", folder, &e) ||
			kit_list(&k, &e))
			fail_msg("%s", e.text);
		assert_int_equal(k.n, 2);
		assert_true((kit_item(&k, "n/13812345678") != NULL) == (open == 1));
		if (!open)
			assert_non_null(strstr(kit_item(&k, "file-0/line-1")->broken, "ids are published"));
		assert_non_null(kit_item(&k, "n/5")->content);
		kit_close(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_go_to_their_calls),
		cmocka_unit_test(content_holds_one_row),
		cmocka_unit_test(bad_values_are_told_at_their_call),
		cmocka_unit_test(bad_tables_stop_the_run),
		cmocka_unit_test(whole_ids_go_first),
		cmocka_unit_test(csv_rows),
		cmocka_unit_test(ids_with_numbers),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
