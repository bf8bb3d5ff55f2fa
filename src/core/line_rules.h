/* What a line of a model must be like before it becomes a turn of a call. The lists are in stages/synthesize/line_rules.yaml; the rest is here. Read-only after loading, pure.
 * Each rule has a name, which an error begins with ("placeholder: 'xx'"), so that a failure tells which of them the last draw broke. */
#ifndef TAF_CORE_LINE_RULES_H
#define TAF_CORE_LINE_RULES_H

#include "core/phrases.h"

#define LINE_HANG_UP "##ENDCALL_SIGNAL##" /* said at the end of a line: who speaks hangs up */
#define LINE_REPEAT_PERCENT \
	80 /* likeness to an earlier line (letter pairs in common) from which on it is a repeat: as in screen */
#define LINE_REPEAT_MIN 8 /* letters and digits below which two lines may well be the same ("好的，谢谢，再见") */

struct line_rules {
	struct phrase_list tokens, placeholders, brackets, markup, meta, speakers, question_ends, words;
};
int line_rules_load(struct arena *a, const char *path, struct line_rules *ret, struct err *e);

struct line {
	struct str text; /* what is said: without the signal, blanks and quotation marks around it */
	bool hangs_up;   /* it ended with LINE_HANG_UP */
	bool asks;       /* its last sentence is a question: the other side has to answer */
	uint64_t *pairs; /* neighbouring letters and digits, sorted: for repeats */
	size_t npairs, spoken;
};
struct line_wants {
	size_t max_chars;        /* code points */
	bool may_hang_up;        /* LINE_HANG_UP is known to the agent at this point */
	bool closing;            /* the last line of its side: it asks nothing */
	const struct line *said; /* the earlier lines of both sides */
	size_t nsaid;
};
/** Take an answer for a line. ERR_INVALID begins with the name of the broken rule: empty, too_long, line_break, token, placeholder, bracket, markup, meta,
 * speaker, both_sides, foreign_word, repeat, hang_up_question, closing_question. The result lives in the arena. */
int line_read(struct arena *a, const struct line_rules *r, const struct line_wants *wants, struct str answer,
	struct line *ret, struct err *e);

#endif
