#include "tests/servers/llm/stats.h"

void stats_reset(struct stats *t, const struct switches *s, int64_t now_ms)
{
	struct switches sliding = *s;
	uint64_t in_flight = t->in_flight, connections = t->connections;
	sliding.window = WINDOW_SLIDING;
	*t = (struct stats){.start_ms = now_ms, .minute_ms = s->minute_ms};
	t->in_flight = t->in_flight_peak = in_flight;
	t->connections = t->connections_peak = connections;
	meter_init(&t->tokens_now, &sliding, 0, now_ms);
	meter_init(&t->requests_now, &sliding, 0, now_ms);
}

static size_t minute_of(const struct stats *t, int64_t now_ms)
{
	int64_t n = (now_ms - t->start_ms) / t->minute_ms;
	return n < MINUTES_MAX ? (size_t)n : MINUTES_MAX - 1;
}

void stats_request(struct stats *t, int64_t now_ms)
{
	t->requests++;
	t->minutes[minute_of(t, now_ms)].requests++;
	meter_add(&t->requests_now, 1, now_ms);
	double now = meter_used(&t->requests_now, now_ms);
	t->requests_peak = now > t->requests_peak ? now : t->requests_peak;
}

void stats_limited(struct stats *t, uint64_t *which, int64_t now_ms)
{
	(*which)++;
	t->minutes[minute_of(t, now_ms)].limited++;
}

void stats_tokens(struct stats *t, int64_t in, int64_t out, int64_t now_ms)
{
	t->tokens_in += in;
	t->tokens_out += out;
	t->minutes[minute_of(t, now_ms)].tokens += in + out;
	meter_add(&t->tokens_now, (double)(in + out), now_ms);
	double now = meter_used(&t->tokens_now, now_ms);
	t->tokens_peak = now > t->tokens_peak ? now : t->tokens_peak;
}

/* {"name": count, …} of those that are not 0 */
static struct json *counts(struct arena *a, const uint64_t *v, const char *const *names, size_t n)
{
	struct json *ret = json_object(a);
	for (size_t i = 0; i < n; i++)
		if (v[i])
			json_set_int(a, ret, names ? names[i] : arena_printf(a, "%zu", i), (int64_t)v[i]);
	return ret;
}

static struct json *minutes(struct arena *a, const struct stats *t, int64_t now_ms)
{
	struct json *ret = json_array(a);
	for (size_t i = 0; i <= minute_of(t, now_ms); i++) {
		struct json *m = json_object(a);
		json_set_int(a, m, "requests", (int64_t)t->minutes[i].requests);
		json_set_int(a, m, "limited", (int64_t)t->minutes[i].limited);
		json_set_int(a, m, "tokens", t->minutes[i].tokens);
		json_append(ret, m);
	}
	return ret;
}

static void count(struct arena *a, struct json *v, const char *name, uint64_t n)
{
	json_set_int(a, v, name, (int64_t)n);
}

void stats_json(struct stats *t, const struct seen *seen, int64_t now_ms, struct buf *b)
{
	struct arena a = ARENA_INIT;
	struct json *v = json_object(&a), *limited = json_object(&a), *tokens = json_object(&a);
	count(&a, v, "requests", t->requests);
	count(&a, v, "admitted", t->admitted);
	json_set(&a, v, "status", counts(&a, t->statuses, NULL, STATUS_MAX));
	json_set(&a, v, "failures", counts(&a, t->carried + 1, carried_names + 1, CARRIED_COUNT - 1));
	json_set(&a, v, "answers", counts(&a, t->answered + 1, answered_names + 1, ANSWERED_COUNT - 1));
	json_set(&a, v, "misbehaved", counts(&a, t->misbehaved, misbehave_names, MISBEHAVE_COUNT));
	json_set(&a, v, "parts", counts(&a, t->parts, part_names, PART_COUNT));
	count(&a, limited, "requests", t->limited_requests);
	count(&a, limited, "tokens", t->limited_tokens);
	count(&a, limited, "concurrency", t->limited_concurrency);
	count(&a, limited, "quota", t->limited_quota);
	json_set(&a, v, "limited", limited);
	count(&a, v, "in_flight", t->in_flight);
	count(&a, v, "in_flight_peak", t->in_flight_peak);
	count(&a, v, "connections", t->connections);
	count(&a, v, "connections_peak", t->connections_peak);
	count(&a, v, "connections_total", t->connections_total);
	count(&a, v, "gone", t->gone);
	count(&a, v, "seen", seen->n);
	count(&a, v, "seen_again", t->again);
	count(&a, v, "answered_again", t->answered_again);
	count(&a, v, "seen_dropped", seen->dropped);
	json_set_int(&a, tokens, "in", t->tokens_in);
	json_set_int(&a, tokens, "out", t->tokens_out);
	json_set(&a, v, "tokens", tokens);
	json_set_int(&a, v, "tokens_per_minute", (int64_t)(meter_used(&t->tokens_now, now_ms) + 0.5));
	json_set_int(&a, v, "tokens_per_minute_peak", (int64_t)(t->tokens_peak + 0.5));
	json_set_int(&a, v, "requests_per_minute", (int64_t)(meter_used(&t->requests_now, now_ms) + 0.5));
	json_set_int(&a, v, "requests_per_minute_peak", (int64_t)(t->requests_peak + 0.5));
	json_set(&a, v, "minutes", minutes(&a, t, now_ms));
	json_set_int(&a, v, "ms", now_ms - t->start_ms);
	json_write_pretty(b, v);
	buf_putc(b, '\n');
	arena_release(&a);
}
