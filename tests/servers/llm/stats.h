/* What the server counts; GET /stats shows it. */
#ifndef TAF_LLM_STATS_H
#define TAF_LLM_STATS_H

#include "tests/servers/llm/agents.h"
#include "tests/servers/llm/limits.h"
#include "tests/servers/llm/seen.h"

#define STATUS_MAX 600
#define MINUTES_MAX 1440

struct stats {
	int64_t start_ms, minute_ms;
	uint64_t requests, admitted, again, answered_again, gone;
	uint64_t statuses[STATUS_MAX], carried[CARRIED_COUNT], answered[ANSWERED_COUNT], misbehaved[MISBEHAVE_COUNT],
		parts[PART_COUNT];
	uint64_t limited_requests, limited_tokens, limited_concurrency, limited_quota;
	uint64_t in_flight, in_flight_peak, connections, connections_peak, connections_total;
	int64_t tokens_in, tokens_out;
	struct meter tokens_now, requests_now; /* sliding */
	double tokens_peak, requests_peak;
	struct {
		uint64_t requests, limited;
		int64_t tokens;
	} minutes[MINUTES_MAX]; /* from the start */
};

/** Counts from now on; connections and requests in flight stay. */
void stats_reset(struct stats *t, const struct switches *s, int64_t now_ms);
void stats_request(struct stats *t, int64_t now_ms);
void stats_limited(struct stats *t, uint64_t *which, int64_t now_ms);
/** Tokens of an answer that goes out. */
void stats_tokens(struct stats *t, int64_t in, int64_t out, int64_t now_ms);
void stats_json(struct stats *t, const struct seen *seen, int64_t now_ms, struct buf *b);

#endif
