/* Seeded numbers: draws come from H(seed, id, purpose), never from a sequence shared between records, so that order, -j and retries change nothing.
 * The generator is xoshiro256** (Blackman & Vigna 2018) seeded by splitmix64 from a 64-bit FNV-1a of the three, length-prefixed. Stable across versions. */
#ifndef TAF_BASE_DRAW_H
#define TAF_BASE_DRAW_H

#include "base/str.h"

struct draw {
	uint64_t s[4];
};

void draw_init(struct draw *d, uint64_t seed, struct str id, const char *purpose);
uint64_t draw_u64(struct draw *d);
/** Uniform in [0, n), n > 0, without bias. */
uint32_t draw_below(struct draw *d, uint32_t n);
/** Uniform in [lo, hi]. */
int64_t draw_range(struct draw *d, int64_t lo, int64_t hi);
double draw_unit(struct draw *d); /* [0, 1) */
/** Fisher-Yates over `n` indexes. */
void draw_shuffle(struct draw *d, uint32_t *v, size_t n);
/** H itself, for orders and ranks: 64 bits of (seed, id, purpose). */
uint64_t draw_hash(uint64_t seed, struct str id, const char *purpose);

#endif
