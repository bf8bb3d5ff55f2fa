#include "core/engine_parts.h"
#include "core/objects.h"

#include "base/alloc.h"

#include <stdio.h>

/* Provider answers: stored before anything is made of them, under the digest of (canonical request, provider identity, generation) and a draw number. */

void asks_digest(struct stage_run *s, struct buf *scratch, const struct json *request, struct digest *ret)
{
	buf_clear(scratch);
	json_write(scratch, request);
	key_request(buf_view(scratch), s->cs->stage.provider, s->cs->generation, ret);
}

/* The first draw: H(call id, step), so that equal requests of two calls do not share one answer; always 0 when answers are a function of the request. */
static int64_t first_draw(const struct stage_run *s, const struct work *w, size_t step)
{
	if (s->cs->stage.provider->ops->deterministic)
		return 0;
	char purpose[48];
	if (s->ops->kind == STAGE_EXPAND) /* the id is the parent's: its slots ask for themselves */
		snprintf(purpose, sizeof(purpose), "ask %zu.%d", step, w->slot);
	else
		snprintf(purpose, sizeof(purpose), "ask %zu", step);
	return (int64_t)(draw_hash((uint64_t)s->g->config->seed, w->id, purpose) >> 16);
}

/* An answer whose object is gone is no answer. */
bool asks_whole(struct engine *g, const struct json *answer)
{
	struct str hex = json_get_str(answer, "object");
	struct digest d;
	if (!hex.p)
		return true;
	if (!digest_parse(hex, &d))
		return false;
	int64_t size = objects_size(g->objects, &d), stored = store_object_size(g->store, &d); /* -1: put a moment ago */
	return size >= 0 && (stored < 0 || size == stored);
}

int asks_resolve(struct engine *g, struct stage_run *s, struct work *w, struct err *e)
{
	struct json *out = json_array(w->arena);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(stored_answer_release) struct stored_answer stored = {.text = BUF_INIT};
	size_t step = 0;
	JSON_EACH(request, w->io->asks) {
		struct digest d;
		asks_digest(s, &text, request, &d);
		int rc = store_answer(g->store, &d, first_draw(s, w, step++), &stored, e);
		struct json *answer = NULL;
		if (rc > 0)
			rc = json_parse(w->arena, buf_view(&stored.text), &answer, e);
		if (rc < 0)
			return err_context(e, "a stored answer");
		struct json *row = json_object(w->arena);
		json_set(w->arena, row, "request", json_copy(w->arena, request));
		json_set(w->arena, row, "answer", answer && asks_whole(g, answer) ? answer : json_null(w->arena));
		json_append(out, row);
	}
	w->asks = out;
	return 0;
}

/* --- Questions that are asked one by one (core/chat.h) --- */

/* The first draw of a step: H(call id, step). An expand's slots ask for themselves. */
static int64_t step_draw(const struct stage_run *s, const struct work *w, const char *step)
{
	if (s->cs->stage.provider->ops->deterministic)
		return 0;
	const char *purpose = s->ops->kind == STAGE_EXPAND ? arena_printf(w->arena, "ask %s.%d", step, w->slot)
													   : arena_printf(w->arena, "ask %s", step);
	return (int64_t)(draw_hash((uint64_t)s->g->config->seed, w->id, purpose) >> 16);
}

static int read_object(void *arg, struct str hex, struct buf *ret, struct err *e)
{
	struct work *w = arg;
	return work_object_read(w, hex, OBJECT_MAX, ret, e);
}

static void count_spent(struct stage_run *s, const struct provider_answer *a)
{
	s->requests++;
	s->tokens_in += a->tokens_in;
	s->tokens_out += a->tokens_out;
	s->cost += a->cost;
}

static int ask_anew(struct stage_run *s, struct work *w, const struct work_ask *q, int64_t draw,
	struct provider_answer *ret, struct err *e)
{
	const struct provider *p = s->cs->stage.provider;
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	struct provider_ask ask = {.arena = &scratch,
		.request = q->request,
		.schema = q->schema,
		.seed = draw & 0x7fffffff,
		.lane = s->at,
		.object = read_object,
		.arg = w};
	if (engine_stopped(s->g))
		return err_set(e, ERR_STOPPED, "the run was stopped");
	if (!s->account)
		return err_set(e, ERR_TRANSIENT, "no stored answer to this question, and provider %s is not asked now", p->name);
	int rc = p->ops->ask(p, s->account, &ask, ret, e);
	if (rc == ERR_ACCOUNT)
		account_refuse(s->account, e);
	if (rc < 0) {
		money_lost(s, ret->cost);
		return rc;
	}
	ret->answer = json_copy(w->arena, ret->answer);
	ret->model = arena_str(w->arena, ret->model);
	return 0;
}

static int next_at(const struct work *w)
{
	return w->io->asked ? w->io->asked->at + 1 : 0;
}

void asks_remember(struct work *w, const char *step, const struct json *request, const struct work_asked *asked)
{
	struct work_asked *a = ARENA_NEW(w->arena, struct work_asked);
	*a = *asked;
	a->step = arena_strdup(w->arena, step);
	a->sent = w->io->keeps_sent ? json_copy(w->arena, request) : NULL;
	a->at = next_at(w);
	a->next = w->io->asked;
	w->io->asked = a;
}

int asks_answer(void *arg, struct work *w, const struct work_ask *q, struct json **ret, struct err *e)
{
	struct stage_run *s = arg;
	CLEANUP(buf_release) struct buf request = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(stored_answer_release) struct stored_answer stored = {.text = BUF_INIT};
	struct digest d;
	int64_t draw = step_draw(s, w, q->step) + q->draw;
	asks_digest(s, &request, q->request, &d);
	int rc = s->g->store ? store_answer(s->g->store, &d, draw, &stored, e) : 0;
	if (rc > 0) {
		rc = json_parse(w->arena, buf_view(&stored.text), ret, e);
		if (rc < 0)
			return err_context(e, "a stored answer");
		asks_remember(w, q->step, q->request,
			&(struct work_asked){.request = d,
				.draw = draw,
				.stored = true,
				.answer = *ret,
				.tokens_in = stored.tokens_in,
				.tokens_out = stored.tokens_out});
		return 0;
	}
	struct provider_answer answer = {.answer = NULL};
	if (rc == 0)
		rc = ask_anew(s, w, q, draw, &answer, e);
	if (rc < 0)
		return rc;
	json_write(&text, answer.answer);
	if (buf_error(&text))
		return err_set(e, ERR_TOOBIG, "the answer is larger than %zu bytes", text.max);
	count_spent(s, &answer);
	struct answer_row row = {.request = d,
		.draw = draw,
		.answer = buf_view(&text),
		.sent = buf_view(&request),
		.model = answer.model,
		.tokens_in = answer.tokens_in,
		.tokens_out = answer.tokens_out,
		.cost = answer.cost,
		.stage = s->n,
		.item = w->io->item,
		.asked = next_at(w),
		.step = str_of(q->step)};
	store_put_answer(s->g->store, &row);
	*ret = answer.answer;
	asks_remember(w, q->step, q->request,
		&(struct work_asked){
			.request = d, .draw = draw, .answer = *ret, .tokens_in = answer.tokens_in, .tokens_out = answer.tokens_out});
	return 0;
}

void asks_invalid(void *arg, struct work *w)
{
	const struct stage_run *s = arg;
	if (s->account && w->io->asked && !w->io->asked->stored) /* one that is stored was counted when it came */
		account_count_invalid(s->account);
}

void asks_store(struct engine *g, struct stage_run *s, struct work *w, const struct json *answers)
{
	CLEANUP(buf_release) struct buf request = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	JSON_EACH(row, answers) {
		int64_t index = json_get_int(row, "index", -1);
		const struct json *ask = index < 0 ? NULL : json_at(w->io->asks, (size_t)index);
		const struct json *answer = json_get(row, "answer");
		if (!ask || !answer)
			continue;
		struct answer_row put = {.draw = first_draw(s, w, (size_t)index),
			.object = json_get_str(answer, "object"),
			.stage = s->n,
			.item = w->io->item,
			.asked = (int)index,
			.step = str_of(arena_printf(w->arena, "ask %lld", (long long)index + 1))};
		asks_digest(s, &request, ask, &put.request);
		buf_clear(&text);
		json_write(&text, answer);
		put.answer = buf_view(&text);
		put.sent = buf_view(&request);
		put.model = str_of(s->cs->stage.provider->ops->kind);
		struct digest d;
		if (digest_parse(put.object, &d))
			store_put_object(g->store, &d, json_get_int(answer, "bytes", objects_size(g->objects, &d)), 0);
		store_put_answer(g->store, &put);
	}
}

void asks_refs(struct stage_run *s, const struct work *w, struct visit_done *d)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	size_t n = json_count(w->io->asks) + (size_t)(w->io->asked ? w->io->asked->at + 1 : 0), step = 0;
	if (n == 0)
		return;
	struct answer_ref *v = arena_array(w->arena, n + 1, sizeof(*v));
	JSON_EACH(request, w->io->asks) {
		asks_digest(s, &text, request, &v[step].request);
		v[step].draw = first_draw(s, w, step);
		step++;
	}
	for (const struct work_asked *a = w->io->asked; a; a = a->next)
		v[step + (size_t)a->at] = (struct answer_ref){a->request, a->draw};
	d->answers = v;
	d->nanswers = n;
}
