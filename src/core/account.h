/* The account of one provider in a run: its queue, limiter, circuit breaker and counts, shared by all stages that use the provider.
 *
 * An item thread calls account_exchange() and sleeps until its request was let through by the limiter, sent by the loop thread (io/http.h) and answered.
 * It then judges the reply and tells account_report(); whether to try again is its own decision (with `not_before`, so that retries mix into the
 * stream). The loop thread takes waiting requests in the order of their due time whenever limiter and breaker let one go.
 *
 * Breaker: after BREAKER_FAILURES exchanges in a row without any reply of the server (no connection, reset, timeout) or with 502, 503, 504 alone, nothing
 * is sent but one probe (the request at the head) after 1, 2, 4 … 60 s; the first whole reply of another status resumes. What waits meanwhile costs no
 * attempt. An account that stays down for `patience_s` refuses (ERR_ACCOUNT) when the next probe fails: its stages stop, the rest goes on.
 * A reply that tells the rest of an allowance (x-ratelimit-*) and that it is used up holds everything back until its reset, at most `patience_s`.
 * Any thread. Lock order: engine.lock is never held here; nothing but the budget's lock is taken under the accounts' own. */
#ifndef TAF_CORE_ACCOUNT_H
#define TAF_CORE_ACCOUNT_H

#include "core/breaker.h"
#include "core/budget.h"
#include "core/limiter.h"
#include "io/http.h"

#define ACCOUNT_BYTES_PER_TOKEN 3.0 /* of Chinese in UTF-8, until the account has learned its own */
#define ACCOUNT_REFUSALS 20 /* by status, in a row without a success: the account is at fault, not the records */
#define ACCOUNT_TOKENS_MAX INT64_C(10000000) /* of one request; usage that says more is not believed */

struct account_config {
	const char *name;  /* of the provider, for messages */
	const char *place; /* of a provider with several servers: which ("10.0.0.2:9900"); NULL: it has one */
	struct limiter_config limits;
	struct price price;
	int64_t patience_s; /* 0: for ever */
};

struct account_counts {
	int64_t requests; /* sent, attempts counted one by one */
	int64_t ok, limited, troubled, lost /* no whole reply */, refused /* by words */, filtered, invalid;
	int64_t tokens_in, tokens_out, cost; /* cost in millionths */
	int64_t waiting, in_flight, window;
	bool paused;      /* by the breaker */
	int64_t paused_s; /* in all */
};

struct exchange {
	/* in */
	struct http_request http;      /* holds until it returns */
	int64_t tokens_in, tokens_out; /* expected: see account_expect() */
	int64_t max_tokens;            /* of the request: a server may set them aside; 0: not known */
	int64_t not_before_ms;         /* clock_ms; 0: now */
	/* out */
	struct http_reply reply; /* the caller's: exchange_release() */
	/* inside */
	struct exchange_inside {
		struct account *account;
		struct exchange *next; /* to be begun */
		int64_t due_ms, order, sent_ms;
		int64_t cost_reserved, set_aside;
		bool probe;
		struct err *e;
		void *wake;
		int rc;
	} inside;
};
void exchange_release(struct exchange *x);

/** All accounts of a run, and the loop thread they share (started with the first exchange). `on_change` (may be NULL) is told when an account pauses,
 * resumes or waits long because the server asks to, in words for the user; that it gives up is told by what account_exchange() returns. */
struct accounts;
struct accounts *accounts_new(
	struct budget *b, void (*on_change)(void *arg, const char *account, const char *words), void *arg);
/** No more is sent; waiting exchanges return ERR_STOPPED. `drop`: those in flight too (what they cost is not known, and counted as nothing). */
void accounts_stop(struct accounts *all, bool drop);
/** No thread may be in account_exchange() any more. */
void accounts_free(struct accounts *all);
struct account *account_add(struct accounts *all, const struct account_config *c);

/** Wait for leave, send, wait for the reply. 0 when the exchange was carried out (look at x->reply.end and status), ERR_STOPPED, ERR_BUDGET, or ERR_ACCOUNT once
 * the account refuses. */
int account_exchange(struct account *a, struct exchange *x, struct err *e);
/** The same at the best of the places of one provider: one that pauses and is due to be probed; else the one with the least waiting and in
 * flight of those that neither pause nor refuse; else the one that is probed soonest. What waits at a place that turns out to be down, or refuses, goes to
 * another (*ret_which: where it went). ERR_ACCOUNT when all refuse. A place that is down is probed for as long as another is up, whatever its patience. */
struct account_places {
	struct account *const *v;
	const char *const *urls; /* of this request, at each of them: x->http.url is set to that of the one that was chosen */
	size_t n;
};
int account_exchange_best(const struct account_places *p, struct exchange *x, size_t *ret_which, struct err *e);
/** What came of it: corrects tokens, cost, window and breaker. Once for each account_exchange() that returned 0. */
struct account_report {
	enum limiter_end end;
	bool refused_by_status;        /* 401, 403, …: ACCOUNT_REFUSALS of them in a row stop the account */
	bool refused, filtered;        /* by the model's words, by the provider's filter */
	int64_t tokens_in, tokens_out; /* as the usage says; -1: not told */
	int64_t retry_ms;              /* the server's wish, for all; 0: none */
};
void account_report(struct account *a, struct exchange *x, const struct account_report *r);
/** From now on every exchange of this account returns ERR_ACCOUNT with these words. False: it did so before. */
bool account_refuse(struct account *a, const struct err *why);
/** Words for the user that a provider has found in replies, by the same way as `on_change`. */
void account_tell(struct account *a, const char *words);
/** An answer that did not pass the stage's schema or judgement: counted. */
void account_count_invalid(struct account *a);
void account_counts(struct account *a, struct account_counts *ret);

/** Tokens that a request of `bytes` of text to `lane` (a stage) will take, by what earlier ones took: bytes a token and tokens of an answer, smoothed. */
void account_expect(struct account *a, int lane, size_t bytes, int64_t max_tokens, int64_t *ret_in, int64_t *ret_out);
void account_learn(struct account *a, int lane, size_t bytes, int64_t tokens_in, int64_t tokens_out);

#endif
