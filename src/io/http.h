/* HTTP by libcurl: one loop thread with a curl multi handle, thousands of requests in flight. Only http*.c include curl.
 *
 * Threads: http_new() starts the loop thread, http_free() ends it. Functions marked [loop] may be called only on it, that is from `turn` and `done`;
 * http_poke() from anywhere. Ownership: a request and what it points to belong to the caller until `done`; the reply belongs to the loop and
 * holds during `done` only, but its body may be moved out with TAKE-like buf_move.
 * Security: TLS verified against the system's certificates; http and https only; redirects are not followed (a reply of 3xx comes back as it is);
 * proxies by the usual environment variables (http_proxy, https_proxy, all_proxy, no_proxy). gzip and deflate are taken.
 * A request is sent once: when the connection breaks, even an idle one that the server was just closing, the end is HTTP_RESET and the caller decides.
 * A reply with neither Content-Length nor chunks ends where the connection closes; whether it is whole only its content can tell.
 * A private certificate authority: the environment variable SSL_CERT_FILE, a file of certificates in place of the system's.
 * Limits: a reply over `reply_max` bytes (counted after decompression) ends as HTTP_TOO_LONG; headers over 64 KiB in all as HTTP_BROKEN. */
#ifndef TAF_IO_HTTP_H
#define TAF_IO_HTTP_H

#include "base/buf.h"
#include "base/err.h"

/** How an exchange ended. Everything but HTTP_DONE has no trustworthy status. */
enum http_end {
	HTTP_DONE,       /* a whole reply, of any status */
	HTTP_NO_CONNECT, /* name, route, refused, TLS, proxy */
	HTTP_RESET,      /* the connection broke, before or within the reply */
	HTTP_TIMEOUT,    /* connect_ms or total_ms */
	HTTP_STALL,      /* a reply that has begun, without a second of stall_bytes_s for stall_s seconds */
	HTTP_TOO_LONG,
	HTTP_BROKEN,    /* not HTTP, bad chunks, bad compression, fewer bytes than announced */
	HTTP_CANCELLED, /* http_cancel_all() */
	HTTP_UNTRUSTED  /* the server's certificate does not hold: no retry helps */
};
const char *http_end_name(enum http_end e); /* "no connection", … for people */

struct http_request {
	const char *method; /* "GET", "POST" */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	struct str body;
	int64_t connect_ms, total_ms;
	int64_t stall_bytes_s, stall_s; /* 0: no such limit. Waiting for the first byte is no stall: a model may think */
	size_t reply_max;
};

/** Headers of a reply that limits and parsers look at, as received; empty when absent. */
struct http_facts {
	char content_type[80];
	char retry_after[64], retry_after_ms[32];
	char limit_requests[32], remaining_requests[32], reset_requests[32]; /* x-ratelimit-… */
	char limit_tokens[32], remaining_tokens[32], reset_tokens[32];
	char request_id[80]; /* x-request-id */
};
struct http_reply {
	enum http_end end;
	int status; /* 0 unless HTTP_DONE */
	struct http_facts facts;
	struct buf body;
	int64_t sent_us, first_us, total_us; /* from the start: request sent, first byte, end */
	char what[160];                      /* curl's words, without url or key; empty for HTTP_DONE */
};

struct http;
struct http_hooks {
	/** [loop] Called once a turn of the loop, and when poked: begin requests here. Returns the monotonic time in ms (clock_ms) at which it wants to be
	 * called again, or INT64_MAX. */
	int64_t (*turn)(void *arg);
	void *arg;
};

/** Start the loop. ERR_IO when no thread or descriptor is to be had. `most` is how many exchanges will be in flight at once (connections kept open). */
int http_new(const struct http_hooks *hooks, int most, struct http **ret, struct err *e);
/** Cancels what is in flight (their `done` is called), ends the thread. Takes NULL. */
void http_free(struct http *h);
/** Wake the loop: `turn` will be called soon. Cheap when it is already to be. */
void http_poke(struct http *h);
/** [loop] Begin an exchange; `done` is called on the loop thread, exactly once, never from within this call. */
void http_begin(
	struct http *h, const struct http_request *q, void (*done)(void *arg, struct http_reply *reply), void *arg);
/** Cancel everything in flight, from anywhere (second Ctrl-C). */
void http_cancel_all(struct http *h);
/** Of libcurl, for `taf --version` and logs. */
const char *http_version(void);

#endif
