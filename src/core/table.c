#include "core/engine_parts.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Items and slots live in chunks that never move, so that threads hold pointers to them while others add more. */

struct item *item_at(struct engine *g, int32_t i)
{
	return &g->items[i / CHUNK][i % CHUNK];
}

struct slot *slot_if(struct stage_run *s, int32_t i)
{
	struct slot *chunk = __atomic_load_n(&s->chunks[i / CHUNK], __ATOMIC_ACQUIRE);
	return chunk ? &chunk[i % CHUNK] : NULL;
}

struct slot *slot_at(struct stage_run *s, int32_t i)
{
	struct slot *slot = slot_if(s, i);
	if (slot)
		return slot;
	struct slot *fresh = xcalloc(CHUNK, sizeof(*fresh)), *none = NULL;
	if (!__atomic_compare_exchange_n(&s->chunks[i / CHUNK], &none, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		free(fresh);
	return slot_if(s, i);
}

/* Under the lock, or before threads run. */
static struct item *item_new(struct engine *g, int32_t n, struct str id)
{
	if (!g->items[n / CHUNK])
		g->items[n / CHUNK] = xcalloc(CHUNK, sizeof(struct item));
	struct item *item = item_at(g, n);
	item->id = id;
	item->origin = -1;
	item->chosen = !g->narrowed;
	if (n >= g->nitems)
		g->nitems = n + 1;
	return item;
}

int32_t item_of(struct engine *g, struct str id)
{
	bool fresh;
	struct map_entry *entry = map_put(&g->ids, id, &fresh);
	if (!fresh)
		return (int32_t)entry->value.i;
	int32_t n = g->dry ? g->nitems > 0 ? g->nitems : 1 : store_next_item(g->store);
	entry->value.i = n;
	item_new(g, n, arena_str(&g->arena, id));
	if (!g->dry)
		store_put_item(g->store, n, id);
	return n;
}

int table_take_item(void *arg, int32_t n, struct str id)
{
	struct engine *g = arg;
	item_new(g, n, arena_str(&g->arena, id));
	map_put(&g->ids, id, NULL)->value.i = n;
	return 0;
}

int table_take_memo(void *arg, const struct memo *m)
{
	struct stage_run *s = arg;
	if (m->item > 0 && m->item < s->g->nitems)
		slot_at(s, m->item)->m = *m;
	return 0;
}

void queue_push(struct queue *q, int32_t v)
{
	if (q->n == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 64;
		int32_t *grown = xreallocarray(NULL, cap, sizeof(*grown));
		for (size_t i = 0; i < q->n; i++)
			grown[i] = q->v[(q->head + i) % q->cap];
		free(q->v);
		*q = (struct queue){grown, 0, q->n, cap};
	}
	q->v[(q->head + q->n++) % q->cap] = v;
}

bool queue_pop(struct queue *q, int32_t *ret)
{
	if (q->n == 0)
		return false;
	*ret = q->v[q->head];
	q->head = (q->head + 1) % q->cap;
	q->n--;
	return true;
}

void keyed_push(struct keyed_queue *q, int32_t item, const struct digest *key)
{
	if (q->head + q->n == q->cap && q->head > q->cap / 2) {
		memmove(q->v, q->v + q->head, q->n * sizeof(*q->v));
		q->head = 0;
	}
	if (q->head + q->n == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 64;
		q->v = xreallocarray(q->v, q->cap, sizeof(*q->v));
	}
	q->v[q->head + q->n++] = (struct keyed){item, *key};
}

bool keyed_pop(struct keyed_queue *q, struct keyed *ret)
{
	if (q->n == 0)
		return false;
	*ret = q->v[q->head++];
	if (--q->n == 0)
		q->head = 0;
	return true;
}
