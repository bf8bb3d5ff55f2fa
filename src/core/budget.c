#include "core/budget.h"

#include <inttypes.h>
#include <stdio.h>

#define MILLION INT64_C(1000000)

/* Whole units and, in *rest, millionths of a unit. */
static int64_t part_of(int64_t price, int64_t tokens, int64_t *rest)
{
	int64_t a, b, whole;
	if (tokens <= 0 || price <= 0)
		return 0;
	if (__builtin_mul_overflow(tokens / MILLION, price, &a) || __builtin_mul_overflow(tokens % MILLION, price, &b) ||
		__builtin_add_overflow(a, b / MILLION, &whole))
		return INT64_MAX;
	*rest += b % MILLION;
	return whole;
}

static int64_t sum(int64_t a, int64_t b)
{
	int64_t s;
	return __builtin_add_overflow(a, b, &s) ? INT64_MAX : s;
}

int64_t price_of(const struct price *p, int64_t tokens_in, int64_t tokens_out)
{
	int64_t rest = 0;
	int64_t whole = sum(part_of(p->in, tokens_in, &rest), part_of(p->out, tokens_out, &rest));
	return sum(whole, (rest + MILLION - 1) / MILLION);
}

void budget_init(struct budget *b)
{
	*b = (struct budget){.max_total = -1, .max_run = -1};
	ASSERT(pthread_mutex_init(&b->lock, NULL) == 0);
}

struct money {
	char text[32];
};
/* "12.5": the millionths that are not 0, two digits at least. */
static struct money money(int64_t millionths)
{
	struct money m;
	int n = snprintf(m.text, sizeof(m.text), "%" PRId64 ".%06" PRId64, millionths / MILLION, millionths % MILLION);
	while (m.text[n - 1] == '0' && m.text[n - 3] != '.')
		m.text[--n] = '\0';
	return m;
}

static int over_money(const struct budget *b, bool total, int64_t cost, struct err *e)
{
	int64_t max = total ? b->max_total : b->max_run, spent = b->spent;
	return err_set(e, ERR_BUDGET,
		"the budget is reached: %s is %s; %s is spent %s, %s set aside for requests under way, and the next is "
		"expected to "
		"cost %s. %s; what is paid for is kept",
		total ? "max_cost of the pipeline" : "--max-cost", money(max).text,
		money(total ? sum(b->before, spent) : spent).text, total ? "in this work folder" : "in this run",
		money(b->reserved).text, money(cost).text,
		total ? "Raise max_cost to go on" : "Run again to go on, with a higher --max-cost if you like");
}

static bool over(int64_t max, int64_t spent, int64_t reserved, int64_t more)
{
	return sum(sum(spent, reserved), more) > max;
}

static int reserve(struct budget *b, int64_t cost, int64_t tokens, struct err *e)
{
	if (cost > 0 && b->max_total >= 0 && over(b->max_total, sum(b->before, b->spent), b->reserved, cost))
		return over_money(b, true, cost, e);
	if (cost > 0 && b->max_run >= 0 && over(b->max_run, b->spent, b->reserved, cost))
		return over_money(b, false, cost, e);
	if (b->max_tokens > 0 && over(b->max_tokens, b->tokens, b->tokens_reserved, tokens)) {
		int64_t taken = b->tokens;
		return err_set(e, ERR_BUDGET,
			"the budget is reached: max_tokens is %" PRId64 "; %" PRId64 " are used in this run, %" PRId64
			" set aside for requests under way, and the next is expected to take %" PRId64
			". Run again to go on, with a higher max_tokens if you like; what is paid for is kept",
			b->max_tokens, taken, b->tokens_reserved, tokens);
	}
	b->reserved = sum(b->reserved, cost);
	b->tokens_reserved = sum(b->tokens_reserved, tokens);
	return 0;
}

int budget_reserve(struct budget *b, int64_t cost, int64_t tokens, struct err *e)
{
	ASSERT(cost >= 0 && tokens >= 0);
	pthread_mutex_lock(&b->lock);
	int rc = reserve(b, cost, tokens, e);
	pthread_mutex_unlock(&b->lock);
	return rc;
}

void budget_settle(struct budget *b, int64_t reserved, int64_t tokens_reserved, int64_t cost, int64_t tokens)
{
	pthread_mutex_lock(&b->lock);
	ASSERT(reserved <= b->reserved && tokens_reserved <= b->tokens_reserved);
	b->reserved -= reserved;
	b->tokens_reserved -= tokens_reserved;
	b->spent = sum(b->spent, cost);
	b->tokens = sum(b->tokens, tokens);
	pthread_mutex_unlock(&b->lock);
}
