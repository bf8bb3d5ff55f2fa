/* Threads that do work which would hold the loop up. A job is the caller's until it is added, the pool's until pool_done() gives it back.
 * The descriptor `wake` is readable when some are done. */
#ifndef TAF_SERVERS_POOL_H
#define TAF_SERVERS_POOL_H

#include "base/err.h"
#include "base/list.h"

#include <pthread.h>
#include <stdatomic.h>

#define POOL_THREADS_MAX 8

struct job {
	struct list node;
	void (*work)(struct job *j); /* in a thread of the pool */
};
struct pool {
	pthread_mutex_t lock;
	pthread_cond_t come;
	struct list todo, done;
	pthread_t threads[POOL_THREADS_MAX];
	int n, wake;
	atomic_bool stop; /* jobs that take long look at it, and end early */
};

int pool_start(struct pool *p, int threads, struct err *e);
void pool_add(struct pool *p, struct job *j);
struct job *pool_done(struct pool *p); /* NULL: none */
/** Waits for jobs that are under way; those that are not begun never are. */
void pool_stop(struct pool *p);

#endif
