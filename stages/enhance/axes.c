#include "stages/enhance/axes.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/map.h"
#include "core/call.h"

#include <string.h>

#define AXES_FILE_MAX ((size_t)1 << 20)
#define AGE_MAX 110

static const char *const names[AXIS_COUNT] = {"scene", "pretext", "region", "person", "outcome"};

const char *axis_name(enum axis axis)
{
	return names[axis];
}

struct reading {
	struct arena *a;
	struct problems *p;
	const struct labels *labels;
	enum axis axis;
};

static void unknown_key(const struct reading *r, const struct yaml_node *node, const char *const *known)
{
	struct str v[AXIS_COUNT];
	struct option_list list = {.v = v, .n = 0};
	for (; known[list.n]; list.n++)
		v[list.n] = str_of(known[list.n]);
	problem_unknown(r->p, node->keymark, "unknown key", node->key, &list);
}

static bool one_of(struct str text, const char *const *words)
{
	for (; *words; words++)
		if (str_is(text, *words))
			return true;
	return false;
}

/* --- A value --- */

static void read_member(struct reading *r, const struct yaml_node *node, struct axis_value *ret)
{
	static const char *const person[] = {"say", "age", "gender", "occupation", NULL};
	static const char *const outcome[] = {"say", "by", NULL};
	static const char *const other[] = {"say", NULL};
	static const char *const genders[] = {"male", "female", NULL};
	static const char *const ends[] = {"left", "right", "natural", NULL};
	const char *const *known = r->axis == AXIS_PERSON ? person : r->axis == AXIS_OUTCOME ? outcome : other;
	struct str text = node->kind == YAML_SCALAR ? str_trim(node->text) : STR("");
	if (!one_of(node->key, known))
		unknown_key(r, node, known);
	else if (!text.n)
		problem_add(r->p, node->mark, "expected a text");
	else if (str_is(node->key, "say"))
		ret->say = arena_str(r->a, text);
	else if (str_is(node->key, "occupation"))
		ret->occupation = arena_str(r->a, text);
	else if (str_is(node->key, "age") && (!str_int(text, &ret->age) || ret->age < 1 || ret->age > AGE_MAX))
		problem_add(r->p, node->mark, "age: expected a number from 1 to %d", AGE_MAX);
	else if (str_is(node->key, "gender") && !one_of(text, genders))
		problem_add(r->p, node->mark, "gender: expected male or female");
	else if (str_is(node->key, "gender"))
		ret->gender = arena_str(r->a, text);
	else if (str_is(node->key, "by") && !one_of(text, ends))
		problem_add(r->p, node->mark, "by: expected left, right or natural");
	else if (str_is(node->key, "by"))
		ret->by = arena_str(r->a, text);
}

static struct axis_value read_value(struct reading *r, const struct yaml_node *node)
{
	struct axis_value v = {.age = 0};
	size_t before = r->p->n;
	if (node->kind == YAML_SCALAR)
		v.say = arena_str(r->a, str_trim(node->text));
	else if (node->kind == YAML_MAP)
		YAML_EACH(member, node)
			read_member(r, member, &v);
	if (!v.say.n && r->p->n == before)
		problem_add(r->p, node->mark, "expected a text, or a map with say");
	return v;
}

/* --- Groups --- */

static struct axis_group read_group(struct reading *r, const struct yaml_node *node)
{
	struct axis_group g = {.name = arena_str(r->a, node->key)};
	bool kind = str_is(node->key, "fraud") || str_is(node->key, "normal");
	if (!kind && !labels_is_fraud_type(r->labels, node->key) && !labels_is_scene(r->labels, node->key))
		problem_add(r->p, node->keymark, "'%.*s' is neither fraud, normal nor a label of schemas/labels.yaml",
			STR_FMT(node->key));
	if (node->kind != YAML_LIST || node->n == 0) {
		problem_add(r->p, node->mark, "expected a list of values");
		return g;
	}
	g.v = arena_array(r->a, node->n, sizeof(*g.v));
	YAML_EACH(item, node)
		g.v[g.n++] = read_value(r, item);
	return g;
}

static void read_axis(struct reading *r, const struct yaml_node *root, struct axes *ret)
{
	const struct yaml_node *node = yaml_get(root, names[r->axis]);
	if (!node || node->kind != YAML_MAP) {
		problem_add(r->p, node ? node->mark : root->mark,
			"%s: expected groups (fraud, normal, labels) with lists of values", names[r->axis]);
		return;
	}
	if (!yaml_get(node, "fraud") || !yaml_get(node, "normal"))
		problem_add(r->p, node->mark, "%s: the groups fraud and normal are wanted", names[r->axis]);
	struct axis_group *groups = arena_array(r->a, node->n, sizeof(*groups));
	size_t n = 0;
	YAML_EACH(group, node)
		groups[n++] = read_group(r, group);
	ret->v[r->axis].groups = groups;
	ret->v[r->axis].n = n;
}

static void read_axes(struct reading *r, const struct yaml_node *root, struct axes *ret)
{
	const char *const known[] = {names[0], names[1], names[2], names[3], names[4], NULL};
	if (root->kind != YAML_MAP) {
		problem_add(r->p, root->mark, "expected the axes scene, pretext, region, person, outcome");
		return;
	}
	YAML_EACH(node, root)
		if (!one_of(node->key, known))
			unknown_key(r, node, known);
	for (int i = 0; i < AXIS_COUNT; i++) {
		r->axis = (enum axis)i;
		read_axis(r, root, ret);
	}
}

int axes_load(struct arena *a, const char *path, struct axes *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct yaml_node *root = NULL;
	struct axes axes = {.v = {{NULL, 0}}};
	struct labels labels;
	int rc = fs_read(path, AXES_FILE_MAX, &bytes, e);
	if (rc == 0)
		rc = yaml_parse(a, arena_strdup(a, path), buf_view(&bytes), &root, e);
	if (rc == 0)
		rc = labels_load(a, NULL, &labels, e);
	if (rc != 0)
		return rc;
	struct reading r = {.a = a, .p = &p, .labels = &labels};
	problems_source(&p, root->mark.file ? root->mark.file : path, buf_view(&bytes));
	read_axes(&r, root, &axes);
	if (p.n)
		return problems_error(&p, e);
	*ret = axes;
	return 0;
}

/* --- Drawing --- */

static const struct axis_group *group_of(const struct axes *axes, enum axis axis, struct str name)
{
	for (size_t i = 0; i < axes->v[axis].n; i++)
		if (str_eq(axes->v[axis].groups[i].name, name))
			return &axes->v[axis].groups[i];
	return NULL;
}

const struct axis_value *axes_draw(const struct axes *axes, enum axis axis, bool fraud, struct str label, uint64_t seed)
{
	const struct axis_group *g = group_of(axes, axis, label);
	const struct axis_value *best = NULL;
	uint64_t low = 0;
	if (!g)
		g = group_of(axes, axis, fraud ? STR("fraud") : STR("normal"));
	for (size_t i = 0; i < g->n; i++) {
		uint64_t rank = hash_bytes(g->v[i].say.p, g->v[i].say.n, seed);
		if (best && rank >= low)
			continue;
		best = &g->v[i];
		low = rank;
	}
	return best;
}
