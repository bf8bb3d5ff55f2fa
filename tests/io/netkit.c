#include "tests/io/netkit.h"

#include "base/alloc.h"

#include <errno.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- The server --- */

bool net_send(struct net_connection *c, const void *p, size_t n)
{
	const char *at = p;
	while (n > 0) {
		ssize_t k = send(c->fd, at, n, MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

bool net_puts(struct net_connection *c, const char *text)
{
	return net_send(c, text, strlen(text));
}

bool net_reply(struct net_connection *c, const char *head, struct str body)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, body.n);
	buf_str(&b, body);
	return net_send(c, b.data, b.len);
}

bool net_reset(struct net_connection *c)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	return false;
}

bool net_hang(struct net_connection *c)
{
	char room[4096];
	while (recv(c->fd, room, sizeof(room), 0) > 0)
		;
	return false;
}

static struct str header_value(struct str head, const char *name)
{
	struct str line;
	size_t n = strlen(name);
	while (str_line(&head, &line))
		if (line.n > n && line.p[n] == ':' && strncasecmp(line.p, name, n) == 0)
			return str_trim(str_n(line.p + n + 1, line.n - n - 1));
	return str_of(NULL);
}

/* The next request, whole, into c->request and c->body. */
static bool read_request(struct net_connection *c, size_t *used)
{
	memmove(c->buffer.data, c->buffer.data + *used, c->buffer.len - *used);
	buf_truncate(&c->buffer, c->buffer.len - *used);
	*used = 0;
	for (;;) {
		ptrdiff_t end = str_find(buf_view(&c->buffer), STR("\r\n\r\n"));
		if (end >= 0) {
			size_t head = (size_t)end + 4;
			int64_t length = 0;
			str_int(header_value(str_n(c->buffer.data, head), "content-length"), &length);
			if (c->buffer.len >= head + (size_t)length) {
				c->request = str_n(c->buffer.data, head);
				c->body = str_n(c->buffer.data + head, (size_t)length);
				*used = head + (size_t)length;
				return true;
			}
		}
		char room[16384];
		ssize_t n = recv(c->fd, room, sizeof(room), 0);
		if (n <= 0)
			return false;
		buf_add(&c->buffer, room, (size_t)n);
	}
}

static void *serve(void *arg)
{
	struct net_connection *c = arg;
	struct net_server *s = c->server;
	size_t used = 0;
	bool go_on = true;
	while (go_on && read_request(c, &used)) {
		c->nth++;
		atomic_fetch_add(&s->requests, 1);
		go_on = s->script ? s->script(c) : net_reply(c, "200 OK", STR("ok"));
	}
	atomic_fetch_sub(&s->open, 1);
	pthread_mutex_lock(&s->lock);
	close(c->fd);
	c->fd = -1;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void *accept_loop(void *arg)
{
	struct net_server *s = arg;
	for (;;) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0 || atomic_load(&s->stop)) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		struct net_connection *c = xcalloc(1, sizeof(*c));
		c->server = s;
		c->fd = fd;
		c->number = atomic_fetch_add(&s->accepted, 1) + 1;
		int open = atomic_fetch_add(&s->open, 1) + 1;
		if (open > atomic_load(&s->most_open))
			atomic_store(&s->most_open, open);
		buf_init(&c->buffer, BUF_DEFAULT_MAX);
		pthread_mutex_lock(&s->lock);
		c->next = s->connections;
		s->connections = c;
		pthread_mutex_unlock(&s->lock);
		ASSERT(pthread_create(&c->thread, NULL, serve, c) == 0);
	}
}

int net_listen(int *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
	assert_int_equal(listen(fd, 1024), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

void net_start(struct net_server *s, net_script *script, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->script = script;
	s->arg = arg;
	pthread_mutex_init(&s->lock, NULL);
	s->listener = net_listen(&s->port);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/v1/chat", s->port);
	assert_int_equal(pthread_create(&s->thread, NULL, accept_loop, s), 0);
}

void net_stop(struct net_server *s)
{
	atomic_store(&s->stop, true);
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	pthread_mutex_lock(&s->lock);
	for (struct net_connection *c = s->connections; c; c = c->next)
		if (c->fd >= 0)
			shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	for (struct net_connection *c = s->connections, *next; c; c = next) {
		next = c->next;
		pthread_join(c->thread, NULL);
		buf_release(&c->buffer);
		free(c);
	}
	pthread_mutex_destroy(&s->lock);
}

int net_closed_port(void)
{
	int port;
	close(net_listen(&port));
	return port;
}

/* --- The client --- */

static void asked(void *arg, struct http_reply *reply)
{
	struct net_ask *a = arg;
	struct net_client *c = a->client;
	pthread_mutex_lock(&c->lock);
	buf_release(&a->reply.body);
	a->reply = *reply;
	buf_init(&reply->body, 0);
	a->times++;
	c->done++;
	pthread_mutex_unlock(&c->lock);
	if (c->on_done)
		c->on_done(a);
	pthread_mutex_lock(&c->lock); /* only now may the asker go on and free it */
	a->over = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static int64_t client_turn(void *arg)
{
	struct net_client *c = arg;
	atomic_fetch_add(&c->turns, 1);
	pthread_mutex_lock(&c->lock);
	struct net_ask *a = c->first;
	c->first = NULL;
	pthread_mutex_unlock(&c->lock);
	for (struct net_ask *next; a; a = next) {
		next = a->next;
		http_begin(c->http, &a->q, asked, a);
		pthread_mutex_lock(&c->lock);
		c->begun++;
		pthread_cond_broadcast(&c->changed);
		pthread_mutex_unlock(&c->lock);
	}
	return c->on_turn ? c->on_turn(c) : INT64_MAX;
}

void net_client_start(struct net_client *c, int most)
{
	struct err e = ERR_INIT;
	struct http_hooks hooks = {.turn = client_turn, .arg = c};
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->first = NULL;
	c->done = c->begun = 0;
	pthread_mutex_lock(&c->lock); /* the first turn waits here until c->http is set */
	if (http_new(&hooks, most, &c->http, &e) < 0)
		fail_msg("%s", e.text);
	pthread_mutex_unlock(&c->lock);
}

void net_client_stop(struct net_client *c)
{
	http_free(c->http);
	c->http = NULL;
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->changed);
}

void net_ask_init(struct net_ask *a, const char *url)
{
	*a = (struct net_ask){
		.q = {.method = "GET", .url = url, .connect_ms = 20000, .total_ms = 60000, .reply_max = (size_t)1 << 20},
		.reply = {.body = BUF_INIT}};
}

void net_ask_release(struct net_ask *a)
{
	buf_release(&a->reply.body);
}

void net_begin(struct net_client *c, struct net_ask *a)
{
	a->client = c;
	a->over = false;
	pthread_mutex_lock(&c->lock);
	a->next = c->first;
	c->first = a;
	pthread_mutex_unlock(&c->lock);
	http_poke(c->http);
}

void net_wait(struct net_client *c, struct net_ask *a)
{
	pthread_mutex_lock(&c->lock);
	while (!a->over)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

void net_ask(struct net_client *c, struct net_ask *a)
{
	net_begin(c, a);
	net_wait(c, a);
}

void net_is_done(const struct net_ask *a, int status, const char *body)
{
	if (a->reply.end != HTTP_DONE)
		fail_msg("%s: %s", http_end_name(a->reply.end), a->reply.what);
	assert_int_equal(a->reply.status, status);
	assert_string_equal(a->reply.body.data, body);
	assert_string_equal(a->reply.what, "");
	assert_int_equal(a->times, 1);
	assert_true(a->reply.sent_us >= 0 && a->reply.first_us >= a->reply.sent_us);
	assert_true(a->reply.total_us >= a->reply.first_us);
}

void net_is_end(const struct net_ask *a, enum http_end end)
{
	if (a->reply.end != end)
		fail_msg("%s (%s) where %s was due", http_end_name(a->reply.end), a->reply.what, http_end_name(end));
	assert_int_equal(a->reply.status, 0);
	assert_int_equal(a->times, 1);
	if (end != HTTP_CANCELLED)
		assert_true(a->reply.what[0] != '\0');
}
