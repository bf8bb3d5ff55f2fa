/* The account against a small server on loopback: threads that ask, and what they get when it is slow, down, refusing, stopped or too dear. */
#include "base/alloc.h"
#include "base/clock.h"
#include "core/account.h"
#include "tests/io/netkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LOG_MAX 4096
#define CHANGES_MAX 32

/* One account, its server and what both saw. */
struct kit {
	struct net_server server;
	struct accounts *all;
	struct account *account;
	struct budget budget;
	char url[64];
	/* the server's script */
	atomic_bool dead, held;     /* it resets connections; it holds replies back */
	_Atomic(const char *) head; /* of its replies */
	pthread_mutex_t lock;
	char log[LOG_MAX][16]; /* bodies in the order of arrival */
	int nlog;
	char changes[CHANGES_MAX][400];
	int nchanges;
};

static bool serve(struct net_connection *c)
{
	struct kit *k = c->server->arg;
	if (k->dead)
		return net_reset(c);
	pthread_mutex_lock(&k->lock);
	if (k->nlog < LOG_MAX)
		snprintf(k->log[k->nlog++], sizeof(k->log[0]), "%.*s", STR_FMT(c->body));
	pthread_mutex_unlock(&k->lock);
	while (k->held && !k->server.stop)
		clock_sleep_ms(2);
	if (str_starts(c->body, "fail"))
		return net_reply(c, "500 Internal Server Error", STR("no"));
	return net_reply(c, k->head, STR("ok"));
}

static void on_change(void *arg, const char *account, const char *words)
{
	struct kit *k = arg;
	ASSERT(str_starts(str_of(account), "writer"));
	pthread_mutex_lock(&k->lock);
	if (k->nchanges < CHANGES_MAX)
		snprintf(k->changes[k->nchanges++], sizeof(k->changes[0]), "%s", words);
	pthread_mutex_unlock(&k->lock);
}

static void kit_start(struct kit *k, const struct account_config *c)
{
	memset(k, 0, sizeof(*k));
	k->head = "200 OK";
	pthread_mutex_init(&k->lock, NULL);
	budget_init(&k->budget);
	net_start(&k->server, serve, k);
	snprintf(k->url, sizeof(k->url), "http://127.0.0.1:%d/chat", k->server.port);
	k->all = accounts_new(&k->budget, on_change, k);
	k->account = account_add(k->all, c);
}

static void kit_stop(struct kit *k)
{
	k->held = false;
	accounts_free(k->all);
	net_stop(&k->server);
	assert_int_equal(k->budget.reserved, 0);
	assert_int_equal(k->budget.tokens_reserved, 0);
}

struct asker {
	struct kit *k;
	struct account *account;             /* NULL: the kit's */
	const struct account_places *places; /* instead: the best of them */
	pthread_t thread;
	const char *body;
	char text[16];
	int64_t not_before_ms;
	int times;   /* to ask, one after the other */
	int retries; /* of each, at once, when it failed */
	/* results */
	int rc, status, answered, failed;
	enum http_end end;
	struct err e;
};

/* One exchange with its report, as a provider does it. */
static int ask_once(struct asker *k)
{
	static const char *const headers[] = {"Content-Type: text/plain", NULL};
	struct exchange x = {.tokens_in = 100, .tokens_out = 10, .max_tokens = 50, .not_before_ms = k->not_before_ms};
	x.http = (struct http_request){.method = "POST",
		.url = k->k->url,
		.headers = headers,
		.body = str_of(k->body),
		.connect_ms = 20000,
		.total_ms = 60000,
		.reply_max = 1000};
	struct account *account = k->account ? k->account : k->k->account;
	size_t which = 0;
	err_clear(&k->e);
	k->rc = k->places ? account_exchange_best(k->places, &x, &which, &k->e) : account_exchange(account, &x, &k->e);
	account = k->places ? k->places->v[which] : account;
	if (k->rc == 0) {
		k->end = x.reply.end;
		k->status = x.reply.status;
		bool ok = k->end == HTTP_DONE && k->status == 200, refused = k->end == HTTP_DONE && k->status == 403;
		struct account_report r = {.end = ok        ? LIMITER_OK
										  : refused ? LIMITER_NEUTRAL
													: LIMITER_TROUBLED,
			.refused_by_status = refused,
			.tokens_in = ok ? 90 : -1,
			.tokens_out = ok ? 5 : -1};
		account_report(account, &x, &r);
		ASSERT(!ok || str_is(buf_view(&x.reply.body), "ok"));
		k->answered += ok;
		k->failed += !ok;
		if (!ok)
			k->rc = ERR_TRANSIENT;
	}
	exchange_release(&x);
	return k->rc;
}

static void *ask_main(void *arg)
{
	struct asker *k = arg;
	for (int i = 0; i < k->times; i++)
		for (int again = 0; again <= k->retries && ask_once(k) == ERR_TRANSIENT; again++)
			;
	return NULL;
}

static void asker_start(struct kit *k, struct asker *a)
{
	pthread_attr_t attr;
	a->k = k;
	a->times = a->times ? a->times : 1;
	a->body = a->body ? a->body : "x";
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)256 << 10); /* as the engine's */
	assert_int_equal(pthread_create(&a->thread, &attr, ask_main, a), 0);
	pthread_attr_destroy(&attr);
}

static void askers_start(struct kit *k, struct asker *a, int n)
{
	for (int i = 0; i < n; i++)
		asker_start(k, &a[i]);
}

static void askers_join(struct asker *a, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(a[i].thread, NULL);
}

static int logged(struct kit *k)
{
	pthread_mutex_lock(&k->lock);
	int n = k->nlog;
	pthread_mutex_unlock(&k->lock);
	return n;
}

/* Until so many wait in the queue, and so many are under way. */
static void until(struct kit *k, int64_t waiting, int64_t in_flight)
{
	for (int i = 0; i < 20000; i++) {
		struct account_counts n;
		account_counts(k->account, &n);
		if (n.waiting == waiting && n.in_flight == in_flight)
			return;
		clock_sleep_ms(2);
	}
	fail_msg("the queue did not get there");
}

static bool said(struct kit *k, const char *words)
{
	bool found = false;
	pthread_mutex_lock(&k->lock);
	for (int i = 0; i < k->nchanges; i++)
		found = found || strstr(k->changes[i], words);
	pthread_mutex_unlock(&k->lock);
	return found;
}

static struct account_config simple(int in_flight)
{
	return (struct account_config){
		.name = "writer", .limits = {.in_flight = in_flight}, .price = {.in = 2000000, .out = 8000000}};
}

static void many(void **state)
{
	(void)state;
	struct kit k;
	struct account_config c = simple(2);
	kit_start(&k, &c);
	struct asker a[2] = {{.times = 300}, {.times = 300}};
	askers_start(&k, a, 2);
	askers_join(a, 2);
	struct account_counts n;
	account_counts(k.account, &n);
	assert_int_equal(a[0].answered + a[1].answered, 600);
	assert_int_equal(logged(&k), 600);
	assert_int_equal(n.requests, 600);
	assert_int_equal(n.ok, 600);
	assert_int_equal(n.tokens_in, 600 * 90);
	assert_int_equal(n.tokens_out, 600 * 5);
	assert_int_equal(n.cost, 600 * (90 * 2 + 5 * 8));
	assert_int_equal(k.budget.spent, n.cost);
	assert_int_equal(k.budget.tokens, 600 * 95);
	assert_int_equal(n.waiting + n.in_flight, 0);
	account_count_invalid(k.account);
	account_counts(k.account, &n);
	assert_int_equal(n.invalid, 1);
	kit_stop(&k);
}

static void crowd(void **state)
{
	(void)state;
	enum { N = 500 };
	struct kit k;
	struct account_config c = simple(16);
	kit_start(&k, &c);
	struct asker *a = xcalloc(N, sizeof(*a));
	for (int i = 0; i < N; i++)
		a[i].times = 4;
	askers_start(&k, a, N);
	askers_join(a, N);
	int answered = 0;
	for (int i = 0; i < N; i++)
		answered += a[i].answered;
	assert_int_equal(answered, N * 4);
	assert_in_range(k.server.most_open, 1, 16);
	free(a);
	kit_stop(&k);
}

/* One place, taken by a request that is held: the others are served in the order of their due time, whenever they came. */
static void order(void **state)
{
	(void)state;
	static const int due[] = {50, 10, 40, 0, 30, 20};
	enum { N = COUNT_OF(due) };
	struct kit k;
	struct account_config c = simple(1);
	kit_start(&k, &c);
	k.held = true;
	struct asker first = {.body = "first"}, a[N] = {0};
	asker_start(&k, &first);
	until(&k, 0, 1);
	int64_t now = clock_ms();
	for (int i = 0; i < N; i++) {
		snprintf(a[i].text, sizeof(a[i].text), "%02d", due[i]);
		a[i].body = a[i].text;
		a[i].not_before_ms = due[i] == 0 ? 0 : now + 2000 + due[i];
		asker_start(&k, &a[i]);
	}
	until(&k, N, 1);
	while (clock_ms() < now + 2060)
		clock_sleep_ms(10);
	k.held = false;
	askers_join(&first, 1);
	askers_join(a, N);
	static const char *const want[] = {"first", "00", "10", "20", "30", "40", "50"};
	for (int i = 0; i < logged(&k); i++)
		assert_string_equal(k.log[i], want[i]);
	assert_int_equal(logged(&k), N + 1);
	kit_stop(&k);
}

static void not_before(void **state)
{
	(void)state;
	struct kit k;
	struct account_config c = simple(4);
	kit_start(&k, &c);
	int64_t begun = clock_ms();
	struct asker late = {.not_before_ms = begun + 300}, now = {.times = 3};
	asker_start(&k, &late);
	asker_start(&k, &now);
	askers_join(&now, 1);
	askers_join(&late, 1);
	assert_true(clock_ms() >= begun + 300);
	assert_int_equal(late.answered, 1);
	kit_stop(&k);
}

/* A request that fails and asks again at once stands behind those that wait. */
static void retries_wait_their_turn(void **state)
{
	(void)state;
	enum { N = 20 };
	struct kit k;
	struct account_config c = simple(1);
	kit_start(&k, &c);
	k.held = true;
	struct asker again = {.body = "fail", .retries = 6}, a[N] = {0};
	asker_start(&k, &again);
	until(&k, 0, 1);
	askers_start(&k, a, N);
	until(&k, N, 1);
	k.held = false;
	askers_join(a, N);
	askers_join(&again, 1);
	assert_string_equal(k.log[0], "fail");
	for (int i = 1; i <= N; i++)
		assert_string_equal(k.log[i], "x");
	assert_int_equal(logged(&k), N + 7);
	assert_int_equal(again.failed, 7);
	kit_stop(&k);
}

static void refused_account(void **state)
{
	(void)state;
	enum { N = 12 };
	struct kit k;
	struct account_config c = simple(2);
	kit_start(&k, &c);
	k.held = true;
	struct asker a[N] = {0};
	askers_start(&k, a, N);
	until(&k, N - 2, 2);
	struct err why = ERR_INIT, other = ERR_INIT;
	err_set(&why, ERR_ACCOUNT, "the key is not valid");
	err_set(&other, ERR_ACCOUNT, "something else");
	account_refuse(k.account, &why);
	account_refuse(k.account, &other);
	until(&k, 0, 2);
	k.held = false;
	askers_join(a, N);
	int answered = 0, refused = 0;
	for (int i = 0; i < N; i++) {
		answered += a[i].answered;
		refused += a[i].rc == ERR_ACCOUNT && strcmp(a[i].e.text, "the key is not valid") == 0;
	}
	assert_int_equal(answered, 2); /* what was under way is not lost */
	assert_int_equal(refused, N - 2);
	struct asker more = {.k = &k, .body = "x"};
	assert_int_equal(ask_once(&more), ERR_ACCOUNT);
	assert_int_equal(logged(&k), 2);
	kit_stop(&k);
}

static void refusals_in_a_row(void **state)
{
	(void)state;
	struct kit k;
	struct account_config c = simple(1);
	kit_start(&k, &c);
	struct asker a = {.k = &k, .body = "x"};
	k.head = "403 Forbidden";
	for (int i = 0; i < ACCOUNT_REFUSALS - 1; i++)
		assert_int_equal(ask_once(&a), ERR_TRANSIENT);
	k.head = "200 OK";
	assert_int_equal(ask_once(&a), 0);
	k.head = "403 Forbidden";
	for (int i = 0; i < ACCOUNT_REFUSALS; i++)
		assert_int_equal(ask_once(&a), ERR_TRANSIENT);
	assert_int_equal(ask_once(&a), ERR_ACCOUNT);
	assert_non_null(strstr(a.e.text, "provider writer"));
	assert_non_null(strstr(a.e.text, "20 requests in a row"));
	assert_non_null(strstr(a.e.text, "status 403"));
	assert_int_equal(logged(&k), ACCOUNT_REFUSALS * 2);
	kit_stop(&k);
}

static void stop(void **state)
{
	(void)state;
	enum { N = 10 };
	for (int drop = 0; drop < 2; drop++) {
		struct kit k;
		struct account_config c = simple(3);
		kit_start(&k, &c);
		k.held = true;
		struct asker a[N] = {0};
		a[0].not_before_ms = a[1].not_before_ms = clock_ms() + 3600000;
		askers_start(&k, a, N);
		until(&k, N - 3, 3);
		accounts_stop(k.all, drop);
		if (!drop) {
			until(&k, 0, 3); /* the waiting ones are gone at once */
			k.held = false;
		}
		askers_join(a, N);
		int answered = 0, stopped = 0;
		for (int i = 0; i < N; i++) {
			answered += a[i].answered;
			stopped += a[i].rc == ERR_STOPPED && a[i].e.code == ERR_STOPPED;
		}
		assert_int_equal(answered, drop ? 0 : 3);
		assert_int_equal(stopped, drop ? N : N - 3);
		struct asker more = {.k = &k, .body = "x"};
		assert_int_equal(ask_once(&more), ERR_STOPPED);
		kit_stop(&k);
	}
}

static void never_started(void **state)
{
	(void)state;
	struct accounts *all = accounts_new(NULL, NULL, NULL);
	struct account_config c = simple(3);
	account_add(all, &c);
	accounts_stop(all, true);
	accounts_free(all);
	accounts_free(NULL);
}

/* The server goes down, and comes back: nothing is lost, and waiting cost no attempts. */
static void down_and_back(void **state)
{
	(void)state;
	enum { N = 40 };
	struct kit k;
	struct account_config c = simple(8);
	kit_start(&k, &c);
	k.dead = true;
	struct asker a[N] = {0};
	for (int i = 0; i < N; i++)
		a[i].retries = 30;
	askers_start(&k, a, N);
	for (int i = 0; i < 10000 && !said(&k, "still no reply"); i++)
		clock_sleep_ms(5);
	struct account_counts n;
	account_counts(k.account, &n);
	assert_true(n.paused);
	k.dead = false;
	askers_join(a, N);
	int answered = 0, failed = 0;
	for (int i = 0; i < N; i++) {
		answered += a[i].answered;
		failed += a[i].failed;
	}
	assert_int_equal(answered, N);
	/* 10, what else was in flight, and the probes. */
	assert_in_range(failed, BREAKER_FAILURES + 1, BREAKER_FAILURES + 8 + 8);
	account_counts(k.account, &n);
	assert_false(n.paused);
	assert_true(n.paused_s >= 1);
	assert_int_equal(n.lost, failed);
	assert_int_equal(n.ok, N);
	kit_stop(&k); /* the askers are woken before the words are said */
	assert_true(said(&k, "provider writer: no reply from the server ("));
	assert_true(said(&k, "), 10 times in a row; waiting, next try in 1 s"));
	assert_true(said(&k, "provider writer is back after "));
}

/* 503 alone is as good as silence; and a second account of the same loop goes on meanwhile. */
static void overloaded(void **state)
{
	(void)state;
	struct kit k;
	struct account_config c = simple(4);
	kit_start(&k, &c);
	struct account *first = k.account;
	struct account *other = account_add(k.all, &c);
	k.head = "503 Service Unavailable";
	struct asker a[4] = {{.retries = 20}, {.retries = 20}, {.retries = 20}, {.retries = 20}};
	askers_start(&k, a, 4);
	for (int i = 0; i < 10000 && !said(&k, "the server answers status 503, 10 times in a row"); i++)
		clock_sleep_ms(5);
	k.head = "200 OK";
	struct asker b = {.k = &k, .account = other, .body = "y"};
	for (int i = 0; i < 50; i++)
		assert_int_equal(ask_once(&b), 0);
	askers_join(a, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(a[i].answered, 1);
	struct account_counts n;
	account_counts(first, &n);
	assert_int_equal(n.troubled, n.requests - 4);
	kit_stop(&k);
}

static void out_of_patience(void **state)
{
	(void)state;
	enum { N = 30 };
	struct kit k;
	struct account_config c = simple(4);
	c.patience_s = 1;
	kit_start(&k, &c);
	snprintf(k.url, sizeof(k.url), "http://127.0.0.1:%d/chat", net_closed_port());
	struct asker a[N] = {0};
	for (int i = 0; i < N; i++)
		a[i].retries = 30;
	askers_start(&k, a, N);
	askers_join(a, N);
	for (int i = 0; i < N; i++) {
		assert_int_equal(a[i].rc, ERR_ACCOUNT);
		assert_non_null(strstr(a[i].e.text, "provider writer: no reply from the server ("));
		assert_non_null(strstr(a[i].e.text, "base_url"));
	}
	kit_stop(&k);
	assert_false(said(&k, "base_url")); /* whoever asks is told, and tells it */
}

/* Two places: one is down, the other takes all; the first is probed meanwhile, whatever its patience, and works when it is back. */
static void places(void **state)
{
	(void)state;
	enum { N = 60 };
	struct kit k, other;
	struct account_config c = simple(4);
	c.place = "a";
	c.patience_s = 1;
	kit_start(&k, &c);
	memset(&other, 0, sizeof(other));
	other.head = "200 OK";
	pthread_mutex_init(&other.lock, NULL);
	net_start(&other.server, serve, &other);
	snprintf(other.url, sizeof(other.url), "http://127.0.0.1:%d/chat", other.server.port);
	c.place = "b";
	struct account *const v[] = {k.account, account_add(k.all, &c)};
	const char *const urls[] = {k.url, other.url};
	const struct account_places both = {v, urls, 2};
	struct asker a[N] = {0};
	for (int i = 0; i < N; i++)
		a[i] = (struct asker){.places = &both, .retries = 20};
	k.dead = true;
	askers_start(&k, a, N);
	askers_join(a, N);
	for (int i = 0; i < N; i++)
		assert_int_equal(a[i].rc, 0);
	assert_int_equal(logged(&other), N);
	struct account_counts n;
	account_counts(v[0], &n);
	assert_in_range(n.lost, 1, BREAKER_FAILURES + 8 + 8);
	/* It is still down after its patience, and is not given up. */
	struct asker one = {.k = &k, .places = &both, .body = "x"};
	for (int64_t until_ms = clock_ms() + 4500; clock_ms() < until_ms; clock_sleep_ms(50))
		if (ask_once(&one) != ERR_TRANSIENT)
			assert_int_equal(one.rc, 0);
	account_counts(v[0], &n);
	assert_true(n.paused);
	k.dead = false;
	for (int i = 0; i < 2000 && logged(&k) < 3; i++) {
		assert_int_equal(ask_once(&one), 0);
		clock_sleep_ms(10);
	}
	assert_true(logged(&k) >= 1);
	/* Both down for good: all is refused in the end, also what waits. */
	k.dead = other.dead = true;
	for (int i = 0; i < N; i++)
		a[i] = (struct asker){.places = &both, .retries = 100};
	askers_start(&k, a, N);
	askers_join(a, N);
	for (int i = 0; i < N; i++)
		assert_int_equal(a[i].rc, ERR_ACCOUNT);
	net_stop(&other.server);
	kit_stop(&k);
	assert_true(said(&k, "provider writer at a: no reply from the server"));
	assert_true(said(&k, "provider writer at a is back after "));
}

static void budget_ends(void **state)
{
	(void)state;
	struct kit k;
	struct account_config c = simple(2);
	kit_start(&k, &c);
	/* 280 expected and 220 spent each: the one that would go over is refused, also by what is expected of the other in flight. */
	k.budget.max_run = 50 * 220 + 100;
	struct asker a[2] = {{.times = 100}, {.times = 100}};
	askers_start(&k, a, 2);
	askers_join(a, 2);
	assert_true(k.budget.spent <= k.budget.max_run);
	assert_in_range(logged(&k), 49, 50);
	assert_int_equal(k.budget.spent, logged(&k) * 220);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(a[i].rc, ERR_BUDGET);
		assert_non_null(strstr(a[i].e.text, "--max-cost"));
	}
	kit_stop(&k);
}

/* What the server says of its limits holds everything back. */
static void told_to_wait(void **state)
{
	(void)state;
	struct kit k;
	struct account_config c = simple(4);
	kit_start(&k, &c);
	struct asker a = {.k = &k, .body = "x"};
#define REQUESTS(left, reset) \
	"200 OK\r\nx-ratelimit-limit-requests: 3\r\nx-ratelimit-remaining-requests: " left \
	"\r\nx-ratelimit-reset-requests: " reset
#define TOKENS(left, reset) \
	"200 OK\r\nx-ratelimit-limit-tokens: 100000\r\nx-ratelimit-remaining-tokens: " left \
	"\r\nx-ratelimit-reset-tokens: " reset
	k.head = REQUESTS("2", "400ms"); /* enough is left */
	assert_int_equal(ask_once(&a), 0);
	k.head = REQUESTS("0", "400ms"); /* the end of a minute */
	assert_int_equal(ask_once(&a), 0);
	int64_t begun = clock_ms();
	k.head = TOKENS("90000", "6m0s");
	assert_int_equal(ask_once(&a), 0);
	assert_true(clock_ms() - begun >= 390);
	/* A bucket that is empty is full again after a minute, but holds 110 tokens long before. */
	k.head = TOKENS("0", "55s");
	assert_int_equal(ask_once(&a), 0);
	k.head = "200 OK";
	assert_int_equal(ask_once(&a), 0);
	assert_true(clock_ms() - begun < 50000);
	kit_stop(&k);
}

/* A reset in an hour, told by a reply that is fine: the next request goes when patience ends. (Without that end this test would take the hour.) */
static void told_to_wait_for_ever(void **state)
{
	(void)state;
	struct kit k;
	struct account_config c = simple(4);
	c.patience_s = 1;
	kit_start(&k, &c);
	struct asker a = {.k = &k, .body = "x"};
	k.head =
		"200 OK\r\nx-ratelimit-limit-tokens: 10\r\nx-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 1h0m0s";
	assert_int_equal(ask_once(&a), 0);
	k.head = "200 OK";
	assert_int_equal(ask_once(&a), 0);
	kit_stop(&k);
}

static void learns(void **state)
{
	(void)state;
	struct accounts *all = accounts_new(NULL, NULL, NULL);
	struct account_config c = simple(3);
	struct account *a = account_add(all, &c);
	int64_t in, out;
	account_expect(a, 3, 3000, 4096, &in, &out);
	assert_int_equal(in, 1000);
	assert_int_equal(out, 256);
	account_expect(a, 3, 3000, 40, &in, &out);
	assert_int_equal(out, 40);
	account_expect(a, 3, 3000, 0, &in, &out);
	assert_int_equal(out, 256);
	for (int i = 0; i < 400; i++)
		account_learn(a, 3, i % 2 ? 2000 : 4000, i % 2 ? 500 : 1000, i % 2 ? 50 : 70);
	account_learn(a, 3, 1000, INT64_MAX, 5); /* not believed */
	account_learn(a, 3, 1000, -1, -1);
	account_expect(a, 3, 4000, 4096, &in, &out);
	assert_int_equal(in, 1000);
	assert_in_range(out, 58, 63);
	account_expect(a, 7, 4000, 4096, &in, &out); /* another stage: the text is alike, the answers may not be */
	assert_int_equal(in, 1000);
	assert_int_equal(out, 256);
	account_learn(a, 7, 4000, 2000, 9);
	account_expect(a, 7, 4000, 4096, &in, &out);
	assert_int_equal(in, 2000);
	assert_int_equal(out, 9);
	accounts_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many),
		cmocka_unit_test(crowd),
		cmocka_unit_test(order),
		cmocka_unit_test(not_before),
		cmocka_unit_test(retries_wait_their_turn),
		cmocka_unit_test(refused_account),
		cmocka_unit_test(refusals_in_a_row),
		cmocka_unit_test(stop),
		cmocka_unit_test(never_started),
		cmocka_unit_test(down_and_back),
		cmocka_unit_test(overloaded),
		cmocka_unit_test(out_of_patience),
		cmocka_unit_test(places),
		cmocka_unit_test(budget_ends),
		cmocka_unit_test(told_to_wait),
		cmocka_unit_test(told_to_wait_for_ever),
		cmocka_unit_test(learns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
