#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/objects.h"

#include <stdlib.h>
#include <string.h>

/* What happens to one item at one stage: is the memo still right, else is the result in the store, else is it worked. */

/* --- Settling --- */

void visit_count(struct stage_run *s, const struct memo *m)
{
	if (m->outcome == OUTCOME_PASSED)
		s->out++;
	else if (m->outcome == OUTCOME_REJECTED)
		s->rejected++;
	else
		s->quarantined++;
	if (m->outcome == OUTCOME_FAILED)
		s->failed++;
}

static void done(struct record *r, struct stage_run *s, int32_t item, struct slot *slot)
{
	visit_count(s, &slot->m);
	flow_settled(s, item, r);
}

static void kept(struct record *r, struct stage_run *s, int32_t item, struct slot *slot)
{
	s->cached++;
	done(r, s, item, slot);
}

static enum reason visit_reason(struct stage_run *s, const struct slot *slot)
{
	if (!slot->m.item)
		return REASON_NEW;
	if (slot->m.outcome == OUTCOME_FAILED || slot->m.outcome == OUTCOME_QUARANTINED)
		return REASON_FAILED;
	if (slot->m.fingerprint == s->fp_row)
		return slot->m.outcome == OUTCOME_NONE ? REASON_FAILED
			   : s->ops->kind == STAGE_SOURCE  ? REASON_FILE
											   : REASON_INPUT;
	CLEANUP(buf_release) struct buf was = BUF_INIT;
	if (store_fingerprint_parts(s->g->store, slot->m.fingerprint, &was, NULL) < 0 || was.len == 0)
		return REASON_PARAMETER;
	return key_reason(buf_view(&was), buf_view(&s->parts));
}

static bool same_result(struct engine *g, int64_t a, int64_t b)
{
	if (a == b)
		return true;
	struct result x = {.fields = BUF_INIT}, y = {.fields = BUF_INIT};
	bool same = store_result(g->store, a, &x, NULL) == 0 && store_result(g->store, b, &y, NULL) == 0 &&
				x.rejected == y.rejected && str_eq(buf_view(&x.fields), buf_view(&y.fields));
	buf_release(&x.fields);
	buf_release(&y.fields);
	return same;
}

/* The memo of an item that has a result, old or new. */
void visit_remember(
	struct stage_run *s, int32_t item, struct slot *slot, const struct digest *input, int64_t result, bool rejected)
{
	struct engine *g = s->g;
	struct memo *m = &slot->m;
	uint8_t outcome = rejected ? OUTCOME_REJECTED : OUTCOME_PASSED;
	bool changed = m->result == 0 || !same_result(g, m->result, result);
	uint8_t reason = visit_reason(s, slot);
	if (m->result != result || m->fingerprint != s->fp_row) {
		m->was_result = m->result;
		m->was_fingerprint = m->fingerprint;
		m->reason = reason;
	}
	if (changed || m->outcome == OUTCOME_NONE || m->outcome == OUTCOME_QUARANTINED || m->outcome == OUTCOME_FAILED)
		m->changed = g->run;
	m->item = item;
	m->outcome = outcome;
	m->result = result;
	m->fingerprint = s->fp_row;
	m->checked = slot->stale ? 0 : g->run;
	memcpy(m->input, input->b, MEMO_INPUT);
	if (!g->dry && !(g->narrowed && s->ops->kind == STAGE_REDUCE)) /* a pilot's verdicts are of the pilot's calls */
		store_put_memo(g->store, s->n, m);
}

/* --- Work --- */

static int object_put(void *arg, struct str bytes, struct digest *ret, struct err *e)
{
	struct engine *g = ((struct stage_run *)arg)->g;
	return objects_put(g->objects, bytes, ret, e);
}

static int object_read(void *arg, const struct digest *d, size_t max, struct buf *ret, struct err *e)
{
	struct engine *g = ((struct stage_run *)arg)->g;
	return objects_read(g->objects, d, store_object_size(g->store, d), max, ret, e);
}

int visit_prepare(struct record *r, struct stage_run *s, int32_t n, struct work *w, struct visit_done *ret, struct err *e)
{
	struct item *item = item_at(r->g, n);
	bool expand = s->ops->kind == STAGE_EXPAND;
	struct work_io *io = ARENA_NEW(&r->arena, struct work_io);
	*io = (struct work_io){.object_put = object_put,
		.object_read = object_read,
		.ask = asks_answer,
		.ask_invalid = asks_invalid,
		.sound_find = sounds_find,
		.speak = sounds_speak,
		.sound_keep = sounds_keep,
		.sound_use = sounds_use,
		.errand = errand_run,
		.arg = s,
		.item = n};
	*w = (struct work){.stage = &s->cs->stage,
		.id = expand ? item_at(r->g, item->parent)->id : item->id,
		.arena = &r->arena,
		.io = io,
		.slot = item->slot,
		.at = {.file = -1}};
	int rc;
	/* A new call names its parent, so what it is made of another parent is another result. */
	struct str id = expand || s->ops->flags & STAGE_DRAWS ? w->id : (struct str){NULL, 0};
	if (s->ops->kind == STAGE_SOURCE) {
		rc = listing_read(r, n, w, &ret->input, e);
	} else {
		struct json *call = NULL;
		rc = record_view(r, s, &call, e);
		w->call = call;
		struct json *peers = NULL;
		if (rc == 0 && s->ops->peers)
			rc = peers_view(r, s, &peers, e);
		w->peers = peers;
		if (rc < 0)
			buf_clear(&r->text); /* no input: the failure is this call's own */
		if (rc < 0)
			id = item->id;
		key_input(buf_view(&r->text), NULL, 0, &ret->input);
	}
	key_item(&s->fingerprint, &ret->input, id, expand ? item->slot : -1, &ret->key);
	if (rc == 0 && s->exec == EXEC_NETWORK && r->g->store)
		rc = store_retried(r->g->store, &ret->key, &io->retried, e);
	return rc;
}

static bool declared(const struct stage_fields *f, struct str key)
{
	for (size_t i = 0; i < f->nwrites; i++)
		if (strncmp(f->writes[i].path, key.p, key.n) == 0 &&
			(f->writes[i].path[key.n] == '\0' || f->writes[i].path[key.n] == '.'))
			return true;
	return false;
}

int visit_result(struct record *r, struct stage_run *s, struct work *w, struct buf *ret, struct err *e)
{
	if (!w->fields)
		w->fields = json_object(&r->arena);
	if (s->ops->kind == STAGE_EXPAND && !json_get(w->fields, "parents")) {
		struct json *parents = json_array(&r->arena);
		json_append(parents, json_str(&r->arena, w->id));
		json_set(&r->arena, w->fields, "parents", parents);
	}
	JSON_EACH(member, w->fields) {
		if (!declared(&s->cs->fields, member->key) && !str_is(member->key, "parents"))
			return err_set(e, ERR_BUG, "stage %s wrote '%.*s', which it does not declare", s->cs->stage.name,
				STR_FMT(member->key));
	}
	buf_clear(ret);
	json_write(ret, w->fields);
	return buf_error(ret) ? err_set(e, ERR_TOOBIG, "the result is larger than %zu bytes", ret->max) : 0;
}

static int work_once(struct record *r, struct stage_run *s, struct work *w, struct visit_done *d, struct err *e)
{
	int rc = stage_ready(s, e);
	if (rc == 0 && s->ops->asks) {
		rc = s->ops->asks(w, e);
		if (rc == 0)
			rc = asks_resolve(s->g, s, w, e);
	}
	if (rc == 0)
		rc = s->ops->process(w, e);
	if (w->io->answers)
		asks_store(s->g, s, w, w->io->answers);
	if (rc == 0)
		rc = visit_result(r, s, w, &r->row, e);
	d->fields = buf_view(&r->row);
	d->rejected = w->rejected;
	d->objects = w->io->objects;
	asks_refs(s, w, d);
	return rc;
}

/* Passing failures are tried again with jittered, growing waits; a stop ends the waiting. */
static int work_patiently(struct record *r, struct stage_run *s, struct work *w, struct visit_done *d, struct err *e)
{
	struct draw jitter;
	draw_init(&jitter, (uint64_t)clock_us(), w->id, "backoff");
	for (int tries = 1;; tries++) {
		int rc = work_once(r, s, w, d, e);
		if (rc == 0 || err_class_of(rc) != CLASS_TRANSIENT || rc == ERR_LOST || tries == TRANSIENT_TRIES ||
			s->account || engine_stopped(s->g)) /* an account has its own attempts */
			return rc;
		int64_t wait = draw_range(&jitter, 50, 100) << tries;
		for (int64_t until = clock_ms() + wait; clock_ms() < until && !engine_stopped(s->g);)
			clock_sleep_ms(10);
		err_clear(e);
		w->fields = NULL;
		w->rejected = false;
		w->io->asks = w->io->answers = w->io->objects = NULL;
		w->io->asked = NULL;
	}
}

/* What it was before does not come back with the call: it belongs to another input. */
static void forget_result(struct memo *m)
{
	if (m->result)
		m->was_result = m->result;
	m->result = 0;
}

static void failed(struct record *r, struct stage_run *s, int32_t item, struct slot *slot, const struct visit_done *d)
{
	struct engine *g = s->g;
	enum err_class class = err_class_of(d->rc);
	if (class == CLASS_MACHINE || class == CLASS_CONFIG || class == CLASS_BUG) {
		struct err e = *d->e;
		err_context(&e, "stage %s, call %.*s", s->cs->stage.name, STR_FMT(item_at(g, item)->id));
		engine_fail(g, &e);
	}
	if (d->rc == ERR_BUDGET)
		money_out(s, d->e);
	if (class == CLASS_MACHINE || class == CLASS_CONFIG || class == CLASS_BUG || class == CLASS_STOPPED) {
		s->in--;
		return; /* unsettled: nothing is known of this call */
	}
	if (class == CLASS_ACCOUNT && !flow_stop_account(s, d->e) && s->account) { /* one call tells it for all */
		s->in--;
		return;
	}
	if (d->worked)
		s->computed++;
	struct memo *m = &slot->m;
	bool lasting = class == CLASS_DATA || class == CLASS_INVALID;
	m->reason = visit_reason(s, slot);
	m->item = item;
	m->outcome = lasting ? OUTCOME_QUARANTINED : OUTCOME_FAILED;
	forget_result(m);
	m->fingerprint = s->fp_row;
	m->changed = m->checked = g->run;
	memcpy(m->input, d->input.b, MEMO_INPUT);
	if (!g->dry) {
		struct failure f = {s->n, item, g->run, d->rc, d->key, BUF_INIT};
		buf_puts(&f.text, d->e->text);
		store_put_failure(g->store, &f);
		store_put_memo(g->store, s->n, m);
		buf_release(&f.text);
	}
	log_info(s->cs->stage.name, "%.*s quarantined (%s): %s", STR_FMT(item_at(g, item)->id), err_class_name(class),
		d->e->text);
	done(r, s, item, slot);
}

static void store_objects_of(struct stage_run *s, const struct json *objects, int64_t result)
{
	JSON_EACH(o, objects) {
		struct digest d;
		if (digest_parse(json_get_str(o, "digest"), &d))
			store_put_object(s->g->store, &d, json_get_int(o, "size", 0), result);
	}
}

static void link_named(struct stage_run *s, const struct json *v, int64_t result)
{
	JSON_EACH(kid, v) {
		struct digest d;
		int64_t size = -1;
		if (kid->kind == JSON_STRING && str_is(kid->key, "object") && digest_parse(kid->u.s, &d))
			size = objects_size(s->g->objects, &d);
		if (size >= 0)
			store_put_object(s->g->store, &d, size, result);
		if (kid->kind == JSON_OBJECT || kid->kind == JSON_ARRAY)
			link_named(s, kid, result);
	}
}

/* Sounds that came from the store, or from a server, are of the result like those that a worker made now: whose object is lost is made again. */
static void store_objects_named(struct stage_run *s, struct str fields, int64_t result)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *v = NULL;
	if (s->ops->exec == EXEC_SOUND && json_parse(&a, fields, &v, NULL) == 0)
		link_named(s, v, result);
}

void visit_finish(struct record *r, struct stage_run *s, int32_t item, struct visit_done *d)
{
	struct engine *g = s->g;
	d->worked = true;
	struct slot *slot = slot_at(s, item);
	if (d->rc == ERR_LOST && heal_item(r, s, item)) {
		claims_release(g, &d->key);
		return;
	}
	if (d->rc < 0) {
		failed(r, s, item, slot, d);
		claims_release(g, &d->key);
		return;
	}
	int64_t n = store_put_result_row(g->store,
		&(struct result_row){
			.key = &d->key, .rejected = d->rejected, .fields = d->fields, .answers = d->answers, .nanswers = d->nanswers});
	store_objects_of(s, d->objects, n);
	store_objects_named(s, d->fields, n);
	if (slot->m.outcome == OUTCOME_FAILED || slot->m.outcome == OUTCOME_QUARANTINED)
		store_drop_failure(g->store, &d->key, item);
	visit_remember(s, item, slot, &d->input, n, d->rejected);
	s->computed++;
	claims_release(g, &d->key);
	done(r, s, item, slot);
}

/* --- A visit --- */

bool visit_memo_holds(struct record *r, struct stage_run *s, const struct slot *slot)
{
	const struct memo *m = &slot->m;
	if (!m->item || m->fingerprint != s->fp_row || (m->result == 0 && m->outcome != OUTCOME_QUARANTINED))
		return false;
	if (m->outcome == OUTCOME_NONE || m->outcome == OUTCOME_FAILED || s->rewired)
		return false;
	if (s->ops->peers && !s->closed)
		return false; /* others than the parent count too */
	const struct sources_of *from = sources_of(s, item_at(r->g, r->item)->origin);
	for (size_t i = 0; from && i < from->n; i++) {
		const struct slot *up = slot_if(&r->g->stages[from->stages[i]], r->item);
		if (!up || up->m.changed > m->checked)
			return false;
	}
	return true;
}

/* The memo stands as it is; a call that had left or ended and comes back finds its result again. */
static bool take_memo(struct stage_run *s, struct slot *slot, int32_t item, const struct digest *input)
{
	struct memo *m = &slot->m;
	struct engine *g = s->g;
	bool write = input != NULL; /* looked at again and found the same */
	if (m->outcome == OUTCOME_LEFT || m->outcome == OUTCOME_ENDED || m->outcome == OUTCOME_MISSED) {
		if (m->result == 0)
			return false;
		struct result row = {.fields = BUF_INIT};
		int rc = store_result(g->store, m->result, &row, NULL);
		buf_release(&row.fields);
		if (rc < 0)
			return false;
		m->outcome = row.rejected ? OUTCOME_REJECTED : OUTCOME_PASSED;
		m->changed = g->run;
		write = true;
	}
	if (write) {
		m->checked = g->run;
		m->item = item;
		if (!g->dry)
			store_put_memo(g->store, s->n, m);
	}
	return true;
}

static bool find_stored(struct record *r, struct stage_run *s, int32_t item, struct visit_done *d, struct err *e)
{
	struct engine *g = s->g;
	struct slot *slot = slot_at(s, item);
	struct result row = {.fields = r->row};
	int rc = g->store ? store_find(g->store, &d->key, &row, e) : 0;
	r->row = row.fields;
	if (rc > 0) {
		visit_remember(s, item, slot, &d->input, row.n, row.rejected);
		return true;
	}
	struct failure f = {.text = BUF_INIT};
	if (rc == 0 && g->store)
		/* Of a source each item's failure names its own place; elsewhere equal calls fail alike. */
		rc = store_find_failure(g->store, &d->key, s->ops->kind == STAGE_SOURCE ? item : 0, &f, e);
	bool known = rc > 0 && (err_class_of(f.code) == CLASS_DATA || err_class_of(f.code) == CLASS_INVALID);
	if (known) {
		slot->m.item = item;
		slot->m.outcome = OUTCOME_QUARANTINED;
		forget_result(&slot->m);
		slot->m.fingerprint = s->fp_row;
		slot->m.changed = slot->m.checked = g->run;
		memcpy(slot->m.input, d->input.b, MEMO_INPUT);
		if (!g->dry && f.item != item) {
			f.item = item;
			store_put_failure(g->store, &f);
		}
		if (!g->dry)
			store_put_memo(g->store, s->n, &slot->m);
	}
	buf_release(&f.text);
	if (rc < 0)
		engine_fail(g, e);
	return known;
}

/* `w`: what there is of it; NULL: not even that can be put together. */
static void would_run(struct record *r, struct stage_run *s, int32_t item, const struct work *w)
{
	struct slot *slot = slot_at(s, item);
	if (w)
		money_weigh(s, w);
	s->to_run++;
	s->reasons[visit_reason(s, slot)]++;
	slot->unknown = true;
	slot->rewritten |= s->exec == EXEC_NETWORK;
	flow_settled(s, item, r);
}

/* The stage stopped: what is not in the store waits for the next run, unsettled. */
static bool left_waiting(struct stage_run *s, const struct visit_done *d)
{
	if (!s->stopped)
		return false;
	s->in--;
	claims_release(s->g, &d->key);
	return true;
}

static void visit_work(struct record *r, struct stage_run *s, int32_t item, struct work *w, struct visit_done *d)
{
	struct engine *g = s->g;
	if (d->rc == 0 && left_waiting(s, d))
		return;
	if (d->rc == 0 && s->exec == EXEC_SOUND) {
		pthread_mutex_lock(&g->lock);
		keyed_push(&s->sound, item, &d->key);
		pthread_mutex_unlock(&g->lock);
		sound_wake(g);
		return;
	}
	int64_t from = clock_us();
	s->in_flight++;
	if (d->rc == 0)
		d->rc = work_patiently(r, s, w, d, d->e);
	money_item(s, w, d->rc);
	s->in_flight--;
	s->busy_us += clock_us() - from;
	if (d->rc == 0 && s->ops->kind != STAGE_EXPAND)
		record_keep(r, s->at, w->fields);
	visit_finish(r, s, item, d);
}

void visit(struct record *r, struct stage_run *s, int32_t item)
{
	struct engine *g = s->g;
	struct slot *slot = slot_at(s, item);
	if (slot->unknown) {
		s->unknown++;
		s->again += slot->rewritten && (slot->m.outcome == OUTCOME_PASSED || slot->m.outcome == OUTCOME_REJECTED);
		flow_settled(s, item, r);
		return;
	}
	s->in++;
	bool listed = s->ops->kind == STAGE_SOURCE && item_at(g, item)->spool_len == 0;
	if (listed || (s->ops->kind != STAGE_SOURCE && visit_memo_holds(r, s, slot))) {
		if (take_memo(s, slot, item, NULL)) {
			kept(r, s, item, slot);
			return;
		}
	}
	struct err e = ERR_INIT;
	struct work w;
	struct visit_done d = {.e = &e};
	d.rc = visit_prepare(r, s, item, &w, &d, &e);
	if (d.rc < 0 && err_class_of(d.rc) != CLASS_DATA) {
		if (d.rc != ERR_LOST || !heal_item(r, s, item))
			failed(r, s, item, slot, &d);
		return;
	}
	bool same = slot->m.item && slot->m.fingerprint == s->fp_row && memcmp(slot->m.input, d.input.b, MEMO_INPUT) == 0 &&
				slot->m.outcome != OUTCOME_NONE && slot->m.outcome != OUTCOME_FAILED &&
				slot->m.outcome != OUTCOME_QUARANTINED;
	if (same && take_memo(s, slot, item, &d.input)) {
		kept(r, s, item, slot);
		return;
	}
	if (!g->dry && !claims_take(s, item, &d.key))
		return;
	if (find_stored(r, s, item, &d, &e)) {
		if (!g->dry)
			claims_release(g, &d.key);
		kept(r, s, item, slot);
	} else if (g->dry && claims_mark(g, &d.key)) {
		would_run(r, s, item, d.rc < 0 ? NULL : &w);
	} else if (g->dry) { /* done once with another call's */
		s->cached++;
		slot->unknown = true;
		flow_settled(s, item, r);
	} else {
		visit_work(r, s, item, &w, &d);
	}
}
