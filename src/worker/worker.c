#include "worker/worker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "core/config.h"
#include "core/key.h"
#include "core/message.h"
#include "core/objects.h"
#include "core/work.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Address space: a sound of an hour at 48 kHz that qa holds whole fits twice; normalize takes 200 MB for hours. */
#define MEMORY_BYTES ((rlim_t)4 << 30)

struct worked_stage {
	struct stage stage;
	struct provider provider;
	int index;
	const struct stage_sound *sound;
	int64_t cpu_s;
	bool inited;
	struct str parts; /* of the stage's fingerprint: what its data files held */
};
struct worker {
	const struct worker_kit *kit;
	int fd;
	struct arena arena; /* of the run */
	const char *objects;
	struct worked_stage *stages;
	size_t nstages;
	timer_t timer; /* of CPU time */
	bool has_timer;
};

/* --- Services --- */

static int put(void *arg, struct str bytes, struct digest *ret, struct err *e)
{
	return objects_put(((struct worker *)arg)->objects, bytes, ret, e);
}

static int get(void *arg, const struct digest *d, size_t max, struct buf *ret, struct err *e)
{
	return objects_read(((struct worker *)arg)->objects, d, -1, max, ret, e);
}

static int no_file(void *arg, int file, struct str *ret, struct err *e)
{
	(void)arg;
	(void)file;
	(void)ret;
	return err_set(e, ERR_BUG, "sources do not run in a worker");
}

/* --- Set-up --- */

static bool of_number(char c)
{
	return (c >= '0' && c <= '9') || c == '.';
}

int worker_same_library(const char *runs, const char *built, struct err *e)
{
	size_t n = strlen(built);
	if (strcmp(built, "unknown") == 0)
		return 0;
	for (const char *at = strstr(runs, built); at; at = strstr(at + 1, built))
		if ((at == runs || !of_number(at[-1])) && !of_number(at[n]))
			return 0;
	return err_set(e, ERR_CONFIG,
		"taf was built with version %s of a library and runs with %s: build it anew (make clean all)", built, runs);
}

static int setup_provider(struct worker *k, struct worked_stage *ws, const struct json *row, struct err *e)
{
	const struct provider_ops *ops = provider_find(json_get_str(row, "kind"));
	if (!ops)
		return err_set(e, ERR_CONFIG, "unknown provider kind '%.*s'", STR_FMT(json_get_str(row, "kind")));
	ws->provider.name = arena_str(&k->arena, json_get_str(row, "name")).p;
	ws->provider.ops = ops;
	ws->provider.params = arena_alloc(&k->arena, ops->params_size + 1);
	int rc = options_from_json(&k->arena, ops->options, ops->noptions, json_get(row, "params"), ws->provider.params, e);
	if (rc == 0)
		provider_identify(&k->arena, &ws->provider);
	ws->stage.provider = &ws->provider;
	return rc;
}

static int setup_stage(struct worker *k, struct worked_stage *ws, const struct json *row, struct err *e)
{
	struct str uses = json_get_str(row, "uses");
	const struct stage_ops *ops = config_stage_type(k->kit->registry, uses);
	for (const struct stage_sound *const *s = k->kit->sounds; *s; s++)
		if (str_is(uses, (*s)->name))
			ws->sound = *s;
	if (!ops || !ws->sound)
		return err_set(e, ERR_CONFIG,
			"this taf-worker does not know the stage type '%.*s': is it of the same build as taf?", STR_FMT(uses));
	struct stage *st = &ws->stage;
	ws->index = (int)json_get_int(row, "index", -1);
	ws->cpu_s = json_get_int(row, "cpu_s", 600);
	ws->parts = json_get_str(row, "parts");
	st->ops = ops;
	st->name = arena_str(&k->arena, json_get_str(row, "name")).p;
	st->seed = (uint64_t)json_get_int(row, "seed", 0);
	st->dataset = arena_str(&k->arena, json_get_str(row, "dataset")).p;
	st->base = arena_str(&k->arena, json_get_str(row, "base")).p;
	st->params = arena_alloc(&k->arena, ops->params_size + 1);
	int rc = options_from_json(&k->arena, ops->options, ops->noptions, json_get(row, "params"), st->params, e);
	if (rc == 0 && json_get(row, "provider"))
		rc = setup_provider(k, ws, json_get(row, "provider"), e);
	return rc;
}

static int setup(struct worker *k, const struct message *m, struct err *e)
{
	struct json *v;
	int rc = json_parse(&k->arena, m->body, &v, e);
	if (rc == 0 && m->kind != MESSAGE_SETUP)
		rc = err_set(e, ERR_PARSE, "the first message is not SETUP");
	if (rc < 0)
		return rc;
	k->objects = arena_str(&k->arena, json_get_str(v, "objects")).p;
	const struct json *rows = json_get(v, "stages");
	k->stages = xcalloc(json_count(rows) + 1, sizeof(*k->stages));
	JSON_EACH(row, rows) {
		rc = setup_stage(k, &k->stages[k->nstages++], row, e);
		if (rc < 0)
			return rc;
	}
	return k->kit->begin ? k->kit->begin(e) : 0;
}

/* --- Work --- */

/* So much CPU time for this item, then SIGXCPU: also when nobody watches any more. By a timer, anew for each item, not by RLIMIT_CPU: that counts the
 * process's ticks, which on a busy machine run ahead of the time it really used, by minutes in an hour (measured). */
static void limit_cpu(struct worker *k, int64_t seconds)
{
	struct itimerspec in = {.it_value = {.tv_sec = seconds}};
	if (k->has_timer)
		timer_settime(k->timer, 0, &in, NULL);
}

static void limit_init(struct worker *k)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGXCPU};
	k->has_timer = timer_create(CLOCK_PROCESS_CPUTIME_ID, &e, &k->timer) == 0;
}

static int work_item(struct worker *k, const struct json *v, struct work *w, struct err *e)
{
	struct worked_stage *ws = NULL;
	for (size_t i = 0; i < k->nstages; i++)
		if (k->stages[i].index == json_get_int(v, "stage", -1))
			ws = &k->stages[i];
	if (!ws)
		return err_set(e, ERR_BUG, "a message for a stage that was not set up");
	w->stage = &ws->stage;
	w->id = json_get_str(v, "id");
	w->call = json_get(v, "call");
	w->slot = (int)json_get_int(v, "slot", 0);
	w->asks = json_get(v, "asks");
	limit_cpu(k, ws->cpu_s);
	if (!ws->inited && ws->stage.ops->init) {
		int rc = ws->stage.ops->init(&ws->stage, e);
		if (rc == 0)
			rc = key_files_hold(&ws->stage, ws->parts, e);
		if (rc < 0)
			return rc;
	}
	ws->inited = true;
	const struct json *errand = json_get(v, "errand");
	if (!errand)
		return ws->sound->process(w, e);
	return ws->sound->errand ? ws->sound->errand(w, errand, e)
							 : err_set(e, ERR_BUG, "an errand that the stage does not know");
}

static void reply_put(struct buf *out, uint64_t ticket, const struct work *w, int code, int64_t us, const struct err *e)
{
	struct arena *a = w->arena;
	struct json *reply = json_object(a);
	json_set_int(a, reply, "code", code);
	json_set_int(a, reply, "us", us);
	if (code < 0)
		json_set_text(a, reply, "error", e->text);
	if (w->io->answers)
		json_set(a, reply, "answers", w->io->answers);
	if (w->io->objects)
		json_set(a, reply, "objects", w->io->objects);
	if (code == 0)
		json_set(a, reply, "fields", w->fields ? w->fields : json_object(a));
	json_set(a, reply, "rejected", json_bool(a, w->rejected));
	CLEANUP(buf_release) struct buf body = BUF_INIT;
	json_write(&body, reply);
	message_put(out, MESSAGE_DONE, ticket, buf_view(&body));
}

static int serve(struct worker *k, struct buf *in, struct err *e)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct message m;
	int rc;
	while ((rc = message_read(k->fd, in, &m, e)) > 0) {
		struct work_io io = {.object_put = put, .object_read = get, .file = no_file, .arg = k};
		struct work w = {.arena = &a, .io = &io, .at = {.file = -1}};
		struct err item = ERR_INIT;
		struct json *v;
		int64_t from = clock_us();
		int code = json_parse(&a, m.body, &v, &item);
		if (code == 0)
			code = work_item(k, v, &w, &item);
		buf_clear(&out);
		reply_put(&out, m.ticket, &w, code, clock_us() - from, &item);
		arena_reset(&a);
		rc = fs_write_all(k->fd, out.data, out.len, "the socket to taf", e);
		if (rc < 0)
			break;
	}
	arena_release(&a);
	return rc;
}

static int say_ready(struct worker *k, int code, const struct err *why, struct err *e)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT;
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	buf_putc(&body, '{');
	if (code < 0) {
		buf_printf(&body, "\"code\":%d,\"error\":", code);
		json_write_string(&body, str_of(why->text));
	}
	buf_putc(&body, '}');
	message_put(&out, MESSAGE_READY, 0, buf_view(&body));
	return fs_write_all(k->fd, out.data, out.len, "the socket to taf", e);
}

static void limit_process(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	struct rlimit memory = {MEMORY_BYTES, MEMORY_BYTES};
	setrlimit(RLIMIT_AS, &memory);
#endif
	struct rlimit core = {0, 0};
	setrlimit(RLIMIT_CORE, &core);
}

int worker_main(const struct worker_kit *kit, int fd)
{
	struct worker k = {.kit = kit, .fd = fd};
	struct buf in;
	struct message m;
	struct err e = ERR_INIT, why = ERR_INIT;
	limit_process();
	limit_init(&k);
	buf_init(&in, MESSAGE_MAX + 4); /* and its length */
	int rc = message_read(fd, &in, &m, &e);
	if (rc > 0) {
		int code = setup(&k, &m, &why);
		rc = say_ready(&k, code, &why, &e);
		if (rc == 0 && code == 0)
			rc = serve(&k, &in, &e);
	}
	for (size_t i = 0; i < k.nstages; i++) {
		if (k.stages[i].inited && k.stages[i].stage.ops->destroy)
			k.stages[i].stage.ops->destroy(&k.stages[i].stage);
		arena_release(&k.stages[i].stage.arena);
	}
	if (k.has_timer)
		timer_delete(k.timer);
	free(k.stages);
	buf_release(&in);
	arena_release(&k.arena);
	return rc < 0 ? 1 : 0;
}
