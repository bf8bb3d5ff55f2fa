/* The template writer of new calls from real ones: no model. A child is put together from pieces of its parent and of the parent's peers (calls of the
 * same label), cut at the bounds of turns where both sides do much the same; what they speak of (people, amounts, times, numbers, names of one kind) is
 * made one and drawn anew, and stock phrases are said in other words. Pure functions: the same calls, lexicon and draws give the same child.
 * Limits: the first REMIX_TURNS turns of a call are used; REMIX_CALLS calls. */
#ifndef TAF_PROVIDER_SCRIPT_REMIX_H
#define TAF_PROVIDER_SCRIPT_REMIX_H

#include "base/draw.h"
#include "provider/script_lexicon.h"

#define REMIX_TURNS 40
#define REMIX_CALLS 21 /* the parent and 20 peers */

struct remix_turn {
	bool left;
	struct str text;
};
struct remix_call {
	struct remix_turn *turns;
	size_t n;
};
struct remix_wish {
	int64_t novelty; /* a child must be below this likeness to any call, in thousandths: plans that cannot are left for last */
	int64_t min_turns; /* of a child */
	bool is_fraud;
	uint64_t seed; /* of the parent; draws are made from it, the slot and the attempt */
	int slot, attempts;
};

struct remix_from {
	size_t call, turn;
};
struct remix_axis {
	const char *name;
	struct str value;
};
struct remix_child {
	struct remix_turn *turns;
	struct remix_from *from; /* where each turn comes from */
	size_t n;
	const char **redrawn; /* kinds of what was drawn anew */
	size_t nredrawn;
	struct remix_axis axes[5];
	size_t naxes;
	size_t opener, closer, person; /* calls: of the first turn, of the last, of most that the called person says */
};

/** What can be made of calls[0], the parent, and its peers; in the arena. `l` and the texts must last as long. */
struct remix;
struct remix *remix_new(struct arena *a, const struct lexicon *l, const struct remix_call *calls, size_t ncalls,
	const struct remix_wish *wish);
/** Write the child of one attempt, from 0. ERR_DATA when no pieces fit. */
int remix_write(struct arena *a, const struct remix *r, int attempt, struct remix_child *ret, struct err *e);

#endif
