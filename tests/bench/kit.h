/* What the measurements share: a pipeline of stages that do nothing, over calls of a real call's size, and the line each ends with. */
#ifndef TAF_BENCH_KIT_H
#define TAF_BENCH_KIT_H

#include "core/engine.h"

#define BENCH_CALLS 28511 /* the calls of TeleAntiFraud-28k */

struct bench {
	char dir[256];
	int calls, maps;
	const char *const *sets; /* NULL-terminated, or NULL */
	struct run_status status;
};

/** A scratch folder with `calls` calls of 430 Chinese characters and a pipeline: a source, `maps` map stages that do nothing, a list of all. */
void bench_begin(struct bench *b, int calls, int maps);
void bench_end(struct bench *b);
/** Run it; seconds. Exits with words when it fails. */
double bench_run(struct bench *b);
/** Run it in a process of its own (a bench program calls bench_child first in main): seconds as whole process, and its peak memory in MB. */
double bench_process(struct bench *b, double *ret_mb);
int bench_child(int argc, char **argv);        /* ≥ 0: exit with it */
int64_t bench_computed(const struct bench *b); /* of all stages of the last bench_run */
int64_t bench_cached(const struct bench *b);
void bench_path(const struct bench *b, char *ret, size_t n, const char *name);
void bench_append(const struct bench *b, const char *name, const char *text, bool fresh);
_Noreturn void bench_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** "bench: NAME value=V target=T pass|short". */
void bench_line(const char *name, double value, const char *unit, double target, bool at_most);
double bench_now(void); /* seconds */

#endif
