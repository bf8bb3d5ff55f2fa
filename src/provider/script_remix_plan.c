/* Plans of the template writer: which pieces of which calls make a child, by the cost of their joins. As in concatenative speech synthesis (Hunt &
 * Black 1996, unit selection), a join is cheap where what is cut off and what is put there are alike: the turn before it and the turn after it do the same
 * and say much the same; what follows speaks of nothing that only the part left out has told. Costs are whole numbers, thousandths of one bad join. */
#include "provider/script_remix_parts.h"

#include "base/alloc.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define JOINS_KEPT 10  /* first joins of each pair of calls that get a third piece */
#define WORKED_OUT 500 /* plans that are looked at turn by turn */
#define CALLS_ALIKE \
	350 /* likeness of two calls of one label that have nothing to do with each other, thousandths: their stock phrases */
#define WORDING_GAIN 930 /* what is left of a likeness after rewording, thousandths */
#define TURNS_WANTED 8
#define CURT 10           /* characters of a goodbye that says nothing else */
#define LIKENESS_ERROR 80 /* by how much the estimate of likeness may be too high, thousandths */
#define TURNS_ALIKE 700   /* from here a turn repeats another of its side */

/* Costs. */
#define COST_BROKEN 130 /* a word of this call alone that comes from the part left out: each pair of letters */
#define COST_BROKEN_MAX 1600
#define COST_ANSWER 350   /* a question where none was, or none where one was */
#define COST_DANGLING 350 /* an amount, a name … that nobody has told */
#define COST_TOPIC \
	450 /* a topic that the opening part does not have; twice in everyday calls, which have more of them */
#define COST_QUESTION 450   /* ends with a question */
#define COST_NO_BYE 200     /* ends without a goodbye */
#define COST_CUT_OFF 700    /* a question that is answered with a goodbye */
#define COST_THANKLESS 300  /* "we have your data" when nobody gave any */
#define COST_UNANSWERED 350 /* asked for a name, a number …, says neither it nor why not */
#define COST_CURT 900       /* hangs up with a word in the middle of things */
#define COST_AGAIN 60       /* asks what was asked before; three times as much where nobody presses for it */
#define COST_SHORT 60       /* for each turn under TURNS_WANTED */
#define COST_MAX 2200       /* dearer plans make no sense */
#define COST_SELF 200       /* the called person is described by two calls */

struct seen {
	uint64_t grams[GRAM_WORDS], kinds, topics, acts;
};
struct turns {
	uint64_t before[REMIX_TURNS + 1][GRAM_WORDS], after[REMIX_TURNS + 1][GRAM_WORDS];
	struct seen upto[REMIX_TURNS + 1];
	size_t run[REMIX_TURNS + 1];     /* [t, run) is fit and alternates */
	size_t silent[REMIX_TURNS + 1];  /* [t, silent) has no farewell */
	uint64_t refs[REMIX_TURNS + 1];  /* kinds of what stands before t and is spoken of again from t on */
	uint64_t later[REMIX_TURNS + 1]; /* topics from t on */
	uint64_t asks[REMIX_TURNS + 1];  /* acts from t on */
};
struct planning {
	struct arena *a;
	struct remix *r;
	struct turns *t; /* by call */
	uint64_t (
		*own)[GRAM_WORDS]; /* by call: what no other of the calls says, so more likely its topic than a turn of phrase */
	uint64_t ask_mask, told_mask, demand_mask, answer_mask, recorded; /* of acts */
	struct plan *v;
	size_t n, cap;
};

/* ---- What is known of each call ---- */

static bool spoken_before(const struct apart *c, size_t t, const struct span *s)
{
	for (size_t k = 0; k < t; k++)
		for (size_t i = 0; i < c->v[k].spans.n; i++)
			if (c->v[k].spans.v[i].kind == s->kind && c->v[k].spans.v[i].value == s->value)
				return true;
	return false;
}

static void know_forward(const struct apart *c, struct turns *t)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct part *p = &c->v[i];
		t->upto[i + 1] = t->upto[i];
		t->upto[i + 1].kinds |= p->kinds;
		t->upto[i + 1].topics |= p->topics;
		t->upto[i + 1].acts |= p->acts;
		for (int w = 0; w < GRAM_WORDS; w++) {
			t->before[i + 1][w] = t->before[i][w] | p->grams[w];
			t->upto[i + 1].grams[w] = t->before[i + 1][w];
		}
	}
}

static void know_call(const struct apart *c, struct turns *t)
{
	know_forward(c, t);
	for (size_t i = c->end; i-- > 0;) {
		const struct part *p = &c->v[i];
		bool fit = p->fit && !p->cling;
		bool on = fit && i + 1 < c->end && c->v[i + 1].left != p->left;
		t->run[i] = !fit ? i : on && t->run[i + 1] > i + 1 ? t->run[i + 1] : i + 1;
		t->silent[i] = p->farewell ? i : i + 1 < c->end ? t->silent[i + 1] : i + 1;
		t->later[i] = t->later[i + 1] | p->topics;
		t->asks[i] = t->asks[i + 1] | p->acts;
		for (int w = 0; w < GRAM_WORDS; w++)
			t->after[i][w] = t->after[i + 1][w] | p->grams[w];
		for (size_t from = 1; from <= i; from++)
			for (size_t s = 0; s < p->spans.n; s++)
				if (!(t->refs[from] >> p->spans.v[s].kind & 1) && spoken_before(c, from, &p->spans.v[s]))
					t->refs[from] |= UINT64_C(1) << p->spans.v[s].kind;
	}
}

static void know_own(struct planning *p)
{
	p->own = arena_array(p->a, p->r->ncalls, sizeof(*p->own));
	for (size_t c = 0; c < p->r->ncalls; c++) {
		for (int w = 0; w < GRAM_WORDS; w++) {
			uint64_t others = 0;
			for (size_t o = 0; o < p->r->ncalls; o++)
				others |= o == c ? 0 : p->t[o].before[p->r->calls[o].n][w];
			p->own[c][w] = ~others & ~p->r->common[w];
		}
	}
}

/* ---- Costs of a join ---- */

static int64_t count(uint64_t v)
{
	return __builtin_popcountll(v);
}

/* Likeness of two turns, thousandths (Dice over letter pairs). */
static int64_t alike(const struct part *a, const struct part *b)
{
	int64_t common = 0, all = a->ngrams + b->ngrams;
	for (int w = 0; w < GRAM_WORDS; w++)
		common += count(a->grams[w] & b->grams[w]);
	return all ? 2000 * common / all : 0;
}

static int64_t act_alike(const struct part *a, const struct part *b)
{
	uint64_t any = a->acts | b->acts;
	return any ? 1000 * count(a->acts & b->acts) / count(any) : 500;
}

/* Cost of going on with call c at turn t, after turn `last` of call `from`, when `seen` has been said. */
static int64_t join_cost(const struct planning *p, size_t from, size_t last, const struct seen *seen, size_t c, size_t t)
{
	const struct apart *a = &p->r->calls[from], *b = &p->r->calls[c];
	const struct turns *k = &p->t[c];
	int64_t broken = 0, cost;
	cost = 250 * (1000 - alike(&a->v[last], &b->v[t - 1])) / 1000;
	cost += 300 * (1000 - act_alike(&a->v[last], &b->v[t - 1])) / 1000;
	if (a->v[last].question != b->v[t - 1].question)
		cost += COST_ANSWER;
	if (last + 1 < a->n) {
		cost += 150 * (1000 - alike(&a->v[last + 1], &b->v[t])) / 1000;
		cost += 200 * (1000 - act_alike(&a->v[last + 1], &b->v[t])) / 1000;
	} else {
		cost += 350;
	}
	for (int w = 0; w < GRAM_WORDS; w++)
		broken += count(k->after[t][w] & k->before[t][w] & p->own[c][w] & ~seen->grams[w]);
	cost += broken * COST_BROKEN < COST_BROKEN_MAX ? broken * COST_BROKEN : COST_BROKEN_MAX;
	cost += COST_DANGLING * count(k->refs[t] & ~seen->kinds);
	cost += COST_TOPIC * count(k->later[t] & ~seen->topics) * (p->r->wish.is_fraud ? 1 : 2);
	cost += COST_AGAIN * count(k->asks[t] & seen->acts & p->ask_mask) * (p->r->wish.is_fraud ? 1 : 3);
	return cost;
}

/* ---- Plans ---- */

static size_t plan_turns(const struct plan *plan)
{
	size_t n = 0;
	for (size_t i = 0; i < plan->n; i++)
		n += plan->pieces[i].to - plan->pieces[i].from;
	return n;
}

/* A second greeting: what stands near the start of its call and does not in the child. */
static bool greets_late(const struct planning *p, const struct piece *piece, size_t at)
{
	const struct apart *c = &p->r->calls[piece->call];
	for (size_t t = piece->from; t < piece->to && t <= 2; t++)
		if (c->v[t].opening && at + (t - piece->from) >= 2)
			return true;
	return false;
}

/* How like the nearest of the calls the child will be, thousandths. */
static int64_t likeness(const struct planning *p, const struct plan *plan)
{
	int64_t all = 0, most = 0, taken[REMIX_CALLS] = {0};
	for (size_t i = 0; i < plan->n; i++) {
		for (size_t t = plan->pieces[i].from; t < plan->pieces[i].to; t++) {
			taken[plan->pieces[i].call] += p->r->calls[plan->pieces[i].call].v[t].chars;
			all += p->r->calls[plan->pieces[i].call].v[t].chars;
		}
	}
	for (size_t c = 0; c < p->r->ncalls; c++) {
		int64_t common = 1000 * taken[c] + CALLS_ALIKE * (all - taken[c]), both = all + p->r->calls[c].chars;
		int64_t like = both ? 2 * common / both * WORDING_GAIN / 1000 : 0;
		most = like > most ? like : most;
	}
	return most;
}

static void add_plan(struct planning *p, const struct plan *plan)
{
	size_t at = 0, parent = 0, n = plan_turns(plan);
	if ((int64_t)n < p->r->wish.min_turns || n > REMIX_TURNS)
		return;
	for (size_t i = 0; i < plan->n; i++) {
		const struct piece *piece = &plan->pieces[i];
		if (i > 0 && greets_late(p, piece, at))
			return;
		at += piece->to - piece->from;
		parent += piece->call == 0 ? piece->to - piece->from : 0;
	}
	if (parent == 0 || (parent < 2 && n > 4))
		return;
	if (p->n == p->cap) {
		struct plan *v = arena_array(p->a, p->cap ? p->cap * 2 : 256, sizeof(*v));
		if (p->n)
			memcpy(v, p->v, p->n * sizeof(*v));
		p->v = v;
		p->cap = p->cap ? p->cap * 2 : 256;
	}
	int64_t like = likeness(p, plan);
	if (like > p->r->wish.novelty + LIKENESS_ERROR)
		return;
	p->v[p->n] = *plan;
	p->v[p->n].likeness = like;
	p->v[p->n++].key = hash_bytes(plan->pieces, plan->n * sizeof(plan->pieces[0]), 0);
}

static int by_cost(const void *x, const void *y)
{
	const struct plan *a = x, *b = y;
	if (a->cost != b->cost)
		return a->cost < b->cost ? -1 : 1;
	return a->key < b->key ? -1 : a->key > b->key;
}

/* A third piece behind the first two: call c from turn t to its end. */
static void add_thirds(struct planning *p, const struct plan *two)
{
	const struct piece *one = &two->pieces[0], *mid = &two->pieces[1];
	const struct apart *b = &p->r->calls[mid->call];
	struct seen seen = p->t[one->call].upto[one->to];
	for (size_t k = mid->from + 1; k <= b->end && p->t[mid->call].run[mid->from] >= k; k++) {
		const struct part *last = &b->v[k - 1];
		if (p->t[mid->call].silent[mid->from] < k)
			break;
		seen.kinds |= last->kinds;
		seen.topics |= last->topics;
		seen.acts |= last->acts;
		for (int w = 0; w < GRAM_WORDS; w++)
			seen.grams[w] |= last->grams[w];
		for (size_t c = 0; c < p->r->ncalls; c++) {
			const struct apart *z = &p->r->calls[c];
			for (size_t t = c == one->call ? one->to : 1; c != mid->call && t < z->end; t++) {
				if (z->v[t].left == last->left || p->t[c].run[t] < z->end)
					continue;
				struct plan plan = *two;
				plan.pieces[1].to = k;
				plan.pieces[2] = (struct piece){c, t, z->end};
				plan.n = 3;
				plan.cost += join_cost(p, mid->call, k - 1, &seen, c, t);
				add_plan(p, &plan);
			}
		}
	}
}

/* All ways from call `one` to call `two`; the cheapest joins get a third piece. */
static void add_pair(struct planning *p, size_t one, size_t two)
{
	const struct apart *a = &p->r->calls[one], *b = &p->r->calls[two];
	struct plan *joins = arena_array(p->a, a->end * b->end + 1, sizeof(*joins));
	size_t n = 0;
	for (size_t i = 1; i <= a->end && p->t[one].run[0] >= i && p->t[one].silent[0] >= i; i++) {
		for (size_t t = 1; t < b->end; t++) {
			if (b->v[t].left == a->v[i - 1].left || p->t[two].run[t] == t)
				continue;
			struct plan plan = {.pieces = {{one, 0, i}, {two, t, b->end}}, .n = 2};
			plan.cost = join_cost(p, one, i - 1, &p->t[one].upto[i], two, t);
			plan.key = (uint64_t)i << 32 | t;
			joins[n++] = plan;
			if (p->t[two].run[t] >= b->end)
				add_plan(p, &plan);
		}
	}
	qsort(joins, n, sizeof(*joins), by_cost);
	for (size_t i = 0; i < n && i < JOINS_KEPT; i++)
		add_thirds(p, &joins[i]);
}

/* ---- Costs of a whole plan ---- */

/* Of one turn after another. */
static int64_t turn_cost(const struct planning *p, const struct part *before, const struct part *part)
{
	int64_t cost = 0;
	if (before->question && part->farewell)
		cost += COST_CUT_OFF;
	if (part->farewell && !before->farewell && part->chars < CURT)
		cost += COST_CURT;
	if (before->left && before->acts & p->demand_mask && !(part->acts & p->answer_mask) &&
		!(part->kinds & (UINT64_C(1) << SPAN_DIGITS | UINT64_C(1) << SPAN_RIGHT)))
		cost += COST_UNANSWERED;
	return cost;
}

/* Turn by turn. Negative: it cannot be. */
static int64_t whole_cost(const struct planning *p, const struct plan *plan)
{
	const struct part *said[REMIX_TURNS];
	size_t n = 0;
	uint64_t acts = 0, kinds = 0, selves = 0;
	int64_t cost = 0;
	for (size_t i = 0; i < plan->n; i++) {
		for (size_t t = plan->pieces[i].from; t < plan->pieces[i].to; t++) {
			const struct part *part = &p->r->calls[plan->pieces[i].call].v[t];
			for (size_t k = 0; k < n; k++)
				if (said[k]->left == part->left && alike(said[k], part) >= TURNS_ALIKE)
					return -1;
			cost += n ? turn_cost(p, said[n - 1], part) : 0;
			if (p->r->wish.is_fraud && part->left && part->acts & p->recorded && !(acts & p->told_mask) &&
				!(kinds >> SPAN_DIGITS & 1))
				cost += COST_THANKLESS;
			if (!part->left) {
				acts |= part->acts;
				kinds |= part->kinds;
				selves |= part->self ? UINT64_C(1) << plan->pieces[i].call : 0;
			}
			said[n++] = part;
		}
	}
	ASSERT(n > 0);
	if (count(selves) > 1)
		cost += COST_SELF;
	if (said[n - 1]->question)
		cost += COST_QUESTION;
	if (n < TURNS_WANTED)
		cost += COST_SHORT * (int64_t)(TURNS_WANTED - n);
	if (!said[n - 1]->farewell && !(n > 1 && said[n - 2]->farewell))
		cost += COST_NO_BYE;
	return cost;
}

static uint64_t act_mask(const struct lexicon *l, const char *prefix)
{
	uint64_t mask = 0;
	for (size_t i = 0; i < l->nlists[LEX_ACTS]; i++)
		if (str_starts(l->lists[LEX_ACTS][i].name, prefix))
			mask |= UINT64_C(1) << i;
	return mask;
}

void plan_all(struct arena *a, struct remix *r)
{
	struct planning p = {.a = a, .r = r, .t = arena_array(a, r->ncalls, sizeof(*p.t))};
	p.ask_mask = act_mask(r->l, "ask_");
	p.told_mask = act_mask(r->l, "tell_");
	p.demand_mask = act_mask(r->l, "ask_id") | act_mask(r->l, "ask_name") | act_mask(r->l, "ask_card") |
					act_mask(r->l, "ask_code") | act_mask(r->l, "ask_phone") | act_mask(r->l, "ask_address");
	p.answer_mask = p.told_mask | p.ask_mask | act_mask(r->l, "doubt") | act_mask(r->l, "verify") |
					act_mask(r->l, "refuse") | act_mask(r->l, "worry") | act_mask(r->l, "consult");
	p.recorded = act_mask(r->l, "recorded");
	for (size_t c = 0; c < r->ncalls; c++)
		know_call(&r->calls[c], &p.t[c]);
	know_own(&p);
	for (size_t one = 0; one < r->ncalls; one++)
		for (size_t two = 0; two < r->ncalls; two++)
			if (one != two)
				add_pair(&p, one, two);
	const struct apart *parent = &r->calls[0];
	if (parent->end && p.t[0].run[0] >= parent->end) { /* the parent alone, in other words */
		struct plan plan = {.pieces = {{0, 0, parent->end}}, .n = 1, .cost = 500};
		add_plan(&p, &plan);
	}
	if (p.n)
		qsort(p.v, p.n, sizeof(*p.v), by_cost);
	size_t kept = 0;
	for (size_t i = 0; i < p.n && i < WORKED_OUT; i++) {
		int64_t cost = whole_cost(&p, &p.v[i]);
		if (cost < 0 || p.v[i].cost + cost > COST_MAX)
			continue;
		p.v[kept] = p.v[i];
		p.v[kept++].cost += cost;
	}
	if (kept)
		qsort(p.v, kept, sizeof(*p.v), by_cost);
	r->plans = p.v;
	r->nplans = kept < PLANS_MAX ? kept : PLANS_MAX;
}
