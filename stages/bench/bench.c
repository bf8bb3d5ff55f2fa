/* bench: chooses TeleAntiFraud-Bench. Who is chosen, and how stable that is: sample.h.
 *
 * A family is all calls that hang together by `parents` (enhanced calls and what they were made from, also where that
 * is no longer there) and by `group` (near-duplicates, from dedupe). Its first call, in order of source (asr,
 * published, enhanced, synthetic) and id, gives it its name, and so its hash, and its stratum. So enhanced and
 * synthetic calls that join a family of real ones change neither. Texts are not read: a changed text changes no
 * membership unless dedupe puts the call into another family. */
#include "base/alloc.h"
#include "base/draw.h"
#include "base/map.h"
#include "base/sets.h"
#include "core/stage.h"
#include "stages/bench/sample.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct bench_params {
	int64_t size;
	double share, dev_share;
	struct option_list strata, sources;
};

#define SHARE_DEFAULT 0.1
#define AT(field) offsetof(struct bench_params, field)

static const struct option options[] = {
	{.name = "size",
		.type = OPT_INT,
		.offset = AT(size),
		.flags = OPTION_SHAPES,
		.dflt = "0",
		.min = 0,
		.max = 100000000,
		.unit = "calls",
		.help = "Calls in the benchmark. Give either size or share."},
	{.name = "share",
		.type = OPT_REAL,
		.offset = AT(share),
		.flags = OPTION_SHAPES,
		.dflt = "0",
		.min = 0,
		.max = 1,
		.help = "Share of the calls that go into the benchmark. When neither is given: 0.1."},
	{.name = "dev_share",
		.type = OPT_REAL,
		.offset = AT(dev_share),
		.flags = OPTION_SHAPES,
		.dflt = "0",
		.min = 0,
		.max = 0.5,
		.help = "Share of the calls for development (split: dev), chosen in the same way out of those that are not in "
				"the benchmark."},
	{.name = "strata",
		.type = OPT_STRINGS,
		.offset = AT(strata),
		.flags = OPTION_SHAPES,
		.dflt = "[label.is_fraud, label.fraud_type|label.scene]",
		.help = "Fields by which the sample is proportional. A|B: the first of both that a call has."},
	{.name = "sources",
		.type = OPT_STRINGS,
		.offset = AT(sources),
		.flags = OPTION_SHAPES,
		.dflt = "[]",
		.help = "Only families in which all calls are of these sources (asr, published, enhanced, synthetic) are "
				"chosen from; size and shares then "
				"count their calls. Empty: all."},
};

/* In keep order (as dedupe's). */
static const char *const sources[] = {"asr", "published", "enhanced", "synthetic"};

/* What strata can be made of: fields with one value of a few words. */
static const char *const stratum_fields[] = {"source", "initiator", "label.is_fraud", "label.fraud_type", "label.scene",
	"label.scene_origin", "profile.left.occupation", "profile.left.awareness", "profile.right.occupation",
	"profile.right.awareness", "scenario.name", "scenario.persona", "termination.by", "enhancement.writer"};

static const char *stratum_field(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(stratum_fields); i++)
		if (str_is(name, stratum_fields[i]))
			return stratum_fields[i];
	return NULL;
}

static void fields(const void *params, struct stage_fields *ret)
{
	const struct bench_params *p = params;
	bool read[COUNT_OF(stratum_fields)] = {true}; /* source, below */
	fields_read(ret, "source", 0);
	fields_read(ret, "parents", FIELD_OPTIONAL);
	fields_read(ret, "group", FIELD_OPTIONAL);
	for (size_t i = 0; i < p->strata.n; i++) {
		struct str rest = p->strata.v[i], name;
		while (str_split(&rest, '|', &name)) {
			for (size_t k = 0; k < COUNT_OF(stratum_fields); k++) {
				if (!str_is(name, stratum_fields[k]) || read[k])
					continue;
				fields_read(ret, stratum_fields[k], FIELD_OPTIONAL);
				read[k] = true;
			}
		}
	}
	fields_write(ret, "split", 0);
}

static int check_strata(const struct bench_params *p, struct err *e)
{
	for (size_t i = 0; i < p->strata.n; i++) {
		struct str rest = p->strata.v[i], name;
		while (str_split(&rest, '|', &name)) {
			CLEANUP(buf_release) struct buf known = BUF_INIT;
			if (stratum_field(name))
				continue;
			for (size_t k = 0; k < COUNT_OF(stratum_fields); k++)
				buf_printf(&known, "%s%s", k ? ", " : "", stratum_fields[k]);
			return err_set(e, ERR_CONFIG, "strata: no stratum can be made of '%.*s'; the fields are %s", STR_FMT(name),
				known.data);
		}
	}
	return 0;
}

static size_t source_rank(struct str source)
{
	size_t rank = 0;
	while (rank < COUNT_OF(sources) && !str_is(source, sources[rank]))
		rank++;
	return rank;
}

static int check(const void *params, struct err *e)
{
	const struct bench_params *p = params;
	if (p->size > 0 && p->share > 0)
		return err_set(e, ERR_CONFIG, "give size or share, not both");
	for (size_t i = 0; i < p->sources.n; i++)
		if (source_rank(p->sources.v[i]) == COUNT_OF(sources))
			return err_set(e, ERR_CONFIG, "sources: '%.*s' is none of asr, published, enhanced, synthetic",
				STR_FMT(p->sources.v[i]));
	return check_strata(p, e);
}

/* --- All calls --- */

struct call {
	uint32_t node, stratum;
	uint8_t rank; /* by source */
	bool chosen_from;
};
struct link {
	uint32_t x, y;
};
struct bench {
	const struct bench_params *params;
	uint64_t seed;
	struct gather *g;
	struct call *calls; /* by index: in id order */
	size_t n;
	struct map nodes;  /* ids of calls, parents, groups */
	struct map strata; /* names, in order of appearance; values: numbers, after sort_strata by name */
	struct link *links;
	size_t nlinks, links_cap;
	uint32_t *family; /* of each node: its family + 1; 0: not yet known, or no call of it is there */
	struct sample_family *families;
	uint32_t *first; /* of each family: index of its first call */
	size_t nfamilies;
	enum sample_side *side; /* of each family, by the number in `family` */
};

static void bench_release(struct bench *b)
{
	free(b->calls);
	map_release(&b->nodes);
	map_release(&b->strata);
	free(b->links);
	free(b->family);
	free(b->families);
	free(b->first);
	free(b->side);
}

static uint32_t node_of(struct bench *b, struct str id)
{
	bool fresh;
	struct map_entry *m = map_put(&b->nodes, id, &fresh);
	if (fresh)
		m->value.i = (int64_t)b->nodes.n - 1;
	return (uint32_t)m->value.i;
}

static void link_ids(struct bench *b, uint32_t node, struct str other)
{
	if (!other.n)
		return;
	GROW(b->links, b->nlinks, b->links_cap);
	b->links[b->nlinks++] = (struct link){node, node_of(b, other)};
}

/* "true/投资诈骗"; "-" for what a call does not have. */
static void stratum_name(const struct bench_params *p, const struct json *call, struct buf *ret)
{
	for (size_t i = 0; i < p->strata.n; i++) {
		struct str rest = p->strata.v[i], name;
		const struct json *value = NULL;
		while (!value && str_split(&rest, '|', &name))
			value = json_path(call, stratum_field(name));
		if (i)
			buf_putc(ret, '/');
		if (!value)
			buf_putc(ret, '-');
		else if (value->kind == JSON_STRING)
			buf_str(ret, value->u.s);
		else
			json_write(ret, value);
	}
}

static bool from_sources(const struct bench_params *p, struct str source)
{
	bool wanted = p->sources.n == 0;
	for (size_t i = 0; i < p->sources.n; i++)
		wanted |= str_eq(p->sources.v[i], source);
	return wanted;
}

static int read_all(struct bench *b, struct err *e)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	struct str id;
	const struct json *call;
	for (b->n = 0; gather_next(b->g, &id, &call, e); b->n++) {
		struct call *c = &b->calls[b->n];
		struct str source = json_get_str(call, "source");
		bool fresh;
		buf_clear(&name);
		stratum_name(b->params, call, &name);
		struct map_entry *stratum = map_put(&b->strata, buf_view(&name), &fresh);
		if (fresh)
			stratum->value.i = (int64_t)b->strata.n - 1;
		*c = (struct call){
			node_of(b, id), (uint32_t)stratum->value.i, (uint8_t)source_rank(source), from_sources(b->params, source)};
		link_ids(b, c->node, json_get_str(call, "group"));
		JSON_EACH(parent, json_get(call, "parents")) {
			if (json_is(parent, JSON_STRING))
				link_ids(b, c->node, parent->u.s);
		}
	}
	return e->code;
}

/* --- Families --- */

static void add_to_family(struct bench *b, uint32_t index, uint32_t root)
{
	const struct call *c = &b->calls[index];
	if (!b->family[root]) {
		b->family[root] = (uint32_t)++b->nfamilies;
		b->first[b->nfamilies - 1] = index;
	}
	struct sample_family *f = &b->families[b->family[root] - 1];
	uint32_t *first = &b->first[b->family[root] - 1];
	f->calls++;
	f->barred |= !c->chosen_from;
	if (c->rank < b->calls[*first].rank) /* calls come in id order */
		*first = index;
}

static void make_families(struct bench *b)
{
	struct sets sets;
	size_t nodes = b->nodes.n;
	sets_init(&sets, nodes);
	for (size_t i = 0; i < b->nlinks; i++)
		sets_link(&sets, b->links[i].x, b->links[i].y);
	b->family = xcalloc(nodes + 1, sizeof(*b->family));
	b->families = xcalloc(b->n + 1, sizeof(*b->families));
	b->first = xcalloc(b->n + 1, sizeof(*b->first));
	for (uint32_t i = 0; i < b->n; i++)
		add_to_family(b, i, sets_root(&sets, b->calls[i].node));
	for (uint32_t i = 0; i < nodes; i++)
		b->family[i] = b->family[sets_root(&sets, i)];
	sets_release(&sets);
}

/* --- Strata --- */

static int by_name(const void *x, const void *y)
{
	return str_cmp((*(struct map_entry *const *)x)->key, (*(struct map_entry *const *)y)->key);
}

/* Numbers strata by their names, so that ties do not depend on the order of calls. */
static void sort_strata(struct bench *b)
{
	size_t n = b->strata.n;
	CLEANUP(free_ptr) struct map_entry **v = xcalloc(n + 1, sizeof(struct map_entry *));
	CLEANUP(free_ptr) uint32_t *now = xcalloc(n + 1, sizeof(*now));
	for (size_t i = 0; i < n; i++)
		v[i] = &b->strata.entries[i];
	if (n)
		qsort(v, n, sizeof(struct map_entry *), by_name);
	for (size_t i = 0; i < n; i++)
		now[v[i]->value.i] = (uint32_t)i;
	for (size_t i = 0; i < b->n; i++)
		b->calls[i].stratum = now[b->calls[i].stratum];
}

/* --- Choice --- */

static int64_t part_of(double share, int64_t calls)
{
	return (int64_t)(share * (double)calls + 0.5);
}

/* Two samples of one kind would follow each other if they had one order. */
static void hash_families(struct bench *b, const char *purpose)
{
	for (size_t i = 0; i < b->nfamilies; i++)
		b->families[i].hash = draw_hash(b->seed, b->families[i].name, purpose);
}

static void choose(struct bench *b)
{
	const struct bench_params *p = b->params;
	int64_t calls = 0;
	for (size_t i = 0; i < b->nfamilies; i++) {
		struct sample_family *f = &b->families[i];
		const struct call *first = &b->calls[b->first[i]];
		f->name = b->nodes.entries[first->node].key;
		f->stratum = first->stratum;
		f->tag = (uint32_t)i;
		calls += f->barred ? 0 : f->calls;
	}
	double share = p->share > 0 ? p->share : SHARE_DEFAULT;
	hash_families(b, "bench");
	sample_choose(b->families, b->nfamilies, b->strata.n, p->size ? p->size : part_of(share, calls), SAMPLE_TEST);
	hash_families(b, "bench dev");
	sample_choose(b->families, b->nfamilies, b->strata.n, part_of(p->dev_share, calls), SAMPLE_DEV);
	b->side = xcalloc(b->nfamilies + 1, sizeof(*b->side));
	for (size_t i = 0; i < b->nfamilies; i++)
		b->side[b->families[i].tag] = b->families[i].side;
}

static int set_all(struct bench *b, struct err *e)
{
	static const char *const splits[] = {[SAMPLE_REST] = "train", [SAMPLE_TEST] = "test", [SAMPLE_DEV] = "dev"};
	struct arena a = ARENA_INIT;
	struct str id;
	const struct json *call;
	gather_rewind(b->g);
	for (size_t i = 0; gather_next(b->g, &id, &call, e); i++) {
		struct json *out = json_object(&a);
		json_set_text(&a, out, "split", splits[b->side[b->family[b->calls[i].node] - 1]]);
		gather_set(b->g, out, false);
		arena_reset(&a);
	}
	arena_release(&a);
	return e->code;
}

static int reduce(struct stage *s, struct gather *g, struct err *e)
{
	CLEANUP(bench_release)
	struct bench b = {.params = s->params, .seed = s->seed, .g = g, .nodes = MAP_INIT, .strata = MAP_INIT};
	b.calls = xcalloc(gather_count(g) + 1, sizeof(*b.calls));
	int rc = read_all(&b, e);
	if (rc < 0)
		return rc;
	make_families(&b);
	sort_strata(&b);
	choose(&b);
	return set_all(&b, e);
}

const struct stage_ops stage_bench = {
	.name = "bench",
	.help =
		"Chooses the benchmark: a proportional stratified sample, families on one side, stable when the dataset grows.",
	.version = 1,
	.kind = STAGE_REDUCE,
	.exec = EXEC_CPU,
	.flags = STAGE_DRAWS,
	.params_size = sizeof(struct bench_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.reduce = reduce,
};
