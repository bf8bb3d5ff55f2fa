/* annotate on the real transcripts beside the project: citations are true, answers agree, texts differ, the scene is mostly the one that people gave. */
#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"
#include "core/call.h"
#include "stages/annotate/annotate.h"
#include "stages/import/import.h"
#include "tests/stages/annotate/notes.h"
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
#define ALIKE 0.8
#define PER_LABEL 200
#define LABELS_MAX 20
#define GRAM 4

struct grams_of {
	uint64_t *v;
	size_t n;
};
struct pile { /* of a label */
	struct str label;
	struct grams_of of[PER_LABEL][ROUND_COUNT];
	size_t n;
};

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static struct grams_of grams(struct arena *a, struct str text)
{
	struct grams_of g = {arena_array(a, utf8_count(text) + 1, sizeof(uint64_t)), 0};
	uint32_t last[GRAM] = {0}, cp;
	size_t seen = 0, out = 0;
	while (utf8_next(&text, &cp)) {
		memmove(last, last + 1, sizeof(last) - sizeof(last[0]));
		last[GRAM - 1] = cp;
		if (++seen >= GRAM)
			g.v[g.n++] = hash_bytes(last, sizeof(last), 0);
	}
	qsort(g.v, g.n, sizeof(*g.v), by_number);
	for (size_t i = 0; i < g.n; i++)
		if (!i || g.v[i] != g.v[i - 1])
			g.v[out++] = g.v[i];
	g.n = out;
	return g;
}

static double jaccard(const struct grams_of *x, const struct grams_of *y)
{
	size_t i = 0, k = 0, both = 0;
	while (i < x->n && k < y->n) {
		both += x->v[i] == y->v[k];
		if (x->v[i] == y->v[k]) {
			i++;
			k++;
		} else if (x->v[i] < y->v[k])
			i++;
		else
			k++;
	}
	return x->n + y->n > both ? (double)both / (double)(x->n + y->n - both) : 1;
}

static double most_alike(const struct pile *p)
{
	double most = 0;
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < i; k++)
			for (int r = 0; r < ROUND_COUNT; r++) {
				if (!p->of[i][r].n)
					continue;
				double alike = jaccard(&p->of[i][r], &p->of[k][r]);
				most = alike > most ? alike : most;
			}
	return most;
}

static void keep(struct arena *a, struct pile *piles, size_t *n, const struct json *call, const struct json *wrote)
{
	static const char *const rounds[] = {"scene", "fraud", "fraud_type"};
	const struct json *label = json_get(call, "label");
	struct str name = json_get_str(label, "fraud_type");
	size_t i = 0;
	if (!name.n)
		name = json_get_str(label, "scene");
	while (i < *n && !str_eq(piles[i].label, name))
		i++;
	if (i == *n) {
		assert_true(*n < LABELS_MAX);
		piles[(*n)++].label = name;
	}
	if (piles[i].n == PER_LABEL)
		return;
	for (int r = 0; r < ROUND_COUNT; r++)
		piles[i].of[piles[i].n][r] =
			grams(a, json_get_str(json_get(json_get(wrote, "annotations"), rounds[r]), "thinking"));
	piles[i].n++;
}

/* --- */

static bool absent(void)
{
	if (access(DATA "/fraud-20250228_154804.jsonl", R_OK) == 0)
		return false;
	printf("skipped: no real transcripts at %s\n", DATA);
	return true;
}

static void open_both(struct kit *calls, struct kit *notes)
{
	struct err e = ERR_INIT;
	if (kit_open(calls, &stage_import, "inputs: [" DATA "/*.jsonl]\n", ".", &e) || kit_list(calls, &e) ||
		kit_open(notes, &stage_annotate, "provider: writer\n", ".", &e))
		fail_msg("%s", e.text);
}

static struct json *call_of(struct kit *calls, const struct kit_item *item)
{
	struct err e = ERR_INIT;
	struct work w;
	if (kit_work(calls, item->id.p, item->content, &w, &e))
		fail_msg("%s: %s", item->id.p, e.text);
	return w.fields;
}

static const struct json *notes_of(struct kit *notes, const struct kit_item *item, const struct json *call)
{
	struct err e = ERR_INIT;
	struct work w;
	if (kit_work(notes, item->id.p, call, &w, &e))
		fail_msg("%s: %s", item->id.p, e.text);
	return w.fields;
}

static void real_calls_are_annotated(void **state)
{
	(void)state;
	struct kit calls, notes;
	struct notes_count count = {.rounds = 0};
	struct pile *piles = xcalloc(LABELS_MAX, sizeof(*piles));
	size_t npiles = 0;
	if (absent())
		skip();
	open_both(&calls, &notes);
	assert_int_equal(calls.n, 4962);
	for (size_t i = 0; i < calls.n; i++) {
		const struct json *call = call_of(&calls, &calls.items[i]);
		const struct json *wrote = notes_of(&notes, &calls.items[i], call);
		const char *wrong = notes_problem(&calls.arena, call, wrote, &count);
		if (wrong)
			fail_msg("%s: %s", calls.items[i].id.p, wrong);
		keep(&calls.arena, piles, &npiles, call, wrote);
	}
	printf("%zu rounds of %zu to %zu characters, %zu quotations; %zu rounds without one\n", count.rounds,
		count.shortest, count.longest, count.quotes, count.without_quote);
	assert_int_equal(count.rounds, 2 * 4962 + 3712);
	assert_true(count.without_quote * 100 < count.rounds); /* turns that have nothing to quote are rare */
	assert_int_equal(npiles, 15);
	for (size_t i = 0; i < npiles; i++) {
		double most = most_alike(&piles[i]);
		printf("%.*s: %zu calls, the two most alike thinkings of a round %.2f\n", STR_FMT(piles[i].label), piles[i].n,
			most);
		assert_true(piles[i].n > 100);
		assert_true(most < ALIKE);
	}
	free(piles);
	kit_close(&notes);
	kit_close(&calls);
}

/* Normal calls without their scene: what the keyword rules choose against what the transcript says. */
static void scenes_are_chosen(void **state)
{
	(void)state;
	struct kit calls, notes;
	size_t all = 0, right = 0;
	if (absent())
		skip();
	open_both(&calls, &notes);
	for (size_t i = 0; i < calls.n; i++) {
		struct json *call = call_of(&calls, &calls.items[i]);
		struct str scene = json_get_str(json_get(call, "label"), "scene");
		if (!scene.n)
			continue;
		struct json *label = json_object(&calls.arena);
		json_set(&calls.arena, label, "is_fraud", json_bool(&calls.arena, false));
		json_set(&calls.arena, call, "label", label);
		const struct json *wrote = notes_of(&notes, &calls.items[i], call);
		struct str chosen = json_get_str(json_get(wrote, "label"), "scene");
		all++;
		right += str_eq(chosen, scene);
	}
	printf("%zu of %zu scenes chosen as given\n", right, all);
	assert_int_equal(all, 1250);
	assert_true(right * 100 >= all * 92);
	kit_close(&notes);
	kit_close(&calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_calls_are_annotated),
		cmocka_unit_test(scenes_are_chosen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
