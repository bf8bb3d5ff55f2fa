/* The three questions of a call to a model, and what its answers must be. */
#include "stages/annotate/ask.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/chat.h"

#include <string.h>

#define WORDS_SHOWN 60 /* bytes of a wrong answer in a reason */
#define WRITER_MAX 200 /* bytes of a model's name */

/* --- Scenes of a call that has none --- */

size_t scenes_proposed(struct arena *a, const struct tables *t, const struct json *turns, struct str ret[SCENES_PROPOSED])
{
	struct evidence ev;
	int64_t points[SCENES_PROPOSED] = {0};
	size_t n = 0;
	evidence_find(a, t, turns, &ev);
	for (size_t i = 0; i < t->scenes.n; i++) {
		int64_t own = label_points(t, &ev, &t->scenes.v[i], false);
		size_t at = n;
		while (at > 0 && points[at - 1] < own)
			at--;
		if (own == 0 || at == SCENES_PROPOSED)
			continue;
		n += n < SCENES_PROPOSED;
		for (size_t k = n - 1; k > at; k--) {
			points[k] = points[k - 1];
			ret[k] = ret[k - 1];
		}
		points[at] = own;
		ret[at] = t->scenes.v[i].label;
	}
	struct str dflt = t->scenes.v[t->default_scene].label;
	bool there = n > 0 && points[0] >= t->enough;
	for (size_t i = 0; i < n; i++)
		there |= str_eq(ret[i], dflt);
	if (!there) {
		n -= n == SCENES_PROPOSED;
		ret[n++] = dflt;
	}
	return n;
}

/* --- Judging --- */

struct question {
	struct work *w;
	const struct asker *k;
	const struct cited_turns *turns;
	enum round round;
	bool fraud;
	struct str labels[SCENES_PROPOSED]; /* the answers that are right */
	size_t nlabels;
	/* of the answer that will do */
	struct str thinking, label;
};
/* As in the answers, in schemas/call.schema.json and in the evaluation scripts. */
static const char *const keys[ROUND_COUNT] = {"scene", "is_fraud", "fraud_type"};

static bool in_set(const struct question *q, struct str label)
{
	return q->round == ROUND_SCENE ? labels_is_scene(&q->k->labels, label) : labels_is_fraud_type(&q->k->labels, label);
}

static int judge_label(struct question *q, const struct json *answer, struct err *e)
{
	const char *key = keys[q->round];
	const struct json *given = json_get(answer, key);
	if (q->round == ROUND_FRAUD) {
		if (given->u.b != q->fraud)
			return err_set(e, ERR_INVALID, "wrong label: is_fraud is %s", given->u.b ? "true" : "false");
		return 0;
	}
	struct str label = str_trim(given->u.s);
	for (size_t i = 0; i < q->nlabels; i++)
		if (str_eq(label, q->labels[i])) {
			q->label = q->labels[i];
			return 0;
		}
	return err_set(e, ERR_INVALID, "wrong label: %s is '%.*s'%s", key, STR_FMT(utf8_clip(label, WORDS_SHOWN)),
		in_set(q, label) ? "" : ", which is not in the closed set");
}

struct first_fault {
	struct arena *a;
	const char *words; /* NULL: none */
};

/* Words of the call are not told: reasons go to logs. */
static void keep_first(void *arg, const struct note_fault *f)
{
	struct first_fault *first = arg;
	if (first->words)
		return;
	if (strcmp(f->rule, "quotation_false") == 0)
		first->words = arena_printf(first->a, "quotation_false: words in 「」 that %s does not say",
			f->turn >= 0 ? arena_printf(first->a, "turn %lld", (long long)f->turn + 1) : "the call");
	else if (f->words.p)
		first->words = arena_printf(first->a, "%s: %.*s", f->rule, STR_FMT(utf8_clip(f->words, WORDS_SHOWN)));
	else
		first->words = arena_printf(
			first->a, "%s: %lld %s, the limit is %lld", f->rule, (long long)f->value, f->unit, (long long)f->limit);
}

/* What is wrong with a text, or NULL. */
static const char *fault_of(const struct question *q, struct str text, bool thinking)
{
	struct err e = ERR_INIT;
	struct first_fault first = {.a = q->w->arena};
	const struct note_check c = {
		.rules = &q->k->rules, .turns = q->turns, .a = q->w->arena, .tell = keep_first, .arg = &first};
	int rc = thinking ? note_thinking(&c, text, &e) : note_reason(&c, text, &e);
	return rc < 0 ? arena_strdup(q->w->arena, e.text) : first.words;
}

static int judge_thinking(struct question *q, const struct chat_reply *reply, struct err *e)
{
	const struct str texts[] = {q->k->thinking == THINKING_ANSWER ? STR("") : str_trim(reply->thinking),
		str_trim(json_get_str(reply->json, "thinking"))};
	const char *fault = "there is none";
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (!texts[i].n)
			continue;
		fault = fault_of(q, texts[i], true);
		if (fault)
			continue;
		q->thinking = texts[i];
		return 0;
	}
	return err_set(e, ERR_INVALID, "thinking: %s", fault);
}

static int judge(void *arg, const struct chat_reply *reply, struct err *e)
{
	struct question *q = arg;
	int rc = judge_label(q, reply->json, e);
	if (rc != 0)
		return rc;
	const char *fault = fault_of(q, str_trim(json_get_str(reply->json, "reason")), false);
	if (!str_trim(json_get_str(reply->json, "reason")).n)
		fault = "there is none";
	return fault ? err_set(e, ERR_INVALID, "reason: %s", fault) : judge_thinking(q, reply, e);
}

/* --- Asking --- */

static int64_t percent_of(const struct json *confidence)
{
	return json_is(confidence, JSON_INT) ? confidence->u.i * 100 : (int64_t)(confidence->u.d * 100 + 0.5);
}

static struct json *round_json(const struct question *q, const struct chat_reply *reply)
{
	struct arena *a = q->w->arena;
	struct json *round = json_object(a), *answer = json_object(a);
	json_set(a, answer, keys[q->round], q->round == ROUND_FRAUD ? json_bool(a, q->fraud) : json_str(a, q->label));
	json_set_str(a, answer, "reason", str_trim(json_get_str(reply->json, "reason")));
	json_set_int(a, answer, "confidence_percent", percent_of(json_get(reply->json, "confidence")));
	json_set_str(a, round, "thinking", q->thinking);
	json_set(a, round, "answer", answer);
	return round;
}

/* Models that wrote a call: the provider's kind and their names, each once. */
static void add_writer(struct buf *writer, const struct work *w, struct str model)
{
	model = utf8_clip(model, WRITER_MAX);
	if (!writer->len)
		buf_printf(writer, "%s", w->stage->provider->ops->kind);
	if (model.n && str_find(buf_view(writer), model) < 0)
		buf_printf(writer, "%s%.*s", str_find(buf_view(writer), STR(":")) < 0 ? ":" : "+", STR_FMT(model));
}

static int ask_round(struct question *q, enum prompt prompt, const struct str *values, struct buf *writer,
	struct json **ret, struct err *e)
{
	static const char *const steps[ROUND_COUNT] = {"scene", "fraud", "fraud_type"};
	struct chat chat = CHAT_INIT;
	struct chat_reply reply = {.draw = 0};
	int rc = ask_messages(q->k, q->w, prompt, values, &chat.messages, e);
	if (rc != 0)
		return rc;
	chat.step = steps[q->round];
	chat.schema = q->k->answers[q->round];
	chat.judge = judge;
	chat.arg = q;
	rc = work_chat(q->w, &chat, &reply, e);
	if (rc != 0)
		return rc;
	add_writer(writer, q->w, reply.model);
	*ret = round_json(q, &reply);
	return 0;
}

static int ask_scene(struct question *q, struct buf *writer, struct json **ret, struct err *e)
{
	CLEANUP(buf_release) struct buf names = BUF_INIT;
	for (size_t i = 0; i < q->nlabels; i++) {
		buf_puts(&names, i ? "、" : "");
		buf_str(&names, q->labels[i]);
	}
	const struct str values[] = {buf_view(&names)};
	q->round = ROUND_SCENE;
	return ask_round(q, q->nlabels > 1 ? PROMPT_SCENES : PROMPT_SCENE, values, writer, ret, e);
}

static int ask_rest(struct question *q, struct str type, struct buf *writer, struct json *notes, struct err *e)
{
	struct json *round = NULL;
	q->round = ROUND_FRAUD;
	int rc = ask_round(q, q->fraud ? PROMPT_FRAUD : PROMPT_NORMAL, NULL, writer, &round, e);
	if (rc != 0)
		return rc;
	json_set(q->w->arena, notes, "fraud", round);
	if (!q->fraud || !type.n)
		return 0;
	q->round = ROUND_TYPE;
	q->labels[0] = type;
	q->nlabels = 1;
	rc = ask_round(q, PROMPT_TYPE, &type, writer, &round, e);
	if (rc == 0)
		json_set(q->w->arena, notes, "fraud_type", round);
	return rc;
}

/* A label that is in no set would be refused by qa after it was paid for. */
static int check_labels(const struct asker *k, struct str scene, struct str type, struct err *e)
{
	if (scene.n && !labels_is_scene(&k->labels, scene))
		return err_set(e, ERR_DATA, "the scene '%.*s' of this call is not in the closed set",
			STR_FMT(utf8_clip(scene, WORDS_SHOWN)));
	if (type.n && !labels_is_fraud_type(&k->labels, type))
		return err_set(e, ERR_DATA, "the fraud type '%.*s' of this call is not in the closed set",
			STR_FMT(utf8_clip(type, WORDS_SHOWN)));
	return 0;
}

int ask_rounds(struct work *w, const struct asker *k, struct err *e)
{
	static const char *const hears[] = {"text", "features", "audio"};
	struct arena *a = w->arena;
	struct json *out = json_object(a), *notes = json_object(a), *round = NULL;
	const struct json *label = json_get(w->call, "label"), *turns = json_get(w->call, "turns");
	struct str scene = json_get_str(label, "scene"), type = json_get_str(label, "fraud_type");
	struct cited_turns cited;
	struct question q = {.w = w, .k = k, .turns = &cited, .fraud = json_get_bool(label, "is_fraud", false), .nlabels = 1};
	CLEANUP(buf_release) struct buf writer = BUF_INIT;
	if (json_count(turns) == 0)
		return err_set(e, ERR_DATA, "empty call: it has no turns to annotate");
	int rc = check_labels(k, scene, type, e);
	if (rc == 0)
		rc = cited_turns_init(a, turns, &cited, e);
	if (rc != 0)
		return rc;
	q.labels[0] = scene;
	if (!scene.n)
		q.nlabels = scenes_proposed(a, k->tables, turns, q.labels);
	rc = ask_scene(&q, &writer, &round, e);
	if (rc != 0)
		return rc;
	json_set(a, notes, "scene", round);
	if (!scene.n) {
		struct json *chosen = json_object(a);
		json_set_str(a, chosen, "scene", q.label);
		json_set_text(a, chosen, "scene_origin", "model");
		json_set(a, out, "label", chosen);
	}
	rc = ask_rest(&q, type, &writer, notes, e);
	if (rc != 0)
		return rc;
	json_set_str(a, notes, "writer", buf_view(&writer));
	json_set_text(a, notes, "hears", hears[k->hears]);
	json_set(a, out, "annotations", notes);
	w->fields = out;
	return 0;
}
