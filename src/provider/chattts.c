/* ChatTTS behind the HTTP server of its examples (examples/api) and of TeleAntiFraud: POST /generate_voice with all texts of a voice, a zip of 0.mp3, 1.mp3, …
 * back. The speaker is drawn by the server from a seed: equal seeds are one voice, and nothing is known of it but what a user has heard and listed. */
#include "provider/tts_server.h"

#include "base/alloc.h"
#include "base/draw.h"
#include "provider/remote.h"

enum seed_as { SEED_MANUAL, SEED_AUDIO };

struct chattts_params {
	struct tts_params tts;
	struct str lang, prompt;
	struct option_list temperature;
	const struct json *params_refine_text;
	double top_p, repetition_penalty;
	int64_t top_k, max_new_token, min_new_token, seed_min, seed_max, text_seed;
	bool skip_refine_text, use_decoder, do_text_normalization, do_homophone_replacement;
	int seed_as; /* enum seed_as */
};

/* --- What is sent --- */

/* A whole number stays one: servers check types. */
static struct json *number(struct arena *a, double x)
{
	return x == (double)(int64_t)x ? json_int(a, (int64_t)x) : json_real(a, x);
}

static void put_bool(struct arena *a, struct json *body, const char *name, bool b)
{
	json_set(a, body, name, json_bool(a, b));
}

static struct json *infer_code(const struct chattts_params *o, const struct provider_speak *q)
{
	struct arena *a = q->arena;
	struct json *code = json_object(a);
	const struct json *seed = json_get(q->voice, "manual_seed"), *speaker = json_get(q->voice, "spk_emb");
	json_set_str(a, code, "prompt", o->prompt);
	json_set(a, code, "top_P", number(a, o->top_p));
	json_set_int(a, code, "top_K", o->top_k);
	json_set(a, code, "temperature", number(a, tts_number(&o->temperature, (size_t)q->rung)));
	json_set(a, code, "repetition_penalty", number(a, o->repetition_penalty));
	json_set_int(a, code, "max_new_token", o->max_new_token);
	json_set_int(a, code, "min_new_token", o->min_new_token);
	if (speaker)
		json_set(a, code, "spk_emb", json_copy(a, speaker));
	else if (o->seed_as == SEED_MANUAL)
		json_set(a, code, "manual_seed", json_copy(a, seed));
	return code;
}

static struct json *body_of(const void *params, const struct provider_speak *q)
{
	const struct chattts_params *o = params;
	struct arena *a = q->arena;
	struct json *body = json_object(a), *texts = json_array(a);
	for (size_t i = 0; i < q->n; i++)
		json_append(texts, json_str(a, q->texts[i]));
	json_set(a, body, "text", texts);
	put_bool(a, body, "stream", false);
	json_set(a, body, "lang", o->lang.n ? json_str(a, o->lang) : json_null(a));
	put_bool(a, body, "skip_refine_text", o->skip_refine_text);
	put_bool(a, body, "refine_text_only", false);
	put_bool(a, body, "use_decoder", o->use_decoder);
	put_bool(a, body, "do_text_normalization", o->do_text_normalization);
	put_bool(a, body, "do_homophone_replacement", o->do_homophone_replacement);
	json_set(a, body, "params_refine_text",
		json_count(o->params_refine_text) ? json_copy(a, o->params_refine_text) : json_null(a));
	json_set(a, body, "params_infer_code", infer_code(o, q));
	if (o->seed_as == SEED_AUDIO) {
		json_set_int(a, body, "audio_seed", json_get_int(q->voice, "manual_seed", 0)); /* 0: spk_emb counts */
		json_set_int(a, body, "text_seed", o->text_seed);
	}
	return body;
}

static const struct tts_contract contract = {
	.route = "/generate_voice",
	.accept = "Accept: application/zip, application/json",
	.zip = true,
	.readiness = true,
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

/* A number is a seed, anything else a speaker embedding. */
static struct json *voice_json(struct arena *a, struct str name)
{
	struct json *v = json_object(a);
	int64_t seed;
	if (str_int(name, &seed))
		json_set_int(a, v, "manual_seed", seed);
	else
		json_set_str(a, v, "spk_emb", name);
	return v;
}

static int voice(const struct provider *p, const struct provider_person *who, const struct json *other, struct draw *d,
	struct arena *a, const struct json **ret, struct err *e)
{
	const struct chattts_params *o = p->params;
	int64_t taken = json_get_int(other, "manual_seed", -1);
	(void)e;
	if (o->tts.voices.n) {
		struct str name = taken >= 0 ? str_of(arena_printf(a, "%lld", (long long)taken)) : json_get_str(other, "spk_emb");
		*ret = voice_json(a, tts_voice_choose(&o->tts.voices, who, name, d).name);
		return 0;
	}
	int64_t seed = draw_range(d, o->seed_min, o->seed_max);
	if (seed == taken) {
		seed = draw_range(d, o->seed_min, o->seed_max - 1);
		seed += seed >= taken;
	}
	struct json *v = json_object(a);
	json_set_int(a, v, "manual_seed", seed);
	*ret = v;
	return 0;
}

/* --- Before any work --- */

static int check_voice(const struct provider *p, struct str text, struct err *e)
{
	struct tts_voice v;
	int64_t seed;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	if (tts_voice_parse(text, &v, e) < 0)
		return err_context(e, "provider %s", p->name);
	bool number = str_int(v.name, &seed);
	struct json *made = voice_json(&a, v.name);
	if (number && (seed < 0 || seed > INT32_MAX ||
					  !str_is(v.name, arena_printf(&a, "%lld", (long long)json_get_int(made, "manual_seed", -1)))))
		return err_set(e, ERR_CONFIG, "provider %s: voices: the seed %.*s must be a number from 0 to %d without a sign",
			p->name, STR_FMT(v.name), INT32_MAX);
	/* Embeddings are some hundred characters; a short word is a seed that was mistyped. */
	if (!number && v.name.n < 32)
		return err_set(e,
			ERR_CONFIG, "provider %s: voices: %.*s is neither a seed (a number) nor a speaker embedding; a voice is written \"1031 female young\"",
			p->name, STR_FMT(v.name));
	return 0;
}

static int ready(const struct provider *p, struct err *e)
{
	static const double temperatures[] = {0.00001, 2};
	static const char *const own[] = {"text", "stream", "refine_text_only", "params_infer_code.manual_seed",
		"params_infer_code.spk_emb", "audio_seed", NULL};
	static const char *const optional[] = {"lang", "skip_refine_text", "use_decoder", "do_text_normalization",
		"do_homophone_replacement", "params_refine_text", "params_infer_code.prompt", "params_infer_code.top_P",
		"params_infer_code.top_K", "params_infer_code.temperature", "params_infer_code.repetition_penalty",
		"params_infer_code.max_new_token", "params_infer_code.min_new_token", "text_seed", NULL};
	const struct chattts_params *o = p->params;
	int rc = tts_check(p, &contract, e);
	if (rc == 0)
		rc = tts_check_numbers(p->name, "temperature", &o->temperature, temperatures, e);
	for (size_t i = 0; i < o->tts.voices.n && rc == 0; i++)
		rc = check_voice(p, o->tts.voices.v[i], e);
	if (rc < 0)
		return rc;
	if (o->seed_max <= o->seed_min)
		return err_set(e, ERR_CONFIG,
			"provider %s: seed_max must be over seed_min: the two sides of a call never have the same voice", p->name);
	return remote_check_extra(o->tts.extra, own, optional, e) < 0 ? err_context(e, "provider %s", p->name) : 0;
}

static void speaking(const struct provider *p, struct provider_speaking *ret)
{
	const struct chattts_params *o = p->params;
	*ret = (struct provider_speaking){
		.batch = (int)o->tts.batch, .rungs = (int)o->temperature.n, .casts = (int)o->tts.casts};
}

/* --- Options. Defaults are those of the client in ChatTTS's examples/api, which made TeleAntiFraud-28k --- */

static const char *const seed_members[] = {"manual_seed", "audio_seed", NULL};

#define AT(member) .offset = offsetof(struct chattts_params, member)
static const struct option options[] = {
	TTS_WHERE_OPTIONS,
	TTS_VOICES_OPTION(0,
		"Seeds whose voice you know, each with its gender and the ages it fits: \"1031 female young\", \"77 male "
		"middle elderly\". A speaker embedding may stand in place of the seed. None: seeds are drawn."),
	{.name = "seed_min",
		.type = OPT_INT,
		AT(seed_min),
		.flags = OPTION_SHAPES | OPTION_CHOOSES,
		.dflt = "1",
		.max = 2147483646,
		.help = "Without voices: the lowest seed that is drawn."},
	{.name = "seed_max",
		.type = OPT_INT,
		AT(seed_max),
		.flags = OPTION_SHAPES | OPTION_CHOOSES,
		.dflt = "10000",
		.max = 2147483647,
		.help = "Without voices: the highest."},
	{.name = "seed_as",
		.type = OPT_CHOICE,
		AT(seed_as),
		.flags = OPTION_SHAPES,
		.dflt = "manual_seed",
		.choices = seed_members,
		.help =
			"Where the seed stands: params_infer_code.manual_seed, or audio_seed beside text, as the example server of "
			"ChatTTS itself wants it."},
	{.name = "text_seed",
		.type = OPT_INT,
		AT(text_seed),
		.flags = OPTION_SHAPES,
		.dflt = "87654321",
		.max = 2147483647,
		.help = "Sent with seed_as: audio_seed."},
	{.name = "temperature",
		.type = OPT_STRINGS,
		AT(temperature),
		.flags = OPTION_SHAPES,
		.dflt = "[0.3, 0.1, 0.5]",
		.help =
			"Sampling temperature; further ones are for a text whose sound will not do, before the side gets another "
			"voice."},
	{.name = "top_P",
		.type = OPT_REAL,
		AT(top_p),
		.flags = OPTION_SHAPES,
		.dflt = "0.1",
		.min = 0,
		.max = 1,
		.help = "Nucleus sampling."},
	{.name = "top_K",
		.type = OPT_INT,
		AT(top_k),
		.flags = OPTION_SHAPES,
		.dflt = "20",
		.min = 1,
		.max = 10000,
		.help = "Sampling among so many tokens."},
	{.name = "repetition_penalty",
		.type = OPT_REAL,
		AT(repetition_penalty),
		.flags = OPTION_SHAPES,
		.dflt = "1.05",
		.min = 0.1,
		.max = 10,
		.help = "Against repetitions; 1 is none."},
	{.name = "max_new_token",
		.type = OPT_INT,
		AT(max_new_token),
		.flags = OPTION_SHAPES,
		.dflt = "2048",
		.min = 1,
		.max = 100000,
		.help = "Most tokens of a sound."},
	{.name = "min_new_token",
		.type = OPT_INT,
		AT(min_new_token),
		.flags = OPTION_SHAPES,
		.dflt = "0",
		.max = 100000,
		.help = "Fewest tokens of a sound."},
	{.name = "prompt",
		.type = OPT_STRING,
		AT(prompt),
		.flags = OPTION_SHAPES,
		.dflt = "'[speed_5]'",
		.help = "Control tokens: [speed_0] to [speed_9]."},
	{.name = "lang",
		.type = OPT_STRING,
		AT(lang),
		.flags = OPTION_SHAPES,
		.dflt = "",
		.help = "zh or en. Empty: null, the server finds out."},
	{.name = "skip_refine_text",
		.type = OPT_BOOL,
		AT(skip_refine_text),
		.flags = OPTION_SHAPES,
		.dflt = "true",
		.help = "Speak the text as it is, without oral words and breaks that the model puts in."},
	{.name = "params_refine_text",
		.type = OPT_MAP,
		AT(params_refine_text),
		.flags = OPTION_SHAPES,
		.dflt = "{prompt: '', top_P: 0.7, top_K: 20, temperature: 0.7, repetition_penalty: 1, max_new_token: 384, "
				"min_new_token: 0}",
		.help = "How the model rewrites text before it speaks. Some servers do so whenever it is there, whatever "
				"skip_refine_text says: {} sends null."},
	{.name = "use_decoder",
		.type = OPT_BOOL,
		AT(use_decoder),
		.flags = OPTION_SHAPES,
		.dflt = "true",
		.help = "The better of the model's two decoders."},
	{.name = "do_text_normalization",
		.type = OPT_BOOL,
		AT(do_text_normalization),
		.flags = OPTION_SHAPES,
		.dflt = "true",
		.help = "The server's own rules for numbers and signs; the stage has written them as words already."},
	{.name = "do_homophone_replacement",
		.type = OPT_BOOL,
		AT(do_homophone_replacement),
		.flags = OPTION_SHAPES,
		.dflt = "false",
		.help = "Replace rare characters by usual ones of the same sound."},
	TTS_EXTRA_OPTION(
		"More members of the request's body. A dot is an object within: params_infer_code.ensure_non_empty: true."),
	TTS_INT("batch", batch, "16", 1, TTS_BATCH_MAX, "Most texts of a side in one request."),
	TTS_SECONDS("ready_s", ready_s, "600", 0,
		86400, "Longest wait for servers that say at /ready or /status that they are loading their model. 0: they are not asked."),
	TTS_LIMIT_OPTIONS("4", "32768"),
};
#undef AT

const struct provider_ops provider_chattts = {
	.kind = "chattts",
	.help = "ChatTTS behind the server of its examples (POST /generate_voice), one or several. See docs/providers.md.",
	.serves = PROVIDER_TTS,
	.version = 2,
	.params_size = sizeof(struct chattts_params),
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
