/* Numbers as they are said on the phone. What a string of digits is, its shape and the words around it tell: 138-1234-5678 is a phone number,
 * 尾号8888 a code, 8888元 an amount, 2024年 a year. */
#include "stages/speak/speech_text.h"

#include "base/utf8.h"

#include <string.h>

static const char *const digit_words[10] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};

/* After these a number is a quantity, whatever stands before it. */
static const char *const units[] = {"元", "块", "万", "千", "百", "亿", "个", "人", "次", "天", "月", "日", "小时",
	"分", "秒", "点", "度", "米", "公", "斤", "克", "平", "折", "岁", "倍", "期", "名", "位", "件", "张", "份", "层",
	"台", "笔", "美元", "港", "欧元", "毫", "厘", "升", "吨", "角", "页", "条", "种", "套", "寸", "英", "款", "瓦",
	"周", "余", "多", "积分", "星期", "字", "辆", "家", "户", "集", "场", "年", NULL};
/* After these the word 两 is said for 2. */
static const char *const counted[] = {"个", "位", "天", "年", "块", "张", "种", "件", "次", "家", "条", "台", "份",
	"部", "套", "间", "只", "句", "本", "杯", "瓶", "小时", "分钟", "秒", "周", "名", "万", "千", "百", "亿", "元",
	"笔", "层", "米", "公里", "公斤", "斤", "者", "人", "倍", "盒", "包", "碗", "辆", "点", "门", "款", "遍", "倍",
	"岁", "星期", "吨", "升", NULL};
/* Before a code of three digits or more. */
static const char *const code_words[] = {"验证码", "尾号", "工号", "编号", "单号", "号码", "卡号", "账号", "帐号",
	"账户", "帐户", "密码", "代码", "邮编", "四位", "六位", "数字", "车牌号", "证号", "编码", "序列号", "身份证",
	"账户号", "识别码", "预约号", "订单号", "凭证号", "警号", "学号", "房号", "车号", "门牌号", "单元", "航班", "号是",
	"证件号", "彩票号", "中奖号", "校验码", "动态码", "邀请码", "提取码", "取件码", "房间", "客户号", "户号", "合同号",
	"流水号", "批号", "案号", "QQ号", "微信号", "QQ", "QQ号是", NULL};
static const char *const phone_words[] = {"电话", "手机", "手机号", "热线", "拨打", "致电", "来电", "客服", "联系电话",
	"电话号码", "手机号码", "打", "拨", "座机", "回拨", "报警", "联系", "前缀", NULL};
/* After these three-digit names of routes, rooms and doors are read digit by digit. */
static const char *const names[] = {"路公", "路车", "室", "房", "号房", "教室", NULL};
static const char *const hotlines[] = {"110", "119", "120", "122", "114", "12306", "12315", "12345", "10086", "10010",
	"10000", "95588", "95533", "95599", "95566", "95555", "95516", "96110", "12378", "12381", "12110", "10001", "11185",
	"11183", "12329", "12333", "12366", "12348", "12321", NULL};

const char *speech_digit(uint32_t digit, bool phone)
{
	return phone && digit == '1' ? "幺" : digit_words[digit - '0'];
}

bool speech_is_mask(uint32_t cp)
{
	return cp == 'X' || cp == 'x' || cp == '*' || cp == 0xd7 || cp == 0x25cb || cp == 0x25cf;
}

static bool is_digit(uint32_t cp)
{
	return cp >= '0' && cp <= '9';
}

static bool is_letter(uint32_t cp)
{
	return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

static bool is_glue(uint32_t cp)
{
	return cp == ' ' || cp == ':' || cp == ',' || cp == 0x662f || cp == 0x4e3a || cp == '"' || cp == 0x53eb ||
		   cp == 0x201c;
}

/** True when the text just before `at` (skipping blanks and 是为:，) ends with one of the words. */
static bool stands_after(struct span text, size_t at, const char *const *words)
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

static size_t digits_at(struct span t, size_t at)
{
	size_t n = 0;
	while (at + n < t.n && is_digit(t.v[at + n]))
		n++;
	return n;
}

static int64_t value_of(struct span t, size_t at, size_t n)
{
	int64_t v = 0;
	for (size_t i = 0; i < n && i < 17; i++)
		v = v * 10 + (int64_t)(t.v[at + i] - '0');
	return v;
}

static void say_digits(struct buf *b, struct span t, size_t at, size_t n, bool phone)
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

static void say_value(struct buf *b, int64_t v)
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

/* --- Shapes. Each tries at `at` and gives the position after what it spoke, or 0. --- */

/** 15:30 */
static size_t try_time(struct buf *b, struct span t, size_t at, size_t n)
{
	if (n > 2 || t.v[at + n] != ':' || digits_at(t, at + n + 1) != 2 || value_of(t, at, n) > 24 ||
		value_of(t, at + n + 1, 2) > 59)
		return 0;
	size_t end = at + n + 3;
	int64_t hour = value_of(t, at, n), minute = value_of(t, at + n + 1, 2);
	if (hour == 2)
		buf_puts(b, "两");
	else
		say_value(b, hour);
	buf_puts(b, "点");
	if (minute > 0 && minute < 10)
		buf_puts(b, "零");
	if (minute > 0) {
		say_value(b, minute);
		buf_puts(b, "分");
	}
	if (t.v[end] == ':' && digits_at(t, end + 1) == 2) {
		say_value(b, value_of(t, end + 1, 2));
		buf_puts(b, "秒");
		end += 3;
	}
	return t.v[end] == 0x5206 && t.v[end + 1] != 0x949f ? end + 1 : end; /* "21:15分" */
}

/** 2024-10-01, 2024/10/1, 2024.10.1 */
static size_t try_date(struct buf *b, struct span t, size_t at, size_t n)
{
	uint32_t sep = t.v[at + n];
	if (n != 4 || (sep != '-' && sep != '/' && sep != '.'))
		return 0;
	size_t m = digits_at(t, at + 5);
	if (m < 1 || m > 2 || t.v[at + 5 + m] != sep)
		return 0;
	size_t d = digits_at(t, at + 6 + m);
	int64_t year = value_of(t, at, 4), month = value_of(t, at + 5, m), day = value_of(t, at + 6 + m, d);
	if (d < 1 || d > 2 || year < 1900 || year > 2100 || month < 1 || month > 12 || day < 1 || day > 31)
		return 0;
	say_digits(b, t, at, 4, false);
	buf_puts(b, "年");
	say_value(b, month);
	buf_puts(b, "月");
	say_value(b, day);
	buf_puts(b, "日");
	return at + 6 + m + d;
}

/** Groups of three after commas: 15,000. Gives the end of the whole part, and its value. */
static size_t thousands(struct span t, size_t at, size_t n, int64_t *ret)
{
	int64_t v = value_of(t, at, n);
	size_t end = at + n;
	while (n <= 3 && t.v[end] == ',' && digits_at(t, end + 1) == 3 && v < 1000000000000) {
		v = v * 1000 + value_of(t, end + 1, 3);
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
		while (i + len < t.n && (is_digit(t.v[i + len]) || speech_is_mask(t.v[i + len])))
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
		if (!joined || (!is_digit(t.v[p.end + 1]) && !speech_is_mask(t.v[p.end + 1])))
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
		if (is_digit(t.v[i])) {
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

static bool is_hotline(struct span t, size_t at, size_t n)
{
	char s[8] = "";
	if (n > 5)
		return false;
	for (size_t i = 0; i < n; i++)
		s[i] = (char)t.v[at + i];
	for (const char *const *h = hotlines; *h; h++)
		if (strcmp(s, *h) == 0)
			return true;
	return n == 5 && s[0] == '9' && s[1] == '5';
}

/** Phone numbers with dashes, cards in fours, masked ids. */
static size_t try_parts(struct buf *b, struct span t, size_t at)
{
	struct parts p = parts_at(t, at);
	bool phone = stands_after(t, at, phone_words) ||
				 (p.dashes && (p.n == 3 || p.first <= 4) && p.digits >= 10 && p.digits <= 12) ||
				 (t.v[at] == '1' && p.digits == 11);
	if (p.masks && (p.digits > 4 || p.masks < p.digits)) {
		say_parts(b, t, at, p.end, phone);
		return p.end;
	}
	if (p.masks || p.n < 2)
		return 0;
	bool fours = p.first >= 3 && p.longest <= 4 && p.digits >= 10;
	if (p.dashes ? p.digits >= 7 && p.longest >= 3 && !(p.n == 2 && p.longest == 4 && speech_after(t, p.end, units))
				 : fours) {
		say_parts(b, t, at, p.end, phone);
		return p.end;
	}
	return 0;
}

static const char *const percent[] = {"%", NULL};
static const char *const year[] = {"年", NULL};
static const char *const calendar[] = {
	"月", "日", "号", "点", "分", "秒", "小时", "时", "天", "周", "岁", "层", "楼", NULL};
static const char *const money[] = {"元", "块", "万", "亿", "美元", "欧元", "港", NULL};
static const char *const hao[] = {"号", NULL};

/** Whether the plain digits at `at` are read one by one. */
static bool one_by_one(struct span t, size_t at, size_t n, bool *ret_phone)
{
	*ret_phone = stands_after(t, at, phone_words);
	if (n >= 9 && n <= 12 && speech_after(t, at + n, money))
		return false;
	if (n >= 9) {
		*ret_phone |= (n == 11 && t.v[at] == '1') || (n == 10 && (t.v[at] == '4' || t.v[at] == '8'));
		return true;
	}
	bool unit = speech_after(t, at + n, units) || speech_after(t, at + n, percent);
	if (n == 4 && (speech_after(t, at + n, year) ||
					  (t.v[at + 4] == '-' && digits_at(t, at + 5) == 4 && speech_after(t, at + 9, year))))
		return true;
	if (t.v[at] == '0' && n >= 2)
		return n > 2 || !speech_after(t, at + n, calendar);
	if (unit)
		return false;
	if (is_hotline(t, at, n) && n >= 3) {
		*ret_phone = true;
		return true;
	}
	if (n >= 3 && (stands_after(t, at, code_words) || *ret_phone))
		return true;
	if (n == 3 && speech_after(t, at + n, names))
		return true;
	if (n >= 4 && speech_after(t, at + n, hao))
		return true;
	return n >= 3 && at > 0 && (is_letter(t.v[at - 1]) || (t.v[at - 1] == '-' && at > 1 && is_letter(t.v[at - 2])));
}

/** Whole and decimal part, percent sign, then the range it may begin. */
static size_t say_quantity(struct buf *b, struct span t, size_t at, size_t n)
{
	int64_t v = 0;
	size_t end = thousands(t, at, n, &v), whole = end, decimals = 0;
	if (t.v[end] == '.' && (decimals = digits_at(t, end + 1)) > 0)
		end += 1 + decimals;
	bool range = (t.v[end] == '-' || t.v[end] == '~') && is_digit(t.v[end + 1]);
	size_t other = range ? end + 1 + digits_at(t, end + 1) : 0;
	bool of_hundred = t.v[end] == '%' || (range && t.v[other] == '%');
	if (of_hundred || t.v[end] == 0x2030)
		buf_puts(b, of_hundred ? "百分之" : "千分之");
	if (v == 2 && !decimals && !of_hundred && speech_after(t, end, counted) && !(t.v[end] == 0x6708 || t.v[end] == 0x65e5))
		buf_puts(b, "两");
	else
		say_value(b, v);
	if (decimals) {
		buf_puts(b, "点");
		say_digits(b, t, whole + 1, decimals, false);
	}
	if (t.v[end] == '%' || t.v[end] == 0x2030)
		end++;
	if ((t.v[end] == '-' || t.v[end] == '~') && is_digit(t.v[end + 1])) {
		buf_puts(b, "到");
		end++;
		if (of_hundred && t.v[end + digits_at(t, end)] == '%' && t.v[end - 2] != '%') { /* 15-20%: the sign was said */
			size_t m = digits_at(t, end);
			say_value(b, value_of(t, end, m));
			end += m + 1;
		}
	}
	return end;
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

size_t speech_number(struct buf *ret, struct span t, size_t at)
{
	size_t n = digits_at(t, at), end = n ? try_time(ret, t, at, n) : 0;
	if (!end && n)
		end = try_date(ret, t, at, n);
	if (!end && n)
		end = try_dotted(ret, t, at, n);
	if (!end)
		end = try_parts(ret, t, at);
	if (end)
		return end;
	bool phone = false;
	bool fraction = t.v[at + n] == '.' && is_digit(t.v[at + n + 1]) && n <= 12;
	bool grouped = t.v[at + n] == ',' && digits_at(t, at + n + 1) == 3 && n <= 3;
	if (n && !fraction && !grouped && one_by_one(t, at, n, &phone)) {
		if (n >= 9)
			say_long(ret, t, at, n, phone);
		else
			say_digits(ret, t, at, n, phone);
		if ((t.v[at + n] == '-' || t.v[at + n] == '~') && is_digit(t.v[at + n + 1]) && n == 4) {
			buf_puts(ret, "到");
			return at + n + 1;
		}
		return at + n;
	}
	return n ? say_quantity(ret, t, at, n) : 0;
}
