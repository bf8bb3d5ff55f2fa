/* What becomes of a request for speech: checks, a job for the pool, and what is counted of it. */
#include "tests/servers/common/gate.h"
#include "tests/servers/common/mix.h"
#include "tests/servers/tts/fate.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"

#include <string.h>

#define THREADS 2
#define VOICES \
	"alloy,echo,fable,nova,onyx,shimmer" /* what /audio/voices lists when --voices says nothing; any other is taken too */

struct speech {
	struct exchange x; /* first */
	struct arena arena;
	struct sound_order order;
	struct sound_made made;
	struct err err;
	uint64_t content; /* digest of the body */
};

static const struct tts_switches *switches_of(const struct exchange *x)
{
	return (const struct tts_switches *)x->server->switches;
}

static bool loading(const struct exchange *x)
{
	return switches_of(x)->not_ready || (double)(clock_ms() - x->server->start_ms) < switches_of(x)->ready_after_s * 1000;
}

/* ---- The job ---- */

static void work(struct job *j)
{
	struct exchange *x = LIST_ITEM(j, struct exchange, job);
	struct speech *s = (struct speech *)x;
	sound_make(&s->order, &x->reply, &s->made, &s->err);
	s->content = mix(0, "content", 0);
	s->content = s->err.code ? 0 : hash_bytes(x->reply.data, x->reply.len, s->content);
}

static void made(struct exchange *x)
{
	struct speech *s = (struct speech *)x;
	struct tts *own = x->server->own;
	if (s->err.code) {
		gate_refuse(x, 500, "engine_failure", s->err.text);
		return;
	}
	x->type = s->made.type;
	own->sounds += s->made.sounds;
	own->sound_ms += s->made.sound_ms;
	gate_spoil(x);
}

static void answer(struct exchange *x)
{
	struct speech *s = (struct speech *)x;
	const struct tts_switches *w = switches_of(x);
	fate_decide(x->server, &s->arena, &s->order); /* now: what fails on the way was asked for, too */
	bool wanted = gate_attempt(x);
	if (!wanted || x->carried == CARRIED_HTML) { /* a page of HTML needs no sound */
		gate_spoil(x);
		return;
	}
	s->order.espeak = ((const struct tts *)x->server->own)->espeak;
	s->order.dummy_first = w->dummy_first;
	s->order.open_wav = w->open_wav;
	memcpy(s->order.json_reply, w->json_reply, sizeof(s->order.json_reply));
	s->order.stop = &x->server->pool.stop;
	fate_count(x->server, &s->order);
	if (fate_of(&s->order) != SPOILT_ENGINE) {
		x->job.work = work;
		return;
	}
	gate_refuse(x, 500, "engine_failure", "The engine has failed: out of memory.");
	gate_spoil(x);
}

/* ---- Routes ---- */

static bool not_ready(struct exchange *x)
{
	if (!loading(x))
		return false;
	x->retry_ms = 1000;
	gate_refuse(x, 503, "not_ready", "The model is being loaded.");
	return true;
}

static void plan_chattts(struct exchange *x)
{
	struct speech *s = (struct speech *)x;
	struct json *detail = NULL;
	s->order.chattts = true;
	((struct tts *)x->server->own)->asked[0]++;
	if (!gate_enter(x) || not_ready(x))
		return;
	if (request_chattts(&s->arena, buf_view(&x->body), x->server->seed, &s->order.request, &detail) < 0) {
		struct json *v = json_object(&s->arena);
		json_set(&s->arena, v, "detail", detail);
		json_write(&x->reply, v);
		x->status = 422;
		return;
	}
	gate_seen(x, s->order.request.digest);
	if (gate_admit(x, s->order.request.characters))
		answer(x);
}

static bool may_speak(struct exchange *x, const struct speech_request *r)
{
	const struct tts_switches *w = switches_of(x);
	char words[WORDS_MAX * 2];
	if (!gate_model(x, r->model))
		return false;
	if (w->voices[0] && !switches_named(w->voices, r->voice)) {
		snprintf(words, sizeof(words), "Voice '%.*s' is not supported. The voices are: %s.",
			(int)(r->voice.n < 80 ? r->voice.n : 80), r->voice.p, w->voices);
		gate_refuse(x, 400, "invalid_value", words);
		return false;
	}
	if (w->formats[0] && !switches_named(w->formats, str_of(format_names[r->format]))) {
		snprintf(words, sizeof(words), "response_format '%s' is not supported; there are: %s.", format_names[r->format],
			w->formats);
		gate_refuse(x, 400, "invalid_value", words);
		return false;
	}
	return true;
}

static void plan_speech(struct exchange *x)
{
	struct speech *s = (struct speech *)x;
	struct err e = ERR_INIT;
	((struct tts *)x->server->own)->asked[1]++;
	if (!gate_enter(x) || not_ready(x))
		return;
	if (request_speech(&s->arena, buf_view(&x->body), x->server->seed, &s->order.request, &e) < 0) {
		gate_refuse(x, 400, "invalid_request", e.text);
		return;
	}
	gate_seen(x, s->order.request.digest);
	if (may_speak(x, &s->order.request) && gate_admit(x, s->order.request.characters))
		answer(x);
}

static void show_status(struct exchange *x)
{
	const struct tts_switches *w = switches_of(x);
	uint64_t flying = x->server->stats.in_flight, done = ((const struct tts *)x->server->own)->asked[0];
	buf_puts(&x->reply, "{\"instances\":{");
	for (int64_t i = 0; !loading(x) && i < w->instances; i++)
		buf_printf(&x->reply, "%s\"%lld\":{\"busy\":%s,\"total_requests\":%llu,\"failed_requests\":0}", i ? "," : "",
			(long long)i, (uint64_t)i < flying ? "true" : "false",
			(unsigned long long)((done + (uint64_t)(w->instances - 1 - i)) / (uint64_t)w->instances));
	buf_puts(&x->reply, "}}");
}

static void show_ready(struct exchange *x)
{
	if (loading(x))
		buf_puts(&x->reply, "{\"status\":\"initializing\"}");
	else
		buf_printf(&x->reply, "{\"status\":\"ready\",\"instances\":%lld}", (long long)switches_of(x)->instances);
}

static void show_voices(struct exchange *x)
{
	const char *names = switches_of(x)->voices;
	struct str rest = str_of(names[0] ? names : VOICES), name;
	buf_puts(&x->reply, "{\"voices\":[");
	for (int n = 0; str_split(&rest, ',', &name); n++) {
		buf_puts(&x->reply, n ? "," : "");
		json_write_string(&x->reply, str_trim(name));
	}
	buf_puts(&x->reply, "]}");
}

static bool plan(struct exchange *x, const char *path, const char *method)
{
	const struct tts_switches *w = switches_of(x);
	bool post = strcmp(method, "POST") == 0, get = strcmp(method, "GET") == 0;
	if (post && strcmp(path, "/generate_voice") == 0)
		plan_chattts(x);
	else if (post && strcmp(path, "/audio/speech") == 0)
		plan_speech(x);
	else if (get && strcmp(path, "/status") == 0 && !w->no_status)
		show_status(x);
	else if (get && strcmp(path, "/ready") == 0 && !w->no_ready)
		show_ready(x);
	else if (get && strcmp(path, "/audio/voices") == 0)
		show_voices(x);
	else
		return false;
	return true;
}

/* ---- The rest of a service ---- */

static void put_error(struct exchange *x, const char *code, const char *message)
{
	if (!((const struct speech *)x)->order.chattts) {
		reply_error(&x->reply, x->status, code, message);
		return;
	}
	bool list = x->status == 422; /* as of a body that does not fit */
	buf_printf(&x->reply, "{\"detail\":%s", list ? "[{\"type\":\"value_error\",\"loc\":[\"body\"],\"msg\":" : "");
	json_write_string(&x->reply, str_of(message));
	buf_puts(&x->reply, list ? "}]}" : "}");
}

static int64_t used(const struct exchange *x)
{
	return ((const struct speech *)x)->order.request.characters;
}

static void log_members(const struct exchange *x, struct buf *b)
{
	const struct speech *s = (const struct speech *)x;
	const char *spoilt = tts_switch_set.answered[fate_of(&s->order)].name;
	buf_printf(b, ",\"route\":\"%s\",\"texts\":%zu,\"spoilt\":\"%s\",\"sound_ms\":%lld,\"content\":\"%016llx\"",
		s->order.chattts ? "generate_voice" : "speech", s->order.request.n, spoilt ? spoilt : "",
		(long long)s->made.sound_ms, (unsigned long long)s->content);
}

static void show_stats(struct server *s, struct arena *a, struct json *to)
{
	static const char *const routes[] = {"generate_voice", "speech"};
	const struct tts *own = s->own;
	json_set(a, to, "routes", stats_counts(a, own->asked, routes, COUNT_OF(routes)));
	json_set_int(a, to, "sounds", own->sounds);
	json_set_int(a, to, "sound_ms", own->sound_ms);
}

static void reset(struct server *s)
{
	struct tts *own = s->own;
	own->sounds = own->sound_ms = 0;
	memset(own->asked, 0, sizeof(own->asked));
	fate_forget(own);
}

static void release(struct exchange *x)
{
	arena_release(&((struct speech *)x)->arena);
}

const struct service tts_service = {.name = "taf-tts-server",
	.root = "",
	.routes = "There are POST /generate_voice, GET /ready, GET /status, POST /v1/audio/speech, GET /v1/audio/voices, "
			  "GET /v1/models, GET /stats, POST /reset, GET and POST /switch.",
	.amount = "characters",
	.model = "taf-tts",
	.switches = &tts_switch_set,
	.exchange_size = sizeof(struct speech),
	.threads = THREADS,
	.plan = plan,
	.made = made,
	.used = used,
	.log = log_members,
	.stats = show_stats,
	.reset = reset,
	.release = release,
	.error = put_error};
