#include "core/option.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "core/problems.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What parsing one value needs to know. */
struct parse {
	struct arena *arena;
	const struct option *option;
	const struct yaml_node *node;
	const char *base;
	struct problems *problems;
	void *params;
	int preset; /* choice of the OPTION_PRESET before this one; -1: none */
};

static void *slot(const struct option *o, void *params)
{
	return (char *)params + o->offset;
}

static const void *slot_const(const struct option *o, const void *params)
{
	return (const char *)params + o->offset;
}

/* "32": a text to YAML, whatever is in it. */
static bool quoted_number(const struct yaml_node *node)
{
	double value;
	struct yaml_node plain = *node;
	plain.plain = true;
	return node->kind == YAML_SCALAR && !node->plain && yaml_real(&plain, &value);
}

static bool wrong(const struct parse *p, const struct yaml_node *node, const char *expected)
{
	if (node->kind == YAML_SCALAR)
		problem_add(p->problems, node->mark, "%s: expected %s, got '%.*s'", p->option->name, expected,
			STR_FMT(utf8_clip(node->text, 100)));
	else
		problem_add(p->problems, node->mark, "%s: expected %s, got a %s", p->option->name, expected,
			node->kind == YAML_LIST ? "list" : "map");
	return false;
}

static bool wrong_number(const struct parse *p, const char *expected)
{
	if (!quoted_number(p->node))
		return wrong(p, p->node, expected);
	problem_add(p->problems, p->node->mark, "%s: expected %s, got the text '%.*s': write the number without quotes",
		p->option->name, expected, STR_FMT(utf8_clip(p->node->text, 100)));
	return false;
}

static void put_number(struct buf *b, double x)
{
	if (fabs(x) < 1e15 && x == floor(x))
		buf_printf(b, "%.0f", x);
	else
		buf_printf(b, "%g", x);
}

static bool has_range(const struct option *o)
{
	return o->min != 0 || o->max != 0;
}

static bool in_range(const struct parse *p, double x)
{
	const struct option *o = p->option;
	if (!has_range(o) || (x >= o->min && x <= o->max))
		return true;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	put_number(&b, o->min);
	buf_puts(&b, " to ");
	put_number(&b, o->max);
	if (o->unit)
		buf_printf(&b, " %s", o->unit);
	problem_add(p->problems, p->node->mark, "%s: %.*s is out of range (%s)", o->name, STR_FMT(p->node->text), b.data);
	return false;
}

static bool parse_int(const struct parse *p)
{
	int64_t value;
	if (!yaml_int(p->node, &value))
		return wrong_number(p, "an integer");
	if (!in_range(p, (double)value))
		return false;
	*(int64_t *)slot(p->option, p->params) = value;
	return true;
}

static bool parse_real(const struct parse *p)
{
	double value;
	if (!yaml_real(p->node, &value))
		return wrong_number(p, "a number");
	if (!in_range(p, value))
		return false;
	*(double *)slot(p->option, p->params) = value;
	return true;
}

static struct option_list choices_of(struct arena *a, const struct option *o)
{
	struct option_list list = {NULL, 0};
	while (o->choices[list.n])
		list.n++;
	list.v = arena_array(a, list.n, sizeof(*list.v));
	for (size_t i = 0; i < list.n; i++)
		list.v[i] = str_of(o->choices[i]);
	return list;
}

static bool parse_choice(const struct parse *p)
{
	const struct option *o = p->option;
	if (p->node->kind == YAML_SCALAR) {
		for (int i = 0; o->choices[i]; i++) {
			if (str_is(p->node->text, o->choices[i])) {
				*(int *)slot(o, p->params) = i;
				return true;
			}
		}
	} else {
		return wrong(p, p->node, "a text");
	}
	struct option_list list = choices_of(p->arena, o);
	CLEANUP(buf_release) struct buf lead = BUF_INIT;
	buf_printf(&lead, "%s: cannot be", o->name);
	problem_unknown(p->problems, p->node->mark, lead.data, p->node->text, &list);
	return false;
}

/* Absolute path of `text`: under the data root for "@/…", else from the base folder. */
static bool resolve(const struct parse *p, const struct yaml_node *node, struct buf *ret)
{
	if (!node->text.n) {
		problem_add(p->problems, node->mark, "%s: an empty path", p->option->name);
		return false;
	}
	if (!str_starts(node->text, "@/")) {
		fs_join(ret, p->base ? p->base : ".", node->text.p);
		return true;
	}
	struct err e = ERR_INIT;
	CLEANUP(buf_release) struct buf root = BUF_INIT;
	if (fs_data_root(&root, &e)) {
		problem_add(p->problems, node->mark, "%s: %s", p->option->name, e.text);
		return false;
	}
	fs_join(ret, root.data, node->text.p + 2);
	return true;
}

static bool parse_file(const struct parse *p)
{
	if (p->node->kind != YAML_SCALAR)
		return wrong(p, p->node, "a path");
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	if (!resolve(p, p->node, &path))
		return false;
	*(struct str *)slot(p->option, p->params) = arena_str(p->arena, buf_view(&path));
	if (p->option->flags & OPTION_SECRET_FILE)
		return true; /* who only looks at results needs no key */
	struct err e = ERR_INIT;
	struct fs_stat st = {0};
	if (fs_stat(path.data, &st, &e)) {
		problem_add(p->problems, p->node->mark, "%s: %s", p->option->name, e.text);
		return false;
	}
	if (!st.exists)
		problem_add(p->problems, p->node->mark, "%s: no file %s", p->option->name, path.data);
	return st.exists;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static size_t sort_unique(struct str *v, size_t n)
{
	size_t kept = 0;
	if (n)
		qsort(v, n, sizeof(*v), by_text);
	for (size_t i = 0; i < n; i++)
		if (!kept || !str_eq(v[kept - 1], v[i]))
			v[kept++] = v[i];
	return kept;
}

/* In a pattern the folder stands for itself, whatever characters it has. */
static void escape_folder(struct buf *pattern, struct str written)
{
	if (pattern->len <= written.n)
		return;
	size_t folder = pattern->len - written.n;
	if (!strpbrk(pattern->data, "*?[\\") || strcspn(pattern->data, "*?[\\") >= folder)
		return;
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	for (size_t i = 0; i < pattern->len; i++) {
		if (i < folder && strchr("*?[\\", pattern->data[i]))
			buf_putc(&out, '\\');
		buf_putc(&out, pattern->data[i]);
	}
	buf_clear(pattern);
	buf_str(pattern, buf_view(&out));
}

struct growing {
	struct str *v;
	size_t n, cap;
};

static bool add_files(const struct parse *p, const struct yaml_node *node, struct growing *list)
{
	if (node->kind != YAML_SCALAR)
		return wrong(p, node, "a path or pattern");
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	if (!resolve(p, node, &path))
		return false;
	struct str written = str_starts(node->text, "@/") ? str_n(node->text.p + 2, node->text.n - 2) : node->text;
	escape_folder(&path, written);
	struct err e = ERR_INIT;
	CLEANUP(fs_names_free) struct fs_names names = {0};
	int rc = fs_glob(path.data, &names, &e);
	if (rc == ERR_NOTFOUND)
		problem_add(p->problems, node->mark, "%s: '%.*s' matches nothing (looked for %s)", p->option->name,
			STR_FMT(node->text), path.data);
	else if (rc)
		problem_add(p->problems, node->mark, "%s: %s", p->option->name, e.text);
	if (rc)
		return false;
	for (size_t i = 0; i < names.n; i++) {
		GROW(list->v, list->n, list->cap);
		list->v[list->n++] = arena_str(p->arena, str_of(names.v[i]));
	}
	return true;
}

static bool parse_list(const struct parse *p)
{
	bool files = p->option->type == OPT_FILES, ok = true;
	struct growing list = {NULL, 0, 0};
	if (p->node->kind == YAML_MAP)
		return wrong(p, p->node, files ? "a list of paths" : "a list of texts");
	bool single = p->node->kind == YAML_SCALAR; /* one value stands for a list of one */
	for (const struct yaml_node *item = single ? p->node : p->node->first; item; item = single ? NULL : item->next) {
		if (files) {
			ok = add_files(p, item, &list) && ok;
		} else if (item->kind != YAML_SCALAR) {
			ok = wrong(p, item, "a text");
		} else {
			GROW(list.v, list.n, list.cap);
			list.v[list.n++] = arena_str(p->arena, item->text);
		}
	}
	if (files)
		list.n = sort_unique(list.v, list.n);
	struct option_list *ret = slot(p->option, p->params);
	ret->n = list.n;
	ret->v = arena_array(p->arena, list.n, sizeof(*ret->v));
	if (list.n)
		memcpy(ret->v, list.v, list.n * sizeof(*ret->v));
	free(list.v);
	if (ok && !ret->n && (p->option->flags & OPTION_REQUIRED)) {
		problem_add(p->problems, p->node->mark, "%s: needs at least one value", p->option->name);
		return false;
	}
	return ok;
}

static struct json *scalar_json(struct arena *a, const struct yaml_node *node)
{
	bool b;
	int64_t i;
	double d;
	if (yaml_is_null(node))
		return json_null(a);
	if (yaml_bool(node, &b))
		return json_bool(a, b);
	if (yaml_int(node, &i))
		return json_int(a, i);
	if (yaml_real(node, &d))
		return json_real(a, d);
	return json_str(a, node->text);
}

static bool wrong_member(const struct parse *p, const struct yaml_node *item)
{
	const struct yaml_node *inner = item->kind == YAML_MAP ? item->first : NULL;
	struct str key = utf8_clip(item->key, 100), below = inner ? utf8_clip(inner->key, 100) : STR("");
	problem_add(p->problems, item->mark, "%s: %.*s: expected a plain value, got a %s%s%.*s%s%.*s%s", p->option->name,
		STR_FMT(key), item->kind == YAML_LIST ? "list" : "map", inner ? "; write it as " : "", inner ? (int)key.n : 0,
		key.p, inner ? "." : "", STR_FMT(below), inner ? ": …" : "");
	return false;
}

static bool parse_map(const struct parse *p)
{
	if (p->node->kind != YAML_MAP)
		return wrong(p, p->node, "a map (key: value)");
	struct json *object = json_object(p->arena);
	bool ok = true;
	YAML_EACH(item, p->node) {
		if (item->kind == YAML_SCALAR)
			json_set_key(p->arena, object, item->key, scalar_json(p->arena, item));
		else
			ok = wrong_member(p, item);
	}
	*(const struct json **)slot(p->option, p->params) = object;
	return ok;
}

static bool parse_value(const struct parse *p)
{
	switch (p->option->type) {
	case OPT_BOOL:
		return yaml_bool(p->node, slot(p->option, p->params)) || wrong(p, p->node, "true or false");
	case OPT_INT:
		return parse_int(p);
	case OPT_REAL:
		return parse_real(p);
	case OPT_STRING:
	case OPT_PROVIDER:
		if (p->node->kind != YAML_SCALAR)
			return wrong(p, p->node, p->option->type == OPT_STRING ? "a text" : "the name of a provider");
		*(struct str *)slot(p->option, p->params) = arena_str(p->arena, p->node->text);
		return true;
	case OPT_CHOICE:
		return parse_choice(p);
	case OPT_FILE:
		return parse_file(p);
	case OPT_STRINGS:
	case OPT_FILES:
		return parse_list(p);
	case OPT_MAP:
		return parse_map(p);
	}
	ASSERT(!"an option type");
	return false;
}

/* The value when the file gives none. What a default cannot do (a data file that is missing) is told at `mark`. */
static bool set_default(struct parse *p, struct yaml_mark mark)
{
	const struct option *o = p->option;
	const char *dflt = o->presets && p->preset >= 0 && o->presets[p->preset] ? o->presets[p->preset] : o->dflt;
	if (o->type == OPT_MAP)
		*(const struct json **)slot(o, p->params) = json_object(p->arena);
	if (!dflt)
		return true;
	struct err e = ERR_INIT;
	struct yaml_node *node = NULL;
	/* A default is program text: one that starts with '@' or '*' needs no quotes there. */
	if (strchr("@*", dflt[0]) || !dflt[0])
		node = yaml_scalar(p->arena, str_of(dflt), false, mark);
	else if (yaml_parse(p->arena, NULL, str_of(dflt), &node, &e))
		ASSERT(!"a default that parses");
	node->mark = mark;
	if (!dflt[0] && (o->type == OPT_FILE || o->type == OPT_FILES || o->type == OPT_STRINGS))
		return true;
	p->node = node;
	return parse_value(p);
}

static void check_unknown(
	const struct option *table, size_t n, const struct parse *p, const struct yaml_node *with, const char *type_name)
{
	struct option_list known = {arena_array(p->arena, n, sizeof(struct str)), n};
	for (size_t i = 0; i < n; i++)
		known.v[i] = str_of(table[i].name);
	CLEANUP(buf_release) struct buf lead = BUF_INIT;
	buf_printf(&lead, "%s: unknown option", type_name);
	YAML_EACH(item, with) {
		bool found = false;
		for (size_t i = 0; i < n && !found; i++)
			found = str_is(item->key, table[i].name);
		if (!found)
			problem_unknown(p->problems, item->keymark, lead.data, item->key, &known);
	}
}

bool options_parse(struct arena *a, const struct option *table, size_t n, const struct yaml_node *with,
	const char *base, const char *type_name, void *params, struct problems *problems)
{
	size_t before = problems->n;
	struct parse p = {.arena = a, .base = base, .problems = problems, .params = params, .preset = -1};
	struct yaml_mark mark = with ? with->mark : (struct yaml_mark){NULL, 0, 0};
	if (yaml_is_null(with))
		with = NULL;
	if (with && with->kind != YAML_MAP) {
		problem_add(problems, mark, "%s: options are a map (option: value)", type_name);
		with = NULL;
	} else if (with) {
		check_unknown(table, n, &p, with, type_name);
	}
	for (size_t i = 0; i < n; i++) {
		p.option = &table[i];
		p.node = yaml_get(with, table[i].name);
		if (p.node && !yaml_is_null(p.node)) {
			if (!parse_value(&p)) {
				/* Later checks shall see something sensible. */
				size_t count = problems->n;
				set_default(&p, mark);
				problems->n = count;
			}
		} else if (table[i].flags & OPTION_REQUIRED) {
			problem_add(problems, mark, "%s: option '%s' is missing", type_name, table[i].name);
		} else {
			set_default(&p, mark);
		}
		if (table[i].flags & OPTION_PRESET)
			p.preset = *(const int *)slot_const(&table[i], params);
	}
	return problems->n == before;
}

/* --- JSON --- */

static struct json *list_json(struct arena *a, const struct option_list *list)
{
	struct json *array = json_array(a);
	for (size_t i = 0; i < list->n; i++)
		json_append(array, json_str(a, list->v[i]));
	return array;
}

static struct json *value_json(struct arena *a, const struct option *o, const void *params)
{
	const void *at = slot_const(o, params);
	switch (o->type) {
	case OPT_BOOL:
		return json_bool(a, *(const bool *)at);
	case OPT_INT:
		return json_int(a, *(const int64_t *)at);
	case OPT_REAL:
		return json_real(a, *(const double *)at);
	case OPT_STRING:
	case OPT_FILE:
	case OPT_PROVIDER: {
		const struct str *s = at;
		return s->p ? json_str(a, *s) : json_null(a);
	}
	case OPT_CHOICE:
		return json_text(a, o->choices[*(const int *)at]);
	case OPT_STRINGS:
	case OPT_FILES:
		return list_json(a, at);
	case OPT_MAP: {
		const struct json *v = *(const struct json *const *)at;
		return v ? json_copy(a, v) : json_object(a);
	}
	}
	ASSERT(!"an option type");
	return NULL;
}

struct json *options_json(struct arena *a, const struct option *table, size_t n, const void *params, unsigned flags)
{
	struct json *object = json_object(a);
	for (size_t i = 0; i < n; i++)
		if ((table[i].flags & flags) == flags && !(table[i].flags & OPTION_SECRET_KEY))
			json_set(a, object, table[i].name, value_json(a, &table[i], params));
	return object;
}

static bool take_list(struct arena *a, const struct json *v, struct option_list *ret)
{
	if (!json_is(v, JSON_ARRAY))
		return false;
	ret->v = arena_array(a, json_count(v), sizeof(*ret->v));
	ret->n = 0;
	JSON_EACH(item, v) {
		if (!json_is(item, JSON_STRING))
			return false;
		ret->v[ret->n++] = arena_str(a, item->u.s);
	}
	return true;
}

static bool take_real(const struct json *v, double *ret)
{
	if (json_is(v, JSON_INT))
		*ret = (double)v->u.i;
	else if (json_is(v, JSON_REAL))
		*ret = v->u.d;
	else
		return false;
	return true;
}

static bool take_choice(const struct option *o, const struct json *v, int *ret)
{
	for (int i = 0; json_is(v, JSON_STRING) && o->choices[i]; i++) {
		if (str_is(v->u.s, o->choices[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool take_value(struct arena *a, const struct option *o, const struct json *v, void *at)
{
	switch (o->type) {
	case OPT_BOOL:
		if (json_is(v, JSON_BOOL))
			*(bool *)at = v->u.b;
		return json_is(v, JSON_BOOL);
	case OPT_INT:
		if (json_is(v, JSON_INT))
			*(int64_t *)at = v->u.i;
		return json_is(v, JSON_INT);
	case OPT_REAL:
		return take_real(v, at);
	case OPT_STRING:
	case OPT_FILE:
	case OPT_PROVIDER:
		*(struct str *)at = json_is(v, JSON_STRING) ? arena_str(a, v->u.s) : (struct str){NULL, 0};
		return json_is(v, JSON_STRING) || json_is(v, JSON_NULL);
	case OPT_CHOICE:
		return take_choice(o, v, at);
	case OPT_STRINGS:
	case OPT_FILES:
		return take_list(a, v, at);
	case OPT_MAP:
		if (json_is(v, JSON_OBJECT))
			*(const struct json **)at = json_copy(a, v);
		return json_is(v, JSON_OBJECT);
	}
	return false;
}

int options_from_json(
	struct arena *a, const struct option *table, size_t n, const struct json *values, void *params, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct json *v = json_get(values, table[i].name);
		if (!v && (table[i].flags & OPTION_SECRET_KEY)) {
			*(struct str *)slot(&table[i], params) = (struct str){NULL, 0};
			continue;
		}
		if (!v)
			return err_set(e, ERR_DATA, "option %s is missing", table[i].name);
		if (!take_value(a, &table[i], v, slot(&table[i], params)))
			return err_set(e, ERR_DATA, "option %s: a %s is of the wrong type", table[i].name, json_kind_name(v->kind));
	}
	return 0;
}
