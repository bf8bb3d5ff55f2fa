/* Finding what can be drawn anew. See script_spans.h. */
#include "provider/script_spans.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#include <string.h>

#define MONEY_MAX INT64_C(99999999) /* what say_number can say */
#define HAN 3                       /* bytes of the characters meant here */

struct finding {
	struct arena *a;
	const struct lexicon *l;
	const struct spans *known;
	struct str text;
	bool left;
	struct spans *out;
};

static struct str from_at(const struct finding *f, size_t at)
{
	return str_n(f->text.p + at, f->text.n - at);
}

static bool one_of(struct str text, const char *words)
{
	/* `words`: texts parted by blanks */
	struct str rest = str_of(words), word;
	while (str_split(&rest, ' ', &word))
		if (word.n && text.n >= word.n && memcmp(text.p, word.p, word.n) == 0)
			return true;
	return false;
}

/* Whether one of the words ends at `at`. */
static bool behind(const struct finding *f, size_t at, const char *words)
{
	struct str rest = str_of(words), word;
	while (str_split(&rest, ' ', &word))
		if (word.n && at >= word.n && memcmp(f->text.p + at - word.n, word.p, word.n) == 0)
			return true;
	return false;
}

static bool han_at(struct str text)
{
	uint32_t cp;
	return utf8_next(&text, &cp) && utf8_is_han(cp);
}

static void add_span(struct arena *a, struct spans *out, const struct span *s)
{
	if (out->n == out->cap) {
		struct span *v = arena_array(a, out->cap ? out->cap * 2 : 8, sizeof(*v));
		if (out->n)
			memcpy(v, out->v, out->n * sizeof(*v));
		out->v = v;
		out->cap = out->cap ? out->cap * 2 : 8;
	}
	out->v[out->n++] = *s;
}

/* ---- Numbers ---- */

static const char numerals[] = "零一二三四五六七八九〇幺两";
static const char numeral_units[] = "十百千万亿";

/* Value of a numeral at the front, or -1. */
static int numeral(struct str text)
{
	static const int values[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2};
	for (size_t i = 0; i < COUNT_OF(values); i++)
		if (text.n >= HAN && memcmp(text.p, numerals + HAN * i, HAN) == 0)
			return values[i];
	return -1;
}

static int64_t numeral_unit(struct str text)
{
	static const int64_t values[] = {10, 100, 1000, 10000, 100000000};
	for (size_t i = 0; i < COUNT_OF(values); i++)
		if (text.n >= HAN && memcmp(text.p, numeral_units + HAN * i, HAN) == 0)
			return values[i];
	return 0;
}

/* One group of up to four places: 三千五百零二. */
struct group {
	int64_t sum, last_unit;
	int digit; /* waiting for its unit; -1: none */
	bool zero;
};

static bool group_unit(struct group *g, int64_t unit, bool first)
{
	if (g->digit < 0 && !(unit == 10 && first && g->sum == 0 && !g->zero))
		return false;
	if (g->digit == 0 || (g->last_unit && unit >= g->last_unit))
		return false;
	g->sum += (g->digit < 0 ? 1 : g->digit) * unit;
	g->last_unit = unit;
	g->digit = -1;
	g->zero = false;
	return true;
}

/* The last place: 三千五 could be 3,005 or 3,500, so it needs its 零 or a ten before it. */
static bool group_end(struct group *g)
{
	if (g->digit > 0 && g->last_unit > 10 && !g->zero)
		return false;
	g->sum += g->digit > 0 ? g->digit : 0;
	return true;
}

int64_t spans_number(struct str text)
{
	int64_t total = 0;
	struct group g = {.digit = -1};
	bool any = false, myriad = false;
	for (struct str rest = text; rest.n; rest = str_n(rest.p + HAN, rest.n - HAN)) {
		int digit = numeral(rest);
		int64_t unit = numeral_unit(rest);
		if (digit < 0 && !unit)
			return -1;
		if (digit >= 0 && g.digit >= 0)
			return -1;
		if (digit == 0) {
			g.zero = true;
		} else if (digit > 0) {
			g.digit = digit;
		} else if (unit == 10000) {
			if (myriad || !group_end(&g) || g.sum == 0)
				return -1;
			total += g.sum * unit;
			g = (struct group){.digit = -1, .last_unit = unit};
			myriad = true;
		} else if (unit > 10000 || !group_unit(&g, unit, !any)) {
			return -1;
		}
		any = true;
	}
	if (!any || !group_end(&g))
		return -1;
	return total + g.sum;
}

/* A number at `at`: Arabic digits, or Chinese numerals. Length in bytes, or 0; `*ret` is -1 when it is none of the strict forms. */
static size_t number_at(const struct finding *f, size_t at, int64_t *ret, bool *ret_arabic)
{
	struct str rest = from_at(f, at);
	size_t n = 0;
	int64_t value = 0;
	while (n < rest.n && ((rest.p[n] >= '0' && rest.p[n] <= '9') ||
							 (n && rest.p[n] == ',' && n + 1 < rest.n && rest.p[n + 1] >= '0' && rest.p[n + 1] <= '9'))) {
		if (rest.p[n] != ',' && value >= 0)
			value = value > MONEY_MAX ? -1 : value * 10 + (rest.p[n] - '0');
		n++;
	}
	*ret_arabic = n > 0;
	if (n > 0) {
		if (n < rest.n && (rest.p[n] == '.' || rest.p[n] == ':' || rest.p[n] == '%'))
			value = -1;
		*ret = value;
		return n;
	}
	while (n + HAN <= rest.n &&
		   (numeral(str_n(rest.p + n, rest.n - n)) >= 0 || numeral_unit(str_n(rest.p + n, rest.n - n))))
		n += HAN;
	*ret = n ? spans_number(str_n(rest.p, n)) : -1;
	return n;
}

static bool money_follows(struct str rest, int64_t value)
{
	if (one_of(rest, "元 块钱 美元"))
		return true;
	if (!one_of(rest, "块") || value < 2)
		return false;
	rest = str_n(rest.p + HAN, rest.n - HAN);
	return !han_at(rest) || one_of(rest, "的 左 吧 啊 呢");
}

/* "50万" without 元, "五十万奖金": only amounts are said so, but for a few words. */
static bool bare_myriad(struct str rest)
{
	return !one_of(rest, "个 人 分 一 火 次 名 公 千 份 名 字");
}

static bool find_money(struct finding *f, size_t at, size_t n, int64_t value, bool arabic)
{
	struct span s = {.from = at, .to = at + n, .kind = SPAN_MONEY, .arabic = arabic, .times = 1};
	struct str rest = from_at(f, s.to);
	if (behind(f, at, "第 到 至 - ~ ."))
		return false;
	bool myriad = !arabic && behind(f, s.to, "万");
	if (arabic && one_of(rest, "万")) {
		s.times = 10000;
		s.to += HAN;
		rest = from_at(f, s.to);
		myriad = true;
	}
	value *= s.times;
	if (value < 1 || value > MONEY_MAX || !(money_follows(rest, value) || (myriad && bare_myriad(rest))))
		return false;
	s.value = (uint64_t)value;
	add_span(f->a, f->out, &s);
	return true;
}

static bool find_clock(struct finding *f, size_t at, size_t n, int64_t value, bool arabic)
{
	static const struct {
		const char *words;
		int low, high;
	} parts[] = {{"凌晨", 1, 5}, {"早上", 6, 9}, {"上午", 8, 11}, {"中午", 11, 12}, {"下午", 1, 6}, {"傍晚", 5, 7},
		{"晚上 今晚 明晚", 6, 11}};
	struct span s = {.from = at, .to = at + n, .kind = SPAN_CLOCK, .value = (uint64_t)value, .arabic = arabic};
	struct str rest = from_at(f, s.to);
	if (value < 1 || value > 12 || !one_of(rest, "点") || behind(f, at, "到 至 有 早 晚 快 慢 多 差 -"))
		return false;
	rest = str_n(rest.p + HAN, rest.n - HAN);
	if (one_of(rest, "到 至 - ~ 半到 半至 整到 钟到"))
		return false;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (behind(f, at, parts[i].words)) {
			s.low = parts[i].low;
			s.high = parts[i].high;
		}
	}
	if (s.low && (value < s.low || value > s.high))
		return false;
	add_span(f->a, f->out, &s);
	return true;
}

static bool find_date(struct finding *f, size_t at, size_t n, int64_t value, bool arabic)
{
	struct span s = {.from = at, .to = at + n, .kind = SPAN_DATE, .value = (uint64_t)value, .arabic = arabic};
	struct str rest = from_at(f, s.to);
	if (value < 1 || value > 28 || !one_of(rest, "号 日") || behind(f, at, "到 至 -"))
		return false;
	if (one_of(str_n(rest.p + HAN, rest.n - HAN), "线 楼 店 车 门 院 窗 桌 到 至 常 元"))
		return false;
	s.low = behind(f, at, "月");
	add_span(f->a, f->out, &s);
	return true;
}

static bool find_minutes(struct finding *f, size_t at, size_t n, int64_t value, bool arabic)
{
	struct span s = {.from = at, .to = at + n, .kind = SPAN_MINUTES, .value = (uint64_t)value, .arabic = arabic};
	if (value < 5 || value > 60 || !one_of(from_at(f, s.to), "分钟") || behind(f, at, "到 至 - ~ 时 点"))
		return false;
	add_span(f->a, f->out, &s);
	return true;
}

/* Digits told one by one, four and more; service numbers and years stay. */
static size_t find_digits(struct finding *f, size_t at)
{
	CLEANUP(buf_release) struct buf ascii = BUF_INIT;
	struct str rest = from_at(f, at);
	size_t n = 0;
	bool arabic = rest.n && rest.p[0] >= '0' && rest.p[0] <= '9';
	while (n < rest.n) {
		int digit = numeral(str_n(rest.p + n, rest.n - n));
		if (arabic && rest.p[n] >= '0' && rest.p[n] <= '9')
			digit = rest.p[n] - '0';
		else if (arabic || digit < 0 || memcmp(rest.p + n, "两", HAN) == 0)
			break;
		buf_putc(&ascii, (char)('0' + digit));
		n += arabic ? 1 : HAN;
	}
	struct str after = str_n(rest.p + n, rest.n - n), digits = buf_view(&ascii);
	if (digits.n < 4 || digits.n > 24 || numeral_unit(after) || one_of(after, ". , 元 块 万") || behind(f, at, "."))
		return 0;
	if (one_of(after, "年") || str_starts(digits, "400") || str_starts(digits, "800") ||
		(digits.n == 5 && (str_starts(digits, "9") || str_starts(digits, "1"))))
		return 0;
	struct span s = {.from = at, .to = at + n, .kind = SPAN_DIGITS, .arabic = arabic, .digits = arena_str(f->a, digits)};
	s.value = hash_bytes(digits.p, digits.n, 0);
	add_span(f->a, f->out, &s);
	return n;
}

/* What begins with a number; length of what was taken or passed over, or 0. */
static size_t find_number(struct finding *f, size_t at)
{
	int64_t value;
	bool arabic;
	size_t n = find_digits(f, at);
	if (n)
		return n;
	n = number_at(f, at, &value, &arabic);
	if (n == 0 || value < 0)
		return n;
	size_t before = f->out->n;
	if (find_money(f, at, n, value, arabic) || find_clock(f, at, n, value, arabic) ||
		find_date(f, at, n, value, arabic) || find_minutes(f, at, n, value, arabic))
		n = f->out->v[before].to - at;
	return n;
}

/* ---- People ---- */

static const char name_ends[] = "先 女 小 您 你 的 吗 是 在 说 啊 我 也 和 现 这 被 打 给 要 为 , 老 经 遇";

static bool boundary(struct str rest)
{
	return !han_at(rest) || one_of(rest, name_ends);
}

/* "我是客服专员小李": from the last 我是, 我叫 … up to `at` there is no comma. */
static bool says_self(const struct finding *f, size_t at, struct str surname)
{
	static const char *const heads[] = {
		"我是", "我叫", "我姓", "免贵姓", "我的名字是", "姓名是", "名字叫", "全名叫", "全名是"};
	size_t start = behind(f, at, "，") ? at - HAN : at; /* "我是您的客服经理，李华" */
	while (start >= HAN && at - start < 20 * HAN && !behind(f, start, "， 。 ？ ！ ； 、"))
		start -= HAN;
	struct str before = str_n(f->text.p + start, at - start);
	if (str_find(before, surname) >= 0)
		return false; /* "我是王强的朋友，王强出事了" */
	for (size_t i = 0; i < f->out->n; i++)
		if (f->out->v[i].from >= start && f->out->v[i].self)
			return false; /* "我是陈先生，张经理" */
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		if (str_find(before, str_of(heads[i])) >= 0)
			return true;
	/* "客服专员小李为您服务" */
	return f->left && before.n <= 8 * HAN && (behind(f, at, "客服 专员 客服代表 顾问 助手"));
}

static int referent(const struct finding *f, const struct span *s)
{
	struct str rest = from_at(f, s->to);
	bool service = s->title_list == lexicon_list(f->l, LEX_TITLES, "service");
	static const char kin[] =
		"的朋友 的同事 的家 的老 的妻 的丈 的哥 的弟 的姐 的妹 的爸 的妈 的儿 的女 的亲 的表 的堂 的邻";
	if (one_of(rest, kin))
		return SPAN_OTHER;
	if (s->self)
		return f->left ? SPAN_LEFT : SPAN_RIGHT;
	if (f->left)
		return service || s->nick.n ? SPAN_OTHER : SPAN_RIGHT;
	return service || s->nick.n ? SPAN_LEFT : SPAN_OTHER;
}

static const struct lexicon_word *given_at(const struct finding *f, size_t at)
{
	const struct lexicon_word *male = lexicon_at(f->l, LEX_NAMES, lexicon_list(f->l, LEX_NAMES, "male"), from_at(f, at));
	const struct lexicon_word *female =
		lexicon_at(f->l, LEX_NAMES, lexicon_list(f->l, LEX_NAMES, "female"), from_at(f, at));
	return !male || (female && female->text.n > male->text.n) ? female : male;
}

static bool is_known(const struct finding *f, const struct lexicon_word *surname, const struct lexicon_word *given)
{
	for (size_t i = 0; f->known && i < f->known->n; i++)
		if (str_eq(f->known->v[i].surname, surname->text) && str_eq(f->known->v[i].given, given->text))
			return true;
	return false;
}

/* A surname at `at` with a title, a given name, or 小 before it; length, or 0. */
static size_t find_person(struct finding *f, size_t at)
{
	int surnames = lexicon_list(f->l, LEX_NAMES, "surname"), nicks = lexicon_list(f->l, LEX_NAMES, "nick");
	struct span s = {.from = at, .title_list = -1};
	size_t name = at;
	if (one_of(from_at(f, at), "小 老")) {
		s.nick = str_n(f->text.p + at, HAN);
		name += HAN;
	}
	const struct lexicon_word *surname =
		name < f->text.n ? lexicon_at(f->l, LEX_NAMES, s.nick.n ? nicks : surnames, from_at(f, name)) : NULL;
	if (!surname)
		return 0;
	s.to = name + surname->text.n;
	const struct lexicon_word *given = s.nick.n ? NULL : given_at(f, s.to);
	if (given && (given->text.n > HAN || boundary(from_at(f, s.to + given->text.n)) || is_known(f, surname, given))) {
		s.given = given->text;
		s.to += given->text.n;
	}
	const struct lexicon_word *title = lexicon_at(f->l, LEX_TITLES, -1, from_at(f, s.to));
	if (title && (title->text.n > HAN || boundary(from_at(f, s.to + title->text.n)))) {
		s.title = title->text;
		s.title_list = title->list;
		s.to += title->text.n;
	}
	bool bare = s.nick.n && boundary(from_at(f, s.to)) && !behind(f, at, "一 从 大 多");
	bool own = !s.nick.n && behind(f, at, "姓") && boundary(from_at(f, s.to));
	if (!s.given.n && !s.title.n && !bare && !own)
		return 0;
	s.surname = surname->text;
	s.value = hash_bytes(surname->text.p, surname->text.n, 0);
	s.self = says_self(f, at, s.surname) && !one_of(from_at(f, s.to), "的");
	s.kind = referent(f, &s);
	add_span(f->a, f->out, &s);
	return s.to - at;
}

/* "好的，阿姨，您别着急": a title alone between marks, or 尊敬的先生. */
static size_t find_vocative(struct finding *f, size_t at)
{
	const struct lexicon_word *title = lexicon_at(f->l, LEX_TITLES, -1, from_at(f, at));
	if (!f->left || !title || title->list > lexicon_list(f->l, LEX_TITLES, "either"))
		return 0;
	struct str rest = from_at(f, at + title->text.n);
	bool starts = at == 0 || behind(f, at, "， 。 ？ ！ 您好 你好 尊敬的 好的 这位");
	if (!starts || !(one_of(rest, "， 。 ？ ！ 您 你") || rest.n == 0))
		return 0;
	struct span s = {
		.from = at, .to = at + title->text.n, .kind = SPAN_RIGHT, .title = title->text, .title_list = title->list};
	add_span(f->a, f->out, &s);
	return title->text.n;
}

/* A city with its district (北京市朝阳区) stays: another city has other districts. */
static bool district_follows(struct str rest)
{
	rest = one_of(rest, "市") ? str_n(rest.p + HAN, rest.n - HAN) : rest;
	struct str near = str_n(rest.p, rest.n < 4 * HAN ? rest.n : 4 * HAN);
	return str_find(near, STR("区")) > 0 || str_find(near, STR("县")) > 0;
}

static size_t find_entity(struct finding *f, size_t at)
{
	const struct lexicon_word *w = lexicon_at(f->l, LEX_ENTITIES, -1, from_at(f, at));
	if (!w || f->l->lists[LEX_ENTITIES][w->list].n < 2)
		return w ? w->text.n : 0;
	if (w->list == lexicon_list(f->l, LEX_ENTITIES, "city") && district_follows(from_at(f, at + w->text.n)))
		return w->text.n;
	struct span s = {.from = at, .to = at + w->text.n, .kind = SPAN_ENTITY + w->list, .value = (uint64_t)w->at};
	add_span(f->a, f->out, &s);
	return w->text.n;
}

void spans_know(struct arena *a, const struct spans *turn, struct spans *known)
{
	for (size_t i = 0; i < turn->n; i++)
		if (turn->v[i].kind <= SPAN_OTHER && turn->v[i].given.n)
			add_span(a, known, &turn->v[i]);
}

void spans_find(
	struct arena *a, const struct lexicon *l, const struct spans *known, struct str text, bool left, struct spans *ret)
{
	struct finding f = {.a = a, .l = l, .known = known, .text = text, .left = left, .out = ret};
	*ret = (struct spans){.v = NULL};
	for (size_t at = 0; at < text.n;) {
		size_t n = find_entity(&f, at);
		n = n ? n : find_number(&f, at);
		n = n ? n : find_person(&f, at);
		n = n ? n : find_vocative(&f, at);
		if (n == 0) {
			struct str rest = from_at(&f, at);
			uint32_t cp;
			utf8_next(&rest, &cp);
			n = text.n - at - rest.n;
		}
		at += n;
	}
}

/* ---- A call as a whole ---- */

static bool bind(const struct spans *turns, size_t n, struct span *s)
{
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < turns[t].n; i++) {
			const struct span *o = &turns[t].v[i];
			if (o->kind == s->kind && o->low && o->value == s->value) {
				s->low = o->low;
				s->high = o->high;
				return true;
			}
		}
	}
	return false;
}

/* Whom a name means: the one who says that it is his; else whoever it meant first. Two of one surname are left as they were found. */
static int first_kind(const struct spans *turns, size_t n, const struct span *s)
{
	int kind = -1;
	unsigned selves = 0;
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < turns[t].n; i++) {
			const struct span *o = &turns[t].v[i];
			if (o->kind > SPAN_OTHER || !o->surname.n || o->value != s->value)
				continue;
			if (o->self)
				selves |= 1u << o->kind;
			kind = kind < 0 ? o->kind : kind;
		}
	}
	if (selves == 1u << SPAN_LEFT)
		return SPAN_LEFT;
	if (selves == 1u << SPAN_RIGHT)
		return SPAN_RIGHT;
	return selves ? s->kind : kind;
}

void spans_settle(struct spans *turns, size_t n)
{
	for (size_t t = 0; t < n; t++) {
		size_t kept = 0;
		for (size_t i = 0; i < turns[t].n; i++) {
			struct span s = turns[t].v[i];
			if ((s.kind == SPAN_CLOCK || s.kind == SPAN_DATE) && !s.low && !bind(turns, n, &s))
				continue;
			if (s.kind <= SPAN_OTHER && s.surname.n && !s.self)
				s.kind = first_kind(turns, n, &s);
			turns[t].v[kept++] = s;
		}
		turns[t].n = kept;
	}
}
