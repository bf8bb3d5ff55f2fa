/* A little TCP server on loopback for tests of what speaks HTTP: a thread per connection, which reads requests and lets the test's script answer,
 * or misbehave. And a client around io/http, to ask from the test's thread and wait. */
#ifndef TAF_TESTS_IO_NETKIT_H
#define TAF_TESTS_IO_NETKIT_H

#include "io/http.h"

#include <pthread.h>
#include <stdatomic.h>

/* --- The server --- */

struct net_connection {
	struct net_server *server;
	int fd;
	int number;         /* of the connection, from 1 */
	int nth;            /* request on this connection, from 1 */
	struct str request; /* line and headers, with the blank line */
	struct str body;
	struct buf buffer;
	pthread_t thread;
	struct net_connection *next;
};
/** Answers one request; false closes the connection. */
typedef bool net_script(struct net_connection *c);

struct net_server {
	int port;
	char url[64];                  /* http://127.0.0.1:PORT/v1/chat */
	atomic_int accepted, requests; /* so far */
	atomic_int open, most_open;    /* connections */
	net_script *script;
	void *arg; /* the script's */
	/* inside */
	int listener;
	pthread_t thread;
	pthread_mutex_t lock;
	struct net_connection *connections;
	atomic_bool stop;
};
/** NULL script: 200 with "ok". Fails the test when it cannot start. */
void net_start(struct net_server *s, net_script *script, void *arg);
void net_stop(struct net_server *s);
/** Send all of it; false when the other side is gone. */
bool net_send(struct net_connection *c, const void *p, size_t n);
bool net_puts(struct net_connection *c, const char *text);
/** A whole reply: `head` is "200 OK" or "429 Too Many Requests\r\nRetry-After: 2". */
bool net_reply(struct net_connection *c, const char *head, struct str body);
/** Close with a reset instead of a proper end. Returns false, for scripts. */
bool net_reset(struct net_connection *c);
/** Wait until the client closes or the server stops: a hang. Returns false. */
bool net_hang(struct net_connection *c);
/** A listening socket of loopback, at a free port. */
int net_listen(int *ret_port);
/** A port of loopback where nobody listens. */
int net_closed_port(void);

/* --- The client --- */

struct net_ask {
	struct http_request q;
	struct http_reply reply; /* its body is ours: net_ask_release() */
	int times;               /* that `done` was called */
	bool over;
	struct net_client *client;
	struct net_ask *next;
};
struct net_client {
	struct http *http;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct net_ask *first; /* to begin */
	int done, begun;
	atomic_long turns;
	void (*on_done)(struct net_ask *a);       /* on the loop thread, may be NULL */
	int64_t (*on_turn)(struct net_client *c); /* may be NULL */
	void *arg;
};
void net_client_start(struct net_client *c, int most);
void net_client_stop(struct net_client *c);
/** A GET with generous limits; change a->q before net_begin(). */
void net_ask_init(struct net_ask *a, const char *url);
void net_ask_release(struct net_ask *a);
void net_begin(struct net_client *c, struct net_ask *a);
void net_wait(struct net_client *c, struct net_ask *a);
/** Begin and wait. */
void net_ask(struct net_client *c, struct net_ask *a);
/** Fails the test unless it was a whole reply with this status and body, told once. */
void net_is_done(const struct net_ask *a, int status, const char *body);
/** Fails the test unless it ended so, told once and with words. */
void net_is_end(const struct net_ask *a, enum http_end end);

#endif
