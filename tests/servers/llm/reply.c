#include "tests/servers/llm/reply.h"

#include "tests/servers/common/gate.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/utf8.h"

#define CREATED 1700000000 /* replies depend on no clock */

struct writing {
	const struct agents *g;
	const struct request *r;
	const struct llm_switches *s;
	struct buf content;
	const char *finish;
};

static struct str any(const struct writing *w, const char *path)
{
	struct texts list = lines_get(w->g->lines, path);
	return list.n ? list.v[mix_below(w->r->key, path, list.n)] : STR("");
}

/* The answer as the switches dress it. */
static void dress(struct writing *w, const struct answer *answer)
{
	bool inline_thinking = answer->thinking.n && !w->s->reasoning;
	if (inline_thinking)
		buf_printf(&w->content, "<think>\n%.*s\n</think>\n\n", STR_FMT(answer->thinking));
	if (w->s->fence && answer->json)
		buf_printf(&w->content, "%.*s\n```json\n%.*s\n```\n%.*s", STR_FMT(any(w, "fence/before")),
			STR_FMT(answer->text), STR_FMT(any(w, "fence/after")));
	else
		buf_str(&w->content, answer->text);
}

static void stop_at(struct writing *w)
{
	for (size_t i = 0; i < w->r->stop.n; i++) {
		ptrdiff_t at = str_find(buf_view(&w->content), w->r->stop.v[i]);
		if (at >= 0)
			buf_truncate(&w->content, (size_t)at);
	}
}

static void lengthen(struct writing *w, enum answered answered)
{
	if (answered == ANSWERED_LENGTH) {
		buf_truncate(&w->content, utf8_clip(buf_view(&w->content), w->content.len / 2).n);
		w->finish = "length";
	}
	CLEANUP(buf_release) struct buf once = BUF_INIT;
	buf_str(&once, buf_view(&w->content));
	if (answered == ANSWERED_LONG && once.len == 0)
		buf_puts(&once, "很长的话。");
	while (answered == ANSWERED_LONG && (int64_t)w->content.len < w->s->long_bytes)
		buf_str(&w->content, buf_view(&once));
}

static void write_body(const struct writing *w, struct str thinking, int64_t tokens_out, struct buf *b)
{
	buf_printf(b, "{\"id\":\"chatcmpl-%016llx\",\"object\":\"chat.completion\",\"created\":%d,\"model\":",
		(unsigned long long)w->r->key, CREATED);
	json_write_string(b, w->r->model);
	buf_puts(b, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
	json_write_string(b, buf_view(&w->content));
	if (w->s->reasoning && thinking.n) {
		buf_puts(b, ",\"reasoning_content\":");
		json_write_string(b, thinking);
	}
	buf_printf(b,
		"},\"logprobs\":null,\"finish_reason\":\"%s\"}],\"usage\":{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,"
		"\"total_tokens\":%lld}}",
		w->finish, (long long)w->r->tokens_in, (long long)tokens_out, (long long)(w->r->tokens_in + tokens_out));
}

void reply_make(
	const struct agents *g, const struct request *r, const struct llm_switches *s, struct buf *b, struct reply *ret)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct writing w = {g, r, s, BUF_INIT, "stop"};
	struct answer answer = {.json = false};
	*ret = (struct reply){.status = 200, .answered = (enum answered)switches_answered(&llm_switch_set, &s->base, r->key)};
	if (ret->answered == ANSWERED_FILTER_400) {
		ret->status = 400;
		reply_error(b, 400, "data_inspection_failed", "Input data may contain inappropriate content.");
		return;
	}
	if (ret->answered == ANSWERED_REFUSE)
		buf_str(&w.content, any(&w, "refusals"));
	else if (ret->answered == ANSWERED_FILTER)
		w.finish = "content_filter";
	else
		agents_answer(g, r, s, &a, &answer);
	dress(&w, &answer);
	stop_at(&w);
	lengthen(&w, ret->answered);
	int64_t thought = s->reasoning ? tokens_of(answer.thinking) : 0;
	int64_t tokens = tokens_of(buf_view(&w.content));
	if (r->max_tokens > 0 && thought + tokens > r->max_tokens) {
		buf_truncate(
			&w.content, tokens_clip(buf_view(&w.content), r->max_tokens > thought ? r->max_tokens - thought : 0).n);
		tokens = r->max_tokens - thought;
		w.finish = "length";
	}
	ret->tokens_out = thought + tokens;
	ret->content = hash_bytes(w.content.data, w.content.len, 0);
	write_body(&w, answer.thinking, ret->tokens_out, b);
	ret->answer = (struct answer){.part = answer.part, .json = answer.json, .misbehaved = answer.misbehaved};
	buf_release(&w.content);
}
