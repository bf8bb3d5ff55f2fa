#include "core/problems.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_SHOWN 20

struct problem_source {
	const char *file;
	struct str text;
};

void problems_release(struct problems *p)
{
	free(p->v);
	free(p->sources);
	arena_release(&p->arena);
	*p = (struct problems)PROBLEMS_INIT;
}

void problems_source(struct problems *p, const char *file, struct str text)
{
	GROW(p->sources, p->nsources, p->sources_cap);
	p->sources[p->nsources++] = (struct problem_source){arena_strdup(&p->arena, file), arena_str(&p->arena, text)};
}

static void add(struct problems *p, struct yaml_mark mark, const char *text, bool verbatim)
{
	if (mark.file)
		mark.file = arena_strdup(&p->arena, mark.file);
	GROW(p->v, p->n, p->cap);
	p->v[p->n] = (struct problem){mark, text, verbatim, p->n};
	p->n++;
}

void problem_add(struct problems *p, struct yaml_mark mark, const char *fmt, ...)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	add(p, mark, arena_strdup(&p->arena, b.data), false);
}

void problem_add_err(struct problems *p, struct yaml_mark mark, const struct err *e)
{
	add(p, mark, arena_strdup(&p->arena, e->text), true);
}

/* The known name nearest to `got`, or an empty slice when none is near. */
static struct str nearest_name(struct str got, const struct option_list *known)
{
	struct str best = {NULL, 0};
	/* A third of the letters may be wrong, so that "qa" is not taken for "at". */
	int limit = got.n < 3 ? 1 : got.n < 6 ? 2 : (int)(got.n / 3), nearest = limit + 1;
	if (limit > 4)
		limit = nearest = 4;
	for (size_t i = 0; i < known->n; i++) {
		int d = str_distance(got, known->v[i], limit);
		if (d < nearest && (size_t)d < known->v[i].n) {
			nearest = d;
			best = known->v[i];
		}
	}
	return best;
}

void problem_unknown(
	struct problems *p, struct yaml_mark mark, const char *lead, struct str got, const struct option_list *known)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "%s '%.*s'", lead, STR_FMT(utf8_clip(got, 100)));
	struct str near = nearest_name(got, known);
	if (near.n) {
		buf_printf(&b, "; did you mean '%.*s'?", STR_FMT(near));
	} else if (known->n) {
		buf_puts(&b, "; there is ");
		for (size_t i = 0; i < known->n && i < KNOWN_SHOWN; i++)
			buf_printf(&b, "%s%.*s", i ? ", " : "", STR_FMT(known->v[i]));
		if (known->n > KNOWN_SHOWN)
			buf_puts(&b, ", …");
	} else {
		buf_puts(&b, "; there is none");
	}
	problem_add(p, mark, "%s", b.data);
}

static int by_place(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;
	int d = strcmp(x->mark.file ? x->mark.file : "", y->mark.file ? y->mark.file : "");
	if (!d)
		d = (x->mark.line > y->mark.line) - (x->mark.line < y->mark.line);
	if (!d)
		d = (x->mark.col > y->mark.col) - (x->mark.col < y->mark.col);
	if (!d)
		d = (x->order > y->order) - (x->order < y->order);
	return d;
}

static bool same(const struct problem *a, const struct problem *b)
{
	return !strcmp(a->text, b->text) && a->mark.line == b->mark.line && a->mark.col == b->mark.col &&
		   !strcmp(a->mark.file ? a->mark.file : "", b->mark.file ? b->mark.file : "");
}

static struct str source_of(const struct problems *p, const char *file)
{
	for (size_t i = 0; file && i < p->nsources; i++)
		if (!strcmp(p->sources[i].file, file))
			return p->sources[i].text;
	return (struct str){NULL, 0};
}

void problems_print(const struct problems *p, struct buf *b)
{
	CLEANUP(free_ptr) struct problem *v = xcalloc(p->n + 1, sizeof(*v));
	if (p->n)
		memcpy(v, p->v, p->n * sizeof(*v));
	qsort(v, p->n, sizeof(*v), by_place);
	size_t shown = 0, left = 0;
	for (size_t i = 0; i < p->n; i++) {
		bool seen = false;
		for (size_t k = i; k > 0 && !seen && v[k - 1].mark.line == v[i].mark.line && v[k - 1].mark.col == v[i].mark.col;
			 k--)
			seen = same(&v[k - 1], &v[i]);
		if (seen)
			continue;
		if (shown == PROBLEMS_SHOWN) {
			left++;
			continue;
		}
		shown++;
		if (v[i].verbatim)
			buf_puts(b, v[i].text);
		else
			yaml_point(b, v[i].mark, source_of(p, v[i].mark.file), v[i].text);
		buf_putc(b, '\n');
	}
	if (left)
		buf_printf(b, "… and %zu more\n", left);
}

/* A stage's name comes before, a count behind. */
#define ERROR_TEXT_MAX (ERR_TEXT_MAX - 200)

int problems_error(const struct problems *p, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct problems first = *p;
	problems_print(p, &b);
	while (b.len > ERROR_TEXT_MAX && first.n > 1) {
		first.n--;
		buf_clear(&b);
		problems_print(&first, &b);
	}
	if (first.n < p->n)
		buf_printf(&b, "… and %zu more: taf check tells all", p->n - first.n);
	return err_set(e, ERR_CONFIG, "%s", b.data);
}
