/* screen: text quality rules, before any money goes into speech. */
#include "base/alloc.h"
#include "core/call.h"
#include "stages/screen/overrides.h"
#include "stages/screen/rules.h"

#include <stddef.h>

/* Turns of one side that a turn is compared with: the last so many. A loop comes back sooner, and a call of 2,000 turns stays quick. */
#define REPEAT_WINDOW 50
/* Letters and digits below which two turns may well be the same ("好的，谢谢，再见"). */
#define REPEAT_MIN 8
/* Characters below which the share of Chinese ones says nothing. */
#define SHARE_MIN 10
#define WORDS_SHOWN 5

struct screen_params {
	int64_t min_turns, max_turns, min_chars, max_chars, max_turn_chars;
	int64_t repeat_similarity, max_repeats, han_share, max_foreign_words;
	struct str rules_file, overrides_file;
};

#define AT(field) offsetof(struct screen_params, field)
#define NUMBER(option, low, high, value, u, words) \
	{ \
		.name = #option, .type = OPT_INT, .offset = AT(option), .flags = OPTION_SHAPES, .dflt = value, .min = low, \
		.max = high, .unit = u, .help = words \
	}

static const struct option options[] = {
	NUMBER(min_turns, 0, 2000, "4", "turns",
		"Fewer turns are too_short. The default asks for two exchanges: with one, nothing is settled."),
	NUMBER(max_turns, 1, 2000, "200", "turns", "More turns are too_long."),
	NUMBER(min_chars, 0, 1000000, "30", "characters",
		"Fewer characters in the whole call are too_short. Blanks do not count."),
	NUMBER(max_chars, 1, 1000000, "8000", "characters", "More characters in the whole call are too_long."),
	NUMBER(max_turn_chars, 1, 20000, "600", "characters",
		"A longer turn is too_long: nobody speaks for minutes without a word from the other side."),
	NUMBER(repeat_similarity, 50, 100, "80", "percent",
		"From this likeness on (letter pairs in common) a turn repeats an earlier one of the same side."),
	NUMBER(max_repeats, 0, 2000, "0", "turns",
		"More repeats are repeated_turns. Turns of fewer than 8 letters are not compared."),
	NUMBER(han_share, 0, 100, "50",
		"percent", "A turn with a smaller share of Chinese characters is non_chinese. A Latin word counts as two; addresses and codes do not count."),
	NUMBER(max_foreign_words, 0, 100000, "0",
		"words", "More foreign words in the whole call are non_chinese: other scripts, and lower-case Latin words that the rules file does not allow."),
	{.name = "rules",
		.type = OPT_FILE,
		.offset = AT(rules_file),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/stages/screen/rules.yaml'",
		.help = "Texts of API errors, control signals, and allowed words."},
	{.name = "overrides",
		.type = OPT_FILE,
		.offset = AT(overrides_file),
		.flags = OPTION_SHAPES,
		.help = "JSON lines that decide by hand, each with a reason: drop a call, relabel it, or edit a turn "
				"(docs/overrides.md). Edits come before the rules."},
};

struct screen_state {
	struct rules rules;
	struct overrides *overrides; /* NULL: none */
};

static void fields(const void *params, struct stage_fields *ret)
{
	const struct screen_params *p = params;
	fields_read(ret, "turns.text", 0);
	fields_read(ret, "turns.role", 0);
	fields_write(ret, "qa.@", 0);
	if (p->overrides_file.n) {
		/* Edited turns are written whole, so they are read whole. */
		static const char *const kept[] = {"turns.start_ms", "turns.end_ms", "turns.emotion"};
		for (size_t i = 0; i < COUNT_OF(kept); i++)
			fields_read(ret, kept[i], FIELD_OPTIONAL);
		fields_read(ret, "id", 0);
		fields_write(ret, "turns", FIELD_OPTIONAL);
		fields_write(ret, "label", FIELD_OPTIONAL);
		fields_write(ret, "overrides", FIELD_OPTIONAL);
	}
}

static int check(const void *params, struct err *e)
{
	const struct screen_params *p = params;
	if (p->min_turns > p->max_turns)
		return err_set(e, ERR_CONFIG, "min_turns (%lld) is over max_turns (%lld)", (long long)p->min_turns,
			(long long)p->max_turns);
	if (p->min_chars > p->max_chars)
		return err_set(e, ERR_CONFIG, "min_chars (%lld) is over max_chars (%lld)", (long long)p->min_chars,
			(long long)p->max_chars);
	return 0;
}

static int init(struct stage *s, struct err *e)
{
	const struct screen_params *p = s->params;
	struct screen_state *st = ARENA_NEW(&s->arena, struct screen_state);
	int r = rules_load(&s->arena, p->rules_file.p, &st->rules, e);
	if (!r && p->overrides_file.n)
		r = overrides_load(&s->arena, p->overrides_file.p, &st->overrides, e);
	if (!r)
		s->state = st;
	return r;
}

static void destroy(struct stage *s)
{
	struct screen_state *st = s->state;
	if (st)
		overrides_release(st->overrides);
	s->state = NULL;
}

static void mentions(const struct stage *s, void (*each)(void *arg, struct str id), void *arg)
{
	const struct screen_state *st = s->state;
	if (st->overrides)
		overrides_ids(st->overrides, each, arg);
}

/* --- Findings --- */

struct screening {
	struct arena *a;
	const struct screen_params *p;
	const struct rules *rules;
	struct measured *turns;
	size_t n;
	struct json *findings;
};

/* turn < 0: of the call as a whole. The unit tells which of a rule's limits it was. */
static struct json *finding(struct screening *s, const char *rule, int64_t limit, const char *unit, int turn)
{
	struct json *f = json_object(s->a);
	json_set_text(s->a, f, "rule", rule);
	json_set_int(s->a, f, "limit", limit);
	json_set_text(s->a, f, "unit", unit);
	if (turn >= 0)
		json_set_int(s->a, f, "turn", turn);
	json_append(s->findings, f);
	return f;
}

static void found_number(struct screening *s, const char *rule, int64_t value, int64_t limit, const char *unit, int turn)
{
	json_set_int(s->a, finding(s, rule, limit, unit, turn), "value", value);
}

static void found_text(struct screening *s, const char *rule, struct str value, int64_t limit, const char *unit, int turn)
{
	json_set_str(s->a, finding(s, rule, limit, unit, turn), "value", value);
}

static void screen_empty(struct screening *s)
{
	if (s->n == 0)
		found_number(s, "empty", 0, 1, "turns", -1);
	for (size_t i = 0; i < s->n; i++)
		if (s->turns[i].spoken == 0)
			found_number(s, "empty", 0, 1, "characters", (int)i);
}

static void screen_length(struct screening *s)
{
	const struct screen_params *p = s->p;
	int64_t turns = (int64_t)s->n, chars = 0;
	for (size_t i = 0; i < s->n; i++)
		chars += (int64_t)s->turns[i].chars;
	if (turns < p->min_turns)
		found_number(s, "too_short", turns, p->min_turns, "turns", -1);
	if (chars < p->min_chars)
		found_number(s, "too_short", chars, p->min_chars, "characters", -1);
	if (turns > p->max_turns)
		found_number(s, "too_long", turns, p->max_turns, "turns", -1);
	if (chars > p->max_chars)
		found_number(s, "too_long", chars, p->max_chars, "characters", -1);
	for (size_t i = 0; i < s->n; i++)
		if ((int64_t)s->turns[i].chars > p->max_turn_chars)
			found_number(s, "too_long", (int64_t)s->turns[i].chars, p->max_turn_chars, "characters", (int)i);
}

static bool repeats(const struct screening *s, size_t i)
{
	const struct measured *t = &s->turns[i];
	int compared = 0;
	if (t->spoken < REPEAT_MIN)
		return false;
	for (size_t k = i; k-- > 0 && compared < REPEAT_WINDOW;) {
		if (s->turns[k].left != t->left || s->turns[k].spoken < REPEAT_MIN)
			continue;
		compared++;
		if (rules_alike(t, &s->turns[k]) >= s->p->repeat_similarity)
			return true;
	}
	return false;
}

static void screen_repeats(struct screening *s)
{
	int64_t count = 0;
	int first = -1;
	for (size_t i = 0; i < s->n; i++) {
		if (!repeats(s, i))
			continue;
		count++;
		if (first < 0)
			first = (int)i;
	}
	if (count > s->p->max_repeats)
		found_number(s, "repeated_turns", count, s->p->max_repeats, "turns", first);
}

static void screen_texts(struct screening *s, const char *rule, const struct phrase_list *list)
{
	for (size_t i = 0; i < s->n; i++) {
		struct str found = rules_find(list, &s->turns[i]);
		if (found.p)
			found_text(s, rule, found, 0, "texts", (int)i);
	}
}

/* The words of a turn: the first few by name, all by number. */
static void found_words(struct screening *s, const struct foreign *f, int turn)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < f->nwords && i < WORDS_SHOWN; i++)
		buf_printf(&b, "%s%.*s", i ? " " : "", STR_FMT(f->words[i]));
	if (f->nwords > WORDS_SHOWN)
		buf_printf(&b, " … (%zu)", f->nwords);
	found_text(s, "non_chinese", buf_view(&b), s->p->max_foreign_words, "words", turn);
}

static void screen_foreign(struct screening *s)
{
	struct foreign *f = arena_array(s->a, s->n + 1, sizeof(*f));
	size_t words = 0;
	for (size_t i = 0; i < s->n; i++) {
		rules_foreign(s->a, s->rules, &s->turns[i], &f[i]);
		words += f[i].nwords;
		size_t all = f[i].han + f[i].other;
		if (all >= SHARE_MIN && (int64_t)(100 * f[i].han / all) < s->p->han_share)
			found_number(s, "non_chinese", (int64_t)(100 * f[i].han / all), s->p->han_share, "percent", (int)i);
	}
	for (size_t i = 0; (int64_t)words > s->p->max_foreign_words && i < s->n; i++)
		if (f[i].nwords)
			found_words(s, &f[i], (int)i);
}

static void write_by_hand(struct work *w, const struct overridden *o)
{
	if (o->turns)
		json_set(w->arena, w->fields, "turns", o->turns);
	if (o->label)
		json_set(w->arena, w->fields, "label", o->label);
	if (o->applied)
		json_set(w->arena, w->fields, "overrides", o->applied);
}

static int process(struct work *w, struct err *e)
{
	const struct screen_state *st = w->stage->state;
	const struct json *turns = json_get(w->call, "turns");
	struct overridden by_hand = {.turns = NULL};
	int rc =
		st->overrides ? overrides_apply(st->overrides, w->arena, json_get_str(w->call, "id"), turns, &by_hand, e) : 0;
	if (rc < 0)
		return rc;
	if (by_hand.turns)
		turns = by_hand.turns;
	struct screening s = {.a = w->arena, .p = w->stage->params, .rules = &st->rules};
	s.turns = arena_array(w->arena, json_count(turns) + 1, sizeof(*s.turns));
	s.findings = json_array(w->arena);
	JSON_EACH(turn, turns) {
		int r = rules_turn(w->arena, turn, &s.turns[s.n], e);
		if (r)
			return err_context(e, "turn %zu", s.n + 1);
		s.n++;
	}
	screen_empty(&s);
	if (s.n) {
		screen_length(&s);
		screen_repeats(&s);
		screen_texts(&s, "control_signal", &st->rules.control_signals);
		screen_texts(&s, "api_error", &st->rules.api_errors);
		screen_foreign(&s);
	}
	if (by_hand.dropped.p)
		found_text(&s, "dropped_by_hand", by_hand.dropped, 0, "overrides", -1);
	work_verdict(w, json_count(s.findings) ? "reject" : "pass", s.findings);
	write_by_hand(w, &by_hand);
	return 0;
}

const struct stage_ops stage_screen = {
	.name = "screen",
	.help = "Text quality rules: empty, too short or long, repeated, leaked signals, error texts, not Chinese.",
	.version = 1,
	.kind = STAGE_MAP,
	.exec = EXEC_CPU,
	.params_size = sizeof(struct screen_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.init = init,
	.destroy = destroy,
	.process = process,
	.mentions = mentions,
};
