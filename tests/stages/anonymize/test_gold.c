/* anonymize against the gold set (../shared/data/pii, when it is there): precision and recall by kind, printed, with a floor for the kinds of this
 * version. A gold span is found when a span of a kind that fits overlaps it, and exactly found when it is the same; TAF_VERBOSE=1 lists what is not. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "core/call.h"
#include "stages/anonymize/anonymize.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLD "../shared/data/pii/dev.jsonl"
#define SPANS_MAX 64

/* A gold type, what anonymize calls it, and the least share (percent) that this version finds. -1: not looked for yet. */
struct type {
	const char *name;
	enum anon_kind kinds[2];
	int floor;
	int gold, found, exact;
};
static struct type types[] = {
	{.name = "PHONE", .kinds = {ANON_MOBILE, ANON_LANDLINE}, .floor = 95},
	{.name = "ID_CARD", .kinds = {ANON_RESIDENT_ID, ANON_RESIDENT_ID}, .floor = 95},
	{.name = "BANK_CARD", .kinds = {ANON_BANK_CARD, ANON_BANK_CARD}, .floor = 95},
	{.name = "EMAIL", .kinds = {ANON_EMAIL, ANON_EMAIL}, .floor = 90},
	{.name = "PLATE", .kinds = {ANON_PLATE, ANON_PLATE}, .floor = 90},
	{.name = "PASSPORT", .kinds = {ANON_PASSPORT, ANON_PASSPORT}, .floor = 90},
	{.name = "WECHAT_QQ", .kinds = {ANON_CHAT_ID, ANON_CHAT_ID}, .floor = 80},
	{.name = "VERIFY_CODE", .kinds = {ANON_CODE, ANON_CODE}, .floor = 60},
	{.name = "ACCOUNT", .kinds = {ANON_ACCOUNT, ANON_ACCOUNT}, .floor = 60},
	{.name = "NAME", .floor = -1},
	{.name = "NAME_PARTIAL", .floor = -1},
	{.name = "ADDRESS", .floor = -1},
	{.name = "DATE_OF_BIRTH", .floor = -1},
	{.name = "IP_URL", .floor = -1},
};

struct tally {
	int spans[ANON_KINDS], right[ANON_KINDS];
};

static struct type *type_of(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (str_is(name, types[i].name))
			return &types[i];
	fail_msg("a type of the gold set that this test does not know: %.*s", STR_FMT(name));
	return NULL;
}

static bool overlaps(const struct span *s, const struct json *gold)
{
	return s->first < (uint32_t)json_get_int(gold, "end", 0) && s->end > (uint32_t)json_get_int(gold, "start", 0);
}

static bool fits(const struct type *t, enum anon_kind kind)
{
	return t->floor >= 0 && (kind == t->kinds[0] || kind == t->kinds[1]);
}

static void say(
	const char *what, const struct json *doc, const struct anon_text *t, size_t from, size_t to, const char *kind)
{
	if (getenv("TAF_VERBOSE"))
		printf("  %s %s %s: %.*s\n      in %.*s\n", what, json_get_str(doc, "id").p, kind,
			STR_FMT(anon_slice(t, from, to)), STR_FMT(t->s));
}

static void count_call(struct tally *tally, const struct json *doc, const struct anon_call *c)
{
	JSON_EACH(gold, json_get(doc, "entities")) {
		struct type *type = type_of(json_get_str(gold, "type"));
		const struct anon_text *t = &c->texts[json_get_int(gold, "turn", 0)];
		size_t start = (size_t)json_get_int(gold, "start", 0), end = (size_t)json_get_int(gold, "end", 0);
		bool found = false, exact = false;
		for (size_t i = 0; i < t->nspans; i++) {
			found |= overlaps(&t->spans[i], gold) && fits(type, t->spans[i].kind);
			exact |= t->spans[i].first == start && t->spans[i].end == end && fits(type, t->spans[i].kind);
		}
		type->gold++;
		type->found += found;
		type->exact += exact;
		if (!exact && type->floor >= 0)
			say(found ? "inexact" : "missed", doc, t, start, end, type->name);
	}
	for (size_t k = 0; k < c->ntexts; k++) {
		const struct anon_text *t = &c->texts[k];
		for (size_t i = 0; i < t->nspans; i++) {
			bool right = false;
			JSON_EACH(gold, json_get(doc, "entities"))
				right |= (size_t)json_get_int(gold, "turn", 0) == k && overlaps(&t->spans[i], gold) &&
						 fits(type_of(json_get_str(gold, "type")), t->spans[i].kind);
			tally->spans[t->spans[i].kind]++;
			tally->right[t->spans[i].kind] += right;
			if (!right)
				say("false", doc, t, t->spans[i].first, t->spans[i].end, anon_kind_name(t->spans[i].kind));
		}
	}
}

static void find_in(struct anon_call *c, const struct json *doc)
{
	const struct json *turns = json_get(doc, "turns");
	c->texts = arena_array(c->a, json_count(turns) + 1, sizeof(*c->texts));
	JSON_EACH(turn, turns) {
		c->texts[c->ntexts] = (struct anon_text){
			.s = turn_text(turn), .turn = (int)c->ntexts, .side = str_is(turn_role(turn), "left") ? 'l' : 'r'};
		c->ntexts++;
	}
	for (size_t i = 0; i < c->ntexts; i++)
		anon_read(c, &c->texts[i]);
	anon_find(c);
}

static void print_tally(const struct tally *tally)
{
	int low = 0, spans = 0, right = 0;
	printf("%-14s %5s %6s %7s\n", "gold type", "gold", "found", "exactly");
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		const struct type *t = &types[i];
		printf("%-14s %5d %5d%% %6d%%%s\n", t->name, t->gold, t->gold ? 100 * t->found / t->gold : 100,
			t->gold ? 100 * t->exact / t->gold : 100, t->floor < 0 ? "  (a later version)" : "");
		low += t->gold && 100 * t->found / t->gold < t->floor;
	}
	printf("%-14s %5s %9s\n", "kind", "spans", "precision");
	for (int k = 0; k < ANON_KINDS; k++) {
		printf("%-14s %5d %8d%%\n", anon_kind_name((enum anon_kind)k), tally->spans[k],
			tally->spans[k] ? 100 * tally->right[k] / tally->spans[k] : 100);
		spans += tally->spans[k];
		right += tally->right[k];
	}
	printf("precision of all: %d of %d\n", right, spans);
	assert_int_equal(low, 0);
	assert_true(100 * right >= 95 * spans);
}

static void gold_set(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct tally tally = {.spans = {0}};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(arena_release) struct arena kept = ARENA_INIT;
	struct anon_rules rules;
	if (fs_read(GOLD, (size_t)16 << 20, &text, &e) < 0) {
		printf("skipped: %s is not there\n", GOLD);
		return;
	}
	assert_int_equal(anon_rules_load(&kept, "stages/anonymize/rules.yaml", &rules, &e), 0);
	struct str rest = buf_view(&text), line;
	while (str_line(&rest, &line)) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct json *doc;
		struct anon_call c = {.a = &a, .rules = &rules, .key = STR("public-demo"), .known = MAP_INIT};
		if (!line.n)
			continue;
		assert_int_equal(json_parse(&a, line, &doc, &e), 0);
		find_in(&c, doc);
		count_call(&tally, doc, &c);
		map_release(&c.known);
	}
	print_tally(&tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(gold_set)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
