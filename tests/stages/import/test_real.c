/* import on the real transcripts beside the project: every line becomes a call or an error with a reason; full dialogues agree with their lines. */
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
#include <unistd.h>

#include <cmocka.h>

#define DATA "../shared/data/transcripts"
#define RUN "fraud-20250228_154804" /* the run that the full dialogues belong to */

static bool absent(void)
{
	if (access(DATA "/" RUN ".jsonl", R_OK) == 0)
		return false;
	printf("skipped: no real transcripts at %s\n", DATA);
	return true;
}

static void open_kit(struct kit *k, const char *with)
{
	struct err e = ERR_INIT;
	if (kit_open(k, &stage_import, with, ".", &e) || kit_list(k, &e))
		fail_msg("%s", e.text);
}

static const struct json *work(struct kit *k, const struct kit_item *item)
{
	struct err e = ERR_INIT;
	struct work w;
	if (kit_work(k, item->id.p, item->content, &w, &e))
		fail_msg("%s: %s", item->id.p, e.text);
	return w.fields;
}

static void all_lines_become_calls(void **state)
{
	(void)state;
	static const char *const sides[] = {"left", "right", "natural", "unknown"};
	size_t by[4] = {0}, fraud = 0, signals = 0, turns = 0;
	struct kit k;
	if (absent())
		skip();
	open_kit(&k, "inputs: [" DATA "/*.jsonl]\n");
	assert_int_equal(k.n, 4962);
	for (size_t i = 0; i < k.n; i++) {
		assert_null(k.items[i].broken);
		assert_true(id_valid(k.items[i].id));
		const struct json *call = work(&k, &k.items[i]);
		fraud += json_get_bool(json_get(call, "label"), "is_fraud", false);
		turns += json_count(json_get(call, "turns"));
		const struct json *end = json_get(call, "termination");
		signals += json_get(end, "signal") != NULL;
		for (size_t s = 0; s < 4; s++)
			by[s] += str_is(json_get_str(end, "by"), sides[s]);
		assert_non_null(json_path(call, "profile.right.age"));
	}
	printf(
		"4962 calls: %zu fraud, %zu turns, %zu signals cut; ended by left %zu, right %zu, natural %zu, unknown %zu\n",
		fraud, turns, signals, by[0], by[1], by[2], by[3]);
	assert_int_equal(fraud, 3712);
	assert_int_equal(by[0] + by[1] + by[2] + by[3], 4962);
	assert_int_equal(by[2], 10);
	assert_int_equal(by[3], 110); /* endcall 108, empty 2: all others are known */
	assert_true(signals > 0);
	kit_close(&k);
}

static struct str turns_json(struct kit *k, const struct json *call)
{
	return str_of(kit_json(k, json_get(call, "turns")));
}

static void full_dialogues_agree(void **state)
{
	(void)state;
	size_t equal = 0;
	struct kit lines, full;
	if (absent())
		skip();
	open_kit(&lines, "inputs: [" DATA "/" RUN ".jsonl]\nprefix: run\n");
	open_kit(&full, "inputs: [" DATA "/full/*.json]\nprefix: run\nlabel: 投资诈骗\n");
	assert_int_equal(full.n, 300);
	for (size_t i = 0; i < full.n; i++) {
		assert_null(full.items[i].broken);
		const struct kit_item *line = kit_item(&lines, full.items[i].id.p);
		assert_non_null(line);
		if (str_eq(turns_json(&full, work(&full, &full.items[i])), turns_json(&lines, work(&lines, line))))
			equal++;
		else
			printf("in another order: %s\n", line->id.p);
	}
	printf("%zu of 300 full dialogues have the turns of their line in the same order\n", equal);
	assert_int_equal(equal, 299); /* one is left right left right right left: its line hides that */
	kit_close(&lines);
	kit_close(&full);
}

static void lines_take_their_dialogues(void **state)
{
	(void)state;
	size_t taken = 0, left_in_order = 0;
	struct kit k;
	if (absent())
		skip();
	open_kit(&k, "inputs: [" DATA "/full/*.json, " DATA "/" RUN ".jsonl]\nprefix: run\n");
	assert_int_equal(k.n, 1000);
	for (size_t i = 0; i < k.n; i++) {
		assert_null(k.items[i].broken);
		taken += json_get(k.items[i].content, "dialogue") != NULL;
	}
	assert_int_equal(taken, 300);
	const struct json *turns = json_get(work(&k, kit_item(&k, "run/tts_fraud_00205")), "turns");
	JSON_EACH(turn, turns) {
		if (turn->next && str_eq(turn_role(turn), turn_role(turn->next)))
			left_in_order++;
	}
	assert_int_equal(left_in_order, 1);
	kit_close(&k);
}

static void add_said(struct kit *k, struct json *list, const char *speaker, struct str text)
{
	struct json *s = json_object(&k->arena);
	json_set_text(&k->arena, s, "speaker", speaker);
	json_set_str(&k->arena, s, "text", text);
	json_append(list, s);
}

/* A dialogue as segments of speakers A (left) and B. B says 喂 first: in these dialogues left always begins, so a way that cannot decide would be right
 * for nothing. */
static struct json *as_segments(struct kit *k, const struct json *call)
{
	struct json *list = json_array(&k->arena), *record = json_object(&k->arena);
	add_said(k, list, "B", STR("喂"));
	JSON_EACH(turn, json_get(call, "turns")) {
		add_said(k, list, str_is(turn_role(turn), "left") ? "A" : "B", turn_text(turn));
	}
	json_set(&k->arena, record, "segments", list);
	return record_content(&k->arena, &reader_whisper, record);
}

/* The share of the calls of one kind in which `way` finds the sides, in thousandths. */
static size_t share_found(struct kit *calls, const char *way, bool fraud)
{
	size_t right = 0, all = 0;
	struct kit k;
	struct err e = ERR_INIT;
	const char *yaml = arena_printf(
		&calls->arena, "inputs: [" DATA "/*.jsonl]\nsides: %s\nlabel: %s\n", way, fraud ? "投资诈骗" : "订餐服务");
	if (kit_open(&k, &stage_import, yaml, ".", &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < calls->n; i++) {
		struct work w;
		const struct json *call = work(calls, &calls->items[i]);
		if (json_get_bool(json_get(call, "label"), "is_fraud", false) != fraud)
			continue;
		if (kit_work(&k, "x", as_segments(&k, call), &w, &e))
			fail_msg("%s: %s", calls->items[i].id.p, e.text);
		all++;
		right += str_is(turn_role(json_first(json_get(w.fields, "turns"))), "right");
	}
	kit_close(&k);
	printf("sides: %s: right in %zu of %zu %s calls\n", way, right, all, fraud ? "fraud" : "everyday");
	assert_true(all > 1000);
	return right * 1000 / all;
}

/* These are the numbers of sides.c and docs/transcripts.md. */
static void sides_are_found(void **state)
{
	(void)state;
	struct kit k;
	if (absent())
		skip();
	open_kit(&k, "inputs: [" DATA "/*.jsonl]\n");
	assert_true(share_found(&k, "auto", true) >= 980);
	assert_true(share_found(&k, "auto", false) >= 990);
	assert_true(share_found(&k, "questions", true) >= 810);
	assert_true(share_found(&k, "questions", false) >= 710);
	kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lines_become_calls),
		cmocka_unit_test(full_dialogues_agree),
		cmocka_unit_test(lines_take_their_dialogues),
		cmocka_unit_test(sides_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
