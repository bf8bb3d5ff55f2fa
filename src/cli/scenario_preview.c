/* taf scenario preview: the calls that a run would make of a scenario, word for word. */
#include "base/alloc.h"
#include "base/draw.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/scenes.h"
#include "core/engine.h"

#include <stdio.h>
#include <stdlib.h>

struct preview_options {
	struct scenes_where at;
	const char *persona;
	int64_t n, seed;
	bool json;
};
#define AT(field) offsetof(struct preview_options, field)
static const struct cli_option options[] = {
	SCENES_OPTIONS(struct preview_options),
	{0, "persona", CLI_TEXT, AT(persona), "P", 0, 0, "calls with this persona only"},
	{'n', "count", CLI_INT, AT(n), "N", 1, 1000, "how many calls (default 3)"},
	{0, "seed", CLI_INT, AT(seed), "S", 1, 9e15, "another seed than the pipeline's"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

struct preview {
	const struct preview_options *o;
	struct scenes s;
	const struct scenario *sc;
	uint64_t seed;
	const struct persona **cells; /* in the order in which synthesize fills them */
	size_t ncells;
};

static void preview_release(struct preview *p)
{
	scenes_release(&p->s);
}

struct ranked {
	const struct persona *who;
	uint64_t rank;
};

static int by_rank(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(a->who->name, b->who->name);
}

static const char *cell_name(struct preview *p, const struct persona *who)
{
	return arena_printf(&p->s.arena, "%.*s/%.*s", STR_FMT(p->sc->name), STR_FMT(who->name));
}

static bool choose_cells(struct preview *p)
{
	const struct persona **suited;
	size_t n = scenes_suited(&p->s, p->sc, &suited);
	struct ranked *v = arena_array(&p->s.arena, n + 1, sizeof(*v));
	struct str *names = arena_array(&p->s.arena, n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		names[i] = suited[i]->name;
		v[i] = (struct ranked){suited[i], draw_hash(p->seed, str_of(cell_name(p, suited[i])), "synthesize cell")};
	}
	qsort(v, n, sizeof(*v), by_rank);
	p->cells = arena_array(&p->s.arena, n + 1, sizeof(*p->cells));
	for (size_t i = 0; i < n; i++)
		if (!p->o->persona || str_is(v[i].who->name, p->o->persona))
			p->cells[p->ncells++] = v[i].who;
	if (p->ncells == 0)
		say_unknown("scenario preview: of the personas that the scenario suits none is", str_of(p->o->persona), names, n);
	return p->ncells > 0;
}

/* As the stage does it: the id decides the call. */
static const char *write_call(struct preview *p, size_t k, struct dialogue *ret, struct err *e)
{
	const struct persona *who = p->cells[k % p->ncells];
	const char *id = arena_printf(&p->s.arena, "%s/%04zu", cell_name(p, who), k / p->ncells + 1);
	struct draw draw;
	draw_init(&draw, p->seed, str_of(id), "script");
	return script_write(&p->s.arena, p->sc, who, draw_u64(&draw), ret, e) < 0 ? NULL : id;
}

static struct json *call_json(struct preview *p, const char *id, const struct persona *who, const struct dialogue *d)
{
	static const char *const ends[] = {"natural", "left", "right"};
	struct arena *a = &p->s.arena;
	struct json *row = json_object(a), *turns = json_array(a), *end = json_object(a);
	for (size_t i = 0; i < d->nturns; i++)
		json_append(turns, turn_new(a, d->turns[i].role == ROLE_LEFT ? "left" : "right", d->turns[i].text));
	json_set_text(a, end, "by", ends[d->by]);
	json_set_str(a, end, "reason", d->reason);
	json_set_text(a, row, "id", id);
	json_set_str(a, row, "persona", who->name);
	json_set(a, row, "turns", turns);
	json_set(a, row, "termination", end);
	return row;
}

static int write_calls(struct preview *p, struct buf *b, struct err *e)
{
	struct json *out = json_object(&p->s.arena), *calls = json_array(&p->s.arena);
	size_t n = p->o->n ? (size_t)p->o->n : 3;
	for (size_t k = 0; k < n; k++) {
		struct dialogue d;
		const struct persona *who = p->cells[k % p->ncells];
		const char *id = write_call(p, k, &d, e);
		if (!id)
			return e->code;
		if (p->o->json) {
			json_append(calls, call_json(p, id, who, &d));
			continue;
		}
		buf_printf(b, "%s%s\n", k ? "\n" : "", id);
		script_print(b, p->sc, who, &d);
	}
	if (p->o->json) {
		json_set(&p->s.arena, out, "calls", calls);
		json_write(b, out);
		buf_putc(b, '\n');
	}
	return 0;
}

static int broken(const struct scenes *s)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf clean = BUF_INIT;
	problems_print(&s->problems, &text);
	put_clean(&clean, buf_view(&text));
	fputs(clean.data, stderr);
	say_error("%zu problem%s", s->problems.n, s->problems.n == 1 ? "" : "s");
	return EXIT_BAD_CONFIG;
}

static int preview(const struct cli_given *given)
{
	CLEANUP(preview_release) struct preview p = {.o = given->opts, .s = {.arena = ARENA_INIT}};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	int status = scenes_open(&p.s, &p.o->at);
	if (status)
		return status;
	const char *path = scenes_find(&p.s, given->args[0]);
	if (!path)
		return EXIT_BAD_CONFIG;
	p.sc = scenes_read(&p.s, path);
	if (!p.sc)
		return broken(&p.s);
	p.seed = p.o->seed ? (uint64_t)p.o->seed : (uint64_t)p.s.seed;
	if (!choose_cells(&p))
		return EXIT_BAD_CONFIG;
	if (write_calls(&p, &b, &e) < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	say_out(&b);
	return EXIT_DONE;
}

const struct cli_command command_scenario_preview = {
	.name = "scenario preview",
	.usage = "NAME|FILE [options]",
	.help = "print calls of a scenario, as a run makes them",
	.about = "Each has the id that it has in a run of the pipeline, and its words.",
	.example = "taf scenario preview book-dentist -n 5",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct preview_options),
	.min_args = 1,
	.max_args = 1,
	.run = preview,
};
