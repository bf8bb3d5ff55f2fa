/* Questions that only commands ask of the store (show, why, status, run's examples, retry, gc): read-only, by SQL over the tables of store.c.
 * Results live in the arena given. One thread, as store_db() says. Reads go on while a run writes. */
#ifndef TAF_CORE_QUERY_H
#define TAF_CORE_QUERY_H

#include "core/option.h"
#include "core/store.h"

struct query_failure {
	struct str stage, id, text;
	int code;
	int32_t run;
};
struct query_stage {
	int32_t n;
	const char *name, *type;
	struct str state; /* JSON, see close.c; empty when there is none */
};

/** Failures of calls that are quarantined now, the latest first, data failures before passing ones: at most `max`, how many. */
size_t query_failures(struct store *s, struct arena *a, size_t max, struct query_failure **ret);
struct query_rejection {
	struct str stage, id;
	const struct json *findings; /* of the stage's verdict; NULL when it is no longer kept */
};
/** Calls that a stage rejects now, by stage and id: at most `max`, how many. */
size_t query_rejections(struct store *s, struct arena *a, size_t max, struct query_rejection **ret);
/** Row of an item by its id: 1 found, 0 not. */
int query_item(struct store *s, struct str id, int32_t *ret, struct err *e);
/** Up to `max` known ids that look like this one: those that begin with it, hold it, or are spelled nearly so. */
int query_near(struct store *s, struct arena *a, struct str id, size_t max, struct option_list *ret, struct err *e);
/** All stages that ever ran, by row. */
int query_stages(struct store *s, struct arena *a, struct query_stage **ret, size_t *ret_n, struct err *e);
/** What is remembered of an item at a stage: 1 found, 0 not. */
int query_memo(struct store *s, int32_t stage, int32_t item, struct memo *ret, struct err *e);
/** The latest failure of an item at a stage: 1 found, 0 not. */
int query_failure(
	struct store *s, struct arena *a, int32_t stage, int32_t item, struct query_failure *ret, struct err *e);
/** Fields of a result row as a tree: 1 found, 0 not (no longer kept). */
int query_fields(struct store *s, struct arena *a, int64_t result, struct json **ret, struct err *e);
/** The id of run `n` ("20261121-184436-7"), or "" when there is none. */
const char *query_run_id(struct store *s, struct arena *a, int32_t n);

#endif
