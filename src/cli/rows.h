/* The rows of a JSON file, one at a time: JSONL, a JSON list, or {"results": …} with a list, or lists by name. The text stays the caller's; each row
 * is parsed into an arena of the caller's. A row is at most 64 MiB (json_parse); the file may be larger. One thread. */
#ifndef TAF_CLI_ROWS_H
#define TAF_CLI_ROWS_H

#include "io/json.h"

#define ROWS_FILE_MAX ((size_t)2 << 30) /* bytes of a file, or of an entry of a zip */

struct rows {
	const char *name; /* for messages */
	struct str rest;
	bool list;         /* else lines */
	int depth;         /* lists that are open: 1, or 2 inside {"results": {…}} */
	size_t line, next; /* of the row last given; where the rest begins */
};

/** `name` decides nothing: the first character does. */
void rows_init(struct rows *r, const char *name, struct str text);
/** The next row: 1, 0 at the end, or ERR_PARSE with "NAME:LINE: …". */
int rows_next(struct rows *r, struct arena *a, struct json **ret, struct err *e);

#endif
