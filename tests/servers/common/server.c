#include "tests/servers/common/server.h"

#include "tests/servers/common/gate.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 20000
#define ACCEPTS_A_TURN 256
#define EVENTS_A_TURN 256
#define CUT_PAUSE_MS 30 /* so that the first part of a body that is cut off arrives */
#define DRIP_STEP_MS 100
#define LISTEN_BACKLOG 4096

/* ---- Descriptors ---- */

static int bound_socket(int port, struct err *e)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return err_errno(e, "no socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		int rc = err_errno(e, "cannot use port %d of 127.0.0.1", port);
		close(fd);
		return rc;
	}
	return fd;
}

static int watch(const struct server *s, int fd, uint32_t events, void *what)
{
	struct epoll_event ev = {.events = events, .data = {.ptr = what}};
	return epoll_ctl(s->poll, EPOLL_CTL_ADD, fd, &ev);
}

static int open_port(struct server *s, struct err *e)
{
	int fd = bound_socket(s->port, e);
	if (fd < 0)
		return fd;
	if (listen(fd, LISTEN_BACKLOG) < 0 || watch(s, fd, EPOLLIN, &s->listener) < 0) {
		int rc = err_errno(e, "cannot listen on port %d", s->port);
		close(fd);
		return rc;
	}
	s->listener = fd;
	return 0;
}

static void close_port(struct server *s)
{
	if (s->listener >= 0)
		close(s->listener);
	s->listener = -1;
}

static bool is_down(const struct server *s, int64_t now, int64_t *ret_change)
{
	int64_t from = s->switched_ms + (int64_t)(s->switches->down_from_s * 1000);
	int64_t to = from + (int64_t)(s->switches->down_for_s * 1000);
	*ret_change = now < from && to > from ? from : now < to ? to : INT64_MAX;
	return now >= from && now < to;
}

/* The port as --down-from and --down-for want it. Returns when that changes. */
static int64_t tend_port(struct server *s, int64_t now)
{
	int64_t change;
	bool down = is_down(s, now, &change);
	if (down)
		close_port(s);
	else if (s->listener < 0 && open_port(s, NULL) < 0)
		return now + 50;
	return change;
}

/* A true RST, now. SO_LINGER is for kernels that do not know the way by AF_UNSPEC: there libmicrohttpd's close sends it. */
static void cut(int fd)
{
	struct linger now = {.l_onoff = 1};
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	connect(fd, &none, sizeof(none));
}

/* ---- Exchanges ---- */

static void suspend(struct exchange *x)
{
	if (x->suspended)
		return;
	x->suspended = true;
	MHD_suspend_connection(x->connection);
}

static void resume(struct exchange *x)
{
	if (!x->suspended)
		return;
	x->suspended = false;
	MHD_resume_connection(x->connection);
}

static void sleep_until(struct exchange *x, int64_t due_ms)
{
	x->timer.due_ms = due_ms;
	timers_add(&x->server->timers, &x->timer);
	suspend(x);
}

static void stop_watching(struct exchange *x)
{
	if (x->watched)
		epoll_ctl(x->server->poll, EPOLL_CTL_DEL, x->fd, NULL);
	x->watched = false;
}

static struct exchange *exchange_new(struct server *s, struct MHD_Connection *c)
{
	struct exchange *x = xcalloc(1, s->service->exchange_size);
	x->server = s;
	x->connection = c;
	x->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	x->type = "application/json";
	x->status = 200;
	x->retry_ms = -1;
	buf_init(&x->body, REQUEST_MAX);
	buf_init(&x->reply, REPLY_MAX);
	list_append(&s->exchanges, &x->node);
	return x;
}

static void completed(void *cls, struct MHD_Connection *c, void **memory, enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *memory;
	(void)cls;
	(void)c;
	*memory = NULL;
	if (!x)
		return;
	stop_watching(x);
	if (x->counted)
		gate_done(x, why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	if (x->server->service->release)
		x->server->service->release(x);
	list_remove(&x->node);
	buf_release(&x->body);
	buf_release(&x->reply);
	free(x);
}

/* ---- Replies ---- */

/* A body in pieces: dripping, or broken off at `cut`. */
static ssize_t read_piece(void *cls, uint64_t pos, char *to, size_t max)
{
	struct exchange *x = cls;
	bool drips = x->carried == CARRIED_DRIP;
	size_t end = drips ? x->reply.len : x->cut, n = end > x->sent ? end - x->sent : 0;
	(void)pos;
	if (x->state == STATE_GONE)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0 && x->carried == CARRIED_RESET_MID)
		cut(x->fd);
	if (n == 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	int64_t now = clock_ms(), rate = x->server->switches->drip_rate;
	if (drips && x->timer.due_ms > now) {
		sleep_until(x, x->timer.due_ms);
		return 0;
	}
	size_t step = drips ? (size_t)((rate * DRIP_STEP_MS + 999) / 1000) : n;
	n = n < step ? n : step;
	n = n < max ? n : max;
	memcpy(to, x->reply.data + x->sent, n);
	x->sent += n;
	if (drips) /* the time of a piece is what its bytes take at the rate */
		x->timer.due_ms = now + (int64_t)n * 1000 / rate;
	return (ssize_t)n;
}

static ssize_t read_paused(void *cls, uint64_t pos, char *to, size_t max)
{
	struct exchange *x = cls;
	if (x->carried != CARRIED_DRIP && x->sent >= x->cut && x->state != STATE_GONE && x->timer.due_ms == 0) {
		sleep_until(x, clock_ms() + CUT_PAUSE_MS);
		return 0;
	}
	return read_piece(cls, pos, to, max);
}

static struct MHD_Response *make_response(struct exchange *x)
{
	if (x->carried == CARRIED_DRIP || x->carried == CARRIED_TRUNCATE || x->carried == CARRIED_RESET_MID) {
		x->timer.due_ms = 0;
		return MHD_create_response_from_callback(x->reply.len, 4096, read_paused, x, NULL);
	}
	size_t n = x->reply.len;
	return MHD_create_response_from_buffer(
		n, n ? buf_take(&x->reply) : buf_empty, n ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
}

static bool client_left(const struct exchange *x)
{
	char c;
	return recv(x->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static enum MHD_Result deliver(struct exchange *x)
{
	if (x->counted && x->delay_ms > 0 && client_left(x)) /* who died while waiting is answered nothing */
		return MHD_NO;
	if (x->carried == CARRIED_RESET) {
		cut(x->fd);
		return MHD_NO;
	}
	if (x->carried == CARRIED_HANG) {
		x->state = STATE_HELD;
		x->watched = watch(x->server, x->fd, EPOLLRDHUP | EPOLLHUP, x) == 0;
		suspend(x);
		return MHD_YES;
	}
	if (x->counted)
		gate_leaves(x);
	struct MHD_Response *response = make_response(x);
	char id[32];
	snprintf(id, sizeof(id), "req-%012llx", (unsigned long long)++x->server->next_id);
	MHD_add_response_header(response, "Content-Type", x->type);
	MHD_add_response_header(response, "x-request-id", id);
	if (x->counted)
		gate_headers(x, response);
	x->state = STATE_SENT;
	enum MHD_Result r = MHD_queue_response(x->connection, (unsigned)x->status, response);
	MHD_destroy_response(response);
	return r;
}

/* ---- Control ---- */

static void control_reset(struct server *s)
{
	seen_clear(&s->seen);
	gate_limits(s);
	stats_reset(&s->stats, s->switches, clock_ms());
	if (s->service->reset)
		s->service->reset(s);
}

static void control_stats(struct exchange *x)
{
	struct server *s = x->server;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *v = stats_json(&a, &s->stats, s->service->switches, s->service->amount, clock_ms());
	stats_seen(&a, v, &s->stats, &s->seen);
	s->service->stats(s, &a, v);
	json_write_pretty(&x->reply, v);
	buf_putc(&x->reply, '\n');
}

static bool same_limits(const struct switches *a, const struct switches *b)
{
	return a->rpm == b->rpm && a->amount_pm == b->amount_pm && a->window == b->window && a->minute_ms == b->minute_ms &&
		   a->bucket_s == b->bucket_s;
}

static void control_switch(struct exchange *x)
{
	struct server *s = x->server;
	const struct switch_set *set = s->service->switches;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *change = NULL;
	struct switches before = *s->switches;
	struct err e = ERR_INIT;
	if (x->body.len &&
		(json_parse(&a, buf_view(&x->body), &change, &e) < 0 || switches_set_json(set, s->switches, change, &e) < 0)) {
		x->status = 400;
		reply_error(&x->reply, 400, "bad_switch", e.text);
		return;
	}
	if (json_get(change, "down-from") || json_get(change, "down-for")) {
		s->switched_ms = clock_ms();
		tend_port(s, s->switched_ms); /* before the answer to this */
	}
	if (!same_limits(&before, s->switches))
		gate_limits(s);
	if (before.minute_ms != s->switches->minute_ms)
		stats_reset(&s->stats, s->switches, clock_ms());
	json_write_pretty(&x->reply, switches_json(set, &a, s->switches));
	buf_putc(&x->reply, '\n');
}

static void control_models(struct exchange *x)
{
	const struct server *s = x->server;
	const char *names = s->switches->models[0] ? s->switches->models : s->service->model;
	struct str rest = str_of(names), name;
	buf_puts(&x->reply, "{\"object\":\"list\",\"data\":[");
	for (int n = 0; str_split(&rest, ',', &name); n++) {
		buf_puts(&x->reply, n ? ",{\"id\":" : "{\"id\":");
		json_write_string(&x->reply, str_trim(name));
		buf_puts(&x->reply, ",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"taf\"}");
	}
	buf_puts(&x->reply, "]}");
}

static void plan(struct exchange *x, const char *url, const char *method)
{
	struct server *s = x->server;
	bool post = strcmp(method, "POST") == 0, get = strcmp(method, "GET") == 0;
	const char *path = strncmp(url, "/v1/", 4) == 0 ? url + 3 : url;
	if (x->too_big) {
		x->status = 413;
		reply_error(&x->reply, 413, "too_large", "The body is larger than 32 MiB.");
	} else if (get && strcmp(path, "/models") == 0) {
		control_models(x);
	} else if (get && strcmp(url, "/stats") == 0) {
		control_stats(x);
	} else if (post && strcmp(url, "/reset") == 0) {
		control_reset(s);
		buf_puts(&x->reply, "{}\n");
	} else if ((post || get) && strcmp(url, "/switch") == 0) {
		control_switch(x);
	} else if (!s->service->plan(x, path, method)) {
		x->status = 404;
		reply_error(&x->reply, 404, "not_found", s->service->routes);
	}
}

/* After the plan: what is there to wait for? */
static void begin(struct exchange *x)
{
	x->waits = (x->delay_ms > 0) + (x->job.work != NULL);
	x->state = x->waits ? STATE_WAITING : STATE_READY;
	if (x->delay_ms > 0)
		sleep_until(x, clock_ms() + x->delay_ms);
	if (x->job.work) {
		suspend(x);
		pool_add(&x->server->pool, &x->job);
	}
}

static void one_less(struct exchange *x)
{
	if (x->state != STATE_WAITING)
		resume(x); /* a pause within a body */
	else if (--x->waits == 0) {
		x->state = STATE_READY;
		resume(x);
	}
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *c, const char *url, const char *method,
	const char *version, const char *upload, size_t *size, void **memory)
{
	struct exchange *x = *memory;
	int64_t change;
	(void)version;
	if (((const struct server *)cls)->stopping)
		return MHD_NO;
	if (!x) {
		*memory = exchange_new(cls, c);
		return MHD_YES;
	}
	if (x->state == STATE_GONE)
		return MHD_NO;
	if (x->state == STATE_BODY && *size) {
		buf_add(&x->body, upload, *size);
		x->too_big = buf_error(&x->body);
		*size = 0;
		return MHD_YES;
	}
	if (x->state == STATE_BODY) {
		if (is_down(x->server, clock_ms(), &change)) {
			cut(x->fd);
			return MHD_NO;
		}
		plan(x, url, method);
		begin(x);
	}
	return x->state == STATE_READY ? deliver(x) : MHD_YES;
}

/* ---- The loop ---- */

static void connection_changed(
	void *cls, struct MHD_Connection *c, void **memory, enum MHD_ConnectionNotificationCode code)
{
	struct stats *t = &((struct server *)cls)->stats;
	(void)c;
	(void)memory;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		t->connections--;
		return;
	}
	t->connections_total++;
	if (++t->connections > t->connections_peak)
		t->connections_peak = t->connections;
}

static void accept_all(struct server *s)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_in from;
		socklen_t n = sizeof(from);
		int fd = accept4(s->listener, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			clock_sleep_ms(5); /* until connections end */
		if (fd < 0)
			return;
		MHD_add_connection(s->daemon, fd, (struct sockaddr *)&from, n); /* closes it when it cannot */
	}
}

static void fire_timers(struct server *s, int64_t now)
{
	struct timer *due;
	while ((due = timers_due(&s->timers, now)))
		one_less((struct exchange *)(void *)due);
}

static void take_done(struct server *s)
{
	struct job *j;
	while ((j = pool_done(&s->pool))) {
		struct exchange *x = LIST_ITEM(j, struct exchange, job);
		s->service->made(x);
		one_less(x);
	}
}

static int timeout_of(struct server *s, int64_t now, int64_t change)
{
	MHD_UNSIGNED_LONG_LONG mhd = 0;
	int64_t next = timers_next(&s->timers);
	next = next < change ? next : change;
	next = next == INT64_MAX ? 60000 : next > now ? next - now : 0;
	if (MHD_get_timeout(s->daemon, &mhd) == MHD_YES && (int64_t)mhd < next)
		next = (int64_t)mhd;
	return next < 60000 ? (int)next : 60000;
}

void server_run(struct server *s)
{
	struct epoll_event events[EVENTS_A_TURN];
	bool stop = false;
	while (!stop) {
		int64_t now = clock_ms();
		int64_t change = tend_port(s, now);
		if (s->log_dirty)
			fflush(s->log);
		s->log_dirty = false;
		int n = epoll_wait(s->poll, events, EVENTS_A_TURN, timeout_of(s, now, change));
		for (int i = 0; i < n; i++) {
			void *what = events[i].data.ptr;
			if (what == &s->listener) {
				accept_all(s);
			} else if (what == &s->signals) {
				stop = true;
			} else if (what == &s->pool) {
				take_done(s);
			} else if (what != &s->daemon) { /* an exchange that hangs: its client closed */
				struct exchange *x = what;
				stop_watching(x);
				x->state = STATE_GONE;
				resume(x);
			}
		}
		fire_timers(s, clock_ms());
		MHD_run(s->daemon);
	}
}

static void raise_descriptors(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int start_daemon(struct server *s, struct err *e)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, s, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_NOTIFY_COMPLETED, completed, s, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, s, MHD_OPTION_END);
	if (!s->daemon)
		return err_set(e, ERR_IO, "libmicrohttpd does not start");
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || watch(s, info->listen_fd, EPOLLIN, &s->daemon) < 0)
		return err_set(e, ERR_IO, "libmicrohttpd gives no epoll descriptor");
	return 0;
}

int server_start(struct server *s, int port, struct err *e)
{
	struct sockaddr_in at;
	socklen_t n = sizeof(at);
	sigset_t ends;
	raise_descriptors();
	list_init(&s->exchanges);
	s->listener = s->signals = s->holder = s->pool.wake = -1;
	s->poll = epoll_create1(EPOLL_CLOEXEC);
	s->holder = bound_socket(port, e);
	if (s->holder < 0)
		return e->code;
	if (s->poll < 0 || getsockname(s->holder, (struct sockaddr *)&at, &n) < 0)
		return err_errno(e, "no port");
	s->port = ntohs(at.sin_port);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	s->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0 || watch(s, s->signals, EPOLLIN, &s->signals) < 0)
		return err_errno(e, "no signalfd");
	int rc = pool_start(&s->pool, s->service->threads, e); /* its threads leave signals to this one */
	if (rc == 0 && watch(s, s->pool.wake, EPOLLIN, &s->pool) < 0)
		rc = err_errno(e, "no epoll");
	if (rc == 0)
		rc = start_daemon(s, e);
	s->start_ms = s->switched_ms = clock_ms();
	gate_limits(s);
	stats_reset(&s->stats, s->switches, s->switched_ms);
	return rc < 0 ? rc : open_port(s, e);
}

void server_stop(struct server *s)
{
	close_port(s);
	s->stopping = true;
	pool_stop(&s->pool);        /* before what its jobs work on goes */
	timers_release(&s->timers); /* what stands in it is let go below */
	for (struct list *l = s->exchanges.next; l != &s->exchanges; l = l->next) {
		struct exchange *x = LIST_ITEM(l, struct exchange, node);
		stop_watching(x);
		x->state = STATE_GONE;
		resume(x);
	}
	if (s->daemon) {
		MHD_run(s->daemon);
		MHD_stop_daemon(s->daemon);
	}
	seen_clear(&s->seen);
	int *fds[] = {&s->holder, &s->poll, &s->signals};
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
}
