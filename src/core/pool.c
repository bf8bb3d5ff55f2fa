#include "core/engine_parts.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>

/* Item threads: each takes a batch of ready items, latest stage first, and carries every item on through the stages behind as far as it goes.
 * Network threads take one item at a time and wait on providers in it; there are as many as items may be in flight. */

#define NETWORK_THREADS 8192 /* at most; what an account lets in flight is usually less */
#define STACK_BYTES ((size_t)256 << 10)

struct batch {
	struct stage_run *s;
	int32_t v[BATCH];
	size_t n;
};

/* Whether the next item of a stage is for a thread that waits. A barrier is worked where stacks are large and nothing waits. */
static bool waits(const struct stage_run *s)
{
	return s->exec == EXEC_NETWORK && s->ready.v[s->ready.head] != 0;
}

static bool take(struct engine *g, bool network, struct batch *b)
{
	b->n = 0;
	if (g->stopping)
		return false;
	for (size_t i = g->nstages; i-- > 0;) {
		struct stage_run *s = &g->stages[i];
		if (s->ready.n == 0 || waits(s) != network || (network && !money_room(s)))
			continue;
		size_t share = network ? 1 : s->ready.n / (size_t)g->args->jobs + 1;
		b->s = s;
		while (b->n < BATCH && b->n < share && queue_pop(&s->ready, &b->v[b->n]))
			b->n++;
		s->hands += network;
		return true;
	}
	return false;
}

static void carry(struct record *r, struct stage_run *s, int32_t item)
{
	struct engine *g = r->g;
	record_begin(r, s->ops->kind == STAGE_EXPAND ? item_at(g, item)->parent : item);
	visit(r, s, item);
	if (s->ops->kind == STAGE_EXPAND && r->ntodo > 0) {
		/* The new call is another record than its parent. */
		int next[GRAPH_STAGES_MAX];
		size_t n = r->ntodo;
		for (size_t i = 0; i < n; i++)
			next[i] = r->todo[i];
		record_begin(r, item);
		for (size_t i = 0; i < n; i++)
			r->todo[r->ntodo++] = next[i];
	}
	while (r->ntodo > 0 && !g->stopping)
		visit(r, &g->stages[r->todo[--r->ntodo]], item);
}

static void work_batch(struct record *r, const struct batch *b)
{
	for (size_t i = 0; i < b->n && !r->g->stopping; i++) {
		if (b->v[i] != 0) {
			carry(r, b->s, b->v[i]);
			continue;
		}
		struct err e = ERR_INIT;
		if (barrier_run(b->s, &e) < 0)
			engine_fail(r->g, &e);
	}
}

static void *pool_main(void *arg, bool network)
{
	struct engine *g = arg;
	struct record r;
	struct batch b;
	record_init(&r, g);
	r.carries = true;
	pthread_mutex_lock(&g->lock);
	while (!g->ended) {
		if (!take(g, network, &b)) {
			int *idle = network ? &g->network_idle : &g->idle_threads;
			++*idle;
			pthread_cond_wait(network ? &g->more_network : &g->more, &g->lock);
			--*idle;
			continue;
		}
		g->busy++;
		pthread_mutex_unlock(&g->lock);
		work_batch(&r, &b);
		pthread_mutex_lock(&g->lock);
		b.s->hands -= network;
		if (--g->busy == 0)
			pthread_cond_broadcast(&g->idle);
	}
	pthread_mutex_unlock(&g->lock);
	record_release(&r);
	return NULL;
}

static void *item_main(void *arg)
{
	return pool_main(arg, false);
}

static void *network_main(void *arg)
{
	return pool_main(arg, true);
}

static int start(struct engine *g, void *(*body)(void *), struct err *e)
{
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, body == network_main ? STACK_BYTES : STACK_BYTES * 8);
	GROW(g->threads, g->nthreads, g->threads_cap);
	errno = pthread_create(&g->threads[g->nthreads], &attr, body, g);
	pthread_attr_destroy(&attr);
	if (errno != 0)
		return err_errno(e, "starting a thread");
	g->nthreads++;
	return 0;
}

static size_t takeable(const struct stage_run *s)
{
	size_t room = (size_t)(s->most_hands > s->hands ? s->most_hands - s->hands : 0);
	return s->ready.n < room ? s->ready.n : room;
}

void pool_wake(struct engine *g)
{
	struct err e = ERR_INIT;
	size_t waiting = 0;
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].exec == EXEC_NETWORK)
			waiting += takeable(&g->stages[i]);
	int most = g->args->network > 0 ? g->args->network : NETWORK_THREADS;
	while (!g->dry && !g->ended && waiting > (size_t)g->network_idle && g->network_threads < most &&
		   start(g, network_main, &e) == 0) {
		g->network_threads++;
		waiting--; /* a thread of its own */
	}
	if (e.code && g->network_threads == 0)
		engine_fail_locked(g, &e);
	if (g->idle_threads > 0)
		pthread_cond_broadcast(&g->more);
	/* As many as there is something for: there may be thousands. */
	for (size_t i = 0; i < waiting && i < (size_t)g->network_idle; i++)
		pthread_cond_signal(&g->more_network);
}

int pool_start(struct engine *g, struct err *e)
{
	int rc = 0;
	pthread_mutex_lock(&g->lock);
	for (int i = 0; rc == 0 && i < g->args->jobs; i++)
		rc = start(g, item_main, e);
	pool_wake(g); /* sources have listed already */
	pthread_mutex_unlock(&g->lock);
	return rc;
}

void pool_stop(struct engine *g)
{
	pthread_mutex_lock(&g->lock);
	g->ended = true;
	pthread_cond_broadcast(&g->more);
	pthread_cond_broadcast(&g->more_network);
	size_t n = g->nthreads;
	pthread_mutex_unlock(&g->lock);
	for (size_t i = 0; i < n; i++)
		pthread_join(g->threads[i], NULL);
	free(g->threads);
	g->threads = NULL;
	g->nthreads = 0;
}

int drain(struct engine *g, struct err *e)
{
	struct record r;
	struct batch b;
	record_init(&r, g);
	r.carries = true;
	for (;;) {
		pthread_mutex_lock(&g->lock);
		bool more = take(g, false, &b) || take(g, true, &b);
		if (more)
			b.s->hands = 0; /* one thread: nothing is ever in another's hands */
		pthread_mutex_unlock(&g->lock);
		if (!more)
			break;
		work_batch(&r, &b);
	}
	record_release(&r);
	return g->failure.code ? err_set(e, g->failure.code, "%s", g->failure.text) : 0;
}
