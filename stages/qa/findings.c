/* Findings of qa's rules. */
#include "stages/qa/findings.h"

#include "base/utf8.h"

#define VALUE_MAX 160 /* bytes of a text */

static struct json *finding_new(struct findings *f, const char *rule)
{
	struct json *v = json_object(f->a);
	json_set_text(f->a, v, "rule", rule);
	json_append(f->list, v);
	return v;
}

/* Never ends inside a code point. */
static struct str cut(struct str s)
{
	struct str rest = s;
	uint32_t cp;
	if (s.n <= VALUE_MAX)
		return s;
	size_t n = 0;
	while (utf8_next(&rest, &cp) && (size_t)(rest.p - s.p) <= VALUE_MAX)
		n = (size_t)(rest.p - s.p);
	return str_n(s.p, n);
}

struct json *finding_number(struct findings *f, const char *rule, int64_t value, int64_t limit, const char *unit)
{
	struct json *v = finding_new(f, rule);
	json_set_int(f->a, v, "value", value);
	json_set_int(f->a, v, "limit", limit);
	json_set_text(f->a, v, "unit", unit);
	return v;
}

struct json *finding_text(struct findings *f, const char *rule, struct str value, const char *limit)
{
	struct json *v = finding_new(f, rule);
	json_set_str(f->a, v, "value", cut(value));
	json_set_text(f->a, v, "limit", limit);
	return v;
}

struct json *finding_words(struct findings *f, const char *rule, struct str value)
{
	struct json *v = finding_new(f, rule);
	json_set_str(f->a, v, "value", cut(value));
	json_set_int(f->a, v, "limit", 0);
	json_set_text(f->a, v, "unit", "texts");
	return v;
}

void finding_turn(struct findings *f, struct json *finding, int64_t turn)
{
	json_set_int(f->a, finding, "turn", turn);
}

void finding_side(struct findings *f, struct json *finding, const char *side)
{
	json_set_text(f->a, finding, "side", side);
}

void finding_round(struct findings *f, struct json *finding, const char *round)
{
	json_set_text(f->a, finding, "round", round);
}
