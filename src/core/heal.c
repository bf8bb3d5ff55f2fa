#include "core/engine_parts.h"

#include "base/log.h"
#include "core/objects.h"

/* An object that a stored result names is missing or damaged: that result is forgotten, and the item goes back to the stage that made it, in the
 * same run. What lies behind that stage is set back for this item, as if it had never arrived. */

static bool object_lost(struct engine *g, struct str hex)
{
	struct digest d;
	if (!digest_parse(hex, &d))
		return false;
	int64_t size = objects_size(g->objects, &d), stored = store_object_size(g->store, &d); /* -1: put a moment ago */
	return size < 0 || (stored >= 0 && size != stored);
}

static bool names_lost_object(struct engine *g, const struct json *v)
{
	JSON_EACH(kid, v) {
		if (kid->kind == JSON_STRING && str_is(kid->key, "object") && object_lost(g, kid->u.s))
			return true;
		if ((kid->kind == JSON_OBJECT || kid->kind == JSON_ARRAY) && names_lost_object(g, kid))
			return true;
	}
	return false;
}

/* The first stage before `s` whose result names a lost object, or is gone itself; or -1. */
static int find_loser(struct record *r, struct stage_run *s)
{
	const struct sources_of *from = sources_of(s, item_at(r->g, r->item)->origin);
	for (size_t i = 0; from && i < from->n; i++) {
		struct json *fields;
		int rc = record_fields(r, from->stages[i], &fields, NULL);
		if (rc == ERR_LOST || (rc == 0 && names_lost_object(r->g, fields)))
			return from->stages[i];
	}
	return -1;
}

static void unfinish(struct stage_run *s)
{
	if (!s->finished)
		return;
	s->finished = false;
	const struct graph_node *node = &s->g->config->graph->nodes[s->at];
	for (size_t i = 0; i < node->nfollowers; i++) {
		struct stage_run *f = &s->g->stages[node->followers[i]];
		f->open_needs++;
		unfinish(f);
	}
}

/* Needs whose outcome for this item stands have arrived all the same. */
static void arrive_again(struct stage_run *s, int32_t item, struct slot *slot)
{
	struct engine *g = s->g;
	slot->arrived = 0;
	slot->bad = OUTCOME_NONE;
	for (size_t i = 0; i < s->cs->nneeds; i++) {
		struct stage_run *need = &g->stages[s->cs->needs[i]];
		struct slot *up = slot_if(need, item);
		if (!up || up->now != SLOT_SETTLED || (need->ops->kind == STAGE_EXPAND && item_at(g, item)->origin != need->at))
			continue;
		uint8_t bad = flow_bad(up);
		if (bad > slot->bad)
			slot->bad = bad;
		slot->arrived++;
	}
}

/* A barrier that runs or is done goes on with what it had: what is made again is made of the same input, so it comes out the same. The memo is not
 * held: whenever the stage is walked again, this item's input is compared anew. */
static void leave_barrier(struct stage_run *s, struct slot *slot)
{
	slot->stale = true;
	slot->m.checked = 0;
	if (slot->m.item)
		store_put_memo(s->g->store, s->n, &slot->m);
}

static void set_back(struct stage_run *s, int32_t item);

static void set_back_children(struct stage_run *s, int32_t parent)
{
	struct engine *g = s->g;
	for (int32_t i = 1; i < g->nitems; i++) {
		const struct item *child = item_at(g, i);
		if (child->origin != s->at || child->parent != parent)
			continue;
		set_back(s, i);
		for (size_t k = 0; k < g->nstages; k++)
			if (g->stages[k].chosen && graph_is_ancestor(g->config->graph, s->at, (int)k))
				set_back(&g->stages[k], i);
	}
}

/* Set a stage back for an item, as if it had not arrived by the stages that are to be done again. Stages come in topological order. */
static void set_back(struct stage_run *s, int32_t item)
{
	struct slot *slot = slot_if(s, item);
	bool barrier = flow_is_barrier(s) && item_at(s->g, item)->origin != s->at;
	if (!slot || slot->now == SLOT_IDLE)
		return;
	if (barrier && (s->barrier_running || slot->now != SLOT_WAITING)) {
		leave_barrier(s, slot);
		return;
	}
	if (slot->now == SLOT_READY) {
		slot->stale = true; /* queued or in hand: it goes on from there */
		arrive_again(s, item, slot);
		return;
	}
	bool child = item_at(s->g, item)->origin == s->at;
	bool parent = s->ops->kind == STAGE_EXPAND && !child;
	if (slot->now == SLOT_WAITING) {
		s->active--;
		s->total--;
	} else if (!parent && slot->m.outcome != OUTCOME_ENDED && slot->m.outcome != OUTCOME_MISSED) {
		flow_uncount(s, slot);
		s->total--;
	}
	slot->now = SLOT_IDLE;
	if (child) {
		slot->arrived = 0;
		return;
	}
	if (parent)
		set_back_children(s, item);
	arrive_again(s, item, slot);
	if (slot->arrived > 0) {
		slot->now = SLOT_WAITING;
		s->active++;
		s->total++;
	}
}

/* Under the lock: the result of `loser` is forgotten, the item goes back to it. */
static void send_back(struct engine *g, struct stage_run *loser, int32_t item, const struct digest *key)
{
	struct slot *slot = slot_at(loser, item);
	if (slot->now != SLOT_SETTLED)
		return; /* somebody else noticed */
	if (key)
		store_drop_result(g->store, key, slot->m.result);
	flow_uncount(loser, slot);
	unfinish(loser);
	slot->m.result = 0;
	slot->m.outcome = OUTCOME_NONE;
	store_put_memo(g->store, loser->n, &slot->m);
	slot->now = SLOT_READY;
	slot->tries++;
	loser->active++;
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].chosen && graph_is_ancestor(g->config->graph, loser->at, (int)i))
			set_back(&g->stages[i], item);
	queue_push(&loser->ready, item);
	pool_wake(g);
}

/* A source that was not listed anew has nothing to work from: the next run lists it. */
static void leave_to_next_run(struct stage_run *source, struct slot *slot)
{
	slot->m.result = 0;
	slot->m.outcome = OUTCOME_NONE;
	store_put_memo(source->g->store, source->n, &slot->m);
	setup_unclose_stage(source);
}

static bool send_loser_back(struct record *r, struct stage_run *s, int at)
{
	struct engine *g = r->g;
	if (at < 0)
		return false;
	struct stage_run *loser = &g->stages[at];
	struct slot *slot = slot_at(loser, r->item);
	struct result row = {.fields = BUF_INIT};
	bool known = slot->m.result && store_result(g->store, slot->m.result, &row, NULL) == 0;
	buf_release(&row.fields);
	pthread_mutex_lock(&g->lock);
	bool source = loser->ops->kind == STAGE_SOURCE && item_at(g, r->item)->spool_len == 0;
	bool can = slot->tries < HEAL_TRIES && !source;
	if (source)
		leave_to_next_run(loser, slot);
	else if (can)
		send_back(g, loser, r->item, known ? &row.key : NULL);
	pthread_mutex_unlock(&g->lock);
	if (can)
		log_info(s->cs->stage.name, "%.*s: an object is missing or damaged, stage %s makes it again",
			STR_FMT(item_at(g, r->item)->id), loser->cs->stage.name);
	return can;
}

bool heal_item(struct record *r, struct stage_run *s, int32_t item)
{
	struct engine *g = s->g;
	if (g->dry)
		return false;
	bool sent = send_loser_back(r, s, find_loser(r, s));
	pthread_mutex_lock(&g->lock);
	struct slot *slot = slot_at(s, item);
	bool back = slot->stale;
	if (back) {
		s->in--;
		flow_put_down(s, item);
	} else if (!sent && slot->tries < HEAL_TRIES) {
		/* Missed a moment ago, and there by now: another call that shares the object had it made again. */
		slot->tries++;
		s->in--;
		back = true;
		queue_push(&s->ready, item);
		pool_wake(g);
	}
	pthread_mutex_unlock(&g->lock);
	return sent || back;
}

int heal_members(struct stage_run *s, struct err *e)
{
	struct engine *g = s->g;
	struct record r;
	record_init(&r, g);
	size_t healed = 0;
	pthread_mutex_lock(&g->lock);
	s->barrier_running = false;
	pthread_mutex_unlock(&g->lock);
	for (int32_t i = 1; i < g->nitems; i++) {
		struct slot *slot = slot_if(s, i);
		if (!slot || slot->now != SLOT_WAITING)
			continue;
		record_begin(&r, i);
		healed += send_loser_back(&r, s, find_loser(&r, s));
	}
	record_release(&r);
	pthread_mutex_lock(&g->lock);
	s->barrier_queued = false;
	flow_finish(g);
	pthread_mutex_unlock(&g->lock);
	return healed ? 0
				  : err_set(e, ERR_LOST,
						"an object is missing or damaged and could not be made again; `taf verify --objects` names it");
}
