/* The stages of a pipeline file: their names, types, options and needs. */
#include "core/config_parts.h"

#include "base/alloc.h"
#include "core/overlay.h"

#include <string.h>

#define TIMEOUT_MAX_S 86400

/* --- A stage --- */

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
static int find_provider(struct config_loading *l, const struct stage *s, const struct option *option,
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
static bool read_with(struct config_loading *l, struct config_stage *s, const struct yaml_node *with)
{
	const struct stage_ops *ops = s->stage.ops;
	size_t before = l->problems->n;
	struct yaml_node *none = yaml_new(&l->c->arena, YAML_MAP, s->mark);
	CLEANUP(buf_release) struct buf type = BUF_INIT;
	buf_printf(&type, "stage type %s", ops->name);
	s->stage.params = arena_alloc(&s->stage.arena, ops->params_size + 1);
	s->with = with;
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

static bool read_type(struct config_loading *l, struct config_stage *s, const struct yaml_node *node)
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

static void check_stage_name(struct config_loading *l, const struct config_stage *s)
{
	if (!config_name_ok(str_of(s->stage.name), false))
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

static void read_stage(struct config_loading *l, const struct yaml_node *node)
{
	static const int64_t timeouts[] = {1, TIMEOUT_MAX_S};
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
	config_read_int(l, node, "generation", config_counts, &s->generation);
	int64_t timeout;
	if (config_read_int(l, node, "item_timeout_s", timeouts, &timeout))
		s->item_timeout_s = (int)timeout;
	bool ok = read_type(l, s, node);
	if (ok)
		ok = read_with(l, s, yaml_get(node, "with"));
	g->vague = !ok || l->problems->n > before;
	l->n++;
}

/* --- Needs --- */

static int find_stage(const struct config_loading *l, struct str name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_is(name, l->stages[i].stage.name))
			return (int)i;
	return -1;
}

static bool add_need(
	struct config_loading *l, struct config_stage *s, const struct yaml_node *item, const struct option_list *names)
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
static void read_needs(struct config_loading *l, size_t i, const struct yaml_node *needs, const struct option_list *names)
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

bool config_read_stages(struct config_loading *l, const struct yaml_node *root)
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
