/* What becomes of a chat request: checks, answer, and what is counted of it. */
#include "tests/servers/common/gate.h"
#include "tests/servers/llm/service.h"

#include "base/alloc.h"

#include <string.h>

#define DEFAULT_ANSWER_TOKENS 512 /* reserved for a request without max_tokens */

struct chat {
	struct exchange x; /* first */
	struct reply made;
	int64_t tokens_in;
};

static bool may_ask(struct exchange *x, const struct request *r)
{
	const struct llm_switches *s = (const struct llm_switches *)x->server->switches;
	bool json = r->format.n && !str_is(r->format, "text");
	if (!gate_model(x, r->model))
		return false;
	if (json && s->no_json_mode)
		gate_refuse(x, 400, "invalid_parameter", "response_format is not supported by this model.");
	else if (s->no_response_format && str_is(r->format, "json_schema"))
		gate_refuse(x, 400, "invalid_parameter", "response_format type json_schema is not supported by this model.");
	else
		return true;
	return false;
}

static void count_answer(struct server *s, const struct reply *r)
{
	struct llm *own = s->own;
	s->stats.answered[r->answered]++;
	if (r->answered == ANSWERED_REFUSE || r->answered == ANSWERED_FILTER || r->answered == ANSWERED_FILTER_400)
		return;
	own->parts[r->answer.part]++;
	for (int i = 0; i < MISBEHAVE_COUNT; i++)
		own->misbehaved[i] += r->answer.misbehaved >> i & 1;
}

static void answer(struct exchange *x, const struct request *r)
{
	struct server *s = x->server;
	struct llm *own = s->own;
	struct chat *c = (struct chat *)x;
	c->tokens_in = r->tokens_in;
	if (gate_attempt(x)) {
		reply_make(&own->agents, r, (const struct llm_switches *)s->switches, &x->reply, &c->made);
		x->status = c->made.status;
		count_answer(s, &c->made);
	}
	gate_spoil(x);
}

static void plan_chat(struct exchange *x)
{
	struct server *s = x->server;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct request r;
	struct err e = ERR_INIT;
	if (!gate_enter(x))
		return;
	if (request_read(&a, buf_view(&x->body), s->seed, &r, &e) < 0) {
		gate_refuse(x, 400, "invalid_request", e.text);
		return;
	}
	gate_seen(x, r.digest);
	int64_t reserved = s->switches->reserve ? r.max_tokens ? r.max_tokens : DEFAULT_ANSWER_TOKENS : 0;
	if (may_ask(x, &r) && gate_admit(x, r.tokens_in + reserved))
		answer(x, &r);
}

static bool plan(struct exchange *x, const char *path, const char *method)
{
	if (strcmp(method, "POST") != 0 || strcmp(path, "/chat/completions") != 0)
		return false;
	plan_chat(x);
	return true;
}

static int64_t used(const struct exchange *x)
{
	const struct chat *c = (const struct chat *)x;
	struct llm *own = x->server->own;
	own->tokens_in += c->tokens_in;
	own->tokens_out += c->made.tokens_out;
	return c->tokens_in + c->made.tokens_out;
}

static void log_members(const struct exchange *x, struct buf *b)
{
	const struct chat *c = (const struct chat *)x;
	buf_printf(b, ",\"part\":\"%s\",\"content\":\"%016llx\"", part_names[c->made.answer.part],
		(unsigned long long)c->made.content);
}

static void show_stats(struct server *s, struct arena *a, struct json *to)
{
	const struct llm *own = s->own;
	struct json *tokens = json_object(a);
	json_set(a, to, "misbehaved", stats_counts(a, own->misbehaved, misbehave_names, MISBEHAVE_COUNT));
	json_set(a, to, "parts", stats_counts(a, own->parts, part_names, PART_COUNT));
	json_set_int(a, tokens, "in", own->tokens_in);
	json_set_int(a, tokens, "out", own->tokens_out);
	json_set(a, to, "tokens", tokens);
}

static void reset(struct server *s)
{
	struct llm *own = s->own;
	memset(own->misbehaved, 0, sizeof(own->misbehaved));
	memset(own->parts, 0, sizeof(own->parts));
	own->tokens_in = own->tokens_out = 0;
}

const struct service llm_service = {.name = "taf-llm-server",
	.root = "/v1",
	.routes = "There are POST /v1/chat/completions, GET /v1/models, GET /stats, POST /reset, GET and POST /switch.",
	.amount = "tokens",
	.model = "taf-test",
	.switches = &llm_switch_set,
	.exchange_size = sizeof(struct chat),
	.plan = plan,
	.used = used,
	.log = log_members,
	.stats = show_stats,
	.reset = reset};
