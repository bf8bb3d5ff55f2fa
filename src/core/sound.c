/* The sound executor: one thread that keeps worker processes busy, two items in flight each. A worker that dies or hangs costs its first item
 * (killed from outside: that item is tried once more) and is started anew; its second item goes back to the queue. Errands of network threads
 * (errand.c) are jobs, too, and go before items. */
#include "core/sound_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/message.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define POLL_MS 1000
#define STOOD_MS \
	3000 /* a turn of the loop that took longer: this process stood still (Ctrl-Z), and its workers with it */

/* --- Sending --- */

/* View, asks and stored answers of an item, as a WORK message; < 0: it ends here (d is filled). */
static int job_message(
	struct sound *x, struct record *r, struct stage_run *s, struct job *j, struct buf *ret, struct visit_done *d)
{
	struct work w;
	int rc = visit_prepare(r, s, j->item, &w, d, d->e);
	j->input = d->input;
	if (rc == 0 && !digest_equal(&d->key, &j->key))
		rc = ERR_STOPPED; /* what it rests on was made anew meanwhile: it is visited again */
	d->key = j->key;
	if (rc == 0)
		rc = stage_ready(s, d->e);
	if (rc == 0 && s->ops->asks) {
		rc = s->ops->asks(&w, d->e);
		if (rc == 0)
			rc = asks_resolve(x->g, s, &w, d->e);
		if (rc == 0 && w.io->asks)
			j->asks = json_copy(&j->arena, w.io->asks);
	}
	return rc < 0 ? rc : sound_message(s, &w, (uint64_t)j->item, ret, d->e);
}

static bool next_job(struct sound *x, struct job *ret)
{
	struct engine *g = x->g;
	struct keyed keyed;
	bool found = false;
	pthread_mutex_lock(&g->lock);
	ret->errand = errand_take(g); /* also while the run is stopping: a thread in mid-item waits for it */
	if (ret->errand) {
		ret->stage = ret->errand->stage;
		x->in_flight++;
		pthread_mutex_unlock(&g->lock);
		return true;
	}
	for (size_t i = g->nstages; !found && i-- > 0 && !g->stopping;) {
		ret->stage = (int)i;
		found = keyed_pop(&g->stages[i].sound, &keyed);
	}
	if (found) {
		ret->item = keyed.item;
		ret->key = keyed.key;
		x->in_flight++;
	}
	pthread_mutex_unlock(&g->lock);
	return found;
}

static void visit_later(struct stage_run *s, const struct job *j)
{
	s->in--;
	claims_release(s->g, &j->key);
	pthread_mutex_lock(&s->g->lock);
	queue_push(&s->ready, j->item);
	pool_wake(s->g);
	pthread_mutex_unlock(&s->g->lock);
}

/* False: it ended before it was sent. */
static bool give_job(struct sound *x, struct record *r, struct worker *w, const struct job *job)
{
	struct job *j = &w->jobs[w->njobs++];
	struct stage_run *s = &x->g->stages[job->stage];
	*j = *job;
	if (j->errand) {
		buf_str(&w->out, buf_view(&j->errand->message));
		if (w->njobs == 1)
			worker_deadline(x, w);
		return true;
	}
	s->in_flight++;
	record_begin(r, s->ops->kind == STAGE_EXPAND ? item_at(x->g, j->item)->parent : j->item);
	struct err e = ERR_INIT;
	struct visit_done d = {.e = &e};
	int64_t from = clock_us();
	d.rc = job_message(x, r, s, j, &w->out, &d);
	s->busy_us += clock_us() - from;
	if (d.rc < 0) {
		if (d.rc == ERR_STOPPED)
			visit_later(s, j);
		else
			visit_finish(r, s, j->item, &d);
		job_pass_on(x, r, j->item);
		job_forget(x, w, w->njobs - 1);
		return false;
	}
	if (w->njobs == 1)
		worker_deadline(x, w);
	return true;
}

static void fill_workers(struct sound *x, struct record *r)
{
	struct err e = ERR_INIT;
	for (int depth = 0; depth < IN_FLIGHT; depth++) {
		for (int i = 0; i < x->n; i++) {
			struct worker *w = &x->workers[i];
			struct job job = {0};
			bool given = w->njobs > depth;
			while (!given && !x->now && next_job(x, &job)) {
				if (w->pid == 0 && worker_start(x, w, &e) < 0) {
					job_requeue(x, &job);
					x->in_flight--;
					engine_fail(x->g, &e);
					errands_close(x->g);
					return;
				}
				given = give_job(x, r, w, &job);
			}
		}
	}
}

/* --- Receiving --- */

static struct str work_id(struct engine *g, const struct stage_run *s, int32_t item)
{
	return item_at(g, s->ops->kind == STAGE_EXPAND ? item_at(g, item)->parent : item)->id;
}

static bool take_errand(struct sound *x, struct worker *w, const struct message *m)
{
	struct errand *errand = w->jobs[0].errand;
	struct arena a = ARENA_INIT;
	struct json *reply;
	if (m->ticket != errand->ticket)
		return false;
	int rc = json_parse(&a, m->body, &reply, errand->e);
	if (rc < 0) {
		rc = errand->e->code = ERR_WORKER;
		err_context(errand->e, "taf-worker sent what is no answer to this errand");
	} else {
		struct stage_run *s = &x->g->stages[errand->stage];
		const struct json *fields = json_get(reply, "fields");
		s->busy_us += json_get_int(reply, "us", 0);
		rc = (int)json_get_int(reply, "code", ERR_WORKER);
		if (rc < 0)
			err_set(errand->e, rc, "%.*s", STR_FMT(json_get_str(reply, "error")));
		json_write(&errand->reply, fields ? fields : json_object(&a));
	}
	arena_release(&a);
	errand_done(errand, rc);
	job_forget(x, w, 0);
	worker_deadline(x, w);
	return true;
}

/* False: what the worker sent is no answer to its first item. */
static bool take_done(struct sound *x, struct record *r, struct worker *w, const struct message *m)
{
	if (w->njobs > 0 && w->jobs[0].errand)
		return take_errand(x, w, m);
	if (w->njobs == 0 || m->ticket != (uint64_t)w->jobs[0].item)
		return false;

	struct job *j = &w->jobs[0];
	struct stage_run *s = &x->g->stages[j->stage];
	struct err e = ERR_INIT;
	struct visit_done d = {.e = &e};
	struct arena a = ARENA_INIT;
	struct json *reply;
	CLEANUP(buf_release) struct buf fields = BUF_INIT;
	if (json_parse(&a, m->body, &reply, &e) < 0) {
		d.rc = e.code = ERR_WORKER;
		err_context(&e, "taf-worker sent what is no answer to this item");
	} else {
		d.rc = (int)json_get_int(reply, "code", ERR_WORKER);
		if (d.rc < 0)
			err_set(&e, d.rc, "%.*s", STR_FMT(json_get_str(reply, "error")));
		s->busy_us += json_get_int(reply, "us", 0);
		struct work_io io = {.asks = json_copy(&a, j->asks ? j->asks : json_array(&a)), .item = j->item};
		struct work work = {.stage = &s->cs->stage,
			.id = work_id(x->g, s, j->item),
			.slot = item_at(x->g, j->item)->slot,
			.arena = &a,
			.io = &io};
		asks_store(x->g, s, &work, json_get(reply, "answers"));
		asks_refs(s, &work, &d);
		d.objects = json_get(reply, "objects");
		d.rejected = json_get_bool(reply, "rejected", false);
		const struct json *f = json_get(reply, "fields");
		json_write(&fields, f ? f : json_object(&a));
		d.fields = buf_view(&fields);
	}
	job_end(x, r, w, &d);
	arena_release(&a);
	worker_deadline(x, w);
	return true;
}

static void take_ready(struct sound *x, struct worker *w, const struct message *m)
{
	struct arena a = ARENA_INIT;
	struct json *reply;
	struct err e = ERR_INIT;
	if (json_parse(&a, m->body, &reply, &e) == 0 && json_get(reply, "error"))
		err_set(&e, (int)json_get_int(reply, "code", ERR_IO), "taf-worker cannot start: %.*s",
			STR_FMT(json_get_str(reply, "error")));
	if (e.code) {
		engine_fail(x->g, &e);
		errands_close(x->g); /* or the next worker, which cannot start either, would be taken for their sounds' doing */
	}
	w->ready = true;
	x->failures = 0;
	arena_release(&a);
	worker_deadline(x, w);
}

/* False when the worker is gone. */
static bool receive(struct sound *x, struct record *r, struct worker *w)
{
	char *to = buf_reserve(&w->in, 65536);
	ssize_t got = to ? recv(w->fd, to, 65536, MSG_DONTWAIT) : 0;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	w->in.len += (size_t)got;
	struct message m;
	size_t used, at = 0;
	int rc;
	while ((rc = message_take(str_n(w->in.data + at, w->in.len - at), &m, &used, NULL)) > 0) {
		if (m.kind == MESSAGE_READY)
			take_ready(x, w, &m);
		else if (!take_done(x, r, w, &m))
			return false;
		at += used;
	}
	memmove(w->in.data, w->in.data + at, w->in.len - at);
	buf_truncate(&w->in, w->in.len - at);
	return rc == 0;
}

static bool send_some(struct worker *w)
{
	while (w->out_at < w->out.len) {
		ssize_t n = send(w->fd, w->out.data + w->out_at, w->out.len - w->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		w->out_at += (size_t)n;
	}
	buf_clear(&w->out);
	w->out_at = 0;
	return true;
}

static int poll_ms(const struct sound *x)
{
	int64_t next = clock_ms() + POLL_MS;
	for (int i = 0; i < x->n; i++)
		if (x->workers[i].pid && x->workers[i].deadline_ms < next)
			next = x->workers[i].deadline_ms;
	int64_t ms = next - clock_ms();
	return ms < 0 ? 0 : (int)ms;
}

/* The time that this process stood still is nobody's. */
static void deadlines_move(struct sound *x)
{
	int64_t now = clock_ms(), turn = now - x->turned_ms;
	x->turned_ms = now;
	for (int i = 0; i < x->n && turn >= STOOD_MS; i++)
		if (x->workers[i].pid && x->workers[i].deadline_ms < INT64_MAX)
			x->workers[i].deadline_ms += turn - POLL_MS;
}

static void poll_workers(struct sound *x, struct record *r, struct pollfd *p)
{
	p[0] = (struct pollfd){x->wake, POLLIN, 0};
	for (int i = 0; i < x->n; i++) {
		struct worker *w = &x->workers[i];
		p[i + 1] = (struct pollfd){w->pid ? w->fd : -1, (short)(POLLIN | (w->out.len ? POLLOUT : 0)), 0};
	}
	poll(p, (nfds_t)x->n + 1, poll_ms(x));
	deadlines_move(x);
	uint64_t drop;
	if (p[0].revents)
		(void)!read(x->wake, &drop, sizeof(drop));
	for (int i = 0; i < x->n; i++) {
		struct worker *w = &x->workers[i];
		if (!w->pid)
			continue;
		if (w->out.len && !send_some(w))
			worker_end(x, r, w, NULL);
		else if ((p[i + 1].revents & (POLLIN | POLLHUP | POLLERR)) && !receive(x, r, w))
			worker_end(x, r, w, NULL);
		else if (clock_ms() >= w->deadline_ms && (w->njobs > 0 || !w->ready))
			worker_end(x, r, w, "hung");
		else if (x->now)
			worker_end(x, r, w, NULL);
	}
}

static void *sound_main(void *arg)
{
	struct sound *x = arg;
	struct record r;
	struct pollfd *p = xcalloc((size_t)x->n + 1, sizeof(*p));
	record_init(&r, x->g);
	x->turned_ms = clock_ms();
	for (;;) {
		pthread_mutex_lock(&x->g->lock);
		bool stop = x->stop;
		pthread_mutex_unlock(&x->g->lock);
		if (stop)
			break;
		if (x->now)
			errands_close(x->g);
		fill_workers(x, &r);
		poll_workers(x, &r, p);
		pthread_cond_broadcast(&x->g->idle);
	}
	for (int i = 0; i < x->n; i++)
		if (x->workers[i].pid)
			worker_end(x, &r, &x->workers[i], NULL);
	errands_close(x->g);
	record_release(&r);
	free(p);
	return NULL;
}

/* --- From outside --- */

int sound_start(struct engine *g, struct err *e)
{
	bool any = false;
	for (size_t i = 0; i < g->nstages; i++)
		any |= g->stages[i].chosen && g->stages[i].ops->exec == EXEC_SOUND;
	if (!any)
		return 0;
	struct sound *x = xcalloc(1, sizeof(*x));
	x->g = g;
	x->n = g->args->jobs;
	x->workers = xcalloc((size_t)x->n, sizeof(*x->workers));
	for (int i = 0; i < x->n; i++) {
		buf_init(&x->workers[i].in, MESSAGE_MAX + 65536);
		buf_init(&x->workers[i].out, MESSAGE_MAX * (IN_FLIGHT + 1));
	}
	buf_init(&x->setup, MESSAGE_MAX);
	sound_setup(g, g->objects, &x->setup);
	g->sound = x;
	x->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (x->wake < 0)
		return err_errno(e, "making an eventfd");
	errno = pthread_create(&x->thread, NULL, sound_main, x);
	if (errno != 0)
		return err_errno(e, "starting the sound thread");
	x->started = true;
	return 0;
}

void sound_wake(struct engine *g)
{
	uint64_t one = 1;
	if (g->sound)
		(void)!write(g->sound->wake, &one, sizeof(one));
}

bool sound_busy(struct engine *g)
{
	return g->sound && g->sound->in_flight > 0;
}

void sound_drop(struct engine *g)
{
	if (!g->sound)
		return;
	g->sound->now = true;
	sound_wake(g);
}

void sound_stop(struct engine *g)
{
	struct sound *x = g->sound;
	if (!x)
		return;
	if (x->started) {
		pthread_mutex_lock(&g->lock);
		x->stop = true;
		pthread_mutex_unlock(&g->lock);
		sound_wake(g);
		pthread_join(x->thread, NULL);
	}
	if (x->wake >= 0)
		close(x->wake);
	for (int i = 0; i < x->n; i++) {
		buf_release(&x->workers[i].in);
		buf_release(&x->workers[i].out);
	}
	buf_release(&x->setup);
	free(x->workers);
	free(x);
	g->sound = NULL;
}
