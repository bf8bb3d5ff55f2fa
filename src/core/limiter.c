#include "core/limiter.h"

#include <math.h>
#include <string.h>

#define MINUTE_MS 60000.0
#define BURST_MS 500.0
#define FIRST_WINDOW 16
#define CUT_SHARE 0.9
#define CUT_EVERY_MS 5000
#define LEAST_SHARE 0.02
#define LATE_MS 10000          /* a time that is less than this behind is late; more is a step back of the clock */
#define SHARE_BACK_MS 600000.0 /* from 0 to 1 */
/* For tokens that a server may have reserved: kept free up to this share of the allowance without a sign that it does so, and a little beside them
 * for what estimates are off. */
#define RESERVED_UNSEEN 0.972
#define RESERVED_SEEN 0.05
#define RESERVED_BESIDE 0.008

static double rate(const struct limiter *l, const struct limiter_pace *p)
{
	double part = LIMITER_SHARE;
	if (p == &l->tokens) {
		double free_part = 1 - RESERVED_BESIDE - (double)l->set_aside / (double)p->allowance;
		part = fmin(part, fmax(free_part, l->reserves ? RESERVED_SEEN : RESERVED_UNSEEN));
	}
	return (double)p->allowance * part * l->share / MINUTE_MS;
}

static void pace_init(struct limiter_pace *p, int64_t allowance, int64_t least, int64_t clock_ms)
{
	*p = (struct limiter_pace){.allowance = allowance < 0 ? 0 : allowance};
	p->burst = fmax((double)p->allowance * LIMITER_SHARE / MINUTE_MS * BURST_MS, (double)least);
	p->level = p->burst;
	p->slot = clock_ms / LIMITER_SLOT_MS;
}

static void pace_tick(struct limiter *l, struct limiter_pace *p, int64_t passed_ms)
{
	if (p->allowance == 0)
		return;
	p->level = fmin(p->burst, p->level + (double)passed_ms * rate(l, p));
	int64_t slot = l->clock_ms / LIMITER_SLOT_MS;
	if (slot - p->slot >= LIMITER_SLOTS) {
		memset(p->gone, 0, sizeof(p->gone));
		p->sum = 0;
	} else {
		for (int64_t s = p->slot + 1; s <= slot; s++) {
			p->sum -= p->gone[s % LIMITER_SLOTS];
			p->gone[s % LIMITER_SLOTS] = 0;
		}
	}
	p->slot = slot;
}

/* A clock that steps back stands still for the limiter, and goes on from there. One that is a little behind is none: threads read the clock, then wait
 * for the account's lock, so times come out of order; taken as steps back, each would let the way on be counted twice. */
static void tick(struct limiter *l, int64_t now_ms)
{
	int64_t passed = now_ms - l->given_ms;
	if (passed <= 0 && passed > -LATE_MS)
		return;
	l->given_ms = now_ms;
	if (passed <= 0)
		return;
	l->clock_ms += passed;
	pace_tick(l, &l->requests, passed);
	pace_tick(l, &l->tokens, passed);
	l->share = fmin(1, l->share + (double)passed / SHARE_BACK_MS);
}

void limiter_init(struct limiter *l, const struct limiter_config *c, int64_t now_ms)
{
	*l = (struct limiter){.c = *c, .share = 1, .slow_start = true, .given_ms = now_ms};
	if (l->c.in_flight < 1)
		l->c.in_flight = 1;
	l->window = fmin(l->c.in_flight, FIRST_WINDOW);
	l->clock_ms = LIMITER_SLOT_MS * LIMITER_SLOTS; /* its own: any start will do that is not before 0 */
	l->cut_ms = l->round_ms = l->clock_ms;
	pace_init(&l->requests, c->requests_per_min, 1, l->clock_ms);
	pace_init(&l->tokens, c->tokens_per_min, 0, l->clock_ms);
}

/* ms until the log of the last minute has room. A request over the allowance goes when nothing else did: the server decides on it. */
static int64_t room_wait(const struct limiter *l, const struct limiter_pace *p, int64_t units)
{
	int64_t over = p->sum + units - p->allowance;
	if (p == &l->tokens && l->reserves) { /* what the next sets aside is as much as the others do */
		int64_t each = l->in_flight > 0 ? l->set_aside / l->in_flight : 0;
		over += l->set_aside + each + (int64_t)(RESERVED_BESIDE / 2 * (double)p->allowance);
	}
	if (over > p->sum)
		over = p->sum;
	if (over <= 0 || p->sum <= 0)
		return 0;
	for (int64_t s = p->slot + 1; s <= p->slot + LIMITER_SLOTS; s++) { /* the oldest slot is taken first */
		over -= p->gone[s % LIMITER_SLOTS];
		if (over <= 0)
			return s * LIMITER_SLOT_MS - l->clock_ms;
	}
	return LIMITER_SLOT_MS;
}

static int64_t pace_wait(const struct limiter *l, const struct limiter_pace *p, int64_t units)
{
	if (p->allowance == 0)
		return 0;
	double lacks = fmin((double)units, p->burst) - p->level;
	int64_t wait = lacks > 0 ? (int64_t)fmin(ceil(lacks / rate(l, p)), 1e12) : 0;
	int64_t room = room_wait(l, p, units);
	return wait > room ? wait : room;
}

bool limiter_may_send(struct limiter *l, int64_t tokens, int64_t now_ms, int64_t *ret_when)
{
	tick(l, now_ms);
	if (l->in_flight >= (int)l->window) {
		*ret_when = INT64_MAX;
		return false;
	}
	int64_t wait = l->hold_ms - l->clock_ms;
	int64_t requests = pace_wait(l, &l->requests, 1), spend = pace_wait(l, &l->tokens, tokens);
	wait = wait > requests ? wait : requests;
	wait = wait > spend ? wait : spend;
	if (wait <= 0)
		return true;
	*ret_when = now_ms + wait;
	return false;
}

/* `at_ms`: when it went (own clock). The server may count it then, or when it is through: what was too much is given back to the slot it was taken from,
 * what was too little is taken now. */
static void charge(struct limiter_pace *p, int64_t units, int64_t at_ms)
{
	if (p->allowance == 0)
		return;
	p->level = fmin(p->burst, p->level - (double)units);
	int64_t slot = units < 0 ? at_ms / LIMITER_SLOT_MS : p->slot;
	if (p->slot - slot >= LIMITER_SLOTS || slot < 0)
		return;
	p->gone[slot % LIMITER_SLOTS] += units;
	p->sum += units;
}

void limiter_sent(struct limiter *l, int64_t tokens, int64_t now_ms)
{
	tick(l, now_ms);
	l->in_flight++;
	l->used = l->used || l->in_flight * 2 >= (int)l->window;
	charge(&l->requests, 1, l->clock_ms);
	charge(&l->tokens, tokens, l->clock_ms);
}

static void cut_window(struct limiter *l)
{
	l->slow_start = false;
	l->window = fmax(1, l->window * 0.7);
}

/* Once a round trip. */
static void adapt(struct limiter *l)
{
	double n = l->ok + l->troubled + l->limited, bad = l->troubled + l->limited;
	double much = fmin(0.4, fmax(0.1, 10 / l->window));
	if (l->limited > 0)
		much /= 4;
	if (bad > much * n) {
		cut_window(l);
	} else if (l->used && l->ok > 0) {
		l->window += l->slow_start ? l->window : fmax(1, l->window / 32);
		l->window = fmin(l->window, l->c.in_flight);
	}
	l->ok = l->troubled = l->limited = 0;
	l->used = l->in_flight * 2 >= (int)l->window;
	l->round_ms = l->clock_ms;
}

/* A 429 to a request that went after the last cut. A server that counts by the minute goes on refusing after it. With a pace it is the pace that was
 * too fast; when a quarter of it is too fast still, it may be the number in flight. */
static void limited(struct limiter *l, int64_t went_ms)
{
	if (went_ms < l->cut_ms || (l->cut && l->clock_ms - l->cut_ms < CUT_EVERY_MS))
		return;
	l->cut = true;
	l->cut_ms = l->clock_ms;
	bool much = l->tokens.allowance > 0 && (double)l->set_aside > (1 - LIMITER_SHARE) * (double)l->tokens.allowance;
	if (much && !l->reserves)
		l->reserves = true;
	else
		l->share = fmax(LEAST_SHARE, l->share * CUT_SHARE);
	if (l->share < 0.25)
		cut_window(l);
}

void limiter_back(struct limiter *l, int64_t now_ms)
{
	tick(l, now_ms);
	l->in_flight -= l->in_flight > 0;
}

void limiter_done(
	struct limiter *l, enum limiter_end end, int64_t estimated, int64_t used, int64_t took_ms, int64_t now_ms)
{
	tick(l, now_ms);
	int64_t went = took_ms > 0 ? l->clock_ms - took_ms : l->clock_ms;
	if (used >= 0)
		charge(&l->tokens, used - estimated, went);
	if (end == LIMITER_NEUTRAL)
		return;
	l->ok += end == LIMITER_OK;
	l->troubled += end == LIMITER_TROUBLED;
	bool paced = l->requests.allowance > 0 || l->tokens.allowance > 0;
	if (end == LIMITER_LIMITED && paced)
		limited(l, went);
	else
		l->limited += end == LIMITER_LIMITED;
	/* Refusals come back much faster than answers: they alone make a round trip only when they fill the window. */
	if (went >= l->round_ms && (end == LIMITER_OK || l->troubled + l->limited >= (int)l->window))
		adapt(l);
}

void limiter_set_aside(struct limiter *l, int64_t delta)
{
	l->set_aside += delta;
}

void limiter_hold(struct limiter *l, int64_t until_ms)
{
	int64_t until = l->clock_ms + (until_ms - l->given_ms);
	if (until > l->hold_ms)
		l->hold_ms = until;
}
