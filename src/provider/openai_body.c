/* What is sent. The body is written member by member, so that sound goes from its object through base64 into it
 * without a copy in between. */
#include "provider/openai.h"

#include "base/alloc.h"
#include "io/digest.h"
#include "provider/remote.h"

/* Members that are written from the request and from options: `extra` may not say them again. */
static const char *const own_members[] = {"model", "messages", "stream", "n", "response_format", NULL};
static const char *const option_members[] = {"temperature", "top_p", "max_tokens", "seed", "stop", NULL};

size_t openai_models(const struct openai_params *p)
{
	return p->fallback_models.n + 1;
}

struct str openai_model(const struct openai_params *p, size_t i)
{
	return i == 0 ? p->model : p->fallback_models.v[i - 1];
}

/* --- Extra members --- */

int openai_check_extra(const struct json *extra, struct err *e)
{
	return remote_check_extra(extra, own_members, option_members, e);
}

static void put_extra(struct arena *a, const struct json *extra, struct buf *b)
{
	struct json *made = json_object(a);
	remote_set_extra(a, made, extra);
	JSON_EACH(m, made) {
		buf_putc(b, ',');
		json_write_string(b, m->key);
		buf_putc(b, ':');
		json_write(b, m);
	}
}

/* --- Messages --- */

/* {type: input_audio, object, format} → {type: input_audio, input_audio: {data, format}} */
static int put_sound(const struct json *part, const struct provider_ask *q, struct buf *b, size_t *sound, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(OPENAI_BODY_MAX);
	struct str hex = json_get_str(part, "object"), format = json_get_str(part, "format");
	if (!q->object)
		return err_set(e, ERR_DATA, "a message holds sound, but there is nothing to read it from");
	int rc = q->object(q->arg, hex, &bytes, e);
	if (rc < 0)
		return rc;
	buf_puts(b, "{\"type\":\"input_audio\",\"input_audio\":{\"format\":");
	json_write_string(b, format.n ? format : STR("mp3"));
	buf_puts(b, ",\"data\":\"");
	size_t before = b->len;
	base64_put(b, bytes.data, bytes.len);
	*sound += b->len - before;
	buf_puts(b, "\"}}");
	return 0;
}

static int put_content(
	const struct json *content, const struct provider_ask *q, struct buf *b, size_t *sound, struct err *e)
{
	if (!json_is(content, JSON_ARRAY)) {
		json_write(b, content);
		return 0;
	}
	buf_putc(b, '[');
	JSON_EACH(part, content) {
		if (part != json_first(content))
			buf_putc(b, ',');
		int rc = 0;
		if (str_is(json_get_str(part, "type"), "input_audio") && json_get(part, "object"))
			rc = put_sound(part, q, b, sound, e);
		else
			json_write(b, part);
		if (rc < 0)
			return rc;
	}
	buf_putc(b, ']');
	return 0;
}

static int put_messages(
	const struct json *messages, const struct provider_ask *q, struct buf *b, size_t *sound, struct err *e)
{
	if (json_count(messages) == 0 || !json_is(messages, JSON_ARRAY))
		return err_set(e, ERR_DATA, "the request has no messages");
	buf_putc(b, '[');
	JSON_EACH(m, messages) {
		const struct json *content = json_get(m, "content");
		if (!content || !json_get_str(m, "role").n)
			return err_set(e, ERR_DATA, "a message of the request has no role or no content");
		if (m != json_first(messages))
			buf_putc(b, ',');
		buf_puts(b, "{\"role\":");
		json_write_string(b, json_get_str(m, "role"));
		buf_puts(b, ",\"content\":");
		int rc = put_content(content, q, b, sound, e);
		if (rc < 0)
			return rc;
		buf_putc(b, '}');
	}
	buf_putc(b, ']');
	return 0;
}

/* --- The rest --- */

enum openai_format openai_format_of(const struct openai_params *p, int refused, const struct provider_ask *q)
{
	if (!json_get_bool(q->request, "json", false) || p->json_mode == OPENAI_JSON_OFF)
		return OPENAI_FORMAT_NONE;
	if (p->json_mode != OPENAI_JSON_AUTO)
		refused = 0;
	if (q->schema && refused < 1 && p->json_mode != OPENAI_JSON_OBJECT)
		return OPENAI_FORMAT_SCHEMA;
	/* json_object lets a model say nothing but an object. */
	bool list = str_is(json_get_str(q->schema, "type"), "array");
	return refused < 2 && p->json_mode != OPENAI_JSON_SCHEMA && !list ? OPENAI_FORMAT_OBJECT : OPENAI_FORMAT_NONE;
}

static void put_real(struct buf *b, struct arena *a, const char *name, double x)
{
	buf_printf(b, ",\"%s\":", name);
	json_write(b, json_real(a, x));
}

static void put_stop(const struct option_list *stop, struct buf *b)
{
	for (size_t i = 0; i < stop->n; i++) {
		buf_puts(b, i ? "," : ",\"stop\":[");
		json_write_string(b, stop->v[i]);
	}
	if (stop->n)
		buf_putc(b, ']');
}

static void put_sampling(const struct openai_params *p, const struct provider_ask *q, struct buf *b)
{
	const struct json *own = json_get(q->request, "temperature");
	if (own) {
		buf_puts(b, ",\"temperature\":");
		json_write(b, own);
	} else if (p->temperature >= 0) {
		put_real(b, q->arena, "temperature", p->temperature);
	}
	if (p->top_p >= 0)
		put_real(b, q->arena, "top_p", p->top_p);
	int64_t max_tokens = json_get_int(q->request, "max_tokens", p->max_tokens);
	if (max_tokens > 0)
		buf_printf(b, ",\"max_tokens\":%lld", (long long)max_tokens);
	if (p->send_seed)
		buf_printf(b, ",\"seed\":%lld", (long long)q->seed);
}

int openai_body(const struct openai_sending *x, struct buf *ret, size_t *ret_text, struct err *e)
{
	const struct provider_ask *q = x->q;
	size_t begin = ret->len, sound = 0;
	buf_puts(ret, "{\"model\":");
	json_write_string(ret, x->model);
	buf_puts(ret, ",\"messages\":");
	int rc = put_messages(json_get(q->request, "messages"), q, ret, &sound, e);
	if (rc < 0)
		return rc;
	put_sampling(x->params, q, ret);
	put_stop(&x->params->stop, ret);
	if (x->format == OPENAI_FORMAT_OBJECT)
		buf_puts(ret, ",\"response_format\":{\"type\":\"json_object\"}");
	if (x->format == OPENAI_FORMAT_SCHEMA) {
		buf_puts(
			ret, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":");
		json_write(ret, q->schema);
		buf_puts(ret, "}}");
	}
	put_extra(q->arena, x->params->extra, ret);
	buf_puts(ret, ",\"stream\":false}");
	if (buf_error(ret))
		return err_set(e, ERR_DATA, "the request is over %zu MiB", OPENAI_BODY_MAX >> 20);
	*ret_text = ret->len - begin - sound;
	return 0;
}
