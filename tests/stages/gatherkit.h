/* Running reduces without the engine: calls in an array, kept in id order as the engine gives them. For tests; one
 * thread. */
#ifndef TAF_TESTS_GATHERKIT_H
#define TAF_TESTS_GATHERKIT_H

#include "tests/stages/import/stagekit.h"

struct pool_call {
	struct str id;
	const struct json *call;   /* all fields; a stage sees what it reads */
	const struct json *fields; /* what the last kit_reduce() set; NULL when it set nothing */
	bool rejected;
};
/** Calls, with a copy of each in the pool's arena. */
struct pool {
	struct pool_call *v;
	size_t n, cap;
	struct arena arena;
};

#define POOL_INIT {.v = NULL}

void pool_release(struct pool *p);
void pool_add(struct pool *p, const char *id, const struct json *call);
/** One made of JSON; aborts when it is none. */
void pool_add_text(struct pool *p, const char *id, const char *call);
const struct pool_call *pool_find(const struct pool *p, const char *id); /* NULL when there is none */

/** Run the kit's reduce over the pool, which is sorted by id. Checks that the stage writes only what it declares. */
int kit_reduce(struct kit *k, struct pool *p, struct err *e);
/** Lay what the last reduce set over the calls, and drop those that it rejected: the pool as the next stage sees it. */
void pool_settle(struct pool *p);

#endif
