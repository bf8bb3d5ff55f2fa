#include "tests/io/zipkit.h"

#include <string.h>

static void le(struct buf *b, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> (8 * i) & 0xff));
}

/* CRC-32 of ISO 3309, bit by bit. */
static uint32_t crc32_of(struct str s)
{
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned char)s.p[i];
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

/* What the local header and the directory have in common: version, flags, method, time, date, checksum, sizes, length of the name, no extra field. */
static void facts(struct buf *b, const char *name, struct str data, const struct zipkit_lie *lie, bool later)
{
	uint32_t packed = (uint32_t)data.n, size = lie->size ? lie->size : packed, crc = crc32_of(data) ^ lie->crc;
	le(b, 20, 2);
	le(b, lie->flags, 2);
	le(b, lie->method, 2);
	le(b, 0, 2);
	le(b, 0x21, 2);
	le(b, later ? 0 : crc, 4);
	le(b, later ? 0 : lie->method ? packed : size, 4);
	le(b, later ? 0 : size, 4);
	le(b, (uint32_t)strlen(name), 2);
	le(b, 0, 2);
}

void zipkit_add(struct zipkit *z, const char *name, struct str data, const struct zipkit_lie *lie)
{
	static const struct zipkit_lie honest = {.size = 0};
	lie = lie ? lie : &honest;
	uint32_t at = (uint32_t)z->entries.len;
	bool later = lie->flags & 8;
	buf_add(&z->entries, "PK\3\4", 4);
	facts(&z->entries, name, data, lie, later);
	buf_puts(&z->entries, name);
	buf_str(&z->entries, data);
	if (later) {
		buf_add(&z->entries, "PK\7\x8", 4);
		le(&z->entries, crc32_of(data) ^ lie->crc, 4);
		le(&z->entries, (uint32_t)data.n, 4);
		le(&z->entries, (uint32_t)data.n, 4);
	}
	buf_add(&z->directory, "PK\1\2", 4);
	le(&z->directory, 20, 2);
	facts(&z->directory, name, data, lie, false);
	le(&z->directory, 0, 4); /* length of its comment, number of its disk */
	le(&z->directory, 0, 2);
	le(&z->directory, 0, 4);
	le(&z->directory, at, 4);
	buf_puts(&z->directory, name);
	z->n++;
}

void zipkit_end(struct zipkit *z, const struct zipkit_lie *lie, struct buf *ret)
{
	unsigned n = z->n + (lie ? lie->count : 0);
	buf_str(ret, buf_view(&z->entries));
	buf_str(ret, buf_view(&z->directory));
	buf_add(ret, "PK\5\6", 4);
	le(ret, 0, 4);
	le(ret, n, 2);
	le(ret, n, 2);
	le(ret, (uint32_t)z->directory.len, 4);
	le(ret, (uint32_t)z->entries.len, 4);
	le(ret, 0, 2);
	buf_release(&z->entries);
	buf_release(&z->directory);
	*z = (struct zipkit)ZIPKIT_INIT;
}
