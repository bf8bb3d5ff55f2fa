/* A scenario file as a whole: its head, and what it demands of its own calls. What needs more than one file is scenario_check.c. */
#include "core/scenario_parts.h"

#include <string.h>

static void parse_tests(struct scenario_reader *r, const struct yaml_node *root)
{
	static const char *const keys[] = {"runs", "min_turns", "max_turns", "must_contain", "some_contain", "never", NULL};
	struct scenario_tests *t = &r->s->tests;
	const struct yaml_node *v = yaml_get(root, "tests");
	*t = (struct scenario_tests){.runs = 60, .min_turns = 6, .max_turns = 16, .mark = v ? v->mark : root->mark};
	if (!v) {
		problem_add(r->p, root->mark, "'tests' is missing: say at least what every call must contain");
		return;
	}
	if (!scenario_keys(r, v, keys))
		return;
	t->runs = scenario_get_int(r, v, "runs", t->runs, 10000);
	t->min_turns = scenario_get_int(r, v, "min_turns", t->min_turns, 100);
	t->max_turns = scenario_get_int(r, v, "max_turns", t->max_turns, 100);
	if (yaml_get(v, "must_contain"))
		t->nmust = scenario_get_texts(r, yaml_get(v, "must_contain"), &t->must);
	if (yaml_get(v, "some_contain"))
		t->nsome = scenario_get_texts(r, yaml_get(v, "some_contain"), &t->some);
	if (yaml_get(v, "never"))
		t->nnever = scenario_get_texts(r, yaml_get(v, "never"), &t->never);
	if (!t->nmust)
		problem_add(
			r->p, t->mark, "tests: must_contain is missing: name a word that every call has (alternatives as 甲|乙)");
}

static void parse_head(struct scenario_reader *r, const struct yaml_node *root)
{
	static const char *const kinds[] = {"normal", "fraud", NULL}, *const roles[] = {"left", "right", NULL},
							 *const left_keys[] = {"gender", "age", NULL}, *const genders[] = {"男", "女", NULL};
	struct scenario *s = r->s;
	s->name = scenario_get_text(r, root, "name", true);
	s->title = scenario_get_text(r, root, "title", true);
	bool good = s->name.n > 0 && s->name.n <= SCENARIO_NAME_MAX;
	for (size_t i = 0; i < s->name.n; i++)
		good = good && memchr("abcdefghijklmnopqrstuvwxyz0123456789-", s->name.p[i], 37);
	if (!good && s->name.n)
		problem_add(r->p, yaml_get(root, "name")->mark, "a name is 1 to %d of a-z, 0-9 and '-'", SCENARIO_NAME_MAX);
	int kind = scenario_get_choice(r, root, "kind", kinds), who = scenario_get_choice(r, root, "initiator", roles);
	if (!yaml_get(root, "kind"))
		problem_add(r->p, root->mark, "'kind' is missing: fraud or normal");
	if (!yaml_get(root, "initiator"))
		problem_add(r->p, root->mark, "'initiator' is missing: who dials, left or right");
	s->is_fraud = kind == 1;
	s->initiator = who == 1 ? ROLE_RIGHT : ROLE_LEFT;
	s->fraud_type = scenario_get_text(r, root, "fraud_type", s->is_fraud);
	s->scene = scenario_get_text(r, root, "scene", !s->is_fraud);
	if (!s->is_fraud && s->fraud_type.n)
		problem_add(r->p, yaml_get(root, "fraud_type")->mark, "a normal call has no fraud_type");
	const struct yaml_node *label = yaml_get(root, s->is_fraud ? "fraud_type" : "scene"),
						   *left = yaml_get(root, "left");
	s->label_mark = label ? label->mark : root->mark;
	scenario_when_init(&s->suits);
	if (yaml_get(root, "suits"))
		scenario_read_when(r, yaml_get(root, "suits"), &s->suits);
	if (s->suits.nwants)
		problem_add(r->p, yaml_get(root, "suits")->mark, "'suits' takes awareness, gender, age and occupation only");
	if (left && scenario_keys(r, left, left_keys)) {
		int64_t low, high;
		int g = scenario_get_choice(r, left, "gender", genders);
		s->left_gender = g == 0 ? STR("男") : g == 1 ? STR("女") : (struct str){NULL, 0};
		if (yaml_get(left, "age") && scenario_get_range(r, yaml_get(left, "age"), 99, &low, &high)) {
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
	struct scenario_reader r = {.a = a, .p = p, .s = s};
	s->mark = root->mark;
	s->left_age_min = 22;
	s->left_age_max = 45;
	if (!scenario_keys(&r, root, keys) && root->kind != YAML_MAP)
		return false;
	scenario_read_slots(&r, yaml_get(root, "slots"));
	parse_head(&r, root);
	scenario_read_dialogue(&r, root);
	parse_tests(&r, root);
	for (size_t i = 0; i < s->nslots; i++)
		if (!r.slot_used[i] && s->slots[i].kind != SLOT_COLUMN)
			problem_add(p, s->slots[i].mark, "slot '%.*s' is never used", STR_FMT(s->slots[i].name));
	*ret = s;
	return p->n == before;
}
