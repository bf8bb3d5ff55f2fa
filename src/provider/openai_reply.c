/* What a reply is: an answer, or one of the ways in which there is none. */
#include "provider/openai.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "core/chat.h"
#include "provider/remote.h"

#include <string.h>
#include <strings.h>

#define CONTENT_MAX ((size_t)8 << 20) /* bytes of an answer */

/* --- Answers --- */

/* Text that comes as a text, or as parts: [{type: text, text}], [{text}], [{summary}]; joined. */
static struct str joined(struct arena *a, const struct json *v)
{
	if (json_is(v, JSON_STRING))
		return v->u.s;
	if (!json_is(v, JSON_ARRAY))
		return STR("");
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX(CONTENT_MAX);
	JSON_EACH(part, v) {
		struct str text = json_is(part, JSON_STRING) ? part->u.s : json_get_str(part, "text");
		if (!text.n)
			text = json_get_str(part, "summary");
		buf_str(&b, text);
	}
	return arena_str(a, buf_view(&b));
}

static struct str thinking_of(struct arena *a, const struct json *message)
{
	static const char *const names[] = {"reasoning_content", "reasoning", "reasoning_details"};
	struct str s = STR("");
	for (size_t i = 0; i < COUNT_OF(names) && !s.n; i++)
		s = joined(a, json_get(message, names[i]));
	return s;
}

enum finish { FINISH_STOP, FINISH_LENGTH, FINISH_FILTER, FINISH_TROUBLE };

static enum finish finish_of(struct str reason)
{
	static const struct {
		const char *text;
		enum finish finish;
	} all[] = {
		{"length", FINISH_LENGTH}, {"max_tokens", FINISH_LENGTH}, {"model_length", FINISH_LENGTH},
		{"content_filter", FINISH_FILTER}, {"sensitive", FINISH_FILTER}, /* Zhipu */
		{"safety", FINISH_FILTER},
		{"insufficient_system_resource", FINISH_TROUBLE},     /* DeepSeek: the server gave up in the middle */
		{"network_error", FINISH_TROUBLE},                    /* Zhipu */
		{"error", FINISH_TROUBLE}, {"abort", FINISH_TROUBLE}, /* vLLM */
	};
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (reason.n == strlen(all[i].text) && strncasecmp(reason.p, all[i].text, reason.n) == 0)
			return all[i].finish;
	return FINISH_STOP;
}

struct reading {
	struct arena *arena;
	const struct http_reply *http;
	struct str model, key;
	struct openai_reply *ret;
};

static void end(struct reading *r, enum openai_means means, struct str words)
{
	r->ret->means = means;
	r->ret->words = openai_words(r->arena, words, r->key);
}

static void read_usage(struct reading *r, const struct json *body)
{
	const struct json *usage = json_get(body, "usage");
	int64_t in = json_get_int(usage, "prompt_tokens", -1), out = json_get_int(usage, "completion_tokens", -1);
	int64_t total = json_get_int(usage, "total_tokens", -1);
	if (out < 0 && in >= 0 && total >= in)
		out = total - in;
	if (in < 0 || out < 0 || in > INT32_MAX || out > INT32_MAX)
		return; /* told by halves, or nonsense: as if not told */
	r->ret->tokens_in = in;
	r->ret->tokens_out = out;
}

/* In a field of its own, so in words that need not look like a refusal. */
static void refused(struct reading *r, struct str words)
{
	json_set(r->arena, r->ret->answer, "refused", json_bool(r->arena, true));
	end(r, OPENAI_REFUSED, words);
}

static void read_choice(struct reading *r, const struct json *body, const struct json *choice)
{
	const struct json *message = json_get(choice, "message");
	struct str content = joined(r->arena, json_get(message, "content")), refusal = json_get_str(message, "refusal");
	struct str thinking = thinking_of(r->arena, message), model = json_get_str(body, "model"), said, thought;
	enum finish finish = finish_of(json_get_str(choice, "finish_reason"));
	if (finish == FINISH_TROUBLE) {
		end(r, OPENAI_TROUBLED, json_get_str(choice, "finish_reason"));
		return;
	}
	struct json *answer = json_object(r->arena);
	json_set_str(r->arena, answer, "content", content.n ? content : refusal);
	json_set_text(r->arena, answer, "finish", finish == FINISH_LENGTH ? "length" : "stop");
	json_set_str(r->arena, answer, "model", model.n && model.n <= 200 ? model : r->model);
	if (thinking.n)
		json_set_str(r->arena, answer, "reasoning", thinking);
	r->ret->answer = answer;
	answer_split(content, thinking, &thought, &said);
	if (finish == FINISH_FILTER)
		end(r, OPENAI_FILTERED, json_get_str(choice, "finish_reason"));
	else if (refusal.n && !said.n)
		refused(r, refusal);
	else if (answer_refuses(said))
		end(r, OPENAI_REFUSED, said);
	else
		end(r, OPENAI_ANSWER, STR(""));
}

/* --- Errors --- */

static bool speaks_of_format(struct str s)
{
	static const char *const words[] = {
		"response_format", "response format", "json_schema", "json_object", "guided", "grammar", "structured output"};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_find(s, str_of(words[i])) >= 0)
			return true;
	return false;
}

static void read_error(struct reading *r, const struct openai_error *e, struct str body)
{
	struct str words = e->message.n ? e->message : e->code.n ? e->code : body;
	struct str shown;
	r->ret->status = e->status;
	end(r, openai_classify(e), words);
	r->ret->names_format = r->ret->means == OPENAI_BAD_REQUEST && speaks_of_format(words);
	shown = r->ret->words;
	r->ret->words = str_of(arena_printf(r->arena, "%d%s%.*s", e->status, shown.n ? ": " : "", STR_FMT(shown)));
}

/* A whole reply of any status. */
static void read_whole(struct reading *r)
{
	struct str text = str_trim(buf_view(&r->http->body)); /* DeepSeek sends empty lines while one waits */
	struct json *body = NULL;
	struct openai_error error = {.status = r->http->status};
	struct err e = ERR_INIT;
	bool ok = r->http->status >= 200 && r->http->status < 300;
	bool parsed = text.n && !remote_too_deep(text) && json_parse(r->arena, text, &body, &e) == 0;
	if (parsed)
		read_usage(r, body);
	if (parsed && openai_error_of(r->arena, body, ok ? 200 : r->http->status, &error)) {
		read_error(r, &error, text);
		return;
	}
	if (!ok) {
		error.message = parsed ? STR("") : utf8_clip(text, 8 * OPENAI_WORDS); /* a page of a gateway, or nothing */
		read_error(r, &error, text);
		return;
	}
	const struct json *choice = json_first(json_get(body, "choices"));
	if (parsed && json_get(choice, "message")) {
		if (openai_error_of(r->arena, json_get(choice, "error") ? choice : NULL, 200, &error))
			read_error(r, &error, text);
		else
			read_choice(r, body, choice);
		return;
	}
	const char *what = !text.n  ? "the reply is empty"
					   : parsed ? "the reply is JSON, but no chat completion"
								: "the reply is no JSON";
	const char *type = r->http->facts.content_type[0] ? r->http->facts.content_type : "without a content type";
	end(r, OPENAI_TROUBLED,
		str_of(arena_printf(r->arena, "%s (status %d, %s): %.*s", what, r->http->status, type,
			STR_FMT(utf8_clip(text, OPENAI_WORDS)))));
}

void openai_read(struct arena *a, const struct http_reply *http, struct str model, struct str key, int64_t wall_ms,
	struct openai_reply *ret)
{
	struct reading r = {.arena = a, .http = http, .model = model, .key = key, .ret = ret};
	*ret = (struct openai_reply){.tokens_in = -1, .tokens_out = -1, .words = STR("")};
	switch (http->end) {
	case HTTP_DONE:
		ret->status = http->status;
		read_whole(&r);
		if (ret->means == OPENAI_LIMITED || ret->means == OPENAI_TROUBLED)
			ret->retry_ms = remote_wish_ms(&http->facts, wall_ms);
		return;
	case HTTP_CANCELLED:
		end(&r, OPENAI_STOPPED, STR("interrupted"));
		return;
	case HTTP_UNTRUSTED:
		end(&r, OPENAI_ACCOUNT,
			str_of(arena_printf(a,
				"the server's certificate does not hold (%s): nothing was sent. Is base_url right? A server with a "
				"certificate of your own needs it among the system's certificates",
				http->what)));
		return;
	case HTTP_TOO_LONG:
		end(&r, OPENAI_TOO_LONG, STR("the reply is over reply_max_kb"));
		return;
	default:
		end(&r, OPENAI_TROUBLED,
			str_of(arena_printf(a, "%s%s%s", http_end_name(http->end), http->what[0] ? ": " : "", http->what)));
	}
}
