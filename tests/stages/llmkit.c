#include "tests/stages/llmkit.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "core/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void asking(const struct provider *p, struct provider_asking *ret)
{
	const struct llmkit *kit = p->params;
	*ret = (struct provider_asking){.draws = kit->draws, .repair = kit->repair};
}

static const char *written(struct arena *a, const struct json *v)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	json_write(&b, v);
	return arena_strdup(a, b.data);
}

static int ask(void *arg, struct work *w, const struct work_ask *q, struct json **ret, struct err *e)
{
	struct llmkit *kit = arg;
	ASSERT(kit->n < LLMKIT_ASKED_MAX);
	struct llmkit_asked *asked = &kit->asked[kit->n++];
	*asked = (struct llmkit_asked){.step = arena_strdup(&kit->arena, q->step),
		.request = written(&kit->arena, q->request),
		.messages = json_copy(&kit->arena, json_get(q->request, "messages")),
		.draw = q->draw};
	struct llmkit_answer answer = kit->answer(kit->arg, asked);
	if (!answer.content)
		return err_set(e, ERR_TRANSIENT, "scripted failure");
	*ret = json_object(w->arena);
	json_set_text(w->arena, *ret, "content", answer.content);
	json_set_text(w->arena, *ret, "finish", answer.finish ? answer.finish : "stop");
	json_set_text(w->arena, *ret, "model", "scripted-1");
	if (answer.reasoning)
		json_set_text(w->arena, *ret, "reasoning", answer.reasoning);
	return 0;
}

static void ask_invalid(void *arg, struct work *w)
{
	struct llmkit *kit = arg;
	(void)w;
	kit->invalid++;
}

void llmkit_init(
	struct llmkit *kit, struct llmkit_answer (*answer)(void *arg, const struct llmkit_asked *asked), void *arg)
{
	memset(kit, 0, sizeof(*kit));
	kit->ops = (struct provider_ops){.kind = "test", .help = "", .serves = PROVIDER_LLM, .asking = asking};
	kit->draws = 3;
	kit->answer = answer;
	kit->arg = arg;
	kit->io = (struct work_io){.ask = ask, .ask_invalid = ask_invalid, .arg = kit};
	kit->provider = (struct provider){.name = "llm", .ops = &kit->ops, .params = kit};
}

void llmkit_release(struct llmkit *kit)
{
	arena_release(&kit->arena);
}

void llmkit_forget(struct llmkit *kit)
{
	kit->n = kit->invalid = 0;
}

const char *llmkit_text(struct llmkit *kit, const struct llmkit_asked *asked)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	JSON_EACH(message, asked->messages) {
		const struct json *content = json_get(message, "content");
		if (json_is(content, JSON_STRING))
			buf_str(&b, content->u.s);
		JSON_EACH(part, json_is(content, JSON_ARRAY) ? content : NULL)
			buf_str(&b, json_get_str(part, "text"));
		buf_putc(&b, '\n');
	}
	return arena_strdup(&kit->arena, b.data);
}

void llmkit_conforms(struct llmkit *kit, const struct json *fields)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json *document = NULL;
	struct schema *schema = NULL;
	struct err e = ERR_INIT;
	int rc = fs_read("schemas/call.schema.json", 1 << 20, &text, &e);
	if (rc == 0)
		rc = json_parse(&kit->arena, buf_view(&text), &document, &e);
	if (rc == 0) {
		json_drop(document, "required"); /* fields of one stage are no whole call */
		rc = schema_read(&kit->arena, document, &schema, &e);
	}
	if (rc == 0)
		rc = schema_check(schema, fields, &e);
	if (rc != 0)
		fail_msg("%s: %s", written(&kit->arena, fields), e.text);
}
