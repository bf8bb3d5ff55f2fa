/* How an annotation refers to the call. */
#include "core/citations.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/phrases.h"
#include "io/text.h"

#include <string.h>

#define NUMBER_MAX 1000000
#define NUMBERS_MAX 8     /* in one citation: 第2、4轮 */
#define CANDIDATES_MAX 16 /* turns a quotation is looked for in; later ones in a longer list are left out */
#define ELLIPSIS STR("...")

/* --- Turns --- */

/** Letters and digits of any script, folded; appended. */
static int add_letters(struct buf *ret, struct str text, struct err *e)
{
	CLEANUP(buf_release) struct buf folded = BUF_INIT;
	int code = phrases_fold(&folded, text, e);
	uint32_t cp;
	for (struct str rest = buf_view(&folded); !code && utf8_next(&rest, &cp);) {
		char utf8[4];
		if (text_class(cp) == 'L' || text_class(cp) == 'N' || text_class(cp) == 'M' || utf8_is_han(cp))
			buf_add(ret, utf8, utf8_put(cp, utf8));
	}
	return code;
}

int cited_turns_init(struct arena *a, const struct json *turns, struct cited_turns *ret, struct err *e)
{
	struct cited_turns t = {.letters = arena_array(a, json_count(turns) + 1, sizeof(*t.letters))};
	JSON_EACH(turn, turns) {
		CLEANUP(buf_release) struct buf letters = BUF_INIT;
		int code = add_letters(&letters, turn_text(turn), e);
		if (code)
			return err_context(e, "turn %zu", t.n + 1);
		t.letters[t.n++] = arena_str(a, buf_view(&letters));
	}
	*ret = t;
	return 0;
}

/* --- Citations --- */

static bool take(struct str *rest, const char *word)
{
	if (!str_starts(*rest, word))
		return false;
	*rest = str_n(rest->p + strlen(word), rest->n - strlen(word));
	return true;
}

static bool take_one_of(struct str *rest, const char *const *words)
{
	for (; *words; words++)
		if (take(rest, *words))
			return true;
	return false;
}

static void skip_blanks(struct str *rest)
{
	while (take(rest, " ") || take(rest, "\u3000"))
		;
}

/** 0…9 for a digit in any of three scripts, 10 or 100 for 十 and 百, -1 for anything else. */
static int numeral(uint32_t cp)
{
	static const char *const numerals[] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", NULL};
	char utf8[5] = {0};
	if (cp >= '0' && cp <= '9')
		return (int)(cp - '0');
	if (cp >= 0xFF10 && cp <= 0xFF19)
		return (int)(cp - 0xFF10);
	utf8_put(cp, utf8);
	for (int i = 0; numerals[i]; i++)
		if (strcmp(utf8, numerals[i]) == 0)
			return i;
	return cp == 0x3007 ? 0 : cp == 0x4E24 ? 2 : cp == 0x767E ? 100 : -1; /* 〇 两 百 */
}

static bool take_number(struct str *rest, int64_t *ret)
{
	int64_t total = 0, now = 0;
	bool any = false, had_now = false;
	uint32_t cp;
	for (struct str at = *rest; utf8_next(&at, &cp) && numeral(cp) >= 0; *rest = at) {
		int n = numeral(cp);
		any = true;
		if (n >= 10) {
			total += (had_now && now ? now : 1) * n;
			now = 0;
			had_now = false;
		} else {
			now = now * 10 + n;
			had_now = true;
		}
		if (now > NUMBER_MAX || total > NUMBER_MAX)
			now = total = NUMBER_MAX;
	}
	*ret = total + now < NUMBER_MAX ? total + now : NUMBER_MAX;
	return any;
}

/** Numbers of the citation at the front of `rest`, which moves on behind it; 0 when there is none. */
static size_t take_citation(struct str *rest, int64_t numbers[NUMBERS_MAX])
{
	static const char *const between[] = {"、", "，", ",", "和", "与", "及", "至", "到", "-", "~", "～", "—", NULL};
	struct str at = *rest;
	size_t n = 0;
	if (!take(&at, "第"))
		return 0;
	do {
		skip_blanks(&at);
		take(&at, "第");
		if (n == NUMBERS_MAX || !take_number(&at, &numbers[n++]))
			return 0;
		skip_blanks(&at);
	} while (take_one_of(&at, between));
	if (!take(&at, "轮"))
		return 0;
	*rest = at;
	return n;
}

/* --- Quotations --- */

static void citing_tell(const struct citing *c, const struct note_fault *fault)
{
	c->tell(c->arg, fault);
}

struct reading {
	const struct citing *c;
	struct citations *found;
	size_t turns[CANDIDATES_MAX], nturns; /* what the next quotation may be of; turns from 0 */
	bool used;                            /* a quotation came since: the next citation begins anew */
};

static void cite(struct reading *r, const int64_t *numbers, size_t n)
{
	const struct citing *c = r->c;
	if (r->used)
		r->nturns = 0;
	r->used = false;
	for (size_t i = 0; i < n; i++) {
		if (numbers[i] < 1 || numbers[i] > (int64_t)c->turns->n) {
			citing_tell(c, &(struct note_fault){.rule = "citation_unknown",
							   .value = numbers[i],
							   .limit = (int64_t)c->turns->n,
							   .unit = "turns",
							   .turn = -1});
			continue;
		}
		r->found->good++;
		if (r->nturns < CANDIDATES_MAX)
			r->turns[r->nturns++] = (size_t)numbers[i] - 1;
	}
}

/** Whether the pieces stand in the turn one behind the other. Pieces are parted by zero bytes. */
static bool stands_in(struct str turn, struct str pieces)
{
	struct str piece;
	while (str_split(&pieces, '\0', &piece)) {
		ptrdiff_t at = str_find(turn, piece);
		if (at < 0)
			return false;
		turn = str_n(turn.p + at + (ptrdiff_t)piece.n, turn.n - (size_t)at - piece.n);
	}
	return true;
}

static bool was_said(const struct reading *r, struct str pieces, const int64_t *behind, size_t nbehind)
{
	const struct cited_turns *t = r->c->turns;
	bool named = r->nturns > 0;
	for (size_t i = 0; i < r->nturns; i++)
		if (stands_in(t->letters[r->turns[i]], pieces))
			return true;
	for (size_t i = 0; i < nbehind; i++) {
		if (behind[i] < 1 || behind[i] > (int64_t)t->n)
			continue;
		named = true;
		if (stands_in(t->letters[behind[i] - 1], pieces))
			return true;
	}
	for (size_t i = 0; !named && i < t->n; i++)
		if (stands_in(t->letters[i], pieces))
			return true;
	return false;
}

/** The letters of a quotation, zero bytes where it leaves words out. */
static int quoted_pieces(struct buf *ret, struct str quoted, struct err *e)
{
	CLEANUP(buf_release) struct buf folded = BUF_INIT;
	int code = phrases_fold(&folded, quoted, e); /* makes … to ... */
	struct str rest = buf_view(&folded);
	while (!code && rest.n) {
		ptrdiff_t dots = str_find(rest, ELLIPSIS);
		struct str piece = str_n(rest.p, dots < 0 ? rest.n : (size_t)dots);
		size_t before = ret->len;
		if (before)
			buf_putc(ret, '\0');
		code = add_letters(ret, piece, e);
		if (before && ret->len == before + 1) /* nothing between */
			buf_truncate(ret, before);
		rest = dots < 0 ? str_n(NULL, 0) : str_n(rest.p + dots + ELLIPSIS.n, rest.n - (size_t)dots - ELLIPSIS.n);
	}
	return code;
}

/** `after`: what follows the quotation. */
static int judge_quotation(struct reading *r, struct str quoted, struct str after, struct err *e)
{
	static const char *const opening[] = {"（", "(", "，", ",", NULL};
	const struct citing *c = r->c;
	int64_t behind[NUMBERS_MAX];
	CLEANUP(buf_release) struct buf pieces = BUF_INIT;
	if (labels_is_scene(c->labels, quoted) || labels_is_fraud_type(c->labels, quoted))
		return 0;
	int code = quoted_pieces(&pieces, quoted, e);
	if (code)
		return code;
	take_one_of(&after, opening);
	size_t nbehind = take_citation(&after, behind);
	if (pieces.len && !was_said(r, buf_view(&pieces), behind, nbehind))
		citing_tell(c, &(struct note_fault){
						   .rule = "quotation_false", .words = quoted, .turn = r->nturns ? (int64_t)r->turns[0] : -1});
	r->used = true;
	return 0;
}

int citations_check(const struct citing *c, struct str text, struct citations *ret, struct err *e)
{
	struct citations found = {.good = 0};
	struct reading r = {.c = c, .found = &found};
	CLEANUP(buf_release) struct buf own = BUF_INIT;
	struct str rest = text;
	while (rest.n) {
		int64_t numbers[NUMBERS_MAX];
		struct str from = rest;
		uint32_t cp;
		size_t n = take_citation(&rest, numbers);
		if (n) {
			cite(&r, numbers, n);
			buf_add(&own, from.p, (size_t)(rest.p - from.p));
			continue;
		}
		if (!take(&rest, "「")) {
			utf8_next(&rest, &cp);
			buf_add(&own, from.p, (size_t)(rest.p - from.p));
			continue;
		}
		ptrdiff_t close = str_find(rest, STR("」"));
		struct str quoted = str_n(rest.p, close < 0 ? rest.n : (size_t)close);
		size_t skip = close < 0 ? rest.n : (size_t)close + strlen("」");
		rest = str_n(rest.p + skip, rest.n - skip);
		int code = judge_quotation(&r, quoted, rest, e);
		if (code)
			return code;
		buf_putc(&own, ' ');
	}
	found.own = arena_str(c->a, buf_view(&own));
	*ret = found;
	return 0;
}
