#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/log.h"
#include "core/call.h"

/* How calls go from stage to stage. All of it under the engine's lock; short, as every settled item passes here. */

static void arrive(struct stage_run *s, int32_t item, const struct slot *from, struct record *r);
static void be_ready(struct stage_run *s, int32_t item, struct slot *slot, struct record *r);

uint8_t flow_bad(const struct slot *slot)
{
	if (slot->unknown || slot->m.outcome == OUTCOME_PASSED)
		return OUTCOME_NONE;
	return slot->m.outcome == OUTCOME_REJECTED || slot->m.outcome == OUTCOME_ENDED ? OUTCOME_ENDED : OUTCOME_MISSED;
}

static void tell_followers(struct stage_run *s, int32_t item, const struct slot *slot, struct record *r)
{
	/* A parent does not pass an expand stage, its new calls do. */
	if (s->ops->kind == STAGE_SINK || (s->ops->kind == STAGE_EXPAND && item_at(s->g, item)->origin != s->at))
		return;
	const struct graph_node *node = &s->g->config->graph->nodes[s->at];
	for (size_t i = 0; i < node->nfollowers; i++) {
		struct stage_run *f = &s->g->stages[node->followers[i]];
		if (f->chosen && (f->pools || !item_at(s->g, item)->pooled))
			arrive(f, item, slot, r);
	}
}

/* It was visited and counted, in vain. */
void flow_uncount(struct stage_run *s, const struct slot *slot)
{
	s->in--;
	if (slot->m.outcome == OUTCOME_PASSED)
		s->out--;
	else if (slot->m.outcome == OUTCOME_REJECTED)
		s->rejected--;
	else if (slot->m.outcome == OUTCOME_QUARANTINED || slot->m.outcome == OUTCOME_FAILED)
		s->quarantined--;
	if (slot->m.outcome == OUTCOME_FAILED)
		s->failed--;
	if (s->cached > 0)
		s->cached--;
}

static void settle(struct stage_run *s, int32_t item, struct slot *slot, struct record *r)
{
	if (slot->stale && s->ops->kind != STAGE_REDUCE && s->ops->kind != STAGE_SINK) {
		flow_uncount(s, slot);
		flow_put_down(s, item);
		return;
	}
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

static void be_ready(struct stage_run *s, int32_t item, struct slot *slot, struct record *r)
{
	slot->now = SLOT_READY;
	if (r && r->carries && s->exec != EXEC_NETWORK && !slot->unknown && r->ntodo < COUNT_OF(r->todo)) {
		r->todo[r->ntodo++] = s->at;
		return;
	}
	queue_push(&s->ready, item);
	pool_wake(s->g);
}

bool flow_is_barrier(const struct stage_run *s)
{
	return s->ops->kind == STAGE_REDUCE || s->ops->kind == STAGE_SINK || s->ops->peers;
}

/* A slot of a parent as an item. False: its id cannot be, and the run stops. */
static bool child_made(struct stage_run *s, int32_t parent, int k, struct item *item)
{
	struct engine *g = s->g;
	struct err e = ERR_INIT;
	if (item->origin >= 0 && (item->origin != s->at || item->parent != parent))
		err_set(&e, ERR_CONFIG,
			"the id '%.*s' is made by stage %s and by stage %s: give one of them another prefix or tag",
			STR_FMT(item->id), g->stages[item->origin].cs->stage.name, s->cs->stage.name);
	else if (item->id.n > CALL_ID_MAX)
		err_set(&e, ERR_CONFIG, "stage %s: the id '%.*s' is longer than %d bytes", s->cs->stage.name, STR_FMT(item->id),
			CALL_ID_MAX);
	if (e.code) {
		engine_fail_locked(g, &e);
		return false;
	}
	item->origin = s->at;
	item->parent = parent;
	item->slot = k;
	item->pooled = item_at(g, parent)->pooled || !listing_wants(g, item->id);
	item->chosen = !item->pooled || s->feeds;
	return true;
}

void flow_no_slots(struct stage_run *s, struct slot *slot)
{
	slot->now = SLOT_SETTLED;
	s->active--;
	s->total--;
}

void flow_slots(struct stage_run *s, int32_t parent, struct slot *slot, bool known)
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
		if (!child_made(s, parent, k, item))
			return;
		struct slot *at = slot_at(s, child);
		if (!item->chosen || (known && (!at->m.item || at->m.outcome == OUTCOME_LEFT)))
			continue;
		if (at->now == SLOT_IDLE) {
			s->active++;
			s->total++;
		}
		at->unknown = slot->unknown;
		at->rewritten = slot->rewritten;
		at->arrived = 1;
		if (!at->stale)
			be_ready(s, child, at, NULL);
	}
	flow_no_slots(s, slot);
}

static int ways_to(const struct stage_run *s, int32_t item)
{
	int origin = item_at(s->g, item)->origin;
	const struct sources_of *way = sources_of(s, origin);
	return way && origin != s->at ? way->ways : 1;
}

/* When all its needs have settled, the item goes on here. */
static void go_on(struct stage_run *s, int32_t item, struct slot *slot, struct record *r)
{
	if (slot->arrived < ways_to(s, item))
		return;
	if (slot->bad) {
		s->total--;
		end_here(s, item, slot);
	} else if (s->ops->kind == STAGE_MAP || item_at(s->g, item)->origin == s->at) {
		be_ready(s, item, slot, r);
	} else if (!flow_is_barrier(s)) {
		flow_slots(s, item, slot, false);
	} /* barriers wait for the rest */
}

void flow_put_down(struct stage_run *s, int32_t item)
{
	struct slot *slot = slot_at(s, item);
	slot->stale = false;
	slot->now = SLOT_WAITING;
	go_on(s, item, slot, NULL);
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
	if (slot->arrived >= ways_to(s, item))
		return; /* made again after a loss, and this one went on with what it had */
	uint8_t bad = flow_bad(from);
	if (bad > slot->bad)
		slot->bad = bad;
	slot->unknown |= from->unknown;
	slot->rewritten |= from->rewritten;
	slot->arrived++;
	if (!slot->stale)
		go_on(s, item, slot, r);
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
		bool barrier = flow_is_barrier(s);
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

bool flow_stop_account(struct stage_run *s, const struct err *e)
{
	struct engine *g = s->g;
	pthread_mutex_lock(&g->lock);
	bool first = !s->stopped;
	if (!g->account.code) {
		g->account = *e;
		err_context(&g->account, "stage %s", s->cs->stage.name);
	}
	for (size_t i = 0; i < g->nstages; i++)
		if (&g->stages[i] == s || (s->cs->stage.provider && g->stages[i].cs->stage.provider == s->cs->stage.provider))
			g->stages[i].stopped = true;
	pthread_mutex_unlock(&g->lock);
	if (first)
		log_error(s->cs->stage.name, "stopped: %s; the stages of this account wait for the next run", e->text);
	return first;
}
