#include "cli/rows.h"

#include <string.h>

/* Bytes of a JSON value at the beginning of `s`: up to the bracket that closes it, or up to a comma or bracket outside of strings. */
static size_t value_length(struct str s)
{
	int depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']' || c == ',') && depth == 0)
			return i;
		else if ((c == '}' || c == ']') && --depth == 0)
			return i + 1;
	}
	return s.n;
}

static void skip(struct rows *r, size_t n)
{
	for (size_t i = 0; i < n && i < r->rest.n; i++)
		r->next += r->rest.p[i] == '\n';
	n = n < r->rest.n ? n : r->rest.n;
	r->rest = str_n(r->rest.p + n, r->rest.n - n);
}

static char skip_blanks(struct rows *r)
{
	while (r->rest.n && strchr(" \t\r\n", r->rest.p[0]))
		skip(r, 1);
	return r->rest.n ? r->rest.p[0] : '\0';
}

/* Past `"key":` with this key, or any when NULL. */
static bool skip_key(struct rows *r, const char *key)
{
	if (skip_blanks(r) != '"')
		return false;
	size_t n = 1;
	while (n < r->rest.n && r->rest.p[n] != '"')
		n += r->rest.p[n] == '\\' ? 2 : 1;
	if (n >= r->rest.n || (key && !str_is(str_n(r->rest.p + 1, n - 1), key)))
		return false;
	skip(r, n + 1);
	if (skip_blanks(r) != ':')
		return false;
	skip(r, 1);
	return true;
}

/* {"results": [ or {"results": {"name": [ : the rows are those of the lists. */
static bool open_results(struct rows *r)
{
	struct rows before = *r;
	skip(r, 1);
	if (skip_key(r, "results")) {
		char c = skip_blanks(r);
		skip(r, 1);
		r->depth = 1;
		if (c == '{' && skip_key(r, NULL)) {
			c = skip_blanks(r);
			skip(r, 1);
			r->depth = 2;
		}
		if (c == '[')
			return true;
	}
	*r = before;
	return false;
}

void rows_init(struct rows *r, const char *name, struct str text)
{
	if (str_starts(text, "\xEF\xBB\xBF"))
		text = str_n(text.p + 3, text.n - 3);
	*r = (struct rows){.name = name, .rest = text, .next = 1};
	char c = skip_blanks(r);
	if (c == '[') {
		skip(r, 1);
		r->depth = 1;
		r->list = true;
	} else if (c == '{') {
		r->list = open_results(r);
	}
}

static int parse(struct rows *r, struct arena *a, struct str text, struct json **ret, struct err *e)
{
	struct err own = ERR_INIT;
	if (json_parse(a, text, ret, &own) == 0)
		return 1;
	return err_set(e, ERR_PARSE, "%s:%zu: no JSON: %s", r->name, r->line, own.text);
}

static int next_line(struct rows *r, struct arena *a, struct json **ret, struct err *e)
{
	struct str line;
	while (str_line(&r->rest, &line)) {
		r->line = r->next++;
		if (str_trim(line).n)
			return parse(r, a, line, ret, e);
	}
	return 0;
}

/* Past the end of a list: the next list of {"results": {…}}. */
static bool next_list(struct rows *r)
{
	skip(r, 1);
	if (r->depth != 2)
		return false;
	if (skip_blanks(r) == ',')
		skip(r, 1);
	if (!skip_key(r, NULL) || skip_blanks(r) != '[')
		return false;
	skip(r, 1);
	return true;
}

int rows_next(struct rows *r, struct arena *a, struct json **ret, struct err *e)
{
	if (!r->list)
		return next_line(r, a, ret, e);
	for (;;) {
		char c = skip_blanks(r);
		r->line = r->next;
		if (c == '\0')
			return r->depth ? err_set(e, ERR_PARSE, "%s:%zu: the list is cut short", r->name, r->line) : 0;
		if (c == ',') {
			skip(r, 1);
		} else if (c == ']') {
			if (!next_list(r)) {
				r->depth = 0;
				r->rest.n = 0;
			}
		} else {
			size_t n = value_length(r->rest);
			struct str text = str_n(r->rest.p, n ? n : 1);
			skip(r, text.n);
			return parse(r, a, text, ret, e);
		}
	}
}
