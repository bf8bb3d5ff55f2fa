/* Running enhance over a pool without the engine: calls in an array, peers() as the engine calls it, work on one slot. For tests; one thread. */
#ifndef TAF_TESTS_POOLKIT_H
#define TAF_TESTS_POOLKIT_H

#include "tests/stages/import/stagekit.h"

extern const struct stage_ops stage_enhance;

struct poolkit_call {
	struct str id;
	const struct json *call;
	bool parent; /* named by peers() */
	size_t peers[32], npeers;
	struct str basis;
};
struct poolkit {
	struct kit k; /* of enhance */
	struct poolkit_call *v;
	size_t n, cap;
	size_t at; /* of the gathering */
	struct arena arena;
	struct work_io *io; /* of the work: a model's answers; NULL for the embedded writer */
};

/** Open enhance with options in YAML ("provider" is put in). */
void pool_open(struct poolkit *p, const char *with);
void pool_close(struct poolkit *p);
/** A call of the pool; copied. They may come in any order: peers() sees them by id. */
void poolkit_add(struct poolkit *p, const char *id, const struct json *call);
/** A call from turns like "L您好。", "R你好。", … NULL. `label`: "投资诈骗" or a scene. */
void pool_say(struct poolkit *p, const char *id, bool fraud, const char *label, const char *const *turns);
/** Ask the stage for parents and peers. */
void pool_peers(struct poolkit *p);
/** Work on one slot of a parent; the code of the stage. */
int pool_work(struct poolkit *p, const char *parent, int slot, struct work *ret, struct err *e);
struct poolkit_call *poolkit_find(struct poolkit *p, const char *id);
/** The whole result as canonical JSON; "REJECTED …" in front when it was rejected, the error when it failed. */
const char *pool_result(struct poolkit *p, const char *parent, int slot);

/** Calls written by the synthesize stage from the shipped scenarios, with ids as it gives them: a pool of many labels in the project's own words. */
void pool_synthesize(struct poolkit *p, int count);

#endif
