#include "base/clock.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec t;
	ASSERT(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

void clock_iso(int64_t wall_ms, char *ret, size_t n)
{
	ASSERT(n >= 21);
	time_t t = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
	struct tm tm;
	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900) {
		snprintf(ret, n, "0000-00-00T00:00:00Z");
		return;
	}
	size_t len = strftime(ret, n, "%Y-%m-%dT%H:%M:%SZ", &tm);
	ASSERT(len > 0);
}

/* To a point in time, so that signals neither end nor stretch it. */
void clock_sleep_ms(int64_t ms)
{
	if (ms <= 0)
		return;
	int64_t until = clock_us() + ms * 1000;
	struct timespec t = {.tv_sec = (time_t)(until / 1000000), .tv_nsec = (long)(until % 1000000 * 1000)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static int64_t unit_seconds(char c)
{
	return c == 's' ? 1 : c == 'm' ? 60 : c == 'h' ? 3600 : c == 'd' ? 86400 : 0;
}

bool clock_span(struct str s, int64_t *ret)
{
	int64_t sum = 0, part;
	if (str_int(s, &part) && part >= 0 && s.p[0] != '+') {
		*ret = part;
		return true;
	}
	if (!s.n)
		return false;
	while (s.n) {
		size_t n = 0;
		while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
			n++;
		int64_t unit = n < s.n ? unit_seconds(s.p[n]) : 0;
		if (!n || n > 9 || !unit || !str_int(str_n(s.p, n), &part))
			return false;
		sum += part * unit;
		s = str_n(s.p + n + 1, s.n - n - 1);
	}
	*ret = sum;
	return true;
}
