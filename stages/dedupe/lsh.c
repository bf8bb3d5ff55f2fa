#include "stages/dedupe/lsh.h"

#include "base/alloc.h"
#include "base/draw.h"
#include "base/err.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

static double power(double x, int n)
{
	double v = 1;
	while (n-- > 0)
		v *= x;
	return v;
}

void lsh_shape(int permille, int *ret_rows, int *ret_bands)
{
	double s = permille / 1000.0;
	int rows = 1;
	while (rows < LSH_HASHES && 1 - power(1 - power(s, rows + 1), LSH_HASHES / (rows + 1)) >= LSH_RECALL)
		rows++;
	*ret_rows = rows;
	*ret_bands = LSH_HASHES / rows;
}

void lsh_init(struct lsh *l, size_t n, int permille)
{
	struct draw d;
	ASSERT(n < UINT32_MAX);
	lsh_shape(permille, &l->rows, &l->bands);
	l->n = n;
	l->band = xcalloc(n * (size_t)l->bands + 1, sizeof(*l->band));
	l->sketch = xcalloc(n + 1, LSH_SKETCH);
	/* Not the pipeline's seed: which pairs are found must not depend on it. */
	draw_init(&d, 0, STR("dedupe"), "hash functions");
	for (int k = 0; k < LSH_HASHES; k++) {
		l->a[k] = draw_u64(&d);
		l->b[k] = draw_u64(&d);
	}
}

void lsh_release(struct lsh *l)
{
	free(l->band);
	free(l->sketch);
	*l = (struct lsh)LSH_INIT;
}

void lsh_add(struct lsh *l, size_t at, const uint64_t *shingles, size_t count)
{
	uint32_t least[LSH_HASHES];
	memset(least, 0xFF, sizeof(least));
	for (size_t i = 0; i < count; i++) {
		uint64_t x = shingles[i] >> 32;
		for (int k = 0; k < LSH_HASHES; k++) {
			uint32_t v = (uint32_t)((l->a[k] * x + l->b[k]) >> 32);
			least[k] = v < least[k] ? v : least[k];
		}
	}
	for (int k = 0; k < LSH_SKETCH; k++)
		l->sketch[at * LSH_SKETCH + (size_t)k] = (uint8_t)least[k];
	for (int b = 0; b < l->bands; b++)
		l->band[(size_t)b * l->n + at] = (uint32_t)hash_bytes(&least[b * l->rows], (size_t)l->rows * sizeof(*least), 0);
}

static int by_value(const void *x, const void *y)
{
	const uint64_t *a = x, *b = y;
	return *a < *b ? -1 : *a > *b;
}

struct closing {
	struct lsh *l;
	const uint32_t *order;
	uint32_t *back;    /* the call of each number */
	uint64_t *scratch; /* hash and number of each call, sorted */
	int likely;
	bool *needed;
};

/* All pairs of a bucket whose sketches are alike. Bucket by bucket, the sketches stay in the processor's cache: ten
 * times as quick as call by call. */
static void mark_bucket(struct closing *c, const uint64_t *bucket, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint32_t y = (uint32_t)bucket[i];
		for (size_t k = 0; k < i; k++) {
			uint32_t x = (uint32_t)bucket[k];
			if (c->needed[x] && c->needed[y])
				continue;
			if (lsh_alike(c->l, c->back[x], c->back[y]) >= c->likely)
				c->needed[x] = c->needed[y] = true;
		}
	}
}

/* One band: hashes are replaced by links, so that buckets cost no memory of their own. */
static void close_band(struct closing *c, uint32_t *band)
{
	size_t members = 0, n = c->l->n;
	uint64_t *v = c->scratch;
	for (size_t i = 0; i < n; i++)
		if (c->order[i] != UINT32_MAX)
			v[members++] = (uint64_t)band[i] << 32 | c->order[i];
	memset(band, 0, n * sizeof(*band));
	if (members)
		qsort(v, members, sizeof(*v), by_value);
	for (size_t from = 0, to; from < members; from = to) {
		for (to = from + 1; to < members && v[to] >> 32 == v[from] >> 32; to++)
			band[(uint32_t)v[to]] = (uint32_t)v[to - 1] + 1;
		mark_bucket(c, v + from, to - from);
	}
}

/* Links lead over calls that are not needed. They lead downwards, so that one step is enough. */
static void shorten(uint32_t *band, size_t n, const bool *needed)
{
	for (size_t i = 0; i < n; i++)
		if (band[i] && !needed[band[i] - 1])
			band[i] = band[band[i] - 1];
}

void lsh_close(struct lsh *l, const uint32_t *order, int likely, bool *ret_needed)
{
	struct closing c = {.l = l, .order = order, .likely = likely, .needed = ret_needed};
	c.scratch = xcalloc(l->n + 1, sizeof(*c.scratch));
	c.back = xcalloc(l->n + 1, sizeof(*c.back));
	for (size_t i = 0; i < l->n; i++)
		if (order[i] != UINT32_MAX)
			c.back[order[i]] = (uint32_t)i;
	for (int b = 0; b < l->bands; b++)
		close_band(&c, l->band + (size_t)b * l->n);
	for (int b = 0; b < l->bands; b++)
		shorten(l->band + (size_t)b * l->n, l->n, ret_needed);
	free(c.scratch);
	free(c.back);
}

uint32_t lsh_below(const struct lsh *l, int band, uint32_t of)
{
	return l->band[(size_t)band * l->n + of] - 1;
}

int lsh_alike(const struct lsh *l, uint32_t x, uint32_t y)
{
	const uint8_t *a = l->sketch + (size_t)x * LSH_SKETCH, *b = l->sketch + (size_t)y * LSH_SKETCH;
	uint8_t same = 0; /* at most 128: as bytes, the compiler compares sixteen at a time */
	for (int k = 0; k < LSH_SKETCH; k++)
		same = (uint8_t)(same + (a[k] == b[k]));
	return same;
}

/* The share is binomial with mean s and variance s(1-s)/m. Whole numbers: k are too few when (m·s - k)² >
 * deviations² · m · s(1-s). */
int lsh_least(int permille, int deviations)
{
	long mean = LSH_SKETCH * (long)permille;                                                 /* in thousandths */
	long spread = (long)deviations * deviations * LSH_SKETCH * permille * (1000 - permille); /* in millionths */
	int least = 0;
	while (least * 1000L < mean && (mean - least * 1000L) * (mean - least * 1000L) > spread)
		least++;
	return least;
}
