/* What a provider lacks before any work, with its place in the pipeline. */
#include "core/config.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <ctype.h>

#define VALUE_MIN 3 /* bytes: shorter values stand in any sentence */

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Where `word` stands in the words as a whole; -1: nowhere. */
static ptrdiff_t find_word(struct str words, struct str word)
{
	for (size_t i = 0; word.n && i + word.n <= words.n; i++) {
		bool begins = i == 0 || !in_word(words.p[i - 1]);
		bool ends = i + word.n == words.n || !in_word(words.p[i + word.n]);
		if (begins && ends && str_eq(str_n(words.p + i, word.n), word))
			return (ptrdiff_t)i;
	}
	return -1;
}

/* The option that the words name first; else the one whose value they quote; else NULL. */
static const struct yaml_node *option_meant(const struct provider *p, struct str words)
{
	const struct yaml_node *found = NULL, *quoted = NULL;
	ptrdiff_t first = -1;
	YAML_EACH(item, p->node) {
		ptrdiff_t at = find_word(words, item->key);
		if (at >= 0 && (first < 0 || at < first)) {
			first = at;
			found = item;
		}
		if (item->kind == YAML_SCALAR && item->text.n >= VALUE_MIN && find_word(words, item->text) >= 0)
			quoted = item;
	}
	return found ? found : quoted;
}

/* The longest member of a list or map that the words quote, of equal ones the last: the value itself when none is. */
static struct yaml_mark member_meant(const struct yaml_node *value, struct str words)
{
	struct yaml_mark mark = value->mark;
	size_t longest = 0;
	if (value->kind == YAML_SCALAR)
		return mark;
	YAML_EACH(item, value) {
		struct str rest = item->text, text = item->key;
		if (value->kind == YAML_LIST)
			str_split(&rest, ' ', &text); /* a voice's name: its gender and age stand behind */
		if (text.n < longest || text.n == 0 || str_find(words, text) < 0)
			continue;
		longest = text.n;
		mark = value->kind == YAML_LIST ? item->mark : item->keymark;
	}
	return mark;
}

struct yaml_mark config_provider_place(const struct provider *p, struct str words)
{
	if (!p->node)
		return (struct yaml_mark){NULL, 0, 0};
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	buf_printf(&name, "provider %s: ", p->name);
	if (str_starts(words, name.data)) /* it may be named like an option */
		words = str_n(words.p + name.len, words.n - name.len);
	const struct yaml_node *option = p->node->kind == YAML_MAP ? option_meant(p, words) : NULL;
	return option ? member_meant(option, words) : p->node->keymark;
}

int config_ready(const struct config *c, const struct provider *p, struct err *e)
{
	CLEANUP(problems_release) struct problems problems = PROBLEMS_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(CONFIG_FILE_MAX);
	struct err why = ERR_INIT;
	int rc = p->ops->ready ? p->ops->ready(p, &why) : 0;
	if (rc == 0)
		return 0;
	if (rc != ERR_CONFIG)
		return err_set(e, rc, "%s", why.text);
	if (fs_read(c->file, CONFIG_FILE_MAX, &text, NULL) == 0)
		problems_source(&problems, c->file, buf_view(&text));
	problem_add(&problems, config_provider_place(p, str_of(why.text)), "%s", why.text);
	return problems_error(&problems, e);
}
