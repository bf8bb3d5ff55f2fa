#include "core/phrases.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "io/text.h"
#include "io/yaml.h"

#define FILE_MAX ((size_t)1 << 20)

int phrases_fold(struct buf *ret, struct str text, struct err *e)
{
	size_t from = ret->len;
	int r = text_normalize(ret, text, e);
	for (size_t i = from; !r && i < ret->len; i++)
		if (ret->data[i] >= 'A' && ret->data[i] <= 'Z')
			ret->data[i] = (char)(ret->data[i] - 'A' + 'a');
	return r;
}

struct str phrases_find(const struct phrase_list *list, struct str folded)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_find(folded, list->v[i]) >= 0)
			return list->v[i];
	return str_of(NULL);
}

bool phrases_have(const struct phrase_list *list, struct str folded)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i], folded))
			return true;
	return false;
}

static int wrong(struct err *e, const struct yaml_node *node, struct str text, const char *message)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	yaml_point(&b, node->mark, text, message);
	return err_set(e, ERR_CONFIG, "%s", b.data);
}

static int load_list(
	struct arena *a, const struct yaml_node *list, struct str text, struct phrase_list *ret, struct err *e)
{
	if (list->kind != YAML_LIST)
		return wrong(e, list, text, "expected a list of texts");
	ret->n = 0;
	ret->v = arena_array(a, list->n + 1, sizeof(*ret->v));
	YAML_EACH(item, list) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		if (item->kind != YAML_SCALAR)
			return wrong(e, item, text, "expected a text");
		if (phrases_fold(&b, item->text, NULL) || b.len == 0)
			return wrong(e, item, text, "this text is empty or is no valid UTF-8");
		ret->v[ret->n++] = arena_str(a, buf_view(&b));
	}
	return 0;
}

/* "a, b WORD c" */
static void key_names(struct buf *b, const struct phrase_key *keys, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && i + 1 == n)
			buf_printf(b, " %s ", word);
		else if (i > 0)
			buf_puts(b, ", ");
		buf_puts(b, keys[i].name);
	}
}

static int load_tree(struct arena *a, const struct yaml_node *tree, struct str text, const struct phrase_key *keys,
	size_t nkeys, struct err *e)
{
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	if (tree->kind != YAML_MAP) {
		buf_puts(&words, "expected the keys ");
		key_names(&words, keys, nkeys, "and");
		return wrong(e, tree, text, words.data);
	}
	YAML_EACH(list, tree) {
		size_t i = 0;
		while (i < nkeys && !str_is(list->key, keys[i].name))
			i++;
		if (i == nkeys) {
			buf_puts(&words, "unknown key; expected ");
			key_names(&words, keys, nkeys, "or");
			return wrong(e, list, text, words.data);
		}
		int r = load_list(a, list, text, keys[i].to, e);
		if (r)
			return r;
	}
	return 0;
}

int phrases_load(struct arena *a, const char *path, const struct phrase_key *keys, size_t nkeys, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct yaml_node *tree = NULL;
	int r = fs_read(path, FILE_MAX, &bytes, e);
	if (!r)
		r = yaml_parse(a, arena_strdup(a, path), buf_view(&bytes), &tree, e);
	if (!r)
		r = load_tree(a, tree, buf_view(&bytes), keys, nkeys, e);
	return r;
}
