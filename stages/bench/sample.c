#include "stages/bench/sample.h"

#include "base/alloc.h"

#include <stdlib.h>

struct remainder {
	int64_t part; /* of the population: what is lost by rounding down */
	size_t stratum;
};

static int by_remainder(const void *x, const void *y)
{
	const struct remainder *a = x, *b = y;
	if (a->part != b->part)
		return a->part > b->part ? -1 : 1;
	return a->stratum < b->stratum ? -1 : a->stratum > b->stratum;
}

void sample_quotas(const int64_t *calls, size_t n, int64_t size, int64_t *ret_quotas)
{
	int64_t all = 0;
	for (size_t i = 0; i < n; i++)
		all += calls[i];
	if (size > all)
		size = all;
	if (n == 0 || all == 0) {
		for (size_t i = 0; i < n; i++)
			ret_quotas[i] = 0;
		return;
	}
	CLEANUP(free_ptr) struct remainder *rest = xcalloc(n, sizeof(*rest));
	int64_t left = size;
	for (size_t i = 0; i < n; i++) {
		ret_quotas[i] = size * calls[i] / all;
		rest[i] = (struct remainder){size * calls[i] % all, i};
		left -= ret_quotas[i];
	}
	qsort(rest, n, sizeof(*rest), by_remainder);
	for (size_t i = 0; i < (size_t)left; i++)
		ret_quotas[rest[i].stratum]++;
}

static int by_hash(const void *x, const void *y)
{
	const struct sample_family *a = x, *b = y;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return str_cmp(a->name, b->name);
}

static bool open_to_choice(const struct sample_family *f)
{
	return !f->barred && f->side == SAMPLE_REST;
}

void sample_choose(struct sample_family *v, size_t n, size_t nstrata, int64_t size, enum sample_side side)
{
	CLEANUP(free_ptr) int64_t *calls = xcalloc(nstrata + 1, sizeof(*calls));
	CLEANUP(free_ptr) int64_t *left = xcalloc(nstrata + 1, sizeof(*left));
	for (size_t i = 0; i < n; i++)
		if (open_to_choice(&v[i]))
			calls[v[i].stratum] += v[i].calls;
	sample_quotas(calls, nstrata, size, left);
	if (n)
		qsort(v, n, sizeof(*v), by_hash);
	for (size_t i = 0; i < n; i++) {
		struct sample_family *f = &v[i];
		if (!open_to_choice(f) || f->calls > left[f->stratum])
			continue;
		f->side = side;
		left[f->stratum] -= f->calls;
	}
}
