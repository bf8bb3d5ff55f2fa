/* The rules of qa (rules: annotations): fields, closed sets, the given label, and the texts of the three rounds. */
#include "stages/qa/annotation_rules.h"

#include "base/alloc.h"
#include "core/note_rules.h"

enum { SCENE, FRAUD, FRAUD_TYPE, ROUNDS };
static const struct {
	const char *name, *answer;
} rounds[ROUNDS] = {{"scene", "scene"}, {"fraud", "is_fraud"}, {"fraud_type", "fraud_type"}};

struct checking {
	const struct qa_params *p;
	const struct qa_state *st;
	const struct json *annotations, *label;
	struct cited_turns turns;
	struct findings *f;
	const char *round; /* the one in hand; NULL outside */
};

static void about(struct checking *c, struct json *finding)
{
	if (c->round)
		finding_round(c->f, finding, c->round);
}

/* --- Fields --- */

/** The member, when it is there and of the kind; if not, that is a finding. */
static const struct json *field(struct checking *c, const struct json *object, const char *name, enum json_kind kind)
{
	const struct json *v = json_get(object, name);
	if (!v)
		about(c, finding_text(c->f, "field_missing", str_of(name), json_kind_name(kind)));
	else if (v->kind != kind)
		about(c, finding_text(c->f, "field_type", str_of(name), json_kind_name(kind)));
	else if (kind == JSON_STRING && v->u.s.n == 0)
		about(c, finding_text(c->f, "field_missing", str_of(name), "not empty"));
	else
		return v;
	return NULL;
}

static void check_unknown(struct checking *c, const struct json *object, const char *const *names)
{
	JSON_EACH(member, object) {
		bool known = false;
		for (const char *const *name = names; *name; name++)
			known |= str_is(member->key, *name);
		if (!known)
			about(c, finding_text(c->f, "field_unknown", member->key, "not of this round"));
	}
}

/** The answer of a round: in the closed set, and as the call's label says where it says something. */
static void check_answer(struct checking *c, int at, const struct json *answer)
{
	const struct json *v = field(c, answer, rounds[at].answer, at == FRAUD ? JSON_BOOL : JSON_STRING);
	const struct json *given = json_get(c->label, rounds[at].answer);
	if (!v)
		return;
	if (at == SCENE && !labels_is_scene(&c->st->labels, v->u.s))
		about(c, finding_text(c->f, "not_in_set", v->u.s, "scenes of labels.yaml"));
	if (at == FRAUD_TYPE && !labels_is_fraud_type(&c->st->labels, v->u.s))
		about(c, finding_text(c->f, "not_in_set", v->u.s, "fraud_types of labels.yaml"));
	if (!given || json_equal(v, given))
		return;
	if (at == FRAUD)
		about(c,
			finding_text(c->f, "label_mismatch", v->u.b ? STR("fraud") : STR("normal"), v->u.b ? "normal" : "fraud"));
	else
		about(c, finding_text(c->f, "label_mismatch", v->u.s, json_is(given, JSON_STRING) ? given->u.s.p : "a text"));
}

/* --- Texts --- */

static void tell(void *arg, const struct note_fault *fault)
{
	struct checking *c = arg;
	struct json *f = fault->words.p ? finding_words(c->f, fault->rule, fault->words)
									: finding_number(c->f, fault->rule, fault->value, fault->limit, fault->unit);
	about(c, f);
	if (fault->turn >= 0)
		finding_turn(c->f, f, fault->turn);
}

static int check_text(struct checking *c, struct str text, bool thinking, struct err *e)
{
	const struct note_rules rules = {.labels = &c->st->labels,
		.leaks = &c->st->leaks,
		.markup = &c->st->markup,
		.min_thinking = c->p->min_thinking,
		.max_thinking = c->p->max_thinking,
		.min_citations = c->p->min_citations,
		.han_percent = c->p->han_percent};
	const struct note_check check = {.rules = &rules, .turns = &c->turns, .a = c->f->a, .tell = tell, .arg = c};
	int code = thinking ? note_thinking(&check, text, e) : note_reason(&check, text, e);
	return code ? err_context(e, "annotation, round %s", c->round) : 0;
}

/* --- Rounds --- */

static int check_round(struct checking *c, int at, const struct json *round, struct err *e)
{
	const char *const members[] = {"thinking", "answer", NULL};
	const char *const answers[] = {rounds[at].answer, "reason", "confidence_percent", NULL};
	const struct json *thinking = field(c, round, "thinking", JSON_STRING);
	const struct json *answer = field(c, round, "answer", JSON_OBJECT);
	int code = thinking ? check_text(c, thinking->u.s, true, e) : 0;
	check_unknown(c, round, members);
	if (code || !answer)
		return code;
	check_answer(c, at, answer);
	check_unknown(c, answer, answers);
	const struct json *sure = field(c, answer, "confidence_percent", JSON_INT);
	const struct json *reason = field(c, answer, "reason", JSON_STRING);
	if (sure && (sure->u.i < 0 || sure->u.i > 100))
		about(c, finding_number(c->f, "field_range", sure->u.i, 100, "percent"));
	return reason ? check_text(c, reason->u.s, false, e) : 0;
}

/** A round about the type of fraud follows exactly when the round before said fraud. */
static void check_rounds_agree(struct checking *c)
{
	const struct json *fraud = json_path(c->annotations, "fraud.answer.is_fraud");
	const struct json *type = json_get(c->annotations, "fraud_type");
	if (!json_is(fraud, JSON_BOOL) || fraud->u.b == !!type)
		return;
	c->round = rounds[FRAUD_TYPE].name;
	if (type)
		about(c, finding_text(c->f, "contradiction", STR("a fraud type"), "none: the fraud round says no fraud"));
	else
		about(c, finding_text(c->f, "contradiction", STR("no fraud type"), "one: the fraud round says fraud"));
	c->round = NULL;
}

int annotation_rules(const struct stage *s, const struct json *call, struct findings *f, struct err *e)
{
	static const char *const hears[] = {"text", "features", "audio"};
	static const char *const members[] = {"writer", "hears", "scene", "fraud", "fraud_type", NULL};
	struct checking c = {.p = s->params,
		.st = s->state,
		.annotations = json_get(call, "annotations"),
		.label = json_get(call, "label"),
		.f = f};
	int code = cited_turns_init(f->a, json_get(call, "turns"), &c.turns, e);
	field(&c, c.annotations, "writer", JSON_STRING);
	const struct json *hearing = field(&c, c.annotations, "hears", JSON_STRING);
	bool known = false;
	for (size_t i = 0; i < COUNT_OF(hears); i++)
		known |= hearing && str_is(hearing->u.s, hears[i]);
	if (hearing && !known)
		about(&c, finding_text(f, "not_in_set", hearing->u.s, "text, features, audio"));
	check_unknown(&c, c.annotations, members);
	for (int at = 0; !code && at < ROUNDS; at++) {
		const struct json *round = at == FRAUD_TYPE && !json_get(c.annotations, rounds[at].name)
									   ? NULL
									   : field(&c, c.annotations, rounds[at].name, JSON_OBJECT);
		c.round = rounds[at].name;
		if (round)
			code = check_round(&c, at, round, e);
		c.round = NULL;
	}
	if (!code)
		check_rounds_agree(&c);
	return code;
}
