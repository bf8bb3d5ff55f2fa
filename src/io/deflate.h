/* Short texts made small, by libdeflate (in the format of zlib, RFC 1950, with a checksum): what the store keeps of requests.
 * The only file that includes libdeflate.h is deflate.c. Any thread. */
#ifndef TAF_IO_DEFLATE_H
#define TAF_IO_DEFLATE_H

#include "base/buf.h"
#include "base/err.h"

/** Packed bytes, appended. Fast (level 1): a request of 3 KB in JSON takes some 30 µs; `ret->error` over its cap. */
void deflate_pack(struct buf *ret, struct str raw);
/** Unpacked bytes, appended. ERR_PARSE when it is damaged or cut short, ERR_TOOBIG over `max`: nothing is appended then. */
int deflate_unpack(struct str packed, size_t max, struct buf *ret, struct err *e);

#endif
