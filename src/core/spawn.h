/* Starting a worker process on one end of a socketpair (its descriptor 3), by posix_spawn. */
#ifndef TAF_CORE_SPAWN_H
#define TAF_CORE_SPAWN_H

#include "base/err.h"

#include <sys/types.h>

#define WORKER_FD 3

/** `command`: argv, NULL-terminated; the path is taken as it is. The descriptor returned is ours, non-inheritable. */
int spawn_worker(const char *const *command, pid_t *ret_pid, int *ret_fd, struct err *e);

#endif
