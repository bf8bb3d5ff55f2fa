/* A map from strings to 64-bit values (open addressing, keys copied). Iteration is in insertion order.
 * Not for threads: the owner locks. */
#ifndef TAF_BASE_MAP_H
#define TAF_BASE_MAP_H

#include "base/str.h"

struct map_entry {
	struct str key; /* owned by the map, terminated */
	uint64_t hash;
	union {
		int64_t i;
		void *p;
	} value;
};
struct map {
	struct map_entry *entries; /* in insertion order */
	size_t n, cap;
	uint32_t *slots; /* index+1 into entries, 0 free */
	size_t nslots;
};

#define MAP_INIT {.entries = NULL}

void map_release(struct map *m); /* values are not touched */
void map_clear(struct map *m);
/** The entry of a key, or NULL. The pointer holds until the next map_put. */
struct map_entry *map_find(const struct map *m, struct str key);
/** The entry of a key, made (value 0) when it is not there; `*ret_new` (may be NULL) tells. */
struct map_entry *map_put(struct map *m, struct str key, bool *ret_new);
/** Value or `missing`. */
int64_t map_int(const struct map *m, struct str key, int64_t missing);
void *map_ptr(const struct map *m, struct str key);
/** FNV-1a finished by splitmix64. Stable: seeds and orders may rest on it. */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);

#endif
