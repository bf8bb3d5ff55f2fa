/* The server: libmicrohttpd driven from this program's own loop (MHD_USE_EPOLL without a thread of its own), all in one thread.
 *
 * A request whose time has not come is suspended and stands in a heap; nothing waits in a thread. Connections are accepted here, not by libmicrohttpd, so that
 * the port can be closed and opened again (--down-for). A connection is reset by connect(2) to AF_UNSPEC, which makes the kernel send a true RST at once;
 * libmicrohttpd then finds the socket dead and lets go of it. */
#ifndef TAF_LLM_SERVER_H
#define TAF_LLM_SERVER_H

#include "tests/servers/llm/reply.h"
#include "tests/servers/llm/stats.h"
#include "tests/servers/llm/timers.h"

#include "base/list.h"

#include <microhttpd.h>

struct server {
	struct switches switches;
	struct agents agents;
	uint64_t seed;
	FILE *log; /* NULL: none */
	bool log_bodies, log_dirty;
	bool stopping; /* nothing is suspended any more */
	struct stats stats;
	struct seen seen;
	struct meter requests, tokens; /* the limits */
	uint64_t next_id;
	int64_t switched_ms; /* what --down-from counts from */
	struct MHD_Daemon *daemon;
	struct timers timers;
	struct list exchanges;
	int holder, listener, poll, signals; /* descriptors; -1: none. `holder` keeps the port while the listener is closed */
	int port;
};

enum state { STATE_BODY, STATE_WAITING, STATE_HELD, STATE_READY, STATE_SENT, STATE_GONE };

/** A request from its first header to the end of its reply. */
struct exchange {
	struct timer timer; /* first */
	struct list node;
	struct server *server;
	struct MHD_Connection *connection;
	int fd;
	enum state state;
	bool watched, suspended, too_big;
	struct buf body, reply;
	/* the plan */
	bool chat; /* counts as a chat request */
	int status;
	const char *type;
	enum carried carried;
	int64_t delay_ms, retry_ms; /* retry_ms < 0: no Retry-After */
	struct reply made;
	/* accounting */
	uint64_t digest;
	uint32_t attempt;
	bool admitted, counted;
	int64_t admitted_ms, charged; /* tokens taken from the allowance when it was let in */
	int64_t tokens_in;
	size_t sent, cut; /* bytes of the body given to libmicrohttpd; where a broken body breaks */
};

/** Listen on 127.0.0.1 (port 0: a free one). */
int server_start(struct server *s, int port, struct err *e);
/** Serve until SIGTERM or SIGINT. */
void server_run(struct server *s);
void server_stop(struct server *s);

/* --- chat.c --- */
/** Decide what becomes of a chat request: status, body, failure, delay. */
void chat_plan(struct exchange *x, const char *authorization);
/** The reply is about to go: tokens are charged by what was used. */
void chat_leaves(struct exchange *x);
/** It has gone (`whole`) or failed. */
void chat_done(struct exchange *x, bool whole);
/** x-ratelimit-… and Retry-After. */
void chat_headers(const struct exchange *x, struct MHD_Response *response);
/** Limits anew, by the switches. */
void chat_limits(struct server *s);

#endif
