/* Speech behind the OpenAI speech API: POST {base_url}/audio/speech with one text, a sound back, or JSON with one in base64. OpenAI itself, SiliconFlow and other
 * gateways, servers of one's own (vLLM, Higgs, CosyVoice, Kokoro and the like). */
#include "provider/tts_server.h"

#include "base/alloc.h"
#include "base/draw.h"
#include "provider/remote.h"

enum speech_format { FORMAT_WAV, FORMAT_MP3, FORMAT_FLAC, FORMAT_OPUS, FORMAT_PCM };
static const char *const formats[] = {"wav", "mp3", "flac", "opus", "pcm", NULL};

struct openai_speech_params {
	struct tts_params tts;
	struct str model, instructions, emotion_field;
	struct option_list speed;
	int64_t pcm_rate;
	int response_format; /* enum speech_format */
};

/* --- What is sent --- */

/* The template with each {emotion} replaced; empty when it speaks of an emotion and there is none. */
static struct str instructions_of(struct arena *a, struct str template, struct str emotion)
{
	static const struct str name = {"{emotion}", 9};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	ptrdiff_t at = str_find(template, name);
	if (at >= 0 && !emotion.n)
		return STR("");
	for (; at >= 0; at = str_find(template, name)) {
		buf_str(&b, str_n(template.p, (size_t)at));
		buf_str(&b, emotion);
		template = str_n(template.p + (size_t)at + name.n, template.n - (size_t)at - name.n);
	}
	buf_str(&b, template);
	return arena_str(a, buf_view(&b));
}

static struct json *body_of(const void *params, const struct provider_speak *q)
{
	const struct openai_speech_params *o = params;
	struct arena *a = q->arena;
	struct json *body = json_object(a);
	struct str emotion = q->emotions ? str_trim(q->emotions[0]) : STR("");
	struct str instructions = instructions_of(a, o->instructions, emotion);
	double speed = tts_number(&o->speed, (size_t)q->rung);
	ASSERT(q->n == 1);
	json_set_str(a, body, "model", o->model);
	json_set_str(a, body, "input", q->texts[0]);
	json_set_str(a, body, "voice", json_get_str(q->voice, "voice"));
	json_set_text(a, body, "response_format", formats[o->response_format]);
	if (speed < 1 || speed > 1) /* 1 is everybody's default, and some know no other */
		json_set(a, body, "speed", json_real(a, speed));
	if (instructions.n)
		json_set_str(a, body, "instructions", instructions);
	if (o->emotion_field.n && emotion.n) {
		struct json *member = json_object(a);
		json_set_key(a, member, o->emotion_field, json_str(a, emotion));
		remote_set_extra(a, body, member);
	}
	return body;
}

static int64_t pcm_rate(const void *params)
{
	const struct openai_speech_params *o = params;
	return o->response_format == FORMAT_PCM ? o->pcm_rate : 0;
}

static const struct tts_contract contract = {
	.route = "/audio/speech",
	.accept = "Accept: audio/*, application/json",
	.names = true,
	.pcm_rate = pcm_rate,
	.body = body_of,
};

static int speak(const struct provider *p, struct account *const *accounts, size_t n, const struct provider_speak *q,
	struct provider_sound *ret, struct err *e)
{
	struct tts_asking s = {.contract = &contract, .p = p, .accounts = accounts, .n = n, .q = q};
	return tts_speak(&s, ret, e);
}

static int probe(const struct provider *p, struct account *account, struct buf *ret, struct buf *ret_doubt, struct err *e)
{
	(void)ret_doubt; /* there is no second choice */
	return tts_probe(&contract, p, account, ret, e);
}

/* --- Voices --- */

static int voice(const struct provider *p, const struct provider_person *who, const struct json *other, struct draw *d,
	struct arena *a, const struct json **ret, struct err *e)
{
	const struct openai_speech_params *o = p->params;
	struct json *v = json_object(a);
	(void)e;
	json_set_str(a, v, "voice", tts_voice_choose(&o->tts.voices, who, json_get_str(other, "voice"), d).name);
	*ret = v;
	return 0;
}

/* --- Before any work --- */

static int ready(const struct provider *p, struct err *e)
{
	static const double speeds[] = {0.25, 4};
	static const char *const own[] = {"input", "voice", "stream", NULL};
	static const char *const optional[] = {"model", "response_format", "speed", "instructions", NULL};
	const struct openai_speech_params *o = p->params;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *field = json_object(&a);
	int rc = tts_check(p, &contract, e);
	if (rc == 0)
		rc = tts_check_numbers(p->name, "speed", &o->speed, speeds, e);
	if (rc < 0)
		return rc;
	if (remote_check_extra(o->tts.extra, own, optional, e) < 0)
		return err_context(e, "provider %s", p->name);
	if (o->emotion_field.n)
		json_set_key(&a, field, o->emotion_field, json_null(&a));
	if (remote_check_extra(field, own, optional, NULL) < 0 || json_get_key(o->tts.extra, o->emotion_field))
		return err_set(e, ERR_CONFIG, "provider %s: emotion_field: %.*s is a member that is sent anyway", p->name,
			STR_FMT(o->emotion_field));
	return 0;
}

static void speaking(const struct provider *p, struct provider_speaking *ret)
{
	const struct openai_speech_params *o = p->params;
	*ret = (struct provider_speaking){.batch = 1, .rungs = (int)o->speed.n, .casts = (int)o->tts.casts};
}

/* --- Options --- */

#define AT(member) .offset = offsetof(struct openai_speech_params, member)
static const struct option options[] = {
	TTS_WHERE_OPTIONS,
	{.name = "model",
		.type = OPT_STRING,
		AT(model),
		.flags = OPTION_REQUIRED | OPTION_SHAPES,
		.help = "The model, as the server names it."},
	TTS_VOICES_OPTION(OPTION_REQUIRED,
		"The server's voices, two at least, each with its gender and the ages it fits: \"nova female young\", "
		"\"onyx male middle elderly\"."),
	{.name = "response_format",
		.type = OPT_CHOICE,
		AT(response_format),
		.flags = OPTION_SHAPES,
		.dflt = "wav",
		.choices = formats,
		.help = "The form of the sound. pcm is read as 16 bit, mono, at pcm_rate."},
	{.name = "pcm_rate",
		.type = OPT_INT,
		AT(pcm_rate),
		.flags = OPTION_SHAPES,
		.dflt = "24000",
		.min = 8000,
		.max = 192000,
		.unit = "Hz",
		.help = "Sample rate of response_format: pcm."},
	{.name = "speed",
		.type = OPT_STRINGS,
		AT(speed),
		.flags = OPTION_SHAPES,
		.dflt = "[1, 0.95]",
		.help = "Factor on the pace; further ones are for a text whose sound will not do, before the side gets another "
				"voice. 1 is not sent: for servers that know no speed write speed: 1."},
	{.name = "instructions",
		.type = OPT_STRING,
		AT(instructions),
		.flags = OPTION_SHAPES,
		.dflt = "",
		.help =
			"How to speak, for models that take it. With {emotion} in it, it is sent for turns that have an emotion "
			"alone."},
	{.name = "emotion_field",
		.type = OPT_STRING,
		AT(emotion_field),
		.flags = OPTION_SHAPES,
		.dflt = "",
		.help =
			"Member of the body for a turn's emotion, where the server has one: emotion. A dot is an object within."},
	TTS_EXTRA_OPTION("More members of the request's body, as in sample_rate: 24000. A dot is an object within."),
	TTS_LIMIT_OPTIONS("8", "32768"),
};
#undef AT

const struct provider_ops provider_openai_speech = {
	.kind = "openai-speech",
	.help = "Any server with the OpenAI speech API (POST /audio/speech). See docs/providers.md.",
	.serves = PROVIDER_TTS,
	.version = 2,
	.params_size = sizeof(struct openai_speech_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.ready = ready,
	.account = tts_account,
	.places = tts_places,
	.place = tts_place,
	.speaking = speaking,
	.voice = voice,
	.speak = speak,
	.probe = probe,
};
