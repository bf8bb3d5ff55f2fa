/* How an annotation refers to the call: 第3轮 names the third turn, 「…」 quotes what was said. Pure; memory is the caller's arena. */
#ifndef TAF_CORE_CITATIONS_H
#define TAF_CORE_CITATIONS_H

#include "core/call.h"

/** The turns of a call, ready to be searched. All memory is the arena's. */
struct cited_turns {
	struct str *letters; /* letters and digits alone, folded */
	size_t n;
};
int cited_turns_init(struct arena *a, const struct json *turns, struct cited_turns *ret, struct err *e);

/** What is wrong with a text. */
struct note_fault {
	const char *rule;
	struct str words;     /* that should not be there; p == NULL: numbers */
	int64_t value, limit; /* in `unit` */
	const char *unit;
	int64_t turn; /* it is about, from 0; -1: none */
};
/** What a text is checked against, and who is told. */
struct citing {
	const struct cited_turns *turns;
	const struct labels *labels;
	struct arena *a;
	void (*tell)(void *arg, const struct note_fault *fault);
	void *arg;
};
/** What stands in a text. */
struct citations {
	int64_t good;   /* citations of turns that exist */
	struct str own; /* the text without what it quotes, in the arena */
};
/** Check citations and quotations of `text`; what is wrong is told. A quotation belongs to the citations between it and the quotation before it, else
 * to those of the quotation before; one right behind it counts too; without any it may stand in any turn. In it "…" leaves words out, and
 * punctuation and blanks do not count. A label of the closed sets in 「」 is a name, no quotation. */
int citations_check(const struct citing *c, struct str text, struct citations *ret, struct err *e);

#endif
