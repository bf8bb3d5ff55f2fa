#include "tests/servers/common/pool.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void tell(const struct pool *p)
{
	uint64_t one = 1;
	ssize_t n = write(p->wake, &one, sizeof(one)); /* full: it is readable as it is */
	(void)n;
}

static void *serve(void *arg)
{
	struct pool *p = arg;
	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct list *node = list_pop(&p->todo);
		if (!node) {
			pthread_cond_wait(&p->come, &p->lock);
			continue;
		}
		struct job *j = LIST_ITEM(node, struct job, node);
		pthread_mutex_unlock(&p->lock);
		j->work(j);
		pthread_mutex_lock(&p->lock);
		list_append(&p->done, &j->node);
		tell(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int pool_start(struct pool *p, int threads, struct err *e)
{
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->come, NULL);
	list_init(&p->todo);
	list_init(&p->done);
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake < 0)
		return err_errno(e, "no eventfd");
	for (; p->n < threads && p->n < POOL_THREADS_MAX; p->n++)
		if (pthread_create(&p->threads[p->n], NULL, serve, p) != 0)
			return err_set(e, ERR_IO, "no thread can be started");
	return 0;
}

void pool_add(struct pool *p, struct job *j)
{
	pthread_mutex_lock(&p->lock);
	list_append(&p->todo, &j->node);
	pthread_cond_signal(&p->come);
	pthread_mutex_unlock(&p->lock);
}

struct job *pool_done(struct pool *p)
{
	uint64_t n;
	ssize_t got = read(p->wake, &n, sizeof(n));
	(void)got;
	pthread_mutex_lock(&p->lock);
	struct list *node = list_pop(&p->done);
	pthread_mutex_unlock(&p->lock);
	return node ? LIST_ITEM(node, struct job, node) : NULL;
}

void pool_stop(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->come);
	pthread_mutex_unlock(&p->lock);
	while (p->n > 0)
		pthread_join(p->threads[--p->n], NULL);
	if (p->wake >= 0)
		close(p->wake);
	p->wake = -1;
}
