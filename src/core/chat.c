#include "core/chat.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/work.h"

#define REPAIR_SHOWN 4000 /* bytes of a bad answer that are shown back */

void chat_say(struct arena *a, struct json *messages, const char *role, struct str content)
{
	struct json *m = json_object(a);
	json_set_text(a, m, "role", role);
	json_set_str(a, m, "content", content);
	json_append(messages, m);
}

static struct json *request_of(struct arena *a, const struct chat *q, struct json *messages)
{
	struct json *r = json_object(a);
	json_set(a, r, "messages", messages);
	if (q->temperature >= 0)
		json_set(a, r, "temperature", json_real(a, q->temperature));
	if (q->max_tokens > 0)
		json_set_int(a, r, "max_tokens", q->max_tokens);
	if (q->schema)
		json_set(a, r, "json", json_bool(a, true));
	return r;
}

/* A stored or new answer, read and judged. ERR_INVALID, ERR_DECLINED: the next draw. */
static int read_answer(
	struct work *w, const struct chat *q, const struct json *answer, struct chat_reply *ret, struct err *e)
{
	struct chat_reply r = {.model = json_get_str(answer, "model"), .draw = ret->draw};
	answer_split(json_get_str(answer, "content"), json_get_str(answer, "reasoning"), &r.thinking, &r.text);
	*ret = r;
	if (str_is(json_get_str(answer, "finish"), "length"))
		return err_set(e, ERR_INVALID, "the answer was cut off at the limit of tokens (max_tokens)");
	if (r.text.n == 0)
		return err_set(e, ERR_INVALID, "the answer is empty");
	if (json_get_bool(answer, "refused", false) || answer_refuses(r.text))
		return err_set(e, ERR_DECLINED, "the model refused: %.*s", STR_FMT(utf8_clip(r.text, 120)));
	int rc = 0;
	if (q->schema)
		rc = answer_json(w->arena, r.text, &r.json, e);
	if (rc == 0 && q->schema)
		rc = schema_check(q->schema, r.json, e);
	if (rc == 0)
		*ret = r;
	if (rc == 0 && q->judge)
		rc = q->judge(q->arg, ret, e);
	return rc;
}

static int ask_draw(
	struct work *w, const struct chat *q, const struct work_ask *ask, struct chat_reply *ret, struct err *e)
{
	struct json *answer = NULL;
	int rc = w->io->ask(w->io->arg, w, ask, &answer, e);
	if (rc < 0)
		return rc;
	ret->draw = ask->draw;
	rc = read_answer(w, q, answer, ret, e);
	if (rc == ERR_INVALID && w->io->ask_invalid)
		w->io->ask_invalid(w->io->arg, w);
	return rc;
}

/* One more request that shows the answer and says what is wrong with it. */
static int repair(struct work *w, const struct chat *q, int draw, struct chat_reply *ret, struct err *e)
{
	struct arena *a = w->arena;
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	struct json *messages = json_copy(&scratch, q->messages);
	chat_say(&scratch, messages, "assistant", utf8_clip(ret->text, REPAIR_SHOWN));
	const char *words =
		arena_printf(a, "上面的回答不符合要求：%s。请重新回答，只输出一个符合要求的 JSON，不要任何别的文字。", e->text);
	chat_say(&scratch, messages, "user", str_of(words));
	struct err own = ERR_INIT;
	struct work_ask ask = {.step = arena_printf(a, "%s repair", q->step),
		.request = request_of(&scratch, q, messages),
		.schema = q->schema ? schema_document(q->schema) : NULL,
		.draw = draw};
	int rc = ask_draw(w, q, &ask, ret, &own);
	if (rc != ERR_INVALID) {
		err_clear(e);
		if (rc < 0)
			err_set(e, rc, "%s", own.text);
	}
	return rc;
}

int work_chat(struct work *w, const struct chat *q, struct chat_reply *ret, struct err *e)
{
	const struct provider *p = w->stage->provider;
	struct provider_asking asking = {.draws = 1};
	ASSERT(p && w->io->ask);
	if (p->ops->asking)
		p->ops->asking(p, &asking);
	/* A dialogue asks dozens of questions, each as long as all before: they do not stay in the record's memory. */
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	struct work_ask ask = {.step = q->step,
		.request = request_of(&scratch, q, json_copy(&scratch, q->messages)),
		.schema = q->schema ? schema_document(q->schema) : NULL};
	int draws = asking.draws * (1 + w->io->retried);
	for (ask.draw = 0;; ask.draw++) {
		struct err own = ERR_INIT;
		struct chat_reply reply = {.draw = ask.draw};
		int rc = ask_draw(w, q, &ask, &reply, &own);
		if (rc == ERR_INVALID && q->schema && asking.repair && reply.text.n)
			rc = repair(w, q, ask.draw, &reply, &own);
		if (rc == 0) {
			*ret = reply;
			return 0;
		}
		bool useless = rc == ERR_INVALID || rc == ERR_DECLINED;
		if (useless && ask.draw + 1 < draws)
			continue;
		if (useless)
			return err_set(e, rc, "%s: no answer of %d would do; the last: %s", q->step, draws, own.text);
		err_set(e, rc, "%s", own.text);
		return err_context(e, "%s", q->step);
	}
}
