#include "core/account_parts.h"

#include "base/alloc.h"

static bool before(const struct exchange *a, const struct exchange *b)
{
	if (a->inside.due_ms != b->inside.due_ms)
		return a->inside.due_ms < b->inside.due_ms;
	return a->inside.order < b->inside.order;
}

void queue_put(struct account_queue *q, struct exchange *x)
{
	GROW(q->v, q->n, q->cap);
	size_t i = q->n++;
	for (; i > 0 && before(x, q->v[(i - 1) / 2]); i = (i - 1) / 2)
		q->v[i] = q->v[(i - 1) / 2];
	q->v[i] = x;
}

struct exchange *queue_first(const struct account_queue *q)
{
	return q->n > 0 ? q->v[0] : NULL;
}

struct exchange *queue_take(struct account_queue *q)
{
	if (q->n == 0)
		return NULL;
	struct exchange *first = q->v[0], *last = q->v[--q->n];
	size_t i = 0;
	for (;;) {
		size_t child = i * 2 + 1;
		if (child + 1 < q->n && before(q->v[child + 1], q->v[child]))
			child++;
		if (child >= q->n || !before(q->v[child], last))
			break;
		q->v[i] = q->v[child];
		i = child;
	}
	q->v[i] = last;
	return first;
}
