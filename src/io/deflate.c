#include "io/deflate.h"

#include <libdeflate.h>
#include <stdatomic.h>

/* A compressor that nobody uses now, or NULL: making one anew takes a quarter of the time of packing a request. */
static _Atomic(struct libdeflate_compressor *) spare;

void deflate_pack(struct buf *ret, struct str raw)
{
	struct libdeflate_compressor *c = atomic_exchange(&spare, NULL);
	if (!c)
		c = libdeflate_alloc_compressor(1);
	size_t room = c ? libdeflate_zlib_compress_bound(c, raw.n) : 0;
	char *to = c ? buf_reserve(ret, room) : NULL;
	size_t n = to ? libdeflate_zlib_compress(c, raw.n ? raw.p : "", raw.n, to, room) : 0;
	if (n)
		ret->len += n;
	else
		ret->error = true;
	buf_truncate(ret, ret->len);
	libdeflate_free_compressor(atomic_exchange(&spare, c));
}

/* The unpacked length is not written down: a first guess, then twice as much, up to `max`. */
static int unpack(struct libdeflate_decompressor *d, struct str packed, size_t max, struct buf *ret)
{
	for (size_t room = packed.n < max / 4 ? packed.n * 4 : max;; room = room < max / 2 ? room * 2 : max) {
		size_t in = 0, out = 0;
		char *to = buf_reserve(ret, room);
		if (!to)
			return ERR_TOOBIG;
		enum libdeflate_result rc = libdeflate_zlib_decompress_ex(d, packed.p, packed.n, to, room, &in, &out);
		if (rc == LIBDEFLATE_SUCCESS) {
			ret->len += out;
			return in == packed.n ? 0 : ERR_PARSE; /* more bytes behind the end */
		}
		if (rc == LIBDEFLATE_INSUFFICIENT_SPACE && room == max)
			return ERR_TOOBIG;
		if (rc != LIBDEFLATE_INSUFFICIENT_SPACE)
			return ERR_PARSE;
	}
}

int deflate_unpack(struct str packed, size_t max, struct buf *ret, struct err *e)
{
	size_t from = ret->len;
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	int rc = d ? unpack(d, packed, max, ret) : ERR_TOOBIG;
	libdeflate_free_decompressor(d);
	buf_truncate(ret, rc < 0 ? from : ret->len);
	if (rc == ERR_TOOBIG)
		return err_set(e, rc, "packed bytes: more than %zu when unpacked", max);
	return rc < 0 ? err_set(e, rc, "packed bytes: damaged or cut short") : 0;
}
