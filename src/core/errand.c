#include "core/engine_parts.h"

#include <errno.h>

/* Errands: a network thread that works an item needs a worker's ears (io/av.h is linked into no other program). It waits here; the sound thread gives the
 * errand to a worker before any item, since somebody sleeps on it. */

#define FIRST_TICKET (UINT64_C(1) << 32) /* items have lower ones */

static void put(struct errands *q, struct errand *x, bool first)
{
	if (first) {
		x->next = q->first;
		q->first = x;
	} else {
		x->next = NULL;
		*(q->first ? &q->last->next : &q->first) = x;
	}
	if (!x->next)
		q->last = x;
}

int errand_run(void *arg, struct work *w, const struct json *request, struct json **ret, struct err *e)
{
	struct stage_run *s = arg;
	struct engine *g = s->g;
	struct errand x = {.stage = s->at, .message = BUF_INIT, .reply = BUF_INIT, .e = e};
	if (!g->sound)
		return err_set(e, ERR_IO, "no worker runs that stage %s could send on an errand", s->cs->stage.name);
	sem_init(&x.done, 0, 0);
	pthread_mutex_lock(&g->lock);
	x.ticket = FIRST_TICKET + g->errands.n++;
	bool closed = g->errands.closed;
	pthread_mutex_unlock(&g->lock);
	int rc = closed ? err_set(e, ERR_STOPPED, "the run was stopped")
					: errand_message(s, w, request, x.ticket, &x.message, e);
	if (rc == 0) {
		pthread_mutex_lock(&g->lock);
		if (g->errands.closed)
			rc = err_set(e, ERR_STOPPED, "the run was stopped");
		else
			put(&g->errands, &x, false);
		pthread_mutex_unlock(&g->lock);
	}
	if (rc == 0) {
		sound_wake(g);
		while (sem_wait(&x.done) < 0)
			ASSERT(errno == EINTR);
		rc = x.rc;
	}
	if (rc == 0)
		rc = json_parse(w->arena, buf_view(&x.reply), ret, e);
	sem_destroy(&x.done);
	buf_release(&x.message);
	buf_release(&x.reply);
	return rc;
}

struct errand *errand_take(struct engine *g)
{
	struct errand *x = g->errands.first;
	if (x)
		g->errands.first = x->next;
	return x;
}

void errand_done(struct errand *x, int rc)
{
	x->rc = rc;
	sem_post(&x->done); /* x may be gone from here on */
}

void errand_again(struct engine *g, struct errand *x)
{
	pthread_mutex_lock(&g->lock);
	if (g->errands.closed) /* its thread would wait for a worker that never comes */
		errand_done(x, err_set(x->e, ERR_STOPPED, "the run was stopped"));
	else
		put(&g->errands, x, true);
	pthread_mutex_unlock(&g->lock);
}

void errands_close(struct engine *g)
{
	struct errand *x;
	pthread_mutex_lock(&g->lock);
	g->errands.closed = true;
	while ((x = errand_take(g)))
		errand_done(x, err_set(x->e, ERR_STOPPED, "the run was stopped"));
	pthread_mutex_unlock(&g->lock);
}
