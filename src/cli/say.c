#include "cli/say.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/problems.h"

#include <stdio.h>
#include <string.h>

void say_error(const char *fmt, ...)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf clean = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	put_clean(&clean, buf_view(&text));
	if (!str_ends(buf_view(&clean), "\n"))
		buf_putc(&clean, '\n');
	fprintf(stderr, "taf: %s", clean.data);
	fflush(stderr);
}

void say_unknown(const char *lead, struct str got, struct str *known, size_t n)
{
	CLEANUP(problems_release) struct problems p = PROBLEMS_INIT;
	struct option_list list = {known, n};
	problem_unknown(&p, (struct yaml_mark){NULL, 0, 0}, lead, got, &list);
	say_error("%s", p.v[0].text);
}

void say_out(const struct buf *b)
{
	fwrite(b->data, 1, b->len, stdout);
	fflush(stdout);
}

void put_clean(struct buf *b, struct str text)
{
	char bytes[4];
	for (uint32_t cp; utf8_next(&text, &cp);) {
		bool control = (cp < 0x20 && cp != '\n') || (cp >= 0x7F && cp < 0xA0);
		control |= (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069); /* turn the writing round */
		buf_add(b, bytes, utf8_put(control ? 0xFFFD : cp, bytes));
	}
}

void put_count(struct buf *b, int64_t n)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
	for (int i = 0; i < len; i++) {
		if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
			buf_putc(b, ',');
		buf_putc(b, digits[i]);
	}
}

void put_many(struct buf *b, int64_t n, const char *word)
{
	put_count(b, n);
	buf_printf(b, " %s%s", word, n == 1 ? "" : "s");
}

void put_taken(struct buf *b, bool speech, int64_t tokens_in, int64_t tokens_out)
{
	put_many(b, tokens_in, speech ? "character" : "token");
	if (speech)
		return;
	buf_puts(b, " in, ");
	put_count(b, tokens_out);
	buf_puts(b, " out");
}

void put_bytes(struct buf *b, int64_t n)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	double v = (double)n;
	if (n < 1000) {
		buf_printf(b, "%lld B", (long long)n);
		return;
	}
	size_t u = 0;
	for (v /= 1000; v >= 999.5 && u + 1 < COUNT_OF(units); u++)
		v /= 1000;
	buf_printf(b, v < 10 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void put_seconds(struct buf *b, double seconds)
{
	int64_t s = (int64_t)(seconds + 0.5);
	if (seconds < 9.95)
		buf_printf(b, "%.1f s", seconds < 0 ? 0 : seconds);
	else if (s < 60)
		buf_printf(b, "%lld s", (long long)s);
	else if (s < 3600)
		buf_printf(b, "%lld:%02lld", (long long)(s / 60), (long long)(s % 60));
	else
		buf_printf(b, "%lld:%02lld:%02lld", (long long)(s / 3600), (long long)(s / 60 % 60), (long long)(s % 60));
}
