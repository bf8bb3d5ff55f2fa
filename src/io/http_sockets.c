/* What curl waits for: its sockets in an epoll set, its timers, and the sleep until one of them, or http_poke(), is heard. */
#include "io/http_parts.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256 /* taken from epoll at a time */

/* A descriptor in the epoll set. Ours stay in it while their connection is idle: a request on a warm connection costs no epoll_ctl. */
struct watch {
	uint32_t in_set, wanted; /* EPOLLIN, EPOLLOUT; in_set 0: not there */
	bool ours;               /* we are told when it is closed */
};

/* --- Descriptors --- */

static struct watch *watch_of(struct http *h, int fd)
{
	size_t at = (size_t)fd;
	if (at >= h->nwatches) {
		size_t n = h->nwatches ? h->nwatches : 64;
		while (n <= at)
			n *= 2;
		h->watches = xreallocarray(h->watches, n, sizeof(*h->watches));
		memset(h->watches + h->nwatches, 0, (n - h->nwatches) * sizeof(*h->watches));
		h->nwatches = n;
	}
	return &h->watches[at];
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
	if (fd >= 0)
		*watch_of(arg, fd) = (struct watch){.ours = true};
	return fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
	*watch_of(arg, fd) = (struct watch){0};
	return close(fd);
}

static void watch_set(struct shard *shard, int fd, struct watch *w)
{
	struct http *h = shard->http;
	struct epoll_event event = {.events = w->wanted, .data.u64 = (uint64_t)shard->index << 32 | (uint32_t)fd};
	int op = w->in_set == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	/* The table may be behind the kernel: a child that is about to exec holds a closed descriptor open for a moment. */
	if (epoll_ctl(h->epoll, op, fd, &event) != 0)
		epoll_ctl(h->epoll, op == EPOLL_CTL_ADD ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
	w->in_set = w->wanted;
}

static void watch_drop(struct http *h, int fd, struct watch *w)
{
	epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, NULL);
	w->in_set = w->wanted = 0;
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct shard *shard = arg;
	struct watch *w = watch_of(shard->http, fd);
	(void)easy, (void)socket_arg;
	w->wanted = (what & CURL_POLL_IN && what != CURL_POLL_REMOVE ? (uint32_t)EPOLLIN : 0) |
				(what & CURL_POLL_OUT && what != CURL_POLL_REMOVE ? (uint32_t)EPOLLOUT : 0);
	if (w->wanted != 0 && w->wanted != w->in_set)
		watch_set(shard, fd, w);
	else if (w->wanted == 0 && w->in_set != 0 && !w->ours)
		watch_drop(shard->http, fd, w);
	return 0;
}

static int timer_wanted(CURLM *multi, long ms, void *arg)
{
	struct shard *shard = arg;
	(void)multi;
	shard->due_us = ms < 0 ? INT64_MAX : ms == 0 ? 0 : clock_us() + ms * 1000;
	return 0;
}

void http_sockets_of_easy(struct http *h, void *easy)
{
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, h);
}

void http_sockets_of_shard(struct shard *shard)
{
	curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
	curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
}

/* Sleep until something happens, and hand it to curl. http_poke() writes to `event` only while we sleep; edge-triggered, it need not be read. */
void http_wait(struct http *h, int ms)
{
	struct epoll_event events[EVENTS];
	int state = LOOP_RUNS, running;
	if (ms != 0 && !atomic_compare_exchange_strong(&h->state, &state, LOOP_SLEEPS))
		ms = 0;
	int n = epoll_wait(h->epoll, events, EVENTS, ms);
	for (int i = 0; i < n; i++) {
		int fd = (int)(uint32_t)events[i].data.u64;
		uint32_t index = (uint32_t)(events[i].data.u64 >> 32), what = events[i].events;
		if (fd == h->event)
			continue;
		struct watch *w = watch_of(h, fd);
		if (w->wanted == 0) { /* an idle connection that its server closed: curl will see when it wants to use it */
			if (w->in_set)
				watch_drop(h, fd, w);
			continue;
		}
		h->shards[index].looked_at = true;
		curl_multi_socket_action(h->shards[index].multi, fd,
			(what & EPOLLIN ? CURL_CSELECT_IN : 0) | (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
				(what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
			&running);
	}
}
