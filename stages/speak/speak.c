/* speak: one voice a side, a sound a turn. This half says what will be asked of the provider; the sound is made in speak_sound.c. */
#include "stages/speak/speak.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/account.h"
#include "core/call.h"
#include "provider/espeak.h"
#include "stages/speak/speech_text.h"

#include <math.h>
#include <stddef.h>

#ifndef TAF_FFMPEG_VERSION
#define TAF_FFMPEG_VERSION "unknown"
#endif

/* Of calls that are not there yet. Measured as spoken, pauses counted: the 3,836 transcripts of TeleAntiFraud that screen keeps have 7.8 turns of 63
 * characters, 492 a call; 300 calls that the script provider wrote have 10.5 of 23, 241 a call. The longer ones stand for all: what is decided later is
 * told as "at most". */
#define TURNS_A_SIDE 4
#define CHARACTERS_A_TURN 63
#define RATE_MIN 80 /* what the engine takes, in words a minute */
#define RATE_MAX 450

static const struct option options[] = {
	{.name = "provider",
		.type = OPT_PROVIDER,
		.offset = offsetof(struct speak_params, provider),
		.flags = OPTION_REQUIRED,
		.help = "The provider that speaks (a TTS kind)."},
	{.name = "voices",
		.type = OPT_FILE,
		.offset = offsetof(struct speak_params, voices),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/stages/speak/voices.yaml'",
		.help = "Voices by gender and age, from which each side gets one."},
	{.name = "rate",
		.type = OPT_REAL,
		.offset = offsetof(struct speak_params, rate),
		.flags = OPTION_SHAPES,
		.dflt = "1",
		.min = 0.5,
		.max = 2,
		.help = "Factor on the speaking rate of the voices file."},
	{.name = "delivery",
		.type = OPT_BOOL,
		.offset = offsetof(struct speak_params, delivery),
		.flags = OPTION_SHAPES,
		.dflt = "false",
		.help = "Hand a turn's emotion to the server, where it takes one."},
	{.name = "pace_min",
		.type = OPT_REAL,
		.offset = offsetof(struct speak_params, pace_min),
		.flags = OPTION_SHAPES,
		.dflt = "1.5",
		.min = 0.1,
		.max = 5,
		.unit = "syllables/s",
		.help = "A server's sound that is slower than this is absurdly long, and asked for again."},
	{.name = "pace_max",
		.type = OPT_REAL,
		.offset = offsetof(struct speak_params, pace_max),
		.flags = OPTION_SHAPES,
		.dflt = "10",
		.min = 5,
		.max = 50,
		.unit = "syllables/s",
		.help = "A server's sound that is faster than this is too short for its text, and asked for again."},
	{.name = "min_sample_rate",
		.type = OPT_INT,
		.offset = offsetof(struct speak_params, min_sample_rate),
		.flags = OPTION_SHAPES,
		.dflt = "16000",
		.min = 4000,
		.max = 96000,
		.unit = "Hz",
		.help = "A server's sound below this is asked for again."},
};

static void fields(const void *params, struct stage_fields *ret)
{
	const struct speak_params *p = params;
	if (p->delivery)
		fields_read(ret, "turns.emotion", FIELD_OPTIONAL);
	fields_read(ret, "turns.text", 0);
	fields_read(ret, "turns.role", 0);
	fields_read(ret, "profile.left.age", FIELD_OPTIONAL);
	fields_read(ret, "profile.left.gender", FIELD_OPTIONAL);
	fields_read(ret, "profile.right.age", FIELD_OPTIONAL);
	fields_read(ret, "profile.right.gender", FIELD_OPTIONAL);
	fields_write(ret, "speech", 0);
}

static int init(struct stage *s, struct err *e)
{
	const struct speak_params *p = s->params;
	struct speak_state *st = ARENA_NEW(&s->arena, struct speak_state);
	int code = voices_load(&s->arena, p->voices.p, &st->voices, e);
	if (!code)
		s->state = st;
	return code;
}

/* --- Who speaks --- */

static bool has(struct str s, const char *word)
{
	return str_find(s, str_of(word)) >= 0;
}

static enum voice_gender gender_of(struct str s)
{
	if (has(s, "女") || str_is(s, "female") || str_is(s, "f"))
		return VOICE_FEMALE;
	if (has(s, "男") || str_is(s, "male") || str_is(s, "m"))
		return VOICE_MALE;
	return VOICE_ANY_GENDER;
}

/** How the other side speaks to `role`: 先生 or 女士. */
static enum voice_gender gender_heard(const struct json *turns, const char *role)
{
	static const char *const she[] = {"女士", "小姐", "阿姨", "太太", "奶奶", "大妈", "大姐", "大娘", "妈，", "妈妈，"};
	static const char *const he[] = {"先生", "叔叔", "大爷", "爷爷", "大哥", "大叔", "爸，", "爸爸，"};
	int women = 0, men = 0;
	JSON_EACH(turn, turns) {
		struct str text = turn_text(turn);
		if (str_is(turn_role(turn), role) || has(text, "先生/女士") || has(text, "女士/先生") || has(text, "先生或女士"))
			continue;
		for (size_t i = 0; i < COUNT_OF(she); i++)
			women += has(text, she[i]);
		for (size_t i = 0; i < COUNT_OF(he); i++)
			men += has(text, he[i]);
	}
	return women > men ? VOICE_FEMALE : men > women ? VOICE_MALE : VOICE_ANY_GENDER;
}

static enum voice_age age_of(const struct voices *all, const struct json *age)
{
	int64_t years = 0;
	if (json_is(age, JSON_INT))
		return voices_age(all, age->u.i);
	if (!json_is(age, JSON_STRING))
		return VOICE_ANY_AGE;
	struct str s = age->u.s, number = {s.p, 0};
	while (number.n < s.n && s.p[number.n] >= '0' && s.p[number.n] <= '9')
		number.n++;
	if (number.n && str_int(number, &years))
		return voices_age(all, years);
	if (has(s, "老") || str_is(s, "elderly"))
		return VOICE_ELDERLY;
	if (has(s, "中") || str_is(s, "middle"))
		return VOICE_MIDDLE;
	return has(s, "年轻") || has(s, "青") || str_is(s, "young") ? VOICE_YOUNG : VOICE_ANY_AGE;
}

/* A caller or agent of unknown age is not old. */
struct voice_persona speak_persona(const struct work *w, const char *role)
{
	const struct speak_state *st = w->stage->state;
	const struct json *person = json_get(json_get(w->call, "profile"), role);
	struct voice_persona who = {
		gender_of(json_get_str(person, "gender")), age_of(&st->voices, json_get(person, "age"))};
	if (who.gender == VOICE_ANY_GENDER)
		who.gender = gender_heard(json_get(w->call, "turns"), role);
	return who;
}

/** The user's voice is drawn first; the other side's is then chosen to differ from it. A caller or agent of unknown age is not old. */
static void choose_voices(struct work *w, struct voice_choice *left, struct voice_choice *right)
{
	const struct speak_state *st = w->stage->state;
	struct draw d;
	work_draw(w, "voice right", &d);
	*right = voices_choose(&st->voices, speak_persona(w, "right"), NULL, &d);
	struct voice_persona caller = speak_persona(w, "left");
	work_draw(w, "voice left", &d);
	if (caller.age == VOICE_ANY_AGE)
		caller.age = draw_below(&d, 2) ? VOICE_YOUNG : VOICE_MIDDLE;
	*left = voices_choose(&st->voices, caller, right, &d);
}

static double rate_factor(const struct stage *s)
{
	const struct speak_params *p = s->params;
	double f = p->rate;
	if (s->provider && s->provider->ops == &provider_espeak && s->provider->params)
		f *= ((const struct espeak_params *)s->provider->params)->rate;
	return f;
}

static struct json *voice_json(struct work *w, const struct voice_choice *c)
{
	struct json *v = json_object(w->arena);
	double rate = floor(c->rate_wpm * rate_factor(w->stage) + 0.5);
	json_set_str(w->arena, v, "variant", c->voice->variant);
	json_set_int(w->arena, v, "rate_wpm", (int64_t)(rate < RATE_MIN ? RATE_MIN : rate > RATE_MAX ? RATE_MAX : rate));
	json_set_int(w->arena, v, "pitch", c->pitch);
	json_set_int(w->arena, v, "range", c->range);
	return v;
}

/* --- What is said --- */

int speak_spoken(const struct stage *s, struct buf *ret, struct str text, struct err *e)
{
	bool by_character = !s->provider || s->provider->ops == &provider_espeak;
	if (!by_character)
		return speech_text(ret, text, e);
	CLEANUP(buf_release) struct buf plain = BUF_INIT;
	int code = speech_text(&plain, text, e);
	if (!code)
		speech_readings(ret, buf_view(&plain));
	return code;
}

static bool by_server(const struct stage *s)
{
	return s->provider && s->provider->ops->speak;
}

static int asks(struct work *w, struct err *e)
{
	if (by_server(w->stage))
		return 0; /* what is asked depends on what comes */
	struct voice_choice left, right;
	choose_voices(w, &left, &right);
	CLEANUP(buf_release) struct buf spoken = BUF_INIT;
	int64_t turn_at = -1;
	size_t spoken_turns = 0;
	JSON_EACH(turn, json_get(w->call, "turns")) {
		turn_at++;
		buf_clear(&spoken);
		int code = speak_spoken(w->stage, &spoken, turn_text(turn), e);
		if (code)
			return err_context(e, "turn %lld", (long long)turn_at);
		if (spoken.len == 0)
			continue;
		spoken_turns++;
		struct json *request = json_object(w->arena);
		json_set_str(w->arena, request, "text", buf_view(&spoken));
		json_set(w->arena, request, "voice", voice_json(w, str_is(turn_role(turn), "left") ? &left : &right));
		work_ask(w, request);
	}
	if (spoken_turns == 0)
		return err_set(e, ERR_DATA, "no turn of the call has anything to speak");
	return 0;
}

/* What cannot be spoken is told when it is tried. */
static void cost_of(const struct work *w, struct stage_cost *ret)
{
	struct provider_speaking how = {.batch = 1};
	int64_t lines[2] = {0, 0}; /* of each side: they go in batches of one voice */
	CLEANUP(buf_release) struct buf spoken = BUF_INIT;
	w->stage->provider->ops->speaking(w->stage->provider, &how);
	JSON_EACH(turn, json_get(w->call, "turns")) {
		buf_clear(&spoken);
		if (speak_spoken(w->stage, &spoken, turn_text(turn), NULL) < 0 || spoken.len == 0)
			continue;
		lines[str_is(turn_role(turn), "left")]++;
		ret->bytes_in += (int64_t)((double)utf8_count(buf_view(&spoken)) * ACCOUNT_BYTES_PER_TOKEN);
	}
	for (size_t side = 0; side < COUNT_OF(lines); side++)
		ret->requests += (lines[side] + how.batch - 1) / how.batch;
}

/* A server counts characters. */
static void cost(const struct stage *s, struct stage_cost *ret)
{
	struct provider_speaking how = {.batch = 1};
	if (!by_server(s))
		return;
	s->provider->ops->speaking(s->provider, &how);
	ret->requests = 2 * ((TURNS_A_SIDE + how.batch - 1) / how.batch);
	ret->bytes_in = 2 * TURNS_A_SIDE * CHARACTERS_A_TURN * (int64_t)ACCOUNT_BYTES_PER_TOKEN;
}

static const char *libraries(void)
{
	return "libavcodec " TAF_FFMPEG_VERSION;
}

const struct stage_ops stage_speak = {
	.name = "speak",
	.help = "Speaks each turn: text normalised for speech, one voice a side, stored as FLAC.",
	.version = 4,
	.kind = STAGE_MAP,
	.exec = EXEC_SOUND,
	.flags = STAGE_DRAWS,
	.params_size = sizeof(struct speak_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.init = init,
	.cost = cost,
	.cost_of = cost_of,
	.serves = PROVIDER_TTS,
	.asks = asks,
	.process = speak_by_server,
	.libraries = libraries,
};
