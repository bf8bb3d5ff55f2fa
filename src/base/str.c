#include "base/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct str str_of(const char *cstr)
{
	return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

struct str str_n(const char *p, size_t n)
{
	return (struct str){p, n};
}

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *cstr)
{
	return str_eq(a, str_of(cstr));
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, const char *prefix)
{
	struct str p = str_of(prefix);
	return s.n >= p.n && str_eq(str_n(s.p, p.n), p);
}

bool str_ends(struct str s, const char *suffix)
{
	struct str p = str_of(suffix);
	if (p.n == 0)
		return true;
	return s.n >= p.n && str_eq(str_n(s.p + (s.n - p.n), p.n), p);
}

ptrdiff_t str_find(struct str s, struct str needle)
{
	if (needle.n == 0)
		return 0;
	if (needle.n > s.n)
		return -1;
	const char *at = memmem(s.p, s.n, needle.p, needle.n);
	return at ? at - s.p : -1;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool str_split(struct str *rest, char sep, struct str *ret_piece)
{
	if (!rest->p)
		return false;
	const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	if (!at) {
		*ret_piece = *rest;
		*rest = (struct str){NULL, 0};
		return true;
	}
	size_t n = (size_t)(at - rest->p);
	*ret_piece = str_n(rest->p, n);
	*rest = str_n(at + 1, rest->n - n - 1);
	return true;
}

bool str_line(struct str *rest, struct str *ret_line)
{
	if (rest->n == 0)
		return false;
	const char *at = memchr(rest->p, '\n', rest->n);
	size_t n = at ? (size_t)(at - rest->p) : rest->n, skip = at ? n + 1 : n;
	struct str line = str_n(rest->p, n);
	if (at && n && line.p[n - 1] == '\r')
		line.n--;
	*rest = str_n(rest->p + skip, rest->n - skip);
	*ret_line = line;
	return true;
}

bool str_int(struct str s, int64_t *ret)
{
	bool minus = s.n && s.p[0] == '-';
	size_t i = s.n && (minus || s.p[0] == '+') ? 1 : 0;
	if (i == s.n)
		return false;
	int64_t v = 0;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		int digit = s.p[i] - '0';
		/* Downwards, since there is one more number below zero than above it. */
		if (__builtin_mul_overflow(v, (int64_t)10, &v) || __builtin_sub_overflow(v, (int64_t)digit, &v))
			return false;
	}
	if (!minus && __builtin_sub_overflow((int64_t)0, v, &v))
		return false;
	*ret = v;
	return true;
}

bool str_real(struct str s, double *ret)
{
	char text[128];
	bool digit = false;
	if (s.n == 0 || s.n >= sizeof(text))
		return false;
	for (size_t i = 0; i < s.n; i++) { /* strtod would also take blanks, hex, inf and nan */
		if (s.p[i] >= '0' && s.p[i] <= '9')
			digit = true;
		else if (!s.p[i] || !strchr("+-.eE", s.p[i]))
			return false;
	}
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	char *end;
	double v = strtod(text, &end);
	if (!digit || end != text + s.n || !isfinite(v))
		return false;
	*ret = v;
	return true;
}

int str_distance(struct str a, struct str b, int max)
{
	enum { LONGEST = 64 };
	int row[LONGEST + 1];
	if (a.n > LONGEST || b.n > LONGEST)
		return max + 1;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= a.n; i++) {
		int corner = row[0];
		row[0] = (int)i;
		for (size_t j = 1; j <= b.n; j++) {
			int change = corner + (a.p[i - 1] != b.p[j - 1]);
			int best = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
			corner = row[j];
			row[j] = change < best ? change : best;
		}
	}
	return row[b.n] > max ? max + 1 : row[b.n];
}
