/* What comes before and after the work of any service: key, limits, failures on the way, delay; and the accounting. */
#include "tests/servers/common/gate.h"

#include "tests/servers/common/mix.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <string.h>

void reply_error(struct buf *b, int status, const char *code, const char *message)
{
	const char *type = status == 401   ? "authentication_error"
					   : status == 429 ? "rate_limit_error"
					   : status == 404 ? "not_found_error"
					   : status >= 500 ? "server_error"
									   : "invalid_request_error";
	buf_puts(b, "{\"error\":{\"message\":");
	json_write_string(b, str_of(message));
	buf_printf(b, ",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}", type, code);
}

static void put_error(struct exchange *x, const char *code, const char *message)
{
	buf_clear(&x->reply);
	x->type = "application/json";
	if (x->server->service->error)
		x->server->service->error(x, code, message);
	else
		reply_error(&x->reply, x->status, code, message);
}

void gate_refuse(struct exchange *x, int status, const char *code, const char *message)
{
	x->status = status;
	put_error(x, code, message);
}

/* ---- Checks that need no allowance ---- */

bool gate_enter(struct exchange *x)
{
	struct stats *t = &x->server->stats;
	const char *key = x->server->switches->auth;
	const char *given = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Authorization");
	x->counted = true;
	stats_request(t, clock_ms());
	t->in_flight++;
	if (t->in_flight > t->in_flight_peak)
		t->in_flight_peak = t->in_flight;
	if (!key[0] || (given && strncasecmp(given, "Bearer ", 7) == 0 && strcmp(given + 7, key) == 0))
		return true;
	gate_refuse(x, 401, "invalid_api_key", "Incorrect API key provided.");
	return false;
}

void gate_seen(struct exchange *x, uint64_t digest)
{
	struct server *s = x->server;
	bool fresh = false;
	x->digest = digest;
	const struct seen_entry *seen = seen_entry(&s->seen, digest, &fresh);
	if (seen && !fresh) {
		s->stats.again++;
		s->stats.answered_again += seen->answered;
	}
}

bool gate_model(struct exchange *x, struct str model)
{
	const char *models = x->server->switches->models;
	if (!models[0] || switches_named(models, model))
		return true;
	gate_refuse(x, 404, "model_not_found", "The model does not exist or you do not have access to it.");
	return false;
}

/* ---- Limits ---- */

void gate_limits(struct server *s)
{
	int64_t now = clock_ms();
	meter_init(&s->requests, s->switches, (double)s->switches->rpm, now);
	meter_init(&s->amount, s->switches, (double)s->switches->amount_pm, now);
}

static void limited(struct exchange *x, uint64_t *which, const char *code, const char *message)
{
	stats_limited(&x->server->stats, which, clock_ms());
	gate_refuse(x, 429, code, message);
}

static bool over_rate(struct exchange *x, int64_t wait_requests, int64_t wait_amount)
{
	struct server *s = x->server;
	char words[80];
	if (wait_requests <= 0 && wait_amount <= 0)
		return false;
	x->retry_ms = wait_requests > wait_amount ? wait_requests : wait_amount;
	snprintf(words, sizeof(words), "Rate limit reached for %s per minute.",
		wait_requests > 0 ? "requests" : s->service->amount);
	limited(x, wait_requests > 0 ? &s->stats.limited_requests : &s->stats.limited_amount, "rate_limit_exceeded", words);
	return true;
}

bool gate_admit(struct exchange *x, int64_t amount)
{
	struct server *s = x->server;
	int64_t now = clock_ms();
	if (s->switches->quota_after && s->stats.admitted >= (uint64_t)s->switches->quota_after) {
		limited(x, &s->stats.limited_quota, "insufficient_quota",
			"You exceeded your current quota, please check your plan and billing details.");
		return false;
	}
	if (s->switches->concurrency && s->stats.in_flight > (uint64_t)s->switches->concurrency) {
		limited(x, &s->stats.limited_concurrency, "rate_limit_exceeded", "Too many requests at once.");
		x->retry_ms = 1000;
		return false;
	}
	if (over_rate(x, meter_wait(&s->requests, 1, now), meter_wait(&s->amount, (double)amount, now)))
		return false;
	meter_add(&s->requests, 1, now);
	meter_add(&s->amount, (double)amount, now);
	x->admitted = true;
	x->admitted_ms = now;
	x->charged = amount;
	s->stats.admitted++;
	return true;
}

/* ---- Failures on the way ---- */

static void draw_carried(struct exchange *x)
{
	const struct switches *s = x->server->switches;
	double at = mix_unit(x->attempt_key, "carried", 0) * 100;
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

bool gate_attempt(struct exchange *x)
{
	struct server *s = x->server;
	bool fresh;
	struct seen_entry *seen = seen_entry(&s->seen, x->digest, &fresh);
	x->attempt = seen ? ++seen->admitted : 1;
	x->attempt_key = mix(x->digest ^ s->seed, "attempt", x->attempt);
	draw_carried(x);
	double u = mix_unit(x->attempt_key, "latency", 0), v = mix_unit(x->attempt_key, "latency", 1);
	x->delay_ms = (int64_t)(switches_latency(s->switches, u, v) + 0.5);
	s->stats.carried[x->carried]++;
	return x->carried != CARRIED_STATUS && x->carried != CARRIED_HANG && x->carried != CARRIED_RESET;
}

/* What a failure makes of the body. */
void gate_spoil(struct exchange *x)
{
	switch (x->carried) {
	case CARRIED_NONE:
		break;
	case CARRIED_STATUS:
		put_error(x, "server_failure", "The server had an error while processing your request.");
		break;
	case CARRIED_HTML:
		buf_clear(&x->reply);
		buf_puts(&x->reply,
			"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body><h1>Welcome</h1></body></html>\n");
		x->type = "text/html; charset=utf-8";
		break;
	case CARRIED_BAD_JSON:
		if (strcmp(x->type, "application/json") != 0) {
			buf_clear(&x->reply);
			buf_puts(&x->reply, "{\"status\": \"ok\", \"au");
			x->type = "application/json";
		} else {
			buf_truncate(&x->reply, x->reply.len / 2);
		}
		buf_puts(&x->reply, "\nupstream connect error");
		break;
	case CARRIED_WRONG_TYPE:
		x->type = "text/plain; charset=utf-8";
		break;
	default:
		x->cut = x->reply.len / 4 + mix_below(x->attempt_key, "cut", x->reply.len / 2 + 1);
	}
}

/* ---- Accounting ---- */

void gate_leaves(struct exchange *x)
{
	struct server *s = x->server;
	if (!x->admitted || x->charged_whole)
		return;
	int64_t now = clock_ms();
	bool nothing = x->status >= 400; /* an error costs nothing */
	int64_t used = nothing ? 0 : s->service->used(x);
	x->charged_whole = true;
	if (s->switches->reserve || nothing)
		meter_correct(&s->amount, (double)(used - x->charged), x->admitted_ms, now);
	else
		meter_add(&s->amount, (double)(used - x->charged), now);
	if (!nothing)
		stats_amount(&s->stats, used, now);
}

static void log_line(struct exchange *x, bool whole)
{
	struct server *s = x->server;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "{\"ms\":%lld,\"request\":\"%016llx\",\"attempt\":%u,\"status\":%d,\"failure\":\"%s\",\"whole\":%s",
		(long long)(clock_ms() - s->stats.start_ms), (unsigned long long)x->digest, x->attempt, x->status,
		x->carried ? carried_names[x->carried] : "", whole ? "true" : "false");
	if (x->admitted && x->status == 200)
		s->service->log(x, &b);
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

void gate_done(struct exchange *x, bool whole)
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

void gate_headers(const struct exchange *x, struct MHD_Response *response)
{
	struct server *s = x->server;
	int64_t now = clock_ms();
	if (s->switches->rpm) {
		double left = meter_left(&s->requests, now);
		header_number(response, "x-ratelimit-limit-requests", (double)s->switches->rpm);
		header_number(response, "x-ratelimit-remaining-requests", left >= 0 ? (double)(int64_t)left : 0);
		header_ms(response, "x-ratelimit-reset-requests", meter_wait(&s->requests, meter_most(&s->requests), now));
	}
	if (s->switches->amount_pm) {
		double left = meter_left(&s->amount, now);
		char name[3][64];
		static const char *const parts[] = {"limit", "remaining", "reset"};
		for (size_t i = 0; i < COUNT_OF(parts); i++)
			snprintf(name[i], sizeof(name[i]), "x-ratelimit-%s-%s", parts[i], s->service->amount);
		header_number(response, name[0], (double)s->switches->amount_pm);
		header_number(response, name[1], left >= 0 ? (double)(int64_t)left : 0);
		header_ms(response, name[2], meter_wait(&s->amount, meter_most(&s->amount), now));
	}
	if (x->retry_ms >= 0) {
		header_number(response, "Retry-After", (double)((x->retry_ms + 999) / 1000));
		header_number(response, "retry-after-ms", (double)x->retry_ms);
	}
}
