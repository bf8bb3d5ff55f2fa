#include "base/alloc.h"
#include "base/fs.h"
#include "core/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct params {
	bool on;
	int64_t turns;
	double rate;
	struct str words, secret, provider, file;
	int mode;
	struct option_list tags, files;
	const struct json *sides;
};

static const char *const modes[] = {"fast", "slow", NULL};

#define AT(member) .offset = offsetof(struct params, member)
static const struct option table[] = {
	{.name = "on", .type = OPT_BOOL, AT(on), .flags = OPTION_SHAPES, .dflt = "true", .help = "Whether it is on."},
	{.name = "min_turns", .type = OPT_INT, AT(turns), .flags = OPTION_SHAPES, .dflt = "4", .min = 1, .max = 100, .help = "Turns."},
	{.name = "rate",
		.type = OPT_REAL,
		AT(rate),
		.flags = OPTION_SHAPES,
		.dflt = "1",
		.min = 0.5,
		.max = 2,
		.unit = "x",
		.help = "A | B."},
	{.name = "words", .type = OPT_STRING, AT(words), .dflt = "hello", .help = "Words."},
	{.name = "key", .type = OPT_STRING, AT(secret), .flags = OPTION_SHAPES | OPTION_SECRET_KEY, .help = "A key."},
	{.name = "provider", .type = OPT_PROVIDER, AT(provider), .help = "Who writes."},
	{.name = "mode", .type = OPT_CHOICE, AT(mode), .dflt = "slow", .choices = modes, .help = "How."},
	{.name = "tags", .type = OPT_STRINGS, AT(tags), .dflt = "[a, b]", .help = "Tags."},
	{.name = "rules", .type = OPT_FILE, AT(file), .flags = OPTION_YAML, .help = "Rules."},
	{.name = "inputs", .type = OPT_FILES, AT(files), .flags = OPTION_PER_ITEM, .help = "Inputs."},
	{.name = "sides", .type = OPT_MAP, AT(sides), .help = "Speaker to side."},
};

static struct arena arena;
static char folder[200];

static bool parse(const char *text, struct params *p, struct problems *problems)
{
	struct err e = ERR_INIT;
	struct yaml_node *root = NULL;
	if (yaml_parse(&arena, "f.yaml", str_of(text), &root, &e))
		fail_msg("%s", e.text);
	memset(p, 0, sizeof(*p));
	return options_parse(&arena, table, COUNT_OF(table), root, folder, "stage type test", p, problems);
}

static void put_file(const char *name, const char *text)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	CLEANUP(buf_release) struct buf dir = BUF_INIT;
	struct err e = ERR_INIT;
	fs_join(&path, folder, name);
	fs_dirname(&dir, path.data);
	assert_int_equal(fs_mkdirs(dir.data, &e), 0);
	assert_int_equal(fs_write_atomic(path.data, text, strlen(text), 0644, &e), 0);
}

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof(folder), "%s/taf-option-[x]-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	setenv("TAF_DATA", folder, 1);
	put_file("a.jsonl", "{}");
	put_file("b.jsonl", "{}");
	put_file("sub/c.txt", "x");
	put_file("sub/.hidden", "x");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	struct err e = ERR_INIT;
	return fs_remove_tree(folder, &e);
}

static void test_defaults(void **state)
{
	(void)state;
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	struct params p;
	assert_true(parse("", &p, &problems));
	assert_true(p.on);
	assert_int_equal(p.turns, 4);
	assert_true(p.rate == 1.0);
	assert_true(str_is(p.words, "hello"));
	assert_null(p.secret.p);
	assert_null(p.provider.p);
	assert_int_equal(p.mode, 1);
	assert_int_equal(p.tags.n, 2);
	assert_true(str_is(p.tags.v[1], "b"));
	assert_int_equal(p.files.n, 0);
	assert_true(json_is(p.sides, JSON_OBJECT));
	/* null is as if it were not there */
	assert_true(parse("min_turns: null\nrate: ~\nwords:\n", &p, &problems));
	assert_int_equal(p.turns, 4);
	assert_true(str_is(p.words, "hello"));
}

static void test_values(void **state)
{
	(void)state;
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	struct params p;
	assert_true(parse("on: false\nmin_turns: 100\nrate: 2\nwords: 12\nkey: public\nprovider: w\nmode: fast\ntags: one\n"
					  "rules: a.jsonl\ninputs: ['*.jsonl', sub, a.jsonl]\nsides: {A: left, B: 1, C: 1.5, D: true}\n",
		&p, &problems));
	assert_false(p.on);
	assert_int_equal(p.turns, 100);
	assert_true(p.rate == 2.0);
	assert_true(str_is(p.words, "12"));
	assert_int_equal(p.mode, 0);
	assert_int_equal(p.tags.n, 1);
	assert_int_equal(p.files.n, 3);
	assert_true(str_ends(p.files.v[0], "/a.jsonl"));
	assert_true(str_ends(p.files.v[1], "/b.jsonl"));
	assert_true(str_ends(p.files.v[2], "/sub/c.txt"));
	assert_true(str_starts(p.files.v[0], folder));
	assert_true(str_starts(p.file, folder));
	assert_true(str_is(json_get_str(p.sides, "A"), "left"));
	assert_int_equal(json_get_int(p.sides, "B", 0), 1);
	assert_true(json_get_bool(p.sides, "D", false));
}

static void test_errors(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *message;
		int line, col;
	} rows[] = {
		{"rate: 9\n", "rate: 9 is out of range (0.5 to 2 x)", 1, 7},
		{"min_turns: 0\n", "min_turns: 0 is out of range (1 to 100)", 1, 12},
		{"min_turns: x\n", "min_turns: expected an integer, got 'x'", 1, 12},
		{"min_turns: '4'\n", "min_turns: expected an integer, got the text '4': write the number without quotes", 1, 12},
		{"min_turns: 4.5\n", "min_turns: expected an integer, got '4.5'", 1, 12},
		{"rate: [1]\n", "rate: expected a number, got a list", 1, 7},
		{"on: yes\n", "on: expected true or false, got 'yes'", 1, 5},
		{"words: {a: 1}\n", "words: expected a text, got a map", 1, 8},
		{"mode: fats\n", "mode: cannot be 'fats'; did you mean 'fast'?", 1, 7},
		{"mode: other\n", "mode: cannot be 'other'; there is fast, slow", 1, 7},
		{"\nmin_turn: 3\n", "stage type test: unknown option 'min_turn'; did you mean 'min_turns'?", 2, 1},
		{"tags: [a, [b]]\n", "tags: expected a text, got a list", 1, 11},
		{"sides: [a]\n", "sides: expected a map (key: value), got a list", 1, 8},
		{"sides: {a: [1]}\n", "sides: a: expected a plain value, got a list", 1, 12},
		{"[a]\n", "stage type test: options are a map (option: value)", 1, 1},
		{"inputs: ['']\n", "inputs: an empty path", 1, 10},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
		struct params p;
		assert_false(parse(rows[i].yaml, &p, &problems));
		assert_int_equal(problems.n, 1);
		assert_string_equal(problems.v[0].text, rows[i].message);
		assert_int_equal(problems.v[0].mark.line, rows[i].line);
		assert_int_equal(problems.v[0].mark.col, rows[i].col);
		/* what failed has its default, for later checks */
		assert_int_equal(p.turns, 4);
	}
}

static void test_missing_files(void **state)
{
	(void)state;
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	struct params p;
	assert_false(parse("rules: none.yaml\ninputs: [a.jsonl, 'no*.jsonl', \"@/no/such\"]\n", &p, &problems));
	assert_int_equal(problems.n, 3);
	assert_non_null(strstr(problems.v[0].text, "rules: no file "));
	assert_non_null(strstr(problems.v[0].text, "none.yaml"));
	assert_non_null(strstr(problems.v[1].text, "inputs: 'no*.jsonl' matches nothing"));
	assert_int_equal(problems.v[1].mark.line, 2);
	assert_int_equal(problems.v[1].mark.col, 19);
	assert_non_null(strstr(problems.v[2].text, "@/no/such"));
}

static void test_data_root(void **state)
{
	(void)state;
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	struct params p;
	assert_true(parse("rules: \"@/sub/c.txt\"\ninputs: \"@/*.jsonl\"\n", &p, &problems));
	assert_true(str_ends(p.file, "/sub/c.txt"));
	assert_int_equal(p.files.n, 2);
}

static void test_required(void **state)
{
	(void)state;
	static const struct option need[] = {
		{.name = "words", .type = OPT_STRING, AT(words), .flags = OPTION_REQUIRED},
		{.name = "inputs", .type = OPT_FILES, AT(files), .flags = OPTION_REQUIRED},
	};
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	struct params p = {0};
	struct yaml_node *with = yaml_new(&arena, YAML_MAP, (struct yaml_mark){"f", 3, 5});
	assert_false(options_parse(&arena, need, 2, with, folder, "stage type t", &p, &problems));
	assert_int_equal(problems.n, 2);
	assert_string_equal(problems.v[0].text, "stage type t: option 'words' is missing");
	assert_int_equal(problems.v[0].mark.line, 3);
	yaml_set(&arena, with, STR("words"), yaml_scalar(&arena, STR("x"), true, with->mark));
	yaml_set(&arena, with, STR("inputs"), yaml_new(&arena, YAML_LIST, with->mark));
	assert_false(options_parse(&arena, need, 2, with, folder, "stage type t", &p, &problems));
	assert_string_equal(problems.v[2].text, "inputs: needs at least one value");
}

static void test_json_round(void **state)
{
	(void)state;
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf one = BUF_INIT;
	CLEANUP(buf_release) struct buf two = BUF_INIT;
	struct params p, q = {0};
	struct err e = ERR_INIT;
	assert_true(parse("rate: 1.1\nkey: hush\nmin_turns: 7\nsides: {A: left}\ninputs: a.jsonl\n", &p, &problems));
	json_write(&one, options_json(&arena, table, COUNT_OF(table), &p, 0));
	assert_null(strstr(one.data, "hush"));
	struct json *back = NULL;
	assert_int_equal(json_parse(&arena, buf_view(&one), &back, &e), 0);
	assert_int_equal(options_from_json(&arena, table, COUNT_OF(table), back, &q, &e), 0);
	json_write(&two, options_json(&arena, table, COUNT_OF(table), &q, 0));
	assert_string_equal(one.data, two.data);
	assert_true(q.rate == 1.1);
	assert_null(q.provider.p);
	assert_int_equal(q.mode, 1);
	/* only what shapes */
	buf_clear(&one);
	json_write(&one, options_json(&arena, table, COUNT_OF(table), &p, OPTION_SHAPES));
	assert_string_equal(one.data, "{\"min_turns\":7,\"on\":true,\"rate\":1.1}");
	/* wrong values are errors, not crashes */
	static const char *const bad[] = {"{}", "[]", "{\"on\":1}", "{\"on\":true,\"min_turns\":\"x\"}"};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(json_parse(&arena, str_of(bad[i]), &back, &e), 0);
		assert_int_equal(options_from_json(&arena, table, COUNT_OF(table), back, &q, &e), ERR_DATA);
	}
}

static void test_help(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	options_help(&b, table, COUNT_OF(table), false);
	assert_non_null(strstr(b.data, "  on         true or false; default true\n             Whether it is on.\n"));
	assert_non_null(strstr(b.data, "  rate       number 0.5 to 2 x; default 1\n"));
	buf_clear(&b);
	options_help(&b, table, COUNT_OF(table), true);
	assert_non_null(strstr(b.data, "| `rate` | number 0.5 to 2 x | `1` | yes | A \\| B. |\n"));
	assert_non_null(strstr(b.data, "| `mode` | one of fast, slow | `slow` | no | How. |\n"));
}

/* A preset gives other defaults; what is written holds, wherever it stands. */
static void test_preset(void **state)
{
	(void)state;
	static const char *const faster[] = {"2.5", NULL};
	const struct option rows[] = {
		{.name = "mode", .type = OPT_CHOICE, AT(mode), .flags = OPTION_PRESET, .dflt = "slow", .choices = modes, .help = "How."},
		{.name = "rate", .type = OPT_REAL, AT(rate), .dflt = "1", .presets = faster, .help = "Rate."},
	};
	static const struct {
		const char *text;
		double rate;
	} cases[] = {{"{}", 1}, {"{mode: slow}", 1}, {"{mode: fast}", 2.5}, {"{rate: 1, mode: fast}", 1},
		{"{mode: fast, rate: 3}", 3}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
		struct params p = {.on = false};
		struct err e = ERR_INIT;
		struct yaml_node *root = NULL;
		assert_int_equal(yaml_parse(&arena, "f.yaml", str_of(cases[i].text), &root, &e), 0);
		assert_true(options_parse(&arena, rows, COUNT_OF(rows), root, folder, "stage type t", &p, &problems));
		assert_true(p.rate == cases[i].rate);
	}
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	options_help(&b, rows, COUNT_OF(rows), false);
	assert_non_null(strstr(b.data, "  rate  number; default 1 (fast: 2.5)\n"));
	buf_clear(&b);
	options_help(&b, rows, COUNT_OF(rows), true);
	assert_non_null(strstr(b.data, "| `rate` | number | `1`; fast: `2.5` | no | Rate. |\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_missing_files),
		cmocka_unit_test(test_data_root),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_json_round),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_preset),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
