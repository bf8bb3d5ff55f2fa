/* Running enhance over a pool without the engine. */
#include "tests/stages/enhance/poolkit.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct stage_ops stage_synthesize;

static void must(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s\n", e->text);
	ASSERT(rc == 0);
}

void pool_open(struct poolkit *p, const char *with)
{
	struct err e = ERR_INIT;
	memset(p, 0, sizeof(*p));
	const char *yaml = arena_printf(&p->arena, "provider: writer\n%s", with);
	must(kit_open(&p->k, &stage_enhance, yaml, ".", &e), &e);
	p->k.stage.seed = 7;
}

void pool_close(struct poolkit *p)
{
	kit_close(&p->k);
	arena_release(&p->arena);
	free(p->v);
}

void poolkit_add(struct poolkit *p, const char *id, const struct json *call)
{
	GROW(p->v, p->n, p->cap);
	p->v[p->n++] = (struct poolkit_call){.id = str_of(arena_strdup(&p->arena, id)), .call = json_copy(&p->arena, call)};
}

void pool_say(struct poolkit *p, const char *id, bool fraud, const char *label, const char *const *turns)
{
	struct arena *a = &p->arena;
	struct json *call = json_object(a), *l = json_object(a), *list = json_array(a);
	json_set(a, l, "is_fraud", json_bool(a, fraud));
	json_set_text(a, l, fraud ? "fraud_type" : "scene", label);
	for (; *turns; turns++)
		json_append(list, turn_new(a, **turns == 'L' ? "left" : "right", str_of(*turns + 1)));
	json_set(a, call, "label", l);
	json_set(a, call, "turns", list);
	json_set_text(a, call, "initiator", fraud ? "left" : "right");
	poolkit_add(p, id, call);
}

static int by_id(const void *x, const void *y)
{
	const struct poolkit_call *a = x, *b = y;
	size_t n = a->id.n < b->id.n ? a->id.n : b->id.n;
	int d = memcmp(a->id.p, b->id.p, n);
	return d ? d : a->id.n < b->id.n ? -1 : a->id.n > b->id.n;
}

/* The declared reads and nothing else, as the engine gives them. */
static const struct json *view(struct poolkit *p, const struct json *call)
{
	struct stage_fields f = {.nreads = 0};
	stage_enhance.fields(p->k.stage.params, &f);
	return fields_project(&p->arena, call, f.reads, f.nreads);
}

static int step(void *arg, struct str *ret_id, const struct json **ret_call, struct err *e)
{
	struct poolkit *p = arg;
	(void)e;
	if (p->at == p->n)
		return 0;
	*ret_id = p->v[p->at].id;
	*ret_call = view(p, p->v[p->at].call);
	p->at++;
	return 1;
}

static void restart(void *arg)
{
	((struct poolkit *)arg)->at = 0;
}

static void keep(void *arg, const size_t *peers, size_t npeers, struct str basis)
{
	struct poolkit *p = arg;
	struct poolkit_call *c = &p->v[p->at - 1];
	ASSERT(npeers <= COUNT_OF(c->peers) && !c->parent);
	c->parent = true;
	c->npeers = npeers;
	c->basis = arena_str(&p->arena, basis);
	for (size_t i = 0; i < npeers; i++)
		c->peers[i] = peers[i];
}

void pool_peers(struct poolkit *p)
{
	struct gather_io io = {.next = step, .rewind = restart, .parent = keep, .arg = p, .count = p->n};
	struct gather g = {&io};
	struct err e = ERR_INIT;
	qsort(p->v, p->n, sizeof(*p->v), by_id);
	for (size_t i = 0; i < p->n; i++)
		p->v[i].parent = false;
	p->at = 0;
	must(stage_enhance.peers(&p->k.stage, &g, &e), &e);
}

struct poolkit_call *poolkit_find(struct poolkit *p, const char *id)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_is(p->v[i].id, id))
			return &p->v[i];
	return NULL;
}

int pool_work(struct poolkit *p, const char *parent, int slot, struct work *ret, struct err *e)
{
	const struct poolkit_call *c = poolkit_find(p, parent);
	struct json *peers = json_array(&p->arena);
	ASSERT(c && c->parent);
	for (size_t i = 0; i < c->npeers; i++) {
		struct json *peer = json_copy(&p->arena, view(p, p->v[c->peers[i]].call));
		json_set_str(&p->arena, peer, "id", p->v[c->peers[i]].id);
		json_append(peers, peer);
	}
	*ret = (struct work){.stage = &p->k.stage,
		.id = c->id,
		.arena = &p->arena,
		.call = view(p, c->call),
		.slot = slot,
		.peers = peers,
		.io = p->io};
	return stage_enhance.process(ret, e);
}

const char *pool_result(struct poolkit *p, const char *parent, int slot)
{
	struct work w;
	struct err e = ERR_INIT;
	if (pool_work(p, parent, slot, &w, &e) < 0)
		return arena_strdup(&p->arena, e.text);
	return arena_printf(&p->arena, "%s%s", w.rejected ? "REJECTED " : "", kit_json(&p->k, w.fields));
}

static int read_scenario(void *arg, int file, struct str *ret, struct err *e)
{
	struct kit *k = arg;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	int rc = fs_read(arena_str(&k->arena, k->files->v[file]).p, 1 << 20, &b, e);
	if (rc == 0)
		*ret = arena_str(&k->arena, buf_view(&b));
	return rc;
}

void pool_synthesize(struct poolkit *p, int count)
{
	struct kit k;
	struct err e = ERR_INIT;
	must(kit_open(&k, &stage_synthesize, arena_printf(&p->arena, "provider: writer\ncount: %d\n", count), ".", &e), &e);
	must(kit_list(&k, &e), &e);
	for (size_t i = 0; i < k.n; i++) {
		const struct kit_item *item = &k.items[i];
		struct work_io io = {.file = read_scenario, .arg = &k};
		struct work w = {
			.stage = &k.stage, .id = item->id, .arena = &k.arena, .call = item->content, .at = item->at, .io = &io};
		must(stage_synthesize.process(&w, &e), &e);
		poolkit_add(p, item->id.p, w.fields);
	}
	kit_close(&k);
}
