/* Numbers that their shape tells: 15:30, 2024-10-01, 1:3, 3/4, 2×3, 12.50元, 1.2.3. */
#include "stages/speak/speech_digits.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "stages/speak/speech_tables.h"

#include <string.h>

/* Each tries at `at` and gives the position after what it spoke, or 0. */

/** 15:30, and the range it may begin */
static size_t try_time(struct buf *b, struct span t, size_t at, size_t n)
{
	if (n > 2 || digits_stand_after(t, at, speech_scores) || t.v[at + n] != ':' || digits_at(t, at + n + 1) != 2 ||
		digits_value(t, at, n) > 24 || digits_value(t, at + n + 1, 2) > 59)
		return 0;
	size_t end = at + n + 3;
	int64_t hour = digits_value(t, at, n), minute = digits_value(t, at + n + 1, 2);
	if (hour == 2)
		buf_puts(b, "两");
	else
		digits_say_value(b, hour);
	buf_puts(b, "点");
	if (minute > 0 && minute < 10)
		buf_puts(b, "零");
	if (minute > 0) {
		digits_say_value(b, minute);
		buf_puts(b, "分");
	}
	if (t.v[end] == ':' && digits_at(t, end + 1) == 2) {
		digits_say_value(b, digits_value(t, end + 1, 2));
		buf_puts(b, "秒");
		end += 3;
	}
	if ((t.v[end] == '-' || t.v[end] == '~') && digits_is(t.v[end + 1])) {
		buf_puts(b, "到");
		return end + 1;
	}
	return t.v[end] == 0x5206 && t.v[end + 1] != 0x949f ? end + 1 : end; /* "21:15分" */
}

/** 1:3, 比分2:1 */
static size_t try_ratio(struct buf *b, struct span t, size_t at, size_t n)
{
	size_t m = digits_at(t, at + n + 1);
	if (t.v[at + n] != ':' || n > 4 || m < 1 || m > 4 || t.v[at + n + 1 + m] == ':')
		return 0;
	digits_say_value(b, digits_value(t, at, n));
	buf_puts(b, "比");
	digits_say_value(b, digits_value(t, at + n + 1, m));
	return at + n + 1 + m;
}

static void say_day(struct buf *b, int64_t month, int64_t day)
{
	digits_say_value(b, month);
	buf_puts(b, "月");
	if (day) {
		digits_say_value(b, day);
		buf_puts(b, "日");
	}
}

#define EASY_PARTS \
	10 /* a smaller number over one up to this is a fraction; over a larger one, a day of a month if there is such */

/** 3/4 is a fraction, 11/25 a day. */
static size_t try_stroke(struct buf *b, struct span t, size_t at, size_t n)
{
	size_t m = digits_at(t, at + n + 1), end = at + n + 1 + m;
	bool slash = t.v[at + n] == '/' || t.v[at + n] == 0x2044; /* ⁄, of ½ */
	if (!slash || n > 3 || m < 1 || m > 4 || t.v[end] == '/' || (at > 0 && t.v[at - 1] == '/'))
		return 0;
	int64_t a = digits_value(t, at, n), of = digits_value(t, at + n + 1, m);
	if (of == 0)
		return 0;
	if (t.v[at + n] == '/' && a >= 1 && a <= 12 && of <= 31 && m <= 2 && (a >= of || of > EASY_PARTS)) {
		say_day(b, a, of);
		return end;
	}
	if (a > of) { /* 120/80 */
		digits_say_value(b, a);
		buf_puts(b, "比");
		digits_say_value(b, of);
		return end;
	}
	if (of == 100 || of == 1000) /* not 一百分之 */
		buf_puts(b, of == 100 ? "百" : "千");
	else
		digits_say_value(b, of);
	buf_puts(b, "分之");
	digits_say_value(b, a);
	return end;
}

/** 11-05: a day, when both have two digits and one begins with 0; 2025-01 a month. */
static size_t try_short_date(struct buf *b, struct span t, size_t at, size_t n)
{
	size_t m = digits_at(t, at + n + 1), end = at + n + 1 + m;
	int64_t a = digits_value(t, at, n), c = digits_value(t, at + n + 1, m);
	if (t.v[at + n] != '-' || m != 2 || t.v[end] == '-' || (at > 0 && t.v[at - 1] == '-') || letters_is(t.v[end]) ||
		speech_after(t, end, speech_counted_by))
		return 0;
	if (n == 2 && a >= 1 && a <= 12 && c >= 1 && c <= 31 && (t.v[at] == '0' || t.v[at + 3] == '0')) {
		say_day(b, a, c);
		return end;
	}
	if (n != 4 || a < 1950 || a > 2100 || c < 1 || c > 12)
		return 0;
	digits_say(b, t, at, 4, false);
	buf_puts(b, "年");
	say_day(b, c, 0);
	return end;
}

/** 2×3, 5*10: both short, and nothing says that the sign hides a digit. */
static size_t try_product(struct buf *b, struct span t, size_t at, size_t n)
{
	size_t m = digits_at(t, at + n + 1);
	uint32_t sign = t.v[at + n];
	if ((sign != '*' && sign != 0xd7 && sign != 'x') || n > 4 || m < 1 || m > 4 || speech_is_mask(t.v[at + n + 1 + m]) ||
		digits_stand_after(t, at, speech_code_words) || digits_stand_after(t, at, speech_phone_words))
		return 0;
	digits_say_value(b, digits_value(t, at, n));
	buf_puts(b, "乘");
	return at + n + 1;
}

/** Numbers with a reading of their own. */
static size_t try_fixed(struct buf *b, struct span t, size_t at)
{
	for (const struct speech_fixed *f = speech_fixed_numbers; f->text; f++) {
		struct str rest = str_of(f->text);
		const char *const after[] = {f->word, NULL};
		uint32_t cp;
		size_t end = at;
		bool same = true;
		while (same && utf8_next(&rest, &cp))
			same = t.v[end++] == cp;
		if (!same || digits_is(t.v[end]) || letters_is(t.v[end]) || !speech_after(t, end, after))
			continue;
		buf_puts(b, f->said);
		return end;
	}
	return 0;
}

/** 2024-10-01, 2024/10/1, 2024.10.1; of years with two digits 24/10/1 alone: 24-10-01 may be any number */
static size_t try_date(struct buf *b, struct span t, size_t at, size_t n)
{
	uint32_t sep = t.v[at + n];
	if (!(n == 4 && (sep == '-' || sep == '/' || sep == '.')) && !(n == 2 && sep == '/'))
		return 0;
	size_t m_at = at + n + 1, m = digits_at(t, m_at), d_at = m_at + m + 1;
	if (m < 1 || m > 2 || t.v[m_at + m] != sep)
		return 0;
	size_t d = digits_at(t, d_at), end = d_at + d;
	int64_t year = digits_value(t, at, n), month = digits_value(t, m_at, m), day = digits_value(t, d_at, d);
	bool other_year = n == 4 ? year < 1900 || year > 2100 : t.v[end] == sep;
	if (other_year || d < 1 || d > 2 || month < 1 || month > 12 || day < 1 || day > 31)
		return 0;
	digits_say(b, t, at, n, false);
	buf_puts(b, "年");
	say_day(b, month, day);
	if ((t.v[end] == '-' || t.v[end] == '~') && digits_at(t, end + 1) == n) { /* 2024.10.1-2024.10.7 */
		buf_puts(b, "到");
		end++;
	}
	return end;
}

size_t speech_yuan(struct buf *b, struct span t, size_t at)
{
	int64_t v = 0;
	size_t n = digits_at(t, at), end = n ? digits_thousands(t, at, n, &v) : at;
	if (!n || n > 12 || t.v[end] != '.' || digits_at(t, end + 1) != 2 || speech_is_mask(t.v[end + 3]))
		return 0;
	int64_t jiao = digits_value(t, end + 1, 1), fen = digits_value(t, end + 2, 1);
	if (v || (!jiao && !fen)) {
		if (v == 2)
			buf_puts(b, "两");
		else
			digits_say_value(b, v);
		buf_puts(b, "元");
	}
	if (jiao) {
		buf_puts(b, jiao == 2 && !v ? "两" : speech_digit((uint32_t)('0' + jiao), false));
		buf_puts(b, "角");
	} else if (fen && v) {
		buf_puts(b, "零");
	}
	if (fen) {
		buf_puts(b, speech_digit((uint32_t)('0' + fen), false));
		buf_puts(b, "分");
	}
	end += 3;
	return t.v[end] == 0x5143 ? end + 1 : end;
}

/** 222.186.123.45, 1.2.3: digits with 点 between. */
static size_t try_dotted(struct buf *b, struct span t, size_t at, size_t n)
{
	size_t end = at + n, dots = 0;
	while (t.v[end] == '.' && digits_at(t, end + 1) > 0) {
		dots++;
		end += 1 + digits_at(t, end + 1);
	}
	if (dots < 2)
		return 0;
	for (size_t i = at; i < end; i++)
		buf_puts(b, t.v[i] == '.' ? "点" : speech_digit(t.v[i], false));
	return end;
}

static size_t (*const shapes[])(struct buf *b, struct span t, size_t at, size_t n) = {
	try_time, try_ratio, try_date, try_stroke, try_short_date, try_dotted, try_product};

#define UNIT_MAX 4 /* code points */

/** Whether text[from, from + n) is one of the words. */
static bool is_one_of(struct span t, size_t from, size_t n, const char *const *words)
{
	for (; *words; words++) {
		struct str rest = str_of(*words);
		uint32_t cp;
		size_t k = 0;
		bool same = true;
		while (same && utf8_next(&rest, &cp))
			same = k < n && t.v[from + k++] == cp;
		if (same && k == n)
			return true;
	}
	return false;
}

#define ZHOU 0x5468 /* 周 */
#define XING 0x661f /* 星 */
#define QI 0x671f   /* 期 */
#define RI 0x65e5   /* 日 */
#define YUE 0x6708  /* 月 */

/** 周一-周五, 星期一-星期五 */
static bool is_of_week(struct span t, size_t at)
{
	uint32_t after = t.v[at + 1], named = at > 1 ? t.v[at - 2] : 0;
	return (after == ZHOU && named == ZHOU) || (after == XING && named == QI);
}

const char *speech_dash(struct span t, size_t at)
{
	size_t digits = digits_at(t, at + 1), n = 0;
	if (is_of_week(t, at))
		return "到";
	while (n < at && n <= UNIT_MAX && !digits_is(t.v[at - 1 - n]))
		n++;
	if (!digits || n == 0 || n > UNIT_MAX || n == at) /* no unit between a number and the dash */
		return NULL;
	size_t unit = at - n, other = at + 1 + digits;
	if (t.v[other] == '.' && digits_at(t, other + 1)) /* 1.5万-2.5万 */
		other += 1 + digits_at(t, other + 1);
	bool same = other + n <= t.n && memcmp(t.v + unit, t.v + other, n * sizeof *t.v) == 0;
	bool days = t.v[at - 1] == RI && n == 1 && t.v[other] == YUE; /* 2月2日-3月2日 */
	if (same || days || is_one_of(t, unit, n, speech_ranged))
		return "到";
	return is_one_of(t, unit, n, speech_parts_of_address) ? "" : NULL;
}

size_t speech_shape(struct buf *b, struct span t, size_t at, size_t n)
{
	size_t end = try_fixed(b, t, at);
	for (size_t i = 0; !end && i < COUNT_OF(shapes); i++)
		end = shapes[i](b, t, at, n);
	return end;
}
