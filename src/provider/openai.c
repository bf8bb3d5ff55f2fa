/* The asking: one exchange, attempts and waits, fallback models. */
#include "provider/openai.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "provider/remote.h"

#include <string.h>

#define ROUTE "/chat/completions"
#define BEFORE_SHOWN 4096 /* bytes of a refusal that are kept beside the answer */

/* --- One exchange --- */

struct question {
	const struct provider *p;
	struct openai_params *o;
	struct account *account;
	const struct provider_ask *q;
	struct arena *arena;
	/* what came of it */
	int64_t tokens_in, tokens_out, cost;
	bool estimated;
	struct json *before;     /* models that gave no answer */
	struct str words;        /* of them, for an error */
	struct http_facts facts; /* of the last reply */
	int64_t took_us;
};

static const char *url_of(struct arena *a, const struct openai_params *o)
{
	return remote_url(a, o->base_url, ROUTE);
}

/* Who pays for a reply without usage: what was refused before any work costs nothing, of anything else nobody knows. */
static bool worked(const struct openai_reply *r)
{
	bool whole = r->status >= 200 && r->status < 300;
	return r->status == 0 || whole;
}

/* A wait that nobody waits for; patience 0 is for ever. */
static bool too_long(const struct openai_params *o, int64_t wait_ms)
{
	return o->patience_s > 0 && wait_ms > o->patience_s * 1000;
}

static void tell(struct question *s, struct exchange *x, size_t text_bytes, bool last, const struct openai_reply *r)
{
	bool answered = r->means == OPENAI_ANSWER || r->means == OPENAI_REFUSED || (r->means == OPENAI_FILTERED && r->answer);
	bool told = r->tokens_in >= 0;
	struct account_config c;
	struct account_report report = {
		.end = answered                      ? LIMITER_OK
			   : r->means == OPENAI_LIMITED  ? LIMITER_LIMITED
			   : r->means == OPENAI_TROUBLED ? LIMITER_TROUBLED
											 : LIMITER_NEUTRAL,
		.refused_by_status = last && (r->means == OPENAI_BAD_REQUEST || r->means == OPENAI_ACCOUNT),
		.refused = r->means == OPENAI_REFUSED,
		.filtered = r->means == OPENAI_FILTERED,
		.tokens_in = told        ? r->tokens_in
					 : worked(r) ? -1
								 : 0,
		.tokens_out = told        ? r->tokens_out
					  : worked(r) ? -1
								  : 0,
		.retry_ms = too_long(s->o, r->retry_ms) ? 0 : r->retry_ms,
	};
	account_report(s->account, x, &report);
	if (!told && !answered)
		return;
	int64_t in = told ? r->tokens_in : x->tokens_in, out = told ? r->tokens_out : x->tokens_out;
	s->p->ops->account(s->p, &c);
	s->tokens_in += in;
	s->tokens_out += out;
	s->cost += price_of(&c.price, in, out);
	s->estimated = s->estimated || !told;
	if (told && answered)
		account_learn(s->account, s->q->lane, text_bytes, in, out);
}

/* Whether a request that was refused may be asked for with less of response_format. */
static bool may_lower(const struct question *s, enum openai_format format, const struct openai_reply *r)
{
	return r->means == OPENAI_BAD_REQUEST && (r->status == 400 || r->status == 422) && format != OPENAI_FORMAT_NONE &&
		   s->o->json_mode == OPENAI_JSON_AUTO;
}

/* Send once and read the reply. Errors are those of the body and of the account; whatever the server says is in `ret`. */
static int exchange_once(struct question *s, size_t model, enum openai_format format, int64_t not_before_ms,
	struct openai_reply *ret, struct err *e)
{
	const struct openai_params *o = s->o;
	CLEANUP(buf_release) struct buf body = BUF_INIT_MAX(OPENAI_BODY_MAX);
	CLEANUP(remote_wipe) struct buf authorization = BUF_INIT;
	CLEANUP(exchange_release) struct exchange x = {.not_before_ms = not_before_ms};
	struct openai_sending sending = {.params = o, .model = openai_model(o, model), .format = format, .q = s->q};
	struct str key = remote_key(o->api_key_env);
	size_t text_bytes = 0;
	int rc = openai_body(&sending, &body, &text_bytes, e);
	if (rc < 0)
		return rc;
	buf_printf(&authorization, "Authorization: Bearer %.*s", STR_FMT(key));
	const char *headers[] = {
		"Content-Type: application/json", "Accept: application/json", key.n ? authorization.data : NULL, NULL};
	x.http = (struct http_request){.method = "POST",
		.url = url_of(s->arena, o),
		.headers = headers,
		.body = buf_view(&body),
		.connect_ms = o->connect_timeout_s * 1000,
		.total_ms = o->timeout_s * 1000,
		.stall_bytes_s = o->stall_s ? 1 : 0,
		.stall_s = o->stall_s,
		.reply_max = (size_t)o->reply_max_kb << 10};
	int64_t max_tokens = json_get_int(s->q->request, "max_tokens", o->max_tokens);
	account_expect(s->account, s->q->lane, text_bytes, max_tokens, &x.tokens_in, &x.tokens_out);
	x.max_tokens = max_tokens;
	rc = account_exchange(s->account, &x, e);
	if (rc < 0)
		return rc;
	openai_read(s->arena, &x.reply, sending.model, key, clock_wall_ms(), ret);
	s->facts = x.reply.facts;
	s->took_us = x.reply.total_us;
	tell(s, &x, text_bytes, !may_lower(s, format, ret), ret);
	return 0;
}

/* --- Attempts at one model --- */

/* From the seed of the draw, which no two questions share, so that they do not come back together. */
static int64_t backoff_ms(const struct question *s, int64_t failed)
{
	return remote_backoff_ms((uint64_t)s->q->seed, s->o->model, failed);
}

/* No request of this account will do: all of its stages stop, now. */
static int stop_account(struct question *s, struct err *e, const char *what, struct str words)
{
	struct err why = ERR_INIT;
	err_set(&why, ERR_ACCOUNT, "provider %s: %s%.*s", s->p->name, what, STR_FMT(words));
	account_refuse(s->account, &why);
	return err_set(e, ERR_ACCOUNT, "%s", why.text);
}

static int refuse_account(struct question *s, const struct openai_reply *r, struct err *e)
{
	const struct openai_params *o = s->o;
	struct str words = r->words;
	if ((r->status == 401 || r->status == 403) && o->api_key_env.n)
		words =
			str_of(arena_printf(s->arena, "%.*s (the key is taken from %.*s)", STR_FMT(words), STR_FMT(o->api_key_env)));
	else if (r->status == 401)
		words = str_of(arena_printf(s->arena, "%.*s (no api_key_env is given)", STR_FMT(words)));
	else if (r->status == 404 || r->status == 405 || (r->status >= 300 && r->status < 400))
		words = str_of(
			arena_printf(s->arena, "%.*s (asked was %s: is base_url right?)", STR_FMT(words), url_of(s->arena, o)));
	return stop_account(s, e, "", words);
}

/* One step down in response_format: the next `refused` at which it is another. */
static int lower(const struct question *s, int refused, enum openai_format format)
{
	while (refused < 2 && openai_format_of(s->o, refused, s->q) == format)
		refused++;
	return refused;
}

static void remember(_Atomic int *known, int refused)
{
	int now = atomic_load(known);
	while (now < refused && !atomic_compare_exchange_weak(known, &now, refused))
		;
}

/* A failure that may pass: when to ask again, or the error that ends it. */
static int again(struct question *s, size_t model, const struct openai_reply *r, int64_t failed,
	int64_t *ret_not_before, struct err *e)
{
	struct str name = openai_model(s->o, model);
	if (too_long(s->o, r->retry_ms))
		return stop_account(s, e,
			arena_printf(s->arena,
				"the server asks to wait %lld s, which is longer than patience_s: ", (long long)(r->retry_ms / 1000)),
			r->words);
	if (failed >= s->o->attempts)
		return err_set(e, ERR_TRANSIENT, "%.*s gave no answer to %lld attempts; the last: %.*s", STR_FMT(name),
			(long long)failed, STR_FMT(r->words));
	*ret_not_before = clock_ms() + r->retry_ms + backoff_ms(s, failed - 1);
	return 0;
}

/* All attempts at one model. 0: the reply is an answer, a refusal, filtered, or there is no such model. */
static int ask_model(struct question *s, size_t model, struct openai_reply *ret, struct err *e)
{
	int64_t failed = 0, not_before = 0;
	int refused = atomic_load(&s->o->json_refused[model]);
	for (;;) {
		enum openai_format format = openai_format_of(s->o, refused, s->q);
		int rc = exchange_once(s, model, format, not_before, ret, e);
		if (rc < 0)
			return rc;
		switch (ret->means) {
		case OPENAI_ANSWER:
		case OPENAI_FILTERED:
		case OPENAI_REFUSED:
			if (ret->answer)
				remember(&s->o->json_refused[model], refused);
			return 0;
		case OPENAI_NO_MODEL:
			atomic_store(&s->o->missing[model], true);
			return 0;
		case OPENAI_BAD_REQUEST:
			if (!may_lower(s, format, ret))
				return err_set(e, ERR_DATA, "%.*s: the server refused the request: %.*s",
					STR_FMT(openai_model(s->o, model)), STR_FMT(ret->words));
			refused = lower(s, refused, format);
			if (ret->names_format)
				remember(&s->o->json_refused[model], refused);
			break;
		case OPENAI_ACCOUNT:
			return refuse_account(s, ret, e);
		case OPENAI_TOO_LONG:
			return err_set(e, ERR_INVALID, "%.*s: %.*s", STR_FMT(openai_model(s->o, model)), STR_FMT(ret->words));
		case OPENAI_STOPPED:
			return err_set(e, ERR_STOPPED, "interrupted");
		case OPENAI_LIMITED:
		case OPENAI_TROUBLED:
			rc = again(s, model, ret, ++failed, &not_before, e);
			if (rc < 0)
				return rc;
			break;
		}
	}
}

/* --- All models --- */

static const char *why_not(const struct openai_reply *r)
{
	if (!r || r->means == OPENAI_NO_MODEL)
		return "missing";
	if (r->means == OPENAI_LIMITED || r->means == OPENAI_TROUBLED)
		return "failed";
	return r->means == OPENAI_FILTERED ? "filtered" : "refused";
}

static void note_before(struct question *s, size_t model, const struct openai_reply *r)
{
	struct str name = openai_model(s->o, model), said = r ? r->words : STR("");
	const char *why = why_not(r), *glue = *why == 'm' ? ":" : " by";
	struct json *entry = json_object(s->arena);
	json_set_str(s->arena, entry, "model", name);
	json_set_text(s->arena, entry, "why", why);
	if (*why == 'r')
		json_set_str(s->arena, entry, "content", utf8_clip(json_get_str(r->answer, "content"), BEFORE_SHOWN));
	json_append(s->before, entry);
	s->words = str_of(arena_printf(s->arena, "%.*s%s%s%s %.*s%s%.*s", STR_FMT(s->words), s->words.n ? "; " : "", why,
		glue, STR_FMT(name), said.n ? ": " : "", STR_FMT(said)));
}

/* The first model that answers; else the last refusal: it was paid for, and is kept. One that failed in all attempts makes the whole a failure that may
 * pass. */
static int ask_all(struct question *s, struct openai_reply *ret, struct err *e)
{
	struct openai_reply refusal = {.answer = NULL};
	bool any = false; /* model that is there */
	struct err passing = ERR_INIT;
	for (size_t i = 0; i < openai_models(s->o); i++) {
		if (atomic_load(&s->o->missing[i])) {
			note_before(s, i, NULL);
			continue;
		}
		struct err own = ERR_INIT;
		int rc = ask_model(s, i, ret, &own);
		if (rc == ERR_TRANSIENT && !passing.code)
			passing = own;
		if (rc < 0 && rc != ERR_TRANSIENT)
			return err_set(e, rc, "%s", own.text);
		if (rc == 0 && ret->means == OPENAI_ANSWER)
			return 0;
		any = any || ret->means != OPENAI_NO_MODEL;
		note_before(s, i, ret);
		if (rc == 0 && ret->means == OPENAI_REFUSED)
			refusal = *ret;
	}
	if (passing.code)
		return err_set(e, ERR_TRANSIENT, "%s", passing.text);
	if (refusal.answer) {
		*ret = refusal;
		return 0;
	}
	if (!any)
		return stop_account(s, e, "the server has none of the models that are named: ", s->words);
	return err_set(e, ERR_DATA, "%.*s", STR_FMT(s->words));
}

int openai_ask(const struct provider *p, struct account *account, const struct provider_ask *q,
	struct provider_answer *ret, struct err *e)
{
	struct question s = {.p = p,
		.o = p->params,
		.account = account,
		.q = q,
		.arena = q->arena,
		.before = json_array(q->arena),
		.words = STR("")};
	struct openai_reply reply = {.means = OPENAI_STOPPED};
	int rc = ask_all(&s, &reply, e);
	*ret = (struct provider_answer){.tokens_in = s.tokens_in, .tokens_out = s.tokens_out, .cost = s.cost};
	if (rc < 0)
		return rc;
	if (json_count(s.before) > (reply.means == OPENAI_REFUSED)) /* a refusal that is the answer stands in it, too */
		json_set(s.arena, reply.answer, "before", s.before);
	if (s.estimated)
		json_set(s.arena, reply.answer, "estimated", json_bool(s.arena, true));
	ret->answer = reply.answer;
	ret->model = json_get_str(reply.answer, "model");
	return 0;
}

/* --- check --online --- */

static void put_limit(struct buf *b, const char *limit, const char *remaining, const char *what)
{
	if (limit[0] || remaining[0])
		buf_printf(b, ", %s%s%s%s%s", limit[0] ? limit : remaining, limit[0] ? " " : " more ", what,
			limit[0] && remaining[0] ? ", left now: " : "", limit[0] ? remaining : "");
}

/* What a run would not end at, but go on to the next model. */
static bool passed_on(const struct openai_reply *r)
{
	return !r->answer && (r->means == OPENAI_NO_MODEL || r->means == OPENAI_FILTERED || r->means == OPENAI_LIMITED ||
							 r->means == OPENAI_TROUBLED);
}

/* Why the first model did not answer, as an error. */
static int probe_error(struct question *s, const struct openai_reply *r, struct err *e)
{
	if (r->means == OPENAI_ACCOUNT)
		return refuse_account(s, r, e);
	if (r->means == OPENAI_NO_MODEL)
		return err_set(e, ERR_ACCOUNT, "provider %s: there is no model %.*s: %.*s", s->p->name, STR_FMT(s->o->model),
			STR_FMT(r->words));
	return err_set(e, r->means == OPENAI_BAD_REQUEST || r->means == OPENAI_FILTERED ? ERR_DATA : ERR_TRANSIENT,
		"provider %s: %.*s", s->p->name, STR_FMT(r->words));
}

/* Each model once, until one answers. *ret_first is what the first said, *ret what the last that was asked did. */
static int probe_models(struct question *s, struct openai_reply *ret_first, struct openai_reply *ret, struct err *e)
{
	for (size_t i = 0; i < openai_models(s->o); i++) {
		int rc = exchange_once(s, i, OPENAI_FORMAT_NONE, 0, ret, e);
		if (rc < 0)
			return rc;
		if (i == 0)
			*ret_first = *ret;
		if (!passed_on(ret))
			return 0;
		note_before(s, i, ret);
	}
	return 0;
}

int openai_probe(const struct provider *p, struct account *account, struct buf *ret, struct buf *ret_doubt, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *request = NULL;
	int rc =
		json_parse(&a, STR("{\"max_tokens\":16,\"messages\":[{\"content\":\"你好\",\"role\":\"user\"}]}"), &request, e);
	ASSERT(rc == 0);
	struct provider_ask q = {.arena = &a, .request = request};
	struct question s = {
		.p = p, .o = p->params, .account = account, .q = &q, .arena = &a, .before = json_array(&a), .words = STR("")};
	struct openai_reply first, r;
	rc = probe_models(&s, &first, &r, e);
	if (rc < 0)
		return rc;
	if (!r.answer)
		return probe_error(&s, r.means == OPENAI_ACCOUNT ? &r : &first, e);
	struct str model = json_get_str(r.answer, "model");
	if (s.words.n)
		buf_printf(ret_doubt, "provider %s: %.*s; %.*s answered in its place", p->name, STR_FMT(s.words), STR_FMT(model));
	buf_printf(ret, "%.*s answered in %lld ms", STR_FMT(model), (long long)(s.took_us / 1000));
	size_t before = ret->len;
	put_limit(ret, s.facts.limit_requests, s.facts.remaining_requests, "requests");
	put_limit(ret, s.facts.limit_tokens, s.facts.remaining_tokens, "tokens");
	if (ret->len == before)
		buf_puts(ret, "; the server tells no limits");
	return 0;
}
