#include "base/alloc.h"
#include "base/fs.h"
#include "core/config.h"
#include "provider/espeak.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Stage types of these tests --- */

struct source_params {
	bool private;
	struct option_list inputs;
};
struct map_params {
	int64_t min_turns, max_turns;
	double rate;
	struct str provider;
	const struct json *sides;
};

static const struct option source_options[] = {
	{.name = "private",
		.type = OPT_BOOL,
		.offset = offsetof(struct source_params, private),
		.dflt = "false",
		.help = "Private."},
	{.name = "inputs", .type = OPT_FILES, .offset = offsetof(struct source_params, inputs), .help = "Files."},
};
static const struct option map_options[] = {
	{.name = "min_turns", .type = OPT_INT, .offset = offsetof(struct map_params, min_turns), .dflt = "1", .max = 1000},
	{.name = "max_turns", .type = OPT_INT, .offset = offsetof(struct map_params, max_turns), .dflt = "100", .max = 1000},
	{.name = "rate",
		.type = OPT_REAL,
		.offset = offsetof(struct map_params, rate),
		.dflt = "1",
		.min = 0.5,
		.max = 2,
		.help = "Rate."},
	{.name = "sides", .type = OPT_MAP, .offset = offsetof(struct map_params, sides)},
};
static const struct option speak_options[] = {
	{.name = "provider", .type = OPT_PROVIDER, .offset = offsetof(struct map_params, provider), .flags = OPTION_REQUIRED},
	{.name = "rate", .type = OPT_REAL, .offset = offsetof(struct map_params, rate), .dflt = "1", .min = 0.5, .max = 2},
};

static bool source_private(const void *params)
{
	return ((const struct source_params *)params)->private;
}

static void source_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_write(f, "turns", 0);
}

static void screen_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "turns.text", 0);
	fields_write(f, "qa.@", 0);
}

static void speak_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "turns.text", 0);
	fields_write(f, "audio", 0);
}

static void sink_fields(const void *params, struct stage_fields *f)
{
	(void)params;
	fields_read(f, "audio", 0);
}

static int screen_check(const void *params, struct err *e)
{
	const struct map_params *p = params;
	return p->min_turns > p->max_turns ? err_set(e, ERR_CONFIG, "min_turns is above max_turns") : 0;
}

static const struct stage_ops import_ops = {.name = "import",
	.help = "Reads.",
	.version = 1,
	.kind = STAGE_SOURCE,
	.params_size = sizeof(struct source_params),
	.options = source_options,
	.noptions = COUNT_OF(source_options),
	.fields = source_fields,
	.is_private = source_private};
static const struct stage_ops screen_ops = {.name = "screen",
	.help = "Checks texts.",
	.version = 3,
	.kind = STAGE_MAP,
	.params_size = sizeof(struct map_params),
	.options = map_options,
	.noptions = COUNT_OF(map_options),
	.fields = screen_fields,
	.check = screen_check};
static const struct stage_ops speak_ops = {.name = "speak",
	.help = "Speaks.",
	.version = 1,
	.kind = STAGE_MAP,
	.params_size = sizeof(struct map_params),
	.options = speak_options,
	.noptions = COUNT_OF(speak_options),
	.fields = speak_fields,
	.serves = PROVIDER_TTS};
static const struct stage_ops release_ops = {
	.name = "release", .help = "Packs.", .version = 1, .kind = STAGE_SINK, .fields = sink_fields};
static const struct stage_ops *const types[] = {&import_ops, &screen_ops, &speak_ops, &release_ops, NULL};
static const struct stage_registry registry = {types};

/* --- Helpers --- */

static char folder[200], file[250];

#define HEAD \
	"version: 1\nname: demo\nseed: 7\nproviders:\n  voice: {kind: espeak, rate: 1.1}\n  writer: {kind: " \
	"script}\nstages:\n"
#define GOOD \
	HEAD "  - {name: out, uses: release, needs: [say]}\n" \
		 "  - {name: calls, uses: import}\n" \
		 "  - name: clean\n    uses: screen\n    needs: calls\n    with: {min_turns: 2}\n    generation: 3\n    " \
		 "item_timeout_s: 9\n" \
		 "  - {name: say, uses: speak, needs: [clean], with: {provider: voice, rate: 1.5}}\n"
#define PROFILES \
	"profiles:\n" \
	"  slow:\n    providers: {voice: {rate: 0.9}}\n    stages:\n      - {name: say, with: {rate: 0.5}}\n      - " \
	"{name: more, uses: import}\n" \
	"      - {name: clean, needs: [calls, more]}\n" \
	"  other: {seed: 9, providers: {voice: {kind: script}}}\n" \
	"  empty:\n"

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof(folder), "%s/taf-config-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/pipeline.yaml", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	return fs_remove_tree(folder, &e);
}

struct loaded {
	struct config *c;
	struct problems problems;
	struct buf out;
};

static int load_with(struct loaded *l, const char *text, const char *const *profiles, const char *const *sets)
{
	struct err e = ERR_INIT;
	*l = (struct loaded){.problems = PROBLEMS_INIT, .out = BUF_INIT};
	assert_int_equal(fs_write_atomic(file, text, strlen(text), 0644, &e), 0);
	struct config_args args = {.file = file, .profiles = profiles, .sets = sets, .registry = &registry};
	while (profiles && profiles[args.nprofiles])
		args.nprofiles++;
	while (sets && sets[args.nsets])
		args.nsets++;
	int rc = config_load(&args, &l->c, &l->problems);
	problems_print(&l->problems, &l->out);
	assert_int_equal(rc, l->problems.n ? ERR_CONFIG : 0);
	return rc;
}

static void unload(struct loaded *l)
{
	config_free(l->c);
	problems_release(&l->problems);
	buf_release(&l->out);
}

static void load_good(struct loaded *l, const char *text, const char *const *profiles, const char *const *sets)
{
	if (load_with(l, text, profiles, sets))
		fail_msg("%s", l->out.data);
}

/* One problem, with these words, at this line and column (0: not looked at). */
static void assert_bad(const char *text, const char *const *profiles, const char *const *sets, int line, const char *words)
{
	struct loaded l;
	assert_int_equal(load_with(&l, text, profiles, sets), ERR_CONFIG);
	if (l.problems.n != 1)
		fail_msg("%zu problems: %s", l.problems.n, l.out.data);
	if (!strstr(l.out.data, words))
		fail_msg("\"%s\" does not have \"%s\"", l.out.data, words);
	if (line)
		assert_int_equal(l.problems.v[0].mark.line, line);
	unload(&l);
}

static const struct config_stage *stage(const struct loaded *l, const char *name)
{
	int i = config_stage_index(l->c, str_of(name));
	assert_true(i >= 0);
	return &l->c->stages[i];
}

static double rate_of(const struct loaded *l, const char *name)
{
	return ((const struct map_params *)stage(l, name)->stage.params)->rate;
}

/* --- Tests --- */

static void test_good(void **state)
{
	(void)state;
	struct loaded l;
	load_good(&l, GOOD PROFILES, NULL, NULL);
	const struct config *c = l.c;
	assert_string_equal(c->name, "demo");
	assert_int_equal(c->seed, 7);
	assert_true(c->max_cost < 0);
	assert_null(c->date);
	assert_int_equal(c->nstages, 4);
	static const char *const order[] = {"calls", "clean", "say", "out"};
	for (int i = 0; i < 4; i++)
		assert_string_equal(c->stages[i].stage.name, order[i]);
	const struct config_stage *clean = stage(&l, "clean");
	assert_int_equal(clean->nneeds, 1);
	assert_int_equal(clean->needs[0], 0);
	assert_int_equal(clean->generation, 3);
	assert_int_equal(clean->item_timeout_s, 9);
	assert_int_equal(stage(&l, "say")->item_timeout_s, 120);
	assert_string_equal(clean->fields.writes[0].path, "qa.clean");
	assert_int_equal(clean->mark.line, 10);
	assert_int_equal(clean->provider, -1);
	assert_null(clean->stage.provider);
	const struct config_stage *say = stage(&l, "say");
	assert_string_equal(say->stage.provider->name, "voice");
	assert_int_equal(say->stage.seed, 7);
	assert_string_equal(say->stage.dataset, "demo");
	assert_true(rate_of(&l, "say") == 1.5);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, say->stage.provider->identity);
	assert_true(str_starts(buf_view(&b), "{\"kind\":\"espeak\",\"libraries\":\"libespeak-ng "));
	assert_true(str_ends(buf_view(&b), "\"options\":{\"rate\":1.1},\"version\":1}"));
	assert_true(c->base[0] == '/');
	assert_int_equal(c->profiles.n, 3);
	assert_int_equal(graph_origin_at(c->graph, 3, 0)->ways, 1);
	assert_int_equal(strlen(c->digest), DIGEST_HEX);
	unload(&l);
}

static void digest_with(const char *text, const char *const *profiles, const char *const *sets, char *ret)
{
	struct loaded l;
	load_good(&l, text, profiles, sets);
	memcpy(ret, l.c->digest, DIGEST_HEX + 1);
	unload(&l);
}

static void test_digest(void **state)
{
	(void)state;
	char plain[DIGEST_HEX + 1], other[DIGEST_HEX + 1];
	static const char *const seed[] = {"seed=8", NULL}, *const same[] = {"seed=7", NULL},
							 *const slow[] = {"slow", NULL}, *const empty[] = {"empty", NULL};
	digest_with(GOOD, NULL, NULL, plain);
	digest_with("# words\n" GOOD PROFILES, NULL, NULL, other);
	assert_string_equal(plain, other);
	digest_with(GOOD PROFILES, empty, same, other);
	assert_string_equal(plain, other);
	digest_with(GOOD, NULL, seed, other);
	assert_string_not_equal(plain, other);
	digest_with(GOOD PROFILES, slow, NULL, other);
	assert_string_not_equal(plain, other);
}

static void test_profiles(void **state)
{
	(void)state;
	struct loaded l;
	static const char *const slow[] = {"slow", "slow", NULL}, *const wrong[] = {"slwo", NULL}, *const other[] = {"other", NULL};
	load_good(&l, GOOD PROFILES, slow, NULL);
	assert_int_equal(l.c->nstages, 5);
	assert_true(rate_of(&l, "say") == 0.5);
	assert_string_equal(stage(&l, "say")->stage.provider->name, "voice"); /* merged, not replaced */
	assert_int_equal(stage(&l, "clean")->nneeds, 2);
	assert_true(((const struct map_params *)stage(&l, "clean")->stage.params)->min_turns == 2);
	assert_int_equal(l.c->seed, 7);
	assert_int_equal(l.c->applied.n, 2);
	unload(&l);
	assert_bad(GOOD PROFILES, wrong, NULL, 0, "--profile slwo: unknown profile 'slwo'; did you mean 'slow'?");
	/* another kind does not inherit the options of the first */
	assert_bad(
		GOOD PROFILES, other, NULL, 16, "provider 'voice' (script) makes text, but say needs one that makes speech");
	/* also profiles that are not asked for have known keys */
	assert_bad(
		GOOD "profiles: {x: {stags: []}}\n", NULL, NULL, 17, "profile x: unknown key 'stags'; did you mean 'stages'?");
	assert_bad(GOOD "profiles: {x: [a]}\n", NULL, NULL, 17, "profile x");
	assert_bad(GOOD "profiles: {x: {stages: [{uses: import}]}}\n", NULL, NULL, 17, "`name`");
	static const char *const x[] = {"x", NULL};
	assert_bad(GOOD "profiles: {x: {stages: [{name: sya, with: {rate: 1}}]}}\n", x, NULL, 17, "did you mean 'say'?");
	assert_bad(GOOD "profiles: {x: {stages: [{name: say, with: {rate: 9}}]}}\n", x, NULL, 17,
		"rate: 9 is out of range (0.5 to 2)");
}

static void test_sets(void **state)
{
	(void)state;
	struct loaded l;
	static const char *const sets[] = {"stages.say.with.rate=1.1", "seed=42", "name=other", "providers.voice.rate=2",
		"stages.clean.with.sides.A=left", "stages.clean.generation=4", "stages.clean.needs=[calls]", "max_cost=1.5",
		"date=2026-11-21", "stages.calls.with.private=false", "stages.clean.with.min_turns=null", NULL};
	load_good(&l, GOOD, NULL, sets);
	assert_true(rate_of(&l, "say") == 1.1);
	assert_int_equal(l.c->seed, 42);
	assert_string_equal(l.c->name, "other");
	assert_true(l.c->max_cost == 1.5);
	assert_string_equal(l.c->date, "2026-11-21");
	assert_int_equal(stage(&l, "clean")->generation, 4);
	const struct map_params *p = stage(&l, "clean")->stage.params;
	assert_true(str_is(json_get_str(p->sides, "A"), "left"));
	assert_int_equal(p->min_turns, 1); /* emptied: the default */
	assert_true(((const struct espeak_params *)l.c->providers[0].params)->rate == 2.0);
	unload(&l);
}

static void test_set_errors(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"stages.say.with.rate=9", "--set stages.say.with.rate=9: rate: 9 is out of range (0.5 to 2)"},
		{"stages.say.with.rat=1",
			"--set stages.say.with.rat=1: stage type speak: unknown option 'rat'; did you mean 'rate'?"},
		{"stages.sya.with.rate=1", "unknown stage 'sya'; did you mean 'say'?"},
		{"stages.say.wiht.rate=1", "unknown key of a stage: 'wiht'; did you mean 'with'?"},
		{"stages.say=1", "name a key of the stage"},
		{"stags.say.with.rate=1", "unknown key 'stags'; did you mean 'stages'?"},
		{"seeed=1", "did you mean 'seed'?"},
		{"seed.x=1", "seed has no members"},
		{"seed=x", "--set seed=x: seed: expected an integer, got 'x'"},
		{"seed", "expected KEY=VALUE"},
		{"=1", "expected KEY=VALUE"},
		{"stages.say.with..rate=1", "empty part"},
		{"stages.say.with.rate.x=1", "has no members"},
		{"stages.say.needs.x=1", "needs has no members"},
		{"stages.say.needs=[cleen]", "did you mean 'clean'?"},
		{"providers.voise.rate=1", "unknown provider 'voise'; did you mean 'voice'?"},
		{"providers.voice.rte=1", "provider kind espeak: unknown option 'rte'; did you mean 'rate'?"},
		{"profiles.x=1", "--profile"},
		{"stages.say.with.rate=[1", "not valid YAML"},
		{"stages.calls.with.inputs=*.none", "'*.none' matches nothing"},
		{"seed=\xff", "not valid UTF-8"},
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *sets[] = {rows[i][0], NULL};
		assert_bad(GOOD, NULL, sets, 0, rows[i][1]);
	}
}

static void test_top_errors(void **state)
{
	(void)state;
	assert_bad("name: x\nstages: [{name: a, uses: import}]\n", NULL, NULL, 1, "`version` is missing");
	assert_bad("version: 2\nname: x\nstages: [{name: a, uses: import}]\n", NULL, NULL, 1, "version 1");
	assert_bad("version: 1\nstages: [{name: a, uses: import}]\n", NULL, NULL, 1, "`name` is missing");
	assert_bad("version: 1\nname: My Set\nstages: [{name: a, uses: import}]\n", NULL, NULL, 2, "name: ");
	assert_bad("version: 1\nname: ../x\nstages: [{name: a, uses: import}]\n", NULL, NULL, 2, "name: ");
	assert_bad("version: 1\nname: x\nseed: -1\nstages: [{name: a, uses: import}]\n", NULL, NULL, 3,
		"seed: -1 is out of range");
	assert_bad("version: 1\nname: x\ndate: 2026-02-29\nstages: [{name: a, uses: import}]\n", NULL, NULL, 3, "YYYY-MM-DD");
	assert_bad("version: 1\nname: x\nmax_cost: lots\nstages: [{name: a, uses: import}]\n", NULL, NULL, 3, "max_cost");
	assert_bad("version: 1\nname: x\nstags: []\nstages: [{name: a, uses: import}]\n", NULL, NULL, 3,
		"unknown key 'stags'; did you mean 'stages'?");
	assert_bad("version: 1\nname: x\n", NULL, NULL, 1, "`stages` is missing");
	assert_bad("version: 1\nname: x\nstages: []\n", NULL, NULL, 3, "`stages` is missing");
	assert_bad("- a\n", NULL, NULL, 1, "a pipeline is a map");
	assert_bad("version: 1\nname: [\n", NULL, NULL, 0, "pipeline.yaml:3:1: ");
	assert_bad("version: 1\nname: x\nproviders: [a]\nstages: [{name: a, uses: import}]\n", NULL, NULL, 3, "providers: ");
	assert_bad("version: 1\nname: x\nproviders: {a: {kind: esspeak}}\nstages: [{name: a, uses: import}]\n", NULL, NULL,
		3, "unknown provider kind 'esspeak'; did you mean 'espeak'?");
	assert_bad("version: 1\nname: x\nproviders: {a: {rate: 1}}\nstages: [{name: a, uses: import}]\n", NULL, NULL, 3,
		"`kind` is missing");
}

static void test_stage_errors(void **state)
{
	(void)state;
#define CALLS HEAD "  - {name: calls, uses: import}\n"
	assert_bad(CALLS "  - {name: a, uses: scren, needs: [calls]}\n", NULL, NULL, 9,
		"unknown stage type 'scren'; did you mean 'screen'?");
	assert_bad(CALLS "  - {name: a, use: screen, uses: screen, needs: [calls]}\n", NULL, NULL, 9,
		"stage a: unknown key 'use'; did you mean 'uses'?");
	assert_bad(CALLS "  - {name: a, needs: [calls]}\n", NULL, NULL, 9, "`uses` is missing");
	assert_bad(CALLS "  - {uses: screen, needs: [calls]}\n", NULL, NULL, 9, "`name`");
	assert_bad(CALLS "  - x\n", NULL, NULL, 9, "a stage is a map");
	assert_bad(CALLS "  - {name: 'a b', uses: screen, needs: [calls]}\n", NULL, NULL, 9, "a stage's name");
	assert_bad(CALLS "  - {name: calls, uses: screen, needs: [calls]}\n", NULL, NULL, 9,
		"two stages are named 'calls' (the first at line 8)");
	assert_bad(CALLS "  - {name: a, uses: screen, needs: [cals]}\n", NULL, NULL, 9,
		"needs: unknown stage 'cals'; did you mean 'calls'?");
	assert_bad(CALLS "  - {name: a, uses: screen}\n", NULL, NULL, 9, "add needs: [STAGE]");
	assert_bad(CALLS "  - {name: a, uses: import, needs: [calls]}\n", NULL, NULL, 9, "takes no `needs`");
	assert_bad(CALLS "  - {name: a, uses: screen, needs: [calls, calls]}\n", NULL, NULL, 9, "stands twice");
	assert_bad(CALLS "  - {name: a, uses: screen, needs: {calls: 1}}\n", NULL, NULL, 9, "needs: expected a list");
	assert_bad(CALLS "  - {name: a, uses: screen, needs: [calls], with: {rate: 9}}\n", NULL, NULL, 9,
		"rate: 9 is out of range (0.5 to 2)");
	assert_bad(CALLS "  - {name: a, uses: screen, needs: [calls], with: {min_turns: 9, max_turns: 3}}\n", NULL, NULL, 9,
		"a: min_turns is above max_turns");
	assert_bad(CALLS "  - {name: a, uses: screen, needs: [calls], generation: -1}\n", NULL, NULL, 9, "generation: -1");
	assert_bad(CALLS "  - {name: a, uses: screen, needs: [calls], item_timeout_s: 0}\n", NULL, NULL, 9, "(1 to 86400)");
	assert_bad(CALLS "  - {name: a, uses: speak, needs: [calls]}\n", NULL, NULL, 9,
		"stage type speak: option 'provider' is missing");
	assert_bad(CALLS "  - {name: a, uses: speak, needs: [calls], with: {provider: voise}}\n", NULL, NULL, 9,
		"unknown provider 'voise'; did you mean 'voice'?");
	assert_bad(CALLS "  - {name: a, uses: speak, needs: [calls], with: {provider: writer}}\n", NULL, NULL, 9,
		"provider 'writer' (script) makes text, but a needs one that makes speech");
	assert_bad(CALLS "  - {name: a, uses: screen, needs: [b]}\n  - {name: b, uses: screen, needs: [a]}\n", NULL, NULL,
		9, "a -> b -> a");
	assert_bad(CALLS "  - {name: out, uses: release, needs: [calls]}\n", NULL, NULL, 9,
		"out reads audio, but on the path calls -> out nothing writes it");
	assert_bad(CALLS "  - {name: a, uses: speak, needs: [calls], with: {provider: voice}}\n"
					 "  - {name: out, uses: release, needs: [a]}\n  - {name: b, uses: screen, needs: [out]}\n",
		NULL, NULL, 11, "'out' is a sink");
	assert_bad(HEAD "  - {name: calls, uses: import, with: {private: true}}\n"
					"  - {name: a, uses: speak, needs: [calls], with: {provider: voice}}\n",
		NULL, NULL, 9, "calls -> a");
	assert_bad(
		HEAD "  - {name: calls, uses: import, with: {inputs: ['no/*.jsonl']}}\n", NULL, NULL, 8, "matches nothing");
}

static void test_all_at_once(void **state)
{
	(void)state;
	struct loaded l;
	assert_int_equal(load_with(&l,
						 "version: 1\nname: x\nsede: 1\nstages:\n  - {name: calls, uses: imprt}\n"
						 "  - {name: a, uses: screen, needs: [calls], with: {rate: 9, min_turn: 1}}\n"
						 "  - {name: out, uses: release, needs: [b, a]}\n",
						 NULL, NULL),
		ERR_CONFIG);
	assert_int_equal(l.problems.n, 5);
	static const char *const words[] = {":3:1: unknown key 'sede'; did you mean 'seed'?\n    sede: 1\n    ^\n",
		":5:25: unknown stage type 'imprt'", ":6:58: rate: 9", ":6:61: stage type screen: unknown option 'min_turn'",
		":7:40: needs: unknown stage 'b'"};
	const char *at = l.out.data;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		const char *found = strstr(at, words[i]);
		if (!found)
			fail_msg("\"%s\" is not (in order) in:\n%s", words[i], l.out.data);
		at = found;
	}
	unload(&l);
}

static void test_secrets(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"providers: {a: {kind: script, api_key: hunter2secret}}\n",
		"providers: {a: {kind: script, note: 'sk-hunter2secret0123456789'}}\n",
		"providers:\n  a:\n    kind: script\n    headers: {Authorization: 'hunter2secret'}\n",
		"profiles: {p: {providers: {a: {kind: script, token: [hunter2secret]}}}}\n",
		"providers: {a: {kind: script, base_url: 'https://me:hunter2secret@h/'}}\n",
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		buf_printf(&text, "version: 1\nname: x\n%sstages: [{name: calls, uses: import}]\n", rows[i]);
		struct loaded l;
		assert_int_equal(load_with(&l, text.data, NULL, NULL), ERR_CONFIG);
		if (!strstr(l.out.data, "api_key_env") || strstr(l.out.data, "hunter2"))
			fail_msg("%s", l.out.data);
		unload(&l);
	}
	struct loaded l;
	static const char *const sets[] = {"providers.voice.api_key=hunter2secret", NULL};
	assert_int_equal(load_with(&l, GOOD, NULL, sets), ERR_CONFIG);
	if (!strstr(l.out.data, "api_key_env") || strstr(l.out.data, "hunter2"))
		fail_msg("%s", l.out.data);
	unload(&l);
	/* a name of a variable is none, but no kind here takes it */
	assert_bad("version: 1\nname: x\nproviders: {a: {kind: script, api_key_env: MY_KEY}}\nstages: [{name: calls, uses: "
			   "import}]\n",
		NULL, NULL, 3, "unknown option 'api_key_env'");
}

static void test_missing_file(void **state)
{
	(void)state;
	struct config_args args = {.file = "/nonexistent/pipeline.yaml", .registry = &registry};
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct config *c = NULL;
	assert_int_equal(config_load(&args, &c, &problems), ERR_CONFIG);
	assert_null(c);
	problems_print(&problems, &b);
	assert_non_null(strstr(b.data, "/nonexistent/pipeline.yaml"));
	config_free(NULL);
}

static void test_help(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	config_help_stage(&b, &screen_ops, false);
	assert_true(str_starts(buf_view(&b),
		"screen: Checks texts.\n\nkind: map (works on each call)\nversion: 3\nreads: turns.text\nwrites: qa.@\n"));
	assert_non_null(strstr(b.data, "rate       number 0.5 to 2; default 1\n"));
	buf_clear(&b);
	config_help_stage(&b, &speak_ops, true);
	assert_true(str_starts(buf_view(&b), "## speak\n\nSpeaks.\n\n- kind: map"));
	assert_non_null(strstr(b.data, "| `provider` | name of a provider | required | no |"));
	buf_clear(&b);
	config_help_stage(&b, &release_ops, false);
	assert_non_null(strstr(b.data, "no options"));
}

/* Cut and bent files give errors or configs, never crashes. */
static void test_mangled(void **state)
{
	(void)state;
	static const char text[] = GOOD PROFILES;
	static const char *const slow[] = {"slow", NULL};
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i += 3) {
		struct loaded l;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		buf_add(&b, text, i);
		load_with(&l, b.data, slow, NULL);
		unload(&l);
		buf_puts(&b, i % 2 ? "[" : ": ");
		buf_puts(&b, text + i + i % 7 % (n - i));
		load_with(&l, b.data, slow, NULL);
		unload(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_errors),
		cmocka_unit_test(test_top_errors),
		cmocka_unit_test(test_stage_errors),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_mangled),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
