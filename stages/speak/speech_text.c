#include "stages/speak/speech_text.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "io/text.h"

#include <stdlib.h>
#include <string.h>

/* --- Code points, padded --- */

struct points {
	uint32_t *all; /* SPAN_PAD zeros, text, SPAN_PAD zeros */
	uint32_t *v;
	size_t n;
};

static void points_release(struct points *p)
{
	free(p->all);
}

static void points_read(struct points *p, struct str s)
{
	p->all = xcalloc(s.n + 2 * SPAN_PAD, sizeof *p->all);
	p->v = p->all + SPAN_PAD;
	while (utf8_next(&s, &p->v[p->n]))
		p->n++;
	p->v[p->n] = 0;
}

/** Leave out [from, to). */
static void points_cut(struct points *p, size_t from, size_t to)
{
	memmove(p->v + from, p->v + to, (p->n - to) * sizeof *p->v);
	memset(p->v + p->n - (to - from), 0, (to - from) * sizeof *p->v);
	p->n -= to - from;
}

static bool is_digit(uint32_t cp)
{
	return cp >= '0' && cp <= '9';
}

static bool is_letter(uint32_t cp)
{
	return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

/* --- What is not said: stage directions, placeholders, markup --- */

#define ASIDE_MAX 60 /* code points; longer text in brackets is text */

static uint32_t closing(uint32_t open)
{
	switch (open) {
	case '(':
		return ')';
	case '[':
		return ']';
	case '{':
		return '}';
	case '<':
		return '>';
	case 0x3014: /* 〔 */
		return 0x3015;
	default:
		return 0;
	}
}

/** Something in brackets: position after it when it is to be left out, else 0. Digits alone stay: (010)12345678. */
static size_t aside_end(const struct points *p, size_t at)
{
	uint32_t close = closing(p->v[at]);
	bool digits = true;
	for (size_t i = at + 1; close && i < p->n && i - at <= ASIDE_MAX; i++) {
		if (p->v[i] == close)
			return digits && p->v[at] == '(' ? 0 : i + 1;
		if (p->v[i] == p->v[at])
			return 0;
		digits &= is_digit(p->v[i]);
	}
	return 0;
}

/** ##TERMINATE_SIGNAL##, ##查询中##: position after it, else 0. */
static size_t signal_end(const struct points *p, size_t at)
{
	if (p->v[at] != '#' || p->v[at + 1] != '#' || p->v[at + 2] == '#')
		return 0;
	for (size_t i = at + 2; i < p->n && i - at <= ASIDE_MAX && p->v[i] != '\n'; i++)
		if (p->v[i] == '#' && p->v[i + 1] == '#')
			return i + 2;
	return 0;
}

static bool is_edge(uint32_t cp)
{
	return cp == 0 || cp == ' ' || cp == '\n' || cp == '"' || cp == '-' || (cp < 0x80 && strchr(",.;:!?()", (int)cp)) ||
		   (cp >= 0x3001 && cp <= 0x3011);
}

/** **bold**: both ends stand at an edge; **银行 is a name left out. Gives where the closing mark is, else 0. */
static size_t bold_end(const struct points *p, size_t at)
{
	if (p->v[at] != '*' || p->v[at + 1] != '*' || p->v[at + 2] == '*' || p->v[at + 2] == ' ' ||
		!is_edge(at ? p->v[at - 1] : 0))
		return 0;
	for (size_t i = at + 3; i + 1 < p->n && i - at <= ASIDE_MAX && p->v[i] != '\n'; i++)
		if (p->v[i] == '*' && p->v[i + 1] == '*')
			return is_edge(p->v[i + 2]) ? i : 0;
	return 0;
}

static void strip_markup(struct points *p)
{
	for (size_t i = 0; i < p->n;) {
		size_t end = aside_end(p, i), signal = signal_end(p, i), bold = bold_end(p, i);
		if (p->v[i] == '[' && end && p->v[end] == '(') { /* [title](link): the title is said */
			size_t link = aside_end(p, end);
			points_cut(p, end - 1, link ? link : end);
			points_cut(p, i, i + 1);
		} else if (end || signal) {
			points_cut(p, i, end ? end : signal);
		} else if (bold) {
			points_cut(p, bold, bold + 2);
			points_cut(p, i, i + 2);
		} else {
			i++;
		}
	}
}

/* --- Letters --- */

static const char *const letter_words[26] = {"诶", "必", "西", "弟", "伊", "艾福", "记", "艾尺", "爱", "杰", "开",
	"艾勒", "艾姆", "恩", "欧", "屁", "丘", "阿尔", "艾斯", "替", "优", "威", "达不溜", "艾克斯", "歪", "贼"};

struct word {
	const char *latin, *han;
};
/* Words that are said, not spelt, in Chinese talk. */
static const struct word words[] = {{"ok", "欧开"}, {"okay", "欧开"}, {"wifi", "外发"}, {"wi-fi", "外发"},
	{"hello", "哈喽"}, {"hi", "嗨"}, {"bye", "拜"}, {"com", "康姆"}, {"pro", "普肉"}, {"max", "麦克斯"},
	{"iphone", "爱疯"}, {"ipad", "爱派德"}, {"email", "伊妹儿"}, {"e-mail", "伊妹儿"}, {"python", "派森"},
	{"zoom", "组姆"}, {"sir", "先生"}, {"yes", "耶斯"}, {"no", "诺"}, {"gmail", "记妹儿"}, {"plus", "普拉斯"},
	{"mini", "迷你"}, {"vs", "对"}, {"ceo", "西伊欧"}};
/* After a number. */
static const struct word unit_words[] = {{"kg", "公斤"}, {"km", "公里"}, {"km/h", "公里每小时"}, {"cm", "厘米"},
	{"mm", "毫米"}, {"m", "米"}, {"m2", "平方米"}, {"ml", "毫升"}, {"mL", "毫升"}, {"L", "升"}, {"mg", "毫克"},
	{"g", "克"}, {"mAh", "毫安时"}, {"Hz", "赫兹"}, {"h", "小时"}, {"min", "分钟"}, {"s", "秒"}, {"W", "瓦"},
	{"kW", "千瓦"}, {"kWh", "度"}, {"V", "伏"}, {"t", "吨"}, {"w", "万"}, {"k", "千"}, {"RMB", "元"}, {"USD", "美元"},
	{"%", "百分"}, {"GB", "记"}, {"MB", "兆"}, {"TB", "替"},
	{"\xc2\xb0"
	 "C",
		"摄氏度"}};

static void say_letter(struct buf *b, uint32_t cp)
{
	buf_puts(b, letter_words[(cp | 0x20) - 'a']);
}

static bool is_url_char(uint32_t cp)
{
	return cp < 0x80 && (is_letter(cp) || is_digit(cp) || (cp && strchr("@._/:-?=&%+~#", (int)cp)));
}

static const struct word url_marks[] = {{"@", "艾特"}, {".", "点"}, {"/", "斜杠"}, {":", "冒号"}, {"-", "杠"},
	{"_", "下划线"}, {"?", "问号"}, {"=", "等于"}, {"&", "和"}, {"%", "百分号"}, {"+", "加"}, {"~", "波浪"},
	{"#", "井号"}};

static bool same_ascii(struct span t, size_t at, size_t n, const char *word, bool fold)
{
	if (strlen(word) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint32_t a = t.v[at + i], b = (unsigned char)word[i];
		if (fold && is_letter(a))
			a |= 0x20;
		if (a != b)
			return false;
	}
	return true;
}

static const char *word_of(const struct word *table, size_t count, struct span t, size_t at, size_t n, bool fold)
{
	for (size_t i = 0; i < count; i++)
		if (same_ascii(t, at, n, table[i].latin, fold))
			return table[i].han;
	return NULL;
}

/** Addresses of mail and web pages, sign by sign. Position after it, or 0. */
static size_t try_url(struct buf *b, struct span t, size_t at)
{
	size_t end = at;
	bool mail = false, dots = false;
	while (end < t.n && is_url_char(t.v[end])) {
		mail |= t.v[end] == '@' && end > at;
		dots |= t.v[end] == '.' && end > at && is_letter(t.v[end - 1]) && is_letter(t.v[end + 1]);
		end++;
	}
	while (end > at && !is_letter(t.v[end - 1]) && !is_digit(t.v[end - 1]))
		end--;
	if ((!mail && !dots) || end <= at)
		return 0;
	for (size_t i = at; i + 3 < end; i++)
		if (t.v[i] == ':' && t.v[i + 1] == '/' && t.v[i + 2] == '/')
			at = i + 3;
	for (size_t i = at; i < end;) {
		size_t n = 0;
		while (i + n < end && is_letter(t.v[i + n]))
			n++;
		if (n == 3 && same_ascii(t, i, n, "com", true)) {
			buf_puts(b, "康姆");
			i += n;
			continue;
		}
		const char *mark = n ? NULL : word_of(url_marks, COUNT_OF(url_marks), t, i, 1, false);
		if (n)
			say_letter(b, t.v[i]);
		else if (mark)
			buf_puts(b, mark);
		else
			buf_puts(b, speech_digit(t.v[i], false));
		i++;
	}
	return end;
}

static const char *const hidden_before[] = {"号", "栋", "幢", "单元", "楼", "室", "路", "月", "日", "年", "先生",
	"女士", "小姐", "经理", "某", "省", "市", "区", "县", "公司", "银行", "总", NULL};

/** A name or number left out: XX银行, **公司, 张X. Position after it, or 0. */
static size_t try_mask(struct buf *b, struct span t, size_t at)
{
	size_t n = 0;
	while (speech_is_mask(t.v[at + n]))
		n++;
	if (n == 0 || is_letter(t.v[at + n]) || (at > 0 && is_letter(t.v[at - 1])) || t.v[at + n] == '@' || t.v[at + n] == '.')
		return 0;
	bool name = n > 1 || (t.v[at] != '*' && t.v[at] != 0xd7 && speech_after(t, at + n, hidden_before)) ||
				((t.v[at] == 0xd7 || t.v[at] == '*' || t.v[at] == 0x25cb) && utf8_is_han(t.v[at + n]));
	if (!name)
		return 0;
	buf_puts(b, n > 1 ? "某某" : "某");
	return at + n;
}

static size_t say_latin(struct buf *b, struct span t, size_t at)
{
	size_t n = 0;
	while (is_letter(t.v[at + n]) || (t.v[at + n] == '-' && n && is_letter(t.v[at + n + 1])))
		n++;
	size_t k = n;
	if (t.v[at] == 'm' && t.v[at + 1] == '2')
		k = 2;
	if (at > 0 && (is_digit(t.v[at - 1]) || (t.v[at - 1] == ' ' && at > 1 && is_digit(t.v[at - 2])))) {
		const char *unit = word_of(unit_words, COUNT_OF(unit_words), t, at, k, false);
		if (unit) {
			buf_puts(b, unit);
			return at + k;
		}
	}
	const char *word = word_of(words, COUNT_OF(words), t, at, n, true);
	if (word) {
		buf_puts(b, word);
		return at + n;
	}
	for (size_t i = 0; i < n; i++)
		if (is_letter(t.v[at + i]))
			say_letter(b, t.v[at + i]);
	return at + n;
}

/* --- Pauses and signs --- */

static bool ends_with(const struct buf *b, const char *tail)
{
	return str_ends(buf_view(b), tail);
}

/** A pause, the stronger of two that meet. None at the beginning. */
static void say_pause(struct buf *b, size_t start, const char *mark)
{
	if (b->len == start)
		return;
	bool weak = strcmp(mark, "，") == 0;
	if (ends_with(b, "，")) {
		if (!weak) {
			buf_truncate(b, b->len - strlen("，"));
			buf_puts(b, mark);
		}
		return;
	}
	if (ends_with(b, "。") || ends_with(b, "？") || ends_with(b, "！"))
		return;
	buf_puts(b, mark);
}

static const char *pause_of(uint32_t cp)
{
	switch (cp) {
	case '?':
		return "？";
	case '!':
		return "！";
	case '.':
	case ';':
	case '\n':
	case 0x3002: /* 。 */
		return "。";
	case ',':
	case ':':
	case 0x3001: /* 、 */
	case 0x2014: /* — */
	case 0x2015:
	case 0x2026: /* … */
	case 0x22ef: /* ⋯ */
	case '~':
	case 0x3010: /* 【 */
	case 0x3011:
	case '|':
		return "，";
	default:
		return NULL;
	}
}

static const char *sign_of(struct span t, size_t at)
{
	bool digits =
		at > 0 && (is_digit(t.v[at - 1]) || t.v[at - 1] == ' ') && (is_digit(t.v[at + 1]) || t.v[at + 1] == ' ');
	switch (t.v[at]) {
	case '+':
		return "加";
	case '=':
		return "等于";
	case '&':
		return "和";
	case '@':
		return "艾特";
	case '/':
		return digits ? "" : at > 0 && utf8_is_han(t.v[at - 1]) && utf8_is_han(t.v[at + 1]) ? "或" : "";
	case '-':
		return is_digit(t.v[at + 1]) && (at == 0 || !is_letter(t.v[at - 1])) && !(at > 0 && is_digit(t.v[at - 1])) ? "负"
																												   : "";
	case 0xd7: /* × */
		return digits ? "乘以" : "";
	case 0xf7: /* ÷ */
		return "除以";
	case 0xb1: /* ± */
		return "正负";
	case 0x3b1:
		return "阿尔法";
	case 0x3b2:
		return "贝塔";
	case '%':
		return "百分";
	default:
		return "";
	}
}

/** $100, ¥100: the name of the money follows the number. Position after it, or 0. */
static size_t try_money(struct buf *b, struct span t, size_t at)
{
	const char *name = t.v[at] == '$'      ? "美元"
					   : t.v[at] == 0xa5   ? "元"
					   : t.v[at] == 0x20ac ? "欧元"
					   : t.v[at] == 0xa3   ? "英镑"
										   : NULL;
	if (!name || !is_digit(t.v[at + 1]))
		return 0;
	size_t end = speech_number(b, t, at + 1);
	static const char *const myriads[] = {"万", "亿", "千", NULL};
	if (speech_after(t, end, myriads) && t.v[end] != ' ') {
		char raw[4];
		buf_add(b, raw, utf8_put(t.v[end], raw));
		end++;
	}
	buf_puts(b, name);
	return end;
}

static const char *const yuan[] = {"元", NULL};

/** Speak what is at `at`; the position after it. */
static size_t say_next(struct buf *b, size_t start, struct span t, size_t at)
{
	uint32_t cp = t.v[at];
	size_t end = 0;
	if (utf8_is_han(cp)) {
		char raw[4];
		buf_add(b, raw, utf8_put(cp, raw));
		return at + 1;
	}
	bool joined = at > 0 && (is_letter(t.v[at - 1]) || t.v[at - 1] == '@' || is_digit(t.v[at - 1]));
	if ((is_letter(cp) || is_digit(cp)) && !joined && (end = try_url(b, t, at)))
		return end;
	if (speech_is_mask(cp) && !joined && (end = speech_number(b, t, at)))
		return end;
	if (speech_is_mask(cp) && (end = try_mask(b, t, at)))
		return end;
	if (is_digit(cp))
		return speech_number(b, t, at);
	if (is_letter(cp))
		return say_latin(b, t, at);
	if ((end = try_money(b, t, at)))
		return speech_after(t, end, yuan) && end < t.n && t.v[end] == 0x5143 ? end + 1 : end;
	if (cp == 0xb0) { /* ° */
		bool celsius = t.v[at + 1] == 'C';
		buf_puts(b, celsius ? "摄氏度" : "度");
		return at + 1 + celsius;
	}
	bool list = cp == '-' && (at == 0 || t.v[at - 1] == ' ') && t.v[at + 1] == ' ';
	const char *pause = pause_of(cp);
	if (pause)
		say_pause(b, start, pause);
	else if (!list)
		buf_puts(b, sign_of(t, at));
	return at + 1;
}

int speech_text(struct buf *ret, struct str text, struct err *e)
{
	CLEANUP(buf_release) struct buf lines = BUF_INIT;
	CLEANUP(buf_release) struct buf plain = BUF_INIT;
	struct str rest_lines = text, line;
	for (bool first = true; str_split(&rest_lines, '\n', &line); first = false) {
		if (!first) /* the end of a line is a pause, and would be lost as a blank */
			buf_puts(&lines, "\n。\n");
		buf_str(&lines, line);
	}
	int code = text_normalize(&plain, buf_view(&lines), e);
	if (code)
		return code;
	CLEANUP(points_release) struct points p = {.all = NULL};
	points_read(&p, buf_view(&plain));
	strip_markup(&p);
	struct span t = {p.v, p.n};
	size_t start = ret->len;
	for (size_t at = 0; at < t.n;)
		at = say_next(ret, start, t, at);
	if (ends_with(ret, "，") && ret->len > start)
		buf_truncate(ret, ret->len - strlen("，"));
	bool spoken = false;
	struct str rest = {ret->data + start, ret->len - start};
	uint32_t cp;
	while (!spoken && utf8_next(&rest, &cp))
		spoken = utf8_is_han(cp);
	if (!spoken)
		buf_truncate(ret, start);
	return buf_error(ret) ? err_set(e, ERR_TOOBIG, "the spoken text is too long") : 0;
}
