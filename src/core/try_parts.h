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
	struct json *heard; /* what a speech server was asked just now, but for what the result is made of: rows of try_result.asks */
};

/* try_work.c */
/** Do the work of t->w: asks, answers, result; all into t->ret. What the work says of the call is no failure here. */
int try_work(struct trial *t, struct err *e);

#endif
