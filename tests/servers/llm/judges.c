/* The parts that answer in JSON: the manager's verdict, the three annotation rounds, a whole new dialogue. */
#include "tests/servers/llm/agents.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "tests/servers/llm/talk.h"

#include <string.h>

#define SPOKEN_MAX 256
#define TURNS_MOST 40     /* of a new dialogue */
#define NAME_MAX_BYTES 24 /* of a speaker's name before its colon: eight characters */
#define QUOTE_MAX_BYTES 60
#define TRUTH_NEAR 160 /* bytes after "真实标签" where the label stands */

struct spoken {
	bool left;
	int64_t number; /* as the transcript counts; else its place, from 1 */
	struct str text;
};
struct judge {
	const struct agents *g;
	const struct request *r;
	const struct llm_switches *s;
	struct arena *a;
	struct answer *ret;
	struct str prompt;
	struct spoken *spoken;
	size_t n;
};

/* ---- Reading a transcript ---- */

/* The place after the colon of "NAME: text" or "NAME：text"; 0 when the line has none near its beginning. */
static size_t after_colon(struct str line, struct str *ret_name)
{
	for (size_t i = 0; i < line.n && i < NAME_MAX_BYTES; i++) {
		size_t n = line.p[i] == ':' ? 1 : i + 3 <= line.n && memcmp(line.p + i, "：", 3) == 0 ? 3 : 0;
		if (n) {
			*ret_name = str_n(line.p, i);
			return i + n;
		}
	}
	return 0;
}

/* The first number in a name ("第3轮 对方"), or -1. */
static int64_t number_in(struct str name)
{
	size_t from = 0, n = 0;
	int64_t ret = -1;
	while (from < name.n && (name.p[from] < '0' || name.p[from] > '9'))
		from++;
	while (from + n < name.n && name.p[from + n] >= '0' && name.p[from + n] <= '9')
		n++;
	return str_int(str_n(name.p + from, n), &ret) ? ret : -1;
}

/* Lines "name: text" whose name is one side's. */
static void read_spoken(struct judge *j, struct str rest)
{
	struct texts lefts = lines_get(j->g->lines, "prompt/left-names"),
				 rights = lines_get(j->g->lines, "prompt/right-names");
	struct str line, name;
	j->n = 0;
	while (str_line(&rest, &line) && j->n < SPOKEN_MAX) {
		line = str_trim(line);
		size_t at = after_colon(line, &name);
		ptrdiff_t left = -1, right = -1;
		if (!at || at == line.n || (!texts_in(lefts, name, &left) & !texts_in(rights, name, &right)))
			continue;
		struct spoken *to = &j->spoken[j->n++];
		*to = (struct spoken){left > right, number_in(name), str_trim(str_n(line.p + at, line.n - at))};
		if (to->number < 0)
			to->number = (int64_t)j->n;
	}
}

/* The transcript is in the last message that has two lines of one. */
static void read_transcript(struct judge *j)
{
	j->spoken = arena_array(j->a, SPOKEN_MAX, sizeof(*j->spoken));
	for (size_t i = j->r->n; j->n < 2 && i-- > 0;)
		if (j->r->messages[i].role != ROLE_ASSISTANT)
			read_spoken(j, j->r->messages[i].text);
}

/* ---- Values that fit a schema ---- */

static struct json *fit_other(struct arena *a, const struct json *p)
{
	struct str type = json_get_str(p, "type");
	if (json_first(json_get(p, "enum")))
		return json_copy(a, json_first(json_get(p, "enum")));
	if (str_is(type, "integer") || str_is(type, "number"))
		return json_int(a, json_get_int(p, "minimum", 1));
	if (str_is(type, "boolean"))
		return json_bool(a, false);
	if (str_is(type, "array"))
		return json_array(a);
	if (str_is(type, "object"))
		return json_object(a);
	return json_text(a, "无");
}

/* What else the schema requires and nobody thought of. */
static void fit_required(const struct judge *j, struct json *v)
{
	JSON_EACH(name, json_get(j->r->schema, "required"))
		if (name->kind == JSON_STRING && !json_get_key(v, name->u.s)) {
			struct json *p = json_get_key(json_get(j->r->schema, "properties"), name->u.s);
			bool thinks = texts_in(lines_get(j->g->lines, "prompt/thinking-keys"), name->u.s, NULL);
			json_set_key(j->a, v, name->u.s,
				thinks && j->ret->thinking.n ? json_str(j->a, j->ret->thinking) : fit_other(j->a, p));
		}
}

static bool enum_allows(const struct json *p, const char *word)
{
	const struct json *list = json_get(p, "enum");
	if (!list)
		return true;
	JSON_EACH(v, list)
		if (v->kind == JSON_STRING && str_is(v->u.s, word))
			return true;
	return false;
}

static struct json *confidence(const struct judge *j)
{
	const struct json *p = json_get(json_get(j->r->schema, "properties"), "confidence");
	int64_t percent = 82 + (int64_t)mix_below(j->r->key, "confidence", 17);
	if (str_is(json_get_str(p, "type"), "integer") || json_get_int(p, "maximum", 1) > 1)
		return json_int(j->a, percent);
	return json_real(j->a, (double)percent / 100);
}

static void write_answer(struct judge *j, struct json *v)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	fit_required(j, v);
	json_write(&b, v);
	if (misbehaves(j->s, j->r->key, MISBEHAVE_WRONG_JSON, j->ret))
		switch (mix_below(j->r->key, "wrong", 3)) {
		case 0: /* cut short */
			buf_truncate(&b, utf8_clip(buf_view(&b), b.len * 2 / 3).n);
			break;
		case 1: /* another thing altogether */
			buf_clear(&b);
			buf_puts(&b, "{\"result\":\"ok\"}");
			break;
		default: /* python's way of writing it */
			for (size_t i = 0; i < b.len; i++)
				if (b.data[i] == '"')
					b.data[i] = '\'';
		}
	if (misbehaves(j->s, j->r->key, MISBEHAVE_EMPTY, j->ret))
		buf_clear(&b);
	j->ret->text = arena_str(j->a, buf_view(&b));
}

static struct maker maker_of(const struct judge *j, const struct kind *k, const struct named_set *own)
{
	return (struct maker){.lines = j->g->lines, .kind = k, .key = j->r->key, .talk = j->r->key, .own = own};
}

static struct str one_of(const struct judge *j, const struct maker *m, const char *path)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	make_one(&b, m, lines_get(j->g->lines, path), mix(j->r->key, path, 0), 0);
	return arena_str(j->a, buf_view(&b));
}

/* ---- The manager ---- */

static bool farewell(const struct judge *j, size_t from_end)
{
	if (from_end >= j->n)
		return false;
	return str_is(talk_hears(&j->g->lines->hears_right, j->spoken[j->n - 1 - from_end].text), "bye");
}

/* How the call ends, or NULL when it goes on. A hang-up that the question or the last line tells of counts unless that line asks something. */
static const char *terminator_of(const struct judge *j)
{
	struct str last = j->n ? j->spoken[j->n - 1].text : STR(""), asked = j->r->messages[j->r->n - 1].text;
	bool asks = str_find(last, STR("？")) >= 0 || str_find(last, STR("?")) >= 0;
	if (farewell(j, 0) && farewell(j, 1))
		return "natural";
	if (str_find(asked, STR("ENDCALL_SIGNAL")) >= 0)
		return asks ? NULL : "endcall";
	if (farewell(j, 0))
		return j->spoken[j->n - 1].left ? "left" : "right";
	if (j->n >= 20 + mix_below(j->r->key, "long", 6))
		return "natural";
	return NULL;
}

static void answer_manager(struct judge *j)
{
	struct json *v = json_object(j->a);
	struct maker m = maker_of(j, NULL, NULL);
	const struct json *p = json_get(json_get(j->r->schema, "properties"), "terminator");
	const char *by = terminator_of(j);
	bool end = by != NULL;
	if (!by || !enum_allows(p, by))
		by = "natural";
	json_set(j->a, v, "should_terminate", json_bool(j->a, end));
	json_set_text(j->a, v, "terminator", by);
	json_set_str(j->a, v, "reason", one_of(j, &m, end ? arena_printf(j->a, "manager/%s", by) : "manager/going"));
	if (misbehaves(j->s, j->r->key, MISBEHAVE_FREE_TERMINATOR, j->ret))
		json_set_str(j->a, v, "terminator", one_of(j, &m, "bad/terminator"));
	fit_required(j, v);
	bool bad = misbehaves(j->s, j->r->key, MISBEHAVE_BAD_VERDICT, j->ret);
	if (bad)
		json_drop(v, mix_below(j->r->key, "dropped", 2) ? "should_terminate" : "reason");
	if (!bad) {
		write_answer(j, v);
		return;
	}
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, v);
	j->ret->text = arena_str(j->a, buf_view(&b));
}

/* ---- Annotation ---- */

/* What the prompt says of the truth: some bytes after the last word for it, else nothing. */
static struct str truth_words(const struct judge *j)
{
	struct texts hints = lines_get(j->g->lines, "prompt/truth");
	ptrdiff_t at = -1;
	for (size_t i = j->r->n; i-- > 0;) {
		struct str text = j->r->messages[i].text;
		if (j->r->messages[i].role != ROLE_ASSISTANT && texts_in(hints, text, &at)) {
			struct str near = str_n(text.p + at, text.n - (size_t)at), line;
			near = utf8_clip(near, TRUTH_NEAR);
			return str_line(&near, &line) ? line : near;
		}
	}
	return (struct str){.n = 0};
}

static const struct kind *label_in(const struct judge *j, struct str text, bool fraud)
{
	const struct kind *best = NULL;
	ptrdiff_t first = PTRDIFF_MAX;
	for (size_t i = 0; i < j->g->lines->nkinds; i++) {
		const struct kind *k = &j->g->lines->kinds[i];
		ptrdiff_t at = k->fraud == fraud ? str_find(text, k->label) : -1;
		if (at >= 0 && at < first) {
			first = at;
			best = k;
		}
	}
	return best;
}

static const struct kind *other_label(const struct judge *j, const struct kind *k)
{
	const struct lines *l = j->g->lines;
	size_t i = mix_below(j->r->key, "other label", l->nkinds);
	while (&l->kinds[i] == k || l->kinds[i].fraud != k->fraud)
		i = (i + 1) % l->nkinds;
	return &l->kinds[i];
}

static bool truth_fraud(const struct judge *j, struct str truth)
{
	if (texts_in(lines_get(j->g->lines, "prompt/normal"), truth, NULL))
		return false;
	if (texts_in(lines_get(j->g->lines, "prompt/scam"), truth, NULL))
		return true;
	return agents_kind(j->g->lines, j->prompt, -1, j->r->key)->fraud;
}

/* Words of a turn with a word of the kind, from `part` of 3 of the call; else of the part's last turn. */
static struct str quote(const struct judge *j, const struct kind *k, size_t part, int64_t *ret_number)
{
	size_t from = j->n * part / 3, to = j->n * (part + 1) / 3, at = to ? to - 1 : 0;
	for (size_t i = from; i < to; i++)
		if (texts_in(k->words, j->spoken[i].text, NULL))
			at = i;
	struct str best = j->n ? j->spoken[at].text : STR("您好");
	*ret_number = j->n ? j->spoken[at].number : 1;
	uint32_t cp;
	struct str walk = best, end = best;
	while (utf8_next(&walk, &cp)) { /* to the first stop, or so many bytes */
		end = str_n(best.p, best.n - walk.n);
		if (end.n >= QUOTE_MAX_BYTES || (end.n > 18 && (cp == 0x3002 || cp == 0xFF1F || cp == 0xFF0C)))
			break;
	}
	uint32_t last = 0;
	for (struct str w = end; utf8_next(&w, &cp);)
		last = cp;
	if (last == 0x3002 || last == 0xFF0C)
		end.n -= 3;
	return end;
}

static struct str words_heard(const struct judge *j, const struct kind *k)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	size_t n = 0;
	for (size_t i = 0; i < k->words.n && n < 3; i++)
		for (size_t t = 0; t < j->n; t++)
			if (str_find(j->spoken[t].text, k->words.v[i]) >= 0) {
				buf_printf(&b, "%s%.*s", n++ ? "、" : "", STR_FMT(k->words.v[i]));
				break;
			}
	if (n == 0)
		buf_puts(&b, "时间、称呼和要办的事");
	return arena_str(j->a, buf_view(&b));
}

static void own_slot(const struct judge *j, struct named_set *set, const char *name, struct str value)
{
	struct str *v = ARENA_NEW(j->a, struct str);
	*v = value;
	set->v[set->n++] = (struct named){str_of(name), {v, 1}};
}

static void answer_round(struct judge *j)
{
	struct named own_v[12];
	struct named_set own = {.v = own_v};
	struct str truth = truth_words(j);
	enum part part = j->ret->part;
	bool want_fraud = part == PART_TYPE, fraud = truth_fraud(j, truth);
	const struct kind *k = label_in(j, truth, want_fraud);
	if (!k && part != PART_FRAUD)
		k = label_in(j, j->prompt, want_fraud);
	if (!k)
		k = agents_kind(j->g->lines, j->prompt, part == PART_FRAUD ? -1 : want_fraud, j->r->key);
	if (misbehaves(j->s, j->r->key, MISBEHAVE_WRONG_LABEL, j->ret)) {
		k = other_label(j, k);
		fraud = !fraud;
	}
	struct str verdict = part == PART_FRAUD ? (fraud ? STR("涉及诈骗") : STR("不涉及诈骗")) : k->label;
	static const char *const quotes[] = {"甲", "乙", "丙"}, *const numbers[] = {"甲轮", "乙轮", "丙轮"};
	for (size_t i = 0; i < COUNT_OF(quotes); i++) {
		int64_t number;
		own_slot(j, &own, quotes[i], quote(j, k, i, &number));
		own_slot(j, &own, numbers[i], str_of(arena_printf(j->a, "%lld", (long long)number)));
	}
	own_slot(j, &own, "结论", verdict);
	own_slot(j, &own, "词", words_heard(j, k));
	struct maker m = maker_of(j, k, &own);
	const char *path = part == PART_SCENE  ? "annotate/scene"
					   : part == PART_TYPE ? "annotate/type"
					   : fraud             ? "annotate/fraud-yes"
										   : "annotate/fraud-no";
	j->ret->thinking = one_of(j, &m, path);
	if (misbehaves(j->s, j->r->key, MISBEHAVE_LEAK, j->ret))
		j->ret->thinking = one_of(j, &m, "annotate/leak");
	struct json *v = json_object(j->a);
	if (part == PART_FRAUD)
		json_set(j->a, v, "is_fraud", json_bool(j->a, fraud));
	else
		json_set_str(j->a, v, part == PART_SCENE ? "scene" : "fraud_type", k->label);
	json_set_str(j->a, v, "reason", one_of(j, &m, "annotate/reason"));
	json_set(j->a, v, "confidence", confidence(j));
	if (str_find(j->prompt, STR("\"thinking\"")) >= 0) { /* the answer holds it: nothing is left to think beside it */
		json_set_str(j->a, v, "thinking", j->ret->thinking);
		j->ret->thinking = STR("");
	}
	write_answer(j, v);
}

/* ---- A new dialogue ---- */

static void say_turn(struct judge *j, struct talk *t, struct json *turns, struct str *said, bool closing)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	t->last = t->nsaid ? said[t->nsaid - 1] : STR("");
	if (closing)
		talk_closing(t, &line);
	else
		talk_line(t, &line);
	struct json *turn = json_object(j->a);
	json_set_text(j->a, turn, "role", t->left ? "left" : "right");
	json_set_str(j->a, turn, "text", buf_view(&line));
	json_append(turns, turn);
	said[t->nsaid++] = json_get_str(turn, "text");
}

/* "一共8到14句话": how many turns are wanted, when the prompt says it. */
static size_t turns_wanted(const struct judge *j)
{
	int64_t least = 8, most = 14;
	ptrdiff_t at = str_find(j->prompt, STR("一共"));
	if (at >= 0) {
		struct str rest = str_n(j->prompt.p + at, j->prompt.n - (size_t)at), line;
		ptrdiff_t to = str_line(&rest, &line) ? str_find(line, STR("到")) : -1;
		int64_t a = to > 0 ? number_in(str_n(line.p, (size_t)to)) : -1;
		int64_t b = to > 0 ? number_in(str_n(line.p + to, line.n - (size_t)to)) : -1;
		if (a >= 2 && b >= a && a <= TURNS_MOST) {
			least = a > least ? a : least < b ? least : b;
			most = b < most ? b : most > least ? most : least;
		}
	}
	return (size_t)least + mix_below(j->r->key, "turns", (size_t)(most - least + 1));
}

static void answer_dialogue(struct judge *j)
{
	const struct lines *l = j->g->lines;
	struct str said[TURNS_MOST + 1];
	struct talk t = {.lines = l, .never_ends = true, .said = said, .talk = j->r->key};
	struct str truth = truth_words(j);
	t.kind = label_in(j, truth, true);
	if (!t.kind)
		t.kind = label_in(j, truth, false);
	if (!t.kind)
		t.kind = agents_kind(l, j->prompt, -1, j->r->key);
	t.awareness = (enum awareness)mix_below(j->r->key, "awareness", 3);
	size_t n = turns_wanted(j);
	bool left_opens = t.kind->fraud || mix_below(j->r->key, "opens", 2);
	struct json *v = json_object(j->a), *turns = json_array(j->a);
	for (size_t i = 0; i < n; i++) {
		t.left = (i % 2 == 0) == left_opens;
		t.opener = i % 2 == 0;
		t.turn = i / 2;
		t.key = mix(j->r->key, "turn", i);
		say_turn(j, &t, turns, said, i + 2 >= n);
	}
	if (misbehaves(j->s, j->r->key, MISBEHAVE_EMPTY, j->ret))
		turns = json_array(j->a);
	json_set(j->a, v, "turns", turns);
	write_answer(j, v);
}

void judges_answer(
	const struct agents *g, const struct request *r, const struct llm_switches *s, struct arena *a, struct answer *ret)
{
	struct judge j = {g, r, s, a, ret, agents_prompt(r, a), NULL, 0};
	read_transcript(&j);
	if (ret->part == PART_MANAGER)
		answer_manager(&j);
	else if (ret->part == PART_DIALOGUE)
		answer_dialogue(&j);
	else
		answer_round(&j);
}
