/* io/http as a loop: many exchanges at once, cancelling, the end in mid-flight, pokes and wake times. */
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/io/netkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 300

static void start_many(struct net_client *c, struct net_server *s, struct net_ask *asks)
{
	for (int i = 0; i < MANY; i++) {
		net_ask_init(&asks[i], s->url);
		net_begin(c, &asks[i]);
	}
}

static bool number(struct net_connection *c)
{
	clock_sleep_ms(10);
	return net_reply(c, "200 OK", c->body);
}

static void test_many(void **state)
{
	(void)state;
	struct net_server s;
	struct net_client c = {0};
	struct net_ask *asks = xcalloc(MANY, sizeof(*asks));
	char bodies[MANY][32];
	net_start(&s, number, NULL);
	net_client_start(&c, 64);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			snprintf(bodies[i], sizeof(bodies[i]), "%d.%d", round, i);
			net_ask_init(&asks[i], s.url);
			asks[i].q.method = "POST";
			asks[i].q.body = str_of(bodies[i]);
			net_begin(&c, &asks[i]);
		}
		for (int i = 0; i < MANY; i++) {
			net_wait(&c, &asks[i]);
			net_is_done(&asks[i], 200, bodies[i]);
			net_ask_release(&asks[i]);
		}
	}
	assert_int_equal(s.requests, 3 * MANY);
	assert_true(s.accepted <= 2 * MANY); /* connections are used again */
	net_client_stop(&c);
	net_stop(&s);
	free(asks);
}

static void wait_begun(struct net_client *c, int n)
{
	pthread_mutex_lock(&c->lock);
	while (c->begun < n)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static bool hang_first(struct net_connection *c)
{
	return str_find(c->request, STR("/again")) >= 0 ? net_reply(c, "200 OK", STR("again")) : net_hang(c);
}

static void test_cancel_all(void **state)
{
	(void)state;
	struct net_server s;
	struct net_client c = {0};
	struct net_ask *asks = xcalloc(MANY, sizeof(*asks)), again;
	char url[64];
	net_start(&s, hang_first, NULL);
	net_client_start(&c, MANY);
	start_many(&c, &s, asks);
	wait_begun(&c, MANY);
	http_cancel_all(c.http);
	for (int i = 0; i < MANY; i++) {
		net_wait(&c, &asks[i]);
		net_is_end(&asks[i], HTTP_CANCELLED);
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/again", s.port);
	http_cancel_all(c.http); /* of nothing */
	long turns = atomic_load(&c.turns);
	http_poke(c.http);
	while (atomic_load(&c.turns) < turns + 2) /* the call was seen: what begins now is not meant */
		http_poke(c.http);
	net_ask_init(&again, url);
	net_ask(&c, &again);
	net_is_done(&again, 200, "again");
	net_ask_release(&again);
	net_client_stop(&c);
	net_stop(&s);
	free(asks);
}

/* Asks again from `done`, once: what is begun while all ends is cancelled too. */
static void begin_again(void *arg, struct http_reply *reply)
{
	struct net_ask *a = arg;
	a->reply.end = reply->end;
	if (++a->times == 1)
		http_begin(a->client->http, &a->q, begin_again, a);
}

static int64_t begin_once(struct net_client *c)
{
	struct net_ask *a = c->arg;
	if (!a->over) {
		a->over = true;
		http_begin(c->http, &a->q, begin_again, a);
	}
	return INT64_MAX;
}

static void test_free_in_flight(void **state)
{
	(void)state;
	struct net_server s;
	struct net_client c = {0};
	struct net_ask *asks = xcalloc(MANY, sizeof(*asks)), from_done;
	net_start(&s, hang_first, NULL);
	net_ask_init(&from_done, s.url);
	from_done.client = &c;
	c.arg = &from_done;
	c.on_turn = begin_once;
	net_client_start(&c, MANY);
	start_many(&c, &s, asks);
	wait_begun(&c, MANY);
	net_client_stop(&c);
	for (int i = 0; i < MANY; i++)
		net_is_end(&asks[i], HTTP_CANCELLED);
	assert_int_equal(from_done.times, 2);
	assert_int_equal(from_done.reply.end, HTTP_CANCELLED);
	net_stop(&s);
	free(asks);
	http_free(NULL);
}

/* --- Turns --- */

#define POKERS 8
#define POKES 300

struct poking {
	struct net_client c;
	atomic_long wanted, seen;
	pthread_mutex_t lock;
	pthread_cond_t turned;
};

static int64_t see(struct net_client *c)
{
	struct poking *p = c->arg;
	long wanted = atomic_load(&p->wanted);
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->seen, wanted);
	pthread_cond_broadcast(&p->turned);
	pthread_mutex_unlock(&p->lock);
	return INT64_MAX;
}

static void *poke(void *arg)
{
	struct poking *p = arg;
	for (int i = 0; i < POKES; i++) {
		long mine = atomic_fetch_add(&p->wanted, 1) + 1;
		http_poke(p->c.http);
		pthread_mutex_lock(&p->lock); /* a poke that is lost hangs here */
		while (atomic_load(&p->seen) < mine)
			pthread_cond_wait(&p->turned, &p->lock);
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

static void test_pokes(void **state)
{
	(void)state;
	struct poking p = {.lock = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER};
	pthread_t threads[POKERS];
	p.c.arg = &p;
	p.c.on_turn = see;
	net_client_start(&p.c, 4);
	for (int i = 0; i < POKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poke, &p), 0);
	for (int i = 0; i < POKERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(p.seen, POKERS * POKES);
	net_client_stop(&p.c);
}

static int64_t every_10_ms(struct net_client *c)
{
	(void)c;
	return clock_ms() + 10;
}

static void test_wake_time(void **state)
{
	(void)state;
	struct net_client c = {0};
	c.on_turn = every_10_ms;
	net_client_start(&c, 4);
	while (atomic_load(&c.turns) < 10) /* nobody pokes */
		clock_sleep_ms(1);
	net_client_stop(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_cancel_all),
		cmocka_unit_test(test_free_in_flight),
		cmocka_unit_test(test_pokes),
		cmocka_unit_test(test_wake_time),
	};
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
