#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/stop.h"
#include "core/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 100
#define RECORD_MS 1000 /* how often the run's row is written, for readers */

void engine_fail_locked(struct engine *g, const struct err *e)
{
	if (!g->failure.code) {
		g->failure = *e;
		g->failed = true;
		log_debug("engine", "stops: %s", e->text);
	}
	g->stopping = true;
	pthread_cond_broadcast(&g->idle);
}

void engine_fail(struct engine *g, const struct err *e)
{
	pthread_mutex_lock(&g->lock);
	engine_fail_locked(g, e);
	pthread_mutex_unlock(&g->lock);
}

bool engine_stopped(struct engine *g)
{
	return g->stopping || stop_level() != STOP_NONE;
}

/* --- Making and ending --- */

void engine_init(struct engine *g, const struct engine_args *args)
{
	memset(g, 0, sizeof(*g));
	g->args = args;
	g->config = args->config;
	g->narrowed = args->limit > 0 || args->only;
	g->spool = -1;
	g->started_ms = clock_ms();
	pthread_mutex_init(&g->lock, NULL);
	pthread_condattr_t mono;
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&g->more, NULL);
	pthread_cond_init(&g->more_network, NULL);
	pthread_cond_init(&g->idle, &mono);
	pthread_condattr_destroy(&mono);
	claims_init(g);
	buf_init(&g->row.stats, BUF_DEFAULT_MAX);
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/objects", args->work);
	g->objects = arena_strdup(&g->arena, path.data);
}

static void stage_free(struct stage_run *s)
{
	for (size_t c = 0; s->chunks && c <= (size_t)s->g->nitems / CHUNK; c++)
		free(s->chunks[c]);
	free(s->chunks);
	free(s->ready.v);
	free(s->sound.v);
	buf_release(&s->parts);
	buf_release(&s->state);
	buf_release(&s->outputs);
	pthread_mutex_destroy(&s->init_lock);
	pthread_mutex_destroy(&s->peers_lock);
	peers_free(s);
}

void engine_release(struct engine *g)
{
	for (size_t i = 0; i < g->nstages; i++)
		stage_free(&g->stages[i]);
	for (size_t c = 0; g->items && c <= (size_t)g->nitems / CHUNK; c++)
		free(g->items[c]);
	free(g->items);
	free(g->stages);
	claims_free(g);
	map_release(&g->ids);
	files_free(g->files);
	if (g->spool >= 0)
		close(g->spool);
	free(g->outputs);
	buf_release(&g->row.stats);
	arena_release(&g->arena);
	pthread_cond_destroy(&g->more);
	pthread_cond_destroy(&g->more_network);
	pthread_cond_destroy(&g->idle);
	pthread_mutex_destroy(&g->lock);
}

/* --- The run's row --- */

static void run_begin(struct engine *g)
{
	g->run = store_next_run(g->store);
	g->row.n = g->run;
	g->row.started_ms = clock_wall_ms();
	g->row.pid = getpid();
	struct tm tm;
	time_t t = (time_t)(g->row.started_ms / 1000);
	gmtime_r(&t, &tm);
	char day[20];
	strftime(day, sizeof(day), "%Y%m%d-%H%M%S", &tm);
	snprintf(g->row.id, sizeof(g->row.id), "%s-%d", day, (int)g->run);
	snprintf(g->row.state, sizeof(g->row.state), "running");
}

static void run_record(struct engine *g, struct run_status *st)
{
	status_fill(g, st);
	buf_clear(&g->row.stats);
	run_status_json(&g->row.stats, st);
	store_put_run(g->store, &g->row);
}

static int exit_of(struct engine *g)
{
	bool unfinished = false, stopped = false;
	int64_t quarantined = 0;
	for (size_t i = 0; i < g->nstages; i++) {
		unfinished |= g->stages[i].chosen && !g->stages[i].finished;
		stopped |= g->stages[i].stopped;
		quarantined += g->stages[i].quarantined;
	}
	if (g->failure.code)
		return err_class_of(g->failure.code) == CLASS_CONFIG ? EXIT_BAD_CONFIG : EXIT_ERROR;
	if (stopped)
		return EXIT_ERROR;
	if (g->interrupted)
		return EXIT_INTERRUPTED;
	if (g->out_of_time || g->out_of_budget)
		return EXIT_BUDGET;
	if (unfinished)
		return EXIT_ERROR;
	return quarantined ? EXIT_QUARANTINED : EXIT_DONE;
}

/* What stopped the run, for the caller. */
static void say_why(struct engine *g, int status, struct err *e)
{
	if (g->failure.code) {
		err_set(e, g->failure.code, "%s", g->failure.text);
		return;
	}
	if (status != EXIT_ERROR)
		return;
	if (g->account.code)
		err_set(e, g->account.code, "%s", g->account.text);
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].chosen && !g->stages[i].finished)
			err_set(e, ERR_BUG, "the run came to a stand before stage %s was finished", g->stages[i].cs->stage.name);
}

static void run_end(struct engine *g, struct run_status *st, int exit_status)
{
	g->row.exit_status = exit_status;
	g->row.ended_ms = clock_wall_ms();
	const char *state = exit_status == EXIT_INTERRUPTED                               ? "interrupted"
						: exit_status == EXIT_DONE || exit_status == EXIT_QUARANTINED ? "done"
																					  : "stopped";
	snprintf(g->row.state, sizeof(g->row.state), "%s", state);
	run_record(g, st);
}

/* --- Running --- */

static bool all_finished(struct engine *g)
{
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].chosen && !g->stages[i].finished)
			return false;
	return true;
}

static bool nothing_moves(struct engine *g)
{
	if (g->busy > 0 || sound_busy(g))
		return false;
	for (size_t i = 0; !g->stopping && i < g->nstages; i++)
		if (g->stages[i].ready.n || g->stages[i].sound.n)
			return false;
	return true;
}

static void wait_tick(struct engine *g)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += TICK_MS * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(&g->idle, &g->lock, &at);
}

static void check_limits(struct engine *g)
{
	struct err e = ERR_INIT;
	if (!g->failed && store_failed(g->store, &e) < 0)
		engine_fail(g, &e);
	if (stop_level() != STOP_NONE && !g->interrupted) {
		g->interrupted = true;
		g->stopping = true;
	}
	if (stop_level() == STOP_DROP)
		sound_drop(g);
	if (g->stopping)
		money_stop(g, stop_level() == STOP_DROP);
	if (g->args->max_time_s > 0 && clock_ms() - g->started_ms > g->args->max_time_s * 1000 && !g->out_of_time) {
		g->out_of_time = true;
		g->stopping = true;
	}
}

/* Until all is done, or nothing moves any more. The caller's thread ticks meanwhile. */
static void watch(struct engine *g, struct run_status *st)
{
	int64_t recorded = 0;
	for (;;) {
		pthread_mutex_lock(&g->lock);
		bool end = all_finished(g) || nothing_moves(g);
		if (!end)
			wait_tick(g);
		pthread_mutex_unlock(&g->lock);
		check_limits(g);
		if (end)
			return;
		if (stop_level() == STOP_DROP)
			return;
		if (clock_ms() - recorded >= RECORD_MS) {
			recorded = clock_ms();
			run_record(g, st);
			if (g->args->tick)
				g->args->tick(g->args->tick_arg, st);
		}
	}
}

static int open_spool(struct engine *g, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/tmp/spool.%ld", g->objects, (long)getpid());
	g->spool = open(path.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (g->spool < 0)
		return err_errno(e, "making %s", path.data);
	unlink(path.data);
	return 0;
}

/* What is wrong with a stage's data files is told before any work, not when the first call comes to it. */
static int init_open_stages(struct engine *g, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < g->nstages; i++)
		if (g->stages[i].chosen && !g->stages[i].closed)
			rc = stage_ready(&g->stages[i], e);
	return rc;
}

static int run_all(struct engine *g, struct run_status *st, struct err *e)
{
	int rc = init_open_stages(g, e);
	if (rc == 0)
		rc = money_start(g, e);
	if (rc == 0)
		rc = setup_memos(g, e);
	if (rc == 0)
		rc = open_spool(g, e);
	if (rc == 0)
		rc = listing_all(g, e);
	if (rc == 0) {
		run_record(g, st); /* before any memo that bears its number: a killed run's is never used again */
		setup_unclose(g);
	}
	if (rc == 0)
		rc = sound_start(g, e);
	if (rc == 0)
		rc = pool_start(g, e);
	if (rc == 0)
		watch(g, st);
	money_stop(g, stop_level() == STOP_DROP);
	pool_stop(g);
	money_rest(g);
	money_keep(g);
	sound_stop(g);
	objects_sweep(g->objects, NULL); /* what killed workers left */
	return rc;
}

static int prepare_work(struct engine *g, struct err *e)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	int rc = objects_prepare(g->objects, e);
	if (rc == 0)
		rc = objects_sweep(g->objects, e);
	if (rc == 0)
		rc = store_open(g->args->work, DB_WRITE, &g->store, e);
	if (rc < 0)
		return rc;
	g->files = files_new(g->store, true);
	run_begin(g);
	rc = setup_objects(g, e);
	if (rc == 0)
		rc = setup_stages(g, e);
	for (size_t i = 0; rc == 0 && i < g->nstages; i++)
		if (g->stages[i].ops->kind == STAGE_SINK)
			rc = sink_sweep(&g->stages[i], e);
	return rc;
}

void engine_output(struct stage_run *s)
{
	struct engine *g = s->g;
	CLEANUP(buf_release) struct buf folder = BUF_INIT;
	sink_folder(s, &folder);
	pthread_mutex_lock(&g->lock);
	g->outputs[g->noutputs] = arena_strdup(&g->arena, folder.data);
	g->noutputs++;
	pthread_mutex_unlock(&g->lock);
}

/* Nothing to do: what the run that closed the stages found still holds. */
static void closed_outputs(struct engine *g)
{
	for (size_t i = 0; i < g->nstages; i++) {
		struct stage_run *s = &g->stages[i];
		s->finished |= s->chosen && s->closed;
		close_counts(s);
		if (!s->chosen || s->ops->kind != STAGE_SINK)
			continue;
		engine_output(s);
	}
}

/* What the caller keeps: the outputs' names outlive the engine. */
static void hand_over(struct engine *g, struct run_status *st, struct run_status *ret)
{
	status_fill(g, st);
	st->state = st->exit_status == EXIT_INTERRUPTED                                   ? "interrupted"
				: st->exit_status == EXIT_DONE || st->exit_status == EXIT_QUARANTINED ? "done"
																					  : "stopped";
	if (g->args->tick && !g->dry)
		g->args->tick(g->args->tick_arg, st);
	if (!ret) {
		free(st->stages);
		free(st->providers);
		return;
	}
	const char **names = xcalloc(g->noutputs + 1, sizeof(*names));
	for (size_t i = 0; i < g->noutputs; i++)
		names[i] = xstrdup(g->outputs[i]);
	st->outputs = names;
	st->noutputs = g->noutputs;
	*ret = *st;
}

int engine_run(const struct engine_args *args, struct run_status *ret, struct err *e)
{
	struct engine g;
	struct run_status st = {.state = ""};
	engine_init(&g, args);
	int rc = prepare_work(&g, e);
	if (rc == 0 && setup_all_closed(&g))
		closed_outputs(&g);
	else if (rc == 0)
		rc = run_all(&g, &st, e);
	if (rc < 0 && !g.failure.code)
		g.failure = e && e->code ? *e : (struct err){.code = rc};
	int status = exit_of(&g);
	say_why(&g, status, e);
	if (g.store && status != EXIT_BAD_CONFIG) { /* what was refused as a whole is no run */
		run_end(&g, &st, status);
		if (store_flush(g.store, e) < 0 && status != EXIT_BAD_CONFIG)
			status = EXIT_ERROR;
	}
	g.row.exit_status = status;
	hand_over(&g, &st, ret);
	money_free(&g);
	store_close(g.store, false);
	engine_release(&g);
	return status;
}

/* --- Planning --- */

int engine_spool(struct engine *g, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/taf-plan-XXXXXX", dir && *dir ? dir : "/tmp");
	g->spool = mkostemp(path.data, O_CLOEXEC);
	if (g->spool < 0)
		return err_errno(e, "making the temporary file %s", path.data);
	unlink(path.data);
	return 0;
}

int engine_read(struct engine *g, struct err *e)
{
	struct fs_stat st;
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/taf.db", g->args->work);
	int rc = fs_stat(path.data, &st, e);
	if (rc == 0 && st.exists)
		rc = store_open(g->args->work, g->keeps ? DB_WRITE : DB_READ, &g->store, e);
	if (rc == ERR_NOTFOUND) {
		rc = 0;
		err_clear(e);
	}
	if (rc == 0)
		g->files = files_new(g->store, false);
	return rc;
}

static int plan_all(struct engine *g, struct err *e)
{
	int rc = engine_read(g, e);
	if (rc == 0 && g->store) {
		g->run = store_next_run(g->store); /* a change found now is newer than every memo */
		rc = setup_objects(g, e);
	}
	if (rc == 0)
		rc = setup_stages(g, e);
	if (rc < 0)
		return rc;
	if (setup_all_closed(g)) {
		closed_outputs(g);
		return 0;
	}
	rc = engine_spool(g, e);
	if (rc == 0)
		rc = setup_memos(g, e);
	if (rc == 0)
		rc = listing_all(g, e);
	return rc == 0 ? drain(g, e) : rc;
}

int engine_plan(const struct engine_args *args, struct run_status *ret, struct err *e)
{
	struct engine g;
	struct run_status st = {.state = ""};
	engine_init(&g, args);
	g.dry = true;
	int rc = plan_all(&g, e);
	if (rc == 0)
		hand_over(&g, &st, ret);
	store_close(g.store, true);
	engine_release(&g);
	return rc;
}
