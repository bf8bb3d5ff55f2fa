/* Whether a server has loaded its model. ChatTTS servers tell it at /ready, at /status, at both or at none; the second of them may answer only when it is so.
 * Each place is looked at before its first request and after one that found nobody there. */
#include "provider/tts_server.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "provider/remote.h"

#define POLL_MS 1000
#define LOOK_MAX_MS 10000 /* of one look */
#define LOOK_REPLY_MAX ((size_t)64 << 10)

/* {"status": "ready"|"initializing"}, {"instances": {…} or a number} */
static enum tts_readiness what_it_says(struct arena *a, const struct http_reply *r)
{
	struct json *body = NULL;
	if (r->status == 503)
		return TTS_LOADING;
	if (r->status != 200 || remote_too_deep(buf_view(&r->body)) || json_parse(a, buf_view(&r->body), &body, NULL) < 0)
		return TTS_READY; /* the request itself will tell */
	const struct json *status = json_get(body, "status"), *instances = json_get(body, "instances");
	if (json_is(status, JSON_STRING))
		return str_is(status->u.s, "ready") || str_is(status->u.s, "ok") ? TTS_READY : TTS_LOADING;
	bool none = json_is(instances, JSON_INT)
					? instances->u.i == 0
					: (json_is(instances, JSON_OBJECT) || json_is(instances, JSON_ARRAY)) && json_count(instances) == 0;
	return none ? TTS_LOADING : TTS_READY;
}

static enum tts_readiness readiness_of(struct arena *a, const struct http_reply *r)
{
	switch (r->end) {
	case HTTP_DONE:
		return what_it_says(a, r);
	case HTTP_TIMEOUT:
	case HTTP_STALL:
		return TTS_LOADING;
	case HTTP_TOO_LONG:
		return TTS_READY;
	default:
		return TTS_UNKNOWN;
	}
}

static bool no_such_route(const struct http_reply *r)
{
	return r->end == HTTP_DONE && (r->status == 404 || r->status == 405);
}

/* One GET. */
static int look_at(
	struct tts_asking *s, size_t i, const char *route, int64_t not_before, struct http_reply *ret, struct err *e)
{
	CLEANUP(remote_wipe) struct buf authorization = BUF_INIT;
	CLEANUP(exchange_release) struct exchange x = {.not_before_ms = not_before};
	int64_t total_ms = s->o->timeout_s * 1000;
	x.http = (struct http_request){.method = "GET",
		.url = remote_url(s->arena, tts_base(s->o, i, s->contract->route), route),
		.headers = tts_headers(s, &authorization),
		.connect_ms = s->o->connect_timeout_s * 1000,
		.total_ms = total_ms < LOOK_MAX_MS ? total_ms : LOOK_MAX_MS,
		.reply_max = LOOK_REPLY_MAX};
	int rc = account_exchange(s->accounts[i], &x, e);
	if (rc < 0)
		return rc;
	account_report(s->accounts[i], &x, &(struct account_report){.end = LIMITER_NEUTRAL});
	*ret = x.reply;
	x.reply.body = (struct buf)BUF_INIT;
	return 0;
}

int tts_look(struct tts_asking *s, size_t i, int64_t not_before, struct err *e)
{
	static const char *const routes[] = {"/ready", "/status"};
	enum tts_readiness found = TTS_READY;
	atomic_store(&s->o->look_ms[i], (not_before ? not_before : clock_ms()) + POLL_MS);
	for (size_t k = 0; k < COUNT_OF(routes); k++) {
		struct http_reply r = {.body = BUF_INIT};
		struct err own = ERR_INIT;
		int rc = look_at(s, i, routes[k], k ? 0 : not_before, &r, &own);
		if (rc == ERR_ACCOUNT || rc == ERR_TRANSIENT) { /* it refuses, or is down: who asks is told so, or goes elsewhere */
			found = rc == ERR_ACCOUNT ? TTS_READY : TTS_UNKNOWN;
			break;
		}
		if (rc < 0)
			return err_set(e, rc, "%s", own.text);
		bool none = no_such_route(&r);
		found = none ? TTS_READY : readiness_of(s->arena, &r);
		buf_release(&r.body);
		if (!none)
			break;
	}
	atomic_store(&s->o->readiness[i], (int)found);
	return 0;
}

/* Whether this thread shall look now. All do while nothing is known; at one that is loading one of them does, now and then. */
static bool shall_look(struct tts_asking *s, size_t i)
{
	struct account_counts counts;
	int known = atomic_load(&s->o->readiness[i]);
	int64_t now = clock_ms(), due = atomic_load(&s->o->look_ms[i]);
	if (known == TTS_READY)
		return false;
	account_counts(s->accounts[i], &counts);
	if (counts.paused)
		return false; /* its account probes it */
	return known == TTS_UNKNOWN || (due <= now && atomic_compare_exchange_strong(&s->o->look_ms[i], &due, now + POLL_MS));
}

static int never_ready(struct tts_asking *s, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < s->n; i++)
		rc = tts_refuse(s, i,
			e, "%s has not loaded its model after %lld s (ready_s). Look at the server, then run again; what is spoken is kept",
			tts_place(s->p, i), (long long)s->o->ready_s);
	return rc;
}

static size_t without(size_t *v, size_t n, size_t place)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (v[i] != place)
			v[kept++] = v[i];
	return kept;
}

int tts_ready_places(struct tts_asking *s, size_t *ret, size_t *ret_n, struct err *e)
{
	int64_t begun = clock_ms();
	bool asks = s->contract->readiness && s->o->ready_s > 0;
	if (s->only) {
		ret[0] = *s->only;
		*ret_n = 1;
		return 0;
	}
	for (;;) {
		size_t n = 0;
		for (size_t i = 0; i < s->n; i++) {
			int rc = asks && shall_look(s, i) ? tts_look(s, i, 0, e) : 0;
			if (rc < 0)
				return rc;
			if (!asks || atomic_load(&s->o->readiness[i]) != TTS_LOADING)
				ret[n++] = i;
		}
		*ret_n = s->failed && n > 1 ? without(ret, n, s->failed_at) : n;
		if (n)
			return 0;
		int64_t now = clock_ms();
		if (now - begun > s->o->ready_s * 1000)
			return never_ready(s, e);
		int rc = tts_look(s, 0, now + POLL_MS, e); /* the wait: it ends with the run */
		if (rc < 0)
			return rc;
	}
}
