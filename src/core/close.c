#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Calls that were here and did not come this time: a tombstone each. Their results stay, their membership ends. */
static void leave_tombstones(struct stage_run *s)
{
	struct engine *g = s->g;
	for (int32_t i = 1; i < g->nitems; i++) {
		struct slot *slot = slot_if(s, i);
		if (!slot || !slot->m.item || slot->now != SLOT_IDLE || slot->m.outcome == OUTCOME_LEFT)
			continue;
		slot->m.outcome = OUTCOME_LEFT;
		store_put_memo(g->store, s->n, &slot->m);
	}
}

static void tell_unknown(void *arg, struct str id)
{
	struct stage_run *s = arg;
	const struct map_entry *known = map_find(&s->g->ids, id);
	const struct slot *slot = known ? slot_if(s, (int32_t)known->value.i) : NULL;
	if (!slot || slot->now == SLOT_IDLE)
		log_warn(s->cs->stage.name, "no call here has the id '%.*s', which a data file of the stage names", STR_FMT(id));
}

static struct json *counts_json(struct arena *a, const struct stage_run *s)
{
	struct json *c = json_object(a);
	json_set_int(a, c, "calls_in", s->in);
	json_set_int(a, c, "calls_out", s->out);
	json_set_int(a, c, "rejected", s->rejected);
	json_set_int(a, c, "quarantined", s->quarantined);
	json_set_int(a, c, "units", s->cached + s->computed);
	return c;
}

/* {closed?, wiring, counts, key?, outputs?, us_per_item}. `closed` only when nothing is left to take up: no failure of this stage or before it. */
void close_stage(struct stage_run *s)
{
	struct engine *g = s->g;
	if (g->dry || g->narrowed || g->stopping)
		return;
	leave_tombstones(s);
	if (s->ops->mentions && s->inited && s->init_rc == 0)
		s->ops->mentions(&s->cs->stage, tell_unknown, s);
	bool clean = s->failed == 0;
	/* What was released in spite of --partial stands for this run alone. */
	clean &= s->ops->kind != STAGE_SINK || !g->args->partial;
	for (size_t i = 0; i < s->cs->nneeds; i++)
		clean &= g->stages[s->cs->needs[i]].closed;
	s->closed = clean;
	struct arena a = ARENA_INIT;
	struct json *state = json_object(&a), *outputs;
	char hex[DIGEST_HEX + 1];
	if (clean) {
		digest_hex(&s->closure, hex);
		json_set_text(&a, state, "closed", hex);
	}
	digest_hex(&s->wiring, hex);
	json_set_text(&a, state, "wiring", hex);
	json_set(&a, state, "private", json_bool(&a, s->is_private));
	json_set(&a, state, "counts", counts_json(&a, s));
	if (s->ops->kind == STAGE_SINK || s->ops->kind == STAGE_REDUCE) {
		digest_hex(&s->key, hex);
		json_set_text(&a, state, "key", hex);
	}
	if (s->outputs.len && json_parse(&a, buf_view(&s->outputs), &outputs, NULL) == 0)
		json_set(&a, state, "outputs", outputs);
	int64_t us = s->computed > 0 ? s->busy_us / s->computed : (int64_t)(s->seconds_per_item * 1e6);
	json_set_int(&a, state, "us_per_item", us);
	money_close(s, state, &a);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	json_write(&text, state);
	store_put_stage_state(g->store, s->n, buf_view(&text));
	s->state_kept = true;
	arena_release(&a);
}

void close_counts(struct stage_run *s)
{
	struct arena a = ARENA_INIT;
	struct json *state;
	if (json_parse(&a, buf_view(&s->state), &state, NULL) == 0) {
		const struct json *counts = json_get(state, "counts");
		s->in = json_get_int(counts, "calls_in", 0);
		s->out = json_get_int(counts, "calls_out", 0);
		s->rejected = json_get_int(counts, "rejected", 0);
		s->quarantined = json_get_int(counts, "quarantined", 0);
		s->cached = json_get_int(counts, "units", 0);
		s->total = s->in;
	}
	arena_release(&a);
}

/* What the items to run will take, by what earlier ones took. Waiting for a provider goes on for many calls at once: its time is what the limits of the
 * account make of it, and at least what the calls in hand at once need. */
static void plan_stage(struct stage_run *s, struct stage_counts *c)
{
	const struct stage_spent each = money_each(s, &c->basis), *one = &each;
	double n = (double)c->to_run;
	c->seconds = n * s->seconds_per_item;
	if (s->exec != EXEC_NETWORK)
		return;
	struct account_config account = {.name = NULL};
	s->cs->stage.provider->ops->account(s->cs->stage.provider, &account);
	c->requests = (int64_t)(n * one->requests + 0.5);
	c->tokens_in = (int64_t)(n * one->tokens_in + 0.5);
	c->tokens_out = (int64_t)(n * one->tokens_out + 0.5);
	c->cost = n * one->cost;
	c->more_requests = (int64_t)((double)c->unknown * one->requests + 0.5);
	c->more_tokens = (int64_t)((double)c->unknown * (one->tokens_in + one->tokens_out) + 0.5);
	c->more_cost = (double)c->unknown * one->cost;
	c->measured = s->known.items;
	c->seconds /= account.limits.in_flight > 1 ? account.limits.in_flight : 1;
	if (account.limits.requests_per_min > 0)
		c->seconds = fmax(c->seconds, n * one->requests * 60 / (double)account.limits.requests_per_min);
	if (account.limits.tokens_per_min > 0)
		c->seconds =
			fmax(c->seconds, n * (one->tokens_in + one->tokens_out) * 60 / (double)account.limits.tokens_per_min);
}

static void fill_stage(struct stage_run *s, struct stage_status *st)
{
	st->name = s->cs->stage.name;
	st->uses = s->ops->name;
	st->unit = money_unit(s);
	st->finished = s->finished;
	st->stopped = s->stopped;
	struct stage_counts *c = &st->c;
	*c = (struct stage_counts){.in = s->in,
		.out = s->out,
		.cached = s->cached,
		.computed = s->computed,
		.rejected = s->rejected,
		.quarantined = s->quarantined,
		.failed = s->failed,
		.total = s->total,
		.in_flight = s->in_flight,
		.seconds = (double)s->busy_us / 1e6,
		.requests = s->requests,
		.tokens_in = s->tokens_in,
		.tokens_out = s->tokens_out,
		.cost = (double)s->cost / 1e6,
		.to_run = s->to_run,
		.unknown = s->unknown,
		.again = s->again};
	for (int r = 0; r < REASONS; r++)
		c->reasons[r] = s->reasons[r];
	if (s->g->dry)
		plan_stage(s, c);
}

void status_fill(struct engine *g, struct run_status *st)
{
	memcpy(st->id, g->row.id, sizeof(st->id));
	st->state = g->row.state;
	st->exit_status = g->row.exit_status;
	st->seconds = (double)(clock_ms() - g->started_ms) / 1000;
	if (!st->stages)
		st->stages = xcalloc(g->nstages ? g->nstages : 1, sizeof(*st->stages));
	st->nstages = 0;
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].chosen)
			fill_stage(&g->stages[i], &st->stages[st->nstages++]);
	money_status(g, st);
	st->outputs = g->outputs;
	st->noutputs = g->noutputs;
}

void run_status_free(struct run_status *s)
{
	free(s->stages);
	free(s->providers);
	for (size_t i = 0; i < s->noutputs; i++)
		free((void *)(uintptr_t)s->outputs[i]);
	free((void *)(uintptr_t)s->outputs);
	*s = (struct run_status){.state = ""};
}

static struct json *stage_json(struct arena *a, const struct stage_status *st)
{
	struct json *row = json_object(a);
	const struct stage_counts *c = &st->c;
	json_set_text(a, row, "name", st->name);
	json_set_text(a, row, "uses", st->uses);
	json_set_int(a, row, "calls_in", c->in);
	json_set_int(a, row, "calls_out", c->out);
	json_set_int(a, row, "cached", c->cached);
	json_set_int(a, row, "computed", c->computed);
	json_set_int(a, row, "rejected", c->rejected);
	json_set_int(a, row, "quarantined", c->quarantined);
	json_set_int(a, row, "total", c->total);
	json_set_int(a, row, "in_flight", c->in_flight);
	json_set(a, row, "seconds", json_real(a, (double)(int64_t)(c->seconds * 1000) / 1000));
	json_set_int(a, row, "requests", c->requests);
	json_set_int(a, row, "tokens_in", c->tokens_in);
	json_set_int(a, row, "tokens_out", c->tokens_out);
	json_set(a, row, "cost", json_real(a, c->cost));
	if (st->unit)
		json_set_text(a, row, "unit", st->unit);
	return row;
}

static struct json *providers_json(struct arena *a, const struct run_status *s)
{
	struct json *list = json_array(a);
	for (size_t i = 0; i < s->nproviders; i++) {
		const struct account_counts *c = &s->providers[i].c;
		struct json *row = json_object(a);
		json_set_text(a, row, "name", s->providers[i].name);
		json_set_text(a, row, "unit", s->providers[i].unit);
		json_set_int(a, row, "requests", c->requests);
		json_set_int(a, row, "ok", c->ok);
		json_set_int(a, row, "limited", c->limited);
		json_set_int(a, row, "troubled", c->troubled);
		json_set_int(a, row, "lost", c->lost);
		json_set_int(a, row, "refused", c->refused);
		json_set_int(a, row, "filtered", c->filtered);
		json_set_int(a, row, "invalid", c->invalid);
		json_set_int(a, row, "tokens_in", c->tokens_in);
		json_set_int(a, row, "tokens_out", c->tokens_out);
		json_set(a, row, "cost", json_real(a, (double)c->cost / 1e6));
		json_set_int(a, row, "waiting", c->waiting);
		json_set_int(a, row, "in_flight", c->in_flight);
		json_set_int(a, row, "window", c->window);
		json_set(a, row, "paused", json_bool(a, c->paused));
		json_set_int(a, row, "paused_s", c->paused_s);
		json_append(list, row);
	}
	return list;
}

void run_status_json(struct buf *b, const struct run_status *s)
{
	struct arena a = ARENA_INIT;
	struct json *out = json_object(&a), *run = json_object(&a), *stages = json_array(&a);
	json_set_text(&a, run, "id", s->id);
	json_set_text(&a, run, "state", s->state);
	/* a run that has not ended has none, nor has one that was killed: its row stays as it was while it ran */
	json_set(&a, run, "exit_status", strcmp(s->state, "running") == 0 ? json_null(&a) : json_int(&a, s->exit_status));
	json_set(&a, run, "seconds", json_real(&a, (double)(int64_t)(s->seconds * 1000) / 1000));
	for (size_t i = 0; i < s->nstages; i++)
		json_append(stages, stage_json(&a, &s->stages[i]));
	json_set(&a, out, "run", run);
	json_set(&a, out, "stages", stages);
	if (s->nproviders)
		json_set(&a, out, "providers", providers_json(&a, s));
	json_write(b, out);
	arena_release(&a);
}

void plan_json(struct buf *b, const struct run_status *s)
{
	struct arena a = ARENA_INIT;
	struct json *out = json_object(&a), *stages = json_array(&a);
	for (size_t i = 0; i < s->nstages; i++) {
		const struct stage_counts *c = &s->stages[i].c;
		struct json *row = json_object(&a), *reasons = json_object(&a);
		json_set_text(&a, row, "name", s->stages[i].name);
		json_set_text(&a, row, "uses", s->stages[i].uses);
		json_set_int(&a, row, "cached", c->cached);
		json_set_int(&a, row, "to_run", c->to_run);
		json_set_int(&a, row, "unknown", c->unknown);
		for (int r = 1; r < REASONS; r++)
			if (c->reasons[r])
				json_set_int(&a, reasons, reason_name(r), c->reasons[r]);
		json_set(&a, row, "reasons", reasons);
		json_set_int(&a, row, "requests", c->requests);
		json_set_int(&a, row, "tokens", c->tokens_in + c->tokens_out);
		json_set(&a, row, "cost", json_real(&a, c->cost));
		if (s->stages[i].unit)
			json_set_text(&a, row, "unit", s->stages[i].unit);
		if (c->basis) {
			json_set_text(&a, row, "basis", c->basis);
			json_set_int(&a, row, "measured", c->measured);
		}
		json_set(&a, row, "seconds", json_real(&a, (double)(int64_t)(c->seconds * 1000) / 1000));
		json_append(stages, row);
	}
	json_set(&a, out, "stages", stages);
	json_write(b, out);
	arena_release(&a);
}
