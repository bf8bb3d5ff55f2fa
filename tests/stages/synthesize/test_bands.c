/* The grid of bands: even shares, who is drawn for a cell, and what is wrong in bands.yaml. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "stages/synthesize/parts.h"
#include "tests/stages/synthesize/agentkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LABELS 15 /* fraud types and scenes */
#define CELLS 12  /* of a label: 4 ages × 3 */

static struct agentkit k;

static struct str label_of(const struct kit_item *item)
{
	const struct json *label = json_get(item->content, "label");
	return json_get_str(label, json_get_bool(label, "is_fraud", false) ? "fraud_type" : "scene");
}

/* Calls by "label", "label cell" or "scenario" (`what` 0, 1, 2). */
static void count_items(struct map *counts, int what)
{
	for (size_t i = 0; i < k.kit.n; i++) {
		const struct kit_item *item = &k.kit.items[i];
		struct str label = label_of(item), cell = json_get_str(item->content, "cell");
		const char *key = what == 0   ? arena_printf(&k.kit.arena, "%.*s", STR_FMT(label))
						  : what == 1 ? arena_printf(&k.kit.arena, "%.*s %.*s", STR_FMT(label), STR_FMT(cell))
									  : json_get_str(item->content, "scenario").p;
		map_put(counts, str_of(key), NULL)->value.i++;
	}
}

/* `groups` of the kind share all calls; those that have none count as 0. */
static void assert_even(int what, size_t groups, int64_t most_apart)
{
	struct map counts = MAP_INIT;
	count_items(&counts, what);
	int64_t low = INT64_MAX, high = 0;
	for (size_t i = 0; i < counts.n; i++) {
		int64_t n = counts.entries[i].value.i;
		low = n < low ? n : low;
		high = n > high ? n : high;
	}
	assert_true(counts.n <= groups);
	if (counts.n < groups)
		low = 0;
	if (high - low > most_apart)
		fail_msg("%zu calls: from %lld to %lld in a group", k.kit.n, (long long)low, (long long)high);
	map_release(&counts);
}

/* Scenarios of one label that suit every cell of it take turns. */
static void assert_scenarios_even(int64_t most_apart)
{
	static const char *const pairs[][2] = {{"bank-card-freeze", "bank-loan-deposit"}, {"book-dentist", "book-haircut"},
		{"lottery-anniversary", "lottery-insider-number"}, {"taxi-airport-pickup", "taxi-lost-item"}};
	struct map counts = MAP_INIT;
	count_items(&counts, 2);
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		int64_t a = map_int(&counts, str_of(pairs[i][0]), 0), b = map_int(&counts, str_of(pairs[i][1]), 0);
		if (llabs(a - b) > most_apart)
			fail_msg("%s %lld, %s %lld", pairs[i][0], (long long)a, pairs[i][1], (long long)b);
	}
	map_release(&counts);
}

static void shares_are_even(void **state)
{
	(void)state;
	static const int64_t counts[] = {1, 7, 15, 44, 180, 200, 1000, 2881};
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		char with[64];
		snprintf(with, sizeof(with), "count: %lld", (long long)counts[i]);
		agents_open(&k, with);
		assert_int_equal(k.kit.n, counts[i]);
		assert_even(0, LABELS, 1);
		assert_even(1, LABELS * CELLS, 1);
		assert_scenarios_even(2);
		for (size_t j = 0; j < k.kit.n; j++)
			assert_true(!k.kit.items[j].broken && id_valid(k.kit.items[j].id));
		agents_close(&k);
	}
}

/* Every item of `few` is in the open kit. */
static void assert_holds(const struct kit *few, const struct kit *many)
{
	for (size_t i = 0; i < few->n; i++) {
		const struct kit_item *item = kit_item(many, few->items[i].id.p);
		if (!item)
			fail_msg("%s is gone", few->items[i].id.p);
		assert_true(json_equal(item->content, few->items[i].content));
	}
}

static void a_higher_count_only_adds(void **state)
{
	(void)state;
	static const char *const sizes[] = {
		"count: 10", "count: 11", "count: 179", "count: 200", "count: 1000", "per_scenario: 5", "per_scenario: 30"};
	struct agentkit few;
	agents_open(&k, sizes[0]);
	for (size_t i = 1; i < COUNT_OF(sizes); i++) {
		few = k;
		agents_open(&k, sizes[i]);
		if (str_starts(str_of(sizes[i]), "per") == str_starts(str_of(sizes[i - 1]), "per"))
			assert_holds(&few.kit, &k.kit);
		agents_close(&few);
	}
	agents_close(&k);
}

static void of_each_scenario(void **state)
{
	(void)state;
	agents_open(&k, "per_scenario: 13");
	assert_int_equal(k.kit.n, 30 * 13);
	assert_even(2, 30, 0);
	const struct kit_item *item = kit_item(&k.kit, "book-dentist/26-40-brief/0001");
	assert_non_null(item);
	assert_null(kit_item(&k.kit, "book-dentist/26-40-low/0001"));
	assert_null(kit_item(&k.kit, "kidnap-child-school/18-25-low/0001")); /* suits: from 28 years on */
	assert_non_null(kit_item(&k.kit, "kidnap-child-school/26-40-low/0001"));
	agents_close(&k);
}

static void personas_are_a_grid_too(void **state)
{
	(void)state;
	struct kit script;
	struct err e = ERR_INIT;
	agents_open(&k, "count: 200, grid: personas");
	assert_int_equal(kit_open(&script, &stage_synthesize, "{provider: w, count: 200}", ".", &e), 0);
	assert_int_equal(kit_list(&script, &e), 0);
	assert_int_equal(script.n, 200);
	assert_holds(&script, &k.kit); /* the same ids and contents as with the provider script */
	k.over_at = 3;
	for (size_t i = 0; i < k.kit.n; i += 20) {
		struct work w;
		if (agents_work(&k, &k.kit.items[i], &w, &e) != 0)
			fail_msg("%s", e.text);
		const struct json *right = json_path(w.fields, "profile.right");
		assert_true(json_get_str(right, "awareness").n > 0);
		assert_true(str_eq(
			json_get_str(json_get(w.fields, "scenario"), "persona"), json_get_str(k.kit.items[i].content, "persona")));
		assert_true(
			(json_get_str(right, "style").n > 0) == !json_get_bool(json_path(w.fields, "label"), "is_fraud", true));
	}
	kit_close(&script);
	agents_close(&k);
}

/* --- Who is drawn --- */

struct seen {
	int people, women, students, doctors, retired;
	bool ages[121];
};

/* Said a second time here, not read from the file: who cannot be. */
static void assert_plausible(const struct callee *who, const struct cell *cell)
{
	assert_in_range(who->age, cell->age->age_min, cell->age->age_max);
	assert_true(str_is(who->gender, "男") || str_is(who->gender, "女"));
	assert_true(who->occupation.n > 0);
	bool retired = str_find(who->occupation, STR("退休")) >= 0, student = str_is(who->occupation, "大学生");
	if ((retired && who->age < 50) || (student && who->age > 26) || (str_is(who->occupation, "医生") && who->age < 25) ||
		(str_find(who->occupation, STR("教师")) >= 0 && who->age < 22) ||
		(str_is(who->occupation, "工程师") && who->age < 22) || (str_is(who->occupation, "律师") && who->age < 24) ||
		(str_is(who->occupation, "企业管理人员") && who->age < 25) ||
		(str_is(who->occupation, "全职妈妈") && !str_is(who->gender, "女")))
		fail_msg("%d years, %.*s, %.*s", who->age, STR_FMT(who->gender), STR_FMT(who->occupation));
}

static void note(struct seen *s, const struct callee *who)
{
	s->people++;
	s->women += str_is(who->gender, "女");
	s->students += str_is(who->occupation, "大学生");
	s->doctors += str_is(who->occupation, "医生");
	s->retired += str_is(who->occupation, "退休人员");
	s->ages[who->age] = true;
}

static void people_are_plausible(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct bands b;
	struct err e = ERR_INIT;
	struct seen seen = {0};
	size_t n;
	assert_int_equal(bands_load(&a, "stages/synthesize/bands.yaml", &b, &e), 0);
	struct scenario any = {.is_fraud = true, .suits = {.awareness = AWARE_ANY, .age_max = 200}};
	struct scenario picky = any;
	struct str office[] = {STR("公司职员"), STR("企业管理人员")};
	picky.suits = (struct scenario_when){
		.awareness = AWARE_ANY, .age_min = 24, .age_max = 60, .occupations = office, .noccupations = 2, .gender = STR("女")};
	const struct cell *cells = bands_cells(&a, &b, true, &n);
	assert_int_equal(n, CELLS);
	struct stage stage = {.ops = &stage_synthesize, .seed = 5};
	for (int i = 0; i < 10000; i++) {
		CLEANUP(arena_release) struct arena own = ARENA_INIT;
		struct work w = {.stage = &stage, .arena = &own, .id = str_of(arena_printf(&own, "call/%d", i))};
		const struct cell *cell = &cells[i % CELLS];
		struct callee who, again, clerk;
		cell_draw(&w, &b, cell, &any, &who);
		cell_draw(&w, &b, cell, &any, &again);
		assert_plausible(&who, cell);
		assert_true(who.age == again.age && str_eq(who.occupation, again.occupation));
		note(&seen, &who);
		if (!cell_suits(&b, cell, &picky))
			continue;
		cell_draw(&w, &b, cell, &picky, &clerk);
		assert_plausible(&clerk, cell);
		assert_true(clerk.age >= 24 && clerk.age <= 60 && str_is(clerk.gender, "女"));
		assert_true(str_eq(clerk.occupation, office[0]) || str_eq(clerk.occupation, office[1]));
	}
	assert_true(seen.women > 4500 && seen.women < 5500);
	assert_true(seen.students > 100 && seen.doctors > 50 && seen.retired > 100);
	for (int age = 18; age <= 70; age++)
		assert_true(seen.ages[age]);
}

static void cells_that_nobody_suits(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct bands b;
	struct err e = ERR_INIT;
	size_t n, suited = 0;
	assert_int_equal(bands_load(&a, "stages/synthesize/bands.yaml", &b, &e), 0);
	struct str nobody[] = {STR("宇航员")};
	struct scenario s = {.is_fraud = true, .suits = {.awareness = AWARE_LOW, .age_max = 30}};
	const struct cell *cells = bands_cells(&a, &b, true, &n);
	for (size_t i = 0; i < n; i++)
		suited += cell_suits(&b, &cells[i], &s);
	assert_int_equal(suited, 2); /* 18-25-low, 26-40-low */
	s.suits.occupations = nobody;
	s.suits.noccupations = 1;
	for (size_t i = 0; i < n; i++)
		assert_false(cell_suits(&b, &cells[i], &s));
}

/* --- bands.yaml --- */

#define AGES "ages: [{name: a, age: [20, 30]}]\n"
#define AWARENESS "awareness: [{name: low, text: 低, manner: 信}]\n"
#define STYLES "styles: [{name: brief, text: 简洁, manner: 短}]\n"
#define OCCUPATIONS "occupations: [{name: 医生, age: [28, 65]}]\n"

static void mistakes_have_a_place(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *says;
	} bad[] = {
		{"[]", "expected the keys ages"},
		{AGES AWARENESS STYLES, "'occupations' must be a list"},
		{AGES AWARENESS STYLES OCCUPATIONS "age: []\n", "bands.yaml:5:1: unknown key 'age'"},
		{"ages: [{name: A, age: [20, 30]}]\n" AWARENESS STYLES OCCUPATIONS, "bands.yaml:1:8: a name is made of a-z"},
		{"ages: [{name: a, age: [30, 20]}]\n" AWARENESS STYLES OCCUPATIONS, "'age' must be [lowest, highest]"},
		{"ages: [{name: a, age: [2, 3]}, {name: a, age: [4, 5]}]\n" AWARENESS STYLES OCCUPATIONS,
			"two ages are called 'a'"},
		{AGES "awareness: [{name: low, text: 很低, manner: 信}]\n" STYLES OCCUPATIONS, "低, 中 or 高"},
		{AGES "awareness: [{name: low, text: 低}]\n" STYLES OCCUPATIONS, "'manner' must be a text"},
		{AGES AWARENESS STYLES "occupations: [{name: 医生, age: [28, 65], gender: x, weight: 0}]\n",
			"'gender' must be"},
		{AGES AWARENESS STYLES "occupations: [{name: 医生, age: [28, 65], weight: 0}]\n",
			"'weight' must be a whole number"},
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		const char *folder = kit_folder(&a);
		struct bands b;
		struct err e = ERR_INIT;
		kit_write(folder, "bands.yaml", bad[i].yaml, strlen(bad[i].yaml));
		assert_int_equal(bands_load(&a, arena_printf(&a, "%s/bands.yaml", folder), &b, &e), ERR_CONFIG);
		if (!strstr(e.text, bad[i].says))
			fail_msg("'%s' does not say '%s'", e.text, bad[i].says);
		kit_remove_folder(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_even),
		cmocka_unit_test(a_higher_count_only_adds),
		cmocka_unit_test(of_each_scenario),
		cmocka_unit_test(personas_are_a_grid_too),
		cmocka_unit_test(people_are_plausible),
		cmocka_unit_test(cells_that_nobody_suits),
		cmocka_unit_test(mistakes_have_a_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
