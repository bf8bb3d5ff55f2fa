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
	int64_t size = objects_size(g->objects, &d);
	return size < 0 || size != store_object_size(g->store, &d);
}

static bool names_lost_object(struct engine *g, const struct json *v)
{
	JSON_EACH(kid, v)
	{
		if (kid->kind == JSON_STRING && str_is(kid->key, "object") && object_lost(g, kid->u.s))
			return true;
		if ((kid->kind == JSON_OBJECT || kid->kind == JSON_ARRAY) && names_lost_object(g, kid))
			return true;
	}
	return false;
}

/* The first stage before `s` whose result names a lost object, or -1. */
static int find_loser(struct record *r, struct stage_run *s)
{
	const struct sources_of *from = sources_of(s, item_at(r->g, r->item)->origin);
	for (size_t i = 0; from && i < from->n; i++) {
		struct json *fields;
		if (record_fields(r, from->stages[i], &fields, NULL) == 0 && names_lost_object(r->g, fields))
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

/* It settled here and was counted: take that back, it will settle again. */
static void uncount(struct stage_run *s, const struct slot *slot)
{
	s->in--;
	if (slot->m.outcome == OUTCOME_PASSED)
		s->out--;
	else if (slot->m.outcome == OUTCOME_REJECTED)
		s->rejected--;
	else if (slot->m.outcome == OUTCOME_QUARANTINED || slot->m.outcome == OUTCOME_FAILED)
		s->quarantined--;
	if (s->cached > 0)
		s->cached--;
}

/* Set a stage behind `loser` back for this item; needs that lie elsewhere have arrived all the same. */
static void set_back(struct stage_run *s, int loser, int32_t item)
{
	struct engine *g = s->g;
	struct slot *slot = slot_if(s, item);
	if (!slot || slot->now == SLOT_IDLE)
		return;
	if (slot->now == SLOT_SETTLED) {
		if (slot->m.outcome != OUTCOME_ENDED && slot->m.outcome != OUTCOME_MISSED)
			uncount(s, slot);
		unfinish(s);
	} else {
		s->active--;
		s->total--;
	}
	slot->now = SLOT_IDLE;
	slot->arrived = 0;
	slot->bad = OUTCOME_NONE;
	if (s->ops->kind == STAGE_SINK || s->ops->kind == STAGE_REDUCE)
		s->barrier_queued = s->barrier_done = false;
	for (size_t i = 0; i < s->cs->nneeds; i++) {
		int need = s->cs->needs[i];
		struct slot *up = slot_if(&g->stages[need], item);
		if (need == loser || graph_is_ancestor(g->config->graph, loser, need) || !up || up->now != SLOT_SETTLED)
			continue;
		if (slot->now == SLOT_IDLE) {
			slot->now = SLOT_WAITING;
			s->active++;
			s->total++;
		}
		slot->arrived++;
	}
}

static void send_back(struct engine *g, struct stage_run *loser, int32_t item)
{
	struct result row = {.fields = BUF_INIT};
	struct slot *slot = slot_at(loser, item);
	if (store_result(g->store, slot->m.result, &row, NULL) == 0)
		store_drop_result(g->store, &row.key, row.n);
	buf_release(&row.fields);
	pthread_mutex_lock(&g->lock);
	uncount(loser, slot);
	unfinish(loser);
	slot->m.result = 0;
	slot->m.outcome = OUTCOME_NONE;
	slot->now = SLOT_READY;
	slot->tries++;
	loser->active++;
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].chosen && graph_is_ancestor(g->config->graph, loser->at, (int)i))
			set_back(&g->stages[i], loser->at, item);
	queue_push(&loser->ready, item);
	pool_wake(g);
	pthread_mutex_unlock(&g->lock);
}

bool heal_item(struct record *r, struct stage_run *s, int32_t item)
{
	struct engine *g = s->g;
	int at = find_loser(r, s);
	if (at < 0 || g->dry)
		return false;
	struct stage_run *loser = &g->stages[at];
	/* A source that was not listed anew has nothing to work from. */
	if (slot_at(loser, item)->tries >= HEAL_TRIES || (loser->ops->kind == STAGE_SOURCE && item_at(g, item)->spool_len == 0))
		return false;
	log_info(s->cs->stage.name, "%.*s: an object is missing or damaged, stage %s makes it again", STR_FMT(item_at(g, item)->id),
		loser->cs->stage.name);
	send_back(g, loser, item);
	return true;
}

int heal_members(struct stage_run *s, struct err *e)
{
	struct engine *g = s->g;
	struct record r;
	record_init(&r, g);
	size_t healed = 0;
	for (int32_t i = 1; i < g->nitems; i++) {
		struct slot *slot = slot_if(s, i);
		if (!slot || slot->now != SLOT_WAITING)
			continue;
		record_begin(&r, i);
		healed += heal_item(&r, s, i);
	}
	record_release(&r);
	pthread_mutex_lock(&g->lock);
	s->barrier_queued = false;
	flow_finish(g);
	pthread_mutex_unlock(&g->lock);
	return healed ? 0 : err_set(e, ERR_LOST, "an object is missing or damaged and could not be made again; `taf verify --objects` names it");
}
