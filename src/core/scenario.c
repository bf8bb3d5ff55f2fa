/* Parsing of scenario files and personas. What needs more than one file is scenario_check.c. */
#include "core/scenario.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define CHOICE_DEPTH_MAX 4

const char *const scenario_builtin_slots[] = {"姓", "姓名", "尊称", "称谓", "职业", "客服姓", "工号", NULL};

struct reader {
	struct arena *a;
	struct problems *p;
	struct scenario *s;
	bool *slot_used;
};

/* ---- Small readers ---- */

static bool known_keys(struct reader *r, const struct yaml_node *map, const char *const *keys)
{
	if (map->kind != YAML_MAP) {
		problem_add(r->p, map->mark, "expected keys and values here");
		return false;
	}
	bool ok = true;
	YAML_EACH(kid, map) {
		size_t i = 0;
		while (keys[i] && !str_is(kid->key, keys[i]))
			i++;
		if (keys[i])
			continue;
		CLEANUP(buf_release) struct buf known = BUF_INIT;
		for (i = 0; keys[i]; i++)
			buf_printf(&known, "%s%s", i ? ", " : "", keys[i]);
		problem_add(r->p, kid->keymark, "unknown key '%.*s'; known here: %s", STR_FMT(kid->key), known.data);
		ok = false;
	}
	return ok;
}

static struct str get_text(struct reader *r, const struct yaml_node *map, const char *key, bool required)
{
	const struct yaml_node *v = yaml_get(map, key);
	if (!v) {
		if (required)
			problem_add(r->p, map->mark, "'%s' is missing", key);
		return (struct str){NULL, 0};
	}
	struct str text = v->kind == YAML_SCALAR ? str_trim(v->text) : (struct str){NULL, 0};
	if (!text.n)
		problem_add(r->p, v->mark, "'%s' must be a text that is not empty", key);
	return text;
}

/** One of `choices`, or -1 with a problem (missing: -1 without one). */
static int get_choice(struct reader *r, const struct yaml_node *map, const char *key, const char *const *choices)
{
	const struct yaml_node *v = yaml_get(map, key);
	if (!v)
		return -1;
	CLEANUP(buf_release) struct buf known = BUF_INIT;
	for (int i = 0; choices[i]; i++) {
		if (v->kind == YAML_SCALAR && str_is(v->text, choices[i]))
			return i;
		buf_printf(&known, "%s%s", i ? ", " : "", choices[i]);
	}
	problem_add(r->p, v->mark, "'%s' must be one of: %s", key, known.data);
	return -1;
}

static int64_t get_int(struct reader *r, const struct yaml_node *map, const char *key, int64_t missing, int64_t max)
{
	const struct yaml_node *v = yaml_get(map, key);
	int64_t i = missing;
	if (v && (!yaml_int(v, &i) || i < 0 || i > max)) {
		problem_add(r->p, v->mark, "'%s' must be a whole number from 0 to %lld", key, (long long)max);
		return missing;
	}
	return i;
}

/** [low, high] in 0…max. False with a problem when it is not that. */
static bool get_range(struct reader *r, const struct yaml_node *v, int64_t max, int64_t *ret_low, int64_t *ret_high)
{
	int64_t low = 0, high = 0;
	if (v->kind == YAML_LIST && v->n == 2 && yaml_int(v->first, &low) && yaml_int(v->first->next, &high) && low >= 0 &&
		low <= high && high <= max) {
		*ret_low = low;
		*ret_high = high;
		return true;
	}
	problem_add(r->p, v->mark, "expected [lowest, highest], whole numbers up to %lld", (long long)max);
	return false;
}

/** A list of texts; a single text is a list of one. */
static size_t get_texts(struct reader *r, const struct yaml_node *v, struct str **ret)
{
	size_t n = v->kind == YAML_LIST ? v->n : 1, got = 0;
	struct str *texts = arena_array(r->a, n ? n : 1, sizeof(*texts));
	if (v->kind == YAML_SCALAR) {
		texts[got++] = str_trim(v->text);
	} else if (v->kind == YAML_LIST) {
		YAML_EACH(item, v) {
			if (item->kind == YAML_SCALAR && str_trim(item->text).n)
				texts[got++] = str_trim(item->text);
			else
				problem_add(r->p, item->mark, "expected a text");
		}
	} else {
		problem_add(r->p, v->mark, "expected a text or a list of texts");
	}
	*ret = texts;
	return got;
}

static int get_percent(struct reader *r, const struct yaml_node *map, const char *key, int missing)
{
	const struct yaml_node *v = yaml_get(map, key);
	double d = 0;
	if (!v)
		return missing;
	if (!yaml_real(v, &d) || d < 0 || d > 1) {
		problem_add(r->p, v->mark, "'%s' must be a number from 0 to 1", key);
		return missing;
	}
	return (int)(d * 100 + 0.5);
}

static int by_key(const void *x, const void *y)
{
	struct yaml_node *const *a = x, *const *b = y;
	return str_cmp((*a)->key, (*b)->key);
}

/** Members of a map, sorted by key: the order they are written in must not shape a call. */
static struct yaml_node **sorted(struct reader *r, const struct yaml_node *map)
{
	struct yaml_node **v = arena_array(r->a, map->n ? map->n : 1, sizeof(struct yaml_node *));
	size_t n = 0;
	YAML_EACH(kid, map)
		v[n++] = kid;
	qsort((void *)v, n, sizeof(struct yaml_node *), by_key);
	return v;
}

/** "低中" → bits; 0 when it is not made of 低 中 高. */
static unsigned awareness_bits(struct str s)
{
	unsigned bits = 0;
	uint32_t cp;
	while (utf8_next(&s, &cp)) {
		if (cp == 0x4f4e) /* 低 */
			bits |= AWARE_LOW;
		else if (cp == 0x4e2d) /* 中 */
			bits |= AWARE_MID;
		else if (cp == 0x9ad8) /* 高 */
			bits |= AWARE_HIGH;
		else
			return 0;
	}
	return bits;
}

/* ---- Texts with marks ---- */

static bool is_builtin(struct str name)
{
	for (size_t i = 0; scenario_builtin_slots[i]; i++)
		if (str_is(name, scenario_builtin_slots[i]))
			return true;
	return false;
}

int scenario_slot_find(const struct scenario *s, struct str name)
{
	for (size_t i = 0; i < s->nslots; i++)
		if (s->slots[i].kind != SLOT_ROWS && str_eq(s->slots[i].name, name))
			return (int)i;
	return -1;
}

static void use_slot(struct reader *r, struct str name, struct yaml_mark mark)
{
	int slot = scenario_slot_find(r->s, name);
	if (slot >= 0) {
		r->slot_used[slot] = true;
		if (r->s->slots[slot].kind == SLOT_COLUMN)
			r->slot_used[r->s->slots[slot].of] = true;
		return;
	}
	if (is_builtin(name))
		return;
	struct str near = {NULL, 0};
	int best = 4; /* one Chinese character off */
	for (size_t i = 0; i < r->s->nslots; i++) {
		int d = str_distance(name, r->s->slots[i].name, best);
		if (d < best && r->s->slots[i].kind != SLOT_ROWS) {
			best = d;
			near = r->s->slots[i].name;
		}
	}
	if (near.n)
		problem_add(r->p, mark, "unknown slot <%.*s>; did you mean <%.*s>?", STR_FMT(name), STR_FMT(near));
	else
		problem_add(r->p, mark, "unknown slot <%.*s>; add it under slots: (for alternatives write <%.*s|…>)",
			STR_FMT(name), STR_FMT(name));
}

/** Length of the marked piece that starts at s.p[0] == '<', with both brackets; 0 when it does not end. */
static size_t mark_length(struct str s)
{
	int depth = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '<')
			depth++;
		else if (s.p[i] == '>' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/** Cut the next alternative off at a '|' that is not inside brackets. False at the end. */
static bool next_option(struct str *rest, struct str *ret)
{
	if (!rest->p)
		return false;
	int depth = 0;
	for (size_t i = 0; i < rest->n; i++) {
		char c = rest->p[i];
		depth += c == '<' ? 1 : c == '>' ? -1 : 0;
		if (c == '|' && depth == 0) {
			*ret = str_n(rest->p, i);
			*rest = str_n(rest->p + i + 1, rest->n - i - 1);
			return true;
		}
	}
	*ret = *rest;
	*rest = (struct str){NULL, 0};
	return true;
}

static void parse_text(struct reader *r, struct str s, struct yaml_mark mark, int depth, struct scenario_text *ret);

static void parse_mark(struct reader *r, struct str inner, struct yaml_mark mark, int depth, struct scenario_part *ret)
{
	struct str rest = inner, option;
	size_t n = 0;
	while (next_option(&rest, &option))
		n++;
	if (n == 1 && !memchr(inner.p, '<', inner.n)) {
		ret->kind = PART_SLOT;
		ret->text = inner;
		use_slot(r, inner, mark);
		return;
	}
	ret->kind = PART_CHOICE;
	ret->options = arena_array(r->a, n, sizeof(*ret->options));
	ret->noptions = n;
	if (n == 1)
		problem_add(r->p, mark, "<%.*s> has only one alternative", STR_FMT(inner));
	if (depth >= CHOICE_DEPTH_MAX) {
		problem_add(r->p, mark, "brackets inside brackets more than %d deep", CHOICE_DEPTH_MAX);
		return;
	}
	rest = inner;
	for (size_t i = 0; next_option(&rest, &option); i++)
		parse_text(r, option, mark, depth + 1, &ret->options[i]);
}

static void add_words(struct reader *r, struct str words, struct yaml_mark mark, struct scenario_text *ret)
{
	struct str wrong = scenario_unspeakable(words);
	if (wrong.n)
		problem_add(r->p, mark,
			"'%.*s' cannot be spoken as written: lines hold Chinese words and ，。？！、：；…— only "
			"(write numbers as they are said)",
			STR_FMT(wrong));
	ret->parts[ret->n++] = (struct scenario_part){.kind = PART_TEXT, .text = words};
}

static void parse_text(struct reader *r, struct str s, struct yaml_mark mark, int depth, struct scenario_text *ret)
{
	size_t cap = 1;
	for (size_t i = 0; i < s.n; i++)
		cap += s.p[i] == '<' ? 2 : 0;
	ret->parts = arena_array(r->a, cap, sizeof(*ret->parts));
	ret->n = 0;
	while (s.n) {
		const char *open = memchr(s.p, '<', s.n);
		size_t words = open ? (size_t)(open - s.p) : s.n;
		if (words)
			add_words(r, str_n(s.p, words), mark, ret);
		s = str_n(s.p + words, s.n - words);
		if (!s.n)
			break;
		size_t len = mark_length(s);
		if (len < 3) {
			problem_add(r->p, mark, len ? "<> is empty" : "'<' without its '>'");
			return;
		}
		parse_mark(r, str_n(s.p + 1, len - 2), mark, depth, &ret->parts[ret->n++]);
		s = str_n(s.p + len, s.n - len);
	}
}

/* ---- Conditions ---- */

static void when_init(struct scenario_when *w)
{
	*w = (struct scenario_when){.awareness = AWARE_ANY, .age_min = 0, .age_max = 200};
}

static void parse_want(struct reader *r, struct yaml_node *v, struct scenario_when *w)
{
	struct scenario_want *want = &w->wants[w->nwants++];
	want->slot = v->key;
	want->mark = v->keymark;
	want->n = get_texts(r, v, &want->values);
	int i = scenario_slot_find(r->s, v->key);
	if (i < 0) {
		problem_add(r->p, v->keymark, "'%.*s' is neither awareness, gender, age, occupation nor a slot", STR_FMT(v->key));
		return;
	}
	use_slot(r, v->key, v->keymark);
	const struct scenario_slot *slot = &r->s->slots[i];
	if (slot->kind != SLOT_LIST && slot->kind != SLOT_COLUMN) {
		problem_add(
			r->p, v->keymark, "a condition needs a slot with a list of values; '%.*s' is made up", STR_FMT(v->key));
		return;
	}
	for (size_t k = 0; k < want->n; k++) {
		bool found = false;
		for (size_t j = 0; j < slot->nvalues && !found; j++)
			found = str_eq(slot->values[j], want->values[k]);
		if (!found)
			problem_add(r->p, v->mark, "slot <%.*s> has no value '%.*s'", STR_FMT(v->key), STR_FMT(want->values[k]));
	}
}

static void parse_when(struct reader *r, const struct yaml_node *v, struct scenario_when *w)
{
	if (v->kind != YAML_MAP) {
		problem_add(r->p, v->mark, "'when' needs keys, e.g. {awareness: 低中} or {age: [60, 90]}");
		return;
	}
	w->wants = arena_array(r->a, v->n ? v->n : 1, sizeof(*w->wants));
	struct yaml_node **kids = sorted(r, v);
	for (size_t i = 0; i < v->n; i++) {
		struct yaml_node *kid = kids[i];
		int64_t low, high;
		if (str_is(kid->key, "awareness")) {
			w->awareness &= kid->kind == YAML_SCALAR ? awareness_bits(kid->text) : 0;
			if (!w->awareness)
				problem_add(r->p, kid->mark, "awareness must be one or more of 低 中 高, written together: 低中");
		} else if (str_is(kid->key, "age")) {
			if (get_range(r, kid, 120, &low, &high)) {
				w->age_min = (int)low;
				w->age_max = (int)high;
			}
		} else if (str_is(kid->key, "gender")) {
			w->gender = kid->kind == YAML_SCALAR ? kid->text : (struct str){NULL, 0};
			if (!str_is(w->gender, "男") && !str_is(w->gender, "女"))
				problem_add(r->p, kid->mark, "gender must be 男 or 女");
		} else if (str_is(kid->key, "occupation")) {
			w->noccupations = get_texts(r, kid, &w->occupations);
		} else {
			parse_want(r, kid, w);
		}
	}
}

/* ---- Slots ---- */

static struct scenario_slot *add_slot(struct reader *r, struct str name, enum slot_kind kind, struct yaml_mark mark)
{
	struct scenario *s = r->s;
	if (s->nslots >= SCENARIO_SLOTS_MAX) {
		problem_add(r->p, mark, "more than %d slots", SCENARIO_SLOTS_MAX);
		return NULL;
	}
	if (kind != SLOT_ROWS && scenario_slot_find(s, name) >= 0)
		problem_add(r->p, mark, "slot '%.*s' is defined twice", STR_FMT(name));
	if (kind != SLOT_ROWS && is_builtin(name))
		problem_add(r->p, mark, "'%.*s' is a slot that every scenario has; choose another name", STR_FMT(name));
	for (const char *c = "<>|"; *c; c++)
		if (memchr(name.p, *c, name.n))
			problem_add(r->p, mark, "a slot's name must not hold < > or |");
	struct scenario_slot *slot = &s->slots[s->nslots++];
	*slot = (struct scenario_slot){.name = name, .kind = kind, .mark = mark, .of = -1, .step = 1};
	return slot;
}

static void check_value(struct reader *r, struct str v, struct yaml_mark mark)
{
	struct str wrong = scenario_unspeakable(v);
	if (wrong.n)
		problem_add(
			r->p, mark, "'%.*s' cannot be spoken as written (no digits, Latin letters or brackets)", STR_FMT(wrong));
	if (v.n > SCENARIO_VALUE_BYTES)
		problem_add(r->p, mark, "a slot's value is at most %d bytes", SCENARIO_VALUE_BYTES);
}

static void parse_rows(struct reader *r, const struct yaml_node *v)
{
	struct scenario_slot *rows = add_slot(r, v->key, SLOT_ROWS, v->keymark);
	if (!rows)
		return;
	int of = (int)(rows - r->s->slots);
	rows->nvalues = v->n;
	struct yaml_node **columns = sorted(r, v->first);
	for (size_t c = 0; c < v->first->n; c++) {
		struct scenario_slot *slot = add_slot(r, columns[c]->key, SLOT_COLUMN, columns[c]->keymark);
		if (!slot)
			return;
		slot->of = of;
		slot->values = arena_array(r->a, v->n, sizeof(struct str));
		YAML_EACH(row, v) {
			char *key = arena_dup(r->a, slot->name.p, slot->name.n);
			const struct yaml_node *cell = row->kind == YAML_MAP ? yaml_get(row, key) : NULL;
			if (!cell || cell->kind != YAML_SCALAR || !cell->text.n || row->n != v->first->n) {
				problem_add(r->p, row->mark, "every row needs the same columns as the first, each a text ('%s')", key);
				cell = columns[c];
			}
			check_value(r, cell->text, cell->mark);
			slot->values[slot->nvalues++] = cell->text;
		}
	}
}

static void parse_number_slot(struct reader *r, const struct yaml_node *v, struct scenario_slot *slot)
{
	static const char *const keys[] = {"amount", "count", "time", "step", NULL};
	known_keys(r, v, keys);
	int64_t top = slot->kind == SLOT_TIME ? 23 : slot->kind == SLOT_COUNT ? 99 : 99999999;
	const struct yaml_node *range = slot->kind == SLOT_TIME    ? yaml_get(v, "time")
									: slot->kind == SLOT_COUNT ? yaml_get(v, "count")
															   : yaml_get(v, "amount");
	get_range(r, range, top, &slot->min, &slot->max);
	slot->step = get_int(r, v, "step", slot->kind == SLOT_TIME ? 30 : 1, 10000000);
	if (slot->step < 1)
		slot->step = 1;
	if (slot->kind == SLOT_TIME) {
		slot->min *= 60;
		slot->max *= 60;
	}
}

/** `{amount: [1, 9], step: 2}` and the like: the kind is the key that is there. */
static void parse_made_slot(struct reader *r, const struct yaml_node *v)
{
	static const struct {
		const char *key;
		enum slot_kind kind;
	} kinds[] = {{"amount", SLOT_AMOUNT}, {"count", SLOT_COUNT}, {"time", SLOT_TIME}, {"digits", SLOT_DIGITS},
		{"date", SLOT_DATE}, {"person", SLOT_PERSON}, {"surname", SLOT_SURNAME}, {"other", SLOT_OTHER}};
	static const char *const dates[] = {"future", "past", NULL}, *const people[] = {"any", "男", "女", NULL};
	size_t k = 0;
	while (k < COUNT_OF(kinds) && !yaml_get(v, kinds[k].key))
		k++;
	if (k == COUNT_OF(kinds)) {
		problem_add(r->p, v->mark,
			"a slot is a list of values, a list of rows, or one of: amount, count, time, digits, date, "
			"person, surname, other");
		return;
	}
	struct scenario_slot *slot = add_slot(r, v->key, kinds[k].kind, v->keymark);
	if (!slot)
		return;
	const char *const only[] = {kinds[k].key, NULL};
	if (slot->kind == SLOT_AMOUNT || slot->kind == SLOT_COUNT || slot->kind == SLOT_TIME) {
		parse_number_slot(r, v, slot);
		return;
	}
	known_keys(r, v, only);
	if (slot->kind == SLOT_DIGITS) {
		slot->min = get_int(r, v, "digits", 4, 12);
		if (slot->min < 1)
			problem_add(r->p, v->mark, "digits: how many, from 1 to 12");
	} else if (slot->kind == SLOT_DATE) {
		slot->past = get_choice(r, v, "date", dates) == 1;
	} else if (slot->kind == SLOT_PERSON) {
		int which = get_choice(r, v, "person", people);
		slot->gender = which == 1 ? STR("男") : which == 2 ? STR("女") : (struct str){NULL, 0};
	} else if (slot->kind == SLOT_OTHER) {
		slot->values = arena_array(r->a, 1, sizeof(struct str)); /* the name, until all slots are known */
		slot->values[0] = get_text(r, v, "other", true);
	}
}

static void resolve_others(struct reader *r)
{
	struct scenario *s = r->s;
	for (size_t i = 0; i < s->nslots; i++) {
		struct scenario_slot *slot = &s->slots[i];
		if (slot->kind != SLOT_OTHER)
			continue;
		int of = scenario_slot_find(s, slot->values[0]);
		if (of < 0 || s->slots[of].kind != SLOT_LIST) {
			problem_add(r->p, slot->mark, "'other' must name a slot with a list of values");
			slot->kind = SLOT_SURNAME; /* anything drawable: the file is refused anyway */
			continue;
		}
		slot->of = of;
		slot->rank = 1;
		r->slot_used[of] = true;
		for (size_t j = 0; j < i; j++)
			if (s->slots[j].kind == SLOT_OTHER && s->slots[j].of == of)
				slot->rank++;
		if ((size_t)slot->rank >= s->slots[of].nvalues)
			problem_add(r->p, slot->mark, "slot '%.*s' has too few values for another one", STR_FMT(s->slots[of].name));
	}
}

static void parse_slots(struct reader *r, const struct yaml_node *slots)
{
	r->s->slots = arena_array(r->a, SCENARIO_SLOTS_MAX, sizeof(*r->s->slots));
	r->slot_used = arena_array(r->a, SCENARIO_SLOTS_MAX, sizeof(bool));
	if (!slots)
		return;
	if (slots->kind != YAML_MAP) {
		problem_add(r->p, slots->mark, "'slots' must be a map of names to values");
		return;
	}
	struct yaml_node **kids = sorted(r, slots);
	for (size_t i = 0; i < slots->n; i++) {
		struct yaml_node *v = kids[i];
		if (v->kind == YAML_LIST && v->first && v->first->kind == YAML_MAP) {
			parse_rows(r, v);
		} else if (v->kind == YAML_LIST && v->n >= 2) {
			struct scenario_slot *slot = add_slot(r, v->key, SLOT_LIST, v->keymark);
			if (!slot)
				return;
			slot->nvalues = get_texts(r, v, &slot->values);
			for (size_t k = 0; k < slot->nvalues; k++)
				check_value(r, slot->values[k], v->mark);
		} else if (v->kind == YAML_MAP) {
			parse_made_slot(r, v);
		} else {
			problem_add(r->p, v->mark, "slot '%.*s' needs a list of at least two values", STR_FMT(v->key));
		}
	}
	resolve_others(r);
}

/* ---- Lines, phases, endings ---- */

static void parse_line(struct reader *r, const struct yaml_node *v, unsigned awareness, struct scenario_line *line)
{
	static const char *const keys[] = {"say", "when", NULL};
	when_init(&line->when);
	line->when.awareness = awareness;
	line->mark = v->mark;
	struct str raw = {NULL, 0};
	if (v->kind == YAML_SCALAR) {
		raw = str_trim(v->text);
	} else if (v->kind == YAML_MAP && known_keys(r, v, keys)) {
		raw = get_text(r, v, "say", true);
		if (yaml_get(v, "when"))
			parse_when(r, yaml_get(v, "when"), &line->when);
	} else if (v->kind == YAML_LIST) {
		problem_add(r->p, v->mark, "a line is a text, or {say: text, when: {…}}");
	}
	line->raw = raw;
	if (!raw.n) {
		if (v->kind == YAML_SCALAR)
			problem_add(r->p, v->mark, "an empty line");
		return;
	}
	if (raw.n > SCENARIO_LINE_BYTES)
		problem_add(r->p, v->mark, "a line of %zu bytes; at most %d", raw.n, SCENARIO_LINE_BYTES);
	parse_text(r, raw, v->mark, 0, &line->text);
	struct scenario_part *last = line->text.n ? &line->text.parts[line->text.n - 1] : NULL;
	if (last && last->kind == PART_TEXT && !str_ends(last->text, "。") && !str_ends(last->text, "？") &&
		!str_ends(last->text, "！") && !str_ends(last->text, "…"))
		problem_add(r->p, v->mark, "a line must end with 。 ？ ！ or …");
}

static void parse_line_list(
	struct reader *r, const struct yaml_node *v, unsigned awareness, struct scenario_way *way, int role)
{
	size_t extra = v->kind == YAML_LIST ? v->n : 1, have = way->nlines[role];
	if (have + extra > SCENARIO_LINES_MAX) {
		problem_add(r->p, v->mark, "more than %d lines in a list", SCENARIO_LINES_MAX);
		return;
	}
	struct scenario_line *lines = arena_array(r->a, have + extra, sizeof(*lines));
	if (have)
		memcpy(lines, way->lines[role], have * sizeof(*lines));
	way->lines[role] = lines;
	if (v->kind == YAML_LIST) {
		YAML_EACH(item, v)
			parse_line(r, item, awareness, &lines[way->nlines[role]++]);
	} else {
		parse_line(r, v, awareness, &lines[way->nlines[role]++]);
	}
	for (size_t i = 0; i < way->nlines[role]; i++)
		for (size_t j = have > i ? have : i + 1; j < way->nlines[role]; j++)
			if (lines[j].raw.n && str_eq(lines[i].raw, lines[j].raw) &&
				(lines[i].when.awareness & lines[j].when.awareness))
				problem_add(r->p, lines[j].mark, "the same line stands twice in this list");
}

/** A side's lines: a list, or lists by awareness (keys like 低, 中高). */
static void parse_side(struct reader *r, const struct yaml_node *v, struct scenario_way *way, int role)
{
	if (v->kind != YAML_MAP || yaml_get(v, "say")) {
		parse_line_list(r, v, AWARE_ANY, way, role);
		return;
	}
	struct yaml_node **kids = sorted(r, v);
	for (size_t i = 0; i < v->n; i++) {
		unsigned bits = awareness_bits(kids[i]->key);
		if (bits)
			parse_line_list(r, kids[i], bits, way, role);
		else
			problem_add(r->p, kids[i]->keymark, "'%.*s' is no awareness; use 低, 中, 高 or several together (中高)",
				STR_FMT(kids[i]->key));
	}
}

static void parse_way(struct reader *r, const struct yaml_node *v, struct scenario_way *way)
{
	static const char *const keys[] = {"left", "right", "first", "when", NULL}, *const roles[] = {"left", "right", NULL};
	when_init(&way->when);
	way->mark = v->mark;
	if (!known_keys(r, v, keys))
		return;
	if (yaml_get(v, "when"))
		parse_when(r, yaml_get(v, "when"), &way->when);
	for (int role = ROLE_LEFT; role <= ROLE_RIGHT; role++)
		if (yaml_get(v, roles[role]))
			parse_side(r, yaml_get(v, roles[role]), way, role);
	way->first = way->nlines[ROLE_LEFT] ? ROLE_LEFT : ROLE_RIGHT;
	int first = get_choice(r, v, "first", roles);
	if (first >= 0)
		way->first = (enum scenario_role)first;
	if (!way->nlines[0] && !way->nlines[1])
		problem_add(r->p, v->mark, "nobody says anything here; give left: or right: some lines");
}

static void parse_phase(struct reader *r, const struct yaml_node *v, struct scenario_phase *phase)
{
	static const char *const keys[] = {"name", "probability", "when", "lines", "ways", NULL};
	when_init(&phase->when);
	phase->mark = v->mark;
	if (!known_keys(r, v, keys))
		return;
	phase->name = get_text(r, v, "name", true);
	phase->percent = get_percent(r, v, "probability", 100);
	if (yaml_get(v, "when"))
		parse_when(r, yaml_get(v, "when"), &phase->when);
	const struct yaml_node *lines = yaml_get(v, "lines"), *ways = yaml_get(v, "ways");
	if (!lines == !ways) {
		problem_add(r->p, v->mark, "a phase has either lines: or ways:");
		return;
	}
	if (ways && (ways->kind != YAML_LIST || !ways->n)) {
		problem_add(r->p, ways->mark, "'ways' must be a list of {left: […], right: […]}");
		return;
	}
	phase->ways = arena_array(r->a, ways ? ways->n : 1, sizeof(*phase->ways));
	if (lines)
		parse_way(r, lines, &phase->ways[phase->nways++]);
	else
		YAML_EACH(way, ways)
			parse_way(r, way, &phase->ways[phase->nways++]);
	size_t said[2] = {0, 0};
	for (size_t i = 0; i < phase->nways; i++)
		for (int role = 0; role < 2; role++)
			said[role] += phase->ways[i].nlines[role];
	for (int role = 0; role < 2; role++)
		if (said[role] == 1)
			problem_add(r->p, phase->mark, "phase '%.*s': %s has one line only; give at least two",
				STR_FMT(phase->name), role == ROLE_LEFT ? "left" : "right");
}

static void parse_ending(struct reader *r, const struct yaml_node *v, struct scenario_ending *end)
{
	static const char *const keys[] = {"by", "weight", "reason", "when", "lines", NULL}, *const bys[] = {"natural",
																							 "left", "right", NULL};
	when_init(&end->when);
	end->mark = v->mark;
	if (!known_keys(r, v, keys))
		return;
	int by = get_choice(r, v, "by", bys);
	if (!yaml_get(v, "by"))
		problem_add(r->p, v->mark, "'by' is missing: natural, left or right");
	end->by = by < 0 ? BY_NATURAL : (enum scenario_by)by;
	end->weight = (int)get_int(r, v, "weight", 1, 20);
	end->reason = get_text(r, v, "reason", true);
	if (yaml_get(v, "when"))
		parse_when(r, yaml_get(v, "when"), &end->when);
	if (!yaml_get(v, "lines")) {
		problem_add(r->p, v->mark, "an ending needs lines:");
		return;
	}
	parse_way(r, yaml_get(v, "lines"), &end->way);
	const struct scenario_way *w = &end->way;
	int last = w->nlines[!w->first] ? (int)!w->first : (int)w->first;
	if ((end->by == BY_LEFT && last != ROLE_LEFT) || (end->by == BY_RIGHT && last != ROLE_RIGHT))
		problem_add(r->p, v->mark, "who hangs up speaks last: by: %s, but %s has the last line (use first:)",
			bys[end->by], last == ROLE_LEFT ? "left" : "right");
}

static void parse_dialogue(struct reader *r, const struct yaml_node *root)
{
	struct scenario *s = r->s;
	const struct yaml_node *phases = yaml_get(root, "phases"), *endings = yaml_get(root, "endings");
	if (!phases || phases->kind != YAML_LIST || phases->n < 3 || phases->n > SCENARIO_PHASES_MAX) {
		problem_add(
			r->p, phases ? phases->mark : root->mark, "'phases' must be a list of 3 to %d phases", SCENARIO_PHASES_MAX);
	} else {
		s->phases = arena_array(r->a, phases->n, sizeof(*s->phases));
		YAML_EACH(v, phases)
			parse_phase(r, v, &s->phases[s->nphases++]);
	}
	for (size_t i = 0; i < s->nphases; i++)
		for (size_t j = 0; j < i; j++)
			if (s->phases[i].name.n && str_eq(s->phases[i].name, s->phases[j].name))
				problem_add(r->p, s->phases[i].mark, "two phases are called '%.*s'", STR_FMT(s->phases[i].name));
	if (!endings || endings->kind != YAML_LIST || endings->n < 2 || endings->n > SCENARIO_PHASES_MAX) {
		problem_add(r->p, endings ? endings->mark : root->mark, "'endings' must be a list of at least 2 endings");
		return;
	}
	s->endings = arena_array(r->a, endings->n, sizeof(*s->endings));
	YAML_EACH(v, endings)
		parse_ending(r, v, &s->endings[s->nendings++]);
}

static void parse_tests(struct reader *r, const struct yaml_node *root)
{
	static const char *const keys[] = {"runs", "min_turns", "max_turns", "must_contain", "some_contain", "never", NULL};
	struct scenario_tests *t = &r->s->tests;
	const struct yaml_node *v = yaml_get(root, "tests");
	*t = (struct scenario_tests){.runs = 60, .min_turns = 6, .max_turns = 16, .mark = v ? v->mark : root->mark};
	if (!v) {
		problem_add(r->p, root->mark, "'tests' is missing: say at least what every call must contain");
		return;
	}
	if (!known_keys(r, v, keys))
		return;
	t->runs = get_int(r, v, "runs", t->runs, 10000);
	t->min_turns = get_int(r, v, "min_turns", t->min_turns, 100);
	t->max_turns = get_int(r, v, "max_turns", t->max_turns, 100);
	if (yaml_get(v, "must_contain"))
		t->nmust = get_texts(r, yaml_get(v, "must_contain"), &t->must);
	if (yaml_get(v, "some_contain"))
		t->nsome = get_texts(r, yaml_get(v, "some_contain"), &t->some);
	if (yaml_get(v, "never"))
		t->nnever = get_texts(r, yaml_get(v, "never"), &t->never);
	if (!t->nmust)
		problem_add(
			r->p, t->mark, "tests: must_contain is missing: name a word that every call has (alternatives as 甲|乙)");
}

static void parse_head(struct reader *r, const struct yaml_node *root)
{
	static const char *const kinds[] = {"normal", "fraud", NULL}, *const roles[] = {"left", "right", NULL},
							 *const left_keys[] = {"gender", "age", NULL}, *const genders[] = {"男", "女", NULL};
	struct scenario *s = r->s;
	s->name = get_text(r, root, "name", true);
	s->title = get_text(r, root, "title", true);
	bool good = s->name.n > 0 && s->name.n <= SCENARIO_NAME_MAX;
	for (size_t i = 0; i < s->name.n; i++)
		good = good && memchr("abcdefghijklmnopqrstuvwxyz0123456789-", s->name.p[i], 37);
	if (!good && s->name.n)
		problem_add(r->p, yaml_get(root, "name")->mark, "a name is 1 to %d of a-z, 0-9 and '-'", SCENARIO_NAME_MAX);
	int kind = get_choice(r, root, "kind", kinds), who = get_choice(r, root, "initiator", roles);
	if (!yaml_get(root, "kind"))
		problem_add(r->p, root->mark, "'kind' is missing: fraud or normal");
	if (!yaml_get(root, "initiator"))
		problem_add(r->p, root->mark, "'initiator' is missing: who dials, left or right");
	s->is_fraud = kind == 1;
	s->initiator = who == 1 ? ROLE_RIGHT : ROLE_LEFT;
	s->fraud_type = get_text(r, root, "fraud_type", s->is_fraud);
	s->scene = get_text(r, root, "scene", !s->is_fraud);
	if (!s->is_fraud && s->fraud_type.n)
		problem_add(r->p, yaml_get(root, "fraud_type")->mark, "a normal call has no fraud_type");
	const struct yaml_node *label = yaml_get(root, s->is_fraud ? "fraud_type" : "scene"),
						   *left = yaml_get(root, "left");
	s->label_mark = label ? label->mark : root->mark;
	when_init(&s->suits);
	if (yaml_get(root, "suits"))
		parse_when(r, yaml_get(root, "suits"), &s->suits);
	if (s->suits.nwants)
		problem_add(r->p, yaml_get(root, "suits")->mark, "'suits' takes awareness, gender, age and occupation only");
	if (left && known_keys(r, left, left_keys)) {
		int64_t low, high;
		int g = get_choice(r, left, "gender", genders);
		s->left_gender = g == 0 ? STR("男") : g == 1 ? STR("女") : (struct str){NULL, 0};
		if (yaml_get(left, "age") && get_range(r, yaml_get(left, "age"), 99, &low, &high)) {
			s->left_age_min = (int)low;
			s->left_age_max = (int)high;
		}
	}
}

bool scenario_parse(struct arena *a, const char *file, struct str text, struct scenario **ret, struct problems *p)
{
	static const char *const keys[] = {"name", "title", "kind", "fraud_type", "scene", "initiator", "suits", "left",
		"slots", "phases", "endings", "tests", NULL};
	size_t before = p->n;
	struct yaml_node *root;
	struct err e = ERR_INIT;
	*ret = NULL;
	problems_source(p, file, text);
	if (yaml_parse(a, file, text, &root, &e) != 0) {
		problem_add_err(p, (struct yaml_mark){.file = file}, &e);
		return false;
	}
	struct scenario *s = ARENA_NEW(a, struct scenario);
	struct reader r = {.a = a, .p = p, .s = s};
	s->mark = root->mark;
	s->left_age_min = 22;
	s->left_age_max = 45;
	if (!known_keys(&r, root, keys) && root->kind != YAML_MAP)
		return false;
	parse_slots(&r, yaml_get(root, "slots"));
	parse_head(&r, root);
	parse_dialogue(&r, root);
	parse_tests(&r, root);
	for (size_t i = 0; i < s->nslots; i++)
		if (!r.slot_used[i] && s->slots[i].kind != SLOT_COLUMN)
			problem_add(p, s->slots[i].mark, "slot '%.*s' is never used", STR_FMT(s->slots[i].name));
	*ret = s;
	return p->n == before;
}
