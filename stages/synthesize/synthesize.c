/* synthesize: new calls from scenario files. A cell is a scenario with a persona; counts only decide how many ordinals a cell has, so that more calls
 * or another scenario change no call that stays. What a call says depends on the seed, its id, its scenario and its persona alone. */
#include "stages/synthesize/synthesize.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"
#include "core/scenario.h"
#include "core/stage.h"
#include "core/work.h"
#include "provider/script.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PERSONAS_FILE_MAX ((size_t)1 << 20)

struct params {
	struct str provider;
	struct option_list scenarios;
	struct str personas;
	int64_t count, per_scenario;
};

/* Scenarios are parsed when the first of their calls is written, from the bytes the engine digested. */
struct parsed {
	pthread_mutex_t lock; /* of arena and scenario */
	struct arena arena;
	struct scenario *scenario;
};
struct state {
	struct personas personas;
	struct parsed *files;
	size_t nfiles;
};

static const struct option options[] = {
	{.name = "provider",
		.type = OPT_PROVIDER,
		.offset = offsetof(struct params, provider),
		.flags = OPTION_REQUIRED,
		.help = "Who writes the dialogues: a provider of kind script."},
	{.name = "scenarios",
		.type = OPT_FILES,
		.offset = offsetof(struct params, scenarios),
		.flags = OPTION_PER_ITEM | OPTION_YAML,
		.dflt = "\"@/stages/synthesize/scenarios\"",
		.help = "Scenario files, or a folder of them (docs/scenarios.md)."},
	{.name = "personas",
		.type = OPT_FILE,
		.offset = offsetof(struct params, personas),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "\"@/stages/synthesize/personas.yaml\"",
		.help = "Who is called: one cell of the grid for each scenario."},
	{.name = "count",
		.type = OPT_INT,
		.offset = offsetof(struct params, count),
		.dflt = "0",
		.min = 0,
		.max = 10000000,
		.unit = "calls",
		.help = "Calls in all, shared out evenly over scenarios, then personas. Either this or per_scenario."},
	{.name = "per_scenario",
		.type = OPT_INT,
		.offset = offsetof(struct params, per_scenario),
		.dflt = "0",
		.min = 0,
		.max = 1000000,
		.unit = "calls",
		.help = "Calls of each scenario, shared out evenly over personas."},
};

static void fields(const void *params, struct stage_fields *ret)
{
	(void)params;
	fields_write(ret, "source", 0);
	fields_write(ret, "initiator", 0);
	fields_write(ret, "label", 0);
	fields_write(ret, "turns", 0);
	fields_write(ret, "profile", 0);
	fields_write(ret, "scenario", 0);
	fields_write(ret, "termination", 0);
}

static int check(const void *params, struct err *e)
{
	const struct params *p = params;
	if ((p->count > 0) == (p->per_scenario > 0))
		return err_set(e, ERR_CONFIG, "synthesize: give either count or per_scenario, a number above 0");
	return 0;
}

static int read_personas(struct arena *a, const char *path, struct personas *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	int rc = fs_read(path, PERSONAS_FILE_MAX, &text, e);
	if (rc != 0)
		return rc;
	/* The personas' strings point into what the parser copied, the marks at the path: both must last as long as `a`. */
	return personas_parse(a, arena_strdup(a, path), buf_view(&text), ret, &p) ? 0 : problems_error(&p, e);
}

/* ---- Listing: the grid ---- */

struct cell {
	const struct persona *persona;
	uint64_t rank;
};
struct listed {
	struct scenario *scenario;
	int file;
	uint64_t rank;
	int64_t quota;
};

/** The part of `total` for the thing at `position` of `n` in the order of ranks: the remainder goes to the lowest ranks. Ranks are hashes, so that
 * a higher total only adds and a thing that joins only takes. */
static int64_t share(int64_t total, size_t n, size_t position)
{
	return total / (int64_t)n + ((int64_t)position < total % (int64_t)n ? 1 : 0);
}

static int by_rank(const void *x, const void *y)
{
	const struct listed *a = x, *b = y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(a->scenario->name, b->scenario->name);
}

static int by_cell_rank(const void *x, const void *y)
{
	const struct cell *a = x, *b = y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(a->persona->name, b->persona->name);
}

static struct json *label_json(struct arena *a, const struct scenario *s)
{
	struct json *label = json_object(a);
	json_set(a, label, "is_fraud", json_bool(a, s->is_fraud));
	if (s->fraud_type.n)
		json_set_str(a, label, "fraud_type", s->fraud_type);
	if (s->scene.n) {
		json_set_str(a, label, "scene", s->scene);
		json_set_text(a, label, "scene_origin", "scenario");
	}
	return label;
}

static int list_scenario(
	struct stage *s, struct lister *l, struct arena *a, const struct personas *personas, const struct listed *item)
{
	const struct scenario *sc = item->scenario;
	struct cell *cells = arena_array(a, personas->n, sizeof(*cells));
	size_t n = 0;
	for (size_t i = 0; i < personas->n; i++) {
		if (!scenario_suits(sc, &personas->v[i]))
			continue;
		const char *name = arena_printf(a, "%.*s/%.*s", STR_FMT(sc->name), STR_FMT(personas->v[i].name));
		cells[n++] = (struct cell){&personas->v[i], draw_hash(s->seed, str_of(name), "synthesize cell")};
	}
	qsort(cells, n, sizeof(*cells), by_cell_rank);
	for (size_t i = 0; i < n; i++) {
		int64_t quota = share(item->quota, n, i);
		for (int64_t ordinal = 1; ordinal <= quota; ordinal++) {
			struct arena *scratch = lister_arena(l);
			struct json *content = json_object(scratch);
			json_set_str(scratch, content, "scenario", sc->name);
			json_set_str(scratch, content, "persona", cells[i].persona->name);
			json_set_int(scratch, content, "ordinal", ordinal);
			json_set(scratch, content, "label", label_json(scratch, sc));
			const char *id = arena_printf(
				scratch, "%.*s/%.*s/%04lld", STR_FMT(sc->name), STR_FMT(cells[i].persona->name), (long long)ordinal);
			lister_add(l, str_of(id), content, (struct locator){.file = item->file}, &item->file, 1);
		}
	}
	return 0;
}

/** Parse and check all scenario files; problems of all of them are told at once. */
static int read_scenarios(struct stage *s, struct lister *l, struct arena *a, const struct personas *personas,
	struct listed *items, struct err *e)
{
	const struct params *params = s->params;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct labels labels;
	int rc = labels_load(a, NULL, &labels, e);
	for (size_t i = 0; rc == 0 && i < params->scenarios.n; i++) {
		struct str text;
		const char *path = arena_str(a, params->scenarios.v[i]).p;
		rc = lister_file(l, (int)i, &text, e);
		if (rc != 0)
			break;
		items[i].file = (int)i;
		if (!scenario_parse(a, path, text, &items[i].scenario, &p) ||
			!scenario_check(items[i].scenario, &labels, personas, &p))
			continue;
		items[i].rank = draw_hash(s->seed, items[i].scenario->name, "synthesize scenario");
		for (size_t k = 0; k < i; k++)
			if (items[k].scenario && str_eq(items[k].scenario->name, items[i].scenario->name))
				problem_add(&p, items[i].scenario->mark, "scenario '%.*s' is also in %s",
					STR_FMT(items[i].scenario->name), items[k].scenario->mark.file);
	}
	if (rc == 0 && p.n)
		rc = problems_error(&p, e);
	return rc;
}

static int list(struct stage *s, struct lister *l, struct err *e)
{
	const struct params *params = s->params;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct personas personas;
	size_t n = params->scenarios.n;
	int rc = read_personas(&a, arena_str(&a, params->personas).p, &personas, e);
	if (rc != 0)
		return rc;
	struct listed *items = arena_array(&a, n + 1, sizeof(*items));
	rc = read_scenarios(s, l, &a, &personas, items, e);
	if (rc != 0)
		return rc;
	qsort(items, n, sizeof(*items), by_rank);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		items[i].quota = params->per_scenario > 0 ? params->per_scenario : share(params->count, n, i);
		rc = list_scenario(s, l, &a, &personas, &items[i]);
	}
	return rc;
}

/* ---- Work ---- */

static int init(struct stage *s, struct err *e)
{
	const struct params *params = s->params;
	if (s->provider && strcmp(s->provider->ops->kind, "script") != 0)
		return err_set(e, ERR_CONFIG, "stage '%s': provider '%s' is of kind %s; synthesize writes with kind script",
			s->name, s->provider->name, s->provider->ops->kind);
	struct state *state = ARENA_NEW(&s->arena, struct state);
	int rc = read_personas(&s->arena, arena_str(&s->arena, params->personas).p, &state->personas, e);
	if (rc != 0)
		return rc;
	state->nfiles = params->scenarios.n;
	state->files = arena_array(&s->arena, state->nfiles + 1, sizeof(*state->files));
	for (size_t i = 0; i < state->nfiles; i++)
		pthread_mutex_init(&state->files[i].lock, NULL);
	s->state = state;
	return 0;
}

static void destroy(struct stage *s)
{
	struct state *state = s->state;
	for (size_t i = 0; state && i < state->nfiles; i++) {
		arena_release(&state->files[i].arena);
		pthread_mutex_destroy(&state->files[i].lock);
	}
	s->state = NULL;
}

/** The scenario of file `i`, parsed once; immutable afterwards. */
static int get_scenario(struct work *w, int i, const struct scenario **ret, struct err *e)
{
	struct state *state = w->stage->state;
	const struct params *params = w->stage->params;
	struct str text;
	if (i < 0 || (size_t)i >= state->nfiles)
		return err_set(e, ERR_BUG, "synthesize: an item of file %d", i);
	struct parsed *f = &state->files[i];
	int rc = 0;
	pthread_mutex_lock(&f->lock);
	if (!f->scenario && (rc = work_file(w, i, &text, e)) == 0) {
		CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
		const char *path = arena_str(&f->arena, params->scenarios.v[i]).p;
		if (!scenario_parse(&f->arena, path, text, &f->scenario, &p)) {
			f->scenario = NULL;
			rc = problems_error(&p, e);
		}
	}
	*ret = f->scenario;
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static struct json *turns_json(struct arena *a, const struct dialogue *d)
{
	struct json *turns = json_array(a);
	for (size_t i = 0; i < d->nturns; i++)
		json_append(turns, turn_new(a, d->turns[i].role == ROLE_LEFT ? "left" : "right", d->turns[i].text));
	return turns;
}

static struct json *profile_json(struct arena *a, const struct persona *who, const struct dialogue *d)
{
	struct json *left = json_object(a), *right = json_object(a), *profile = json_object(a);
	json_set_int(a, left, "age", d->left_age);
	json_set_str(a, left, "gender", d->left_gender);
	json_set_int(a, right, "age", d->right_age);
	json_set_str(a, right, "gender", who->gender);
	json_set_str(a, right, "occupation", who->occupation);
	json_set_str(a, right, "awareness", who->awareness_text);
	json_set(a, profile, "left", left);
	json_set(a, profile, "right", right);
	return profile;
}

static struct json *scenario_json(
	struct arena *a, const struct scenario *s, const struct persona *who, const struct dialogue *d)
{
	struct json *scenario = json_object(a), *phases = json_array(a);
	json_set_str(a, scenario, "name", s->name);
	json_set_str(a, scenario, "title", s->title);
	json_set_str(a, scenario, "persona", who->name);
	for (size_t i = 0; i < d->nphases; i++)
		json_append(phases, json_str(a, d->phases[i]));
	json_set(a, scenario, "phases", phases);
	json_set_text(a, scenario, "writer", "script"); /* templates, no model: readers of the data must know */
	return scenario;
}

static int process(struct work *w, struct err *e)
{
	static const char *const ends[] = {"natural", "left", "right"};
	struct state *state = w->stage->state;
	struct arena *a = w->arena;
	const struct scenario *s = NULL;
	const struct persona *who = NULL;
	struct str name = json_get_str(w->call, "persona");
	for (size_t i = 0; i < state->personas.n && !who; i++)
		who = str_eq(state->personas.v[i].name, name) ? &state->personas.v[i] : NULL;
	if (!who)
		return err_set(e, ERR_BUG, "synthesize: no persona '%.*s'", (int)name.n, name.p ? name.p : "");
	int rc = get_scenario(w, w->at.file, &s, e);
	if (rc != 0)
		return rc;
	ASSERT(s != NULL);
	struct draw draw;
	struct dialogue d;
	work_draw(w, "script", &draw);
	rc = script_write(a, s, who, draw_u64(&draw), &d, e);
	if (rc != 0)
		return rc;
	struct json *out = json_object(a), *termination = json_object(a);
	json_set_text(a, out, "source", "synthetic");
	json_set_text(a, out, "initiator", s->initiator == ROLE_LEFT ? "left" : "right");
	json_set(a, out, "label", label_json(a, s));
	json_set(a, out, "turns", turns_json(a, &d));
	json_set(a, out, "profile", profile_json(a, who, &d));
	json_set(a, out, "scenario", scenario_json(a, s, who, &d));
	json_set_text(a, termination, "by", ends[d.by]);
	json_set_str(a, termination, "reason", d.reason);
	json_set(a, out, "termination", termination);
	w->fields = out;
	return 0;
}

static bool is_private(const void *params)
{
	(void)params;
	return false;
}

const struct stage_ops stage_synthesize = {
	.name = "synthesize",
	.help = "New calls written from scenario files, by phase and persona.",
	.version = 1,
	.kind = STAGE_SOURCE,
	.exec = EXEC_CPU,
	.flags = STAGE_DRAWS,
	.params_size = sizeof(struct params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.init = init,
	.destroy = destroy,
	.list = list,
	.process = process,
	.is_private = is_private,
};
