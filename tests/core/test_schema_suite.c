/* The validator against the official JSON Schema test suite.
 * Debian has it twice: libtest-json-schema-acceptance-perl carries the files of draft 2020-12, json-schema-test-suite those of draft 7, which are
 * rewritten here (definitions → $defs, lists in items → prefixItems, additionalItems → items). TAF_SCHEMA_SUITE names another folder of 2020-12.
 * A group with a keyword that we do not have must be refused for exactly that keyword, which must be one of the list below. */
#include "core/schema.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DRAFT_2020 "/usr/share/perl5/auto/share/dist/Test-JSON-Schema-Acceptance/tests/draft2020-12"
#define DRAFT_7 "/usr/share/json-schema-test-suite/tests/draft7"

/* Why a group may be left out: words of the refusal. Each is outside the contract of core/schema.h. */
static const char *const outside[] = {"\"$anchor\"", "\"$dynamicRef\"", "\"$dynamicAnchor\"", "\"$vocabulary\"",
	"\"contentEncoding\"", "\"contentMediaType\"", "\"contentSchema\"", "\"dependencies\"", "\"dependentRequired\"",
	"\"dependentSchemas\"", "\"format\"", "\"maxContains\"", "\"minContains\"", "\"unevaluatedItems\"",
	"\"unevaluatedProperties\"", "\"deprecated\"", "\"readOnly\"", "\"writeOnly\"", "\"unknown-keyword\"",
	"\"percent%field\"", "\"array_of_schemas\"", "$id can stand at the top only", "$schema must be",
	"a place in this document", "unknown property after \\P or \\p" /* long names of Unicode properties */};

struct tally {
	int cases, wrong, groups, skipped;
	struct map why; /* words of `outside` → groups */
};

static struct json *must_parse(struct arena *a, const char *path)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json *v = NULL;
	struct err e = ERR_INIT;
	int rc = fs_read(path, 1 << 20, &text, &e);
	for (char *at = text.data; (at = strstr(at, "\\u0000")) != NULL; at += 6)
		at[5] = '1'; /* U+0000 is in none of our texts: io/json refuses it */
	if (rc < 0 || json_parse(a, buf_view(&text), &v, &e) < 0)
		fail_msg("%s: %s", path, e.text);
	return v;
}

/* A group is refused: for a reason of the list, or wrongly. */
static bool left_out(struct tally *t, const char *reason)
{
	for (size_t i = 0; i < COUNT_OF(outside); i++) {
		if (strstr(reason, outside[i])) {
			map_put(&t->why, str_of(outside[i]), NULL)->value.i++;
			t->skipped++;
			return true;
		}
	}
	return false;
}

static void run_group(struct tally *t, struct arena *a, const struct json *group, const char *file)
{
	struct schema *s = NULL;
	struct err e = ERR_INIT;
	struct str title = json_get_str(group, "description");
	t->groups++;
	if (str_is(title, "ref overrides any sibling keywords")) { /* until draft 7 */
		t->skipped++;
		return;
	}
	if (schema_read(a, json_get(group, "schema"), &s, &e) < 0) {
		assert_int_equal(e.code, ERR_CONFIG);
		if (left_out(t, e.text))
			return;
		printf("%s: %.*s: is refused: %s\n", file, STR_FMT(title), e.text);
		t->wrong += (int)json_count(json_get(group, "tests"));
		return;
	}
	JSON_EACH(test, json_get(group, "tests")) {
		err_clear(&e);
		bool valid = schema_check(s, json_get(test, "data"), &e) == 0;
		t->cases++;
		if (valid == json_get_bool(test, "valid", !valid) && (valid || (e.code == ERR_INVALID && e.text[0])))
			continue;
		t->wrong++;
		printf("%s: %.*s: %.*s: %s\n", file, STR_FMT(title), STR_FMT(json_get_str(test, "description")),
			valid ? "passes" : e.text);
	}
}

/* Draft 7 in the words of 2020-12. */
static struct json *renewed(struct arena *a, const struct json *v)
{
	if (v->kind == JSON_STRING && str_starts(v->u.s, "#/definitions/"))
		return json_text(a, arena_printf(a, "#/$defs/%s", v->u.s.p + strlen("#/definitions/")));
	if (v->kind == JSON_STRING && str_starts(v->u.s, "#/items/"))
		return json_text(a, arena_printf(a, "#/prefixItems/%s", v->u.s.p + strlen("#/items/")));
	if (v->kind != JSON_ARRAY && v->kind != JSON_OBJECT)
		return json_copy(a, v);
	struct json *out = v->kind == JSON_ARRAY ? json_array(a) : json_object(a);
	bool tuple = json_is(json_get(v, "items"), JSON_ARRAY);
	JSON_EACH(kid, v) {
		struct json *fresh = renewed(a, kid);
		const char *key = kid->key.p;
		if (v->kind == JSON_ARRAY)
			json_append(out, fresh);
		else if (strcmp(key, "items") == 0 && tuple)
			json_set(a, out, "prefixItems", fresh);
		else if (strcmp(key, "definitions") == 0)
			json_set(a, out, "$defs", fresh);
		else if (strcmp(key, "additionalItems") != 0)
			json_set(a, out, key, fresh);
		else if (tuple) /* means nothing without a list in items */
			json_set(a, out, "items", fresh);
	}
	return out;
}

static void renew_schemas(struct arena *a, struct json *groups)
{
	for (struct json *group = json_first(groups); group; group = group->next)
		json_set(a, group, "schema", renewed(a, json_get(group, "schema")));
}

static void run_file(struct tally *t, const char *folder, const char *name, bool draft7)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	fs_join(&path, folder, name);
	struct json *groups = must_parse(&a, path.data);
	if (draft7)
		renew_schemas(&a, groups);
	JSON_EACH(group, groups)
		run_group(t, &a, group, name);
}

/* All files of the draft, and of its optional part those about what we promise: numbers of any size, patterns. */
static void run_folder(struct tally *t, const char *folder, bool draft7)
{
	static const char *const optional[] = {"optional/bignum.json", "optional/float-overflow.json",
		"optional/ecmascript-regex.json", "optional/non-bmp-regex.json"};
	struct fs_names names = {NULL, 0};
	struct err e = ERR_INIT;
	if (fs_list(folder, &names, &e) < 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < names.n; i++)
		if (str_ends(str_of(names.v[i]), ".json"))
			run_file(t, folder, names.v[i], draft7);
	for (size_t i = 0; i < COUNT_OF(optional) && !draft7; i++)
		run_file(t, folder, optional[i], draft7);
	fs_names_free(&names);
	printf("%s: %d cases, %d wrong; %d of %d groups left out:", folder, t->cases, t->wrong, t->skipped, t->groups);
	for (size_t i = 0; i < t->why.n; i++)
		printf(" %s (%d)", t->why.entries[i].key.p, (int)t->why.entries[i].value.i);
	printf("\n");
	map_release(&t->why);
}

static void run_draft(const char *folder, const char *package, bool draft7, int at_least)
{
	struct tally t = {.why = MAP_INIT};
	if (access(folder, R_OK) != 0) {
		printf("skipped: no %s (package %s)\n", folder, package);
		return;
	}
	run_folder(&t, folder, draft7);
	assert_int_equal(t.wrong, 0);
	assert_true(t.cases >= at_least);
}

static void draft_2020_12(void **state)
{
	(void)state;
	const char *other = getenv("TAF_SCHEMA_SUITE");
	run_draft(other ? other : DRAFT_2020, "libtest-json-schema-acceptance-perl", false, 650);
}

static void draft_7_rewritten(void **state)
{
	(void)state;
	run_draft(DRAFT_7, "json-schema-test-suite", true, 360);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draft_2020_12),
		cmocka_unit_test(draft_7_rewritten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
