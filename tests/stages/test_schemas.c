/* What the project reads and writes, held against schemas/ by our own validator: the whole pipeline of tests/cases/whole is run, then every call's
 * record, every file of its release and the numbers of `eval` are checked; so are the scenarios and transcripts that stand in the repository.
 * (tests/cases/release asks python3-jsonschema too, where it is installed: a second opinion.) */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/schema.h"
#include "io/yaml.h"
#include "io/zip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[256];
static const char *top, *program;
static struct arena kept = ARENA_INIT;

/** A path in the release that the set-up made; holds for the whole test. */
static const char *released(const char *name)
{
	return arena_printf(&kept, "%s/p/work/release/%s", folder, name);
}

static struct schema *load(const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json *document = NULL;
	struct schema *s = NULL;
	struct err e = ERR_INIT;
	const char *path = arena_printf(&kept, "%s/schemas/%s.schema.json", top, name);
	if (fs_read(path, 1 << 20, &text, &e) < 0 || json_parse(&kept, buf_view(&text), &document, &e) < 0 ||
		schema_read(&kept, document, &s, &e) < 0)
		fail_msg("%s: %s", path, e.text);
	return s;
}

static void must_fit(const struct schema *s, const struct json *v, const char *what)
{
	struct err e = ERR_INIT;
	if (schema_check(s, v, &e) < 0)
		fail_msg("%s: %s", what, e.text);
}

static struct json *parse(struct arena *a, struct str text, const char *what)
{
	struct json *v = NULL;
	struct err e = ERR_INIT;
	if (json_parse(a, text, &v, &e) < 0)
		fail_msg("%s: %s", what, e.text);
	return v;
}

/** Each line of a text; how many. */
static size_t lines_fit(const struct schema *s, struct str text, const char *what)
{
	struct str line;
	size_t n = 0;
	while (str_line(&text, &line)) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		must_fit(s, parse(&a, line, what), arena_printf(&a, "%s line %zu", what, ++n));
	}
	return n;
}

static void read_file(const char *path, struct buf *ret)
{
	struct err e = ERR_INIT;
	if (fs_read(path, 16 << 20, ret, &e) < 0)
		fail_msg("%s", e.text);
}

/** What a command prints. */
static struct json *printed(struct arena *a, const char *command)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char part[4096];
	FILE *f = popen(command, "r");
	assert_non_null(f);
	for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;)
		buf_add(&text, part, n);
	if (pclose(f) != 0)
		fail_msg("%s: %s", command, text.data);
	return parse(a, buf_view(&text), command);
}

static int set_up(void **state)
{
	(void)state;
	top = getenv("TAF_TOP") ? getenv("TAF_TOP") : realpath(".", NULL);
	program = getenv("TAF") ? getenv("TAF") : arena_printf(&kept, "%s/build/taf", top);
	snprintf(folder, sizeof(folder), "%s/taf-schemas-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	const char *command = arena_printf(&kept,
		"cd '%s' && mkdir p && printf 'a key of these tests only\\n' >privacy.key && "
		"cp -r '%s'/tests/cases/kit/* p/ && cp '%s'/tests/cases/whole/*.* p/ && cd p && '%s' run -j 2 >log 2>&1 || { "
		"cat log; exit 1; }",
		folder, top, top, program);
	return system(command) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&kept);
	return fs_remove_tree(folder, NULL);
}

/* A call as its stages made it: each adds its fields. */
static void call_records(void **state)
{
	(void)state;
	const struct schema *s = load("call");
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	read_file(released("manifest.jsonl"), &text);
	struct str rest = buf_view(&text), line;
	size_t n = 0;
	for (; str_line(&rest, &line); n++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct json *call = json_object(&a);
		struct str id = json_get_str(parse(&a, line, "manifest.jsonl"), "id");
		const struct json *shown = printed(
			&a, arena_printf(&a, "cd '%s'/p && '%s' show '%.*s' --json --originals", folder, program, STR_FMT(id)));
		json_set_str(&a, call, "id", id);
		JSON_EACH(stage, json_get(shown, "stages")) /* what a sink keeps is no field of a call */
			if (json_is(json_get(stage, "fields"), JSON_OBJECT))
				json_merge(&a, call, json_get(stage, "fields"));
		must_fit(s, call, arena_printf(&a, "%.*s", STR_FMT(id)));
		assert_non_null(json_get(call, "audio"));
		json_drop(call, "turns");
		assert_int_equal(schema_check(s, call, NULL), ERR_INVALID);
	}
	assert_true(n >= 10);
}

static void manifest_and_statistics(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	read_file(released("manifest.jsonl"), &text);
	assert_true(lines_fit(load("manifest"), buf_view(&text), "manifest.jsonl") >= 10);
	buf_clear(&text);
	read_file(released("stats.json"), &text);
	must_fit(load("stats"), parse(&a, buf_view(&text), "stats.json"), "stats.json");
}

/** Entries of a zip of the release: whole, or line by line; how many values. */
static size_t entries_fit(const char *name, const char *ending, const struct schema *s)
{
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	if (zip_reader_open(released(name), &z, &e) < 0)
		fail_msg("%s", e.text);
	for (int64_t i = 0; i < zip_reader_count(z); i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		const char *entry = zip_reader_name(z, i);
		if (!str_ends(str_of(entry), ending))
			continue;
		assert_int_equal(zip_reader_read(z, i, 16 << 20, &text, &e), 0);
		if (strcmp(ending, ".jsonl") == 0) {
			n += lines_fit(s, buf_view(&text), entry);
		} else {
			must_fit(s, parse(&a, buf_view(&text), entry), entry);
			n++;
		}
	}
	return n;
}

static void release_zips(void **state)
{
	(void)state;
	assert_true(entries_fit("binary_classification.zip", ".jsonl", load("classification")) >= 10);
	assert_true(entries_fit("sft.zip", ".jsonl", load("sft")) >= 5);
	assert_int_equal(entries_fit("bench.zip", ".json", load("bench")), 3);
}

/* The reference answers as predictions. */
static void numbers_of_eval(void **state)
{
	(void)state;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(zip_reader_cleanup) struct zip_reader *z = NULL;
	CLEANUP(buf_release) struct buf rows = BUF_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(zip_reader_open(released("bench.zip"), &z, &e), 0);
	for (int64_t i = 0; i < zip_reader_count(z); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		if (!str_ends(str_of(zip_reader_name(z, i)), ".json"))
			continue;
		assert_int_equal(zip_reader_read(z, i, 16 << 20, &text, &e), 0);
		JSON_EACH(item, parse(&a, buf_view(&text), "bench.zip")) {
			struct json *row = json_object(&a);
			json_set(&a, row, "prompt", json_copy(&a, json_get(item, "prompt")));
			json_set_str(&a, row, "response", json_get_str(item, "response"));
			json_write(&rows, row);
			buf_putc(&rows, '\n');
		}
	}
	const char *path = arena_printf(&a, "%s/predictions.jsonl", folder);
	assert_int_equal(fs_write_atomic(path, rows.data, rows.len, 0644, &e), 0);
	const struct json *out =
		printed(&a, arena_printf(&a, "'%s' eval metrics --bench '%s' '%s' --json", program, released("."), path));
	must_fit(load("eval"), out, "eval metrics");
	assert_true(json_count(out) > 0);
}

/* YAML by the core rules: what has the look of a number is one. */
static struct json *of_yaml(struct arena *a, const struct yaml_node *node)
{
	int64_t i;
	double d;
	bool b;
	struct json *out = node->kind == YAML_LIST ? json_array(a) : json_object(a);
	if (node->kind == YAML_SCALAR && yaml_bool(node, &b))
		return json_bool(a, b);
	if (node->kind == YAML_SCALAR && yaml_int(node, &i))
		return json_int(a, i);
	if (node->kind == YAML_SCALAR && yaml_real(node, &d))
		return json_real(a, d);
	if (node->kind == YAML_SCALAR)
		return yaml_is_null(node) ? json_null(a) : json_str(a, node->text);
	YAML_EACH(item, node) {
		if (node->kind == YAML_LIST)
			json_append(out, of_yaml(a, item));
		else
			json_set_key(a, out, item->key, of_yaml(a, item));
	}
	return out;
}

static void scenarios(void **state)
{
	(void)state;
	const struct schema *s = load("scenario");
	struct fs_names names = {NULL, 0};
	struct err e = ERR_INIT;
	assert_int_equal(fs_glob(arena_printf(&kept, "%s/stages/synthesize/scenarios/*.yaml", top), &names, &e), 0);
	assert_true(names.n >= 10);
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		struct yaml_node *root;
		read_file(names.v[i], &text);
		assert_int_equal(yaml_parse(&a, names.v[i], buf_view(&text), &root, &e), 0);
		must_fit(s, of_yaml(&a, root), names.v[i]);
	}
	fs_names_free(&names);
}

static void transcripts(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	read_file(arena_printf(&kept, "%s/p/calls.jsonl", folder), &text);
	assert_true(lines_fit(load("transcript-jsonl"), buf_view(&text), "calls.jsonl") >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_records),
		cmocka_unit_test(manifest_and_statistics),
		cmocka_unit_test(release_zips),
		cmocka_unit_test(numbers_of_eval),
		cmocka_unit_test(scenarios),
		cmocka_unit_test(transcripts),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
