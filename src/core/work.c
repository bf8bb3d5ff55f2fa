#include "core/work.h"

#include "base/alloc.h"
#include "base/map.h"
#include "core/call.h"

#include <stdlib.h>
#include <string.h>

void fields_read(struct stage_fields *f, const char *path, unsigned flags)
{
	ASSERT(f->nreads < STAGE_FIELDS_MAX);
	f->reads[f->nreads++] = (struct field){path, flags};
}

void fields_write(struct stage_fields *f, const char *path, unsigned flags)
{
	ASSERT(f->nwrites < STAGE_FIELDS_MAX);
	f->writes[f->nwrites++] = (struct field){path, flags};
}

bool field_covers(const char *write, const char *read)
{
	size_t n = strlen(write);
	return strncmp(write, read, n) == 0 && (read[n] == '\0' || read[n] == '.');
}

/* --- Projection --- */

/* Paths that begin with the same first member are handed down together: `paths` are already relative to `v`. */
static struct json *project(struct arena *a, const struct json *v, const char **paths, size_t n);

static struct json *project_array(struct arena *a, const struct json *v, const char **paths, size_t n)
{
	struct json *out = json_array(a);
	JSON_EACH(item, v) {
		struct json *kid = project(a, item, paths, n);
		json_append(out, kid ? kid : json_object(a));
	}
	return out;
}

static struct json *project_object(struct arena *a, const struct json *v, const char **paths, size_t n)
{
	struct json *out = json_object(a);
	const char **rest = arena_array(a, n, sizeof(*rest));
	for (size_t i = 0; i < n; i++) {
		size_t head = strcspn(paths[i], ".");
		struct str key = {paths[i], head};
		bool seen = false;
		for (size_t k = 0; k < i && !seen; k++)
			seen = strncmp(paths[k], paths[i], head) == 0 && strcspn(paths[k], ".") == head;
		const struct json *member = seen ? NULL : json_get_key(v, key);
		if (!member)
			continue;
		size_t m = 0;
		bool whole = false;
		for (size_t k = i; k < n; k++) {
			if (strncmp(paths[k], paths[i], head) != 0 || strcspn(paths[k], ".") != head)
				continue;
			if (paths[k][head] == '\0')
				whole = true;
			else
				rest[m++] = paths[k] + head + 1;
		}
		struct json *kid = whole ? json_copy(a, member) : project(a, member, rest, m);
		if (kid)
			json_set_key(a, out, key, kid);
	}
	return out;
}

static struct json *project(struct arena *a, const struct json *v, const char **paths, size_t n)
{
	if (v->kind == JSON_ARRAY)
		return project_array(a, v, paths, n);
	if (v->kind == JSON_OBJECT)
		return project_object(a, v, paths, n);
	return NULL; /* a path goes on below a scalar: that leaf is absent */
}

struct json *fields_project(struct arena *a, const struct json *call, const struct field *paths, size_t n)
{
	const char **v = arena_array(a, n ? n : 1, sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = paths[i].path;
	struct json *out = call ? project(a, call, v, n) : NULL;
	return out ? out : json_object(a);
}

/* --- Work --- */

void work_draw(struct work *w, const char *purpose, struct draw *ret)
{
	ASSERT(w->stage->ops->flags & STAGE_DRAWS);
	if (w->stage->ops->kind != STAGE_EXPAND) {
		draw_init(ret, w->stage->seed, w->id, purpose);
		return;
	}
	draw_init(ret, w->stage->seed, w->id, arena_printf(w->arena, "%s.%d", purpose, w->slot));
}

int work_object(struct work *w, struct str bytes, const char **ret_hex, struct err *e)
{
	struct digest d;
	int rc = w->io->object_put(w->io->arg, bytes, &d, e);
	if (rc < 0)
		return rc;
	char *hex = arena_alloc(w->arena, DIGEST_HEX + 1);
	digest_hex(&d, hex);
	if (!w->io->objects)
		w->io->objects = json_array(w->arena);
	struct json *row = json_object(w->arena);
	json_set_text(w->arena, row, "digest", hex);
	json_set_int(w->arena, row, "size", (int64_t)bytes.n);
	json_append(w->io->objects, row);
	*ret_hex = hex;
	return 0;
}

int work_object_read(struct work *w, struct str hex, size_t max, struct buf *ret, struct err *e)
{
	struct digest d;
	if (!digest_parse(hex, &d))
		return err_set(e, ERR_DATA, "'%.*s' is not an object's digest (64 hex digits)", STR_FMT(hex));
	return w->io->object_read(w->io->arg, &d, max, ret, e);
}

void work_ask(struct work *w, struct json *request)
{
	if (!w->io->asks)
		w->io->asks = json_array(w->arena);
	json_append(w->io->asks, request);
}

void work_answer(struct work *w, size_t index, struct json *answer)
{
	if (!w->io->answers)
		w->io->answers = json_array(w->arena);
	struct json *row = json_object(w->arena);
	json_set_int(w->arena, row, "index", (int64_t)index);
	json_set(w->arena, row, "answer", answer);
	json_append(w->io->answers, row);
}

int work_file(struct work *w, int file, struct str *ret, struct err *e)
{
	return w->io->file(w->io->arg, file, ret, e);
}

void work_verdict(struct work *w, const char *verdict, struct json *findings)
{
	struct json *own = json_object(w->arena);
	json_set_text(w->arena, own, "verdict", verdict);
	json_set(w->arena, own, "findings", findings ? findings : json_array(w->arena));
	struct json *qa = json_object(w->arena);
	json_set(w->arena, qa, "@", own);
	if (!w->fields)
		w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "qa", qa);
	w->rejected = strcmp(verdict, "pass") != 0;
}

/* --- Listing --- */

struct lister {
	const struct lister_sink *sink;
	const struct option_list *files;
	struct arena arena;
	struct map seen;    /* id → index of its place in `places` */
	struct map doubles; /* id, cut where it is long → the last number behind it */
	struct locator *places;
	size_t nplaces, cap;
	struct err *e;
	int rc;
};

const struct option_list *stage_item_files(const struct stage *s)
{
	for (size_t i = 0; i < s->ops->noptions; i++) {
		const struct option *o = &s->ops->options[i];
		if (o->type == OPT_FILES && (o->flags & OPTION_PER_ITEM))
			return (const struct option_list *)(const void *)((const char *)s->params + o->offset);
	}
	return NULL;
}

void locator_text(struct buf *b, struct locator at, const struct option_list *files)
{
	if (at.file < 0 || !files || (size_t)at.file >= files->n) {
		buf_puts(b, "the list");
		return;
	}
	buf_str(b, files->v[at.file]);
	if (at.line > 0)
		buf_printf(b, ":%d", at.line);
}

static void lister_put(struct lister *l, struct str id, const struct json *content, struct locator at, const char *broken)
{
	int rc = l->sink->add(l->sink->arg, id, content, at, NULL, 0, broken);
	if (rc < 0)
		l->rc = rc;
}

/* The id was listed before: this one goes on as a broken item under a name of its own. */
static void lister_doubled(struct lister *l, struct str id, const struct json *content, struct locator at)
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	buf_puts(&why, "doubled id: ");
	buf_str(&why, id);
	buf_puts(&why, " was already listed at ");
	locator_text(&why, l->places[map_int(&l->seen, id, 0)], l->files);
	buf_puts(&why, ", again at ");
	locator_text(&why, at, l->files);
	size_t max = CALL_ID_MAX - strlen("+double.2147483647");
	if (id.n > max) /* and not within a %xx */
		id.n = id.p[max - 1] == '%' ? max - 1 : id.p[max - 2] == '%' ? max - 2 : max;
	struct map_entry *count = map_put(&l->doubles, id, NULL);
	if (count->value.i == 0)
		count->value.i = 1;
	for (bool fresh = false; !fresh;) {
		buf_clear(&name);
		buf_printf(&name, "%.*s+double.%d", STR_FMT(id), (int)++count->value.i);
		map_put(&l->seen, buf_view(&name), &fresh);
	}
	lister_put(l, buf_view(&name), content, at, why.data);
}

static void lister_item(struct lister *l, struct str id, const struct json *content, struct locator at, const char *broken)
{
	bool fresh;
	struct map_entry *entry = map_put(&l->seen, id, &fresh);
	if (!fresh) {
		lister_doubled(l, id, content, at);
		return;
	}
	GROW(l->places, l->nplaces, l->cap);
	entry->value.i = (int64_t)l->nplaces;
	l->places[l->nplaces++] = at;
	if (broken)
		lister_put(l, id, content, at, broken);
}

void lister_add(
	struct lister *l, struct str id, const struct json *content, struct locator at, const int *uses, size_t nuses)
{
	if (l->rc < 0)
		return;
	size_t before = l->nplaces;
	lister_item(l, id, content, at, NULL);
	if (l->rc == 0 && l->nplaces > before) {
		int rc = l->sink->add(l->sink->arg, id, content, at, uses, nuses, NULL);
		if (rc < 0)
			l->rc = rc;
	}
	arena_reset(&l->arena);
}

void lister_broken(struct lister *l, struct str id, struct locator at, const char *reason)
{
	if (l->rc < 0)
		return;
	lister_item(l, id, NULL, at, reason);
	arena_reset(&l->arena);
}

struct arena *lister_arena(struct lister *l)
{
	return &l->arena;
}

int lister_file(struct lister *l, int file, struct str *ret, struct err *e)
{
	return l->sink->file(l->sink->arg, file, ret, e);
}

int lister_run(struct stage *s, const struct lister_sink *sink, const struct option_list *files, struct err *e)
{
	struct lister l = {.sink = sink, .files = files, .e = e};
	int rc = s->ops->list(s, &l, e);
	if (rc == 0 && l.rc < 0)
		rc = e && e->code ? l.rc : err_set(e, l.rc, "listing stopped");
	map_release(&l.seen);
	map_release(&l.doubles);
	arena_release(&l.arena);
	free(l.places);
	return rc;
}

/* --- Gathering --- */

bool gather_next(struct gather *g, struct str *ret_id, const struct json **ret_call, struct err *e)
{
	return g->io->next(g->io->arg, ret_id, ret_call, e) > 0;
}

void gather_rewind(struct gather *g)
{
	g->io->rewind(g->io->arg);
}

size_t gather_count(const struct gather *g)
{
	return g->io->count;
}

void gather_parent(struct gather *g, const size_t *peers, size_t npeers, struct str basis)
{
	g->io->parent(g->io->arg, peers, npeers, basis);
}

void gather_set(struct gather *g, const struct json *fields, bool rejected)
{
	g->io->set(g->io->arg, fields, rejected);
}

int gather_object(struct gather *g, struct str hex, struct buf *ret, struct err *e)
{
	return g->io->object_path(g->io->arg, hex, ret, e);
}

const struct gather_facts *gather_facts(const struct gather *g)
{
	return &g->io->facts;
}
