/* Lists of texts in YAML files (rules, leaks): `key: [text, …]`, several keys a file. Read once at start into an arena, immutable afterwards: any thread may look.
 * Texts are folded: compatibility forms made equal (full width and half width), control characters dropped, ASCII letters lowered. What is searched must be
 * folded in the same way. A file is at most 1 MiB. */
#ifndef TAF_CORE_PHRASES_H
#define TAF_CORE_PHRASES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct phrase_list {
	struct str *v; /* folded */
	size_t n;
};
/** A key of the file, and where its list goes. A key that the file lacks leaves its list as it was. */
struct phrase_key {
	const char *name;
	struct phrase_list *to;
};
/** Read the file into the arena. ERR_CONFIG with its place for what is wrong in it. */
int phrases_load(struct arena *a, const char *path, const struct phrase_key *keys, size_t nkeys, struct err *e);
/** Fold a text; appended. Invalid UTF-8 is ERR_PARSE. */
int phrases_fold(struct buf *ret, struct str text, struct err *e);
/** The first phrase of the list that stands in the folded text; p == NULL when there is none. */
struct str phrases_find(const struct phrase_list *list, struct str folded);
/** Whether the folded text is one of the list. */
bool phrases_have(const struct phrase_list *list, struct str folded);

#endif
