#include "tests/servers/tts/request.h"

#include "tests/servers/common/mix.h"
#include "tests/servers/tts/voice.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#include <math.h>

#define INPUT_MAX 4096 /* characters, as OpenAI's */

const char *const format_names[FORMAT_COUNT] = {"mp3", "wav", "flac", "opus", "pcm"};

/* ---- Both ---- */

static uint64_t hash_text(uint64_t h, struct str part) /* the length is hashed too: no two lists are the same bytes */
{
	return hash_bytes(part.p, part.n, h + part.n * 0x9E3779B97F4A7C15u);
}

static uint64_t hash_json(uint64_t h, const struct json *v)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	if (v)
		json_write(&b, v);
	return hash_text(h, buf_view(&b));
}

/* `tree` without its texts. The same sound is given in any format. */
static void hash_request(struct speech_request *r, struct json *tree, const struct json *voice, uint64_t seed)
{
	const struct json *code = json_get(tree, "params_infer_code");
	uint64_t h = hash_json(0, tree);
	for (size_t i = 0; i < r->n; i++)
		h = hash_text(h, r->texts[i]);
	r->digest = h;
	json_drop(tree, "response_format");
	r->key = mix(h, "seed", seed);
	r->manner = mix(hash_json(0, tree), "manner", seed);
	r->heat = hash_json(0, json_get(code ? code : tree, "temperature"));
	r->voiced = voice != NULL;
	r->voice_key = mix(hash_json(0, voice), "voice", seed);
}

uint64_t request_manner(const struct speech_request *r, struct str text)
{
	return hash_text(r->manner, text);
}

static double number_of(const struct json *v, double missing)
{
	return json_is(v, JSON_INT) ? (double)v->u.i : json_is(v, JSON_REAL) ? v->u.d : missing;
}

/* ---- ChatTTS ---- */

enum wanted { WANT_BOOL, WANT_INT, WANT_NUMBER, WANT_TEXT, WANT_OBJECT, WANT_SPEAKER };
struct field {
	const char *group, *name; /* group: the object it is a member of, NULL for the body */
	enum wanted wanted;
	bool nullable, required;
};
static const struct field fields[] = {{NULL, "stream", WANT_BOOL, false, false}, {NULL, "lang", WANT_TEXT, true, false},
	{NULL, "skip_refine_text", WANT_BOOL, false, false}, {NULL, "refine_text_only", WANT_BOOL, false, false},
	{NULL, "use_decoder", WANT_BOOL, false, false}, {NULL, "do_text_normalization", WANT_BOOL, false, false},
	{NULL, "do_homophone_replacement", WANT_BOOL, false, false}, {NULL, "params_refine_text", WANT_OBJECT, true, false},
	{NULL, "params_infer_code", WANT_OBJECT, false, true}, {"params_refine_text", "prompt", WANT_TEXT, false, false},
	{"params_refine_text", "temperature", WANT_NUMBER, false, false},
	{"params_infer_code", "prompt", WANT_TEXT, false, false}, {"params_infer_code", "top_P", WANT_NUMBER, false, false},
	{"params_infer_code", "top_K", WANT_INT, false, false},
	{"params_infer_code", "temperature", WANT_NUMBER, false, false},
	{"params_infer_code", "repetition_penalty", WANT_NUMBER, false, false},
	{"params_infer_code", "max_new_token", WANT_INT, false, false},
	{"params_infer_code", "min_new_token", WANT_INT, false, false},
	{"params_infer_code", "spk_emb", WANT_SPEAKER, true, false},
	{"params_infer_code", "manual_seed", WANT_INT, true, false}};

struct checking {
	struct arena *a;
	struct json *detail;
};

/* {"type", "loc": ["body", group, name, index], "msg"}; what is NULL or negative is left out. */
static void complain(struct checking *c, const struct field *f, int64_t index, const char *type, const char *msg)
{
	struct json *v = json_object(c->a), *loc = json_array(c->a);
	json_append(loc, json_text(c->a, "body"));
	if (f && f->group)
		json_append(loc, json_text(c->a, f->group));
	if (f)
		json_append(loc, json_text(c->a, f->name));
	if (index >= 0)
		json_append(loc, json_int(c->a, index));
	json_set_text(c->a, v, "type", type);
	json_set(c->a, v, "loc", loc);
	json_set_text(c->a, v, "msg", msg);
	json_append(c->detail, v);
}

static bool fits(const struct json *v, enum wanted wanted)
{
	switch (wanted) {
	case WANT_BOOL:
		return json_is(v, JSON_BOOL);
	case WANT_INT:
		return json_is(v, JSON_INT);
	case WANT_NUMBER:
		return json_is(v, JSON_INT) || json_is(v, JSON_REAL);
	case WANT_TEXT:
		return json_is(v, JSON_STRING);
	case WANT_OBJECT:
		return json_is(v, JSON_OBJECT);
	default: /* a text; lists of numbers are sent too */
		return json_is(v, JSON_STRING) || json_is(v, JSON_ARRAY);
	}
}

static void check_field(struct checking *c, const struct json *body, const struct field *f)
{
	static const struct {
		const char *type, *msg;
	} words[] = {{"bool_type", "Input should be a valid boolean"}, {"int_type", "Input should be a valid integer"},
		{"float_type", "Input should be a valid number"}, {"string_type", "Input should be a valid string"},
		{"dict_type", "Input should be a valid dictionary"}, {"string_type", "Input should be a valid string"}};
	const struct json *holder = f->group ? json_get(body, f->group) : body;
	const struct json *v = json_get(holder, f->name);
	if (!v && f->required)
		complain(c, f, -1, "missing", "Field required");
	if (v && !fits(v, f->wanted) && !(f->nullable && v->kind == JSON_NULL))
		complain(c, f, -1, words[f->wanted].type, words[f->wanted].msg);
}

static void check_texts(struct checking *c, const struct json *list)
{
	static const struct field text = {NULL, "text", WANT_OBJECT, false, true};
	size_t i = 0, bytes = 0;
	if (!list)
		complain(c, &text, -1, "missing", "Field required");
	else if (list->kind != JSON_ARRAY)
		complain(c, &text, -1, "list_type", "Input should be a valid list");
	else if (json_count(list) == 0)
		complain(c, &text, -1, "value_error", "Text list cannot be empty");
	else if (json_count(list) > TEXTS_MAX)
		complain(c, &text, -1, "too_long", "List should have at most 1000 items");
	JSON_EACH(v, json_is(list, JSON_ARRAY) ? list : NULL) {
		if (v->kind != JSON_STRING)
			complain(c, &text, (int64_t)i, "string_type", "Input should be a valid string");
		else if (v->u.s.n > VOICE_TEXT_MAX)
			complain(c, &text, (int64_t)i, "string_too_long", "String should have at most 8192 bytes");
		bytes += v->kind == JSON_STRING ? v->u.s.n : 0;
		i++;
	}
	if (bytes > TEXTS_BYTES_MAX)
		complain(c, &text, -1, "too_long", "All texts together should have at most 65536 bytes");
}

static void check_modes(struct checking *c, const struct json *body)
{
	static const struct field stream = {NULL, "stream", WANT_BOOL, false, false},
							  only = {NULL, "refine_text_only", WANT_BOOL, false, false};
	if (json_get_bool(body, "stream", false))
		complain(c, &stream, -1, "value_error", "This server does not stream");
	if (json_get_bool(body, "refine_text_only", false))
		complain(c, &only, -1, "value_error", "This server gives sound, not refined text");
}

/* [speed_0] … [speed_9]; 5 is plain. */
static double speed_of(struct str prompt)
{
	ptrdiff_t at = str_find(prompt, STR("[speed_"));
	if (at < 0 || (size_t)at + 8 > prompt.n || prompt.p[at + 7] < '0' || prompt.p[at + 7] > '9')
		return 1;
	return 1 + 0.06 * (prompt.p[at + 7] - '5');
}

static void take_texts(struct arena *a, const struct json *list, struct speech_request *r)
{
	r->texts = arena_array(a, json_count(list), sizeof(*r->texts));
	JSON_EACH(v, list) {
		r->texts[r->n++] = v->u.s;
		r->characters += (int64_t)utf8_count(v->u.s);
	}
}

int request_chattts(struct arena *a, struct str body, uint64_t seed, struct speech_request *ret, struct json **detail)
{
	struct checking c = {a, json_array(a)};
	struct speech_request r = {.format = FORMAT_MP3, .speed = 1};
	struct json *tree = NULL;
	*detail = c.detail;
	if (json_parse(a, body, &tree, NULL) < 0 || !json_is(tree, JSON_OBJECT)) {
		complain(&c, NULL, -1, tree ? "model_attributes_type" : "json_invalid",
			tree ? "Input should be a valid dictionary or object to extract fields from" : "JSON decode error");
		return ERR_DATA;
	}
	check_texts(&c, json_get(tree, "text"));
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		check_field(&c, tree, &fields[i]);
	check_modes(&c, tree);
	if (json_count(c.detail))
		return ERR_DATA;
	const struct json *code = json_get(tree, "params_infer_code");
	const struct json *voice = json_get(code, "manual_seed");
	if (!voice || voice->kind == JSON_NULL)
		voice = json_get(code, "spk_emb");
	if (voice && voice->kind == JSON_NULL)
		voice = NULL;
	r.speed = speed_of(json_get_str(code, "prompt"));
	take_texts(a, json_get(tree, "text"), &r);
	json_drop(tree, "text");
	hash_request(&r, tree, voice, seed);
	*ret = r;
	return 0;
}

/* ---- OpenAI ---- */

static int read_format(const struct json *body, struct speech_request *r, struct err *e)
{
	const struct json *v = json_get(body, "response_format");
	for (int i = 0; json_is(v, JSON_STRING) && i < FORMAT_COUNT; i++)
		if (str_is(v->u.s, format_names[i])) {
			r->format = (enum format)i;
			return 0;
		}
	return v ? err_set(e, ERR_DATA, "response_format must be mp3, opus, flac, wav or pcm") : 0;
}

static int read_speech(const struct json *body, struct speech_request *r, struct err *e)
{
	struct str input = json_get_str(body, "input");
	const struct json *speed = json_get(body, "speed"), *words = json_get(body, "instructions");
	r->model = json_get_str(body, "model");
	r->voice = json_get_str(body, "voice");
	r->speed = number_of(speed, 1);
	if (r->model.n == 0)
		return err_set(e, ERR_DATA, "you must provide a model parameter");
	if (str_trim(input).n == 0)
		return err_set(e, ERR_DATA, "input must be a text that is not empty");
	if (utf8_count(input) > INPUT_MAX || input.n > VOICE_TEXT_MAX)
		return err_set(e, ERR_DATA, "input must have at most %d characters and %zu bytes", INPUT_MAX, VOICE_TEXT_MAX);
	if (r->voice.n == 0)
		return err_set(e, ERR_DATA, "you must provide a voice parameter");
	if ((speed && !json_is(speed, JSON_INT) && !json_is(speed, JSON_REAL)) || !(r->speed >= 0.25 && r->speed <= 4))
		return err_set(e, ERR_DATA, "speed must be a number from 0.25 to 4");
	if (words && !json_is(words, JSON_STRING) && words->kind != JSON_NULL)
		return err_set(e, ERR_DATA, "instructions must be a text");
	return read_format(body, r, e);
}

int request_speech(struct arena *a, struct str body, uint64_t seed, struct speech_request *ret, struct err *e)
{
	struct json *tree = NULL;
	struct speech_request r = {.format = FORMAT_MP3};
	int rc = json_parse(a, body, &tree, e);
	if (rc == 0 && !json_is(tree, JSON_OBJECT))
		rc = err_set(e, ERR_DATA, "the body must be a JSON object");
	if (rc == 0)
		rc = read_speech(tree, &r, e);
	if (rc < 0)
		return rc;
	r.texts = arena_array(a, 1, sizeof(*r.texts));
	r.texts[r.n++] = json_get_str(tree, "input");
	r.characters = (int64_t)utf8_count(r.texts[0]);
	json_drop(tree, "input");
	hash_request(&r, tree, json_get(tree, "voice"), seed);
	*ret = r;
	return 0;
}
