/* Zips made byte by byte, also such as no library writes: names twice, paths, false sizes and checksums. */
#ifndef TAF_TESTS_IO_ZIPKIT_H
#define TAF_TESTS_IO_ZIPKIT_H

#include "base/buf.h"

struct zipkit {
	struct buf entries, directory;
	unsigned n;
};
#define ZIPKIT_INIT {BUF_INIT, BUF_INIT, 0}
/** What is false about an entry; all 0 for an honest one. */
struct zipkit_lie {
	uint32_t size;   /* stated, ≠ 0: in place of the true one */
	unsigned flags;  /* 1: encrypted; 8: sizes and checksum stand behind the data */
	unsigned method; /* stated; the data are stored */
	bool crc;        /* a wrong checksum */
	unsigned count;  /* for zipkit_end(): entries stated more than there are */
};
/** `lie` may be NULL. */
void zipkit_add(struct zipkit *z, const char *name, struct str data, const struct zipkit_lie *lie);
/** The whole, appended; `z` is empty again. */
void zipkit_end(struct zipkit *z, const struct zipkit_lie *lie, struct buf *ret);

#endif
