#include "core/try.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "core/query.h"
#include "core/try_parts.h"

#include <stdlib.h>
#include <string.h>

#define NEAR_MAX 5

/* --- Where the call comes from --- */

/* "a+more.2" → "a" and 2, when `more` is the tag of this expand stage. */
static bool child_id(const struct stage_run *s, struct str id, struct str *ret_parent, int *ret_slot)
{
	const char *tag = s->ops->tag(s->cs->stage.params);
	size_t n = strlen(tag);
	for (size_t i = id.n; i-- > 0;) {
		int64_t slot;
		if (id.p[i] != '+')
			continue;
		struct str rest = str_n(id.p + i + 1, id.n - i - 1);
		if (rest.n < n + 2 || memcmp(rest.p, tag, n) != 0 || rest.p[n] != '.' ||
			!str_int(str_n(rest.p + n + 1, rest.n - n - 1), &slot) || slot < 1 ||
			slot > s->ops->slots(s->cs->stage.params))
			return false;
		*ret_parent = str_n(id.p, i);
		*ret_slot = (int)slot;
		return true;
	}
	return false;
}

static int32_t item_known(struct trial *t, struct str id)
{
	return (int32_t)map_int(&t->g.ids, id, 0);
}

/* Whether stage `s` may have made the item. A child then knows its parent. */
static bool made_by(struct trial *t, struct stage_run *s, int32_t n)
{
	struct slot *slot = slot_if(s, n);
	if (!slot || !slot->m.item)
		return false;
	if (s->ops->kind == STAGE_SOURCE)
		return true;
	struct str parent;
	int k;
	if (s->ops->kind != STAGE_EXPAND || !child_id(s, item_at(&t->g, n)->id, &parent, &k))
		return false;
	int32_t up = item_known(t, parent);
	if (up <= 0)
		return false;
	item_at(&t->g, n)->parent = up;
	item_at(&t->g, n)->slot = k;
	return true;
}

/* The stage that made an item, by its memos: the index, or -1. An expand's child gets its parent and slot. */
static int origin_of(struct trial *t, int32_t n)
{
	struct item *item = item_at(&t->g, n);
	if (item->origin >= 0)
		return item->origin;
	for (size_t i = 0; i < t->g.nstages; i++) {
		struct stage_run *s = &t->g.stages[i];
		if (!s->chosen || !made_by(t, s, n))
			continue;
		if (item->origin < 0 || slot_if(s, n)->m.outcome != OUTCOME_LEFT)
			item->origin = (int)i;
	}
	return item->origin;
}

/* --- Whether it has come so far --- */

static int stopped_at(struct trial *t, const struct stage_run *up, struct str id, const struct memo *m, struct err *e)
{
	const char *name = up->cs->stage.name;
	switch (m->outcome) {
	case OUTCOME_REJECTED:
		return err_set(e, ERR_NOTFOUND, "stage %s rejected %.*s, so it does not come to %s: taf why %.*s", name,
			STR_FMT(id), t->args->stage, STR_FMT(id));
	case OUTCOME_QUARANTINED:
	case OUTCOME_FAILED:
		return err_set(e, ERR_NOTFOUND, "%.*s was quarantined at stage %s, so it does not come to %s: taf why %.*s",
			STR_FMT(id), name, t->args->stage, STR_FMT(id));
	case OUTCOME_LEFT:
		return err_set(e, ERR_NOTFOUND, "stage %s no longer lists %.*s", name, STR_FMT(id));
	default:
		return err_set(e, ERR_NOTFOUND, "stage %s has no result for %.*s yet", name, STR_FMT(id));
	}
}

/* Whether the call has come to the tried stage: ERR_NOTFOUND when not; *ret_missing is then the stage that has not worked on it yet, or -1. */
static int arrived(struct trial *t, int32_t n, int *ret_missing, struct err *e)
{
	struct engine *g = &t->g;
	int origin = origin_of(t, n);
	struct str id = item_at(g, n)->id;
	*ret_missing = -1;
	const struct graph_origin *o = origin < 0 ? NULL : graph_origin_at(g->config->graph, t->s->at, origin);
	if (!o)
		return err_set(e, ERR_NOTFOUND, "%.*s does not come to stage %s%s%s", STR_FMT(id), t->args->stage,
			origin < 0 ? "" : ": nothing leads there from stage ", origin < 0 ? "" : g->stages[origin].cs->stage.name);
	for (int k = 0; k < (int)g->nstages; k++) {
		struct stage_run *up = &g->stages[k];
		if (!graph_bit(o->via, k))
			continue;
		struct slot *slot = slot_if(up, n);
		struct memo none = {.item = 0}, *m = slot && slot->m.item ? &slot->m : &none;
		if (m->outcome == OUTCOME_PASSED && m->result)
			continue;
		int rc = stopped_at(t, up, id, m, e);
		if (m->outcome == OUTCOME_NONE || m->outcome == OUTCOME_PASSED)
			*ret_missing = k;
		return rc;
	}
	return 0;
}

/* The stage up to which a run makes all that this one needs of such a call: the need it comes by, or the stage itself when there are several. */
static const char *until_stage(struct trial *t, int origin)
{
	const struct config_stage *cs = t->s->cs;
	const char *name = NULL;
	size_t ways = 0;
	for (size_t i = 0; i < cs->nneeds; i++) {
		const struct stage_run *need = &t->g.stages[cs->needs[i]];
		bool passes = need->ops->kind != STAGE_EXPAND &&
					  graph_origin_at(t->g.config->graph, need->at, origin); /* parents end there */
		if (need->at != origin && !passes)
			continue;
		name = need->cs->stage.name;
		ways++;
	}
	return arena_strdup(&t->ret->arena, ways == 1 ? name : t->args->stage);
}

/* Results that were made under another configuration than the one at hand. */
static void note_stale(struct trial *t, int32_t n)
{
	struct engine *g = &t->g;
	const struct graph_origin *o = graph_origin_at(g->config->graph, t->s->at, item_at(g, n)->origin);
	t->ret->stale.v = arena_array(&t->ret->arena, g->nstages, sizeof(struct str));
	for (int k = 0; o && k < (int)g->nstages; k++) {
		struct slot *slot = graph_bit(o->via, k) ? slot_if(&g->stages[k], n) : NULL;
		if (slot && slot->m.item && slot->m.fingerprint != g->stages[k].fp_row)
			t->ret->stale.v[t->ret->stale.n++] = str_of(arena_strdup(&t->ret->arena, g->stages[k].cs->stage.name));
	}
}

/* --- Finding the item --- */

static int unknown(struct trial *t, struct str id, struct err *e)
{
	if (t->g.store)
		query_near(t->g.store, &t->ret->arena, id, NEAR_MAX, &t->ret->near, NULL);
	return err_set(e, ERR_NOTFOUND, "no call has the id '%.*s'", STR_FMT(id));
}

/* A source lists again, so that also what no run has seen yet can be tried. */
static int find_listed(struct trial *t, struct err *e)
{
	struct engine *g = &t->g;
	int32_t known = item_known(t, t->args->id);
	struct slot *slot = known > 0 ? slot_if(t->s, known) : NULL;
	struct memo kept = {.item = 0};
	if (slot) { /* an item whose memo stands would not be spooled */
		kept = slot->m;
		slot->m.item = 0;
	}
	for (size_t i = 0; i < g->nstages; i++)
		g->stages[i].chosen = &g->stages[i] == t->s;
	t->s->closed = false;
	int rc = engine_spool(g, e);
	if (rc == 0)
		rc = listing_all(g, e);
	if (rc < 0)
		return rc;
	t->item = item_known(t, t->args->id);
	if (t->item <= 0 || item_at(g, t->item)->origin != t->s->at)
		return unknown(t, t->args->id, e);
	if (kept.item)
		slot_at(t->s, t->item)->m = kept;
	return 0;
}

/* No stage has made a call of this id: one of the sources before may list it, and only has not run. */
static int find_unseen(struct trial *t, struct str id, struct err *e)
{
	struct engine *g = &t->g;
	for (size_t i = 0; i < g->nstages; i++)
		g->stages[i].closed = false;
	int rc = engine_spool(g, e);
	if (rc == 0)
		rc = listing_all(g, e);
	if (rc < 0)
		return rc;
	int32_t n = item_known(t, id);
	if (n <= 0 || item_at(g, n)->origin < 0)
		return unknown(t, id, e);
	t->ret->until = until_stage(t, item_at(g, n)->origin);
	return err_set(e, ERR_NOTFOUND, "no run has come to %.*s yet", STR_FMT(id));
}

/* The call that arrives: itself, or an expand's parent. */
static int find_arrived(struct trial *t, struct str id, int32_t *ret, struct err *e)
{
	int32_t n = item_known(t, id);
	int missing;
	if (n <= 0 || origin_of(t, n) < 0)
		return find_unseen(t, id, e);
	int rc = arrived(t, n, &missing, e);
	if (missing >= 0)
		t->ret->until = until_stage(t, item_at(&t->g, n)->origin);
	if (rc < 0)
		return rc;
	note_stale(t, n);
	*ret = n;
	return 0;
}

static int find_child(struct trial *t, struct err *e)
{
	struct engine *g = &t->g;
	struct str parent = t->args->id, id = t->args->id;
	int slot = 1;
	int32_t up;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	t->ret->slots = t->s->ops->slots(t->s->cs->stage.params);
	if (t->ret->slots < 1)
		return err_set(e, ERR_USAGE, "stage %s makes no new calls as it is set", t->args->stage);
	if (!child_id(t->s, id, &parent, &slot)) {
		buf_printf(&name, "%.*s+%s.1", STR_FMT(id), t->s->ops->tag(t->s->cs->stage.params));
		id = buf_view(&name);
	}
	int rc = find_arrived(t, parent, &up, e);
	if (rc < 0)
		return rc;
	t->item = item_of(g, id);
	struct item *item = item_at(g, t->item);
	item->origin = t->s->at;
	item->parent = up;
	item->slot = slot;
	return 0;
}

static int find_item(struct trial *t, struct err *e)
{
	switch (t->s->ops->kind) {
	case STAGE_SOURCE:
		return find_listed(t, e);
	case STAGE_MAP:
		return find_arrived(t, t->args->id, &t->item, e);
	case STAGE_EXPAND:
		return find_child(t, e);
	default:
		return err_set(e,
			ERR_USAGE, "stage %s (%s) works on all calls at once, so it cannot be tried on one; a pilot run shows what it does: taf run --limit 20 --until %s",
			t->args->stage, t->s->ops->name, t->args->stage);
	}
}

/* --- What is stored --- */

static const char *again_reason(struct trial *t, const struct memo *m)
{
	if (m->outcome == OUTCOME_NONE || m->outcome == OUTCOME_FAILED)
		return reason_name(REASON_FAILED);
	if (m->fingerprint != t->s->fp_row) {
		CLEANUP(buf_release) struct buf was = BUF_INIT;
		if (store_fingerprint_parts(t->g.store, m->fingerprint, &was, NULL) < 0 || !was.len)
			return reason_name(REASON_PARAMETER);
		return reason_name(key_reason(buf_view(&was), buf_view(&t->s->parts)));
	}
	if (memcmp(m->input, t->d.input.b, MEMO_INPUT) != 0)
		return reason_name(t->s->ops->kind == STAGE_SOURCE ? REASON_FILE : REASON_INPUT);
	return NULL;
}

static int read_stored(struct trial *t, struct err *e)
{
	struct engine *g = &t->g;
	struct try_stored *out = &t->ret->stored;
	struct slot *slot = slot_if(t->s, t->item);
	if (!g->store || !slot || !slot->m.item)
		return 0;
	const struct memo *m = &slot->m;
	out->outcome = outcome_name((enum outcome)m->outcome);
	out->run = query_run_id(g->store, &t->ret->arena, m->changed);
	out->reason = again_reason(t, m);
	out->rejected = m->outcome == OUTCOME_REJECTED;
	struct query_failure f;
	if ((m->outcome == OUTCOME_QUARANTINED || m->outcome == OUTCOME_FAILED) &&
		query_failure(g->store, &t->ret->arena, t->s->n, t->item, &f, NULL) > 0)
		out->failure = f.text.p;
	if (!m->result)
		return 0;
	struct record r;
	struct json *fields = NULL;
	record_init(&r, g);
	record_begin(&r, t->item);
	int rc = record_fields(&r, t->s->at, &fields, e);
	if (rc == 0)
		out->fields = json_copy(&t->ret->arena, fields);
	record_release(&r);
	if (rc == ERR_LOST) { /* no longer kept */
		err_clear(e);
		rc = 0;
	}
	return rc;
}

/* --- A trial --- */

static bool reads_private(const struct trial *t)
{
	const struct config_stage *cs = t->s->cs;
	if (t->s->ops->kind == STAGE_SOURCE)
		return t->s->is_private;
	for (size_t i = 0; i < cs->nneeds; i++)
		if (t->g.stages[cs->needs[i]].is_private)
			return true;
	return false;
}

static void tell_call(struct trial *t)
{
	struct arena *a = &t->ret->arena;
	t->ret->id = arena_str(a, item_at(&t->g, t->item)->id).p;
	t->ret->private_in = reads_private(t);
	t->ret->private_out = t->s->is_private;
	if (t->w.call)
		t->ret->input = json_copy(a, t->w.call);
	if (t->w.peers)
		t->ret->peers = json_copy(a, t->w.peers);
	if (t->s->ops->kind == STAGE_SOURCE) {
		CLEANUP(buf_release) struct buf place = BUF_INIT;
		locator_text(&place, t->w.at, stage_item_files(&t->s->cs->stage));
		t->ret->place = arena_str(a, buf_view(&place)).p;
	}
}

static int prepare(struct trial *t, struct err *e)
{
	struct engine *g = &t->g;
	int rc = engine_read(g, e);
	if (rc == 0)
		rc = setup_stages(g, e);
	if (rc == 0)
		rc = setup_memos(g, e);
	if (rc < 0)
		return rc;
	t->s = &g->stages[config_stage_index(g->config, str_of(t->args->stage))];
	return find_item(t, e);
}

/* The calls that an expand over a pool looks at (peers.c): all that have come to it. */
static void fill_pool(struct trial *t)
{
	for (int32_t i = 1; i < t->g.nitems; i++) {
		int missing;
		if (i == t->item || !item_at(&t->g, i)->id.p || origin_of(t, i) < 0 || arrived(t, i, &missing, NULL) < 0)
			continue;
		slot_at(t->s, i)->now = SLOT_SETTLED;
	}
}

static int work(struct trial *t, struct err *e)
{
	struct item *item = item_at(&t->g, t->item);
	struct err own = ERR_INIT;
	record_init(&t->r, &t->g);
	record_begin(&t->r, t->s->ops->kind == STAGE_EXPAND ? item->parent : t->item);
	t->d.e = &own;
	if (t->s->ops->peers)
		fill_pool(t);
	int rc = visit_prepare(&t->r, t->s, t->item, &t->w, &t->d, &own);
	if (rc == ERR_LOST && t->s->ops->peers)
		return err_set(e, ERR_NOTFOUND, "%s: it takes other parents of those that have come to it", own.text);
	if (rc < 0 && err_class_of(rc) != CLASS_DATA)
		return err_set(e, rc, "%s", own.text);
	tell_call(t);
	if (rc < 0) {
		t->ret->code = rc;
		t->ret->error = arena_strdup(&t->ret->arena, own.text);
		return 0;
	}
	return try_work(t, e);
}

int try_stage(const struct try_args *args, struct try_result *ret, struct err *e)
{
	struct engine_args engine = {
		.config = args->config, .work = args->work, .jobs = 1, .until = args->stage, .worker = args->worker};
	struct trial *t = xcalloc(1, sizeof(*t));
	*ret = (struct try_result){.arena = ARENA_INIT};
	t->args = args;
	t->ret = ret;
	engine_init(&t->g, &engine);
	t->g.dry = true;
	t->g.keeps = args->keep;
	int rc = prepare(t, e);
	if (rc == 0)
		rc = work(t, e);
	if (rc == 0)
		rc = read_stored(t, e);
	if (t->r.g)
		record_release(&t->r);
	money_free(&t->g);
	store_close(t->g.store, !args->keep); /* an answer that was paid for is kept */
	engine_release(&t->g);
	free(t);
	return rc;
}

void try_release(struct try_result *r)
{
	arena_release(&r->arena);
}
