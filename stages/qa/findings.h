/* Findings of qa's rules, as a verdict holds them. All memory is the record's arena. */
#ifndef TAF_QA_FINDINGS_H
#define TAF_QA_FINDINGS_H

#include "io/json.h"

struct findings {
	struct arena *a;
	struct json *list;
};
/** A finding {rule, value, limit, unit}; what it is about is added to the result. `limit` is in `unit`, as `value` is. */
struct json *finding_number(struct findings *f, const char *rule, int64_t value, int64_t limit, const char *unit);
/** The same where the value is a text; long ones are cut. */
struct json *finding_text(struct findings *f, const char *rule, struct str value, const char *limit);
/** A text that should not be there: limit 0 texts. */
struct json *finding_words(struct findings *f, const char *rule, struct str value);
/** What it is about. */
void finding_turn(struct findings *f, struct json *finding, int64_t turn);
void finding_side(struct findings *f, struct json *finding, const char *side);
void finding_round(struct findings *f, struct json *finding, const char *round);

#endif
