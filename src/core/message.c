#include "core/message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void put_number(char *to, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[i] = (char)(v >> (8 * i));
}

static uint64_t get_number(const char *from, int bytes)
{
	uint64_t v = 0;
	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)(unsigned char)from[i] << (8 * i);
	return v;
}

void message_put(struct buf *b, enum message_kind kind, uint64_t ticket, struct str body)
{
	char head[MESSAGE_HEAD];
	put_number(head, body.n + 9, 4);
	head[4] = (char)kind;
	put_number(head + 5, ticket, 8);
	buf_add(b, head, sizeof(head));
	buf_str(b, body);
}

int message_take(struct str b, struct message *ret, size_t *ret_used, struct err *e)
{
	if (b.n < 4)
		return 0;
	uint64_t n = get_number(b.p, 4);
	if (n < 9 || n > MESSAGE_MAX)
		return err_set(e, ERR_PARSE, "a message of %llu bytes", (unsigned long long)n);
	if (b.n < n + 4)
		return 0;
	int kind = (unsigned char)b.p[4];
	if (kind < MESSAGE_SETUP || kind > MESSAGE_DONE)
		return err_set(e, ERR_PARSE, "a message of the unknown kind %d", kind);
	*ret = (struct message){(enum message_kind)kind, get_number(b.p + 5, 8), str_n(b.p + MESSAGE_HEAD, n - 9)};
	*ret_used = n + 4;
	return 1;
}

static int read_bytes(int fd, struct buf *b, size_t n, struct err *e)
{
	while (n > 0) {
		char *to = buf_reserve(b, n);
		if (!to)
			return err_set(e, ERR_TOOBIG, "a message over %zu bytes", MESSAGE_MAX);
		ssize_t got = read(fd, to, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, "reading a message");
		if (got == 0)
			return 0;
		b->len += (size_t)got;
		n -= (size_t)got;
	}
	return 1;
}

int message_read(int fd, struct buf *b, struct message *ret, struct err *e)
{
	size_t used;
	buf_clear(b);
	int rc = read_bytes(fd, b, 4, e);
	if (rc <= 0)
		return rc;
	uint64_t n = get_number(b->data, 4);
	if (n < 9 || n > MESSAGE_MAX)
		return err_set(e, ERR_PARSE, "a message of %llu bytes", (unsigned long long)n);
	rc = read_bytes(fd, b, (size_t)n, e);
	return rc <= 0 ? rc : message_take(buf_view(b), ret, &used, e);
}
