/* The file of `taf answers export` and `import`: a zip with
 *   answers.jsonl   the first line {"format":"taf-answers","version":1,"taf","dataset"}; a line an answer; the last {"end":true,"answers":N,"objects":N}
 *   objects/<hex>   the sounds that answers name, stored, named by their SHA-256
 * An answer: {"key","draw","model","tokens_in","tokens_out","stage","call","step","asked","request","answer","object"?}: `key` is the digest under which
 * taf looks it up; stage, call and step say who asked. Costs are left out: who imports did not pay them. */
#ifndef TAF_CLI_ANSWERS_H
#define TAF_CLI_ANSWERS_H

#include "core/store.h"
#include "io/json.h"

#define ANSWERS_FORMAT "taf-answers"
#define ANSWERS_VERSION 1
#define ANSWERS_ENTRY "answers.jsonl"
#define ANSWERS_OBJECTS "objects/"
#define ANSWERS_LINE_MAX ((size_t)64 << 20)    /* one answer with its request */
#define ANSWERS_OBJECT_MAX ((size_t)256 << 20) /* one sound */

#endif
