#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/log.h"

/* How calls go from stage to stage. All of it under the engine's lock; short, as every settled item passes here. */

static void arrive(struct stage_run *s, int32_t item, const struct slot *from, struct record *r);

static uint8_t bad_of(const struct slot *slot)
{
	if (slot->unknown || slot->m.outcome == OUTCOME_PASSED)
		return OUTCOME_NONE;
	return slot->m.outcome == OUTCOME_REJECTED || slot->m.outcome == OUTCOME_ENDED ? OUTCOME_ENDED : OUTCOME_MISSED;
}

static void tell_followers(struct stage_run *s, int32_t item, const struct slot *slot, struct record *r)
{
	if (s->ops->kind == STAGE_SINK)
		return;
	const struct graph_node *node = &s->g->config->graph->nodes[s->at];
	for (size_t i = 0; i < node->nfollowers; i++) {
		struct stage_run *f = &s->g->stages[node->followers[i]];
		if (f->chosen)
			arrive(f, item, slot, r);
	}
}

static void settle(struct stage_run *s, int32_t item, struct slot *slot, struct record *r)
{
	slot->now = SLOT_SETTLED;
	tell_followers(s, item, slot, r);
	s->active--;
}

/* The call ends before this stage: a tombstone, when the stage knew it. */
static void end_here(struct stage_run *s, int32_t item, struct slot *slot)
{
	bool known = slot->m.item != 0;
	if (slot->m.outcome != slot->bad) {
		slot->m.outcome = slot->bad;
		if (known && !s->g->dry)
			store_put_memo(s->g->store, s->n, &slot->m);
	}
	settle(s, item, slot, NULL);
}

static void slots_arrive(struct stage_run *s, int32_t parent, struct slot *slot)
{
	struct engine *g = s->g;
	int n = s->ops->slots(s->cs->stage.params);
	const char *tag = s->ops->tag(s->cs->stage.params);
	struct str id = item_at(g, parent)->id;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	for (int k = 1; k <= n; k++) {
		buf_clear(&name);
		buf_printf(&name, "%.*s+%s.%d", STR_FMT(id), tag, k);
		int32_t child = item_of(g, buf_view(&name));
		struct item *item = item_at(g, child);
		item->origin = s->at;
		item->parent = parent;
		item->slot = k;
		item->chosen = true;
		struct slot *at = slot_at(s, child);
		s->active++;
		s->total++;
		at->unknown = slot->unknown;
		at->now = SLOT_READY;
		queue_push(&s->ready, child);
	}
	slot->now = SLOT_SETTLED;
	s->active--;
	s->total--;
	pool_wake(g);
}

static void go_on(struct stage_run *s, int32_t item, struct slot *slot, struct record *r)
{
	slot->now = SLOT_READY;
	if (r && s->ops->exec != EXEC_NETWORK && !slot->unknown && r->ntodo < COUNT_OF(r->todo)) {
		r->todo[r->ntodo++] = s->at;
		return;
	}
	queue_push(&s->ready, item);
	pool_wake(s->g);
}

static void arrive(struct stage_run *s, int32_t item, const struct slot *from, struct record *r)
{
	struct slot *slot = slot_at(s, item);
	if (slot->now == SLOT_IDLE) {
		slot->now = SLOT_WAITING;
		slot->bad = OUTCOME_NONE;
		s->active++;
		s->total++;
	}
	uint8_t bad = bad_of(from);
	if (bad > slot->bad)
		slot->bad = bad;
	slot->unknown |= from->unknown;
	slot->arrived++;
	const struct sources_of *way = sources_of(s, item_at(s->g, item)->origin);
	if (slot->arrived < (way ? way->ways : 1))
		return;
	if (slot->bad) {
		s->total--;
		end_here(s, item, slot);
	} else if (s->ops->kind == STAGE_EXPAND) {
		slots_arrive(s, item, slot);
	} else if (s->ops->kind == STAGE_MAP) {
		go_on(s, item, slot, r);
	} /* reduce and sink wait for the rest */
}

static bool any_stopped_before(struct stage_run *s)
{
	struct engine *g = s->g;
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].stopped && graph_is_ancestor(g->config->graph, (int)i, s->at))
			return true;
	return false;
}

static void finish_stage(struct stage_run *s)
{
	s->finished = true;
	close_stage(s);
	const struct graph_node *node = &s->g->config->graph->nodes[s->at];
	for (size_t i = 0; i < node->nfollowers; i++)
		s->g->stages[node->followers[i]].open_needs--;
}

void flow_finish(struct engine *g)
{
	bool all = true;
	for (size_t i = 0; i < g->nstages; i++) {
		struct stage_run *s = &g->stages[i];
		if (!s->chosen || s->finished)
			continue;
		bool barrier = s->ops->kind == STAGE_REDUCE || s->ops->kind == STAGE_SINK;
		if (s->open_needs > 0 || (s->ops->kind == STAGE_SOURCE && !s->listed)) {
			all = false;
		} else if (barrier && !s->barrier_queued) {
			all = false;
			if (!g->stopping && !any_stopped_before(s)) {
				s->barrier_queued = true;
				queue_push(&s->ready, 0);
				pool_wake(g);
			}
		} else if (s->active == 0 && (!barrier || s->barrier_done) && !(g->stopping && !g->dry && s->ready.n)) {
			finish_stage(s);
		} else {
			all = false;
		}
	}
	if (all)
		pthread_cond_broadcast(&g->idle);
}

void flow_settled(struct stage_run *s, int32_t item, struct record *r)
{
	struct engine *g = s->g;
	pthread_mutex_lock(&g->lock);
	settle(s, item, slot_at(s, item), r);
	if (s->active == 0)
		flow_finish(g);
	pthread_mutex_unlock(&g->lock);
}

void flow_listed(struct stage_run *s)
{
	pthread_mutex_lock(&s->g->lock);
	s->listed = true;
	flow_finish(s->g);
	pthread_mutex_unlock(&s->g->lock);
}

void flow_stop_account(struct stage_run *s, const struct err *e)
{
	struct engine *g = s->g;
	pthread_mutex_lock(&g->lock);
	bool first = !s->stopped;
	for (size_t i = 0; i < g->nstages; i++)
		if (&g->stages[i] == s || (s->cs->stage.provider && g->stages[i].cs->stage.provider == s->cs->stage.provider))
			g->stages[i].stopped = true;
	pthread_mutex_unlock(&g->lock);
	if (first)
		log_error(s->cs->stage.name, "stopped: %s; the stages of this account wait for the next run", e->text);
}
