/* Who ended a call, from free text, and control signals in turns; both by stages/import/terminators.yaml. */
#include "stages/import/import.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "io/text.h"

#include <stdlib.h>
#include <string.h>

#define TERMINATORS_FILE_MAX ((size_t)1 << 20)
#define SIGNAL_MARKS_MAX 4 /* "#" on either side */
#define SIGNAL_NAME_MAX 64

static const char *const terminator_sides[] = {"left", "right", "natural", "unknown"};
#define SIDE_UNKNOWN 3

/* Compatibility forms made equal, ASCII letters lowered, blanks and joining marks dropped. Invalid UTF-8 leaves nothing. */
static void simplify(struct buf *ret, struct str text)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (text_normalize(&b, text, NULL))
		return;
	for (size_t i = 0; i < b.len; i++) {
		char c = b.data[i];
		if (c == ' ' || c == '_' || c == '-')
			continue;
		buf_putc(ret, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
}

static struct str simplified(struct arena *a, struct str text)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	simplify(&b, text);
	return arena_str(a, buf_view(&b));
}

/* --- Loading --- */

static int load_error(struct err *e, const struct yaml_node *node, struct str text, const char *message)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	yaml_point(&b, node->mark, text, message);
	return err_set(e, ERR_CONFIG, "%s", b.data);
}

static int load_side(struct terminators *t, const struct yaml_node *list, int side, struct str text, struct err *e)
{
	YAML_EACH(item, list) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		bool fresh = false;
		simplify(&b, item->text);
		struct map_entry *entry = map_put(&t->sides, buf_view(&b), &fresh);
		if (!fresh)
			return load_error(e, item, text, "this text stands twice (letter case, blanks, _ and - do not count)");
		entry->value.i = side;
	}
	return 0;
}

static int longer_first(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return str_cmp(*x, *y);
}

static void load_texts(struct arena *a, struct terminators *t, const struct yaml_node *list, bool signals)
{
	struct str *v = arena_array(a, list->n + 1, sizeof(*v));
	const char **names = arena_array(a, list->n + 1, sizeof(*names));
	size_t n = 0;
	YAML_EACH(item, list) {
		v[n] = simplified(a, item->text);
		names[n] = arena_str(a, item->text).p;
		n++;
	}
	if (signals) {
		t->signals = v;
		t->names = names;
		t->nsignals = n;
	} else {
		qsort(v, n, sizeof(*v), longer_first);
		t->endings = v;
		t->nendings = n;
	}
}

static int load_list(struct arena *a, struct terminators *t, const struct yaml_node *list, struct str text, struct err *e)
{
	if (list->kind != YAML_LIST)
		return load_error(e, list, text, "expected a list of texts");
	YAML_EACH(item, list) {
		if (item->kind != YAML_SCALAR)
			return load_error(e, item, text, "expected a text");
	}
	for (int side = 0; side < (int)COUNT_OF(terminator_sides); side++)
		if (str_is(list->key, terminator_sides[side]))
			return load_side(t, list, side, text, e);
	if (str_is(list->key, "endings") || str_is(list->key, "signals")) {
		load_texts(a, t, list, str_is(list->key, "signals"));
		return 0;
	}
	return load_error(e, list, text, "unknown key; expected left, right, natural, unknown, endings, signals");
}

int terminators_load(struct arena *a, const char *path, struct terminators *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct terminators t = {.sides = MAP_INIT};
	struct yaml_node *tree = NULL;
	int r = fs_read(path, TERMINATORS_FILE_MAX, &bytes, e);
	if (!r)
		r = yaml_parse(a, arena_strdup(a, path), buf_view(&bytes), &tree, e);
	if (r)
		return r;
	if (tree->kind != YAML_MAP)
		return load_error(e, tree, buf_view(&bytes), "expected a map of lists");
	YAML_EACH(list, tree) {
		r = load_list(a, &t, list, buf_view(&bytes), e);
		if (r) {
			terminators_release(&t);
			return r;
		}
	}
	*ret = t;
	return 0;
}

void terminators_release(struct terminators *t)
{
	map_release(&t->sides);
}

/* --- Looking up --- */

const char *terminator_side(const struct terminators *t, struct str text)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	simplify(&b, text);
	struct str s = buf_view(&b);
	int64_t side = map_int(&t->sides, s, -1);
	for (size_t i = 0; side < 0 && i < t->nendings; i++)
		if (s.n > t->endings[i].n && str_ends(s, t->endings[i].p))
			side = map_int(&t->sides, str_n(s.p, s.n - t->endings[i].n), -1);
	return terminator_sides[side < 0 ? SIDE_UNKNOWN : side];
}

/* --- Signals --- */

/* Length of a "#" at `i`, half or full width; 0 for anything else. */
static size_t mark_at(struct str s, size_t i)
{
	if (i < s.n && s.p[i] == '#')
		return 1;
	return i + 3 <= s.n && memcmp(s.p + i, "＃", 3) == 0 ? 3 : 0;
}

static size_t marks_at(struct str s, size_t i, int most, int *ret_count)
{
	size_t at = i, step;
	*ret_count = 0;
	while (*ret_count < most && (step = mark_at(s, at)) > 0) {
		at += step;
		(*ret_count)++;
	}
	return at - i;
}

static bool name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == ' ';
}

/* Bytes of a known signal at `i` (a mark), or 0. Marks must stand in front; behind they may be missing, as models forget them, and are
 * never more than in front: the next signal may follow at once. */
static size_t signal_at(const struct terminators *t, struct str s, size_t i, const char **ret_name)
{
	int before, after;
	size_t at = i + marks_at(s, i, SIGNAL_MARKS_MAX, &before), from = at;
	if (before < 2)
		return 0;
	while (at < s.n && name_byte(s.p[at]) && at - from <= SIGNAL_NAME_MAX)
		at++;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	simplify(&name, str_n(s.p + from, at - from));
	for (size_t k = 0; k < t->nsignals; k++) {
		if (!str_eq(buf_view(&name), t->signals[k]))
			continue;
		*ret_name = t->names[k];
		return at + marks_at(s, at, before, &after) - i;
	}
	return 0;
}

void signals_cut(const struct terminators *t, struct str text, struct buf *ret, const char **ret_name)
{
	size_t i = 0;
	if (str_find(text, STR("#")) < 0 && str_find(text, STR("＃")) < 0) {
		buf_str(ret, text);
		return;
	}
	while (i < text.n) {
		size_t cut = mark_at(text, i) ? signal_at(t, text, i, ret_name) : 0;
		if (cut == 0) {
			buf_putc(ret, text.p[i++]);
			continue;
		}
		i += cut;
		/* A blank on both sides of what was cut would leave two. */
		while (i < text.n && text.p[i] == ' ' && (ret->len == 0 || ret->data[ret->len - 1] == ' '))
			i++;
	}
}
