/* taf scenario check: parse, closed labels, own tests, and lines taken over from another scenario. */
#include "base/alloc.h"
#include "base/map.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/scenes.h"
#include "core/engine.h"

#include <stdio.h>
#include <string.h>

#define SHARED_MAX 0.5 /* of a scenario's lines may stand word for word in another */

struct check_options {
	struct scenes_where at;
	bool json;
};
static const struct cli_option options[] = {
	SCENES_OPTIONS(struct check_options),
	{0, "json", CLI_FLAG, offsetof(struct check_options, json), NULL, 0, 0, "print JSON"},
};

struct checked {
	const struct scenario *sc; /* NULL: it cannot be used */
	const char *path;
	bool asked; /* named by the user, or all are */
	struct map lines;
};

/* The files asked for first, then the others of the folder, which they are held against. */
static size_t collect(struct scenes *s, const struct cli_given *given, struct checked **ret)
{
	struct checked *v = arena_array(&s->arena, s->files.n + (size_t)given->nargs + 1, sizeof(*v));
	size_t n = 0;
	for (int i = 0; i < given->nargs; i++) {
		const char *path = scenes_find(s, given->args[i]);
		if (!path)
			return 0;
		v[n++] = (struct checked){.path = path, .asked = true};
	}
	size_t named = n;
	for (size_t i = 0; i < s->files.n; i++) {
		bool there = false;
		for (size_t k = 0; k < named && !there; k++)
			there = scenes_same_file(v[k].path, s->files.v[i].p);
		if (!there)
			v[n++] = (struct checked){.path = s->files.v[i].p, .asked = !named};
	}
	*ret = v;
	return n;
}

static void take_way(struct map *m, const struct scenario_way *w)
{
	for (int role = 0; role < 2; role++)
		for (size_t i = 0; i < w->nlines[role]; i++)
			map_put(m, w->lines[role][i].raw, NULL);
}

static void take_lines(struct map *m, const struct scenario *sc)
{
	for (size_t i = 0; i < sc->nphases; i++)
		for (size_t k = 0; k < sc->phases[i].nways; k++)
			take_way(m, &sc->phases[i].ways[k]);
	for (size_t i = 0; i < sc->nendings; i++)
		take_way(m, &sc->endings[i].way);
}

/* Problems of files that were not asked for are theirs to be told of. */
static void read_one(struct scenes *s, struct checked *c)
{
	size_t before = s->problems.n;
	c->sc = scenes_read(s, c->path);
	if (c->asked && c->sc)
		script_test(c->sc, &s->personas, &s->problems);
	if (!c->asked)
		s->problems.n = before;
	if (c->sc)
		take_lines(&c->lines, c->sc);
}

/* A copy with another name makes the dataset no richer. */
static void check_pair(struct scenes *s, const struct checked *x, const struct checked *y)
{
	size_t shared = 0;
	if (!x->sc || !y->sc || !x->asked)
		return;
	for (size_t i = 0; i < x->lines.n; i++)
		shared += map_find(&y->lines, x->lines.entries[i].key) != NULL;
	if (str_eq(x->sc->name, y->sc->name))
		problem_add(&s->problems, x->sc->mark, "the name '%.*s' is also that of %s", STR_FMT(x->sc->name), y->path);
	else if ((double)shared > SHARED_MAX * (double)x->lines.n)
		problem_add(&s->problems, x->sc->mark, "%zu of its %zu lines stand word for word in %s: write other ones",
			shared, x->lines.n, y->path);
}

static void put_json(struct buf *b, struct scenes *s, size_t files)
{
	struct json *out = json_object(&s->arena);
	json_set_int(&s->arena, out, "files", (int64_t)files);
	json_set(&s->arena, out, "ok", json_bool(&s->arena, s->problems.n == 0));
	json_set(&s->arena, out, "problems", scenes_problems_json(&s->arena, &s->problems));
	json_write(b, out);
	buf_putc(b, '\n');
}

static int report(struct scenes *s, size_t files, bool json)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	if (json) {
		put_json(&b, s, files);
		say_out(&b);
	} else if (s->problems.n) {
		problems_print(&s->problems, &text);
		put_clean(&b, buf_view(&text));
		fputs(b.data, stderr);
		say_error("%zu problem%s", s->problems.n, s->problems.n == 1 ? "" : "s");
	} else {
		buf_puts(&b, "OK: ");
		put_many(&b, (int64_t)files, "scenario");
		buf_puts(&b, files == 1 ? "; its own tests pass\n" : "; their own tests pass\n");
		say_out(&b);
	}
	return s->problems.n ? EXIT_BAD_CONFIG : EXIT_DONE;
}

static int check(const struct cli_given *given)
{
	const struct check_options *o = given->opts;
	CLEANUP(scenes_release) struct scenes s = {.arena = ARENA_INIT};
	struct checked *v = NULL;
	size_t asked = 0;
	int status = scenes_open(&s, &o->at);
	if (status)
		return status;
	size_t n = collect(&s, given, &v);
	if (n == 0) {
		if (!given->nargs)
			say_error("%s has no scenarios (files *.yaml)", s.folder);
		return EXIT_BAD_CONFIG;
	}
	for (size_t i = 0; i < n; i++) {
		read_one(&s, &v[i]);
		asked += v[i].asked;
		for (size_t k = 0; k < i; k++) /* the one that was asked for, else the later one */
			check_pair(&s, v[i].asked ? &v[i] : &v[k], v[i].asked ? &v[k] : &v[i]);
	}
	for (size_t i = 0; i < n; i++)
		map_release(&v[i].lines);
	return report(&s, asked, o->json);
}

const struct cli_command command_scenario_check = {
	.name = "scenario check",
	.usage = "[NAME|FILE...] [options]",
	.help = "check scenarios: format, labels, their own tests, lines of others",
	.about = "Without names all of the folder. All mistakes are told at once by file, line and column; exit status 2 "
			 "when there are any.",
	.example = "taf scenario check book-dentist",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct check_options),
	.max_args = 1000,
	.run = check,
};
