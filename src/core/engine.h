/* The engine: runs a pipeline, or says what a run would do.
 *
 * A call enters the next stage the moment the previous one is done with it; only reduce and sink wait. See docs/architecture.md for the data flow
 * and the threads. One engine run at a time in a process; the caller's thread becomes the one that ticks (display, stop, limits). */
#ifndef TAF_CORE_ENGINE_H
#define TAF_CORE_ENGINE_H

#include "core/account.h"
#include "core/config.h"
#include "core/store.h"

/** Exit statuses of `taf run` (DESIGN 3). */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_ERROR = 1,
	EXIT_BAD_CONFIG = 2,
	EXIT_QUARANTINED = 3,
	EXIT_BUDGET = 4,
	EXIT_INTERRUPTED = 130
};

/* What a plan's requests, tokens and cost go by. */
#define PLAN_MEASURED "earlier-runs"
#define PLAN_TEXTS "call-texts"
#define PLAN_GUESS "prompt-lengths"

/* What tokens_in and tokens_out of a stage or provider count. */
#define UNIT_TOKENS "tokens"
#define UNIT_CHARACTERS "characters" /* of the text that is spoken: tokens_in alone */

/** Counts of one stage, as in `status --json`. Times are seconds of work, summed over threads and workers. */
struct stage_counts {
	int64_t in, out, cached, computed, rejected, quarantined;
	int64_t failed; /* of the quarantined: transient or account failures, which the next run takes up */
	int64_t total;  /* calls known to come, for progress */
	int64_t in_flight;
	double seconds;
	int64_t requests, tokens_in, tokens_out; /* plan: expected */
	double cost;                             /* in the user's currency */
	int64_t more_requests, more_tokens;      /* plan: of what is decided later, at most */
	double more_cost;
	const char *basis; /* plan: what requests, tokens and cost go by; NULL: nothing is known */
	int64_t measured;  /* plan: items of earlier runs that were measured; too few of them when the basis is another */
	/* plan */
	int64_t to_run, unknown, reasons[REASONS];
	int64_t again; /* of unknown: done before, and what comes to them is written anew by a provider */
};
struct stage_status {
	const char *name, *uses;
	const char *unit; /* UNIT_…; NULL: it asks no provider over the network */
	struct stage_counts c;
	bool finished, stopped;
};
/** A provider over the network in this run. */
struct provider_status {
	const char *name;
	const char *unit; /* UNIT_… */
	struct account_counts c;
};
struct run_status {
	char id[32];
	const char *state; /* running, done, stopped, interrupted */
	int exit_status;
	double seconds;
	struct stage_status *stages;
	size_t nstages;
	struct provider_status *providers; /* those that stages of this run ask; NULL for none */
	size_t nproviders;
	const char *const *outputs; /* folders of sinks written or found whole in this run */
	size_t noutputs;
};

struct engine_args {
	struct config *config;
	const char *work;          /* the work folder */
	int jobs;                  /* item threads and sound workers, ≥ 1 */
	int network;               /* most network threads; 0: as many as the accounts let in flight */
	const char *until;         /* last stage, or NULL */
	int64_t limit;             /* at most so many calls of all sources together; 0: all */
	const char *only;          /* an id, or the start of ids up to a '/' or '+'; NULL: all */
	bool partial;              /* release although many were quarantined */
	int64_t max_time_s;        /* 0: none */
	double max_cost;           /* of this run, in the user's currency; 0: none */
	const char *const *worker; /* command of the sound worker, NULL-terminated */
	int64_t worker_ready_ms;   /* a worker that has not said READY by then will not; 0: 30 s */
	const char *command;       /* for the run's record */
	/** Called by the running thread a few times a second, and once at the end. May be NULL. */
	void (*tick)(void *arg, const struct run_status *status);
	void *tick_arg;
};

/** Run. Returns the exit status; *e says what stopped it (statuses 1, 2). `ret` (may be NULL) is filled, free with run_status_free. */
int engine_run(const struct engine_args *args, struct run_status *ret, struct err *e);
/** What a run would do; changes nothing on disk. 0 or a negative code. */
int engine_plan(const struct engine_args *args, struct run_status *ret, struct err *e);
void run_status_free(struct run_status *s);
/** `status --json`, `plan --json`: appended, one line. */
void run_status_json(struct buf *b, const struct run_status *s);
void plan_json(struct buf *b, const struct run_status *s);

#endif
