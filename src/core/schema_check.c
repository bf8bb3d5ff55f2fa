#include "core/schema_parts.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

#define STEPS_MAX 20000000 /* schemas held against values, in one check: some seconds */
#define CLIP 80            /* bytes of a value or pattern in a message */
#define CLIP_LIST 300      /* of a list of choices, of a path */
#define FEW 32             /* items that are compared each with each */

/** Where in the value; on the stack, from the inside out. */
struct spot {
	const struct spot *up; /* NULL: the whole value */
	struct str key;        /* of a member; p = NULL: an item */
	size_t index, depth;
};

/** What is wrong, in two halves: "PATH: HAVE; wanted is WANT". */
struct fault {
	size_t rank; /* of several, the one that is deeper in the value tells more, and a wrong type tells least */
	bool type;
	const char *path, *have, *want; /* want: NULL when `have` says it all */
};

struct check {
	struct arena words;
	int depth;       /* schemas within one another */
	int64_t steps;   /* so far */
	int quiet;       /* > 0: the verdict is wanted, not the words */
	const char *end; /* why there will be no verdict; NULL while all is well */
	struct fault fault;
};

static bool holds(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at);

/* ---- Words. */

static bool is_word(struct str key)
{
	for (size_t i = 0; i < key.n; i++) {
		unsigned char b = (unsigned char)key.p[i];
		bool letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b >= 0x80;
		if (!letter && b != '_' && b != '-' && b != '$')
			return false;
	}
	return key.n > 0 && key.n <= CLIP;
}

static void put_quoted(struct buf *b, struct str s)
{
	struct str clipped = utf8_clip(s, CLIP);
	json_write_string(b, clipped);
	if (clipped.n < s.n)
		buf_puts(b, "…");
}

static const char *path_of(struct check *c, const struct spot *at)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	const struct spot *way[SCHEMA_DEPTH + 2];
	size_t n = 0;
	for (; at->up && n < COUNT_OF(way); at = at->up)
		way[n++] = at;
	if (n == 0)
		return "the value";
	while (n-- > 0) {
		if (!way[n]->key.p) {
			buf_printf(&b, "[%zu]", way[n]->index);
		} else if (is_word(way[n]->key)) {
			buf_puts(&b, b.len ? "." : "");
			buf_str(&b, way[n]->key);
		} else {
			buf_putc(&b, '[');
			put_quoted(&b, way[n]->key);
			buf_putc(&b, ']');
		}
	}
	if (b.len <= CLIP_LIST)
		return arena_strdup(&c->words, b.data);
	const char *tail = b.data + b.len - CLIP_LIST; /* its end says more */
	while ((*tail & 0xC0) == 0x80)
		tail++;
	return arena_printf(&c->words, "…%s", tail);
}

static void put_value(struct buf *b, const struct json *v)
{
	if (v->kind == JSON_STRING)
		put_quoted(b, v->u.s);
	else if (v->kind == JSON_ARRAY)
		buf_printf(b, "a list of %zu", json_count(v));
	else if (v->kind == JSON_OBJECT)
		buf_puts(b, "an object");
	else
		json_write(b, v);
}

/** Note what is wrong; always false. `want` may be NULL. */
static bool wrong(struct check *c, const struct spot *at, struct buf *have, struct buf *want)
{
	if (!c->quiet) {
		c->fault = (struct fault){.rank = at->depth * 2 + 1, .path = path_of(c, at)};
		c->fault.have = arena_strdup(&c->words, have->data);
		c->fault.want = want ? arena_strdup(&c->words, want->data) : NULL;
	}
	buf_release(have);
	if (want)
		buf_release(want);
	return false;
}

/** The same with "is VALUE" as the first half. */
static bool wrong_value(struct check *c, const struct spot *at, const struct json *v, struct buf *want)
{
	struct buf have = BUF_INIT;
	if (!c->quiet) {
		buf_puts(&have, "is ");
		put_value(&have, v);
	}
	return wrong(c, at, &have, want);
}

/** No verdict is possible; always false. */
static bool give_up(struct check *c, const char *why)
{
	if (!c->end)
		c->end = why;
	return false;
}

static void put_choices(struct buf *b, const struct json *choices)
{
	size_t n = 0, from = b->len;
	buf_puts(b, json_count(choices) == 1 ? "" : "one of ");
	JSON_EACH(choice, choices) {
		if (b->len - from > CLIP_LIST) {
			buf_printf(b, ", … (%zu in all)", json_count(choices));
			return;
		}
		buf_puts(b, n++ ? ", " : "");
		put_value(b, choice);
	}
	if (n == 0)
		buf_puts(b, "nothing: no value is allowed");
}

static void put_types(struct buf *b, unsigned types)
{
	static const struct {
		unsigned bit;
		const char *words;
	} names[] = {{1u << JSON_STRING, "text"}, {RULE_TYPE_NUMBER, "a number"}, {1u << JSON_INT, "a whole number"},
		{1u << JSON_BOOL, "true or false"}, {1u << JSON_ARRAY, "a list"}, {1u << JSON_OBJECT, "an object"},
		{1u << JSON_NULL, "null"}};
	bool first = true;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!(types & names[i].bit))
			continue;
		buf_printf(b, "%s%s", first ? "" : " or ", names[i].words);
		first = false;
	}
}

/* ---- Single values. */

static bool whole(const struct json *v)
{
	return v->kind == JSON_INT || (v->kind == JSON_REAL && trunc(v->u.d) == v->u.d);
}

static bool check_type(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	unsigned types = rule->types;
	bool number = v->kind == JSON_INT || v->kind == JSON_REAL;
	if (types == 0 || (number && (types & RULE_TYPE_NUMBER)))
		return true;
	if (number ? whole(v) && (types & 1u << JSON_INT) : (types & 1u << v->kind) != 0)
		return true;
	if (c->quiet)
		return false;
	struct buf want = BUF_INIT;
	put_types(&want, types);
	wrong_value(c, at, v, &want);
	c->fault.rank--;
	c->fault.type = true;
	return false;
}

static bool check_choices(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	struct buf want = BUF_INIT;
	if (rule->constant && !json_equal(rule->constant, v)) {
		put_value(&want, rule->constant);
		return wrong_value(c, at, v, &want);
	}
	if (!rule->choices)
		return true;
	JSON_EACH(choice, rule->choices)
		if (json_equal(choice, v))
			return true;
	if (c->quiet)
		return false;
	put_choices(&want, rule->choices);
	return wrong_value(c, at, v, &want);
}

static bool check_number(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	static const char *const words[] = {
#define X(name, keyword, said) said,
		RULE_NUMBERS(X)
#undef X
	};
	for (int i = 0; i < RULE_NUMBER_COUNT; i++) {
		const struct json *limit = rule->numbers[i];
		if (!limit)
			continue;
		int order = i == RULE_MULTIPLE_OF ? 0 : schema_compare(v, limit);
		bool fits = i == RULE_MULTIPLE_OF ? schema_is_multiple(v, limit)
					: i == RULE_MINIMUM   ? order >= 0
					: i == RULE_MAXIMUM   ? order <= 0
					: i == RULE_ABOVE     ? order > 0
										  : order < 0;
		if (fits)
			continue;
		struct buf want = BUF_INIT;
		buf_puts(&want, words[i]);
		json_write(&want, limit);
		return wrong_value(c, at, v, &want);
	}
	return true;
}

/** `least`: which count; the one behind it is the most. */
static bool check_count(struct check *c, const struct rule *rule, enum rule_count least, size_t n, const struct spot *at)
{
	static const char *const units[] = {"character", "characters", "item", "items", "member", "members"};
	int64_t min = rule->counts[least], max = rule->counts[least + 1], have = (int64_t)n;
	if ((min < 0 || have >= min) && (max < 0 || have <= max))
		return true;
	if (c->quiet)
		return false;
	struct buf has = BUF_INIT, want = BUF_INIT;
	bool few = min >= 0 && have < min;
	buf_printf(&has, "has %zu %s", n, units[(int)least + (n == 1 ? 0 : 1)]);
	if (min == max)
		buf_printf(&want, "%lld", (long long)min);
	else
		buf_printf(&want, "at %s %lld", few ? "least" : "most", (long long)(few ? min : max));
	return wrong(c, at, &has, &want);
}

/** 1 found, 0 not. */
static bool finds(struct check *c, const struct regex *regex, struct str text)
{
	int rc = regex_find(regex, text, NULL);
	return rc < 0 ? give_up(c, "a pattern takes too many steps on a text of it") : rc > 0;
}

static bool check_text(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	if (rule->counts[RULE_MIN_LENGTH] >= 0 || rule->counts[RULE_MAX_LENGTH] >= 0)
		if (!check_count(c, rule, RULE_MIN_LENGTH, utf8_count(v->u.s), at))
			return false;
	if (!rule->pattern || finds(c, rule->pattern, v->u.s))
		return true;
	struct buf want = BUF_INIT;
	struct str pattern = utf8_clip(rule->pattern_text, CLIP);
	buf_printf(&want, "text like %.*s%s", STR_FMT(pattern), pattern.n < rule->pattern_text.n ? "…" : "");
	return wrong_value(c, at, v, &want);
}

/* ---- Lists. */

static bool twice(struct check *c, const struct spot *at, size_t first, size_t second)
{
	struct buf have = BUF_INIT, want = BUF_INIT;
	buf_printf(&have, "has equal items, [%zu] and [%zu]", first, second);
	buf_puts(&want, "a list without doubles");
	return wrong(c, at, &have, &want);
}

/** Long lists by their canonical text, which is the same for equal values: comparing each with each would take for ever. */
static bool check_unique_long(struct check *c, const struct json *v, const struct spot *at)
{
	struct map seen = MAP_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	size_t n = 0;
	bool fresh = true;
	int64_t other = 0;
	JSON_EACH(item, v) {
		buf_clear(&text);
		json_write(&text, item);
		struct map_entry *entry = map_put(&seen, buf_view(&text), &fresh);
		other = entry->value.i;
		if (!fresh)
			break;
		entry->value.i = (int64_t)n++;
	}
	map_release(&seen);
	return fresh ? true : twice(c, at, (size_t)other, n);
}

static bool check_unique(struct check *c, const struct json *v, const struct spot *at)
{
	if (json_count(v) > FEW)
		return check_unique_long(c, v, at);
	size_t i = 0;
	JSON_EACH(item, v) {
		size_t j = i + 1;
		for (const struct json *other = item->next; other; other = other->next, j++)
			if (json_equal(item, other))
				return twice(c, at, i, j);
		i++;
	}
	return true;
}

static bool check_contains(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	struct spot item_at = {.up = at, .depth = at->depth + 1};
	bool found = false;
	c->quiet++;
	for (const struct json *item = json_first(v); item && !found && !c->end; item = item->next)
		found = holds(c, rule->contains, item, &item_at);
	c->quiet--;
	if (found || c->end)
		return found;
	struct buf have = BUF_INIT;
	buf_printf(&have, "has no item as %s wants one", rule->contains->place);
	return wrong(c, at, &have, NULL);
}

static bool check_list(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	struct spot item_at = {.up = at, .depth = at->depth + 1};
	if (!check_count(c, rule, RULE_MIN_ITEMS, json_count(v), at))
		return false;
	if (rule->unique && !check_unique(c, v, at))
		return false;
	JSON_EACH(item, v) {
		const struct rule *sub = item_at.index < rule->prefix.n ? rule->prefix.v[item_at.index] : rule->items;
		if (sub && !holds(c, sub, item, &item_at))
			return false;
		item_at.index++;
	}
	return !rule->contains || check_contains(c, rule, v, at);
}

/* ---- Objects. */

static bool check_required(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	JSON_EACH(name, rule->required) {
		if (json_get_key(v, name->u.s))
			continue;
		struct buf have = BUF_INIT;
		buf_puts(&have, "has no ");
		put_quoted(&have, name->u.s);
		buf_puts(&have, ", which is required");
		return wrong(c, at, &have, NULL);
	}
	return true;
}

static bool check_name(struct check *c, const struct rule *rule, const struct json *member, const struct spot *at)
{
	struct json name = {.kind = JSON_STRING, .u = {.s = member->key}};
	if (!rule->names || holds(c, rule->names, &name, at))
		return true;
	if (!c->quiet && !c->end)
		c->fault.have = arena_printf(&c->words, "its name %s", c->fault.have);
	return false;
}

static bool not_known(struct check *c, const struct rule *rule, const struct json *member, const struct spot *object)
{
	struct buf have = BUF_INIT;
	buf_puts(&have, "has a member ");
	put_quoted(&have, member->key);
	if (rule->patterns.n == 0) {
		size_t from = have.len;
		buf_puts(&have, rule->members.n ? "; its members may be " : "; no members are allowed");
		for (size_t i = 0; i < rule->members.n && have.len - from < CLIP_LIST; i++) {
			buf_puts(&have, i ? ", " : "");
			put_quoted(&have, rule->members.v[i].key);
		}
		buf_puts(&have, have.len - from < CLIP_LIST ? "" : ", …");
	} else {
		buf_puts(&have, ", which is none of those that are allowed");
	}
	return wrong(c, object, &have, NULL);
}

/** `own`: what `properties` says of it, or NULL. */
static bool check_member(
	struct check *c, const struct rule *rule, const struct rule *own, const struct json *member, const struct spot *at)
{
	bool known = own != NULL;
	if (!check_name(c, rule, member, at) || (own && !holds(c, own, member, at)))
		return false;
	for (size_t i = 0; i < rule->patterns.n; i++) {
		if (!finds(c, rule->patterns.v[i].regex, member->key)) {
			if (c->end)
				return false;
			continue;
		}
		known = true;
		if (!holds(c, rule->patterns.v[i].rule, member, at))
			return false;
	}
	if (known || !rule->additional)
		return true;
	if (rule->additional->from->kind == JSON_BOOL && !rule->additional->from->u.b)
		return not_known(c, rule, member, at->up);
	return holds(c, rule->additional, member, at);
}

static bool check_object(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	struct spot member_at = {.up = at, .depth = at->depth + 1};
	size_t next = 0; /* both lists are in the order of their names */
	if (!check_count(c, rule, RULE_MIN_MEMBERS, json_count(v), at) || !check_required(c, rule, v, at))
		return false;
	if (rule->members.n + rule->patterns.n == 0 && !rule->additional && !rule->names)
		return true;
	JSON_EACH(member, v) {
		while (next < rule->members.n && str_cmp(rule->members.v[next].key, member->key) < 0)
			next++;
		bool own = next < rule->members.n && str_eq(rule->members.v[next].key, member->key);
		member_at.key = member->key;
		if (!check_member(c, rule, own ? rule->members.v[next].rule : NULL, member, &member_at))
			return false;
	}
	return true;
}

/* ---- Schemas of the same value. */

static bool holds_quietly(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	c->quiet++;
	bool fits = holds(c, rule, v, at);
	c->quiet--;
	return fits;
}

/** None fits: the words of the one that came nearest. All of a wrong type: what they want, in one. */
static bool explain_none(struct check *c, const struct rule_list *list, const struct json *v, const struct spot *at)
{
	struct fault best = {.path = NULL};
	CLEANUP(buf_release) struct buf wants = BUF_INIT;
	bool types = true;
	if (c->quiet || c->end)
		return false;
	for (size_t i = 0; i < list->n && !c->end; i++) {
		holds(c, list->v[i], v, at);
		if (c->end)
			return false;
		types = types && c->fault.type && c->fault.rank == at->depth * 2;
		if (types && !strstr(wants.data, c->fault.want))
			buf_printf(&wants, "%s%s", wants.len ? " or " : "", c->fault.want);
		if (!best.path || c->fault.rank > best.rank)
			best = c->fault;
	}
	if (types && wants.len)
		best.want = arena_strdup(&c->words, wants.data);
	c->fault = best;
	return false;
}

static bool check_any(struct check *c, const struct rule_list *list, const struct json *v, const struct spot *at)
{
	for (size_t i = 0; i < list->n && !c->end; i++)
		if (holds_quietly(c, list->v[i], v, at))
			return true;
	return list->n == 0 || explain_none(c, list, v, at);
}

static bool check_one(struct check *c, const struct rule_list *list, const struct json *v, const struct spot *at)
{
	size_t fits = 0;
	for (size_t i = 0; i < list->n && !c->end; i++)
		fits += holds_quietly(c, list->v[i], v, at);
	if (c->end || fits == 1 || list->n == 0)
		return !c->end;
	if (fits == 0)
		return explain_none(c, list, v, at);
	struct buf want = BUF_INIT;
	buf_printf(&want, "what fits one of %zu descriptions, not %zu of them", list->n, fits);
	return wrong_value(c, at, v, &want);
}

static bool check_not(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	const struct rule *not = rule->same[RULE_NOT];
	if (!not || !holds_quietly(c, not, v, at))
		return !c->end;
	struct buf want = BUF_INIT;
	buf_printf(&want, "anything but what %s describes", not ->place);
	return wrong_value(c, at, v, &want);
}

static bool check_if(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	if (!rule->same[RULE_IF] || (!rule->same[RULE_THEN] && !rule->same[RULE_ELSE]))
		return true;
	const struct rule *next = rule->same[holds_quietly(c, rule->same[RULE_IF], v, at) ? RULE_THEN : RULE_ELSE];
	return !c->end && (!next || holds(c, next, v, at));
}

static bool check_same(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	const struct rule_list *all = &rule->groups[RULE_ALL_OF];
	if (rule->same[RULE_REF] && !holds(c, rule->same[RULE_REF], v, at))
		return false;
	for (size_t i = 0; i < all->n; i++)
		if (!holds(c, all->v[i], v, at))
			return false;
	return check_any(c, &rule->groups[RULE_ANY_OF], v, at) && check_one(c, &rule->groups[RULE_ONE_OF], v, at) &&
		   check_not(c, rule, v, at) && check_if(c, rule, v, at);
}

static bool check_kind(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	switch (v->kind) {
	case JSON_INT:
	case JSON_REAL:
		return check_number(c, rule, v, at);
	case JSON_STRING:
		return check_text(c, rule, v, at);
	case JSON_ARRAY:
		return check_list(c, rule, v, at);
	case JSON_OBJECT:
		return check_object(c, rule, v, at);
	default:
		return true;
	}
}

static bool holds(struct check *c, const struct rule *rule, const struct json *v, const struct spot *at)
{
	if (c->end)
		return false;
	if (++c->steps > STEPS_MAX)
		return give_up(c, "it takes too many steps to check");
	if (rule->from->kind == JSON_BOOL) {
		struct buf have = BUF_INIT;
		if (rule->from->u.b)
			return true;
		buf_puts(&have, "must not be there");
		return wrong(c, at, &have, NULL);
	}
	if (c->depth >= SCHEMA_DEPTH)
		return give_up(c, "it is nested too deeply");
	c->depth++;
	bool fits = check_type(c, rule, v, at) && check_choices(c, rule, v, at) && check_kind(c, rule, v, at) &&
				check_same(c, rule, v, at);
	c->depth--;
	return fits && !c->end;
}

int schema_check(const struct schema *s, const struct json *value, struct err *e)
{
	struct check c = {.words = ARENA_INIT};
	struct spot top = {.up = NULL};
	bool fits = holds(&c, s->root, value, &top);
	int rc = 0;
	if (c.end)
		rc = err_set(e, ERR_INVALID, "the value cannot be checked: %s", c.end);
	else if (!fits && c.fault.want)
		rc = err_set(e, ERR_INVALID, "%s: %s; wanted is %s", c.fault.path, c.fault.have, c.fault.want);
	else if (!fits)
		rc = err_set(e, ERR_INVALID, "%s: %s", c.fault.path, c.fault.have);
	arena_release(&c.words);
	return rc;
}
