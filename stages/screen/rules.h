/* screen's rules over text: the lists of rules.yaml, and measures of a turn. Everything is read-only after loading and pure. */
#ifndef TAF_STAGES_SCREEN_RULES_H
#define TAF_STAGES_SCREEN_RULES_H

#include "core/phrases.h"
#include "core/stage.h"

extern const struct stage_ops stage_screen;

struct rules {
	struct phrase_list api_errors, control_signals, words;
};
/** Read rules.yaml into the arena. */
int rules_load(struct arena *a, const char *path, struct rules *ret, struct err *e);

/** A turn made ready to be measured. */
struct measured {
	bool left;
	struct str folded; /* compatibility forms made equal, ASCII letters lowered */
	struct str plain;  /* the same with letters as they were */
	uint64_t *pairs;   /* neighbouring letters and digits, sorted */
	size_t npairs;
	size_t chars;  /* code points without white space */
	size_t spoken; /* letters and digits of any script */
};
/** Invalid UTF-8 is ERR_PARSE. */
int rules_turn(struct arena *a, const struct json *turn, struct measured *ret, struct err *e);

/** The first text of the list that stands in the turn, as an excerpt of it; p == NULL when there is none. */
struct str rules_find(const struct phrase_list *list, const struct measured *t);
/** How alike two turns are, in percent: twice the letter pairs in common by all pairs of both. */
int64_t rules_alike(const struct measured *a, const struct measured *b);

/** A turn by script, and the foreign words in it: runs of a script that is neither Han nor Latin, and words of four or more lower-case Latin
 * letters that are not in rules.yaml. Addresses, codes with digits and one letter repeated count as nothing here. */
struct foreign {
	size_t han;        /* Chinese characters */
	size_t other;      /* letters of other scripts; a Latin word counts as two, about what it takes to say it */
	struct str *words; /* in the arena */
	size_t nwords, cap;
};
void rules_foreign(struct arena *a, const struct rules *r, const struct measured *t, struct foreign *ret);

#endif
