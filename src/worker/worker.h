/* The worker's loop: reads messages (core/message.h) on descriptor 3, works one item at a time, answers. */
#ifndef TAF_WORKER_WORKER_H
#define TAF_WORKER_WORKER_H

#include "core/stage.h"

struct worker_kit {
	const struct stage_registry *registry;
	const struct stage_sound *const *sounds; /* NULL-terminated */
	/** Libraries of the process; may be NULL. */
	int (*begin)(struct err *e);
};

/** Until the other end closes. Returns the exit status. */
int worker_main(const struct worker_kit *kit, int fd);
/** Keys name the libraries that taf was built with: others may make other bytes under the same key. ERR_CONFIG unless `runs` (names and versions, as the
 * library tells) holds the version `built`, whole; "unknown": the build could not tell. */
int worker_same_library(const char *runs, const char *built, struct err *e);

#endif
