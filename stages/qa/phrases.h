/* leaks.yaml: texts that must not stand in annotations. Read-only after loading. */
#ifndef TAF_QA_PHRASES_H
#define TAF_QA_PHRASES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct phrase_list {
	struct str *v; /* folded */
	size_t n;
};
struct phrases {
	struct phrase_list leaks, markup;
};
/** Read the file into the arena. ERR_CONFIG with its place for what is wrong in it. */
int phrases_load(struct arena *a, const char *path, struct phrases *ret, struct err *e);
/** Compatibility forms made equal, control characters dropped, ASCII letters lowered; appended. Invalid UTF-8 is ERR_PARSE. */
int phrases_fold(struct buf *ret, struct str text, struct err *e);
/** The first phrase of the list that stands in the folded text; p == NULL when there is none. */
struct str phrases_find(const struct phrase_list *list, struct str folded);

#endif
