/* Compiled with -DTAF_ALLOW_BANNED: the one place that calls the system's allocator. */
#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read by jemalloc, which taf is linked to. A run has a thread for each request in flight, thousands, and each waits most of the time: what an allocator keeps
 * for the thread alone (glibc: 140 KB) is lost to the others. So nothing is kept by thread, and freed pages go back within a second. */
extern const char *malloc_conf;
const char *malloc_conf = "tcache:false,dirty_decay_ms:1000,muzzy_decay_ms:0";

static void *checked(void *p, size_t n)
{
	if (p)
		return p;
	fprintf(stderr, "taf: out of memory (%zu bytes); start the same command again to go on\n", n);
	abort();
}

static size_t product(size_t count, size_t size)
{
	size_t n;
	if (__builtin_mul_overflow(count, size, &n)) {
		fprintf(stderr, "taf: internal error: allocation of %zu times %zu bytes\n", count, size);
		abort();
	}
	return n;
}

void *xmalloc(size_t n)
{
	return checked(malloc(n ? n : 1), n);
}

void *xcalloc(size_t count, size_t size)
{
	size_t n = product(count, size);
	return checked(calloc(n ? n : 1, 1), n);
}

void *xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1), n);
}

void *xreallocarray(void *p, size_t count, size_t size)
{
	return xrealloc(p, product(count, size));
}

char *xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;
	return memcpy(xmalloc(n), s, n);
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = xmalloc(len + 1);
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void free_ptr(void *pp)
{
	void *p;
	memcpy(&p, pp, sizeof(p)); /* the pointer's own type is not known here */
	free(p);
	p = NULL;
	memcpy(pp, &p, sizeof(p));
}
