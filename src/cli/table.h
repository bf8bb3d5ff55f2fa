/* Text tables: columns as wide as their widest cell (terminal columns, so Chinese lines up), numbers to the right.
 * Cells are copied; empty tables print their head. One thread. */
#ifndef TAF_CLI_TABLE_H
#define TAF_CLI_TABLE_H

#include "base/arena.h"
#include "base/buf.h"

#define TABLE_COLUMNS 12

struct table {
	const char *head[TABLE_COLUMNS];
	bool right[TABLE_COLUMNS];
	size_t ncolumns;
	struct str *cells; /* row by row */
	size_t n, cap;
	struct arena arena;
};

/** Heads; one that begins with '>' is of a column of numbers. */
void table_init(struct table *t, const char *const *heads, size_t n);
void table_release(struct table *t);
/** The next cell. Rows fill from the left. */
void table_cell(struct table *t, struct str text);
void table_cell_count(struct table *t, int64_t n);
void table_cell_seconds(struct table *t, double seconds);
/** All of it, a line a row, appended. */
void table_print(const struct table *t, struct buf *b);

#endif
