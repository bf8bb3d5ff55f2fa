#include "core/config.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "core/overlay.h"
#include "core/secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define TIMEOUT_MAX_S 86400

/* State of one load. Stages are parsed in file order here and moved into config->stages in topological order. */
struct load {
	struct config *c;
	const struct config_args *args;
	struct problems *problems;
	struct config_stage *stages;
	struct graph_stage *graph; /* same indexes as `stages` */
	size_t n;
};

static bool scalar_int(
	struct load *l, const struct yaml_node *node, const char *key, int64_t min, int64_t max, int64_t *ret)
{
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
	if (value < min || value > max) {
		if (max == INT64_MAX)
			problem_add(l->problems, node->mark, "%s: %lld is out of range (at least %lld)", key, (long long)value,
				(long long)min);
		else
			problem_add(l->problems, node->mark, "%s: %lld is out of range (%lld to %lld)", key, (long long)value,
				(long long)min, (long long)max);
		return false;
	}
	*ret = value;
	return true;
}

static bool name_ok(struct str s, bool dots)
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

static void read_name(struct load *l, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "name");
	l->c->name = "";
	if (!node)
		problem_add(l->problems, root->mark, "`name` is missing: the name of the dataset, as in name: my-calls");
	else if (node->kind != YAML_SCALAR || !name_ok(node->text, true) || isupper((unsigned char)node->text.p[0]))
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
static double read_money(struct load *l, const struct yaml_node *root, const char *key, struct yaml_mark *ret_mark)
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

static void read_top(struct load *l, const struct yaml_node *root)
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
	scalar_int(l, yaml_get(root, "seed"), "seed", 0, INT64_MAX, &c->seed);
	node = yaml_get(root, "date");
	if (node && !yaml_is_null(node)) {
		if (node->kind != YAML_SCALAR || !date_ok(node->text))
			problem_add(l->problems, node->mark, "date: expected a day as YYYY-MM-DD");
		else
			c->date = arena_strdup(&c->arena, node->text.p);
	}
	c->max_cost = read_money(l, root, "max_cost", &c->max_cost_mark);
	c->confirm_above = read_money(l, root, "confirm_above", &c->confirm_above_mark);
	scalar_int(l, yaml_get(root, "max_tokens"), "max_tokens", 0, INT64_MAX, &c->max_tokens);
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

static void read_provider(struct load *l, const struct yaml_node *node, struct provider *p)
{
	struct arena *a = &l->c->arena;
	p->name = arena_strdup(a, node->key.p);
	if (!name_ok(node->key, false))
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

static void read_providers(struct load *l, const struct yaml_node *root)
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

/* --- Stages --- */

const struct stage_ops *config_stage_type(const struct stage_registry *r, struct str name)
{
	for (size_t i = 0; r->types[i]; i++)
		if (str_is(name, r->types[i]->name))
			return r->types[i];
	return NULL;
}

static const char *serves_name(enum provider_serves serves)
{
	return serves == PROVIDER_TTS ? "speech" : "text";
}

/* A provider that `option` names: there, and of the right kind? Its index, or -1. */
static int find_provider(struct load *l, const struct stage *s, const struct option *option,
	const struct yaml_node *with, struct yaml_mark mark)
{
	const struct config *c = l->c;
	struct str name = *(const struct str *)(const void *)((const char *)s->params + option->offset);
	const struct yaml_node *node = yaml_get(with, option->name);
	if (node)
		mark = node->mark;
	if (!name.n)
		return -1;
	struct option_list names = {arena_array(&l->c->arena, c->nproviders, sizeof(struct str)), c->nproviders};
	for (size_t i = 0; i < c->nproviders; i++) {
		names.v[i] = str_of(c->providers[i].name);
		if (!str_eq(names.v[i], name))
			continue;
		const struct provider_ops *ops = c->providers[i].ops;
		if (ops && ops->serves != s->ops->serves)
			problem_add(l->problems, mark, "provider '%s' (%s) makes %s, but %s needs one that makes %s",
				c->providers[i].name, ops->kind, serves_name(ops->serves), s->name, serves_name(s->ops->serves));
		return (int)i;
	}
	problem_unknown(l->problems, mark, "unknown provider", name, &names);
	return -1;
}

/* Writes with "@" as the stage's name. */
static void put_name(struct arena *a, struct stage_fields *f, const char *name)
{
	for (size_t i = 0; i < f->nwrites; i++) {
		const char *at = strchr(f->writes[i].path, '@');
		if (at)
			f->writes[i].path =
				arena_printf(a, "%.*s%s%s", (int)(at - f->writes[i].path), f->writes[i].path, name, at + 1);
	}
}

/* Options, provider and fields. False when something was wrong. */
static bool read_with(struct load *l, struct config_stage *s, const struct yaml_node *with)
{
	const struct stage_ops *ops = s->stage.ops;
	size_t before = l->problems->n;
	struct yaml_node *none = yaml_new(&l->c->arena, YAML_MAP, s->mark);
	CLEANUP(buf_release) struct buf type = BUF_INIT;
	buf_printf(&type, "stage type %s", ops->name);
	s->stage.params = arena_alloc(&s->stage.arena, ops->params_size + 1);
	if (!with || yaml_is_null(with))
		with = none;
	options_parse(
		&s->stage.arena, ops->options, ops->noptions, with, l->c->base, type.data, s->stage.params, l->problems);
	struct err e = ERR_INIT;
	if (l->problems->n == before && ops->check && ops->check(s->stage.params, &e))
		problem_add(l->problems, with->mark, "%s: %s", s->stage.name, e.text);
	for (size_t i = 0; i < ops->noptions; i++) {
		if (ops->options[i].type != OPT_PROVIDER)
			continue;
		int index = find_provider(l, &s->stage, &ops->options[i], with, s->mark);
		if (s->provider < 0)
			s->provider = index;
	}
	if (s->provider >= 0)
		s->stage.provider = &l->c->providers[s->provider];
	if (l->problems->n == before && s->stage.provider && s->stage.provider->ops && ops->suits &&
		ops->suits(s->stage.params, s->stage.provider->ops, &e))
		problem_add(l->problems, with->mark, "%s: %s", s->stage.name, e.text);
	ops->fields(s->stage.params, &s->fields);
	put_name(&s->stage.arena, &s->fields, s->stage.name);
	return l->problems->n == before;
}

static bool read_type(struct load *l, struct config_stage *s, const struct yaml_node *node)
{
	const struct yaml_node *uses = yaml_get(node, "uses");
	if (!uses || uses->kind != YAML_SCALAR) {
		problem_add(
			l->problems, uses ? uses->mark : s->mark, "stage %s: `uses` is missing: the stage type", s->stage.name);
		return false;
	}
	s->stage.ops = config_stage_type(l->args->registry, uses->text);
	if (s->stage.ops)
		return true;
	const struct stage_ops *const *types = l->args->registry->types;
	struct option_list known = {NULL, 0};
	while (types[known.n])
		known.n++;
	known.v = arena_array(&l->c->arena, known.n, sizeof(*known.v));
	for (size_t i = 0; i < known.n; i++)
		known.v[i] = str_of(types[i]->name);
	problem_unknown(l->problems, uses->mark, "unknown stage type", uses->text, &known);
	return false;
}

static void check_stage_name(struct load *l, const struct config_stage *s)
{
	if (!name_ok(str_of(s->stage.name), false))
		problem_add(l->problems, s->mark, "a stage's name has 1 to %d of the characters a-z A-Z 0-9 _ -", NAME_MAX_BYTES);
	static const char *const taken[] = {
		"objects", "runs", "pilot", "tmp"}; /* folders of the work folder; a sink's is one too */
	for (size_t i = 0; i < COUNT_OF(taken); i++)
		if (strcmp(s->stage.name, taken[i]) == 0)
			problem_add(l->problems, s->mark, "a stage cannot be named '%s': the work folder has a folder of that name",
				taken[i]);
	for (size_t i = 0; i < l->n; i++) {
		const struct config_stage *other = &l->stages[i];
		if (strcmp(other->stage.name, s->stage.name) != 0)
			continue;
		problem_add(
			l->problems, s->mark, "two stages are named '%s' (the first at line %d)", s->stage.name, other->mark.line);
		return;
	}
}

static void read_stage(struct load *l, const struct yaml_node *node)
{
	struct config_stage *s = &l->stages[l->n];
	struct graph_stage *g = &l->graph[l->n];
	const struct yaml_node *name = yaml_get(node, "name");
	if (node->kind != YAML_MAP || !name || name->kind != YAML_SCALAR || !name->text.n) {
		problem_add(l->problems, node->mark, "a stage is a map with `name` and `uses`");
		return;
	}
	size_t before = l->problems->n;
	s->mark = name->mark;
	s->provider = -1;
	s->item_timeout_s = CONFIG_ITEM_TIMEOUT_S;
	s->stage.name = arena_strdup(&l->c->arena, name->text.p);
	s->stage.seed = (uint64_t)l->c->seed;
	s->stage.dataset = l->c->name;
	s->stage.base = l->c->base;
	check_stage_name(l, s);
	CLEANUP(buf_release) struct buf lead = BUF_INIT;
	buf_printf(&lead, "stage %s: unknown key", s->stage.name);
	YAML_EACH(item, node)
		overlay_known(item->keymark, lead.data, item->key, &config_stage_keys, l->problems);
	scalar_int(l, yaml_get(node, "generation"), "generation", 0, INT64_MAX, &s->generation);
	int64_t timeout;
	if (scalar_int(l, yaml_get(node, "item_timeout_s"), "item_timeout_s", 1, TIMEOUT_MAX_S, &timeout))
		s->item_timeout_s = (int)timeout;
	bool ok = read_type(l, s, node);
	if (ok)
		ok = read_with(l, s, yaml_get(node, "with"));
	g->vague = !ok || l->problems->n > before;
	l->n++;
}

/* --- Needs --- */

static int find_stage(const struct load *l, struct str name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_is(name, l->stages[i].stage.name))
			return (int)i;
	return -1;
}

static bool add_need(struct load *l, struct config_stage *s, const struct yaml_node *item, const struct option_list *names)
{
	if (item->kind != YAML_SCALAR) {
		problem_add(l->problems, item->mark, "needs: expected the name of a stage");
		return false;
	}
	int index = find_stage(l, item->text);
	if (index < 0) {
		problem_unknown(l->problems, item->mark, "needs: unknown stage", item->text, names);
		return false;
	}
	for (size_t i = 0; i < s->nneeds; i++) {
		if (s->needs[i] == index) {
			problem_add(l->problems, item->mark, "needs: '%.*s' stands twice", STR_FMT(item->text));
			return true;
		}
	}
	const struct stage_ops *ops = l->stages[index].stage.ops;
	if (ops && ops->kind == STAGE_SINK)
		problem_add(l->problems, item->mark, "needs: '%.*s' is a sink (%s); no calls come out of it",
			STR_FMT(item->text), ops->name);
	s->needs[s->nneeds++] = index;
	return true;
}

/* `needs` of stage `i`, as indexes in file order. */
static void read_needs(struct load *l, size_t i, const struct yaml_node *needs, const struct option_list *names)
{
	struct config_stage *s = &l->stages[i];
	const struct stage_ops *ops = s->stage.ops;
	bool none = !needs || yaml_is_null(needs) || (needs->kind == YAML_LIST && !needs->n);
	if (none) {
		if (ops && ops->kind != STAGE_SOURCE) {
			problem_add(l->problems, s->mark, "stage %s (%s) takes calls from other stages: add needs: [STAGE]",
				s->stage.name, ops->name);
			l->graph[i].vague = true;
		}
		return;
	}
	if (ops && ops->kind == STAGE_SOURCE) {
		problem_add(l->problems, needs->mark, "stage %s (%s) is a source and takes no `needs`", s->stage.name, ops->name);
		return;
	}
	if (needs->kind == YAML_MAP) {
		problem_add(l->problems, needs->mark, "needs: expected a list of stage names");
		l->graph[i].vague = true;
		return;
	}
	bool single = needs->kind == YAML_SCALAR;
	s->needs = arena_array(&l->c->arena, single ? 1 : needs->n, sizeof(*s->needs));
	for (const struct yaml_node *item = single ? needs : needs->first; item; item = single ? NULL : item->next)
		if (!add_need(l, s, item, names))
			l->graph[i].vague = true;
}

static bool read_stages(struct load *l, const struct yaml_node *root)
{
	struct arena *a = &l->c->arena;
	const struct yaml_node *list = yaml_get(root, "stages");
	if (!list || list->kind != YAML_LIST || !list->n) {
		problem_add(l->problems, list ? list->mark : root->mark,
			"`stages` is missing: a list of stages {name, uses, needs, with}");
		return false;
	}
	if (list->n > GRAPH_STAGES_MAX) {
		problem_add(l->problems, list->mark, "%zu stages; at most %d are allowed", list->n, GRAPH_STAGES_MAX);
		return false;
	}
	l->stages = arena_array(a, list->n, sizeof(*l->stages));
	l->graph = arena_array(a, list->n, sizeof(*l->graph));
	const struct yaml_node **nodes = arena_array(a, list->n, sizeof(*nodes));
	YAML_EACH(item, list) {
		size_t at = l->n;
		read_stage(l, item);
		if (l->n > at)
			nodes[at] = item;
	}
	struct option_list names = overlay_names(a, list);
	for (size_t i = 0; i < l->n; i++)
		read_needs(l, i, yaml_get(nodes[i], "needs"), &names);
	return true;
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
static void keep_stages(struct load *l)
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
static bool read_file(struct load *l, struct buf *text)
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

static void load_tree(struct load *l, struct str text)
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
	if (read_stages(l, root))
		keep_stages(l);
	hide_secrets(c, root);
	digest_tree(c, root);
}

int config_load(const struct config_args *args, struct config **ret, struct problems *problems)
{
	size_t before = problems->n;
	struct config *c = xcalloc(1, sizeof(*c));
	struct load l = {.c = c, .args = args, .problems = problems};
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
