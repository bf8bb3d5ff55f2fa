/* The call: names, closed sets and small readers over its JSON form (schemas/call.schema.json).
 * `left` is the fraudster or the service, `right` the user, whoever dialled. */
#ifndef TAF_CORE_CALL_H
#define TAF_CORE_CALL_H

#include "io/json.h"

#define CALL_ID_MAX 120          /* bytes */
#define CALL_TURNS_MAX 2000      /* more is a bad record */
#define CALL_TURN_TEXT_MAX 20000 /* bytes */

/** Percent-encode what is not in [a-z0-9._/+-] (lower-case hex digits), for one part of an id. */
void id_encode(struct buf *b, struct str raw);
/** A whole id: characters and length as above. */
bool id_valid(struct str id);

/* Closed label sets: schemas/labels.yaml, the one file contributors extend. */
struct labels {
	struct str *fraud_types, *scenes;
	size_t nfraud_types, nscenes;
};
/** Read `path` (the data root's schemas/labels.yaml when NULL) into the arena. */
int labels_load(struct arena *a, const char *path, struct labels *ret, struct err *e);
bool labels_is_fraud_type(const struct labels *l, struct str s);
bool labels_is_scene(const struct labels *l, struct str s);

/** "left" or "right" of a turn. */
struct str turn_role(const struct json *turn);
struct str turn_text(const struct json *turn);
/** A new turn {role, text}. */
struct json *turn_new(struct arena *a, const char *role, struct str text);

#endif
