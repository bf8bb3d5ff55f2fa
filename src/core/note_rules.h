/* What the texts of an annotation must be like: qa checks them with it, and annotate asks for another answer where a model's would not pass.
 * Pure; memory is the caller's arena. */
#ifndef TAF_CORE_NOTE_RULES_H
#define TAF_CORE_NOTE_RULES_H

#include "core/citations.h"
#include "core/phrases.h"

struct note_rules {
	const struct labels *labels;
	const struct phrase_list *leaks, *markup;
	int64_t min_thinking, max_thinking; /* characters without blanks */
	int64_t min_citations;              /* of a thinking */
	int64_t han_percent; /* smallest share of Chinese characters; a Latin word counts as two; quoted words do not count */
};
struct note_check {
	const struct note_rules *rules;
	const struct cited_turns *turns;
	struct arena *a;
	/** Told of each fault, in order. Rules: thinking_short, thinking_long, citation_unknown, quotation_false, markup, leak, non_chinese, no_citation. */
	void (*tell)(void *arg, const struct note_fault *fault);
	void *arg;
};
/** ERR_PARSE for a text that is no UTF-8; faults are no error. */
int note_thinking(const struct note_check *c, struct str text, struct err *e);
int note_reason(const struct note_check *c, struct str text, struct err *e);

#endif
