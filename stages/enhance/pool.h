/* What enhance keeps of the closed pool: the texts of all calls by label (two bytes a character), and who is whose peer. Filled by peers(), read-only while
 * slots are worked. On the heap, since it may be filled anew in one run. */
#ifndef TAF_STAGES_ENHANCE_POOL_H
#define TAF_STAGES_ENHANCE_POOL_H

#include "core/stage.h"
#include "stages/enhance/rouge.h"

#define POOL_PEERS_MAX 20
#define POOL_CHARS_MAX 20000 /* of a call; longer ones take no part */

struct pool;
struct pool_wish {
	uint64_t seed;
	int64_t parents, peers; /* parents: 0 for all */
};
/** Read all calls, name parents and peers. `*ret` is free'd with pool_free, which takes NULL. */
int pool_fill(struct gather *g, const struct pool_wish *wish, struct pool **ret, struct err *e);
void pool_free(struct pool *p);
/** The highest ROUGE-L of a text against the calls of a label, in thousandths, or `floor` when it is not over that; the search ends at `enough`. */
int64_t pool_likeness(const struct pool *p, struct str label, struct rouge *r, int64_t floor, int64_t enough);

/** The name of a call's label: "fraud/投资诈骗", "normal/订餐服务". Peers share it. */
struct str pool_label(struct arena *a, const struct json *call);
/** All that is said in a call, as ROUGE-L sees it. ERR_TOOBIG over POOL_CHARS_MAX. */
int pool_text(struct arena *a, const struct json *turns, struct rouge_text *ret, struct err *e);

#endif
