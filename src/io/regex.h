/* Patterns of JSON Schema: regular expressions of ECMA-262 (with its flag u), by PCRE2. The only file that includes it is regex.c.
 * A pattern is rewritten before PCRE2 sees it, so that it means what ECMA-262 says; what only one of the two knows is refused: named groups, back
 * references, possessive quantifiers, POSIX classes, verbs, inline flags. Look-behind must have a fixed length.
 * Text is UTF-8; \d, \w and \b are ASCII, \s has the blanks of Unicode.
 * A struct regex lives in its arena, is immutable and may be used by any thread. */
#ifndef TAF_IO_REGEX_H
#define TAF_IO_REGEX_H

#include "base/arena.h"
#include "base/err.h"

#define REGEX_MAX 4096           /* bytes of a pattern */
#define REGEX_STEPS 1000000      /* of matching one text: no pattern may take longer than some 50 ms */
#define REGEX_HEAP_KIB (8 << 10) /* memory of one match */

struct regex;
/** ERR_CONFIG says what is wrong with the pattern, and at which character. */
int regex_new(struct arena *a, struct str pattern, struct regex **ret, struct err *e);
/** Whether the pattern is found anywhere in a valid UTF-8 text: 1, 0, or ERR_TOOBIG when it takes more than REGEX_STEPS. */
int regex_find(const struct regex *r, struct str text, struct err *e);

#endif
