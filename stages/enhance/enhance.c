/* enhance: new calls from real ones (self-instruct). Of a closed pool, each parent sees a few peers of its label; a writer makes children that keep the
 * label and are like none of the calls in the pool. The writer of kind script has no model: src/provider/script_remix.h. A model is asked: model.c. */
#include "stages/enhance/enhance.h"
#include "base/alloc.h"
#include "core/call.h"

#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(struct params, field)

static const struct option options[] = {
	{.name = "provider",
		.type = OPT_PROVIDER,
		.offset = AT(provider),
		.flags = OPTION_REQUIRED,
		.help = "Who writes the new calls: the embedded writer (kind script), or a model (kind openai), which is asked "
				"once a call."},
	{.name = "per_call",
		.type = OPT_INT,
		.offset = AT(per_call),
		.dflt = "1",
		.min = 0,
		.max = 1000,
		.unit = "calls",
		.help = "New calls of each parent. A higher number only adds."},
	{.name = "parents",
		.type = OPT_INT,
		.offset = AT(parents),
		.dflt = "0",
		.min = 0,
		.max = 10000000,
		.unit = "calls",
		.help = "How many calls become parents, chosen by the seed; 0: all. A higher number only adds."},
	{.name = "peers",
		.type = OPT_INT,
		.offset = AT(peers),
		.dflt = "3",
		.min = 0,
		.max = POOL_PEERS_MAX,
		.unit = "calls",
		.help = "How many calls of the same label the writer sees beside the parent; fewer where the label has fewer."},
	{.name = "novelty",
		.type = OPT_REAL,
		.offset = AT(novelty),
		.flags = OPTION_SHAPES,
		.dflt = "0.7",
		.min = 0.05,
		.max = 1,
		.unit = "ROUGE-L",
		.help = "A child must be less like its parent, its peers and every other call of its label."},
	{.name = "draws",
		.type = OPT_INT,
		.offset = AT(draws),
		.flags = OPTION_SHAPES,
		.dflt = "6",
		.min = 1,
		.max = 100,
		.unit = "attempts",
		.help = "Attempts of the embedded writer at a child; when none is new enough, it is rejected (rule novelty). A "
				"model has "
				"those of its provider."},
	{.name = "min_turns",
		.type = OPT_INT,
		.offset = AT(min_turns),
		.flags = OPTION_SHAPES,
		.dflt = "4",
		.min = 2,
		.max = REMIX_TURNS,
		.unit = "turns",
		.help = "Fewest turns of a child. A model's has at least 6 and at most 40."},
	{.name = "tag",
		.type = OPT_STRING,
		.offset = AT(tag),
		.dflt = "e",
		.help = "The middle of the new ids: PARENT+TAG.SLOT. Letters a-z and digits."},
	{.name = "lexicon",
		.type = OPT_FILE,
		.offset = AT(lexicon),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/stages/enhance/remix.yaml'",
		.help = "Words of the script writer: names, cues, axes, other wordings."},
	{.name = "prompts",
		.type = OPT_FILES,
		.offset = AT(prompts),
		.flags = OPTION_SHAPES,
		.dflt = "'@/stages/enhance/prompts'",
		.help = "What a model is asked: a folder or files named system, seed, left, right, fraud and normal."},
	{.name = "axes",
		.type = OPT_FILE,
		.offset = AT(axes),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/stages/enhance/axes.yaml'",
		.help = "Along what a model's calls are varied: scene, pretext, region, person, outcome."},
	{.name = "line_rules",
		.type = OPT_FILE,
		.offset = AT(lines),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/stages/synthesize/line_rules.yaml'",
		.help = "What a turn by a model must not hold; an answer that does costs the next draw."},
};

static void fields(const void *params, struct stage_fields *ret)
{
	(void)params;
	fields_read(ret, "turns.text", 0);
	fields_read(ret, "turns.role", 0);
	fields_read(ret, "label.is_fraud", 0);
	fields_read(ret, "label.fraud_type", FIELD_OPTIONAL);
	fields_read(ret, "label.scene", FIELD_OPTIONAL);
	fields_read(ret, "label.scene_origin", FIELD_OPTIONAL);
	fields_read(ret, "initiator", 0);
	fields_read(ret, "profile", FIELD_OPTIONAL);
	fields_read(ret, "termination.by", FIELD_OPTIONAL);
	fields_write(ret, "source", 0);
	fields_write(ret, "initiator", 0);
	fields_write(ret, "label", 0);
	fields_write(ret, "turns", 0);
	fields_write(ret, "profile", FIELD_OPTIONAL);
	fields_write(ret, "termination", 0);
	fields_write(ret, "enhancement", 0);
	fields_write(ret, "qa.@", FIELD_OPTIONAL);
}

static int check(const void *params, struct err *e)
{
	const struct params *p = params;
	for (size_t i = 0; i < p->tag.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789", p->tag.p[i]))
			return err_set(e, ERR_CONFIG, "tag '%.*s': use letters a-z and digits", STR_FMT(p->tag));
	if (p->tag.n == 0 || p->tag.n > 16)
		return err_set(e, ERR_CONFIG, "tag: 1 to 16 letters a-z and digits");
	return 0;
}

static int init(struct stage *s, struct err *e)
{
	const struct params *p = s->params;
	struct state *st = ARENA_NEW(&s->arena, struct state);
	int rc = lexicon_load(&s->arena, arena_str(&s->arena, p->lexicon).p, &st->lexicon, e);
	if (rc == 0 && s->provider && !s->provider->ops->embedded)
		rc = writer_load(&s->arena, p, &st->writer, e);
	if (rc != 0)
		return rc;
	pthread_rwlock_init(&st->lock, NULL);
	s->state = st;
	return 0;
}

static void destroy(struct stage *s)
{
	struct state *st = s->state;
	if (!st)
		return;
	pool_free(st->pool);
	pthread_rwlock_destroy(&st->lock);
	s->state = NULL;
}

static int slots(const void *params)
{
	return (int)((const struct params *)params)->per_call;
}

static const char *tag(const void *params)
{
	return ((const struct params *)params)->tag.p; /* options are terminated */
}

static int64_t most_parents(const void *params)
{
	return ((const struct params *)params)->parents;
}

static int peers(struct stage *s, struct gather *g, struct err *e)
{
	const struct params *p = s->params;
	struct state *st = s->state;
	struct pool *pool = NULL;
	int rc = pool_fill(g, &(struct pool_wish){.seed = s->seed, .parents = p->parents, .peers = p->peers}, &pool, e);
	if (rc != 0)
		return rc;
	pthread_rwlock_wrlock(&st->lock);
	struct pool *before = st->pool;
	st->pool = pool;
	pthread_rwlock_unlock(&st->lock);
	pool_free(before);
	return 0;
}

/* ---- Work ---- */

static int remix_texts(struct making *m, struct remix_call *ret, struct err *e)
{
	for (size_t c = 0; c < m->ncalls; c++) {
		const struct json *turns = json_get(m->calls[c], "turns");
		struct rouge_text text; /* only for its limit */
		int rc = pool_text(m->w->arena, turns, &text, e);
		if (rc != 0)
			return rc;
		ret[c].turns = arena_array(m->w->arena, json_count(turns) + 1, sizeof(*ret[c].turns));
		JSON_EACH(turn, turns) {
			bool left = str_is(turn_role(turn), "left");
			ret[c].turns[ret[c].n++] = (struct remix_turn){.left = left, .text = turn_text(turn)};
		}
	}
	return 0;
}

int making_likeness(const struct making *m, const struct json *turns, int64_t *ret, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct state *st = m->w->stage->state;
	struct rouge_text text;
	int64_t most = 0;
	int rc = pool_text(&a, turns, &text, e);
	if (rc != 0)
		return rc;
	struct rouge *rouge = rouge_new(&a, &text);
	for (size_t c = 0; c < m->ncalls; c++) {
		struct rouge_text other;
		rc = pool_text(&a, json_get(m->calls[c], "turns"), &other, e);
		if (rc != 0)
			return rc;
		most = rouge_permille(rouge, &other, most);
	}
	pthread_rwlock_rdlock(&st->lock);
	if (st->pool)
		most = pool_likeness(st->pool, pool_label(&a, m->calls[0]), rouge, most, m->limit);
	else
		rc = err_set(e, ERR_BUG, "enhance: a slot is worked before the pool was read");
	pthread_rwlock_unlock(&st->lock);
	*ret = most;
	return rc;
}

static int likeness(const struct making *m, const struct remix_child *child, int64_t *ret, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *turns = json_array(&a);
	for (size_t i = 0; i < child->n; i++)
		json_append(turns, turn_new(&a, child->turns[i].left ? "left" : "right", child->turns[i].text));
	return making_likeness(m, turns, ret, e);
}

/* Attempts until a child is new enough. 0 also when none was: then `*ret_most` is not under the limit; -1 when there was none to measure. */
static int make_child(
	struct making *m, const struct remix *remix, struct remix_child *ret, int64_t *ret_most, struct err *e)
{
	const struct params *p = m->w->stage->params;
	int64_t best = -1;
	for (int64_t attempt = 0; attempt < p->draws && (best < 0 || best >= m->limit); attempt++) {
		struct remix_child child;
		struct err why = ERR_INIT;
		int64_t most = 0;
		int rc = remix_write(m->w->arena, remix, (int)attempt, &child, &why);
		if (rc == ERR_DATA)
			continue;
		if (rc == 0)
			rc = likeness(m, &child, &most, &why);
		if (rc != 0)
			return err_set(e, rc, "%s", why.text);
		if (best < 0 || most < best) {
			best = most;
			*ret = child;
		}
	}
	*ret_most = best;
	return 0;
}

void making_reject(struct work *w, const char *rule, int64_t value, int64_t limit, const char *unit)
{
	struct json *findings = json_array(w->arena), *f = json_object(w->arena);
	json_set_text(w->arena, f, "rule", rule);
	json_set_int(w->arena, f, "value", value);
	json_set_int(w->arena, f, "limit", limit);
	json_set_text(w->arena, f, "unit", unit);
	json_append(findings, f);
	work_verdict(w, "reject", findings);
}

static struct json *enhancement_json(const struct making *m, const struct remix_child *c, int64_t most)
{
	struct arena *a = m->w->arena;
	struct json *out = json_object(a), *axes = json_object(a), *from = json_array(a), *redrawn = json_array(a);
	json_set_text(a, out, "writer", "script"); /* templates, no model: readers of the data must know */
	for (size_t i = 0; i < c->naxes; i++)
		json_set_str(a, axes, c->axes[i].name, c->axes[i].value);
	for (size_t i = 0; i < c->n; i++) {
		struct json *f = json_object(a);
		json_set_int(a, f, "turn", (int64_t)i);
		json_set_str(a, f, "call", m->ids[c->from[i].call]);
		json_set_int(a, f, "source_turn", (int64_t)c->from[i].turn);
		json_append(from, f);
	}
	for (size_t i = 0; i < c->nredrawn; i++)
		json_append(redrawn, json_text(a, c->redrawn[i]));
	json_set(a, out, "axes", axes);
	json_set(a, out, "from", from);
	json_set(a, out, "redrawn", redrawn);
	json_set_int(a, out, "rouge_l_permille", most);
	return out;
}

/* The parent, and the peers that gave a turn. */
static struct json *parents_json(const struct making *m, const struct remix_child *c)
{
	struct json *parents = json_array(m->w->arena);
	for (size_t k = 0; k < m->ncalls; k++) {
		bool used = k == 0;
		for (size_t i = 0; i < c->n && !used; i++)
			used = c->from[i].call == k;
		if (used)
			json_append(parents, json_str(m->w->arena, m->ids[k]));
	}
	return parents;
}

static void write_child(struct making *m, const struct remix_child *c, int64_t most)
{
	struct arena *a = m->w->arena;
	struct json *out = json_object(a), *turns = json_array(a), *termination = json_object(a);
	struct str by = json_get_str(json_get(m->calls[c->closer], "termination"), "by");
	for (size_t i = 0; i < c->n; i++)
		json_append(turns, turn_new(a, c->turns[i].left ? "left" : "right", c->turns[i].text));
	json_set_str(a, termination, "by", by.n ? by : STR("unknown"));
	json_set_text(a, out, "source", "enhanced");
	json_set_str(a, out, "initiator", json_get_str(m->calls[c->opener], "initiator"));
	json_set(a, out, "label", json_copy(a, json_get(m->calls[0], "label")));
	json_set(a, out, "turns", turns);
	json_set(a, out, "termination", termination);
	if (json_get(m->calls[c->person], "profile"))
		json_set(a, out, "profile", json_copy(a, json_get(m->calls[c->person], "profile")));
	json_set(a, out, "parents", parents_json(m, c));
	json_set(a, out, "enhancement", enhancement_json(m, c, most));
	m->w->fields = out;
}

static int remix(struct making *m, struct err *e)
{
	struct work *w = m->w;
	const struct params *p = w->stage->params;
	const struct state *st = w->stage->state;
	struct remix_call calls[REMIX_CALLS] = {{.n = 0}};
	struct remix_child child = {.n = 0};
	int64_t most = -1;
	int rc = remix_texts(m, calls, e);
	if (rc != 0)
		return rc;
	const struct remix_wish wish = {.novelty = m->limit,
		.min_turns = p->min_turns,
		.is_fraud = json_get_bool(json_get(w->call, "label"), "is_fraud", false),
		.seed = draw_hash(w->stage->seed, w->id, "enhance"),
		.slot = w->slot,
		.attempts = (int)p->draws};
	rc = make_child(m, remix_new(w->arena, &st->lexicon, calls, m->ncalls, &wish), &child, &most, e);
	if (rc != 0)
		return rc;
	if (most < 0)
		making_reject(w, "no_fit", 0, 1, "ways to put its parts together");
	else if (most >= m->limit)
		making_reject(w, "novelty", most, m->limit, "thousandths of ROUGE-L");
	else
		write_child(m, &child, most);
	return 0;
}

static int process(struct work *w, struct err *e)
{
	const struct params *p = w->stage->params;
	const struct state *st = w->stage->state;
	struct making m = {.w = w, .limit = (int64_t)(p->novelty * 1000 + 0.5)};
	m.calls[0] = w->call;
	m.ids[m.ncalls++] = w->id;
	JSON_EACH(peer, w->peers) {
		ASSERT(m.ncalls < REMIX_CALLS);
		m.calls[m.ncalls] = peer;
		m.ids[m.ncalls++] = json_get_str(peer, "id");
	}
	return st->writer ? writer_make(&m, st->writer, e) : remix(&m, e);
}

static void cost(const struct stage *s, struct stage_cost *ret)
{
	writer_cost(s->params, ret);
}

const struct stage_ops stage_enhance = {
	.name = "enhance",
	.help = "New calls from real ones (self-instruct): of one label, like none of the pool.",
	.version = 1,
	.kind = STAGE_EXPAND,
	.exec = EXEC_CPU,
	.flags = STAGE_DRAWS,
	.params_size = sizeof(struct params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.init = init,
	.destroy = destroy,
	.process = process,
	.cost = cost,
	.slots = slots,
	.tag = tag,
	.peers = peers,
	.parents = most_parents,
};
