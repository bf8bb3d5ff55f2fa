/* annotate's sentences: templates.yaml. */
#include "stages/annotate/annotate.h"

#include "base/alloc.h"
#include "core/call.h"

#include <string.h>

#define DEPTH_MAX 2 /* of first */

static const char *const cue_values[] = {"轮", "引", "谁", "意", NULL};
static const char *const cited[] = {"甲", "乙", "丙", "开场", NULL};

static bool among(const char *const *names, struct str name)
{
	for (size_t i = 0; names[i]; i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

static bool is_cue(const struct tables *t, struct str name)
{
	return among(cited, name) || cue_find(t, name) >= 0;
}

static bool value_known(const struct tables *t, struct str name)
{
	struct str rest = name, what;
	if (value_named(name))
		return true;
	for (size_t i = 0; i < t->values.n; i++)
		if (str_eq(t->values.steps[i].name, name))
			return true;
	return str_split(&rest, ':', &what) && rest.p && among(cue_values, what) && is_cue(t, rest);
}

static bool fact_known(const struct tables *t, struct str name)
{
	return fact_named(name) || is_cue(t, name);
}

static bool known(void *arg, struct str name)
{
	return value_known(arg, name);
}

/* --- Steps --- */

static void read_facts(struct table_reader *r, const struct yaml_node *node, struct str **ret, size_t *ret_n)
{
	struct texts list = read_texts(r, node);
	*ret = list.v;
	*ret_n = list.n;
	for (size_t i = 0; i < list.n; i++) {
		struct str rest = list.v[i], fact;
		while (str_split(&rest, '|', &fact))
			if (!fact_known(r->t, fact))
				problem_add(r->p, node->mark, "there is no fact '%.*s' (see the head of the file)", STR_FMT(fact));
	}
}

/* A line must be Chinese without markup, and must not tell that the answer was given. */
static void check_line(struct table_reader *r, struct yaml_mark mark, struct str text)
{
	struct str piece;
	const char *wrong = think_line_problem(text, known, r->t, &piece);
	if (wrong)
		problem_add(r->p, mark, "%s: '%.*s'", wrong, STR_FMT(piece));
	for (size_t i = 0; i < r->t->never.n; i++)
		if (str_find(text, r->t->never.v[i]) >= 0)
			problem_add(r->p, mark, "'%.*s' is in the list never", STR_FMT(r->t->never.v[i]));
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("*#_`[]{}~", c)) {
			problem_add(r->p, mark, "'%c' cannot stand in a sentence", c);
			return;
		}
	}
}

static void read_lines(struct table_reader *r, const struct yaml_node *node, struct think_step *s)
{
	struct texts lines = read_texts(r, node);
	s->say = arena_array(r->a, lines.n + 1, sizeof(*s->say));
	for (size_t i = 0; i < lines.n; i++) {
		check_line(r, node->mark, lines.v[i]);
		s->say[s->nsay++] = think_line(lines.v[i]);
	}
}

/* read_steps and read_step call each other: a step may hold steps, DEPTH_MAX deep. */
static void read_steps(struct table_reader *r, const struct yaml_node *list, int depth, struct think_plan *ret);

static void read_step(struct table_reader *r, const struct yaml_node *node, int depth, struct think_step *s)
{
	static const char *const keys[] = {"name", "when", "unless", "rank", "chance", "fill", "say", "first", NULL};
	const struct yaml_node *say = yaml_get(node, "say"), *first = yaml_get(node, "first"),
						   *name = yaml_get(node, "name"), *fill = yaml_get(node, "fill");
	s->chance = 100;
	if (!read_keys(r, node, keys))
		return;
	if (name && name->kind == YAML_SCALAR)
		s->name = arena_str(r->a, name->text);
	if (yaml_get(node, "when"))
		read_facts(r, yaml_get(node, "when"), &s->when, &s->nwhen);
	if (yaml_get(node, "unless"))
		read_facts(r, yaml_get(node, "unless"), &s->unless, &s->nunless);
	if (yaml_get(node, "rank"))
		s->rank = (int)read_number(r, node, "rank", 1, 9);
	if (yaml_get(node, "chance"))
		s->chance = (int)read_number(r, node, "chance", 1, 100);
	if (fill && !yaml_bool(fill, &s->fill))
		problem_add(r->p, fill->mark, "'fill' is true or false");
	if (!say == !first) {
		problem_add(r->p, node->mark, "a step has either say: or first:");
	} else if (say) {
		read_lines(r, say, s);
	} else {
		struct think_plan inner = {.steps = NULL};
		read_steps(r, first, depth + 1, &inner);
		s->first = inner.steps;
		s->nfirst = inner.n;
	}
}

static void read_steps(struct table_reader *r, const struct yaml_node *list, int depth, struct think_plan *ret)
{
	if (list->kind != YAML_LIST || !list->n || list->n > THINK_STEPS_MAX || depth > DEPTH_MAX) {
		problem_add(r->p, list->mark, "expected a list of 1 to %d steps, at most %d deep", THINK_STEPS_MAX, DEPTH_MAX);
		return;
	}
	ret->steps = arena_array(r->a, list->n, sizeof(*ret->steps));
	YAML_EACH(item, list)
		read_step(r, item, depth, &ret->steps[ret->n++]);
}

static void read_values(struct table_reader *r, const struct yaml_node *map)
{
	struct think_plan plan = {.steps = NULL}; /* not in the tables yet: a value must not rest on another */
	if (map->kind != YAML_MAP) {
		problem_add(r->p, map->mark, "'words' must be a map of names to steps");
		return;
	}
	plan.steps = arena_array(r->a, map->n + 1, sizeof(*plan.steps));
	YAML_EACH(item, map) {
		struct think_step *s = &plan.steps[plan.n++];
		struct think_plan inner = {.steps = NULL};
		read_steps(r, item, 1, &inner);
		*s = (struct think_step){
			.name = arena_str(r->a, item->key), .chance = 100, .first = inner.steps, .nfirst = inner.n};
	}
	r->t->values = plan;
}

/* --- Numbers --- */

static void read_confidence(struct table_reader *r, const struct yaml_node *node, struct confidence *c)
{
	static const char *const keys[] = {"base", "per_point", "per_contrary", "floor", "ceiling", "none", NULL};
	if (!read_keys(r, node, keys))
		return;
	c->base = read_number(r, node, "base", 0, 100);
	c->per_point = read_number(r, node, "per_point", 0, 100);
	c->per_contrary = read_number(r, node, "per_contrary", 0, 100);
	c->floor = read_number(r, node, "floor", 0, 100);
	c->ceiling = read_number(r, node, "ceiling", c->floor, 100);
	c->none = read_number(r, node, "none", 0, 100);
}

static void read_speech(struct table_reader *r, const struct yaml_node *node)
{
	static const char *const keys[] = {"slow_below_msyl_per_s", "fast_above_msyl_per_s", "many_pauses_per_minute",
		"few_pauses_per_minute", "wide_pitch_percent", "narrow_pitch_percent", NULL};
	struct speech_limits *s = &r->t->speech;
	if (!read_keys(r, node, keys))
		return;
	s->slow_below_msyl_per_s = read_number(r, node, keys[0], 0, 20000);
	s->fast_above_msyl_per_s = read_number(r, node, keys[1], s->slow_below_msyl_per_s, 20000);
	s->many_pauses_per_minute = read_number(r, node, keys[2], 1, 600);
	s->few_pauses_per_minute = read_number(r, node, keys[3], 0, s->many_pauses_per_minute - 1);
	s->wide_pitch_percent = read_number(r, node, keys[4], 100, 1000);
	s->narrow_pitch_percent = read_number(r, node, keys[5], 100, s->wide_pitch_percent);
}

static const struct yaml_node *need(struct table_reader *r, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *v = map ? yaml_get(map, key) : NULL;
	if (map && !v)
		problem_add(r->p, map->mark, "'%s' is missing", key);
	return v;
}

void read_templates(struct table_reader *r, const struct yaml_node *root)
{
	static const char *const keys[] = {"never", "dull", "confidence", "speech", "words", "plans", NULL},
							 *const rounds[] = {"scene", "fraud", "fraud_type", NULL},
							 *const plans[] = {"scene", "scene_reason", "fraud", "fraud_reason", "fraud_type",
								 "fraud_type_reason", NULL};
	const struct yaml_node *node, *all;
	if (!read_keys(r, root, keys))
		return;
	if ((node = need(r, root, "never")))
		r->t->never = read_texts(r, node);
	if ((node = need(r, root, "dull")))
		r->t->dull = read_texts(r, node);
	if ((node = need(r, root, "speech")))
		read_speech(r, node);
	if ((node = need(r, root, "words")))
		read_values(r, node);
	all = need(r, root, "confidence");
	if (all && read_keys(r, all, rounds))
		for (int i = 0; i < ROUND_COUNT; i++)
			if ((node = need(r, all, rounds[i])))
				read_confidence(r, node, &r->t->confidence[i]);
	all = need(r, root, "plans");
	if (!all || !read_keys(r, all, plans))
		return;
	for (int i = 0; i < ROUND_COUNT; i++) {
		if ((node = need(r, all, plans[2 * i])))
			read_steps(r, node, 0, &r->t->thinking[i]);
		if ((node = need(r, all, plans[2 * i + 1])))
			read_steps(r, node, 0, &r->t->reason[i]);
	}
}
