#include "base/map.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
	const unsigned char *in = p;
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;
	for (size_t i = 0; i < n; i++)
		h = (h ^ in[i]) * UINT64_C(0x100000001b3);
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

void map_clear(struct map *m)
{
	for (size_t i = 0; i < m->n; i++)
		free((void *)(uintptr_t)m->entries[i].key.p); /* the map's own copy: const only for the users */
	m->n = 0;
	if (m->nslots)
		memset(m->slots, 0, m->nslots * sizeof(*m->slots));
}

void map_release(struct map *m)
{
	map_clear(m);
	free(m->entries);
	free(m->slots);
	*m = (struct map)MAP_INIT;
}

/** The slot where a key is, or where it would go. Needs a free slot. */
static size_t find_slot(const struct map *m, struct str key, uint64_t hash)
{
	size_t mask = m->nslots - 1, at = (size_t)hash & mask;
	for (; m->slots[at]; at = (at + 1) & mask) {
		const struct map_entry *entry = &m->entries[m->slots[at] - 1];
		if (entry->hash == hash && str_eq(entry->key, key))
			break;
	}
	return at;
}

/** Twice the slots; at most half of them are ever used. */
static void grow_slots(struct map *m)
{
	m->nslots = m->nslots ? m->nslots * 2 : 16;
	free(m->slots);
	m->slots = xcalloc(m->nslots, sizeof(*m->slots));
	size_t mask = m->nslots - 1;
	for (size_t i = 0; i < m->n; i++) {
		size_t at = (size_t)m->entries[i].hash & mask;
		while (m->slots[at])
			at = (at + 1) & mask;
		m->slots[at] = (uint32_t)i + 1;
	}
}

struct map_entry *map_find(const struct map *m, struct str key)
{
	if (m->n == 0)
		return NULL;
	uint32_t slot = m->slots[find_slot(m, key, hash_bytes(key.p, key.n, 0))];
	return slot ? &m->entries[slot - 1] : NULL;
}

struct map_entry *map_put(struct map *m, struct str key, bool *ret_new)
{
	uint64_t hash = hash_bytes(key.p, key.n, 0);
	if ((m->n + 1) * 2 > m->nslots)
		grow_slots(m);
	size_t at = find_slot(m, key, hash);
	bool is_new = m->slots[at] == 0;
	if (is_new) {
		ASSERT(m->n < UINT32_MAX);
		GROW(m->entries, m->n, m->cap);
		char *copy = xmalloc(key.n + 1);
		if (key.n)
			memcpy(copy, key.p, key.n);
		copy[key.n] = '\0';
		struct map_entry *entry = &m->entries[m->n++];
		memset(entry, 0, sizeof(*entry));
		entry->key = str_n(copy, key.n);
		entry->hash = hash;
		m->slots[at] = (uint32_t)m->n;
	}
	if (ret_new)
		*ret_new = is_new;
	return &m->entries[m->slots[at] - 1];
}

int64_t map_int(const struct map *m, struct str key, int64_t missing)
{
	const struct map_entry *entry = map_find(m, key);
	return entry ? entry->value.i : missing;
}

void *map_ptr(const struct map *m, struct str key)
{
	const struct map_entry *entry = map_find(m, key);
	return entry ? entry->value.p : NULL;
}
