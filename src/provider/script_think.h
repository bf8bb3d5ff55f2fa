/* The deterministic annotator's pen: texts with marks, and plans of steps that are put together to a paragraph. No model.
 * What the steps say and when is data (stages/annotate/templates.yaml); what is true of a call, and what the marks stand for, comes from the caller.
 * Alternatives are drawn by the text of each and the seed (rendezvous hashing), never from a sequence: one that is added changes only the texts
 * that come to choose it. Pure functions: safe from any thread over immutable plans. Results live in the caller's arena.
 * Marks in angle brackets: `<甲|乙|>` is one of the alternatives, which may hold marks in turn; `<名>` the value of that name.
 * Limits: 4 levels of marks, 1,200 bytes a line, 100 steps a plan. */
#ifndef TAF_PROVIDER_SCRIPT_THINK_H
#define TAF_PROVIDER_SCRIPT_THINK_H

#include "base/arena.h"
#include "base/buf.h"

#define THINK_LINE_BYTES 1200
#define THINK_STEPS_MAX 100

struct think_line {
	struct str text;
	uint64_t hash; /* of the text: draws go by it */
};
struct think_step {
	struct str name;
	struct str *when, *unless; /* facts; "甲|乙" is either */
	size_t nwhen, nunless;
	int rank;   /* 0: always said; else left out when the text is too long, the highest first */
	int chance; /* percent of the calls that may have it at all */
	bool fill;  /* said only while the text is too short */
	struct think_line *say;
	size_t nsay;
	struct think_step *first; /* instead of say: the first of these that can be said */
	size_t nfirst;
};
struct think_plan {
	struct think_step *steps;
	size_t n;
};

/** Who tells what holds of a call. */
struct think_call {
	uint64_t seed; /* of the call and the round */
	bool (*fact)(void *arg, struct str name);
	/** Append the value of a mark; false when there is none: the line is then not said. */
	bool (*value)(void *arg, struct str name, struct buf *ret);
	/** Values that were given since `mark()` are free again: the line they were for was not said. Both may be NULL. */
	size_t (*mark)(void *arg);
	void (*rewind)(void *arg, size_t mark);
	void *arg;
};

/** What is wrong with a line's marks, in words, or NULL. `known` tells the names of values. `*ret_piece` is the offending piece. */
const char *think_line_problem(
	struct str text, bool (*known)(void *arg, struct str name), void *arg, struct str *ret_piece);
struct think_line think_line(struct str text);
/** The index of the text that `seed` draws out of `n`; n > 0. */
size_t think_draw(const struct str *texts, size_t n, uint64_t seed);
/** One step alone, appended. False when it cannot be said. */
bool think_step(struct arena *a, const struct think_step *s, const struct think_call *c, struct buf *ret);
/** A paragraph of the plan's steps: at most `max` characters as long as steps with a rank can be left out; steps that fill are added below `min`. */
struct str think_write(struct arena *a, const struct think_plan *p, const struct think_call *c, size_t min, size_t max);

#endif
