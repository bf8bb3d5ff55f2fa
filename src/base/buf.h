/* A growing byte buffer: `data` is never NULL and always terminated (after `len`).
 * Every buffer has a cap (`max`, default 64 MiB, not counting the terminator); going over it sets the sticky `error` and drops
 * what was added: append, append, check once with buf_error(). Owned by one thread. */
#ifndef TAF_BASE_BUF_H
#define TAF_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

#define BUF_DEFAULT_MAX ((size_t)64 << 20)

struct buf {
	char *data;
	size_t len, cap, max;
	bool error;
};

extern char buf_empty[1]; /* what `data` points to while nothing is allocated; never written */

#define BUF_INIT {.data = buf_empty, .max = BUF_DEFAULT_MAX}
#define BUF_INIT_MAX(m) {.data = buf_empty, .max = (m)}

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* free the memory; the buffer can be used again */
void buf_clear(struct buf *b);   /* empty, memory kept, error cleared */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_hex(struct buf *b, const void *p, size_t n); /* lower case */
/** Room for `n` more bytes; returns where to write them (zeroed; then add to len), or NULL over the cap. */
char *buf_reserve(struct buf *b, size_t n);
void buf_truncate(struct buf *b, size_t len);
struct str buf_view(const struct buf *b);
/** Hand the memory on (malloc'ed, terminated); the buffer is empty again. */
char *buf_take(struct buf *b);
bool buf_error(const struct buf *b);

#endif
