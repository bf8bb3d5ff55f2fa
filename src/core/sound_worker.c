/* A worker process from its start to its end, and what becomes of the jobs it had. */
#include "core/sound_parts.h"

#include "base/clock.h"
#include "core/message.h"
#include "core/spawn.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 30000 /* a worker that has not said READY by then will not */
#define NEVER_READY 3

static int64_t ready_ms(const struct sound *x)
{
	return x->g->args->worker_ready_ms > 0 ? x->g->args->worker_ready_ms : READY_MS;
}

int worker_start(struct sound *x, struct worker *w, struct err *e)
{
	if (!x->g->args->worker || !x->g->args->worker[0])
		return err_set(e, ERR_IO, "no command is known for the worker that sound stages need");
	int rc = spawn_worker(x->g->args->worker, &w->pid, &w->fd, e);
	if (rc < 0)
		return rc;
	w->ready = false;
	w->deadline_ms = clock_ms() + ready_ms(x);
	buf_clear(&w->in);
	buf_clear(&w->out);
	w->out_at = 0;
	message_put(&w->out, MESSAGE_SETUP, 0, buf_view(&x->setup));
	return 0;
}

void job_forget(struct sound *x, struct worker *w, int at)
{
	if (!w->jobs[at].errand)
		x->g->stages[w->jobs[at].stage].in_flight--;
	arena_release(&w->jobs[at].arena);
	for (int i = at; i + 1 < w->njobs; i++)
		w->jobs[i] = w->jobs[i + 1];
	w->njobs--;
	memset(&w->jobs[w->njobs], 0, sizeof(w->jobs[0]));
	x->in_flight--;
}

void worker_deadline(struct sound *x, struct worker *w)
{
	if (!w->ready)
		return;
	if (w->njobs > 0)
		w->deadline_ms = clock_ms() + (int64_t)x->g->stages[w->jobs[0].stage].cs->item_timeout_s * 1000;
	else
		w->deadline_ms = INT64_MAX;
}

void job_requeue(struct sound *x, struct job *j)
{
	struct engine *g = x->g;
	if (j->errand) {
		errand_again(g, j->errand);
		return;
	}
	pthread_mutex_lock(&g->lock);
	keyed_push(&g->stages[j->stage].sound, j->item, &j->key);
	pthread_mutex_unlock(&g->lock);
}

void job_pass_on(struct sound *x, struct record *r, int32_t item)
{
	struct engine *g = x->g;
	pthread_mutex_lock(&g->lock);
	while (r->ntodo > 0)
		queue_push(&g->stages[r->todo[--r->ntodo]].ready, item);
	pool_wake(g);
	pthread_mutex_unlock(&g->lock);
}

void job_end(struct sound *x, struct record *r, struct worker *w, struct visit_done *d)
{
	struct job *j = &w->jobs[0];
	struct stage_run *s = &x->g->stages[j->stage];
	d->key = j->key;
	d->input = j->input;
	record_begin(r, s->ops->kind == STAGE_EXPAND ? item_at(x->g, j->item)->parent : j->item);
	int32_t item = j->item;
	visit_finish(r, s, item, d);
	job_pass_on(x, r, item);
	job_forget(x, w, 0);
}

/* Signals that say nothing of the item. */
static bool from_outside(int sig)
{
	return sig == SIGKILL || sig == SIGTERM || sig == SIGINT || sig == SIGHUP;
}

static void never_ready(struct sound *x, const char *hung)
{
	struct err e = ERR_INIT;
	if (hung)
		err_set(&e, ERR_IO, "%s did not say that it is ready within %lld ms: run it by hand to see why",
			x->g->args->worker[0], (long long)ready_ms(x));
	else if (++x->failures >= NEVER_READY)
		err_set(&e, ERR_IO, "%s ends before it is ready, %d times in a row: run it by hand to see why",
			x->g->args->worker[0], NEVER_READY);
	if (e.code)
		engine_fail(x->g, &e);
	if (e.code)
		errands_close(x->g);
}

/* What is told of a job that its worker did not live to finish. */
static int ended_why(const struct sound *x, const struct job *j, const char *hung, int status, struct err *e)
{
	if (hung)
		return err_set(e, ERR_HUNG, "no answer from taf-worker within %d s (item_timeout_s)",
			x->g->stages[j->stage].cs->item_timeout_s);
	if (WIFSIGNALED(status) && from_outside(WTERMSIG(status))) /* nothing wrong with the item: the next run takes it up */
		return err_set(e, ERR_TRANSIENT, "taf-worker was killed on this item, twice (out of memory?)");
	if (WIFSIGNALED(status))
		return err_set(e, ERR_WORKER, "taf-worker died on this item (signal %d, %s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	return err_set(e, ERR_WORKER, "taf-worker ended on this item (exit status %d)", WEXITSTATUS(status));
}

void worker_end(struct sound *x, struct record *r, struct worker *w, const char *hung)
{
	int status = 0;
	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(w->fd);
	w->pid = 0;
	bool outside = !hung && (WIFEXITED(status) || from_outside(WTERMSIG(status)));
	if (!w->ready && !x->now)
		never_ready(x, hung);
	if (w->njobs > 0) {
		struct job *j = &w->jobs[0];
		bool first =
			outside && (j->errand ? j->errand->tries++ : slot_at(&x->g->stages[j->stage], j->item)->tries++) == 0;
		if (first || !w->ready || x->now) {
			job_requeue(x, j);
			job_forget(x, w, 0);
		} else if (j->errand) {
			int rc = ended_why(x, j, hung, status, j->errand->e);
			errand_done(j->errand, rc);
			job_forget(x, w, 0);
		} else {
			struct err e = ERR_INIT;
			struct visit_done d = {.e = &e};
			d.rc = ended_why(x, j, hung, status, &e);
			job_end(x, r, w, &d);
		}
	}
	while (w->njobs > 0) {
		job_requeue(x, &w->jobs[0]);
		job_forget(x, w, 0);
	}
}
