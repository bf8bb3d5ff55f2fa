/* Disjoint sets over the numbers 0…n-1 (union-find): which things hang together, by any chain of links.
 * Linking by the lower root and halving paths: near constant time an operation (Tarjan & van Leeuwen 1984), 4 bytes a
 * number. The partition is a function of the links, whatever their order; `sets_root` of a set is its lowest number.
 * One thread. */
#ifndef TAF_BASE_SETS_H
#define TAF_BASE_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sets {
	uint32_t *up;
	size_t n;
};

#define SETS_INIT {.up = NULL}

/** Every number alone. Release with sets_release. */
void sets_init(struct sets *s, size_t n);
void sets_release(struct sets *s);
/** The lowest number of the set that holds `x`. */
uint32_t sets_root(struct sets *s, uint32_t x);
/** Put the sets of both together. */
void sets_link(struct sets *s, uint32_t x, uint32_t y);

#endif
