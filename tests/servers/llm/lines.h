/* The agents' lines (lines.yaml): lists of texts by path ("answers/left-fraud/who"), and the making of a line from a template.
 * A template: <a|b> is one of the pieces (which may be empty or templates themselves), <NAME> a slot, <#6> six digits as they are said.
 * Read once at start, then immutable. */
#ifndef TAF_LLM_LINES_H
#define TAF_LLM_LINES_H

#include "tests/servers/common/mix.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct texts {
	struct str *v;
	size_t n;
};
/** A named list, in the file's order. */
struct named {
	struct str name;
	struct texts texts;
};
struct named_set {
	struct named *v;
	size_t n;
};
struct kind {
	struct str label; /* as in schemas/labels.yaml */
	bool fraud;
	struct texts words;
	struct named_set slots;
};
struct lines {
	struct arena arena;
	struct named_set all; /* every list by its path, sorted */
	struct named_set hears_left, hears_right;
	struct named_set slots; /* of all kinds of talk */
	struct kind *kinds;
	size_t nkinds;
};

/** Read a file. ERR_CONFIG with its place. */
int lines_read(const char *path, struct lines *ret, struct err *e);
void lines_release(struct lines *l);
/** The list of a path; empty when there is none. */
struct texts lines_get(const struct lines *l, const char *path);
struct texts lines_getf(const struct lines *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Whether `text` holds one of the words; *ret_at (may be NULL) is the place of the last one that is found. */
bool texts_in(struct texts words, struct str text, ptrdiff_t *ret_at);

/** What a template is made with. */
struct maker {
	const struct lines *lines;
	const struct kind *kind; /* may be NULL */
	uint64_t key;            /* of this line: choices */
	uint64_t talk;           /* of this dialogue: values of slots */
	const struct str *said;  /* what was said so far: a slot keeps the value that stands in there */
	size_t nsaid;
	const struct named_set *own; /* slots of this one line, taken as they are; may be NULL */
};
void make_line(struct buf *b, const struct maker *m, struct str template);
/** One of a list, by the key and `nth` (lines of the same list follow each other before one comes again). Nothing for an empty list. */
void make_one(struct buf *b, const struct maker *m, struct texts list, uint64_t order, size_t nth);

#endif
