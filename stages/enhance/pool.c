/* The closed pool of enhance. See pool.h. */
#include "stages/enhance/pool.h"

#include "base/alloc.h"
#include "base/map.h"
#include "core/call.h"

#include <stdlib.h>
#include <string.h>

struct pooled {
	int label;
	uint64_t parent_hash, peer_hash, rank; /* H of its id: as a parent, as a peer; its place among the parents to be */
	bool parent;
};
struct slice {
	size_t at, n;
};
struct label {
	uint16_t *chars;
	size_t n, cap;
	struct slice *texts;
	size_t ntexts, texts_cap;
	uint32_t *members; /* places in the pool, in id order */
	size_t nmembers, members_cap;
	char basis[DIGEST_HEX + 1];
};
struct pool {
	struct map names; /* label → place in labels */
	struct label *labels;
	size_t nlabels, labels_cap;
	struct pooled *calls; /* in id order */
	size_t n, cap;
};

void pool_free(struct pool *p)
{
	for (size_t i = 0; p && i < p->nlabels; i++) {
		free(p->labels[i].chars);
		free(p->labels[i].texts);
		free(p->labels[i].members);
	}
	if (p) {
		map_release(&p->names);
		free(p->labels);
		free(p->calls);
	}
	free(p);
}

struct str pool_label(struct arena *a, const struct json *call)
{
	bool fraud = json_get_bool(json_get(call, "label"), "is_fraud", false);
	struct str name = json_get_str(json_get(call, "label"), fraud ? "fraud_type" : "scene");
	return str_of(arena_printf(a, "%s/%.*s", fraud ? "fraud" : "normal", (int)name.n, name.p ? name.p : ""));
}

int pool_text(struct arena *a, const struct json *turns, struct rouge_text *ret, struct err *e)
{
	size_t bytes = 0;
	JSON_EACH(turn, turns)
		bytes += turn_text(turn).n;
	if (bytes > POOL_CHARS_MAX * (size_t)4)
		return err_set(
			e, ERR_TOOBIG, "the call has %zu bytes of text; enhance takes up to %d characters", bytes, POOL_CHARS_MAX);
	struct rouge_text text = {.v = arena_array(a, bytes + 1, sizeof(*text.v))};
	JSON_EACH(turn, turns)
		text.n += rouge_chars(turn_text(turn), text.v + text.n);
	if (text.n > POOL_CHARS_MAX)
		return err_set(e, ERR_TOOBIG, "the call has %zu characters; enhance takes up to %d", text.n, POOL_CHARS_MAX);
	*ret = text;
	return 0;
}

static struct label *label_put(struct pool *p, struct str name, int *ret)
{
	bool fresh;
	struct map_entry *entry = map_put(&p->names, name, &fresh);
	if (fresh) {
		GROW(p->labels, p->nlabels, p->labels_cap);
		p->labels[p->nlabels] = (struct label){.chars = NULL};
		entry->value.i = (int64_t)p->nlabels++;
	}
	*ret = (int)entry->value.i;
	return &p->labels[*ret];
}

static void label_add(struct label *l, uint32_t member, const struct rouge_text *text)
{
	while (l->cap - l->n < text->n) {
		l->cap = l->cap ? l->cap * 2 : 1 << 14;
		l->chars = xreallocarray(l->chars, l->cap, sizeof(*l->chars));
	}
	if (text->n)
		memcpy(l->chars + l->n, text->v, text->n * sizeof(*text->v));
	GROW(l->texts, l->ntexts, l->texts_cap);
	l->texts[l->ntexts++] = (struct slice){l->n, text->n};
	GROW(l->members, l->nmembers, l->members_cap);
	l->members[l->nmembers++] = member;
	l->n += text->n;
}

/* First pass: all texts. A call that is too long for the measure is kept out of its label, and is a parent all the same: its slots tell why. */
static int read_calls(struct pool *p, struct gather *g, uint64_t seed, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	const struct json *call;
	struct str id;
	while (gather_next(g, &id, &call, e)) {
		struct pooled c = {.parent_hash = draw_hash(seed, id, "enhance family"),
			.peer_hash = draw_hash(seed, id, "enhance peer"),
			.rank = draw_hash(seed, id, "enhance parent")};
		struct rouge_text text;
		struct label *l = label_put(p, pool_label(&a, call), &c.label);
		if (pool_text(&a, json_get(call, "turns"), &text, NULL) == 0)
			label_add(l, (uint32_t)p->n, &text);
		GROW(p->calls, p->n, p->cap);
		p->calls[p->n++] = c;
		arena_reset(&a);
	}
	return e->code;
}

/* What else than parent and peers decides a child: the texts that it must not be like. */
static void digest_labels(struct pool *p)
{
	struct digester *d = digester_new();
	for (size_t i = 0; i < p->nlabels; i++) {
		struct label *l = &p->labels[i];
		struct digest digest;
		for (size_t k = 0; k < l->ntexts; k++)
			digester_part(d, l->chars + l->texts[k].at, l->texts[k].n * sizeof(*l->chars));
		digester_end(d, &digest);
		digest_hex(&digest, l->basis);
	}
	digester_free(d);
}

static int by_rank(const void *x, const void *y)
{
	const struct pooled *a = *(struct pooled *const *)x, *b = *(struct pooled *const *)y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* The `wanted` calls of lowest H: a higher number only adds. */
static void choose_parents(struct pool *p, int64_t wanted)
{
	CLEANUP(free_ptr) struct pooled **order = xcalloc(p->n + 1, sizeof(*order));
	for (size_t i = 0; i < p->n; i++)
		order[i] = &p->calls[i];
	qsort(order, p->n, sizeof(*order), by_rank);
	for (size_t i = 0; i < p->n && (wanted == 0 || (int64_t)i < wanted); i++)
		order[i]->parent = true;
}

/* H(parent, other) from the hashes of both ids: one step of splitmix64 over their sum, since there are many pairs. */
static uint64_t pair_hash(uint64_t parent, uint64_t other)
{
	uint64_t z = parent + other * UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The k others of the label with the lowest H, lowest first: a call that joins the pool is seen only where it ranks among them. */
static size_t choose_peers(const struct pool *p, size_t parent, size_t k, size_t *ret)
{
	const struct label *l = &p->labels[p->calls[parent].label];
	uint64_t hashes[POOL_PEERS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < l->nmembers; i++) {
		size_t other = l->members[i];
		uint64_t h = pair_hash(p->calls[parent].parent_hash, p->calls[other].peer_hash);
		if (other == parent || (n == k && (k == 0 || h >= hashes[n - 1])))
			continue;
		size_t at = n < k ? n++ : n - 1;
		for (; at > 0 && hashes[at - 1] > h; at--) {
			hashes[at] = hashes[at - 1];
			ret[at] = ret[at - 1];
		}
		hashes[at] = h;
		ret[at] = other;
	}
	return n;
}

/* Second pass: parents with their peers. */
static int name_parents(struct pool *p, struct gather *g, size_t k, struct err *e)
{
	const struct json *call;
	struct str id;
	size_t peers[POOL_PEERS_MAX];
	gather_rewind(g);
	for (size_t i = 0; i < p->n && gather_next(g, &id, &call, e); i++) {
		if (!p->calls[i].parent)
			continue;
		size_t n = choose_peers(p, i, k, peers);
		gather_parent(g, peers, n, str_of(p->labels[p->calls[i].label].basis));
	}
	return e->code;
}

int pool_fill(struct gather *g, const struct pool_wish *wish, struct pool **ret, struct err *e)
{
	struct pool *p = xcalloc(1, sizeof(*p));
	ASSERT(wish->peers >= 0 && wish->peers <= POOL_PEERS_MAX);
	int rc = read_calls(p, g, wish->seed, e);
	if (rc == 0) {
		digest_labels(p);
		choose_parents(p, wish->parents);
		rc = name_parents(p, g, (size_t)wish->peers, e);
	}
	if (rc == 0)
		*ret = TAKE(p);
	pool_free(p);
	return rc;
}

int64_t pool_likeness(const struct pool *p, struct str label, struct rouge *r, int64_t floor, int64_t enough)
{
	int64_t at = map_int(&p->names, label, -1);
	for (size_t i = 0; at >= 0 && floor < enough && i < p->labels[at].ntexts; i++) {
		const struct label *l = &p->labels[at];
		struct rouge_text text = {l->chars + l->texts[i].at, l->texts[i].n};
		floor = rouge_permille(r, &text, floor);
	}
	return floor;
}
