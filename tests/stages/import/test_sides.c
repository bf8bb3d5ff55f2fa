/* import/sides: which side a speaker is on, and which segments are one turn. */
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
	kit_write(folder, "t", "-", 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kit_remove_folder(folder);
	arena_release(&arena);
	return 0;
}

/* A segment: speaker, text, start and end in ms (-1 for none). */
struct seg {
	const char *speaker, *text;
	int start_ms, end_ms;
};

static struct json *content_of(struct kit *k, const struct seg *v, size_t n)
{
	struct json *list = json_array(&k->arena), *record = json_object(&k->arena);
	for (size_t i = 0; i < n; i++) {
		struct json *s = json_object(&k->arena);
		json_set_text(&k->arena, s, "speaker", v[i].speaker);
		json_set_text(&k->arena, s, "text", v[i].text);
		if (v[i].start_ms >= 0)
			json_set_int(&k->arena, s, "start_ms", v[i].start_ms);
		if (v[i].end_ms >= 0)
			json_set_int(&k->arena, s, "end_ms", v[i].end_ms);
		json_append(list, s);
	}
	json_set(&k->arena, record, "segments", list);
	return record_content(&k->arena, &reader_whisper, record);
}

/* The turns as "L text;" with times when they have any, or the words of the error. */
static const char *turns(const char *with, const char *label, const struct seg *v, size_t n)
{
	struct kit k;
	struct err e = ERR_INIT;
	struct work w;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "inputs: [t]\nlabel: %s\n%s", label, with);
	if (kit_open(&k, &stage_import, b.data, folder, &e))
		fail_msg("%s", e.text);
	buf_clear(&b);
	if (kit_work(&k, "t", content_of(&k, v, n), &w, &e))
		buf_puts(&b, e.text);
	else
		JSON_EACH(turn, json_get(w.fields, "turns")) {
			buf_puts(&b, str_is(turn_role(turn), "left") ? "L " : "R ");
			buf_str(&b, turn_text(turn));
			if (json_get(turn, "start_ms") || json_get(turn, "end_ms"))
				buf_printf(&b, " %lld-%lld", (long long)json_get_int(turn, "start_ms", -1),
					(long long)json_get_int(turn, "end_ms", -1));
			buf_putc(&b, ';');
		}
	const char *got = arena_strdup(&arena, b.data);
	kit_close(&k);
	return got;
}

#define ARRAY(...) ((const struct seg[]){__VA_ARGS__})
#define IS(with, label, expected, ...) \
	assert_string_equal( \
		turns(with, label, ARRAY(__VA_ARGS__), sizeof(ARRAY(__VA_ARGS__)) / sizeof(struct seg)), expected)
#define FAILS(with, expected, ...) \
	do { \
		const char *got_ = turns(with, "订餐服务", ARRAY(__VA_ARGS__), sizeof(ARRAY(__VA_ARGS__)) / sizeof(struct seg)); \
		if (!strstr(got_, expected)) \
			fail_msg("'%s' is not in: %s", expected, got_); \
	} while (0)
#define NORMAL "订餐服务"
#define FRAUD "投资诈骗"
#define A(text) {"A", text, -1, -1}
#define B(text) {"B", text, -1, -1}
#define C(text) {"C", text, -1, -1}

static void the_map_decides(void **state)
{
	(void)state;
	IS("speakers: {left: A}\n", NORMAL, "L 喂;R 您好;", A("喂"), B("您好"));
	IS("speakers: {right: A}\n", NORMAL, "R 喂;L 您好;", A("喂"), B("您好"));
	IS("speakers: {B: right}\n", NORMAL, "L 喂;R 您好;", A("喂"), B("您好"));
	IS("speakers: {left: C}\n", NORMAL, "R 喂;L 您好;", A("喂"), B("您好")); /* of other calls: says nothing of this one */
	IS("speakers: {left: 'A, C', right: B}\n", NORMAL, "L 一;R 二;L 三;", A("一"), B("二"), C("三"));
	IS("speakers: {A: left, C: left}\n", NORMAL, "L 一;R 二;L 三四;", A("一"), B("二"), C("三"), A("四"));
	IS("speakers: {left: 0}\n", NORMAL, "R 一;L 二;", {"1", "一", -1, -1}, {"0", "二", -1, -1});
	IS("speakers: {right: left}\n", NORMAL, "R 一;L 二;", {"left", "一", -1, -1}, {"x", "二", -1, -1});
	FAILS("speakers: {left: A}\n", "3 speakers (A, B, C)", A("一"), B("二"), C("三"));
	FAILS("", "3 speakers (A, B, C): say in `speakers`", A("一"), B("二"), C("三"));
	FAILS("speakers: {left: A, right: B}\n", "3 speakers", A("一"), B("二"), C("三"));
	FAILS("speakers: {left: 'A,B'}\n", "all speakers (A, B) are on the left side", A("一"), B("二"));
	FAILS("speakers: {left: A}\n", "one speaker only (A)", A("一"), A("二"));
	FAILS("", "one speaker only (B)", B("一"));
	/* A private call does not say who somebody is. */
	FAILS("", "one speaker only (a name of 3 characters)", {"赵六六", "一", -1, -1});
	FAILS("private: false\n", "one speaker only (赵六六)", {"赵六六", "一", -1, -1});
	FAILS("", "3 speakers (客服, SPEAKER_00, a name of 2 characters)", {"客服", "一", -1, -1},
		{"SPEAKER_00", "二", -1, -1}, {"赵六", "三", -1, -1});
}

static void names_decide_next(void **state)
{
	(void)state;
	IS("", NORMAL, "R 您好;L 喂;", {"R", "您好", -1, -1}, {"L", "喂", -1, -1});
	IS("", NORMAL, "R 您好;L 喂;", {"右声道", "您好", -1, -1}, {"别人", "喂", -1, -1});
	IS("speakers: {left: R}\n", NORMAL, "L 您好;R 喂;", {"R", "您好", -1, -1}, {"客户", "喂", -1, -1});
}

static void the_way_decides_last(void **state)
{
	(void)state;
	/* auto: the polite address; if even, who says more; if even, who speaks first. */
	IS("", NORMAL, "R 你要什么这么多话;L 请讲;", B("你要什么这么多话"), A("请讲"));
	IS("", FRAUD, "R 喂;L 这里是公安局;", B("喂"), A("这里是公安局"));
	IS("", NORMAL, "L 喂;R 嗯;", B("喂"), A("嗯"));
	IS("sides: first\n", NORMAL, "L 喂;R 您好请讲;", B("喂"), A("您好请讲"));
	/* questions: by share of sentences, with or without marks; in fraud calls the one who asks less is left. */
	IS("sides: questions\n", NORMAL, "R 好。;L 几位？什么时候来？;", B("好。"), A("几位？什么时候来？"));
	IS("sides: questions\n", NORMAL, "R 好。来。;L 来吗！来了;", B("好。来。"), A("来吗！来了"));
	IS("sides: questions\n", FRAUD, "R 为何？;L 转账吧;", B("为何？"), A("转账吧"));
	IS("sides: questions\n", NORMAL, "L 为何？;R 怎么了;", B("为何？"), A("怎么了"));
	/* First in time, where all times are known. */
	IS("sides: first\n", NORMAL, "L 喂 0-10;R 您好 20-30;", {"A", "您好", 20, 30}, {"B", "喂", 0, 10});
}

static void segments_become_turns(void **state)
{
	(void)state;
	const char *with = "sides: first\nmerge_ms: 1000\n";
	/* A pause up to the limit, one over it, an overlap, an end before the last. */
	IS(with, NORMAL, "L 一二 0-3000;L 三 4001-5000;R 四 4500-9000;", {"A", "一", 0, 1000}, {"A", "二", 2000, 3000},
		{"A", "三", 4001, 5000}, {"B", "四", 4500, 9000});
	IS(with, NORMAL, "L 一二 0-5000;R 三 6000-7000;", {"A", "一", 0, 5000}, {"A", "二", 1000, 2000},
		{"B", "三", 6000, 7000});
	/* Backward starts are put in order, equal ones stay as they stand. */
	IS(with, NORMAL, "L 一三 0-6;R 二 5-6;L 四 8-9;", {"A", "三", 5, 6}, {"A", "四", 8, 9}, {"A", "一", 0, 1},
		{"B", "二", 5, 6});
	/* One without a start: the order of the file, and no pause known. */
	IS(with, NORMAL, "L 三一 5000-6000;R 二;", {"A", "三", 5000, 6000}, {"A", "一", 0, 1}, {"B", "二", -1, -1});
	/* An end that is not known makes the turn's end unknown. */
	IS(with, NORMAL, "L 一二 0--1;R 三 9-10;", {"A", "一", 0, 1}, {"A", "二", 2, -1}, {"B", "三", 9, 10});
	IS(with, NORMAL, "L Hello, Mr Li您好ok;R x;", {"A", "Hello,", -1, -1}, {"A", "Mr Li", -1, -1},
		{"A", "您好", -1, -1}, {"A", "ok", -1, -1}, {"B", "x", -1, -1});
	/* Nothing but a signal is no turn. */
	IS(with, NORMAL, "L 一;R 二;", A("一"), B("二"), A("##ENDCALL_SIGNAL##"));
}

static void turns_have_limits(void **state)
{
	(void)state;
	struct seg *v = arena_array(&arena, CALL_TURNS_MAX + 1, sizeof(*v));
	for (size_t i = 0; i <= CALL_TURNS_MAX; i++)
		v[i] = (struct seg){i % 2 ? "A" : "B", "嗯", -1, -1};
	assert_non_null(strstr(turns("", NORMAL, v, CALL_TURNS_MAX + 1), "2001 turns are over 2000"));
	assert_true(strlen(turns("", NORMAL, v, CALL_TURNS_MAX)) > 2000);
	/* A text over the limit of a turn goes on in the next turn. */
	char *text = arena_alloc(&arena, 15001);
	memset(text, 'x', 15000);
	const char *got = turns("sides: first\n", NORMAL, ARRAY({"A", text, -1, -1}, {"A", text, -1, -1}, B("好")), 3);
	assert_int_equal(strlen(got), 2 * 15003 + strlen("R 好;"));
	/* Names without end. */
	for (size_t i = 0; i <= IMPORT_SPEAKERS_MAX; i++)
		v[i].speaker = arena_printf(&arena, "S%zu", i);
	assert_non_null(strstr(turns("", NORMAL, v, IMPORT_SPEAKERS_MAX + 1), "more than 64 speakers"));
}

static void maps_are_checked(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"{A: middle}", "speakers: A: expected left or right"},
		{"{left: true}", "speakers: left: expected the name of a speaker"},
		{"{left: }", "speakers: left: expected the name of a speaker"},
		{"{left: 'A, B', right: B}", "'B' is on both sides"},
		{"{B: right, left: B}", "'B' is on both sides"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(buf_release) struct buf with = BUF_INIT;
		struct kit k;
		struct err e = ERR_INIT;
		buf_printf(&with, "inputs: [t]\nspeakers: %s\n", cases[i][0]);
		assert_int_equal(kit_open(&k, &stage_import, with.data, folder, &e), ERR_CONFIG);
		if (!strstr(e.text, cases[i][1]))
			fail_msg("'%s' is not in: %s", cases[i][1], e.text);
		kit_close(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_map_decides),
		cmocka_unit_test(names_decide_next),
		cmocka_unit_test(the_way_decides_last),
		cmocka_unit_test(segments_become_turns),
		cmocka_unit_test(turns_have_limits),
		cmocka_unit_test(maps_are_checked),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
