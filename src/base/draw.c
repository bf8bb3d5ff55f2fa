/* Outputs of taf rest on these numbers: a change here changes every synthetic call. tests/base/test_draw.c holds fixed values. */
#include "base/draw.h"

#include "base/err.h"

#include <string.h>

/** One step of splitmix64 (Steele, Lea & Flood 2014). */
static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t fnv_add(uint64_t h, const void *p, size_t n)
{
	const unsigned char *in = p;
	for (size_t i = 0; i < n; i++)
		h = (h ^ in[i]) * UINT64_C(0x100000001b3);
	return h;
}

/** Eight bytes, little endian. */
static uint64_t fnv_u64(uint64_t h, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		h = (h ^ (v >> (8 * i) & 0xFF)) * UINT64_C(0x100000001b3);
	return h;
}

uint64_t draw_hash(uint64_t seed, struct str id, const char *purpose)
{
	size_t n = strlen(purpose);
	uint64_t h = fnv_u64(UINT64_C(0xcbf29ce484222325), seed);
	h = fnv_add(fnv_u64(h, id.n), id.p, id.n);
	h = fnv_add(fnv_u64(h, n), purpose, n);
	return splitmix(&h); /* FNV's high bits depend little on the last bytes */
}

void draw_init(struct draw *d, uint64_t seed, struct str id, const char *purpose)
{
	uint64_t state = draw_hash(seed, id, purpose);
	for (int i = 0; i < 4; i++)
		d->s[i] = splitmix(&state);
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t draw_u64(struct draw *d)
{
	uint64_t *s = d->s, ret = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return ret;
}

/** Uniform in [0, n): numbers above the last whole multiple of n are drawn again. */
static uint64_t below(struct draw *d, uint64_t n)
{
	uint64_t rest = (0 - n) % n, v; /* 2^64 mod n */
	do {
		v = draw_u64(d);
	} while (v < rest);
	return v % n;
}

uint32_t draw_below(struct draw *d, uint32_t n)
{
	ASSERT(n > 0);
	return (uint32_t)below(d, n);
}

int64_t draw_range(struct draw *d, int64_t lo, int64_t hi)
{
	ASSERT(lo <= hi);
	uint64_t span = (uint64_t)hi - (uint64_t)lo;
	uint64_t v = span == UINT64_MAX ? draw_u64(d) : below(d, span + 1);
	return (int64_t)((uint64_t)lo + v);
}

double draw_unit(struct draw *d)
{
	return (double)(draw_u64(d) >> 11) * 0x1p-53;
}

void draw_shuffle(struct draw *d, uint32_t *v, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)below(d, i);
		uint32_t kept = v[i - 1];
		v[i - 1] = v[j];
		v[j] = kept;
	}
}
