#include "io/digest.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct digester {
	EVP_MD_CTX *ctx;
};

#define FILE_CHUNK ((size_t)64 << 10)

static EVP_MD *sha256; /* looked up once, kept for good: a look-up costs more than hashing a record */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void look_up(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ASSERT(sha256);
}

static void start(EVP_MD_CTX *ctx)
{
	int ok = EVP_DigestInit_ex2(ctx, sha256, NULL);
	ASSERT(ok == 1);
}

struct digester *digester_new(void)
{
	pthread_once(&once, look_up);
	struct digester *d = xmalloc(sizeof(*d));
	d->ctx = EVP_MD_CTX_new();
	ASSERT(d->ctx);
	start(d->ctx);
	return d;
}

void digester_free(struct digester *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

void digester_reset(struct digester *d)
{
	start(d->ctx);
}

void digester_add(struct digester *d, const void *p, size_t n)
{
	if (n == 0)
		return;
	int ok = EVP_DigestUpdate(d->ctx, p, n);
	ASSERT(ok == 1);
}

void digester_part(struct digester *d, const void *p, size_t n)
{
	unsigned char length[8];
	for (size_t i = 0; i < sizeof(length); i++)
		length[i] = (unsigned char)((uint64_t)n >> (8 * i));
	digester_add(d, length, sizeof(length));
	digester_add(d, p, n);
}

void digester_end(struct digester *d, struct digest *ret)
{
	unsigned int n = 0;
	int ok = EVP_DigestFinal_ex(d->ctx, ret->b, &n);
	ASSERT(ok == 1 && n == DIGEST_SIZE);
	start(d->ctx);
}

void digest_of(const void *p, size_t n, struct digest *ret)
{
	pthread_once(&once, look_up);
	unsigned int size = 0;
	int ok = EVP_Digest(n ? p : "", n, ret->b, &size, sha256, NULL);
	ASSERT(ok == 1 && size == DIGEST_SIZE);
}

void digest_hmac(struct str key, const void *p, size_t n, struct digest *ret)
{
	pthread_once(&once, look_up);
	unsigned int size = 0;
	ASSERT(key.n <= INT_MAX);
	const unsigned char *ok = HMAC(sha256, key.n ? key.p : "", (int)key.n, n ? p : (const void *)"", n, ret->b, &size);
	ASSERT(ok && size == DIGEST_SIZE);
}

static void digester_cleanup(struct digester **d)
{
	digester_free(*d);
}

int digest_file(const char *path, struct digest *ret, int64_t *ret_size, struct err *e)
{
	/* O_NONBLOCK: a named pipe must not hang the run. */
	CLEANUP(fs_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	CLEANUP(digester_cleanup) struct digester *d = digester_new();
	CLEANUP(free_ptr) char *chunk = xmalloc(FILE_CHUNK); /* not on the stack: item threads have small ones */
	struct stat st;
	int64_t size = 0;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_errno(e, "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_IO, "cannot read %s: it is no plain file", path);
	for (;;) {
		ssize_t n = read(fd, chunk, FILE_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read %s", path);
		if (n == 0)
			break;
		digester_add(d, chunk, (size_t)n);
		size += n;
	}
	digester_end(d, ret);
	if (ret_size)
		*ret_size = size;
	return 0;
}

void digest_hex(const struct digest *d, char ret[DIGEST_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		ret[2 * i] = digits[d->b[i] >> 4];
		ret[2 * i + 1] = digits[d->b[i] & 15];
	}
	ret[DIGEST_HEX] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool digest_parse(struct str hex, struct digest *ret)
{
	struct digest d;
	if (hex.n != DIGEST_HEX)
		return false;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = hex_value(hex.p[2 * i]), low = hex_value(hex.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		d.b[i] = (unsigned char)(high << 4 | low);
	}
	*ret = d;
	return true;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->b, b->b, DIGEST_SIZE) == 0;
}

#define BASE64_CHUNK \
	((size_t)3 << 20) /* EVP_EncodeBlock counts in int; a multiple of 3, so that only the last piece is padded */

void base64_put(struct buf *b, const void *p, size_t n)
{
	const unsigned char *from = p;
	while (n > 0) {
		size_t piece = n < BASE64_CHUNK ? n : BASE64_CHUNK, made = (piece + 2) / 3 * 4;
		char *to = buf_reserve(b, made); /* and the terminator behind it, which EVP_EncodeBlock writes */
		if (!to)
			return;
		EVP_EncodeBlock((unsigned char *)to, from, (int)piece);
		b->len += made;
		from += piece;
		n -= piece;
	}
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_get(struct buf *b, struct str text)
{
	size_t before = b->len, letters = 0, pads = 0;
	uint32_t bits = 0;
	bool good = true;
	for (size_t i = 0; i < text.n && good; i++) {
		char c = text.p[i];
		int v = base64_value(c);
		if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
			continue;
		pads += c == '=';
		good = c == '=' ? pads <= 2 : v >= 0 && !pads;
		if (c == '=' || !good)
			continue;
		bits = bits << 6 | (uint32_t)v;
		if (++letters % 4 == 0) {
			const char three[] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
			buf_add(b, three, 3);
		}
	}
	size_t rest = letters % 4;
	const char two[] = {(char)(rest == 3 ? bits >> 10 : bits >> 4), (char)(bits >> 2)};
	buf_add(b, two, rest == 3 ? 2 : rest == 2 ? 1 : 0);
	good = good && rest != 1 && (!pads || (letters + pads) % 4 == 0) && !buf_error(b);
	if (!good)
		buf_truncate(b, before);
	return good;
}
