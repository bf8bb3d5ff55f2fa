#include "base/sets.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdlib.h>

void sets_init(struct sets *s, size_t n)
{
	ASSERT(n < UINT32_MAX);
	s->up = xcalloc(n ? n : 1, sizeof(*s->up));
	s->n = n;
	for (size_t i = 0; i < n; i++)
		s->up[i] = (uint32_t)i;
}

void sets_release(struct sets *s)
{
	free(s->up);
	*s = (struct sets)SETS_INIT;
}

uint32_t sets_root(struct sets *s, uint32_t x)
{
	ASSERT(x < s->n);
	while (s->up[x] != x) {
		s->up[x] = s->up[s->up[x]];
		x = s->up[x];
	}
	return x;
}

void sets_link(struct sets *s, uint32_t x, uint32_t y)
{
	x = sets_root(s, x);
	y = sets_root(s, y);
	if (x < y)
		s->up[y] = x;
	else
		s->up[x] = y;
}
