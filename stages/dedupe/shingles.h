/* What two calls are compared by: their words without what transcribers add, cut into overlapping pieces of four characters (shingles).
 *
 * Plain text: the texts of all turns one after the other, NFKC, ASCII letters in lower case, letters and digits only
 * (no blanks, punctuation, symbols). Who speaks and where a turn ends does not count: the same words cut in another way
 * are the same words. Shingles: of every four characters on end, a hash; as a set, sorted. A text of one to three
 * characters has one shingle, an empty text none. Two shingles are the same when their 64-bit hashes are: among the
 * shingles of two calls a chance hit has a probability of about 10^-14.
 *
 * Resemblance of two calls is the Jaccard index of their sets, |A ∩ B| / |A ∪ B| (Broder 1997, "On the resemblance and
 * containment of documents").
 *
 * Buffers grow and are used again; release with shingles_release. One thread. Errors: ERR_PARSE for text that is not UTF-8. */
#ifndef TAF_STAGES_DEDUPE_SHINGLES_H
#define TAF_STAGES_DEDUPE_SHINGLES_H

#include "io/digest.h"
#include "io/json.h"

/** Characters of a call that are looked at for shingles: those beyond decide only whether two calls are equal. Over
 * two hours of speech. */
#define SHINGLES_CHARS_MAX 65536
#define SHINGLE_CHARS 4

struct shingles {
	uint32_t *plain; /* code points of the plain text */
	size_t nplain, plain_cap;
	uint64_t *v; /* hashes */
	size_t n, cap;
	struct buf text; /* scratch */
};

#define SHINGLES_INIT {.text = BUF_INIT}

void shingles_release(struct shingles *s);
/** The plain text of a call and its shingles, in the order of the text, with doubles. */
int shingles_read(struct shingles *s, const struct json *turns, struct err *e);
/** Make a set of them: sorted, without doubles. */
void shingles_sort(struct shingles *s);
/** First half of SHA-256 over the plain text: equal texts and no others are equal. */
void shingles_digest(const struct shingles *s, unsigned char ret[DIGEST_SIZE / 2]);

/** How many two sorted sets have in common. */
size_t shingles_common(const uint64_t *x, size_t nx, const uint64_t *y, size_t ny);
/** Resemblance in thousandths, rounded down; 0 for two empty sets. */
int shingles_permille(size_t nx, size_t ny, size_t common);

#endif
