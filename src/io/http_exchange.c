/* One exchange: the request that curl is given, what it calls while the reply comes, and the end that is told. */
#include "io/http_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "io/http_ends.h"
#include "io/http_facts.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX ((size_t)64 << 10) /* bytes of the headers of one exchange, interim replies and trailers too */
#define HEADER_LINES 64                /* that a request may have */
#define BODY_KEEP ((size_t)64 << 10)   /* a reply buffer up to this size is used again */
#define SWEEP_US 250000                /* how often exchanges are looked at for a stall */
#define KEEPALIVE_S 60 /* TCP keep-alive: a model may think for minutes, and routers forget silent connections */

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
	http_sockets_of_easy(h, c);
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

/* --- Begin and end --- */

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

bool http_take_done(struct shard *shard)
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

void http_take_refused(struct http *h)
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

void http_end_active(struct http *h)
{
	struct list those;
	take_all(&h->active, &those);
	while (!list_empty(&those))
		give_up(LIST_ITEM(those.next, struct slot, link), HTTP_CANCELLED, "");
}

/* Stalls are ours, not curl's CURLOPT_LOW_SPEED_TIME: that one runs while the model thinks too, and a slow answer would be paid and thrown away. */
void http_sweep(struct http *h, int64_t now_us)
{
	h->sweep_us = INT64_MAX;
	struct list *next;
	for (struct list *node = h->active.next; node != &h->active; node = next) {
		struct slot *s = LIST_ITEM(node, struct slot, link);
		char what[64];
		next = node->next;
		if (s->stall_us == 0)
			continue;
		h->sweep_us = now_us + SWEEP_US;
		if (s->reply.first_us == 0 || now_us - s->fast_us < s->stall_us)
			continue;
		snprintf(what, sizeof(what), "less than %lld bytes/s for %lld s", (long long)s->stall_bytes_s,
			(long long)(s->stall_us / 1000000));
		give_up(s, HTTP_STALL, what);
	}
}

static void slot_free(struct slot *s)
{
	curl_easy_cleanup(s->easy);
	buf_release(&s->reply.body);
	free(s);
}

void http_free_idle(struct shard *shard)
{
	for (struct list *node; (node = list_pop(&shard->idle));)
		slot_free(LIST_ITEM(node, struct slot, link));
}
