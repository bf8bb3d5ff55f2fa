/* The server: libmicrohttpd driven from this program's own loop (MHD_USE_EPOLL without a thread of its own), all in one thread but for jobs of the pool.
 *
 * A request whose time has not come, or whose job is not done, is suspended; those that wait for a time stand in a heap. Connections are accepted here, not by
 * libmicrohttpd, so that the port can be closed and opened again (--down-for). A connection is reset by connect(2) to AF_UNSPEC, which makes the kernel send a
 * true RST at once; libmicrohttpd then finds the socket dead and lets go of it.
 *
 * What it serves is a `struct service`: it plans a request in the loop and may hand the work to the pool. */
#ifndef TAF_SERVERS_SERVER_H
#define TAF_SERVERS_SERVER_H

#include "tests/servers/common/pool.h"
#include "tests/servers/common/stats.h"
#include "tests/servers/common/timers.h"

#include "base/buf.h"
#include "base/list.h"

#include <microhttpd.h>

#define REQUEST_MAX ((size_t)32 << 20) /* bytes of a body */
#define REPLY_MAX ((size_t)256 << 20)

struct exchange;
struct server;

struct service {
	const char *name;   /* of the program */
	const char *root;   /* behind the host in the URL it tells */
	const char *routes; /* the words of a 404 */
	const char *amount; /* what it counts besides requests: "tokens" */
	const char *model;  /* of /models, unless --models names some */
	const struct switch_set *switches;
	size_t exchange_size; /* of its own struct, which begins with a struct exchange and is zeroed */
	int threads;          /* of the pool; 0: it gives no jobs */
	/** Decide what becomes of a request; `path` is the URL without /v1. False: there is no such route. */
	bool (*plan)(struct exchange *x, const char *path, const char *method);
	void (*made)(struct exchange *x);          /* its job is done; NULL: there are none */
	int64_t (*used)(const struct exchange *x); /* the amount of an answer that goes out; asked once, so it may count */
	void (*log)(const struct exchange *x, struct buf *b); /* members for the line of an answered request */
	void (*stats)(struct server *s, struct arena *a, struct json *to);
	void (*reset)(struct server *s);                                          /* its own counts; may be NULL */
	void (*release)(struct exchange *x);                                      /* may be NULL */
	void (*error)(struct exchange *x, const char *code, const char *message); /* body for x->status; NULL: as OpenAI's */
};

struct server {
	const struct service *service;
	struct switches *switches; /* the service's own struct */
	void *own;                 /* the service's */
	uint64_t seed;
	FILE *log; /* NULL: none */
	bool log_bodies, log_dirty;
	bool stopping; /* nothing is suspended any more */
	struct stats stats;
	struct seen seen;
	struct meter requests, amount; /* the limits */
	uint64_t next_id;
	int64_t start_ms, switched_ms; /* switched_ms: what --down-from counts from */
	struct MHD_Daemon *daemon;
	struct timers timers;
	struct pool pool;
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
	int waits; /* for how many things: its time, its job */
	bool watched, suspended, too_big;
	struct buf body, reply;
	struct job job; /* has `work` when the service gives one */
	/* the plan */
	bool counted; /* as a request of the service */
	int status;
	const char *type;
	enum carried carried;
	int64_t delay_ms, retry_ms; /* retry_ms < 0: no Retry-After */
	/* accounting */
	uint64_t digest, attempt_key;
	uint32_t attempt;
	bool admitted, charged_whole;
	int64_t admitted_ms, charged; /* amount taken from the allowance when it was let in */
	size_t sent, cut;             /* bytes of the body given to libmicrohttpd; where a broken body breaks */
};

/** Listen on 127.0.0.1 (port 0: a free one). */
int server_start(struct server *s, int port, struct err *e);
/** Serve until SIGTERM or SIGINT. */
void server_run(struct server *s);
void server_stop(struct server *s);

#endif
