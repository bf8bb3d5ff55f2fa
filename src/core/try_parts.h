/* What the files of core/try share. Inside them only. */
#ifndef TAF_CORE_TRY_PARTS_H
#define TAF_CORE_TRY_PARTS_H

#include "core/engine_parts.h"
#include "core/try.h"

/** One trial: an engine that never runs, and the record in hand. */
struct trial {
	struct engine g; /* first: the services of the work find the trial by it */
	const struct try_args *args;
	struct try_result *ret;
	struct stage_run *s;
	int32_t item;
	struct record r;
	struct work w;
	struct visit_done d;
};

/* try.c */
/** The stage that made an item, by its memos: the index, or -1. For an expand's child its parent and slot are set too. */
int try_origin(struct trial *t, int32_t item);
/** Whether the call has come to the tried stage: ERR_NOTFOUND when not, with words; `*ret_missing` is then the stage that has not worked on it yet, or -1. */
int try_arrived(struct trial *t, int32_t item, int *ret_missing, struct err *e);

/* try_work.c */
/** Do the work of t->w: asks, answers, result; all into t->ret. What the work says of the call is no failure here. */
int try_work(struct trial *t, struct err *e);
/** The calls that an expand over a pool is given, into t->w.peers. */
int try_peers(struct trial *t, struct err *e);

#endif
