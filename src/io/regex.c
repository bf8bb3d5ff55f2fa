#include "io/regex.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits;
};

/* ---- From ECMA-262 to PCRE2. */

/* ECMA-262 WhiteSpace and LineTerminator, as members of a class. */
#define BLANKS \
	"\\t\\n\\x0b\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
#define BREAKS "\\n\\r\\x{2028}\\x{2029}"

struct rewrite {
	struct str from;
	size_t at;
	struct buf *to;
	bool in_class;
	struct err *e;
};

static int refuse(const struct rewrite *w, size_t at, const char *why)
{
	size_t character = 1 + utf8_count(str_n(w->from.p, at));
	return err_set(
		w->e, ERR_CONFIG, "the pattern %.*s, character %zu: %s", STR_FMT(utf8_clip(w->from, 200)), character, why);
}

/** The byte `ahead` of the present one; 0 behind the end. */
static char peek(const struct rewrite *w, size_t ahead)
{
	return w->at + ahead < w->from.n ? w->from.p[w->at + ahead] : '\0';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/** Take `n` bytes as they are. */
static void take(struct rewrite *w, size_t n)
{
	buf_add(w->to, w->from.p + w->at, n);
	w->at += n;
}

/** At "\x", "\u": "\xHH", "\uHHHH", "\u{H…}". PCRE2 writes them all as \x{H…}. */
static int rewrite_code(struct rewrite *w)
{
	bool braces = peek(w, 1) == 'u' && peek(w, 2) == '{';
	size_t from = braces ? 3 : 2, n = 0, want = peek(w, 1) == 'x' ? 2 : 4;
	while (is_hex(peek(w, from + n)) && n < (braces ? 6 : want))
		n++;
	if (braces ? n == 0 || peek(w, from + n) != '}' : n < want)
		return refuse(w, w->at, "hexadecimal digits are missing");
	buf_printf(w->to, "\\x{%.*s}", (int)n, w->from.p + w->at + from);
	w->at += from + n + (braces ? 1 : 0);
	return 0;
}

/** At "\p{" or "\P{": names are left to PCRE2, but not its own additions. */
static int rewrite_property(struct rewrite *w)
{
	size_t n = 3;
	if (peek(w, 2) != '{')
		return refuse(w, w->at, "\\p needs a name in braces");
	while ((peek(w, n) >= 'A' && peek(w, n) <= 'Z') || (peek(w, n) >= 'a' && peek(w, n) <= 'z') || peek(w, n) == '_')
		n++;
	if (peek(w, n) != '}' || n == 3)
		return refuse(w, w->at, "this property of characters is not known here");
	take(w, n + 1);
	return 0;
}

/** At a backslash. */
static int rewrite_escape(struct rewrite *w)
{
	char c = peek(w, 1);
	if (c == '\0')
		return refuse(w, w->at, "nothing behind the backslash");
	if (c == 'x' || c == 'u')
		return rewrite_code(w);
	if (c == 'p' || c == 'P')
		return rewrite_property(w);
	if (c == 's' || c == 'S') {
		if (w->in_class && c == 'S')
			return refuse(w, w->at, "\\S in brackets is not supported");
		buf_puts(w->to, w->in_class ? BLANKS : c == 's' ? "[" BLANKS "]" : "[^" BLANKS "]");
		w->at += 2;
		return 0;
	}
	if (c == 'v' || (c == '0' && !is_digit(peek(w, 2)))) { /* in PCRE2, \v is any vertical blank */
		buf_puts(w->to, c == 'v' ? "\\x0b" : "\\x00");
		w->at += 2;
		return 0;
	}
	char letter = (char)(peek(w, 2) | 0x20);
	if (c == 'c' && letter >= 'a' && letter <= 'z') { /* a control code */
		buf_printf(w->to, "\\x{%x}", (unsigned)(letter - 'a' + 1));
		w->at += 3;
		return 0;
	}
	if (c == 'B' && w->in_class)
		return refuse(w, w->at, "\\B cannot stand in brackets");
	if (is_digit(c))
		return refuse(w, w->at, "back references are not supported");
	if (!strchr("dDwWbBfnrt^$\\.*+?()[]{}|/-", c))
		return refuse(w, w->at, "this escape is not one of ECMA-262");
	take(w, 2);
	return 0;
}

/** Behind an atom: "*", "+", "?", "{n}", "{n,}", "{n,m}", each maybe with "?". */
static int rewrite_quantifier(struct rewrite *w)
{
	if (peek(w, 0) == '{') {
		size_t n = 1;
		while (is_digit(peek(w, n)))
			n++;
		bool digits = n > 1;
		if (peek(w, n) == ',')
			n++;
		while (is_digit(peek(w, n)))
			n++;
		if (!digits || peek(w, n) != '}')
			return refuse(w, w->at, "{ begins no count; write \\{ for the character");
		take(w, n + 1);
	} else {
		take(w, 1);
	}
	if (peek(w, 0) == '?')
		take(w, 1);
	if (peek(w, 0) == '+' || peek(w, 0) == '*' || peek(w, 0) == '?' || peek(w, 0) == '{')
		return refuse(w, w->at, "a count behind a count");
	return 0;
}

/** At "(". */
static int rewrite_group(struct rewrite *w)
{
	static const char *const known[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!"};
	struct str rest = str_n(w->from.p + w->at, w->from.n - w->at);
	if (peek(w, 1) == '*')
		return refuse(w, w->at + 1, "nothing to repeat");
	if (peek(w, 1) != '?') {
		take(w, 1);
		return 0;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_starts(rest, known[i])) {
			take(w, strlen(known[i]));
			return 0;
		}
	}
	return refuse(w, w->at, "this kind of group is not supported");
}

/** One character within brackets. */
static int rewrite_member(struct rewrite *w)
{
	char c = peek(w, 0);
	if (c == '\\')
		return rewrite_escape(w);
	if (c == '[') /* PCRE2 would see a POSIX class in "[[:alpha:]]" */
		buf_putc(w->to, '\\');
	if (c == ']')
		w->in_class = false;
	take(w, 1);
	return 0;
}

static int rewrite_one(struct rewrite *w)
{
	char c = peek(w, 0);
	switch (c) {
	case '\\':
		return rewrite_escape(w);
	case '(':
		return rewrite_group(w);
	case '*':
	case '+':
	case '?':
	case '{':
		return rewrite_quantifier(w);
	case '.':
		buf_puts(w->to, "[^" BREAKS "]");
		w->at++;
		return 0;
	case '[':
		w->in_class = true;
		take(w, peek(w, 1) == '^' ? 2 : 1);
		return 0;
	case ']':
	case '}':
		return refuse(w, w->at, "a bracket that closes nothing; write it with a backslash");
	default:
		take(w, 1);
		return 0;
	}
}

static int rewrite(struct str pattern, struct buf *to, struct err *e)
{
	struct rewrite w = {.from = pattern.p ? pattern : STR(""), .to = to, .e = e};
	if (pattern.n > REGEX_MAX)
		return err_set(e, ERR_CONFIG, "a pattern of %zu bytes; at most %d are read", pattern.n, REGEX_MAX);
	if (utf8_invalid(pattern) >= 0 || memchr(w.from.p, 0, w.from.n))
		return err_set(e, ERR_CONFIG, "a pattern that is not UTF-8");
	while (w.at < w.from.n) {
		int rc = w.in_class ? rewrite_member(&w) : rewrite_one(&w);
		if (rc < 0)
			return rc;
	}
	return w.in_class ? refuse(&w, w.at, "a bracket is not closed") : 0;
}

/* ---- PCRE2. Its memory comes from the arena, so a pattern needs no release; what compiling frees stays there until the arena goes. */

static void *arena_malloc(size_t n, void *arena)
{
	return arena_alloc(arena, n);
}

static void arena_free(void *p, void *arena)
{
	(void)p;
	(void)arena;
}

int regex_new(struct arena *a, struct str pattern, struct regex **ret, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT; /* a byte becomes at most some 120 */
	int rc = rewrite(pattern, &text, e);
	if (rc < 0)
		return rc;
	pcre2_general_context *memory = pcre2_general_context_create(arena_malloc, arena_free, a);
	struct regex *r = ARENA_NEW(a, struct regex);
	int problem;
	PCRE2_SIZE at;
	r->code = pcre2_compile((PCRE2_SPTR)text.data, text.len,
		PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_NO_AUTO_CAPTURE,
		&problem, &at, pcre2_compile_context_create(memory));
	if (!r->code) {
		char why[120];
		pcre2_get_error_message(problem, (PCRE2_UCHAR *)why, sizeof(why));
		return err_set(e, ERR_CONFIG, "the pattern %.*s: %s", STR_FMT(utf8_clip(pattern, 200)), why);
	}
	r->limits = pcre2_match_context_create(memory);
	pcre2_set_match_limit(r->limits, REGEX_STEPS);
	pcre2_set_heap_limit(r->limits, REGEX_HEAP_KIB);
	*ret = r;
	return 0;
}

int regex_find(const struct regex *r, struct str text, struct err *e)
{
	pcre2_match_data *match =
		pcre2_match_data_create(1, NULL); /* not of the pattern's arena, which other threads use too */
	if (!match)
		return err_set(e, ERR_TOOBIG, "no memory for a match");
	int rc = pcre2_match(r->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, PCRE2_NO_UTF_CHECK, match, r->limits);
	pcre2_match_data_free(match);
	if (rc >= 0)
		return 1;
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	return err_set(e, ERR_TOOBIG, "a pattern that takes more than %d steps on a text of %zu bytes", REGEX_STEPS, text.n);
}
