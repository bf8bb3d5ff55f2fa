/* Running reduces without the engine. */
#include "tests/stages/gatherkit.h"

#include "base/alloc.h"

#include <stdlib.h>

void pool_release(struct pool *p)
{
	free(p->v);
	arena_release(&p->arena);
	*p = (struct pool)POOL_INIT;
}

void pool_add(struct pool *p, const char *id, const struct json *call)
{
	GROW(p->v, p->n, p->cap);
	p->v[p->n++] = (struct pool_call){.id = arena_str(&p->arena, str_of(id)), .call = json_copy(&p->arena, call)};
}

void pool_add_text(struct pool *p, const char *id, const char *call)
{
	struct json *v = NULL;
	ASSERT(json_parse(&p->arena, str_of(call), &v, NULL) == 0);
	GROW(p->v, p->n, p->cap);
	p->v[p->n++] = (struct pool_call){.id = arena_str(&p->arena, str_of(id)), .call = v};
}

const struct pool_call *pool_find(const struct pool *p, const char *id)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_is(p->v[i].id, id))
			return &p->v[i];
	return NULL;
}

/* --- Gathering --- */

struct gathering {
	struct pool *pool;
	struct stage_fields fields;
	struct arena view; /* of the call last given */
	size_t at;         /* calls given so far */
};

static int next(void *arg, struct str *ret_id, const struct json **ret_call, struct err *e)
{
	struct gathering *g = arg;
	(void)e;
	if (g->at == g->pool->n)
		return 0;
	const struct pool_call *c = &g->pool->v[g->at++];
	arena_reset(&g->view);
	*ret_id = c->id;
	*ret_call = fields_project(&g->view, c->call, g->fields.reads, g->fields.nreads);
	return 1;
}

static void restart(void *arg)
{
	((struct gathering *)arg)->at = 0;
}

/* A member is declared by its own path or by a path that begins with it ("qa.@" declares a "qa"). */
static bool declared(const struct stage_fields *f, struct str member)
{
	for (size_t i = 0; i < f->nwrites; i++) {
		struct str rest = str_of(f->writes[i].path), first;
		if (str_split(&rest, '.', &first) && str_eq(first, member))
			return true;
	}
	return false;
}

static void set(void *arg, const struct json *fields, bool rejected)
{
	struct gathering *g = arg;
	ASSERT(g->at > 0);
	JSON_EACH(member, fields) {
		ASSERT(declared(&g->fields, member->key));
	}
	struct pool_call *c = &g->pool->v[g->at - 1];
	c->fields = fields ? json_copy(&g->pool->arena, fields) : NULL;
	c->rejected = rejected;
}

static int by_id(const void *x, const void *y)
{
	return str_cmp(((const struct pool_call *)x)->id, ((const struct pool_call *)y)->id);
}

int kit_reduce(struct kit *k, struct pool *p, struct err *e)
{
	struct gathering g = {.pool = p};
	struct gather_io io = {.next = next, .rewind = restart, .set = set, .arg = &g, .count = p->n};
	struct gather gather = {&io};
	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), by_id);
	for (size_t i = 0; i < p->n; i++) {
		p->v[i].fields = NULL;
		p->v[i].rejected = false;
	}
	k->stage.ops->fields(k->stage.params, &g.fields);
	int rc = k->stage.ops->reduce(&k->stage, &gather, e);
	arena_release(&g.view);
	return rc ? rc : e->code;
}

void pool_settle(struct pool *p)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->n; i++) {
		struct pool_call c = p->v[i];
		if (c.rejected)
			continue;
		if (c.fields) {
			struct json *call = json_copy(&p->arena, c.call);
			json_merge(&p->arena, call, c.fields);
			c.call = call;
		}
		c.fields = NULL;
		p->v[kept++] = c;
	}
	p->n = kept;
}
