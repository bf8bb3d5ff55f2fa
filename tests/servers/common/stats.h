/* What a server counts; GET /stats shows it. */
#ifndef TAF_SERVERS_STATS_H
#define TAF_SERVERS_STATS_H

#include "tests/servers/common/limits.h"
#include "tests/servers/common/seen.h"

#define STATUS_MAX 600
#define MINUTES_MAX 1440

struct stats {
	int64_t start_ms, minute_ms;
	uint64_t requests, admitted, again, answered_again, gone;
	uint64_t statuses[STATUS_MAX], carried[CARRIED_COUNT], answered[ANSWERED_MAX];
	uint64_t limited_requests, limited_amount, limited_concurrency, limited_quota;
	uint64_t in_flight, in_flight_peak, connections, connections_peak, connections_total;
	struct meter amount_now, requests_now; /* sliding */
	double amount_peak, requests_peak;
	struct {
		uint64_t requests, limited;
		int64_t amount;
	} minutes[MINUTES_MAX]; /* from the start */
};

/** Counts from now on; connections and requests in flight stay. */
void stats_reset(struct stats *t, const struct switches *s, int64_t now_ms);
void stats_request(struct stats *t, int64_t now_ms);
void stats_limited(struct stats *t, uint64_t *which, int64_t now_ms);
/** The amount (tokens, characters) of an answer that goes out. */
void stats_amount(struct stats *t, int64_t amount, int64_t now_ms);
/** {"name": count, …} of those that are not 0; without names: their numbers. */
struct json *stats_counts(struct arena *a, const uint64_t *v, const char *const *names, size_t n);
/** `amount`: what it is called in the plural. */
struct json *stats_json(
	struct arena *a, struct stats *t, const struct switch_set *set, const char *amount, int64_t now_ms);
void stats_seen(struct arena *a, struct json *to, const struct stats *t, const struct seen *seen);

#endif
