/* The word lists of the template writer (script_remix): stages/enhance/remix.yaml, read once. Every section of the file holds lists; a word is found by
 * its text, the longest first. Immutable after loading: safe from any thread. Lives in the arena it was loaded into.
 * Limits: 1 MiB a file, 20,000 words, LEXICON_LISTS_MAX lists a section (they are bits of a mask). */
#ifndef TAF_PROVIDER_SCRIPT_LEXICON_H
#define TAF_PROVIDER_SCRIPT_LEXICON_H

#include "io/yaml.h"

#define LEXICON_LISTS_MAX 50

enum lexicon_section {
	LEX_NAMES,    /* surname, nick (surnames that follow 小), male, female (given names) */
	LEX_TITLES,   /* male, female, either, service, work */
	LEX_ENTITIES, /* words of one kind, which may be put for each other */
	LEX_KINDS,    /* single: names of lists of entities of which a call has one */
	LEX_REGIONS,  /* cities of a region */
	LEX_TOPICS,   /* cues of what a call is about */
	LEX_ACTS,     /* cues of what a turn does */
	LEX_CUES,     /* opening, farewell, cling, unfit, self */
	LEX_OUTCOMES, /* cues of how it came out */
	LEX_COMMON,   /* pairs: two characters that say nothing of what a call is about */
	LEX_WORDINGS, /* lists without names: the first word is looked for, the others may be put for it */
	LEX_SECTIONS
};

struct lexicon_list {
	struct str name; /* empty in LEX_WORDINGS */
	struct str *v;
	size_t n;
};
struct lexicon_word {
	struct str text;
	enum lexicon_section section;
	int list, at;              /* place in the section, place in the list */
	struct lexicon_word *next; /* in its bucket: longer ones first */
};
struct lexicon {
	struct lexicon_list *lists[LEX_SECTIONS];
	size_t nlists[LEX_SECTIONS];
	struct lexicon_word **buckets;
};

/** Read and check the file. Mistakes are ERR_CONFIG with file, line and column. */
int lexicon_load(struct arena *a, const char *path, struct lexicon *ret, struct err *e);
/** The list of that name in a section, or -1. */
int lexicon_list(const struct lexicon *l, enum lexicon_section section, const char *name);
/** The longest word at the front of `text` of a section, only of list `list` when that is ≥ 0; NULL when there is none. */
const struct lexicon_word *lexicon_at(const struct lexicon *l, enum lexicon_section section, int list, struct str text);
/** The lists of which a word stands anywhere in `text`, as a mask, added to masks[section] for the topics, acts and cues; `outcomes` too. */
void lexicon_masks(const struct lexicon *l, struct str text, uint64_t masks[LEX_SECTIONS]);

#endif
