#include "cli/scenes.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "cli/say.h"
#include "core/engine.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 512 /* scenarios that did-you-mean looks at */

/* --- Where --- */

static const void *option_at(const struct config_stage *s, const char *name, enum option_type type)
{
	for (size_t i = 0; i < s->stage.ops->noptions; i++) {
		const struct option *o = &s->stage.ops->options[i];
		if (strcmp(o->name, name) == 0 && o->type == type)
			return (const char *)s->stage.params + o->offset;
	}
	return NULL;
}

/* The first stage that writes from scenarios. */
static bool of_pipeline(struct scenes *s, const struct config *c, const char **ret_personas)
{
	for (size_t i = 0; i < c->nstages; i++) {
		const struct option_list *files = option_at(&c->stages[i], "scenarios", OPT_FILES);
		const struct str *personas = option_at(&c->stages[i], "personas", OPT_FILE);
		if (!files || !personas || !files->n)
			continue;
		s->files = (struct option_list){arena_array(&s->arena, files->n, sizeof(struct str)), files->n};
		for (size_t k = 0; k < files->n; k++)
			s->files.v[k] = arena_str(&s->arena, files->v[k]);
		*ret_personas = arena_str(&s->arena, *personas).p;
		return true;
	}
	return false;
}

static int list_folder(struct scenes *s, const char *folder, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct fs_names names = {NULL, 0};
	int rc = fs_list(folder, &names, e);
	s->files = (struct option_list){arena_array(&s->arena, names.n + 1, sizeof(struct str)), 0};
	for (size_t i = 0; i < names.n; i++) {
		if (names.v[i][0] == '.' || !str_ends(str_of(names.v[i]), ".yaml"))
			continue;
		fs_join(&path, folder, names.v[i]);
		s->files.v[s->files.n++] = arena_str(&s->arena, buf_view(&path));
	}
	fs_names_free(&names);
	return rc;
}

static int data_path(struct scenes *s, const char *name, const char **ret, struct err *e)
{
	CLEANUP(buf_release) struct buf root = BUF_INIT;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	int rc = fs_data_root(&root, e);
	fs_join(&path, root.data, name);
	*ret = arena_str(&s->arena, buf_view(&path)).p;
	return rc;
}

static int read_personas(struct scenes *s, const char *path, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(SCENE_FILE_MAX);
	int rc = fs_read(path, SCENE_FILE_MAX, &text, e);
	if (rc == 0)
		personas_parse(&s->arena, path, arena_str(&s->arena, buf_view(&text)), &s->personas, &s->problems);
	return rc;
}

/* 0, the exit status of a broken pipeline, or < 0. */
static int find_files(struct scenes *s, const struct scenes_where *at, const char **ret_personas, struct err *e)
{
	CLEANUP(config_cleanup) struct config *config = NULL;
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	struct fs_stat st;
	int rc = fs_stat(where_file(&at->where), &st, e);
	bool named = at->where.file || at->where.profiles.n || at->where.sets.n;
	if (rc == 0 && (named || st.exists)) {
		if (where_config(&at->where, &config) < 0)
			return EXIT_BAD_CONFIG;
		s->seed = config->seed;
	}
	bool found = config && of_pipeline(s, config, ret_personas);
	if (rc == 0 && !*ret_personas)
		rc = data_path(s, "stages/synthesize/personas.yaml", ret_personas, e);
	if (rc < 0)
		return rc;
	if (found && !at->folder) {
		fs_dirname(&folder, s->files.v[0].p);
		s->folder = arena_str(&s->arena, buf_view(&folder)).p;
		return 0;
	}
	if (at->folder)
		s->folder = at->folder;
	else
		rc = data_path(s, "stages/synthesize/scenarios", &s->folder, e);
	return rc < 0 ? rc : list_folder(s, s->folder, e);
}

int scenes_open(struct scenes *s, const struct scenes_where *at)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	const char *personas = NULL;
	*s = (struct scenes){.arena = ARENA_INIT, .problems = PROBLEMS_INIT};
	int rc = find_files(s, at, &personas, &e);
	if (rc > 0)
		return rc;
	if (rc == 0)
		rc = labels_load(&s->arena, NULL, &s->labels, &e);
	if (rc == 0)
		rc = read_personas(s, personas, &e);
	if (rc < 0) {
		say_error("%s", e.text);
		return EXIT_BAD_CONFIG;
	}
	if (s->problems.n == 0)
		return 0;
	problems_print(&s->problems, &text);
	say_error("%s", text.data);
	return EXIT_BAD_CONFIG;
}

void scenes_release(struct scenes *s)
{
	problems_release(&s->problems);
	arena_release(&s->arena);
}

/* --- Scenarios --- */

static bool read_text(struct scenes *s, const char *path, struct str *ret)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(SCENE_FILE_MAX);
	struct err e = ERR_INIT;
	if (fs_read(path, SCENE_FILE_MAX, &text, &e) < 0) {
		problem_add(&s->problems, (struct yaml_mark){NULL, 0, 0}, "%s", e.text);
		return false;
	}
	ptrdiff_t bad = utf8_invalid(buf_view(&text));
	int line = 1;
	for (ptrdiff_t i = 0; i < bad; i++)
		line += text.data[i] == '\n';
	if (bad >= 0)
		problem_add(&s->problems, (struct yaml_mark){path, line, 1}, "not UTF-8: byte %zu of the file", (size_t)bad + 1);
	*ret = arena_str(&s->arena, buf_view(&text));
	return bad < 0;
}

struct scenario *scenes_read(struct scenes *s, const char *path)
{
	struct scenario *sc = NULL;
	struct str text;
	path = arena_strdup(&s->arena, path);
	if (!read_text(s, path, &text))
		return NULL;
	problems_source(&s->problems, path, text);
	bool ok = scenario_parse(&s->arena, path, text, &sc, &s->problems);
	if (sc)
		ok = scenario_check(sc, &s->labels, &s->personas, &s->problems) && ok;
	return ok ? sc : NULL;
}

const char *scenes_find(struct scenes *s, const char *name)
{
	struct str names[NAMES_MAX];
	size_t n = 0;
	struct fs_stat st;
	for (size_t i = 0; i < s->files.n; i++)
		if (str_eq(fs_stem(s->files.v[i].p), str_of(name)))
			return s->files.v[i].p;
	if (strchr(name, '/') || str_ends(str_of(name), ".yaml")) {
		if (fs_stat(name, &st, NULL) == 0 && st.exists)
			return arena_strdup(&s->arena, name);
		say_error("%s is not there", name);
		return NULL;
	}
	for (size_t i = 0; i < s->files.n && n < NAMES_MAX; i++)
		names[n++] = fs_stem(s->files.v[i].p);
	say_unknown("unknown scenario", str_of(name), names, n);
	return NULL;
}

bool scenes_same_file(const char *a, const char *b)
{
	struct fs_stat x, y;
	return strcmp(a, b) == 0 ||
		   (fs_stat(a, &x, NULL) == 0 && fs_stat(b, &y, NULL) == 0 && x.exists && y.exists && x.ino == y.ino);
}

size_t scenes_suited(struct scenes *s, const struct scenario *sc, const struct persona ***ret)
{
	size_t n = 0;
	*ret = arena_array(&s->arena, s->personas.n + 1, sizeof(**ret));
	for (size_t i = 0; i < s->personas.n; i++)
		if (scenario_suits(sc, &s->personas.v[i]))
			(*ret)[n++] = &s->personas.v[i];
	return n;
}

size_t scenes_sample(struct scenes *s, const struct scenario *sc, size_t max, struct grams **ret)
{
	const struct persona **suited;
	size_t nsuited = scenes_suited(s, sc, &suited), n = 0;
	*ret = arena_array(&s->arena, max + 1, sizeof(**ret));
	for (size_t i = 0; nsuited && i < max; i++) {
		struct dialogue d;
		uint64_t seed = draw_hash(i, sc->name, "scenario test");
		if (script_write(&s->arena, sc, suited[i % nsuited], seed, &d, NULL) == 0)
			(*ret)[n++] = script_grams(&s->arena, &d);
	}
	return n;
}

struct json *scenes_problems_json(struct arena *a, const struct problems *p)
{
	struct json *list = json_array(a);
	for (size_t i = 0; i < p->n; i++) {
		struct json *row = json_object(a);
		if (p->v[i].mark.file)
			json_set_text(a, row, "file", p->v[i].mark.file);
		if (p->v[i].mark.line) {
			json_set_int(a, row, "line", p->v[i].mark.line);
			json_set_int(a, row, "column", p->v[i].mark.col);
		}
		json_set_text(a, row, "message", p->v[i].text);
		json_append(list, row);
	}
	return list;
}
