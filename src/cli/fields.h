/* Fields of a call for people to read, leaf by leaf. Control characters do not reach the terminal. One thread. */
#ifndef TAF_CLI_FIELDS_H
#define TAF_CLI_FIELDS_H

#include "base/buf.h"
#include "io/json.h"

/** "  label.is_fraud        true", a leaf a line; turns with one line each; other lists of objects a line of JSON an element. Appended. */
void put_fields(struct buf *b, const struct json *fields);
/** The same, deeper by two columns, texts of several lines on lines of their own: for requests and answers. */
void put_nested(struct buf *b, const struct json *v);

#endif
