/* The grid of bands: label × age × awareness or style, shared out evenly. */
#include "base/alloc.h"
#include "stages/synthesize/parts.h"

#include <stdlib.h>

/* A label, or a scenario, with the cells it has. */
struct group {
	struct str name;
	uint64_t rank;
	const struct listed **members; /* in the order of their ranks */
	size_t n;
};
struct ranked {
	struct cell cell;
	struct str name;
	uint64_t rank;
};
struct grid {
	struct stage *s;
	struct lister *l;
	struct arena *a;
	const struct bands *bands;
};

int64_t grid_share(int64_t total, size_t n, size_t position)
{
	return total / (int64_t)n + ((int64_t)position < total % (int64_t)n ? 1 : 0);
}

static int by_rank(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(a->name, b->name);
}

static int by_group_rank(const void *x, const void *y)
{
	const struct group *a = x, *b = y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(a->name, b->name);
}

/* Those of a group whose scenarios suit the cell; `ret` has room for all. */
static size_t suited(const struct grid *g, const struct group *group, const struct cell *c, const struct listed **ret)
{
	size_t n = 0;
	for (size_t i = 0; i < group->n; i++)
		if (cell_suits(g->bands, c, group->members[i]->scenario))
			ret[n++] = group->members[i];
	return n;
}

static void list_items(const struct grid *g, const struct listed *item, const struct ranked *cell, int64_t quota)
{
	const struct scenario *sc = item->scenario;
	for (int64_t ordinal = 1; ordinal <= quota; ordinal++) {
		struct arena *scratch = lister_arena(g->l);
		struct json *content = json_object(scratch);
		json_set_str(scratch, content, "scenario", sc->name);
		json_set_str(scratch, content, "cell", cell->name);
		json_set_int(scratch, content, "ordinal", ordinal);
		json_set(scratch, content, "label", label_json(scratch, sc));
		const char *id =
			arena_printf(scratch, "%.*s/%.*s/%04lld", STR_FMT(sc->name), STR_FMT(cell->name), (long long)ordinal);
		lister_add(g->l, str_of(id), content, (struct locator){.file = item->file}, &item->file, 1);
	}
}

/* The group's cells in the order of their ranks, each with its part of `quota`. */
static void list_group(const struct grid *g, const struct group *group, int64_t quota)
{
	size_t all, n = 0;
	struct cell *cells = bands_cells(g->a, g->bands, group->members[0]->scenario->is_fraud, &all);
	struct ranked *ranked = arena_array(g->a, all, sizeof(*ranked));
	const struct listed **fit = arena_array(g->a, group->n, sizeof(*fit));
	for (size_t i = 0; i < all; i++) {
		if (suited(g, group, &cells[i], fit) == 0)
			continue;
		struct str name = cell_name(g->a, &cells[i]);
		const char *key = arena_printf(g->a, "%.*s/%.*s", STR_FMT(group->name), STR_FMT(name));
		ranked[n++] = (struct ranked){cells[i], name, draw_hash(g->s->seed, str_of(key), "synthesize cell")};
	}
	qsort(ranked, n, sizeof(*ranked), by_rank);
	for (size_t i = 0; i < n; i++) {
		size_t m = suited(g, group, &ranked[i].cell, fit);
		int64_t part = grid_share(quota, n, i);
		for (size_t k = 0; k < m; k++) /* the remainder goes to another scenario first in each cell */
			list_items(g, fit[k], &ranked[i], grid_share(part, m, (k + m - i % m) % m));
	}
}

/* One group a label; members keep the order of `items`. */
static size_t group_labels(const struct grid *g, const struct listed *items, size_t n, struct group *ret)
{
	size_t ngroups = 0;
	for (size_t i = 0; i < n; i++) {
		const struct scenario *s = items[i].scenario;
		struct str label = s->is_fraud ? s->fraud_type : s->scene;
		size_t at = 0;
		while (at < ngroups && !str_eq(ret[at].name, label))
			at++;
		if (at == ngroups)
			ret[ngroups++] = (struct group){.name = label,
				.rank = draw_hash(g->s->seed, label, "synthesize label"),
				.members = arena_array(g->a, n, sizeof(*ret->members))};
		ret[at].members[ret[at].n++] = &items[i];
	}
	qsort(ret, ngroups, sizeof(*ret), by_group_rank);
	return ngroups;
}

int grid_list(struct stage *s, struct lister *l, struct arena *a, const struct bands *b, const struct listed *items)
{
	const struct params *params = s->params;
	const struct grid g = {s, l, a, b};
	size_t n = params->scenarios.n;
	struct group *groups = arena_array(a, n + 1, sizeof(*groups));
	for (size_t i = 0; params->per_scenario > 0 && i < n; i++) {
		const struct listed *one[] = {&items[i]};
		const struct group alone = {.name = items[i].scenario->name, .members = one, .n = 1};
		list_group(&g, &alone, params->per_scenario);
	}
	if (params->per_scenario > 0)
		return 0;
	size_t ngroups = group_labels(&g, items, n, groups);
	for (size_t i = 0; i < ngroups; i++)
		list_group(&g, &groups[i], grid_share(params->count, ngroups, i));
	return 0;
}
