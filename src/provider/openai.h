/* LLMs behind the OpenAI chat API: POST {base_url}/chat/completions, not streamed. One file each for the options (openai_options.c), what is sent
 * (openai_body.c), what a reply means (openai_reply.c, openai_error.c), and the asking with attempts, waits and fallback models (openai.c).
 * Threads: all functions may be called from any thread; what the provider learns in a run (below) is atomic.
 * Secrets: the key is looked up in the environment for each request and stands in one header only; no words made here hold it. */
#ifndef TAF_PROVIDER_OPENAI_H
#define TAF_PROVIDER_OPENAI_H

#include "core/account.h"
#include "provider/providers.h"

#define OPENAI_MODELS 8  /* the model and its fallbacks */
#define OPENAI_WORDS 300 /* bytes of a reply that an error repeats */
#define OPENAI_BODY_MAX ((size_t)64 << 20)

enum openai_json { OPENAI_JSON_AUTO, OPENAI_JSON_OBJECT, OPENAI_JSON_SCHEMA, OPENAI_JSON_OFF };

struct openai_params {
	struct str base_url, api_key_env, model, revision;
	struct option_list fallback_models, stop;
	double temperature, top_p; /* < 0: the server's */
	int64_t max_tokens;        /* 0: the server's */
	const struct json *extra;
	int json_mode; /* enum openai_json */
	bool send_seed, repair;
	int64_t requests_per_min, tokens_per_min, in_flight, attempts, draws;
	int64_t connect_timeout_s, timeout_s, stall_s, reply_max_kb, patience_s;
	double price_in, price_out;
	/* Not options: what was found out in this run, by model. */
	_Atomic int json_refused[OPENAI_MODELS]; /* of json_mode auto: 1: no json_schema, 2: no json_object either */
	_Atomic bool missing[OPENAI_MODELS];     /* the server has no such model */
};

/** Model `i`: 0 is `model`, then the fallbacks. */
struct str openai_model(const struct openai_params *p, size_t i);
size_t openai_models(const struct openai_params *p);

/* --- provider_ops.ask and .probe --- */
int openai_ask(const struct provider *p, struct account *account, const struct provider_ask *q,
	struct provider_answer *ret, struct err *e);
int openai_probe(
	const struct provider *p, struct account *account, struct buf *ret, struct buf *ret_doubt, struct err *e);

/* --- What is sent --- */
enum openai_format { OPENAI_FORMAT_NONE, OPENAI_FORMAT_OBJECT, OPENAI_FORMAT_SCHEMA };
/** The response_format of a request, when `refused` of the better ones are not taken (json_refused; counts in mode auto only). */
enum openai_format openai_format_of(const struct openai_params *p, int refused, const struct provider_ask *q);
/** What one request says. */
struct openai_sending {
	const struct openai_params *params;
	struct str model;
	enum openai_format format;
	const struct provider_ask *q;
};
/** The body, appended. *ret_text is how many of its bytes are not sound. ERR_DATA: the request is none of ours, or is over OPENAI_BODY_MAX; errors of the
 * object reader as they come. */
int openai_body(const struct openai_sending *x, struct buf *ret, size_t *ret_text, struct err *e);
/** What the option table cannot say of `extra`: names that are ours. */
int openai_check_extra(const struct json *extra, struct err *e);

/* --- What comes back --- */
/** What a reply means, and so what is to be done. */
enum openai_means {
	OPENAI_ANSWER,      /* an answer, also one that was cut off */
	OPENAI_FILTERED,    /* the provider's filter, whatever the status: the next model */
	OPENAI_REFUSED,     /* the model's own words: the next model */
	OPENAI_NO_MODEL,    /* it is not there: the next model */
	OPENAI_BAD_REQUEST, /* 400, 413, 422 and the like: the record's fault, or response_format's */
	OPENAI_ACCOUNT,     /* key, money, route: no request of this account will do */
	OPENAI_LIMITED,     /* 429: again, slower */
	OPENAI_TROUBLED,    /* 5xx, timeout, broken body: again */
	OPENAI_TOO_LONG,    /* over reply_max_kb: the same seed would give the same again, so the next draw */
	OPENAI_STOPPED      /* the run is being stopped */
};
struct openai_reply {
	enum openai_means means;
	int status;          /* that counts: of HTTP, or what a 200 with an error object says; 0 without a reply */
	struct json *answer; /* OPENAI_ANSWER, OPENAI_REFUSED: {content, finish, model, reasoning?, refused?: the server said so} */
	int64_t tokens_in, tokens_out; /* by the usage; -1: not told */
	int64_t retry_ms;              /* the server's wish; 0: none */
	bool names_format;             /* OPENAI_BAD_REQUEST: its words speak of response_format */
	struct str words;              /* for people, tidied and short; "503: model overloaded" */
};
/** Read a reply. `model` is what was asked; `key` is taken out of words. Everything is in the arena. `wall_ms` is the time of day, for dates in headers. */
void openai_read(struct arena *a, const struct http_reply *r, struct str model, struct str key, int64_t wall_ms,
	struct openai_reply *ret);

/** What an error of a server means: status 0…599, the parts of its error object (any may be empty). */
struct openai_error {
	int status;
	struct str code, type, inner, message;
};
/** Find the error object of a body in any of the forms that servers use; `status` is that of HTTP, replaced by the object's own when HTTP says 200. False
 * when there is none in it. Texts live in the body or the arena. */
bool openai_error_of(struct arena *a, const struct json *body, int status, struct openai_error *ret);
enum openai_means openai_classify(const struct openai_error *e);
/** Text of a server for people: one line, at most OPENAI_WORDS bytes, valid UTF-8, without `key` and what looks like one. In the arena. */
struct str openai_words(struct arena *a, struct str text, struct str key);

#endif
