/* The loop thread: its turns, its start and its end. */
#include "io/http_parts.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SHARDS_MAX 64
/* Connections a shard keeps: twice what is in flight, so that two servers that share it do not close each other's. */
#define SHARD_CONNECTIONS (2L * SHARD_IN_FLIGHT)

/* --- The loop --- */

/* Let curl do what is due, and tell what has ended. Whether any has. */
static bool run_due(struct http *h)
{
	bool any = false;
	int64_t now = clock_us();
	int running;
	if (now >= h->sweep_us)
		http_sweep(h, now);
	for (uint32_t i = 0; i < h->nshards; i++) {
		struct shard *shard = &h->shards[i];
		if (shard->due_us <= now) {
			shard->due_us = INT64_MAX;
			shard->looked_at = true;
			curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		}
		if (shard->looked_at) {
			shard->looked_at = false;
			any |= http_take_done(shard);
		}
	}
	return any;
}

static int wait_ms(struct http *h, int64_t wake_ms)
{
	int64_t until = wake_ms < INT64_MAX / 1000 ? wake_ms * 1000 : INT64_MAX;
	until = h->sweep_us < until ? h->sweep_us : until;
	for (uint32_t i = 0; i < h->nshards; i++)
		until = h->shards[i].due_us < until ? h->shards[i].due_us : until;
	if (until == INT64_MAX)
		return -1;
	int64_t ms = (until - clock_us() + 999) / 1000;
	return ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms;
}

/* On the loop thread, which takes no signals: the end of a TLS connection is written to a server that may be gone. */
static void close_shards(struct http *h)
{
	for (uint32_t i = 0; i < h->nshards; i++) {
		curl_multi_cleanup(h->shards[i].multi);
		h->shards[i].multi = NULL;
	}
}

static void *loop_main(void *arg)
{
	struct http *h = arg;
	h->self = pthread_self();
	for (;;) {
		atomic_store(&h->state, LOOP_RUNS); /* before all that a poke may be about is looked at */
		if (atomic_load(&h->end))
			break;
		if (atomic_exchange(&h->cancel, false))
			http_end_active(h);
		http_take_refused(h);
		int64_t wake_ms = h->hooks.turn(h->hooks.arg);
		bool again = run_due(h) || !list_empty(&h->refused);
		http_wait(h, again ? 0 : wait_ms(h, wake_ms));
	}
	h->ending = true; /* what `done` begins from now on is cancelled */
	http_end_active(h);
	while (!list_empty(&h->refused))
		http_take_refused(h);
	close_shards(h);
	return NULL;
}

void http_poke(struct http *h)
{
	uint64_t one = 1;
	if (atomic_exchange(&h->state, LOOP_POKED) == LOOP_SLEEPS && write(h->event, &one, sizeof(one)) < 0)
		ASSERT(errno == EAGAIN); /* full: it is readable anyway */
}

void http_cancel_all(struct http *h)
{
	atomic_store(&h->cancel, true);
	http_poke(h);
}

/* --- Start and end --- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void start_curl(void)
{
	curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int check_curl(struct err *e)
{
	pthread_once(&curl_once, start_curl);
	if (curl_ready != CURLE_OK)
		return err_set(e, ERR_IO, "libcurl does not start: %s", curl_easy_strerror(curl_ready));
	if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS))
		return err_set(
			e, ERR_IO, "this libcurl waits for each name that it looks up: install one with a threaded resolver");
	return 0;
}

static bool ca_is_file(void)
{
	char *path = NULL;
	CURL *c = curl_easy_init();
	ASSERT(c);
	curl_easy_getinfo(c, CURLINFO_CAINFO, &path);
	bool is = path && access(path, R_OK) == 0;
	curl_easy_cleanup(c);
	return is;
}

static int start_shards(struct http *h, int most)
{
	h->share = curl_share_init();
	if (!h->share)
		return -1;
	curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	uint32_t n = ((uint32_t)most + SHARD_IN_FLIGHT - 1) / SHARD_IN_FLIGHT;
	n = n > SHARDS_MAX ? SHARDS_MAX : n;
	h->shards = xcalloc(n, sizeof(*h->shards));
	for (; h->nshards < n; h->nshards++) {
		struct shard *shard = &h->shards[h->nshards];
		*shard = (struct shard){.http = h, .index = h->nshards, .due_us = INT64_MAX, .multi = curl_multi_init()};
		if (!shard->multi)
			return -1;
		list_init(&shard->idle);
		http_sockets_of_shard(shard);
		curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, SHARD_CONNECTIONS);
		curl_multi_setopt(shard->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	}
	return 0;
}

static int start_thread(struct http *h)
{
	sigset_t all, before;
	sigfillset(&all); /* signals are for main; SIGPIPE of a TLS connection for nobody */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errno = pthread_create(&h->thread, NULL, loop_main, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errno == 0 ? 0 : -1;
}

/* The thread is gone or was never there; takes what is half-built. */
static void release(struct http *h)
{
	close_shards(h); /* those of a thread that did not start */
	for (uint32_t i = 0; i < h->nshards; i++)
		http_free_idle(&h->shards[i]);
	curl_share_cleanup(h->share);
	if (h->event >= 0)
		close(h->event);
	if (h->epoll >= 0)
		close(h->epoll);
	free(h->shards);
	free(h->watches);
	free(h);
}

int http_new(const struct http_hooks *hooks, int most, struct http **ret, struct err *e)
{
	ASSERT(most > 0);
	int rc = check_curl(e);
	if (rc < 0)
		return rc;
	struct http *h = xcalloc(1, sizeof(*h));
	h->hooks = *hooks;
	h->sweep_us = INT64_MAX;
	h->ca_file = ca_is_file();
	list_init(&h->active);
	list_init(&h->refused);
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	h->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = (uint32_t)h->event};
	if (h->epoll < 0 || h->event < 0 || epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->event, &event) != 0 ||
		start_shards(h, most) < 0 || start_thread(h) < 0) {
		rc = err_errno(e, "starting the network thread");
		release(h);
		return rc;
	}
	*ret = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	atomic_store(&h->end, true);
	http_poke(h);
	pthread_join(h->thread, NULL);
	release(h);
}

const char *http_version(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}
