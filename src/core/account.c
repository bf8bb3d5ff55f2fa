#include "core/account.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "core/account_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 400
#define HOLD_TOLD_MS 30000 /* shorter waits are usual */
#define POKE_MS 5          /* the loop is woken for a change that saves it this much waiting */

void exchange_release(struct exchange *x)
{
	buf_release(&x->reply.body);
}

/* --- Waking. Each exchange has a semaphore of its own: nobody wakes but who is meant --- */
static void wake(struct exchange *x, int rc)
{
	x->inside.rc = rc;
	sem_post(x->inside.wake); /* x may be gone from here on */
}

/* Of the same provider, at another place. */
static bool same_provider(const struct account *a, const struct account *b)
{
	return a != b && a->c.place && b->c.place && strcmp(a->c.name, b->c.name) == 0;
}

static bool is_up(const struct account *a)
{
	return !a->why.code && !a->breaker.open;
}

static bool another_is_up(const struct account *a)
{
	for (size_t i = 0; i < a->all->n; i++)
		if (same_provider(a, a->all->v[i]) && is_up(a->all->v[i]))
			return true;
	return false;
}

static void wake_all(struct account *a, int code, const char *words)
{
	struct exchange *x;
	while ((x = queue_take(&a->waiting)))
		wake(x, err_set(x->inside.e, code, "%s", words));
}

static void refuse(struct account *a, const char *words)
{
	if (a->why.code)
		return;
	err_set(&a->why, ERR_ACCOUNT, "%s", words);
	wake_all(a, ERR_ACCOUNT, a->why.text);
}

static void settle(struct account *a, struct exchange *x, int64_t cost, int64_t tokens)
{
	if (a->all->budget)
		budget_settle(a->all->budget, x->inside.cost_reserved, x->tokens_in + x->tokens_out, cost, tokens);
}

/* --- [loop] Sending --- */
static bool go(struct account *a, struct exchange *x, int64_t now)
{
	int64_t cost = price_of(&a->c.price, x->tokens_in, x->tokens_out), tokens = x->tokens_in + x->tokens_out;
	if (a->all->budget && budget_reserve(a->all->budget, cost, tokens, x->inside.e) < 0) {
		wake(x, ERR_BUDGET);
		return false;
	}
	x->inside.cost_reserved = cost;
	x->inside.set_aside = x->max_tokens > x->tokens_out ? x->max_tokens - x->tokens_out : 0;
	x->inside.sent_ms = now;
	x->inside.probe = breaker_sent(&a->breaker);
	limiter_sent(&a->limiter, tokens, now);
	limiter_set_aside(&a->limiter, x->inside.set_aside);
	a->counts.requests++;
	return true;
}

/* Puts what goes now at *tail, and returns when to look again. */
static int64_t account_turn(struct account *a, int64_t now, struct exchange ***tail)
{
	struct exchange *x;
	int64_t when;
	while ((x = queue_first(&a->waiting))) {
		if (x->inside.due_ms > now)
			return x->inside.due_ms;
		if (!breaker_may_send(&a->breaker, now, &when) ||
			!limiter_may_send(&a->limiter, x->tokens_in + x->tokens_out, now, &when))
			return when;
		queue_take(&a->waiting);
		if (!go(a, x, now))
			continue;
		x->inside.next = NULL;
		**tail = x;
		*tail = &x->inside.next;
	}
	return INT64_MAX;
}

static void done(void *arg, struct http_reply *reply);

static int64_t turn(void *arg)
{
	struct accounts *all = arg;
	struct exchange *first = NULL, **tail = &first, *next;
	int64_t now = clock_ms(), when = INT64_MAX;
	pthread_mutex_lock(&all->lock);
	for (size_t i = 0; i < all->n; i++) {
		struct account *a = all->v[i];
		a->next_ms = account_turn(a, now, &tail);
		if (a->next_ms < when)
			when = a->next_ms;
	}
	struct http *h = all->http;
	pthread_mutex_unlock(&all->lock);
	for (struct exchange *x = first; x; x = next) {
		next = x->inside.next;
		http_begin(h, &x->http, done, x);
	}
	return when;
}

/* --- [loop] Replies --- */
static enum breaker_end sign_of_life(const struct http_reply *r)
{
	switch (r->end) {
	case HTTP_DONE:
		return r->status >= 502 && r->status <= 504 ? BREAKER_FAILED : BREAKER_ALIVE;
	case HTTP_TOO_LONG:
		return BREAKER_ALIVE;
	case HTTP_BROKEN:
	case HTTP_CANCELLED:
		return BREAKER_UNKNOWN;
	default:
		return BREAKER_FAILED;
	}
}

static void how_it_failed(const struct http_reply *r, char *ret, size_t n)
{
	if (r->end == HTTP_DONE)
		snprintf(ret, n, "the server answers status %d", r->status);
	else
		snprintf(ret, n, "no reply from the server (%s)", r->what[0] ? r->what : http_end_name(r->end));
}

/* Words for the user when the breaker changed; and the end of patience. */
static void breaker_turn(struct account *a, const struct http_reply *r, enum breaker_event event, char *words)
{
	int64_t now = clock_ms(), pause_s = (breaker_pause_ms(&a->breaker, now) + 500) / 1000;
	char how[sizeof(r->what) + 64];
	if (event == BREAKER_NOTHING)
		return;
	if (event == BREAKER_CLOSED) {
		snprintf(words, WORDS_MAX, "provider %s is back after %" PRId64 " s", a->name, (a->breaker.last_ms + 500) / 1000);
		return;
	}
	how_it_failed(r, how, sizeof(how));
	bool alone = !another_is_up(a);
	if (alone && a->c.patience_s > 0 && event == BREAKER_STILL_OPEN && pause_s >= a->c.patience_s) {
		snprintf(words, WORDS_MAX,
			"provider %s: %s, for %" PRId64 " s. Look at its base_url, the network and the server, then run again; "
			"what is answered is kept",
			a->name, how, pause_s);
		refuse(a, words);
		words[0] = '\0'; /* the stages that stop tell it */
	} else if (event == BREAKER_OPENED) {
		snprintf(words, WORDS_MAX, "provider %s: %s, %d times in a row; waiting, next try in %" PRId64 " s", a->name,
			how, BREAKER_FAILURES, a->breaker.wait_ms / 1000);
	} else {
		snprintf(words, WORDS_MAX, "provider %s: still %s; next try in %" PRId64 " s", a->name, how,
			a->breaker.wait_ms / 1000);
	}
	if (!alone)
		wake_all(a, ERR_TRANSIENT, words); /* another place takes them */
}

static void done(void *arg, struct http_reply *reply)
{
	struct exchange *x = arg;
	struct account *a = x->inside.account;
	struct accounts *all = a->all;
	char words[WORDS_MAX] = "";
	int64_t now = clock_ms();
	x->reply = *reply;
	buf_init(&reply->body, reply->body.max); /* it is ours now */
	int rc = 0;
	pthread_mutex_lock(&all->lock);
	limiter_back(&a->limiter, now);
	limiter_set_aside(&a->limiter, -x->inside.set_aside);
	breaker_turn(a, &x->reply, breaker_done(&a->breaker, x->inside.probe, sign_of_life(&x->reply), now), words);
	if (x->reply.end == HTTP_CANCELLED) {
		limiter_done(&a->limiter, LIMITER_NEUTRAL, x->tokens_in + x->tokens_out, 0, now - x->inside.sent_ms, now);
		settle(a, x, 0, 0);
		rc = err_set(x->inside.e, ERR_STOPPED, "the run was stopped while a request was under way");
	}
	pthread_mutex_unlock(&all->lock);
	wake(x, rc);
	if (words[0] && all->on_change)
		all->on_change(all->arg, a->name, words);
}

/* --- From any thread --- */
struct accounts *accounts_new(
	struct budget *b, void (*on_change)(void *arg, const char *account, const char *words), void *arg)
{
	struct accounts *all = xcalloc(1, sizeof(*all));
	all->budget = b;
	all->on_change = on_change;
	all->arg = arg;
	ASSERT(pthread_mutex_init(&all->lock, NULL) == 0);
	return all;
}

struct account *account_add(struct accounts *all, const struct account_config *c)
{
	struct account *a = xcalloc(1, sizeof(*a));
	a->all = all;
	a->c = *c;
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	buf_printf(&name, c->place ? "%s at %s" : "%s", c->name, c->place);
	a->name = xstrdup(name.data);
	a->c.name = xstrdup(c->name);
	a->c.place = c->place ? xstrdup(c->place) : NULL;
	a->next_ms = INT64_MAX;
	limiter_init(&a->limiter, &c->limits, clock_ms());
	pthread_mutex_lock(&all->lock);
	GROW(all->v, all->n, all->cap);
	all->v[all->n++] = a;
	pthread_mutex_unlock(&all->lock);
	return a;
}

void accounts_stop(struct accounts *all, bool drop)
{
	pthread_mutex_lock(&all->lock);
	all->stopping = true;
	for (size_t i = 0; i < all->n; i++)
		wake_all(all->v[i], ERR_STOPPED, "the run was stopped while a request was waiting");
	struct http *h = all->http;
	pthread_mutex_unlock(&all->lock);
	if (drop && h)
		http_cancel_all(h);
}

void accounts_free(struct accounts *all)
{
	if (!all)
		return;
	http_free(all->http);
	for (size_t i = 0; i < all->n; i++) {
		free(all->v[i]->waiting.v);
		free(all->v[i]->name);
		free((char *)all->v[i]->c.name);
		free((char *)all->v[i]->c.place);
		free(all->v[i]);
	}
	free(all->v);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

static int start_loop(struct accounts *all, struct err *e)
{
	const struct http_hooks hooks = {.turn = turn, .arg = all};
	int64_t most = 0;
	if (all->http)
		return 0;
	for (size_t i = 0; i < all->n; i++)
		most += all->v[i]->limiter.c.in_flight;
	return http_new(&hooks, most > INT32_MAX ? INT32_MAX : (int)most, &all->http, e);
}

/* Under the lock. True in *ret_poke when the loop has to look at once: it does so by itself whenever something comes back. */
static int enter(struct account *a, struct exchange *x, bool *ret_poke, struct err *e)
{
	struct accounts *all = a->all;
	if (all->stopping)
		return err_set(e, ERR_STOPPED, "the run was stopped");
	if (a->why.code)
		return err_set(e, ERR_ACCOUNT, "%s", a->why.text);
	int rc = start_loop(all, e);
	if (rc < 0)
		return rc;
	x->inside.order = ++all->order;
	queue_put(&a->waiting, x);
	*ret_poke = queue_first(&a->waiting) == x && a->limiter.in_flight < (int)a->limiter.window;
	return 0;
}

int account_exchange(struct account *a, struct exchange *x, struct err *e)
{
	sem_t woken;
	bool poke = false;
	int64_t now = clock_ms();
	ASSERT(x->tokens_in >= 0 && x->tokens_out >= 0);
	x->inside = (struct exchange_inside){.account = a, .wake = &woken, .e = e};
	x->inside.due_ms = x->not_before_ms > now ? x->not_before_ms : now;
	x->reply = (struct http_reply){.body = BUF_INIT_MAX(x->http.reply_max)};
	sem_init(&woken, 0, 0);
	pthread_mutex_lock(&a->all->lock);
	int rc = enter(a, x, &poke, e);
	struct http *h = a->all->http;
	pthread_mutex_unlock(&a->all->lock);
	if (rc == 0) {
		if (poke)
			http_poke(h);
		while (sem_wait(&woken) < 0)
			ASSERT(errno == EINTR);
		rc = x->inside.rc;
	}
	sem_destroy(&woken);
	return rc;
}

/* The lower the better: due to be probed, up and little to do, down and soon to be probed, refusing. */
static double preference(const struct account *a, int64_t now)
{
	int64_t when;
	if (a->why.code)
		return 3e18;
	if (!a->breaker.open)
		return (double)(a->waiting.n + (size_t)a->limiter.in_flight) / a->limiter.c.in_flight;
	if (a->waiting.n == 0 && breaker_may_send(&a->breaker, now, &when))
		return -1;
	return 1e18 + (double)a->breaker.probe_ms;
}

/* Which is best now; whether even that one refuses. */
static size_t best_of(const struct account_places *p, bool *ret_all_refuse)
{
	struct accounts *all = p->v[0]->all;
	size_t best = 0;
	double least = HUGE_VAL;
	int64_t now = clock_ms();
	pthread_mutex_lock(&all->lock);
	for (size_t i = 0; i < p->n; i++) {
		double x = preference(p->v[i], now);
		if (x < least) {
			least = x;
			best = i;
		}
	}
	*ret_all_refuse = p->v[best]->why.code != 0;
	pthread_mutex_unlock(&all->lock);
	return best;
}

int account_exchange_best(const struct account_places *p, struct exchange *x, size_t *ret_which, struct err *e)
{
	ASSERT(p->n > 0);
	for (;;) {
		bool all_refuse;
		struct err own = ERR_INIT;
		size_t which = best_of(p, &all_refuse);
		x->http.url = p->urls[which];
		int rc = account_exchange(p->v[which], x, &own);
		*ret_which = which;
		if (rc == 0)
			return 0;
		if ((rc != ERR_TRANSIENT && rc != ERR_ACCOUNT) || all_refuse)
			return err_set(e, rc, "%s", own.text);
	}
}

/* --- What came of it --- */
static void count(struct account_counts *n, const struct http_reply *reply, const struct account_report *r)
{
	n->ok += r->end == LIMITER_OK;
	n->limited += r->end == LIMITER_LIMITED;
	n->lost += reply->end != HTTP_DONE;
	n->troubled += r->end == LIMITER_TROUBLED && reply->end == HTTP_DONE;
	n->refused += r->refused;
	n->filtered += r->filtered;
}

/* A reply that was on its way: servers charge for it. What, nobody says: at least the prompt is counted. */
static bool given_up(const struct http_reply *r)
{
	return r->end == HTTP_TIMEOUT || r->end == HTTP_STALL || r->end == HTTP_TOO_LONG;
}

static int64_t known(int64_t told, int64_t expected)
{
	return told >= 0 && told <= ACCOUNT_TOKENS_MAX ? told : expected;
}

/* One kind of x-ratelimit-limit-*, -remaining-*, -reset-*: how long to hold everything back, 0: not at all. `need` is what the next request takes, *most_left
 * the most that was ever left. "Reset" has two meanings: the end of a counted minute, or the time until a token bucket is full again, which is long after
 * there is enough in it. It is the second when it says as long as filling up to the most takes. */
static int64_t used_up_ms(const char *const said[3], int64_t need, int64_t *most_left, int64_t wall_ms)
{
	int64_t left, limit, wait = reset_ms(said[2], wall_ms);
	if (!str_int(str_of(said[1]), &left) || left < 0)
		return 0;
	*most_left = left > *most_left ? left : *most_left;
	if (left >= need || wait <= 0)
		return 0;
	if (!str_int(str_of(said[0]), &limit) || limit < need)
		return wait;
	double full = 60000.0 * (double)(*most_left - left) / (double)limit;
	double enough = 60000.0 * (double)(need - left) / (double)limit;
	return (double)wait >= 0.9 * full ? (int64_t)enough + 1 : wait;
}

/* Words for the user when it is long. */
static void hold(struct account *a, const struct exchange *x, const struct account_report *r, int64_t now, char *words)
{
	const struct http_facts *f = &x->reply.facts;
	int64_t wall = clock_wall_ms(), wait = r->retry_ms;
	const char *const of_requests[] = {f->limit_requests, f->remaining_requests, f->reset_requests};
	const char *const of_tokens[] = {f->limit_tokens, f->remaining_tokens, f->reset_tokens};
	int64_t requests = used_up_ms(of_requests, 1, &a->most_requests, wall);
	int64_t tokens = used_up_ms(of_tokens, x->tokens_in + x->tokens_out, &a->most_tokens, wall);
	/* These are of an allowance, and no refusal: one that lies holds a run for no longer than its user would wait for a server that is down. */
	int64_t most = a->c.patience_s > 0 ? a->c.patience_s * 1000 : LIMITER_WAIT_MAX_MS;
	wait = requests > wait ? requests : wait;
	wait = tokens > wait ? tokens : wait;
	if (wait > most)
		wait = most;
	if (wait > 0)
		limiter_hold(&a->limiter, now + wait);
	if (wait > HOLD_TOLD_MS && now + wait > a->told_ms + HOLD_TOLD_MS) {
		a->told_ms = now + wait;
		snprintf(words, WORDS_MAX, "provider %s: waiting %" PRId64 " s, as the server asks to (status %d)", a->name,
			wait / 1000, x->reply.status);
	}
}

static void refusals(struct account *a, const struct exchange *x, const struct account_report *r)
{
	if (r->end == LIMITER_OK)
		a->refusals = 0;
	if (!r->refused_by_status || ++a->refusals < ACCOUNT_REFUSALS)
		return;
	char words[WORDS_MAX];
	snprintf(words, sizeof(words),
		"provider %s: the server refused %d requests in a row (the last with status %d) and answered none between; "
		"look at "
		"the account, its key and the model's name, then run again",
		a->name, ACCOUNT_REFUSALS, x->reply.status);
	refuse(a, words);
}

/* Whether the loop would look later than it could now send. */
static bool sooner(const struct account *a, int64_t now)
{
	const struct exchange *x = queue_first(&a->waiting);
	return x && x->inside.due_ms <= now && a->next_ms > now + POKE_MS &&
		   a->limiter.in_flight < (int)a->limiter.window && !a->breaker.open;
}

void account_report(struct account *a, struct exchange *x, const struct account_report *r)
{
	struct accounts *all = a->all;
	int64_t expected = x->tokens_in + x->tokens_out, now = clock_ms();
	char words[WORDS_MAX] = "";
	bool told = r->tokens_in >= 0 || r->tokens_out >= 0, work = told || r->end == LIMITER_OK;
	int64_t in = work || given_up(&x->reply) ? known(r->tokens_in, x->tokens_in) : 0;
	int64_t out = work ? known(r->tokens_out, x->tokens_out) : 0;
	int64_t cost = price_of(&a->c.price, in, out);
	/* A server that broke down on a request may have counted it: the estimate stays. */
	int64_t used = r->end == LIMITER_TROUBLED && !told && x->reply.end != HTTP_NO_CONNECT ? -1 : in + out;
	pthread_mutex_lock(&all->lock);
	limiter_done(&a->limiter, r->end, expected, used, now - x->inside.sent_ms, now);
	settle(a, x, cost, in + out);
	a->counts.tokens_in += in;
	a->counts.tokens_out += out;
	a->counts.cost += cost;
	count(&a->counts, &x->reply, r);
	hold(a, x, r, now, words);
	refusals(a, x, r);
	bool poke = sooner(a, now);
	struct http *h = all->http;
	pthread_mutex_unlock(&all->lock);
	if (poke)
		http_poke(h);
	if (words[0] && all->on_change)
		all->on_change(all->arg, a->name, words);
}

bool account_refuse(struct account *a, const struct err *why)
{
	pthread_mutex_lock(&a->all->lock);
	bool first = !a->why.code;
	refuse(a, why->text);
	pthread_mutex_unlock(&a->all->lock);
	return first;
}

void account_tell(struct account *a, const char *words)
{
	if (a->all->on_change)
		a->all->on_change(a->all->arg, a->name, words);
}

void account_count_invalid(struct account *a)
{
	pthread_mutex_lock(&a->all->lock);
	a->counts.invalid++;
	pthread_mutex_unlock(&a->all->lock);
}

void account_counts(struct account *a, struct account_counts *ret)
{
	pthread_mutex_lock(&a->all->lock);
	*ret = a->counts;
	ret->waiting = (int64_t)a->waiting.n;
	ret->in_flight = a->limiter.in_flight;
	ret->window = (int64_t)a->limiter.window;
	ret->paused = a->breaker.open;
	ret->paused_s = (a->breaker.paused_ms + breaker_pause_ms(&a->breaker, clock_ms())) / 1000;
	pthread_mutex_unlock(&a->all->lock);
}
