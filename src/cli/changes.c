#include "cli/changes.h"

#include "base/alloc.h"
#include "cli/display.h"
#include "cli/say.h"

struct walk {
	struct arena *arena;
	struct json *list;
	size_t max;
};

static void add(struct walk *w, const char *path, const struct json *was, const struct json *is)
{
	if (json_count(w->list) > w->max)
		return;
	struct json *row = json_object(w->arena);
	if (json_count(w->list) == w->max) {
		json_set_text(w->arena, row, "path", "…");
	} else {
		json_set_text(w->arena, row, "path", path);
		if (was)
			json_set(w->arena, row, "old", json_copy(w->arena, was));
		if (is)
			json_set(w->arena, row, "new", json_copy(w->arena, is));
	}
	json_append(w->list, row);
}

static void walk(struct walk *w, const char *path, const struct json *was, const struct json *is);

static void walk_object(struct walk *w, const char *path, const struct json *was, const struct json *is)
{
	JSON_EACH(member, was)
		walk(w, arena_printf(w->arena, "%s%s%.*s", path, path[0] ? "." : "", STR_FMT(member->key)), member,
			json_get_key(is, member->key));
	JSON_EACH(member, is) {
		if (!json_get_key(was, member->key))
			walk(w, arena_printf(w->arena, "%s%s%.*s", path, path[0] ? "." : "", STR_FMT(member->key)), NULL, member);
	}
}

static void walk_array(struct walk *w, const char *path, const struct json *was, const struct json *is)
{
	const struct json *x = json_first(was), *y = json_first(is);
	for (size_t i = 0; x || y; i++) {
		walk(w, arena_printf(w->arena, "%s[%zu]", path, i), x, y);
		x = x ? x->next : NULL;
		y = y ? y->next : NULL;
	}
}

static void walk(struct walk *w, const char *path, const struct json *was, const struct json *is)
{
	if (!was && !is)
		return;
	if (was && is && json_equal(was, is))
		return;
	if (json_is(was, JSON_OBJECT) && json_is(is, JSON_OBJECT))
		walk_object(w, path, was, is);
	else if (json_is(was, JSON_ARRAY) && json_is(is, JSON_ARRAY))
		walk_array(w, path, was, is);
	else
		add(w, path, was, is);
}

struct json *changes_between(struct arena *a, const struct json *was, const struct json *is, size_t max)
{
	struct walk w = {a, json_array(a), max};
	walk(&w, "", was, is);
	return w.list;
}

static void put_value(struct buf *b, const struct json *v)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf clean = BUF_INIT;
	if (!v) {
		buf_puts(b, "(none)");
		return;
	}
	json_write(&text, v);
	put_clean(&clean, buf_view(&text));
	put_cut(b, buf_view(&clean), CHANGE_TEXT_MAX);
}

void change_text(struct buf *b, const struct json *change)
{
	const struct json *was = json_get(change, "old"), *is = json_get(change, "new");
	put_clean(b, json_get_str(change, "path"));
	if (!was && !is)
		return;
	buf_puts(b, ": ");
	put_value(b, was);
	buf_puts(b, " → ");
	put_value(b, is);
}
