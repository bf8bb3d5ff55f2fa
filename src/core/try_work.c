#include "base/alloc.h"
#include "base/clock.h"
#include "core/message.h"
#include "core/objects.h"
#include "core/spawn.h"
#include "core/try_parts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 30000 /* a worker that has not said READY by then will not */

/* --- What came of it --- */

/* The requests with the answers that were stored, or were made just now. */
static void tell_asks(struct trial *t, const struct json *made)
{
	struct arena *a = &t->ret->arena;
	int64_t index = 0;
	if (!json_count(t->w.asks))
		return;
	struct json *out = json_array(a);
	JSON_EACH(ask, t->w.asks) {
		const struct json *answer = json_get(ask, "answer");
		bool stored = answer && answer->kind != JSON_NULL;
		JSON_EACH(row, made) {
			if (!stored && json_get_int(row, "index", -1) == index)
				answer = json_get(row, "answer");
		}
		struct json *row = json_object(a);
		json_set(a, row, "request", json_copy(a, json_get(ask, "request")));
		json_set(a, row, "answer", answer ? json_copy(a, answer) : json_null(a));
		json_set(a, row, "stored", json_bool(a, stored));
		json_append(out, row);
		index++;
	}
	t->ret->asks = out;
}

/* Questions that were asked one by one, the first first. */
static void tell_questions(struct trial *t)
{
	struct arena *a = &t->ret->arena;
	struct work_asked *first = NULL;
	for (struct work_asked *v = t->w.io->asked, *next; v; v = next) {
		next = v->next;
		v->next = first;
		first = v;
	}
	struct json *out = t->heard ? t->heard : first ? json_array(a) : NULL;
	for (; first; first = first->next) {
		struct json *row = json_object(a);
		json_set_text(a, row, "step", first->step);
		json_set_int(a, row, "draw", first->draw);
		json_set(a, row, "request", json_copy(a, first->sent));
		json_set(a, row, "answer", json_copy(a, first->answer));
		json_set(a, row, "stored", json_bool(a, first->stored));
		json_append(out, row);
	}
	if (out)
		t->ret->asks = out;
	t->ret->unit = money_unit(t->s);
	t->ret->tokens_in = t->s->tokens_in;
	t->ret->tokens_out = t->s->tokens_out;
	t->ret->cost = (double)t->s->cost / 1e6;
}

static void tell_failure(struct trial *t, int rc, const struct err *own)
{
	t->ret->code = rc;
	t->ret->error = arena_strdup(&t->ret->arena, own->text);
}

static void tell_result(struct trial *t)
{
	struct arena *a = &t->ret->arena;
	struct err own = ERR_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int rc = visit_result(&t->r, t->s, &t->w, &text, &own);
	if (rc < 0) {
		tell_failure(t, rc, &own);
		return;
	}
	record_keep(&t->r, t->s->at, t->w.fields); /* "@" becomes the stage's name */
	t->ret->fields = json_copy(a, t->r.fields[t->s->at]);
	t->ret->rejected = t->w.rejected;
}

/* --- On this thread --- */

static int put_object(void *arg, struct str bytes, struct digest *ret, struct err *e)
{
	const struct trial *t = (const struct trial *)(void *)((struct stage_run *)arg)->g;
	return objects_put(t->args->objects, bytes, ret, e);
}

/* --- In a worker --- */

/* An object that the input names, into the folder that the worker knows. Removing or replacing it there leaves the original alone. */
static int bring_object(struct trial *t, const struct digest *d, struct err *e)
{
	CLEANUP(buf_release) struct buf from = BUF_INIT;
	CLEANUP(buf_release) struct buf to = BUF_INIT;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(OBJECT_MAX);
	struct digest same;
	objects_path(&from, t->g.objects, d);
	objects_path(&to, t->args->objects, d);
	if (link(from.data, to.data) == 0 || errno == EEXIST)
		return 0;
	int rc = objects_read(t->g.objects, d, objects_size(t->g.objects, d), OBJECT_MAX, &bytes, e);
	return rc < 0 ? rc : objects_put(t->args->objects, buf_view(&bytes), &same, e);
}

static int bring_objects(struct trial *t, const struct json *v, struct err *e)
{
	struct digest d;
	int rc = 0;
	if (json_is(v, JSON_STRING) && digest_parse(v->u.s, &d) && objects_size(t->g.objects, &d) >= 0)
		return bring_object(t, &d, e);
	JSON_EACH(kid, v) {
		if (rc == 0)
			rc = bring_objects(t, kid, e);
	}
	return rc;
}

struct helper {
	pid_t pid; /* 0: none */
	int fd;
	struct buf in;
};

/* The exit status of the worker, which is ended if it has not. */
static int helper_end(struct helper *h)
{
	int status = 0;
	if (h->pid <= 0)
		return 0;
	close(h->fd);
	kill(h->pid, SIGKILL);
	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		;
	h->pid = 0;
	return status;
}

static void helper_release(struct helper *h)
{
	helper_end(h);
	buf_release(&h->in);
}

static int helper_send(const struct helper *h, struct str bytes, struct err *e)
{
	while (bytes.n) {
		ssize_t n = send(h->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return err_errno(e, "writing to taf-worker");
		if (n > 0)
			bytes = str_n(bytes.p + n, bytes.n - (size_t)n);
	}
	return 0;
}

/* 1: a message; 0: the worker is gone; ERR_HUNG. */
static int helper_read(struct helper *h, int64_t ms, struct message *ret, struct err *e)
{
	struct pollfd p = {h->fd, POLLIN, 0};
	int64_t until = clock_ms() + ms;
	for (;;) {
		int64_t left = until - clock_ms();
		int got = poll(&p, 1, left < 0 ? 0 : (int)left);
		if (got > 0) {
			struct err own = ERR_INIT;
			int rc = message_read(h->fd, &h->in, ret, &own);
			if (rc == ERR_IO) /* it died with our message unread: the connection is reset */
				return 0;
			return rc < 0 ? err_set(e, rc, "%s", own.text) : rc;
		}
		if (got == 0)
			return err_set(e, ERR_HUNG, "no answer from taf-worker within %lld s", (long long)(ms / 1000));
		if (errno != EINTR)
			return err_errno(e, "waiting for taf-worker");
	}
}

static int helper_start(struct trial *t, struct helper *h, struct err *e)
{
	CLEANUP(buf_release) struct buf setup = BUF_INIT_MAX(MESSAGE_MAX);
	CLEANUP(buf_release) struct buf out = BUF_INIT_MAX(2 * MESSAGE_MAX);
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct message m;
	struct json *reply = NULL;
	sound_setup(&t->g, t->args->objects, &setup);
	message_put(&out, MESSAGE_SETUP, 0, buf_view(&setup));
	int rc = spawn_worker(t->args->worker, &h->pid, &h->fd, e);
	if (rc < 0)
		return rc;
	rc = helper_send(h, buf_view(&out), NULL) < 0 ? 0 : helper_read(h, READY_MS, &m, e);
	if (rc == 0)
		return err_set(e, ERR_IO, "%s ends before it is ready: run it by hand to see why", t->args->worker[0]);
	if (rc < 0 || json_parse(&a, m.body, &reply, e) < 0)
		return err_context(e, "starting %s", t->args->worker[0]);
	if (json_get(reply, "error"))
		return err_set(e, (int)json_get_int(reply, "code", ERR_IO), "taf-worker cannot start: %.*s",
			STR_FMT(json_get_str(reply, "error")));
	return 0;
}

static int take_reply(struct trial *t, struct str body, struct err *own)
{
	struct json *reply;
	int rc = json_parse(&t->r.arena, body, &reply, own);
	if (rc < 0)
		return err_context(own, "taf-worker sent what is no answer to this item");
	rc = (int)json_get_int(reply, "code", ERR_WORKER);
	t->ret->us = json_get_int(reply, "us", 0);
	tell_asks(t, json_get(reply, "answers"));
	if (rc < 0)
		return err_set(own, rc, "%.*s", STR_FMT(json_get_str(reply, "error")));
	const struct json *fields = json_get(reply, "fields");
	t->w.fields = fields ? json_copy(&t->r.arena, fields) : json_object(&t->r.arena);
	t->w.rejected = json_get_bool(reply, "rejected", false);
	return 0;
}

/* The answer of a worker that is started for this one message: ERR_WORKER when it dies on it. */
static int helper_ask(struct trial *t, struct str message, struct helper *h, struct message *ret, struct err *e)
{
	if (!t->args->worker || !t->args->worker[0])
		return err_set(e, ERR_IO, "no command is known for the worker that stage %s needs", t->args->stage);
	int rc = helper_start(t, h, e);
	if (rc < 0 && err_class_of(rc) == CLASS_DATA)
		rc = e->code = ERR_IO; /* a program that is not there is no fault of the call */
	if (rc == 0)
		rc = helper_send(h, message, e);
	if (rc < 0)
		return rc;
	rc = helper_read(h, (int64_t)t->s->cs->item_timeout_s * 1000, ret, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	int status = helper_end(h);
	if (WIFSIGNALED(status))
		return err_set(e, ERR_WORKER, "taf-worker died on this item (signal %d, %s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	return err_set(e, ERR_WORKER, "taf-worker ended on this item (exit status %d)", WEXITSTATUS(status));
}

static int work_in_worker(struct trial *t, struct err *e)
{
	CLEANUP(helper_release) struct helper h = {0, -1, BUF_INIT_MAX(MESSAGE_MAX + 65536)};
	CLEANUP(buf_release) struct buf out = BUF_INIT_MAX(2 * MESSAGE_MAX);
	struct err own = ERR_INIT;
	struct message m;
	int rc = bring_objects(t, t->w.call, e);
	if (rc == 0)
		rc = bring_objects(t, t->w.asks, e);
	if (rc == 0)
		rc = sound_message(t->s, &t->w, 1, &out, e);
	if (rc < 0)
		return rc;
	rc = helper_ask(t, buf_view(&out), &h, &m, &own);
	if (rc == 0)
		rc = take_reply(t, m.body, &own);
	enum err_class class = rc < 0 ? err_class_of(rc) : CLASS_DATA;
	if (class == CLASS_MACHINE || class == CLASS_CONFIG) /* not of this call */
		return err_set(e, rc, "%s", own.text);
	if (rc < 0)
		tell_failure(t, rc, &own);
	else
		tell_result(t);
	return 0;
}

/* --- The work --- */

/* work_io.errand */
static int try_errand(void *arg, struct work *w, const struct json *request, struct json **ret, struct err *e)
{
	struct stage_run *s = arg;
	struct trial *t = (struct trial *)s->g;
	CLEANUP(helper_release) struct helper h = {0, -1, BUF_INIT_MAX(MESSAGE_MAX + 65536)};
	CLEANUP(buf_release) struct buf out = BUF_INIT_MAX(2 * MESSAGE_MAX);
	struct message m;
	struct json *reply;
	int rc = errand_message(s, w, request, 1, &out, e);
	if (rc == 0)
		rc = helper_ask(t, buf_view(&out), &h, &m, e);
	if (rc == 0)
		rc = json_parse(w->arena, m.body, &reply, e);
	if (rc < 0)
		return rc;
	const struct json *fields = json_get(reply, "fields");
	rc = (int)json_get_int(reply, "code", ERR_WORKER);
	if (rc < 0)
		return err_set(e, rc, "%.*s", STR_FMT(json_get_str(reply, "error")));
	*ret = fields ? json_copy(w->arena, fields) : json_object(w->arena);
	return 0;
}

/* work_io.sound_keep: a sound that was paid for stays, though the trial's folder goes. */
static int try_keep(void *arg, struct work *w, const struct work_sound *q, const struct json *answer, struct err *e)
{
	struct stage_run *s = arg;
	struct trial *t = (struct trial *)s->g;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(OBJECT_MAX);
	struct digest d, same;
	if (!digest_parse(json_get_str(answer, "object"), &d))
		return err_set(e, ERR_BUG, "a sound without an object");
	int rc = objects_read(t->args->objects, &d, -1, OBJECT_MAX, &bytes, e);
	if (rc == 0)
		rc = objects_put(t->g.objects, buf_view(&bytes), &same, e);
	return rc < 0 ? rc : sounds_keep(arg, w, q, answer, e);
}

static struct json *heard_row(struct trial *t, const struct work_sound *q)
{
	struct arena *a = &t->ret->arena;
	struct json *row = json_object(a);
	if (!t->heard)
		t->heard = json_array(a);
	json_append(t->heard, row);
	json_set_text(a, row, "step", q->step);
	json_set(a, row, "request", json_copy(a, q->request));
	json_set(a, row, "stored", json_bool(a, false));
	return row;
}

/* work_io.sound_bad: with what `why` tells of a call, so that who tries a voice knows what to do. */
static void try_bad(void *arg, struct work *w, const struct work_sound *q, const char *why)
{
	struct trial *t = (struct trial *)((struct stage_run *)arg)->g;
	struct json *row = heard_row(t, q);
	(void)w;
	json_set(&t->ret->arena, row, "answer", json_null(&t->ret->arena));
	json_set_text(&t->ret->arena, row, "why", why);
}

static void work_here(struct trial *t)
{
	struct err own = ERR_INIT;
	int64_t from = clock_us();
	t->w.io->object_put = put_object;
	t->w.io->keeps_sent = true;
	t->w.io->errand = try_errand;
	t->w.io->sound_keep = try_keep;
	t->w.io->sound_bad = try_bad;
	int rc = t->s->ops->process(&t->w, &own);
	t->ret->us = clock_us() - from;
	tell_asks(t, t->w.io->answers);
	tell_questions(t);
	if (rc < 0)
		tell_failure(t, rc, &own);
	else
		tell_result(t);
}

int try_work(struct trial *t, struct err *e)
{
	struct err own = ERR_INIT;
	int rc = stage_ready(t->s, e);
	for (size_t i = 0; i < t->g.nstages; i++) /* no other stage's provider is needed */
		t->g.stages[i].chosen = &t->g.stages[i] == t->s;
	t->s->closed = false;
	if (rc == 0 && t->args->keep)
		rc = money_start(&t->g, e);
	if (rc == 0)
		rc = objects_prepare(t->args->objects, e);
	if (rc < 0)
		return rc;
	if (t->s->ops->asks) {
		rc = t->s->ops->asks(&t->w, &own);
		if (rc < 0) {
			tell_failure(t, rc, &own);
			return 0;
		}
		if (t->g.store)
			rc = asks_resolve(&t->g, t->s, &t->w, e);
		if (rc < 0)
			return rc;
	}
	if (t->s->exec == EXEC_SOUND)
		return work_in_worker(t, e);
	work_here(t);
	return 0;
}
