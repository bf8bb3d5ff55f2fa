/* dedupe on the real transcripts beside the project: against all pairs of a sample, and with calls that were changed
 * on purpose. */
#include "base/alloc.h"
#include "base/draw.h"
#include "stages/dedupe/pairs.h"
#include "tests/stages/gatherkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct stage_ops stage_dedupe, stage_import;

#define DATA "../shared/data/transcripts"

static bool absent(void)
{
	if (access(DATA "/fraud-20250228_154804.jsonl", R_OK) == 0)
		return false;
	printf("skipped: no real transcripts at %s\n", DATA);
	return true;
}

/* Every call of the transcripts, or the share of one in `each` that the draw hits. */
static void load(struct pool *p, uint32_t each)
{
	struct kit k;
	struct err e = ERR_INIT;
	if (kit_open(&k, &stage_import, "inputs: [" DATA "/*.jsonl]\n", ".", &e) || kit_list(&k, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < k.n; i++) {
		struct work w;
		if (draw_hash(1, k.items[i].id, "sample") % each)
			continue;
		assert_int_equal(kit_work(&k, k.items[i].id.p, k.items[i].content, &w, &e), 0);
		pool_add(p, k.items[i].id.p, w.fields);
	}
	kit_close(&k);
}

static void reduce(const char *with, struct pool *p)
{
	struct kit k;
	struct err e = ERR_INIT;
	if (kit_open(&k, &stage_dedupe, with, ".", &e) || kit_reduce(&k, p, &e))
		fail_msg("%s", e.text);
	kit_close(&k);
}

static const struct json *finding(const struct pool_call *c)
{
	return json_first(json_path(c->fields, "qa.@.findings"));
}

/* All pairs of about 1,000 calls. Real calls resemble each other little, so the limits are low: at 0.3 there is
 * enough to find. */
static void a_sample_against_all_pairs(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	struct err e = ERR_INIT;
	if (absent())
		skip();
	load(&p, 5);
	assert_true(p.n > 900);
	reduce("{threshold: 0.4, related: 0.3}", &p);
	struct shingles *sets = xcalloc(p.n, sizeof(*sets));
	for (size_t i = 0; i < p.n; i++) {
		sets[i] = (struct shingles)SHINGLES_INIT;
		assert_int_equal(shingles_read(&sets[i], json_get(p.v[i].call, "turns"), &e), 0);
		shingles_sort(&sets[i]);
	}
	size_t related = 0, apart = 0, duplicates = 0;
	for (size_t i = 0; i < p.n; i++) {
		const struct json *f = finding(&p.v[i]);
		int64_t best = -1;
		for (size_t k = 0; k < i; k++) { /* one source: keep order is id order */
			size_t common = shingles_common(sets[i].v, sets[i].n, sets[k].v, sets[k].n);
			int like = shingles_permille(sets[i].n, sets[k].n, common);
			if (like >= 300) {
				related++;
				apart += !str_eq(json_get_str(p.v[i].fields, "group"), json_get_str(p.v[k].fields, "group"));
			}
			if (like >= 400 && !finding(&p.v[k]) && like > best)
				best = like;
		}
		assert_int_equal(f ? json_get_int(f, "value", -2) : -1, best);
		duplicates += f != NULL;
	}
	printf("%zu calls: %zu pairs related, %zu of them missed; %zu duplicates\n", p.n, related, apart, duplicates);
	assert_true(related > 5 && duplicates > 0);
	assert_true(apart * 50 <= related); /* P(0.3) = 0.998, and more pairs lie above than at it */
	for (size_t i = 0; i < p.n; i++)
		shingles_release(&sets[i]);
	free(sets);
	pool_release(&p);
}

/* A copy of a call of which every `each`-th character was left out, as another transcriber would. */
static void add_copy(struct pool *p, const struct pool_call *c, size_t each, const char *source)
{
	struct json *call = json_copy(&p->arena, c->call);
	size_t at = 0;
	JSON_EACH(turn, json_get(call, "turns")) {
		struct json *text = json_get(turn, "text");
		char *now = arena_alloc(&p->arena, text->u.s.n + 1);
		size_t n = 0;
		for (size_t i = 0; i < text->u.s.n; i++) {
			bool begins = ((unsigned char)text->u.s.p[i] & 0xC0) != 0x80;
			at += begins;
			if (!each || at % each)
				now[n++] = text->u.s.p[i];
		}
		text->u.s = (struct str){now, n};
	}
	json_set_text(&p->arena, call, "source", source);
	pool_add(p, arena_printf(&p->arena, "0/%.*s", STR_FMT(c->id)), call);
}

static void copies_are_found_in_all_calls(void **state)
{
	(void)state;
	struct pool p = POOL_INIT;
	size_t found = 0, copies = 0, others = 0;
	if (absent())
		skip();
	load(&p, 1);
	assert_int_equal(p.n, 4962);
	for (size_t i = 0; i < 4962; i += 20) { /* a character in a hundred left out: four of a hundred shingles, J about 0.92 */
		add_copy(&p, &p.v[i], i % 40 ? 100 : 0, "enhanced");
		copies++;
	}
	reduce("", &p);
	for (size_t i = 0; i < p.n; i++) {
		const struct json *f = finding(&p.v[i]);
		bool copy = str_starts(p.v[i].id, "0/");
		if (!f)
			continue;
		others += !copy;
		found += copy;
		if (copy && json_get_int(f, "value", 0) >= 900) /* of the call that it was made from, or one that is nearer still */
			assert_true(str_ends(p.v[i].id, json_get_str(f, "of").p));
	}
	printf("%zu calls, %zu copies: %zu found; %zu real calls are duplicates\n", p.n - copies, copies, found, others);
	assert_true(copies - found <= 2);
	assert_int_equal(others, 0);
	pool_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_against_all_pairs),
		cmocka_unit_test(copies_are_found_in_all_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
