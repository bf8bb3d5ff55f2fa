/* Allocation that cannot fail: running out of memory aborts, and the atomic cache makes a rerun the recovery.
 * Sizes that come from input are never passed here unchecked: every reader has a stated cap and errs before it allocates. */
#ifndef TAF_BASE_ALLOC_H
#define TAF_BASE_ALLOC_H

#include <stddef.h>

void *xmalloc(size_t n);
/** Zeroed memory for `count` things of `size` bytes; aborts when the product overflows. */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);
/** Resize to `count` things of `size` bytes; aborts when the product overflows. */
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/** Declare a variable that is released at the end of its scope: `CLEANUP(buf_release) struct buf b = BUF_INIT;` */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
/** Hand on what a cleanup attribute would release: yields the pointer and sets the variable to NULL. */
#define TAKE(p) \
	__extension__({ \
		__typeof__(p) taken_ = (p); \
		(p) = NULL; \
		taken_; \
	})

/** For CLEANUP on a `char *` or any malloc'ed pointer: frees `*pp`. */
void free_ptr(void *pp);

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/** Make room for one more in a growable array (`v`, `n` used, `cap` allocated). */
#define GROW(v, n, cap) \
	do { \
		if ((n) == (cap)) { \
			(cap) = (cap) ? (cap)*2 : 8; \
			(v) = xreallocarray((v), (size_t)(cap), sizeof(*(v))); \
		} \
	} while (0)

#endif
