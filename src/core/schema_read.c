#include "core/schema_parts.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

#define DIALECT "https://json-schema.org/draft/2020-12/schema"

struct reading {
	struct arena *a;
	const struct json *document;
	struct map rules; /* address of a value in the document, as bytes → struct rule */
	int depth;
	struct err *e;
};

static int fail(struct reading *r, const struct rule *rule, const char *keyword, const char *why)
{
	return err_set(r->e, ERR_CONFIG, "the schema, at %s: %s %s", rule->place, keyword, why);
}

static int read_rule(struct reading *r, const struct json *from, const char *place, const struct rule **ret);

/* One step of a JSON pointer (RFC 6901): "~" and "/" of a key are escaped. */
static const char *place_below(struct reading *r, const char *place, struct str key)
{
	struct buf b = BUF_INIT;
	buf_printf(&b, "%s/", place);
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] == '~' || key.p[i] == '/')
			buf_puts(&b, key.p[i] == '~' ? "~0" : "~1");
		else
			buf_putc(&b, key.p[i]);
	}
	const char *out = arena_dup(r->a, b.data, b.len);
	buf_release(&b);
	return out;
}

static const char *place_item(struct reading *r, const char *place, size_t index)
{
	return arena_printf(r->a, "%s/%zu", place, index);
}

/* ---- Single values. */

static int take_note(struct reading *r, struct rule *rule, const struct json *v)
{
	(void)r;
	(void)rule;
	(void)v;
	return 0;
}

static int take_text(struct reading *r, struct rule *rule, const struct json *v)
{
	return v->kind == JSON_STRING ? 0 : fail(r, rule, v->key.p, "must be text");
}

static int take_dialect(struct reading *r, struct rule *rule, const struct json *v)
{
	if (v->kind == JSON_STRING && (str_is(v->u.s, DIALECT) || str_is(v->u.s, DIALECT "#")))
		return 0;
	return fail(r, rule, v->key.p, "must be \"" DIALECT "\"");
}

static int take_id(struct reading *r, struct rule *rule, const struct json *v)
{
	if (rule->from != r->document)
		return fail(r, rule, v->key.p, "can stand at the top only");
	return take_text(r, rule, v);
}

static int type_bit(struct str name, unsigned *ret)
{
	static const enum json_kind kinds[] = {JSON_NULL, JSON_BOOL, JSON_INT, JSON_STRING, JSON_ARRAY, JSON_OBJECT};
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (str_is(name, json_kind_name(kinds[i]))) {
			*ret |= 1u << kinds[i];
			return 0;
		}
	}
	if (!str_is(name, "number"))
		return -1;
	*ret |= RULE_TYPE_NUMBER;
	return 0;
}

static int take_type(struct reading *r, struct rule *rule, const struct json *v)
{
	static const char wanted[] = "must be null, boolean, integer, number, string, array, object, or a list of these";
	if (v->kind == JSON_STRING && type_bit(v->u.s, &rule->types) == 0)
		return 0;
	if (v->kind != JSON_ARRAY || json_count(v) == 0)
		return fail(r, rule, v->key.p, wanted);
	JSON_EACH(item, v) {
		unsigned before = rule->types;
		if (item->kind != JSON_STRING || type_bit(item->u.s, &rule->types) < 0)
			return fail(r, rule, v->key.p, wanted);
		if (rule->types == before)
			return fail(r, rule, v->key.p, "names a type twice");
	}
	return 0;
}

static int take_choices(struct reading *r, struct rule *rule, const struct json *v)
{
	if (v->kind != JSON_ARRAY)
		return fail(r, rule, v->key.p, "must be a list");
	rule->choices = v;
	return 0;
}

static int take_constant(struct reading *r, struct rule *rule, const struct json *v)
{
	(void)r;
	rule->constant = v;
	return 0;
}

static int take_number(struct reading *r, struct rule *rule, const struct json *v)
{
	static const char *const names[] = {
#define X(name, keyword, words) keyword,
		RULE_NUMBERS(X)
#undef X
	};
	if (v->kind != JSON_INT && v->kind != JSON_REAL)
		return fail(r, rule, v->key.p, "must be a number");
	for (int i = 0; i < RULE_NUMBER_COUNT; i++)
		if (str_is(v->key, names[i]))
			rule->numbers[i] = v;
	if (rule->numbers[RULE_MULTIPLE_OF] == v && !(v->kind == JSON_INT ? v->u.i > 0 : v->u.d > 0))
		return fail(r, rule, v->key.p, "must be more than 0");
	return 0;
}

static int take_count(struct reading *r, struct rule *rule, const struct json *v)
{
	static const char *const names[] = {
#define X(name, keyword) keyword,
		RULE_COUNTS(X)
#undef X
	};
	if (v->kind != JSON_INT || v->u.i < 0)
		return fail(r, rule, v->key.p, "must be a whole number, 0 or more");
	for (int i = 0; i < RULE_COUNT_COUNT; i++)
		if (str_is(v->key, names[i]))
			rule->counts[i] = v->u.i;
	return 0;
}

static int take_unique(struct reading *r, struct rule *rule, const struct json *v)
{
	if (v->kind != JSON_BOOL)
		return fail(r, rule, v->key.p, "must be true or false");
	rule->unique = v->u.b;
	return 0;
}

static int take_required(struct reading *r, struct rule *rule, const struct json *v)
{
	if (v->kind != JSON_ARRAY)
		return fail(r, rule, v->key.p, "must be a list of names");
	JSON_EACH(item, v)
		if (item->kind != JSON_STRING)
			return fail(r, rule, v->key.p, "must be a list of names");
	rule->required = v;
	return 0;
}

static int compile(struct reading *r, const struct rule *rule, struct str pattern, struct regex **ret)
{
	struct err why = ERR_INIT;
	int rc = regex_new(r->a, pattern, ret, &why);
	return rc < 0 ? err_set(r->e, rc, "the schema, at %s: %s", rule->place, why.text) : 0;
}

static int take_pattern(struct reading *r, struct rule *rule, const struct json *v)
{
	struct regex *regex;
	if (v->kind != JSON_STRING)
		return fail(r, rule, v->key.p, "must be text");
	int rc = compile(r, rule, v->u.s, &regex);
	rule->pattern = regex;
	rule->pattern_text = v->u.s;
	return rc;
}

/* ---- Schemas within schemas. */

static int take_schema(struct reading *r, struct rule *rule, const struct json *v)
{
	static const struct {
		const char *keyword;
		size_t at;
	} places[] = {{"items", offsetof(struct rule, items)}, {"contains", offsetof(struct rule, contains)},
		{"additionalProperties", offsetof(struct rule, additional)}, {"propertyNames", offsetof(struct rule, names)},
		{"not", offsetof(struct rule, same[RULE_NOT])}, {"if", offsetof(struct rule, same[RULE_IF])},
		{"then", offsetof(struct rule, same[RULE_THEN])}, {"else", offsetof(struct rule, same[RULE_ELSE])}};
	if (v->kind == JSON_ARRAY && str_is(v->key, "items"))
		return fail(r, rule, v->key.p, "must be one schema; a list of them stands in prefixItems since draft 2020-12");
	const struct rule *sub = NULL;
	int rc = read_rule(r, v, place_below(r, rule->place, v->key), &sub);
	for (size_t i = 0; i < COUNT_OF(places); i++)
		if (str_is(v->key, places[i].keyword))
			memcpy((char *)rule + places[i].at, &sub, sizeof(sub));
	return rc;
}

static int take_list(struct reading *r, struct rule *rule, const struct json *v)
{
	struct rule_list *list = str_is(v->key, "allOf")   ? &rule->groups[RULE_ALL_OF]
							 : str_is(v->key, "anyOf") ? &rule->groups[RULE_ANY_OF]
							 : str_is(v->key, "oneOf") ? &rule->groups[RULE_ONE_OF]
													   : &rule->prefix;
	if (v->kind != JSON_ARRAY || json_count(v) == 0)
		return fail(r, rule, v->key.p, "must be a list of schemas, at least one");
	const char *place = place_below(r, rule->place, v->key);
	list->v = arena_array(r->a, json_count(v), sizeof(list->v[0]));
	JSON_EACH(item, v) {
		int rc = read_rule(r, item, place_item(r, place, list->n), &list->v[list->n]);
		if (rc < 0)
			return rc;
		list->n++;
	}
	return 0;
}

static int take_members(struct reading *r, struct rule *rule, const struct json *v)
{
	bool patterns = str_is(v->key, "patternProperties"), defs = str_is(v->key, "$defs");
	struct rule_members own = {NULL, 0}, *list = patterns ? &rule->patterns : defs ? &own : &rule->members;
	if (v->kind != JSON_OBJECT)
		return fail(r, rule, v->key.p, "must be an object of schemas");
	const char *place = place_below(r, rule->place, v->key);
	list->v = arena_array(r->a, json_count(v), sizeof(list->v[0]));
	JSON_EACH(item, v) { /* in the order of their names, as all objects are */
		struct rule_member *m = &list->v[list->n++];
		struct regex *regex = NULL;
		m->key = item->key;
		int rc = read_rule(r, item, place_below(r, place, item->key), &m->rule);
		if (rc == 0 && patterns)
			rc = compile(r, rule, item->key, &regex);
		if (rc < 0)
			return rc;
		m->regex = regex;
	}
	return 0;
}

/* ---- $ref */

static int hex_of(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* A step of a pointer within a URI fragment: percent-encoding outside, "~0" and "~1" inside. */
static struct str unescape(struct reading *r, struct str step)
{
	char *out = arena_alloc(r->a, step.n + 1);
	size_t n = 0, kept = 0;
	for (size_t i = 0; i < step.n; i++) {
		bool code = step.p[i] == '%' && i + 2 < step.n && hex_of(step.p[i + 1]) >= 0 && hex_of(step.p[i + 2]) >= 0;
		out[n++] = code ? (char)(hex_of(step.p[i + 1]) << 4 | hex_of(step.p[i + 2])) : step.p[i];
		i += code ? 2 : 0;
	}
	for (size_t i = 0; i < n; i++) {
		bool code = out[i] == '~' && i + 1 < n && (out[i + 1] == '0' || out[i + 1] == '1');
		out[kept++] = !code ? out[i] : out[i + 1] == '0' ? '~' : '/';
		i += code ? 1 : 0;
	}
	return str_n(out, kept);
}

static const struct json *resolve(struct reading *r, struct str pointer)
{
	const struct json *v = r->document;
	struct str step, rest = pointer;
	if (pointer.n == 0)
		return v;
	if (pointer.p[0] != '/')
		return NULL;
	rest = str_n(pointer.p + 1, pointer.n - 1);
	if (rest.n == 0)
		return json_get(v, "");
	while (v && rest.p && str_split(&rest, '/', &step)) {
		struct str key = unescape(r, step);
		int64_t index;
		if (v->kind == JSON_ARRAY)
			v = str_int(key, &index) && index >= 0 ? json_at(v, (size_t)index) : NULL;
		else
			v = json_get_key(v, key);
	}
	return v;
}

static int take_ref(struct reading *r, struct rule *rule, const struct json *v)
{
	if (v->kind != JSON_STRING || v->u.s.n == 0 || v->u.s.p[0] != '#')
		return fail(r, rule, v->key.p, "must be \"#\" or begin with \"#/\": a place in this document");
	struct str pointer = str_n(v->u.s.p + 1, v->u.s.n - 1);
	const struct json *to = resolve(r, pointer);
	if (!to)
		return err_set(r->e, ERR_CONFIG, "the schema, at %s: $ref: there is no %.*s", rule->place,
			STR_FMT(utf8_clip(v->u.s, 200)));
	return read_rule(r, to, arena_dup(r->a, v->u.s.p, v->u.s.n), &rule->same[RULE_REF]);
}

/* ---- One schema. */

static const struct keyword {
	const char *name;
	int (*take)(struct reading *r, struct rule *rule, const struct json *v);
} keywords[] = {
	{"$id", take_id},
	{"$schema", take_dialect},
	{"$comment", take_text},
	{"$defs", take_members},
	{"$ref", take_ref},
	{"title", take_text},
	{"description", take_text},
	{"default", take_note},
	{"examples", take_note},
	{"type", take_type},
	{"enum", take_choices},
	{"const", take_constant},
#define X(name, keyword, words) {keyword, take_number},
	RULE_NUMBERS(X)
#undef X
#define X(name, keyword) {keyword, take_count},
		RULE_COUNTS(X)
#undef X
			{"pattern", take_pattern},
	{"items", take_schema},
	{"prefixItems", take_list},
	{"contains", take_schema},
	{"uniqueItems", take_unique},
	{"properties", take_members},
	{"patternProperties", take_members},
	{"additionalProperties", take_schema},
	{"propertyNames", take_schema},
	{"required", take_required},
	{"allOf", take_list},
	{"anyOf", take_list},
	{"oneOf", take_list},
	{"not", take_schema},
	{"if", take_schema},
	{"then", take_schema},
	{"else", take_schema},
};

static int read_keywords(struct reading *r, struct rule *rule)
{
	JSON_EACH(member, rule->from) {
		const struct keyword *known = NULL;
		for (size_t i = 0; i < COUNT_OF(keywords) && !known; i++)
			if (str_is(member->key, keywords[i].name))
				known = &keywords[i];
		if (!known)
			return err_set(r->e, ERR_CONFIG, "the schema, at %s: the keyword \"%.*s\" is not known here", rule->place,
				STR_FMT(utf8_clip(member->key, 100)));
		int rc = known->take(r, rule, member);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A value of the document is read once, however many refer to it: a rule that refers to itself finds itself here. */
static int read_rule(struct reading *r, const struct json *from, const char *place, const struct rule **ret)
{
	bool fresh;
	struct map_entry *entry = map_put(&r->rules, str_n((const char *)&from, sizeof(from)), &fresh);
	if (!fresh) {
		*ret = entry->value.p;
		return 0;
	}
	struct rule *rule = ARENA_NEW(r->a, struct rule);
	entry->value.p = rule;
	rule->from = from;
	rule->place = place;
	for (int i = 0; i < RULE_COUNT_COUNT; i++)
		rule->counts[i] = -1;
	*ret = rule;
	if (from->kind == JSON_BOOL)
		return 0;
	if (from->kind != JSON_OBJECT)
		return err_set(r->e, ERR_CONFIG, "the schema, at %s: a schema is an object, true or false, not %s %s", place,
			strchr("aio", json_kind_name(from->kind)[0]) ? "an" : "a", json_kind_name(from->kind));
	if (r->depth >= SCHEMA_DEPTH)
		return err_set(
			r->e, ERR_CONFIG, "the schema, at %s: more than %d schemas within one another", place, SCHEMA_DEPTH);
	r->depth++;
	int rc = read_keywords(r, rule);
	r->depth--;
	return rc;
}

/* ---- Circles: a schema that needs its own verdict on the same value has none. */

static int look_for_circle(struct reading *r, struct rule *rule);

static int look_below(struct reading *r, const struct rule *sub)
{
	struct map_entry *entry = sub ? map_find(&r->rules, str_n((const char *)&sub->from, sizeof(sub->from))) : NULL;
	return entry ? look_for_circle(r, entry->value.p) : 0;
}

static int look_for_circle(struct reading *r, struct rule *rule)
{
	if (rule->mark == 2)
		return 0;
	if (rule->mark == 1)
		return fail(r, rule, "$ref", "leads back here without looking deeper into the value");
	if (r->depth >= SCHEMA_DEPTH)
		return err_set(r->e, ERR_CONFIG, "the schema, at %s: a chain of more than %d $ref", rule->place, SCHEMA_DEPTH);
	rule->mark = 1;
	r->depth++;
	int rc = 0;
	for (int i = 0; rc == 0 && i < RULE_SAME_COUNT; i++)
		rc = look_below(r, rule->same[i]);
	for (int g = 0; g < RULE_GROUP_COUNT; g++)
		for (size_t i = 0; rc == 0 && i < rule->groups[g].n; i++)
			rc = look_below(r, rule->groups[g].v[i]);
	r->depth--;
	rule->mark = 2;
	return rc;
}

int schema_read(struct arena *a, const struct json *document, struct schema **ret, struct err *e)
{
	struct reading r = {.a = a, .document = json_copy(a, document), .rules = MAP_INIT, .e = e};
	struct schema *s = ARENA_NEW(a, struct schema);
	s->document = r.document;
	int rc = read_rule(&r, r.document, "#", &s->root);
	for (size_t i = 0; rc == 0 && i < r.rules.n; i++)
		rc = look_for_circle(&r, r.rules.entries[i].value.p);
	map_release(&r.rules);
	if (rc == 0)
		*ret = s;
	return rc;
}

const struct json *schema_document(const struct schema *s)
{
	return s->document;
}
