/* anonymize's word lists. */
#include "base/alloc.h"
#include "base/fs.h"
#include "io/yaml.h"
#include "stages/anonymize/anonymize.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RULES_FILE_MAX ((size_t)1 << 20)
#define WORD_MAX 60 /* bytes */

static const char *const list_names[RULE_LISTS] = {"fillers", "corrections", "at", "dot", "dash", "underscore",
	"mail_providers", "mail_ends", "card_words", "id_words", "passport_words", "code_words", "chat_words",
	"account_words", "phone_leads", "id_leads", "card_leads", "not_after", "links", "public_numbers", "units",
	"free_mobile", "free_regions", "free_cards"};

static int bad(struct err *e, const struct yaml_node *node, struct str text, const char *message)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	yaml_point(&b, node->mark, text, message);
	return err_set(e, ERR_CONFIG, "%s", b.data);
}

static int longest_first(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return str_cmp(*x, *y);
}

static bool digits_only(struct str s, size_t min, size_t max)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n >= min && s.n <= max;
}

/* Ranges of surrogates are digits of a certain length: a slip there would make wrong surrogates. */
static const char *word_problem(enum rule_list list, struct str word)
{
	if (!word.n || word.n > WORD_MAX)
		return "a word has 1 to 60 bytes";
	if (list == RULE_FREE_MOBILE && !digits_only(word, 3, 3))
		return "expected three digits";
	if (list == RULE_FREE_REGIONS && !digits_only(word, 2, 2))
		return "expected two digits";
	if (list == RULE_FREE_CARDS && !digits_only(word, 2, 8))
		return "expected two to eight digits";
	return NULL;
}

static int load_list(struct arena *a, const struct yaml_node *node, struct str text, enum rule_list list,
	struct anon_words *ret, struct err *e)
{
	if (node->kind != YAML_LIST || !node->n)
		return bad(e, node, text, "expected a list of words");
	ret->n = 0;
	ret->v = arena_array(a, node->n, sizeof(*ret->v));
	YAML_EACH(item, node) {
		const char *problem = item->kind == YAML_SCALAR ? word_problem(list, item->text) : "expected a word";
		if (problem)
			return bad(e, item, text, problem);
		unsigned char first = (unsigned char)item->text.p[0];
		ret->first[first] = true;
		ret->first[tolower(first)] = ret->first[toupper(first)] = true;
		ret->v[ret->n++] = arena_str(a, item->text);
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), longest_first);
	return 0;
}

static int load_tree(
	struct arena *a, const struct yaml_node *tree, struct str text, struct anon_rules *ret, struct err *e)
{
	ASSERT(tree);
	if (tree->kind != YAML_MAP)
		return bad(e, tree, text, "expected lists by name");
	YAML_EACH(node, tree) {
		size_t list = 0;
		while (list < RULE_LISTS && !str_is(node->key, list_names[list]))
			list++;
		if (list == RULE_LISTS)
			return bad(e, node, text, "unknown list");
		int rc = load_list(a, node, text, (enum rule_list)list, &ret->lists[list], e);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < RULE_LISTS; i++)
		if (!ret->lists[i].n)
			return err_set(e, ERR_CONFIG, "%s: the list %s is missing", tree->mark.file, list_names[i]);
	return 0;
}

int anon_rules_load(struct arena *a, const char *path, struct anon_rules *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct yaml_node *tree = NULL;
	memset(ret, 0, sizeof(*ret));
	int rc = fs_read(path, RULES_FILE_MAX, &bytes, e);
	if (rc == 0)
		rc = yaml_parse(a, arena_strdup(a, path), buf_view(&bytes), &tree, e);
	return rc < 0 ? rc : load_tree(a, tree, buf_view(&bytes), ret, e);
}

static bool begins(struct str s, struct str word)
{
	return s.n >= word.n && strncasecmp(s.p, word.p, word.n) == 0;
}

size_t anon_word_at(const struct anon_words *words, struct str s)
{
	for (size_t i = 0; s.n && words->first[(unsigned char)s.p[0]] && i < words->n; i++)
		if (begins(s, words->v[i]))
			return words->v[i].n;
	return 0;
}

bool anon_word_in(const struct anon_words *words, struct str s, size_t *ret_end)
{
	for (size_t i = s.n; i-- > 0;) {
		if (((unsigned char)s.p[i] & 0xc0) == 0x80)
			continue;
		size_t n = anon_word_at(words, str_n(s.p + i, s.n - i));
		if (!n)
			continue;
		if (ret_end)
			*ret_end = i + n;
		return true;
	}
	return false;
}

bool anon_word_is(const struct anon_words *words, struct str s)
{
	for (size_t i = 0; i < words->n; i++)
		if (words->v[i].n == s.n && begins(s, words->v[i]))
			return true;
	return false;
}
