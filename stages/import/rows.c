/* labels_csv: labels and profiles by call, from a table that people keep in a spreadsheet. A row becomes part of the content of the call that it belongs
 * to, so an edited row makes that call be worked again and no other. What is wrong with the file (header, quotes, an id that stands twice) stops the run
 * before any work, since nobody can tell which calls it touches; what is wrong with a value quarantines its call. */
#include "stages/import/import.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum column {
	COL_ID,
	COL_LABEL,
	COL_FRAUD_TYPE,
	COL_SCENE,
	COL_AGE,
	COL_GENDER,
	COL_OCCUPATION,
	COL_INITIATOR,
	COLUMNS
};
static const char *const column_names[COLUMNS] = {
	"id", "label", "fraud_type", "scene", "age", "gender", "occupation", "initiator"};

struct row {
	struct str id;
	struct json *values;
	const char *problem;
	int line;
	struct str taken; /* by the call of this id; p == NULL for none */
};
struct rows {
	struct arena *arena;
	const char *path;
	const struct labels *labels;
	struct row *v;
	size_t n, cap;
	struct map whole, parts; /* id as written, and encoded as a part of an id → index */
	int columns[CSV_CELLS_MAX];
	size_t ncolumns;
};

static const char *gender_of(struct str s)
{
	static const char *const words[2][5] = {{"male", "m", "M", "男", "男性"}, {"female", "f", "F", "女", "女性"}};
	for (int g = 0; g < 2; g++)
		for (size_t i = 0; i < COUNT_OF(words[g]); i++)
			if (str_is(s, words[g][i]))
				return words[g][0];
	return NULL;
}

static const char *initiator_word(struct str s)
{
	static const char *const words[] = {"left", "right", "unknown"};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_is(s, words[i]))
			return words[i];
	return NULL;
}

/* --- Loading --- */

static int file_error(const struct rows *rows, int line, const char *words, struct err *e)
{
	return err_set(e, ERR_CONFIG, "%s:%d: %s", rows->path, line, words);
}

static void column_list(struct buf *b)
{
	for (size_t i = 0; i < COLUMNS; i++)
		buf_printf(b, "%s%s", i ? ", " : "", column_names[i]);
}

static int read_header(struct rows *rows, const struct csv_row *head, int line, struct err *e)
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	bool seen[COLUMNS] = {false};
	size_t unknown = 0;
	rows->ncolumns = head->n;
	for (size_t i = 0; i < head->n; i++) {
		struct str name = str_trim(head->cells[i]);
		int column = 0;
		while (column < COLUMNS && !str_is(name, column_names[column]))
			column++;
		if (column == COLUMNS) {
			buf_puts(&why, unknown++ ? ", " : "unknown columns: ");
			shown_label(&why, name);
			continue;
		}
		if (seen[column]) {
			buf_printf(&why, "column %s stands twice", column_names[column]);
			return file_error(rows, line, why.data, e);
		}
		seen[column] = true;
		rows->columns[i] = column;
	}
	if (unknown) {
		buf_puts(&why, "; there are ");
		column_list(&why);
	} else if (!seen[COL_ID]) {
		buf_puts(&why, "the header has no column id");
	}
	return why.len ? file_error(rows, line, why.data, e) : 0;
}

static bool label_known(const struct rows *rows, struct str s)
{
	return labels_is_fraud_type(rows->labels, s) || labels_is_scene(rows->labels, s);
}

static const char *unknown_value(struct rows *rows, const char *what, struct str s, const char *why)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT;
	shown_label(&shown, s);
	return arena_printf(rows->arena, "unknown %s %s: %s", what, shown.data, why);
}

/* What is wrong with a value; NULL when it is right. */
static const char *value_problem(struct rows *rows, enum column column, struct str s)
{
	int64_t age;
	if (s.n > IMPORT_CELL_MAX)
		return arena_printf(rows->arena, "a cell of %zu bytes is over %d", s.n, IMPORT_CELL_MAX);
	switch (column) {
	case COL_AGE:
		if (str_int(s, &age) && age >= 0 && age <= IMPORT_AGE_MAX)
			return NULL;
		return arena_printf(rows->arena, "no whole number from 0 to %d", IMPORT_AGE_MAX);
	case COL_GENDER:
		return gender_of(s) ? NULL : "neither male nor female (男, 女)";
	case COL_INITIATOR:
		return initiator_word(s) ? NULL : "none of left, right, unknown";
	case COL_LABEL:
		return label_known(rows, s) ? NULL
									: unknown_value(rows, "label", s, "neither a fraud type nor a scene of labels.yaml");
	case COL_FRAUD_TYPE:
		return labels_is_fraud_type(rows->labels, s) ? NULL : unknown_value(rows, "fraud type", s, "not in labels.yaml");
	case COL_SCENE:
		return labels_is_scene(rows->labels, s) ? NULL : unknown_value(rows, "scene", s, "not in labels.yaml");
	default:
		return NULL;
	}
}

/* `label` is a short way to write one of the other two. */
static const char *spread_label(struct rows *rows, struct json *values)
{
	struct str label = json_get_str(values, "label");
	const char *name = labels_is_fraud_type(rows->labels, label) ? "fraud_type" : "scene";
	if (label.n == 0)
		return NULL;
	struct str there = json_get_str(values, name);
	if (there.n && !str_eq(there, label))
		return arena_printf(rows->arena, "label: '%.*s', but %s: '%.*s'", STR_FMT(label), name, STR_FMT(there));
	json_set_str(rows->arena, values, name, label);
	return NULL;
}

static struct json *without_label(struct arena *a, const struct json *values)
{
	struct json *out = json_object(a);
	JSON_EACH(item, values) {
		if (!str_is(item->key, "label"))
			json_set_key(a, out, item->key, json_copy(a, item));
	}
	return out;
}

static void take_values(struct rows *rows, const struct csv_row *cells, struct row *ret)
{
	struct json *values = json_object(rows->arena);
	const char *problem = NULL;
	for (size_t i = 0; !problem && i < cells->n; i++) {
		enum column column = (enum column)rows->columns[i];
		struct str s = str_trim(cells->cells[i]);
		if (column == COL_ID || s.n == 0)
			continue;
		problem = value_problem(rows, column, s);
		if (problem)
			problem = arena_printf(rows->arena, "%s: %s", column_names[column], problem);
		else
			json_set_str(rows->arena, values, column_names[column], s);
	}
	if (!problem)
		problem = spread_label(rows, values);
	if (problem)
		ret->problem = arena_printf(rows->arena, "%s:%d: %s", rows->path, ret->line, problem);
	ret->values = without_label(rows->arena, values);
}

static int add_id(struct rows *rows, struct map *map, struct str id, struct err *e)
{
	bool fresh;
	struct map_entry *entry = map_put(map, id, &fresh);
	if (fresh) {
		entry->value.i = (int64_t)rows->n;
		return 0;
	}
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	buf_printf(&why, "the id '%.*s' stands twice, first in line %d", STR_FMT(id), rows->v[entry->value.i].line);
	return file_error(rows, rows->v[rows->n].line, why.data, e);
}

static int take_row(struct rows *rows, const struct csv_row *cells, int line, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (cells->n != rows->ncolumns) {
		buf_printf(&b, "%zu cells, the header has %zu", cells->n, rows->ncolumns);
		return file_error(rows, line, b.data, e);
	}
	struct row row = {.line = line, .id = str_of(NULL)};
	for (size_t i = 0; i < cells->n; i++)
		if (rows->columns[i] == COL_ID)
			row.id = arena_str(rows->arena, str_trim(cells->cells[i]));
	if (row.id.n == 0 || row.id.n > IMPORT_CELL_MAX)
		return file_error(rows, line, row.id.n ? "the id is too long" : "the id is empty", e);
	take_values(rows, cells, &row);
	GROW(rows->v, rows->n, rows->cap);
	rows->v[rows->n] = row;
	id_encode(&b, row.id);
	int r = add_id(rows, &rows->whole, row.id, e);
	if (!r)
		r = add_id(rows, &rows->parts, buf_view(&b), e);
	rows->n++;
	return r;
}

static int parse(struct rows *rows, struct str text, struct err *e)
{
	struct csv csv = {.rest = text, .line = 1, .next = 1};
	struct csv_row *cells = ARENA_NEW(rows->arena, struct csv_row);
	struct err own = ERR_INIT;
	bool header = false;
	int more = 1, r = 0;
	while (!r && (more = csv_next(&csv, rows->arena, cells, &own)) > 0) {
		r = header ? take_row(rows, cells, csv.line, e) : read_header(rows, cells, csv.line, e);
		header = true;
	}
	if (more < 0)
		return file_error(rows, csv.line, own.text, e);
	if (!r && !header)
		return file_error(rows, 1, "the file is empty: a header with a column id is needed", e);
	return r;
}

int rows_load(struct arena *a, const char *path, const struct labels *labels, struct rows **ret, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX(IMPORT_ROWS_FILE_MAX);
	struct err own = ERR_INIT;
	int r = fs_read(path, IMPORT_ROWS_FILE_MAX, &b, &own);
	if (r)
		return err_set(e, err_class_of(r) == CLASS_DATA ? ERR_CONFIG : r, "%s", own.text);
	struct str text = buf_view(&b);
	if (str_starts(text, "\xef\xbb\xbf"))
		text = str_n(text.p + 3, text.n - 3);
	struct rows *rows = ARENA_NEW(a, struct rows);
	*rows = (struct rows){.arena = a, .path = path, .labels = labels};
	ptrdiff_t bad = utf8_invalid(text);
	if (bad >= 0)
		r = err_set(e, ERR_CONFIG,
			"%s: invalid UTF-8 at byte %zu; save it as UTF-8, or if it is in GBK: iconv -f GBK -t UTF-8", path,
			(size_t)bad + 1);
	else
		r = parse(rows, text, e);
	if (r)
		rows_free(rows);
	else
		*ret = rows;
	return r;
}

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	map_release(&rows->whole);
	map_release(&rows->parts);
	free(rows->v);
	rows->v = NULL;
}

/* --- Rows and calls --- */

int rows_find(struct rows *rows, struct str id, struct str part, const struct json **ret_row, const char **ret_problem,
	struct err *e)
{
	const struct map_entry *entry = map_find(&rows->whole, id);
	if (!entry)
		entry = map_find(&rows->parts, part);
	if (!entry)
		return 0;
	struct row *row = &rows->v[entry->value.i];
	if (row->taken.p && !str_eq(row->taken, id))
		return err_set(e, ERR_CONFIG, "%s:%d: '%.*s' is the id of %.*s and of %.*s: write whole ids", rows->path,
			row->line, STR_FMT(row->id), STR_FMT(row->taken), STR_FMT(id));
	row->taken = arena_str(rows->arena, id);
	*ret_row = row->values;
	*ret_problem = row->problem;
	return 0;
}

size_t rows_problems(const struct rows *rows, const char **ret_first)
{
	size_t n = 0;
	*ret_first = NULL;
	for (size_t i = 0; i < rows->n; i++)
		if (rows->v[i].problem && n++ == 0)
			*ret_first = rows->v[i].problem;
	return n;
}

int rows_end(const struct rows *rows, struct err *e)
{
	const struct row *first = NULL;
	size_t idle = 0;
	for (size_t i = 0; i < rows->n; i++) {
		if (rows->v[i].taken.p)
			continue;
		if (idle++ == 0)
			first = &rows->v[i];
	}
	if (idle == 0)
		return 0;
	if (idle == rows->n)
		return err_set(e, ERR_CONFIG,
			"%s:%d: no row belongs to a call, '%.*s' neither: an id is that of a call as `taf show` has it, or that "
			"within "
			"its file (tts_id, key, or the file's name without its extension)",
			rows->path, first->line, STR_FMT(first->id));
	log_warn("import", "%s: %zu of %zu rows belong to no call that could be read; the first is '%.*s' in line %d",
		rows->path, idle, rows->n, STR_FMT(first->id), first->line);
	return 0;
}

void rows_apply(const struct json *row, struct transcript *t)
{
	struct str type = json_get_str(row, "fraud_type"), scene = json_get_str(row, "scene");
	struct str occupation = json_get_str(row, "occupation");
	int64_t age;
	if (type.n || scene.n) {
		t->label = type;
		t->scene = scene;
	}
	if (str_int(json_get_str(row, "age"), &age))
		t->age = age;
	if (occupation.n)
		t->occupation = occupation;
	t->gender = gender_of(json_get_str(row, "gender"));
	t->initiator = initiator_word(json_get_str(row, "initiator"));
}
