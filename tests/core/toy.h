/* Toy stages and a harness for tests of the engine: small, countable, of every kind and executor. A test program that uses sound stages calls
 * toy_worker() first in main(): started with "--worker" it is the worker. */
#ifndef TAF_TESTS_TOY_H
#define TAF_TESTS_TOY_H

#include "core/engine.h"

#include <pthread.h>

/* toy-lines (source): files of lines "id=text"; '#' lines are comments; "id!reason" is a broken item.
 * toy-copy (map, cpu): turns.text → note; option `add` (shapes), `fail` (text that fails), `class` of that failure, `draw` bool.
 * toy-judge (map, cpu): rejects calls whose text contains `bad`.
 * toy-net (map, network): like toy-copy, on a network thread, with `sleep_ms`.
 * toy-lib (map, cpu): like toy-copy, with libraries toy_libraries.
 * toy-tell (map, cpu): asks its provider for the text; the answer becomes note; `fail` and `class` as in toy-copy, after the answer.
 * toy-tell-more (expand): two slots a parent, each asks as toy-tell does.
 * toy-sound (map, sound): in the worker: text → object `blob.object`; texts "crash", "hang", "leave" misbehave, "nap N" takes N ms, "spin N" N tenths of a second of CPU time.
 * toy-hear (map, sound): reads blob.object, writes its length to `heard`.
 * toy-more (expand): `slots` new calls a parent.
 * toy-mark (map, cpu): reads the id; `whole: ID` writes that call's mark {first: `word`} whole, `second: ID` that call's mark.second {the id}.
 * toy-kin (expand of a pool): texts "solo…" are no parents; the others see the `peers` calls that come next by id; `basis`: and how many there are;
 *   `most`: how many parents.
 *   Its peers() is counted as "toy-peers".
 * toy-rank (reduce): writes rank (by id), rejects those whose text was seen before.
 * toy-list (sink): list.txt, "id<TAB>canonical call" a line; objects are copied to NAME.bin when there are any. */
extern const struct stage_registry toy_registry;
extern const char *toy_libraries;

/** How often process() ran in this process, by stage type name; reset by toy_run(). */
int toy_worked(const char *type);
/** Most process() calls of toy-net and toy-copy at one time in the last run. */
int toy_most_at_once(void);

struct toy {
	char dir[256];            /* scratch folder: in.txt, pipeline.yaml, work/ */
	struct run_status status; /* of the last run or plan */
	struct err err;
	const char *const *sets;   /* --set, NULL-terminated; may be NULL */
	struct engine_args args;   /* jobs, until, limit, only … for the next run */
	bool wild;                 /* providers answer equal requests differently */
	const char *const *worker; /* another command than this program */
	pthread_t thread;          /* of toy_start */
	int rc;
};

int toy_worker(int argc, char **argv); /* ≥ 0: exit with it; -1: go on with the tests */
void toy_begin(struct toy *t);
void toy_end(struct toy *t); /* removes the folder */
void toy_write(struct toy *t, const char *name, const char *text);
char *toy_read(struct toy *t, const char *name); /* malloc'ed; NULL when missing */
void toy_remove(struct toy *t, const char *name);
/** Run the pipeline; returns the exit status. */
int toy_run(struct toy *t);
/** Run; the test fails unless the exit status is `want`. */
void toy_run_ok(struct toy *t, int want);
/** Run in another process (this program with "--run"), which dies at a fault point ("NAME:N") or, with NULL, is killed after `ms`. True when
 * it was killed. */
bool toy_run_killed(struct toy *t, const char *crash, int64_t ms);
/** Run on another thread, so that the test can do things meanwhile. */
void toy_start(struct toy *t);
int toy_join(struct toy *t);
int toy_plan(struct toy *t);
/** Counts of a stage of the last run or plan. */
const struct stage_counts *toy_counts(struct toy *t, const char *stage);
/** Computed at `stage` in the last run. */
void toy_computed(struct toy *t, const char *stage, int64_t want);
/** All of it was cached: nothing computed at any stage. */
void toy_nothing_computed(struct toy *t);
/** Text of an error on the failure list whose words contain `part`, counted. */
int toy_failures(struct toy *t, const char *part);
/** Assert that a file under the folder holds exactly this text. */
void toy_file_is(struct toy *t, const char *name, const char *text);
/** Path of the object of these bytes, below the folder. */
void toy_object(struct toy *t, const char *bytes, char *ret, size_t size);

#endif
