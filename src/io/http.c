#include "io/http.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "io/http_ends.h"
#include "io/http_facts.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADERS_MAX ((size_t)64 << 10) /* bytes of the headers of one exchange, interim replies and trailers too */
#define HEADER_LINES 64                /* that a request may have */
#define BODY_KEEP ((size_t)64 << 10)   /* a reply buffer up to this size is used again */
#define EVENTS 256                     /* taken from epoll at a time */
#define SWEEP_US 250000                /* how often exchanges are looked at for a stall */
#define KEEPALIVE_S 60 /* TCP keep-alive: a model may think for minutes, and routers forget silent connections */

/* One curl multi handle looks for a free connection by walking through all it has to that server, so the cost of a request grows with what is in
 * flight. Exchanges are spread over several handles, the first filled first so that few requests use few connections. */
#define SHARD_IN_FLIGHT 128
#define SHARDS_MAX 64
/* Connections a shard keeps: twice what is in flight, so that two servers that share it do not close each other's. */
#define SHARD_CONNECTIONS (2L * SHARD_IN_FLIGHT)

struct shard {
	struct http *http;
	uint32_t index;
	CURLM *multi;
	struct list idle; /* slots that were used before, with their easy handle */
	int in_flight;
	int64_t due_us; /* when curl wants to be called; INT64_MAX: not */
	bool looked_at; /* something happened: curl may have messages */
};

/* An exchange, and the easy handle that carries one after the other. */
struct slot {
	struct list link; /* in http.active, http.refused or shard.idle */
	struct shard *shard;
	CURL *easy;
	void (*done)(void *arg, struct http_reply *reply);
	void *arg;
	struct curl_slist lines[HEADER_LINES + 1]; /* point into the request, which outlives the exchange */
	struct http_reply reply;
	size_t reply_max, header_bytes;
	bool too_long, headers_broken, headers_whole;
	int sends; /* how often curl wanted to send the request */
	int64_t began_us;
	/* Stall: when the reply last came fast enough, and what came since the present window began. */
	int64_t stall_bytes_s, stall_us, fast_us, window_us, window_bytes;
	char words[CURL_ERROR_SIZE];
};

/* A descriptor in the epoll set. Ours stay in it while their connection is idle: a request on a warm connection costs no epoll_ctl. */
struct watch {
	uint32_t in_set, wanted; /* EPOLLIN, EPOLLOUT; in_set 0: not there */
	bool ours;               /* we are told when it is closed */
};

enum { LOOP_RUNS, LOOP_SLEEPS, LOOP_POKED };

struct http {
	struct http_hooks hooks;
	struct shard *shards;
	uint32_t nshards;
	CURLSH *share; /* names and TLS sessions, for all shards */
	bool ca_file;  /* the system's certificates are one file, which curl can keep in memory */
	int epoll, event;
	struct watch *watches; /* by descriptor */
	size_t nwatches;
	struct list active, refused; /* refused: ended before they began; `done` is still to be called */
	int64_t sweep_us;
	pthread_t thread;
	pthread_t self; /* the same, set and read by the loop alone */
	bool ending;    /* the loop's */
	atomic_int state;
	atomic_bool cancel, end;
};

/* --- Ends --- */

static struct http_course course_of(const struct slot *s, CURLcode code)
{
	return (struct http_course){.easy = s->easy,
		.code = (int)code,
		.sends = s->sends,
		.too_long = s->too_long,
		.headers_broken = s->headers_broken,
		.headers_whole = s->headers_whole,
		.words = s->words};
}

/* --- What curl calls while a reply comes --- */

static void came(struct slot *s, size_t n)
{
	if (s->stall_us == 0 && s->reply.first_us != 0)
		return;
	int64_t now = clock_us();
	if (s->reply.first_us == 0) {
		s->reply.first_us = now - s->began_us;
		s->fast_us = s->window_us = now;
		s->window_bytes = 0;
	}
	if (now - s->window_us >= 1000000) {
		s->window_us = now;
		s->window_bytes = 0;
	}
	s->window_bytes += (int64_t)n;
	if (s->window_bytes >= s->stall_bytes_s)
		s->fast_us = now;
}

/* A line at a time. Interim replies (1xx) come with their own status line before the last one's. */
static size_t header_came(char *p, size_t size, size_t n, void *arg)
{
	struct slot *s = arg;
	struct str line = str_n(p, size * n);
	came(s, line.n);
	s->header_bytes += line.n;
	if (s->header_bytes > HEADERS_MAX) {
		s->headers_broken = true;
		return 0;
	}
	bool blank = str_trim(line).n == 0;
	if (s->headers_whole && !str_starts(line, "HTTP/"))
		return line.n; /* a trailer */
	if (str_starts(line, "HTTP/"))
		memset(&s->reply.facts, 0, sizeof(s->reply.facts));
	else if (!blank)
		http_facts_take(&s->reply.facts, line);
	s->headers_whole = blank;
	return line.n;
}

static size_t body_came(char *p, size_t size, size_t n, void *arg)
{
	struct slot *s = arg;
	size_t bytes = size * n;
	came(s, bytes);
	if (bytes > s->reply_max - s->reply.body.len) {
		s->too_long = true;
		return 0;
	}
	buf_add(&s->reply.body, p, bytes);
	return bytes;
}

/* curl would send a request again when a connection that was used before breaks without a word of reply, up to five times. The server may have worked
 * on it, and be paid: whether to ask again is the caller's decision, who counts attempts and keeps to the limits. */
static int about_to_send(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct slot *s = arg;
	(void)ip, (void)local_ip, (void)port, (void)local_port;
	if (s->sends++ > 0)
		return CURL_PREREQFUNC_ABORT;
	s->reply.sent_us = clock_us() - s->began_us;
	return CURL_PREREQFUNC_OK;
}

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

/* --- Slots --- */

static void set_up_easy(struct http *h, struct slot *s)
{
	CURL *c = s->easy;
	const char *certificates = getenv("SSL_CERT_FILE"); /* as OpenSSL has it: a company's own certificate authority */
	curl_easy_setopt(c, CURLOPT_PRIVATE, s);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->words);
	curl_easy_setopt(c, CURLOPT_SHARE, h->share);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L); /* given up while its name is looked up: do not wait for that thread */
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	/* Over HTTP/2 all requests would share a few connections: one loss breaks or delays a hundred, and curl takes more time for each. */
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	curl_easy_setopt(c, CURLOPT_USERAGENT, "taf/" TAF_VERSION);
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (certificates && certificates[0])
		curl_easy_setopt(c, CURLOPT_CAINFO, certificates);
	if (h->ca_file) /* curl keeps the certificates of a file between connections, those of a folder it reads anew each time */
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, header_came);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, body_came);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, about_to_send);
	curl_easy_setopt(c, CURLOPT_PREREQDATA, s);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, h);
}

static struct slot *slot_take(struct http *h)
{
	struct shard *shard = h->shards;
	for (uint32_t i = 0; i < h->nshards && shard->in_flight >= SHARD_IN_FLIGHT; i++)
		if (h->shards[i].in_flight < shard->in_flight)
			shard = &h->shards[i];
	struct list *node = list_pop(&shard->idle);
	struct slot *s = node ? LIST_ITEM(node, struct slot, link) : xcalloc(1, sizeof(*s));
	if (!node) {
		list_init(&s->link);
		buf_init(&s->reply.body, 0);
		s->shard = shard;
		s->easy = curl_easy_init();
		ASSERT(s->easy);
		set_up_easy(h, s);
	}
	shard->in_flight++;
	return s;
}

static void slot_free(struct slot *s)
{
	curl_easy_cleanup(s->easy);
	buf_release(&s->reply.body);
	free(s);
}

static void slot_reset(struct slot *s, const struct http_request *q)
{
	struct buf body = s->reply.body;
	memset(&s->reply, 0, sizeof(s->reply));
	s->reply.body = body;
	s->reply.body.max = q->reply_max;
	s->reply_max = q->reply_max;
	s->header_bytes = 0;
	s->too_long = s->headers_broken = s->headers_whole = false;
	s->sends = 0;
	s->began_us = clock_us();
	s->stall_bytes_s = q->stall_bytes_s;
	s->stall_us = q->stall_bytes_s > 0 ? q->stall_s * 1000000 : 0;
	s->words[0] = '\0';
}

/* curl only reads the lines, whatever its types say. "Expect:" without a value: curl sends none, so that no long body waits for a "100 Continue". */
static struct curl_slist *slot_lines(struct slot *s, const char *const *headers)
{
	static char no_expect[] = "Expect:";
	size_t n = 0;
	s->lines[n++].data = no_expect;
	for (; headers && *headers; headers++) {
		ASSERT(n < COUNT_OF(s->lines));
		s->lines[n++].data = (char *)(uintptr_t)*headers;
	}
	for (size_t i = 0; i < n; i++)
		s->lines[i].next = i + 1 < n ? &s->lines[i + 1] : NULL;
	return s->lines;
}

static CURLcode slot_fill(struct slot *s, const struct http_request *q)
{
	CURL *c = s->easy;
	bool post = strcmp(q->method, "POST") == 0;
	ASSERT(post || strcmp(q->method, "GET") == 0);
	if (post) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body.n ? q->body.p : "");
	} else {
		curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, slot_lines(s, q->headers));
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)q->connect_ms);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)q->total_ms);
	/* Refused by its Content-Length, before any of it is read. */
	curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)q->reply_max);
	return curl_easy_setopt(c, CURLOPT_URL, q->url);
}

/* The exchange is over: out of the lists, told, and its slot free for another. */
static void finish(struct slot *s, enum http_end end)
{
	struct http_reply *r = &s->reply;
	long status = 0;
	list_remove(&s->link);
	if (end == HTTP_DONE)
		curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	r->end = end;
	r->status = (int)status;
	r->total_us = clock_us() - s->began_us;
	if (end == HTTP_DONE)
		r->what[0] = '\0';
	s->shard->in_flight--;
	s->done(s->arg, r);
	if (r->body.cap > BODY_KEEP)
		buf_release(&r->body);
	else
		buf_clear(&r->body);
	list_append(&s->shard->idle, &s->link);
}

void http_begin(struct http *h, const struct http_request *q, void (*done)(void *arg, struct http_reply *reply), void *arg)
{
	ASSERT(pthread_equal(pthread_self(), h->self));
	struct slot *s = slot_take(h);
	s->done = done;
	s->arg = arg;
	slot_reset(s, q);
	if (h->ending) {
		s->reply.end = HTTP_CANCELLED;
		list_append(&h->refused, &s->link);
		return;
	}
	CURLcode code = slot_fill(s, q);
	if (code != CURLE_OK) {
		s->reply.end = HTTP_NO_CONNECT;
		struct http_course course = course_of(s, code);
		http_explain(&course, s->reply.what, sizeof(s->reply.what));
		list_append(&h->refused, &s->link);
		return;
	}
	list_append(&h->active, &s->link);
	if (s->stall_us != 0 && h->sweep_us == INT64_MAX)
		h->sweep_us = s->began_us + SWEEP_US;
	CURLMcode rc = curl_multi_add_handle(s->shard->multi, s->easy);
	ASSERT(rc == CURLM_OK);
}

/* --- The loop --- */

static bool take_messages(struct shard *shard)
{
	bool any = false;
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(shard->multi, &left));) {
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode code = m->data.result;
		char *private = NULL;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		struct slot *s = (struct slot *)(void *)private;
		struct http_course course = course_of(s, code);
		enum http_end end = http_end_of(&course);
		if (end != HTTP_DONE)
			http_explain(&course, s->reply.what, sizeof(s->reply.what));
		curl_multi_remove_handle(shard->multi, s->easy);
		finish(s, end);
		any = true;
	}
	return any;
}

/* What `which` holds at this moment: `done` may begin others. */
static void take_all(struct list *which, struct list *ret)
{
	list_init(ret);
	for (struct list *node; (node = list_pop(which));)
		list_append(ret, node);
}

static void finish_refused(struct http *h)
{
	struct list those;
	take_all(&h->refused, &those);
	while (!list_empty(&those)) {
		struct slot *s = LIST_ITEM(those.next, struct slot, link);
		finish(s, s->reply.end);
	}
}

static void give_up(struct slot *s, enum http_end end, const char *what)
{
	curl_multi_remove_handle(s->shard->multi, s->easy);
	snprintf(s->reply.what, sizeof(s->reply.what), "%s", what);
	finish(s, end);
}

static void cancel_active(struct http *h)
{
	struct list those;
	take_all(&h->active, &those);
	while (!list_empty(&those))
		give_up(LIST_ITEM(those.next, struct slot, link), HTTP_CANCELLED, "");
}

/* Stalls are ours, not curl's CURLOPT_LOW_SPEED_TIME: that one runs while the model thinks too, and a slow answer would be paid and thrown away. */
static void sweep(struct http *h, int64_t now)
{
	h->sweep_us = INT64_MAX;
	struct list *next;
	for (struct list *node = h->active.next; node != &h->active; node = next) {
		struct slot *s = LIST_ITEM(node, struct slot, link);
		char what[64];
		next = node->next;
		if (s->stall_us == 0)
			continue;
		h->sweep_us = now + SWEEP_US;
		if (s->reply.first_us == 0 || now - s->fast_us < s->stall_us)
			continue;
		snprintf(what, sizeof(what), "less than %lld bytes/s for %lld s", (long long)s->stall_bytes_s,
			(long long)(s->stall_us / 1000000));
		give_up(s, HTTP_STALL, what);
	}
}

/* Let curl do what is due, and tell what has ended. Whether any has. */
static bool run_due(struct http *h)
{
	bool any = false;
	int64_t now = clock_us();
	int running;
	if (now >= h->sweep_us)
		sweep(h, now);
	for (uint32_t i = 0; i < h->nshards; i++) {
		struct shard *shard = &h->shards[i];
		if (shard->due_us <= now) {
			shard->due_us = INT64_MAX;
			shard->looked_at = true;
			curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		}
		if (shard->looked_at) {
			shard->looked_at = false;
			any |= take_messages(shard);
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

/* Sleep until something happens, and hand it to curl. http_poke() writes to `event` only while we sleep; edge-triggered, it need not be read. */
static void wait_events(struct http *h, int ms)
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
			cancel_active(h);
		finish_refused(h);
		int64_t wake_ms = h->hooks.turn(h->hooks.arg);
		bool again = run_due(h) || !list_empty(&h->refused);
		wait_events(h, again ? 0 : wait_ms(h, wake_ms));
	}
	h->ending = true; /* what `done` begins from now on is cancelled */
	cancel_active(h);
	while (!list_empty(&h->refused))
		finish_refused(h);
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
		curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
		curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
		curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
		curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
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
		for (struct list *node; (node = list_pop(&h->shards[i].idle));)
			slot_free(LIST_ITEM(node, struct slot, link));
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
