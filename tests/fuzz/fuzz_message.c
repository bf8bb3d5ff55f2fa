/* Messages between taf and its workers: the same from a buffer and from a descriptor, cut anywhere, and written again. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/message.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <unistd.h>

static void check_same(const struct message *m, struct str bytes)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX(MESSAGE_MAX + 4);
	struct message cut;
	size_t used;
	ASSERT(m->kind >= MESSAGE_SETUP && m->kind <= MESSAGE_DONE && m->body.n == bytes.n - MESSAGE_HEAD);
	message_put(&b, m->kind, m->ticket, m->body);
	ASSERT(str_eq(buf_view(&b), bytes));
	ASSERT(message_take(str_n(bytes.p, bytes.n - 1), &cut, &used, NULL) == 0);
}

/* A descriptor gets all the room that a message announces: only messages that come, and the longest. */
static bool costly(struct str rest)
{
	uint64_t n = 0;
	for (size_t i = 0; i < 4 && i < rest.n; i++)
		n |= (uint64_t)(unsigned char)rest.p[i] << (8 * i);
	return n > ((size_t)1 << 20) && n < MESSAGE_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(fs_close) int fd = open(fuzz_file(data, size), O_RDONLY | O_CLOEXEC);
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX(MESSAGE_MAX + 4);
	struct str rest = fuzz_str(data, size);
	ASSERT(fd >= 0);
	for (;;) {
		struct message m, again;
		size_t used = 0;
		struct err e = ERR_INIT, other = ERR_INIT;
		int r = message_take(rest, &m, &used, &e);
		if (r == 0 && costly(rest))
			return 0;
		int read = message_read(fd, &b, &again, &other);
		ASSERT(r == read);
		if (r < 0) {
			fuzz_failed(r, ERR_PARSE, &e);
			fuzz_failed(read, ERR_PARSE, &other);
		}
		if (r <= 0)
			return 0;
		ASSERT(used >= MESSAGE_HEAD && used <= rest.n && used <= MESSAGE_MAX + 4);
		ASSERT(m.kind == again.kind && m.ticket == again.ticket && str_eq(m.body, again.body));
		check_same(&m, str_n(rest.p, used));
		rest = str_n(rest.p + used, rest.n - used);
	}
}
