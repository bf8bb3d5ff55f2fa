#include "core/template.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"

#include <string.h>

#define OPEN "{{"
#define CLOSE "}}"
#define COMMENT_OPEN "<!--"
#define COMMENT_CLOSE "-->"
#define BOM "\xEF\xBB\xBF"
#define TEXT_PIECE (-1)
#define TEMPLATE_SET_MAX 64

struct template_piece {
	struct str text; /* of a piece of text */
	int slot;        /* or its number */
	bool ends_line;  /* the text is "\n": lines are left out whole */
};

struct reading {
	struct arena *a;
	const struct template_source *source;
	const struct template_slot *slots;
	struct problems *problems;
	struct template_piece *v; /* malloc'ed while it grows */
	size_t n, cap;
	struct str whole; /* the file, as marks count it */
	bool used[TEMPLATE_SLOTS_MAX];
	bool bad;
};

static void release_reading(struct reading *r)
{
	free_ptr(&r->v);
}

static struct yaml_mark mark_at(const struct reading *r, const char *at)
{
	struct yaml_mark m = {r->source->path, 1, 1};
	const char *line = r->whole.p;
	for (const char *p = r->whole.p; p < at; p++)
		if (*p == '\n') {
			m.line++;
			line = p + 1;
		}
	m.col += (int)utf8_count(str_n(line, (size_t)(at - line)));
	return m;
}

static void wrong(struct reading *r, const char *at, const char *words)
{
	problem_add(r->problems, mark_at(r, at), "%s", words);
	r->bad = true;
}

static void add_piece(struct reading *r, struct template_piece piece)
{
	if (piece.slot == TEXT_PIECE && piece.text.n == 0)
		return;
	GROW(r->v, r->n, r->cap);
	r->v[r->n++] = piece;
}

/* Text without slots: one piece a line, one a line end. */
static void add_text(struct reading *r, struct str text)
{
	while (text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;
		add_piece(r, (struct template_piece){.text = str_n(text.p, n), .slot = TEXT_PIECE});
		if (end)
			add_piece(r, (struct template_piece){.text = str_n(end, 1), .slot = TEXT_PIECE, .ends_line = true});
		n += end != NULL;
		text = str_n(text.p + n, text.n - n);
	}
}

static void add_slot(struct reading *r, struct str name, const char *at)
{
	struct str known[TEMPLATE_SLOTS_MAX];
	struct option_list names = {.v = known, .n = 0};
	for (int i = 0; r->slots[i].name; i++) {
		ASSERT(i < TEMPLATE_SLOTS_MAX);
		if (str_is(name, r->slots[i].name)) {
			add_piece(r, (struct template_piece){.slot = i});
			r->used[i] = true;
			return;
		}
		known[names.n++] = str_of(r->slots[i].name);
	}
	problem_unknown(r->problems, mark_at(r, at), "unknown slot", name, &names);
	r->bad = true;
}

static void read_pieces(struct reading *r, struct str text)
{
	while (text.n) {
		ptrdiff_t at = str_find(text, STR(OPEN));
		add_text(r, str_n(text.p, at < 0 ? text.n : (size_t)at));
		if (at < 0)
			return;
		const char *from = text.p + at;
		struct str rest = str_n(from + strlen(OPEN), text.n - (size_t)at - strlen(OPEN));
		ptrdiff_t close = str_find(rest, STR(CLOSE));
		const char *line = memchr(rest.p, '\n', rest.n);
		if (close < 0 || (line && line < rest.p + close)) {
			wrong(r, from, "this {{ is not closed by }} on its line");
			text = rest;
			continue;
		}
		add_slot(r, str_trim(str_n(rest.p, (size_t)close)), from);
		size_t skip = (size_t)close + strlen(CLOSE);
		text = str_n(rest.p + skip, rest.n - skip);
	}
}

/* Behind the comment for readers. */
static struct str skip_comment(struct reading *r, struct str text)
{
	text = str_trim(text);
	if (!str_starts(text, COMMENT_OPEN))
		return text;
	ptrdiff_t close = str_find(text, STR(COMMENT_CLOSE));
	if (close < 0) {
		wrong(r, text.p, "this comment is not closed by -->");
		return str_n(text.p, 0);
	}
	size_t skip = (size_t)close + strlen(COMMENT_CLOSE);
	return str_trim(str_n(text.p + skip, text.n - skip));
}

/* A terminated copy without BOM and carriage returns before line ends. */
static struct str plain_text(struct arena *a, struct str text)
{
	if (str_starts(text, BOM))
		text = str_n(text.p + strlen(BOM), text.n - strlen(BOM));
	char *p = arena_dup(a, text.p, text.n);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r' || i + 1 == text.n || text.p[i + 1] != '\n')
			p[n++] = text.p[i];
	p[n] = '\0';
	return str_n(p, n);
}

static void check_whole(struct reading *r, bool empty)
{
	struct yaml_mark top = {r->source->path, 1, 1};
	if (empty && !r->bad) {
		problem_add(r->problems, top, "this prompt is empty");
		r->bad = true;
	}
	for (int i = 0; r->slots[i].name && !r->bad; i++) {
		if (!r->slots[i].needed || r->used[i])
			continue;
		problem_add(r->problems, top, "this prompt has no {{%s}}, which it needs", r->slots[i].name);
		r->bad = true;
	}
}

bool template_read(struct arena *a, const struct template_source *source, const struct template_slot *slots,
	struct template *ret, struct problems *problems)
{
	CLEANUP(release_reading) struct reading r = {.a = a, .source = source, .slots = slots, .problems = problems};
	struct yaml_mark top = {source->path, 1, 1};
	if (source->text.n > TEMPLATE_BYTES_MAX || utf8_invalid(source->text) >= 0) {
		problem_add(problems, top,
			source->text.n > TEMPLATE_BYTES_MAX ? "a prompt is at most 256 KiB" : "this file is no valid UTF-8");
		return false;
	}
	r.whole = plain_text(a, source->text);
	problems_source(problems, source->path, r.whole);
	struct str text = skip_comment(&r, r.whole);
	read_pieces(&r, text);
	check_whole(&r, text.n == 0);
	if (r.bad)
		return false;
	ret->n = r.n;
	ret->pieces = arena_array(a, r.n, sizeof(*r.v));
	memcpy(ret->pieces, r.v, r.n * sizeof(*r.v));
	return true;
}

/* Of one file. */
static int load(struct arena *a, const struct template_source *file, const struct template_slot *slots,
	struct template *ret, struct problems *p)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(TEMPLATE_BYTES_MAX + 1);
	struct err e = ERR_INIT;
	int rc = fs_read(file->path, TEMPLATE_BYTES_MAX + 1, &bytes, &e);
	if (rc < 0) {
		problem_add(p, (struct yaml_mark){file->path, 0, 0}, "%s", e.text);
		return rc;
	}
	struct template_source source = {file->path, buf_view(&bytes)};
	return template_read(a, &source, slots, ret, p) ? 0 : ERR_CONFIG;
}

int template_load(
	struct arena *a, const char *path, const struct template_slot *slots, struct template *ret, struct err *e)
{
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct template_source file = {.path = arena_strdup(a, path)};
	return load(a, &file, slots, ret, &p) < 0 ? problems_error(&p, e) : 0;
}

/* --- A set --- */

int template_named(const struct template_spec *specs, struct str name)
{
	for (int i = 0; specs[i].name; i++)
		if (str_is(name, specs[i].name))
			return i;
	return -1;
}

static void unknown_file(struct problems *p, const char *path, const struct template_spec *specs)
{
	struct str names[TEMPLATE_SET_MAX];
	struct option_list known = {.v = names, .n = 0};
	for (; specs[known.n].name; known.n++) {
		ASSERT(known.n < TEMPLATE_SET_MAX);
		names[known.n] = str_of(specs[known.n].name);
	}
	problem_unknown(p, (struct yaml_mark){path, 0, 0}, "there is no prompt of the name", fs_stem(path), &known);
}

int templates_load(struct arena *a, const struct option_list *files, const struct template_spec *specs,
	struct template *ret, struct err *e)
{
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	bool seen[TEMPLATE_SET_MAX] = {false};
	for (size_t i = 0; i < files->n; i++) {
		struct template_source file = {.path = arena_str(a, files->v[i]).p};
		int at = template_named(specs, fs_stem(file.path));
		if (at < 0)
			unknown_file(&p, file.path, specs);
		else if (seen[at])
			problem_add(&p, (struct yaml_mark){file.path, 0, 0},
				"there is another file for the prompt %s; name one of them", specs[at].name);
		else
			load(a, &file, specs[at].slots, &ret[at], &p);
		if (at >= 0)
			seen[at] = true;
	}
	for (int i = 0; specs[i].name && p.n == 0; i++)
		if (!seen[i])
			problem_add(&p, (struct yaml_mark){NULL, 0, 0}, "prompts: there is no file %s.md", specs[i].name);
	return p.n ? problems_error(&p, e) : 0;
}

/* The pieces of the line from `from`: where the next begins, and whether it is said. */
static size_t line_end(const struct template *t, const struct str *values, size_t from, bool *ret_said)
{
	bool slots = false, filled = false;
	size_t at = from;
	for (; at < t->n; at++) {
		const struct template_piece *p = &t->pieces[at];
		if (p->ends_line) {
			at++;
			break;
		}
		slots |= p->slot != TEXT_PIECE;
		filled |= p->slot != TEXT_PIECE && values[p->slot].n > 0;
	}
	*ret_said = filled || !slots;
	return at;
}

void template_render(struct buf *ret, const struct template *t, const struct str *values)
{
	for (size_t at = 0, next; at < t->n; at = next) {
		bool said;
		next = line_end(t, values, at, &said);
		for (size_t i = at; said && i < next; i++)
			buf_str(ret, t->pieces[i].slot == TEXT_PIECE ? t->pieces[i].text : values[t->pieces[i].slot]);
	}
}

size_t template_bytes(const struct template *t)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++)
		n += t->pieces[i].text.n;
	return n;
}
