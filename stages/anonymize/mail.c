/* Mail addresses, written or spelled: "zhang_san88@163.com", "z s 八八 艾特 一六三 点 com". */
#include "base/alloc.h"
#include "stages/anonymize/anonymize.h"

#include <string.h>

#define LOCAL_MAX 64 /* RFC 5321 */
#define DOMAIN_MAX 60

struct address {
	struct atom local[LOCAL_MAX], domain[DOMAIN_MAX];
	size_t nlocal, ndomain;
	size_t main; /* domain atoms before the dot of the end: the provider */
	bool known;  /* a provider of the list */
};

static bool plain(const struct sign *s)
{
	return !s->taken && (s->kind == SIGN_LETTER || s->kind == SIGN_DIGIT);
}

static char char_of(const struct sign *s)
{
	if (s->kind == SIGN_DIGIT)
		return (char)('0' + s->digit);
	char c = (char)(s->cp >= 0xff21 ? s->cp - 0xfee0 : s->cp);
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A word of `list` that ends at sign `end`: where it begins, or `end`. */
static size_t word_before(const struct anon_call *c, const struct anon_text *t, size_t end, enum rule_list list)
{
	for (size_t i = end; i-- > 0 && end - i <= 4;) {
		struct str s = anon_slice(t, i, end);
		bool inside = t->signs[i].kind == SIGN_LETTER && i > 0 && t->signs[i - 1].kind == SIGN_LETTER;
		if (!inside && anon_word_is(&c->rules->lists[list], s))
			return i;
	}
	return end;
}

/* The sign of an address at sign `i`: where it ends, or `i`. "at" only between blanks. */
static size_t at_sign(const struct anon_call *c, const struct anon_text *t, size_t i)
{
	uint32_t cp = t->signs[i].cp;
	if (cp == '@' || cp == 0xff20)
		return i + 1;
	size_t n = anon_word_at(&c->rules->lists[RULE_AT], anon_slice(t, i, t->n)), end = i;
	while (n && end < t->n && t->signs[end].at < t->signs[i].at + n)
		end++;
	if (end > i && t->signs[i].kind == SIGN_LETTER &&
		((i > 0 && t->signs[i - 1].kind != SIGN_GAP) || t->signs[end].kind != SIGN_GAP))
		return i;
	return end;
}

static void put(struct atom *atoms, size_t *n, size_t sign, size_t nsigns, char ch, uint8_t style)
{
	atoms[(*n)++] =
		(struct atom){.sign = (uint32_t)sign, .nsigns = (uint8_t)nsigns, .style = style, .c = ch, .index = INDEX_KEEP};
}

static char mark_before(const struct anon_call *c, const struct anon_text *t, size_t end, size_t *ret_begin)
{
	static const struct {
		enum rule_list list;
		char c;
	} words[] = {{RULE_UNDERSCORE, '_'}, {RULE_DASH, '-'}, {RULE_DOT, '.'}};
	uint32_t cp = end ? t->signs[end - 1].cp : 0;
	*ret_begin = end - 1;
	if (cp == '_' || cp == '-' || cp == '.' || cp == '+')
		return (char)cp;
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
		*ret_begin = word_before(c, t, end, words[k].list);
		if (*ret_begin < end)
			return words[k].c;
	}
	return '\0';
}

/* Backwards from the sign of the address; the atoms come out in order. */
static void read_local(const struct anon_call *c, const struct anon_text *t, size_t end, struct address *a)
{
	struct atom back[LOCAL_MAX];
	size_t n = 0, i = end, begin;
	while (n < LOCAL_MAX) {
		if (i > 1 && t->signs[i - 1].cp == ' ' && !t->signs[i - 2].taken && t->signs[i - 2].kind != SIGN_GAP)
			i--;
		if (!i || t->signs[i - 1].taken)
			break;
		char mark = mark_before(c, t, i, &begin);
		if (mark) {
			put(back, &n, begin, i - begin, mark, STYLE_ASCII);
			i = begin;
		} else if (plain(&t->signs[i - 1])) {
			put(back, &n, i - 1, 1, char_of(&t->signs[i - 1]), t->signs[i - 1].style);
			i--;
		} else {
			break;
		}
	}
	while (n && !(back[n - 1].c >= 'a' && back[n - 1].c <= 'z') && !(back[n - 1].c >= '0' && back[n - 1].c <= '9'))
		n--;
	for (size_t k = 0; k < n; k++)
		a->local[k] = back[n - 1 - k];
	a->nlocal = n;
}

static size_t skip_blank(const struct anon_text *t, size_t i)
{
	return i < t->n && t->signs[i].cp == ' ' ? i + 1 : i;
}

static size_t dot_at(const struct anon_call *c, const struct anon_text *t, size_t i)
{
	if (i >= t->n || t->signs[i].taken)
		return i;
	if (t->signs[i].cp == '.' || t->signs[i].cp == 0xff0e)
		return i + 1;
	size_t n = anon_word_at(&c->rules->lists[RULE_DOT], anon_slice(t, i, t->n)), end = i;
	while (n && end < t->n && t->signs[end].at < t->signs[i].at + n)
		end++;
	return end;
}

/* One label: letters, digits and dashes, or a provider's Chinese name. Where it ends. */
static size_t read_label(const struct anon_call *c, const struct anon_text *t, size_t i, struct address *a)
{
	size_t n = i < t->n && t->signs[i].kind == SIGN_OTHER
				   ? anon_word_at(&c->rules->lists[RULE_MAIL_PROVIDERS], anon_slice(t, i, t->n))
				   : 0;
	if (n) {
		size_t end = i;
		while (end < t->n && t->signs[end].at < t->signs[i].at + n)
			end++;
		put(a->domain, &a->ndomain, i, end - i, '*', STYLE_SPOKEN);
		a->known = true;
		return end;
	}
	while (i < t->n && a->ndomain < DOMAIN_MAX - 2 && (plain(&t->signs[i]) || t->signs[i].cp == '-')) {
		char ch = t->signs[i].cp == '-' ? '-' : char_of(&t->signs[i]);
		put(a->domain, &a->ndomain, i, 1, ch, t->signs[i].style);
		size_t blank = skip_blank(t, ++i);
		if (blank > i && blank < t->n && plain(&t->signs[blank]) && dot_at(c, t, blank) == blank &&
			!(t->signs[i - 1].kind == SIGN_LETTER && t->signs[blank].kind == SIGN_LETTER &&
				t->signs[blank + 1].kind == SIGN_LETTER))
			i = blank;
	}
	return i;
}

/* An end that the list does not have (".co", ".io"), where sign and point are written: letters alone, two or more. */
static bool written_end(const struct anon_text *t, const struct address *a, size_t point)
{
	const struct atom *first = &a->domain[point];
	size_t n = point ? a->ndomain - point - 1 : 0; /* behind the point */
	if (n < 2 || n > 24 || t->signs[first->sign].cp != '.')
		return false;
	for (size_t i = 1; i <= n; i++)
		if (t->signs[first[i].sign].kind != SIGN_LETTER || first[i].sign != first->sign + i)
			return false;
	return true;
}

/* label (dot label)* dot end; false when there is no end. */
static bool read_domain(const struct anon_call *c, const struct anon_text *t, size_t i, struct address *a)
{
	bool ended = false;
	size_t point = 0; /* before the last label */
	for (int labels = 0; labels < 5; labels++) {
		size_t from = skip_blank(t, i), had = a->ndomain;
		size_t end = anon_word_at(&c->rules->lists[RULE_MAIL_ENDS], anon_slice(t, from < t->n ? from : t->n, t->n));
		if (labels && end) {
			size_t to = from;
			while (to < t->n && t->signs[to].at < t->signs[from].at + end)
				to++;
			if (to >= t->n || t->signs[to].kind != SIGN_LETTER) {
				put(a->domain, &a->ndomain, from, to - from, '*', STYLE_ASCII);
				ended = true;
				i = to;
			}
		}
		if (i <= from || a->ndomain == had) {
			i = read_label(c, t, from, a);
			if (a->ndomain == had)
				break;
		}
		if (!ended)
			a->main = a->ndomain;
		size_t dot = skip_blank(t, i), after = dot_at(c, t, dot);
		if (after == dot || a->ndomain + 1 >= DOMAIN_MAX)
			break;
		if (ended && anon_word_at(&c->rules->lists[RULE_MAIL_ENDS], anon_slice(t, skip_blank(t, after), t->n)) == 0)
			break;
		point = a->ndomain;
		put(a->domain, &a->ndomain, dot, after - dot, '.', STYLE_ASCII);
		i = after;
	}
	if (!ended && written_end(t, a, point)) {
		a->main = point;
		ended = true;
	}
	return ended;
}

static bool provider_known(const struct anon_call *c, const struct address *a)
{
	char name[DOMAIN_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; i < a->main; i++)
		name[n++] = a->domain[i].c;
	return a->known || anon_word_is(&c->rules->lists[RULE_MAIL_PROVIDERS], str_n(name, n));
}

/* RFC 2606 keeps example.com, example.net and example.org free; behind another end the surrogate gets com. */
static bool end_reserved(const struct anon_text *t, const struct address *a)
{
	const struct atom *end = &a->domain[a->ndomain - 1];
	struct str s = anon_slice(t, end->sign, end->sign + end->nsigns);
	return a->main + 2 == a->ndomain &&
		   (str_is(s, "com") || str_is(s, "net") || str_is(s, "org") || t->signs[end->sign].kind == SIGN_OTHER);
}

static void add_address(struct anon_call *c, struct anon_text *t, const struct address *a)
{
	size_t n = a->nlocal + a->ndomain;
	struct atom *atoms = arena_array(c->a, n, sizeof(*atoms));
	char value[LOCAL_MAX + DOMAIN_MAX + 2];
	size_t length = 0;
	bool known = provider_known(c, a), reserved_end = end_reserved(t, a);
	for (size_t i = 0; i < a->nlocal; i++) {
		atoms[i] = a->local[i];
		atoms[i].index = (int16_t)length;
		value[length++] = a->local[i].c;
	}
	/* What is kept is no part of the value: one person's name at two providers stays one name. */
	value[length++] = '@';
	for (size_t i = 0; i < a->ndomain; i++) {
		atoms[a->nlocal + i] = a->domain[i];
		if (known || i == a->main || (i > a->main && reserved_end))
			continue;
		atoms[a->nlocal + i].index = (int16_t)length;
		value[length++] = i > a->main ? MAIL_END : a->domain[i].c;
	}
	anon_add(c, t, ANON_EMAIL, atoms, n, str_n(value, length));
}

void anon_find_mail(struct anon_call *c, struct anon_text *t)
{
	for (size_t i = 1; i < t->n; i++) {
		struct address a = {.nlocal = 0};
		size_t after = t->signs[i].taken ? i : at_sign(c, t, i);
		if (after == i)
			continue;
		read_local(c, t, i, &a);
		if (a.nlocal && read_domain(c, t, after, &a))
			add_address(c, t, &a);
	}
}
