#include "core/breaker.h"

#define FIRST_WAIT_MS 1000

bool breaker_may_send(const struct breaker *b, int64_t now_ms, int64_t *ret_when)
{
	if (!b->open || (!b->probing && now_ms >= b->probe_ms))
		return true;
	*ret_when = b->probing ? INT64_MAX : b->probe_ms;
	return false;
}

bool breaker_sent(struct breaker *b)
{
	if (!b->open)
		return false;
	b->probing = true;
	return true;
}

static enum breaker_event failed(struct breaker *b, bool probe, int64_t now_ms)
{
	if (b->open && !probe)
		return BREAKER_NOTHING;
	if (!b->open && ++b->failures < BREAKER_FAILURES)
		return BREAKER_NOTHING;
	enum breaker_event event = b->open ? BREAKER_STILL_OPEN : BREAKER_OPENED;
	if (!b->open)
		b->since_ms = now_ms;
	b->wait_ms = b->open ? b->wait_ms * 2 : FIRST_WAIT_MS;
	if (b->wait_ms > BREAKER_WAIT_MAX_MS)
		b->wait_ms = BREAKER_WAIT_MAX_MS;
	b->open = true;
	b->probing = false;
	b->probe_ms = now_ms + b->wait_ms;
	return event;
}

enum breaker_event breaker_done(struct breaker *b, bool probe, enum breaker_end end, int64_t now_ms)
{
	if (end == BREAKER_FAILED)
		return failed(b, probe, now_ms);
	if (end == BREAKER_UNKNOWN) {
		if (probe && b->open) {
			b->probing = false;
			b->probe_ms = now_ms + b->wait_ms;
		}
		return BREAKER_NOTHING;
	}
	b->failures = 0;
	if (!b->open)
		return BREAKER_NOTHING;
	b->last_ms = breaker_pause_ms(b, now_ms);
	b->paused_ms += b->last_ms;
	b->open = b->probing = false;
	return BREAKER_CLOSED;
}

int64_t breaker_pause_ms(const struct breaker *b, int64_t now_ms)
{
	return b->open && now_ms > b->since_ms ? now_ms - b->since_ms : 0;
}
