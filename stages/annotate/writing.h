/* annotate: a text of a call that is being written: what it may cite, which facts hold, what its marks stand for. Inside the room only. */
#ifndef TAF_STAGES_ANNOTATE_WRITING_H
#define TAF_STAGES_ANNOTATE_WRITING_H

#include "stages/annotate/annotate.h"

#define CITED_MAX 3   /* 甲 乙 丙 */
#define USED_MAX 64   /* citations of a round */
#define CURRENT_MAX 8 /* of a line */

struct span {
	int turn;
	size_t from, to;
};
struct voice {
	bool has_rate, has_pauses, has_pitch;
	int64_t rate, pauses, speech, low, high;
};
struct writing {
	struct arena *a;
	const struct call_facts *f;
	const struct tables *t;
	struct evidence ev;
	bool fraud;
	struct str scene, type;
	struct str *values; /* of tables.values */
	struct voice voice;
	/* the round */
	enum round round;
	uint64_t seed;
	const struct label_kind *kind; /* NULL: none, or no entry */
	struct str rival;
	int64_t points, contrary;
	struct str versus, versus_label;
	const struct hit *cited[CITED_MAX];
	size_t cited_cue[CITED_MAX], ncited;
	/* the text */
	struct span used[USED_MAX];
	size_t nused;
	struct {
		int cue;
		const struct hit *hit;
	} current[CURRENT_MAX];
	size_t ncurrent;
};

/** One of the hits that can be quoted and is free in this round; NULL when there is none. */
const struct hit *pick_hit(const struct writing *w, const struct found *f);
/** What think_write asks of this text, with the seed of the round. */
struct think_call writing_call(struct writing *w, uint64_t seed);
/** Citations of the text before are free again. */
void writing_begin(struct writing *w);

#endif
