#include "core/note_rules.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "io/text.h"

#include <stdio.h>

#define LATIN_WORD 2 /* what a Latin word counts beside Chinese characters */
#define SHARE_MIN 10 /* letters below which a share of Chinese ones says nothing, unless it is none at all */

static void tell_words(const struct note_check *c, const char *rule, struct str words)
{
	c->tell(c->arg, &(struct note_fault){.rule = rule, .words = words, .turn = -1});
}

static void tell_number(const struct note_check *c, const char *rule, int64_t value, int64_t limit, const char *unit)
{
	c->tell(c->arg, &(struct note_fault){.rule = rule, .value = value, .limit = limit, .unit = unit, .turn = -1});
}

static void check_controls(const struct note_check *c, struct str text)
{
	uint32_t cp;
	for (struct str rest = text; utf8_next(&rest, &cp);) {
		char name[16];
		if ((cp >= 0x20 && cp != 0x7F && cp != 0xFFFD) || cp == '\n' || cp == '\t' || cp == '\r')
			continue;
		snprintf(name, sizeof name, "U+%04X", (unsigned)cp);
		tell_words(c, "markup", str_of(name));
		return;
	}
}

/** Chinese characters in percent of what is read; -1 when there is too little to say. */
static int64_t han_percent(struct str text)
{
	int64_t han = 0, other = 0;
	bool in_word = false;
	uint32_t cp;
	for (struct str rest = text; utf8_next(&rest, &cp);) {
		bool latin = (cp | 0x20) >= 'a' && (cp | 0x20) <= 'z';
		if (utf8_is_han(cp))
			han++;
		else if (latin)
			other += in_word ? 0 : LATIN_WORD;
		else if (cp > 0x7F && text_class(cp) == 'L')
			other++;
		in_word = latin;
	}
	if (han + other == 0 || (han > 0 && han + other < SHARE_MIN))
		return -1;
	return 100 * han / (han + other);
}

/** What holds for thinking and reason: `ret_cited` counts the citations of turns that exist. */
static int check_text(const struct note_check *c, struct str text, int64_t *ret_cited, struct err *e)
{
	CLEANUP(buf_release) struct buf folded = BUF_INIT;
	CLEANUP(buf_release) struct buf own = BUF_INIT;
	struct citing citing = {c->turns, c->rules->labels, c->a, c->tell, c->arg};
	struct citations cited = {.good = 0};
	int code = phrases_fold(&folded, text, e);
	if (!code)
		code = citations_check(&citing, text, &cited, e);
	if (!code)
		code = phrases_fold(&own, cited.own, e);
	if (code)
		return code;
	struct str markup = phrases_find(c->rules->markup, buf_view(&folded));
	struct str leak = phrases_find(c->rules->leaks, buf_view(&own));
	int64_t han = han_percent(cited.own);
	if (markup.p)
		tell_words(c, "markup", markup);
	check_controls(c, text);
	if (leak.p)
		tell_words(c, "leak", leak);
	if (han >= 0 && han < c->rules->han_percent)
		tell_number(c, "non_chinese", han, c->rules->han_percent, "percent");
	*ret_cited = cited.good;
	return 0;
}

static int64_t characters(struct str text)
{
	int64_t n = 0;
	uint32_t cp;
	for (struct str rest = text; utf8_next(&rest, &cp);)
		n += !utf8_is_space(cp);
	return n;
}

int note_thinking(const struct note_check *c, struct str text, struct err *e)
{
	int64_t n = characters(text), cited = 0;
	if (n < c->rules->min_thinking)
		tell_number(c, "thinking_short", n, c->rules->min_thinking, "characters");
	if (n > c->rules->max_thinking)
		tell_number(c, "thinking_long", n, c->rules->max_thinking, "characters");
	int code = check_text(c, text, &cited, e);
	if (!code && cited < c->rules->min_citations)
		tell_number(c, "no_citation", cited, c->rules->min_citations, "citations");
	return code;
}

int note_reason(const struct note_check *c, struct str text, struct err *e)
{
	int64_t cited;
	return check_text(c, text, &cited, e);
}
