/* Everything about JSON trees but parsing: building, reading, writing. Knows nothing of cJSON. */
#include "io/json.h"

#include "base/alloc.h"
#include "io/json_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Writing. */

void json_write_string(struct buf *b, struct str s)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = s.p, *end = s.p + s.n;
	buf_putc(b, '"');
	while (p < end) {
		const char *run = p;
		p = json_plain_run(p, end);
		buf_add(b, run, (size_t)(p - run));
		if (p == end)
			break;
		unsigned char c = (unsigned char)*p++;
		char escape[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
		static const char letters[] = "\b\f\n\r\t\"\\";
		const char *letter = c ? strchr(letters, c) : NULL;
		if (letter)
			escape[1] = "bfnrt\"\\"[letter - letters];
		buf_add(b, escape, letter ? 2 : 6);
	}
	buf_putc(b, '"');
}

static void write_int(struct buf *b, int64_t v)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (v < 0)
		digits[--at] = '-';
	buf_add(b, digits + at, sizeof(digits) - at);
}

/** The shorter form when it reads back as the same number. */
static void write_real(struct buf *b, double d)
{
	char text[40];
	if (fabs(d) <= JSON_INT_LIMIT && trunc(d) == d) { /* as it will be read: 2.0 is 2, -0.0 is 0 */
		write_int(b, (int64_t)d);
		return;
	}
	int n = snprintf(text, sizeof(text), "%.15g", d);
	if (strtod(text, NULL) != d)
		n = snprintf(text, sizeof(text), "%.17g", d);
	buf_add(b, text, (size_t)n);
}

static void write_scalar(struct buf *b, const struct json *v)
{
	switch (v->kind) {
	case JSON_BOOL:
		buf_puts(b, v->u.b ? "true" : "false");
		break;
	case JSON_INT:
		write_int(b, v->u.i);
		break;
	case JSON_REAL:
		write_real(b, v->u.d);
		break;
	case JSON_STRING:
		json_write_string(b, v->u.s);
		break;
	default:
		buf_add(b, "null", 4);
	}
}

static bool has_kids(const struct json *v)
{
	return v->kind == JSON_ARRAY || v->kind == JSON_OBJECT;
}

void json_write(struct buf *b, const struct json *v)
{
	if (!has_kids(v)) {
		write_scalar(b, v);
		return;
	}
	bool object = v->kind == JSON_OBJECT;
	buf_putc(b, object ? '{' : '[');
	JSON_EACH(kid, v) {
		if (kid != v->u.kids.first)
			buf_putc(b, ',');
		if (object) {
			json_write_string(b, kid->key);
			buf_putc(b, ':');
		}
		json_write(b, kid);
	}
	buf_putc(b, object ? '}' : ']');
}

static void new_line(struct buf *b, int depth)
{
	buf_putc(b, '\n');
	for (int i = 0; i < depth; i++)
		buf_add(b, "  ", 2);
}

static void write_pretty(struct buf *b, const struct json *v, int depth)
{
	bool object = v->kind == JSON_OBJECT;
	if (!has_kids(v) || !v->u.kids.first) {
		json_write(b, v);
		return;
	}
	buf_putc(b, object ? '{' : '[');
	JSON_EACH(kid, v) {
		if (kid != v->u.kids.first)
			buf_putc(b, ',');
		new_line(b, depth + 1);
		if (object) {
			json_write_string(b, kid->key);
			buf_add(b, ": ", 2);
		}
		write_pretty(b, kid, depth + 1);
	}
	new_line(b, depth);
	buf_putc(b, object ? '}' : ']');
}

void json_write_pretty(struct buf *b, const struct json *v)
{
	write_pretty(b, v, 0);
}

/* ---- Building. */

static struct json *make(struct arena *a, enum json_kind kind)
{
	struct json *v = ARENA_NEW(a, struct json);
	v->kind = kind;
	return v;
}

struct json *json_null(struct arena *a)
{
	return make(a, JSON_NULL);
}

struct json *json_bool(struct arena *a, bool b)
{
	struct json *v = make(a, JSON_BOOL);
	v->u.b = b;
	return v;
}

struct json *json_int(struct arena *a, int64_t i)
{
	struct json *v = make(a, JSON_INT);
	v->u.i = i;
	return v;
}

/* JSON has no word for infinity and NaN (the loudness of silence, say): they become null. */
struct json *json_real(struct arena *a, double d)
{
	if (!isfinite(d))
		return json_null(a);
	struct json *v = make(a, JSON_REAL);
	v->u.d = d;
	return v;
}

struct json *json_str(struct arena *a, struct str s)
{
	struct json *v = make(a, JSON_STRING);
	v->u.s = arena_str(a, s);
	return v;
}

struct json *json_text(struct arena *a, const char *s)
{
	return json_str(a, str_of(s));
}

struct json *json_array(struct arena *a)
{
	return make(a, JSON_ARRAY);
}

struct json *json_object(struct arena *a)
{
	return make(a, JSON_OBJECT);
}

void json_append(struct json *array, struct json *v)
{
	ASSERT(array->kind == JSON_ARRAY && !v->next);
	if (array->u.kids.last)
		array->u.kids.last->next = v;
	else
		array->u.kids.first = v;
	array->u.kids.last = v;
	array->u.kids.n++;
}

/** Where a key is, or where it belongs; `*ret_found` tells. */
static struct json **find_place(struct json *object, struct str key, bool *ret_found)
{
	struct json *last = object->u.kids.last, **at = &object->u.kids.first;
	*ret_found = false;
	if (last && str_cmp(last->key, key) < 0) /* most are built in order */
		return &last->next;
	for (; *at; at = &(*at)->next) {
		int c = str_cmp((*at)->key, key);
		*ret_found = c == 0;
		if (c >= 0)
			break;
	}
	return at;
}

void json_set_key(struct arena *a, struct json *object, struct str key, struct json *v)
{
	ASSERT(object->kind == JSON_OBJECT && !v->next);
	bool found;
	struct json **at = find_place(object, key, &found), *old = *at;
	if (found) {
		if (old == v)
			return;
		v->key = old->key;
		v->next = old->next;
		old->next = NULL;
	} else {
		v->key = arena_str(a, key);
		v->next = old;
		object->u.kids.n++;
	}
	*at = v;
	if (!v->next)
		object->u.kids.last = v;
}

void json_drop(struct json *object, const char *key)
{
	ASSERT(object->kind == JSON_OBJECT);
	bool found;
	struct json **at = find_place(object, str_of(key), &found);
	if (!found)
		return;
	*at = (*at)->next;
	object->u.kids.n--;
	object->u.kids.last = NULL;
	for (struct json *v = object->u.kids.first; v; v = v->next)
		object->u.kids.last = v;
}

void json_set(struct arena *a, struct json *object, const char *key, struct json *v)
{
	json_set_key(a, object, str_of(key), v);
}

void json_set_int(struct arena *a, struct json *object, const char *key, int64_t i)
{
	json_set(a, object, key, json_int(a, i));
}

void json_set_str(struct arena *a, struct json *object, const char *key, struct str s)
{
	json_set(a, object, key, json_str(a, s));
}

void json_set_text(struct arena *a, struct json *object, const char *key, const char *s)
{
	json_set(a, object, key, json_text(a, s));
}

/** Copy the value, not the key and the place among siblings. */
static void copy_value(struct arena *a, const struct json *from, struct json *ret)
{
	ret->kind = from->kind;
	if (from->kind == JSON_STRING) {
		ret->u.s = arena_str(a, from->u.s);
		return;
	}
	if (!has_kids(from)) {
		ret->u = from->u;
		return;
	}
	struct json *first = NULL, *last = NULL;
	JSON_EACH(kid, from) {
		struct json *v = ARENA_NEW(a, struct json);
		if (kid->key.p)
			v->key = arena_str(a, kid->key);
		copy_value(a, kid, v);
		if (last)
			last->next = v;
		else
			first = v;
		last = v;
	}
	size_t n = from->u.kids.n;
	ret->u.kids.first = first;
	ret->u.kids.last = last;
	ret->u.kids.n = n;
}

struct json *json_copy(struct arena *a, const struct json *v)
{
	struct json *copy = ARENA_NEW(a, struct json);
	copy_value(a, v, copy);
	return copy;
}

void json_merge(struct arena *a, struct json *base, const struct json *over)
{
	if (base->kind != JSON_OBJECT || over->kind != JSON_OBJECT) {
		copy_value(a, over, base);
		return;
	}
	JSON_EACH(member, over) {
		struct json *old = json_get_key(base, member->key);
		if (old)
			json_merge(a, old, member);
		else
			json_set_key(a, base, member->key, json_copy(a, member));
	}
}

/* ---- Reading. */

struct json *json_first(const struct json *v)
{
	return v && has_kids(v) ? v->u.kids.first : NULL;
}

size_t json_count(const struct json *v)
{
	return v && has_kids(v) ? v->u.kids.n : 0;
}

struct json *json_get_key(const struct json *object, struct str key)
{
	if (!object || object->kind != JSON_OBJECT)
		return NULL;
	for (struct json *v = object->u.kids.first; v; v = v->next) {
		int c = str_cmp(v->key, key);
		if (c >= 0)
			return c == 0 ? v : NULL;
	}
	return NULL;
}

struct json *json_get(const struct json *object, const char *key)
{
	return json_get_key(object, str_of(key));
}

struct json *json_at(const struct json *array, size_t index)
{
	struct json *v = array && array->kind == JSON_ARRAY ? array->u.kids.first : NULL;
	while (v && index-- > 0)
		v = v->next;
	return v;
}

struct json *json_path(const struct json *v, const char *path)
{
	struct str rest = str_of(path), key;
	struct json *at = NULL;
	while (str_split(&rest, '.', &key)) {
		at = json_get_key(v, key);
		if (!at)
			return NULL;
		v = at;
	}
	return at;
}

struct str json_get_str(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);
	return json_is(v, JSON_STRING) ? v->u.s : (struct str){NULL, 0};
}

int64_t json_get_int(const struct json *object, const char *key, int64_t missing)
{
	const struct json *v = json_get(object, key);
	return json_is(v, JSON_INT) ? v->u.i : missing;
}

bool json_get_bool(const struct json *object, const char *key, bool missing)
{
	const struct json *v = json_get(object, key);
	return json_is(v, JSON_BOOL) ? v->u.b : missing;
}

bool json_is(const struct json *v, enum json_kind kind)
{
	return v && v->kind == kind;
}

static bool same_number(const struct json *a, const struct json *b)
{
	if (a->kind == b->kind)
		return a->kind == JSON_INT ? a->u.i == b->u.i : a->u.d == b->u.d;
	int64_t i = a->kind == JSON_INT ? a->u.i : b->u.i;
	double d = a->kind == JSON_INT ? b->u.d : a->u.d;
	return fabs(d) <= JSON_INT_LIMIT && trunc(d) == d && (int64_t)d == i; /* a built 2.0 is a parsed 2 */
}

bool json_equal(const struct json *a, const struct json *b)
{
	if (!a || !b)
		return a == b;
	bool number = a->kind == JSON_INT || a->kind == JSON_REAL;
	if (number && (b->kind == JSON_INT || b->kind == JSON_REAL))
		return same_number(a, b);
	if (a->kind != b->kind)
		return false;
	if (a->kind == JSON_BOOL)
		return a->u.b == b->u.b;
	if (a->kind == JSON_STRING)
		return str_eq(a->u.s, b->u.s);
	if (!has_kids(a))
		return true;
	if (a->u.kids.n != b->u.kids.n)
		return false;
	const struct json *y = b->u.kids.first;
	for (const struct json *x = a->u.kids.first; x; x = x->next, y = y->next) {
		if (!str_eq(x->key, y->key) || !json_equal(x, y))
			return false;
	}
	return true;
}

const char *json_kind_name(enum json_kind kind)
{
	static const char *const names[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
	return (size_t)kind < COUNT_OF(names) ? names[kind] : "?";
}
