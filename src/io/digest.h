/* SHA-256 and base64 by libcrypto. The only file that includes OpenSSL is digest.c. */
#ifndef TAF_IO_DIGEST_H
#define TAF_IO_DIGEST_H

#include "base/buf.h"
#include "base/err.h"

#define DIGEST_SIZE 32
#define DIGEST_HEX 64

struct digest {
	unsigned char b[DIGEST_SIZE];
};

/** A running SHA-256. Opaque memory on the heap; digest_free takes NULL. One thread. */
struct digester;
struct digester *digester_new(void);
void digester_free(struct digester *d);
void digester_reset(struct digester *d);
void digester_add(struct digester *d, const void *p, size_t n);
/** A part with its length in front (8 bytes, little endian), so that no two part lists give the same bytes. */
void digester_part(struct digester *d, const void *p, size_t n);
void digester_end(struct digester *d, struct digest *ret); /* also resets */

void digest_of(const void *p, size_t n, struct digest *ret);
/** HMAC-SHA-256 (RFC 2104). */
void digest_hmac(struct str key, const void *p, size_t n, struct digest *ret);
int digest_file(const char *path, struct digest *ret, int64_t *ret_size, struct err *e);
void digest_hex(const struct digest *d, char ret[DIGEST_HEX + 1]);
bool digest_parse(struct str hex, struct digest *ret);
bool digest_equal(const struct digest *a, const struct digest *b);

/** Base64 (RFC 4648, with padding, no line ends), appended. */
void base64_put(struct buf *b, const void *p, size_t n);
/** The bytes of a text in base64, appended; line ends and blanks in it are skipped, padding may be missing. False when it is none: nothing is appended. */
bool base64_get(struct buf *b, struct str text);

#endif
