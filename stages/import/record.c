/* Records of the JSON forms: checked member by member, so that a wrong one is told by name, and cut down to what import uses. */
#include "stages/import/import.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

static struct json *bad_kind(const char *name, const char *expected, const struct json *v, struct buf *why)
{
	buf_printf(why, "%s: expected %s, found %s", name, expected, json_kind_name(v->kind));
	return NULL;
}

static struct json *pick_id(struct arena *a, const char *name, const struct json *v, struct buf *why)
{
	if (v->kind == JSON_INT)
		return json_text(a, arena_printf(a, "%lld", (long long)v->u.i));
	if (v->kind != JSON_STRING)
		return bad_kind(name, "a text", v, why);
	struct str s = str_trim(v->u.s);
	if (s.n == 0) {
		buf_printf(why, "%s: the id is empty", name);
		return NULL;
	}
	return json_str(a, s);
}

static struct json *pick_age(struct arena *a, const char *name, const struct json *v, struct buf *why)
{
	if (v->kind != JSON_INT)
		return bad_kind(name, "a whole number", v, why);
	if (v->u.i < 0 || v->u.i > IMPORT_AGE_MAX) {
		buf_printf(why, "%s: %lld is not between 0 and %d", name, (long long)v->u.i, IMPORT_AGE_MAX);
		return NULL;
	}
	return json_int(a, v->u.i);
}

/* A turn's text: kind and size. `part` is "" or ".content". */
static bool turn_fits(const char *name, size_t i, const char *part, const struct json *v, struct buf *why)
{
	if (!json_is(v, JSON_STRING)) {
		buf_printf(why, "%s[%zu]%s: expected a text, found %s", name, i, part, v ? json_kind_name(v->kind) : "nothing");
		return false;
	}
	if (v->u.s.n > CALL_TURN_TEXT_MAX) {
		buf_printf(why, "%s[%zu]%s: a turn of %zu bytes is over %d", name, i, part, v->u.s.n, CALL_TURN_TEXT_MAX);
		return false;
	}
	return true;
}

static bool turns_fit(const char *name, const struct json *v, struct buf *why)
{
	if (v->kind != JSON_ARRAY) {
		bad_kind(name, "a list", v, why);
		return false;
	}
	if (json_count(v) > CALL_TURNS_MAX) {
		buf_printf(why, "%s: %zu turns are over %d", name, json_count(v), CALL_TURNS_MAX);
		return false;
	}
	return true;
}

static struct json *pick_texts(struct arena *a, const char *name, const struct json *v, struct buf *why)
{
	size_t i = 0;
	if (!turns_fit(name, v, why))
		return NULL;
	JSON_EACH(item, v) {
		if (!turn_fits(name, i++, "", item, why))
			return NULL;
	}
	return json_copy(a, v);
}

static struct json *pick_history(struct arena *a, const char *name, const struct json *v, struct buf *why)
{
	struct json *out = json_array(a);
	size_t i = 0;
	if (!turns_fit(name, v, why))
		return NULL;
	JSON_EACH(item, v) {
		struct str role = json_get_str(item, "role");
		const struct json *content = json_get(item, "content");
		if (item->kind != JSON_OBJECT) {
			buf_printf(why, "%s[%zu]: expected an object, found %s", name, i, json_kind_name(item->kind));
			return NULL;
		}
		if (!str_is(role, "left") && !str_is(role, "right")) {
			buf_printf(why, "%s[%zu].role: expected left or right", name, i);
			return NULL;
		}
		if (!turn_fits(name, i, ".content", content, why))
			return NULL;
		struct json *turn = json_object(a);
		json_set_str(a, turn, "role", role);
		json_set_str(a, turn, "content", content->u.s);
		json_append(out, turn);
		i++;
	}
	return out;
}

static struct json *pick_member(struct arena *a, const struct member *m, const struct json *v, struct buf *why)
{
	switch (m->kind) {
	case MEMBER_TEXT:
		return v->kind == JSON_STRING ? json_copy(a, v) : bad_kind(m->name, "a text", v, why);
	case MEMBER_ID:
		return pick_id(a, m->name, v, why);
	case MEMBER_AGE:
		return pick_age(a, m->name, v, why);
	case MEMBER_BOOL:
		return v->kind == JSON_BOOL ? json_copy(a, v) : bad_kind(m->name, "true or false", v, why);
	case MEMBER_TEXTS:
		return pick_texts(a, m->name, v, why);
	case MEMBER_HISTORY:
		return pick_history(a, m->name, v, why);
	}
	ASSERT(!"unknown kind of member");
	return NULL;
}

struct json *record_pick(struct arena *a, const struct json *record, const struct member *table, size_t n, struct buf *why)
{
	struct json *out = json_object(a);
	for (size_t i = 0; i < n; i++) {
		const struct json *v = json_get(record, table[i].name);
		if (!v || v->kind == JSON_NULL) {
			if (!table[i].required)
				continue;
			buf_printf(why, "%s is missing", table[i].name);
			return NULL;
		}
		struct json *picked = pick_member(a, &table[i], v, why);
		if (!picked)
			return NULL;
		json_set(a, out, table[i].name, picked);
	}
	return out;
}

void record_facts(const struct json *record, struct transcript *ret)
{
	ret->label = json_get_str(record, "fraud_type");
	ret->scene = json_get_str(record, "scene");
	ret->age = json_get_int(record, "user_age", -1);
	ret->occupation = json_get_str(record, "occupation");
	ret->awareness = json_get_str(record, "user_awareness");
	ret->terminator = json_get_str(record, "terminator");
	ret->reason = json_get_str(record, "termination_reason");
	if (json_get_bool(record, "end_call_signal_detected", false))
		ret->signal = "ENDCALL_SIGNAL";
}

struct json *record_history(struct arena *a, const struct json *history)
{
	struct json *turns = json_array(a);
	JSON_EACH(item, history) {
		const char *role = str_is(json_get_str(item, "role"), "left") ? "left" : "right";
		json_append(turns, turn_new(a, role, json_get_str(item, "content")));
	}
	return turns;
}

struct json *record_content(struct arena *a, const struct reader *reader, struct json *record)
{
	struct json *content = json_object(a);
	json_set_text(a, content, "reader", reader->name);
	json_set(a, content, "record", record);
	return content;
}

static struct str checked_id(struct arena *a, const struct buf *id, struct buf *why)
{
	if (buf_error(id) || id->len > CALL_ID_MAX) {
		buf_printf(why, "the id '%.40s…' is longer than %d bytes: set a shorter prefix", id->data, CALL_ID_MAX);
		return str_of(NULL);
	}
	return arena_str(a, buf_view(id));
}

struct str record_id(struct arena *a, struct str prefix, struct str part, struct buf *why)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	buf_str(&id, prefix);
	if (part.n)
		buf_putc(&id, '/');
	id_encode(&id, part);
	return checked_id(a, &id, why);
}

struct str record_lone_id(struct arena *a, const struct import_file *f, struct str part, struct buf *why)
{
	if (part.n || !f->named)
		return record_id(a, f->prefix, part, why);
	CLEANUP(buf_release) struct buf id = BUF_INIT; /* the stem is encoded already */
	buf_str(&id, f->prefix);
	buf_putc(&id, '/');
	buf_str(&id, f->stem);
	return checked_id(a, &id, why);
}

struct str record_no_lone_id(struct arena *a, const struct import_file *f)
{
	(void)a;
	(void)f;
	return str_of(NULL);
}

/* A first line that is closed and followed by others is JSONL. */
bool record_is_lone(struct str text, const char *member)
{
	struct str rest = text, line = str_of(NULL);
	if (!str_starts(str_trim(text), "{"))
		return false;
	while (str_line(&rest, &line) && str_trim(line).n == 0)
		;
	line = str_trim(line);
	if (line.n > 1 && str_ends(line, "}") && str_trim(rest).n > 0)
		return false;
	return str_find(text, str_of(member)) >= 0;
}

struct json *record_parse(struct arena *a, struct str text, struct buf *why)
{
	struct err e = ERR_INIT;
	struct json *v = NULL;
	ptrdiff_t bad = utf8_invalid(text);
	if (bad >= 0) {
		buf_printf(why, "invalid UTF-8 at byte %zu; if the file is in GBK: iconv -f GBK -t UTF-8", (size_t)bad + 1);
		return NULL;
	}
	if (json_parse(a, text, &v, &e)) {
		buf_printf(why, "bad JSON: %s", e.text);
		return NULL;
	}
	if (v->kind != JSON_OBJECT) {
		buf_printf(why, "expected a JSON object, found %s", json_kind_name(v->kind));
		return NULL;
	}
	return v;
}
