/* Numbers that their form, their check digits and the words before them give away: mobile and landline numbers, resident ids, bank cards. */
#include "base/alloc.h"
#include "stages/anonymize/anonymize.h"

#include <string.h>

#define WINDOW_MAX 44 /* atoms: the longest number, said twice over for corrections */
#define DIGITS_MAX 24
#define EXTENSION_MAX 6

/* --- Forms --- */

bool anon_luhn(const char *digits, size_t n)
{
	int sum = 0;
	for (size_t i = 0; i < n; i++) {
		int d = digits[n - 1 - i] - '0';
		if (d < 0 || d > 9)
			return false;
		if (i % 2)
			d = d > 4 ? 2 * d - 9 : 2 * d;
		sum += d;
	}
	return n > 0 && sum % 10 == 0;
}

char anon_id_check(const char *digits)
{
	static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
	int sum = 0;
	for (int i = 0; i < 17; i++)
		sum += weights[i] * (digits[i] - '0');
	return "10X98765432"[sum % 11];
}

static int two(const char *p)
{
	return (p[0] - '0') * 10 + p[1] - '0';
}

static bool date_ok(int year, int month, int day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (month < 1 || month > 12 || day < 1)
		return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= days[month - 1] + (month == 2 && leap);
}

/* Region of GB/T 2260 by its first two digits, and a birth date. */
static bool id_body(const char *d, bool old)
{
	static const char regions[] =
		"11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 "
		"81 82 83 91";
	char region[3] = {d[0], d[1], '\0'};
	if (!strstr(regions, region))
		return false;
	int year = old ? 1900 + two(d + 6) : two(d + 6) * 100 + two(d + 8);
	const char *rest = old ? d + 8 : d + 10;
	return year >= 1900 && year <= 2050 && date_ok(year, two(rest), two(rest + 2));
}

static bool all_digits(const char *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (d[i] < '0' || d[i] > '9')
			return false;
	return true;
}

static bool id_form(const char *d, size_t n)
{
	return n == 18 && all_digits(d, 17) && (d[17] == 'X' || (d[17] >= '0' && d[17] <= '9')) && id_body(d, false);
}

static bool mobile_form(const char *d, size_t n)
{
	return n == 11 && all_digits(d, n) && d[0] == '1' && d[1] >= '3';
}

/* Area codes are 010, 02x and four digits from 03 to 09; subscriber numbers begin with 2 to 8 and have 7 digits, or 8 in larger places. */
static bool landline_form(const char *d, size_t n)
{
	size_t area = d[0] != '0' ? 0 : n > 3 && ((d[1] == '1' && d[2] == '0') || d[1] == '2') ? 3 : d[1] >= '3' ? 4 : 0;
	if (!area || !all_digits(d, n))
		return false;
	bool length = area == 3 ? n == 11 : n == 11 || n == 12;
	return length && d[area] >= '2' && d[area] <= '8';
}

bool anon_form_known(enum anon_kind kind, const char *d, size_t n)
{
	switch (kind) {
	case ANON_MOBILE:
		return mobile_form(d, n);
	case ANON_LANDLINE:
		return n > 6 && d[0] == '0';
	case ANON_RESIDENT_ID:
		return id_form(d, n) || (n == 15 && all_digits(d, n) && id_body(d, true));
	case ANON_BANK_CARD:
		return n >= 13 && all_digits(d, n);
	default:
		return true;
	}
}

enum anon_kind anon_number_kind(const char *d, size_t n)
{
	if (id_form(d, n) && anon_id_check(d) == d[17])
		return ANON_RESIDENT_ID;
	if (mobile_form(d, n))
		return ANON_MOBILE;
	if (n >= 16 && n <= 19 && d[0] == '6' && d[1] == '2' && anon_luhn(d, n))
		return ANON_BANK_CARD;
	if (n >= 10 && n <= 12 && landline_form(d, n))
		return ANON_LANDLINE;
	return ANON_NONE;
}

/* By form and words only: a check digit may be misheard, other cards have no range of their own, old ids no check digit. */
enum anon_kind anon_number_by_words(
	const struct anon_call *c, const struct anon_text *t, size_t at, const char *d, size_t n)
{
	bool id = id_form(d, n) || (n == 15 && all_digits(d, n) && id_body(d, true));
	if (id && anon_context(c, t, at, RULE_ID_WORDS, 2))
		return ANON_RESIDENT_ID;
	bool union_pay = n >= 16 && d[0] == '6' && d[1] == '2';
	bool card = n >= 13 && n <= 19 && all_digits(d, n) && d[0] >= '3' && d[0] <= '6' && (union_pay || anon_luhn(d, n));
	return card && anon_context(c, t, at, RULE_CARD_WORDS, 2) ? ANON_BANK_CARD : ANON_NONE;
}

/* --- Windows --- */

struct window {
	struct anon_call *c;
	struct anon_text *t;
	size_t first, end; /* atoms */
	bool whole;        /* from the start of a run (or what follows a number) to its end */
	bool front;        /* from the start of a run */
	char d[WINDOW_MAX + 1];
	size_t n;
	size_t keep;      /* digits in front that are a country code */
	size_t slip;      /* atoms in front of the correction that are no part of the value … */
	size_t slip_from; /* … from this one on */
	int rank;         /* how sure: higher is better; 0 for none */
	enum anon_kind kind;
};

static size_t country_code(const char *d, size_t n)
{
	if (n == 13 && strncmp(d, "86", 2) == 0)
		return 2;
	if (n == 15 && strncmp(d, "0086", 4) == 0)
		return 4;
	return n == 12 && d[0] == '0' && d[1] == '1' ? 1 : 0; /* trunk prefix */
}

/* Four numbers with points between them are an address of the internet. */
static bool is_address(const struct window *w)
{
	const struct anon_text *t = w->t;
	int points = 0;
	for (size_t i = w->first; i + 1 < w->end; i++) {
		size_t after = t->atoms[i].sign + 1;
		points += t->atoms[i].nsigns == 1 && t->signs[after].cp == '.' && t->atoms[i + 1].sign == after + 1;
	}
	return points == 3;
}

/* "k d 零二八…": the rest of an account's name. */
static bool after_letter(const struct anon_text *t, size_t at)
{
	at -= at > 0 && t->signs[at - 1].cp == ' ';
	return at > 0 && t->signs[at - 1].kind == SIGN_LETTER;
}

/* "零七、一五、二一、…" are numbers of a lottery: a landline's first group is its area code, or all is read digit by digit. */
static bool small_numbers(const struct window *w)
{
	size_t first = 1, groups = 1;
	while (w->first + first < w->end && !(w->t->atoms[w->first + first].flags & ATOM_GROUP))
		first++;
	for (size_t i = w->first + 1; i < w->end; i++)
		groups += (w->t->atoms[i].flags & ATOM_GROUP) != 0;
	return first < 3 && groups < w->n;
}

/* "138xxxx5678", "4201061967****": what is masked is no number any more. */
static bool masked(const struct anon_text *t, size_t atom)
{
	size_t after = t->atoms[atom].sign + 1;
	uint32_t cp =
		after < t->n && t->atoms[atom].nsigns == 1 && !(t->atoms[atom].flags & ATOM_MARK) ? t->signs[after].cp : 0;
	if (cp == '*') /* two are emphasis, as language models write it */
		return after + 2 < t->n && t->signs[after + 1].cp == '*' && t->signs[after + 2].cp == '*';
	return cp == 'x' || cp == 'X' || cp == 0x00d7 || cp == 0xff0a;
}

/* What the digits are with the words before them; sets kind, keep and rank. */
static void judge(struct window *w)
{
	const struct anon_text *t = w->t;
	size_t at = t->atoms[w->first].sign;
	size_t keep = country_code(w->d, w->n);
	w->keep = 0;
	w->kind = anon_number_kind(w->d, w->n);
	w->rank = w->kind == ANON_RESIDENT_ID ? 9 : w->kind == ANON_BANK_CARD ? 8 : w->kind == ANON_MOBILE ? 6 : 5;
	if (w->kind == ANON_NONE && keep && mobile_form(w->d + keep, w->n - keep)) {
		w->kind = ANON_MOBILE;
		w->keep = keep;
		w->rank = 7;
	}
	if ((w->kind == ANON_MOBILE || w->kind == ANON_LANDLINE) && ((!w->front && !w->whole) || is_address(w)))
		w->kind = ANON_NONE;
	if (w->kind == ANON_LANDLINE && (after_letter(t, at) || small_numbers(w)))
		w->kind = ANON_NONE;
	if (w->kind == ANON_NONE && w->whole) {
		w->kind = anon_number_by_words(w->c, t, at, w->d, w->n);
		w->rank = w->kind == ANON_RESIDENT_ID ? 4 : 3;
	}
	if (w->kind == ANON_NONE)
		w->rank = 0;
}

static size_t last_correction(const struct window *w)
{
	for (size_t i = w->end; i-- > w->first + 1;)
		if (w->t->atoms[i].flags & ATOM_CORRECTED)
			return i;
	return 0;
}

static void digits_of(struct window *w, size_t skip_from, size_t skip_to)
{
	w->n = 0;
	for (size_t i = w->first; i < w->end; i++)
		if (i < skip_from || i >= skip_to)
			w->d[w->n++] = w->t->atoms[i].c;
	w->d[w->n] = '\0';
	w->slip_from = skip_from;
	w->slip = skip_to - skip_from;
}

/* After a correction the last group is said again, or all; with a check digit to confirm it, any number of digits. */
static void judge_corrected(struct window *w, size_t at)
{
	const struct atom *atoms = w->t->atoms;
	size_t group = at - 1;
	while (group > w->first && !(atoms[group].flags & ATOM_GROUP))
		group--;
	size_t tries[2] = {group, w->first};
	for (int k = 0; k < 2; k++) {
		digits_of(w, tries[k], at);
		judge(w);
		if (w->kind != ANON_NONE)
			return;
	}
	for (size_t from = at - 1; from > w->first; from--) {
		digits_of(w, from, at);
		judge(w);
		if (w->rank >= 8)
			return;
	}
	w->kind = ANON_NONE;
	w->rank = 0;
}

static void judge_window(struct window *w)
{
	size_t correction = last_correction(w);
	if (correction) {
		judge_corrected(w, correction);
		return;
	}
	digits_of(w, w->first, w->first);
	w->slip = 0;
	judge(w);
}

/* --- Taking --- */

/* A '+' before the country code belongs to the number. */
static void add_window(const struct window *w)
{
	struct anon_text *t = w->t;
	size_t n = w->end - w->first, extension = 0;
	const struct atom *next = &t->atoms[w->end];
	if (w->kind == ANON_LANDLINE && w->end < t->natoms && (next->flags & ATOM_EXTENSION)) {
		extension = 1;
		while (w->end + extension < t->natoms && extension < EXTENSION_MAX && !(next[extension].flags & ATOM_GROUP))
			extension++;
	}
	struct atom *atoms = arena_array(w->c->a, n + extension, sizeof(*atoms));
	char value[ANON_VALUE_MAX];
	size_t length = 0;
	memcpy(atoms, t->atoms + w->first, (n + extension) * sizeof(*atoms));
	for (size_t i = 0; i < n + extension; i++) {
		size_t at = w->first + i;
		if (i < w->keep) {
			atoms[i].index = INDEX_KEEP;
		} else if (w->slip && at >= w->slip_from && at < w->slip_from + w->slip) {
			atoms[i].index = INDEX_SLIP;
		} else {
			atoms[i].index = (int16_t)length;
			value[length++] = atoms[i].c;
		}
	}
	anon_add(w->c, t, w->kind, atoms, n + extension, str_n(value, length));
}

static bool not_a_number(const struct anon_call *c, const struct anon_text *t, size_t atom)
{
	size_t at = t->atoms[atom].sign, from = at > 8 ? at - 8 : 0, end;
	struct str before = anon_slice(t, from, at);
	/* Right before it: between the word and the number there is nothing but a link. */
	if (!anon_word_in(&c->rules->lists[RULE_NOT_AFTER], before, &end))
		return false;
	struct str rest = str_n(before.p + end, before.n - end);
	while (rest.n) {
		size_t n = anon_word_at(&c->rules->lists[RULE_LINKS], rest);
		if (!n)
			return false;
		rest = str_n(rest.p + n, rest.n - n);
	}
	return true;
}

/* The best window that starts at `first`; false when none is a number. */
static bool best_window(struct anon_call *c, struct anon_text *t, size_t first, bool front, struct window *ret)
{
	struct window w = {.c = c, .t = t, .first = first, .front = front};
	*ret = w;
	for (size_t end = first + 1; end <= t->natoms && end - first <= WINDOW_MAX; end++) {
		const struct atom *before = &t->atoms[end - 1], *next = &t->atoms[end];
		bool last = end == t->natoms || (next->flags & (ATOM_RUN | ATOM_QUANTITY | ATOM_EXTENSION));
		if ((before->flags & ATOM_QUANTITY) || t->signs[before->sign].taken)
			break;
		if (last || (next->flags & ATOM_GROUP)) {
			w.end = end;
			w.whole = front && last;
			/* a group of its own needs no more */
			bool alone = true;
			for (size_t i = first + 1; i < end && alone; i++)
				alone = !(t->atoms[i].flags & ATOM_GROUP);
			w.front = front || alone;
			judge_window(&w);
			if (w.rank && !masked(t, end - 1) && (w.rank > ret->rank || (w.rank == ret->rank && w.kind == ANON_BANK_CARD)))
				*ret = w;
		}
		if (last)
			break;
	}
	return ret->rank > 0;
}

void anon_find_numbers(struct anon_call *c, struct anon_text *t)
{
	bool front = true;
	for (size_t i = 0; i < t->natoms;) {
		const struct atom *at = &t->atoms[i];
		struct window w;
		if (at->flags & ATOM_RUN)
			front = true;
		if (!(at->flags & ATOM_GROUP) || (at->flags & ATOM_QUANTITY) || t->signs[at->sign].taken) {
			front |= (at->flags & ATOM_QUANTITY) || t->signs[at->sign].taken;
			i++;
			continue;
		}
		bool soft = t->signs[at->sign].weak; /* 要 in front of a number: what follows it starts as well */
		if (best_window(c, t, i, front, &w) && !not_a_number(c, t, i)) {
			add_window(&w);
			i = w.end;
			front = true;
		} else {
			front = front && soft;
			i++;
		}
	}
}
