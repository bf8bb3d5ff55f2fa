#include "tests/servers/llm/lines.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "io/yaml.h"

#include <stdlib.h>
#include <string.h>

#define LINES_FILE_MAX ((size_t)4 << 20)
#define NEST_MAX 8   /* of choices in choices */
#define SLOT_SHORT 3 /* bytes: a surname stands by chance in many words */

/* ---- Reading ---- */

static int wrong(const struct yaml_node *node, struct str source, const char *message, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	yaml_point(&b, node->mark, source, message);
	return err_set(e, ERR_CONFIG, "%s", b.data);
}

struct reading {
	struct lines *l;
	struct str source;
	size_t cap;
};

/* Every list below a map, under its path. */
static int read_lists(struct reading *r, const struct yaml_node *node, const char *path, struct err *e)
{
	struct arena *a = &r->l->arena;
	if (node->kind == YAML_MAP) {
		YAML_EACH(kid, node) {
			const char *below = arena_printf(a, "%s%s%.*s", path, *path ? "/" : "", STR_FMT(kid->key));
			int rc = read_lists(r, kid, below, e);
			if (rc < 0)
				return rc;
		}
		return 0;
	}
	if (node->kind != YAML_LIST || node->n == 0)
		return wrong(node, r->source, "expected a list of texts, or names of lists", e);
	struct texts t = {.v = arena_array(a, node->n, sizeof(struct str))};
	YAML_EACH(item, node) {
		if (item->kind != YAML_SCALAR)
			return wrong(item, r->source, "expected a text (quote it if it has brackets)", e);
		t.v[t.n++] = item->text;
	}
	struct named_set *all = &r->l->all;
	GROW(all->v, all->n, r->cap);
	all->v[all->n++] = (struct named){str_of(path), t};
	return 0;
}

/* The lists right below a path, in the file's order. */
static struct named_set lists_below(struct lines *l, const char *path)
{
	struct named_set ret = {.v = arena_array(&l->arena, l->all.n, sizeof(struct named))};
	size_t n = strlen(path);
	for (size_t i = 0; i < l->all.n; i++) {
		struct str name = l->all.v[i].name;
		if (!str_starts(name, path) || name.n <= n + 1 || name.p[n] != '/' || memchr(name.p + n + 1, '/', name.n - n - 1))
			continue;
		ret.v[ret.n++] = (struct named){str_n(name.p + n + 1, name.n - n - 1), l->all.v[i].texts};
	}
	return ret;
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int read_kinds(struct lines *l, const struct yaml_node *kinds, struct str source, struct err *e)
{
	l->kinds = arena_array(&l->arena, kinds->n, sizeof(*l->kinds));
	YAML_EACH(node, kinds) {
		struct kind *k = &l->kinds[l->nkinds++];
		k->label = node->key;
		k->fraud = lines_getf(l, "kinds/%.*s/fraud", STR_FMT(k->label)).n > 0;
		k->words = lines_getf(l, "kinds/%.*s/words", STR_FMT(k->label));
		for (size_t i = 0; i < 4; i++) {
			static const char *const phases[] = {"open", "story", "ask", "push"};
			if (lines_getf(l, "kinds/%.*s/%s", STR_FMT(k->label), phases[i]).n == 0)
				return wrong(node, source, "a kind needs the lists open, story, ask and push", e);
		}
	}
	return l->nkinds ? 0 : wrong(kinds, source, "there is no kind of talk", e);
}

int lines_read(const char *path, struct lines *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	*ret = (struct lines){.nkinds = 0};
	struct reading r = {.l = ret};
	struct yaml_node *tree = NULL;
	int rc = fs_read(path, LINES_FILE_MAX, &b, e);
	r.source = arena_str(&ret->arena, buf_view(&b));
	if (rc == 0)
		rc = yaml_parse(&ret->arena, arena_strdup(&ret->arena, path), r.source, &tree, e);
	if (rc == 0)
		rc = read_lists(&r, tree, "", e);
	if (rc < 0)
		return rc;
	ret->hears_left = lists_below(ret, "hears/left");
	ret->hears_right = lists_below(ret, "hears/right");
	ret->slots = lists_below(ret, "slots");
	struct yaml_node *kinds = yaml_get(tree, "kinds");
	if (!kinds || kinds->kind != YAML_MAP)
		return wrong(tree, r.source, "the map `kinds` is missing", e);
	struct named_set *slots = arena_array(&ret->arena, kinds->n, sizeof(*slots));
	size_t n = 0;
	YAML_EACH(node, kinds)
		slots[n++] = lists_below(ret, arena_printf(&ret->arena, "kinds/%.*s/slots", STR_FMT(node->key)));
	qsort(ret->all.v, ret->all.n, sizeof(*ret->all.v), by_name);
	rc = read_kinds(ret, kinds, r.source, e);
	for (size_t i = 0; i < ret->nkinds; i++)
		ret->kinds[i].slots = slots[i];
	return rc;
}

void lines_release(struct lines *l)
{
	free(l->all.v);
	arena_release(&l->arena);
}

struct texts lines_get(const struct lines *l, const char *path)
{
	struct named key = {.name = str_of(path)};
	const struct named *found = bsearch(&key, l->all.v, l->all.n, sizeof(key), by_name);
	return found ? found->texts : (struct texts){.n = 0};
}

struct texts lines_getf(const struct lines *l, const char *fmt, ...)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return lines_get(l, b.data);
}

bool texts_in(struct texts words, struct str text, ptrdiff_t *ret_at)
{
	ptrdiff_t last = -1;
	for (size_t i = 0; i < words.n && text.n; i++) {
		struct str w = words.v[i];
		const char *at = memmem(text.p, text.n, w.p, w.n);
		if (at && !ret_at)
			return true;
		while (at) {
			if (at - text.p > last)
				last = at - text.p;
			size_t from = (size_t)(at - text.p) + w.n;
			at = memmem(text.p + from, text.n - from, w.p, w.n);
		}
	}
	if (ret_at && last >= 0)
		*ret_at = last;
	return last >= 0;
}

/* ---- Making ---- */

static const struct texts *slot_values(const struct named_set *set, struct str name)
{
	for (size_t i = 0; set && i < set->n; i++)
		if (str_eq(set->v[i].name, name))
			return &set->v[i].texts;
	return NULL;
}

static void make_digits(struct buf *b, uint64_t key, struct str count)
{
	static const char *const said[] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};
	int64_t n = 0;
	if (!str_int(count, &n) || n > 20)
		n = 4;
	for (int64_t i = 0; i < n; i++)
		buf_puts(b, said[mix(key, "digit", (uint64_t)i) % 10]);
}

static void make_slot(struct buf *b, const struct maker *m, struct str name)
{
	if (name.n > 1 && name.p[0] == '#') {
		make_digits(b, m->key, str_n(name.p + 1, name.n - 1));
		return;
	}
	const struct texts *values = slot_values(m->own, name);
	if (!values && m->kind)
		values = slot_values(&m->kind->slots, name);
	if (!values)
		values = slot_values(&m->lines->slots, name);
	if (!values)
		return;
	struct str value = {.n = 0};
	for (size_t i = 0; i < m->nsaid && values->n > 1 && value.n == 0; i++)
		for (size_t k = 0; k < values->n; k++) /* the longest: 十五万 holds 五万 */
			if (values->v[k].n > SLOT_SHORT && values->v[k].n > value.n && str_find(m->said[i], values->v[k]) >= 0)
				value = values->v[k];
	if (value.n == 0)
		value = values->v[hash_bytes(name.p, name.n, m->talk) % values->n];
	buf_str(b, value);
}

/* The place of the bracket that closes the one at the beginning. */
static size_t closing(struct str s)
{
	int depth = 0;
	for (size_t i = 0; i < s.n; i++) {
		depth += s.p[i] == '<' ? 1 : s.p[i] == '>' ? -1 : 0;
		if (depth == 0)
			return i;
	}
	return s.n;
}

static void make_nested(struct buf *b, const struct maker *m, struct str t, int nest);

/* What stands between brackets: pieces, or the name of a slot. */
static void make_bracket(struct buf *b, const struct maker *m, struct str inside, int nest)
{
	size_t from = 0, n = 0, depth = 0;
	struct str pieces[16];
	for (size_t i = 0; i <= inside.n; i++) {
		bool end = i == inside.n;
		if (!end && inside.p[i] == '<')
			depth++;
		else if (!end && inside.p[i] == '>')
			depth--;
		if (!end && (inside.p[i] != '|' || depth))
			continue;
		if (n < COUNT_OF(pieces))
			pieces[n++] = str_n(inside.p + from, i - from);
		from = i + 1;
	}
	if (n == 1)
		make_slot(b, m, inside);
	else /* the choice hangs on the place in the line made so far: two equal brackets choose by themselves */
		make_nested(b, m, pieces[mix(m->key, "piece", b->len * 31 + (uint64_t)nest) % n], nest + 1);
}

static void make_nested(struct buf *b, const struct maker *m, struct str t, int nest)
{
	while (t.n > 0) {
		const char *open = memchr(t.p, '<', t.n);
		size_t plain = open ? (size_t)(open - t.p) : t.n;
		buf_add(b, t.p, plain);
		t = str_n(t.p + plain, t.n - plain);
		if (t.n == 0)
			return;
		size_t close = closing(t);
		if (close == t.n || nest >= NEST_MAX)
			return;
		make_bracket(b, m, str_n(t.p + 1, close - 1), nest);
		t = str_n(t.p + close + 1, t.n - close - 1);
	}
}

void make_line(struct buf *b, const struct maker *m, struct str template)
{
	make_nested(b, m, template, 0);
}

void make_one(struct buf *b, const struct maker *m, struct texts list, uint64_t order, size_t nth)
{
	if (list.n)
		make_line(b, m, list.v[(order % list.n + nth) % list.n]);
}
