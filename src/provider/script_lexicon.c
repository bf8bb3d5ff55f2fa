/* The word lists of the template writer. See script_lexicon.h. */
#include "provider/script_lexicon.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"

#include <string.h>

#define LEXICON_FILE_MAX ((size_t)1 << 20)
#define LEXICON_WORDS_MAX 20000
#define BUCKETS 4096 /* by the first code point */

static const char *const section_names[LEX_SECTIONS] = {
	"names", "titles", "entities", "kinds", "regions", "topics", "acts", "cues", "outcomes", "common", "wordings"};
/* Lists that the code asks for by name. */
static const char *const wanted_names[] = {"surname", "nick", "male", "female", NULL};
static const char *const wanted_titles[] = {"male", "female", "either", "service", "work", NULL};
static const char *const wanted_entities[] = {"city", NULL};
static const char *const wanted_kinds[] = {"single", NULL};
static const char *const wanted_common[] = {"pairs", NULL};
static const char *const wanted_cues[] = {"opening", "farewell", "cling", "unfit", "self", NULL};
static const char *const *const wanted[LEX_SECTIONS] = {
	[LEX_NAMES] = wanted_names,
	[LEX_TITLES] = wanted_titles,
	[LEX_ENTITIES] = wanted_entities,
	[LEX_KINDS] = wanted_kinds,
	[LEX_CUES] = wanted_cues,
	[LEX_COMMON] = wanted_common,
};

struct loading {
	struct arena *a;
	struct str source;
	struct lexicon *l;
	size_t nwords;
	struct err *e;
};

static int mistake(struct loading *in, struct yaml_mark mark, const char *message)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	yaml_point(&b, mark, in->source, message);
	return err_set(in->e, ERR_CONFIG, "%s", b.data);
}

static size_t bucket_of(struct str text)
{
	uint32_t cp = 0;
	utf8_next(&text, &cp);
	return cp * 2654435761u >> 20 & (BUCKETS - 1); /* Knuth's multiplicative hash */
}

static void add_word(struct loading *in, enum lexicon_section section, int list, int at, struct str text)
{
	struct lexicon_word *w = ARENA_NEW(in->a, struct lexicon_word);
	*w = (struct lexicon_word){.text = text, .section = section, .list = list, .at = at};
	struct lexicon_word **to = &in->l->buckets[bucket_of(text)];
	while (*to && (*to)->text.n >= text.n)
		to = &(*to)->next;
	w->next = *to;
	*to = w;
	in->nwords++;
}

static int load_list(struct loading *in, enum lexicon_section section, int index, const struct yaml_node *node)
{
	struct lexicon_list *list = &in->l->lists[section][index];
	if (node->kind != YAML_LIST || node->n == 0)
		return mistake(in, node->mark, "expected a list of texts");
	list->name = arena_str(in->a, node->key);
	list->v = arena_array(in->a, node->n, sizeof(*list->v));
	YAML_EACH(item, node) {
		if (item->kind != YAML_SCALAR || item->text.n == 0 || utf8_invalid(item->text) >= 0)
			return mistake(in, item->mark, "expected a text");
		for (size_t i = 0; i < list->n; i++)
			if (str_eq(list->v[i], item->text))
				return mistake(in, item->mark, "this text stands twice in its list");
		if (in->nwords >= LEXICON_WORDS_MAX)
			return mistake(in, item->mark, "more than 20,000 texts");
		list->v[list->n] = arena_str(in->a, item->text);
		if (section != LEX_WORDINGS || list->n == 0)
			add_word(in, section, index, (int)list->n, list->v[list->n]);
		list->n++;
	}
	return 0;
}

static int load_section(struct loading *in, enum lexicon_section section, const struct yaml_node *node)
{
	bool wordings = section == LEX_WORDINGS;
	if (node->kind != (wordings ? YAML_LIST : YAML_MAP))
		return mistake(in, node->mark, wordings ? "expected a list of lists" : "expected lists by name");
	if (!wordings && node->n > LEXICON_LISTS_MAX)
		return mistake(in, node->mark, "a section holds up to 50 lists");
	in->l->lists[section] = arena_array(in->a, node->n + 1, sizeof(struct lexicon_list));
	int rc = 0;
	YAML_EACH(list, node) {
		rc = rc ? rc : load_list(in, section, (int)in->l->nlists[section], list);
		in->l->nlists[section]++;
	}
	for (const char *const *w = wanted[section]; rc == 0 && w && *w; w++) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		buf_printf(&b, "the list '%s' is missing", *w);
		if (lexicon_list(in->l, section, *w) < 0)
			rc = mistake(in, node->mark, b.data);
	}
	return rc;
}

int lexicon_load(struct arena *a, const char *path, struct lexicon *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct yaml_node *tree = NULL;
	struct lexicon l = {.buckets = arena_array(a, BUCKETS, sizeof(*l.buckets))};
	int rc = fs_read(path, LEXICON_FILE_MAX, &bytes, e);
	if (rc == 0)
		rc = yaml_parse(a, arena_strdup(a, path), buf_view(&bytes), &tree, e);
	struct loading in = {.a = a, .source = buf_view(&bytes), .l = &l, .e = e};
	for (int s = 0; rc == 0 && s < LEX_SECTIONS; s++) {
		struct yaml_node *node = tree->kind == YAML_MAP ? yaml_get(tree, section_names[s]) : NULL;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		buf_printf(&b, "the section '%s' is missing", section_names[s]);
		rc = node ? load_section(&in, (enum lexicon_section)s, node) : mistake(&in, tree->mark, b.data);
	}
	if (rc == 0 && tree->n > LEX_SECTIONS)
		rc = mistake(&in,
			tree->mark, "unknown section; there are names, titles, entities, kinds, regions, topics, acts, cues, outcomes, common, wordings");
	if (rc == 0)
		*ret = l;
	return rc;
}

int lexicon_list(const struct lexicon *l, enum lexicon_section section, const char *name)
{
	for (size_t i = 0; i < l->nlists[section]; i++)
		if (str_is(l->lists[section][i].name, name))
			return (int)i;
	return -1;
}

static bool starts(struct str text, struct str word)
{
	return text.n >= word.n && memcmp(text.p, word.p, word.n) == 0;
}

const struct lexicon_word *lexicon_at(const struct lexicon *l, enum lexicon_section section, int list, struct str text)
{
	for (const struct lexicon_word *w = text.n ? l->buckets[bucket_of(text)] : NULL; w; w = w->next)
		if (w->section == section && (list < 0 || w->list == list) && starts(text, w->text))
			return w;
	return NULL;
}

void lexicon_masks(const struct lexicon *l, struct str text, uint64_t masks[LEX_SECTIONS])
{
	uint32_t cp;
	for (struct str rest = text; rest.n;) {
		for (const struct lexicon_word *w = l->buckets[bucket_of(rest)]; w; w = w->next)
			if (w->section >= LEX_TOPICS && w->section <= LEX_OUTCOMES && starts(rest, w->text))
				masks[w->section] |= UINT64_C(1) << w->list;
		utf8_next(&rest, &cp);
	}
}
