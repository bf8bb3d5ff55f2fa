/* The dialogue writer. See script.h. */
#include "provider/script.h"

#include "base/alloc.h"
#include "base/draw.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

struct writer {
	struct arena *a;
	const struct scenario *s;
	const struct persona *who;
	uint64_t seed;
	struct str *values;    /* by slot; SLOT_ROWS: none */
	struct str builtin[8]; /* in the order of scenario_builtin_slots */
	struct dialogue d;
	size_t turns_cap;
	const char *place; /* phase that is being written: names the draws */
};

/* ---- Draws by name ---- */

static uint64_t hash_named(const struct writer *w, struct str name, const char *purpose)
{
	return draw_hash(w->seed, name, purpose);
}

static uint32_t draw_named(const struct writer *w, struct str name, const char *purpose, uint32_t below)
{
	struct draw d;
	draw_init(&d, w->seed, name, purpose);
	return draw_below(&d, below);
}

static int64_t range_named(const struct writer *w, struct str name, const char *purpose, int64_t low, int64_t high)
{
	struct draw d;
	draw_init(&d, w->seed, name, purpose);
	return draw_range(&d, low, high);
}

/* ---- Numbers and times as they are said ---- */

static const char *const digits_said[] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};

/** 1…9999. `inner`: something was said before, so that 10 is 一十. */
static void say_below_myriad(struct buf *b, int n, bool inner)
{
	static const int units[] = {1000, 100, 10, 1};
	static const char *const names[] = {"千", "百", "十", ""};
	bool zero = inner && n < 1000, said = inner;
	for (int i = 0; i < 4; i++) {
		int digit = n / units[i] % 10;
		if (!digit) {
			zero = zero || said;
			continue;
		}
		if (zero)
			buf_puts(b, "零");
		zero = false;
		bool first = !said;
		if (digit == 2 && (i == 0 || (i == 1 && first) || (i == 3 && n == 2 && !inner)))
			buf_puts(b, "两");
		else if (!(digit == 1 && i == 2 && first))
			buf_puts(b, digits_said[digit]);
		buf_puts(b, names[i]);
		said = true;
	}
}

void say_number(struct buf *b, int64_t n)
{
	if (n <= 0 || n > 99999999) {
		buf_puts(b, "零");
		return;
	}
	int high = (int)(n / 10000), low = (int)(n % 10000);
	if (high) {
		say_below_myriad(b, high, false);
		buf_puts(b, "万");
	}
	if (low)
		say_below_myriad(b, low, high > 0);
}

void say_time(struct buf *b, int64_t minutes)
{
	int hour = (int)(minutes / 60 % 24), minute = (int)(minutes % 60);
	buf_puts(b, hour < 5    ? "凌晨"
				: hour < 9  ? "早上"
				: hour < 12 ? "上午"
				: hour < 13 ? "中午"
				: hour < 18 ? "下午"
							: "晚上");
	int said = hour > 12 ? hour - 12 : hour == 0 ? 12 : hour;
	say_number(b, said);
	buf_puts(b, "点");
	if (minute == 15)
		buf_puts(b, "一刻");
	else if (minute == 30)
		buf_puts(b, "半");
	else if (minute == 45)
		buf_puts(b, "三刻");
	else if (minute > 0 && minute < 10)
		buf_printf(b, "零%s", digits_said[minute]);
	else if (minute) {
		if (minute >= 20)
			buf_puts(b, digits_said[minute / 10]);
		buf_puts(b, "十");
		buf_puts(b, minute == 10 ? "分" : minute % 10 ? digits_said[minute % 10] : "");
	}
}

static void say_digits(const struct writer *w, struct buf *b, struct str name, int64_t n)
{
	struct draw d;
	draw_init(&d, w->seed, name, "digits");
	for (int64_t i = 0; i < n; i++) {
		uint32_t digit = draw_below(&d, 10);
		buf_puts(b, digit == 1 ? "幺" : digits_said[digit]);
	}
}

/* ---- Names (invented) ---- */

static const char *const surnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡",
	"朱", "高", "林", "何", "郭", "马", "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹",
	"袁", "邓", "许", "傅", "沈", "曾", "彭", "吕"};
static const char *const given_male[] = {"志远", "海涛", "文博", "建平", "立新", "卫东", "思源", "宇航", "俊峰", "国栋",
	"永强", "振华", "嘉明", "一鸣", "正阳", "春生", "克勤", "明辉", "景行", "少华"};
static const char *const given_female[] = {"雅琴", "淑芬", "晓燕", "雨欣", "静怡", "丽萍", "秀兰", "佳慧", "思雨",
	"玉梅", "春霞", "美玲", "文静", "梦洁", "桂英", "慧敏", "彩云", "若曦", "月华", "小芸"};
static const char *const days_future[] = {
	"明天", "后天", "大后天", "这周六", "这周日", "下周一", "下周二", "下周三", "下周四", "下周五", "下周六"};
static const char *const days_past[] = {
	"昨天", "前天", "大前天", "上周一", "上周二", "上周三", "上周四", "上周五", "上周六", "上周日"};

#define PICK(w, list, name, purpose) ((list)[draw_named((w), (name), (purpose), (uint32_t)COUNT_OF(list))])

static const char *given_name(const struct writer *w, struct str name, struct str gender)
{
	bool male = gender.n ? str_is(gender, "男") : draw_named(w, name, "name gender", 2) == 0;
	return male ? PICK(w, given_male, name, "given") : PICK(w, given_female, name, "given");
}

/* ---- Slots ---- */

/** Index of the value with the `rank`-th smallest hash: adding a value to a list moves only the calls that get it. */
static size_t choose_value(const struct writer *w, const struct scenario_slot *slot, int rank)
{
	size_t best = 0;
	uint64_t floor = 0;
	for (int k = 0; k <= rank; k++) {
		uint64_t least = UINT64_MAX;
		for (size_t i = 0; i < slot->nvalues; i++) {
			CLEANUP(buf_release) struct buf key = BUF_INIT;
			buf_printf(&key, "%.*s", STR_FMT(slot->name));
			buf_putc(&key, '\n');
			buf_str(&key, slot->values[i]);
			uint64_t h = hash_named(w, buf_view(&key), "value");
			if (h < least && (k == 0 || h > floor)) {
				least = h;
				best = i;
			}
		}
		floor = least;
	}
	return best;
}

static struct str draw_slot(const struct writer *w, const struct scenario_slot *slot)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	int64_t steps = (slot->max - slot->min) / slot->step;
	switch (slot->kind) {
	case SLOT_LIST:
		return slot->values[choose_value(w, slot, 0)];
	case SLOT_OTHER:
		return w->s->slots[slot->of].values[choose_value(w, &w->s->slots[slot->of], slot->rank)];
	case SLOT_COLUMN:
		return slot->values[draw_named(w, w->s->slots[slot->of].name, "row", (uint32_t)slot->nvalues)];
	case SLOT_ROWS:
		return (struct str){NULL, 0};
	case SLOT_AMOUNT:
	case SLOT_COUNT:
		say_number(&b, slot->min + range_named(w, slot->name, "number", 0, steps) * slot->step);
		break;
	case SLOT_TIME:
		say_time(&b, slot->min + range_named(w, slot->name, "number", 0, steps) * slot->step);
		break;
	case SLOT_DIGITS:
		say_digits(w, &b, slot->name, slot->min);
		break;
	case SLOT_DATE:
		buf_puts(&b, slot->past ? PICK(w, days_past, slot->name, "date") : PICK(w, days_future, slot->name, "date"));
		break;
	case SLOT_PERSON:
		buf_puts(&b, PICK(w, surnames, slot->name, "surname"));
		buf_puts(&b, given_name(w, slot->name, slot->gender));
		break;
	case SLOT_SURNAME:
		buf_puts(&b, PICK(w, surnames, slot->name, "surname"));
		break;
	}
	return arena_str(w->a, buf_view(&b));
}

static void draw_builtins(struct writer *w)
{
	bool male = str_is(w->who->gender, "男");
	const char *surname = PICK(w, surnames, STR("callee"), "surname"), *title = male ? "先生" : "女士", *polite = title;
	if (w->d.right_age >= 60 && draw_named(w, STR("callee"), "address", 2) == 0)
		polite = male ? "叔叔" : "阿姨";
	w->builtin[0] = str_of(surname);
	w->builtin[1] = str_of(arena_printf(w->a, "%s%s", surname, given_name(w, STR("callee"), w->who->gender)));
	w->builtin[2] = str_of(arena_printf(w->a, "%s%s", surname, polite));
	w->builtin[3] = str_of(title);
	w->builtin[4] = w->who->occupation;
	w->builtin[5] = str_of(PICK(w, surnames, STR("service"), "surname"));
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	say_digits(w, &b, STR("工号"), 4);
	w->builtin[6] = arena_str(w->a, buf_view(&b));
}

static struct str slot_value(const struct writer *w, struct str name)
{
	int i = scenario_slot_find(w->s, name);
	if (i >= 0)
		return w->values[i];
	for (size_t k = 0; scenario_builtin_slots[k]; k++)
		if (str_is(name, scenario_builtin_slots[k]))
			return w->builtin[k];
	return (struct str){NULL, 0};
}

/* ---- Conditions and lines ---- */

static bool holds(const struct writer *w, const struct scenario_when *c)
{
	if (!scenario_when_persona(c, w->who) || w->d.right_age < c->age_min || w->d.right_age > c->age_max)
		return false;
	for (size_t i = 0; i < c->nwants; i++) {
		struct str have = slot_value(w, c->wants[i].slot);
		bool any = false;
		for (size_t k = 0; k < c->wants[i].n && !any; k++)
			any = str_eq(have, c->wants[i].values[k]);
		if (!any)
			return false;
	}
	return true;
}

/** The line that can be said here and has the smallest hash, or NULL. */
static const struct scenario_line *choose_line(const struct writer *w, const struct scenario_way *way, int role)
{
	const struct scenario_line *best = NULL;
	uint64_t least = UINT64_MAX;
	for (size_t i = 0; i < way->nlines[role]; i++) {
		const struct scenario_line *line = &way->lines[role][i];
		if (!holds(w, &line->when))
			continue;
		const char *key = arena_printf(w->a, "%s\n%d\n%.*s", w->place, role, STR_FMT(line->raw));
		uint64_t h = hash_named(w, str_of(key), "line");
		if (!best || h < least) {
			best = line;
			least = h;
		}
	}
	return best;
}

static bool can_speak(const struct writer *w, const struct scenario_way *way)
{
	if (!holds(w, &way->when))
		return false;
	for (int role = 0; role < 2; role++)
		if (way->nlines[role] && !choose_line(w, way, role))
			return false;
	return true;
}

static void render(struct writer *w, const struct scenario_text *t, struct draw *d, struct buf *b)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct scenario_part *part = &t->parts[i];
		if (part->kind == PART_TEXT)
			buf_str(b, part->text);
		else if (part->kind == PART_SLOT)
			buf_str(b, slot_value(w, part->text));
		else
			render(w, &part->options[draw_below(d, (uint32_t)part->noptions)], d, b);
	}
}

/** A little word of the persona's before a sentence that can take one. */
static void add_filler(struct writer *w, struct draw *d, struct str text, struct buf *b)
{
	static const char *const heads[] = {"我", "这", "你", "可", "有"};
	uint32_t often = draw_below(d, 100), which = draw_below(d, 1000);
	if (!w->who->nfillers || (int)often >= w->who->filler_percent)
		return;
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		if (!str_starts(text, heads[i]))
			continue;
		buf_str(b, w->who->fillers[which % w->who->nfillers]);
		buf_puts(b, "，");
		return;
	}
}

static void speak(struct writer *w, const struct scenario_way *way, int role, bool last)
{
	const struct scenario_line *line = choose_line(w, way, role);
	CLEANUP(buf_release) struct buf b = BUF_INIT, whole = BUF_INIT;
	struct draw d;
	draw_init(&d, w->seed, str_of(arena_printf(w->a, "%s\n%.*s", w->place, STR_FMT(line->raw))), "words");
	render(w, &line->text, &d, &b);
	if (role == ROLE_RIGHT && !last)
		add_filler(w, &d, buf_view(&b), &whole);
	buf_str(&whole, buf_view(&b));
	GROW(w->d.turns, w->d.nturns, w->turns_cap);
	w->d.turns[w->d.nturns++] = (struct script_turn){(enum scenario_role)role, arena_str(w->a, buf_view(&whole))};
}

static void play(struct writer *w, const struct scenario_way *way, bool last)
{
	int first = (int)way->first, second = first == ROLE_LEFT ? ROLE_RIGHT : ROLE_LEFT;
	if (way->nlines[first])
		speak(w, way, first, last);
	if (way->nlines[second])
		speak(w, way, second, last);
}

static int stuck(const struct writer *w, struct yaml_mark mark, const char *what, struct str name, struct err *e)
{
	return err_set(e, ERR_DATA, "%s:%d:%d: %s%s%.*s has no line for persona '%.*s' and the values drawn for this call",
		mark.file ? mark.file : "scenario", mark.line, mark.col, what, name.n ? " " : "", STR_FMT(name),
		STR_FMT(w->who->name));
}

static int play_phases(struct writer *w, struct err *e)
{
	w->d.phases = arena_array(w->a, w->s->nphases + 1, sizeof(struct str));
	for (size_t i = 0; i < w->s->nphases; i++) {
		const struct scenario_phase *phase = &w->s->phases[i];
		const struct scenario_way *best = NULL;
		uint64_t least = UINT64_MAX;
		if (!holds(w, &phase->when) || (int)draw_named(w, phase->name, "phase", 100) >= phase->percent)
			continue;
		for (size_t k = 0; k < phase->nways; k++) {
			w->place = arena_printf(w->a, "%.*s/%zu", STR_FMT(phase->name), k);
			uint64_t h = hash_named(w, str_of(w->place), "way");
			if ((!best || h < least) && can_speak(w, &phase->ways[k])) {
				best = &phase->ways[k];
				least = h;
			}
		}
		if (!best)
			return stuck(w, phase->mark, "phase", phase->name, e);
		w->place = arena_printf(w->a, "%.*s/%zu", STR_FMT(phase->name), (size_t)(best - phase->ways));
		play(w, best, false);
		w->d.phases[w->d.nphases++] = phase->name;
	}
	return 0;
}

static int play_ending(struct writer *w, struct err *e)
{
	const struct scenario_ending *best = NULL;
	uint64_t least = UINT64_MAX;
	for (size_t i = 0; i < w->s->nendings; i++) {
		const struct scenario_ending *end = &w->s->endings[i];
		w->place = arena_printf(w->a, "ending/%.*s", STR_FMT(end->reason));
		if (!holds(w, &end->when) || !can_speak(w, &end->way))
			continue;
		/* The least of `weight` hashes: an ending of weight 3 wins three times as often. */
		for (int k = 0; k < end->weight; k++) {
			uint64_t h = hash_named(w, str_of(arena_printf(w->a, "%s#%d", w->place, k)), "ending");
			if (!best || h < least) {
				best = end;
				least = h;
			}
		}
	}
	if (!best)
		return stuck(w, w->s->mark, "endings", STR(""), e);
	w->place = arena_printf(w->a, "ending/%.*s", STR_FMT(best->reason));
	play(w, &best->way, true);
	w->d.phases[w->d.nphases++] = STR("结束");
	w->d.by = best->by;
	w->d.reason = best->reason;
	return 0;
}

/* What does not depend on any line. */
static void draw_people(struct writer *w)
{
	const struct scenario *s = w->s;
	const struct persona *who = w->who;
	w->d.right_age = (int)range_named(w, STR("right"), "age", who->age_min, who->age_max);
	w->d.left_age = (int)range_named(w, STR("left"), "age", s->left_age_min, s->left_age_max);
	w->d.left_gender = s->left_gender.n                          ? s->left_gender
					   : draw_named(w, STR("left"), "gender", 2) ? STR("男")
																 : STR("女");
	draw_builtins(w);
}

void script_people(
	struct arena *a, const struct scenario *s, const struct persona *who, uint64_t seed, struct script_people *ret)
{
	struct writer w = {.a = a, .s = s, .who = who, .seed = seed};
	draw_people(&w);
	*ret = (struct script_people){.left_age = w.d.left_age,
		.right_age = w.d.right_age,
		.left_gender = w.d.left_gender,
		.name = w.builtin[1],
		.address = w.builtin[2],
		.left_surname = w.builtin[5],
		.left_staff = w.builtin[6]};
}

int script_write(struct arena *a, const struct scenario *s, const struct persona *who, uint64_t seed,
	struct dialogue *ret, struct err *e)
{
	struct writer w = {.a = a, .s = s, .who = who, .seed = seed};
	draw_people(&w);
	w.values = arena_array(a, s->nslots + 1, sizeof(struct str));
	for (size_t i = 0; i < s->nslots; i++)
		w.values[i] = draw_slot(&w, &s->slots[i]);
	int rc = play_phases(&w, e);
	if (rc == 0)
		rc = play_ending(&w, e);
	CLEANUP(free_ptr) struct script_turn *turns = w.d.turns;
	if (rc != 0)
		return rc;
	w.d.turns = arena_array(a, w.d.nturns + 1, sizeof(*turns));
	memcpy(w.d.turns, turns, w.d.nturns * sizeof(*turns));
	*ret = w.d;
	return 0;
}

void script_print(struct buf *b, const struct scenario *s, const struct persona *who, const struct dialogue *d)
{
	static const char *const ends[] = {"natural", "left", "right"};
	buf_printf(b, "== %.*s / %.*s (%.*s, %d, %.*s, awareness %.*s)\n", STR_FMT(s->name), STR_FMT(who->name),
		STR_FMT(who->gender), d->right_age, STR_FMT(who->occupation), STR_FMT(who->awareness_text));
	for (size_t i = 0; i < d->nturns; i++)
		buf_printf(b, "%s %.*s\n", d->turns[i].role == ROLE_LEFT ? "left: " : "right:", STR_FMT(d->turns[i].text));
	buf_printf(b, "-- ended by %s: %.*s\n", ends[d->by], STR_FMT(d->reason));
}
