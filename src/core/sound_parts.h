/* What the files of the sound executor share: sound.c (its thread: sending, receiving) and sound_worker.c (a worker process from its start to its end, and what
 * becomes of its jobs). Inside core/sound*.c only. All of this is the sound thread's own, but for what is marked; times are clock_ms(). */
#ifndef TAF_CORE_SOUND_PARTS_H
#define TAF_CORE_SOUND_PARTS_H

#include "core/engine_parts.h"

#include <sys/types.h>

#define IN_FLIGHT 2 /* jobs that a worker has at a time */

/** An item or an errand that a worker has. */
struct job {
	int stage;
	int32_t item;
	struct errand *errand; /* instead of an item */
	struct digest key, input;
	const struct json *asks; /* in the job's arena, for the answers */
	struct arena arena;
};
struct worker {
	pid_t pid; /* 0: not started */
	int fd;
	bool ready;
	struct job jobs[IN_FLIGHT]; /* in order of sending */
	int njobs;
	int64_t deadline_ms; /* of the first job */
	struct buf in, out;
	size_t out_at;
};
struct sound {
	struct engine *g;
	pthread_t thread;
	bool started, stop; /* under the engine's lock */
	atomic_bool now;
	int wake; /* eventfd */
	struct worker *workers;
	int n;
	int failures; /* workers in a row that died before READY */
	struct buf setup;
	atomic_int in_flight;
	int64_t turned_ms; /* when the loop last looked at its workers */
};

/* --- Workers (sound_worker.c) --- */
/** Start its process and send SETUP. ERR_IO, or as spawn_worker() has it. */
int worker_start(struct sound *x, struct worker *w, struct err *e);
/** A worker has its time for READY first; each item has its own from when it is the worker's first. */
void worker_deadline(struct sound *x, struct worker *w);
/** The worker's process is gone, or is to go (`hung`: it did not answer in time): its first item is at fault, unless it was killed from outside and this was
 * the first time. */
void worker_end(struct sound *x, struct record *r, struct worker *w, const char *hung);
/** The worker's first job, an item, has ended as `d` says. */
void job_end(struct sound *x, struct record *r, struct worker *w, struct visit_done *d);
/** Take job `at` out of the worker's. */
void job_forget(struct sound *x, struct worker *w, int at);
/** For another worker. */
void job_requeue(struct sound *x, struct job *j);
/** What can go on with this item is for the item threads: this one only talks to workers. */
void job_pass_on(struct sound *x, struct record *r, int32_t item);

#endif
