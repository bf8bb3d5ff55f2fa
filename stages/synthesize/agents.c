/* Calls by LLM agents: both sides speak in turn, each by its own system prompt and with the roles of the history swapped (own lines are `assistant`, the
 * other's `user`); a manager that hears both says when the call is over. A line is a turn only when it keeps line_rules; a broken one costs the next draw. */
#include "base/alloc.h"
#include "core/chat.h"
#include "stages/synthesize/parts.h"

#include <string.h>

#define REASON_LIMIT "到了轮数上限，双方道别"
#define ENDCALL "ENDCALL_SIGNAL"
#define TERMINATE "TERMINATE_SIGNAL"

/* Delivery emotions: a closed list, since a voice must know them. */
static const char *const emotions[] = {
	"平静", "热情", "高兴", "疑惑", "犹豫", "着急", "紧张", "害怕", "生气", "不耐烦", "难过", "严肃"};

static const char verdict_schema[] =
	"{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"should_terminate\",\"terminator\",\"reason\"],"
	"\"properties\":{\"should_terminate\":{\"type\":\"boolean\"},"
	"\"terminator\":{\"enum\":[\"left\",\"right\",\"natural\",\"endcall\"]},"
	"\"reason\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":300}}}";

struct agents {
	struct bands bands;
	struct prompts prompts;
	struct line_rules rules;
	struct schema *verdict;
	struct schema *spoken; /* {emotion, text} */
	struct str emotions;   /* all, as the prompt shows them */
};

static const char *role_name(enum scenario_role role)
{
	return role == ROLE_LEFT ? "left" : "right";
}

static enum scenario_role other(enum scenario_role role)
{
	return role == ROLE_LEFT ? ROLE_RIGHT : ROLE_LEFT;
}

/* --- Loading --- */

static struct json *spoken_schema(struct arena *a)
{
	struct json *schema = NULL, *list = json_array(a);
	ASSERT(json_parse(a,
			   STR("{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"emotion\",\"text\"],"
				   "\"properties\":{\"emotion\":{},\"text\":{\"type\":\"string\"}}}"),
			   &schema, NULL) == 0);
	for (size_t i = 0; i < COUNT_OF(emotions); i++)
		json_append(list, json_text(a, emotions[i]));
	json_set(a, json_path(schema, "properties.emotion"), "enum", list);
	return schema;
}

int agents_load(struct stage *s, struct agents **ret, struct err *e)
{
	const struct params *params = s->params;
	struct arena *a = &s->arena;
	struct agents *agents = ARENA_NEW(a, struct agents);
	struct json *verdict = NULL;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	int rc = bands_load(a, arena_str(a, params->bands).p, &agents->bands, e);
	if (rc == 0)
		rc = prompts_load(a, &params->prompts, &agents->prompts, e);
	if (rc == 0)
		rc = line_rules_load(a, arena_str(a, params->line_rules).p, &agents->rules, e);
	if (rc == 0)
		rc = json_parse(a, str_of(verdict_schema), &verdict, e);
	if (rc == 0)
		rc = schema_read(a, verdict, &agents->verdict, e);
	if (rc == 0)
		rc = schema_read(a, spoken_schema(a), &agents->spoken, e);
	for (size_t i = 0; i < COUNT_OF(emotions); i++)
		buf_printf(&b, "%s%s", i ? "、" : "", emotions[i]);
	agents->emotions = arena_str(a, buf_view(&b));
	if (rc == 0)
		*ret = agents;
	return rc;
}

const struct bands *agents_bands(const struct agents *agents)
{
	return &agents->bands;
}

/* --- A call that is being written --- */

struct talk {
	struct work *w;
	const struct agents *agents;
	const struct params *params;
	const struct scenario *scenario;
	struct str facts[FACTS];
	struct str example[2]; /* lines that the scenario's own lines give, by role */
	struct line *lines;
	struct talk_turn *turns; /* the same, as the call will have them */
	size_t n, spoken[2];     /* lines in all, and by side */
	struct talk_result ends; /* by, signal, reason */
};

static struct str number(struct arena *a, int64_t n)
{
	return str_of(arena_printf(a, "%lld", (long long)n));
}

/* What the scenario's own lines make of the same call: facts and the course of events for the agents, by side. Without lines for this person the title and
 * the phases must do. */
static void put_examples(struct talk *t, const struct persona *who, uint64_t seed)
{
	CLEANUP(buf_release) struct buf left = BUF_INIT;
	CLEANUP(buf_release) struct buf right = BUF_INIT;
	CLEANUP(arena_release)
	struct arena scratch = ARENA_INIT; /* most of it is not needed while the call waits for answers */
	struct arena *a = t->w->arena;
	struct dialogue d;
	struct err ignored = ERR_INIT;
	if (script_write(&scratch, t->scenario, who, seed, &d, &ignored) != 0)
		return;
	for (size_t i = 0; i < d.nturns; i++)
		buf_printf(d.turns[i].role == ROLE_LEFT ? &left : &right, "\n%.*s", STR_FMT(d.turns[i].text));
	t->example[ROLE_LEFT] = arena_str(a, buf_view(&left));
	t->example[ROLE_RIGHT] = arena_str(a, buf_view(&right));
	for (size_t i = 0; i < d.nturns && t->scenario->initiator == ROLE_RIGHT && !t->facts[FACT_ERRAND].n; i++)
		if (d.turns[i].role == ROLE_RIGHT)
			t->facts[FACT_ERRAND] = arena_str(a, d.turns[i].text);
}

static void put_facts(struct talk *t, const struct cast *cast)
{
	const struct scenario *s = cast->scenario;
	struct arena *a = t->w->arena;
	struct script_people *people = &t->ends.people;
	struct draw draw;
	work_draw(t->w, "script", &draw);
	uint64_t seed = draw_u64(&draw);
	script_people(a, s, &cast->who, seed, people);
	put_examples(t, &cast->who, seed);
	CLEANUP(buf_release) struct buf phases = BUF_INIT;
	for (size_t i = 0; i < s->nphases; i++)
		buf_printf(&phases, "%s%.*s", i ? "、" : "", STR_FMT(s->phases[i].name));
	t->facts[FACT_TITLE] = s->title;
	t->facts[FACT_LABEL] = s->is_fraud ? s->fraud_type : s->scene;
	t->facts[FACT_INITIATOR] = str_of(role_name(s->initiator));
	t->facts[FACT_NAME] = people->name;
	t->facts[FACT_ADDRESS] = people->address;
	t->facts[FACT_GENDER] = cast->who.gender;
	t->facts[FACT_AGE] = number(a, people->right_age);
	t->facts[FACT_OCCUPATION] = cast->who.occupation;
	t->facts[FACT_MANNER] = cast->manner->manner;
	t->facts[FACT_LEFT_GENDER] = people->left_gender;
	t->facts[FACT_LEFT_AGE] = number(a, people->left_age);
	t->facts[FACT_LEFT_SURNAME] = people->left_surname;
	t->facts[FACT_LEFT_STAFF] = people->left_staff;
	t->facts[FACT_PHASES] = arena_str(a, buf_view(&phases));
	t->facts[FACT_MAX_CHARS] = number(a, t->params->max_chars);
	t->facts[FACT_EMOTIONS] = t->agents->emotions;
}

/* --- A line --- */

struct question {
	struct talk *t;
	struct line_wants wants;
	struct line line; /* of the answer that will do */
	struct str emotion;
};

static struct json *system_message(
	struct talk *t, struct arena *a, enum scenario_role role, const struct line_wants *wants)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	const struct prompts *p = &t->agents->prompts;
	int kind = t->scenario->is_fraud ? PROMPT_LEFT_FRAUD : PROMPT_LEFT_NORMAL;
	struct json *messages = json_array(a);
	t->facts[FACT_DIALLER] = role == t->scenario->initiator ? STR("你") : STR("对方");
	t->facts[FACT_EXAMPLE] = t->example[role];
	t->facts[FACT_SIGNAL] = wants->may_hang_up ? STR(LINE_HANG_UP) : STR("");
	t->facts[FACT_EARLY] = wants->may_hang_up || wants->closing ? STR("") : STR("现在");
	prompt_put(&b, p, (enum prompt)(kind + (role == ROLE_RIGHT)), t->facts);
	buf_puts(&b, "\n\n");
	prompt_put(&b, p, PROMPT_SPEAKING, t->facts);
	if (t->params->emotions) {
		buf_puts(&b, "\n\n");
		prompt_put(&b, p, PROMPT_EMOTION, t->facts);
	}
	chat_say(a, messages, "system", buf_view(&b));
	return messages;
}

/* An own line in the form its side is asked to answer in. */
static struct str own_line(struct talk *t, struct arena *a, size_t i)
{
	if (!t->params->emotions)
		return t->lines[i].text;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct json *v = json_object(a);
	json_set_str(a, v, "emotion", t->turns[i].emotion);
	json_set_str(a, v, "text", t->lines[i].text);
	json_write(&b, v);
	return arena_str(a, buf_view(&b));
}

/* The call as one side hears it. Who dials is told to begin; `instruction` stands behind the other side's last words. */
static struct json *heard_by(
	struct talk *t, struct arena *a, enum scenario_role role, struct json *messages, struct str instruction)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (role == t->scenario->initiator) {
		prompt_put(&b, &t->agents->prompts, PROMPT_OPENING, t->facts);
		chat_say(a, messages, "user", buf_view(&b));
	}
	for (size_t i = 0; i < t->n; i++) {
		bool own = t->turns[i].role == role;
		struct str text = own ? own_line(t, a, i) : t->lines[i].text;
		if (i + 1 == t->n && instruction.n)
			text = str_of(arena_printf(a, "%.*s\n\n%.*s", STR_FMT(text), STR_FMT(instruction)));
		chat_say(a, messages, own ? "assistant" : "user", text);
	}
	return messages;
}

static int judge_line(void *arg, const struct chat_reply *reply, struct err *e)
{
	struct question *q = arg;
	struct str text = reply->json ? json_get_str(reply->json, "text") : reply->text;
	if (reply->json)
		q->emotion = json_get_str(reply->json, "emotion");
	return line_read(q->t->w->arena, &q->t->agents->rules, &q->wants, text, &q->line, e);
}

/** The next line. `closing` is the instruction for a side's last one; empty: the call goes on. */
static int speak(struct talk *t, enum scenario_role role, struct str closing, struct err *e)
{
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT; /* of the question; answers are in the record's */
	struct arena *a = &scratch;
	struct question q = {.t = t,
		.wants = {.max_chars = (size_t)t->params->max_chars,
			.may_hang_up = !closing.n && (int64_t)t->n + 1 >= t->params->min_turns,
			.closing = closing.n > 0,
			.said = t->lines,
			.nsaid = t->n}};
	struct chat chat = CHAT_INIT;
	struct chat_reply reply;
	ASSERT(t->n == 0 ? role == t->scenario->initiator : role != t->turns[t->n - 1].role);
	chat.step = closing.n ? arena_printf(a, "closing %s", role_name(role))
						  : arena_printf(a, "%s %zu", role_name(role), t->spoken[role] + 1);
	chat.messages = heard_by(t, a, role, system_message(t, a, role, &q.wants), closing);
	chat.schema = t->params->emotions ? t->agents->spoken : NULL;
	chat.judge = judge_line;
	chat.arg = &q;
	int rc = work_chat(t->w, &chat, &reply, e);
	if (rc != 0)
		return rc;
	ASSERT((int64_t)t->n < t->params->max_turns);
	t->lines[t->n] = q.line;
	t->turns[t->n++] = (struct talk_turn){role, q.line.text, q.emotion};
	t->spoken[role]++;
	return 0;
}

/* --- The manager --- */

struct verdict {
	bool ends;
	struct str terminator, reason;
};

static int ask_manager(struct talk *t, enum prompt question, struct verdict *ret, struct err *e)
{
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	struct arena *a = &scratch;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct chat chat = CHAT_INIT;
	struct chat_reply reply;
	for (size_t i = 0; i < t->n; i++)
		buf_printf(&b, "%s%s：%.*s", i ? "\n" : "", role_name(t->turns[i].role), STR_FMT(t->turns[i].text));
	t->facts[FACT_TRANSCRIPT] = arena_str(a, buf_view(&b));
	t->facts[FACT_SIDE] = str_of(role_name(t->turns[t->n - 1].role));
	chat.messages = json_array(a);
	buf_clear(&b);
	prompt_put(&b, &t->agents->prompts, t->scenario->is_fraud ? PROMPT_MANAGER_FRAUD : PROMPT_MANAGER_NORMAL, t->facts);
	chat_say(a, chat.messages, "system", buf_view(&b));
	buf_clear(&b);
	prompt_put(&b, &t->agents->prompts, question, t->facts);
	chat_say(a, chat.messages, "user", buf_view(&b));
	chat.step =
		question == PROMPT_HANGUP ? arena_printf(a, "hang-up %zu", t->n) : arena_printf(a, "manager %zu", t->n / 2);
	chat.schema = t->agents->verdict;
	chat.temperature = t->params->manager_temperature;
	int rc = work_chat(t->w, &chat, &reply, e);
	if (rc == 0)
		*ret = (struct verdict){json_get_bool(reply.json, "should_terminate", false),
			json_get_str(reply.json, "terminator"), json_get_str(reply.json, "reason")};
	return rc;
}

static void set_end(struct talk *t, enum scenario_by by, const char *signal, struct str reason)
{
	t->ends.by = by;
	t->ends.signal = signal;
	t->ends.reason = reason;
}

/* The last line came with the signal. If it does end the call, nothing more is said: who hung up spoke last, and by whom the call ended is a fact that the
 * manager can only turn into `natural` (both had said goodbye). */
static int hang_up(struct talk *t, bool *ret_ended, struct err *e)
{
	struct verdict v;
	int rc = ask_manager(t, PROMPT_HANGUP, &v, e);
	if (rc != 0)
		return rc;
	*ret_ended = v.ends;
	if (v.ends)
		set_end(t,
			str_is(v.terminator, "natural")        ? BY_NATURAL
			: t->turns[t->n - 1].role == ROLE_LEFT ? BY_LEFT
												   : BY_RIGHT,
			ENDCALL, v.reason);
	return 0;
}

/* After an exchange: is it over? Not while a question waits for its answer, whatever the manager says. Two lines are kept for the goodbyes. */
static int exchange_over(struct talk *t, bool *ret_over, struct err *e)
{
	struct verdict v = {.ends = false};
	int64_t n = (int64_t)t->n;
	*ret_over = n + 4 > t->params->max_turns;
	if (*ret_over)
		set_end(t, BY_NATURAL, TERMINATE, STR(REASON_LIMIT));
	if (*ret_over || n < t->params->min_turns)
		return 0;
	int rc = ask_manager(t, PROMPT_VERDICT, &v, e);
	if (rc != 0)
		return rc;
	*ret_over = v.ends && !t->lines[t->n - 1].asks; /* a goodbye is no answer to a question */
	if (*ret_over) /* nobody has hung up here: `endcall` says no more than that it is over */
		set_end(t,
			str_is(v.terminator, "left")    ? BY_LEFT
			: str_is(v.terminator, "right") ? BY_RIGHT
											: BY_NATURAL,
			TERMINATE, v.reason);
	return 0;
}

static int closing_line(struct talk *t, enum scenario_role role, struct err *e)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	enum scenario_by own = role == ROLE_LEFT ? BY_LEFT : BY_RIGHT;
	enum prompt which = t->ends.by == BY_NATURAL ? PROMPT_CLOSING_BOTH
						: t->ends.by == own      ? PROMPT_CLOSING_OWN
												 : PROMPT_CLOSING_OTHER;
	t->facts[FACT_REASON] = t->ends.reason;
	prompt_put(&b, &t->agents->prompts, which, t->facts);
	return speak(t, role, buf_view(&b), e);
}

/* --- The whole --- */

/* The sides go on taking turns; who ends the call speaks last. */
static int converse(struct talk *t, struct err *e)
{
	enum scenario_role first = t->scenario->initiator, role = first;
	bool ended = false, over = false;
	int rc = 0;
	for (; !over; role = other(role)) {
		rc = speak(t, role, STR(""), e);
		if (rc == 0 && t->lines[t->n - 1].hangs_up)
			rc = hang_up(t, &ended, e);
		if (rc != 0 || ended)
			return rc;
		if (role != first)
			rc = exchange_over(t, &over, e);
		if (rc != 0)
			return rc;
	}
	rc = closing_line(t, first, e);
	if (rc == 0 && t->ends.by != (first == ROLE_LEFT ? BY_LEFT : BY_RIGHT))
		rc = closing_line(t, other(first), e);
	return rc;
}

int agents_write(
	struct work *w, const struct agents *agents, const struct cast *cast, struct talk_result *ret, struct err *e)
{
	const struct params *params = w->stage->params;
	struct talk *t = ARENA_NEW(w->arena, struct talk); /* network threads have small stacks */
	*t = (struct talk){.w = w, .agents = agents, .params = params, .scenario = cast->scenario};
	t->lines = arena_array(w->arena, (size_t)params->max_turns, sizeof(*t->lines));
	t->turns = arena_array(w->arena, (size_t)params->max_turns, sizeof(*t->turns));
	put_facts(t, cast);
	int rc = converse(t, e);
	if (rc != 0)
		return rc;
	*ret = t->ends;
	ret->turns = t->turns;
	ret->nturns = t->n;
	return 0;
}

/* --- Estimates --- */

#define LINE_BYTES 120 /* of a line in a prompt: about 35 characters, and its place in JSON */
#define FACT_BYTES 700 /* that a side's system prompt gets from slots: mostly the example lines */
#define LINE_TOKENS 40 /* of an answer of a side; thinking, if the model does any, comes on top */
#define VERDICT_TOKENS 50

/* A call is taken to end halfway between min_turns and max_turns, T lines. Requests: T lines, and a verdict for each exchange from min_turns on. Each line's
 * prompt is the system prompt and the lines before; so is each verdict's. */
void agents_cost(const struct stage *s, struct stage_cost *ret)
{
	const struct params *params = s->params;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct prompts p;
	struct err ignored = ERR_INIT;
	*ret = (struct stage_cost){.requests = 0};
	if (prompts_load(&a, &params->prompts, &p, &ignored) != 0)
		return;
	int64_t turns = (params->min_turns + params->max_turns) / 2, verdicts = (turns - params->min_turns) / 2 + 1;
	size_t sides = 0, manager = template_bytes(&p.v[PROMPT_VERDICT]);
	for (int i = PROMPT_LEFT_NORMAL; i <= PROMPT_RIGHT_FRAUD; i++)
		sides += template_bytes(&p.v[i]) / 4;
	sides += template_bytes(&p.v[PROMPT_SPEAKING]) + template_bytes(&p.v[PROMPT_OPENING]) / 2 + FACT_BYTES;
	sides += params->emotions ? template_bytes(&p.v[PROMPT_EMOTION]) : 0;
	manager += (template_bytes(&p.v[PROMPT_MANAGER_FRAUD]) + template_bytes(&p.v[PROMPT_MANAGER_NORMAL])) / 2;
	ret->requests = turns + verdicts;
	ret->bytes_in = turns * (int64_t)sides + turns * (turns - 1) / 2 * LINE_BYTES + verdicts * (int64_t)manager +
					verdicts * (params->min_turns + turns) / 2 * LINE_BYTES;
	ret->tokens_out = turns * LINE_TOKENS + verdicts * VERDICT_TOKENS;
}
