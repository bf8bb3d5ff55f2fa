#include "tests/servers/common/mix.h"

#include "base/map.h"

#include <string.h>

uint64_t mix(uint64_t key, const char *name, uint64_t n)
{
	return hash_bytes(name, strlen(name), key ^ (n + 1) * 0x9E3779B97F4A7C15u);
}

size_t mix_below(uint64_t key, const char *name, size_t n)
{
	return (size_t)(mix(key, name, 0) % n);
}

double mix_unit(uint64_t key, const char *name, uint64_t n)
{
	return (double)(mix(key, name, n) >> 11) * 0x1p-53;
}

bool mix_chance(uint64_t key, const char *name, double percent)
{
	return percent > 0 && mix_unit(key, name, 0) * 100 < percent;
}
