#include "core/engine_parts.h"
#include "core/message.h"

#include "base/alloc.h"

/* What workers are told: the stages at the beginning, then items and errands. */

static struct json *stage_setup(struct arena *a, const struct stage_run *s)
{
	const struct stage *st = &s->cs->stage;
	struct json *row = json_object(a);
	json_set_int(a, row, "index", s->at);
	json_set_text(a, row, "name", st->name);
	json_set_text(a, row, "uses", s->ops->name);
	json_set_int(a, row, "seed", (int64_t)st->seed);
	json_set_text(a, row, "dataset", st->dataset);
	json_set_text(a, row, "base", st->base);
	json_set_int(a, row, "cpu_s", s->cs->item_timeout_s + 5);
	json_set(a, row, "params", options_json(a, s->ops->options, s->ops->noptions, st->params, 0));
	json_set_text(a, row, "parts", s->parts.data);
	if (st->provider) {
		const struct provider *p = st->provider;
		struct json *provider = json_object(a);
		json_set_text(a, provider, "name", p->name);
		json_set_text(a, provider, "kind", p->ops->kind);
		json_set(a, provider, "params", options_json(a, p->ops->options, p->ops->noptions, p->params, 0));
		json_set(a, row, "provider", provider);
	}
	return row;
}

void sound_setup(struct engine *g, const char *folder, struct buf *ret)
{
	struct arena a = ARENA_INIT;
	struct json *setup = json_object(&a), *stages = json_array(&a);
	json_set_text(&a, setup, "objects", folder);
	for (size_t i = 0; i < g->nstages; i++)
		if (g->stages[i].chosen && g->stages[i].ops->exec == EXEC_SOUND)
			json_append(stages, stage_setup(&a, &g->stages[i]));
	json_set(&a, setup, "stages", stages);
	json_write(ret, setup);
	arena_release(&a);
}

int sound_message(struct stage_run *s, const struct work *w, uint64_t ticket, struct buf *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT;
	buf_printf(&body, "{\"stage\":%d,\"slot\":%d,\"id\":", s->at, w->slot);
	json_write_string(&body, w->id);
	buf_puts(&body, ",\"call\":");
	json_write(&body, w->call ? w->call : json_null(w->arena));
	buf_puts(&body, ",\"asks\":");
	json_write(&body, w->asks ? w->asks : json_null(w->arena));
	buf_putc(&body, '}');
	if (buf_error(&body) || body.len + 64 > MESSAGE_MAX)
		return err_set(e, ERR_TOOBIG, "the call is too large for a worker (%zu bytes)", body.len);
	message_put(ret, MESSAGE_WORK, ticket, buf_view(&body));
	return 0;
}

int errand_message(struct stage_run *s, const struct work *w, const struct json *request, uint64_t ticket,
	struct buf *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT;
	buf_printf(&body, "{\"stage\":%d,\"id\":", s->at);
	json_write_string(&body, w->id);
	buf_puts(&body, ",\"errand\":");
	json_write(&body, request);
	buf_putc(&body, '}');
	if (buf_error(&body) || body.len + 64 > MESSAGE_MAX)
		return err_set(e, ERR_TOOBIG, "an errand is too large for a worker (%zu bytes)", body.len);
	message_put(ret, MESSAGE_WORK, ticket, buf_view(&body));
	return 0;
}
