/* screen against the 160 calls that were read and labelled (../shared/data/qa): what each rule finds of the defects it is made for, and
 * what the whole of it costs in good calls. Also all real calls by rule. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"
#include "stages/import/import.h"
#include "stages/screen/rules.h"
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

#define GOLD "../shared/data/qa/dev.jsonl"
#define REAL "../shared/data/transcripts"

/* A rule and the defect code it is made for. */
struct pair {
	const char *rule, *code;
	int most_missed, most_false; /* what the defaults reach on the labelled calls */
	int hit, false_hit, missed;
};

static bool has_code(const struct json *gold, const char *code)
{
	JSON_EACH(defect, json_get(gold, "defects")) {
		if (str_is(defect->u.s, code))
			return true;
	}
	return false;
}

static bool has_rule(const struct json *fields, const char *rule)
{
	JSON_EACH(finding, json_path(fields, "qa.@.findings")) {
		if (str_is(json_get_str(finding, "rule"), rule))
			return true;
	}
	return false;
}

static struct json *call_of(struct kit *k, const struct json *gold)
{
	struct json *call = json_object(&k->arena);
	struct json *turns = json_array(&k->arena);
	JSON_EACH(turn, json_get(gold, "dialogue")) {
		const char *role = str_is(json_get_str(turn, "role"), "left") ? "left" : "right";
		json_append(turns, turn_new(&k->arena, role, json_get_str(turn, "content")));
	}
	json_set(&k->arena, call, "turns", turns);
	return call;
}

static void count(struct pair *pairs, size_t n, const struct json *gold, const struct json *fields)
{
	for (size_t i = 0; i < n; i++) {
		bool found = has_rule(fields, pairs[i].rule), coded = has_code(gold, pairs[i].code);
		pairs[i].hit += found && coded;
		pairs[i].false_hit += found && !coded;
		pairs[i].missed += coded && !found;
		if (found != coded)
			printf("  %s %s: %s\n", found ? "not coded" : "missed", pairs[i].code, json_get_str(gold, "id").p);
	}
}

static void finds_labelled_defects(void **state)
{
	(void)state;
	struct pair pairs[] = {
		{.rule = "control_signal", .code = "CTRL_TOKEN", .most_missed = 0, .most_false = 0},
		{.rule = "api_error", .code = "API_ERROR", .most_missed = 0, .most_false = 0},
		{.rule = "empty", .code = "EMPTY_TURN", .most_missed = 0, .most_false = 0},
		{.rule = "non_chinese", .code = "LANG", .most_missed = 0, .most_false = 0},
		{.rule = "repeated_turns", .code = "REPEAT", .most_missed = 2, .most_false = 0},
		{.rule = "too_short", .code = "TOO_SHORT", .most_missed = 0, .most_false = 1},
	};
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct str rest, line;
	struct kit k;
	struct err e = ERR_INIT;
	int rejected = 0, kept_rejected = 0, calls = 0;
	if (fs_read(GOLD, BUF_DEFAULT_MAX, &bytes, NULL)) {
		printf("skipped: no labelled calls at %s\n", GOLD);
		skip();
	}
	if (kit_open(&k, &stage_screen, "{}", ".", &e))
		fail_msg("%s", e.text);
	for (rest = buf_view(&bytes); str_line(&rest, &line);) {
		struct json *gold = NULL;
		struct work w;
		if (str_trim(line).n == 0)
			continue;
		assert_int_equal(json_parse(&k.arena, line, &gold, NULL), 0);
		assert_int_equal(kit_work(&k, "gold", call_of(&k, gold), &w, &e), 0);
		count(pairs, COUNT_OF(pairs), gold, w.fields);
		calls++;
		rejected += w.rejected;
		if (w.rejected && json_get_bool(gold, "keep", false)) {
			kept_rejected++;
			printf("  a good call is rejected: %s %s\n", json_get_str(gold, "id").p, kit_json(&k, w.fields));
		}
	}
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		const struct pair *p = &pairs[i];
		printf("%-14s %-10s precision %d/%d, recall %d/%d\n", p->rule, p->code, p->hit, p->hit + p->false_hit, p->hit,
			p->hit + p->missed);
		assert_true(p->missed <= p->most_missed);
		assert_true(p->false_hit <= p->most_false);
	}
	printf("%d calls: %d rejected, %d of them labelled keep\n", calls, rejected, kept_rejected);
	assert_int_equal(calls, 160);
	assert_int_equal(kept_rejected, 0);
	kit_close(&k);
}

static void screens_all_real_calls(void **state)
{
	(void)state;
	static const char *const rules[] = {
		"empty", "too_short", "too_long", "repeated_turns", "control_signal", "api_error", "non_chinese"};
	size_t by[COUNT_OF(rules)] = {0}, rejected = 0;
	struct kit in, k;
	struct err e = ERR_INIT;
	if (access(REAL "/fraud-20250228_154804.jsonl", R_OK)) {
		printf("skipped: no real transcripts at %s\n", REAL);
		skip();
	}
	if (kit_open(&in, &stage_import, "inputs: [" REAL "/*.jsonl]\n", ".", &e) || kit_list(&in, &e) ||
		kit_open(&k, &stage_screen, "{}", ".", &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < in.n; i++) {
		struct work call, verdict;
		assert_int_equal(kit_work(&in, in.items[i].id.p, in.items[i].content, &call, &e), 0);
		assert_int_equal(kit_work(&k, in.items[i].id.p, call.fields, &verdict, &e), 0);
		rejected += verdict.rejected;
		for (size_t r = 0; r < COUNT_OF(rules); r++)
			by[r] += has_rule(verdict.fields, rules[r]);
		if (getenv("TAF_TEST_SHOW") && has_rule(verdict.fields, getenv("TAF_TEST_SHOW")))
			printf("%s %s\n", in.items[i].id.p, kit_json(&k, json_path(verdict.fields, "qa.@.findings")));
	}
	printf("%zu real calls, %zu rejected:", in.n, rejected);
	for (size_t r = 0; r < COUNT_OF(rules); r++)
		printf(" %s %zu", rules[r], by[r]);
	printf("\n");
	assert_int_equal(by[0], 17);
	assert_int_equal(by[5], 35);
	assert_true(rejected > 1000 && rejected < 1400);
	kit_close(&k);
	kit_close(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_labelled_defects),
		cmocka_unit_test(screens_all_real_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
