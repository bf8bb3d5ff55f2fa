/* The slots of a scenario file: lists, rows, and values that are made up by a rule. */
#include "core/scenario_parts.h"

#include "base/alloc.h"

#include <string.h>

const char *const scenario_builtin_slots[] = {"姓", "姓名", "尊称", "称谓", "职业", "客服姓", "工号", NULL};

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

void scenario_use_slot(struct scenario_reader *r, struct str name, struct yaml_mark mark)
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

static struct scenario_slot *add_slot(
	struct scenario_reader *r, struct str name, enum slot_kind kind, struct yaml_mark mark)
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

static void check_value(struct scenario_reader *r, struct str v, struct yaml_mark mark)
{
	struct str wrong = scenario_unspeakable(v);
	if (wrong.n)
		problem_add(
			r->p, mark, "'%.*s' cannot be spoken as written (no digits, Latin letters or brackets)", STR_FMT(wrong));
	if (v.n > SCENARIO_VALUE_BYTES)
		problem_add(r->p, mark, "a slot's value is at most %d bytes", SCENARIO_VALUE_BYTES);
}

static void parse_rows(struct scenario_reader *r, const struct yaml_node *v)
{
	struct scenario_slot *rows = add_slot(r, v->key, SLOT_ROWS, v->keymark);
	if (!rows)
		return;
	int of = (int)(rows - r->s->slots);
	rows->nvalues = v->n;
	struct yaml_node **columns = scenario_sorted(r, v->first);
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

static void parse_number_slot(struct scenario_reader *r, const struct yaml_node *v, struct scenario_slot *slot)
{
	static const char *const keys[] = {"amount", "count", "time", "step", NULL};
	scenario_keys(r, v, keys);
	int64_t top = slot->kind == SLOT_TIME ? 23 : slot->kind == SLOT_COUNT ? 99 : 99999999;
	const struct yaml_node *range = slot->kind == SLOT_TIME    ? yaml_get(v, "time")
									: slot->kind == SLOT_COUNT ? yaml_get(v, "count")
															   : yaml_get(v, "amount");
	scenario_get_range(r, range, top, &slot->min, &slot->max);
	slot->step = scenario_get_int(r, v, "step", slot->kind == SLOT_TIME ? 30 : 1, 10000000);
	if (slot->step < 1)
		slot->step = 1;
	if (slot->kind == SLOT_TIME) {
		slot->min *= 60;
		slot->max *= 60;
	}
}

/** `{amount: [1, 9], step: 2}` and the like: the kind is the key that is there. */
static void parse_made_slot(struct scenario_reader *r, const struct yaml_node *v)
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
	scenario_keys(r, v, only);
	if (slot->kind == SLOT_DIGITS) {
		slot->min = scenario_get_int(r, v, "digits", 4, 12);
		if (slot->min < 1)
			problem_add(r->p, v->mark, "digits: how many, from 1 to 12");
	} else if (slot->kind == SLOT_DATE) {
		slot->past = scenario_get_choice(r, v, "date", dates) == 1;
	} else if (slot->kind == SLOT_PERSON) {
		int which = scenario_get_choice(r, v, "person", people);
		slot->gender = which == 1 ? STR("男") : which == 2 ? STR("女") : (struct str){NULL, 0};
	} else if (slot->kind == SLOT_OTHER) {
		slot->values = arena_array(r->a, 1, sizeof(struct str)); /* the name, until all slots are known */
		slot->values[0] = scenario_get_text(r, v, "other", true);
	}
}

static void resolve_others(struct scenario_reader *r)
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

void scenario_read_slots(struct scenario_reader *r, const struct yaml_node *slots)
{
	r->s->slots = arena_array(r->a, SCENARIO_SLOTS_MAX, sizeof(*r->s->slots));
	r->slot_used = arena_array(r->a, SCENARIO_SLOTS_MAX, sizeof(bool));
	if (!slots)
		return;
	if (slots->kind != YAML_MAP) {
		problem_add(r->p, slots->mark, "'slots' must be a map of names to values");
		return;
	}
	struct yaml_node **kids = scenario_sorted(r, slots);
	for (size_t i = 0; i < slots->n; i++) {
		struct yaml_node *v = kids[i];
		if (v->kind == YAML_LIST && v->first && v->first->kind == YAML_MAP) {
			parse_rows(r, v);
		} else if (v->kind == YAML_LIST && v->n >= 2) {
			struct scenario_slot *slot = add_slot(r, v->key, SLOT_LIST, v->keymark);
			if (!slot)
				return;
			slot->nvalues = scenario_get_texts(r, v, &slot->values);
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
