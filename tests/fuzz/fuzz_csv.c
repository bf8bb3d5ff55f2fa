/* import's labels_csv: rows of cells that survive being quoted, and a table of labels by call. */
#include "base/alloc.h"
#include "stages/import/import.h"
#include "tests/fuzz/fuzz.h"

static void quote_row(struct buf *b, const struct csv_row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		buf_puts(b, i ? ",\"" : "\"");
		for (size_t k = 0; k < row->cells[i].n; k++) {
			buf_putc(b, row->cells[i].p[k]);
			if (row->cells[i].p[k] == '"')
				buf_putc(b, '"');
		}
		buf_putc(b, '"');
	}
	buf_puts(b, "\r\n");
}

/* Cells → the same cells, all in quotes → the same. */
static void check_cells(struct str text)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct csv first = {.rest = text, .line = 1, .next = 1};
	struct csv_row *row = ARENA_NEW(&a, struct csv_row), *again = ARENA_NEW(&a, struct csv_row);
	struct err e = ERR_INIT;
	int more, line = 0;
	while ((more = csv_next(&first, &a, row, &e)) > 0) {
		ASSERT(row->n > 0 && row->n <= CSV_CELLS_MAX && first.line > line && first.next >= first.line);
		line = first.line;
		buf_clear(&b);
		quote_row(&b, row);
		struct csv second = {.rest = buf_view(&b), .line = 1, .next = 1};
		ASSERT(csv_next(&second, &a, again, &e) == 1 && again->n == row->n);
		for (size_t i = 0; i < row->n; i++)
			ASSERT(str_eq(row->cells[i], again->cells[i]));
		ASSERT(csv_next(&second, &a, again, &e) == 0);
	}
	if (more < 0)
		fuzz_failed(more, ERR_PARSE, &e);
}

static void check_table(const char *path)
{
	const struct str part = STR("a1"), id = STR("run/a1");
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct labels labels;
	struct rows *rows = NULL;
	struct err e = ERR_INIT;
	const struct json *row = NULL;
	const char *problem = NULL;
	ASSERT(labels_load(&a, fuzz_data("schemas/labels.yaml"), &labels, &e) == 0);
	int r = rows_load(&a, path, &labels, &rows, &e);
	if (!r)
		r = rows_find(rows, id, part, &row, &problem, &e);
	if (problem)
		fuzz_text(str_of(problem));
	if (!r && row) {
		struct transcript t = {.age = -1};
		rows_apply(row, &t);
		ASSERT(t.age >= -1 && t.age <= IMPORT_AGE_MAX);
		ASSERT(!t.label.n || labels_is_fraud_type(&labels, t.label) || labels_is_scene(&labels, t.label));
	}
	if (!r)
		r = rows_end(rows, &e);
	if (r)
		fuzz_failed(r, ERR_CONFIG, &e);
	rows_free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_cells(fuzz_str(data, size));
	check_table(fuzz_file(data, size));
	return 0;
}
