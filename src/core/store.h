/* The store: taf.db. Results by key, memos by stage and item, failures, answers, files seen, runs.
 *
 * Writes go through one FIFO to one writer thread, which commits every 200 ms or 1,000 rows (WAL, synchronous=FULL); so whatever was put
 * earlier is on disk no later than what was put after it. A result can be read the moment it was put. Reads take a handle from a small pool.
 * After a write failed (disk full, database) the store takes nothing more: store_failed() tells, the scheduler stops the run.
 * All functions are safe from any thread unless they say otherwise.
 *
 * Format: STORE_VERSION in PRAGMA user_version; a newer one is refused, an older one migrated when it is opened for writing (docs/architecture.md
 * has the tables) and read as it is otherwise: it has no requests of answers to show, and nothing was spent.
 */
#ifndef TAF_CORE_STORE_H
#define TAF_CORE_STORE_H

#include "io/db.h"
#include "io/digest.h"

#define STORE_VERSION 3
#define MEMO_INPUT 16 /* bytes of the input digest that a memo keeps */

/** What became of an item at a stage; in memos and in `--json` by name. */
enum outcome {
	OUTCOME_NONE, /* unsettled: never done, or to be done again */
	OUTCOME_PASSED,
	OUTCOME_REJECTED,    /* by this stage */
	OUTCOME_QUARANTINED, /* data failure at this stage */
	OUTCOME_FAILED,      /* transient or account failure at this stage: the next run takes it up */
	OUTCOME_ENDED,       /* rejected upstream */
	OUTCOME_MISSED,      /* quarantined or failed upstream */
	OUTCOME_LEFT         /* no longer listed: a tombstone */
};

/** Why an item was worked again; names are those of `plan --json`. */
enum reason {
	REASON_NONE,
	REASON_NEW,
	REASON_INPUT,
	REASON_PARAMETER,
	REASON_FILE,
	REASON_VERSION,
	REASON_PROVIDER,
	REASON_FAILED
};
#define REASONS 8
const char *reason_name(enum reason r); /* "new-call", "input-changed", … */
const char *outcome_name(enum outcome o);

struct memo {
	int32_t item;
	uint8_t outcome, reason;
	unsigned char input[MEMO_INPUT];
	int32_t fingerprint; /* row of table fingerprint; 0: none */
	int32_t changed;     /* run in which the result last changed */
	int32_t checked;     /* run in which it was last held against its inputs */
	int32_t was_fingerprint;
	int64_t result;     /* row of table result; 0: none */
	int64_t was_result; /* before the last change: for `why` */
};

struct result {
	int64_t n; /* row */
	bool rejected;
	struct digest key;
	struct buf fields; /* canonical JSON */
};

struct store;

/** Open `<work>/taf.db`. DB_WRITE also starts the writer. */
int store_open(const char *work, enum db_mode mode, struct store **ret, struct err *e);
/** Flush, stop the writer, close. With `drop`, rows not yet committed are dropped (second Ctrl-C). Takes NULL. */
void store_close(struct store *s, bool drop);
void store_cleanup(struct store **s);
/** Wait until all that was put is committed. */
int store_flush(struct store *s, struct err *e);
/** The first failure of the writer, or 0; fills *e. */
int store_failed(struct store *s, struct err *e);

/* Results */
/** Find by key: 1 found, 0 not, negative error. `ret` may be NULL. ret->fields is cleared first. */
int store_find(struct store *s, const struct digest *key, struct result *ret, struct err *e);
/** Read by row: ERR_LOST when it is not there. */
int store_result(struct store *s, int64_t n, struct result *ret, struct err *e);
/** An answer by its key. */
struct answer_ref {
	struct digest request;
	int64_t draw;
};
struct result_row {
	const struct digest *key;
	bool rejected;
	struct str fields;                /* canonical JSON */
	const struct answer_ref *answers; /* that it was made of, in the order they were asked for; committed with it */
	size_t nanswers;
};
/** Put; returns its row. The objects its fields name are put with store_put_object. */
int64_t store_put_result(struct store *s, const struct digest *key, bool rejected, struct str fields);
int64_t store_put_result_row(struct store *s, const struct result_row *row);
void store_put_object(struct store *s, const struct digest *object, int64_t size, int64_t result);
/** Forget a result (its object was lost): the next look-up of its key finds nothing. */
void store_drop_result(struct store *s, const struct digest *key, int64_t n);
/** Length of an object as stored, or -1. */
int64_t store_object_size(struct store *s, const struct digest *object);

/* Names → small numbers, kept for good */
int32_t store_stage(struct store *s, const char *name, const char *type);
int32_t store_fingerprint(struct store *s, const struct digest *d, struct str parts);
/** Row of a stage or fingerprint, or 0 when there is none: for commands that only read. */
int32_t store_find_stage(struct store *s, const char *name);
int32_t store_find_fingerprint(struct store *s, const struct digest *d);
/** Parts of a fingerprint row, appended. */
int store_fingerprint_parts(struct store *s, int32_t n, struct buf *ret, struct err *e);
int store_items(struct store *s, int (*take)(void *arg, int32_t n, struct str id), void *arg, struct err *e);
int32_t store_next_item(struct store *s);
void store_put_item(struct store *s, int32_t n, struct str id);

/* Memos */
int store_memos(struct store *s, int32_t stage, int (*take)(void *arg, const struct memo *m), void *arg, struct err *e);
void store_put_memo(struct store *s, int32_t stage, const struct memo *m);
/** What is kept of a stage beside its memos. `state` is JSON: {closed, wiring, counts, key, outputs}; empty when there is none. */
int store_stage_state(struct store *s, int32_t stage, struct buf *ret, struct err *e);
void store_put_stage_state(struct store *s, int32_t stage, struct str state);

/* Failures, by key and item: calls of one key each have a row of their own */
struct failure {
	int32_t stage, item, run;
	int code;
	struct digest key;
	struct buf text;
};
/** 1 found, 0 not. `item` 0: of any item. */
int store_find_failure(struct store *s, const struct digest *key, int32_t item, struct failure *ret, struct err *e);
void store_put_failure(struct store *s, const struct failure *f);
void store_drop_failure(struct store *s, const struct digest *key, int32_t item);
/** `taf retry`: the next work of this key may ask its questions as often again. */
void store_put_retried(struct store *s, const struct digest *key, int32_t stage);
/** How often that was said; 0: never. */
int store_retried(struct store *s, const struct digest *key, int *ret, struct err *e);
int store_failures(struct store *s, int (*take)(void *arg, const struct failure *f), void *arg, struct err *e);

/* Provider answers: by the digest of (canonical request, provider identity but for options that choose, generation) and draw number */
struct stored_answer {
	struct buf text; /* canonical JSON; cleared first */
	int64_t tokens_in, tokens_out;
};
void stored_answer_release(struct stored_answer *a);
/** 1 found, 0 not. */
int store_answer(struct store *s, const struct digest *request, int64_t draw, struct stored_answer *ret, struct err *e);
struct answer_row {
	struct digest request;
	int64_t draw;
	struct str answer; /* canonical JSON */
	struct str sent;   /* the request, canonical JSON */
	struct str object; /* hex digest of the object it names, or empty */
	struct str model;
	int64_t tokens_in, tokens_out, cost; /* of all that was paid for it; cost in millionths of the currency */
	int32_t stage, item;                 /* rows of who asked; 0: nobody here */
	int asked;                           /* which of the item's questions, from 0 */
	struct str step;                     /* its name */
	bool imported;                       /* from another work folder (`taf answers import`): it cost nothing here */
};
/** Put, and count what it took. */
void store_put_answer(struct store *s, const struct answer_row *row);
/** Count what was paid for questions that got no answer, in millionths of the currency. */
void store_put_spent(struct store *s, int64_t cost);
/** What was ever spent in this work folder: also for answers that are kept no more. */
struct spent {
	int64_t answers, tokens_in, tokens_out;
	int64_t cost; /* millionths; also of questions that got no answer */
};
int store_spent(struct store *s, struct spent *ret, struct err *e);
/** What is kept of answers, each once: those a result was made of, in order (`result` > 0); else those that an item's questions at a stage got, in order
 * (`item` > 0); else all, in no order that means anything. The row's texts hold while `take` runs; `sent` is the request's text. A negative code of `take`
 * ends it. One thread. */
struct answer_query {
	int64_t result;
	int32_t stage, item;
};
int store_answers(struct store *s, const struct answer_query *q,
	int (*take)(void *arg, const struct answer_row *row, struct err *e), void *arg, struct err *e);

/* Objects lost from the disk */
/** Forget all results and answers that name these objects and unsettle their memos, then flush. Opened for reading: as if that had been done. */
int store_lose_objects(struct store *s, const struct digest *objects, size_t n, struct err *e);
/** Objects whose digest begins with byte `folder`. */
int store_objects(struct store *s, int folder, int (*take)(void *arg, const struct digest *d, int64_t size), void *arg,
	struct err *e);

/* Files seen: digests by path and way of reading, trusted while stat says the same */
struct seen {
	int64_t size, mtime_ns, ctime_ns, ino, hashed_ms;
	struct digest digest;
};
int store_seen(struct store *s, struct str path, int way, struct seen *ret, struct err *e);
void store_put_seen(struct store *s, struct str path, int way, const struct seen *v);

/* Runs */
struct run_row {
	int32_t n;
	char id[32];
	char state[16]; /* running, done, stopped, interrupted; a run that was killed stays "running" here */
	int exit_status;
	int64_t started_ms, ended_ms, pid;
	struct buf stats; /* JSON as `status --json` prints it */
};
int32_t store_next_run(struct store *s);
void store_put_run(struct store *s, const struct run_row *r);
/** The latest run (n = 0) or run `n`: 1 found, 0 none. */
int store_run(struct store *s, int32_t n, struct run_row *ret, struct err *e);

/** The database itself, for the commands that only read (status, show, why) and for gc: one thread. */
struct db *store_db(struct store *s);

#endif
