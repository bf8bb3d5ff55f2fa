/* Making one what the pieces of a child speak of, and drawing it anew. See script_remix_parts.h. */
#include "provider/script_remix_parts.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"
#include "provider/script.h"

#include <string.h>

#define WORDING_PERCENT 80 /* of the stock phrases are said otherwise */
#define MONEY_MAX INT64_C(99999999)
#define HAN 3

/* One thing that a call speaks of. */
struct thing {
	size_t call;
	const struct span *s;
	bool taken, dropped;    /* in the child; in a turn of the call that is not in the child, before one that is */
	const struct thing *as; /* said as this one, of an earlier piece */
};
/* A span of the child, in its order. */
struct said {
	size_t call;
	const struct span *s;
};
struct recast {
	struct arena *a;
	const struct remix *r;
	const struct plan *plan;
	uint64_t seed;
	struct thing *things;
	size_t nthings;
	struct said *said;
	size_t nsaid;
	struct str left, right;       /* new surnames */
	const struct span *left_form; /* how the left person is first called */
	size_t left_call;             /* in which call */
	struct str title, work;       /* of the right person */
	bool titled, male;
	int64_t num, den; /* factor on amounts */
	uint64_t changed;
	struct str city;
};

static uint32_t draw_for(const struct recast *rc, struct str what, const char *purpose, uint32_t below)
{
	struct draw d;
	draw_init(&d, rc->seed, what, purpose);
	return draw_below(&d, below);
}

/* ---- What is spoken of ---- */

static bool in_child(const struct plan *plan, size_t call, size_t turn)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->pieces[i].call == call && turn >= plan->pieces[i].from && turn < plan->pieces[i].to)
			return true;
	return false;
}

static size_t first_taken(const struct plan *plan, size_t call)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->pieces[i].call == call)
			return plan->pieces[i].from;
	return 0;
}

static struct thing *thing_find(const struct recast *rc, size_t call, const struct span *s)
{
	for (size_t i = 0; i < rc->nthings; i++)
		if (rc->things[i].call == call && rc->things[i].s->kind == s->kind && rc->things[i].s->value == s->value)
			return &rc->things[i];
	return NULL;
}

/* All things of a call, in the order in which it speaks of them. */
static void list_things(struct recast *rc, size_t call)
{
	const struct apart *c = &rc->r->calls[call];
	size_t first = first_taken(rc->plan, call);
	for (size_t t = 0; t < c->n; t++) {
		bool taken = in_child(rc->plan, call, t);
		for (size_t i = 0; i < c->v[t].spans.n; i++) {
			const struct span *s = &c->v[t].spans.v[i];
			struct thing *thing = thing_find(rc, call, s);
			if (!thing) {
				thing = &rc->things[rc->nthings++];
				*thing = (struct thing){.call = call, .s = s};
			}
			thing->taken |= taken;
			thing->dropped |= !taken && t < first;
		}
	}
}

static bool is_single(const struct recast *rc, int kind)
{
	const struct lexicon *l = rc->r->l;
	int single = lexicon_list(l, LEX_KINDS, "single");
	if (kind < SPAN_ENTITY)
		return false;
	const struct lexicon_list *names = &l->lists[LEX_KINDS][single];
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(names->v[i], l->lists[LEX_ENTITIES][kind - SPAN_ENTITY].name))
			return true;
	return false;
}

/* The thing of rank `rank` (or the last) of that kind among the first `n`, that the child has by itself. */
static const struct thing *base_thing(const struct recast *rc, size_t n, const struct thing *t, size_t rank)
{
	const struct thing *found = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct thing *b = &rc->things[i];
		if (b->s->kind != t->s->kind || !b->taken || b->as || b->s->digits.n != t->s->digits.n)
			continue;
		found = b;
		if (rank-- == 0)
			break;
	}
	return found;
}

/* What a later piece takes up again from the part of its call that is left out is said as what the earlier pieces told. */
static void unify(struct recast *rc, size_t earlier)
{
	for (size_t i = earlier; i < rc->nthings; i++) {
		struct thing *t = &rc->things[i];
		size_t rank = 0;
		if (!t->taken || t->s->kind < SPAN_OTHER || !(t->dropped || is_single(rc, t->s->kind)))
			continue;
		for (size_t k = earlier; k < i; k++)
			rank += rc->things[k].as && rc->things[k].s->kind == t->s->kind;
		t->as = base_thing(rc, earlier, t, rank);
	}
}

/* ---- People ---- */

static bool surname_in_use(const struct recast *rc, struct str surname)
{
	if (str_eq(surname, rc->left) || str_eq(surname, rc->right))
		return true;
	for (size_t i = 0; i < rc->nsaid; i++)
		if (rc->said[i].s->kind <= SPAN_OTHER && str_eq(rc->said[i].s->surname, surname))
			return true;
	return false;
}

/* A surname that nobody in the child had. */
static struct str new_surname(const struct recast *rc, struct str who)
{
	const struct lexicon_list *list = &rc->r->l->lists[LEX_NAMES][lexicon_list(rc->r->l, LEX_NAMES, "nick")];
	uint32_t at = draw_for(rc, who, "surname", (uint32_t)list->n);
	for (size_t k = 0; k < list->n; k++)
		if (!surname_in_use(rc, list->v[(at + k) % list->n]))
			return list->v[(at + k) % list->n];
	return list->v[at];
}

/* A given name as long as the old one. */
static struct str new_given(const struct recast *rc, struct str who, struct str old, bool male)
{
	const struct lexicon *l = rc->r->l;
	const struct lexicon_list *list = &l->lists[LEX_NAMES][lexicon_list(l, LEX_NAMES, male ? "male" : "female")];
	uint32_t at = draw_for(rc, who, "given", (uint32_t)list->n);
	for (size_t k = 0; k < list->n; k++) {
		struct str name = list->v[(at + k) % list->n];
		if (name.n == old.n && !str_eq(name, old))
			return name;
	}
	return old;
}

static bool given_is_male(const struct recast *rc, struct str given)
{
	const struct lexicon_word *w = lexicon_at(rc->r->l, LEX_NAMES, lexicon_list(rc->r->l, LEX_NAMES, "male"), given);
	return w && w->text.n == given.n;
}

static bool personal(const struct recast *rc, const struct span *s)
{
	return s->title_list >= 0 && s->title_list <= lexicon_list(rc->r->l, LEX_TITLES, "either");
}

static void meet_people(struct recast *rc)
{
	const struct lexicon *l = rc->r->l;
	int either = lexicon_list(l, LEX_TITLES, "either"), work = lexicon_list(l, LEX_TITLES, "work");
	bool named = false;
	for (size_t i = 0; i < rc->nsaid; i++) {
		const struct span *s = rc->said[i].s;
		if (s->kind == SPAN_LEFT && !rc->left_form && s->surname.n) {
			rc->left_form = s;
			rc->left_call = rc->said[i].call;
		}
		if (s->kind != SPAN_RIGHT)
			continue;
		if (personal(rc, s) && s->title_list != either && !rc->title.n) {
			rc->title = s->title;
			rc->male = s->title_list == lexicon_list(l, LEX_TITLES, "male");
		}
		if (s->title_list == work && !rc->work.n)
			rc->work = s->title;
		rc->titled |= s->title_list >= 0;
		if (s->given.n && !named && !rc->title.n) {
			rc->male = given_is_male(rc, s->given);
			named = true;
		}
	}
	if (!rc->title.n) {
		rc->male = named ? rc->male : draw_for(rc, STR("right"), "title", 2) == 0;
		rc->title = rc->male ? STR("先生") : STR("女士");
	}
	rc->left = new_surname(rc, STR("left"));
	rc->right = new_surname(rc, STR("right"));
}

static void put_name(struct buf *b, struct str nick, struct str surname, struct str given, struct str title)
{
	buf_str(b, nick);
	buf_str(b, surname);
	buf_str(b, given);
	buf_str(b, title);
}

static void recast_left(struct recast *rc, const struct span *s, size_t call, bool left, struct buf *b)
{
	const struct span *form = !left && rc->left_form && call != rc->left_call ? rc->left_form : s;
	struct str given = form->given;
	if (given.n)
		given = new_given(rc, STR("left"), given, given_is_male(rc, given));
	put_name(b, form->nick, rc->left, given, form->title);
}

static void recast_right(struct recast *rc, const struct span *s, struct buf *b)
{
	struct str given = s->given, title = s->title;
	if (given.n)
		given = new_given(rc, STR("right"), given, rc->male);
	if (personal(rc, s))
		title = rc->title;
	else if (s->title_list == lexicon_list(rc->r->l, LEX_TITLES, "work"))
		title = rc->work;
	put_name(b, s->nick, s->surname.n ? rc->right : s->surname, given, title);
}

static void recast_other(struct recast *rc, const struct span *s, const struct thing *t, struct buf *b)
{
	struct str who = t->as ? t->as->s->surname : s->surname, given = s->given;
	struct str key = str_of(arena_printf(rc->a, "other %.*s", STR_FMT(who)));
	if (given.n)
		given = new_given(rc, key, given, given_is_male(rc, given));
	put_name(b, s->nick, new_surname(rc, key), given, s->title);
}

/* ---- Numbers ---- */

static bool factor_fits(const struct recast *rc, int64_t num, int64_t den)
{
	for (size_t i = 0; i < rc->nthings; i++) {
		const struct thing *t = &rc->things[i];
		if (t->s->kind != SPAN_MONEY || !t->taken || t->as)
			continue;
		int64_t v = (int64_t)t->s->value, round = 1;
		while (v % (round * 10) == 0)
			round *= 10;
		/* As round as it was, but for one place. */
		if (v * num % den || v * num / den > MONEY_MAX || v * num / den % (round > 10 ? round / 10 : 1))
			return false;
	}
	return true;
}

/* One factor for all amounts: sums, shares and "more than" stay true. */
static void choose_factor(struct recast *rc)
{
	static const int64_t factors[][2] = {{2, 1}, {3, 2}, {3, 1}, {1, 2}, {4, 5}, {6, 5}, {5, 2}, {8, 5}, {3, 5}, {4, 1}};
	uint32_t at = draw_for(rc, STR("money"), "factor", (uint32_t)COUNT_OF(factors));
	rc->num = rc->den = 1;
	for (size_t i = 0; i < COUNT_OF(factors); i++) {
		const int64_t *f = factors[(at + i) % COUNT_OF(factors)];
		if (factor_fits(rc, f[0], f[1])) {
			rc->num = f[0];
			rc->den = f[1];
			return;
		}
	}
}

static void put_number(struct buf *b, int64_t n, bool arabic)
{
	if (arabic)
		buf_printf(b, "%lld", (long long)n);
	else if (n == 2)
		buf_puts(b, "二"); /* 两 only before a measure word: the callers that have one say so */
	else
		say_number(b, n);
}

static void recast_money(const struct recast *rc, const struct span *s, const struct span *of, struct buf *b)
{
	int64_t n = (int64_t)of->value * rc->num / rc->den;
	if (!s->arabic)
		say_number(b, n);
	else if (s->times > 1 && n % s->times == 0)
		buf_printf(b, "%lld万", (long long)(n / s->times));
	else
		buf_printf(b, "%lld", (long long)n);
}

/* Turn a value within its range: values that differ still differ, equal ones stay equal. */
static int64_t rotate(int64_t v, int64_t low, int64_t high, int64_t by)
{
	return v < low || v > high ? v : low + (v - low + by) % (high - low + 1);
}

static void recast_clock(const struct recast *rc, const struct span *s, const struct span *of, struct buf *b)
{
	int64_t by = 1 + draw_for(rc, STR("clock"), "shift", 2);
	int64_t n = rotate((int64_t)of->value, of->low, of->high, by);
	if (s->low && (n < s->low || n > s->high))
		n = rotate((int64_t)s->value, s->low, s->high, by); /* another part of the day than the hour it stands for */
	if (s->arabic)
		buf_printf(b, "%lld", (long long)n);
	else
		say_number(b, n);
}

static void recast_minutes(const struct recast *rc, const struct span *s, const struct span *of, struct buf *b)
{
	static const int64_t usual[] = {5, 8, 10, 12, 15, 18, 20, 25, 30, 35, 40, 45, 50, 60};
	int64_t n = (int64_t)of->value;
	for (size_t i = 0; i < COUNT_OF(usual); i++) {
		if (usual[i] != (int64_t)of->value)
			continue;
		n = usual[(i + 1 + draw_for(rc, STR("minutes"), "shift", 3)) % COUNT_OF(usual)];
		break;
	}
	put_number(b, n, s->arabic);
}

/* GB 11643: the last of 18 digits checks the others; 10 is written X and not drawn here. */
static int id_check(const char *digits)
{
	static const int weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2},
					 check[] = {1, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2};
	int sum = 0;
	for (int i = 0; i < 17; i++)
		sum += (digits[i] - '0') * weights[i];
	return check[sum % 11];
}

/* Other digits of the same form, from the old ones: a mobile number keeps its first three, a resident id its place and birthday. */
static struct str new_digits(const struct recast *rc, struct str old)
{
	char *out = arena_dup(rc->a, old.p, old.n);
	size_t keep = old.n == 18 ? 14 : old.n == 11 && old.p[0] == '1' ? 3 : old.n >= 16 ? 6 : 0;
	struct draw d;
	draw_init(&d, rc->seed, old, "digits");
	do {
		for (size_t i = keep; i < old.n; i++)
			out[i] = (char)('0' + draw_below(&d, 10));
		if (keep == 0 && out[0] == '0' && old.p[0] != '0')
			out[0] = '8';
		if (old.n == 18)
			out[17] = (char)('0' + id_check(out));
	} while (old.n == 18 && out[17] > '9');
	return str_n(out, old.n);
}

/* The last digits of a longer number of the same call: they must stay its last ones. */
static struct str longer_number(const struct recast *rc, size_t call, struct str digits)
{
	for (size_t i = 0; i < rc->nthings; i++) {
		const struct thing *t = &rc->things[i];
		if (t->call == call && t->taken && t->s->kind == SPAN_DIGITS && t->s->digits.n > digits.n && digits.n <= 6 &&
			memcmp(t->s->digits.p + t->s->digits.n - digits.n, digits.p, digits.n) == 0)
			return t->as ? t->as->s->digits : t->s->digits;
	}
	return (struct str){NULL, 0};
}

static void recast_digits(
	const struct recast *rc, size_t call, const struct span *s, const struct span *of, struct buf *b)
{
	static const char said[] = "零一二三四五六七八九";
	struct str whole = longer_number(rc, call, s->digits);
	struct str digits = new_digits(rc, whole.n >= s->digits.n && whole.n ? whole : of->digits);
	digits = str_n(digits.p + digits.n - s->digits.n, s->digits.n);
	for (size_t i = 0; i < digits.n; i++) {
		if (s->arabic)
			buf_putc(b, digits.p[i]);
		else
			buf_add(b, said + HAN * (digits.p[i] - '0'), HAN);
	}
}

static void recast_entity(struct recast *rc, const struct span *of, struct buf *b)
{
	const struct lexicon_list *list = &rc->r->l->lists[LEX_ENTITIES][of->kind - SPAN_ENTITY];
	uint32_t by = 1 + draw_for(rc, list->name, "entity", (uint32_t)list->n - 1);
	struct str word = list->v[(of->value + by) % list->n];
	if (!rc->city.n && of->kind - SPAN_ENTITY == lexicon_list(rc->r->l, LEX_ENTITIES, "city"))
		rc->city = word;
	buf_str(b, word);
}

/* ---- A turn ---- */

static void recast_span(struct recast *rc, size_t call, bool left, const struct span *s, struct buf *b)
{
	const struct thing *t = thing_find(rc, call, s);
	const struct span *of = t->as ? t->as->s : s;
	switch (s->kind) {
	case SPAN_LEFT:
		recast_left(rc, s, call, left, b);
		break;
	case SPAN_RIGHT:
		recast_right(rc, s, b);
		break;
	case SPAN_OTHER:
		recast_other(rc, s, t, b);
		break;
	case SPAN_MONEY:
		recast_money(rc, s, of, b);
		break;
	case SPAN_CLOCK:
		recast_clock(rc, s, of, b);
		break;
	case SPAN_DATE:
		put_number(b, rotate((int64_t)of->value, 1, 28, 1 + draw_for(rc, STR("date"), "shift", 20)), s->arabic);
		break;
	case SPAN_MINUTES:
		recast_minutes(rc, s, of, b);
		break;
	case SPAN_DIGITS:
		recast_digits(rc, call, s, of, b);
		break;
	default:
		recast_entity(rc, of, b);
		break;
	}
}

/* Text between spans: stock phrases in other words. */
static void recast_words(struct recast *rc, size_t call, size_t turn, struct str text, struct buf *b)
{
	uint32_t cp;
	while (text.n) {
		const struct lexicon_word *w = lexicon_at(rc->r->l, LEX_WORDINGS, -1, text);
		struct str rest = text;
		if (!w) {
			utf8_next(&rest, &cp);
			buf_add(b, text.p, text.n - rest.n);
			text = rest;
			continue;
		}
		const struct lexicon_list *ways = &rc->r->l->lists[LEX_WORDINGS][w->list];
		struct str key = str_of(arena_printf(rc->a, "%zu.%zu.%zu %.*s", call, turn, text.n, STR_FMT(w->text)));
		bool change = ways->n > 1 && draw_for(rc, key, "whether", 100) < WORDING_PERCENT;
		buf_str(b, change ? ways->v[1 + draw_for(rc, key, "wording", (uint32_t)ways->n - 1)] : w->text);
		rc->changed |= change ? UINT64_C(1) << 63 : 0;
		text = str_n(text.p + w->text.n, text.n - w->text.n);
	}
}

void recast_turn(struct recast *rc, size_t call, size_t turn, struct buf *b)
{
	const struct part *p = &rc->r->calls[call].v[turn];
	size_t at = 0;
	for (size_t i = 0; i < p->spans.n; i++) {
		const struct span *s = &p->spans.v[i];
		recast_words(rc, call, turn, str_n(p->text.p + at, s->from - at), b);
		size_t from = b->len;
		recast_span(rc, call, p->left, s, b);
		if (!str_eq(str_n(b->data + from, b->len - from), str_n(p->text.p + s->from, s->to - s->from)))
			rc->changed |= UINT64_C(1) << s->kind;
		at = s->to;
	}
	recast_words(rc, call, turn, str_n(p->text.p + at, p->text.n - at), b);
}

struct recast *recast_new(struct arena *a, const struct remix *r, const struct plan *p, uint64_t seed)
{
	struct recast *rc = ARENA_NEW(a, struct recast);
	size_t most = 0;
	*rc = (struct recast){.a = a, .r = r, .plan = p, .seed = seed};
	for (size_t c = 0; c < r->ncalls; c++)
		for (size_t t = 0; t < r->calls[c].n; t++)
			most += r->calls[c].v[t].spans.n;
	rc->things = arena_array(a, most + 1, sizeof(*rc->things));
	rc->said = arena_array(a, most + 1, sizeof(*rc->said));
	for (size_t i = 0; i < p->n; i++) {
		size_t earlier = rc->nthings;
		for (size_t t = p->pieces[i].from; t < p->pieces[i].to; t++) {
			const struct spans *spans = &r->calls[p->pieces[i].call].v[t].spans;
			for (size_t k = 0; k < spans->n; k++)
				rc->said[rc->nsaid++] = (struct said){p->pieces[i].call, &spans->v[k]};
		}
		if (first_taken(p, p->pieces[i].call) != p->pieces[i].from)
			continue; /* the call comes back: its things are known */
		list_things(rc, p->pieces[i].call);
		unify(rc, earlier);
	}
	meet_people(rc);
	choose_factor(rc);
	return rc;
}

uint64_t recast_changed(const struct recast *rc)
{
	return rc->changed;
}

struct str recast_title(const struct recast *rc)
{
	return rc->titled ? rc->title : (struct str){NULL, 0};
}

struct str recast_city(const struct recast *rc)
{
	return rc->city;
}
