/* The template writer of new calls from real ones. See script_remix.h. */
#include "provider/script_remix.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"
#include "provider/script_remix_parts.h"

#include <string.h>

#define NOISE 160     /* how much dearer than the cheapest a first attempt's plan may be, in the costs of plans */
#define NOISE_MORE 60 /* and more with each attempt */
#define TAKEN 300     /* how much dearer a plan is that another attempt or slot has taken */
#define STRICTER 25   /* by how much less like a call each attempt wants to be, thousandths */
#define OVER 6        /* cost of each thousandth over that */
#define CHARS_MIN 60  /* of a child: less says nothing */

static uint64_t seed_of(const struct remix *r, int slot, int attempt)
{
	const uint64_t parts[] = {(uint64_t)slot, (uint64_t)attempt};
	return hash_bytes(parts, sizeof(parts), r->wish.seed);
}

/* The plan with the lowest cost and noise. Plans that others have taken are dearer; with each attempt so are those that will be like a call. */
static size_t choose_plan(const struct remix *r, uint64_t seed, int attempt, const uint8_t *taken)
{
	size_t best = 0;
	int64_t least = INT64_MAX;
	for (size_t i = 0; i < r->nplans; i++) {
		const struct plan *p = &r->plans[i];
		uint64_t noise = hash_bytes(&p->key, sizeof(p->key), seed) % (uint64_t)(NOISE + NOISE_MORE * attempt);
		int64_t over = p->likeness - r->wish.novelty + STRICTER * attempt;
		int64_t cost = p->cost + (int64_t)noise + (int64_t)taken[i] * TAKEN + (over > 0 ? OVER * over : 0);
		if (cost < least) {
			best = i;
			least = cost;
		}
	}
	return best;
}

/* The plans of this slot's attempts. Those of the slots before it are gone through too, so that slots take different plans whatever their number. */
static void choose_plans(struct arena *a, struct remix *r)
{
	uint8_t *taken = arena_array(a, r->nplans + 1, 1);
	r->chosen = arena_array(a, (size_t)r->wish.attempts + 1, sizeof(*r->chosen));
	for (int slot = 0; r->nplans && slot <= r->wish.slot; slot++) {
		for (int attempt = 0; attempt < r->wish.attempts; attempt++) {
			size_t plan = choose_plan(r, seed_of(r, slot, attempt), attempt, taken);
			taken[plan] += taken[plan] < UINT8_MAX;
			r->chosen[attempt] = plan;
		}
	}
}

static void mark_common(struct remix *r)
{
	const struct lexicon_list *pairs = &r->l->lists[LEX_COMMON][lexicon_list(r->l, LEX_COMMON, "pairs")];
	for (size_t i = 0; i < pairs->n; i++) {
		uint32_t first = 0, second = 0;
		struct str rest = pairs->v[i];
		utf8_next(&rest, &first);
		utf8_next(&rest, &second);
		uint32_t h = gram_of(first, second);
		r->common[h / 64] |= UINT64_C(1) << h % 64;
	}
}

struct remix *remix_new(struct arena *a, const struct lexicon *l, const struct remix_call *calls, size_t ncalls,
	const struct remix_wish *wish)
{
	struct remix *r = ARENA_NEW(a, struct remix);
	*r = (struct remix){.l = l, .wish = *wish, .ncalls = ncalls < REMIX_CALLS ? ncalls : REMIX_CALLS};
	r->calls = arena_array(a, r->ncalls, sizeof(*r->calls));
	for (size_t i = 0; i < r->ncalls; i++)
		part_call(a, l, &calls[i], &r->calls[i]);
	mark_common(r);
	plan_all(a, r);
	choose_plans(a, r);
	return r;
}

/* ---- What it is made of ---- */

static void add_axis(struct remix_child *c, const char *name, struct str value)
{
	if (value.n)
		c->axes[c->naxes++] = (struct remix_axis){name, value};
}

static int lowest(uint64_t mask)
{
	return mask ? __builtin_ctzll(mask) : -1;
}

static struct str list_name(const struct lexicon *l, enum lexicon_section section, int list)
{
	return list >= 0 ? l->lists[section][list].name : (struct str){NULL, 0};
}

/* What the first turns are about. */
static struct str topic_of(const struct remix *r, const struct remix_child *c)
{
	for (size_t i = 0; i < c->n; i++) {
		uint64_t topics = r->calls[c->from[i].call].v[c->from[i].turn].topics;
		if (topics)
			return list_name(r->l, LEX_TOPICS, lowest(topics));
	}
	return (struct str){NULL, 0};
}

static struct str outcome_of(const struct remix *r, const struct remix_child *c)
{
	for (size_t i = c->n; i-- > 0;) {
		const struct part *p = &r->calls[c->from[i].call].v[c->from[i].turn];
		if (!p->left && p->outcomes)
			return list_name(r->l, LEX_OUTCOMES, lowest(p->outcomes));
	}
	return (struct str){NULL, 0};
}

static struct str region_of(const struct lexicon *l, struct str city)
{
	for (size_t i = 0; city.n && i < l->nlists[LEX_REGIONS]; i++)
		for (size_t k = 0; k < l->lists[LEX_REGIONS][i].n; k++)
			if (str_eq(l->lists[LEX_REGIONS][i].v[k], city))
				return l->lists[LEX_REGIONS][i].name;
	return (struct str){NULL, 0};
}

static size_t person_of(const struct remix *r, const struct remix_child *c)
{
	int64_t chars[REMIX_CALLS] = {0};
	size_t most = 0;
	for (size_t i = 0; i < c->n; i++)
		if (!c->turns[i].left)
			chars[c->from[i].call] += r->calls[c->from[i].call].v[c->from[i].turn].chars;
	for (size_t i = 1; i < r->ncalls; i++)
		if (chars[i] > chars[most])
			most = i;
	return most;
}

static void list_redrawn(struct arena *a, const struct lexicon *l, uint64_t changed, struct remix_child *c)
{
	static const char *const names[SPAN_ENTITY] = {
		"left_person", "right_person", "other_person", "money", "clock", "date", "minutes", "digits"};
	c->redrawn = arena_array(a, 64, sizeof(*c->redrawn));
	for (int k = 0; k < 63; k++)
		if (changed >> k & 1)
			c->redrawn[c->nredrawn++] = k < SPAN_ENTITY ? names[k] : l->lists[LEX_ENTITIES][k - SPAN_ENTITY].name.p;
	if (changed >> 63)
		c->redrawn[c->nredrawn++] = "wording";
}

/* ---- Writing ---- */

static int check_child(const struct remix *r, const struct remix_child *c, struct err *e)
{
	size_t chars = 0;
	for (size_t i = 0; i < c->n; i++) {
		chars += utf8_count(c->turns[i].text);
		if (i && c->turns[i].left == c->turns[i - 1].left)
			return err_set(e, ERR_BUG, "enhance: two turns of one side in a row");
		if (c->turns[i].text.n == 0 || str_find(c->turns[i].text, STR("{")) >= 0)
			return err_set(e, ERR_DATA, "turn %zu of the new call is empty or has a place that was not filled", i + 1);
	}
	if (chars < CHARS_MIN || (int64_t)c->n < r->wish.min_turns)
		return err_set(e, ERR_DATA, "the new call has %zu turns and %zu characters, too few", c->n, chars);
	return 0;
}

int remix_write(struct arena *a, const struct remix *r, int attempt, struct remix_child *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct remix_child c = {.n = 0};
	ASSERT(attempt >= 0 && attempt < r->wish.attempts);
	if (!r->nplans)
		return err_set(e, ERR_DATA, "no piece of the call fits to another or to one of its %zu peers", r->ncalls - 1);
	const struct plan *p = &r->plans[r->chosen[attempt]];
	struct recast *recast = recast_new(a, r, p, seed_of(r, r->wish.slot, attempt));
	c.turns = arena_array(a, REMIX_TURNS, sizeof(*c.turns));
	c.from = arena_array(a, REMIX_TURNS, sizeof(*c.from));
	for (size_t i = 0; i < p->n; i++) {
		for (size_t t = p->pieces[i].from; t < p->pieces[i].to; t++) {
			buf_clear(&b);
			recast_turn(recast, p->pieces[i].call, t, &b);
			c.turns[c.n].left = r->calls[p->pieces[i].call].v[t].left;
			c.turns[c.n].text = arena_str(a, buf_view(&b));
			c.from[c.n++] = (struct remix_from){p->pieces[i].call, t};
		}
	}
	c.opener = c.from[0].call;
	c.closer = c.from[c.n - 1].call;
	c.person = person_of(r, &c);
	add_axis(&c, r->wish.is_fraud ? "pretext" : "scene", topic_of(r, &c));
	add_axis(&c, "region", region_of(r->l, recast_city(recast)));
	add_axis(&c, "person", recast_title(recast));
	add_axis(&c, "outcome", outcome_of(r, &c));
	list_redrawn(a, r->l, recast_changed(recast), &c);
	int rc = check_child(r, &c, e);
	if (rc == 0)
		*ret = c;
	return rc;
}
