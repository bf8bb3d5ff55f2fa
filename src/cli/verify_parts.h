/* What the two halves of `taf verify` share. Owned by the command; one thread. */
#ifndef TAF_CLI_VERIFY_PARTS_H
#define TAF_CLI_VERIFY_PARTS_H

#include "io/json.h"

#define VERIFY_SHOWN 50 /* problems told in full; the rest is counted */

struct verify {
	struct arena arena;
	struct json *bad; /* array of texts */
	int64_t nbad, files, bytes, calls, orphans;
};

/** Count something that is wrong. */
void verify_bad(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A release folder. Negative only when it cannot be looked at at all. */
int verify_release(struct verify *v, const char *folder, struct err *e);

#endif
