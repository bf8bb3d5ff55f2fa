/* What this machine lends us: processors, and where the worker program is. */
#ifndef TAF_CLI_MACHINE_H
#define TAF_CLI_MACHINE_H

#include "base/buf.h"
#include "base/err.h"

/** Processors allowed by affinity and by the cgroup's quota (v2 cpu.max, rounded up), at least 1. */
int machine_jobs(void);
/** The quota of a cpu.max text ("200000 100000", "max 100000") in whole processors, rounded up; 0: none. */
int machine_quota(struct str cpu_max);
/** The worker program: $TAF_WORKER, or taf-worker beside this program. With `needed` it must be there. */
int machine_worker(struct buf *ret, bool needed, struct err *e);

#endif
