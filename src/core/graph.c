#include "core/graph.h"

#include "base/alloc.h"
#include "core/problems.h"
#include "core/work.h"

#include <string.h>

/* --- Bitsets --- */

bool graph_bit(const uint64_t *set, int i)
{
	return set[i / 64] >> (i % 64) & 1;
}

static void set_bit(uint64_t *set, int i)
{
	set[i / 64] |= (uint64_t)1 << (i % 64);
}

static void unite(uint64_t *set, const uint64_t *with, size_t words)
{
	for (size_t i = 0; i < words; i++)
		set[i] |= with[i];
}

/* --- Order --- */

/* Walk up needs among the stages without a place, from `at`, until one comes a second time; tell the ring. */
static void tell_cycle(const struct graph_stage *stages, const bool *placed, bool *told, int at, struct problems *problems)
{
	int path[GRAPH_STAGES_MAX + 1], where[GRAPH_STAGES_MAX], n = 0;
	memset(where, -1, sizeof(where));
	while (where[at] < 0) {
		if (told[at])
			return;
		where[at] = n;
		path[n++] = at;
		for (size_t i = 0; i < stages[at].nneeds; i++) {
			if (!placed[stages[at].needs[i]]) {
				at = stages[at].needs[i];
				break;
			}
		}
	}
	for (int i = 0; i < n; i++)
		told[path[i]] = true;
	/* path[where[at]..n) needs each the next: calls go the other way. Begin with the one that stands first. */
	int first = n - 1, from = where[at], len = n - from;
	for (int i = from; i < n; i++)
		if (path[i] < path[first])
			first = i;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (int i = 0; i <= len; i++)
		buf_printf(&b, "%s%s", i ? " -> " : "", stages[path[from + (first - from + len - i % len) % len]].stage->name);
	problem_add(problems, stages[path[first]].mark, "the stages form a cycle: %s", b.data);
}

bool graph_order(const struct graph_stage *stages, size_t n, int *ret_order, struct problems *problems)
{
	bool placed[GRAPH_STAGES_MAX] = {false}, told[GRAPH_STAGES_MAX] = {false};
	ASSERT(n <= GRAPH_STAGES_MAX);
	size_t done = 0;
	for (bool moved = true; moved && done < n;) {
		moved = false;
		/* The first in file order that is ready, again from the front: stable. */
		for (size_t i = 0; i < n && !moved; i++) {
			bool ready = !placed[i];
			for (size_t k = 0; ready && k < stages[i].nneeds; k++)
				ready = placed[stages[i].needs[k]];
			if (!ready)
				continue;
			placed[i] = moved = true;
			ret_order[done++] = (int)i;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (!placed[i] && !told[i])
			tell_cycle(stages, placed, told, (int)i, problems);
	return done == n;
}

/* --- Building --- */

static enum stage_kind kind_of(const struct graph_stage *s)
{
	if (s->stage->ops)
		return s->stage->ops->kind;
	return s->nneeds ? STAGE_MAP : STAGE_SOURCE;
}

static bool makes_calls(const struct graph_stage *s)
{
	return kind_of(s) == STAGE_SOURCE || kind_of(s) == STAGE_EXPAND;
}

size_t graph_leaving(const struct graph *g, int stage, int *ret, size_t max)
{
	const struct graph_node *node = &g->nodes[stage];
	if (kind_of(&g->stages[stage]) == STAGE_SINK)
		return 0;
	if (makes_calls(&g->stages[stage])) {
		if (max)
			ret[0] = stage;
		return 1;
	}
	for (size_t i = 0; i < node->norigins && i < max; i++)
		ret[i] = node->origins[i].stage;
	return node->norigins;
}

const struct graph_origin *graph_origin_at(const struct graph *g, int stage, int origin)
{
	const struct graph_node *node = &g->nodes[stage];
	for (size_t i = 0; i < node->norigins; i++)
		if (node->origins[i].stage == origin)
			return &node->origins[i];
	return NULL;
}

/* The stages that calls of `origin` have passed when they leave `stage`, into `set`. */
static void passed(const struct graph *g, int stage, int origin, uint64_t *set)
{
	const struct graph_origin *o = stage == origin ? NULL : graph_origin_at(g, stage, origin);
	if (o)
		unite(set, o->via, g->words);
	set_bit(set, stage);
}

static void find_origins(struct arena *a, struct graph *g, int at)
{
	struct graph_node *node = &g->nodes[at];
	int ways[GRAPH_STAGES_MAX] = {0}, leaving[GRAPH_STAGES_MAX];
	for (size_t i = 0; i < node->nneeds; i++) {
		size_t n = graph_leaving(g, node->needs[i], leaving, GRAPH_STAGES_MAX);
		for (size_t k = 0; k < n; k++)
			node->norigins += ways[leaving[k]]++ == 0;
	}
	node->origins = arena_array(a, node->norigins, sizeof(*node->origins));
	size_t used = 0;
	for (int origin = 0; origin < at; origin++) {
		if (!ways[origin])
			continue;
		struct graph_origin *o = &node->origins[used++];
		o->stage = origin;
		o->ways = ways[origin];
		o->via = arena_array(a, g->words, sizeof(*o->via));
		for (size_t i = 0; i < node->nneeds; i++) {
			int need = node->needs[i];
			if (need == origin ? makes_calls(&g->stages[need])
							   : !makes_calls(&g->stages[need]) && kind_of(&g->stages[need]) != STAGE_SINK &&
									 graph_origin_at(g, need, origin))
				passed(g, need, origin, o->via);
		}
	}
}

struct graph *graph_new(struct arena *a, const struct graph_stage *stages, size_t n)
{
	struct graph *g = ARENA_NEW(a, struct graph);
	g->n = n;
	g->words = (n + 63) / 64;
	g->stages = stages;
	g->nodes = arena_array(a, n, sizeof(*g->nodes));
	for (size_t i = 0; i < n; i++) {
		struct graph_node *node = &g->nodes[i];
		node->needs = stages[i].needs;
		node->nneeds = stages[i].nneeds;
		node->ancestors = arena_array(a, g->words, sizeof(*node->ancestors));
		for (size_t k = 0; k < node->nneeds; k++) {
			struct graph_node *need = &g->nodes[node->needs[k]];
			unite(node->ancestors, need->ancestors, g->words);
			set_bit(node->ancestors, node->needs[k]);
			need->nfollowers++;
		}
		find_origins(a, g, (int)i);
	}
	for (size_t i = 0; i < n; i++) {
		g->nodes[i].followers = arena_array(a, g->nodes[i].nfollowers, sizeof(int));
		g->nodes[i].nfollowers = 0;
		for (size_t k = 0; k < g->nodes[i].nneeds; k++) {
			struct graph_node *need = &g->nodes[g->nodes[i].needs[k]];
			need->followers[need->nfollowers++] = (int)i;
		}
	}
	return g;
}

bool graph_is_ancestor(const struct graph *g, int up, int down)
{
	return graph_bit(g->nodes[down].ancestors, up);
}

/* --- Checks --- */

/* Whether two written paths touch one field ("turns" and "turns.text" do; "audio" and "audio_x" do not). */
static bool overlap(const char *a, const char *b)
{
	return field_covers(a, b) || field_covers(b, a);
}

/* Whether a stage surely writes what `read` wants. */
static bool writes(const struct graph *g, int stage, const char *read)
{
	const struct graph_stage *s = &g->stages[stage];
	if (s->vague)
		return true;
	for (size_t i = 0; i < s->fields->nwrites; i++)
		if (!(s->fields->writes[i].flags & FIELD_OPTIONAL) && field_covers(s->fields->writes[i].path, read))
			return true;
	return false;
}

static bool written(const struct graph *g, const uint64_t *via, const char *read)
{
	for (size_t i = 0; i < g->n; i++)
		if (graph_bit(via, (int)i) && writes(g, (int)i, read))
			return true;
	return false;
}

static bool carries(const struct graph *g, int stage, int origin)
{
	if (kind_of(&g->stages[stage]) == STAGE_SINK)
		return false;
	return makes_calls(&g->stages[stage]) ? stage == origin : graph_origin_at(g, stage, origin) != NULL;
}

/* The way of an origin's calls to `stage` by its need `need`, as "a -> b -> c". */
static void put_path(const struct graph *g, int origin, int need, int stage, struct buf *b)
{
	int path[GRAPH_STAGES_MAX], n = 0;
	for (int at = need;;) {
		path[n++] = at;
		if (at == origin)
			break;
		const struct graph_node *node = &g->nodes[at];
		for (size_t i = 0; i < node->nneeds; i++) {
			if (carries(g, node->needs[i], origin)) {
				at = node->needs[i];
				break;
			}
		}
	}
	while (n--)
		buf_printf(b, "%s -> ", g->stages[path[n]].stage->name);
	buf_puts(b, g->stages[stage].stage->name);
}

/* The need by which calls of `origin` come to `stage` without `read`, or -1.
 * A call that comes by several needs is one call with the fields of all of them, so parallel branches may each write a part. But a need that
 * lies upstream of another need adds no call: without the field it is a mistake. */
static int need_without(const struct graph *g, int stage, const struct graph_origin *o, const char *read)
{
	const struct graph_node *node = &g->nodes[stage];
	bool all = written(g, o->via, read);
	uint64_t via[GRAPH_STAGES_MAX / 64 + 1];
	for (size_t i = 0; i < node->nneeds; i++) {
		int need = node->needs[i];
		if (!carries(g, need, o->stage))
			continue;
		bool upstream = false;
		for (size_t k = 0; k < node->nneeds && !upstream; k++)
			upstream = carries(g, node->needs[k], o->stage) && graph_is_ancestor(g, need, node->needs[k]);
		if (all && !upstream)
			continue;
		memset(via, 0, sizeof(via));
		passed(g, need, o->stage, via);
		if (!written(g, via, read))
			return need;
	}
	return -1;
}

/* What every call has from the engine. */
static bool given(const struct graph *g, int origin, const char *read)
{
	if (!strcmp(read, "id"))
		return true;
	return kind_of(&g->stages[origin]) == STAGE_EXPAND && !strcmp(read, "parents");
}

static void check_reads(const struct graph *g, int stage, struct problems *problems)
{
	const struct graph_node *node = &g->nodes[stage];
	const struct graph_stage *s = &g->stages[stage];
	for (size_t r = 0; r < s->fields->nreads; r++) {
		const char *read = s->fields->reads[r].path;
		if (s->fields->reads[r].flags & FIELD_OPTIONAL)
			continue;
		for (size_t i = 0; i < node->norigins; i++) {
			const struct graph_origin *o = &node->origins[i];
			int need = given(g, o->stage, read) ? -1 : need_without(g, stage, o, read);
			if (need < 0)
				continue;
			CLEANUP(buf_release) struct buf path = BUF_INIT;
			put_path(g, o->stage, need, stage, &path);
			problem_add(problems, s->mark, "%s reads %s, but on the path %s nothing writes it", s->stage->name, read,
				path.data);
		}
	}
}

static const char *shared_write(const struct stage_fields *a, const struct stage_fields *b)
{
	for (size_t i = 0; i < a->nwrites; i++)
		for (size_t k = 0; k < b->nwrites; k++)
			if (overlap(a->writes[i].path, b->writes[k].path))
				return strlen(a->writes[i].path) > strlen(b->writes[k].path) ? a->writes[i].path : b->writes[k].path;
	return NULL;
}

/* Pairs that meet at this stage write different fields. `told` (n × n bits) leaves out pairs that met before. */
static void check_join(const struct graph *g, int stage, uint64_t *told, struct problems *problems)
{
	const struct graph_node *node = &g->nodes[stage];
	for (size_t i = 0; i < node->norigins; i++) {
		const uint64_t *via = node->origins[i].via;
		for (int x = 0; x < stage && node->origins[i].ways > 1; x++) {
			for (int y = x + 1; y < stage; y++) {
				if (!graph_bit(via, x) || !graph_bit(via, y) || graph_is_ancestor(g, x, y) || g->stages[x].vague ||
					g->stages[y].vague || graph_bit(told + (size_t)x * g->words, y))
					continue;
				const char *field = shared_write(g->stages[x].fields, g->stages[y].fields);
				if (!field)
					continue;
				set_bit(told + (size_t)x * g->words, y);
				problem_add(problems, g->stages[stage].mark,
					"%s and %s both write %s on different paths that join at %s; let one need the other",
					g->stages[x].stage->name, g->stages[y].stage->name, field, g->stages[stage].stage->name);
			}
		}
	}
}

/* `from[i]`: by which need private calls come through stage i; i itself for a private source; -1 when what leaves it is not private. */
static void check_privacy(const struct graph *g, int stage, int *from, struct problems *problems)
{
	const struct graph_stage *s = &g->stages[stage];
	const struct stage_ops *ops = s->stage->ops;
	from[stage] = -1;
	if (s->vague)
		return;
	if (ops->kind == STAGE_SOURCE) {
		if (ops->is_private && ops->is_private(s->stage->params))
			from[stage] = stage;
		return;
	}
	int need = -1;
	for (size_t i = 0; i < s->nneeds && need < 0; i++)
		if (from[s->needs[i]] >= 0)
			need = s->needs[i];
	if (need < 0)
		return;
	bool leaks = s->stage->provider || ops->kind == STAGE_SINK;
	if (!leaks) {
		from[stage] = ops->flags & STAGE_CLEARS_PRIVACY ? -1 : need;
		return;
	}
	/* Told once: what follows would only say the same again. */
	int path[GRAPH_STAGES_MAX], n = 0;
	for (int at = need; n == 0 || path[n - 1] != at; at = from[at])
		path[n++] = at;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (int i = n; i-- > 0;)
		buf_printf(&b, "%s -> ", g->stages[path[i]].stage->name);
	problem_add(problems,
		s->mark, "private calls reach %s %s by %s%s; put a stage that uses anonymize between, or say `private: false` at %s if its texts hold no personal data",
		ops->kind == STAGE_SINK ? "the sink" : "the provider of", s->stage->name, b.data, s->stage->name,
		g->stages[path[n - 1]].stage->name);
}

void graph_check(const struct graph *g, struct problems *problems)
{
	int from[GRAPH_STAGES_MAX];
	CLEANUP(free_ptr) uint64_t *told = xcalloc(g->n * g->words + 1, sizeof(*told));
	for (size_t i = 0; i < g->n; i++) {
		if (!g->stages[i].vague)
			check_reads(g, (int)i, problems);
		check_join(g, (int)i, told, problems);
		check_privacy(g, (int)i, from, problems);
	}
}
