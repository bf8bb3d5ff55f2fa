/* What a provider is: one kind = one file src/provider/KIND.c, one const struct provider_ops in the array of src/provider/providers.c.
 * A provider in a pipeline is made from `providers:` of the YAML; stages refer to it by name. Its identity (kind, version, options that shape
 * output, library versions) is in the keys of the stages that use it; url, key and limits never are. */
#ifndef TAF_CORE_PROVIDER_H
#define TAF_CORE_PROVIDER_H

#include "core/option.h"

enum provider_serves { PROVIDER_LLM, PROVIDER_TTS };

struct account;
struct account_config;
struct provider;

/** One question to an LLM over the network. */
struct provider_ask {
	struct arena *arena;
	/** Canonical: {messages, temperature?, max_tokens?, json?: true}; sound in a message stands as {type: input_audio, object: HEX, format}. */
	const struct json *request;
	const struct json *schema; /* with `json`: what the answer must be like, for servers that can be told; not part of any key. May be NULL */
	int64_t seed; /* of this draw, ≥ 0, below 2^31 */
	int lane;     /* the stage, for what answers usually take */
	/** The bytes of an object that a message names. */
	int (*object)(void *arg, struct str hex, struct buf *ret, struct err *e);
	void *arg;
};
/** After a failure `answer` is NULL; the rest is what was paid for all the same. */
struct provider_answer {
	/** {content, finish: stop|length, model, reasoning?, before?: [{model, why: filtered|refused|failed|missing, content?}], estimated?: true} as the server sent
	 * it, unread: what is stored. `before` are the models that gave no answer; `estimated`: the server told no usage. */
	struct json *answer;
	struct str model;
	int64_t tokens_in, tokens_out, cost; /* of all that was paid for this answer; cost in millionths of the currency */
};
/** What a stage's questions may take. */
struct provider_asking {
	int draws;   /* at most, per question */
	bool repair; /* one more request that states what was wrong with a JSON answer */
};

/* --- Speech over the network --- */
struct draw;
/** What is known of who speaks. */
struct provider_person {
	const char *gender; /* "male", "female"; NULL: not known */
	const char *age;    /* "young", "middle", "elderly"; NULL: not known */
};
/** How a speech server may be asked. */
struct provider_speaking {
	int batch; /* texts in one request, at most */
	int rungs; /* ways to ask for the same text, ≥ 1: the first as it is configured, further ones e.g. with another temperature */
	int casts; /* voices that are tried for a side before the call is given up, ≥ 1 */
};
/** Texts in one voice: one request, a sound for each. */
struct provider_speak {
	struct arena *arena;
	const struct json *voice;   /* as voice() made it */
	const struct str *texts;    /* spoken forms (numbers in words) */
	const struct str *emotions; /* delivery of each text, may be empty; NULL: of none. Servers that take none ignore it */
	size_t n;                   /* 1 to speaking.batch */
	int rung;                   /* 0 to speaking.rungs - 1 */
	int lane;                   /* the stage, for what answers usually take */
};
/** One per text, in its order. */
struct provider_sound {
	struct str bytes; /* a sound file as the server sent it, not decoded yet, in the arena; empty: there is none */
	const char *why;  /* there is none: why, in words for the user */
};

struct provider_ops {
	const char *kind; /* "script", "espeak" */
	const char *help;
	enum provider_serves serves;
	int version;        /* raised when its answers change for equal requests */
	bool embedded;      /* no network, no account */
	bool deterministic; /* equal requests have equal answers: the draw number is always 0 */
	size_t params_size;
	const struct option *options;
	size_t noptions;
	const char *(*libraries)(void); /* NULL for none */
	/* Over the network; NULL for embedded kinds. */
	/** What the option table cannot say, before any work: ERR_CONFIG names the provider, then the option, and e.g. the environment variable that is not
	 * set: the place that the user is shown is that of the option named first. `check` looks at it too. */
	int (*ready)(const struct provider *p, struct err *e);
	/** What is allowed, and yet may not be meant: a line for the user, appended, or nothing. May be NULL. */
	void (*doubts)(const struct provider *p, struct buf *ret);
	void (*account)(const struct provider *p, struct account_config *ret);
	void (*asking)(const struct provider *p, struct provider_asking *ret);
	/** Ask once: all attempts, fallback models and waits. ERR_DATA: filtered by all models, or the request is bad (a refusal is an answer: core/chat.h); ERR_TRANSIENT: attempts used up;
	 * ERR_INVALID: the reply is longer than any answer may be, so the next draw;
	 * ERR_ACCOUNT, ERR_BUDGET, ERR_STOPPED. */
	int (*ask)(const struct provider *p, struct account *account, const struct provider_ask *q,
		struct provider_answer *ret, struct err *e);
	/* Speech servers */
	/** How many servers (base_urls) stand behind this provider, each with an account of its own; NULL: one. */
	size_t (*places)(const struct provider *p);
	/** "10.0.0.2:9900" of the i-th of them, for messages, in memory of the provider's. */
	const char *(*place)(const struct provider *p, size_t i);
	void (*speaking)(const struct provider *p, struct provider_speaking *ret);
	/** A voice for a person, as JSON that goes into the request and its key ({"manual_seed": 1234}, {"voice": "alloy"}); another than `other`, the voice of
	 * the other side (NULL: not chosen yet), whenever there are two. What is not known of the person is drawn. */
	int (*voice)(const struct provider *p, const struct provider_person *who, const struct json *other, struct draw *d,
		struct arena *a, const struct json **ret, struct err *e);
	/** Ask once: all attempts and waits, at whichever of the `n` accounts (one per place) is best. 0: each of q->n sounds is there or says why not.
	 * ERR_DATA: the server says that the request is bad; ERR_INVALID: it fails on these texts while it answers others; ERR_TRANSIENT: attempts used up; ERR_ACCOUNT: all places refuse; ERR_BUDGET, ERR_STOPPED. */
	int (*speak)(const struct provider *p, struct account *const *accounts, size_t n, const struct provider_speak *q,
		struct provider_sound *ret, struct err *e);
	/** `check --online`: one cheap request, and one to each further model until one answers, as a run would go on; model, latency and what the server says of its
	 * limits as a line, appended. *ret_doubt: a line, appended, when it was not the first model. */
	int (*probe)(
		const struct provider *p, struct account *account, struct buf *ret, struct buf *ret_doubt, struct err *e);
};

struct provider {
	const char *name;             /* as in the YAML */
	const struct yaml_node *node; /* where it is written; NULL when it is not from a file */
	const struct provider_ops *ops;
	void *params;
	const struct json *identity; /* canonical, for keys */
	const struct json *answers;  /* the part of it that answers are stored under */
};

extern const struct provider_ops *const providers_all[]; /* NULL-terminated */
const struct provider_ops *provider_find(struct str kind);
/** Whether what is asked of it is counted as money: false for one over the network without prices, whose work no limit of cost stops. Those that are part
 * of taf cost nothing. */
bool provider_counted(const struct provider *p);
/** Set identity, {kind, version, libraries?, shaping options}, and answers, the same without options that choose (OPTION_CHOOSES); in the arena. */
void provider_identify(struct arena *a, struct provider *p);

#endif
