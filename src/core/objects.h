/* The folder of objects: files named by the SHA-256 of their bytes, objects/ab/cdef…; written to objects/tmp, synced, renamed, the folder synced.
 * Used by `taf` and by its workers at the same time; any thread. An object is at most OBJECT_MAX bytes. */
#ifndef TAF_CORE_OBJECTS_H
#define TAF_CORE_OBJECTS_H

#include "base/buf.h"
#include "base/err.h"
#include "io/digest.h"

#define OBJECT_MAX ((size_t)1 << 30)
#define OBJECT_FOLDERS 256

/** Make the folder with its 256 folders, and tmp. */
int objects_prepare(const char *folder, struct err *e);
/** Remove what killed processes left in tmp. Only under the lock of the work folder. */
int objects_sweep(const char *folder, struct err *e);
/** Store. When an object of this digest and length is there already, nothing is written. */
int objects_put(const char *folder, struct str bytes, struct digest *ret, struct err *e);
/** Read whole; ERR_LOST when it is missing, or its length is not `size`. Where the length is not known (size < 0) the digest is checked, and a
 * damaged object removed. */
int objects_read(const char *folder, const struct digest *d, int64_t size, size_t max, struct buf *ret, struct err *e);
/** The path of an object, in `ret` (cleared first). */
void objects_path(struct buf *ret, const char *folder, const struct digest *d);
/** Length, or -1 when it is missing. */
int64_t objects_size(const char *folder, const struct digest *d);
int objects_remove(const char *folder, const struct digest *d, struct err *e);

#endif
