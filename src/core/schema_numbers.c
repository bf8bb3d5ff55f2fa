#include "core/schema_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int schema_compare(const struct json *a, const struct json *b)
{
	if (a->kind == JSON_INT && b->kind == JSON_INT)
		return a->u.i < b->u.i ? -1 : a->u.i > b->u.i;
	long double x = a->kind == JSON_INT ? (long double)a->u.i : (long double)a->u.d;
	long double y = b->kind == JSON_INT ? (long double)b->u.i : (long double)b->u.d;
	return x < y ? -1 : x > y;
}

/** A number > 0 as digits × 10^power, by its shortest decimal form: the one that people wrote. At most 17 digits of a real, 19 of an integer. */
static void decimal(const struct json *v, uint64_t *ret_digits, int *ret_power)
{
	char text[40];
	double back = 0;
	*ret_power = 0;
	if (v->kind == JSON_INT) {
		*ret_digits = v->u.i < 0 ? 0 - (uint64_t)v->u.i : (uint64_t)v->u.i;
		return;
	}
	int n = snprintf(text, sizeof(text), "%.14e", fabs(v->u.d));
	if (!str_real(str_n(text, (size_t)n), &back) || back != fabs(v->u.d))
		n = snprintf(text, sizeof(text), "%.16e", fabs(v->u.d));
	uint64_t digits = 0;
	int64_t exponent = 0;
	int after = 0;
	for (int i = 0; i < n && text[i] != 'e'; i++) {
		if (text[i] == '.')
			continue;
		digits = digits * 10 + (uint64_t)(text[i] - '0');
		after += i > 0;
	}
	const char *e = strchr(text, 'e');
	if (e)
		str_int(str_of(e[1] == '+' ? e + 2 : e + 1), &exponent);
	for (; digits && digits % 10 == 0; digits /= 10)
		after--;
	*ret_digits = digits;
	*ret_power = (int)exponent - after;
}

bool schema_is_multiple(const struct json *v, const struct json *of)
{
	uint64_t a, b;
	int p, q;
	decimal(v, &a, &p);
	decimal(of, &b, &q);
	if (a == 0)
		return true;
	for (; q > p; q--) {
		if (b > a / 10) /* what grows beyond a is no divisor */
			return false;
		b *= 10;
	}
	uint64_t rest = a % b;
	for (; p > q && rest; p--) {
		uint64_t once = rest;
		for (int i = 1; i < 10; i++) /* × 10 by sums, which stay below 2^64 as b is at most 2^63 */
			rest = (rest + once) % b;
	}
	return rest == 0;
}
