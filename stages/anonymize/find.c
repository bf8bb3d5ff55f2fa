/* Finding in a whole call: each text by itself, then numbers that are read over several turns, then parts of numbers that are read back. */
#include "base/alloc.h"
#include "stages/anonymize/anonymize.h"

#include <stdlib.h>
#include <string.h>

#define FRAGMENTS_MAX 8 /* turns over which one number is read */
#define TURNS_MAX 14    /* and how far they may reach */
#define OTHER_MAX 24    /* code points the other side says in between */
#define AROUND_MAX 4    /* code points beside the digits of a fragment that are no fillers */
#define ECHO_MIN 4      /* digits of a part that is read back */
#define ECHO_MAX 12
#define ECHO_VALUES 200 /* values of a call that are looked for */
#define ECHO_VALUE_MIN 7

const char *anon_kind_name(enum anon_kind kind)
{
	static const char *const names[ANON_KINDS] = {
		"mobile", "landline", "resident_id", "bank_card", "email", "chat_id", "code", "plate", "passport", "account"};
	return names[kind];
}

/* --- Spans --- */

static size_t value_of(struct anon_call *c, enum anon_kind kind, struct str text)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	bool fresh;
	buf_printf(&name, "%s %.*s", anon_kind_name(kind), STR_FMT(text));
	struct map_entry *entry = map_put(&c->known, buf_view(&name), &fresh);
	if (!fresh)
		return (size_t)entry->value.i;
	if (c->nvalues == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 16;
		struct anon_value *v = arena_array(c->a, cap, sizeof(*v));
		if (c->nvalues)
			memcpy(v, c->values, c->nvalues * sizeof(*v));
		c->values = v;
		c->cap = cap;
	}
	entry->value.i = (int64_t)c->nvalues;
	c->values[c->nvalues] = (struct anon_value){.kind = kind, .text = arena_str(c->a, text)};
	return c->nvalues++;
}

/* Over atoms of a value that is known already; their `index` is set. */
static bool add_part(struct anon_call *c, struct anon_text *t, const struct atom *atoms, size_t n, size_t value)
{
	size_t first = atoms[0].sign, end = first;
	for (size_t i = 0; i < n; i++)
		if (atoms[i].nsigns)
			end = atoms[i].sign + atoms[i].nsigns;
	if (c->values[value].kind == ANON_MOBILE && first > 0 &&
		(t->signs[first - 1].cp == '+' || t->signs[first - 1].cp == 0xff0b))
		first--;
	for (size_t i = first; i < end; i++)
		if (t->signs[i].taken)
			return false;
	for (size_t i = first; i < end; i++)
		t->signs[i].taken = true;
	if (t->nspans == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 4;
		struct span *v = arena_array(c->a, cap, sizeof(*v));
		if (t->nspans)
			memcpy(v, t->spans, t->nspans * sizeof(*v));
		t->spans = v;
		t->cap = cap;
	}
	struct atom *kept = arena_array(c->a, n, sizeof(*kept));
	memcpy(kept, atoms, n * sizeof(*kept));
	t->spans[t->nspans++] = (struct span){.kind = c->values[value].kind,
		.first = (uint32_t)first,
		.end = (uint32_t)end,
		.atoms = kept,
		.natoms = n,
		.value = value};
	return true;
}

bool anon_add(
	struct anon_call *c, struct anon_text *t, enum anon_kind kind, const struct atom *atoms, size_t n, struct str value)
{
	if (!n || !value.n || value.n > ANON_VALUE_MAX)
		return false;
	return add_part(c, t, atoms, n, value_of(c, kind, value));
}

/* --- Over several turns --- */

struct fragment {
	struct anon_text *t;
	size_t from, to; /* atoms */
};

static bool free_atom(const struct anon_text *t, size_t i)
{
	return !(t->atoms[i].flags & (ATOM_QUANTITY | ATOM_EXTENSION)) && !t->signs[t->atoms[i].sign].taken;
}

static size_t sign_after(const struct anon_text *t, size_t atom)
{
	while (atom > 0 && !t->atoms[atom].nsigns)
		atom--;
	return t->atoms[atom].sign + t->atoms[atom].nsigns;
}

/* Signs of [from, to) that are neither gaps nor fillers. */
static size_t others_between(const struct anon_call *c, const struct anon_text *t, size_t from, size_t to)
{
	size_t n = 0;
	while (from < to) {
		unsigned flags = 0;
		size_t end = anon_gap_end(c, t, from, &flags);
		n += end == from;
		from = end == from ? from + 1 : end;
	}
	return n;
}

/* The digits that a turn ends with. */
static bool tail_of(const struct anon_call *c, struct anon_text *t, struct fragment *ret)
{
	size_t i = t->natoms;
	if (!i || !free_atom(t, i - 1) || others_between(c, t, sign_after(t, i - 1), t->n) > 2)
		return false;
	while (i > 0 && free_atom(t, i - 1)) {
		i--;
		if (t->atoms[i].flags & ATOM_RUN)
			break;
	}
	*ret = (struct fragment){t, i, t->natoms};
	return ret->to - ret->from >= 2;
}

/* The digits that a turn begins with. */
static bool head_of(const struct anon_call *c, struct anon_text *t, struct fragment *ret)
{
	size_t i = 0;
	if (!t->natoms || !free_atom(t, 0) || others_between(c, t, 0, t->atoms[0].sign) > AROUND_MAX)
		return false;
	while (i < t->natoms && free_atom(t, i) && (i == 0 || !(t->atoms[i].flags & ATOM_RUN)))
		i++;
	*ret = (struct fragment){t, 0, i};
	return true;
}

static size_t digits_of(const struct fragment *f, size_t n, char *ret, size_t max)
{
	size_t length = 0;
	for (size_t k = 0; k < n; k++)
		for (size_t i = f[k].from; i < f[k].to && length < max; i++)
			ret[length++] = f[k].t->atoms[i].c;
	return length;
}

static void add_fragments(struct anon_call *c, const struct fragment *f, size_t n, enum anon_kind kind, struct str digits)
{
	size_t value = value_of(c, kind, digits), at = 0;
	for (size_t k = 0; k < n; k++) {
		size_t m = f[k].to - f[k].from;
		struct atom *atoms = arena_array(c->a, m, sizeof(*atoms));
		memcpy(atoms, f[k].t->atoms + f[k].from, m * sizeof(*atoms));
		for (size_t i = 0; i < m; i++)
			atoms[i].index = (int16_t)at++;
		add_part(c, f[k].t, atoms, m, value);
	}
}

/* Whether the fragments are a number, the last one cut at one of its groups if need be. `words`: also by the words before it. */
static bool try_fragments(struct anon_call *c, struct fragment *f, size_t n, bool words)
{
	struct fragment *last = &f[n - 1];
	char d[ANON_VALUE_MAX];
	size_t start = f[0].t->atoms[f[0].from].sign;
	for (size_t to = last->to; to > last->from; to--) {
		if (to < last->to && !(last->t->atoms[to].flags & ATOM_GROUP))
			continue;
		struct fragment whole = *last;
		last->to = to;
		size_t length = digits_of(f, n, d, sizeof(d));
		enum anon_kind kind = anon_number_kind(d, length);
		if (kind == ANON_NONE && words && length < sizeof(d))
			kind = anon_number_by_words(c, f[0].t, start, d, length);
		if (kind != ANON_NONE) {
			add_fragments(c, f, n, kind, str_n(d, length));
			return true;
		}
		*last = whole;
	}
	return false;
}

static void join_from(struct anon_call *c, size_t first)
{
	struct fragment f[FRAGMENTS_MAX];
	size_t n = 1;
	bool more = tail_of(c, &c->texts[first], &f[0]);
	for (size_t i = first + 1; more && i < c->ntexts && i - first <= TURNS_MAX && n < FRAGMENTS_MAX; i++) {
		struct anon_text *t = &c->texts[i];
		struct fragment tail;
		if (!t->field && t->side != c->texts[first].side && t->n <= OTHER_MAX)
			continue;
		more = !t->field && t->side == c->texts[first].side && head_of(c, t, &f[n]);
		if (!more)
			break;
		n++;
		if (try_fragments(c, f, n, false))
			return;
		more = tail_of(c, t, &tail) && tail.from == 0;
	}
	if (n > 1)
		try_fragments(c, f, n, true);
}

static void find_split(struct anon_call *c)
{
	for (size_t i = 0; i < c->ntexts; i++)
		if (!c->texts[i].field)
			join_from(c, i);
}

/* --- Parts that are read back --- */

static bool number_kind(enum anon_kind kind)
{
	return kind == ANON_MOBILE || kind == ANON_LANDLINE || kind == ANON_RESIDENT_ID || kind == ANON_BANK_CARD ||
		   kind == ANON_ACCOUNT;
}

static bool echo(struct anon_call *c, struct anon_text *t, size_t from, size_t to)
{
	struct atom atoms[ECHO_MAX];
	char d[ECHO_MAX];
	size_t n = to - from;
	if (n < ECHO_MIN || n > ECHO_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		atoms[i] = t->atoms[from + i];
		d[i] = atoms[i].c;
	}
	for (size_t v = 0; v < c->nvalues && v < ECHO_VALUES; v++) {
		struct str text = c->values[v].text;
		ptrdiff_t at = number_kind(c->values[v].kind) && text.n >= ECHO_VALUE_MIN ? str_find(text, str_n(d, n)) : -1;
		if (at < 0)
			continue;
		for (size_t i = 0; i < n; i++)
			atoms[i].index = (int16_t)((size_t)at + i);
		return add_part(c, t, atoms, n, v);
	}
	return false;
}

/* All free digits of a run together, else group by group. */
static void find_echoes(struct anon_call *c, struct anon_text *t)
{
	for (size_t i = 0; i < t->natoms;) {
		size_t end = i;
		while (end < t->natoms && free_atom(t, end) && (end == i || !(t->atoms[end].flags & ATOM_RUN)))
			end++;
		if (end == i) {
			i++;
			continue;
		}
		if (!echo(c, t, i, end)) {
			for (size_t from = i; from < end;) {
				size_t to = from + 1;
				while (to < end && !(t->atoms[to].flags & ATOM_GROUP))
					to++;
				echo(c, t, from, to);
				from = to;
			}
		}
		i = end;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

void anon_find(struct anon_call *c)
{
	for (size_t i = 0; i < c->ntexts; i++) {
		struct anon_text *t = &c->texts[i];
		anon_find_mail(c, t);
		anon_find_accounts(c, t);
		anon_find_numbers(c, t);
	}
	find_split(c);
	for (size_t i = 0; i < c->ntexts; i++)
		anon_find_words(c, &c->texts[i]);
	for (size_t i = 0; i < c->ntexts && c->nvalues; i++)
		find_echoes(c, &c->texts[i]);
	for (size_t i = 0; i < c->ntexts; i++)
		if (c->texts[i].nspans)
			qsort(c->texts[i].spans, c->texts[i].nspans, sizeof(struct span), by_place);
}
