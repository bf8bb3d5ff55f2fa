/* Who is to be woken when: a binary heap over things that carry their due time. */
#ifndef TAF_SERVERS_TIMERS_H
#define TAF_SERVERS_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
	int64_t due_ms;
};
struct timers {
	struct timer **v;
	size_t n, cap;
};

void timers_release(struct timers *t);
void timers_add(struct timers *t, struct timer *x);
/** The first that is due, taken off; NULL when none is. */
struct timer *timers_due(struct timers *t, int64_t now_ms);
/** When the first is due; INT64_MAX for none. */
int64_t timers_next(const struct timers *t);

#endif
