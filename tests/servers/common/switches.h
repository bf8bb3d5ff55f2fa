/* What a server is told to do: options of the command line, and the same by name in POST /switch while it runs.
 * Those that every server has are in `struct switches`, which is the first member of a server's own struct; a `struct switch_set` names the others. Such a
 * struct is plain data: a change is made on a copy and taken over whole, or not at all. */
#ifndef TAF_SERVERS_SWITCHES_H
#define TAF_SERVERS_SWITCHES_H

#include "io/json.h"

#include <stdio.h>

/* X(name in C, option, help; without a help it is no option of its own). Carried: what goes wrong on the way, decided anew for each attempt. */
#define CARRIED_LIST(X) \
	X(STATUS, "status", NULL) \
	X(HANG, "hang", "no reply at all: the connection stays open until the client closes it") \
	X(RESET, "reset", "the connection is reset (RST) in place of a reply") \
	X(RESET_MID, "reset-mid", "the connection is reset in the middle of the body") \
	X(DRIP, "drip", "the body comes at --drip-rate bytes a second") \
	X(TRUNCATE, "truncate", "the body ends before its Content-Length") \
	X(HTML, "html", "a page of HTML with status 200") \
	X(BAD_JSON, "bad-json", "a body of type application/json that is not JSON") \
	X(WRONG_TYPE, "wrong-type", "the right body under the content type text/plain")

enum carried {
	CARRIED_NONE,
#define X(name, option, help) CARRIED_##name,
	CARRIED_LIST(X)
#undef X
		CARRIED_COUNT
};
extern const char *const carried_names[CARRIED_COUNT];

enum latency_kind { LATENCY_BETWEEN, LATENCY_LOGNORMAL };
enum window_kind { WINDOW_FIXED, WINDOW_SLIDING, WINDOW_BUCKET };

#define STATUSES_MAX 16
#define WORDS_MAX 512
#define ANSWERED_MAX 32

struct switches {
	enum latency_kind latency;
	double latency_a, latency_b; /* ms, ms; or median ms, sigma */
	int64_t rpm, amount_pm;      /* 0: no limit; the amount is of what the server counts besides requests */
	enum window_kind window;
	double bucket_s; /* capacity of the bucket, in seconds of the allowance */
	bool reserve;    /* the most that an answer may take counts when a request is let in, and is corrected after */
	int64_t minute_ms, concurrency, quota_after, drip_rate;
	double carried[CARRIED_COUNT]; /* percent */
	double answered[ANSWERED_MAX]; /* percent, by the set's names */
	struct {
		int status;
		double percent;
	} statuses[STATUSES_MAX];
	int nstatuses;
	char auth[WORDS_MAX], models[WORDS_MAX]; /* empty: any */
	double down_from_s, down_for_s;
};

enum switch_type {
	SWITCH_FLAG,
	SWITCH_WHOLE,
	SWITCH_REAL,
	SWITCH_PERCENT,
	SWITCH_WORDS,
	SWITCH_CHOICE, /* one of the words of `value`, as an int: 1 for the first, 0 for none */
	SWITCH_LATENCY,
	SWITCH_WINDOW,
	SWITCH_STATUSES,
	SWITCH_SHARES
};
struct switch_entry {
	const char *name, *value, *help; /* without a help: none */
	enum switch_type type;
	size_t offset; /* in the server's own struct */
	double min, max;
};
/** What the engine behind a server can do by --NAME P: decided by the request alone; the same request gets it again. */
struct switch_answered {
	const char *name, *help;
};
struct switch_set {
	size_t size; /* of the server's own struct */
	const struct switch_entry *own;
	size_t nown;
	const struct switch_answered *answered; /* [0] is nothing */
	int nanswered;
	const char *const *shares; /* names of the one entry of type SWITCH_SHARES, an array of double; NULL: none */
	int nshares;
	const void *plain; /* the values at the start of a plain server */
};
#define SWITCHES_PLAIN {.window = WINDOW_FIXED, .bucket_s = 60, .minute_ms = 60000, .drip_rate = 5}

/** All functions take a pointer to the server's own struct as one to its first member. */
void switches_init(const struct switch_set *set, struct switches *s);
/** Set one by its option's name. `value` NULL: a flag without a value. ERR_USAGE says what is wanted. */
int switches_set(const struct switch_set *set, struct switches *s, struct str name, const char *value, struct err *e);
/** {"rpm": 60, "hang": 2.5, "fail-status": "500=2", …}: all or nothing. */
int switches_set_json(const struct switch_set *set, struct switches *s, const struct json *change, struct err *e);
/** Whether `name` is a switch, and one that takes a value. */
bool switches_known(const struct switch_set *set, struct str name, bool *ret_takes_value);
void switches_help(const struct switch_set *set, FILE *out);
/** Those that stand at other values than at the start of a plain server. */
struct json *switches_json(const struct switch_set *set, struct arena *a, const struct switches *s);
/** Latency of a draw in [0,1) and another, in ms. */
double switches_latency(const struct switches *s, double u, double v);
/** What the engine does with the request of this key; 0: nothing out of the way. */
int switches_answered(const struct switch_set *set, const struct switches *s, uint64_t key);
/** Whether a list with commas names it. */
bool switches_named(const char *list, struct str name);

#endif
