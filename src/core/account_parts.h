/* Inside core/account*.c: what an account holds, and its queue. Everything is under accounts.lock. */
#ifndef TAF_CORE_ACCOUNT_PARTS_H
#define TAF_CORE_ACCOUNT_PARTS_H

#include "core/account.h"

#include <pthread.h>

#define ACCOUNT_LANES_MAX 256

/* What questions of a stage took: sums that forget. */
struct lane {
	double bytes, tokens; /* of prompts */
	double out;           /* tokens of an answer, smoothed */
	int answers;
};

/* Waiting exchanges, a binary heap by due time, then by arrival. */
struct account_queue {
	struct exchange **v;
	size_t n, cap;
};
void queue_put(struct account_queue *q, struct exchange *x);
struct exchange *queue_first(const struct account_queue *q); /* NULL when empty */
struct exchange *queue_take(struct account_queue *q);        /* the first; NULL when empty */

struct account {
	struct accounts *all;
	char *name;
	struct account_config c;
	struct account_queue waiting;
	struct limiter limiter;
	struct breaker breaker;
	struct account_counts counts;
	struct err why;                              /* code ≠ 0: refuses */
	int refusals;                                /* by status, in a row */
	int64_t most_requests, most_tokens;          /* that a reply ever said to be left */
	int64_t told_ms;                             /* until when the user was told that it waits */
	int64_t next_ms;                             /* when the loop looks at it again of its own */
	struct lane lanes[ACCOUNT_LANES_MAX], every; /* of all lanes: the first guess for a new one */
};

struct accounts {
	pthread_mutex_t lock;
	struct budget *budget;
	void (*on_change)(void *arg, const char *account, const char *words);
	void *arg;
	struct http *http; /* from the first exchange on */
	struct account **v;
	size_t n, cap;
	int64_t order;
	bool stopping;
};

#endif
