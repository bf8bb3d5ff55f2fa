#include "core/engine_parts.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/objects.h"

/* The engine's side of core/tts.h. A sound is counted by the characters of its text: tokens in, none out. */

static int64_t draw_of(const struct stage_run *s, const struct work *w, const struct work_sound *q)
{
	if (s->cs->stage.provider->ops->deterministic)
		return q->rung;
	const char *purpose = arena_printf(w->arena, "speak %s", q->side);
	return (int64_t)(draw_hash((uint64_t)s->g->config->seed, w->id, purpose) >> 16) + q->rung;
}

static int64_t tokens_of(const struct json *request)
{
	return (int64_t)utf8_count(json_get_str(request, "text"));
}

int sounds_find(void *arg, struct work *w, const struct work_sound *q, struct json **ret, struct err *e)
{
	struct stage_run *s = arg;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(stored_answer_release) struct stored_answer stored = {.text = BUF_INIT};
	struct digest d;
	if (!s->g->store)
		return 0;
	asks_digest(s, &text, q->request, &d);
	int rc = store_answer(s->g->store, &d, draw_of(s, w, q), &stored, e);
	if (rc > 0 && json_parse(w->arena, buf_view(&stored.text), ret, e) < 0)
		return err_context(e, "a stored sound");
	return rc > 0 ? asks_whole(s->g, *ret) : rc;
}

/* All sounds that came are paid for, also those that will not do; so the rows of those that are kept bear no cost. */
static void count_spent(struct stage_run *s, const struct provider_speak *q, const struct provider_sound *sounds)
{
	const struct provider *p = s->cs->stage.provider;
	struct account_config c = {.name = NULL};
	int64_t tokens = 0;
	p->ops->account(p, &c);
	for (size_t i = 0; i < q->n; i++)
		tokens += sounds[i].bytes.n ? (int64_t)utf8_count(q->texts[i]) : 0;
	int64_t cost = price_of(&c.price, tokens, 0);
	s->tokens_in += tokens;
	s->cost += cost;
	if (cost > 0)
		store_put_spent(s->g->store, cost);
}

int sounds_speak(void *arg, struct work *w, const struct provider_speak *q, struct provider_sound *ret, struct err *e)
{
	struct stage_run *s = arg;
	const struct provider *p = s->cs->stage.provider;
	struct provider_speak here = *q;
	(void)w;
	here.lane = s->at;
	if (engine_stopped(s->g))
		return err_set(e, ERR_STOPPED, "the run was stopped");
	if (!s->account)
		return err_set(e, ERR_TRANSIENT, "no stored sound of this line, and provider %s is not asked now", p->name);
	int rc = p->ops->speak(p, s->places, s->nplaces, &here, ret, e);
	s->requests++;
	if (rc == 0)
		count_spent(s, q, ret);
	return rc;
}

int sounds_keep(void *arg, struct work *w, const struct work_sound *q, const struct json *answer, struct err *e)
{
	struct stage_run *s = arg;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf request = BUF_INIT;
	struct answer_row row = {.draw = draw_of(s, w, q),
		.object = json_get_str(answer, "object"),
		.model = str_of(s->cs->stage.provider->ops->kind),
		.tokens_in = tokens_of(q->request),
		.stage = s->n,
		.item = w->io->item,
		.step = str_of(q->step)};
	struct digest d;
	if (!digest_parse(row.object, &d))
		return err_set(e, ERR_BUG, "a sound without an object");
	json_write(&text, answer);
	asks_digest(s, &request, q->request, &row.request);
	row.answer = buf_view(&text);
	row.sent = buf_view(&request);
	store_put_object(s->g->store, &d, objects_size(s->g->objects, &d), 0);
	store_put_answer(s->g->store, &row);
	return 0;
}

int sounds_use(void *arg, struct work *w, const struct work_sound *q, const struct json *answer, struct err *e)
{
	struct stage_run *s = arg;
	CLEANUP(buf_release) struct buf request = BUF_INIT;
	struct work_asked asked = {
		.draw = draw_of(s, w, q), .stored = true, .answer = answer, .tokens_in = tokens_of(q->request)};
	(void)e;
	asks_digest(s, &request, q->request, &asked.request);
	asks_remember(w, q->step, q->request, &asked);
	return 0;
}
