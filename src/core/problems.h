/* A list of errors with places, so that all errors of a configuration are told at once, by file and line.
 * Owns copies of all it is given. For one thread. Shown are at most PROBLEMS_SHOWN; the rest is counted. */
#ifndef TAF_CORE_PROBLEMS_H
#define TAF_CORE_PROBLEMS_H

#include "core/option.h"

#define PROBLEMS_SHOWN 50

struct problem {
	struct yaml_mark mark; /* line 0: the place is `file` alone (a --set, a missing file); file NULL: no place */
	const char *text;
	bool verbatim; /* the text already holds place, source line and caret (from yaml_parse) */
	size_t order;  /* of arrival */
};
struct problem_source;
struct problems {
	struct problem *v;
	size_t n, cap;
	struct problem_source *sources;
	size_t nsources, sources_cap;
	struct arena arena;
};

#define PROBLEMS_INIT \
	{ \
		.v = NULL, .arena = ARENA_INIT \
	}

void problems_release(struct problems *p);
/** The text of a file that marks point into, so that its lines can be shown. */
void problems_source(struct problems *p, const char *file, struct str text);
void problem_add(struct problems *p, struct yaml_mark mark, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** An error of yaml_parse, whose words already name the place. */
void problem_add_err(struct problems *p, struct yaml_mark mark, const struct err *e);
/** "LEAD 'GOT'; did you mean 'X'?", or the list of what there is when nothing is near. `lead` is like "unknown stage type". */
void problem_unknown(
	struct problems *p, struct yaml_mark mark, const char *lead, struct str got, const struct option_list *known);
/** All of them, sorted by file, line and column, doubles left out. */
void problems_print(const struct problems *p, struct buf *b);
/** As one error of class config: as many as it holds, whole ones; the rest is counted. */
int problems_error(const struct problems *p, struct err *e);

#endif
