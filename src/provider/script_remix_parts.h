/* What the files of the template writer share: calls taken apart, plans, and recasting. Everything lives in one arena. */
#ifndef TAF_PROVIDER_SCRIPT_REMIX_PARTS_H
#define TAF_PROVIDER_SCRIPT_REMIX_PARTS_H

#include "provider/script_remix.h"
#include "provider/script_spans.h"

#define GRAM_WORDS 64 /* a set of 4,096 hashed letter pairs */
#define PLAN_PIECES 3
#define PLANS_MAX 256

struct part {
	bool left, fit;                                /* fit: may be used at all */
	bool opening, farewell, cling, question, self; /* cues of the lexicon; self: the speaker describes himself */
	struct str text;                               /* tidied: no stage directions, no blanks */
	struct spans spans;
	uint64_t topics, acts, outcomes;
	uint64_t kinds; /* of its spans */
	uint64_t grams[GRAM_WORDS];
	int64_t ngrams, chars;
};
struct apart {
	struct part *v;
	size_t n;   /* turns that are looked at */
	size_t end; /* where the call may end: after the first farewells */
	int64_t chars;
	uint64_t topics;
};

struct piece {
	size_t call, from, to;
};
struct plan {
	struct piece pieces[PLAN_PIECES];
	size_t n;
	int64_t cost;
	int64_t likeness; /* how like the nearest of its calls the child will be, thousandths: an estimate */
	uint64_t key;
};
struct remix {
	const struct lexicon *l;
	struct remix_wish wish;
	uint64_t common[GRAM_WORDS]; /* pairs that say nothing of a topic */
	size_t *chosen;              /* by attempt: place in plans */
	struct apart *calls;
	size_t ncalls;
	struct plan *plans; /* cheapest first */
	size_t nplans;
};

/** The place of a pair of characters in a set of them. */
uint32_t gram_of(uint32_t first, uint32_t second);
/** Take a call apart. */
void part_call(struct arena *a, const struct lexicon *l, const struct remix_call *call, struct apart *ret);
/** All plans worth trying, into r. */
void plan_all(struct arena *a, struct remix *r);

/* What is one through a child, and drawn anew. */
struct recast;
struct recast *recast_new(struct arena *a, const struct remix *r, const struct plan *p, uint64_t seed);
/** The text of a turn of a call as the child says it; appended. */
void recast_turn(struct recast *rc, size_t call, size_t turn, struct buf *b);
/** Kinds that came out other than they were, as a mask of enum span_kind; bit 63: wordings. */
uint64_t recast_changed(const struct recast *rc);
/** The called person's title in the child, and the first city, after the drawing; empty when there is none. */
struct str recast_title(const struct recast *rc);
struct str recast_city(const struct recast *rc);

#endif
