#include "core/engine_parts.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct waiting {
	struct stage_run *s;
	int32_t item;
	struct waiting *next;
};
struct claim {
	struct list node;
	struct digest key;
	struct waiting *waiting;
};

void claims_init(struct engine *g)
{
	for (size_t i = 0; i < CLAIMS; i++)
		list_init(&g->claims[i]);
}

static struct list *bucket(struct engine *g, const struct digest *key)
{
	uint32_t head;
	memcpy(&head, key->b, sizeof(head));
	return &g->claims[head % CLAIMS];
}

static struct claim *claim_find(struct list *l, const struct digest *key)
{
	for (struct list *at = l->next; at != l; at = at->next) {
		struct claim *c = LIST_ITEM(at, struct claim, node);
		if (digest_equal(&c->key, key))
			return c;
	}
	return NULL;
}

bool claims_take(struct stage_run *s, int32_t item, const struct digest *key)
{
	struct engine *g = s->g;
	struct claim *fresh = xcalloc(1, sizeof(*fresh));
	pthread_mutex_lock(&g->lock);
	struct list *l = bucket(g, key);
	struct claim *held = claim_find(l, key);
	if (held) {
		struct waiting *w = xcalloc(1, sizeof(*w));
		*w = (struct waiting){s, item, held->waiting};
		held->waiting = w;
		s->in--; /* it will be visited again */
	} else {
		fresh->key = *key;
		list_append(l, &fresh->node);
	}
	pthread_mutex_unlock(&g->lock);
	if (held)
		free(fresh);
	return !held;
}

bool claims_mark(struct engine *g, const struct digest *key)
{
	if (claim_find(bucket(g, key), key))
		return false;
	struct claim *c = xcalloc(1, sizeof(*c));
	c->key = *key;
	list_append(bucket(g, key), &c->node);
	return true;
}

void claims_release(struct engine *g, const struct digest *key)
{
	pthread_mutex_lock(&g->lock);
	struct claim *c = claim_find(bucket(g, key), key);
	ASSERT(c != NULL);
	list_remove(&c->node);
	for (struct waiting *w = c->waiting, *next; w; w = next) {
		next = w->next;
		queue_push(&w->s->ready, w->item);
		free(w);
	}
	if (c->waiting)
		pool_wake(g);
	pthread_mutex_unlock(&g->lock);
	free(c);
}

void claims_free(struct engine *g)
{
	for (size_t i = 0; i < CLAIMS; i++) {
		struct list *node;
		while ((node = list_pop(&g->claims[i])) != NULL) {
			struct claim *c = LIST_ITEM(node, struct claim, node);
			for (struct waiting *w = c->waiting, *next; w; w = next) {
				next = w->next;
				free(w);
			}
			free(c);
		}
	}
}
