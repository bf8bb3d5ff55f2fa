#include "core/limiter.h"

#include "base/str.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* Digits, maybe with a fraction: what strtod takes beyond that (signs, exponents) no header has. At most 18 digits in all. */
static bool take_decimal(struct str *s, double *ret)
{
	size_t n = 0, points = 0;
	while (n < s->n && n < 20 && ((s->p[n] >= '0' && s->p[n] <= '9') || (s->p[n] == '.' && points == 0)))
		points += s->p[n++] == '.';
	if (n == 0 || n > 18 + points || s->p[0] == '.' || s->p[n - 1] == '.')
		return false;
	if (!str_real(str_n(s->p, n), ret))
		return false;
	*s = str_n(s->p + n, s->n - n);
	return true;
}

static int64_t capped(double ms)
{
	if (ms <= 0)
		return 0;
	return ms >= (double)LIMITER_WAIT_MAX_MS ? LIMITER_WAIT_MAX_MS : (int64_t)ceil(ms);
}

/* A date in UTC → ms from `wall_ms` on. The program never sets a locale: %a and %b are English. */
static bool date_ms(struct str s, int64_t wall_ms, int64_t *ret)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y", "%Y-%m-%dT%H:%M:%SZ"};
	char text[64];
	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {.tm_mday = 1};
		const char *end = strptime(text, forms[i], &tm);
		if (!end || *end != '\0')
			continue;
		*ret = capped((double)timegm(&tm) * 1000 - (double)wall_ms);
		return true;
	}
	return false;
}

int64_t retry_after_ms(const char *text, int64_t wall_ms)
{
	struct str s = str_trim(str_of(text)), rest = s;
	double seconds;
	int64_t ms;
	if (take_decimal(&rest, &seconds) && rest.n == 0)
		return capped(seconds * 1000);
	return date_ms(s, wall_ms, &ms) ? ms : -1;
}

/* "1h2m3.5s" as Go writes durations: each unit at most once, from large to small. */
static bool duration_ms(struct str s, double *ret)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {{"h", 3600e3}, {"ms", 1}, {"m", 60e3}, {"s", 1e3}, {"us", 1e-3}, {"µs", 1e-3}, {"ns", 1e-6}};
	double sum = 0, before = INFINITY;
	while (s.n > 0) {
		double v;
		size_t u = 0;
		if (!take_decimal(&s, &v))
			return false;
		while (u < sizeof(units) / sizeof(units[0]) && !str_starts(s, units[u].name))
			u++;
		if (u == sizeof(units) / sizeof(units[0]) || units[u].ms >= before)
			return false;
		before = units[u].ms;
		sum += v * units[u].ms;
		s = str_n(s.p + strlen(units[u].name), s.n - strlen(units[u].name));
	}
	*ret = sum;
	return before < INFINITY;
}

int64_t reset_ms(const char *text, int64_t wall_ms)
{
	struct str s = str_trim(str_of(text)), rest = s;
	double v;
	int64_t ms;
	if (take_decimal(&rest, &v) && rest.n == 0) {
		if (v >= 1e12) /* ms since 1970: from 2001 on; nothing resets in 30,000 years */
			return capped(v - (double)wall_ms);
		return v >= 1e9 ? capped(v * 1000 - (double)wall_ms) : capped(v * 1000);
	}
	if (duration_ms(s, &v))
		return capped(v);
	return date_ms(s, wall_ms, &ms) ? ms : -1;
}
