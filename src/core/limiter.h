/* The limiter of one provider account: who may send now, and when the next may. Pure bookkeeping over a clock that is given: no threads, no I/O; the
 * account (core/account.h) calls it under its lock.
 *
 * Requests and tokens a minute are paced evenly, a little below the allowance (LIMITER_SHARE) with a burst of half a second: a server may count by
 * fixed minutes, by a sliding window or by a token bucket of any size, and an even stream is within all three. Tokens are estimated when a request
 * goes and corrected when its usage is known. In flight adapts once a round trip: doubled until there is too much trouble, then one more (or 1/32) in a
 * round trip and × 0.7 on trouble (AIMD, as TCP's congestion avoidance, RFC 5681). A few failures among many are no sign of load and would bind a large
 * window down to a handful, so "too much" is more than 10 replies or 10% of a round trip's, whichever is more (a quarter of that for 429; with a pace, a
 * 429 cuts the pace instead). Replies that tell the rest of the allowance and its reset
 * (x-ratelimit-*, Retry-After) hold everything back until then. */
#ifndef TAF_CORE_LIMITER_H
#define TAF_CORE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#define LIMITER_SHARE 0.985 /* of the allowance */

struct limiter_config {
	int64_t requests_per_min, tokens_per_min; /* 0: no limit */
	int in_flight;                            /* most, ≥ 1 */
};

/** One allowance a minute: a bucket that paces (its level may go below zero by one request), and a log of what went in the last LIMITER_SLOTS slots, which
 * keeps requests that are large beside the allowance within a server's minute. */
#define LIMITER_SLOT_MS 100
#define LIMITER_SLOTS 605 /* a minute and half a second */
struct limiter_pace {
	int64_t allowance; /* units a minute; 0: no limit */
	double burst, level;
	int64_t slot; /* number of the newest: own clock / LIMITER_SLOT_MS */
	int64_t sum;
	int64_t gone[LIMITER_SLOTS]; /* by slot % LIMITER_SLOTS */
};
struct limiter {
	struct limiter_config c;
	struct limiter_pace requests, tokens;
	double share; /* of the paces that is used: × 0.9 on a 429 in spite of pacing, creeps back to 1 by a tenth a minute */
	double window;   /* in flight now allowed */
	bool slow_start; /* not too much trouble yet */
	int in_flight;
	int64_t set_aside; /* see limiter_set_aside() */
	bool reserves;     /* the server seems to count what is set aside: a 429 came while it was much */
	int64_t clock_ms;  /* own clock: as the given one, but never back */
	int64_t given_ms;  /* the given one when it was last read */
	int64_t hold_ms;   /* own clock: nothing goes before */
	int64_t cut_ms;    /* own clock: when the share was last cut */
	bool cut;
	int64_t round_ms;          /* own clock: when the present round trip began */
	int ok, troubled, limited; /* replies in it */
	bool used;                 /* the window was half used in it, at least */
};

/** What came of a request, for limiter_done(). */
enum limiter_end {
	LIMITER_OK,
	LIMITER_LIMITED,  /* 429 without a quota code */
	LIMITER_TROUBLED, /* 5xx, timeout, reset: the server has too much */
	LIMITER_NEUTRAL   /* says nothing of the load: 400, refused, cancelled */
};

void limiter_init(struct limiter *l, const struct limiter_config *c, int64_t now_ms);
/** May a request of `tokens` (estimated, both ways) go now? When not, *ret_when is the earliest time to ask again (INT64_MAX: when one comes back). */
bool limiter_may_send(struct limiter *l, int64_t tokens, int64_t now_ms, int64_t *ret_when);
/** It goes. */
void limiter_sent(struct limiter *l, int64_t tokens, int64_t now_ms);
/** Its reply is there (or there will be none): another may go in its place. */
void limiter_back(struct limiter *l, int64_t now_ms);
/** What came of it, once, after limiter_back(): `used` tokens in place of the estimated (used < 0: not known, the estimate stays; a request that was refused before any work counts 0). */
void limiter_done(
	struct limiter *l, enum limiter_end end, int64_t estimated, int64_t used, int64_t took_ms, int64_t now_ms);
/** Tokens that a server which reserves max_tokens holds for requests in flight beyond those expected: + when one goes, - when it is back. They are kept
 * free up to 2.5% of the allowance (more once a 429 shows that the server does so): the target of 97% holds for servers of both kinds. */
void limiter_set_aside(struct limiter *l, int64_t delta);
/** Nothing goes before `until_ms`: Retry-After, or an allowance that is used up until its reset. */
void limiter_hold(struct limiter *l, int64_t until_ms);

/* --- What servers say (limiter_text.c) --- */
#define LIMITER_WAIT_MAX_MS ((int64_t)3600 * 1000)
/** "120", "1.5" (seconds) or an HTTP date (RFC 9110, all three forms) → ms from now; -1 when it is neither. `wall_ms` is the time of day. What is past is
 * 0, more than LIMITER_WAIT_MAX_MS is that. Only blanks may stand around it. */
int64_t retry_after_ms(const char *text, int64_t wall_ms);
/** A reset as x-ratelimit-reset-* has it: "6m0s", "1h2m", "1.2s", "20ms", plain seconds, seconds or milliseconds since 1970, or a date as above or in
 * the form 2026-11-21T18:44:36Z → ms from now, as above; -1 when unreadable. */
int64_t reset_ms(const char *text, int64_t wall_ms);

#endif
