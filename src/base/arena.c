#include "base/arena.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(WITH_ASAN)
#define WITH_ASAN
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#define REDZONE ((size_t)16)
#else
#define POISON(p, n) ((void)0)
#define UNPOISON(p, n) ((void)0)
#define REDZONE ((size_t)0)
#endif

#define ALIGN ((size_t)16)
#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)256 << 10) /* blocks double up to this size; what a reset keeps is no larger */

struct arena_block {
	struct arena_block *next;
	size_t size; /* of `mem` */
	_Alignas(16) char mem[];
};

static struct arena_block *block_new(struct arena *a, size_t size)
{
	struct arena_block *b = xmalloc(sizeof(*b) + size);
	b->size = size;
	a->total += sizeof(*b) + size;
	POISON(b->mem, size);
	return b;
}

static void block_free(struct arena *a, struct arena_block *b)
{
	a->total -= sizeof(*b) + b->size;
	UNPOISON(b->mem, b->size);
	free(b);
}

/** Memory of a fresh block. One for a single large thing goes behind the head, so that the head's free space stays in use. */
static char *from_new_block(struct arena *a, size_t step)
{
	size_t size = BLOCK_MIN;
	while (size < BLOCK_MAX && size <= a->total)
		size *= 2;
	if (step > size / 4 && a->head) {
		struct arena_block *b = block_new(a, step);
		b->next = a->head->next;
		a->head->next = b;
		return b->mem;
	}
	struct arena_block *b = block_new(a, step > size ? step : size);
	b->next = a->head;
	a->head = b;
	a->at = b->mem + step;
	a->end = b->mem + b->size;
	return b->mem;
}

static void *take(struct arena *a, size_t n)
{
	ASSERT(n <= SIZE_MAX / 2);
	size_t step = ((n ? n : 1) + ALIGN - 1) / ALIGN * ALIGN + REDZONE;
	char *p = a->at;
	if (step <= (size_t)(a->end - a->at))
		a->at += step;
	else
		p = from_new_block(a, step);
	UNPOISON(p, n);
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	return memset(take(a, n), 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;
	ASSERT(!__builtin_mul_overflow(count, size, &n));
	return arena_alloc(a, n);
}

char *arena_dup(struct arena *a, const void *p, size_t n)
{
	char *copy = take(a, n + 1);
	if (n)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_dup(a, s, strlen(s));
}

struct str arena_str(struct arena *a, struct str s)
{
	return str_n(arena_dup(a, s.p, s.n), s.n);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	ASSERT(n >= 0);
	char *p = take(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->head;
	if (!keep)
		return;
	if (keep->size > BLOCK_MAX) {
		arena_release(a);
		return;
	}
	struct arena_block *next;
	for (struct arena_block *b = keep->next; b; b = next) {
		next = b->next;
		block_free(a, b);
	}
	keep->next = NULL;
	POISON(keep->mem, keep->size);
	a->at = keep->mem;
	a->end = keep->mem + keep->size;
}

void arena_release(struct arena *a)
{
	struct arena_block *next;
	for (struct arena_block *b = a->head; b; b = next) {
		next = b->next;
		block_free(a, b);
	}
	*a = (struct arena)ARENA_INIT;
}
