/* Toy stages and a harness for tests of the engine: small, countable, of every kind and executor. A test program that uses sound stages calls
 * toy_worker() first in main(): started with "--worker" it is the worker. */
#ifndef TAF_TESTS_TOY_H
#define TAF_TESTS_TOY_H

#include "core/engine.h"

/* toy-lines (source): files of lines "id=text"; '#' lines are comments; "id!reason" is a broken item.
 * toy-copy (map, cpu): turns.text → note; option `add` (shapes), `fail` (text that fails), `class` of that failure, `draw` bool.
 * toy-judge (map, cpu): rejects calls whose text contains `bad`.
 * toy-net (map, network): like toy-copy, on a network thread, with `sleep_ms`.
 * toy-sound (map, sound): in the worker: text → object `blob.object`; texts "crash", "hang", "leave" misbehave.
 * toy-hear (map, sound): reads blob.object, writes its length to `heard`.
 * toy-more (expand): `slots` new calls a parent.
 * toy-rank (reduce): writes rank (by id), rejects those whose text was seen before.
 * toy-list (sink): list.txt, "id<TAB>canonical call" a line; objects are copied to NAME.bin when there are any. */
extern const struct stage_registry toy_registry;

/** How often process() ran in this process, by stage type name; reset by toy_run(). */
int toy_worked(const char *type);

struct toy {
	char dir[256];  /* scratch folder: in.txt, pipeline.yaml, work/ */
	struct run_status status; /* of the last run or plan */
	struct err err;
	const char *const *sets; /* --set, NULL-terminated; may be NULL */
	struct engine_args args; /* jobs, until, limit, only … for the next run */
};

int toy_worker(int argc, char **argv); /* ≥ 0: exit with it; -1: go on with the tests */
void toy_begin(struct toy *t);
void toy_end(struct toy *t); /* removes the folder */
void toy_write(struct toy *t, const char *name, const char *text);
char *toy_read(struct toy *t, const char *name); /* malloc'ed; NULL when missing */
void toy_remove(struct toy *t, const char *name);
/** Run the pipeline; returns the exit status. */
int toy_run(struct toy *t);
int toy_plan(struct toy *t);
/** Counts of a stage of the last run or plan. */
const struct stage_counts *toy_counts(struct toy *t, const char *stage);

#endif
