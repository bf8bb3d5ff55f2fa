#include "tests/servers/llm/talk.h"

#include "base/alloc.h"
#include "base/utf8.h"

#define TRIES 10         /* before a line that is like one before is said all the same */
#define ALIKE_PERCENT 65 /* pairs of characters in common */
#define SKETCH_WORDS 16  /* of 64 bits */

struct str talk_hears(const struct named_set *cues, struct str words)
{
	for (size_t i = 0; i < cues->n; i++)
		if (texts_in(cues->v[i].texts, words, NULL))
			return cues->v[i].name;
	return STR("else");
}

static struct maker maker_of(const struct talk *t, uint64_t key)
{
	return (struct maker){
		.lines = t->lines, .kind = t->kind, .key = key, .talk = t->talk, .said = t->said, .nsaid = t->nsaid};
}

/* "left-fraud", "right-everyday", "right-低" … */
static const char *manner(const struct talk *t)
{
	static const char *const right[] = {"right-低", "right-中", "right-高"};
	if (t->left)
		return t->kind->fraud ? "left-fraud" : "left-everyday";
	return t->kind->fraud ? right[t->awareness] : "right-everyday";
}

static struct texts answers_to(const struct talk *t, struct str cue)
{
	struct texts list = lines_getf(t->lines, "kinds/%.*s/%s/%.*s", STR_FMT(t->kind->label), manner(t), STR_FMT(cue));
	if (list.n == 0)
		list = lines_getf(t->lines, "answers/%s/%.*s", manner(t), STR_FMT(cue));
	return list.n ? list : lines_getf(t->lines, "answers/%s/else", manner(t));
}

static struct texts phase_of(const struct talk *t, const char *phase)
{
	return lines_getf(t->lines, "kinds/%.*s/%s", STR_FMT(t->kind->label), phase);
}

static struct str hears(const struct talk *t)
{
	struct str cue = talk_hears(t->left ? &t->lines->hears_left : &t->lines->hears_right, t->last);
	return str_is(cue, "bye") && t->never_ends ? STR("else") : cue;
}

/* An answer to the last words, then a line of the plan. */
static void left_line(const struct talk *t, struct buf *b, uint64_t key)
{
	struct maker m = maker_of(t, key);
	bool first = t->turn == 0 && t->opener;
	size_t turn = t->turn + (first || t->opener ? 0 : 1); /* who was called greets, and goes on with the story */
	size_t nth = turn < 3 ? 0 : (turn - 1) / 2;
	const char *phase = turn == 0 ? "open" : turn == 1 ? "story" : turn % 2 ? "push" : "ask";
	struct texts plan = phase_of(t, phase);
	if (!t->kind->fraud && turn >= 5)
		plan = lines_get(t->lines, "answers/left-everyday/settle");
	if (!first) {
		bool greets = t->turn == 0;
		struct texts takes_up =
			greets && !t->kind->fraud ? lines_get(t->lines, "answers/left-everyday/greet") : answers_to(t, hears(t));
		if (!t->terse || greets || str_find(t->last, STR("？")) >= 0)
			make_one(b, &m, takes_up, mix(key, "answer", 0), 0);
	}
	make_one(b, &m, plan, mix(t->talk, phase, 0), nth + (key == t->key ? 0 : mix_below(key, "other", plan.n)));
}

/* Who dials says what for. */
static void right_dials(const struct talk *t, struct buf *b, uint64_t key)
{
	struct maker m = maker_of(t, key);
	make_one(b, &m, lines_get(t->lines, t->errand.n ? "greet" : "dials"), mix(key, "greet", 0), 0);
	buf_str(b, t->errand);
}

static void right_everyday(const struct talk *t, struct buf *b, uint64_t key, struct str cue)
{
	struct maker m = maker_of(t, key);
	if (t->turn == 0) {
		make_one(b, &m, phase_of(t, "need"), mix(key, "need", 0), 0);
		return;
	}
	make_one(b, &m, answers_to(t, cue), mix(key, "answer", 0), 0);
	bool asked = str_find(t->last, STR("？")) >= 0;
	if (!asked || t->turn % 2)
		make_one(b, &m, phase_of(t, "more"), mix(t->talk, "more", 0), t->turn / (asked ? 2 : 1));
}

/* Own lines until right ends the talk. */
static size_t right_length(const struct talk *t)
{
	static const size_t from[] = {6, 5, 4}, to[] = {10, 8, 6};
	if (!t->kind->fraud)
		return 4 + mix_below(t->talk, "length", 3) + (t->terse ? 0 : mix_below(t->talk, "longer", 2));
	return from[t->awareness] + mix_below(t->talk, "length", to[t->awareness] - from[t->awareness] + 1);
}

static bool right_line(const struct talk *t, struct buf *b, uint64_t key)
{
	struct maker m = maker_of(t, key);
	struct str cue = hears(t);
	bool bye = str_is(cue, "bye"), end = t->turn + 1 >= right_length(t) && !t->never_ends;
	if (bye || end) {
		make_one(b, &m, answers_to(t, bye ? cue : STR("end")), mix(key, "answer", 0), 0);
		return true;
	}
	if (t->turn == 0 && t->opener && (t->kind->fraud || t->errand.n))
		right_dials(t, b, key);
	else if (t->kind->fraud)
		make_one(b, &m, answers_to(t, cue), mix(t->talk, "answer", 0), t->turn + mix_below(key, "other", 2));
	else
		right_everyday(t, b, key, cue);
	return false;
}

/* A set of the pairs of neighbouring characters, hashed into 1,024 bits. */
struct sketch {
	uint64_t bits[SKETCH_WORDS];
	int n;
};

static struct sketch sketch_of(struct str text)
{
	struct sketch s = {.n = 0};
	uint32_t cp, before = 0;
	while (utf8_next(&text, &cp)) {
		if (cp >= 0x3000 && cp < 0x3100) /* 。、 and the like */
			continue;
		if (before && cp < 0xFF00) { /* no full-width punctuation */
			uint32_t h = (before * 31 + cp) * 2654435761u >> 22;
			s.bits[h / 64] |= (uint64_t)1 << h % 64;
		}
		before = cp < 0xFF00 ? cp : before;
	}
	for (int i = 0; i < SKETCH_WORDS; i++)
		s.n += __builtin_popcountll(s.bits[i]);
	return s;
}

static bool said_before(const struct talk *t, struct str line)
{
	struct sketch a = sketch_of(line);
	for (size_t i = 0; i < t->nsaid; i++) {
		struct sketch b = sketch_of(t->said[i]);
		int common = 0;
		for (int k = 0; k < SKETCH_WORDS; k++)
			common += __builtin_popcountll(a.bits[k] & b.bits[k]);
		if (200 * common >= ALIKE_PERCENT * (a.n + b.n))
			return true;
	}
	return false;
}

bool talk_line(const struct talk *t, struct buf *b)
{
	bool ended = false;
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	for (int i = 0; i < TRIES; i++) {
		uint64_t key = i ? mix(t->key, "again", (uint64_t)i) : t->key;
		buf_clear(&line);
		ended = false;
		if (!t->left) {
			ended = right_line(t, &line, key);
		} else if (str_is(hears(t), "bye")) {
			struct maker m = maker_of(t, key);
			make_one(&line, &m, answers_to(t, STR("bye")), mix(key, "answer", 0), 0);
			ended = true;
		} else {
			left_line(t, &line, key);
		}
		if (!said_before(t, buf_view(&line)))
			break;
	}
	buf_str(b, buf_view(&line));
	return ended;
}

void talk_closing(const struct talk *t, struct buf *b)
{
	struct maker m = maker_of(t, t->key);
	const char *by = t->left ? (t->kind->fraud ? "left-fraud" : "left-everyday") : "right";
	struct str cue = hears(t);
	if (str_find(t->last, STR("？")) >= 0 && !str_is(cue, "bye"))
		cue = STR("ask"); /* a question is not met by a bare farewell */
	struct texts list = lines_getf(t->lines, "closing/%s/%.*s", by, STR_FMT(cue));
	if (list.n == 0)
		list = lines_getf(t->lines, "closing/%s/else", by);
	make_one(b, &m, list, mix(t->key, "closing", 0), 0);
}
