/* All that looks like chance in the servers: hashes of a name and a number under a key. No state, no order. */
#ifndef TAF_SERVERS_MIX_H
#define TAF_SERVERS_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t mix(uint64_t key, const char *name, uint64_t n);
/** In [0, n). */
size_t mix_below(uint64_t key, const char *name, size_t n);
/** In [0, 1). */
double mix_unit(uint64_t key, const char *name, uint64_t n);
/** Whether an event of this chance (percent) happens. */
bool mix_chance(uint64_t key, const char *name, double percent);

#endif
