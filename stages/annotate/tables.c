/* annotate's tables: scenes.yaml and cues.yaml. The sentences are tables_plans.c. */
#include "stages/annotate/annotate.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/utf8.h"
#include "core/call.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)4 << 20)
#define CUES_MAX 1000
#define WORDS_MAX 20000
#define TEXTS_MAX 500
#define WEIGHT_MAX 9
#define WITHIN_MAX 100

/* --- Small readers --- */

bool read_keys(struct table_reader *r, const struct yaml_node *map, const char *const *keys)
{
	struct option_list known = {arena_array(r->a, 32, sizeof(struct str)), 0};
	if (map->kind != YAML_MAP) {
		problem_add(r->p, map->mark, "expected keys and values here");
		return false;
	}
	for (size_t i = 0; i < 32 && keys[i]; i++)
		known.v[known.n++] = str_of(keys[i]);
	YAML_EACH(kid, map) {
		size_t i = 0;
		while (i < known.n && !str_eq(kid->key, known.v[i]))
			i++;
		if (i == known.n)
			problem_unknown(r->p, kid->keymark, "unknown key", kid->key, &known);
	}
	return true;
}

static struct str read_text(struct table_reader *r, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *v = yaml_get(map, key);
	if (v && v->kind == YAML_SCALAR && str_trim(v->text).n)
		return arena_str(r->a, str_trim(v->text));
	problem_add(r->p, v ? v->mark : map->mark, "'%s' must be a text", key);
	return STR("");
}

struct texts read_texts(struct table_reader *r, const struct yaml_node *node)
{
	struct texts out = {NULL, 0};
	if (node->kind == YAML_MAP || (node->kind == YAML_LIST && (node->n == 0 || node->n > TEXTS_MAX))) {
		problem_add(r->p, node->mark, "expected a text, or a list of 1 to %d texts", TEXTS_MAX);
		return out;
	}
	out.v = arena_array(r->a, node->kind == YAML_LIST ? node->n : 1, sizeof(*out.v));
	const struct yaml_node *item = node->kind == YAML_LIST ? node->first : node;
	for (; item; item = node->kind == YAML_LIST ? item->next : NULL) {
		if (item->kind == YAML_SCALAR && str_trim(item->text).n)
			out.v[out.n++] = arena_str(r->a, str_trim(item->text));
		else
			problem_add(r->p, item->mark, "expected a text");
	}
	return out;
}

int64_t read_number(struct table_reader *r, const struct yaml_node *map, const char *key, int64_t min, int64_t max)
{
	const struct yaml_node *v = yaml_get(map, key);
	int64_t n;
	if (v && yaml_int(v, &n) && n >= min && n <= max)
		return n;
	problem_add(r->p, v ? v->mark : map->mark, "'%s' must be a whole number from %lld to %lld", key, (long long)min,
		(long long)max);
	return min;
}

static int read_choice(struct table_reader *r, const struct yaml_node *map, const char *key, const char *const *names)
{
	const struct yaml_node *v = yaml_get(map, key);
	struct option_list known = {arena_array(r->a, 8, sizeof(struct str)), 0};
	for (int i = 0; v && names[i]; i++) {
		if (v->kind == YAML_SCALAR && str_is(v->text, names[i]))
			return i;
		known.v[known.n++] = str_of(names[i]);
	}
	if (v)
		problem_unknown(r->p, v->mark, key, v->kind == YAML_SCALAR ? v->text : STR("?"), &known);
	return -1;
}

/* --- Cues --- */

uint32_t word_bucket(const char *p, size_t n)
{
	return (uint32_t)hash_bytes(p, n < 3 ? n : 3, 0) % WORD_BUCKETS;
}

static void read_words(struct table_reader *r, const struct yaml_node *node)
{
	struct tables *t = r->t;
	struct texts words = read_texts(r, node);
	for (size_t i = 0; i < words.n; i++) {
		if (utf8_count(words.v[i]) < 2 || words.v[i].n < 3)
			problem_add(r->p, node->mark, "the word '%.*s' is too short: two characters at least", STR_FMT(words.v[i]));
		if (t->nwords == t->words_cap) {
			problem_add(r->p, node->mark, "more than %d words", WORDS_MAX);
			return;
		}
		t->words[t->nwords++] = (struct cue_word){.text = words.v[i], .cue = (uint32_t)t->ncues};
	}
}

static void read_cue(struct table_reader *r, const struct yaml_node *node)
{
	static const char *const keys[] = {"name", "kind", "weight", "side", "within", "words", "unless", "means", NULL};
	static const char *const kinds[] = {"sign", "sound", NULL}, *const sides[] = {"left", "right", "both", NULL};
	struct tables *t = r->t;
	struct cue c = {.kind = CUE_PLAIN};
	if (!read_keys(r, node, keys))
		return;
	if (t->ncues == t->cap) {
		problem_add(r->p, node->mark, "more than %d cues", CUES_MAX);
		return;
	}
	int kind = read_choice(r, node, "kind", kinds), side = read_choice(r, node, "side", sides);
	c.name = read_text(r, node, "name");
	c.kind = kind == 0 ? CUE_SIGN : kind == 1 ? CUE_SOUND : CUE_PLAIN;
	c.left = side != 1;
	c.right = side != 0;
	if (yaml_get(node, "weight"))
		c.weight = (int)read_number(r, node, "weight", 0, WEIGHT_MAX);
	if (yaml_get(node, "within"))
		c.within = (int)read_number(r, node, "within", -WITHIN_MAX, WITHIN_MAX);
	if (yaml_get(node, "unless"))
		c.unless = read_texts(r, yaml_get(node, "unless"));
	if (yaml_get(node, "means"))
		c.means = read_texts(r, yaml_get(node, "means"));
	if (!c.means.n || !yaml_get(node, "words"))
		problem_add(r->p, node->mark, "a cue needs name, words and means");
	else
		read_words(r, yaml_get(node, "words"));
	t->cues[t->ncues++] = c;
}

static void read_cue_list(struct table_reader *r, const struct yaml_node *root, const struct yaml_node *list)
{
	if (!list || list->kind != YAML_LIST || !list->n) {
		problem_add(r->p, list ? list->mark : root->mark, "expected a list of cues here");
		return;
	}
	YAML_EACH(item, list)
		read_cue(r, item);
}

int cue_find(const struct tables *t, struct str name)
{
	for (size_t i = 0; i < t->ncommon; i++)
		if (str_eq(t->cues[i].name, name))
			return (int)i;
	return -1;
}

/* --- Scenes and fraud types --- */

const struct label_kind *label_find(const struct label_set *set, struct str label)
{
	for (size_t i = 0; i < set->n; i++)
		if (str_eq(set->v[i].label, label))
			return &set->v[i];
	return NULL;
}

static void read_versus(struct table_reader *r, const struct yaml_node *list, struct label_kind *k)
{
	static const char *const keys[] = {"label", "say", "unless", NULL};
	if (list->kind != YAML_LIST) {
		problem_add(r->p, list->mark, "'versus' must be a list of {label, say}");
		return;
	}
	k->versus = arena_array(r->a, list->n + 1, sizeof(*k->versus));
	YAML_EACH(item, list) {
		struct versus *v = &k->versus[k->nversus];
		if (!read_keys(r, item, keys))
			continue;
		v->label = read_text(r, item, "label");
		if (yaml_get(item, "say"))
			v->say = read_texts(r, yaml_get(item, "say"));
		if (yaml_get(item, "unless"))
			v->unless = read_texts(r, yaml_get(item, "unless"));
		for (size_t i = 0; i < v->unless.n; i++)
			if (cue_find(r->t, v->unless.v[i]) < 0)
				problem_add(r->p, item->mark, "unless: no common cue is called '%.*s'", STR_FMT(v->unless.v[i]));
		if (v->say.n)
			k->nversus++;
		else
			problem_add(r->p, item->mark, "versus needs label and say");
	}
}

static void read_label(struct table_reader *r, const struct yaml_node *node, const char *key, struct label_set *set)
{
	const char *const keys[] = {key, "about", "cues", "versus", NULL};
	struct label_kind *k = &set->v[set->n];
	if (!read_keys(r, node, keys))
		return;
	bool scene = set == &r->t->scenes;
	k->label = read_text(r, node, key);
	if (k->label.n && !(scene ? labels_is_scene(r->labels, k->label) : labels_is_fraud_type(r->labels, k->label)))
		problem_add(r->p, yaml_get(node, key)->mark, "'%.*s' is not in the closed set (option labels): add it there",
			STR_FMT(k->label));
	if (label_find(set, k->label))
		problem_add(r->p, node->mark, "'%.*s' stands here twice", STR_FMT(k->label));
	if (yaml_get(node, "about"))
		k->about = read_texts(r, yaml_get(node, "about"));
	if (!k->about.n)
		problem_add(r->p, node->mark, "'about' is missing");
	k->first = r->t->ncues;
	read_cue_list(r, node, yaml_get(node, "cues"));
	k->n = r->t->ncues - k->first;
	if (yaml_get(node, "versus"))
		read_versus(r, yaml_get(node, "versus"), k);
	set->n++;
}

static void read_labels(struct table_reader *r, const struct yaml_node *root, const char *key, struct label_set *set)
{
	const struct yaml_node *list = yaml_get(root, set == &r->t->scenes ? "scenes" : "types");
	if (!list || list->kind != YAML_LIST || !list->n) {
		problem_add(r->p, list ? list->mark : root->mark, "a list of %ss is missing", key);
		return;
	}
	set->v = arena_array(r->a, list->n, sizeof(*set->v));
	YAML_EACH(item, list)
		read_label(r, item, key, set);
	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; k < set->v[i].nversus; k++)
			if (!label_find(set, set->v[i].versus[k].label))
				problem_add(r->p, list->mark, "versus of '%.*s': there is no '%.*s' here", STR_FMT(set->v[i].label),
					STR_FMT(set->v[i].versus[k].label));
}

static void read_scenes(struct table_reader *r, const struct yaml_node *root)
{
	static const char *const keys[] = {"default", "enough", "scenes", NULL};
	struct tables *t = r->t;
	if (!read_keys(r, root, keys))
		return;
	read_labels(r, root, "scene", &t->scenes);
	t->enough = read_number(r, root, "enough", 1, 100);
	struct str name = read_text(r, root, "default");
	for (t->default_scene = 0; t->default_scene < t->scenes.n; t->default_scene++)
		if (str_eq(t->scenes.v[t->default_scene].label, name))
			return;
	problem_add(r->p, root->mark, "default: '%.*s' is none of the scenes", STR_FMT(name));
}

static void read_cues(struct table_reader *r, const struct yaml_node *root)
{
	static const char *const keys[] = {"common", "general", "types", NULL}, *const general[] = {"about", NULL};
	const struct yaml_node *g = yaml_get(root, "general");
	if (!read_keys(r, root, keys))
		return;
	read_cue_list(r, root, yaml_get(root, "common"));
	r->t->ncommon = r->t->ncues;
	for (size_t i = 0; i < r->t->ncommon; i++)
		if ((size_t)cue_find(r->t, r->t->cues[i].name) != i)
			problem_add(r->p, root->mark, "two common cues are called '%.*s'", STR_FMT(r->t->cues[i].name));
	if (g && read_keys(r, g, general) && yaml_get(g, "about"))
		r->t->general = read_texts(r, yaml_get(g, "about"));
	if (!r->t->general.n)
		problem_add(r->p, root->mark, "general: about is missing");
	read_labels(r, root, "type", &r->t->types);
}

/* --- All of it --- */

static int by_bucket(const void *a, const void *b)
{
	const struct cue_word *x = a, *y = b;
	uint32_t i = word_bucket(x->text.p, x->text.n), k = word_bucket(y->text.p, y->text.n);
	if (i != k)
		return i < k ? -1 : 1;
	return x->cue != y->cue ? (x->cue < y->cue ? -1 : 1) : str_cmp(x->text, y->text);
}

static void sort_words(struct tables *t)
{
	size_t at = 0;
	qsort(t->words, t->nwords, sizeof(*t->words), by_bucket);
	for (uint32_t b = 0; b < WORD_BUCKETS; b++) {
		t->bucket[b] = (uint32_t)at;
		while (at < t->nwords && word_bucket(t->words[at].text.p, t->words[at].text.n) == b)
			at++;
	}
	t->bucket[WORD_BUCKETS] = (uint32_t)at;
}

static int read_file(struct table_reader *r, const char *path,
	void (*read)(struct table_reader *r, const struct yaml_node *root), struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct yaml_node *root = NULL;
	const char *name = arena_strdup(r->a, path);
	int rc = fs_read(path, FILE_MAX, &bytes, e);
	if (rc)
		return rc;
	rc = yaml_parse(r->a, name, buf_view(&bytes), &root, e);
	if (rc)
		return rc;
	problems_source(r->p, name, buf_view(&bytes));
	read(r, root);
	return 0;
}

int tables_load(
	struct arena *a, const struct table_files *files, const struct labels *labels, struct tables *ret, struct err *e)
{
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct tables t = {.cap = CUES_MAX, .words_cap = WORDS_MAX};
	struct table_reader r = {.a = a, .t = &t, .labels = labels, .p = &p};
	t.cues = arena_array(a, t.cap, sizeof(*t.cues));
	t.words = arena_array(a, t.words_cap, sizeof(*t.words));
	int rc = read_file(&r, files->cues, read_cues, e); /* first: the common cues must be known */
	if (!rc)
		rc = read_file(&r, files->scenes, read_scenes, e);
	if (!rc)
		rc = read_file(&r, files->templates, read_templates, e);
	if (rc)
		return rc;
	if (p.n) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		problems_print(&p, &b);
		return err_set(e, ERR_CONFIG, "%s", b.data);
	}
	sort_words(&t);
	*ret = t;
	return 0;
}
