#include "tests/servers/common/limits.h"

#include <math.h>
#include <string.h>

#define NO_LIMIT 1e15

void meter_init(struct meter *m, const struct switches *s, double limit, int64_t now_ms)
{
	*m = (struct meter){.kind = s->window,
		.limit = limit,
		.capacity = limit * s->bucket_s / 60,
		.minute_ms = s->minute_ms,
		.start_ms = now_ms,
		.at_ms = now_ms};
	m->level = m->capacity;
}

static void forward(struct meter *m, int64_t now_ms)
{
	if (m->kind == WINDOW_BUCKET) {
		m->level += m->limit * (double)(now_ms - m->at_ms) / (double)m->minute_ms;
		m->level = m->level > m->capacity ? m->capacity : m->level;
		m->at_ms = now_ms;
		return;
	}
	if (m->kind == WINDOW_FIXED) {
		int64_t window = (now_ms - m->start_ms) / m->minute_ms;
		m->used = window == m->at ? m->used : 0;
		m->at = window;
		return;
	}
	int64_t step = (now_ms - m->start_ms) * METER_STEPS / m->minute_ms;
	if (step - m->at >= METER_STEPS) {
		memset(m->steps, 0, sizeof(m->steps));
		m->used = 0;
		m->at = step;
	}
	while (m->at < step) {
		double *oldest = &m->steps[++m->at % METER_STEPS];
		m->used -= *oldest;
		*oldest = 0;
	}
}

double meter_most(const struct meter *m)
{
	return m->kind == WINDOW_BUCKET ? m->capacity : m->limit;
}

double meter_left(struct meter *m, int64_t now_ms)
{
	if (m->limit <= 0)
		return NO_LIMIT;
	forward(m, now_ms);
	return m->kind == WINDOW_BUCKET ? m->level : m->limit - m->used;
}

double meter_used(struct meter *m, int64_t now_ms)
{
	forward(m, now_ms);
	return m->used;
}

void meter_add(struct meter *m, double amount, int64_t now_ms)
{
	forward(m, now_ms);
	if (m->kind == WINDOW_BUCKET) {
		m->level -= amount;
		return;
	}
	m->used += amount;
	if (m->kind == WINDOW_SLIDING)
		m->steps[m->at % METER_STEPS] += amount;
}

void meter_correct(struct meter *m, double delta, int64_t then_ms, int64_t now_ms)
{
	forward(m, now_ms);
	if (m->kind == WINDOW_BUCKET) {
		m->level -= delta;
		return;
	}
	int64_t length = m->kind == WINDOW_FIXED ? m->minute_ms : 1;
	int64_t then = m->kind == WINDOW_FIXED ? (then_ms - m->start_ms) / length
										   : (then_ms - m->start_ms) * METER_STEPS / m->minute_ms;
	if (then < 0 || (m->kind == WINDOW_FIXED ? then != m->at : m->at - then >= METER_STEPS))
		return; /* it does not count any more */
	m->used += delta;
	if (m->kind == WINDOW_SLIDING)
		m->steps[then % METER_STEPS] += delta;
}

/* When the oldest steps that hold enough have left. */
static int64_t sliding_wait(const struct meter *m, double missing, int64_t now_ms)
{
	for (int64_t i = 1; i <= METER_STEPS; i++) {
		missing -= m->steps[(m->at + i) % METER_STEPS];
		if (missing <= 1e-6)
			return m->start_ms + ((m->at + i) * m->minute_ms + METER_STEPS - 1) / METER_STEPS - now_ms;
	}
	return m->minute_ms;
}

int64_t meter_wait(struct meter *m, double need, int64_t now_ms)
{
	double left = meter_left(m, now_ms), most = meter_most(m);
	if (need > most && m->limit > 0)
		need = most;
	if (left >= need)
		return 0;
	if (m->kind == WINDOW_BUCKET)
		return (int64_t)ceil((need - left) * (double)m->minute_ms / m->limit);
	if (m->kind == WINDOW_FIXED)
		return m->start_ms + (m->at + 1) * m->minute_ms - now_ms;
	return sliding_wait(m, need - left, now_ms);
}
