/* Parsing: one pass over the bytes checks what cJSON is lax about (UTF-8, U+0000, control characters, the grammar of numbers, depth), then
 * cJSON builds its tree out of a bump allocator, and that tree is copied into the arena.
 * cJSON knows numbers as doubles only: what has no fraction and lies within ±2^53 becomes JSON_INT (so 1.0 and 1e2 are the integers 1 and 100). */
#include "io/json.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "io/json_run.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 1000 /* CJSON_NESTING_LIMIT of the Debian library */
#define MAX_INPUT ((size_t)64 << 20)

/* ---- cJSON's memory: a chain of blocks for one parse; its first block is borrowed from a shared store, the others come from malloc. */

#define BLOCK_SIZE ((size_t)64 << 10)
#define BLOCKS_KEPT 32

struct block {
	struct block *next;
	size_t size; /* of `mem` */
	_Alignas(16) char mem[];
};
struct pool {
	struct block *blocks;
	char *at, *end;
};

static _Thread_local struct pool *current; /* of the parse that runs on this thread */
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *store; /* free blocks of BLOCK_SIZE */
static size_t store_n;
static pthread_once_t hooks_once = PTHREAD_ONCE_INIT;

static void pool_add_block(struct pool *pool, size_t need)
{
	struct block *b = NULL;
	if (need <= BLOCK_SIZE) {
		pthread_mutex_lock(&store_lock);
		b = store;
		if (b) {
			store = b->next;
			store_n--;
		}
		pthread_mutex_unlock(&store_lock);
	}
	if (!b) {
		size_t size = need > BLOCK_SIZE ? need : BLOCK_SIZE;
		b = xmalloc(sizeof(*b) + size);
		b->size = size;
	}
	b->next = pool->blocks;
	pool->blocks = b;
	pool->at = b->mem;
	pool->end = b->mem + b->size;
}

static void pool_release(struct pool *pool)
{
	struct block *next;
	for (struct block *b = pool->blocks; b; b = next) {
		next = b->next;
		bool kept = false;
		if (b->size == BLOCK_SIZE) {
			pthread_mutex_lock(&store_lock);
			kept = store_n < BLOCKS_KEPT;
			if (kept) {
				b->next = store;
				store = b;
				store_n++;
			}
			pthread_mutex_unlock(&store_lock);
		}
		if (!kept)
			free(b);
	}
	pool->blocks = NULL;
}

static void *hook_malloc(size_t n)
{
	struct pool *pool = current;
	ASSERT(pool != NULL); /* cJSON runs inside json_parse only */
	n = ((n ? n : 1) + 15) / 16 * 16;
	if (n > BLOCK_SIZE / 2 && pool->blocks) { /* a large one goes behind, so that the rest of the block stays in use */
		struct block *b = xmalloc(sizeof(*b) + n);
		b->size = n == BLOCK_SIZE ? n - 1 : n; /* only those of the store's size go there */
		b->next = pool->blocks->next;
		pool->blocks->next = b;
		return b->mem;
	}
	if (n > (size_t)(pool->end - pool->at))
		pool_add_block(pool, n);
	void *p = pool->at;
	pool->at += n;
	return p;
}

static void hook_free(void *p)
{
	(void)p; /* all at once, by pool_release */
}

static void install_hooks(void)
{
	cJSON_Hooks hooks = {.malloc_fn = hook_malloc, .free_fn = hook_free};
	cJSON_InitHooks(&hooks);
}

/* ---- The check before cJSON. */

struct scan {
	const char *begin, *p, *end;
	const char *problem; /* what is wrong at `p` */
	int depth;           /* brackets that are open */
};

static bool scan_fail(struct scan *s, const char *at, const char *problem)
{
	s->p = at;
	s->problem = problem;
	return false;
}

/** Four hex digits, or -1. */
static int hex4(const char *p, const char *end)
{
	int v = 0;
	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
					: c >= 'a' && c <= 'f' ? c - 'a' + 10
					: c >= 'A' && c <= 'F' ? c - 'A' + 10
										   : -1;
		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

/** Just behind a backslash. */
static bool scan_escape(struct scan *s)
{
	if (s->p == s->end)
		return scan_fail(s, s->p, "the string does not end");
	if (*s->p != 'u') {
		if (!*s->p || !strchr("\"\\/bfnrt", *s->p))
			return scan_fail(s, s->p, "unknown escape");
		s->p++;
		return true;
	}
	int v = hex4(s->p + 1, s->end);
	if (v < 0)
		return scan_fail(s, s->p, "\\u needs four hex digits");
	if (v == 0)
		return scan_fail(s, s->p, "U+0000 is not allowed");
	if (v >= 0xDC00 && v <= 0xDFFF)
		return scan_fail(s, s->p, "half of a surrogate pair");
	s->p += 5;
	if (v < 0xD800 || v > 0xDBFF)
		return true;
	int low = s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u' ? hex4(s->p + 2, s->end) : -1;
	if (low < 0xDC00 || low > 0xDFFF)
		return scan_fail(s, s->p, "half of a surrogate pair");
	s->p += 6;
	return true;
}

/** At the opening quote. */
static bool scan_string(struct scan *s)
{
	s->p++;
	for (;;) {
		const char *p = json_plain_run(s->p, s->end);
		s->p = p;
		if (p == s->end)
			return scan_fail(s, p, "the string does not end");
		if (*p == '"') {
			s->p++;
			return true;
		}
		if (*p != '\\')
			return scan_fail(s, p, *p ? "a control character in a string must be escaped" : "U+0000 is not allowed");
		s->p++;
		if (!scan_escape(s))
			return false;
	}
}

static bool scan_digits(struct scan *s)
{
	const char *from = s->p;
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from;
}

static bool scan_number(struct scan *s)
{
	const char *from = s->p;
	if (*s->p == '-')
		s->p++;
	bool zero = s->p < s->end && *s->p == '0';
	const char *whole = s->p;
	if (!scan_digits(s) || (zero && s->p - whole > 1))
		return scan_fail(s, from, "not a number");
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!scan_digits(s))
			return scan_fail(s, from, "not a number");
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!scan_digits(s))
			return scan_fail(s, from, "not a number");
	}
	if (s->p - from > 62) /* cJSON's own buffer for a number */
		return scan_fail(s, from, "a number with too many digits");
	return true;
}

/** Blanks, separators and the letters of true, false and null; cJSON looks at their order. */
static bool is_plain(char c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
	case ',':
	case ':':
	case 't':
	case 'r':
	case 'u':
	case 'e':
	case 'f':
	case 'a':
	case 'l':
	case 's':
	case 'n':
		return true;
	default:
		return false;
	}
}

static bool scan_all(struct scan *s)
{
	while (s->p < s->end) {
		char c = *s->p;
		if (c == '"') {
			if (!scan_string(s))
				return false;
			continue;
		}
		if (c == '-' || (c >= '0' && c <= '9')) {
			if (!scan_number(s))
				return false;
			continue;
		}
		if (c == '{' || c == '[') {
			if (++s->depth > MAX_DEPTH)
				return scan_fail(s, s->p, "more than 1000 levels");
		} else if (c == '}' || c == ']') {
			s->depth--;
		} else if (!is_plain(c)) {
			return scan_fail(s, s->p, c ? "unexpected character" : "U+0000 is not allowed");
		}
		s->p++;
	}
	return true;
}

/* ---- From cJSON's tree to ours. */

/** Sort a sibling list by key (merge sort: inputs from outside may have very many members in any order). */
static struct json *sort_members(struct json *list)
{
	if (!list || !list->next)
		return list;
	struct json *slow = list, *fast = list->next;
	while (fast && fast->next) {
		slow = slow->next;
		fast = fast->next->next;
	}
	struct json *right = sort_members(slow->next), *head = NULL, **tail = &head;
	slow->next = NULL;
	struct json *left = sort_members(list);
	while (left && right) {
		struct json **from = str_cmp(left->key, right->key) <= 0 ? &left : &right;
		*tail = *from;
		tail = &(*from)->next;
		*from = *tail;
	}
	*tail = left ? left : right;
	return head;
}

/** Put the members of a parsed object in order. The key that stands there twice, or NULL. */
static const struct json *order_members(struct json *object, bool sorted)
{
	if (!sorted)
		object->u.kids.first = sort_members(object->u.kids.first);
	struct json *v = object->u.kids.first;
	for (; v && v->next; v = v->next) {
		if (!sorted && str_eq(v->key, v->next->key))
			return v;
	}
	object->u.kids.last = v;
	return NULL;
}

struct convert {
	struct arena *a;
	const char *problem; /* NULL while all is well */
	struct str key;
};

static void convert(struct convert *c, const cJSON *from, struct json *ret);

static void convert_kids(struct convert *c, const cJSON *from, struct json *ret)
{
	bool sorted = true;
	struct json *last = NULL;
	for (const cJSON *kid = from->child; kid && !c->problem; kid = kid->next) {
		struct json *v = ARENA_NEW(c->a, struct json);
		if (ret->kind == JSON_OBJECT) {
			size_t n = strlen(kid->string);
			v->key = str_n(arena_dup(c->a, kid->string, n), n);
			if (last && str_cmp(last->key, v->key) >= 0)
				sorted = false;
		}
		convert(c, kid, v);
		if (last)
			last->next = v;
		else
			ret->u.kids.first = v;
		last = v;
		ret->u.kids.n++;
	}
	ret->u.kids.last = last;
	if (ret->kind != JSON_OBJECT || c->problem)
		return;
	const struct json *twice = order_members(ret, sorted);
	if (twice) {
		c->problem = "stands twice in one object";
		c->key = twice->key;
	}
}

static void convert(struct convert *c, const cJSON *from, struct json *ret)
{
	switch (from->type & 0xFF) {
	case cJSON_False:
	case cJSON_True:
		ret->kind = JSON_BOOL;
		ret->u.b = (from->type & 0xFF) == cJSON_True;
		break;
	case cJSON_Number:
		if (!isfinite(from->valuedouble)) {
			c->problem = "a number is too large";
		} else if (fabs(from->valuedouble) <= JSON_INT_LIMIT && trunc(from->valuedouble) == from->valuedouble) {
			ret->kind = JSON_INT;
			ret->u.i = (int64_t)from->valuedouble;
		} else {
			ret->kind = JSON_REAL;
			ret->u.d = from->valuedouble;
		}
		break;
	case cJSON_String:
		ret->kind = JSON_STRING;
		ret->u.s = arena_str(c->a, str_of(from->valuestring));
		break;
	case cJSON_Array:
	case cJSON_Object:
		ret->kind = (from->type & 0xFF) == cJSON_Array ? JSON_ARRAY : JSON_OBJECT;
		convert_kids(c, from, ret);
		break;
	default:
		ret->kind = JSON_NULL;
	}
}

/* ---- json_parse. */

static int fail_at(struct str text, const char *at, const char *problem, struct err *e)
{
	size_t line = 1;
	const char *line_start = text.p;
	for (const char *p = text.p; p < at; p++) {
		if (*p == '\n') {
			line++;
			line_start = p + 1;
		}
	}
	size_t column = 1 + utf8_count(str_n(line_start, (size_t)(at - line_start)));
	return err_set(e, ERR_PARSE, "not JSON, line %zu column %zu: %s", line, column, problem);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/** Where cJSON stopped. It names the last byte also when it ran out of text. */
static int fail_stopped(struct str text, const struct scan *s, const char *stop, struct err *e)
{
	if (s->depth > 0 && stop >= s->end - 1)
		return fail_at(text, s->end, "it ends too early", e);
	return fail_at(text, stop, "this does not fit here", e);
}

static int parse_into(struct arena *a, struct str text, const struct scan *s, struct json **ret, struct err *e)
{
	const char *end = s->begin;
	const cJSON *tree = cJSON_ParseWithLengthOpts(s->begin, (size_t)(s->end - s->begin), &end, 0);
	if (!tree)
		return fail_stopped(text, s, end, e);
	while (end < s->end && is_blank(*end))
		end++;
	if (end < s->end)
		return fail_at(text, end, "more text behind the value", e);
	struct convert c = {.a = a};
	struct json *v = ARENA_NEW(a, struct json);
	convert(&c, tree, v);
	if (c.problem && c.key.p)
		return err_set(e, ERR_PARSE, "not JSON: the key \"%.*s\" %s", STR_FMT(utf8_clip(c.key, 200)), c.problem);
	if (c.problem)
		return err_set(e, ERR_PARSE, "not JSON: %s", c.problem);
	*ret = v;
	return 0;
}

int json_parse(struct arena *a, struct str text, struct json **ret, struct err *e)
{
	if (text.n > MAX_INPUT)
		return err_set(e, ERR_TOOBIG, "a JSON text of %zu bytes; at most %zu are read", text.n, MAX_INPUT);
	ptrdiff_t bad = utf8_invalid(text);
	if (bad >= 0)
		return fail_at(text, text.p + bad, "invalid UTF-8", e);
	struct str body = text;
	if (str_starts(body, "\xEF\xBB\xBF")) /* a byte order mark */
		body = str_n(body.p + 3, body.n - 3);
	while (body.n && is_blank(body.p[0]))
		body = str_n(body.p + 1, body.n - 1);
	while (body.n && is_blank(body.p[body.n - 1]))
		body.n--;
	if (body.n == 0)
		return err_set(e, ERR_PARSE, "not JSON: there is nothing but blanks");
	struct scan s = {.begin = body.p, .p = body.p, .end = body.p + body.n};
	if (!scan_all(&s))
		return fail_at(text, s.p, s.problem, e);
	pthread_once(&hooks_once, install_hooks);
	struct pool pool = {NULL, NULL, NULL};
	current = &pool;
	int r = parse_into(a, text, &s, ret, e);
	current = NULL;
	pool_release(&pool);
	return r;
}
