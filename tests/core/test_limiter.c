/* The limiter against simulated servers: events in virtual time, nothing sleeps. */
#include "base/alloc.h"
#include "core/limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- The server --- */
enum window { FIXED_MINUTE, SLIDING, TOKEN_BUCKET };
enum counting {
	AT_ADMISSION, /* it knows what a request will take */
	WHEN_DONE,    /* the prompt at admission, the answer when it is there */
	RESERVING,    /* the prompt and max_tokens at admission; what was not taken is given back */
};

struct server {
	enum window window;
	enum counting counting;
	int64_t requests_per_min, tokens_per_min;
	double bucket_ms; /* size of its buckets */
	int64_t phase_ms; /* of its minutes */
	int most;         /* in flight; over it 503 */
	/* state */
	int64_t used[2], minute;
	double level[2];
	int64_t at_ms;
	int64_t *log_ms; /* sliding: what was counted when, v of log_ms and log_units */
	int64_t (*log_units)[2];
	size_t n, cap, first;
	int in_flight;
};

static void server_tick(struct server *s, int64_t now)
{
	const int64_t allowance[2] = {s->requests_per_min, s->tokens_per_min};
	for (int i = 0; i < 2; i++) {
		double size = (double)allowance[i] * s->bucket_ms / 60000;
		double more = (double)(now - s->at_ms) * (double)allowance[i] / 60000;
		if (i == 0 && size < 2)
			size = 2; /* one alone would leave no room for the network's jitter */
		s->level[i] = s->level[i] + more < size ? s->level[i] + more : size;
	}
	s->at_ms = now;
	if (s->window == FIXED_MINUTE && (now + s->phase_ms) / 60000 != s->minute) {
		s->minute = (now + s->phase_ms) / 60000;
		s->used[0] = s->used[1] = 0;
	}
	while (s->window == SLIDING && s->first < s->n && s->log_ms[s->first] <= now - 60000) {
		for (int i = 0; i < 2; i++)
			s->used[i] -= s->log_units[s->first][i];
		s->first++;
	}
}

static void server_count(struct server *s, int64_t requests, int64_t tokens, int64_t now)
{
	s->used[0] += requests;
	s->used[1] += tokens;
	s->level[0] -= (double)requests;
	s->level[1] -= (double)tokens;
	if (s->window != SLIDING)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 1024;
		s->log_ms = xreallocarray(s->log_ms, s->cap, sizeof(*s->log_ms));
		s->log_units = xreallocarray(s->log_units, s->cap, sizeof(*s->log_units));
	}
	s->log_ms[s->n] = now;
	s->log_units[s->n][0] = requests;
	s->log_units[s->n++][1] = tokens;
}

static bool server_admits(struct server *s, int64_t tokens, int64_t now)
{
	const int64_t allowance[2] = {s->requests_per_min, s->tokens_per_min}, units[2] = {1, tokens};
	server_tick(s, now);
	for (int i = 0; i < 2; i++) {
		if (allowance[i] == 0)
			continue;
		if (s->window == TOKEN_BUCKET ? s->level[i] < (double)units[i] : s->used[i] + units[i] > allowance[i])
			return false;
	}
	server_count(s, 1, tokens, now);
	return true;
}

/* What it would say as Retry-After: when a minute's count starts anew, or a hundredth of a minute's worth is there again. */
static int64_t server_retry_ms(const struct server *s, int64_t now)
{
	return s->window == FIXED_MINUTE ? 60000 - (now + s->phase_ms) % 60000 : 600;
}

/* --- The client: dialogues that ask one thing after another, each through the limiter --- */
struct ask {
	int64_t in, out, expected, max_out;
	int64_t sent_ms, took_ms;
	int client;
	int status; /* 0: on its way */
	int64_t next_ms;
};
struct event {
	int64_t at_ms;
	enum { READY, ARRIVES, ANSWERED } kind;
	size_t ask;
};
struct sim {
	struct server server;
	struct limiter limiter[2];
	int clients, dialogues;
	int64_t in, out, max_out; /* mean tokens */
	int64_t latency_ms;
	double off; /* estimates are off by this factor until they are learned: prompt tokens are, from the first answers */
	double noise;  /* ± this part */
	double faults; /* this part of requests ends with 503 */
	int64_t end_ms, warm_ms;
	bool expected_known; /* the very tokens */
	bool says_when;      /* Retry-After with a 429 */
	/* results */
	int64_t refused, refused_warm, overloaded, answered, taken_warm, answered_warm;
	int64_t by_client[2];
	int most_in_flight;
	/* inside */
	struct event *heap;
	size_t nheap, cap;
	struct ask *asks;
	size_t *queue[2];
	size_t first[2], n[2];
	double learned[2];
	uint64_t state;
};

static double draw(struct sim *s)
{
	s->state += UINT64_C(0x9E3779B97F4A7C15); /* SplitMix64 */
	uint64_t z = s->state;
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static bool before(const struct event *a, const struct event *b)
{
	return a->at_ms < b->at_ms;
}

static void event_add(struct sim *s, int64_t at, int kind, size_t ask)
{
	if (s->nheap == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 1024;
		s->heap = xreallocarray(s->heap, s->cap, sizeof(*s->heap));
	}
	size_t i = s->nheap++;
	struct event e = {.at_ms = at, .ask = ask};
	e.kind = kind;
	for (; i > 0 && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = e;
}

static struct event event_take(struct sim *s)
{
	struct event top = s->heap[0], last = s->heap[--s->nheap];
	size_t i = 0;
	for (;;) {
		size_t c = i * 2 + 1;
		if (c + 1 < s->nheap && before(&s->heap[c + 1], &s->heap[c]))
			c++;
		if (c >= s->nheap || !before(&s->heap[c], &last))
			break;
		s->heap[i] = s->heap[c];
		i = c;
	}
	s->heap[i] = last;
	return top;
}

static void ask_draw(struct sim *s, struct ask *a)
{
	a->in = (int64_t)((double)s->in * (0.4 + 1.2 * draw(s)));
	a->out = 1 + (int64_t)((double)s->out * (0.4 + 1.2 * draw(s)));
	a->max_out = s->max_out;
	if (a->out > a->max_out)
		a->out = a->max_out;
}

static void ask_expect(struct sim *s, struct ask *a)
{
	double noise = 1 + s->noise * (2 * draw(s) - 1);
	a->expected = (int64_t)((double)a->in * s->off * noise * s->learned[a->client]) + s->out;
	if (s->expected_known)
		a->expected = a->in + a->out;
	if (a->expected < 1)
		a->expected = 1;
}

static void client_turn(struct sim *s, int c, int64_t now)
{
	int64_t when = INT64_MAX;
	while (s->n[c] > 0) {
		size_t k = s->queue[c][s->first[c]];
		struct ask *a = &s->asks[k];
		if (!limiter_may_send(&s->limiter[c], a->expected, now, &when)) {
			assert_true(when > now);
			if (when < INT64_MAX)
				event_add(s, when, READY, SIZE_MAX);
			return;
		}
		s->first[c] = (s->first[c] + 1) % (size_t)s->dialogues;
		s->n[c]--;
		limiter_sent(&s->limiter[c], a->expected, now);
		int64_t most = a->in + a->max_out;
		limiter_set_aside(&s->limiter[c], most > a->expected ? most - a->expected : 0);
		a->sent_ms = now;
		event_add(s, now + 1 + (int64_t)(30 * draw(s)), ARRIVES, k);
	}
}

static void arrives(struct sim *s, size_t k, int64_t now)
{
	struct ask *a = &s->asks[k];
	struct server *v = &s->server;
	int64_t counted = a->in + (v->counting == AT_ADMISSION ? a->out : v->counting == RESERVING ? a->max_out : 0);
	if ((v->most > 0 && v->in_flight >= v->most) || (s->faults > 0 && draw(s) < s->faults))
		a->status = 503;
	else
		a->status = server_admits(v, counted, now) ? 200 : 429;
	if (++v->in_flight > s->most_in_flight)
		s->most_in_flight = v->in_flight;
	int64_t latency = (int64_t)((double)s->latency_ms * (0.5 + draw(s)));
	event_add(s, now + (a->status == 200 ? latency : 5), ANSWERED, k);
}

static void answered(struct sim *s, size_t k, int64_t now)
{
	struct ask *a = &s->asks[k];
	struct server *v = &s->server;
	struct limiter *l = &s->limiter[a->client];
	v->in_flight--;
	int64_t most = a->in + a->max_out, taken = a->in + a->out, wait = 0;
	limiter_back(l, now);
	limiter_set_aside(l, most > a->expected ? a->expected - most : 0);
	if (a->status == 200) {
		server_tick(v, now);
		server_count(v, 0, v->counting == WHEN_DONE ? a->out : v->counting == RESERVING ? a->out - a->max_out : 0, now);
		s->answered++;
		s->by_client[a->client]++;
		if (now >= s->warm_ms) {
			s->answered_warm++;
			s->taken_warm += taken;
		}
		double *learned = &s->learned[a->client];
		*learned += (1 / (s->off) - *learned) / 16; /* as account_learn(): bytes a token, smoothed */
		ask_draw(s, a);
	} else {
		wait = 200 + (int64_t)(800 * draw(s));
		if (a->status == 429 && s->says_when)
			limiter_hold(l, now + server_retry_ms(v, now));
		s->refused += a->status == 429;
		s->refused_warm += a->status == 429 && now >= s->warm_ms;
		s->overloaded += a->status == 503;
	}
	limiter_done(l,
		a->status == 200   ? LIMITER_OK
		: a->status == 429 ? LIMITER_LIMITED
						   : LIMITER_TROUBLED,
		a->expected, a->status == 200 ? taken : 0, now - a->sent_ms, now);
	event_add(s, now + wait, READY, k);
}

static void sim_run(struct sim *s, const struct limiter_config *c)
{
	s->state = 7;
	s->clients = s->clients ? s->clients : 1;
	s->off = s->off > 0 ? s->off : 1;
	s->server.level[0] = s->server.level[1] = 1e18;
	s->server.minute = -1;
	s->asks = xcalloc((size_t)s->dialogues * (size_t)s->clients, sizeof(*s->asks));
	for (int i = 0; i < s->clients; i++) {
		limiter_init(&s->limiter[i], c, 0);
		s->queue[i] = xcalloc((size_t)s->dialogues, sizeof(size_t));
		s->learned[i] = 1;
	}
	for (size_t k = 0; k < (size_t)s->dialogues * (size_t)s->clients; k++) {
		s->asks[k].client = (int)(k % (size_t)s->clients);
		ask_draw(s, &s->asks[k]);
		event_add(s, 0, READY, k);
	}
	while (s->nheap > 0 && s->heap[0].at_ms < s->end_ms) {
		struct event e = event_take(s);
		if (e.kind == ARRIVES)
			arrives(s, e.ask, e.at_ms);
		else if (e.kind == ANSWERED)
			answered(s, e.ask, e.at_ms);
		else if (e.ask != SIZE_MAX) {
			int i = s->asks[e.ask].client;
			ask_expect(s, &s->asks[e.ask]);
			s->queue[i][(s->first[i] + s->n[i]++) % (size_t)s->dialogues] = e.ask;
		}
		for (int i = 0; i < s->clients && (s->nheap == 0 || s->heap[0].at_ms > e.at_ms); i++)
			client_turn(s, i, e.at_ms);
	}
	free(s->heap);
	free(s->asks);
	free(s->queue[0]);
	free(s->queue[1]);
	free(s->server.log_ms);
	free(s->server.log_units);
}

static double share_of(const struct sim *s, int64_t allowance, bool tokens)
{
	double minutes = (double)(s->end_ms - s->warm_ms) / 60000;
	return (double)(tokens ? s->taken_warm : s->answered_warm) / ((double)allowance * minutes);
}

static const char *const window_names[] = {"fixed minute", "sliding", "token bucket"};
static const char *const counting_names[] = {"at admission", "when done", "reserving"};

/* Says what it saw: a figure that falls is read in the test's output. */
static void expect_full(const struct sim *s, int64_t allowance, bool tokens, const char *what)
{
	double share = share_of(s, allowance, tokens);
	print_message("%-12s %-12s bucket %5.0f ms  %s: %.2f%% of the allowance, %d refused, share %.2f\n",
		window_names[s->server.window], counting_names[s->server.counting], s->server.bucket_ms, what, share * 100,
		(int)s->refused, s->limiter[0].share);
	assert_int_equal(s->refused, 0);
	assert_true(share >= 0.97);
	assert_true(share <= 1);
}

/* DESIGN.md 9, llm-limit: 1,000 dialogues at 2,000,000 tokens a minute. */
static void whole_allowance(void **state)
{
	(void)state;
	const struct limiter_config c = {.tokens_per_min = 2000000, .requests_per_min = 10000, .in_flight = 1000};
	static const double buckets[] = {60000, 10000, 2000};
	for (int w = FIXED_MINUTE; w <= TOKEN_BUCKET; w++)
		for (int k = AT_ADMISSION; k <= RESERVING; k++)
			for (size_t b = 0; b < (w == TOKEN_BUCKET ? COUNT_OF(buckets) : 1); b++)
				for (int off = 0; off < 3; off++) {
					struct sim s = {.dialogues = 1000,
						.in = 700,
						.out = 60,
						.max_out = 300,
						.latency_ms = 1500,
						.noise = 0.3,
						.off = off == 0   ? 1
							   : off == 1 ? 0.7
										  : 1.3,
						.end_ms = 300000,
						.warm_ms = 60000};
					s.server = (struct server){.window = (enum window)w,
						.counting = (enum counting)k,
						.tokens_per_min = c.tokens_per_min,
						.requests_per_min = c.requests_per_min,
						.bucket_ms = buckets[b],
						.phase_ms = 23456};
					sim_run(&s, &c);
					expect_full(&s, c.tokens_per_min, true,
						off == 0   ? "tokens"
						: off == 1 ? "tokens (x0.7)"
								   : "tokens (x1.3)");
				}
}

static void requests_alone(void **state)
{
	(void)state;
	static const int64_t rpm[] = {3, 60, 3000};
	for (int w = FIXED_MINUTE; w <= TOKEN_BUCKET; w++)
		for (size_t i = 0; i < COUNT_OF(rpm); i++) {
			const struct limiter_config c = {.requests_per_min = rpm[i], .in_flight = 256};
			struct sim s = {.dialogues = 200,
				.in = 700,
				.out = 60,
				.max_out = 300,
				.latency_ms = 800,
				.end_ms = 1860000,
				.warm_ms = 60000};
			s.server = (struct server){
				.window = (enum window)w, .requests_per_min = rpm[i], .bucket_ms = 1000, .phase_ms = 777};
			sim_run(&s, &c);
			expect_full(&s, rpm[i], false, "requests");
		}
}

/* Requests of a sixth of a minute's allowance each: whatever fits into a minute, and no 429 comes of the next. */
static void large_requests(void **state)
{
	(void)state;
	for (int w = FIXED_MINUTE; w <= TOKEN_BUCKET; w++) {
		const struct limiter_config c = {.tokens_per_min = 30000, .in_flight = 64};
		struct sim s = {.dialogues = 20,
			.in = 5000,
			.out = 200,
			.max_out = 400,
			.latency_ms = 4000,
			.expected_known = true,
			.end_ms = 1200000,
			.warm_ms = 60000};
		s.server = (struct server){
			.window = (enum window)w, .tokens_per_min = c.tokens_per_min, .bucket_ms = 60000, .phase_ms = 41000};
		sim_run(&s, &c);
		print_message("%s: large requests: %.2f%%\n", window_names[w], 100 * share_of(&s, c.tokens_per_min, true));
		assert_int_equal(s.refused, 0);
		assert_true(share_of(&s, c.tokens_per_min, true) > 0.75);
	}
}

/* Long answers allowed, short ones given: a tenth of the allowance is reserved at any time. It is unknown at first whether this server reserves; one that
 * does says so by 429, and is believed. One that does not is used in full. */
static void much_set_aside(void **state)
{
	(void)state;
	const struct limiter_config c = {.tokens_per_min = 2000000, .in_flight = 1000};
	for (int k = WHEN_DONE; k <= RESERVING; k++) {
		struct sim s = {.dialogues = 1000,
			.in = 700,
			.out = 60,
			.max_out = 4096,
			.latency_ms = 1500,
			.noise = 0.3,
			.end_ms = 600000,
			.warm_ms = 120000};
		s.server = (struct server){.window = SLIDING, .counting = (enum counting)k, .tokens_per_min = c.tokens_per_min};
		sim_run(&s, &c);
		print_message("much set aside, %s: %.2f%%, %d refused, %d after the second minute\n", counting_names[k],
			100 * share_of(&s, c.tokens_per_min, true), (int)s.refused, (int)s.refused_warm);
		assert_int_equal(s.refused_warm, 0);
		assert_true(share_of(&s, c.tokens_per_min, true) > (k == RESERVING ? 0.80 : 0.97));
		assert_true(k == RESERVING || s.refused == 0);
		assert_true(s.limiter[0].reserves == (k == RESERVING));
	}
}

/* The server enforces less than it says. */
static void says_too_much(void **state)
{
	(void)state;
	const struct limiter_config c = {.requests_per_min = 6000, .in_flight = 500};
	struct sim s = {
		.dialogues = 500, .in = 700, .out = 60, .max_out = 300, .latency_ms = 1500, .end_ms = 1200000, .warm_ms = 120000};
	s.server = (struct server){.window = TOKEN_BUCKET, .requests_per_min = 4000, .bucket_ms = 5000};
	sim_run(&s, &c);
	double refused = (double)s.refused_warm / (double)(s.refused_warm + s.answered_warm);
	print_message("a server of 4,000 for 6,000: %.1f%% of its allowance, %.2f%% refused, share %.2f\n",
		100 * share_of(&s, 4000, false), 100 * refused, s.limiter[0].share);
	assert_true(share_of(&s, 4000, false) > 0.88);
	assert_true(refused > 0 && refused < 0.05);
	assert_true(s.limiter[0].share > 0.5 && s.limiter[0].share < 0.75);
	/* And recovers. */
	struct limiter *l = &s.limiter[0];
	int64_t when;
	limiter_may_send(l, 1, s.end_ms + 600000, &when);
	assert_true(l->share == 1);
}

static void two_processes(void **state)
{
	(void)state;
	const struct limiter_config c = {.requests_per_min = 6000, .in_flight = 500};
	for (int i = 0; i < 6; i++) {
		int w = i / 2;
		struct sim s = {.clients = 2,
			.says_when = i % 2,
			.dialogues = 400,
			.in = 700,
			.out = 60,
			.max_out = 300,
			.latency_ms = 1500,
			.end_ms = 1800000,
			.warm_ms = 300000};
		s.server = (struct server){.window = (enum window)w, .requests_per_min = 6000, .bucket_ms = 60000};
		sim_run(&s, &c);
		double refused = (double)s.refused_warm / (double)(s.refused_warm + s.answered_warm);
		print_message("two processes, %s, %s: %.1f%% of the allowance, %.2f%% refused, %d and %d\n", window_names[w],
			i % 2 ? "Retry-After" : "no word", 100 * share_of(&s, 6000, false), 100 * refused, (int)s.by_client[0],
			(int)s.by_client[1]);
		assert_true(share_of(&s, 6000, false) > 0.85);
		assert_true(refused < (i == 0 ? 0.15 : 0.1)); /* without a word a minute is tried until it is over */
		for (int k = 0; k < 2; k++)
			assert_true((double)s.by_client[k] > 0.3 * (double)(s.by_client[0] + s.by_client[1]));
	}
}

/* A server that takes 40 at a time and answers 503 to more: found without a word from it. */
static void few_at_a_time(void **state)
{
	(void)state;
	const struct limiter_config c = {.in_flight = 1000};
	struct sim s = {
		.dialogues = 1000, .in = 700, .out = 60, .max_out = 300, .latency_ms = 1000, .end_ms = 600000, .warm_ms = 120000};
	s.server.most = 40;
	sim_run(&s, &c);
	double each = (double)s.answered_warm / 480 / 40; /* requests a second and place, of 1 */
	double lost = (double)s.overloaded / (double)(s.overloaded + s.answered);
	print_message("40 at a time: %.1f%% of its places used, %.1f%% of the requests refused, window %.1f\n", 100 * each,
		100 * lost, s.limiter[0].window);
	assert_true(each > 0.8);
	assert_true(lost < 0.2);
}

/* Faults that have nothing to do with load do not bind the window down to a handful. */
static void faults(void **state)
{
	(void)state;
	const struct limiter_config c = {.in_flight = 512};
	static const double part[] = {0.01, 0.05, 0.35};
	static const double least[] = {500, 60, 8};
	for (size_t i = 0; i < COUNT_OF(part); i++) {
		struct sim s = {.dialogues = 1000,
			.in = 700,
			.out = 60,
			.max_out = 300,
			.latency_ms = 1000,
			.end_ms = 600000,
			.warm_ms = 120000,
			.faults = part[i]};
		sim_run(&s, &c);
		double mean = (double)s.answered_warm / 480;
		print_message(
			"%.0f%% faults: %.1f answers a second of 512, window %.1f\n", 100 * part[i], mean, s.limiter[0].window);
		assert_true(s.limiter[0].window > least[i] * 0.7);
		assert_true(mean > least[i] * 0.6);
		assert_true(s.most_in_flight <= 512);
	}
}

static void slow_start_doubles(void **state)
{
	(void)state;
	const struct limiter_config c = {.in_flight = 512};
	struct sim s = {.dialogues = 1000, .in = 700, .out = 60, .max_out = 300, .latency_ms = 1000, .end_ms = 12000};
	sim_run(&s, &c);
	assert_true(s.limiter[0].window == 512);
	assert_true(s.limiter[0].slow_start);
	assert_int_equal(s.most_in_flight, 512);
	/* Not grown without use. */
	struct sim idle = {.dialogues = 4, .in = 700, .out = 60, .max_out = 300, .latency_ms = 1000, .end_ms = 12000};
	sim_run(&idle, &c);
	assert_true(idle.limiter[0].window == 16);
}

static void huge_request(void **state)
{
	(void)state;
	const struct limiter_config c = {.tokens_per_min = 1000, .in_flight = 4};
	struct limiter l;
	int64_t when = 0;
	limiter_init(&l, &c, 5000);
	assert_true(limiter_may_send(&l, 3000, 5000, &when)); /* three minutes' worth, and nothing before it */
	limiter_sent(&l, 3000, 5000);
	limiter_back(&l, 6000);
	limiter_done(&l, LIMITER_OK, 3000, 3000, 1000, 6000);
	assert_false(limiter_may_send(&l, 10, 6000, &when));
	assert_in_range(when, 5000 + 3 * 60000, 5000 + 190000);
	assert_true(limiter_may_send(&l, 10, when, &when));
	limiter_sent(&l, 10, when);
	/* The next such one waits until a minute is empty. */
	assert_false(limiter_may_send(&l, 3000, when + 1000, &when));
	int64_t second = when;
	while (!limiter_may_send(&l, 3000, when, &when))
		assert_true(when - second < 70000);
	limiter_sent(&l, 3000, when);
	assert_int_equal(l.in_flight, 2);
}

static void hold_and_clock(void **state)
{
	(void)state;
	const struct limiter_config c = {.requests_per_min = 60, .in_flight = 4};
	struct limiter l;
	int64_t when = 0, now = 1000000;
	limiter_init(&l, &c, now);
	limiter_hold(&l, now + 7000);
	limiter_hold(&l, now + 3000); /* the longer one stays */
	assert_false(limiter_may_send(&l, 1, now + 6999, &when));
	assert_int_equal(when, now + 7000);
	assert_true(limiter_may_send(&l, 1, now + 7000, &when));
	limiter_sent(&l, 1, now + 7000);
	/* Back by an hour: what remained to wait remains, and no longer. */
	now -= 3600000;
	assert_false(limiter_may_send(&l, 1, now, &when));
	assert_in_range(when, now + 900, now + 1100);
	assert_true(limiter_may_send(&l, 1, now + 1100, &when));
	limiter_sent(&l, 1, now + 1100);
	/* On by a year: one burst, not a year's requests. */
	now += INT64_C(365) * 86400000;
	int sent = 0;
	while (limiter_may_send(&l, 1, now, &when) && sent < 10) {
		limiter_sent(&l, 1, now);
		limiter_back(&l, now);
		sent++;
	}
	assert_int_equal(sent, 1);
	/* All places taken: when one comes back. */
	const struct limiter_config one = {.in_flight = 1};
	limiter_init(&l, &one, 0);
	assert_true(limiter_may_send(&l, 1, 0, &when));
	limiter_sent(&l, 1, 0);
	assert_false(limiter_may_send(&l, 1, 0, &when));
	assert_true(when == INT64_MAX);
	limiter_back(&l, 5);
	limiter_done(&l, LIMITER_TROUBLED, 1, -1, 5, 5);
	assert_true(limiter_may_send(&l, 1, 5, &when)); /* never less than one */
}

/* Threads that read the clock and then wait for the lock: what they say is a little late, and must not count twice. */
static void late_threads(void **state)
{
	(void)state;
	const struct limiter_config c = {.requests_per_min = 6000, .in_flight = 1000};
	struct limiter l;
	int64_t when;
	int sent = 0;
	limiter_init(&l, &c, 0);
	for (int64_t now = 0; now < 60000; now++) {
		while (limiter_may_send(&l, 1, now, &when)) {
			limiter_sent(&l, 1, now);
			limiter_back(&l, now);
			sent++;
		}
		for (int64_t late = now > 20 ? now - 20 : 0; late < now; late += 7) {
			limiter_done(&l, LIMITER_NEUTRAL, 1, 1, 0, late);
			limiter_done(&l, LIMITER_NEUTRAL, 1, 1, 0, now);
		}
	}
	assert_in_range(sent, 5800, 6000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_allowance),
		cmocka_unit_test(requests_alone),
		cmocka_unit_test(large_requests),
		cmocka_unit_test(much_set_aside),
		cmocka_unit_test(says_too_much),
		cmocka_unit_test(two_processes),
		cmocka_unit_test(few_at_a_time),
		cmocka_unit_test(faults),
		cmocka_unit_test(slow_start_doubles),
		cmocka_unit_test(huge_request),
		cmocka_unit_test(hold_and_clock),
		cmocka_unit_test(late_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
