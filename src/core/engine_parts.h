/* What the files of the engine share. Inside the engine only.
 *
 * Locks. `lock` guards queues, arrivals, active counts, finished flags and the table of items; counters are atomic; a slot is otherwise touched
 * only by the thread that has its item in hand, or, once settled, read by all. Lock order: engine.lock, then the store's own.
 */
#ifndef TAF_CORE_ENGINE_PARTS_H
#define TAF_CORE_ENGINE_PARTS_H

#include "base/list.h"
#include "base/map.h"
#include "core/account.h"
#include "core/engine.h"
#include "core/files.h"
#include "core/key.h"
#include "core/work.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define CHUNK 4096               /* items or slots of a chunk */
#define CHUNKS ((size_t)1 << 19) /* at most 2^31 items */
#define CLAIMS 1024              /* buckets */
#define BATCH 32                 /* items a thread takes at once */
#define HEAL_TRIES 3             /* times an item is re-made for lost objects before it is quarantined */
#define TRANSIENT_TRIES 5

/** A call, or what was one in an earlier run. Its number is its row in table item. */
struct item {
	struct str id;
	int32_t origin; /* index of the stage that made it; -1: not in this run */
	int32_t parent; /* of an expand: item */
	int32_t slot;   /* of an expand */
	bool chosen;    /* goes through this run (--limit, --only) */
	bool pooled;    /* but only as far as the pools it is part of */
	bool unknown;   /* plan: exists only if an earlier stage makes it */
	int64_t spool_at;
	int32_t spool_len; /* what the source listed, in the spool; 0: nothing to do, or not of a source */
};

enum slot_now { SLOT_IDLE, SLOT_WAITING, SLOT_READY, SLOT_SETTLED };

/** An item at a stage. */
struct slot {
	struct memo m; /* m.item = 0: no memo */
	uint8_t now;
	uint8_t arrived; /* needs that have settled */
	uint8_t bad;     /* worst outcome that arrived: OUTCOME_NONE, ENDED or MISSED */
	uint8_t tries;
	bool unknown;   /* plan: decided only once an earlier stage has run */
	bool rewritten; /* plan: unknown, and a provider is asked anew for it by an earlier stage */
	bool stale; /* sent back while somebody had it in hand: what comes of that visit does not count; under the lock */
};

struct queue {
	int32_t *v;
	size_t head, n, cap;
};

/** Items for the sound executor, with the key that each has claimed. */
struct keyed {
	int32_t item;
	struct digest key;
};
struct keyed_queue {
	struct keyed *v;
	size_t head, n, cap;
};

/** For one origin: the stages whose results are put together for this stage, in topological order. */
struct sources_of {
	int origin;
	int ways; /* needs by which its calls arrive */
	int *stages;
	size_t n;
};

/** What an item of a stage takes of its provider: means of earlier runs, or what the stage type expects. */
struct stage_spent {
	double requests, tokens_in, tokens_out, cost; /* cost in the user's currency */
	int64_t items;                                /* measured in earlier runs; 0: none */
	bool measured;                                /* enough of them to go by */
};

struct stage_run {
	struct engine *g;
	struct config_stage *cs;
	const struct stage_ops *ops;
	enum stage_exec exec; /* the type's, but of a provider over the network: then threads that wait */
	int at;               /* index */
	int32_t n;            /* row of table stage; 0 while unknown (plan of a new stage) */
	bool chosen;          /* up to --until */
	bool pools;           /* an expand over a pool, or before one */
	bool feeds;           /* before an expand over a pool */
	bool closed;          /* settled under this closure in an earlier run */
	bool is_private;      /* what it writes may hold private text */
	bool rewired;         /* other stages lie before it than when its memos were made */
	struct digest fingerprint, closure, wiring;
	int32_t fp_row;
	struct buf parts; /* of the fingerprint */
	struct sources_of *from;
	size_t nfrom;
	struct slot **chunks;
	struct queue ready;       /* item threads, network threads */
	struct keyed_queue sound; /* for the sound executor: not in the store */
	/* under the lock */
	int64_t active; /* items arrived, not settled */
	int open_needs;
	bool listed, barrier_queued, barrier_running, barrier_done;
	atomic_bool finished, stopped; /* written under the lock */
	pthread_mutex_t init_lock, peers_lock;
	struct families *families; /* expand over a pool: see peers.c; made once, then read by all */
	bool inited;
	int init_rc;
	struct err init_err;
	atomic_llong in, out, cached, computed, rejected, quarantined, failed, total, in_flight, busy_us;
	atomic_llong to_run, unknown, again, reasons[REASONS];
	struct buf state;        /* JSON from the store: see close.c */
	struct buf outputs;      /* sink: JSON of the files written or found whole */
	struct digest key;       /* reduce, sink: over all calls */
	double seconds_per_item; /* from earlier runs; 0: not known */
	/* of a provider over the network: money.c */
	struct account *account; /* NULL in a plan; the first of its places */
	struct account **places; /* one for each server */
	size_t nplaces;
	int hands, most_hands;                              /* items in hand; under the lock */
	atomic_llong requests, tokens_in, tokens_out, cost; /* of this run: what its questions took; cost in millionths */
	atomic_llong lost_cost;                             /* of replies that were paid for and are no answer */
	struct stage_spent per_item;                        /* plan: what one takes */
	atomic_llong weighed, weighed_requests, weighed_bytes, weighed_out; /* plan: items to run, by their own content */
	struct stage_spent known; /* of it, what earlier runs have measured, if it is too little, too */
	/* items of this run that were done without a stored answer, and what they took: of the others one sees a part only */
	atomic_llong whole_items, whole_requests, whole_in, whole_out;
	bool state_kept; /* close_stage() wrote the state */
};

struct families; /* see peers.c */
struct sound;

/** What an item that is worked by a network thread asks of a worker: errand.c. It lives on that thread's stack. */
struct errand {
	struct errand *next;
	int stage;
	uint64_t ticket;
	struct buf message; /* WORK, whole */
	int tries;          /* workers that were killed from outside on it */
	sem_t done;
	struct buf reply; /* the JSON that the worker made of it */
	struct err *e;
	int rc;
};
struct errands {
	struct errand *first, *last;
	uint64_t n; /* ever */
	bool closed;
};

struct engine {
	const struct engine_args *args;
	struct config *config;
	struct store *store;
	struct files *files;
	bool dry;            /* plan, try */
	bool keeps;          /* try: the folder is locked, answers are kept */
	bool narrowed;       /* --limit or --only */
	const char *objects; /* folder */
	int32_t run;
	struct run_row row;
	int64_t started_ms; /* monotonic */
	struct stage_run *stages;
	size_t nstages;
	pthread_mutex_t lock;
	pthread_cond_t more, more_network; /* something is ready for item threads, for those that wait; or the run ends */
	struct arena arena;                /* ids; under the lock */
	struct item **items;
	_Atomic int32_t nitems;     /* highest number + 1 */
	struct map ids;             /* → number */
	struct list claims[CLAIMS]; /* keys being worked on; under the lock */
	int spool;
	int64_t spool_end;
	pthread_cond_t idle;  /* for the running thread: something finished */
	bool objects_lost;    /* at the start: nothing counts as closed */
	bool ended;           /* threads leave; under the lock */
	atomic_bool stopping; /* nothing new is taken up */
	bool interrupted, out_of_time, out_of_budget;
	struct err budget_words; /* which limit; under the lock */
	struct accounts *accounts;
	struct budget budget;
	struct err failure; /* the first that stops the run; under the lock */
	atomic_bool failed; /* whether there is one */
	struct err account; /* the first refusal of an account; under the lock */
	int busy;           /* threads with an item in hand; under the lock */
	pthread_t *threads;
	size_t nthreads, threads_cap;
	int network_threads, network_idle;
	int idle_threads; /* item threads that wait for more */
	struct sound *sound;
	struct errands errands; /* under the lock */
	const char **outputs;   /* room for one a stage */
	atomic_size_t noutputs;
};

/** The record in hand of a thread: one item, and what was loaded of it. */
struct record {
	struct engine *g;
	int32_t item; /* the call whose fields are put together (of an expand: the parent) */
	struct arena arena;
	struct json **fields; /* by stage: what it wrote; NULL: not loaded */
	struct buf text, row;
	int todo[GRAPH_STAGES_MAX]; /* stages to go on with, for the same item; the last first */
	size_t ntodo;
	bool carries; /* whoever has it goes on with `todo`; else ready items are queued */
};

/* engine.c */
void engine_init(struct engine *g, const struct engine_args *args);
void engine_release(struct engine *g); /* not the store */
/** The store, opened to read (NULL when there is none yet), and the files. */
int engine_read(struct engine *g, struct err *e);
/** A spool in the folder of temporaries: nothing is made in the work folder. */
int engine_spool(struct engine *g, struct err *e);
void engine_fail(struct engine *g, const struct err *e);
void engine_fail_locked(struct engine *g, const struct err *e); /* under the lock */
bool engine_stopped(struct engine *g);
/** A sink's folder is one of the run's results. */
void engine_output(struct stage_run *s);

/* table.c: items and slots */
struct item *item_at(struct engine *g, int32_t i);
struct slot *slot_at(struct stage_run *s, int32_t i);
struct slot *slot_if(struct stage_run *s, int32_t i); /* NULL when none was made */
/** The item of an id, made when new. */
int32_t item_of(struct engine *g, struct str id);
int table_take_item(void *engine, int32_t n, struct str id); /* for store_items */
int table_take_memo(void *stage_run, const struct memo *m);  /* for store_memos */
void queue_push(struct queue *q, int32_t v);
bool queue_pop(struct queue *q, int32_t *ret);
void keyed_push(struct keyed_queue *q, int32_t item, const struct digest *key);
bool keyed_pop(struct keyed_queue *q, struct keyed *ret);

/* setup.c */
int setup_stages(struct engine *g, struct err *e);
/** Load items and memos of all chosen stages. */
int setup_memos(struct engine *g, struct err *e);
/** Before any memo is written: what is about to change is no longer closed, should this run be killed. */
void setup_unclose(struct engine *g);
void setup_unclose_stage(struct stage_run *s);
/** True when there is nothing to do: all chosen stages are closed. */
bool setup_all_closed(struct engine *g);
int setup_objects(struct engine *g, struct err *e);
/** Run a stage's init() once; its error is told to all who need it. */
int stage_ready(struct stage_run *s, struct err *e);

/* listing.c */
int listing_all(struct engine *g, struct err *e);
/** Whether a narrowed run goes through this call (--only); all do otherwise. */
bool listing_wants(const struct engine *g, struct str id);
/** What was listed for an item, from the spool: content, place, files. */
int listing_read(struct record *r, int32_t item, struct work *w, struct digest *ret_input, struct err *e);

/* record.c */
void record_init(struct record *r, struct engine *g);
void record_release(struct record *r);
void record_begin(struct record *r, int32_t item); /* forget the one before */
/** What stage `s` wrote for the record's item, with "@" put in. */
int record_fields(struct record *r, int stage, struct json **ret, struct err *e);
/** Keep what `stage` just wrote, parsed, so that the next stage need not load it. */
void record_keep(struct record *r, int stage, struct json *fields);
/** The declared reads of `s` for the record's item; canonical text in r->text. */
int record_view(struct record *r, struct stage_run *s, struct json **ret, struct err *e);
/** Stages whose results make up the calls that arrive at `s`. */
const struct sources_of *sources_of(const struct stage_run *s, int origin);

/* flow.c */
/** An item was done with at a stage: tell the followers. Those that can go on at once are left in r->todo (r may be NULL). */
void flow_settled(struct stage_run *s, int32_t item, struct record *r);
/** The account of this stage's provider refused: its stages take up nothing more. False when they had stopped already. */
bool flow_stop_account(struct stage_run *s, const struct err *e);
void flow_listed(struct stage_run *s); /* a source has no more to list */
void flow_finish(struct engine *g);    /* look for stages that are finished; under the lock */
/** Whether a stage waits for all calls before it. */
bool flow_is_barrier(const struct stage_run *s);
/** The slots of a parent go; `known`: only those it has a memo of. Under the lock. */
void flow_slots(struct stage_run *s, int32_t parent, struct slot *slot, bool known);
/** A call of the pool that is no parent. Under the lock. */
void flow_no_slots(struct stage_run *s, struct slot *slot);
/** An item in hand that was sent back: it waits for its inputs again. Under the lock. */
void flow_put_down(struct stage_run *s, int32_t item);
/** An item was visited and counted in vain: take that back. Under the lock. */
void flow_uncount(struct stage_run *s, const struct slot *slot);
/** What a settled item brings to those behind: OUTCOME_NONE, ENDED or MISSED. */
uint8_t flow_bad(const struct slot *slot);

/* visit.c */
void visit(struct record *r, struct stage_run *s, int32_t item);
/** The work on a sound item came back, or failed with rc < 0. */
struct visit_done {
	struct digest key, input;
	struct str fields; /* canonical JSON */
	bool rejected;
	const struct json *objects;       /* [{digest, size}] */
	const struct answer_ref *answers; /* what it was made of, in the work's arena */
	size_t nanswers;
	bool worked; /* and not only looked at */
	int rc;
	struct err *e;
};
void visit_finish(struct record *r, struct stage_run *s, int32_t item, struct visit_done *done);
/** View, input digest and key of an item at a stage; fills *w for the work. */
int visit_prepare(
	struct record *r, struct stage_run *s, int32_t item, struct work *w, struct visit_done *ret, struct err *e);
/** The memo of an item that has a result, old or new. */
void visit_remember(
	struct stage_run *s, int32_t item, struct slot *slot, const struct digest *input, int64_t result, bool rejected);
/** Whether the memo stands without looking at the inputs: nothing before it changed since it was checked. */
bool visit_memo_holds(struct record *r, struct stage_run *s, const struct slot *slot);
void visit_count(struct stage_run *s, const struct memo *m);
/** What a stage wrote, in *ret: canonical, with an expand's parents, only fields that it declares. */
int visit_result(struct record *r, struct stage_run *s, struct work *w, struct buf *ret, struct err *e);

/* claims.c: two works of one key are done once */
void claims_init(struct engine *g);
void claims_free(struct engine *g);
/** True when nobody else works on this key; else the item waits and comes back when that work is done. */
bool claims_take(struct stage_run *s, int32_t item, const struct digest *key);
void claims_release(struct engine *g, const struct digest *key);
/** plan: true the first time a key is seen; it is never released. */
bool claims_mark(struct engine *g, const struct digest *key);

/* money.c: providers over the network */
/** How stage `s` is worked, and what an item takes of its provider. */
void money_setup(struct stage_run *s);
/** What the provider of this stage counts: UNIT_…; NULL: it asks none over the network. */
const char *money_unit(const struct stage_run *s);
/** Accounts of the stages that have work; what their providers lack is told before any work. */
int money_start(struct engine *g, struct err *e);
/** Nothing more is asked; with `drop` what is being asked is given up. */
void money_stop(struct engine *g, bool drop);
/** What was paid for a question that has no answer (refused, filtered, too long), in millionths. */
void money_lost(struct stage_run *s, int64_t cost);
/** Nobody asks any more: what was paid beside all that is counted too. */
void money_rest(struct engine *g);
void money_free(struct engine *g);
/** A limit was reached: the run ends, as with --max-time. */
void money_out(struct stage_run *s, const struct err *e);
/** Counts of the accounts into the status. */
void money_status(struct engine *g, struct run_status *st);
/** plan: this item would be worked. */
void money_weigh(struct stage_run *s, const struct work *w);
/** plan: what an item takes, by all that is known now. *ret_basis: PLAN_…, NULL: nothing is known. */
struct stage_spent money_each(const struct stage_run *s, const char **ret_basis);
/** What a work took, for the means; `rc` is what came of it. */
void money_item(struct stage_run *s, const struct work *w, int rc);
/** Means an item, into the state of a stage. */
void money_close(struct stage_run *s, struct json *state, struct arena *a);
/** … of stages that were not finished: a pilot, a run that was stopped. */
void money_keep(struct engine *g);
/** Room for one more item of this stage in the hands of the threads that wait. Under the lock. */
bool money_room(const struct stage_run *s);

/* asks.c */
/** work_io.ask of the engine: `arg` is the stage_run. */
int asks_answer(void *arg, struct work *w, const struct work_ask *q, struct json **ret, struct err *e);
void asks_invalid(void *arg, struct work *w);
/** The answers that a work used, for its result. */
void asks_refs(struct stage_run *s, const struct work *w, struct visit_done *d);
int asks_resolve(struct engine *g, struct stage_run *s, struct work *w, struct err *e);
void asks_store(struct engine *g, struct stage_run *s, struct work *w, const struct json *answers);

/** The digest of a request of this stage's provider; `scratch` gets its canonical JSON. */
void asks_digest(struct stage_run *s, struct buf *scratch, const struct json *request, struct digest *ret);
/** Whether the object of a stored answer is there. */
bool asks_whole(struct engine *g, const struct json *answer);
/** This answer is one of those that the work is made of. */
void asks_remember(struct work *w, const char *step, const struct json *request, const struct work_asked *asked);

/* asks_speech.c: of work_io, `arg` is the stage_run */
int sounds_find(void *arg, struct work *w, const struct work_sound *q, struct json **ret, struct err *e);
int sounds_speak(void *arg, struct work *w, const struct provider_speak *q, struct provider_sound *ret, struct err *e);
int sounds_keep(void *arg, struct work *w, const struct work_sound *q, const struct json *answer, struct err *e);
int sounds_use(void *arg, struct work *w, const struct work_sound *q, const struct json *answer, struct err *e);

/* barrier.c */
int barrier_run(struct stage_run *s, struct err *e);
bool sink_whole(struct stage_run *s, const struct json *state);
/** Where a sink's files lie: <work>/TYPE, or <work>/STAGE when several sinks are of one type; in a narrowed run below <work>/pilot. Appended. */
void sink_folder(struct stage_run *s, struct buf *ret);
/** At the start: finish or undo what a killed run left of a sink's folder. */
int sink_sweep(struct stage_run *s, struct err *e);
/** Move a finished folder to its place, whole. */
int sink_place(const char *from, const char *to, struct err *e);

/* peers.c */
/** What a slot of r->item sees of the pool: [{id, reads…}], its canonical form appended to r->text. */
int peers_view(struct record *r, struct stage_run *s, struct json **ret, struct err *e);
void peers_free(struct stage_run *s);

/* heal.c */
/** Objects of the item in hand, or the row of a result before it, were lost: forget the result and send it back to the stage that made it. False when
 * that is not possible, or was tried too often. */
bool heal_item(struct record *r, struct stage_run *s, int32_t item);
int heal_members(struct stage_run *s, struct err *e);

/* pool.c */
int pool_start(struct engine *g, struct err *e);
void pool_stop(struct engine *g);
void pool_wake(struct engine *g);           /* under the lock */
int drain(struct engine *g, struct err *e); /* all work on this thread: plan */

/* sound.c, sound_message.c */
/** The SETUP message's JSON for the chosen sound stages, objects in `folder`; appended. */
void sound_setup(struct engine *g, const char *folder, struct buf *ret);
/** A WORK message: `w` with its asks resolved; appended. */
int sound_message(struct stage_run *s, const struct work *w, uint64_t ticket, struct buf *ret, struct err *e);
int errand_message(struct stage_run *s, const struct work *w, const struct json *request, uint64_t ticket,
	struct buf *ret, struct err *e);
int sound_start(struct engine *g, struct err *e);
void sound_stop(struct engine *g);
/** Kill the workers at work: their items stay unsettled. */
void sound_drop(struct engine *g);
void sound_wake(struct engine *g);
bool sound_busy(struct engine *g);

/* errand.c */
/** work_io.errand: waits until a worker of stage `arg` has done it. ERR_STOPPED, ERR_WORKER, ERR_HUNG, or what the worker says. */
int errand_run(void *arg, struct work *w, const struct json *request, struct json **ret, struct err *e);
/** For the sound thread. Under the lock: the next, or NULL. */
struct errand *errand_take(struct engine *g);
void errand_again(struct engine *g, struct errand *x); /* its worker was killed */
void errand_done(struct errand *x, int rc);            /* rc < 0: x->e has the words */
void errands_close(struct engine *g);                  /* all that wait end with ERR_STOPPED, later ones at once */

/* close.c */
/** What the store keeps of a finished stage; tombstones for calls that left. */
void close_stage(struct stage_run *s);
/** The counts of a stage that is skipped whole, as of the run that closed it. */
void close_counts(struct stage_run *s);
void status_fill(struct engine *g, struct run_status *st);

#endif
