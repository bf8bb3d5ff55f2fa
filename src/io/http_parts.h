/* What the files of the curl wrapper share: http.c (the loop, its start and end), http_exchange.c (one request and its reply) and http_sockets.c (what curl
 * waits for). Inside io/http*.c only. What is declared here is called on the loop thread, or when that is gone, and so takes no lock. curl's handles are void
 * pointers, for curl's headers are for the .c files alone. Times named _us are of clock_us(). Nothing here fails: what goes wrong is an exchange's end. */
#ifndef TAF_IO_HTTP_PARTS_H
#define TAF_IO_HTTP_PARTS_H

#include "base/list.h"
#include "io/http.h"

#include <pthread.h>
#include <stdatomic.h>

/* One curl multi handle looks for a free connection by walking through all it has to that server, so the cost of a request grows with what is in
 * flight. Exchanges are spread over several handles, the first filled first so that few requests use few connections. */
#define SHARD_IN_FLIGHT 128

struct shard {
	struct http *http;
	uint32_t index;
	void *multi;      /* curl's */
	struct list idle; /* exchanges that are over: their easy handles are used again */
	int in_flight;
	int64_t due_us; /* when curl wants to be called; INT64_MAX: not */
	bool looked_at; /* something happened: curl may have messages */
};

struct watch;
enum { LOOP_RUNS, LOOP_SLEEPS, LOOP_POKED };

struct http {
	struct http_hooks hooks;
	struct shard *shards;
	uint32_t nshards;
	void *share;  /* curl's: names and TLS sessions, for all shards */
	bool ca_file; /* the system's certificates are one file, which curl can keep in memory */
	int epoll, event;
	struct watch *watches; /* by descriptor (http_sockets.c) */
	size_t nwatches;
	struct list active, refused; /* exchanges. refused: ended before they began; `done` is still to be called */
	int64_t sweep_us;
	pthread_t thread;
	pthread_t self; /* the same, set and read by the loop alone */
	bool ending;    /* the loop's */
	atomic_int state;
	atomic_bool cancel, end;
};

/* --- Exchanges (http_exchange.c) --- */
/** Tell those of a shard that curl has done with. Whether there were any. */
bool http_take_done(struct shard *shard);
/** Tell those that ended before they began; those that `done` begins meanwhile are for the next time. */
void http_take_refused(struct http *h);
/** End all that are in flight as HTTP_CANCELLED. */
void http_end_active(struct http *h);
/** End those that have stalled, and set when to look again. */
void http_sweep(struct http *h, int64_t now_us);
/** Of exchanges that are over. */
void http_free_idle(struct shard *shard);

/* --- Sockets (http_sockets.c) --- */
/** Let curl make the sockets of an easy handle, and tell what a shard waits for, by these. */
void http_sockets_of_easy(struct http *h, void *easy);
void http_sockets_of_shard(struct shard *shard);
/** Sleep until something happens, at most `ms` (-1: any time), and hand it to curl. */
void http_wait(struct http *h, int ms);

#endif
