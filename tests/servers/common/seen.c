#include "tests/servers/common/seen.h"

#include "base/alloc.h"

#include <stdlib.h>

#define SEEN_FIRST ((size_t)1 << 12)

void seen_clear(struct seen *s)
{
	free(s->v);
	*s = (struct seen){.n = 0};
}

static struct seen_entry *place(const struct seen *s, uint64_t digest)
{
	size_t i = (size_t)digest & (s->cap - 1);
	while (s->v[i].digest && s->v[i].digest != digest)
		i = (i + 1) & (s->cap - 1);
	return &s->v[i];
}

static void grow(struct seen *s)
{
	struct seen bigger = {.n = s->n, .cap = s->cap ? s->cap * 2 : SEEN_FIRST, .dropped = s->dropped};
	bigger.v = xcalloc(bigger.cap, sizeof(*bigger.v));
	for (size_t i = 0; i < s->cap; i++)
		if (s->v[i].digest)
			*place(&bigger, s->v[i].digest) = s->v[i];
	free(s->v);
	*s = bigger;
}

struct seen_entry *seen_entry(struct seen *s, uint64_t digest, bool *ret_new)
{
	digest = digest ? digest : 1;
	if (s->n < SEEN_MAX && s->n * 4 >= s->cap * 3)
		grow(s);
	struct seen_entry *at = place(s, digest);
	*ret_new = at->digest == 0;
	if (!*ret_new)
		return at;
	if (s->n >= SEEN_MAX) {
		s->dropped++;
		return NULL;
	}
	at->digest = digest;
	s->n++;
	return at;
}
