/* One stage on one call, with nothing stored but paid answers (`taf try`): the input is put together from the stored results of the stages before, the work is done on
 * this thread, or in a worker of its own when it touches sound. The store is opened to read only, so a run may be going on meanwhile; objects
 * that the work makes go to a folder of the caller's.
 * Not for reduces and sinks, which have no work on one call. One thread. A try_result owns its memory: release it also after a failure. */
#ifndef TAF_CORE_TRY_H
#define TAF_CORE_TRY_H

#include "core/config.h"
#include "core/option.h"

struct try_args {
	struct config *config;
	const char *work;  /* the work folder */
	const char *stage; /* its name in the pipeline */
	struct str id;     /* of a call; expand: of a child, or of a parent, which stands for its first child */
	bool keep; /* the caller holds the folder's lock: a provider over the network may be asked, and its answers are kept */
	const char *objects;       /* an empty folder for the objects that are made */
	const char *const *worker; /* command of the sound worker, NULL-terminated */
};

/** What is stored of this call at this stage. */
struct try_stored {
	const char *outcome; /* NULL: the stage has not worked on it yet */
	const char *run;     /* id of the run in which the result last changed */
	const char *reason;  /* why a run would work on it again; NULL: it would not */
	const char *failure; /* when it was quarantined; NULL otherwise */
	bool rejected;
	const struct json *fields; /* NULL: none kept */
};

struct try_result {
	struct arena arena;
	const char *id;    /* of the call that the work makes or changes */
	int slots;         /* expand: how many a parent gets; 0 otherwise */
	const char *place; /* source: where it is listed ("calls.jsonl:12"); NULL otherwise */
	bool private_in, private_out;
	const struct json *input; /* the declared reads; source: what was listed */
	const struct json *peers; /* expand over a pool: the calls it was given; NULL otherwise */
	/* [{request, answer, stored, step?, draw?, why?}]: what providers were asked, and of a sound that will not do why; NULL: nothing */
	const struct json *asks;
	const char *unit; /* what the next two count: UNIT_… of core/engine.h; NULL: nobody over the network was asked */
	int64_t tokens_in, tokens_out; /* of what was asked just now */
	double cost;                   /* of that, in the user's currency */
	int code;                      /* < 0: the work failed, */
	const char *error;             /* and how */
	bool rejected;
	const struct json *fields; /* what it would write, under the stage's own name; NULL when it failed */
	int64_t us;                /* of work */
	struct try_stored stored;
	struct option_list stale; /* stages before it whose stored result is of another configuration */
	struct option_list near;  /* when the id is not known: ids that look like it */
	const char *until; /* when the stages before have no result: `taf run --until` of this stage makes them; NULL otherwise */
};

/** 0 also when the work itself failed (ret->code). ERR_USAGE: no stage for this; ERR_NOTFOUND: no such call, or it has not come so far;
 * other codes: the store, the files or the worker. */
int try_stage(const struct try_args *args, struct try_result *ret, struct err *e);
void try_release(struct try_result *r);

#endif
