/* Candidate pairs without comparing all pairs: MinHash signatures in bands (locality-sensitive hashing).
 *
 * A signature is LSH_HASHES numbers: for each of as many hash functions the lowest value over the call's shingles. Two
 * calls of resemblance s agree in each number with probability s (Broder 1997). The functions are (a·x + b) >> 32 with
 * a and b of 64 bits, fixed by draws: strongly universal (Dietzfelbinger 1996). The signature is cut into `bands`
 * bands of `rows` numbers; two calls that agree in a whole band are a candidate pair. So a pair of resemblance s is
 * found with probability
 *
 *     P(s) = 1 - (1 - s^rows)^bands          (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, 3.4)
 *
 * lsh_shape() takes the steepest curve with P(s) >= LSH_RECALL at the lowest resemblance that matters:
 *
 *     lowest s   rows × bands  P(0.1) P(0.2) P(0.3) P(0.4) P(0.5) P(0.6) P(0.7) P(0.8) P(0.9)
 *     0.3        2 × 128       0.724  0.995  1      1      1      1      1      1      1
 *     0.4        3 × 85        0.082  0.495  0.902  0.996  1      1      1      1      1
 *     0.5        4 × 64        0.006  0.097  0.406  0.810  0.984  1      1      1      1
 *     0.6        5 × 51        0.001  0.016  0.117  0.408  0.802  0.984  1      1      1
 *     0.7        6 × 42        0.000  0.003  0.030  0.158  0.484  0.866  0.995  1      1
 *     0.8        9 × 28        0.000  0.000  0.001  0.007  0.053  0.247  0.684  0.982  1
 *     0.9        15 × 17       0.000  0.000  0.000  0.000  0.001  0.008  0.078  0.456  0.980
 *
 * With the default of 0.5, what is missed is 1.6% of the pairs at 0.5, 0.2% at 0.55, 0.01% at 0.6, and one of 10^14 at
 * 0.8. Fewer numbers would be quicker to make, and cost more later: calls that are written from one scenario resemble
 * each other by 0.1 to 0.3, and the number of such pairs grows with the square of the calls.
 *
 * Of a candidate pair the lowest bytes of LSH_SKETCH numbers are compared first (lsh_alike; b-bit minwise hashing, Li &
 * König 2010): a pair whose share of equal bytes lies too far under the limit is no pair. Three standard deviations
 * lose 0.1% of the pairs at the limit, five one of three million. What is left is compared shingle by shingle by the
 * caller. The calls of one bucket are compared pair by pair: n calls that all resemble each other cost n²/2 steps of
 * some ten nanoseconds.
 *
 * Calls go by number, 0…n-1. Memory: 4 × bands + LSH_SKETCH bytes a call, 384 at the default of 0.5. Release with lsh_release. One thread. */
#ifndef TAF_STAGES_DEDUPE_LSH_H
#define TAF_STAGES_DEDUPE_LSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LSH_HASHES 256
#define LSH_SKETCH 128
#define LSH_RECALL 0.98

struct lsh {
	size_t n;
	int rows, bands;
	uint32_t *band; /* [bands][n]: the band's hash; after lsh_close the next lower needed call of its bucket + 1, 0 for none */
	uint8_t *sketch; /* [n][LSH_SKETCH] */
	uint64_t a[LSH_HASHES], b[LSH_HASHES];
};

#define LSH_INIT {.band = NULL}

/** Rows and bands for pairs of at least this resemblance, in thousandths (1…1000). */
void lsh_shape(int permille, int *ret_rows, int *ret_bands);
void lsh_init(struct lsh *l, size_t n, int permille);
void lsh_release(struct lsh *l);
/** The signature of call `at` from its shingles (doubles and order do not count): of each, the upper half is hashed
 * on. */
void lsh_add(struct lsh *l, size_t at, const uint64_t *shingles, size_t count);
/** All calls are added: sort them into buckets. `order[i]`: the number by which call i goes from now on (not in
 * lsh_alike); UINT32_MAX leaves it out. `ret_needed` (by number, all false before): which calls share a bucket with
 * another of at least `likely` shared bytes. Only those are met. */
void lsh_close(struct lsh *l, const uint32_t *order, int likely, bool *ret_needed);
/** The next lower call that is needed in the bucket of `of` in a band, or UINT32_MAX. Going on from there gives the
 * whole bucket below. */
uint32_t lsh_below(const struct lsh *l, int band, uint32_t of);
/** How many of LSH_SKETCH bytes two calls share, by the numbers of lsh_add. */
int lsh_alike(const struct lsh *l, uint32_t x, uint32_t y);
/** The fewest shared bytes with which a pair may have this resemblance (thousandths), if it lies at most so many
 * standard deviations off. */
int lsh_least(int permille, int deviations);

#endif
