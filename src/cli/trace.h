/* One call through all stages, as `show` and `why` tell it: what is remembered of it at each, what the stage wrote, why it failed.
 * A trace owns all its memory. One thread; reads only. */
#ifndef TAF_CLI_TRACE_H
#define TAF_CLI_TRACE_H

#include "cli/folder.h"
#include "core/query.h"

struct trace_stage {
	const char *name, *uses;
	int32_t row; /* of table stage */
	int at;      /* index in the pipeline, or -1 when it is in it no more */
	struct memo memo;
	bool private;  /* may hold what a call said before its personal data was hidden */
	bool withheld; /* private, and the originals were not asked for */
	bool has_failure;
	struct query_failure failure; /* when quarantined or failed */
	struct json *fields;          /* what it wrote, "@" put in; NULL: nothing, or withheld */
};
struct trace {
	struct arena arena;
	struct store *store;
	struct config *config; /* NULL when the pipeline cannot be loaded */
	struct str id;
	int32_t item;
	struct trace_stage *v; /* in the order of the pipeline */
	size_t n;
	bool withheld; /* some result is */
};

/** Find a call. Errors (an unknown id with those that look like it) are printed; the exit status, 0 when found. */
int trace_open(struct trace *t, const struct where *where, const char *id, bool originals);
/** Say that the call did not come to stage `name`; the exit status. */
int trace_stage_unknown(const struct trace *t, const char *name);
/** For people: that no stage has worked on the call, if that is so. Appended. */
void trace_nothing(const struct trace *t, struct buf *b);
void trace_release(struct trace *t);
/** Whether a run noted, in what is kept of a stage, that it may hold private text; once it did, it may. What no run noted is taken for private. */
bool trace_noted_private(struct str state);
/** What stage `s` wrote as result row `result`, "@" put in; NULL when it is not kept any more. Not withheld. */
struct json *trace_result(struct trace *t, const struct trace_stage *s, int64_t result);

#endif
