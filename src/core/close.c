#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

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
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	json_write(&text, state);
	store_put_stage_state(g->store, s->n, buf_view(&text));
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

static void fill_stage(struct stage_run *s, struct stage_status *st)
{
	st->name = s->cs->stage.name;
	st->uses = s->ops->name;
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
		.to_run = s->to_run,
		.unknown = s->unknown};
	for (int r = 0; r < REASONS; r++)
		c->reasons[r] = s->reasons[r];
	if (s->g->dry)
		c->seconds = (double)c->to_run * s->seconds_per_item;
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
	st->outputs = g->outputs;
	st->noutputs = g->noutputs;
}

void run_status_free(struct run_status *s)
{
	free(s->stages);
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
	json_set_int(a, row, "tokens_in", c->tokens_in);
	json_set_int(a, row, "tokens_out", c->tokens_out);
	json_set(a, row, "cost", json_real(a, c->cost));
	return row;
}

void run_status_json(struct buf *b, const struct run_status *s)
{
	struct arena a = ARENA_INIT;
	struct json *out = json_object(&a), *run = json_object(&a), *stages = json_array(&a);
	json_set_text(&a, run, "id", s->id);
	json_set_text(&a, run, "state", s->state);
	json_set_int(&a, run, "exit_status", s->exit_status);
	json_set(&a, run, "seconds", json_real(&a, (double)(int64_t)(s->seconds * 1000) / 1000));
	for (size_t i = 0; i < s->nstages; i++)
		json_append(stages, stage_json(&a, &s->stages[i]));
	json_set(&a, out, "run", run);
	json_set(&a, out, "stages", stages);
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
		json_set_int(&a, row, "requests", 0);
		json_set_int(&a, row, "tokens", 0);
		json_set(&a, row, "cost", json_real(&a, 0));
		json_set(&a, row, "seconds", json_real(&a, (double)(int64_t)(c->seconds * 1000) / 1000));
		json_append(stages, row);
	}
	json_set(&a, out, "stages", stages);
	json_write(b, out);
	arena_release(&a);
}
