/* Numbers as they are said on the phone. What a string of digits is, its shape and the words around it tell: 138-1234-5678 is a phone number,
 * 尾号8888 a code, 8888元 an amount, 2024年 a year. */
#include "stages/speak/speech_digits.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "stages/speak/speech_tables.h"

#include <string.h>

static const char *const digit_words[10] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};

const char *speech_digit(uint32_t digit, bool phone)
{
	return phone && digit == '1' ? "幺" : digit_words[digit - '0'];
}

bool speech_is_mask(uint32_t cp)
{
	return cp == 'X' || cp == 'x' || cp == '*' || cp == 0xd7 || cp == 0x25cb || cp == 0x25cf;
}

static bool is_glue(uint32_t cp)
{
	return cp == ' ' || cp == ':' || cp == ',' || cp == 0x662f || cp == 0x4e3a || cp == '"' || cp == 0x53eb ||
		   cp == 0x201c;
}

/** True when the text just before `at` (skipping blanks and 是为:，) ends with one of the words. */
bool digits_stand_after(struct span text, size_t at, const char *const *words)
{
	while (at > 0 && is_glue(text.v[at - 1]))
		at--;
	for (; *words; words++) {
		uint32_t w[8];
		size_t n = 0;
		struct str s = str_of(*words);
		while (n < 8 && utf8_next(&s, &w[n]))
			n++;
		if (n <= at && memcmp(text.v + at - n, w, n * sizeof *w) == 0)
			return true;
	}
	return false;
}

bool speech_after(struct span text, size_t at, const char *const *words)
{
	while (at < text.n && text.v[at] == ' ')
		at++;
	for (; *words; words++) {
		struct str s = str_of(*words);
		uint32_t cp;
		size_t k = at;
		bool same = true;
		while (same && utf8_next(&s, &cp))
			same = k < text.n && text.v[k++] == cp;
		if (same)
			return true;
	}
	return false;
}

size_t digits_at(struct span t, size_t at)
{
	size_t n = 0;
	while (at + n < t.n && digits_is(t.v[at + n]))
		n++;
	return n;
}

int64_t digits_value(struct span t, size_t at, size_t n)
{
	int64_t v = 0;
	for (size_t i = 0; i < n && i < 17; i++)
		v = v * 10 + (int64_t)(t.v[at + i] - '0');
	return v;
}

void digits_say(struct buf *b, struct span t, size_t at, size_t n, bool phone)
{
	for (size_t i = 0; i < n; i++)
		buf_puts(b, speech_digit(t.v[at + i], phone));
}

/** 1…9,999; `inner`: something stands before it, so that 10 is 一十 and a missing thousand is 零. */
static void say_group(struct buf *b, int64_t v, bool inner)
{
	static const char *const places[] = {"千", "百", "十", ""};
	static const int64_t sizes[] = {1000, 100, 10, 1};
	bool begun = false, gap = inner && v < 1000;
	for (int i = 0; i < 4; i++) {
		int64_t d = v / sizes[i] % 10;
		if (d == 0) {
			gap |= begun;
			continue;
		}
		if (gap && (begun || inner))
			buf_puts(b, "零");
		gap = false;
		if (!(i == 2 && d == 1 && !begun && !inner)) /* 十五, not 一十五 */
			buf_puts(b, d == 2 && i < 2 && !begun ? "两" : digit_words[d]);
		buf_puts(b, places[i]);
		begun = true;
	}
}

void digits_say_value(struct buf *b, int64_t v)
{
	static const char *const names_of[] = {"万亿", "亿", "万", ""};
	static const int64_t sizes[] = {1000000000000, 100000000, 10000, 1};
	bool begun = false, gap = false;
	if (v == 0)
		buf_puts(b, "零");
	for (int i = 0; i < 4; i++) {
		int64_t g = v / sizes[i] % 10000;
		if (g == 0) {
			gap |= begun;
			continue;
		}
		if (gap && g >= 1000)
			buf_puts(b, "零");
		if (g == 2 && i < 3)
			buf_puts(b, begun ? "零两" : "两");
		else
			say_group(b, g, begun);
		buf_puts(b, names_of[i]);
		begun = true;
		gap = false;
	}
}

/** Groups of three after commas: 15,000. Gives the end of the whole part, and its value. */
size_t digits_thousands(struct span t, size_t at, size_t n, int64_t *ret)
{
	int64_t v = digits_value(t, at, n);
	size_t end = at + n;
	while (n <= 3 && t.v[end] == ',' && digits_at(t, end + 1) == 3 && v < 1000000000000) {
		v = v * 1000 + digits_value(t, end + 1, 3);
		end += 4;
	}
	*ret = v;
	return end;
}

/** Parts of a phone number, card number or masked id: digits and masks, joined by single - or blanks. */
struct parts {
	size_t n, digits, masks, longest, first;
	size_t end;
	bool dashes;
};

static struct parts parts_at(struct span t, size_t at)
{
	struct parts p = {.end = at};
	for (size_t i = at;;) {
		size_t len = 0;
		while (i + len < t.n && (digits_is(t.v[i + len]) || speech_is_mask(t.v[i + len])))
			p.masks += speech_is_mask(t.v[i + len++]);
		if (len == 0)
			return p;
		p.first = p.n ? p.first : len;
		p.n++;
		p.digits += len;
		p.longest = len > p.longest ? len : p.longest;
		p.end = i + len;
		uint32_t sep = t.v[p.end];
		bool joined = sep == '-' || sep == ' ' || sep == 0x2010 || sep == 0x2011;
		if (!joined || (!digits_is(t.v[p.end + 1]) && !speech_is_mask(t.v[p.end + 1])))
			return p;
		p.dashes |= sep != ' ';
		i = p.end + 1;
	}
}

/** Digits and masks one by one; a long mask is cut, a pause stands where the groups part. */
static void say_parts(struct buf *b, struct span t, size_t at, size_t end, bool phone)
{
	size_t run = 0;
	for (size_t i = at; i < end; i++) {
		if (digits_is(t.v[i])) {
			buf_puts(b, speech_digit(t.v[i], phone));
			run = 0;
		} else if (speech_is_mask(t.v[i])) {
			if (run++ < 4)
				buf_puts(b, t.v[i] == '*' ? "星" : "叉");
		} else {
			buf_puts(b, "，");
			run = 0;
		}
	}
}

/** One long string: 3-4-4 for a mobile phone, 6-4-4-4 for an identity card, else fours. */
static void say_long(struct buf *b, struct span t, size_t at, size_t n, bool phone)
{
	size_t step = n == 11 && t.v[at] == '1' ? 3 : n == 18 ? 6 : n == 10 ? 3 : 4;
	for (size_t i = 0; i < n; i += step, step = i == 3 && n == 10 ? 3 : 4) {
		size_t left = n - i, len = left < step || left - step == 1 ? left : step;
		if (i)
			buf_puts(b, "，");
		say_parts(b, t, at + i, at + i + len, phone);
		if (len > step)
			return;
	}
}

#define MOBILE_DIGITS 11

/** Groups, with a pause between; a whole mobile number among them is said as such. */
static void say_groups(struct buf *b, struct span t, size_t at, size_t end, bool phone)
{
	while (at < end) {
		size_t stop = at;
		while (stop < end && (digits_is(t.v[stop]) || speech_is_mask(t.v[stop])))
			stop++;
		if (stop - at == MOBILE_DIGITS && digits_at(t, at) == MOBILE_DIGITS)
			say_long(b, t, at, MOBILE_DIGITS, phone);
		else
			say_parts(b, t, at, stop, phone);
		if (stop < end)
			buf_puts(b, "，");
		at = stop + 1;
	}
}

static bool is_hotline(struct span t, size_t at, size_t n)
{
	char s[8] = "";
	if (n > 5)
		return false;
	for (size_t i = 0; i < n; i++)
		s[i] = (char)t.v[at + i];
	for (const char *const *h = speech_hotlines; *h; h++)
		if (strcmp(s, *h) == 0)
			return true;
	return n == 5 && s[0] == '9' && s[1] == '5';
}

static bool is_year(struct span t, size_t at)
{
	return digits_at(t, at) == 4 && digits_value(t, at, 4) >= 1900 && digits_value(t, at, 4) <= 2100;
}

/** Phone numbers with dashes, cards in fours, masked ids. */
static size_t try_parts(struct buf *b, struct span t, size_t at)
{
	struct parts p = parts_at(t, at);
	bool abroad = at > 0 && t.v[at - 1] == '+', code86 = t.v[at] == '8' && t.v[at + 1] == '6' && p.first == 2;
	bool phone = digits_stand_after(t, at, speech_phone_words) ||
				 ((abroad || code86 || digits_value(t, at, 4) == 86) && p.digits >= 11) ||
				 (p.dashes && t.v[at] == '0' && p.first <= 4 && p.digits >= 10 && p.digits <= 16) ||
				 (p.dashes && p.n <= 3 && (p.n == 3 || p.first <= 4) && p.digits >= 10 && p.digits <= 12) ||
				 (t.v[at] == '1' && p.digits == 11);
	if (p.masks && (p.digits > 4 || p.masks < p.digits)) {
		say_groups(b, t, at, p.end, phone);
		return p.end;
	}
	if (p.masks || p.n < 2 || (p.n == 2 && p.digits == 8 && is_year(t, at) && is_year(t, at + 5)))
		return 0;
	if (p.dashes && p.n > 2 && digits_stand_after(t, at, speech_code_words)) {
		say_groups(b, t, at, p.end, phone);
		return p.end;
	}
	bool fours = (p.first >= 3 && p.longest <= 4 && p.digits >= 10) || (phone && p.digits >= 11);
	if (p.dashes ? p.digits >= 7 && p.longest >= 3 &&
					   !(p.n == 2 && p.longest == 4 && speech_after(t, p.end, speech_counted_by))
				 : fours) {
		say_groups(b, t, at, p.end, phone);
		return p.end;
	}
	return 0;
}

bool speech_is_money(uint32_t cp)
{
	return cp == 0x5143 || cp == 0x5757 || cp == 0x89d2 || cp == 0x4e07 || cp == 0x6b21; /* 元块角万次 */
}

static const char *const percent[] = {"%", NULL};
static const char *const year[] = {"年", NULL};
static const char *const calendar[] = {
	"月", "日", "号", "点", "分", "秒", "小时", "时", "天", "周", "岁", "层", "楼", NULL};
static const char *const money[] = {"元", "块", "万", "亿", "美元", "欧元", "港", NULL};
static const char *const hao[] = {"号", NULL};
static const char *const zhe[] = {"折", NULL};
static const char *const month[] = {"月", NULL};

/** 2024年, 24年3月, 2023-2024年, 2024-2025学年 */
static bool year_at(struct span t, size_t at, size_t n)
{
	if (n == 2 && speech_after(t, at + 2, year) && digits_is(t.v[at + 3]))
		return speech_after(t, at + 3 + digits_at(t, at + 3), month);
	if (n != 4)
		return false;
	if (is_year(t, at) && (t.v[at + 4] == 'Q' || speech_after(t, at + 4, speech_year_words))) /* 2024Q1, 2024届 */
		return true;
	bool range = t.v[at + 4] == '-' || t.v[at + 4] == '~';
	return speech_after(t, at + n, year) || (range && digits_at(t, at + 5) == 4 && speech_after(t, at + 9, year)) ||
		   (range && is_year(t, at) && is_year(t, at + 5)) ||
		   (at > 4 && (t.v[at - 1] == '-' || t.v[at - 1] == '~') && is_year(t, at) && is_year(t, at - 5));
}

/** The letters before a number, as in 粤B·88888, CA1234, TAF-77. */
static bool after_letters(struct span t, size_t at)
{
	bool joined = at > 1 && (t.v[at - 1] == '-' || t.v[at - 1] == '_' || t.v[at - 1] == 0xb7);
	return at > 0 && letters_is(t.v[at - 1 - joined]);
}

/** 转801 after a phone number, 62345678 after (010). */
static bool after_phone(struct span t, size_t at)
{
	return at > 1 && digits_is(t.v[at - 2]) && (t.v[at - 1] == 0x8f6c || t.v[at - 1] == ')');
}

#define PLAIN_DIGITS 6 /* a number of so many digits, not round, with nothing that it counts, is a code */

static bool is_round(struct span t, size_t at, size_t n)
{
	return digits_value(t, at + n - 3, 3) == 0;
}

/** Codes, hotlines, rooms: no unit follows. */
static bool is_code(struct span t, size_t at, size_t n, bool *ret_phone)
{
	const char *unit;
	size_t after = at + n + (t.v[at + n] == ' ');
	if (is_hotline(t, at, n) && n >= 3 && !speech_find(speech_units, t, after, false, &unit)) { /* 120Hz is no ambulance */
		*ret_phone = true;
		return true;
	}
	if (n >= 3 &&
		(digits_stand_after(t, at, speech_code_words) || *ret_phone || speech_after(t, at + n, speech_place_names)))
		return true;
	if (n >= 4 && speech_after(t, at + n, hao))
		return true;
	return (n >= 3 && after_letters(t, at)) || (n >= PLAIN_DIGITS && !is_round(t, at, n));
}

/** Whether the plain digits at `at` are read one by one. */
static bool one_by_one(struct span t, size_t at, size_t n, bool *ret_phone)
{
	*ret_phone = digits_stand_after(t, at, speech_phone_words) || (n >= 3 && after_phone(t, at));
	if (n >= 9 && n <= 12 && speech_after(t, at + n, money))
		return false;
	if (n >= 9) {
		*ret_phone |= (n == 11 && t.v[at] == '1') || (n == 10 && (t.v[at] == '4' || t.v[at] == '8'));
		return true;
	}
	if (year_at(t, at, n))
		return true;
	if (t.v[at] == '0' && n >= 2) {
		*ret_phone |= n <= 4 && t.v[at + n] == ')';
		return n > 2 || !speech_after(t, at + n, calendar);
	}
	if (n >= 2 && after_letters(t, at) && speech_after(t, at + n, speech_rides)) {
		*ret_phone = true;
		return true;
	}
	if (n == 2 && speech_after(t, at + n, zhe))
		return true;
	if (speech_after(t, at + n, speech_counted_by) || speech_after(t, at + n, percent))
		return false;
	const char *unit;
	if (*ret_phone && speech_find(speech_units, t, at + n, false, &unit)) /* 手机256GB */
		*ret_phone = false;
	return is_code(t, at, n, ret_phone);
}

/** 2kg, 2h: 两 */
static bool two_of_unit(struct span t, size_t at)
{
	size_t n = 0;
	while (letters_is(t.v[at + n]))
		n++;
	for (const char *const *u = speech_two_units; n && *u; u++) {
		const char *const word[] = {*u, NULL};
		if (strlen(*u) == n && speech_after(t, at, word))
			return true;
	}
	return false;
}

/** Whole and decimal part, percent sign, then the range it may begin. */
static size_t say_quantity(struct buf *b, struct span t, size_t at, size_t n)
{
	int64_t v = 0;
	size_t end = digits_thousands(t, at, n, &v), whole = end, decimals = 0;
	if (t.v[end] == '.' && (decimals = digits_at(t, end + 1)) > 0)
		end += 1 + decimals;
	bool range = (t.v[end] == '-' || t.v[end] == '~') && digits_is(t.v[end + 1]);
	size_t other = range ? end + 1 + digits_at(t, end + 1) : 0;
	bool of_hundred = t.v[end] == '%' || (range && t.v[other] == '%');
	if (of_hundred || t.v[end] == 0x2030)
		buf_puts(b, of_hundred ? "百分之" : "千分之");
	bool ordinal = at > 0 && t.v[at - 1] == 0x7b2c; /* 第: 第二次 */
	if (v == 2 && !decimals && !of_hundred && !ordinal && (speech_after(t, end, speech_two) || two_of_unit(t, end)) &&
		!(t.v[end] == 0x6708 || t.v[end] == 0x65e5))
		buf_puts(b, "两");
	else
		digits_say_value(b, v);
	if (decimals) {
		buf_puts(b, "点");
		digits_say(b, t, whole + 1, decimals, false);
	}
	if (t.v[end] == '%' || t.v[end] == 0x2030)
		end++;
	if ((t.v[end] == '-' || t.v[end] == '~') && digits_is(t.v[end + 1])) {
		buf_puts(b, "到");
		end++;
		if (of_hundred && t.v[end + digits_at(t, end)] == '%' && t.v[end - 2] != '%') { /* 15-20%: the sign was said */
			size_t m = digits_at(t, end);
			digits_say_value(b, digits_value(t, end, m));
			end += m + 1;
		}
	}
	return end;
}

size_t speech_amount(struct buf *ret, struct span t, size_t at)
{
	return say_quantity(ret, t, at, digits_at(t, at));
}

size_t speech_number(struct buf *ret, struct span t, size_t at)
{
	static const char *const yuan[] = {"元", NULL};
	int64_t whole;
	size_t n = digits_at(t, at), end = n ? speech_shape(ret, t, at, n) : 0;
	if (!end)
		end = try_parts(ret, t, at);
	if (!end && n && speech_after(t, digits_thousands(t, at, n, &whole) + 3, yuan))
		end = speech_yuan(ret, t, at);
	if (end)
		return end;
	bool phone = false;
	bool fraction = t.v[at + n] == '.' && digits_is(t.v[at + n + 1]) && n <= 12;
	bool grouped = t.v[at + n] == ',' && digits_at(t, at + n + 1) == 3 && n <= 3;
	if (n && !fraction && !grouped && one_by_one(t, at, n, &phone)) {
		if (n >= 9)
			say_long(ret, t, at, n, phone);
		else
			digits_say(ret, t, at, n, phone);
		if (phone && t.v[at + n] == ')')
			buf_puts(ret, "，");
		if ((t.v[at + n] == '-' || t.v[at + n] == '~') && digits_is(t.v[at + n + 1]) && n == 4) {
			buf_puts(ret, "到");
			return at + n + 1;
		}
		return at + n;
	}
	return n ? say_quantity(ret, t, at, n) : 0;
}
