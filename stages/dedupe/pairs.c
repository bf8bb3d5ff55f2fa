#include "stages/dedupe/pairs.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void pairs_init(struct pairs *p, size_t n, int threshold, int related)
{
	*p = (struct pairs){.n = n, .block_max = PAIRS_BLOCK, .threshold = threshold, .related = related};
	p->lsh = (struct lsh)LSH_INIT;
	p->scratch = (struct shingles)SHINGLES_INIT;
	p->likely_threshold = lsh_least(threshold, 5);
	p->likely_related = lsh_least(related, 3);
	lsh_init(&p->lsh, n, related);
	sets_init(&p->families, n);
	p->calls = xcalloc(n + 1, sizeof(*p->calls));
	p->place = xcalloc(n + 1, sizeof(*p->place));
	p->rank = xcalloc(n + 1, sizeof(*p->rank));
	p->count = xcalloc(n + 1, sizeof(*p->count));
	p->digest = xcalloc(n + 1, sizeof(*p->digest));
	p->needed = xcalloc(p->n + 1, sizeof(*p->needed));
	p->seen = xcalloc(n + 1, sizeof(*p->seen));
}

static void release_block(struct pairs *p)
{
	free(p->block);
	free(p->at);
	free(p->held);
	p->block = NULL;
	p->at = NULL;
	p->held = NULL;
}

void pairs_release(struct pairs *p)
{
	lsh_release(&p->lsh);
	sets_release(&p->families);
	shingles_release(&p->scratch);
	release_block(p);
	free(p->calls);
	free(p->place);
	free(p->rank);
	free(p->count);
	free(p->digest);
	free(p->needed);
	free(p->seen);
	free(p->met);
}

static uint8_t rank_of(struct str source)
{
	static const char *const order[] = {"asr", "published", "enhanced", "synthetic"};
	uint8_t rank = 0;
	while (rank < COUNT_OF(order) && !str_is(source, order[rank]))
		rank++;
	return rank;
}

int pairs_first(struct pairs *p, uint32_t index, struct str source, const struct json *turns, struct err *e)
{
	ASSERT(index < p->n);
	int rc = shingles_read(&p->scratch, turns, e);
	if (rc < 0)
		return rc;
	p->rank[index] = rank_of(source);
	p->count[index] = (uint32_t)p->scratch.n;
	shingles_digest(&p->scratch, p->digest[index]);
	lsh_add(&p->lsh, index, p->scratch.v, p->scratch.n);
	return 0;
}

/* --- Order, equal texts, buckets --- */

static void order_calls(struct pairs *p)
{
	uint32_t place = 0;
	for (int rank = 0; rank < PAIRS_RANKS; rank++) {
		for (uint32_t i = 0; i < p->n; i++) {
			if (p->rank[i] != rank)
				continue;
			p->calls[place] = (struct pairs_call){.index = i, .twin = place, .of = PAIRS_NONE};
			p->place[i] = place++;
		}
	}
}

static int by_digest(const void *x, const void *y, void *arg)
{
	const struct pairs *p = arg;
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
	int order = memcmp(p->digest[p->calls[a].index], p->digest[p->calls[b].index], sizeof(*p->digest));
	return order ? order : a < b ? -1 : a > b;
}

static void find_twins(struct pairs *p)
{
	uint32_t *v = xcalloc(p->n + 1, sizeof(*v));
	for (uint32_t i = 0; i < p->n; i++)
		v[i] = i;
	if (p->n)
		qsort_r(v, p->n, sizeof(*v), by_digest, p);
	for (size_t i = 1; i < p->n; i++) {
		uint32_t first = p->calls[v[i - 1]].index, second = p->calls[v[i]].index;
		/* A call without words equals no other: there is nothing to tell. */
		if (p->count[first] == 0 || memcmp(p->digest[first], p->digest[second], sizeof(*p->digest)) != 0)
			continue;
		p->calls[v[i]].twin = p->calls[v[i - 1]].twin;
		sets_link(&p->families, v[i], v[i - 1]);
	}
	free(v);
}

void pairs_plan(struct pairs *p)
{
	order_calls(p);
	find_twins(p);
	uint32_t *order = xcalloc(p->n + 1, sizeof(*order));
	for (size_t i = 0; i < p->n; i++) {
		uint32_t place = p->place[i];
		bool alone = p->calls[place].twin != place || p->count[i] == 0;
		order[i] = alone ? PAIRS_NONE : place;
	}
	lsh_close(&p->lsh, order, p->likely_related, p->needed);
	free(order);
}

/* --- Blocks --- */

bool pairs_block(struct pairs *p)
{
	size_t room = 0;
	p->from = p->to;
	while (p->from < p->n && !p->needed[p->from])
		p->from++;
	for (p->to = p->from; p->to < p->n; p->to++) {
		size_t more = p->needed[p->to] ? p->count[p->calls[p->to].index] : 0;
		if (room && room + more > p->block_max)
			break;
		room += more;
	}
	release_block(p);
	if (p->from == p->n)
		return false;
	p->block = xcalloc(room + 1, sizeof(*p->block));
	p->at = xcalloc(p->to - p->from, sizeof(*p->at));
	p->held = xcalloc(p->to - p->from, sizeof(*p->held));
	p->block_n = 0;
	return true;
}

bool pairs_wants(const struct pairs *p, int rank)
{
	for (size_t i = p->from; i < p->n; i++)
		if (p->needed[i] && p->rank[p->calls[i].index] == rank)
			return true;
	return false;
}

/* Whether comparing a candidate pair, x before y, can still change something: x may be what y repeats, or link two
 * families. */
static bool matters(struct pairs *p, uint32_t x, uint32_t y)
{
	int alike = lsh_alike(&p->lsh, p->calls[x].index, p->calls[y].index);
	if (alike >= p->likely_threshold && p->calls[x].of == PAIRS_NONE)
		return true;
	return alike >= p->likely_related && sets_root(&p->families, x) != sets_root(&p->families, y);
}

/* The calls of the block that `y` has to be compared with: to p->met. */
static void find_met(struct pairs *p, uint32_t y)
{
	p->nmet = 0;
	for (int b = 0; b < p->lsh.bands; b++) {
		for (uint32_t x = lsh_below(&p->lsh, b, y); x != PAIRS_NONE && x >= p->from; x = lsh_below(&p->lsh, b, x)) {
			if (x >= p->to || p->seen[x] == y + 1)
				continue;
			p->seen[x] = y + 1;
			if (!matters(p, x, y))
				continue;
			GROW(p->met, p->nmet, p->met_cap);
			p->met[p->nmet++] = x;
		}
	}
}

static void compare(struct pairs *p, uint32_t x, uint32_t y)
{
	struct pairs_call *c = &p->calls[y], *other = &p->calls[x];
	size_t n = p->held[x - p->from];
	size_t common = shingles_common(p->block + p->at[x - p->from], n, p->scratch.v, p->scratch.n);
	size_t all = n + p->scratch.n - common;
	if (common * 1000 >= (size_t)p->related * all)
		sets_link(&p->families, x, y);
	if (other->of != PAIRS_NONE || common * 1000 < (size_t)p->threshold * all)
		return;
	int permille = shingles_permille(n, p->scratch.n, common);
	if (c->of == PAIRS_NONE || permille > c->permille || (permille == c->permille && x < c->of)) {
		c->of = x;
		c->permille = (uint16_t)permille;
	}
}

static void keep_shingles(struct pairs *p, uint32_t y)
{
	p->at[y - p->from] = p->block_n;
	p->held[y - p->from] = (uint32_t)p->scratch.n;
	memcpy(p->block + p->block_n, p->scratch.v, p->scratch.n * sizeof(*p->block));
	p->block_n += p->scratch.n;
}

int pairs_again(struct pairs *p, uint32_t index, int rank, const struct json *turns, struct err *e)
{
	uint32_t y = p->place[index];
	if (p->rank[index] != rank || !p->needed[y] || y < p->from)
		return 0;
	find_met(p, y);
	if (p->nmet == 0 && y >= p->to)
		return 0;
	int rc = shingles_read(&p->scratch, turns, e);
	if (rc < 0)
		return rc;
	shingles_sort(&p->scratch);
	for (size_t i = 0; i < p->nmet; i++)
		compare(p, p->met[i], y);
	if (y < p->to)
		keep_shingles(p, y);
	return 0;
}

/* --- Results --- */

void pairs_end(struct pairs *p)
{
	for (uint32_t y = 0; y < p->n; y++) {
		struct pairs_call *c = &p->calls[y];
		if (c->twin == y)
			continue;
		const struct pairs_call *first = &p->calls[c->twin];
		bool kept = first->of == PAIRS_NONE;
		c->of = kept ? c->twin : first->of;
		c->permille = kept ? 1000 : first->permille;
	}
}

bool pairs_equal(const struct pairs *p, uint32_t place)
{
	return p->calls[place].of != PAIRS_NONE && p->calls[place].of == p->calls[place].twin;
}

uint32_t pairs_family(struct pairs *p, uint32_t place)
{
	return sets_root(&p->families, place);
}
