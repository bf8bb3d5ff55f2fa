/* The asking: one exchange, attempts, waits, places. */
#include "provider/tts_server.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/draw.h"
#include "base/utf8.h"
#include "provider/remote.h"

#include <string.h>

#define BODY_MAX ((size_t)4 << 20)
#define ENGINE_FAILURES 2
#define PROBE_TEXT "你好。"
#define PROBE_VOICES 64 /* of a longer list the first ones */

/* A request and where it went. */
struct sending {
	struct tts_asking *s;
	struct buf body;
	int64_t characters;
	int64_t answered_before; /* o->answered when it was first sent */
	int64_t engine_failures; /* replies with 500, in a row */
	size_t place;
	bool nobody; /* was there */
	struct tts_reply reply;
};

static void sending_release(struct sending *q)
{
	buf_release(&q->body);
}

int tts_refuse(struct tts_asking *s, size_t place, struct err *e, const char *fmt, ...)
{
	struct err why = ERR_INIT;
	CLEANUP(buf_release) struct buf words = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&words, fmt, ap);
	va_end(ap);
	err_set(&why, ERR_ACCOUNT, "provider %s: %s", s->p->name, words.data);
	/* What stops the stages is told by them; one place of several is not missed. */
	if (account_refuse(s->accounts[place], &why) && s->n > 1)
		account_tell(s->accounts[place],
			arena_printf(s->arena, "%s; this server is left out for the rest of the run", why.text));
	return err_set(e, ERR_ACCOUNT, "%s", why.text);
}

const char *const *tts_headers(const struct tts_asking *s, struct buf *authorization)
{
	struct str key = remote_key(s->o->api_key_env);
	const char **v = arena_array(s->arena, 4, sizeof(*v));
	buf_printf(authorization, "Authorization: Bearer %.*s", STR_FMT(key));
	v[0] = "Content-Type: application/json";
	v[1] = s->contract->accept;
	v[2] = key.n ? authorization->data : NULL;
	return v;
}

static int make_body(struct sending *q, struct err *e)
{
	struct tts_asking *s = q->s;
	struct json *body = s->contract->body(s->p->params, s->q);
	remote_set_extra(s->arena, body, s->o->extra);
	json_write(&q->body, body);
	for (size_t i = 0; i < s->q->n; i++)
		q->characters += (int64_t)utf8_count(s->q->texts[i]);
	return buf_error(&q->body) ? err_set(e, ERR_DATA, "the request is over %zu MiB", BODY_MAX >> 20) : 0;
}

/* A wait that nobody waits for; patience 0 is for ever. */
static bool too_long(const struct tts_params *o, int64_t wait_ms)
{
	return o->patience_s > 0 && wait_ms > o->patience_s * 1000;
}

/* What was refused before any work costs nothing; of a connection that broke nobody knows. */
static int64_t characters_paid(const struct sending *q)
{
	const struct tts_reply *r = &q->reply;
	if (r->means == OPENAI_ANSWER)
		return q->characters;
	return r->status == 0 || (r->status >= 200 && r->status < 300) ? -1 : 0;
}

static void tell(struct sending *q, struct exchange *x)
{
	const struct tts_reply *r = &q->reply;
	int64_t paid = characters_paid(q);
	bool again = q->s->q->rung >
				 0; /* the ladder asks for a text that was refused once more: that tells nothing new of the account */
	account_report(q->s->accounts[q->place], x,
		&(struct account_report){
			.end = r->means == OPENAI_ANSWER     ? LIMITER_OK
				   : r->means == OPENAI_LIMITED  ? LIMITER_LIMITED
				   : r->means == OPENAI_TROUBLED ? LIMITER_TROUBLED
												 : LIMITER_NEUTRAL,
			.refused_by_status = (r->means == OPENAI_BAD_REQUEST && !again) || r->means == OPENAI_ACCOUNT,
			.filtered = r->means == OPENAI_FILTERED,
			.tokens_in = paid,
			.tokens_out = paid < 0 ? -1 : 0,
			.retry_ms = too_long(q->s->o, r->retry_ms) ? 0 : r->retry_ms,
		});
}

/* Send once, to the best of the places that are ready, and read the reply. */
static int exchange_once(struct sending *q, int64_t not_before, struct err *e)
{
	struct tts_asking *s = q->s;
	CLEANUP(remote_wipe) struct buf authorization = BUF_INIT;
	CLEANUP(exchange_release) struct exchange x = {.not_before_ms = not_before, .tokens_in = q->characters};
	size_t *which = arena_array(s->arena, s->n, sizeof(*which)), n = 0, chosen = 0;
	int rc = tts_ready_places(s, which, &n, e);
	if (rc < 0)
		return rc;
	struct account **v = arena_array(s->arena, n, sizeof(struct account *));
	const char **urls = arena_array(s->arena, n, sizeof(*urls));
	for (size_t i = 0; i < n; i++) {
		v[i] = s->accounts[which[i]];
		urls[i] = remote_url(s->arena, tts_base(s->o, which[i], s->contract->route), s->contract->route);
	}
	x.http = (struct http_request){.method = "POST",
		.headers = tts_headers(s, &authorization),
		.body = buf_view(&q->body),
		.connect_ms = s->o->connect_timeout_s * 1000,
		.total_ms = s->o->timeout_s * 1000,
		.stall_bytes_s = s->o->stall_s ? 1 : 0,
		.stall_s = s->o->stall_s,
		.reply_max = (size_t)s->o->reply_max_kb << 10};
	rc = account_exchange_best(&(struct account_places){v, urls, n}, &x, &chosen, e);
	if (rc < 0)
		return rc;
	q->place = which[chosen];
	const struct tts_expected expected = {.n = s->q->n,
		.zip = s->contract->zip,
		.pcm_rate = s->contract->pcm_rate ? s->contract->pcm_rate(s->p->params) : 0,
		.key = remote_key(s->o->api_key_env),
		.wall_ms = clock_wall_ms()};
	tts_read(s->arena, &x.reply, &expected, &q->reply);
	s->took_us = x.reply.total_us;
	s->failed = q->reply.means == OPENAI_TROUBLED || q->reply.means == OPENAI_LIMITED;
	s->failed_at = q->place;
	q->nobody = x.reply.end == HTTP_NO_CONNECT || x.reply.end == HTTP_RESET;
	if (q->nobody || q->reply.status == 503) /* it may be starting anew */
		atomic_store(&s->o->readiness[q->place], TTS_UNKNOWN);
	tell(q, &x);
	return 0;
}

static int refuse_account(struct sending *q, struct err *e)
{
	const struct tts_asking *s = q->s;
	const struct tts_reply *r = &q->reply;
	struct str env = s->o->api_key_env;
	const char *hint = "";
	if ((r->status == 401 || r->status == 403) && env.n)
		hint = arena_printf(s->arena, " (the key is taken from %.*s)", STR_FMT(env));
	else if (r->status == 401)
		hint = " (no api_key_env is given)";
	else if (r->means == OPENAI_NO_MODEL)
		hint = " (is the provider's model right?)";
	else if (r->status == 404 || r->status == 405 || (r->status >= 300 && r->status < 400))
		hint = arena_printf(s->arena, " (asked was %s%s: is its url right?)", tts_place(s->p, q->place),
			str_ends(str_of(tts_place(s->p, q->place)), s->contract->route) ? "" : s->contract->route);
	bool several = s->n > 1;
	return tts_refuse(q->s, q->place, e, "%s%s%.*s%s", several ? tts_place(s->p, q->place) : "", several ? ": " : "",
		STR_FMT(r->words), hint);
}

/* Whether the server speaks something else in the same voice. */
static bool speaks_else(const struct sending *q)
{
	const struct str text = STR(PROBE_TEXT);
	struct provider_speak other = *q->s->q;
	struct tts_asking s = *q->s;
	CLEANUP(sending_release) struct sending probe = {.s = &s, .body = BUF_INIT_MAX(BODY_MAX)};
	other.texts = &text;
	other.emotions = NULL;
	other.n = 1;
	s.q = &other;
	return make_body(&probe, NULL) == 0 && exchange_once(&probe, 0, NULL) == 0 && probe.reply.means == OPENAI_ANSWER &&
		   probe.reply.sounds[0].bytes.n > 0;
}

/* 500 is what an engine says that cannot speak a text, and one that is broken says it of all. While it answers others, it is the text. */
static bool of_the_text(struct sending *q, bool last)
{
	q->engine_failures = q->reply.status == 500 ? q->engine_failures + 1 : 0;
	if (q->engine_failures < ENGINE_FAILURES)
		return false;
	return atomic_load(&q->s->o->answered) != q->answered_before || (last && speaks_else(q));
}

/* A failure that may pass: when to ask again, or the error that ends it. */
static int again(struct sending *q, int64_t failed, int64_t *ret_not_before, struct err *e)
{
	const struct tts_asking *s = q->s;
	bool at_once = q->nobody && failed < (int64_t)s->n; /* elsewhere */
	const struct tts_reply *r = &q->reply;
	if (of_the_text(q, failed >= s->o->attempts))
		return err_set(e, ERR_INVALID, "provider %s: the server cannot speak this, but answers others: %.*s",
			s->p->name, STR_FMT(r->words));
	if (failed >= s->o->attempts)
		return err_set(e, ERR_TRANSIENT, "provider %s gave no sound to %lld attempts; the last: %.*s", s->p->name,
			(long long)failed, STR_FMT(r->words));
	*ret_not_before = clock_ms() + (too_long(s->o, r->retry_ms) ? 0 : r->retry_ms) +
					  (at_once ? 0 : remote_backoff_ms((uint64_t)clock_us(), s->q->texts[0], failed - 1));
	return 0;
}

/* A voice that the server does not know costs no call, since the side is cast anew: so that nobody would hear of it. */
static void tell_refused_voice(const struct sending *q)
{
	struct tts_asking *s = q->s;
	struct str name = json_get_str(s->q->voice, "voice");
	if (s->contract->names && tts_voice_refused(s->o, s->q->voice, q->reply.words))
		account_tell(s->accounts[q->place],
			arena_printf(s->arena,
				"provider %s: the server refuses the voice %.*s (%.*s); others take its place. Is its name right?",
				s->p->name, STR_FMT(name), STR_FMT(q->reply.words)));
}

static int ask(struct sending *q, struct err *e)
{
	struct tts_asking *s = q->s;
	int64_t failed = 0, not_before = 0;
	q->answered_before = atomic_load(&s->o->answered);
	for (;;) {
		struct err refusal = ERR_INIT;
		int rc = exchange_once(q, not_before, e);
		if (rc < 0)
			return rc;
		const struct tts_reply *r = &q->reply;
		switch (r->means) {
		case OPENAI_ANSWER:
			atomic_fetch_add(&s->o->answered, 1);
			return 0;
		case OPENAI_FILTERED:
		case OPENAI_REFUSED:
			return err_set(e, ERR_DATA, "filtered by provider %s: %.*s", s->p->name, STR_FMT(r->words));
		case OPENAI_BAD_REQUEST:
		case OPENAI_TOO_LONG:
			tell_refused_voice(q);
			return err_set(
				e, ERR_DATA, "provider %s: the server refused the request: %.*s", s->p->name, STR_FMT(r->words));
		case OPENAI_NO_MODEL:
		case OPENAI_ACCOUNT: /* of this place: another may do */
			refuse_account(q, &refusal);
			break;
		case OPENAI_STOPPED:
			return err_set(e, ERR_STOPPED, "interrupted");
		case OPENAI_LIMITED:
		case OPENAI_TROUBLED:
			if (too_long(s->o, r->retry_ms))
				tts_refuse(s, q->place, &refusal, "the server asks to wait %lld s, which is longer than patience_s: %.*s",
					(long long)(r->retry_ms / 1000), STR_FMT(r->words));
			rc = refusal.code ? 0 : again(q, ++failed, &not_before, e);
			if (rc < 0)
				return rc;
			break;
		}
	}
}

int tts_speak(struct tts_asking *s, struct provider_sound *ret, struct err *e)
{
	CLEANUP(sending_release) struct sending q = {.s = s, .body = BUF_INIT_MAX(BODY_MAX)};
	ASSERT(s->q->n > 0 && s->q->n <= TTS_BATCH_MAX && s->n <= TTS_PLACES_MAX);
	s->o = s->p->params; /* both kinds begin so */
	s->arena = s->q->arena;
	int rc = make_body(&q, e);
	if (rc == 0)
		rc = ask(&q, e);
	if (rc == 0)
		memcpy(ret, q.reply.sounds, s->q->n * sizeof(*ret));
	return rc;
}

/* --- check --online --- */

/* The place s->only: "10.0.0.2:9900 spoke 2 characters in 812 ms, 13 KB". */
static int probe_place(struct tts_asking *s, struct buf *ret, struct err *e)
{
	CLEANUP(sending_release) struct sending q = {.s = s, .body = BUF_INIT_MAX(BODY_MAX)};
	size_t i = *s->only;
	const char *place = tts_place(s->p, i);
	if (s->contract->readiness && s->o->ready_s > 0 && tts_look(s, i, 0, e) < 0)
		return e->code;
	if (atomic_load(&s->o->readiness[i]) == TTS_LOADING)
		return err_set(e, ERR_TRANSIENT, "provider %s: %s is still loading its model", s->p->name, place);
	int rc = make_body(&q, e);
	if (rc == 0)
		rc = exchange_once(&q, 0, e);
	if (rc < 0)
		return rc;
	if (q.reply.means == OPENAI_ACCOUNT || q.reply.means == OPENAI_NO_MODEL)
		return refuse_account(&q, e);
	struct str words = q.reply.means == OPENAI_ANSWER ? str_of(q.reply.sounds[0].why) : q.reply.words;
	bool bad = q.reply.means == OPENAI_BAD_REQUEST || q.reply.means == OPENAI_FILTERED;
	struct str voice = s->contract->names ? json_get_str(s->q->voice, "voice") : STR("");
	if (q.reply.means != OPENAI_ANSWER || words.n)
		return err_set(e, bad ? ERR_DATA : ERR_TRANSIENT, "provider %s: %s%s%.*s: %.*s", s->p->name, place,
			voice.n ? ", voice " : "", STR_FMT(voice), STR_FMT(words));
	buf_printf(ret, "%s%s spoke %lld characters in %lld ms (%zu bytes)", ret->len ? "; " : "", place,
		(long long)q.characters, (long long)(s->took_us / 1000), q.reply.sounds[0].bytes.n);
	return 0;
}

/* Each voice of the list at the place that s->only tells: one that is misspelt would never be heard. The first that will not do is the error. */
static int probe_voices(struct tts_asking *s, struct provider_speak *q, struct err *e)
{
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	struct tts_voice one;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->o->voices.n && i < PROBE_VOICES; i++) {
		struct json *voice = json_object(s->arena);
		rc = tts_voice_parse(s->o->voices.v[i], &one, e);
		if (rc < 0)
			break;
		json_set_str(s->arena, voice, "voice", one.name);
		q->voice = voice;
		rc = probe_place(s, &said, e);
	}
	return rc;
}

int tts_probe(
	const struct tts_contract *c, const struct provider *p, struct account *account, struct buf *ret, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf said = BUF_INIT;
	const struct provider_person anybody = {NULL, NULL};
	const struct str text = STR(PROBE_TEXT);
	struct account **accounts = arena_array(&a, tts_places(p), sizeof(struct account *));
	struct provider_speak q = {.arena = &a, .texts = &text, .n = 1};
	struct tts_asking s = {
		.contract = c, .p = p, .o = p->params, .accounts = accounts, .n = tts_places(p), .q = &q, .arena = &a};
	struct draw d;
	draw_init(&d, 1, STR("probe"), "voice");
	int rc = p->ops->voice(p, &anybody, NULL, &d, &a, &q.voice, e);
	for (size_t i = 0; i < s.n; i++)
		accounts[i] = account;
	size_t at = 0;
	s.only = &at;
	for (; at < s.n && rc == 0; at++)
		rc = probe_place(&s, &said, e);
	at = 0;
	if (rc == 0 && c->names)
		rc = probe_voices(&s, &q, e);
	if (rc == 0)
		buf_str(ret, buf_view(&said));
	return rc;
}
