/* Zip files by libzip: stored or deflated entries, sizes and CRC in the local header, zip64 when needed, fixed time stamp (1980-01-01) and
 * attributes, so that equal input gives equal bytes. The only file that includes libzip is zip.c. */
#ifndef TAF_IO_ZIP_H
#define TAF_IO_ZIP_H

#include "base/buf.h"
#include "base/err.h"

struct zip_writer;
/** Begin a zip at `path` (replaced when there). libzip writes on close: beside, then renamed. */
int zip_writer_open(const char *path, struct zip_writer **ret, struct err *e);
/** Add a file from disk, stored. Its bytes are read on close: the file must stay as it is till then. */
int zip_writer_file(struct zip_writer *z, const char *name, const char *path, struct err *e);
/** The same, deflated at level 9. */
int zip_writer_file_deflated(struct zip_writer *z, const char *name, const char *path, struct err *e);
struct zip_part {
	const char *path;
	int64_t from, length;
};
/** A stretch of a file as an entry, deflated; as with zip_writer_file the file must stay as it is till the zip is closed. */
int zip_writer_part(struct zip_writer *z, const char *name, const struct zip_part *part, struct err *e);
/** Add bytes (copied), deflated when `deflate`, level 9. */
int zip_writer_bytes(struct zip_writer *z, const char *name, const void *p, size_t n, bool deflate, struct err *e);
/** Write it all, sync, free. On failure nothing is left behind. A second interrupt (STOP_DROP) ends it with ERR_STOPPED. */
int zip_writer_close(struct zip_writer *z, struct err *e);
void zip_writer_abort(struct zip_writer *z); /* takes NULL */
void zip_writer_cleanup(struct zip_writer **z);

struct zip_reader;
int zip_reader_open(const char *path, struct zip_reader **ret, struct err *e);
/** What a zip of unknown origin may be, by what it states; zip_reader_read() holds it to that. */
struct zip_limits {
	int64_t entries;      /* below 65,535 */
	uint64_t each, total; /* bytes of an entry, of all, unpacked */
	uint64_t ratio;       /* unpacked to packed, of entries over ZIP_RATIO_FROM bytes */
};
#define ZIP_RATIO_FROM ((uint64_t)1 << 20)
/** Read from memory, which stays as it is until the reader is freed. `what` stands for it in errors. All of this is checked before anything is unpacked:
 * ERR_PARSE: it is no zip, or a broken one; ERR_TOOBIG: over a limit; ERR_DATA: an entry's name is a path (it holds a slash, a backslash, a colon, is "..")
 * or has control characters, or it is packed otherwise than stored and deflated. A name may stand in it more than once. */
int zip_reader_open_bytes(
	struct str bytes, const char *what, const struct zip_limits *limits, struct zip_reader **ret, struct err *e);
int64_t zip_reader_count(struct zip_reader *z);
const char *zip_reader_name(struct zip_reader *z, int64_t index);
/** The bytes of entry `index` (CRC checked), at most `max`, appended. */
int zip_reader_read(struct zip_reader *z, int64_t index, size_t max, struct buf *ret, struct err *e);
/** Index of the entry of this name, or -1. */
int64_t zip_reader_find(struct zip_reader *z, const char *name);
/** Read entry `index` line by line, whatever its size: each without its "\n", at most `max` bytes (ERR_TOOBIG). A negative code of `take` ends it.
 * The CRC is checked behind the last line: only then is it sure that what was taken is what was packed. */
struct zip_lines {
	size_t max;
	int (*take)(void *arg, struct str line, struct err *e);
	void *arg;
};
int zip_reader_lines(struct zip_reader *z, int64_t index, const struct zip_lines *lines, struct err *e);
void zip_reader_free(struct zip_reader *z);
void zip_reader_cleanup(struct zip_reader **z);

#endif
