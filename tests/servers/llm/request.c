#include "tests/servers/llm/request.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#include <string.h>

#define MESSAGE_TOKENS 4        /* around each message */
#define SOUND_BYTES_A_TOKEN 640 /* base64 of a sound part */
#define WIDE_FROM 0x2E80        /* CJK and everything after it */
#define TENTHS_WIDE 7.0         /* tenths of a token, a wide character */
#define TENTHS_NARROW 2.5       /* tenths of a token, another byte */

static int64_t tenths_to_tokens(double tenths)
{
	return (int64_t)((tenths + 9.999) / 10);
}

/* Tenths of a token of the character at the front of `*s`, which moves on behind it. */
static double take_char(struct str *s)
{
	unsigned char c = (unsigned char)s->p[0];
	if (c < 0xE2) { /* U+2E80 is E2 BA 80: below, bytes count as they are */
		*s = str_n(s->p + 1, s->n - 1);
		return TENTHS_NARROW;
	}
	size_t before = s->n;
	uint32_t cp = 0;
	utf8_next(s, &cp);
	return cp >= WIDE_FROM ? TENTHS_WIDE : TENTHS_NARROW * (double)(before - s->n);
}

int64_t tokens_of(struct str text)
{
	double tenths = 0;
	while (text.n > 0)
		tenths += take_char(&text);
	return tenths_to_tokens(tenths);
}

struct str tokens_clip(struct str text, int64_t max)
{
	struct str rest = text;
	double tenths = 0;
	while (rest.n > 0) {
		struct str before = rest;
		tenths += take_char(&rest);
		if (tenths > (double)max * 10)
			return utf8_clip(text, text.n - before.n);
	}
	return text;
}

static int read_part(const struct json *part, struct buf *text, double *sound, struct err *e)
{
	struct str type = json_get_str(part, "type");
	if (str_is(type, "text") && json_is(json_get(part, "text"), JSON_STRING)) {
		if (text->len)
			buf_putc(text, '\n');
		buf_str(text, json_get_str(part, "text"));
		return 0;
	}
	struct str data = json_get_str(json_get(part, "input_audio"), "data");
	if (!str_is(type, "input_audio") || data.n == 0)
		return err_set(e, ERR_DATA, "a part of a message must be of type text or input_audio");
	*sound += (double)data.n / SOUND_BYTES_A_TOKEN;
	return 0;
}

static int read_message(struct arena *a, const struct json *m, struct message *ret, double *sound, struct err *e)
{
	static const char *const roles[] = {"system", "user", "assistant"};
	struct str role = json_get_str(m, "role");
	const struct json *content = json_get(m, "content");
	size_t i = 0;
	while (i < COUNT_OF(roles) && !str_is(role, roles[i]))
		i++;
	if (i == COUNT_OF(roles))
		return err_set(e, ERR_DATA, "role of a message must be system, user or assistant");
	ret->role = (enum speaker_role)i;
	if (json_is(content, JSON_STRING)) {
		ret->text = content->u.s;
		return 0;
	}
	if (!json_is(content, JSON_ARRAY))
		return err_set(e, ERR_DATA, "content of a message must be a text or a list of parts");
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	JSON_EACH(part, content) {
		int rc = read_part(part, &b, sound, e);
		if (rc < 0)
			return rc;
	}
	ret->text = arena_str(a, buf_view(&b));
	return 0;
}

static int read_messages(struct arena *a, const struct json *list, struct request *r, struct err *e)
{
	double sound = 0;
	size_t n = json_count(list);
	if (!json_is(list, JSON_ARRAY) || n == 0 || n > MESSAGES_MAX)
		return err_set(e, ERR_DATA, "messages must be a list of 1 to %d", MESSAGES_MAX);
	r->messages = arena_array(a, n, sizeof(*r->messages));
	JSON_EACH(m, list) {
		struct message *to = &r->messages[r->n++];
		int rc = read_message(a, m, to, &sound, e);
		if (rc < 0)
			return rc;
		r->tokens_in += tokens_of(to->text) + MESSAGE_TOKENS;
	}
	r->tokens_in += (int64_t)sound;
	return 0;
}

static void read_stop(const struct json *stop, struct request *r)
{
	if (json_is(stop, JSON_STRING) && stop->u.s.n)
		r->stop.v[r->stop.n++] = stop->u.s;
	if (json_is(stop, JSON_ARRAY))
		JSON_EACH(item, stop)
			if (json_is(item, JSON_STRING) && item->u.s.n && r->stop.n < COUNT_OF(r->stop.v))
				r->stop.v[r->stop.n++] = item->u.s;
}

static double number_of(const struct json *v, double missing)
{
	return json_is(v, JSON_INT) ? (double)v->u.i : json_is(v, JSON_REAL) ? v->u.d : missing;
}

static int read_rest(const struct json *body, struct request *r, struct err *e)
{
	const struct json *format = json_get(body, "response_format");
	r->model = json_get_str(body, "model");
	if (r->model.n == 0)
		return err_set(e, ERR_DATA, "model is missing");
	if (json_get_bool(body, "stream", false))
		return err_set(e, ERR_DATA, "stream is not supported by this server");
	r->max_tokens = json_get_int(body, "max_tokens", json_get_int(body, "max_completion_tokens", 0));
	if (r->max_tokens < 0 || (json_get(body, "max_tokens") && r->max_tokens == 0))
		return err_set(e, ERR_DATA, "max_tokens must be a whole number from 1");
	double temperature = number_of(json_get(body, "temperature"), 1);
	if (temperature < 0 || temperature > 2)
		return err_set(e, ERR_DATA, "temperature must be from 0 to 2");
	r->format = json_get_str(format, "type");
	if (format && !str_is(r->format, "text") && !str_is(r->format, "json_object") && !str_is(r->format, "json_schema"))
		return err_set(e, ERR_DATA, "response_format.type must be text, json_object or json_schema");
	r->schema = json_get(json_get(format, "json_schema"), "schema");
	if (str_is(r->format, "json_schema") && !json_is(r->schema, JSON_OBJECT))
		return err_set(e, ERR_DATA, "response_format.json_schema.schema is missing");
	read_stop(json_get(body, "stop"), r);
	return 0;
}

/* Length-prefixed by the hash of the length, so that no two lists of parts are the same bytes. */
static uint64_t hash_part(uint64_t h, struct str part)
{
	return hash_bytes(part.p, part.n, h + part.n * 0x9E3779B97F4A7C15u);
}

/* Takes the messages out of the body: what is left is short. */
static void hash_request(struct json *body, uint64_t seed, struct request *r)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	double facts[2] = {number_of(json_get(body, "temperature"), 1), number_of(json_get(body, "seed"), 0)};
	json_write(&b, json_get(body, "messages"));
	uint64_t messages = hash_part(0, buf_view(&b));
	r->key = hash_bytes(facts, sizeof(facts), hash_part(messages ^ seed * 0x9E3779B97F4A7C15u, r->model));
	json_drop(body, "messages");
	buf_clear(&b);
	json_write(&b, body);
	r->digest = hash_part(messages, buf_view(&b));
}

int request_read(struct arena *a, struct str body, uint64_t seed, struct request *ret, struct err *e)
{
	struct json *tree = NULL;
	struct request r = {.n = 0};
	int rc = json_parse(a, body, &tree, e);
	if (rc == 0 && !json_is(tree, JSON_OBJECT))
		rc = err_set(e, ERR_DATA, "the body must be a JSON object");
	if (rc == 0)
		rc = read_messages(a, json_get(tree, "messages"), &r, e);
	if (rc == 0)
		rc = read_rest(tree, &r, e);
	if (rc < 0)
		return rc;
	hash_request(tree, seed, &r);
	*ret = r;
	return 0;
}
