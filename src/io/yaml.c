/* libyaml's events into a tree. Aliases are followed by copying, so that every node has one parent; what copying may cost is capped. */
#include "io/yaml.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define FILE_MAX ((size_t)16 << 20)
#define LEVELS_MAX 64
#define NODES_MAX 1000000
#define DIRECTIVES_MAX 8 /* libyaml compares each with all before it */
#define KEYS_UNHASHED 16 /* smaller maps are searched one by one */

struct reader {
	yaml_parser_t parser;
	struct arena *arena;
	const char *file;
	struct str text;
	struct map anchors; /* name → node */
	size_t nodes;
	struct err *e;
};

static struct yaml_mark mark_of(const struct reader *r, yaml_mark_t m)
{
	return (struct yaml_mark){r->file, (int)m.line + 1, (int)m.column + 1};
}

/* Line and column of a byte. */
static struct yaml_mark mark_at(const struct reader *r, size_t offset)
{
	struct yaml_mark m = {r->file, 1, 1};
	size_t start = 0;
	if (offset > r->text.n)
		offset = r->text.n;
	for (size_t i = 0; i < offset; i++) {
		if (r->text.p[i] == '\n') {
			m.line++;
			start = i + 1;
		}
	}
	m.col += (int)utf8_count(str_n(r->text.p + start, offset - start));
	return m;
}

static int fail_at(struct reader *r, struct yaml_mark mark, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int fail_at(struct reader *r, struct yaml_mark mark, const char *fmt, ...)
{
	CLEANUP(buf_release) struct buf message = BUF_INIT;
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&message, fmt, ap);
	va_end(ap);
	yaml_point(&out, mark, r->text, message.data);
	return err_set(r->e, ERR_CONFIG, "%s", out.data);
}

/* A Chinese keyboard's punctuation where YAML wants ASCII is the usual slip: the line (from 1) in `first`…`last` that has some, or 0. */
static int full_width(struct str text, int first, int last, uint32_t *ret_cp)
{
	static const uint32_t slips[] = {0xff1a, 0xff0c, 0x3000, 0x201c, 0x201d, 0xff5b, 0xff3b};
	struct str line;
	for (int n = 1; n <= last && str_line(&text, &line); n++) {
		while (n >= first && utf8_next(&line, ret_cp)) {
			for (size_t i = 0; i < COUNT_OF(slips); i++)
				if (*ret_cp == slips[i])
					return n;
		}
	}
	return 0;
}

/* What libyaml has to say, in words a user can act on. */
static int fail_parser(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "cannot be parsed";
	if (p->error == YAML_MEMORY_ERROR)
		return err_set(r->e, ERR_CONFIG, "%s: out of memory while parsing", r->file ? r->file : "(text)");
	if (p->error == YAML_READER_ERROR) {
		struct yaml_mark at = mark_at(r, p->problem_offset);
		if (p->problem_value >= 0)
			return fail_at(r, at, "%s (U+%04X)", problem, (unsigned)p->problem_value);
		return fail_at(r, at, "%s", problem);
	}
	struct yaml_mark at = mark_of(r, p->problem_mark);
	const char *hint = "";
	size_t index = p->problem_mark.index, byte = 0;
	struct str rest = r->text;
	uint32_t cp = 0;
	for (size_t i = 0; i <= index && utf8_next(&rest, &cp); i++)
		byte = (size_t)(rest.p - r->text.p);
	if (byte > 0 && cp == '\t')
		hint = "; YAML is indented by spaces, not tabs";
	else if (byte > 0 && (cp == '@' || cp == '`' || cp == '%'))
		hint = "; put the value in quotes";
	char slip[96];
	uint32_t wide = 0;
	int line = full_width(r->text, at.line - 1, at.line, &wide);
	if (line) {
		char c[5] = "";
		utf8_put(wide, c);
		snprintf(slip, sizeof(slip), "; line %d has a full-width '%s' (U+%04X): YAML wants ASCII : , \" and blanks",
			line, c, (unsigned)wide);
		hint = slip;
	}
	if (p->context && (p->context_mark.line != p->problem_mark.line || p->context_mark.column != p->problem_mark.column))
		return fail_at(
			r, at, "%s, %s that starts at line %d%s", problem, p->context, (int)p->context_mark.line + 1, hint);
	return fail_at(r, at, "%s%s%s%s", problem, p->context ? ", " : "", p->context ? p->context : "", hint);
}

static int next_event(struct reader *r, yaml_event_t *ret)
{
	return yaml_parser_parse(&r->parser, ret) ? 0 : fail_parser(r);
}

struct yaml_node *yaml_new(struct arena *a, enum yaml_kind kind, struct yaml_mark mark)
{
	struct yaml_node *node = ARENA_NEW(a, struct yaml_node);
	node->kind = kind;
	node->mark = mark;
	return node;
}

struct yaml_node *yaml_scalar(struct arena *a, struct str text, bool plain, struct yaml_mark mark)
{
	struct yaml_node *node = yaml_new(a, YAML_SCALAR, mark);
	node->text = arena_str(a, text);
	node->plain = plain;
	return node;
}

void yaml_append(struct yaml_node *list, struct yaml_node *item)
{
	item->next = NULL;
	if (list->last)
		list->last->next = item;
	else
		list->first = item;
	list->last = item;
	list->n++;
}

static struct yaml_node *find_key(const struct yaml_node *map, struct str key)
{
	YAML_EACH(item, map)
		if (str_eq(item->key, key))
			return item;
	return NULL;
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	return map && map->kind == YAML_MAP ? find_key(map, str_of(key)) : NULL;
}

void yaml_set(struct arena *a, struct yaml_node *map, struct str key, struct yaml_node *value)
{
	value->key = arena_str(a, key);
	if (!value->keymark.file && !value->keymark.line)
		value->keymark = value->mark;
	struct yaml_node *before = NULL;
	for (struct yaml_node *item = map->first; item; before = item, item = item->next) {
		if (!str_eq(item->key, key))
			continue;
		value->next = item->next;
		if (before)
			before->next = value;
		else
			map->first = value;
		if (map->last == item)
			map->last = value;
		return;
	}
	yaml_append(map, value);
}

static int count_node(struct reader *r, struct yaml_mark at)
{
	if (++r->nodes > NODES_MAX)
		return fail_at(r, at, "too much: over %d values once aliases are followed", NODES_MAX);
	return 0;
}

static int check_level(struct reader *r, int level, struct yaml_mark at)
{
	return level > LEVELS_MAX ? fail_at(r, at, "nested over %d levels deep", LEVELS_MAX) : 0;
}

static int copy_node(
	struct reader *r, const struct yaml_node *from, int level, struct yaml_mark alias, struct yaml_node **ret)
{
	int rc = count_node(r, alias);
	if (!rc)
		rc = check_level(r, level, alias);
	if (rc)
		return rc;
	struct yaml_node *to = ARENA_NEW(r->arena, struct yaml_node);
	*to = *from;
	to->next = to->first = to->last = NULL;
	to->n = 0;
	YAML_EACH(item, from) {
		struct yaml_node *kid;
		rc = copy_node(r, item, level + 1, alias, &kid);
		if (rc)
			return rc;
		yaml_append(to, kid);
	}
	*ret = to;
	return 0;
}

static int read_alias(struct reader *r, const yaml_event_t *ev, int level, struct yaml_node **ret)
{
	struct yaml_mark at = mark_of(r, ev->start_mark);
	const char *name = (const char *)ev->data.alias.anchor;
	const struct yaml_node *target = map_ptr(&r->anchors, str_of(name));
	if (!target)
		return fail_at(r, at, "alias *%s names no anchor that is complete before it", name);
	struct yaml_node *copy;
	int rc = copy_node(r, target, level, at, &copy);
	if (rc)
		return rc;
	copy->mark = at;
	*ret = copy;
	return 0;
}

static int check_tag(struct reader *r, const yaml_char_t *tag, struct yaml_mark at)
{
	if (!tag || !strcmp((const char *)tag, "!"))
		return 0;
	return fail_at(r, at, "tags are not supported (%.*s)", STR_FMT(utf8_clip(str_of((const char *)tag), 40)));
}

static int read_scalar(struct reader *r, const yaml_event_t *ev, struct yaml_node **ret)
{
	struct yaml_mark at = mark_of(r, ev->start_mark);
	bool text_tag = ev->data.scalar.tag && !strcmp((const char *)ev->data.scalar.tag, YAML_STR_TAG);
	int rc = text_tag ? 0 : check_tag(r, ev->data.scalar.tag, at);
	if (rc)
		return rc;
	struct str text = str_n((const char *)ev->data.scalar.value, ev->data.scalar.length);
	if (text.n && memchr(text.p, 0, text.n))
		return fail_at(r, at, "a value must not hold the character U+0000");
	bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !ev->data.scalar.tag;
	*ret = yaml_scalar(r->arena, text, plain, at);
	return 0;
}

static int read_node(struct reader *r, const yaml_event_t *ev, int level, struct yaml_node **ret);

static int read_list(struct reader *r, int level, struct yaml_node *list)
{
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t ev = {0};
		int rc = next_event(r, &ev);
		if (rc || ev.type == YAML_SEQUENCE_END_EVENT)
			return rc;
		struct yaml_node *item;
		rc = read_node(r, &ev, level + 1, &item);
		if (rc)
			return rc;
		yaml_append(list, item);
	}
}

/* `seen` takes over from searching when a map is large. */
static int check_key(struct reader *r, const yaml_event_t *ev, const struct yaml_node *map, struct map *seen)
{
	struct yaml_mark at = mark_of(r, ev->start_mark);
	if (ev->type == YAML_ALIAS_EVENT)
		return fail_at(r, at, "a key must be a text, not an alias");
	if (ev->type != YAML_SCALAR_EVENT)
		return fail_at(r, at, "a key must be a text, not a list or map");
	struct str key = str_n((const char *)ev->data.scalar.value, ev->data.scalar.length);
	if (!key.n)
		return fail_at(r, at, "a key is missing before ':'");
	if (memchr(key.p, 0, key.n))
		return fail_at(r, at, "a key must not hold the character U+0000");
	if (str_is(key, "<<") && ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return fail_at(r, at, "merge keys (<<) are not supported; write the members out");
	struct yaml_node *before;
	if (map->n < KEYS_UNHASHED) {
		before = find_key(map, key);
	} else {
		if (!seen->n)
			YAML_EACH(item, map)
				map_put(seen, item->key, NULL)->value.p = item;
		before = map_ptr(seen, key);
	}
	if (before)
		return fail_at(
			r, at, "key '%.*s' stands twice (first at line %d)", STR_FMT(utf8_clip(key, 100)), before->keymark.line);
	return 0;
}

static int read_member(struct reader *r, const yaml_event_t *key, int level, struct yaml_node **ret)
{
	CLEANUP(yaml_event_delete) yaml_event_t ev = {0};
	int rc = next_event(r, &ev);
	if (!rc)
		rc = read_node(r, &ev, level, ret);
	if (rc)
		return rc;
	(*ret)->key = arena_str(r->arena, str_n((const char *)key->data.scalar.value, key->data.scalar.length));
	(*ret)->keymark = mark_of(r, key->start_mark);
	return 0;
}

static int read_map(struct reader *r, int level, struct yaml_node *map)
{
	CLEANUP(map_release) struct map seen = MAP_INIT;
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t ev = {0};
		int rc = next_event(r, &ev);
		if (rc || ev.type == YAML_MAPPING_END_EVENT)
			return rc;
		rc = check_key(r, &ev, map, &seen);
		struct yaml_node *item;
		if (!rc)
			rc = read_member(r, &ev, level + 1, &item);
		if (rc)
			return rc;
		yaml_append(map, item);
		if (seen.n)
			map_put(&seen, item->key, NULL)->value.p = item;
	}
}

static void keep_anchor(struct reader *r, const yaml_char_t *anchor, struct yaml_node *node)
{
	if (anchor)
		map_put(&r->anchors, str_of((const char *)anchor), NULL)->value.p = node;
}

static int read_node(struct reader *r, const yaml_event_t *ev, int level, struct yaml_node **ret)
{
	struct yaml_mark at = mark_of(r, ev->start_mark);
	struct yaml_node *node = NULL;
	if (ev->type == YAML_ALIAS_EVENT)
		return read_alias(r, ev, level, ret);
	int rc = count_node(r, at);
	if (!rc)
		rc = check_level(r, level, at);
	if (rc)
		return rc;
	const yaml_char_t *anchor;
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		rc = read_scalar(r, ev, &node);
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		node = yaml_new(r->arena, YAML_LIST, at);
		rc = check_tag(r, ev->data.sequence_start.tag, at);
		if (!rc)
			rc = read_list(r, level, node);
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		node = yaml_new(r->arena, YAML_MAP, at);
		rc = check_tag(r, ev->data.mapping_start.tag, at);
		if (!rc)
			rc = read_map(r, level, node);
		break;
	default:
		return fail_at(r, at, "cannot be parsed");
	}
	if (rc)
		return rc;
	keep_anchor(r, anchor, node);
	*ret = node;
	return 0;
}

/* The first document; a second one is an error. */
static int read_stream(struct reader *r, struct yaml_node **ret)
{
	struct yaml_node *root = NULL;
	for (;;) {
		CLEANUP(yaml_event_delete) yaml_event_t ev = {0};
		int rc = next_event(r, &ev);
		if (rc)
			return rc;
		switch (ev.type) {
		case YAML_STREAM_END_EVENT:
			*ret = root ? root : yaml_new(r->arena, YAML_MAP, (struct yaml_mark){r->file, 1, 1});
			return 0;
		case YAML_DOCUMENT_START_EVENT:
			if (root)
				return fail_at(r, mark_of(r, ev.start_mark), "a second document; one file holds one");
			break;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		default:
			rc = read_node(r, &ev, 1, &root);
			if (rc)
				return rc;
		}
	}
}

static int check_directives(struct reader *r)
{
	struct str rest = r->text, line;
	int n = 0, number = 0;
	while (str_line(&rest, &line)) {
		number++;
		if (str_starts(line, "%")) {
			if (++n > DIRECTIVES_MAX)
				return fail_at(r, (struct yaml_mark){r->file, number, 1}, "too many lines that start with %%");
		} else if (line.n && line.p[0] != '#' && str_trim(line).n) {
			break;
		}
	}
	return 0;
}

int yaml_parse(struct arena *a, const char *file, struct str text, struct yaml_node **ret, struct err *e)
{
	if (text.n > FILE_MAX)
		return err_set(
			e, ERR_TOOBIG, "%s: %zu bytes; a YAML file may have %zu", file ? file : "(text)", text.n, FILE_MAX);
	if (str_starts(text, "\xEF\xBB\xBF"))
		text = str_n(text.p + 3, text.n - 3);
	struct reader r = {.arena = a, .file = file, .text = text, .e = e};
	ptrdiff_t bad = utf8_invalid(text);
	if (bad >= 0)
		return fail_at(&r, mark_at(&r, (size_t)bad), "not valid UTF-8 (byte 0x%02X); save the file as UTF-8",
			(unsigned)(unsigned char)text.p[bad]);
	int rc = check_directives(&r);
	if (rc)
		return rc;
	if (!yaml_parser_initialize(&r.parser))
		return err_set(e, ERR_CONFIG, "%s: out of memory", file ? file : "(text)");
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
	struct yaml_node *root = NULL;
	rc = read_stream(&r, &root);
	yaml_parser_delete(&r.parser);
	map_release(&r.anchors);
	if (!rc)
		*ret = root;
	return rc;
}

/* --- Canonical text --- */

static int by_key(const void *a, const void *b)
{
	const struct yaml_node *const *x = a, *const *y = b;
	return str_cmp((*x)->key, (*y)->key);
}

static void put_text(struct buf *b, char kind, struct str text)
{
	buf_printf(b, "%c%zu:", kind, text.n);
	buf_str(b, text);
}

void yaml_canonical(struct buf *b, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR) {
		put_text(b, node->plain ? 'p' : 'q', node->text);
		return;
	}
	if (node->kind == YAML_LIST) {
		buf_putc(b, '[');
		YAML_EACH(item, node)
			yaml_canonical(b, item);
		buf_putc(b, ']');
		return;
	}
	CLEANUP(free_ptr) const struct yaml_node **v = xcalloc(node->n + 1, sizeof(*v));
	size_t n = 0;
	YAML_EACH(item, node)
		v[n++] = item;
	qsort(v, n, sizeof(*v), by_key);
	buf_putc(b, '{');
	for (size_t i = 0; i < n; i++) {
		put_text(b, 'k', v[i]->key);
		yaml_canonical(b, v[i]);
	}
	buf_putc(b, '}');
}

/* --- Scalars --- */

static bool one_of(struct str s, const char *const *words)
{
	for (; *words; words++)
		if (str_is(s, *words))
			return true;
	return false;
}

bool yaml_is_null(const struct yaml_node *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
	return node && node->kind == YAML_SCALAR && node->plain && one_of(node->text, words);
}

bool yaml_bool(const struct yaml_node *node, bool *ret)
{
	static const char *const yes[] = {"true", "True", "TRUE", NULL};
	static const char *const no[] = {"false", "False", "FALSE", NULL};
	if (!node || node->kind != YAML_SCALAR || !node->plain)
		return false;
	bool value = one_of(node->text, yes);
	if (!value && !one_of(node->text, no))
		return false;
	*ret = value;
	return true;
}

static size_t digits(struct str s, size_t i)
{
	size_t start = i;
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i - start;
}

/* 0o17, 0x1F */
static bool based_int(struct str s, int64_t *ret)
{
	if (s.n < 3 || s.p[0] != '0' || (s.p[1] != 'o' && s.p[1] != 'x'))
		return false;
	int64_t base = s.p[1] == 'o' ? 8 : 16, value = 0;
	for (size_t i = 2; i < s.n; i++) {
		int c = tolower((unsigned char)s.p[i]);
		int64_t d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
		if (d >= base || value > (INT64_MAX - d) / base)
			return false;
		value = value * base + d;
	}
	*ret = value;
	return true;
}

bool yaml_int(const struct yaml_node *node, int64_t *ret)
{
	if (!node || node->kind != YAML_SCALAR || !node->plain || !node->text.n)
		return false;
	struct str s = node->text;
	size_t sign = s.p[0] == '-' || s.p[0] == '+';
	if (digits(s, sign) != s.n - sign || s.n == sign)
		return based_int(s, ret);
	return str_int(s, ret);
}

bool yaml_real(const struct yaml_node *node, double *ret)
{
	int64_t whole;
	if (yaml_int(node, &whole)) {
		*ret = (double)whole;
		return true;
	}
	if (!node || node->kind != YAML_SCALAR || !node->plain)
		return false;
	struct str s = node->text;
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
	size_t n = digits(s, i);
	i += n;
	if (i < s.n && s.p[i] == '.') {
		size_t fraction = digits(s, i + 1);
		i += 1 + fraction;
		n += fraction;
	}
	if (!n)
		return false;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		i += i < s.n && (s.p[i] == '-' || s.p[i] == '+');
		n = digits(s, i);
		if (!n)
			return false;
		i += n;
	}
	return i == s.n && str_real(s, ret);
}
