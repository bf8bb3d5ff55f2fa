/* Speech servers: what the kinds chattts and openai-speech share. Options and accounts in tts_server.c, voices in tts_voices.c, readiness in tts_ready.c, the asking
 * with attempts and waits in tts_ask.c, what a reply means in tts_reply.c; a kind's own file has its options and its requests.
 * Threads: all functions may be called from any thread; what is found out in a run (readiness) is atomic.
 * Money: characters of text stand for tokens that are sent, so limits, prices, max_cost and plan work as for LLMs. */
#ifndef TAF_PROVIDER_TTS_SERVER_H
#define TAF_PROVIDER_TTS_SERVER_H

#include "core/account.h"
#include "provider/openai.h"

#include <stdatomic.h>

#define TTS_PLACES_MAX 64
#define TTS_VOICES_MAX 4096
#define TTS_BATCH_MAX 256
#define TTS_SOUND_MAX \
	((size_t)32 << 20) /* bytes of one sound: 10 minutes of 24 kHz stereo in 16 bit are 58 MB, of mono 29 */
#define TTS_SOUNDS_MAX ((size_t)64 << 20) /* bytes of all sounds of a reply */
#define TTS_RATIO_MAX 200 /* unpacked to packed; silence in a WAV file may be packed that well, speech is not */

enum tts_readiness { TTS_UNKNOWN, TTS_READY, TTS_LOADING };

/** The first member of the params of both kinds. */
struct tts_params {
	struct str base_url, api_key_env, revision;
	struct option_list base_urls, voices;
	const struct json *extra;
	int64_t batch, casts, requests_per_min, characters_per_min, in_flight, attempts;
	int64_t connect_timeout_s, timeout_s, stall_s, reply_max_kb, patience_s;
	int64_t ready_s; /* of servers that tell when they are ready; 0: they are not asked */
	double price_in;
	/* Not options: what was found out in this run, by place. */
	_Atomic int readiness[TTS_PLACES_MAX];         /* enum tts_readiness */
	_Atomic int64_t look_ms[TTS_PLACES_MAX];       /* clock_ms: when one that is loading is looked at again */
	_Atomic int64_t answered;                      /* requests, at all places */
	_Atomic uint64_t refused[TTS_VOICES_MAX / 64]; /* bit per entry of `voices`: the server knows no such voice; told once */
};

/** How a kind asks. */
struct tts_contract {
	const char *route;  /* "/generate_voice" */
	const char *accept; /* types of a reply */
	bool zip;           /* a zip with a sound for each text; else a sound, or JSON with one */
	bool readiness;     /* servers of its kind may tell when they have loaded their model */
	bool names;         /* `voices` are names that a server may not know; it is asked for {"voice": NAME} */
	int64_t (*pcm_rate)(const void *params); /* Hz of sounds without a header, 0: they have one; NULL: 0 */
	/** The body of a request, without `extra`. */
	struct json *(*body)(const void *params, const struct provider_speak *q);
};

/* --- Options (tts_server.c) --- */
/** Errors of what the option table cannot say, but those of voices. */
int tts_check(const struct provider *p, const struct tts_contract *c, struct err *e);
/** A list of numbers as texts, each within lo…hi. */
int tts_check_numbers(
	const char *provider, const char *option, const struct option_list *v, const double range[2], struct err *e);
/** The i-th number of a list that was checked. */
double tts_number(const struct option_list *v, size_t i);
void tts_account(const struct provider *p, struct account_config *ret);
size_t tts_places(const struct provider *p);
const char *tts_place(const struct provider *p, size_t i);
/** base_url of the i-th place without a slash or the route at its end. */
struct str tts_base(const struct tts_params *o, size_t i, const char *route);

/* --- Voices (tts_voices.c) --- */
/** A voice of the option `voices`: "NAME", then in any order its gender and the ages it fits; none said: it fits all. */
struct tts_voice {
	struct str name;
	const char *gender; /* "male", "female", NULL */
	unsigned ages;      /* bit per age */
};
int tts_voice_parse(struct str text, struct tts_voice *ret, struct err *e);
/** All of them: that they can be read, none twice. */
int tts_check_voices(const char *provider, const struct option_list *v, struct err *e);
/** Draw one for a person, other than that with the name `other` (empty: none); age, then gender give way when nothing fits. */
struct tts_voice tts_voice_choose(
	const struct option_list *v, const struct provider_person *who, struct str other, struct draw *d);

/** Whether a server that says `words` refuses this voice of the list, and has not done so before. */
bool tts_voice_refused(struct tts_params *o, const struct json *voice, struct str words);

/* --- Asking (tts_ask.c, tts_ready.c) --- */
/** A question under way. */
struct tts_asking {
	const struct tts_contract *contract;
	const struct provider *p;
	struct tts_params *o;
	struct account *const *accounts;
	size_t n;
	const struct provider_speak *q;
	const size_t *only; /* this place; NULL: any */
	bool failed;        /* the last attempt did, at place `failed_at`: another goes before */
	size_t failed_at;
	struct arena *arena;
	int64_t took_us;
};
/** provider_ops.speak, with these filled in but the last two. */
int tts_speak(struct tts_asking *s, struct provider_sound *ret, struct err *e);
/** provider_ops.probe */
int tts_probe(
	const struct tts_contract *c, const struct provider *p, struct account *account, struct buf *ret, struct err *e);
/** Ask place i whether it is ready, at `not_before` (clock_ms) at the earliest. ERR_STOPPED, ERR_BUDGET; whatever the place says is in o->readiness. */
int tts_look(struct tts_asking *s, size_t i, int64_t not_before, struct err *e);
/** Indexes of the places that may be asked now; waits while all are loading. ERR_ACCOUNT: for longer than ready_s. */
int tts_ready_places(struct tts_asking *s, size_t *ret, size_t *ret_n, struct err *e);
/** The headers of a request: NULL-terminated, in the arena but for the key, which stands in `authorization`. */
const char *const *tts_headers(const struct tts_asking *s, struct buf *authorization);
/** From now on a place refuses. */
int tts_refuse(struct tts_asking *s, size_t place, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* --- What comes back (tts_reply.c) --- */
struct tts_expected {
	size_t n; /* texts */
	bool zip;
	int64_t pcm_rate; /* Hz; 0: sounds have headers */
	struct str key;   /* taken out of words */
	int64_t wall_ms;  /* the time of day, for dates in headers */
};
struct tts_reply {
	enum openai_means means; /* OPENAI_ANSWER: look at the sounds */
	int status;
	struct provider_sound *sounds; /* OPENAI_ANSWER: one for each text */
	int64_t retry_ms;              /* the server's wish; 0: none */
	struct str words;              /* for people, tidied and short */
};
/** Read a reply. Everything is in the arena. */
void tts_read(struct arena *a, const struct http_reply *http, const struct tts_expected *x, struct tts_reply *ret);

/* --- The rows that both option tables have; where their words differ, or a default, it is given --- */
#define TTS_AT(member) .offset = offsetof(struct tts_params, member)
#define TTS_WHERE_OPTIONS \
	{.name = "base_url", \
		.type = OPT_STRING, \
		TTS_AT(base_url), \
		.dflt = "", \
		.help = "Where the server is, up to before the route. This or base_urls."}, \
		{.name = "base_urls", \
			.type = OPT_STRINGS, \
			TTS_AT(base_urls), \
			.help = "Several servers with the same model, as one for each GPU: each has limits of its own, and one " \
					"that is " \
					"down is left out until it is back."}, \
		{.name = "api_key_env", \
			.type = OPT_STRING, \
			TTS_AT(api_key_env), \
			.dflt = "", \
			.help = \
				"Name of the environment variable that holds the key. Empty: none is sent (a server of one's own)."}, \
	{ \
		.name = "revision", .type = OPT_STRING, TTS_AT(revision), .flags = OPTION_SHAPES, .dflt = "", \
		.help = "Any text. Change it when the server gets other weights: everything is then spoken anew." \
	}
#define TTS_VOICES_OPTION(required, text) \
	{ \
		.name = "voices", .type = OPT_STRINGS, TTS_AT(voices), .flags = (required) | OPTION_SHAPES | OPTION_CHOOSES, \
		.help = text \
	}
#define TTS_EXTRA_OPTION(text) \
	{ \
		.name = "extra", .type = OPT_MAP, TTS_AT(extra), .flags = OPTION_SHAPES, .help = text \
	}
#define TTS_INT(option, member, from, lo, hi, text) \
	{ \
		.name = option, .type = OPT_INT, TTS_AT(member), .dflt = from, .min = lo, .max = hi, .help = text \
	}
#define TTS_SECONDS(option, member, from, lo, hi, text) \
	{ \
		.name = option, .type = OPT_INT, TTS_AT(member), .dflt = from, .min = lo, .max = hi, .unit = "s", .help = text \
	}
#define TTS_LIMIT_OPTIONS(in_flight_default, reply_max_default) \
	{.name = "casts", \
		.type = OPT_INT, \
		TTS_AT(casts), \
		.dflt = "3", \
		.min = 1, \
		.max = 20, \
		.help = "How many voices are tried for a side, at most, while its sounds will not do."}, \
		TTS_INT("requests_per_min", requests_per_min, "0", 0, 10000000, \
			"Most requests a minute, at each server. 0: any."), \
		TTS_INT("characters_per_min", characters_per_min, "0", 0, 1000000000000, \
			"Most characters of text a minute, at each server. 0: any."), \
		TTS_INT("in_flight", in_flight, in_flight_default, 1, 10000, \
			"Most requests at the same time, at each server; fewer while it shows that it is too many."), \
		TTS_INT("attempts", attempts, "6", 1, 100, \
			"How often one request is sent, at most, when it fails in a way that may pass."), \
		TTS_SECONDS("connect_timeout_s", connect_timeout_s, "10", 1, 600, "Longest wait for a connection."), \
		TTS_SECONDS("timeout_s", timeout_s, "600", 1, 7200, \
			"Longest time of one request, all in all, the wait in the server's queue included."), \
		TTS_SECONDS("stall_s", stall_s, "60", 0, 7200, \
			"Give up when a reply has begun and no more of it comes for so long. 0: never."), \
		{.name = "reply_max_kb", \
			.type = OPT_INT, \
			TTS_AT(reply_max_kb), \
			.dflt = reply_max_default, \
			.min = 16, \
			.max = 65536, \
			.unit = "KiB", \
			.help = "Longest reply."}, \
		{.name = "price_in", \
			.type = OPT_REAL, \
			TTS_AT(price_in), \
			.dflt = "0", \
			.min = 0, \
			.max = 1000000, \
			.help = \
				"Price of a million characters of text, in your currency: for estimates, max_cost and the summary."}, \
		TTS_SECONDS("patience_s", patience_s, "600", 0, 604800, \
			"How long all servers may be down, or ask to wait, before the provider's stages stop. 0: for ever.")

#endif
