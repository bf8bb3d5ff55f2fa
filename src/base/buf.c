#include "base/buf.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char buf_empty[1];

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf)BUF_INIT_MAX(max);
}

void buf_release(struct buf *b)
{
	size_t max = b->max;
	if (b->cap)
		free(b->data);
	buf_init(b, max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->error = false;
	if (b->cap)
		b->data[0] = '\0';
}

/** Make room for `n` more and the terminator. `cap` counts the terminator's byte. */
static bool make_room(struct buf *b, size_t n)
{
	if (n < b->cap - b->len && b->cap)
		return !b->error;
	if (b->error)
		return false;
	if (b->len > b->max || n > b->max - b->len) {
		b->error = true;
		return false;
	}
	size_t want = b->len + n + 1, cap = b->cap < 64 ? 64 : b->cap + b->cap / 2;
	if (cap < want)
		cap = want;
	if (cap > b->max && b->max >= want - 1)
		cap = b->max + 1 > want ? b->max + 1 : want;
	b->data = xrealloc(b->cap ? b->data : NULL, cap);
	b->cap = cap;
	b->data[b->len] = '\0';
	return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || !make_room(b, n))
		return;
	memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	if (!make_room(b, 1))
		return;
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	ASSERT(n >= 0);
	if ((size_t)n < sizeof(small)) {
		buf_add(b, small, (size_t)n);
	} else if (make_room(b, (size_t)n)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_hex(struct buf *b, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = p;
	if (n > SIZE_MAX / 4 || !make_room(b, 2 * n)) {
		b->error = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		b->data[b->len++] = digits[in[i] >> 4];
		b->data[b->len++] = digits[in[i] & 15];
	}
	b->data[b->len] = '\0';
}

/* Zeroed, so that the buffer is terminated whatever part of it the caller then adds to `len`. */
char *buf_reserve(struct buf *b, size_t n)
{
	if (!make_room(b, n))
		return NULL;
	memset(b->data + b->len, 0, n + 1);
	return b->data + b->len;
}

void buf_truncate(struct buf *b, size_t len)
{
	ASSERT(len <= b->len);
	b->len = len;
	if (b->cap)
		b->data[len] = '\0';
}

struct str buf_view(const struct buf *b)
{
	return str_n(b->data, b->len);
}

char *buf_take(struct buf *b)
{
	char *p = b->cap ? b->data : xstrdup("");
	buf_init(b, b->max);
	return p;
}

bool buf_error(const struct buf *b)
{
	return b->error;
}
