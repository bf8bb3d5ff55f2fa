/* What the server is told to do: options of the command line, and the same by name in POST /switch while it runs. A struct switches is plain data: a change is
 * made on a copy and taken over whole, or not at all. */
#ifndef TAF_LLM_SWITCHES_H
#define TAF_LLM_SWITCHES_H

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
	X(BAD_JSON, "bad-json", "a body of type application/json that is not JSON")
/* Answered: what the model does, decided by the request alone: the same request gets it again, another seed or model may not. */
#define ANSWERED_LIST(X) \
	X(REFUSE, "refuse", "the model refuses, in Chinese or English words") \
	X(FILTER, "filter", "finish_reason content_filter with an empty message") \
	X(FILTER_400, "filter-400", "400 with the code data_inspection_failed") \
	X(LONG, "long", "an answer of --long-bytes") \
	X(LENGTH, "length", "an answer cut in its middle, finish_reason length")
#define MISBEHAVE_LIST(X) \
	X(ENDCALL_ON_QUESTION, "endcall-on-question") \
	X(BLIND_CLOSING, "blind-closing") \
	X(FREE_TERMINATOR, "free-terminator") \
	X(PLACEHOLDER, "placeholder") \
	X(STAGE_DIRECTION, "stage-direction") \
	X(MARKUP, "markup") \
	X(LEAKED_TOKEN, "leaked-token") \
	X(ROLE_PREFIX, "role-prefix") \
	X(TWO_TURNS, "two-turns") \
	X(META, "meta") \
	X(ENGLISH, "english") \
	X(REPEAT, "repeat") \
	X(EMPTY, "empty") \
	X(NEVER_ENDS, "never-ends") \
	X(BAD_VERDICT, "bad-verdict") \
	X(WRONG_LABEL, "wrong-label") \
	X(LEAK, "leak") \
	X(WRONG_JSON, "wrong-json")

enum carried {
	CARRIED_NONE,
#define X(name, option, help) CARRIED_##name,
	CARRIED_LIST(X)
#undef X
		CARRIED_COUNT
};
enum answered {
	ANSWERED_NONE,
#define X(name, option, help) ANSWERED_##name,
	ANSWERED_LIST(X)
#undef X
		ANSWERED_COUNT
};
enum misbehaviour {
#define X(name, option) MISBEHAVE_##name,
	MISBEHAVE_LIST(X)
#undef X
		MISBEHAVE_COUNT
};
extern const char *const carried_names[CARRIED_COUNT], *const answered_names[ANSWERED_COUNT],
														   *const misbehave_names[MISBEHAVE_COUNT];

enum latency_kind { LATENCY_BETWEEN, LATENCY_LOGNORMAL };
enum window_kind { WINDOW_FIXED, WINDOW_SLIDING, WINDOW_BUCKET };

#define STATUSES_MAX 16
#define WORDS_MAX 512

struct switches {
	enum latency_kind latency;
	double latency_a, latency_b; /* ms, ms; or median ms, sigma */
	int64_t rpm, tpm;            /* 0: no limit */
	enum window_kind window;
	double bucket_s; /* capacity of the bucket, in seconds of the allowance */
	bool reserve;    /* max_tokens count when a request is let in, and are corrected after */
	int64_t minute_ms, concurrency, quota_after, drip_rate, long_bytes;
	double carried[CARRIED_COUNT], answered[ANSWERED_COUNT], misbehave[MISBEHAVE_COUNT]; /* percent */
	struct {
		int status;
		double percent;
	} statuses[STATUSES_MAX];
	int nstatuses;
	bool think, reasoning, fence, no_response_format, no_json_mode;
	char auth[WORDS_MAX], models[WORDS_MAX]; /* empty: any */
	double down_from_s, down_for_s;
};

void switches_init(struct switches *s);
/** Set one by its option's name. `value` NULL: a flag without a value. ERR_USAGE says what is wanted. */
int switches_set(struct switches *s, struct str name, const char *value, struct err *e);
/** {"rpm": 60, "hang": 2.5, "fail-status": "500=2", …}: all or nothing. */
int switches_set_json(struct switches *s, const struct json *change, struct err *e);
/** Whether `name` is a switch, and one that takes a value. */
bool switches_known(struct str name, bool *ret_takes_value);
void switches_help(FILE *out);
/** Those that stand at other values than at the start of a plain server. */
struct json *switches_json(struct arena *a, const struct switches *s);
/** Latency of a draw in [0,1) and another, in ms. */
double switches_latency(const struct switches *s, double u, double v);

#endif
