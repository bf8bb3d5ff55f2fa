/* Money and tokens of a run. Prices are per million tokens in the user's own currency; sums are held in millionths of it, so that addition is exact.
 * Spent are all requests that were paid for, also those whose answer was not accepted; what a release states is the cost of accepted answers alone.
 * Any thread. */
#ifndef TAF_CORE_BUDGET_H
#define TAF_CORE_BUDGET_H

#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct price {
	int64_t in, out; /* millionths of the currency a million tokens = exact cost per token × 10^12 */
};
/** Cost in millionths of the currency, rounded up. Tokens below 0 count as none; what does not fit is INT64_MAX. */
int64_t price_of(const struct price *p, int64_t tokens_in, int64_t tokens_out);

struct budget {
	int64_t max_total;                 /* of the work folder, millionths; < 0: none (max_cost of the YAML) */
	int64_t max_run;                   /* of this run; < 0: none (--max-cost) */
	int64_t max_tokens;                /* of this run, both ways; 0: none */
	int64_t before;                    /* spent in the work folder before this run */
	_Atomic int64_t spent, tokens;     /* of this run; to be read at any time */
	pthread_mutex_t lock;              /* of what is below; and `spent` and `tokens` change under it */
	int64_t reserved, tokens_reserved; /* set aside for what is under way */
};
/** No limits, nothing spent. */
void budget_init(struct budget *b);
/** Set aside what a request is expected to cost. ERR_BUDGET, saying which limit and what was spent, when that would go over it. What costs nothing goes
 * over no limit of money. */
int budget_reserve(struct budget *b, int64_t cost, int64_t tokens, struct err *e);
/** The request is over: what was set aside goes, what it really cost (0: nothing) is spent. */
void budget_settle(struct budget *b, int64_t reserved, int64_t tokens_reserved, int64_t cost, int64_t tokens);

#endif
