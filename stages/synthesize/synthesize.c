/* synthesize: new calls from scenario files: by the provider `script` from the files' own lines, by any LLM over the network as a talk between agents
 * (agents.c). A cell is a scenario with a persona, or with a band of ages and a manner; counts only decide how many ordinals a cell has, so that more calls
 * change no call that stays. What a call says depends on the seed, its id, its scenario and its cell, and on the model's answers. */
#include "stages/synthesize/synthesize.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"
#include "stages/synthesize/parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PERSONAS_FILE_MAX ((size_t)1 << 20)

/* Scenarios are parsed when the first of their calls is written, from the bytes the engine digested. */
struct parsed {
	pthread_mutex_t lock; /* of arena and scenario */
	struct arena arena;
	struct scenario *scenario;
};
struct state {
	struct personas personas;
	struct agents *agents; /* NULL: the provider is script */
	struct parsed *files;
	size_t nfiles;
};

static const char *const grids[] = {"auto", "personas", "bands", NULL};

static const struct option options[] = {
	{.name = "provider",
		.type = OPT_PROVIDER,
		.offset = offsetof(struct params, provider),
		.flags = OPTION_REQUIRED,
		.help = "Who writes the dialogues: a provider of kind script, or an LLM, whose agents talk to each other."},
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
		.help = "Who is called: one cell of the grid for each scenario (grid: personas)."},
	{.name = "count",
		.type = OPT_INT,
		.offset = offsetof(struct params, count),
		.dflt = "0",
		.min = 0,
		.max = 10000000,
		.unit = "calls",
		.help = "Calls in all, shared out evenly over scenarios, then personas (grid: bands: over labels, then cells). "
				"Either this or per_scenario."},
	{.name = "per_scenario",
		.type = OPT_INT,
		.offset = offsetof(struct params, per_scenario),
		.dflt = "0",
		.min = 0,
		.max = 1000000,
		.unit = "calls",
		.help = "Calls of each scenario, shared out evenly over its cells."},
	{.name = "grid",
		.type = OPT_CHOICE,
		.offset = offsetof(struct params, grid),
		.dflt = "auto",
		.choices = grids,
		.help = "What a cell is: a persona, or an age band with an awareness (fraud) or a style (normal calls). "
				"auto: personas with the provider script, bands with agents. bands needs agents."},
	{.name = "bands",
		.type = OPT_FILE,
		.offset = offsetof(struct params, bands),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "\"@/stages/synthesize/bands.yaml\"",
		.help = "Agents: ages, awareness, styles and occupations."},
	{.name = "prompts",
		.type = OPT_FILES,
		.offset = offsetof(struct params, prompts),
		.flags = OPTION_SHAPES,
		.dflt = "\"@/stages/synthesize/prompts\"",
		.help = "Agents: the folder of the prompts, one file for each role and kind of call (docs/scenarios.md)."},
	{.name = "line_rules",
		.type = OPT_FILE,
		.offset = offsetof(struct params, line_rules),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "\"@/stages/synthesize/line_rules.yaml\"",
		.help = "Agents: what a line must not hold; an answer that does is asked anew."},
	{.name = "min_turns",
		.type = OPT_INT,
		.offset = offsetof(struct params, min_turns),
		.flags = OPTION_SHAPES,
		.dflt = "6",
		.min = 2,
		.max = 100,
		.unit = "turns",
		.help = "Agents: no side may hang up, and the manager is not asked, before so many."},
	{.name = "max_turns",
		.type = OPT_INT,
		.offset = offsetof(struct params, max_turns),
		.flags = OPTION_SHAPES,
		.dflt = "20",
		.min = 4,
		.max = 200,
		.unit = "turns",
		.help = "Agents: the call ends with at most so many, goodbyes included."},
	{.name = "max_line_chars",
		.type = OPT_INT,
		.offset = offsetof(struct params, max_chars),
		.flags = OPTION_SHAPES,
		.dflt = "120",
		.min = 10,
		.max = 2000,
		.unit = "characters",
		.help = "Agents: a longer line is asked anew."},
	{.name = "emotions",
		.type = OPT_BOOL,
		.offset = offsetof(struct params, emotions),
		.flags = OPTION_SHAPES,
		.dflt = "false",
		.help = "Agents: each line comes with a delivery emotion of a closed list, in turns.emotion, for voices that "
				"take one."},
	{.name = "manager_temperature",
		.type = OPT_REAL,
		.offset = offsetof(struct params, manager_temperature),
		.flags = OPTION_SHAPES,
		.dflt = "0.2",
		.min = -1,
		.max = 2,
		.help = "Agents: sampling of the manager, which says when a call is over; below 0: the provider's. The sides "
				"use the provider's."},
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
	if (p->min_turns >= p->max_turns)
		return err_set(e, ERR_CONFIG, "synthesize: min_turns (%lld) must be less than max_turns (%lld)",
			(long long)p->min_turns, (long long)p->max_turns);
	return 0;
}

/* Whether agents write: the provider is an LLM over the network. */
static bool by_agents(const struct stage *s)
{
	return s->provider && !s->provider->ops->embedded;
}

static int suits(const void *params, const struct provider_ops *provider, struct err *e)
{
	const struct params *p = params;
	if (p->grid == GRID_BANDS && provider->embedded)
		return err_set(e,
			ERR_CONFIG, "synthesize: grid: bands is for agents, and the provider's kind %s is no LLM over the network; use grid: personas",
			provider->kind);
	return 0;
}

/** Whether the cells are bands, not personas. */
static bool by_bands(const struct stage *s)
{
	const struct params *params = s->params;
	return params->grid == GRID_BANDS || (params->grid == GRID_AUTO && by_agents(s));
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

struct persona_cell {
	const struct persona *persona;
	uint64_t rank;
};

static int by_rank(const void *x, const void *y)
{
	const struct listed *a = x, *b = y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(a->scenario->name, b->scenario->name);
}

static int by_cell_rank(const void *x, const void *y)
{
	const struct persona_cell *a = x, *b = y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(a->persona->name, b->persona->name);
}

struct json *label_json(struct arena *a, const struct scenario *s)
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
	struct persona_cell *cells = arena_array(a, personas->n, sizeof(*cells));
	size_t n = 0;
	for (size_t i = 0; i < personas->n; i++) {
		if (!scenario_suits(sc, &personas->v[i]))
			continue;
		const char *name = arena_printf(a, "%.*s/%.*s", STR_FMT(sc->name), STR_FMT(personas->v[i].name));
		cells[n++] = (struct persona_cell){&personas->v[i], draw_hash(s->seed, str_of(name), "synthesize cell")};
	}
	qsort(cells, n, sizeof(*cells), by_cell_rank);
	for (size_t i = 0; i < n; i++) {
		int64_t quota = grid_share(item->quota, n, i);
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

/** Every scenario must be for somebody of the grid. */
static int check_bands(struct arena *a, const struct bands *bands, const struct listed *items, size_t n, struct err *e)
{
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	for (size_t i = 0; i < n; i++) {
		const struct scenario *s = items[i].scenario;
		size_t ncells, suits = 0;
		const struct cell *cells = bands_cells(a, bands, s->is_fraud, &ncells);
		for (size_t k = 0; k < ncells; k++)
			suits += cell_suits(bands, &cells[k], s);
		if (suits == 0)
			problem_add(&p, s->mark, "'suits' leaves nobody of the bands: no age has an occupation that fits");
	}
	return p.n ? problems_error(&p, e) : 0;
}

static int list_bands(struct stage *s, struct lister *l, struct arena *a, const struct listed *items, struct err *e)
{
	const struct params *params = s->params;
	struct bands bands;
	int rc = bands_load(a, arena_str(a, params->bands).p, &bands, e);
	if (rc == 0)
		rc = check_bands(a, &bands, items, params->scenarios.n, e);
	return rc == 0 ? grid_list(s, l, a, &bands, items) : rc;
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
	if (by_bands(s))
		return list_bands(s, l, &a, items, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		items[i].quota = params->per_scenario > 0 ? params->per_scenario : grid_share(params->count, n, i);
		rc = list_scenario(s, l, &a, &personas, &items[i]);
	}
	return rc;
}

/* ---- Work ---- */

/** The agents are told in words what a persona's awareness means. */
static int check_awareness(const struct state *state, struct err *e)
{
	for (size_t i = 0; i < state->personas.n; i++)
		if (!bands_awareness(agents_bands(state->agents), state->personas.v[i].awareness_text))
			return err_set(e, ERR_CONFIG, "persona '%.*s': bands has no awareness %.*s",
				STR_FMT(state->personas.v[i].name), STR_FMT(state->personas.v[i].awareness_text));
	return 0;
}

static int init(struct stage *s, struct err *e)
{
	const struct params *params = s->params;
	struct state *state = ARENA_NEW(&s->arena, struct state);
	int rc = read_personas(&s->arena, arena_str(&s->arena, params->personas).p, &state->personas, e);
	if (rc == 0 && by_agents(s))
		rc = agents_load(s, &state->agents, e);
	if (rc == 0 && by_agents(s) && !by_bands(s))
		rc = check_awareness(state, e);
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

/* A call's members that do not depend on who wrote it. */
static struct json *call_json(struct arena *a, const struct scenario *s)
{
	struct json *out = json_object(a);
	json_set_text(a, out, "source", "synthetic");
	json_set_text(a, out, "initiator", s->initiator == ROLE_LEFT ? "left" : "right");
	json_set(a, out, "label", label_json(a, s));
	return out;
}

static struct json *profile_json(struct arena *a, const struct persona *who, int left_age, struct str left_gender, int age)
{
	struct json *left = json_object(a), *right = json_object(a), *profile = json_object(a);
	json_set_int(a, left, "age", left_age);
	json_set_str(a, left, "gender", left_gender);
	json_set_int(a, right, "age", age);
	json_set_str(a, right, "gender", who->gender);
	json_set_str(a, right, "occupation", who->occupation);
	if (who->awareness_text.n)
		json_set_str(a, right, "awareness", who->awareness_text);
	json_set(a, profile, "left", left);
	json_set(a, profile, "right", right);
	return profile;
}

static struct json *scenario_json(struct arena *a, const struct scenario *s, struct str cell, const char *writer)
{
	struct json *scenario = json_object(a);
	json_set_str(a, scenario, "name", s->name);
	json_set_str(a, scenario, "title", s->title);
	json_set_str(a, scenario, "persona", cell);
	json_set_text(a, scenario, "writer", writer);
	return scenario;
}

static struct json *termination_json(struct arena *a, enum scenario_by by, struct str reason)
{
	static const char *const ends[] = {"natural", "left", "right"};
	struct json *termination = json_object(a);
	json_set_text(a, termination, "by", ends[by]);
	json_set_str(a, termination, "reason", reason);
	return termination;
}

static int write_script(struct work *w, const struct scenario *s, const struct persona *who, struct err *e)
{
	struct arena *a = w->arena;
	struct draw draw;
	struct dialogue d;
	work_draw(w, "script", &draw);
	int rc = script_write(a, s, who, draw_u64(&draw), &d, e);
	if (rc != 0)
		return rc;
	struct json *out = call_json(a, s), *turns = json_array(a), *phases = json_array(a);
	struct json *scenario = scenario_json(a, s, who->name, "script"); /* templates, no model: readers must know */
	for (size_t i = 0; i < d.nturns; i++)
		json_append(turns, turn_new(a, d.turns[i].role == ROLE_LEFT ? "left" : "right", d.turns[i].text));
	for (size_t i = 0; i < d.nphases; i++)
		json_append(phases, json_str(a, d.phases[i]));
	json_set(a, scenario, "phases", phases);
	json_set(a, out, "turns", turns);
	json_set(a, out, "profile", profile_json(a, who, d.left_age, d.left_gender, d.right_age));
	json_set(a, out, "scenario", scenario);
	json_set(a, out, "termination", termination_json(a, d.by, d.reason));
	w->fields = out;
	return 0;
}

/* The persona of a call by agents, and how the person talks. */
static void cast_persona(struct work *w, const struct persona *who, struct cast *cast)
{
	const struct state *state = w->stage->state;
	const struct bands *bands = agents_bands(state->agents);
	struct draw draw;
	cast->who = *who;
	cast->manner = bands_awareness(bands, who->awareness_text);
	if (!cast->scenario->is_fraud) {
		work_draw(w, "callee style", &draw);
		cast->manner = &bands->styles[draw_below(&draw, (uint32_t)bands->nstyles)];
	}
}

/* Somebody of the cell; awareness is not told of those of normal calls. */
static int cast_cell(struct work *w, struct str name, struct cast *cast, struct err *e)
{
	const struct state *state = w->stage->state;
	const struct bands *bands = agents_bands(state->agents);
	size_t n;
	const struct cell *cells = bands_cells(w->arena, bands, cast->scenario->is_fraud, &n), *cell = NULL;
	for (size_t i = 0; i < n && !cell; i++)
		cell = str_eq(cell_name(w->arena, &cells[i]), name) ? &cells[i] : NULL;
	if (!cell || !cell_suits(bands, cell, cast->scenario))
		return err_set(e, ERR_BUG, "synthesize: no cell '%.*s'", STR_FMT(name));
	struct callee callee;
	cell_draw(w, bands, cell, cast->scenario, &callee);
	cast->manner = cell->manner;
	cast->who = (struct persona){.name = name,
		.age_min = callee.age,
		.age_max = callee.age,
		.gender = callee.gender,
		.occupation = callee.occupation,
		.awareness = cast->scenario->is_fraud ? awareness_of(cell->manner) : AWARE_MID};
	if (cast->scenario->is_fraud)
		cast->who.awareness_text = cell->manner->text;
	return 0;
}

static int write_agents(struct work *w, const struct cast *cast, struct err *e)
{
	const struct state *state = w->stage->state;
	const struct scenario *s = cast->scenario;
	struct arena *a = w->arena;
	struct talk_result talk;
	int rc = agents_write(w, state->agents, cast, &talk, e);
	if (rc != 0)
		return rc;
	struct json *out = call_json(a, s), *turns = json_array(a);
	for (size_t i = 0; i < talk.nturns; i++) {
		struct json *turn = turn_new(a, talk.turns[i].role == ROLE_LEFT ? "left" : "right", talk.turns[i].text);
		if (talk.turns[i].emotion.n)
			json_set_str(a, turn, "emotion", talk.turns[i].emotion);
		json_append(turns, turn);
	}
	struct json *profile =
		profile_json(a, &cast->who, talk.people.left_age, talk.people.left_gender, talk.people.right_age);
	if (!s->is_fraud)
		json_set_str(a, json_get(profile, "right"), "style", cast->manner->text);
	struct json *termination = termination_json(a, talk.by, talk.reason);
	json_set_text(a, termination, "signal", talk.signal);
	json_set(a, out, "turns", turns);
	json_set(a, out, "profile", profile);
	json_set(a, out, "scenario", scenario_json(a, s, cast->who.name, "llm"));
	json_set(a, out, "termination", termination);
	w->fields = out;
	return 0;
}

static int process(struct work *w, struct err *e)
{
	struct state *state = w->stage->state;
	const struct persona *who = NULL;
	struct cast cast = {.scenario = NULL};
	struct str cell = json_get_str(w->call, "cell"), name = json_get_str(w->call, "persona");
	for (size_t i = 0; i < state->personas.n && !who; i++)
		who = str_eq(state->personas.v[i].name, name) ? &state->personas.v[i] : NULL;
	if (!who && !(cell.n && state->agents))
		return err_set(e, ERR_BUG, "synthesize: no persona '%.*s'", (int)name.n, name.p ? name.p : "");
	int rc = get_scenario(w, w->at.file, &cast.scenario, e);
	if (rc != 0)
		return rc;
	ASSERT(cast.scenario != NULL);
	if (!state->agents)
		return write_script(w, cast.scenario, who, e);
	if (who)
		cast_persona(w, who, &cast);
	else
		rc = cast_cell(w, cell, &cast, e);
	return rc == 0 ? write_agents(w, &cast, e) : rc;
}

static void cost(const struct stage *s, struct stage_cost *ret)
{
	*ret = (struct stage_cost){.requests = 0};
	if (by_agents(s))
		agents_cost(s, ret);
}

static bool is_private(const void *params)
{
	(void)params;
	return false;
}

const struct stage_ops stage_synthesize = {
	.name = "synthesize",
	.help = "New calls from scenario files: from their own lines by phase and persona, or by LLM agents that talk to "
			"each other.",
	.version = 1,
	.kind = STAGE_SOURCE,
	.exec = EXEC_CPU,
	.flags = STAGE_DRAWS,
	.params_size = sizeof(struct params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.suits = suits,
	.init = init,
	.destroy = destroy,
	.list = list,
	.process = process,
	.is_private = is_private,
	.cost = cost,
};
