/* Zip files in memory, good ones and others: names that stand twice or lead elsewhere, wrong sizes and checksums, bombs. io/zip makes good ones only.
 * Bytes are a function of what is put in: all times are 1980-01-01. No zip64: at most 65,535 entries and 4 GiB. */
#ifndef TAF_TTS_ARCHIVE_H
#define TAF_TTS_ARCHIVE_H

#include "base/buf.h"

struct archive {
	struct buf *out; /* the zip is appended */
	size_t start;
	struct buf central;
	unsigned entries;
	uint32_t crc_table[256];
};

struct archive_entry {
	struct str name, data;
	bool bad_crc;
	const char *password; /* NULL: not encrypted */
	uint32_t claims;      /* unpacked size that is stated; 0: the true one */
};

void archive_begin(struct archive *z, struct buf *out);
/** Deflated. */
void archive_put(struct archive *z, const struct archive_entry *entry);
/** `n` bytes of zeros, deflated at 159 : 1, made without unpacking them; `claims` as above. */
void archive_put_zeros(struct archive *z, struct str name, uint32_t n, uint32_t claims);
/** Writes the directory, releases. */
void archive_end(struct archive *z);

#endif
