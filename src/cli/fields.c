#include "cli/fields.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "cli/say.h"
#include "core/call.h"

#include <string.h>

#define PATH_WIDTH 20

struct place {
	struct buf *b;
	int indent;
};

static void put_path(const struct place *p, const char *path)
{
	int pad = PATH_WIDTH - (int)utf8_width(str_of(path));
	buf_printf(p->b, "%*s%s%*s  ", p->indent, "", path, pad > 0 ? pad : 0, "");
}

/* The first line stands where it is, the others below it, further in. */
static void put_lines(const struct place *p, struct str text)
{
	CLEANUP(buf_release) struct buf clean = BUF_INIT;
	put_clean(&clean, text);
	struct str rest = buf_view(&clean), line;
	for (bool first = true; str_line(&rest, &line); first = false) {
		if (!first)
			buf_printf(p->b, "\n%*s", p->indent + 4, "");
		buf_str(p->b, line);
	}
}

static void put_scalar(const struct place *p, const struct json *v)
{
	if (json_is(v, JSON_STRING))
		put_lines(p, v->u.s);
	else
		json_write(p->b, v);
}

static bool flat(const struct json *array)
{
	JSON_EACH(item, array) {
		if (item->kind == JSON_OBJECT || item->kind == JSON_ARRAY)
			return false;
	}
	return true;
}

static void put_line_json(const struct place *p, const struct json *v)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	json_write(&line, v);
	buf_printf(p->b, "%*s", p->indent + 2, "");
	put_clean(p->b, buf_view(&line));
	buf_putc(p->b, '\n');
}

static void put_turn(const struct place *p, const struct json *turn)
{
	struct str role = turn_role(turn);
	buf_printf(p->b, "%*s%-5.*s  ", p->indent + 2, "", STR_FMT(role));
	put_clean(p->b, turn_text(turn));
	JSON_EACH(member, turn) {
		if (str_is(member->key, "role") || str_is(member->key, "text"))
			continue;
		buf_printf(p->b, "  %.*s=", STR_FMT(member->key));
		put_scalar(p, member);
	}
	buf_putc(p->b, '\n');
}

/* {role, content}: what a chat model is told, a line each. */
static bool is_message(const struct json *v)
{
	return json_is(json_get(v, "role"), JSON_STRING) && json_is(json_get(v, "content"), JSON_STRING);
}

static void put_list(const struct place *p, const char *path, const struct json *v)
{
	bool turns = strcmp(path, "turns") == 0;
	put_path(p, path);
	if (flat(v)) {
		CLEANUP(buf_release) struct buf line = BUF_INIT;
		json_write(&line, v);
		put_clean(p->b, buf_view(&line));
		buf_putc(p->b, '\n');
		return;
	}
	buf_printf(p->b, "%zu\n", json_count(v));
	JSON_EACH(item, v) {
		if (turns && item->kind == JSON_OBJECT) {
			put_turn(p, item);
		} else if (is_message(item)) {
			buf_printf(p->b, "%*s%.*s: ", p->indent + 2, "", STR_FMT(json_get_str(item, "role")));
			put_lines(p, json_get_str(item, "content"));
			buf_putc(p->b, '\n');
		} else {
			put_line_json(p, item);
		}
	}
}

static void put_value(const struct place *p, const char *path, const struct json *v)
{
	if (json_is(v, JSON_OBJECT)) {
		JSON_EACH(member, v) {
			CLEANUP(buf_release) struct buf inner = BUF_INIT;
			buf_printf(&inner, "%s%s%.*s", path, path[0] ? "." : "", STR_FMT(member->key));
			put_value(p, inner.data, member);
		}
		return;
	}
	if (json_is(v, JSON_ARRAY)) {
		put_list(p, path, v);
		return;
	}
	put_path(p, path);
	put_scalar(p, v);
	buf_putc(p->b, '\n');
}

void put_fields(struct buf *b, const struct json *fields)
{
	struct place p = {b, 2};
	if (json_count(fields) == 0 && json_is(fields, JSON_OBJECT))
		buf_puts(b, "  (nothing)\n");
	else
		put_value(&p, "", fields);
}

void put_nested(struct buf *b, const struct json *v)
{
	struct place p = {b, 4};
	put_value(&p, "", v);
}
