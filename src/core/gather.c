#include "core/barrier_parts.h"

#include "base/alloc.h"
#include "core/objects.h"

#include <stdlib.h>

/* The calls of a barrier are taken in id order, whatever order they came in. */

static int member_order(const void *a, const void *b, void *engine)
{
	return str_cmp(
		item_at(engine, ((const struct member *)a)->item)->id, item_at(engine, ((const struct member *)b)->item)->id);
}

/* Whether an item is one of those that a barrier waits for. An expand's own new calls are not, and what a pool was made of stays in it when it is
 * looked at once more (peers_ready). */
static bool is_member(struct stage_run *s, int32_t item, const struct slot *slot)
{
	if (s->ops->kind != STAGE_EXPAND)
		return slot->now == SLOT_WAITING;
	return item_at(s->g, item)->origin != s->at && !slot->bad && (slot->now == SLOT_WAITING || slot->now == SLOT_SETTLED);
}

void barrier_gather(struct barrier *b, struct stage_run *s)
{
	struct engine *g = s->g;
	size_t cap = 0;
	*b = (struct barrier){.s = s};
	record_init(&b->r, g);
	pthread_mutex_lock(&g->lock);
	s->barrier_running = true;
	for (int32_t i = 1; i < g->nitems; i++) {
		struct slot *slot = slot_if(s, i);
		if (!slot || !is_member(s, i, slot))
			continue;
		GROW(b->v, b->n, cap);
		b->v[b->n++] = (struct member){.item = i};
		b->unknown |= slot->unknown;
	}
	pthread_mutex_unlock(&g->lock);
	if (b->n)
		qsort_r(b->v, b->n, sizeof(*b->v), member_order, g);
}

void barrier_release(struct barrier *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->v[i].fields);
	free(b->v);
	record_release(&b->r);
	arena_release(&b->arena);
}

static int gather_step(void *arg, struct str *ret_id, const struct json **ret_call, struct err *e)
{
	struct barrier *b = arg;
	if (b->at == b->n)
		return 0;
	struct member *m = &b->v[b->at++];
	record_begin(&b->r, m->item);
	struct json *call;
	int rc = record_view(&b->r, b->s, &call, e);
	if (rc < 0)
		return rc;
	*ret_id = item_at(b->s->g, m->item)->id;
	*ret_call = call;
	return 1;
}

static void gather_restart(void *arg)
{
	((struct barrier *)arg)->at = 0;
}

static void gather_keep(void *arg, const struct json *fields, bool rejected)
{
	struct barrier *b = arg;
	ASSERT(b->at > 0);
	struct member *m = &b->v[b->at - 1];
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	if (fields)
		json_write(&text, fields);
	else
		buf_puts(&text, "{}");
	free(m->fields);
	m->fields = buf_take(&text);
	m->rejected = rejected;
}

static int gather_object_path(void *arg, struct str hex, struct buf *ret, struct err *e)
{
	struct engine *g = ((struct barrier *)arg)->s->g;
	struct digest want, got;
	if (!digest_parse(hex, &want))
		return err_set(e, ERR_DATA, "'%.*s' is not an object's digest", STR_FMT(hex));
	objects_path(ret, g->objects, &want);
	int64_t size;
	if (objects_size(g->objects, &want) < 0)
		return err_set(e, ERR_LOST, "the object %s is missing", ret->data);
	int rc = digest_file(ret->data, &got, &size, e);
	if (rc < 0)
		return rc;
	if (digest_equal(&want, &got))
		return 0;
	rc = objects_remove(g->objects, &want, e);
	return rc < 0 ? rc : err_set(e, ERR_LOST, "the object %s was damaged; it is made again", ret->data);
}

static void gather_peers(void *arg, const size_t *peers, size_t npeers, struct str basis)
{
	peers_keep(arg, peers, npeers, basis);
}

void barrier_io(struct barrier *b, struct gather_io *io)
{
	*io = (struct gather_io){.next = gather_step,
		.rewind = gather_restart,
		.set = gather_keep,
		.parent = gather_peers,
		.arg = b,
		.count = b->n,
		.object_path = gather_object_path};
	b->at = 0;
}
