/* JSON Schema: a validator for the keywords that our schemas use; any other keyword is an error when the schema is read, never ignored.
 * Dialect: draft 2020-12. Keywords: $id, $schema, $comment, $defs, $ref (within the document: "#", "#/…"), title, description, default, examples (notes);
 * type, enum, const; multipleOf, minimum, maximum, exclusiveMinimum, exclusiveMaximum; minLength, maxLength (characters), pattern; items, prefixItems,
 * contains, minItems, maxItems, uniqueItems; properties, patternProperties, additionalProperties, propertyNames, required, minProperties, maxProperties;
 * allOf, anyOf, oneOf, not, if, then, else. Proved on the official suite's tests of these keywords (Debian: json-schema-test-suite).
 * A struct schema lives in its arena, is immutable and may be used by any thread. Depth of $ref is limited to SCHEMA_DEPTH. */
#ifndef TAF_CORE_SCHEMA_H
#define TAF_CORE_SCHEMA_H

#include "io/json.h"

#define SCHEMA_DEPTH 100

struct schema;
/** Read a schema. ERR_CONFIG names the place ("#/properties/turns/items") and the keyword that is not known or not well formed. */
int schema_read(struct arena *a, const struct json *document, struct schema **ret, struct err *e);
/** ERR_INVALID says where and what: "turns[3].role: is "middle"; wanted is one of "left", "right"". */
int schema_check(const struct schema *s, const struct json *value, struct err *e);
/** The document it was made from, e.g. for `response_format`. */
const struct json *schema_document(const struct schema *s);

#endif
