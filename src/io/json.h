/* JSON values: a tree in an arena. The only file that includes cJSON is json.c (its allocator hooks are process-wide).
 * Objects keep their members sorted bytewise by key, so that writing a tree gives the one canonical form: no spaces, sorted keys, integers as
 * integers, minimal escapes (\" \\ \b \f \n \r \t \u00XX for other controls), UTF-8 as is.
 * Limits: 1,000 levels (cJSON), `json_parse` input 64 MiB; numbers of whole value within ±2^53 are integers
 * (1.0 and 1e2 too: cJSON sees values, not spellings), all others reals.
 * Trees are immutable once shared; building is for one thread. */
#ifndef TAF_IO_JSON_H
#define TAF_IO_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define JSON_INT_LIMIT 9007199254740992.0 /* 2^53 */

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_kind kind;
	struct str key;    /* when a member of an object */
	struct json *next; /* sibling */
	union {
		bool b;
		int64_t i;
		double d;
		struct str s; /* terminated */
		struct {
			struct json *first, *last;
			size_t n;
		} kids;
	} u;
};

#define JSON_EACH(item, parent) for (const struct json *item = json_first(parent); item; item = item->next)

/** Parse one value; blanks around it are fine, anything else is ERR_PARSE with line and column. Invalid UTF-8, U+0000, duplicate keys are errors. */
int json_parse(struct arena *a, struct str text, struct json **ret, struct err *e);
/** Canonical form, appended. */
void json_write(struct buf *b, const struct json *v);
/** Two spaces of indent, for people. */
void json_write_pretty(struct buf *b, const struct json *v);
/** A string literal with its quotes, appended. */
void json_write_string(struct buf *b, struct str s);

struct json *json_null(struct arena *a);
struct json *json_bool(struct arena *a, bool b);
struct json *json_int(struct arena *a, int64_t i);
struct json *json_real(struct arena *a, double d);    /* null when infinite or not a number */
struct json *json_str(struct arena *a, struct str s); /* copies */
struct json *json_text(struct arena *a, const char *s);
struct json *json_array(struct arena *a);
struct json *json_object(struct arena *a);
/** Add to an array. `v` must have no parent yet. */
void json_append(struct json *array, struct json *v);
/** Set a member (replacing); the key is copied. `v` must have no parent yet. */
void json_set(struct arena *a, struct json *object, const char *key, struct json *v);
void json_set_key(struct arena *a, struct json *object, struct str key, struct json *v);
void json_drop(struct json *object, const char *key); /* nothing when it is not there */
void json_set_int(struct arena *a, struct json *object, const char *key, int64_t i);
void json_set_str(struct arena *a, struct json *object, const char *key, struct str s);
void json_set_text(struct arena *a, struct json *object, const char *key, const char *s);
struct json *json_copy(struct arena *a, const struct json *v); /* deep */

/** First kid of an array or object; NULL for anything else, and for NULL. */
struct json *json_first(const struct json *v);
size_t json_count(const struct json *v);
struct json *json_get(const struct json *object, const char *key); /* NULL when absent, or not an object, or NULL */
struct json *json_get_key(const struct json *object, struct str key);
struct json *json_at(const struct json *array, size_t index);
/** A dotted path through objects ("label.is_fraud"); NULL when absent. */
struct json *json_path(const struct json *v, const char *path);
struct str json_get_str(const struct json *object, const char *key); /* empty (p = NULL) when absent or no string */
int64_t json_get_int(const struct json *object, const char *key, int64_t missing);
bool json_get_bool(const struct json *object, const char *key, bool missing);
bool json_is(const struct json *v, enum json_kind kind);     /* false for NULL */
bool json_equal(const struct json *a, const struct json *b); /* absent (NULL) equals only absent */
const char *json_kind_name(enum json_kind kind);

/** Lay `over` onto `base`: objects are merged member by member, anything else is replaced. `base` is changed; `over` is copied where needed. */
void json_merge(struct arena *a, struct json *base, const struct json *over);

#endif
