/* The prompts of annotate: files by name, the call as text, the messages of a question. */
#include "stages/annotate/ask.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "core/chat.h"

#include <string.h>

/* Values are given in the order of the slots. */
static const struct template_spec prompts[PROMPT_COUNT + 1] = {
	[PROMPT_SYSTEM] = {"system", {{NULL, false}}},
	[PROMPT_CALL] = {"call", {{"turns", true}, {"count", false}, {"sound", true}}},
	[PROMPT_LEFT] = {"left", {{"number", true}, {"text", true}}},
	[PROMPT_RIGHT] = {"right", {{"number", true}, {"text", true}}},
	[PROMPT_VOICE] = {"voice", {{"rate", false}, {"speech", false}, {"pauses", false}, {"low", false}, {"high", false}}},
	[PROMPT_AUDIO] = {"audio", {{NULL, false}}},
	[PROMPT_SCENE] = {"scene", {{"scene", true}}},
	[PROMPT_SCENES] = {"scenes", {{"scenes", true}}},
	[PROMPT_FRAUD] = {"fraud", {{NULL, false}}},
	[PROMPT_NORMAL] = {"normal", {{NULL, false}}},
	[PROMPT_TYPE] = {"fraud_type", {{"fraud_type", true}}},
};

/* What an answer must be like; more members are let pass. The label is not in it: the judge compares, and all calls send one schema. */
#define ANSWER_SCHEMA(key, type) \
	"{\"type\":\"object\",\"required\":[\"thinking\",\"" key "\",\"reason\",\"confidence\"],\"properties\":{" \
	"\"thinking\":{\"type\":\"string\"},\"" key "\":{\"type\":\"" type "\"}," \
	"\"reason\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":1000}," \
	"\"confidence\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1}}}"
static const char *const answers[ROUND_COUNT] = {
	ANSWER_SCHEMA("scene", "string"), ANSWER_SCHEMA("is_fraud", "boolean"), ANSWER_SCHEMA("fraud_type", "string")};

int asker_load(struct arena *a, const struct ask_options *o, const struct tables *tables, const struct labels *labels,
	struct asker **ret, struct err *e)
{
	struct asker *k = ARENA_NEW(a, struct asker);
	k->tables = tables;
	k->labels = *labels;
	k->hears = (enum hears)o->hears;
	k->thinking = (enum thinking_of)o->thinking;
	k->rules = (struct note_rules){.labels = &k->labels,
		.leaks = &k->leaks,
		.markup = &k->markup,
		.min_thinking = o->min_thinking,
		.max_thinking = o->max_thinking,
		.min_citations = o->min_citations,
		.han_percent = ASK_HAN_PERCENT};
	const struct phrase_key keys[] = {{"leaks", &k->leaks}, {"markup", &k->markup}};
	int rc = templates_load(a, o->prompts, prompts, k->prompts, e);
	if (rc == 0)
		rc = phrases_load(a, o->leaks, keys, COUNT_OF(keys), e);
	for (int i = 0; i < ROUND_COUNT && rc == 0; i++) {
		struct json *document = NULL;
		rc = json_parse(a, str_of(answers[i]), &document, e);
		if (rc == 0)
			rc = schema_read(a, document, &k->answers[i], e);
	}
	if (rc == 0)
		*ret = k;
	return rc;
}

/* --- Cost --- */

/* For a plan without earlier runs. A fraud call: three questions, each with system, call and what `hears` adds, and its own text. TYPICAL_CALL: the mean of
 * TeleAntiFraud's 4,962 published dialogues (6.6 turns of 188 bytes, with a mark of 20 each). TYPICAL_ANSWER: 250 characters of thinking and 60 of the
 * rest, at 0.8 tokens a character. Sound is not counted: what a server takes for it differs too much. */
#define TYPICAL_CALL 1400
#define TYPICAL_ANSWER 250

void ask_cost(const struct ask_options *o, struct stage_cost *ret)
{
	int64_t bytes = (int64_t)ROUND_COUNT * TYPICAL_CALL;
	for (size_t i = 0; i < o->prompts->n; i++) {
		struct fs_stat st = {.exists = false};
		int name = template_named(prompts, fs_stem(o->prompts->v[i].p));
		bool each = name == PROMPT_SYSTEM || name == PROMPT_CALL ||
					(name == PROMPT_VOICE && o->hears == HEARS_FEATURES) ||
					(name == PROMPT_AUDIO && o->hears == HEARS_AUDIO);
		bool once = name == PROMPT_SCENE || name == PROMPT_FRAUD || name == PROMPT_TYPE;
		if ((each || once) && fs_stat(o->prompts->v[i].p, &st, NULL) == 0 && st.exists)
			bytes += st.size * (each ? ROUND_COUNT : 1);
	}
	*ret = (struct stage_cost){
		.requests = ROUND_COUNT, .bytes_in = bytes, .tokens_out = (int64_t)ROUND_COUNT * TYPICAL_ANSWER};
}

/* --- A call --- */

/* One line: line ends and other controls in a turn become blanks. */
static struct str one_line(struct arena *a, struct str text)
{
	char *p = arena_dup(a, text.p, text.n);
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7F)
			p[i] = ' ';
	return str_n(p, text.n);
}

static void write_turns(const struct asker *k, struct arena *a, const struct json *turns, struct buf *ret)
{
	size_t n = 0;
	JSON_EACH(turn, turns) {
		bool left = str_is(turn_role(turn), "left");
		const struct str values[] = {str_of(arena_printf(a, "%zu", ++n)), one_line(a, turn_text(turn))};
		if (ret->len)
			buf_putc(ret, '\n');
		template_render(ret, &k->prompts[left ? PROMPT_LEFT : PROMPT_RIGHT], values);
	}
}

/* Of a number that is there, else empty: its line is then left out. */
static struct str whole(struct arena *a, const struct json *voice, const char *name, int64_t divide)
{
	const struct json *v = json_get(voice, name);
	if (!json_is(v, JSON_INT) || v->u.i < 0)
		return STR("");
	return str_of(arena_printf(a, "%lld", (long long)((v->u.i + divide / 2) / divide)));
}

static struct str tenths(struct arena *a, const struct json *voice, const char *name)
{
	int64_t thousandths = json_get_int(voice, name, -1), n = (thousandths + 50) / 100;
	if (thousandths < 0)
		return STR("");
	return str_of(arena_printf(a, "%lld.%lld", (long long)(n / 10), (long long)(n % 10)));
}

static void write_sound(const struct asker *k, struct work *w, struct buf *ret)
{
	const struct json *voice = json_path(w->call, "acoustics.left");
	const struct str values[] = {tenths(w->arena, voice, "speech_rate_msyl_per_s"),
		whole(w->arena, voice, "speech_ms", 1000), whole(w->arena, voice, "pauses", 1),
		whole(w->arena, voice, "pitch_low_hz", 1), whole(w->arena, voice, "pitch_high_hz", 1)};
	if (k->hears == HEARS_FEATURES)
		template_render(ret, &k->prompts[PROMPT_VOICE], values);
	if (k->hears == HEARS_AUDIO)
		template_render(ret, &k->prompts[PROMPT_AUDIO], NULL);
}

static int call_text(const struct asker *k, struct work *w, struct buf *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf turns = BUF_INIT_MAX(ASK_CALL_BYTES);
	CLEANUP(buf_release) struct buf sound = BUF_INIT;
	const struct json *list = json_get(w->call, "turns");
	write_turns(k, w->arena, list, &turns);
	if (buf_error(&turns))
		return err_set(e, ERR_TOOBIG, "the transcript is over %zu KiB, too long for a prompt", ASK_CALL_BYTES >> 10);
	write_sound(k, w, &sound);
	const struct str values[] = {
		buf_view(&turns), str_of(arena_printf(w->arena, "%zu", json_count(list))), buf_view(&sound)};
	template_render(ret, &k->prompts[PROMPT_CALL], values);
	return 0;
}

static struct json *text_part(struct arena *a, struct str text)
{
	struct json *part = json_object(a);
	json_set_text(a, part, "type", "text");
	json_set_str(a, part, "text", text);
	return part;
}

static struct json *sound_part(struct work *w)
{
	struct json *part = json_object(w->arena);
	json_set_text(w->arena, part, "type", "input_audio");
	json_set_str(w->arena, part, "object", json_get_str(json_get(w->call, "audio"), "object"));
	json_set_text(w->arena, part, "format", "mp3"); /* what normalize writes */
	return part;
}

int ask_messages(const struct asker *k, struct work *w, enum prompt question, const struct str *values,
	struct json **ret, struct err *e)
{
	struct arena *a = w->arena;
	CLEANUP(buf_release) struct buf system = BUF_INIT;
	CLEANUP(buf_release) struct buf call = BUF_INIT;
	CLEANUP(buf_release) struct buf asked = BUF_INIT;
	struct json *messages = json_array(a);
	int rc = call_text(k, w, &call, e);
	if (rc != 0)
		return rc;
	template_render(&system, &k->prompts[PROMPT_SYSTEM], NULL);
	template_render(&asked, &k->prompts[question], values);
	chat_say(a, messages, "system", buf_view(&system));
	if (k->hears == HEARS_AUDIO) {
		struct json *message = json_object(a), *parts = json_array(a);
		json_append(parts, text_part(a, buf_view(&call)));
		json_append(parts, sound_part(w));
		json_append(parts, text_part(a, buf_view(&asked)));
		json_set_text(a, message, "role", "user");
		json_set(a, message, "content", parts);
		json_append(messages, message);
	} else {
		buf_puts(&call, "\n\n");
		buf_str(&call, buf_view(&asked));
		chat_say(a, messages, "user", buf_view(&call));
	}
	*ret = messages;
	return 0;
}
