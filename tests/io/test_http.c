/* io/http against a little server on loopback: what comes back whole, and by which end each kind of trouble is told. */
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/io/netkit.h"

#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- Names: this getaddrinfo stands in for the system's, so that no test asks a name server --- */

static sem_t slow_name;       /* "slow.test" is found when it is posted */
static atomic_int slow_asked; /* lookups that have begun */

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	if (name && strcmp(name, "slow.test") == 0) {
		atomic_fetch_add(&slow_asked, 1);
		sem_wait(&slow_name);
	}
	if (!name || (strcmp(name, "slow.test") != 0 && strcmp(name, "known.test") != 0))
		return EAI_NONAME;
	struct {
		struct addrinfo info;
		struct sockaddr_in address;
	} *made = xcalloc(1, sizeof(*made));
	int64_t port = 0;
	if (service)
		str_int(str_of(service), &port);
	made->address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	made->info = (struct addrinfo){.ai_family = AF_INET,
		.ai_socktype = hints ? hints->ai_socktype : SOCK_STREAM,
		.ai_addrlen = sizeof(made->address),
		.ai_addr = (struct sockaddr *)&made->address};
	*ret = &made->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
	free(info);
}

/* --- Kit --- */

/* One exchange with a server that runs `script`, by a client of its own; `change` (may be NULL) sees the request before. */
static void one(net_script *script, void (*change)(struct http_request *q), struct net_ask *a)
{
	struct net_server s;
	struct net_client c = {0};
	net_start(&s, script, NULL);
	net_client_start(&c, 4);
	net_ask_init(a, s.url);
	if (change)
		change(&a->q);
	net_ask(&c, a);
	net_client_stop(&c);
	net_stop(&s);
}

static void ends_with(net_script *script, void (*change)(struct http_request *q), enum http_end end)
{
	struct net_ask a;
	one(script, change, &a);
	net_is_end(&a, end);
	net_ask_release(&a);
}

static void gives(net_script *script, int status, const char *body)
{
	struct net_ask a;
	one(script, NULL, &a);
	net_is_done(&a, status, body);
	net_ask_release(&a);
}

/* --- Whole replies --- */

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(http_end_name(HTTP_DONE), "done");
	assert_string_equal(http_end_name(HTTP_NO_CONNECT), "no connection");
	assert_string_equal(http_end_name(HTTP_UNTRUSTED), "certificate not trusted");
	assert_true(http_version()[0] >= '7' && strchr(http_version(), '.'));
}

static void test_keep_alive(void **state)
{
	(void)state;
	struct net_server s;
	struct net_client c = {0};
	net_start(&s, NULL, NULL);
	net_client_start(&c, 600);
	for (int i = 0; i < 20; i++) {
		struct net_ask a;
		net_ask_init(&a, s.url);
		net_ask(&c, &a);
		net_is_done(&a, 200, "ok");
		net_ask_release(&a);
	}
	assert_int_equal(s.requests, 20);
	assert_int_equal(s.accepted, 1);
	net_client_stop(&c);
	net_stop(&s);
}

/* What the client sent comes back as the body: headers, then body. */
static bool echo(struct net_connection *c)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_str(&b, c->request);
	buf_str(&b, c->body);
	return net_reply(c, "200 OK", buf_view(&b));
}

static bool has(const struct buf *b, const char *needle)
{
	return str_find(buf_view(b), str_of(needle)) >= 0;
}

static void test_request(void **state)
{
	(void)state;
	struct net_server s;
	struct net_client c = {0};
	CLEANUP(buf_release) struct buf long_body = BUF_INIT;
	for (int i = 0; i < 200000; i++)
		buf_printf(&long_body, "%d,", i);
	assert_true(long_body.len > 1024 * 1024); /* where curl would wait for "100 Continue" */
	net_start(&s, echo, NULL);
	net_client_start(&c, 4);
	const char *const headers[] = {"Authorization: Bearer sk-1", "Content-Type: application/json", NULL};
	struct net_ask a, b, d;
	net_ask_init(&a, s.url);
	a.q.method = "POST";
	a.q.headers = headers;
	a.q.body = buf_view(&long_body);
	a.q.reply_max = 4 << 20;
	net_ask(&c, &a);
	assert_int_equal(a.reply.end, HTTP_DONE);
	assert_true(str_starts(buf_view(&a.reply.body), "POST /v1/chat HTTP/1.1\r\n"));
	assert_true(has(&a.reply.body, "\r\nAuthorization: Bearer sk-1\r\n"));
	assert_true(has(&a.reply.body, "\r\nContent-Type: application/json\r\n"));
	assert_true(has(&a.reply.body, "\r\nAccept-Encoding: gzip, deflate\r\n"));
	assert_true(has(&a.reply.body, "\r\nUser-Agent: taf/"));
	assert_false(has(&a.reply.body, "Expect"));
	assert_true(str_ends(buf_view(&a.reply.body), long_body.data));
	/* The same handle again: nothing of the request before is left. */
	net_ask_init(&b, s.url);
	net_ask(&c, &b);
	assert_int_equal(b.reply.end, HTTP_DONE);
	assert_true(str_starts(buf_view(&b.reply.body), "GET /v1/chat HTTP/1.1\r\n"));
	assert_false(has(&b.reply.body, "Authorization"));
	assert_false(has(&b.reply.body, "Content-"));
	net_ask_init(&d, s.url);
	d.q.method = "POST"; /* of no bytes */
	net_ask(&c, &d);
	assert_true(has(&d.reply.body, "\r\nContent-Length: 0\r\n"));
	assert_int_equal(s.accepted, 1);
	net_ask_release(&a);
	net_ask_release(&b);
	net_ask_release(&d);
	net_client_stop(&c);
	net_stop(&s);
}

/* {"choices":[{"message":{"content":"你好"}}]} */
#define JSON_TEXT "{\"choices\":[{\"message\":{\"content\":\"\xe4\xbd\xa0\xe5\xa5\xbd\"}}]}"
static const unsigned char gzip_bytes[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x4a,
	0xce, 0xc8, 0xcf, 0x4c, 0x4e, 0x2d, 0x56, 0xb2, 0x8a, 0xae, 0x56, 0xca, 0x4d, 0x2d, 0x2e, 0x4e, 0x4c, 0x4f, 0x55,
	0xb2, 0xaa, 0x56, 0x4a, 0xce, 0xcf, 0x2b, 0x49, 0xcd, 0x2b, 0x51, 0xb2, 0x52, 0x7a, 0xb2, 0x77, 0xc1, 0xd3, 0xa5,
	0x7b, 0x95, 0x6a, 0x6b, 0x63, 0x6b, 0x01, 0x36, 0xb1, 0x8d, 0x4f, 0x2e, 0x00, 0x00, 0x00};
static const unsigned char zlib_bytes[] = {0x78, 0xda, 0xab, 0x56, 0x4a, 0xce, 0xc8, 0xcf, 0x4c, 0x4e, 0x2d, 0x56, 0xb2,
	0x8a, 0xae, 0x56, 0xca, 0x4d, 0x2d, 0x2e, 0x4e, 0x4c, 0x4f, 0x55, 0xb2, 0xaa, 0x56, 0x4a, 0xce, 0xcf, 0x2b, 0x49,
	0xcd, 0x2b, 0x51, 0xb2, 0x52, 0x7a, 0xb2, 0x77, 0xc1, 0xd3, 0xa5, 0x7b, 0x95, 0x6a, 0x6b, 0x63, 0x6b, 0x01, 0x92,
	0xe5, 0x12, 0xa5};

static bool send_gzip(struct net_connection *c)
{
	return net_reply(c, "200 OK\r\nContent-Encoding: gzip", str_n((const char *)gzip_bytes, sizeof(gzip_bytes)));
}

static bool send_deflate(struct net_connection *c)
{
	return net_reply(c, "200 OK\r\nContent-Encoding: deflate", str_n((const char *)zlib_bytes, sizeof(zlib_bytes)));
}

static bool send_chunked(struct net_connection *c)
{
	return net_puts(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nchun\r\n") &&
		   net_puts(c, "3;note=x\r\nked\r\n0\r\nX-Request-Id: of-a-trailer\r\n\r\n");
}

static bool send_until_close(struct net_connection *c)
{
	net_puts(c, "HTTP/1.0 200 OK\r\n\r\nall there is");
	return false;
}

static bool send_interim(struct net_connection *c)
{
	return net_puts(c, "HTTP/1.1 103 Early Hints\r\nRetry-After: 77\r\n\r\n") && net_reply(c, "200 OK", STR("after"));
}

static bool send_redirect(struct net_connection *c)
{
	return net_reply(c, "302 Found\r\nLocation: /other", STR("moved"));
}

static bool send_error(struct net_connection *c)
{
	return net_reply(c, "500 Internal Server Error", STR("{\"error\":{\"message\":\"no memory\"}}"));
}

static bool send_empty(struct net_connection *c)
{
	return net_puts(c, "HTTP/1.1 204 No Content\r\n\r\n");
}

static void test_replies(void **state)
{
	(void)state;
	gives(send_gzip, 200, JSON_TEXT);
	gives(send_deflate, 200, JSON_TEXT);
	gives(send_chunked, 200, "chunked");
	gives(send_until_close, 200, "all there is");
	gives(send_interim, 200, "after");
	gives(send_redirect, 302, "moved");
	gives(send_error, 500, "{\"error\":{\"message\":\"no memory\"}}");
	gives(send_empty, 204, "");
}

static bool send_facts(struct net_connection *c)
{
	return net_reply(c,
		"429 Too Many Requests\r\nretry-AFTER: \t 20 \r\nRetry-After: 30\r\nRetry-After-Ms:1500\r\n"
		"CONTENT-TYPE: application/json; charset=utf-8\r\nx-ratelimit-limit-requests: 60\r\n"
		"X-RateLimit-Remaining-Requests: 0\r\nX-Ratelimit-Reset-Requests: 1s\r\nx-ratelimit-limit-tokens: 1000\r\n"
		"x-ratelimit-remaining-tokens: 7\r\nx-ratelimit-reset-tokens: 6m0s\r\nX-Request-ID: a\x1b[31mb\xe4\r\n"
		"x-ratelimit-limit: 9\r\n: no name",
		STR("slow down"));
}

static bool send_long_facts(struct net_connection *c)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_puts(&b, "200 OK\r\nX-Request-Id: ");
	for (int i = 0; i < 3000; i++)
		buf_putc(&b, 'r');
	return net_reply(c, b.data, STR("ok"));
}

static void test_facts(void **state)
{
	(void)state;
	struct net_ask a;
	one(send_facts, NULL, &a);
	net_is_done(&a, 429, "slow down");
	const struct http_facts *f = &a.reply.facts;
	assert_string_equal(f->content_type, "application/json; charset=utf-8");
	assert_string_equal(f->retry_after, "20");
	assert_string_equal(f->retry_after_ms, "1500");
	assert_string_equal(f->limit_requests, "60");
	assert_string_equal(f->remaining_requests, "0");
	assert_string_equal(f->reset_requests, "1s");
	assert_string_equal(f->limit_tokens, "1000");
	assert_string_equal(f->remaining_tokens, "7");
	assert_string_equal(f->reset_tokens, "6m0s");
	assert_string_equal(f->request_id, "a?[31mb?");
	net_ask_release(&a);
	one(send_interim, NULL, &a); /* an interim reply's headers are not the reply's */
	assert_string_equal(a.reply.facts.retry_after, "");
	net_ask_release(&a);
	one(send_chunked, NULL, &a); /* nor are a trailer's */
	assert_string_equal(a.reply.facts.request_id, "");
	net_ask_release(&a);
	one(send_long_facts, NULL, &a);
	net_is_done(&a, 200, "ok");
	assert_int_equal(strlen(a.reply.facts.request_id), sizeof(a.reply.facts.request_id) - 1);
	net_ask_release(&a);
}

/* --- No connection --- */

static void test_no_connection(void **state)
{
	(void)state;
	struct net_client c = {0};
	net_client_start(&c, 4);
	char refused[64];
	snprintf(refused, sizeof(refused), "http://127.0.0.1:%d/", net_closed_port());
	const char *const urls[] = {refused, "http://none.test:8/secret-path", "ftp://127.0.0.1/secret-path",
		"file:///etc/passwd", "gopher://127.0.0.1/secret-path", "http://[secret-path", "",
		"http://127.0.0.1:99999/secret-path", "secret-path:80"};
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct net_ask a;
		net_ask_init(&a, urls[i]);
		net_ask(&c, &a);
		net_is_end(&a, HTTP_NO_CONNECT);
		assert_null(strstr(a.reply.what, "secret"));
		assert_null(strstr(a.reply.what, "none.test"));
		if (i == 0)
			assert_non_null(strstr(a.reply.what, "refused"));
		net_ask_release(&a);
	}
	net_client_stop(&c);
}

/* A name that takes long: others go on meanwhile, its own limit holds, and neither giving up nor the end waits for it. */
static void test_slow_name(void **state)
{
	(void)state;
	struct net_server s;
	struct net_client c = {0};
	struct net_ask slow, quick, known, left;
	char url[96], known_url[96];
	net_start(&s, NULL, NULL);
	net_client_start(&c, 4);
	snprintf(url, sizeof(url), "http://slow.test:%d/", s.port);
	snprintf(known_url, sizeof(known_url), "http://known.test:%d/", s.port);
	net_ask_init(&slow, url);
	slow.q.connect_ms = 300;
	net_begin(&c, &slow);
	net_ask_init(&known, known_url);
	net_ask(&c, &known);
	net_is_done(&known, 200, "ok");
	net_ask_init(&quick, s.url);
	net_ask(&c, &quick);
	net_is_done(&quick, 200, "ok");
	net_wait(&c, &slow);
	net_is_end(&slow, HTTP_TIMEOUT);
	net_ask_init(&left, url);
	net_begin(&c, &left);
	while (atomic_load(&slow_asked) < 2)
		clock_sleep_ms(1);
	net_client_stop(&c);
	net_is_end(&left, HTTP_CANCELLED);
	sem_post(&slow_name); /* the threads of the lookups end, and free what is theirs */
	sem_post(&slow_name);
	clock_sleep_ms(50);
	net_ask_release(&slow);
	net_ask_release(&quick);
	net_ask_release(&known);
	net_stop(&s);
}

/* --- Broken connections and replies --- */

static bool break_before(struct net_connection *c)
{
	return net_reset(c);
}

static bool close_before(struct net_connection *c)
{
	(void)c;
	return false;
}

static bool break_within(struct net_connection *c)
{
	net_puts(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
	clock_sleep_ms(50); /* a reset overtakes what was sent and not read */
	return net_reset(c);
}

static bool close_within_headers(struct net_connection *c)
{
	net_puts(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-");
	return false;
}

static bool close_after_interim(struct net_connection *c)
{
	net_puts(c, "HTTP/1.1 100 Continue\r\n\r\n");
	return false;
}

static bool fewer_bytes(struct net_connection *c)
{
	net_puts(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":");
	return false;
}

static bool fewer_chunks(struct net_connection *c)
{
	net_puts(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
	return false;
}

static bool bad_chunk(struct net_connection *c)
{
	return net_puts(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\nmore\r\n0\r\n\r\n");
}

static bool bad_chunk_end(struct net_connection *c)
{
	return net_puts(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf4\r\nmore\r\n0\r\n\r\n");
}

static bool bad_gzip(struct net_connection *c)
{
	unsigned char bytes[sizeof(gzip_bytes)];
	memcpy(bytes, gzip_bytes, sizeof(bytes));
	memset(bytes + 12, 0xff, 20);
	return net_reply(c, "200 OK\r\nContent-Encoding: gzip", str_n((const char *)bytes, sizeof(bytes)));
}

static bool unknown_encoding(struct net_connection *c)
{
	return net_reply(c, "200 OK\r\nContent-Encoding: sk-secret", STR("?"));
}

static bool bad_length(struct net_connection *c)
{
	return net_puts(c, "HTTP/1.1 200 OK\r\nContent-Length: -sk-secret\r\n\r\n?");
}

static bool not_http(struct net_connection *c)
{
	net_puts(c, "220 mail.example.com ESMTP sk-secret\r\n");
	return false;
}

static bool bad_version(struct net_connection *c)
{
	net_puts(c, "HTTP/9.7 200 sk-secret\r\n\r\n");
	return false;
}

static bool endless_headers(struct net_connection *c)
{
	bool more = net_puts(c, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 100000 && more; i++)
		more = net_puts(c, "X-Again: and again, and again, and again\r\n");
	return false;
}

static bool endless_header(struct net_connection *c)
{
	bool more = net_puts(c, "HTTP/1.1 200 OK\r\nX-Long: ");
	for (int i = 0; i < 100000 && more; i++)
		more = net_puts(c, "and again, and again, and again, and again, and");
	return false;
}

static bool endless_interim(struct net_connection *c)
{
	bool more = true;
	for (int i = 0; i < 100000 && more; i++)
		more = net_puts(c, "HTTP/1.1 100 Continue\r\n\r\n");
	return false;
}

static bool endless_trailers(struct net_connection *c)
{
	bool more = net_puts(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n");
	for (int i = 0; i < 100000 && more; i++)
		more = net_puts(c, "X-Again: and again, and again, and again\r\n");
	return false;
}

static void test_resets(void **state)
{
	(void)state;
	ends_with(break_before, NULL, HTTP_RESET);
	ends_with(close_before, NULL, HTTP_RESET);
	ends_with(break_within, NULL, HTTP_RESET);
	ends_with(close_within_headers, NULL, HTTP_RESET);
	ends_with(close_after_interim, NULL, HTTP_RESET);
}

static void test_broken(void **state)
{
	(void)state;
	static net_script *const scripts[] = {fewer_bytes, fewer_chunks, bad_chunk, bad_chunk_end, bad_gzip, unknown_encoding,
		bad_length, not_http, bad_version, endless_headers, endless_header, endless_interim, endless_trailers};
	for (size_t i = 0; i < COUNT_OF(scripts); i++) {
		struct net_ask a;
		one(scripts[i], NULL, &a);
		if (a.reply.end != HTTP_BROKEN)
			print_error("script %zu\n", i);
		net_is_end(&a, HTTP_BROKEN);
		assert_null(strstr(a.reply.what, "secret"));
		net_ask_release(&a);
	}
}

/* A server that takes the second request of a connection and closes without a word: it may have done the work. Asked once, told as reset. */
static bool close_second(struct net_connection *c)
{
	return c->nth == 1 && net_reply(c, "200 OK", STR("first"));
}

static void test_no_hidden_retry(void **state)
{
	(void)state;
	struct net_server s;
	struct net_client c = {0};
	struct net_ask a, b, d;
	net_start(&s, close_second, NULL);
	net_client_start(&c, 4);
	net_ask_init(&a, s.url);
	net_ask(&c, &a);
	net_is_done(&a, 200, "first");
	net_ask_init(&b, s.url);
	b.q.method = "POST";
	b.q.body = STR("{}");
	net_ask(&c, &b);
	net_is_end(&b, HTTP_RESET);
	assert_int_equal(s.requests, 2);
	net_ask_init(&d, s.url);
	net_ask(&c, &d);
	net_is_done(&d, 200, "first");
	net_ask_release(&a);
	net_ask_release(&b);
	net_ask_release(&d);
	net_client_stop(&c);
	net_stop(&s);
}

/* A connection that the server closed while nobody used it is not used again. */
static bool close_each(struct net_connection *c)
{
	net_reply(c, "200 OK", STR("once"));
	return false;
}

static void test_closed_when_idle(void **state)
{
	(void)state;
	struct net_server s;
	struct net_client c = {0};
	net_start(&s, close_each, NULL);
	net_client_start(&c, 4);
	for (int i = 0; i < 5; i++) {
		struct net_ask a;
		net_ask_init(&a, s.url);
		net_ask(&c, &a);
		net_is_done(&a, 200, "once");
		net_ask_release(&a);
		while (atomic_load(&s.open) > 0)
			clock_sleep_ms(1);
	}
	assert_int_equal(s.accepted, 5);
	net_client_stop(&c);
	net_stop(&s);
}

/* --- Limits --- */

static void small_reply(struct http_request *q)
{
	q->reply_max = 1000;
}

static bool long_told(struct net_connection *c)
{
	net_puts(c, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
	return net_hang(c); /* refused before a byte of it came */
}

static bool long_untold(struct net_connection *c)
{
	bool more = net_puts(c, "HTTP/1.1 200 OK\r\n\r\n");
	for (int i = 0; i < 1000000 && more; i++)
		more = net_puts(c, "0123456789");
	return false;
}

static bool just_fits(struct net_connection *c)
{
	char body[1000];
	memset(body, 'x', sizeof(body));
	return net_reply(c, "200 OK", str_n(body, sizeof(body)));
}

/* Deflate (RFC 1951): one block of fixed codes, a literal, then `repeats` times "258 bytes from 1 back". */
static void deflate_bits(struct buf *b, unsigned *hold, int *held, unsigned bits, int n)
{
	*hold |= bits << *held;
	for (*held += n; *held >= 8; *held -= 8) {
		buf_putc(b, (char)(*hold & 0xff));
		*hold >>= 8;
	}
}

static bool bomb(struct net_connection *c)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	unsigned hold = 0;
	int held = 0;
	buf_add(&b, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
	deflate_bits(&b, &hold, &held, 1 | 1 << 1, 3); /* last block, fixed codes */
	deflate_bits(&b, &hold, &held, 0x89, 8);       /* 'a': code 10010001, from its high bit */
	for (int i = 0; i < 400; i++)
		deflate_bits(&b, &hold, &held, 0xa3, 13); /* 285: 11000101, then distance code 0: 00000 */
	assert_true(b.len < 1000);
	return net_reply(c, "200 OK\r\nContent-Encoding: gzip", buf_view(&b));
}

static void test_too_long(void **state)
{
	(void)state;
	ends_with(long_told, small_reply, HTTP_TOO_LONG);
	ends_with(long_untold, small_reply, HTTP_TOO_LONG);
	ends_with(bomb, small_reply, HTTP_TOO_LONG);
	struct net_ask a;
	one(just_fits, small_reply, &a);
	assert_int_equal(a.reply.end, HTTP_DONE);
	assert_int_equal(a.reply.body.len, 1000);
	net_ask_release(&a);
	one(bomb, NULL, &a); /* unpacked, it is 103,201 bytes and cut off */
	assert_true(a.reply.end == HTTP_BROKEN || (a.reply.end == HTTP_DONE && a.reply.body.len <= 103201));
	net_ask_release(&a);
}

static void short_time(struct http_request *q)
{
	q->total_ms = 200;
}

static void short_stall(struct http_request *q)
{
	q->stall_bytes_s = 50;
	q->stall_s = 1;
}

static bool drip(struct net_connection *c)
{
	bool more = net_puts(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	for (int i = 0; i < 1000 && more; i++) {
		more = net_puts(c, "x");
		clock_sleep_ms(50);
	}
	return false;
}

/* Thinks longer than a stall may take, then answers at once. */
static bool think(struct net_connection *c)
{
	clock_sleep_ms(1700);
	return net_reply(c, "200 OK", STR("thought"));
}

/* As fast as asked for, for longer than a stall may take. */
static bool steady(struct net_connection *c)
{
	bool more = net_puts(c, "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n");
	for (int i = 0; i < 4 && more; i++) {
		clock_sleep_ms(450);
		more = net_puts(
			c, "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789");
	}
	return more;
}

static void test_time(void **state)
{
	(void)state;
	struct net_ask a;
	ends_with(net_hang, short_time, HTTP_TIMEOUT);
	ends_with(drip, short_stall, HTTP_STALL);
	one(think, short_stall, &a);
	net_is_done(&a, 200, "thought");
	net_ask_release(&a);
	one(steady, short_stall, &a);
	assert_int_equal(a.reply.end, HTTP_DONE);
	assert_int_equal(a.reply.body.len, 400);
	net_ask_release(&a);
}

/* --- Proxies --- */

static bool as_proxy(struct net_connection *c)
{
	if (str_starts(c->request, "CONNECT "))
		return net_reply(c, "407 Proxy Authentication Required", STR("who are you?"));
	return str_starts(c->request, "GET http://") ? net_reply(c, "200 OK", STR("by proxy")) : false;
}

/* `words`: the body, or words of why there is none; NULL: any. */
static void ask_in(const char *url, enum http_end end, const char *words)
{
	struct net_client c = {0};
	struct net_ask a;
	net_client_start(&c, 4);
	net_ask_init(&a, url);
	net_ask(&c, &a);
	if (end == HTTP_DONE)
		net_is_done(&a, 200, words);
	else
		net_is_end(&a, end);
	if (end != HTTP_DONE && words && !strstr(a.reply.what, words))
		fail_msg("%s", a.reply.what);
	assert_null(strstr(a.reply.what, "secret"));
	net_ask_release(&a);
	net_client_stop(&c);
}

static void test_proxy(void **state)
{
	(void)state;
	struct net_server proxy, server;
	char address[64];
	net_start(&proxy, as_proxy, NULL);
	net_start(&server, NULL, NULL);
	snprintf(address, sizeof(address), "http://127.0.0.1:%d", proxy.port);
	setenv("http_proxy", address, 1);
	setenv("https_proxy", address, 1);
	ask_in(server.url, HTTP_DONE, "by proxy");
	ask_in("https://known.test/secret", HTTP_NO_CONNECT, NULL);
	assert_int_equal(server.requests, 0);
	assert_int_equal(proxy.requests, 2);
	setenv("no_proxy", "127.0.0.1", 1);
	ask_in(server.url, HTTP_DONE, "ok");
	unsetenv("no_proxy");
	setenv("http_proxy", "odd://user:secret@127.0.0.1:1", 1);
	ask_in(server.url, HTTP_NO_CONNECT, NULL);
	setenv("http_proxy", "http://user:secret@none.test:1", 1);
	ask_in(server.url, HTTP_NO_CONNECT, "proxy");
	snprintf(address, sizeof(address), "http://user:secret@127.0.0.1:%d", net_closed_port());
	setenv("http_proxy", address, 1);
	ask_in(server.url, HTTP_NO_CONNECT, "the proxy of http_proxy, https_proxy or all_proxy");
	setenv("no_proxy", "127.0.0.1", 1); /* what is down is then the server itself */
	snprintf(address, sizeof(address), "http://127.0.0.1:%d/", net_closed_port());
	ask_in(address, HTTP_NO_CONNECT, "Couldn't connect to server: Connection refused");
	unsetenv("no_proxy");
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	assert_int_equal(server.requests, 1);
	net_stop(&proxy);
	net_stop(&server);
}

static int set_up(void **state)
{
	(void)state;
	static const char *const names[] = {
		"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE"};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		unsetenv(names[i]);
	return sem_init(&slow_name, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_slow_name),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_no_hidden_retry),
		cmocka_unit_test(test_closed_when_idle),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_proxy),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
