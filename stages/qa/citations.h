/* How an annotation refers to the call: 第3轮 names the third turn, 「…」 quotes what was said. */
#ifndef TAF_QA_CITATIONS_H
#define TAF_QA_CITATIONS_H

#include "stages/qa/findings.h"
#include "stages/qa/qa.h"

/** The turns of a call, ready to be searched. All memory is the arena's. */
struct cited_turns {
	struct str *letters; /* letters and digits alone, folded */
	size_t n;
};
int cited_turns_init(struct arena *a, const struct json *turns, struct cited_turns *ret, struct err *e);

/** What a text is checked against. */
struct citing {
	const struct cited_turns *turns;
	const struct labels *labels;
	struct findings *f;
	const char *round;
};
/** What stands in a text. */
struct citations {
	int64_t good;   /* citations of turns that exist */
	struct str own; /* the text without what it quotes, in the arena of the findings */
};
/** Check citations and quotations of `text`; what is wrong is a finding. A quotation belongs to the citations between it and the quotation before it, else
 * to those of the quotation before; one right behind it counts too; without any it may stand in any turn. In it "…" leaves words out, and
 * punctuation and blanks do not count. A label of the closed sets in 「」 is a name, no quotation. */
int citations_check(const struct citing *c, struct str text, struct citations *ret, struct err *e);

#endif
