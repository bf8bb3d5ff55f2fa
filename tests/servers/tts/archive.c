#include "tests/servers/tts/archive.h"

#include "base/alloc.h"
#include "io/deflate.h"

#define POLYNOMIAL 0xEDB88320u /* of CRC-32, its lowest power first */
#define DEFLATED 8
#define ZLIB_HEAD 2 /* what zlib's own format (RFC 1950) has around the deflated bytes */
#define ZLIB_TAIL 4
#define MATCH 258 /* the longest of RFC 1951 */

/* What both headers of an entry hold. */
struct facts {
	struct str name;
	uint32_t crc, packed, unpacked, at;
	unsigned flags; /* besides that of UTF-8 names */
};

static void put16(struct buf *b, unsigned v)
{
	buf_putc(b, (char)(v & 255));
	buf_putc(b, (char)(v >> 8 & 255));
}

static void put32(struct buf *b, uint32_t v)
{
	put16(b, v & 65535);
	put16(b, v >> 16);
}

/* The part that both headers have in common (APPNOTE 4.3.7 and 4.3.12): version, flags (UTF-8 names), method, time, date, crc, sizes, length of the name. */
static void put_facts(struct buf *b, const struct facts *f)
{
	put16(b, 20);
	put16(b, 1 << 11 | f->flags);
	put16(b, DEFLATED);
	put16(b, 0);
	put16(b, 1 << 5 | 1);
	put32(b, f->crc);
	put32(b, f->packed);
	put32(b, f->unpacked);
	put16(b, (unsigned)f->name.n);
	put16(b, 0);
}

static void put_entry(struct archive *z, struct facts *f, struct str packed)
{
	f->at = (uint32_t)(z->out->len - z->start);
	f->packed = (uint32_t)packed.n;
	put32(z->out, 0x04034b50);
	put_facts(z->out, f);
	buf_str(z->out, f->name);
	buf_str(z->out, packed);
	put32(&z->central, 0x02014b50);
	put16(&z->central, 3 << 8 | 20); /* made on Unix */
	put_facts(&z->central, f);
	put16(&z->central, 0);
	put16(&z->central, 0);
	put16(&z->central, 0);
	put32(&z->central, 0100644u << 16);
	put32(&z->central, f->at);
	buf_str(&z->central, f->name);
	z->entries++;
}

void archive_begin(struct archive *z, struct buf *out)
{
	*z = (struct archive){.out = out, .start = out->len, .central = BUF_INIT};
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		z->crc_table[i] = c;
	}
}

/* ---- Encryption ---- */

/* The traditional one, APPNOTE 6.1: three keys that every plain byte moves on. */
struct cipher {
	const uint32_t *crc_table;
	uint32_t key[3];
};

static void move_on(struct cipher *c, unsigned char plain)
{
	c->key[0] = c->crc_table[(c->key[0] ^ plain) & 255] ^ c->key[0] >> 8;
	c->key[1] = (c->key[1] + (c->key[0] & 255)) * 134775813u + 1;
	c->key[2] = c->crc_table[(c->key[2] ^ c->key[1] >> 24) & 255] ^ c->key[2] >> 8;
}

static void put_secret(struct cipher *c, struct buf *b, unsigned char plain)
{
	uint32_t t = (c->key[2] | 2) & 65535;
	buf_putc(b, (char)(plain ^ (t * (t ^ 1) >> 8 & 255)));
	move_on(c, plain);
}

/* Behind 12 bytes, of which the last tells a right password. */
static void encrypt(const struct archive *z, const char *password, uint32_t crc, struct str packed, struct buf *b)
{
	struct cipher c = {z->crc_table, {0x12345678, 0x23456789, 0x34567890}};
	for (; *password; password++)
		move_on(&c, (unsigned char)*password);
	for (int i = 0; i < 12; i++)
		put_secret(&c, b, (unsigned char)(i < 11 ? crc >> i : crc >> 24));
	for (size_t i = 0; i < packed.n; i++)
		put_secret(&c, b, (unsigned char)packed.p[i]);
}

void archive_put(struct archive *z, const struct archive_entry *entry)
{
	CLEANUP(buf_release) struct buf packed = BUF_INIT;
	CLEANUP(buf_release) struct buf secret = BUF_INIT;
	uint32_t crc = ~0u;
	for (size_t i = 0; i < entry->data.n; i++)
		crc = z->crc_table[(crc ^ (unsigned char)entry->data.p[i]) & 255] ^ crc >> 8;
	struct facts f = {.name = entry->name,
		.crc = ~crc ^ (entry->bad_crc ? 0x5A5A5A5A : 0),
		.unpacked = entry->claims ? entry->claims : (uint32_t)entry->data.n};
	deflate_pack(&packed, entry->data);
	struct str bare = str_n(packed.data + ZLIB_HEAD, packed.len - ZLIB_HEAD - ZLIB_TAIL);
	if (entry->password) {
		encrypt(z, entry->password, f.crc, bare, &secret);
		bare = buf_view(&secret);
		f.flags = 1;
	}
	put_entry(z, &f, bare);
}

/* ---- Zeros ---- */

/* Product of two polynomials modulo that of CRC-32; bit 31 is x^0. */
static uint32_t product(uint32_t a, uint32_t b)
{
	uint32_t r = 0;
	for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
		if (a & bit)
			r ^= b;
		b = b & 1 ? b >> 1 ^ POLYNOMIAL : b >> 1;
	}
	return r;
}

/* A byte of zeros multiplies the remainder by x^8: n of them by x^(8n). */
static uint32_t crc_of_zeros(uint32_t n)
{
	uint32_t power = 1u << 23, all = 1u << 31; /* x^8, 1 */
	for (; n; n >>= 1) {
		if (n & 1)
			all = product(all, power);
		power = product(power, power);
	}
	return ~product(~0u, all);
}

struct bits {
	struct buf *b;
	uint64_t held;
	int n;
};

static void put_bits(struct bits *w, uint32_t v, int n) /* the lowest first */
{
	w->held |= (uint64_t)v << w->n;
	w->n += n;
	for (; w->n >= 8; w->n -= 8, w->held >>= 8)
		buf_putc(w->b, (char)(w->held & 255));
}

/* One block with the fixed codes of RFC 1951, 3.2.6; codes stand with their first bit lowest. */
static void deflate_zeros(struct buf *b, uint32_t n)
{
	struct bits w = {.b = b};
	uint32_t matches = n > 1 ? (n - 1) / MATCH : 0;
	put_bits(&w, 1 | 1 << 1, 3); /* the last block, fixed codes */
	for (uint32_t i = 0; i < n - matches * MATCH; i++)
		put_bits(&w, 0x0C, 8); /* the literal 0: 00110000 */
	for (uint32_t i = 0; i < matches; i++)
		put_bits(&w, 0xA3, 8 + 5); /* length 258 (285: 11000101), distance 1 (0: 00000) */
	put_bits(&w, 0, 7 + 7);        /* the end (256: 0000000), and bits to fill a byte */
}

void archive_put_zeros(struct archive *z, struct str name, uint32_t n, uint32_t claims)
{
	CLEANUP(buf_release) struct buf packed = BUF_INIT;
	struct facts f = {.name = name, .crc = crc_of_zeros(n), .unpacked = claims ? claims : n};
	deflate_zeros(&packed, n);
	put_entry(z, &f, buf_view(&packed));
}

void archive_end(struct archive *z)
{
	uint32_t at = (uint32_t)(z->out->len - z->start), size = (uint32_t)z->central.len;
	buf_str(z->out, buf_view(&z->central));
	put32(z->out, 0x06054b50);
	put32(z->out, 0);
	put16(z->out, z->entries);
	put16(z->out, z->entries);
	put32(z->out, size);
	put32(z->out, at);
	put16(z->out, 0);
	buf_release(&z->central);
}
