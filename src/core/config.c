/* Loading a pipeline: the file, the top of it, the providers, and the stages in their order. */
#include "core/config_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "core/overlay.h"
#include "core/secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const int64_t config_counts[] = {0, INT64_MAX};

bool config_read_int(
	struct config_loading *l, const struct yaml_node *map, const char *key, const int64_t range[2], int64_t *ret)
{
	const struct yaml_node *node = yaml_get(map, key);
	int64_t value;
	if (!node || yaml_is_null(node))
		return false;
	if (!yaml_int(node, &value)) {
		if (node->kind == YAML_SCALAR)
			problem_add(l->problems, node->mark, "%s: expected an integer, got '%.*s'", key, STR_FMT(node->text));
		else
			problem_add(l->problems, node->mark, "%s: expected an integer", key);
		return false;
	}
	if (value < range[0] || value > range[1]) {
		if (range[1] == INT64_MAX)
			problem_add(l->problems, node->mark, "%s: %lld is out of range (at least %lld)", key, (long long)value,
				(long long)range[0]);
		else
			problem_add(l->problems, node->mark, "%s: %lld is out of range (%lld to %lld)", key, (long long)value,
				(long long)range[0], (long long)range[1]);
		return false;
	}
	*ret = value;
	return true;
}

bool config_name_ok(struct str s, bool dots)
{
	if (!s.n || s.n > NAME_MAX_BYTES || !isalnum((unsigned char)s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
		if (!plain && !(dots && c == '.') && !(!dots && c >= 'A' && c <= 'Z'))
			return false;
	}
	return true;
}

/* --- The top of the file --- */

static void read_name(struct config_loading *l, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "name");
	l->c->name = "";
	if (!node)
		problem_add(l->problems, root->mark, "`name` is missing: the name of the dataset, as in name: my-calls");
	else if (node->kind != YAML_SCALAR || !config_name_ok(node->text, true) || isupper((unsigned char)node->text.p[0]))
		problem_add(l->problems, node->mark,
			"name: 1 to %d of the characters a-z 0-9 . _ -, the first a letter or digit", NAME_MAX_BYTES);
	else
		l->c->name = arena_strdup(&l->c->arena, node->text.p);
}

static bool date_ok(struct str s)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t year, month, day;
	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (i != 4 && i != 7 && !isdigit((unsigned char)s.p[i]))
			return false;
	if (!str_int(str_n(s.p, 4), &year) || !str_int(str_n(s.p + 5, 2), &month) || !str_int(str_n(s.p + 8, 2), &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return false;
	return month != 2 || day < 29 || (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Negative when not given. */
static double read_money(
	struct config_loading *l, const struct yaml_node *root, const char *key, struct yaml_mark *ret_mark)
{
	const struct yaml_node *node = yaml_get(root, key);
	double money = -1;
	if (!node || yaml_is_null(node))
		return -1;
	*ret_mark = node->mark;
	if (!yaml_real(node, &money))
		problem_add(l->problems, node->mark, "%s: expected a number", key);
	else if (money < 0)
		problem_add(l->problems, node->mark, "%s: cannot be negative", key);
	return money;
}

static void read_top(struct config_loading *l, const struct yaml_node *root)
{
	struct config *c = l->c;
	YAML_EACH(item, root)
		overlay_known(item->keymark, "unknown key", item->key, &config_top_keys, l->problems);
	int64_t version = 1;
	const struct yaml_node *node = yaml_get(root, "version");
	if (!node || yaml_is_null(node))
		problem_add(l->problems, node ? node->mark : root->mark, "`version` is missing: version: 1");
	else if (!yaml_int(node, &version) || version != 1)
		problem_add(l->problems, node->mark, "version: this program reads version 1");
	read_name(l, root);
	c->seed = 1;
	config_read_int(l, root, "seed", config_counts, &c->seed);
	node = yaml_get(root, "date");
	if (node && !yaml_is_null(node)) {
		if (node->kind != YAML_SCALAR || !date_ok(node->text))
			problem_add(l->problems, node->mark, "date: expected a day as YYYY-MM-DD");
		else
			c->date = arena_strdup(&c->arena, node->text.p);
	}
	c->max_cost = read_money(l, root, "max_cost", &c->max_cost_mark);
	c->confirm_above = read_money(l, root, "confirm_above", &c->confirm_above_mark);
	config_read_int(l, root, "max_tokens", config_counts, &c->max_tokens);
	node = yaml_get(root, "max_time");
	if (node && !yaml_is_null(node) && (node->kind != YAML_SCALAR || !clock_span(node->text, &c->max_time_s)))
		problem_add(l->problems, node->mark, "max_time: expected a time such as 90s, 15m, 2h or 1d");
}

/* --- Providers --- */

static struct option_list provider_kinds(struct arena *a)
{
	struct option_list list = {NULL, 0};
	while (providers_all[list.n])
		list.n++;
	list.v = arena_array(a, list.n, sizeof(*list.v));
	for (size_t i = 0; i < list.n; i++)
		list.v[i] = str_of(providers_all[i]->kind);
	return list;
}

static void read_provider(struct config_loading *l, const struct yaml_node *node, struct provider *p)
{
	struct arena *a = &l->c->arena;
	p->name = arena_strdup(a, node->key.p);
	p->node = node;
	if (!config_name_ok(node->key, false))
		problem_add(l->problems, node->keymark, "a provider's name has 1 to %d of the characters a-z A-Z 0-9 _ -",
			NAME_MAX_BYTES);
	const struct yaml_node *kind = yaml_get(node, "kind");
	if (node->kind != YAML_MAP) {
		problem_add(l->problems, node->mark, "provider %s: expected a map with `kind`, as in {kind: script}", p->name);
		return;
	}
	if (!kind || kind->kind != YAML_SCALAR) {
		problem_add(l->problems, kind ? kind->mark : node->mark, "provider %s: `kind` is missing", p->name);
		return;
	}
	p->ops = provider_find(kind->text);
	if (!p->ops) {
		struct option_list kinds = provider_kinds(a);
		problem_unknown(l->problems, kind->mark, "unknown provider kind", kind->text, &kinds);
		return;
	}
	/* All members but `kind` are options. */
	struct yaml_node *with = yaml_new(a, YAML_MAP, node->mark);
	YAML_EACH(item, node) {
		if (item == kind)
			continue;
		struct yaml_node *copy = ARENA_NEW(a, struct yaml_node);
		*copy = *item;
		yaml_append(with, copy);
	}
	p->params = arena_alloc(a, p->ops->params_size + 1);
	CLEANUP(buf_release) struct buf type = BUF_INIT;
	buf_printf(&type, "provider kind %s", p->ops->kind);
	if (options_parse(a, p->ops->options, p->ops->noptions, with, l->c->base, type.data, p->params, l->problems))
		provider_identify(a, p);
}

static void read_providers(struct config_loading *l, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "providers");
	if (!node || yaml_is_null(node))
		return;
	if (node->kind != YAML_MAP) {
		problem_add(l->problems, node->mark, "providers: expected a map of providers by name");
		return;
	}
	l->c->providers = arena_array(&l->c->arena, node->n, sizeof(*l->c->providers));
	YAML_EACH(item, node)
		read_provider(l, item, &l->c->providers[l->c->nproviders++]);
}

/* --- Order and checks --- */

static void fill_graph(struct graph_stage *g, const struct config_stage *s)
{
	g->stage = &s->stage;
	g->fields = &s->fields;
	g->needs = s->needs;
	g->nneeds = s->nneeds;
	g->mark = s->mark;
}

/* Move the stages into the config, in order, whatever was wrong: it owns their arenas. */
static void keep_stages(struct config_loading *l)
{
	struct config *c = l->c;
	int order[GRAPH_STAGES_MAX], place[GRAPH_STAGES_MAX];
	for (size_t i = 0; i < l->n; i++)
		fill_graph(&l->graph[i], &l->stages[i]);
	bool ordered = graph_order(l->graph, l->n, order, l->problems);
	struct graph_stage *sorted = arena_array(&c->arena, l->n, sizeof(*sorted));
	c->stages = arena_array(&c->arena, l->n, sizeof(*c->stages));
	c->nstages = l->n;
	for (size_t i = 0; i < l->n; i++) {
		if (!ordered)
			order[i] = (int)i;
		place[order[i]] = (int)i;
		c->stages[i] = l->stages[order[i]];
		sorted[i] = l->graph[order[i]];
	}
	for (size_t i = 0; i < l->n; i++) {
		for (size_t k = 0; k < c->stages[i].nneeds; k++)
			c->stages[i].needs[k] = place[c->stages[i].needs[k]];
		fill_graph(&sorted[i], &c->stages[i]);
	}
	if (!ordered)
		return;
	c->graph = graph_new(&c->arena, sorted, l->n);
	graph_check(c->graph, l->problems);
}

/* --- Loading --- */

static void hide_secrets(struct config *c, struct yaml_node *root)
{
	const struct yaml_node *list = yaml_get(root, "stages");
	if (!list || list->kind != YAML_LIST)
		return;
	YAML_EACH(node, list) {
		const struct yaml_node *name = node->kind == YAML_MAP ? yaml_get(node, "name") : NULL;
		int index = name && name->kind == YAML_SCALAR ? config_stage_index(c, name->text) : -1;
		if (index >= 0)
			secret_hide(&c->arena, &c->stages[index], node);
	}
}

static void digest_tree(struct config *c, const struct yaml_node *root)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct digest d;
	yaml_canonical(&b, root);
	digest_of(b.data, b.len, &d);
	digest_hex(&d, c->digest);
	c->canonical = arena_str(&c->arena, buf_view(&b));
}

/* The file's text; its folder becomes the base. */
static bool read_file(struct config_loading *l, struct buf *text)
{
	struct config *c = l->c;
	struct err e = ERR_INIT;
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	if (fs_read(l->args->file, CONFIG_FILE_MAX, text, &e)) {
		problem_add(l->problems, (struct yaml_mark){NULL, 0, 0}, "%s%s", e.text,
			e.code == ERR_NOTFOUND ? "; name the pipeline with -f FILE" : "");
		return false;
	}
	fs_dirname(&folder, l->args->file);
	CLEANUP(free_ptr) char *base = realpath(folder.data, NULL);
	c->base = arena_strdup(&c->arena, base ? base : folder.data);
	problems_source(l->problems, c->file, buf_view(text));
	return true;
}

static void load_tree(struct config_loading *l, struct str text)
{
	struct config *c = l->c;
	struct err e = ERR_INIT;
	struct yaml_node *root = NULL;
	if (yaml_parse(&c->arena, c->file, text, &root, &e)) {
		problem_add_err(l->problems, (struct yaml_mark){c->file, 0, 0}, &e);
		return;
	}
	if (root->kind != YAML_MAP) {
		problem_add(l->problems, root->mark, "a pipeline is a map: version, name, providers, stages");
		return;
	}
	overlay_refuse_secrets(&c->arena, root, l->problems);
	overlay_apply(&c->arena, root, l->args, &c->profiles, l->problems);
	c->applied.n = l->args->nprofiles;
	c->applied.v = arena_array(&c->arena, c->applied.n, sizeof(*c->applied.v));
	for (size_t i = 0; i < c->applied.n; i++)
		c->applied.v[i] = str_of(arena_strdup(&c->arena, l->args->profiles[i]));
	read_top(l, root);
	read_providers(l, root);
	if (config_read_stages(l, root))
		keep_stages(l);
	hide_secrets(c, root);
	digest_tree(c, root);
}

int config_load(const struct config_args *args, struct config **ret, struct problems *problems)
{
	size_t before = problems->n;
	struct config *c = xcalloc(1, sizeof(*c));
	struct config_loading l = {.c = c, .args = args, .problems = problems};
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(CONFIG_FILE_MAX);
	c->file = arena_strdup(&c->arena, args->file);
	if (read_file(&l, &text))
		load_tree(&l, buf_view(&text));
	if (problems->n > before) {
		config_free(c);
		return ERR_CONFIG;
	}
	*ret = c;
	return 0;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nstages; i++) {
		struct stage *s = &c->stages[i].stage;
		if (s->state && s->ops->destroy)
			s->ops->destroy(s);
		arena_release(&s->arena);
	}
	arena_release(&c->arena);
	free(c);
}

int config_stage_index(const struct config *c, struct str name)
{
	for (size_t i = 0; i < c->nstages; i++)
		if (str_is(name, c->stages[i].stage.name))
			return (int)i;
	return -1;
}
