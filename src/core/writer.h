/* The writer: one FIFO of rows, one thread that commits them. Inside the store only; see core/store.h for the promises. */
#ifndef TAF_CORE_WRITER_H
#define TAF_CORE_WRITER_H

#include "core/store_rows.h"
#include "io/db.h"

#define WRITER_ROWS 1000                  /* rows of one commit */
#define WRITER_MS 200                     /* longest wait for a commit */
#define WRITER_PENDING ((size_t)64 << 20) /* bytes in the FIFO beyond which who puts waits */

struct writer;

int writer_new(struct db *db, struct writer **ret, struct err *e);
/** Stop the thread: what is in the FIFO is committed first, or dropped. Takes NULL. */
void writer_free(struct writer *w, bool drop);
/** Between writer_begin and writer_end, append a row: `types` has 'i' (int64_t), 'b' (const void *, size_t), 't' (struct str) or 'n' (null; takes what 'b' takes)
 * an argument. Returns its ticket. */
int64_t writer_put(struct writer *w, enum store_row row, const char *types, ...);
/** Several rows that must be in one commit: begin, put, end. Others wait meanwhile. */
void writer_begin(struct writer *w);
void writer_end(struct writer *w);
/** Wait until a ticket is committed (0: all so far). */
int writer_wait(struct writer *w, int64_t ticket, struct err *e);
int64_t writer_committed(struct writer *w);
int writer_failed(struct writer *w, struct err *e);

#endif
