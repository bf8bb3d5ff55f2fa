/* Which calls repeat which: the work of dedupe on calls that come one after the other, in as many passes as memory asks for.
 *
 * A call goes by two numbers: its `index` in id order (as gathered), and its `place` in keep order (by source: asr,
 * published, enhanced, synthetic; among those of one source by id). Keep order decides what is kept; everything here
 * but the reading goes by place.
 *
 * Duplicates, greedily in keep order: a call is a duplicate when an earlier call that is NOT a duplicate itself
 * resembles it by `threshold` or more. So each duplicate names a kept call that it really resembles. In a chain A ~ B ~
 * C in which A and C are too different, A and C are kept: nobody is dropped by a chain (groups by connected components
 * would drop C). Of several such calls the one that it resembles most is named, then the first. Equal plain texts are
 * one call in all of this: the first stands for the others.
 *
 * Families: connected components of all calls, duplicates too, by `related` or more. Chains count here: a family must
 * not be split between training and test. A family is named by its first call in keep order, which is never a
 * duplicate.
 *
 * What is found: of pairs at the default `related` of 0.5 98.3%, of those at 0.6 or more all but one of 7,000, of those
 * at the default `threshold` of 0.8 all but one of three million (lsh.h; tests/stages/dedupe/test_real.c holds it
 * against all pairs). With threshold and related equal, 98% of the pairs just at the threshold.
 *
 * Use: pairs_init, for each call in id order pairs_first, pairs_plan; then while pairs_block: for each call in id
 * order, as often as pairs_ranks tells, pairs_again; pairs_end; then the results. Memory a call: 50 bytes and the
 * signature (lsh.h); shingles only of calls in candidate pairs, at most PAIRS_BLOCK at a time: with more, there are
 * more passes. Release with pairs_release. One thread. */
#ifndef TAF_STAGES_DEDUPE_PAIRS_H
#define TAF_STAGES_DEDUPE_PAIRS_H

#include "base/sets.h"
#include "stages/dedupe/lsh.h"
#include "stages/dedupe/shingles.h"

/** Shingles in memory at a time: 32 MiB. One call has at most SHINGLES_CHARS_MAX. */
#define PAIRS_BLOCK ((size_t)4 << 20)
#define PAIRS_NONE UINT32_MAX
#define PAIRS_RANKS 5 /* sources, and one for unknown ones */

struct pairs_call { /* by place */
	uint32_t index;
	uint32_t twin;     /* the first call of the same plain text: itself when there is none before it */
	uint32_t of;       /* the kept call that it repeats, or PAIRS_NONE */
	uint16_t permille; /* by how much */
};
struct pairs {
	size_t n, block_max;                                      /* block_max: PAIRS_BLOCK, less in tests */
	int threshold, related, likely_threshold, likely_related; /* thousandths; shared bytes */
	struct lsh lsh;
	struct sets families;                     /* by place */
	struct pairs_call *calls;                 /* by place */
	uint32_t *place;                          /* by index */
	uint8_t *rank;                            /* by index */
	uint32_t *count;                          /* by index: shingles, with doubles */
	unsigned char (*digest)[DIGEST_SIZE / 2]; /* by index */
	bool *needed;                             /* by place: in a candidate pair */
	uint32_t *seen;                           /* by place: the last call that met it, + 1 */
	uint32_t *met;                            /* those that a call has to be compared with */
	size_t nmet, met_cap;
	struct shingles scratch;
	/* the block: places from ≤ x < to, whose shingles are in memory */
	size_t from, to;
	uint64_t *block;
	size_t block_n;
	size_t *at;     /* of each place of the block: where its shingles begin */
	uint32_t *held; /* how many they are */
};

void pairs_init(struct pairs *p, size_t n, int threshold, int related);
void pairs_release(struct pairs *p);
/** The call `index` has this source and these turns. */
int pairs_first(struct pairs *p, uint32_t index, struct str source, const struct json *turns, struct err *e);
/** All calls came: order them, sort them into buckets, find out which are in candidate pairs. */
void pairs_plan(struct pairs *p);
/** The next block of calls. False when all are done. */
bool pairs_block(struct pairs *p);
/** Whether a pass over the calls of this rank is wanted (ranks in rising order). */
bool pairs_wants(const struct pairs *p, int rank);
/** The call `index` comes again. Calls of another rank, and those that have no business with this block, are passed
 * over without reading their turns. */
int pairs_again(struct pairs *p, uint32_t index, int rank, const struct json *turns, struct err *e);
/** All blocks are done: settle the equal texts. */
void pairs_end(struct pairs *p);
/** Results, by place of a call. */
bool pairs_equal(const struct pairs *p, uint32_t place); /* a duplicate by an equal plain text */
uint32_t pairs_family(struct pairs *p, uint32_t place);  /* place of the first call of its family */

#endif
