/* synthesize: the grid, what a call holds, how alike 200 and 1,000 calls are, and that more calls or another scenario leave the others alone. */
#include "stages/synthesize/synthesize.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "core/call.h"
#include "core/scenario.h"
#include "provider/script.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SCENARIOS "stages/synthesize/scenarios"

static int read_text(void *arg, int file, struct str *ret, struct err *e)
{
	struct kit *k = arg;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	int rc = fs_read(arena_str(&k->arena, k->files->v[file]).p, 1 << 20, &b, e);
	if (rc == 0)
		*ret = arena_str(&k->arena, buf_view(&b));
	return rc;
}

static const struct json *write_call(struct kit *k, const struct kit_item *item)
{
	struct work_io io = {.file = read_text, .arg = k};
	struct work w = {
		.stage = &k->stage, .id = item->id, .arena = &k->arena, .call = item->content, .at = item->at, .io = &io};
	struct err e = ERR_INIT;
	if (k->stage.ops->process(&w, &e) != 0)
		fail_msg("%.*s: %s", STR_FMT(item->id), e.text);
	return w.fields;
}

static void open_kit(struct kit *k, const char *with, uint64_t seed)
{
	struct err e = ERR_INIT;
	if (kit_open(k, &stage_synthesize, with, ".", &e) != 0)
		fail_msg("%s", e.text);
	k->stage.seed = seed;
	if (kit_list(k, &e) != 0)
		fail_msg("%s", e.text);
}

static struct grams grams_of(struct arena *a, const struct json *call)
{
	const struct json *turns = json_get(call, "turns");
	struct dialogue d = {.turns = arena_array(a, json_count(turns) + 1, sizeof(struct script_turn))};
	JSON_EACH(turn, turns)
		d.turns[d.nturns++].text = turn_text(turn);
	return script_grams(a, &d);
}

static void alike(struct kit *k, const struct json **calls, size_t n)
{
	struct grams *g = arena_array(&k->arena, n + 1, sizeof(*g));
	double most = 0;
	for (size_t i = 0; i < n; i++) {
		g[i] = grams_of(&k->arena, calls[i]);
		for (size_t j = 0; j < i; j++) {
			double alike_by = grams_jaccard(&g[i], &g[j]);
			most = alike_by > most ? alike_by : most;
			if (alike_by > SCRIPT_ALIKE)
				fail_msg("%s and %s: %.2f", k->items[i].id.p, k->items[j].id.p, alike_by);
		}
	}
	printf("%zu calls: the most alike two have a 4-gram Jaccard of %.2f\n", n, most);
}

static void check_turns(const char *id, const struct json *call)
{
	const struct json *turns = json_get(call, "turns");
	struct str before = STR("");
	if (json_count(turns) < 6 || json_count(turns) > 16)
		fail_msg("%s has %zu turns", id, json_count(turns));
	JSON_EACH(turn, turns) {
		struct str text = turn_text(turn);
		if (!text.n || scenario_unspeakable(text).n)
			fail_msg("%s: '%.*s'", id, STR_FMT(text));
		if (str_eq(before, turn_role(turn)))
			fail_msg("%s: a side speaks twice", id);
		before = turn_role(turn);
	}
	struct str by = json_get_str(json_get(call, "termination"), "by");
	if (!str_is(by, "natural") && !str_eq(by, before))
		fail_msg("%s: ended by %.*s, but the last turn is not theirs", id, STR_FMT(by));
	assert_true(json_get_str(json_get(call, "termination"), "reason").n > 0);
}

static void check_call(const char *id, const struct json *call, const struct labels *labels)
{
	assert_true(str_is(json_get_str(call, "source"), "synthetic"));
	const struct json *label = json_get(call, "label"), *right = json_path(call, "profile.right");
	bool fraud = json_get_bool(label, "is_fraud", false);
	if (fraud)
		assert_true(labels_is_fraud_type(labels, json_get_str(label, "fraud_type")));
	else
		assert_true(labels_is_scene(labels, json_get_str(label, "scene")) &&
					str_is(json_get_str(label, "scene_origin"), "scenario"));
	assert_true(str_is(json_get_str(call, "initiator"), fraud ? "left" : "right"));
	assert_true(str_is(json_get_str(json_get(call, "scenario"), "writer"), "script"));
	assert_true(json_count(json_path(call, "scenario.phases")) >= 3);
	int64_t age = json_get_int(right, "age", 0);
	assert_in_range(age, 16, 99);
	if (str_is(json_get_str(right, "occupation"), "退休人员"))
		assert_true(age >= 55);
	assert_true(json_get_int(json_path(call, "profile.left"), "age", 0) >= 18);
	assert_true(json_get_str(right, "awareness").n && json_get_str(right, "gender").n);
	check_turns(id, call);
}

/** All calls of a run, in listing order. */
static const struct json **write_all(struct kit *k)
{
	const struct json **calls = arena_array(&k->arena, k->n + 1, sizeof(*calls));
	for (size_t i = 0; i < k->n; i++) {
		if (k->items[i].broken)
			fail_msg("%s: %s", k->items[i].id.p, k->items[i].broken);
		assert_true(id_valid(k->items[i].id));
		calls[i] = write_call(k, &k->items[i]);
	}
	return calls;
}

static void two_hundred(void **state)
{
	(void)state;
	struct kit k;
	struct labels labels;
	struct err e = ERR_INIT;
	struct map seen = MAP_INIT;
	open_kit(&k, "{provider: writer, count: 200, scenarios: " SCENARIOS "}", 20250301);
	assert_int_equal(k.n, 200);
	assert_int_equal(labels_load(&k.arena, "schemas/labels.yaml", &labels, &e), 0);
	const struct json **calls = write_all(&k);
	for (size_t i = 0; i < k.n; i++) {
		const struct json *label = json_get(calls[i], "label");
		check_call(k.items[i].id.p, calls[i], &labels);
		struct str name = json_get_str(label, json_get_bool(label, "is_fraud", false) ? "fraud_type" : "scene");
		map_put(&seen, name, NULL)->value.i++;
	}
	assert_int_equal(seen.n, labels.nfraud_types + labels.nscenes); /* the closed sets are covered */
	for (size_t i = 0; i < seen.n; i++)
		assert_true(seen.entries[i].value.i >= 10); /* evenly */
	alike(&k, calls, k.n);
	map_release(&seen);
	kit_close(&k);
}

static void a_thousand(void **state)
{
	(void)state;
	struct kit k;
	open_kit(&k, "{provider: writer, count: 1000, scenarios: " SCENARIOS "}", 7);
	assert_int_equal(k.n, 1000);
	alike(&k, write_all(&k), k.n);
	kit_close(&k);
}

/** Every call of `few` is in `many`, the same; `*ret_gone` counts those that are not there. */
static void same_calls(struct kit *few, struct kit *many, size_t *ret_gone)
{
	const struct json **calls = write_all(few);
	*ret_gone = 0;
	for (size_t i = 0; i < few->n; i++) {
		const struct kit_item *item = kit_item(many, few->items[i].id.p);
		if (!item) {
			++*ret_gone;
			continue;
		}
		assert_true(json_equal(item->content, few->items[i].content));
		assert_true(json_equal(write_call(many, item), calls[i]));
	}
}

static void more_calls(void **state)
{
	(void)state;
	static const char *const sizes[] = {"count: 45", "count: 46", "count: 200", "count: 433"};
	for (size_t i = 0; i + 1 < COUNT_OF(sizes); i++) {
		struct kit few, many;
		char with[2][128];
		size_t gone;
		for (size_t j = 0; j < 2; j++)
			snprintf(with[j], sizeof(with[j]), "{provider: writer, %s, scenarios: %s}", sizes[i + j], SCENARIOS);
		open_kit(&few, with[0], 3);
		open_kit(&many, with[1], 3);
		same_calls(&few, &many, &gone);
		assert_int_equal(gone, 0);
		kit_close(&few);
		kit_close(&many);
	}
}

static void copy(const char *folder, const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT, path = BUF_INIT;
	struct err e = ERR_INIT;
	buf_printf(&path, "%s/%s", SCENARIOS, name);
	assert_int_equal(fs_read(path.data, 1 << 20, &text, &e), 0);
	kit_write(folder, name, text.data, text.len);
}

static void another_scenario(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		const char *folder = kit_folder(&a);
		const char *yaml = i ? arena_printf(&a, "{provider: writer, count: 30, scenarios: '%s'}", folder)
							 : arena_printf(&a, "{provider: writer, per_scenario: 5, scenarios: '%s'}", folder);
		struct kit before, after;
		size_t gone;
		copy(folder, "bank-card-freeze.yaml");
		copy(folder, "taxi-lost-item.yaml");
		open_kit(&before, yaml, 11);
		copy(folder, "book-dentist.yaml");
		open_kit(&after, yaml, 11);
		same_calls(&before, &after, &gone);
		assert_int_equal(gone, i ? 10 : 0); /* with count, the new one takes its third from the others */
		assert_int_equal(after.n, i ? 30 : 15);
		kit_close(&before);
		kit_close(&after);
		kit_remove_folder(folder);
	}
}

static void one_or_the_other(void **state)
{
	(void)state;
	static const char *const with[] = {"{provider: writer}", "{provider: writer, count: 3, per_scenario: 2}"};
	for (size_t i = 0; i < COUNT_OF(with); i++) {
		struct kit k;
		struct err e = ERR_INIT;
		assert_int_equal(kit_open(&k, &stage_synthesize, with[i], ".", &e), ERR_CONFIG);
		assert_non_null(strstr(e.text, "either count or per_scenario"));
		arena_release(&k.arena);
		arena_release(&k.stage.arena);
	}
}

static void bad_scenarios_are_told(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	const char *folder = kit_folder(&a);
	struct kit k;
	struct err e = ERR_INIT;
	static const char bad[] = "name: bad\nkind: fraud\n", worse[] = "name: worse\nphases: [\n";
	copy(folder, "taxi-lost-item.yaml");
	kit_write(folder, "bad.yaml", bad, sizeof(bad) - 1);
	kit_write(folder, "worse.yaml", worse, sizeof(worse) - 1);
	assert_int_equal(kit_open(&k, &stage_synthesize,
						 arena_printf(&a, "{provider: writer, count: 9, scenarios: '%s'}", folder), ".", &e),
		0);
	assert_int_equal(kit_list(&k, &e), ERR_CONFIG);
	assert_non_null(strstr(e.text, "bad.yaml:1:1: "));
	assert_non_null(strstr(e.text, "worse.yaml:"));
	kit_close(&k);
	kit_remove_folder(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_hundred),
		cmocka_unit_test(a_thousand),
		cmocka_unit_test(more_calls),
		cmocka_unit_test(another_scenario),
		cmocka_unit_test(one_or_the_other),
		cmocka_unit_test(bad_scenarios_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
