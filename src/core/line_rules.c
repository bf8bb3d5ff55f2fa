#include "core/line_rules.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "io/text.h"

#include <stdlib.h>
#include <string.h>

#define SPEAKER_CHARS 6 /* code points before a colon that may be a name plate */

int line_rules_load(struct arena *a, const char *path, struct line_rules *ret, struct err *e)
{
	struct line_rules r = {.words = {.n = 0}};
	const struct phrase_key keys[] = {{"tokens", &r.tokens}, {"placeholders", &r.placeholders},
		{"brackets", &r.brackets}, {"markup", &r.markup}, {"meta", &r.meta}, {"speakers", &r.speakers},
		{"question_ends", &r.question_ends}, {"words", &r.words}};
	int rc = phrases_load(a, path, keys, COUNT_OF(keys), e);
	if (rc == 0)
		*ret = r;
	return rc;
}

static bool latin(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct str rest_of(struct str s, size_t from)
{
	return str_n(s.p + from, s.n - from);
}

/* --- What is said --- */

/* “…” or "…" around the whole: models like to quote what they say. */
static struct str unquoted(struct str s)
{
	static const char *const marks[][2] = {{"“", "”"}, {"\"", "\""}, {"「", "」"}};
	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		size_t open = strlen(marks[i][0]), close = strlen(marks[i][1]);
		if (s.n < open + close || !str_starts(s, marks[i][0]) || !str_ends(s, marks[i][1]))
			continue;
		struct str inside = str_n(s.p + open, s.n - open - close);
		if (str_find(inside, str_of(marks[i][0])) < 0 && str_find(inside, str_of(marks[i][1])) < 0)
			return str_trim(inside);
	}
	return s;
}

static struct str said(struct str answer, bool *ret_hangs_up)
{
	struct str s = unquoted(str_trim(answer));
	*ret_hangs_up = str_ends(s, LINE_HANG_UP);
	if (*ret_hangs_up)
		s = unquoted(str_trim(str_n(s.p, s.n - strlen(LINE_HANG_UP))));
	return s;
}

/* --- Rules over the folded text --- */

static int broken(struct err *e, const char *rule, struct str piece)
{
	return err_set(e, ERR_INVALID, "%s: '%.*s'", rule, STR_FMT(utf8_clip(piece, 60)));
}

static int check_lists(const struct line_rules *r, struct str folded, struct err *e)
{
	const struct {
		const char *rule;
		const struct phrase_list *list;
	} lists[] = {{"token", &r->tokens}, {"placeholder", &r->placeholders}, {"bracket", &r->brackets},
		{"markup", &r->markup}, {"meta", &r->meta}};
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		struct str found = phrases_find(lists[i].list, folded);
		if (found.p)
			return broken(e, lists[i].rule, found);
	}
	return 0;
}

/* "- 您好", "1. 您好", "1、您好"; pictures and signs nobody can say. */
static int check_signs(struct str folded, struct err *e)
{
	struct str rest = folded, before;
	uint32_t cp;
	size_t n = 0;
	while (n < folded.n && digit(folded.p[n]))
		n++;
	struct str after = rest_of(folded, n);
	if (folded.n && strchr("-+=>", folded.p[0]))
		return broken(e, "markup", str_n(folded.p, 1));
	if (n && (str_starts(after, "、") || (str_starts(after, ".") && !(after.n > 1 && digit(after.p[1])))))
		return broken(e, "markup", str_n(folded.p, n + 1));
	for (before = rest; utf8_next(&rest, &cp); before = rest) {
		char class = text_class(cp);
		if ((class == 'S' && !(cp < 0x80 && strchr("+~$", (int)cp)) && cp != 0xA5 && cp != 0xB0) || class == 'C')
			return broken(e, "markup", str_n(before.p, before.n - rest.n));
	}
	return 0;
}

static bool ends_sentence(uint32_t cp)
{
	return cp == 0x3002 /* 。 */ || cp == '!' || cp == '?' || cp == ';' || cp == '.' || cp == '\n' ||
		   cp == 0x201D /* ” */ || cp == 0x2026 /* … */;
}

/* What stands before a colon at the start of a sentence names who speaks. */
static struct str speaker_at(const struct line_rules *r, struct str sentence)
{
	struct str rest = sentence, plate = {NULL, 0};
	uint32_t cp;
	for (size_t i = 0; i <= SPEAKER_CHARS && utf8_next(&rest, &cp); i++)
		if (cp == ':') {
			plate = str_trim(str_n(sentence.p, sentence.n - rest.n - 1));
			break;
		}
	for (size_t i = 0; plate.n && i < r->speakers.n; i++) {
		struct str word = r->speakers.v[i];
		if (str_eq(plate, word) || (utf8_count(word) > 1 && str_ends(plate, word.p)))
			return plate;
	}
	return (struct str){NULL, 0};
}

static int check_speakers(const struct line_rules *r, struct str folded, struct err *e)
{
	bool starts = true;
	uint32_t cp;
	for (struct str rest = folded, before = rest; utf8_next(&rest, &cp); before = rest) {
		struct str plate = starts ? speaker_at(r, before) : (struct str){NULL, 0};
		if (plate.n)
			return broken(e, before.p == folded.p ? "speaker" : "both_sides", plate);
		starts = ends_sentence(cp) || (starts && utf8_is_space(cp));
	}
	return 0;
}

/* Latin words that are not in the list, and letters of any other script. */
static int check_words(const struct line_rules *r, struct str folded, struct err *e)
{
	struct str rest = folded;
	while (rest.n) {
		size_t n = 0;
		while (n < rest.n && latin(rest.p[n]))
			n++;
		if (n > 1 && !phrases_have(&r->words, str_n(rest.p, n)))
			return broken(e, "foreign_word", str_n(rest.p, n));
		struct str before = n ? rest_of(rest, n) : rest;
		uint32_t cp;
		rest = before;
		if (!n && utf8_next(&rest, &cp) && cp >= 0x80 && !utf8_is_han(cp) && text_class(cp) == 'L')
			return broken(e, "foreign_word", str_n(before.p, before.n - rest.n));
	}
	return 0;
}

/* Whether what ends here is a question without its mark. */
static bool ends_asking(const struct line_rules *r, struct str clause)
{
	for (size_t i = 0; i < r->question_ends.n; i++)
		if (str_ends(clause, r->question_ends.v[i].p))
			return true;
	return false;
}

/* Any clause of it is a question. */
static bool asks_anywhere(const struct line_rules *r, struct str folded)
{
	uint32_t cp;
	if (memchr(folded.p, '?', folded.n))
		return true;
	for (struct str rest = folded, before = rest; utf8_next(&rest, &cp); before = rest)
		if (text_class(cp) != 'L' && text_class(cp) != 'N' &&
			ends_asking(r, str_n(folded.p, (size_t)(before.p - folded.p))))
			return true;
	return ends_asking(r, folded);
}

static bool asks_last(const struct line_rules *r, struct str folded)
{
	bool mark = false;
	uint32_t cp;
	size_t end = 0;
	for (struct str rest = folded; utf8_next(&rest, &cp);) {
		bool letter = text_class(cp) == 'L' || text_class(cp) == 'N';
		end = letter ? (size_t)(rest.p - folded.p) : end;
		mark = !letter && (mark || cp == '?');
	}
	return mark || ends_asking(r, str_n(folded.p, end));
}

/* --- Repeats --- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void find_pairs(struct arena *a, struct str folded, struct line *l)
{
	uint32_t cp, before = 0;
	l->pairs = arena_array(a, utf8_count(folded) + 1, sizeof(*l->pairs));
	for (struct str rest = folded; utf8_next(&rest, &cp);) {
		char class = text_class(cp);
		if (!utf8_is_han(cp) && class != 'L' && class != 'N')
			continue;
		if (l->spoken++)
			l->pairs[l->npairs++] = (uint64_t)before << 32 | cp;
		before = cp;
	}
	qsort(l->pairs, l->npairs, sizeof(*l->pairs), by_number);
}

/* Twice the pairs in common by all pairs of both, in percent. */
static size_t alike(const struct line *a, const struct line *b)
{
	size_t i = 0, k = 0, common = 0;
	while (i < a->npairs && k < b->npairs) {
		common += a->pairs[i] == b->pairs[k];
		bool first = a->pairs[i] <= b->pairs[k], second = a->pairs[i] >= b->pairs[k];
		i += first;
		k += second;
	}
	return a->npairs + b->npairs ? 200 * common / (a->npairs + b->npairs) : 0;
}

static int check_repeats(const struct line_wants *wants, const struct line *l, struct err *e)
{
	for (size_t i = 0; i < wants->nsaid && l->spoken >= LINE_REPEAT_MIN; i++)
		if (wants->said[i].spoken >= LINE_REPEAT_MIN && alike(l, &wants->said[i]) >= LINE_REPEAT_PERCENT)
			return err_set(e, ERR_INVALID, "repeat: it says nearly the same as line %zu", i + 1);
	return 0;
}

static int check_length(const struct line_wants *wants, const struct line *l, struct err *e)
{
	size_t chars = utf8_count(l->text);
	if (l->spoken == 0)
		return err_set(e, ERR_INVALID, "empty: nothing is said");
	if (chars > wants->max_chars)
		return err_set(e, ERR_INVALID, "too_long: %zu characters; at most %zu are allowed", chars, wants->max_chars);
	if (memchr(l->text.p, '\n', l->text.n) || memchr(l->text.p, '\r', l->text.n))
		return err_set(e, ERR_INVALID, "line_break: a line is one paragraph");
	return 0;
}

int line_read(struct arena *a, const struct line_rules *r, const struct line_wants *wants, struct str answer,
	struct line *ret, struct err *e)
{
	struct line l = {.spoken = 0};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	l.text = arena_str(a, said(answer, &l.hangs_up));
	if (phrases_fold(&b, l.text, NULL) != 0)
		return err_set(e, ERR_INVALID, "token: the answer is no valid UTF-8");
	struct str folded = buf_view(&b);
	find_pairs(a, folded, &l);
	l.asks = asks_last(r, folded);
	int rc = check_length(wants, &l, e);
	if (rc == 0 && l.hangs_up && !wants->may_hang_up && !wants->closing)
		rc = broken(e, "token", STR(LINE_HANG_UP));
	if (rc == 0)
		rc = check_lists(r, folded, e);
	if (rc == 0)
		rc = check_signs(folded, e);
	if (rc == 0)
		rc = check_speakers(r, folded, e);
	if (rc == 0)
		rc = check_words(r, folded, e);
	if (rc == 0 && (l.hangs_up || wants->closing) && asks_anywhere(r, folded))
		rc = err_set(e, ERR_INVALID,
			wants->closing ? "closing_question: the last line asks something"
						   : "hang_up_question: the line asks something and hangs up");
	if (rc == 0)
		rc = check_repeats(wants, &l, e);
	if (rc == 0)
		*ret = l;
	return rc;
}
