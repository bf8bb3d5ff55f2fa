/* CSV as RFC 4180 has it: cells between commas, quoted ones may hold commas, line ends and doubled quotes; lines end with \n or \r\n. What the RFC
 * leaves open is strict: a quote within a bare cell or text behind a closing quote is an error, since it is nearly always a slip. Empty lines are
 * skipped. Own code, since libcsv, the C library that Debian has, tells no line numbers, and a slip in a table of thousands of rows is found by its line. */
#include "stages/import/import.h"

#include "base/alloc.h"

/* A quoted cell; `rest` stands behind its opening quote. */
static int quoted(struct csv *c, struct arena *a, struct str *ret, struct err *e)
{
	size_t i = 0, doubled = 0;
	for (;; i++) {
		if (i >= c->rest.n)
			return err_set(e, ERR_PARSE, "a quote is not closed");
		if (c->rest.p[i] == '\n')
			c->next++;
		if (c->rest.p[i] != '"')
			continue;
		if (i + 1 >= c->rest.n || c->rest.p[i + 1] != '"')
			break;
		doubled++;
		i++;
	}
	struct str raw = str_n(c->rest.p, i);
	c->rest = str_n(c->rest.p + i + 1, c->rest.n - i - 1);
	*ret = raw;
	if (doubled == 0)
		return 0;
	char *copy = arena_alloc(a, raw.n - doubled + 1);
	size_t n = 0;
	for (size_t k = 0; k < raw.n; k++) {
		copy[n++] = raw.p[k];
		if (raw.p[k] == '"')
			k++;
	}
	*ret = str_n(copy, n);
	return 0;
}

static int bare(struct csv *c, struct str *ret, struct err *e)
{
	size_t i = 0;
	for (; i < c->rest.n && c->rest.p[i] != ',' && c->rest.p[i] != '\n'; i++)
		if (c->rest.p[i] == '"')
			return err_set(e, ERR_PARSE, "a quote within a cell: put the whole cell in quotes and double those in it");
	size_t n = i < c->rest.n && c->rest.p[i] == '\n' && i && c->rest.p[i - 1] == '\r' ? i - 1 : i;
	*ret = str_n(c->rest.p, n);
	c->rest = str_n(c->rest.p + i, c->rest.n - i);
	return 0;
}

/* What ends a cell: 1 for a comma, 0 for the end of the row. */
static int cell_end(struct csv *c, struct err *e)
{
	if (c->rest.n == 0)
		return 0;
	if (c->rest.p[0] == ',') {
		c->rest = str_n(c->rest.p + 1, c->rest.n - 1);
		return 1;
	}
	size_t skip = str_starts(c->rest, "\r\n") ? 2 : c->rest.p[0] == '\n' ? 1 : 0;
	if (skip == 0)
		return err_set(e, ERR_PARSE, "text behind a closing quote");
	c->rest = str_n(c->rest.p + skip, c->rest.n - skip);
	c->next++;
	return 0;
}

static void skip_empty(struct csv *c)
{
	struct str rest = c->rest, line;
	while (str_line(&rest, &line) && str_trim(line).n == 0) {
		c->rest = rest;
		c->next++;
	}
}

int csv_next(struct csv *c, struct arena *a, struct csv_row *ret, struct err *e)
{
	int more = 1;
	ret->n = 0;
	skip_empty(c);
	c->line = c->next;
	if (c->rest.n == 0)
		return 0;
	while (more > 0) {
		struct str *cell = &ret->cells[ret->n];
		if (ret->n == CSV_CELLS_MAX)
			return err_set(e, ERR_PARSE, "more than %d cells in a row", CSV_CELLS_MAX);
		bool quote = c->rest.n && c->rest.p[0] == '"';
		if (quote)
			c->rest = str_n(c->rest.p + 1, c->rest.n - 1);
		int r = quote ? quoted(c, a, cell, e) : bare(c, cell, e);
		if (r)
			return r;
		ret->n++;
		more = cell_end(c, e);
	}
	return more < 0 ? more : 1;
}
