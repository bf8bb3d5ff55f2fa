#include "core/engine_parts.h"
#include "core/objects.h"

#include "base/alloc.h"

#include <stdio.h>

/* Provider answers: stored before anything is made of them, under the digest of (canonical request, provider identity, generation) and a draw number. */

static void request_digest(struct stage_run *s, struct buf *scratch, const struct json *request, struct digest *ret)
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
static bool answer_whole(struct engine *g, const struct json *answer)
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
	size_t step = 0;
	JSON_EACH(request, w->io->asks) {
		struct digest d;
		request_digest(s, &text, request, &d);
		int rc = store_answer(g->store, &d, first_draw(s, w, step++), &text, e);
		struct json *answer = NULL;
		if (rc > 0)
			rc = json_parse(w->arena, buf_view(&text), &answer, e);
		if (rc < 0)
			return err_context(e, "a stored answer");
		struct json *row = json_object(w->arena);
		json_set(w->arena, row, "request", json_copy(w->arena, request));
		json_set(w->arena, row, "answer", answer && answer_whole(g, answer) ? answer : json_null(w->arena));
		json_append(out, row);
	}
	w->asks = out;
	return 0;
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
		struct answer_row put = {.draw = first_draw(s, w, (size_t)index), .object = json_get_str(answer, "object")};
		request_digest(s, &request, ask, &put.request);
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
