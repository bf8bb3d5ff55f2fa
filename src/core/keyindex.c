#include "core/keyindex.h"

#include "base/alloc.h"

#include <stdlib.h>

/* A dropped entry keeps its place (row -1), so that probes go on over it. */
#define ROW_DROPPED (-1)

void keyindex_release(struct keyindex *x)
{
	free(x->v);
	*x = (struct keyindex){NULL, 0, 0};
}

static void grow(struct keyindex *x)
{
	struct keyindex old = *x;
	x->size = old.size ? old.size * 2 : 1024;
	x->n = 0;
	x->v = xcalloc(x->size, sizeof(*x->v));
	for (size_t i = 0; i < old.size; i++)
		if (old.v[i].row > 0)
			keyindex_put(x, old.v[i].head, old.v[i].row);
	free(old.v);
}

void keyindex_put(struct keyindex *x, uint64_t head, int64_t row)
{
	if (x->n * 3 >= x->size * 2)
		grow(x);
	size_t at = head & (x->size - 1);
	while (x->v[at].row != 0)
		at = (at + 1) & (x->size - 1);
	x->v[at].head = head;
	x->v[at].row = row;
	x->n++;
}

int64_t keyindex_next(const struct keyindex *x, uint64_t head, size_t *at)
{
	if (x->size == 0)
		return 0;
	size_t i = *at == SIZE_MAX ? head & (x->size - 1) : (*at + 1) & (x->size - 1);
	for (; x->v[i].row != 0; i = (i + 1) & (x->size - 1)) {
		if (x->v[i].head == head && x->v[i].row > 0) {
			*at = i;
			return x->v[i].row;
		}
	}
	return 0;
}

void keyindex_drop(struct keyindex *x, uint64_t head, int64_t row)
{
	size_t at = SIZE_MAX;
	for (int64_t r = keyindex_next(x, head, &at); r != 0; r = keyindex_next(x, head, &at)) {
		if (r == row) {
			x->v[at].row = ROW_DROPPED;
			return;
		}
	}
}
