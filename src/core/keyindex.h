/* An index in memory from the first 8 bytes of a key to the row of its result. The keys are random, so an index on disk would cost a
 * scattered write a row; the list on disk is append-only and read once, when the first look-up needs it. Hits are checked against the whole
 * key by who asked. Not for threads: the owner locks. 16 bytes an entry, at most 2/3 full. */
#ifndef TAF_CORE_KEYINDEX_H
#define TAF_CORE_KEYINDEX_H

#include <stddef.h>
#include <stdint.h>

struct keyindex {
	struct keyindex_entry {
		uint64_t head;
		int64_t row; /* 0: free */
	} * v;
	size_t n, size;
};

void keyindex_release(struct keyindex *x);
void keyindex_put(struct keyindex *x, uint64_t head, int64_t row);
/** Rows with this head, one after another: start with *at = SIZE_MAX; 0 at the end. */
int64_t keyindex_next(const struct keyindex *x, uint64_t head, size_t *at);
/** Forget one pair; missing is fine. */
void keyindex_drop(struct keyindex *x, uint64_t head, int64_t row);

#endif
