#include "core/barrier_parts.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Expand over a closed pool: when all calls have come, the stage names the parents and what each of them sees of the others; then their slots go, like
 * any items. A narrowed run (--limit, --only) brings the whole pool to such a stage too, so that its keys are those of the whole run. */

/* A parent and its peers. */
struct family {
	int32_t parent;
	size_t at, n;        /* its peers in families.peers */
	struct digest basis; /* what else of the pool decides */
	bool based;
};
struct families {
	struct family *v; /* by parent's number */
	size_t n, cap;
	int32_t *peers;
	size_t npeers, peers_cap;
};

void peers_free(struct stage_run *s)
{
	if (!s->families)
		return;
	free(s->families->v);
	free(s->families->peers);
	free_ptr(&s->families);
}

void peers_keep(struct barrier *b, const size_t *peers, size_t npeers, struct str basis)
{
	ASSERT(b->at > 0 && b->families);
	struct families *f = b->families;
	GROW(f->v, f->n, f->cap);
	struct family *family = &f->v[f->n++];
	*family = (struct family){.parent = b->v[b->at - 1].item, .at = f->npeers, .n = npeers, .based = basis.n > 0};
	if (family->based)
		digest_of(basis.p, basis.n, &family->basis);
	for (size_t i = 0; i < npeers; i++) {
		ASSERT(peers[i] < b->n);
		GROW(f->peers, f->npeers, f->peers_cap);
		f->peers[f->npeers++] = b->v[peers[i]].item;
	}
}

static int family_order(const void *a, const void *b)
{
	int32_t x = ((const struct family *)a)->parent, y = ((const struct family *)b)->parent;
	return x < y ? -1 : x > y;
}

static const struct family *family_of(const struct stage_run *s, int32_t parent)
{
	struct family key = {.parent = parent};
	return s->families->n ? bsearch(&key, s->families->v, s->families->n, sizeof(key), family_order) : NULL;
}

/* Ask the stage. A call it names twice would have two families: a mistake of the stage. */
static int peers_ask(struct barrier *b, struct err *e)
{
	struct stage_run *s = b->s;
	struct gather_io io;
	barrier_io(b, &io);
	struct gather gather = {&io};
	b->families = xcalloc(1, sizeof(*b->families));
	int rc = stage_ready(s, e);
	if (rc == 0)
		rc = s->ops->peers(&s->cs->stage, &gather, e);
	if (rc == 0 && e->code)
		rc = e->code; /* a call could not be read */
	struct families *f = b->families;
	if (f->n)
		qsort(f->v, f->n, sizeof(*f->v), family_order);
	for (size_t i = 1; rc == 0 && i < f->n; i++)
		if (f->v[i].parent == f->v[i - 1].parent)
			rc = err_set(e, ERR_BUG, "stage %s named a parent twice", s->cs->stage.name);
	s->families = f;
	if (rc < 0)
		peers_free(s);
	return rc;
}

/* Slots are worked although the stage was not asked in this run: it was closed, and one of them has to be made again. */
static int peers_ready(struct stage_run *s, struct err *e)
{
	pthread_mutex_lock(&s->peers_lock);
	int rc = 0;
	if (!s->families) {
		struct barrier b;
		barrier_gather(&b, s);
		rc = peers_ask(&b, e);
		barrier_release(&b);
		pthread_mutex_lock(&s->g->lock);
		s->barrier_running = false;
		pthread_mutex_unlock(&s->g->lock);
	}
	pthread_mutex_unlock(&s->peers_lock);
	return rc;
}

int peers_view(struct record *r, struct stage_run *s, struct json **ret, struct err *e)
{
	int rc = peers_ready(s, e);
	const struct family *family = rc == 0 ? family_of(s, r->item) : NULL;
	if (rc < 0)
		return rc;
	if (!family)
		return err_set(e, ERR_LOST, "stage %s has no parent %.*s any more", s->cs->stage.name,
			STR_FMT(item_at(r->g, r->item)->id));
	struct record other;
	record_init(&other, r->g);
	struct json *peers = json_array(&r->arena), *call;
	for (size_t i = 0; rc == 0 && i < family->n; i++) {
		record_begin(&other, s->families->peers[family->at + i]);
		rc = record_view(&other, s, &call, e);
		if (rc < 0)
			break;
		struct json *peer = json_copy(&r->arena, call);
		json_set_str(&r->arena, peer, "id", item_at(r->g, other.item)->id);
		json_append(peers, peer);
	}
	record_release(&other);
	if (rc < 0)
		return rc;
	json_write(&r->text, peers);
	if (family->based)
		buf_add(&r->text, family->basis.b, DIGEST_SIZE);
	*ret = peers;
	return buf_error(&r->text) ? err_set(e, ERR_TOOBIG, "the calls it sees are larger than %zu bytes", r->text.max) : 0;
}

/* --- Letting the slots go --- */

/* The slots of a closed stage are those it had: nothing before it changed. Under the lock. */
static bool slots_as_before(struct stage_run *s)
{
	if (!s->closed)
		return false;
	for (int32_t i = 1; i < s->g->nitems; i++) {
		const struct slot *slot = slot_if(s, i);
		if (slot && slot->m.item && slot->m.outcome != OUTCOME_LEFT && slot->m.outcome != OUTCOME_PASSED &&
			slot->m.outcome != OUTCOME_REJECTED && slot->m.outcome != OUTCOME_QUARANTINED)
			return false; /* one that has to be worked */
	}
	return true;
}

static void let_go(struct barrier *b, bool as_before)
{
	struct stage_run *s = b->s;
	struct engine *g = s->g;
	/* A plan that does not know the pool lets as many go as there may be: which of them does not matter, all that is behind them is unknown. */
	int64_t most = b->unknown && s->ops->parents ? s->ops->parents(s->cs->stage.params) : 0, gone = 0;
	for (size_t i = 0; i < b->n; i++) {
		int32_t parent = b->v[i].item;
		const struct item *item = item_at(g, parent);
		struct slot *slot = slot_at(s, parent);
		slot->unknown |= b->unknown;
		bool goes = as_before || (b->unknown ? most <= 0 || gone < most : family_of(s, parent) != NULL);
		if ((!item->pooled || s->feeds) && goes) {
			flow_slots(s, parent, slot, as_before);
			gone++;
		} else {
			flow_no_slots(s, slot);
		}
	}
	s->barrier_done = true;
	s->barrier_running = false;
	flow_finish(g);
}

int peers_run(struct barrier *b, struct err *e)
{
	struct stage_run *s = b->s;
	struct engine *g = s->g;
	pthread_mutex_lock(&g->lock);
	bool as_before = slots_as_before(s);
	pthread_mutex_unlock(&g->lock);
	int rc = 0;
	if (!as_before && !b->unknown) {
		pthread_mutex_lock(&s->peers_lock);
		peers_free(s);
		rc = peers_ask(b, e);
		pthread_mutex_unlock(&s->peers_lock);
	}
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&g->lock);
	let_go(b, as_before);
	pthread_mutex_unlock(&g->lock);
	return 0;
}
