#include "cli/table.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/utf8.h"
#include "cli/say.h"

#include <stdlib.h>

void table_init(struct table *t, const char *const *heads, size_t n)
{
	*t = (struct table){.ncolumns = n, .arena = ARENA_INIT};
	ASSERT(n <= TABLE_COLUMNS);
	for (size_t i = 0; i < n; i++) {
		t->right[i] = heads[i][0] == '>';
		t->head[i] = heads[i] + (t->right[i] ? 1 : 0);
	}
}

void table_release(struct table *t)
{
	free(t->cells);
	arena_release(&t->arena);
}

void table_cell(struct table *t, struct str text)
{
	CLEANUP(buf_release) struct buf clean = BUF_INIT;
	put_clean(&clean, text);
	GROW(t->cells, t->n, t->cap);
	t->cells[t->n++] = arena_str(&t->arena, buf_view(&clean));
}

void table_cell_count(struct table *t, int64_t n)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	put_count(&b, n);
	table_cell(t, buf_view(&b));
}

void table_cell_seconds(struct table *t, double seconds)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	put_seconds(&b, seconds);
	table_cell(t, buf_view(&b));
}

static void put_row(const struct table *t, struct buf *b, const struct str *row, const size_t *wide)
{
	for (size_t c = 0; c < t->ncolumns; c++) {
		int pad = (int)(wide[c] - utf8_width(row[c]));
		if (t->right[c])
			buf_printf(b, "%*s", pad, "");
		buf_str(b, row[c]);
		if (c + 1 < t->ncolumns)
			buf_printf(b, "%*s", (t->right[c] ? 0 : pad) + 2, "");
	}
	buf_putc(b, '\n');
}

void table_print(const struct table *t, struct buf *b)
{
	size_t wide[TABLE_COLUMNS] = {0};
	struct str heads[TABLE_COLUMNS];
	for (size_t c = 0; c < t->ncolumns; c++) {
		heads[c] = str_of(t->head[c]);
		wide[c] = utf8_width(heads[c]);
	}
	for (size_t i = 0; i < t->n; i++) {
		size_t width = utf8_width(t->cells[i]);
		if (width > wide[i % t->ncolumns])
			wide[i % t->ncolumns] = width;
	}
	put_row(t, b, heads, wide);
	for (size_t i = 0; i + t->ncolumns <= t->n; i += t->ncolumns)
		put_row(t, b, &t->cells[i], wide);
}
