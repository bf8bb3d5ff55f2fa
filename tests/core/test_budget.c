#include "core/budget.h"

#include <pthread.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void prices(void **state)
{
	(void)state;
	const struct price p = {.in = 2000000, .out = 8000000}; /* 2 and 8 a million tokens */
	assert_int_equal(price_of(&p, 1000000, 0), 2000000);
	assert_int_equal(price_of(&p, 700, 60), 1880); /* 0.00188 */
	assert_int_equal(price_of(&p, 0, 0), 0);
	assert_int_equal(price_of(&p, -1, -1), 0);
	const struct price odd = {.in = 333333, .out = 1};
	assert_int_equal(price_of(&odd, 1, 0), 1); /* 0.33: up */
	assert_int_equal(price_of(&odd, 3, 1), 1); /* 0.999999 + 0.000001: exactly 1 */
	assert_int_equal(price_of(&odd, 3, 2), 2); /* and a bit over */
	assert_int_equal(price_of(&odd, 3000000, 0), 999999);
	assert_int_equal(price_of(&p, INT64_MAX, 0), INT64_MAX);
	assert_int_equal(price_of(&p, INT64_MAX / 2, INT64_MAX / 2), INT64_MAX);
	const struct price none = {0, 0};
	assert_int_equal(price_of(&none, 1000000000, 1000000000), 0);
	/* Sums of parts are exact: 28,511 times one price. */
	int64_t sum = 0;
	for (int i = 0; i < 28511; i++)
		sum += price_of(&p, 712, 64);
	assert_int_equal(sum, INT64_C(28511) * (712 * 2 + 64 * 8));
}

static void says(struct budget *b, int64_t cost, int64_t tokens, const char *const *words)
{
	struct err e = ERR_INIT;
	assert_int_equal(budget_reserve(b, cost, tokens, &e), ERR_BUDGET);
	for (; *words; words++)
		if (!strstr(e.text, *words))
			fail_msg("no \"%s\" in: %s", *words, e.text);
}

static void limits(void **state)
{
	(void)state;
	struct budget b;
	budget_init(&b);
	assert_int_equal(budget_reserve(&b, INT64_MAX / 2, INT64_MAX / 2, NULL), 0); /* no limits */
	budget_settle(&b, INT64_MAX / 2, INT64_MAX / 2, 1500000, 700);
	assert_int_equal(b.spent, 1500000);
	b.before = 3000000;
	b.max_total = 5000000;
	assert_int_equal(budget_reserve(&b, 400000, 10, NULL), 0);
	assert_int_equal(budget_reserve(&b, 100000, 10, NULL), 0); /* exactly */
	const char *const total[] = {"max_cost of the pipeline is 5.00;", "4.50 is spent in this work folder",
		"0.50 set aside", "cost 0.000001", "Raise max_cost", NULL};
	says(&b, 1, 10, total);
	assert_int_equal(budget_reserve(&b, 0, 10, NULL), 0); /* free of charge */
	budget_settle(&b, 0, 10, 0, 0);
	budget_settle(&b, 400000, 10, 0, 0); /* failed: cost nothing */
	assert_int_equal(budget_reserve(&b, 400000, 10, NULL), 0);
	budget_settle(&b, 400000, 10, 900000, 5000); /* more than expected: over, and then nothing */
	budget_settle(&b, 100000, 10, 0, 0);
	says(&b, 1, 10, total + 3);
	b.max_total = -1;
	b.max_run = 2400000;
	const char *const run[] = {"--max-cost is 2.40;", "2.40 is spent in this run", "Run again", NULL};
	says(&b, 1, 10, run);
	b.max_run = -1;
	b.max_tokens = 6000;
	assert_int_equal(b.tokens, 5700);
	assert_int_equal(budget_reserve(&b, 0, 300, NULL), 0);
	const char *const tokens[] = {"max_tokens is 6000;", "5700 are used", "300 set aside", "take 7", NULL};
	says(&b, 0, 7, tokens);
	/* Nothing was set aside by what was refused. */
	assert_int_equal(b.reserved, 0);
	assert_int_equal(b.tokens_reserved, 300);
	/* 0 is a limit. */
	b.max_run = 0;
	says(&b, 1, 0, run + 2);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *spender(void *arg)
{
	struct budget *b = arg;
	int64_t done = 0;
	for (int i = 0; i < ROUNDS; i++) {
		if (budget_reserve(b, 3, 2, NULL) < 0)
			continue;
		int64_t spent = b->spent;
		if (spent > b->max_run)
			return (void *)(intptr_t)-1;
		budget_settle(b, 3, 2, i % 3 == 0 ? 0 : 3, 2);
		done += i % 3 == 0 ? 0 : 3;
	}
	return (void *)(intptr_t)done;
}

static void threads(void **state)
{
	(void)state;
	struct budget b;
	budget_init(&b);
	b.max_run = INT64_C(3) * THREADS * ROUNDS / 4;
	pthread_t t[THREADS];
	int64_t sum = 0;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, spender, &b), 0);
	for (int i = 0; i < THREADS; i++) {
		void *done;
		pthread_join(t[i], &done);
		assert_true((intptr_t)done >= 0);
		sum += (intptr_t)done;
	}
	assert_int_equal(b.spent, sum);
	assert_int_equal(b.spent, b.max_run); /* to the last millionth, and not one more */
	assert_int_equal(b.reserved, 0);
	assert_int_equal(b.tokens_reserved, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prices),
		cmocka_unit_test(limits),
		cmocka_unit_test(threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
