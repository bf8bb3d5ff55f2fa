/* Phases and endings of a scenario file: the lines that either side may say, and when. */
#include "core/scenario_parts.h"

#include "base/utf8.h"

#include <string.h>

/* ---- Conditions ---- */

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

void scenario_when_init(struct scenario_when *w)
{
	*w = (struct scenario_when){.awareness = AWARE_ANY, .age_min = 0, .age_max = 200};
}

static void parse_want(struct scenario_reader *r, struct yaml_node *v, struct scenario_when *w)
{
	struct scenario_want *want = &w->wants[w->nwants++];
	want->slot = v->key;
	want->mark = v->keymark;
	want->n = scenario_get_texts(r, v, &want->values);
	int i = scenario_slot_find(r->s, v->key);
	if (i < 0) {
		problem_add(r->p, v->keymark, "'%.*s' is neither awareness, gender, age, occupation nor a slot", STR_FMT(v->key));
		return;
	}
	scenario_use_slot(r, v->key, v->keymark);
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

void scenario_read_when(struct scenario_reader *r, const struct yaml_node *v, struct scenario_when *w)
{
	if (v->kind != YAML_MAP) {
		problem_add(r->p, v->mark, "'when' needs keys, e.g. {awareness: 低中} or {age: [60, 90]}");
		return;
	}
	w->wants = arena_array(r->a, v->n ? v->n : 1, sizeof(*w->wants));
	struct yaml_node **kids = scenario_sorted(r, v);
	for (size_t i = 0; i < v->n; i++) {
		struct yaml_node *kid = kids[i];
		int64_t low, high;
		if (str_is(kid->key, "awareness")) {
			w->awareness &= kid->kind == YAML_SCALAR ? awareness_bits(kid->text) : 0;
			if (!w->awareness)
				problem_add(r->p, kid->mark, "awareness must be one or more of 低 中 高, written together: 低中");
		} else if (str_is(kid->key, "age")) {
			if (scenario_get_range(r, kid, 120, &low, &high)) {
				w->age_min = (int)low;
				w->age_max = (int)high;
			}
		} else if (str_is(kid->key, "gender")) {
			w->gender = kid->kind == YAML_SCALAR ? kid->text : (struct str){NULL, 0};
			if (!str_is(w->gender, "男") && !str_is(w->gender, "女"))
				problem_add(r->p, kid->mark, "gender must be 男 or 女");
		} else if (str_is(kid->key, "occupation")) {
			w->noccupations = scenario_get_texts(r, kid, &w->occupations);
		} else {
			parse_want(r, kid, w);
		}
	}
}

/* ---- Lines ---- */

static void parse_line(
	struct scenario_reader *r, const struct yaml_node *v, unsigned awareness, struct scenario_line *line)
{
	static const char *const keys[] = {"say", "when", NULL};
	scenario_when_init(&line->when);
	line->when.awareness = awareness;
	line->mark = v->mark;
	struct str raw = {NULL, 0};
	if (v->kind == YAML_SCALAR) {
		raw = str_trim(v->text);
	} else if (v->kind == YAML_MAP && scenario_keys(r, v, keys)) {
		raw = scenario_get_text(r, v, "say", true);
		if (yaml_get(v, "when"))
			scenario_read_when(r, yaml_get(v, "when"), &line->when);
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
	scenario_read_text(r, raw, v->mark, &line->text);
	struct scenario_part *last = line->text.n ? &line->text.parts[line->text.n - 1] : NULL;
	if (last && last->kind == PART_TEXT && !str_ends(last->text, "。") && !str_ends(last->text, "？") &&
		!str_ends(last->text, "！") && !str_ends(last->text, "…"))
		problem_add(r->p, v->mark, "a line must end with 。 ？ ！ or …");
}

static void parse_line_list(
	struct scenario_reader *r, const struct yaml_node *v, unsigned awareness, struct scenario_way *way, int role)
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
static void parse_side(struct scenario_reader *r, const struct yaml_node *v, struct scenario_way *way, int role)
{
	if (v->kind != YAML_MAP || yaml_get(v, "say")) {
		parse_line_list(r, v, AWARE_ANY, way, role);
		return;
	}
	struct yaml_node **kids = scenario_sorted(r, v);
	for (size_t i = 0; i < v->n; i++) {
		unsigned bits = awareness_bits(kids[i]->key);
		if (bits)
			parse_line_list(r, kids[i], bits, way, role);
		else
			problem_add(r->p, kids[i]->keymark, "'%.*s' is no awareness; use 低, 中, 高 or several together (中高)",
				STR_FMT(kids[i]->key));
	}
}

static void parse_way(struct scenario_reader *r, const struct yaml_node *v, struct scenario_way *way)
{
	static const char *const keys[] = {"left", "right", "first", "when", NULL}, *const roles[] = {"left", "right", NULL};
	scenario_when_init(&way->when);
	way->mark = v->mark;
	if (!scenario_keys(r, v, keys))
		return;
	if (yaml_get(v, "when"))
		scenario_read_when(r, yaml_get(v, "when"), &way->when);
	for (int role = ROLE_LEFT; role <= ROLE_RIGHT; role++)
		if (yaml_get(v, roles[role]))
			parse_side(r, yaml_get(v, roles[role]), way, role);
	way->first = way->nlines[ROLE_LEFT] ? ROLE_LEFT : ROLE_RIGHT;
	int first = scenario_get_choice(r, v, "first", roles);
	if (first >= 0)
		way->first = (enum scenario_role)first;
	if (!way->nlines[0] && !way->nlines[1])
		problem_add(r->p, v->mark, "nobody says anything here; give left: or right: some lines");
}

static void parse_phase(struct scenario_reader *r, const struct yaml_node *v, struct scenario_phase *phase)
{
	static const char *const keys[] = {"name", "probability", "when", "lines", "ways", NULL};
	scenario_when_init(&phase->when);
	phase->mark = v->mark;
	if (!scenario_keys(r, v, keys))
		return;
	phase->name = scenario_get_text(r, v, "name", true);
	phase->percent = scenario_get_percent(r, v, "probability", 100);
	if (yaml_get(v, "when"))
		scenario_read_when(r, yaml_get(v, "when"), &phase->when);
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

static void parse_ending(struct scenario_reader *r, const struct yaml_node *v, struct scenario_ending *end)
{
	static const char *const keys[] = {"by", "weight", "reason", "when", "lines", NULL}, *const bys[] = {"natural",
																							 "left", "right", NULL};
	scenario_when_init(&end->when);
	end->mark = v->mark;
	if (!scenario_keys(r, v, keys))
		return;
	int by = scenario_get_choice(r, v, "by", bys);
	if (!yaml_get(v, "by"))
		problem_add(r->p, v->mark, "'by' is missing: natural, left or right");
	end->by = by < 0 ? BY_NATURAL : (enum scenario_by)by;
	end->weight = (int)scenario_get_int(r, v, "weight", 1, 20);
	end->reason = scenario_get_text(r, v, "reason", true);
	if (yaml_get(v, "when"))
		scenario_read_when(r, yaml_get(v, "when"), &end->when);
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

void scenario_read_dialogue(struct scenario_reader *r, const struct yaml_node *root)
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
