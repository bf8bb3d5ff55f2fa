/* A child by a model: the question, what its answer must be, the record. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"
#include "core/call.h"
#include "core/chat.h"
#include "stages/enhance/enhance.h"

#include <string.h>

#define MODEL_SHOWN 100 /* bytes of a model's name */

/* Values are given in the order of the slots. */
enum { SLOT_SEEDS, SLOT_COUNT, SLOT_LABEL, SLOT_LEAST, SLOT_MOST, SLOT_AXES };
#define CHILD_SLOTS \
	{ \
		{"seeds", true}, {"count", false}, {"label", true}, {"least", true}, {"most", true}, {"scene", true}, \
			{"pretext", true}, {"region", true}, {"person", true}, \
		{ \
			"outcome", true \
		} \
	}
static const struct template_spec prompts[PROMPT_COUNT + 1] = {
	[PROMPT_SYSTEM] = {"system", {{NULL, false}}},
	[PROMPT_SEED] = {"seed", {{"number", false}, {"turns", true}}},
	[PROMPT_LEFT] = {"left", {{"text", true}}},
	[PROMPT_RIGHT] = {"right", {{"text", true}}},
	[PROMPT_FRAUD] = {"fraud", CHILD_SLOTS},
	[PROMPT_NORMAL] = {"normal", CHILD_SLOTS},
};

/* How many turns there may be is left to the judge: many servers know no lengths of lists. */
static const char answer[] = "{\"type\":\"object\",\"required\":[\"turns\"],\"properties\":{\"turns\":{\"type\":"
							 "\"array\",\"items\":{\"type\":\"object\","
							 "\"required\":[\"role\",\"text\"],\"properties\":{\"role\":{\"enum\":[\"left\",\"right\"]}"
							 ",\"text\":{\"type\":\"string\"}}}}}}";

int writer_load(struct arena *a, const struct params *p, struct writer **ret, struct err *e)
{
	struct writer *w = ARENA_NEW(a, struct writer);
	struct json *document = NULL;
	int rc = templates_load(a, &p->prompts, prompts, w->prompts, e);
	if (rc == 0)
		rc = axes_load(a, p->axes.p, &w->axes, e);
	if (rc == 0)
		rc = line_rules_load(a, p->lines.p, &w->lines, e);
	if (rc == 0)
		rc = json_parse(a, str_of(answer), &document, e);
	if (rc == 0)
		rc = schema_read(a, document, &w->answer, e);
	if (rc == 0)
		*ret = w;
	return rc;
}

/* For a plan without earlier runs: one request a slot, with the system's text, the larger of the two questions, and parent and peers. TYPICAL_CALL: the mean
 * of TeleAntiFraud's 4,962 published dialogues (6.6 turns of 188 bytes) with a mark a turn. TYPICAL_ANSWER: 14 turns of 30 characters at 0.8 tokens each, and
 * 16 tokens of JSON a turn. */
#define TYPICAL_CALL 1300
#define TYPICAL_ANSWER 560

void writer_cost(const struct params *p, struct stage_cost *ret)
{
	int64_t bytes = 0, question = 0;
	for (size_t i = 0; i < p->prompts.n; i++) {
		struct fs_stat st = {.exists = false};
		int name = template_named(prompts, fs_stem(p->prompts.v[i].p));
		if (fs_stat(p->prompts.v[i].p, &st, NULL) < 0 || !st.exists)
			continue;
		if (name == PROMPT_SYSTEM)
			bytes += st.size;
		else if ((name == PROMPT_FRAUD || name == PROMPT_NORMAL) && st.size > question)
			question = st.size;
	}
	*ret = (struct stage_cost){
		.requests = 1, .bytes_in = bytes + question + (1 + p->peers) * TYPICAL_CALL, .tokens_out = TYPICAL_ANSWER};
}

/* --- The question --- */

struct child {
	struct making *m;
	const struct writer *writer;
	const struct axis_value *axes[AXIS_COUNT];
	bool fraud;
	struct str label;
	int64_t least; /* turns */
	size_t shown;  /* of the calls: the parent, then peers that fitted */
	/* of the answers */
	struct json *turns;
	int64_t most, closest; /* ROUGE-L of the one that will do; the lowest of those that were too similar, -1: none */
};

static void write_seed(const struct child *c, size_t call, struct buf *ret)
{
	CLEANUP(buf_release) struct buf turns = BUF_INIT_MAX(SEED_BYTES_MAX);
	struct arena *a = c->m->w->arena;
	JSON_EACH(turn, json_get(c->m->calls[call], "turns")) {
		const struct str text[] = {turn_text(turn)};
		if (turns.len)
			buf_putc(&turns, '\n');
		template_render(&turns, &c->writer->prompts[str_is(turn_role(turn), "left") ? PROMPT_LEFT : PROMPT_RIGHT], text);
	}
	const struct str values[] = {str_of(arena_printf(a, "%zu", call + 1)), buf_view(&turns)};
	if (buf_error(&turns))
		ret->error = true;
	else
		template_render(ret, &c->writer->prompts[PROMPT_SEED], values);
}

/* Parent and peers, as many as fit. ERR_TOOBIG when the parent alone does not. */
static int write_seeds(struct child *c, struct buf *ret, struct err *e)
{
	for (c->shown = 0; c->shown < c->m->ncalls; c->shown++) {
		CLEANUP(buf_release) struct buf seed = BUF_INIT_MAX(SEED_BYTES_MAX);
		write_seed(c, c->shown, &seed);
		if (buf_error(&seed) || ret->len + seed.len + 2 > SEED_BYTES_MAX)
			break;
		buf_puts(ret, c->shown ? "\n\n" : "");
		buf_str(ret, buf_view(&seed));
	}
	if (c->shown == 0)
		return err_set(e, ERR_TOOBIG, "this call is over %zu KiB, too long to be shown", SEED_BYTES_MAX >> 10);
	return 0;
}

static struct str number(struct arena *a, int64_t n)
{
	return str_of(arena_printf(a, "%lld", (long long)n));
}

static int ask_of(struct child *c, struct chat *ret, struct err *e)
{
	struct arena *a = c->m->w->arena;
	CLEANUP(buf_release) struct buf seeds = BUF_INIT;
	CLEANUP(buf_release) struct buf system = BUF_INIT;
	CLEANUP(buf_release) struct buf asked = BUF_INIT;
	struct str values[SLOT_AXES + AXIS_COUNT];
	int rc = write_seeds(c, &seeds, e);
	if (rc != 0)
		return rc;
	values[SLOT_SEEDS] = buf_view(&seeds);
	values[SLOT_COUNT] = number(a, (int64_t)c->shown);
	values[SLOT_LABEL] = c->label;
	values[SLOT_LEAST] = number(a, c->least);
	values[SLOT_MOST] = number(a, CHILD_TURNS_MAX);
	for (int i = 0; i < AXIS_COUNT; i++)
		values[SLOT_AXES + i] = c->axes[i]->say;
	template_render(&system, &c->writer->prompts[PROMPT_SYSTEM], NULL);
	template_render(&asked, &c->writer->prompts[c->fraud ? PROMPT_FRAUD : PROMPT_NORMAL], values);
	ret->messages = json_array(a);
	chat_say(a, ret->messages, "system", buf_view(&system));
	chat_say(a, ret->messages, "user", buf_view(&asked));
	ret->step = "child";
	ret->schema = c->writer->answer;
	return 0;
}

/* --- The answer --- */

static int read_turns(struct child *c, const struct json *list, struct err *e)
{
	struct arena *a = c->m->w->arena;
	size_t n = json_count(list), at = 0;
	struct line *said = arena_array(a, n + 1, sizeof(*said));
	struct str before = STR("");
	if ((int64_t)n < c->least || n > CHILD_TURNS_MAX)
		return err_set(
			e, ERR_INVALID, "turns: there are %zu; wanted are %lld to %d", n, (long long)c->least, CHILD_TURNS_MAX);
	c->turns = json_array(a);
	JSON_EACH(turn, list) {
		const struct line_wants wants = {
			.max_chars = CHILD_LINE_CHARS, .closing = at + 1 == n, .said = said, .nsaid = at};
		struct err own = ERR_INIT;
		if (str_eq(turn_role(turn), before))
			return err_set(e, ERR_INVALID, "turn %zu: %.*s speaks twice in a row", at + 1, STR_FMT(before));
		int rc = line_read(a, &c->writer->lines, &wants, turn_text(turn), &said[at], &own);
		if (rc != 0)
			return err_set(e, rc, "turn %zu: %s", at + 1, own.text);
		before = turn_role(turn);
		json_append(c->turns, turn_new(a, before.p, said[at++].text));
	}
	return 0;
}

static int judge(void *arg, const struct chat_reply *reply, struct err *e)
{
	struct child *c = arg;
	int64_t most = 0;
	struct err own = ERR_INIT;
	int rc = read_turns(c, json_get(reply->json, "turns"), e);
	if (rc != 0)
		return rc;
	rc = making_likeness(c->m, c->turns, &most, &own);
	if (rc != 0)
		return err_set(e, rc, "%s", own.text);
	if (most < c->m->limit) {
		c->most = most;
		return 0;
	}
	if (c->closest < 0 || most < c->closest)
		c->closest = most;
	return err_set(e, ERR_INVALID, "too similar to a call there is: ROUGE-L %lld of 1000, the limit is %lld",
		(long long)most, (long long)c->m->limit);
}

/* --- The record --- */

static struct json *profile_of(const struct child *c)
{
	struct arena *a = c->m->w->arena;
	const struct axis_value *v = c->axes[AXIS_PERSON];
	struct json *profile = json_object(a), *right = json_object(a);
	const struct json *left = json_path(c->m->calls[0], "profile.left");
	if (v->age)
		json_set_int(a, right, "age", v->age);
	if (v->gender.n)
		json_set_str(a, right, "gender", v->gender);
	if (v->occupation.n)
		json_set_str(a, right, "occupation", v->occupation);
	if (json_count(right))
		json_set(a, profile, "right", right);
	if (left)
		json_set(a, profile, "left", json_copy(a, left));
	return profile;
}

static struct json *enhancement_of(const struct child *c, struct str model)
{
	struct arena *a = c->m->w->arena;
	struct json *out = json_object(a), *axes = json_object(a);
	const char *kind = c->m->w->stage->provider->ops->kind;
	model = utf8_clip(model, MODEL_SHOWN);
	for (int i = 0; i < AXIS_COUNT; i++)
		json_set_str(a, axes, axis_name((enum axis)i), c->axes[i]->say);
	json_set_text(a, out, "writer", model.n ? arena_printf(a, "%s:%.*s", kind, STR_FMT(model)) : kind);
	json_set(a, out, "axes", axes);
	json_set(a, out, "from", json_array(a)); /* no turn is another call's */
	json_set_int(a, out, "rouge_l_permille", c->most);
	return out;
}

static void write_child(const struct child *c, struct str model)
{
	struct work *w = c->m->w;
	struct arena *a = w->arena;
	struct json *out = json_object(a), *termination = json_object(a), *parents = json_array(a), *profile = profile_of(c);
	struct str by = c->axes[AXIS_OUTCOME]->by;
	for (size_t i = 0; i < c->shown; i++)
		json_append(parents, json_str(a, c->m->ids[i]));
	json_set_str(a, termination, "by", by.n ? by : STR("unknown"));
	json_set_text(a, out, "source", "enhanced");
	json_set_str(a, out, "initiator", json_get_str(w->call, "initiator"));
	json_set(a, out, "label", json_copy(a, json_get(w->call, "label")));
	json_set(a, out, "turns", c->turns);
	json_set(a, out, "termination", termination);
	if (json_count(profile))
		json_set(a, out, "profile", profile);
	json_set(a, out, "parents", parents);
	json_set(a, out, "enhancement", enhancement_of(c, model));
	w->fields = out;
}

static void draw_axes(struct child *c)
{
	for (int i = 0; i < AXIS_COUNT; i++) {
		struct draw d;
		work_draw(c->m->w, arena_printf(c->m->w->arena, "axis %s", axis_name((enum axis)i)), &d);
		c->axes[i] = axes_draw(&c->writer->axes, (enum axis)i, c->fraud, c->label, draw_u64(&d));
	}
}

int writer_make(struct making *m, const struct writer *writer, struct err *e)
{
	const struct params *p = m->w->stage->params;
	const struct json *label = json_get(m->calls[0], "label");
	struct child c = {.m = m, .writer = writer, .closest = -1};
	struct chat chat = CHAT_INIT;
	struct chat_reply reply = {.draw = 0};
	struct err own = ERR_INIT;
	c.fraud = json_get_bool(label, "is_fraud", false);
	c.label = json_get_str(label, c.fraud ? "fraud_type" : "scene");
	if (!c.label.n)
		c.label = c.fraud ? STR("电信诈骗") : STR("日常通话");
	c.least = p->min_turns > CHILD_TURNS_MIN ? p->min_turns : CHILD_TURNS_MIN;
	draw_axes(&c);
	int rc = ask_of(&c, &chat, e);
	if (rc != 0)
		return rc;
	chat.judge = judge;
	chat.arg = &c;
	rc = work_chat(m->w, &chat, &reply, &own);
	if (rc == ERR_INVALID && c.closest >= 0) {
		making_reject(m->w, "novelty", c.closest, m->limit, "thousandths of ROUGE-L");
		return 0;
	}
	if (rc != 0)
		return err_set(e, rc, "%s", own.text);
	write_child(&c, reply.model);
	return 0;
}
