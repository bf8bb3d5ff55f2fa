/* What becomes of a chat request: key, checks, limits, failures, answer, delay; and its accounting. */
#include "tests/servers/llm/server.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <string.h>

#define DEFAULT_ANSWER_TOKENS 512 /* reserved for a request without max_tokens */

void chat_limits(struct server *s)
{
	int64_t now = clock_ms();
	meter_init(&s->requests, &s->switches, (double)s->switches.rpm, now);
	meter_init(&s->tokens, &s->switches, (double)s->switches.tpm, now);
}

static void refuse(struct exchange *x, int status, const char *code, const char *message)
{
	x->status = status;
	reply_error(&x->reply, status, code, message);
}

static bool named_in(const char *list, struct str name)
{
	struct str rest = str_of(list), piece;
	while (str_split(&rest, ',', &piece))
		if (str_eq(str_trim(piece), name))
			return true;
	return false;
}

/* ---- Checks that need no allowance ---- */

static bool may_enter(struct exchange *x, const char *authorization)
{
	const struct switches *s = &x->server->switches;
	if (!s->auth[0])
		return true;
	if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0 && strcmp(authorization + 7, s->auth) == 0)
		return true;
	refuse(x, 401, "invalid_api_key", "Incorrect API key provided.");
	return false;
}

static bool may_ask(struct exchange *x, const struct request *r)
{
	const struct switches *s = &x->server->switches;
	bool json = r->format.n && !str_is(r->format, "text");
	if (s->models[0] && !named_in(s->models, r->model))
		refuse(x, 404, "model_not_found", "The model does not exist or you do not have access to it.");
	else if (json && s->no_json_mode)
		refuse(x, 400, "invalid_parameter", "response_format is not supported by this model.");
	else if (s->no_response_format && str_is(r->format, "json_schema"))
		refuse(x, 400, "invalid_parameter", "response_format type json_schema is not supported by this model.");
	else
		return true;
	return false;
}

/* ---- Limits ---- */

static void limited(struct exchange *x, uint64_t *which, const char *code, const char *message)
{
	stats_limited(&x->server->stats, which, clock_ms());
	refuse(x, 429, code, message);
}

/* Takes from the allowances, or refuses. */
static bool let_in(struct exchange *x, const struct request *r)
{
	struct server *s = x->server;
	int64_t now = clock_ms();
	double charged = (double)r->tokens_in;
	if (s->switches.reserve)
		charged += (double)(r->max_tokens ? r->max_tokens : DEFAULT_ANSWER_TOKENS);
	int64_t wait_requests = meter_wait(&s->requests, 1, now), wait_tokens = meter_wait(&s->tokens, charged, now);
	if (s->switches.quota_after && s->stats.admitted >= (uint64_t)s->switches.quota_after) {
		limited(x, &s->stats.limited_quota, "insufficient_quota",
			"You exceeded your current quota, please check your plan and billing details.");
		return false;
	}
	if (s->switches.concurrency && s->stats.in_flight > (uint64_t)s->switches.concurrency) {
		limited(x, &s->stats.limited_concurrency, "rate_limit_exceeded", "Too many requests at once.");
		x->retry_ms = 1000;
		return false;
	}
	if (wait_requests > 0 || wait_tokens > 0) {
		x->retry_ms = wait_requests > wait_tokens ? wait_requests : wait_tokens;
		limited(x, wait_requests > 0 ? &s->stats.limited_requests : &s->stats.limited_tokens, "rate_limit_exceeded",
			wait_requests > 0 ? "Rate limit reached for requests per minute."
							  : "Rate limit reached for tokens per minute.");
		return false;
	}
	meter_add(&s->requests, 1, now);
	meter_add(&s->tokens, charged, now);
	x->admitted = true;
	x->admitted_ms = now;
	x->charged = (int64_t)charged;
	x->tokens_in = r->tokens_in;
	s->stats.admitted++;
	return true;
}

/* ---- Failures on the way ---- */

static double unit(uint64_t h)
{
	return (double)(h >> 11) * 0x1p-53;
}

static void draw_carried(struct exchange *x, uint64_t key)
{
	const struct switches *s = &x->server->switches;
	double at = unit(mix(key, "carried", 0)) * 100;
	for (int i = 0; i < s->nstatuses; i++)
		if ((at -= s->statuses[i].percent) < 0) {
			x->carried = CARRIED_STATUS;
			x->status = s->statuses[i].status;
			return;
		}
	for (int i = CARRIED_STATUS + 1; i < CARRIED_COUNT; i++)
		if ((at -= s->carried[i]) < 0) {
			x->carried = (enum carried)i;
			return;
		}
}

/* What a failure makes of the body. */
static void spoil(struct exchange *x, uint64_t key)
{
	switch (x->carried) {
	case CARRIED_STATUS:
		buf_clear(&x->reply);
		reply_error(&x->reply, x->status, "server_failure", "The server had an error while processing your request.");
		break;
	case CARRIED_HTML:
		buf_clear(&x->reply);
		buf_puts(&x->reply,
			"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body><h1>Welcome</h1></body></html>\n");
		x->type = "text/html; charset=utf-8";
		break;
	case CARRIED_BAD_JSON:
		buf_truncate(&x->reply, x->reply.len / 2);
		buf_puts(&x->reply, "\nupstream connect error");
		break;
	default:
		x->cut = x->reply.len / 4 + mix_below(key, "cut", x->reply.len / 2 + 1);
	}
}

static void count_answer(struct stats *t, const struct reply *r)
{
	t->answered[r->answered]++;
	if (r->answered == ANSWERED_REFUSE || r->answered == ANSWERED_FILTER || r->answered == ANSWERED_FILTER_400)
		return;
	t->parts[r->answer.part]++;
	for (int i = 0; i < MISBEHAVE_COUNT; i++)
		t->misbehaved[i] += r->answer.misbehaved >> i & 1;
}

static void answer(struct exchange *x, const struct request *r)
{
	struct server *s = x->server;
	uint64_t key = mix(x->digest ^ s->seed, "attempt", x->attempt);
	draw_carried(x, key);
	x->delay_ms =
		(int64_t)(switches_latency(&s->switches, unit(mix(key, "latency", 0)), unit(mix(key, "latency", 1))) + 0.5);
	s->stats.carried[x->carried]++;
	if (x->carried != CARRIED_STATUS && x->carried != CARRIED_HANG && x->carried != CARRIED_RESET) {
		reply_make(&s->agents, r, &s->switches, &x->reply, &x->made);
		x->status = x->made.status;
		count_answer(&s->stats, &x->made);
	}
	if (x->carried != CARRIED_NONE)
		spoil(x, key);
}

void chat_plan(struct exchange *x, const char *authorization)
{
	struct server *s = x->server;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct request r;
	struct err e = ERR_INIT;
	bool fresh = false;
	x->chat = true;
	stats_request(&s->stats, clock_ms());
	s->stats.in_flight++;
	if (s->stats.in_flight > s->stats.in_flight_peak)
		s->stats.in_flight_peak = s->stats.in_flight;
	if (!may_enter(x, authorization))
		return;
	if (request_read(&a, buf_view(&x->body), s->seed, &r, &e) < 0) {
		refuse(x, 400, "invalid_request", e.text);
		return;
	}
	x->digest = r.digest;
	struct seen_entry *seen = seen_entry(&s->seen, r.digest, &fresh);
	if (seen && !fresh) {
		s->stats.again++;
		s->stats.answered_again += seen->answered;
	}
	if (!may_ask(x, &r) || !let_in(x, &r))
		return;
	x->attempt = seen ? ++seen->admitted : 1;
	answer(x, &r);
}

/* ---- Accounting ---- */

void chat_leaves(struct exchange *x)
{
	struct server *s = x->server;
	if (!x->admitted || x->counted)
		return;
	int64_t now = clock_ms();
	bool nothing = x->status >= 400; /* an error costs no tokens */
	int64_t used = nothing ? 0 : x->tokens_in + x->made.tokens_out;
	x->counted = true;
	if (s->switches.reserve || nothing)
		meter_correct(&s->tokens, (double)(used - x->charged), x->admitted_ms, now);
	else
		meter_add(&s->tokens, (double)(used - x->charged), now);
	if (!nothing)
		stats_tokens(&s->stats, x->tokens_in, x->made.tokens_out, now);
}

static void log_line(struct exchange *x, bool whole)
{
	struct server *s = x->server;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "{\"ms\":%lld,\"request\":\"%016llx\",\"attempt\":%u,\"status\":%d,\"failure\":\"%s\",\"whole\":%s",
		(long long)(clock_ms() - s->stats.start_ms), (unsigned long long)x->digest, x->attempt, x->status,
		x->carried ? carried_names[x->carried] : "", whole ? "true" : "false");
	if (x->admitted && x->status == 200)
		buf_printf(&b, ",\"part\":\"%s\",\"content\":\"%016llx\"", part_names[x->made.answer.part],
			(unsigned long long)x->made.content);
	if (s->log_bodies && x->body.len) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct json *body = NULL;
		if (json_parse(&a, buf_view(&x->body), &body, NULL) == 0) {
			buf_puts(&b, ",\"body\":");
			json_write(&b, body);
		}
	}
	buf_puts(&b, "}\n");
	fwrite(b.data, 1, b.len, s->log);
	s->log_dirty = true;
}

void chat_done(struct exchange *x, bool whole)
{
	struct server *s = x->server;
	s->stats.in_flight--;
	bool good = whole && x->status == 200 && (x->carried == CARRIED_NONE || x->carried == CARRIED_DRIP);
	if (whole)
		s->stats.statuses[x->status < STATUS_MAX ? x->status : 0]++;
	else if (x->carried == CARRIED_NONE || x->carried == CARRIED_STATUS || x->carried == CARRIED_HANG)
		s->stats.gone++;
	if (good && x->admitted) {
		bool fresh;
		struct seen_entry *seen = seen_entry(&s->seen, x->digest, &fresh);
		if (seen)
			seen->answered = true;
	}
	if (s->log)
		log_line(x, whole);
}

static void header_ms(struct MHD_Response *response, const char *name, int64_t ms)
{
	char text[48];
	if (ms < 1000)
		snprintf(text, sizeof(text), "%lldms", (long long)ms);
	else if (ms < 60000)
		snprintf(text, sizeof(text), "%.3gs", (double)ms / 1000);
	else
		snprintf(text, sizeof(text), "%lldm%llds", (long long)(ms / 60000), (long long)(ms / 1000 % 60));
	MHD_add_response_header(response, name, text);
}

static void header_number(struct MHD_Response *response, const char *name, double n)
{
	char text[32];
	snprintf(text, sizeof(text), "%.0f", n > 0 ? n : 0);
	MHD_add_response_header(response, name, text);
}

void chat_headers(const struct exchange *x, struct MHD_Response *response)
{
	struct server *s = x->server;
	int64_t now = clock_ms();
	if (s->switches.rpm) {
		double left = meter_left(&s->requests, now);
		header_number(response, "x-ratelimit-limit-requests", (double)s->switches.rpm);
		header_number(response, "x-ratelimit-remaining-requests", left >= 0 ? (double)(int64_t)left : 0);
		header_ms(response, "x-ratelimit-reset-requests", meter_wait(&s->requests, meter_most(&s->requests), now));
	}
	if (s->switches.tpm) {
		double left = meter_left(&s->tokens, now);
		header_number(response, "x-ratelimit-limit-tokens", (double)s->switches.tpm);
		header_number(response, "x-ratelimit-remaining-tokens", left >= 0 ? (double)(int64_t)left : 0);
		header_ms(response, "x-ratelimit-reset-tokens", meter_wait(&s->tokens, meter_most(&s->tokens), now));
	}
	if (x->retry_ms >= 0) {
		header_number(response, "Retry-After", (double)((x->retry_ms + 999) / 1000));
		header_number(response, "retry-after-ms", (double)x->retry_ms);
	}
}
