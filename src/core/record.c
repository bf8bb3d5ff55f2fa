#include "core/engine_parts.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void record_init(struct record *r, struct engine *g)
{
	memset(r, 0, sizeof(*r));
	r->g = g;
	r->fields = xcalloc(g->nstages ? g->nstages : 1, sizeof(*r->fields));
	buf_init(&r->text, BUF_DEFAULT_MAX);
	buf_init(&r->row, BUF_DEFAULT_MAX);
}

void record_release(struct record *r)
{
	free(r->fields);
	arena_release(&r->arena);
	buf_release(&r->text);
	buf_release(&r->row);
}

void record_begin(struct record *r, int32_t item)
{
	arena_reset(&r->arena);
	memset(r->fields, 0, r->g->nstages * sizeof(*r->fields));
	r->item = item;
	r->ntodo = 0;
}

const struct sources_of *sources_of(const struct stage_run *s, int origin)
{
	for (size_t i = 0; i < s->nfrom; i++)
		if (s->from[i].origin == origin)
			return &s->from[i];
	return NULL;
}

/* "@" in what a stage wrote is its own name: {"qa":{"@":…}} → {"qa":{"clean":…}}. */
static void put_own_name(struct arena *a, struct json *fields, const char *name)
{
	for (struct json *member = json_first(fields); member; member = member->next) {
		struct json *own = json_get(member, "@");
		if (!own)
			continue;
		struct json *named = json_object(a);
		JSON_EACH(kid, member) {
			struct json *copy = json_copy(a, kid);
			json_set_key(a, named, kid == own ? str_of(name) : kid->key, copy);
		}
		struct str key = member->key;
		struct json *next = member->next;
		*member = *named;
		member->key = key;
		member->next = next;
	}
}

int record_fields(struct record *r, int stage, struct json **ret, struct err *e)
{
	if (r->fields[stage]) {
		*ret = r->fields[stage];
		return 0;
	}
	struct stage_run *s = &r->g->stages[stage];
	struct slot *slot = slot_if(s, r->item);
	if (!slot || !slot->m.result)
		return err_set(
			e, ERR_LOST, "stage %s has no result for %.*s", s->cs->stage.name, STR_FMT(item_at(r->g, r->item)->id));
	struct result row = {.fields = r->row};
	int rc = store_result(r->g->store, slot->m.result, &row, e);
	r->row = row.fields;
	struct json *fields;
	if (rc == 0)
		rc = json_parse(&r->arena, buf_view(&r->row), &fields, e);
	if (rc < 0) {
		err_context(e, "the stored result of stage %s", s->cs->stage.name);
		return rc;
	}
	put_own_name(&r->arena, fields, s->cs->stage.name);
	r->fields[stage] = *ret = fields;
	return 0;
}

void record_keep(struct record *r, int stage, struct json *fields)
{
	put_own_name(&r->arena, fields, r->g->stages[stage].cs->stage.name);
	r->fields[stage] = fields;
}

/* A member that the stage wrote whole ("label", not "label.scene") stands for all of what was there. */
static void drop_replaced(struct json *call, const struct stage_fields *wrote, const struct json *fields)
{
	for (size_t i = 0; i < wrote->nwrites; i++)
		if (!strchr(wrote->writes[i].path, '.') && json_get(fields, wrote->writes[i].path))
			json_drop(call, wrote->writes[i].path);
}

int record_view(struct record *r, struct stage_run *s, struct json **ret, struct err *e)
{
	const struct stage_fields *f = &s->cs->fields;
	struct json *call = json_object(&r->arena);
	const struct sources_of *from = sources_of(s, item_at(r->g, r->item)->origin);
	for (size_t i = 0; from && i < from->n; i++) {
		struct json *fields;
		int rc = record_fields(r, from->stages[i], &fields, e);
		if (rc < 0)
			return rc;
		struct json *part = fields_project(&r->arena, fields, f->reads, f->nreads);
		if (json_count(call) == 0) {
			call = part;
		} else {
			drop_replaced(call, &r->g->stages[from->stages[i]].cs->fields, fields);
			json_merge(&r->arena, call, part);
		}
	}
	for (size_t i = 0; i < f->nreads; i++)
		if (strcmp(f->reads[i].path, "id") == 0)
			json_set_str(&r->arena, call, "id", item_at(r->g, r->item)->id);
	buf_clear(&r->text);
	json_write(&r->text, call);
	if (buf_error(&r->text))
		return err_set(e, ERR_TOOBIG, "the call is larger than %zu bytes", r->text.max);
	*ret = call;
	return 0;
}
