/* What letters, signs and the words before it give away: mail addresses, plates, passports, chat ids, codes, account numbers. */
#include "base/alloc.h"
#include "stages/anonymize/anonymize.h"

#include <string.h>

#define LINK_MAX 10 /* code points between a word and its value */
#define SEQUENCE_MAX 40

/* Letters, digits and signs that follow each other, with nothing between them but what people put between characters they read out. */
struct sequence {
	struct atom atoms[SEQUENCE_MAX];
	size_t n, end; /* end: sign behind the last atom */
	size_t letters, digits, marks;
	bool spelled; /* a blank between letters */
};

static char letter_of(uint32_t cp)
{
	return (char)(cp >= 0xff21 ? cp - 0xfee0 : cp);
}

static void seq_put(struct sequence *q, size_t sign, size_t nsigns, char c, uint8_t style)
{
	q->atoms[q->n++] = (struct atom){.sign = (uint32_t)sign, .nsigns = (uint8_t)nsigns, .style = style, .c = c};
	q->end = sign + nsigns;
}

/* A sign inside a name or address: '_', '-', '.', or its word. The number of signs it has, or 0. */
static size_t mark_at(const struct anon_call *c, const struct anon_text *t, size_t i, char *ret)
{
	static const struct {
		enum rule_list list;
		char c;
	} words[] = {{RULE_UNDERSCORE, '_'}, {RULE_DASH, '-'}, {RULE_DOT, '.'}};
	uint32_t cp = t->signs[i].cp;
	if (cp == '_' || cp == '-' || cp == '.') {
		*ret = (char)cp;
		return 1;
	}
	if (cp == 0xff3f || cp == 0xff0d || cp == 0xff0e) {
		*ret = cp == 0xff3f ? '_' : cp == 0xff0d ? '-' : '.';
		return 1;
	}
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
		size_t n = anon_word_at(&c->rules->lists[words[k].list], anon_slice(t, i, t->n));
		if (!n)
			continue;
		size_t end = i;
		while (end < t->n && t->signs[end].at < t->signs[i].at + n)
			end++;
		/* "dot" inside a word is no dot */
		if (t->signs[i].kind == SIGN_LETTER &&
			((i > 0 && t->signs[i - 1].kind == SIGN_LETTER) || t->signs[end].kind == SIGN_LETTER))
			continue;
		*ret = words[k].c;
		return end - i;
	}
	return 0;
}

static bool stops_here(const struct anon_text *t, size_t i)
{
	return i >= t->n || t->signs[i].taken;
}

/* One step of a sequence; false at its end. */
static bool seq_step(const struct anon_call *c, const struct anon_text *t, size_t *i, struct sequence *q)
{
	char mark;
	if (q->n == SEQUENCE_MAX || stops_here(t, *i))
		return false;
	const struct sign *s = &t->signs[*i];
	size_t n = s->kind == SIGN_DIGIT ? 0 : mark_at(c, t, *i, &mark);
	if (n) {
		seq_put(q, *i, n, mark, STYLE_ASCII);
		q->marks++;
		*i += n;
	} else if (s->kind == SIGN_LETTER || s->kind == SIGN_DIGIT) {
		bool letter = s->kind == SIGN_LETTER;
		size_t signs = letter ? 1 : anon_digit_signs(t, *i);
		seq_put(q, *i, signs, letter ? letter_of(s->cp) : (char)('0' + s->digit), s->style);
		q->letters += letter;
		q->digits += !letter;
		*i += signs;
	} else {
		return false;
	}
	return true;
}

/* Over a gap: single blanks anywhere, more only between digits. */
static size_t seq_gap(const struct anon_call *c, const struct anon_text *t, size_t i, const struct sequence *q)
{
	unsigned flags = 0;
	const struct sign *s = &t->signs[i];
	bool digit = q->n && q->atoms[q->n - 1].c >= '0' && q->atoms[q->n - 1].c <= '9';
	if (i + 1 >= t->n)
		return i;
	bool blank = s->cp == ' ' || s->cp == 0x3000 || s->cp == 0x00b7;
	if (blank && (t->signs[i + 1].kind == SIGN_LETTER || t->signs[i + 1].kind == SIGN_DIGIT))
		return i + 1;
	size_t end = digit ? anon_gap_end(c, t, i, &flags) : i;
	if (end > i && end < t->n && t->signs[end].kind == SIGN_DIGIT && !(flags & ATOM_EXTENSION))
		return end;
	char mark;
	if (blank && mark_at(c, t, i + 1, &mark))
		return i + 1;
	return i;
}

static void seq_read(const struct anon_call *c, const struct anon_text *t, size_t i, struct sequence *q)
{
	memset(q, 0, sizeof(*q));
	q->end = i;
	for (;;) {
		while (seq_step(c, t, &i, q))
			;
		size_t next = q->n ? seq_gap(c, t, i, q) : i;
		if (next == i || stops_here(t, next))
			break;
		q->spelled |= q->atoms[q->n - 1].c >= 'A' && t->signs[next].kind == SIGN_LETTER;
		i = next;
	}
	while (q->n && strchr("._-", q->atoms[q->n - 1].c)) { /* a mark at the end ends the sentence */
		q->n--;
		q->marks--;
		q->end = q->n ? q->atoms[q->n - 1].sign + q->atoms[q->n - 1].nsigns : q->end;
	}
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The value: letters in lower case, marks left where they are. */
static bool seq_add(struct anon_call *c, struct anon_text *t, enum anon_kind kind, struct atom *atoms, size_t n)
{
	char value[SEQUENCE_MAX + 1];
	for (size_t i = 0; i < n; i++) {
		atoms[i].index = (int16_t)i;
		value[i] = lower(atoms[i].c);
	}
	return anon_add(c, t, kind, atoms, n, str_n(value, n));
}

static bool unit_follows(const struct anon_call *c, const struct anon_text *t, size_t i)
{
	return i < t->n && anon_word_at(&c->rules->lists[RULE_UNITS], anon_slice(t, i, t->n)) > 0;
}

/* --- Plates --- */

static bool province(uint32_t cp)
{
	static const char all[] = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
	for (size_t i = 0; i + 3 < sizeof(all); i += 3) {
		uint32_t one =
			(uint32_t)(all[i] & 0x0f) << 12 | (uint32_t)(all[i + 1] & 0x3f) << 6 | (uint32_t)(all[i + 2] & 0x3f);
		if (one == cp)
			return true;
	}
	return false;
}

/* The province stays: it is a place, as the area code of a landline is. */
static void add_plate(struct anon_call *c, struct anon_text *t, size_t province_sign, const struct sequence *q)
{
	struct atom atoms[8] = {{.sign = (uint32_t)province_sign, .nsigns = 1, .c = '*', .index = INDEX_KEEP}};
	char value[8];
	for (size_t k = 0; k < q->n; k++) {
		atoms[k + 1] = q->atoms[k];
		atoms[k + 1].index = (int16_t)k;
		value[k] = lower(q->atoms[k].c);
	}
	anon_add(c, t, ANON_PLATE, atoms, q->n + 1, str_n(value, q->n));
}

/* A province, a letter, then five or six letters and digits, three of them digits. */
static void find_plates(struct anon_call *c, struct anon_text *t)
{
	for (size_t i = 0; i + 6 < t->n; i++) {
		if (t->signs[i].taken || !province(t->signs[i].cp))
			continue;
		size_t at = i + 1;
		while (at < t->n && at < i + 3 && t->signs[at].kind == SIGN_GAP)
			at++;
		struct sequence q;
		if (t->signs[at].kind != SIGN_LETTER)
			continue;
		seq_read(c, t, at, &q);
		if (q.marks || (q.n != 6 && q.n != 7) || q.digits < 3)
			continue;
		add_plate(c, t, i, &q);
	}
}

/* --- Passports --- */

/* Ordinary ones have E or G and eight digits, or E, a letter and seven; with 护照 near them. */
static void find_passports(struct anon_call *c, struct anon_text *t)
{
	for (size_t i = 0; i + 8 < t->n; i++) {
		const struct sign *s = &t->signs[i];
		char l = s->kind == SIGN_LETTER && !s->taken ? letter_of(s->cp) : '\0';
		if (!l || !strchr("EeGg", l) || (i > 0 && t->signs[i - 1].kind == SIGN_LETTER))
			continue;
		struct sequence q;
		seq_read(c, t, i, &q);
		bool form = q.n == 9 && !q.marks && (q.letters == 1 || (q.letters == 2 && q.atoms[1].c >= 'A'));
		if (form && anon_context(c, t, i, RULE_PASSPORT_WORDS, 2))
			seq_add(c, t, ANON_PASSPORT, q.atoms, q.n);
	}
}

/* --- After a word --- */

/* The first letter or digit after the words that may stand between a keyword and its value; t->n when something else comes first. */
static size_t value_after(const struct anon_call *c, const struct anon_text *t, size_t i)
{
	size_t from = i;
	while (i < t->n && i - from <= LINK_MAX) {
		if (t->signs[i].kind == SIGN_LETTER || t->signs[i].kind == SIGN_DIGIT)
			return i;
		size_t n = anon_word_at(&c->rules->lists[RULE_LINKS], anon_slice(t, i, t->n));
		if (!n)
			n = anon_word_at(&c->rules->lists[RULE_FILLERS], anon_slice(t, i, t->n));
		if (!n)
			break;
		uint32_t to = t->signs[i].at + (uint32_t)n;
		while (i < t->n && t->signs[i].at < to)
			i++;
	}
	return t->n;
}

static bool public_number(const struct anon_call *c, const struct sequence *q)
{
	char d[SEQUENCE_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; i < q->n; i++)
		d[n++] = q->atoms[i].c;
	d[n] = '\0';
	if (anon_word_is(&c->rules->lists[RULE_PUBLIC_NUMBERS], str_n(d, n)))
		return true;
	return (n == 5 && (strncmp(d, "95", 2) == 0 || strncmp(d, "96", 2) == 0 || strncmp(d, "100", 3) == 0 ||
						  strncmp(d, "12", 2) == 0)) ||
		   (n == 10 && (strncmp(d, "400", 3) == 0 || strncmp(d, "800", 3) == 0));
}

/* "138xxxx5678" */
static bool masked(const struct sequence *q)
{
	for (size_t i = 1; i < q->n; i++)
		if (lower(q->atoms[i].c) == 'x' && lower(q->atoms[i - 1].c) == 'x')
			return true;
	return false;
}

static bool chat_form(const struct anon_call *c, const struct anon_text *t, const struct sequence *q)
{
	if (!q->letters)
		return !q->marks && q->digits >= 5 && q->digits <= 11 && !unit_follows(c, t, q->end);
	return q->n >= 5 && q->n <= 30 && (q->digits || q->marks || q->spelled || q->n >= 6);
}

/* Whether a sequence behind a keyword can be what the keyword says. */
static bool keyed_form(const struct anon_call *c, const struct anon_text *t, const struct sequence *q, enum anon_kind kind)
{
	bool digits = q->n == q->digits;
	if (kind == ANON_CHAT_ID)
		return chat_form(c, t, q);
	if (unit_follows(c, t, q->end) || public_number(c, q))
		return false;
	switch (kind) {
	case ANON_CODE:
		return digits && q->n >= 4 && q->n <= 6;
	case ANON_MOBILE:
		return digits && q->n >= 7 && q->n <= 16;
	case ANON_RESIDENT_ID:
		return digits && q->n >= 9 && q->n <= 20;
	case ANON_BANK_CARD:
		return digits && q->n >= 10 && q->n <= 22;
	default:
		return q->digits >= 4 && q->letters <= 6 && q->n <= 30;
	}
}

/* Letters alone may be a brand or a word behind 微信; digits or signs among them make an id. */
static void find_after(struct anon_call *c, struct anon_text *t, size_t i, enum anon_kind kind)
{
	struct sequence q;
	size_t at = value_after(c, t, i);
	if (at >= t->n || t->signs[at].taken)
		return;
	seq_read(c, t, at, &q);
	if (!keyed_form(c, t, &q, kind) || masked(&q))
		return;
	char d[SEQUENCE_MAX + 1];
	for (size_t k = 0; k < q.n; k++)
		d[k] = q.atoms[k].c;
	enum anon_kind number = q.n == q.digits ? anon_number_kind(d, q.n) : ANON_NONE;
	seq_add(c, t, number == ANON_NONE ? kind : number, q.atoms, q.n);
}

static void find_keyed(struct anon_call *c, struct anon_text *t, enum rule_list words, enum anon_kind kind)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->signs[i].kind == SIGN_GAP || t->signs[i].kind == SIGN_DIGIT || t->signs[i].taken)
			continue;
		size_t n = anon_word_at(&c->rules->lists[words], anon_slice(t, i, t->n)), end = i;
		while (n && end < t->n && t->signs[end].at < t->signs[i].at + n)
			end++;
		if (n)
			find_after(c, t, end, kind);
	}
}

void anon_find_accounts(struct anon_call *c, struct anon_text *t)
{
	find_keyed(c, t, RULE_ACCOUNT_WORDS, ANON_ACCOUNT);
}

/* --- Asked for, and answered in a turn of its own --- */

#define ANSWER_TURNS 4 /* turns back in which it was asked for */
#define ANSWER_OTHER 8 /* other characters of the turn */

/* The first letter or digit of the turn's only sequence, if it is nearly all of the turn; t->n when not. */
static size_t only_sequence(const struct anon_call *c, const struct anon_text *t, struct sequence *q)
{
	size_t first = 0, others = 0;
	while (first < t->n && t->signs[first].kind != SIGN_DIGIT && t->signs[first].kind != SIGN_LETTER)
		first++;
	if (first == t->n || first > 2 * ANSWER_OTHER)
		return t->n;
	seq_read(c, t, first, q);
	for (size_t i = 0; i < t->n; i++) {
		bool outside = i < first || i >= q->end;
		if (outside && (t->signs[i].kind == SIGN_DIGIT || t->signs[i].kind == SIGN_LETTER))
			return t->n;
		others += outside && t->signs[i].kind != SIGN_GAP;
	}
	return others > ANSWER_OTHER || !q->n || unit_follows(c, t, q->end) ? t->n : first;
}

/* "三八六九" after a code was asked for, "七二四四 零七幺八" after the student number. */
static void find_answers(struct anon_call *c, struct anon_text *t)
{
	struct sequence q;
	if (t->field || t->nspans || !t->natoms || (t->atoms[0].flags & ATOM_QUANTITY))
		return;
	size_t first = only_sequence(c, t, &q);
	if (first == t->n || public_number(c, &q) || masked(&q))
		return;
	if (q.n == q.digits && q.n >= 3 && q.n <= 6 && anon_context(c, t, first, RULE_CODE_WORDS, ANSWER_TURNS))
		seq_add(c, t, ANON_CODE, q.atoms, q.n);
	else if (q.digits >= 6 && q.letters <= 4 && q.n <= 30 && anon_context(c, t, first, RULE_ACCOUNT_WORDS, 1))
		seq_add(c, t, ANON_ACCOUNT, q.atoms, q.n);
}

/* --- Ids of letters and digits, with 微信 somewhere before --- */

/* An address of the web has points, an id has none. */
static bool has_point(const struct sequence *q)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->atoms[i].c == '.')
			return true;
	return false;
}

static void find_loose_ids(struct anon_call *c, struct anon_text *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct sign *s = &t->signs[i];
		if (s->kind != SIGN_LETTER || s->taken || (i > 0 && t->signs[i - 1].kind == SIGN_LETTER))
			continue;
		struct sequence q;
		seq_read(c, t, i, &q);
		bool id = q.n >= 6 && q.n <= 20 && q.letters >= 3 && (q.digits >= 1 || q.marks >= 1) && !q.spelled;
		if (id && !has_point(&q) && anon_context(c, t, i, RULE_CHAT_WORDS, 0))
			seq_add(c, t, ANON_CHAT_ID, q.atoms, q.n);
		i = q.end > i ? q.end - 1 : i;
	}
}

void anon_find_words(struct anon_call *c, struct anon_text *t)
{
	find_plates(c, t);
	find_passports(c, t);
	find_keyed(c, t, RULE_PHONE_LEADS, ANON_MOBILE);
	find_keyed(c, t, RULE_ID_LEADS, ANON_RESIDENT_ID);
	find_keyed(c, t, RULE_CARD_LEADS, ANON_BANK_CARD);
	find_keyed(c, t, RULE_CODE_WORDS, ANON_CODE);
	find_keyed(c, t, RULE_CHAT_WORDS, ANON_CHAT_ID);
	find_loose_ids(c, t);
	find_answers(c, t);
}
