#include "tests/servers/common/stats.h"

void stats_reset(struct stats *t, const struct switches *s, int64_t now_ms)
{
	struct switches sliding = *s;
	uint64_t in_flight = t->in_flight, connections = t->connections;
	sliding.window = WINDOW_SLIDING;
	*t = (struct stats){.start_ms = now_ms, .minute_ms = s->minute_ms};
	t->in_flight = t->in_flight_peak = in_flight;
	t->connections = t->connections_peak = connections;
	meter_init(&t->amount_now, &sliding, 0, now_ms);
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

void stats_amount(struct stats *t, int64_t amount, int64_t now_ms)
{
	t->minutes[minute_of(t, now_ms)].amount += amount;
	meter_add(&t->amount_now, (double)amount, now_ms);
	double now = meter_used(&t->amount_now, now_ms);
	t->amount_peak = now > t->amount_peak ? now : t->amount_peak;
}

struct json *stats_counts(struct arena *a, const uint64_t *v, const char *const *names, size_t n)
{
	struct json *ret = json_object(a);
	for (size_t i = 0; i < n; i++)
		if (v[i])
			json_set_int(a, ret, names ? names[i] : arena_printf(a, "%zu", i), (int64_t)v[i]);
	return ret;
}

static struct json *minutes(struct arena *a, const struct stats *t, const char *amount, int64_t now_ms)
{
	struct json *ret = json_array(a);
	for (size_t i = 0; i <= minute_of(t, now_ms); i++) {
		struct json *m = json_object(a);
		json_set_int(a, m, "requests", (int64_t)t->minutes[i].requests);
		json_set_int(a, m, "limited", (int64_t)t->minutes[i].limited);
		json_set_int(a, m, amount, t->minutes[i].amount);
		json_append(ret, m);
	}
	return ret;
}

static void count(struct arena *a, struct json *v, const char *name, uint64_t n)
{
	json_set_int(a, v, name, (int64_t)n);
}

static struct json *limited(struct arena *a, const struct stats *t, const char *amount)
{
	struct json *v = json_object(a);
	count(a, v, "requests", t->limited_requests);
	count(a, v, amount, t->limited_amount);
	count(a, v, "concurrency", t->limited_concurrency);
	count(a, v, "quota", t->limited_quota);
	return v;
}

static struct json *answers(struct arena *a, const struct stats *t, const struct switch_set *set)
{
	struct json *v = json_object(a);
	for (int i = 1; i < set->nanswered; i++)
		if (t->answered[i])
			count(a, v, set->answered[i].name, t->answered[i]);
	return v;
}

struct json *stats_json(struct arena *a, struct stats *t, const struct switch_set *set, const char *amount, int64_t now_ms)
{
	struct json *v = json_object(a);
	count(a, v, "requests", t->requests);
	count(a, v, "admitted", t->admitted);
	json_set(a, v, "status", stats_counts(a, t->statuses, NULL, STATUS_MAX));
	json_set(a, v, "failures", stats_counts(a, t->carried + 1, carried_names + 1, CARRIED_COUNT - 1));
	json_set(a, v, "answers", answers(a, t, set));
	json_set(a, v, "limited", limited(a, t, amount));
	count(a, v, "in_flight", t->in_flight);
	count(a, v, "in_flight_peak", t->in_flight_peak);
	count(a, v, "connections", t->connections);
	count(a, v, "connections_peak", t->connections_peak);
	count(a, v, "connections_total", t->connections_total);
	count(a, v, "gone", t->gone);
	json_set_int(a, v, arena_printf(a, "%s_per_minute", amount), (int64_t)(meter_used(&t->amount_now, now_ms) + 0.5));
	json_set_int(a, v, arena_printf(a, "%s_per_minute_peak", amount), (int64_t)(t->amount_peak + 0.5));
	json_set_int(a, v, "requests_per_minute", (int64_t)(meter_used(&t->requests_now, now_ms) + 0.5));
	json_set_int(a, v, "requests_per_minute_peak", (int64_t)(t->requests_peak + 0.5));
	json_set(a, v, "minutes", minutes(a, t, amount, now_ms));
	json_set_int(a, v, "ms", now_ms - t->start_ms);
	return v;
}

void stats_seen(struct arena *a, struct json *to, const struct stats *t, const struct seen *seen)
{
	count(a, to, "seen", seen->n);
	count(a, to, "seen_again", t->again);
	count(a, to, "answered_again", t->answered_again);
	count(a, to, "seen_dropped", seen->dropped);
}
