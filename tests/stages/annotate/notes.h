/* Whether annotations are what they must be: for tests of annotate. */
#ifndef TAF_TESTS_ANNOTATE_NOTES_H
#define TAF_TESTS_ANNOTATE_NOTES_H

#include "io/json.h"

struct notes_count {
	size_t rounds, quotes, without_quote; /* without_quote: thinkings that cite no words */
	size_t shortest, longest;             /* characters of a thinking */
};
/** What is wrong with the annotations of a call (`wrote`: what the stage wrote), in words; NULL when all is well.
 * Citations are looked up in the turns; label and answers must agree; nothing may stand in the texts that tells the answer was given. */
const char *notes_problem(struct arena *a, const struct json *call, const struct json *wrote, struct notes_count *count);

#endif
