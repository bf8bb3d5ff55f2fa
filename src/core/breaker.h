/* The circuit breaker of one provider account: whether the server is there at all. Pure bookkeeping over a clock that is given, as core/limiter.h; the
 * account calls it under its lock. After BREAKER_FAILURES failures in a row it is open: one probe may go after 1, 2, 4 … 60 s; what was sent before
 * it opened is no probe and counts only if it is a sign of life. The first sign of life closes it. */
#ifndef TAF_CORE_BREAKER_H
#define TAF_CORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES 10
#define BREAKER_WAIT_MAX_MS 60000

struct breaker {
	int failures; /* in a row, while closed */
	bool open;
	bool probing;      /* the probe is under way */
	int64_t wait_ms;   /* before the next probe */
	int64_t probe_ms;  /* when it may go */
	int64_t since_ms;  /* when it opened */
	int64_t last_ms;   /* how long the last pause was */
	int64_t paused_ms; /* earlier pauses in all, the last one too */
};

enum breaker_event { BREAKER_NOTHING, BREAKER_OPENED, BREAKER_STILL_OPEN, BREAKER_CLOSED };

/** May a request go? When not, *ret_when is when to ask again; INT64_MAX: when the probe comes back. */
bool breaker_may_send(const struct breaker *b, int64_t now_ms, int64_t *ret_when);
/** One goes: true when it is the probe (to be told to breaker_done()). */
bool breaker_sent(struct breaker *b);
enum breaker_end {
	BREAKER_ALIVE,
	BREAKER_FAILED,
	BREAKER_UNKNOWN /* neither: the next probe comes after the same wait */
};
enum breaker_event breaker_done(struct breaker *b, bool probe, enum breaker_end end, int64_t now_ms);
/** How long the present pause lasts; 0 while closed. */
int64_t breaker_pause_ms(const struct breaker *b, int64_t now_ms);

#endif
