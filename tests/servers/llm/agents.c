#include "tests/servers/llm/agents.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"
#include "tests/servers/llm/talk.h"

#include <string.h>

#define PROMPT_MAX ((size_t)64 << 10)
#define ENDCALL "##ENDCALL_SIGNAL##"
#define TERMINATE "##TERMINATE_SIGNAL##"

const char *const part_names[PART_COUNT] = {
	"left", "right", "closing", "manager", "annotate-scene", "annotate-fraud", "annotate-type", "dialogue"};

bool misbehaves(const struct llm_switches *s, uint64_t key, enum misbehaviour m, struct answer *ret)
{
	if (!mix_chance(key, misbehave_names[m], s->misbehave[m]))
		return false;
	ret->misbehaved |= 1u << m;
	return true;
}

/* ---- Which part ---- */

static bool has(struct str text, const char *word)
{
	return str_find(text, str_of(word)) >= 0;
}

static int part_by_schema(const struct json *schema)
{
	const struct json *p = json_get(schema, "properties");
	if (json_get(p, "should_terminate"))
		return PART_MANAGER;
	if (json_get(p, "fraud_type"))
		return PART_TYPE;
	if (json_get(p, "is_fraud"))
		return PART_FRAUD;
	if (json_get(p, "scene"))
		return PART_SCENE;
	return json_get(p, "turns") ? PART_DIALOGUE : -1;
}

static int part_by_words(struct str text)
{
	if (has(text, "should_terminate"))
		return PART_MANAGER;
	if (has(text, "confidence")) {
		if (has(text, "fraud_type"))
			return PART_TYPE;
		if (has(text, "is_fraud"))
			return PART_FRAUD;
		if (has(text, "scene"))
			return PART_SCENE;
	}
	return has(text, "turns") && (has(text, "JSON") || has(text, "json")) ? PART_DIALOGUE : -1;
}

/* PART_LEFT stands for either side. */
static enum part part_of(const struct request *r)
{
	int part = r->schema ? part_by_schema(r->schema) : -1;
	for (size_t i = r->n; part < 0 && i-- > 0;)
		if (r->messages[i].role != ROLE_ASSISTANT)
			part = part_by_words(r->messages[i].text);
	if (part >= 0)
		return (enum part)part;
	const struct message *last = &r->messages[r->n - 1];
	bool told = last->role != ROLE_ASSISTANT && (r->n == 1 || last != r->messages);
	return told && has(last->text, TERMINATE) ? PART_CLOSING : PART_LEFT;
}

struct str agents_prompt(const struct request *r, struct arena *a)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = r->n; i-- > 0 && b.len < PROMPT_MAX;)
		if (r->messages[i].role != ROLE_ASSISTANT) {
			buf_str(&b, utf8_clip(r->messages[i].text, PROMPT_MAX - b.len));
			buf_putc(&b, '\n');
		}
	return arena_str(a, buf_view(&b));
}

/* ---- Facts of a prompt ---- */

static size_t words_hit(struct texts words, struct str text)
{
	size_t hits = 0;
	for (size_t i = 0; i < words.n; i++)
		hits += str_find(text, words.v[i]) >= 0;
	return hits;
}

const struct kind *agents_kind(const struct lines *l, struct str text, int fraud, uint64_t key)
{
	const struct kind *best = NULL;
	size_t most = 0, nth = 0, fits = 0;
	for (size_t i = 0; i < l->nkinds; i++) {
		const struct kind *k = &l->kinds[i];
		if (fraud >= 0 && k->fraud != (fraud == 1))
			continue;
		fits++;
		size_t score = words_hit(k->words, text) + (str_find(text, k->label) >= 0 ? 100 : 0);
		if (score > most) {
			most = score;
			best = k;
		}
	}
	for (size_t i = 0, pick = mix_below(key, "kind", fits ? fits : 1); !best && i < l->nkinds; i++)
		if ((fraud < 0 || l->kinds[i].fraud == (fraud == 1)) && nth++ == pick)
			best = &l->kinds[i];
	return best ? best : l->kinds;
}

/* The clause after the first word that gives a part: up to the next stop. */
static struct str role_clause(const struct lines *l, struct str text)
{
	struct texts words = lines_get(l, "prompt/role");
	const char *first = NULL;
	for (size_t i = 0; i < words.n; i++) {
		const char *at = memmem(text.p, text.n, words.v[i].p, words.v[i].n);
		if (at && (!first || at < first))
			first = at;
	}
	if (!first)
		return text;
	struct str rest = str_n(first, text.n - (size_t)(first - text.p)), walk = rest;
	uint32_t cp;
	while (utf8_next(&walk, &cp))
		if (cp == 0xFF0C || cp == 0x3002 || cp == 0xFF1B || cp == '\n' || cp == ',' || cp == '.') /* ， 。 ； */
			break;
	return str_n(rest.p, rest.n - walk.n);
}

static bool side_is_left(const struct lines *l, struct str system)
{
	ptrdiff_t left = -1, right = -1;
	struct str clause = role_clause(l, system);
	texts_in(lines_get(l, "prompt/left"), clause, &left);
	texts_in(lines_get(l, "prompt/right"), clause, &right);
	if (left < 0 && right < 0) { /* the part stands further on: what is named most */
		size_t lefts = words_hit(lines_get(l, "prompt/left"), system);
		return lefts > words_hit(lines_get(l, "prompt/right"), system);
	}
	return left > right;
}

/* The system's messages; without one, the first message. */
static struct str system_text(const struct request *r, struct arena *a)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < r->n; i++)
		if (r->messages[i].role == ROLE_SYSTEM)
			buf_str(&b, r->messages[i].text);
	return b.len ? arena_str(a, buf_view(&b)) : r->messages[0].text;
}

/* A label in the prompt, else the opening line's words (the called person of a fraud is not told what it is), else the prompt's. */
static const struct kind *kind_of(const struct lines *l, struct str system, struct str first, uint64_t key)
{
	bool fraud =
		texts_in(lines_get(l, "prompt/fraud"), system, NULL) && !texts_in(lines_get(l, "prompt/normal"), system, NULL);
	for (size_t i = 0; i < l->nkinds; i++)
		if (str_find(system, l->kinds[i].label) >= 0)
			return &l->kinds[i];
	bool told = false;
	for (size_t i = 0; i < l->nkinds; i++)
		told = told || texts_in(l->kinds[i].words, first, NULL);
	return agents_kind(l, told ? first : system, fraud ? 1 : -1, key);
}

static struct facts read_facts(const struct agents *g, const struct request *r, struct str system, struct str first)
{
	const struct lines *l = g->lines;
	struct facts f = {.known = true, .awareness = AWARE_MIDDLE};
	f.kind = kind_of(l, utf8_clip(system, PROMPT_MAX), utf8_clip(first, PROMPT_MAX),
		first.n ? hash_bytes(first.p, first.n, 0) : r->key);
	f.early = texts_in(lines_get(l, "prompt/early"), system, NULL);
	f.emotions = has(system, "\"emotion\"");
	f.left = side_is_left(l, system);
	f.terse = texts_in(lines_get(l, "prompt/terse"), system, NULL);
	f.may_end = has(system, ENDCALL);
	if (texts_in(lines_get(l, "prompt/high"), system, NULL))
		f.awareness = AWARE_HIGH;
	else if (texts_in(lines_get(l, "prompt/low"), system, NULL))
		f.awareness = AWARE_LOW;
	return f;
}

/* A prompt stands before each line of its talk: what it says is remembered. */
static struct facts facts_of(const struct agents *g, const struct request *r, struct str system, struct str first)
{
	uint64_t h = hash_bytes(first.p, first.n, hash_bytes(system.p, system.n, 1));
	struct facts *slot = &g->facts[h % FACTS_SLOTS];
	if (!slot->known || slot->prompt != h) {
		*slot = read_facts(g, r, system, first);
		slot->prompt = h;
	}
	return *slot;
}

/* ---- A line of a talk ---- */

/* An own line that stands as {"emotion": …, "text": …}. */
static struct str own_words(struct str text, struct arena *a)
{
	struct json *v = NULL;
	if (text.n && text.p[0] == '{' && json_parse(a, text, &v, NULL) == 0 && json_get_str(v, "text").n)
		return json_get_str(v, "text");
	return text;
}

/* The other's words; what stands before a closing instruction belongs to them, the instruction does not. */
static struct str other_words(struct str text)
{
	ptrdiff_t at = str_find(text, STR(TERMINATE));
	return at >= 0 ? str_trim(str_n(text.p, (size_t)at)) : text;
}

/* What was said, own lines and the other's, without instructions. */
static void read_history(const struct agents *g, const struct request *r, struct arena *a, struct talk *t)
{
	struct texts instruct = lines_get(g->lines, "prompt/instruct");
	struct str *said = arena_array(a, r->n, sizeof(*said));
	for (size_t i = 0; i < r->n; i++) {
		const struct message *m = &r->messages[i];
		bool own = m->role == ROLE_ASSISTANT;
		struct str words = own ? own_words(m->text, a) : other_words(m->text);
		if (m->role == ROLE_SYSTEM || words.n == 0)
			continue;
		if (!own && (i == 0 || (t->nsaid == 0 && texts_in(instruct, words, NULL))))
			continue; /* a prompt that came as a user's message, or "please begin" */
		if (t->nsaid == 0)
			t->opener = own;
		said[t->nsaid++] = words;
		t->turn += own;
		if (!own)
			t->last = words;
	}
	if (t->nsaid == 0)
		t->opener = true;
	t->said = said;
}

/* What a prompt tells who dials to say. */
static struct str errand_of(const struct lines *l, struct str system)
{
	ptrdiff_t at = -1;
	struct str line, rest;
	if (!texts_in(lines_get(l, "prompt/errand"), system, &at))
		return STR("");
	rest = str_n(system.p + at, system.n - (size_t)at);
	if (!str_line(&rest, &line))
		return STR("");
	ptrdiff_t colon = str_find(line, STR("："));
	size_t skip = colon >= 0 ? (size_t)colon + 3 : line.n;
	return str_trim(str_n(line.p + skip, line.n - skip));
}

static void insert_token(struct buf *line, struct str token)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct str half = utf8_clip(buf_view(line), line->len / 2);
	buf_str(&b, half);
	buf_str(&b, token);
	buf_add(&b, line->data + half.n, line->len - half.n);
	buf_clear(line);
	buf_str(line, buf_view(&b));
}

static void set_line(struct buf *line, struct str before, struct str after)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_str(&b, before);
	buf_str(&b, buf_view(line));
	buf_str(&b, after);
	buf_clear(line);
	buf_str(line, buf_view(&b));
}

struct spoiling {
	const struct agents *g;
	const struct llm_switches *s;
	const struct talk *t;
	struct answer *ret;
};

static struct str pick(const struct spoiling *x, const char *path)
{
	struct texts list = lines_get(x->g->lines, path);
	return list.n ? list.v[mix_below(x->t->key, path, list.n)] : STR("");
}

static bool spoils(const struct spoiling *x, enum misbehaviour m)
{
	return misbehaves(x->s, x->t->key, m, x->ret);
}

static void spoil_words(const struct spoiling *x, struct buf *line)
{
	if (spoils(x, MISBEHAVE_PLACEHOLDER))
		set_line(line, STR(""), pick(x, "bad/placeholder"));
	if (spoils(x, MISBEHAVE_STAGE_DIRECTION))
		set_line(line, pick(x, "bad/stage"), STR(""));
	if (spoils(x, MISBEHAVE_MARKUP)) {
		struct str head = utf8_clip(buf_view(line), 12);
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		buf_printf(&b, "**%.*s**", STR_FMT(head));
		buf_add(&b, line->data + head.n, line->len - head.n);
		buf_clear(line);
		buf_str(line, buf_view(&b));
	}
	if (spoils(x, MISBEHAVE_LEAKED_TOKEN))
		insert_token(line, pick(x, "bad/token"));
	if (spoils(x, MISBEHAVE_META))
		set_line(line, pick(x, "bad/meta"), STR(""));
	if (spoils(x, MISBEHAVE_ROLE_PREFIX))
		set_line(line, pick(x, x->t->left ? "bad/prefix-left" : "bad/prefix-right"), STR(""));
}

/* Both sides in one answer. */
static void spoil_two_turns(const struct spoiling *x, struct buf *line)
{
	CLEANUP(buf_release) struct buf other = BUF_INIT;
	struct talk t = *x->t;
	t.left = !t.left;
	t.last = buf_view(line);
	t.turn = t.turn ? t.turn : 1;
	buf_putc(&other, '\n');
	buf_str(&other, pick(x, t.left ? "bad/prefix-left" : "bad/prefix-right"));
	talk_line(&t, &other);
	set_line(line, STR(""), buf_view(&other));
}

static struct str own_last(const struct request *r)
{
	for (size_t i = r->n; i-- > 0;)
		if (r->messages[i].role == ROLE_ASSISTANT)
			return r->messages[i].text;
	return (struct str){.n = 0};
}

static void spoil_line(const struct spoiling *x, const struct request *r, struct buf *line)
{
	if (spoils(x, MISBEHAVE_REPEAT) && own_last(r).n) {
		buf_clear(line);
		buf_str(line, own_last(r));
	}
	if (spoils(x, MISBEHAVE_ENGLISH)) {
		buf_clear(line);
		buf_str(line, pick(x, "bad/english"));
	}
	spoil_words(x, line);
	if (spoils(x, MISBEHAVE_TWO_TURNS))
		spoil_two_turns(x, line);
	if (x->ret->part != PART_CLOSING && spoils(x, MISBEHAVE_ENDCALL_ON_QUESTION)) {
		if (str_find(buf_view(line), STR(ENDCALL)) < 0) {
			set_line(line, STR(""), pick(x, "bad/question"));
			buf_puts(line, ENDCALL);
		}
	}
	if (spoils(x, MISBEHAVE_EMPTY))
		buf_clear(line);
}

static void say_line(const struct agents *g, const struct request *r, const struct talk *t, bool may_end, struct buf *line)
{
	struct str text;
	bool last = false, ended = false;
	struct str opening = t->nsaid ? t->said[0] : STR("");
	if (g->replay && replay_line(g->replay, opening, t->nsaid, r->key, &text, &last)) {
		buf_str(line, text);
		ended = last && str_find(text, STR("？")) < 0;
	} else {
		ended = talk_line(t, line);
	}
	if (ended && may_end && mix_below(t->talk, "signal", 4)) /* one in four says goodbye and leaves it to the manager */
		buf_puts(line, ENDCALL);
}

/* {"emotion": one of those that the prompt names, "text"} */
static void with_emotion(const struct agents *g, struct str system, uint64_t key, struct arena *a, struct answer *ret)
{
	ptrdiff_t at = -1;
	struct str names[32], name;
	size_t n = 0;
	if (texts_in(lines_get(g->lines, "prompt/emotions"), system, &at)) {
		struct str rest = str_n(system.p + at, system.n - (size_t)at);
		ptrdiff_t from = str_find(rest, STR("：")), stop = str_find(rest, STR("。"));
		rest = str_n(rest.p, stop >= 0 ? (size_t)stop : rest.n);
		if (from >= 0 && (size_t)from + 3 < rest.n)
			rest = str_n(rest.p + from + 3, rest.n - (size_t)from - 3);
		while (n < COUNT_OF(names) && rest.n) {
			ptrdiff_t comma = str_find(rest, STR("、"));
			name = str_n(rest.p, comma >= 0 ? (size_t)comma : rest.n);
			names[n++] = name;
			rest = comma >= 0 ? str_n(rest.p + comma + 3, rest.n - (size_t)comma - 3) : STR("");
		}
	}
	struct json *v = json_object(a);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_set_str(a, v, "emotion", n ? names[mix_below(key, "emotion", n)] : STR("平静"));
	json_set_str(a, v, "text", ret->text);
	json_write(&b, v);
	ret->text = arena_str(a, buf_view(&b));
	ret->json = true;
}

static void fill_talk(const struct agents *g, const struct request *r, const struct llm_switches *s, struct arena *a,
	struct talk *t, struct facts *ret_facts)
{
	read_history(g, r, a, t);
	struct str first = t->nsaid ? t->said[0] : STR(""), system = system_text(r, a);
	struct facts f = facts_of(g, r, system, first);
	t->kind = f.kind;
	t->left = f.left;
	t->terse = f.terse;
	t->awareness = (enum awareness)f.awareness;
	t->errand = t->nsaid ? STR("") : errand_of(g->lines, system);
	t->talk = t->nsaid ? hash_bytes(first.p, first.n, f.left) : r->key;
	t->never_ends =
		f.early || mix_chance(t->talk, misbehave_names[MISBEHAVE_NEVER_ENDS], s->misbehave[MISBEHAVE_NEVER_ENDS]);
	*ret_facts = f;
}

static void answer_line(
	const struct agents *g, const struct request *r, const struct llm_switches *s, struct arena *a, struct answer *ret)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	struct talk t = {.lines = g->lines, .key = r->key};
	struct facts f;
	fill_talk(g, r, s, a, &t, &f);
	struct spoiling x = {g, s, &t, ret};
	if (t.never_ends && !f.early)
		ret->misbehaved |= 1u << MISBEHAVE_NEVER_ENDS;
	if (ret->part != PART_CLOSING) {
		ret->part = t.left ? PART_LEFT : PART_RIGHT;
		say_line(g, r, &t, f.may_end, &line);
	} else if (spoils(&x, MISBEHAVE_BLIND_CLOSING)) {
		buf_str(&line, pick(&x, "closing/blind"));
	} else {
		talk_closing(&t, &line);
	}
	spoil_line(&x, r, &line);
	ret->text = arena_str(a, buf_view(&line));
	if (f.emotions)
		with_emotion(g, system_text(r, a), r->key, a, ret);
}

void agents_answer(
	const struct agents *g, const struct request *r, const struct llm_switches *s, struct arena *a, struct answer *ret)
{
	*ret = (struct answer){.part = part_of(r)};
	if (ret->part == PART_LEFT || ret->part == PART_CLOSING) {
		answer_line(g, r, s, a, ret);
	} else {
		ret->json = true;
		judges_answer(g, r, s, a, ret);
	}
	if (ret->thinking.n == 0 && (s->think || s->reasoning)) {
		struct texts think = lines_get(g->lines, "think");
		ret->thinking = think.n ? think.v[mix_below(r->key, "think", think.n)] : STR("想一想。");
	}
}
