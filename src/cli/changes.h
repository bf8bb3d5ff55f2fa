/* What differs between two JSON trees, leaf by leaf: for `why`, which part of a fingerprint or of an input changed, old → new. */
#ifndef TAF_CLI_CHANGES_H
#define TAF_CLI_CHANGES_H

#include "io/json.h"

#define CHANGE_TEXT_MAX 60 /* terminal columns of a value shown to people */

/** An array of {path, old?, new?}: a side that is absent has none. Array elements are "turns[3].text". At most `max`, then {path: "…"}. */
struct json *changes_between(struct arena *a, const struct json *was, const struct json *is, size_t max);
/** "parameters.min_turns: 4 → 6"; long values cut, absent ones "(none)". Appended. */
void change_text(struct buf *b, const struct json *change);

#endif
