/* import: files of a million lines. Time grows with the size and no faster (a file of four times the lines takes about four times as long), and what is over
 * a cap is told by its cap. */
#include "base/alloc.h"
#include "base/clock.h"
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

#define MILLION 1000000

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

/* List a file of head, `n` times line (a %d in it counts), tail; the words of what is wrong with its one item, or NULL. Also the time it took. */
static const char *list_large(const char *head, const char *line, const char *tail, int n, int64_t *ret_ms)
{
	struct buf b;
	struct kit k;
	struct err e = ERR_INIT;
	buf_init(&b, (size_t)60 << 20);
	buf_puts(&b, head);
	const char *number = strstr(line, "%d");
	for (int i = 0; i < n; i++) {
		if (number) {
			buf_add(&b, line, (size_t)(number - line));
			buf_printf(&b, "%d", i);
			buf_puts(&b, number + 2);
		} else {
			buf_puts(&b, line);
		}
	}
	buf_puts(&b, tail);
	assert_false(buf_error(&b));
	kit_write(folder, "t", b.data, b.len);
	buf_release(&b);
	int64_t start = clock_ms();
	if (kit_open(&k, &stage_import, "inputs: [t]\nlabel: 订餐服务\n", folder, &e) || kit_list(&k, &e))
		fail_msg("%s", e.text);
	*ret_ms = clock_ms() - start;
	assert_int_equal(k.n, 1);
	const char *why = k.items[0].broken ? arena_strdup(&arena, k.items[0].broken) : NULL;
	if (!why) {
		struct work w;
		if (kit_work(&k, "t", k.items[0].content, &w, &e))
			why = arena_strdup(&arena, e.text);
		else
			assert_int_equal(json_count(json_get(w.fields, "turns")), 2);
	}
	kit_close(&k);
	return why;
}

static const struct {
	const char *name, *head, *line, *tail;
	const char *why; /* NULL: it becomes a call of two turns */
} cases[] = {
	{"plain, two speakers", "", "L:a\nR:b\n", "", "more than 50000 segments"},
	{"plain, one speech", "L:a\nR:b\n", "ccccc\n", "", "over 20000"},
	{"plain, comments", "L:a\n", "#\n", "R:b\n", NULL},
	{"plain, colons in a line", "L:a\nR:b\n", ":::::::[[", "\n", "over 20000"},
	{"srt", "", "%d\n0:00,0 --> 0:01,0\nA\n", "", "bytes is over 16777216"},
	{"srt, no empty lines", "0:00 --> 0:01\nA:a\n0:00 --> 0:01\nB:b\n", "\n\n", "", NULL},
	{"srt, numbers", "0:00 --> 0:01\nA:a\n", "%d\n", "0:00 --> 0:01\nB:b\n", "over 20000"},
	{"vtt, a long note", "WEBVTT\n\nNOTE\n", "note %d\n", "\n0:00.0 --> 0:01.0\n<v A>a\n\n0:00.0 --> 0:01.0\n<v B>b\n",
		NULL},
	{"vtt, open tags", "WEBVTT\n\n0:00.0 --> 0:01.0\n", "<v A>&amp;<", "", "over 20000"},
	{"vtt, empty cues", "WEBVTT\n\n", "0:00.0-->0:01\n", "", "empty call"},
	{"whisper", "{\"segments\":[{\"text\":\"a\",\"speaker\":1}", ",{\"text\":\"b\"}", "]}", "more than 50000 segments"},
	{"whisper, words", "{\"segments\":[{\"text\":\"a\",\"speaker\":1,\"words\":[{\"word\":\"a\",\"speaker\":2}",
		",{\"word\":\"b\"}", ",{\"word\":\"c\",\"speaker\":3}]}]}", "over 20000"},
	{"whisper, NaN", "{\"x\":[0", ",NaN",
		"],\"segments\":[{\"text\":\"a\",\"speaker\":1},{\"text\":\"b\",\"speaker\":2}]}", NULL},
	{"funasr", "{\"sentence_info\":[{\"text\":\"a\",\"spk\":1}", ",{\"text\":\"\"}", ",{\"text\":\"b\",\"spk\":2}]}",
		NULL},
	{"funasr, marks", "{\"sentence_info\":[{\"text\":\"", "<|<|a|>", "\",\"spk\":1},{\"text\":\"b\",\"spk\":2}]}",
		"one speaker"},
	{"funasr, one list", "[{\"key\":\"a\",\"text\":[0", ",[{}]", "]}]", "sentence_info: expected a list"},
};

static void time_is_linear(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t quarter, whole;
		list_large(cases[i].head, cases[i].line, cases[i].tail, MILLION / 4, &quarter);
		const char *why = list_large(cases[i].head, cases[i].line, cases[i].tail, MILLION, &whole);
		printf("%s: %lld ms, a quarter of it %lld ms\n", cases[i].name, (long long)whole, (long long)quarter);
		if (cases[i].why ? !why || !strstr(why, cases[i].why) : why != NULL)
			fail_msg("%s: '%s' is not in: %s", cases[i].name, cases[i].why ? cases[i].why : "", why ? why : "(none)");
		/* Quadratic would be 16 times; a busy machine is given room. */
		if (whole > 10 * (quarter + 100))
			fail_msg(
				"%s: %lld ms for four times what takes %lld ms", cases[i].name, (long long)whole, (long long)quarter);
	}
}

/* A million calls in one file are a million items: only forms of one call have the cap. */
static void files_have_a_cap(void **state)
{
	(void)state;
	static const char *const heads[] = {
		"L:a\nR:b\n", "WEBVTT\n\n", "1\n0:00 --> 0:01\nA:a\n", "{\"segments\":[],\"x\":\""};
	char *filling = arena_alloc(&arena, IMPORT_FILE_MAX + 1);
	memset(filling, 'x', IMPORT_FILE_MAX);
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		int64_t ms;
		const char *why = list_large(heads[i], "", filling, 0, &ms);
		assert_non_null(why);
		assert_non_null(strstr(why, "is over 16777216"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_is_linear),
		cmocka_unit_test(files_have_a_cap),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
