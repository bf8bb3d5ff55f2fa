/* Meters of what is used within a minute, as servers count: fixed windows from the meter's start, a sliding window (in 600 steps, an entry counts until its
 * whole step has left), or a token bucket. Times are clock_ms(); amounts may go over the limit, never is a correction lost that still counts. */
#ifndef TAF_SERVERS_LIMITS_H
#define TAF_SERVERS_LIMITS_H

#include "tests/servers/common/switches.h"

#define METER_STEPS 600

struct meter {
	enum window_kind kind;
	double limit;    /* within a minute; 0: only counts */
	double capacity; /* of the bucket */
	int64_t minute_ms, start_ms;
	double used;   /* in this window, or in all steps */
	int64_t at;    /* window or step now */
	double level;  /* bucket: what is left */
	int64_t at_ms; /* bucket: when */
	double steps[METER_STEPS];
};

void meter_init(struct meter *m, const struct switches *s, double limit, int64_t now_ms);
/** What may still be used (a large number without a limit; below 0 when more was used). */
double meter_left(struct meter *m, int64_t now_ms);
double meter_used(struct meter *m, int64_t now_ms); /* not of buckets */
void meter_add(struct meter *m, double amount, int64_t now_ms);
/** An amount that was added at `then_ms` was another by `delta`. */
void meter_correct(struct meter *m, double delta, int64_t then_ms, int64_t now_ms);
/** Time until `need` fits (at once 0; a need beyond the limit waits for all of it). */
int64_t meter_wait(struct meter *m, double need, int64_t now_ms);
double meter_most(const struct meter *m); /* that can ever fit */

#endif
