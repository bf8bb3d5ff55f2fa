/* dedupe: near-duplicate calls by their words. What a call is compared by: shingles.h. How pairs are found: lsh.h.
 * Who is kept: pairs.h. */
#include "base/alloc.h"
#include "core/stage.h"
#include "stages/dedupe/pairs.h"

#include <stddef.h>
#include <stdlib.h>

enum { ACTION_REJECT, ACTION_MARK };

struct dedupe_params {
	double threshold, related;
	int action;
};

#define AT(field) offsetof(struct dedupe_params, field)

static const char *const actions[] = {"reject", "mark", NULL};
static const struct option options[] = {
	{.name = "threshold",
		.type = OPT_REAL,
		.offset = AT(threshold),
		.flags = OPTION_SHAPES,
		.dflt = "0.8",
		.min = 0.3,
		.max = 1,
		.help = "From this resemblance on (share of common four-character pieces, in steps of 0.001) a call is a "
				"duplicate."},
	{.name = "related",
		.type = OPT_REAL,
		.offset = AT(related),
		.flags = OPTION_SHAPES,
		.dflt = "0.5",
		.min = 0.3,
		.max = 1,
		.help = "From this resemblance on two calls are of one family: both are kept, and bench puts them on one side. "
				"Not above threshold."},
	{.name = "action",
		.type = OPT_CHOICE,
		.offset = AT(action),
		.flags = OPTION_SHAPES,
		.dflt = "reject",
		.choices = actions,
		.help = "Reject duplicates, or only mark them with a finding."},
};

static int permille(double v)
{
	return (int)(v * 1000 + 0.5);
}

static void fields(const void *params, struct stage_fields *ret)
{
	(void)params;
	fields_read(ret, "source", 0);
	fields_read(ret, "turns.text", 0);
	fields_write(ret, "group", 0);
	fields_write(ret, "qa.@", 0);
}

static int check(const void *params, struct err *e)
{
	const struct dedupe_params *p = params;
	if (permille(p->related) > permille(p->threshold))
		return err_set(e, ERR_CONFIG,
			"related (%g) is over threshold (%g): a duplicate is of the family of what it repeats", p->related,
			p->threshold);
	return 0;
}

/* --- Passes over all calls --- */

struct dedupe {
	const struct dedupe_params *params;
	struct gather *g;
	struct pairs pairs;
	struct arena arena; /* ids */
	struct str *ids;    /* by index */
};

static void dedupe_release(struct dedupe *d)
{
	pairs_release(&d->pairs);
	arena_release(&d->arena);
	free(d->ids);
}

static int read_all(struct dedupe *d, struct err *e)
{
	struct str id;
	const struct json *call;
	int rc = 0;
	uint32_t i = 0;
	for (; rc == 0 && gather_next(d->g, &id, &call, e); i++) {
		d->ids[i] = arena_str(&d->arena, id);
		rc = pairs_first(&d->pairs, i, json_get_str(call, "source"), json_get(call, "turns"), e);
		if (rc < 0)
			err_context(e, "%.*s", STR_FMT(d->ids[i]));
	}
	return rc < 0 ? rc : e->code;
}

static int read_rank(struct dedupe *d, int rank, struct err *e)
{
	struct str id;
	const struct json *call;
	int rc = 0;
	gather_rewind(d->g);
	for (uint32_t i = 0; rc == 0 && gather_next(d->g, &id, &call, e); i++)
		rc = pairs_again(&d->pairs, i, rank, json_get(call, "turns"), e);
	return rc < 0 ? rc : e->code;
}

static int compare_all(struct dedupe *d, struct err *e)
{
	int rc = 0;
	pairs_plan(&d->pairs);
	while (rc == 0 && pairs_block(&d->pairs))
		for (int rank = 0; rc == 0 && rank < PAIRS_RANKS; rank++)
			if (pairs_wants(&d->pairs, rank))
				rc = read_rank(d, rank, e);
	pairs_end(&d->pairs);
	return rc;
}

static struct json *findings(struct dedupe *d, struct arena *a, uint32_t place)
{
	const struct pairs_call *c = &d->pairs.calls[place];
	struct json *list = json_array(a);
	if (c->of == PAIRS_NONE)
		return list;
	bool equal = pairs_equal(&d->pairs, place);
	struct json *f = json_object(a);
	json_set_text(a, f, "rule", equal ? "exact_duplicate" : "near_duplicate");
	json_set_int(a, f, "value", c->permille);
	json_set_int(a, f, "limit", equal ? 1000 : d->pairs.threshold);
	json_set_text(a, f, "unit", "permille");
	json_set_str(a, f, "of", d->ids[d->pairs.calls[c->of].index]);
	json_append(list, f);
	return list;
}

static int set_all(struct dedupe *d, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct str id;
	const struct json *call;
	gather_rewind(d->g);
	for (uint32_t i = 0; gather_next(d->g, &id, &call, e); i++) {
		uint32_t place = d->pairs.place[i], first = pairs_family(&d->pairs, place);
		bool rejected = d->params->action == ACTION_REJECT && d->pairs.calls[place].of != PAIRS_NONE;
		struct json *out = json_object(&a), *qa = json_object(&a), *verdict = json_object(&a);
		json_set_str(&a, out, "group", d->ids[d->pairs.calls[first].index]);
		json_set_text(&a, verdict, "verdict", rejected ? "reject" : "pass");
		json_set(&a, verdict, "findings", findings(d, &a, place));
		json_set(&a, qa, "@", verdict);
		json_set(&a, out, "qa", qa);
		gather_set(d->g, out, rejected);
		arena_reset(&a);
	}
	arena_release(&a);
	return e->code;
}

static int reduce(struct stage *s, struct gather *g, struct err *e)
{
	const struct dedupe_params *p = s->params;
	CLEANUP(dedupe_release) struct dedupe d = {.params = p, .g = g, .arena = ARENA_INIT};
	pairs_init(&d.pairs, gather_count(g), permille(p->threshold), permille(p->related));
	d.ids = xcalloc(gather_count(g) + 1, sizeof(*d.ids));
	int rc = read_all(&d, e);
	if (rc == 0)
		rc = compare_all(&d, e);
	if (rc == 0)
		rc = set_all(&d, e);
	return rc;
}

const struct stage_ops stage_dedupe = {
	.name = "dedupe",
	.help = "Near-duplicate calls by their words: keeps one of each, and says which calls are of one family.",
	.version = 1,
	.kind = STAGE_REDUCE,
	.exec = EXEC_CPU,
	.params_size = sizeof(struct dedupe_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.reduce = reduce,
};
