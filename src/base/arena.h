/* An arena: memory that is freed all at once. Lifetimes are run, stage, record and call; a record carries its arena, reset after commit.
 * Under AddressSanitizer free space and the gaps between allocations are poisoned, so overflows inside an arena are caught.
 * Owned by one thread at a time. */
#ifndef TAF_BASE_ARENA_H
#define TAF_BASE_ARENA_H

#include "base/str.h"

struct arena_block;
struct arena {
	struct arena_block *head;
	char *at, *end;
	size_t total; /* bytes of all blocks */
};

#define ARENA_INIT {.head = NULL}

/** Zeroed memory, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_dup(struct arena *a, const void *p, size_t n); /* terminated copy */
char *arena_strdup(struct arena *a, const char *s);
struct str arena_str(struct arena *a, struct str s); /* copy, terminated */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
void arena_reset(struct arena *a);   /* forget everything, keep one block */
void arena_release(struct arena *a); /* free everything; can be used again */

#endif
