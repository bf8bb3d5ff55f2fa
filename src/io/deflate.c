#include "io/deflate.h"

#include <stdint.h>
#define ZLIB_CONST /* its input is read only */
#include <zlib.h>

#define STEP ((size_t)16 << 10)

/* A small window and memory level: with zlib's usual 256 KB of state, clearing it takes five times as long as packing a request of 4 KB [measured: 96 and
 * 18 µs], and longer requests get the window that they need. */
static int pack_bits(size_t n)
{
	return n <= 8192 ? 13 : n <= 16384 ? 14 : 15;
}

void deflate_pack(struct buf *ret, struct str raw)
{
	static const Bytef nothing[1];
	z_stream z = {.next_in = raw.n ? (const Bytef *)raw.p : nothing, .avail_in = (uInt)raw.n};
	if (raw.n > UINT32_MAX ||
		deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, pack_bits(raw.n), 6, Z_DEFAULT_STRATEGY) != Z_OK) {
		ret->error = true;
		return;
	}
	size_t room = deflateBound(&z, (uLong)raw.n);
	char *to = buf_reserve(ret, room);
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)room;
	if (!to || deflate(&z, Z_FINISH) != Z_STREAM_END)
		ret->error = true;
	else
		ret->len += room - z.avail_out;
	deflateEnd(&z);
	buf_truncate(ret, ret->len);
}

/* Until the stream ends or `max` is passed: bytes over it are not kept. */
static int unpack(z_stream *z, size_t max, struct buf *ret)
{
	size_t from = ret->len;
	for (int rc = Z_OK; rc != Z_STREAM_END;) {
		char *to = buf_reserve(ret, STEP);
		if (!to)
			return ERR_TOOBIG;
		z->next_out = (Bytef *)to;
		z->avail_out = STEP;
		rc = inflate(z, Z_NO_FLUSH);
		ret->len += STEP - z->avail_out;
		if (ret->len - from > max)
			return ERR_TOOBIG;
		if (rc != Z_OK && rc != Z_STREAM_END)
			return ERR_PARSE;
	}
	return z->avail_in ? ERR_PARSE : 0; /* more bytes behind the end */
}

int deflate_unpack(struct str packed, size_t max, struct buf *ret, struct err *e)
{
	z_stream z = {.next_in = (const Bytef *)packed.p, .avail_in = (uInt)packed.n};
	size_t from = ret->len;
	if (packed.n > UINT32_MAX)
		return err_set(e, ERR_TOOBIG, "packed bytes: more than 4 GiB");
	if (inflateInit(&z) != Z_OK)
		return err_set(e, ERR_IO, "zlib cannot start");
	int rc = unpack(&z, max, ret);
	inflateEnd(&z);
	buf_truncate(ret, rc < 0 ? from : ret->len);
	if (rc == ERR_TOOBIG)
		return err_set(e, rc, "packed bytes: more than %zu when unpacked", max);
	return rc < 0 ? err_set(e, rc, "packed bytes: damaged or cut short") : 0;
}
