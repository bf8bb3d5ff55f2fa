/* overrides.jsonl: what a person decided about single calls, with a reason. One JSON object a line:
 *
 *   {"id": "run1/17", "action": "drop", "reason": "两个人说的是两件事"}
 *   {"id": "run1/18", "action": "relabel", "label": "客服诈骗", "reason": "…"}          a fraud type or a scene of labels.yaml
 *   {"id": "run1/19", "action": "edit", "turn": 3, "text": "…", "was": "…", "reason": "…"}   turns from 0; `was` (may be left out) must be what stands there
 *
 * Blank lines and lines that begin with '#' do not count. A call may have several lines, but one drop, one relabel and one edit a turn.
 * Read-only after loading; from any thread. Limits: 64 MiB a file, 1,000,000 lines. */
#ifndef TAF_STAGES_SCREEN_OVERRIDES_H
#define TAF_STAGES_SCREEN_OVERRIDES_H

#include "core/call.h"

struct overrides;

/** Read and check a file into the arena; `name` for messages. All that is wrong with it is one ERR_CONFIG with file:line of each. */
int overrides_load(struct arena *a, const char *path, struct overrides **ret, struct err *e);
/** Takes NULL. */
void overrides_release(struct overrides *o);

/** All ids they name, in file order. */
void overrides_ids(const struct overrides *o, void (*each)(void *arg, struct str id), void *arg);

/** What they make of a call. */
struct overridden {
	struct json *turns;   /* with its edits; NULL: as they were */
	struct json *label;   /* NULL: as it was */
	struct json *applied; /* [{action, reason, turn?}]; NULL: no line names this call */
	struct str dropped;   /* the reason; p == NULL: it stays */
};
/** ERR_DATA when an edit names a turn that the call does not have, or `was` is not what stands there. */
int overrides_apply(const struct overrides *o, struct arena *a, struct str id, const struct json *turns,
	struct overridden *ret, struct err *e);

#endif
