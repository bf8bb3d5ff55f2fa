#include "tests/servers/common/timers.h"

#include "base/alloc.h"

#include <stdlib.h>

void timers_release(struct timers *t)
{
	free(t->v);
	*t = (struct timers){.n = 0};
}

static void swap(struct timers *t, size_t a, size_t b)
{
	struct timer *x = t->v[a];
	t->v[a] = t->v[b];
	t->v[b] = x;
}

void timers_add(struct timers *t, struct timer *x)
{
	GROW(t->v, t->n, t->cap);
	t->v[t->n++] = x;
	for (size_t i = t->n - 1; i > 0 && t->v[i]->due_ms < t->v[(i - 1) / 2]->due_ms; i = (i - 1) / 2)
		swap(t, i, (i - 1) / 2);
}

struct timer *timers_due(struct timers *t, int64_t now_ms)
{
	if (t->n == 0 || t->v[0]->due_ms > now_ms)
		return NULL;
	struct timer *first = t->v[0];
	t->v[0] = t->v[--t->n];
	for (size_t i = 0, kid; (kid = i * 2 + 1) < t->n; i = kid) {
		if (kid + 1 < t->n && t->v[kid + 1]->due_ms < t->v[kid]->due_ms)
			kid++;
		if (t->v[i]->due_ms <= t->v[kid]->due_ms)
			break;
		swap(t, i, kid);
	}
	return first;
}

int64_t timers_next(const struct timers *t)
{
	return t->n ? t->v[0]->due_ms : INT64_MAX;
}
