/* Predictions: whose they are, and what they say. */
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/eval.h"
#include "cli/rows.h"

#include <string.h>

/* Where a model's text stands, the surest name first; the public scripts, too, take `messages` first when it is a text. */
static const char *const text_keys[] = {"messages", "prediction", "predict", "model_answer", "final_prediction",
	"respond_text", "response", "output", "text", "content"};

/* A row made from the bench's own item still has the reference under `response`: taken for the model's text, it would be right everywhere. */
static bool holds_reference(const struct json *row)
{
	return json_get(row, "answer") && json_get(row, "reasoning");
}

/* A reply of a chat server: {choices: [{message: {content}}]}, also within {response: {body: …}} of a batch. */
static const struct json *chat_content(const struct json *row)
{
	const struct json *choices = json_get(row, "choices");
	if (!choices)
		choices = json_path(row, "response.body.choices");
	return json_path(json_at(choices, 0), "message.content");
}

static struct str last_reply(const struct json *messages)
{
	struct str text = {NULL, 0};
	JSON_EACH(m, messages) {
		text = str_is(json_get_str(m, "role"), "assistant") ? json_get_str(m, "content") : (struct str){NULL, 0};
	}
	return text;
}

static struct str text_of(const struct json *row)
{
	for (size_t i = 0; i < COUNT_OF(text_keys); i++) {
		const struct json *v = json_get(row, text_keys[i]);
		if (strcmp(text_keys[i], "response") == 0 && holds_reference(row))
			continue;
		if (json_is(v, JSON_STRING))
			return v->u.s;
	}
	const struct json *content = chat_content(row);
	if (json_is(content, JSON_STRING))
		return content->u.s;
	return last_reply(json_get(row, "messages"));
}

/* The messages that were sent: without the reply, when the row holds that as its last message. */
static struct json *asked(struct arena *a, const struct json *messages)
{
	struct json *out = json_array(a);
	JSON_EACH(m, messages) {
		if (m->next || !str_is(json_get_str(m, "role"), "assistant"))
			json_append(out, json_copy(a, m));
	}
	return out;
}

static int64_t find(const struct map *m, const struct digest *d)
{
	return map_int(m, str_n((const char *)d->b, DIGEST_SIZE), 0);
}

static int64_t find_prompt(const struct eval_bench *b, struct arena *a, const struct json *prompt)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct digest d;
	struct json *parsed;
	if (json_is(prompt, JSON_STRING) && json_parse(a, prompt->u.s, &parsed, NULL) == 0)
		prompt = parsed; /* a list that was written as text */
	if (!json_is(prompt, JSON_ARRAY))
		return 0;
	json_write(&text, asked(a, prompt));
	digest_of(text.data, text.len, &d);
	return find(&b->by_prompt, &d);
}

/* Item + 1; 0: nothing matches; -1: several items have this prompt. */
static int64_t find_item(const struct eval_bench *b, struct arena *a, const struct json *row)
{
	static const char *const ids[] = {"id", "custom_id"}, *const prompts[] = {"talk_list", "prompt", "messages"};
	int64_t at = 0;
	for (size_t i = 0; at == 0 && i < COUNT_OF(ids); i++)
		at = map_int(&b->by_id, json_get_str(row, ids[i]), 0);
	for (size_t i = 0; at == 0 && i < COUNT_OF(prompts); i++)
		at = find_prompt(b, a, json_get(row, prompts[i]));
	const struct json *audio = json_at(json_get(row, "audios"), 0), *messages = json_get(row, "messages");
	if (json_is(audio, JSON_OBJECT)) /* {path, bytes} of some tools */
		audio = json_get(audio, "path");
	if (at == 0 && json_is(audio, JSON_STRING) && json_is(messages, JSON_ARRAY)) {
		struct digest d;
		eval_swift_digest(asked(a, messages), audio->u.s, &d);
		at = find(&b->by_swift, &d);
	}
	return at;
}

static int join_row(struct eval_bench *b, struct arena *a, const struct json *row, const char *place,
	struct eval_joined *ret, struct err *e)
{
	ret->rows++;
	if (!json_is(row, JSON_OBJECT))
		return err_set(e, ERR_DATA, "%s: a prediction is an object, not %s", place, json_kind_name(row->kind));
	int64_t at = find_item(b, a, row);
	if (at < 0)
		return err_set(e, ERR_DATA,
			"%s: several items of the bench have this prompt; give the predictions the ids of taf eval prepare", place);
	if (at == 0) {
		ret->unmatched++;
		if (!ret->first)
			ret->first = arena_strdup(&b->arena, place);
		return 0;
	}
	struct eval_item *item = &b->items[at - 1];
	if (item->place)
		return err_set(e, ERR_DATA, "%s: item %.*s has a prediction at %s already; remove one of them", place,
			STR_FMT(item->id), item->place);
	item->place = arena_strdup(&b->arena, place);
	struct str text = text_of(row);
	ret->silent += text.p == NULL;
	if (text.p)
		item->found = eval_answer(item->task, &b->labels[item->task], text, &item->predicted);
	return 0;
}

int eval_join(struct eval_bench *b, const char *path, struct eval_joined *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(ROWS_FILE_MAX);
	CLEANUP(buf_release) struct buf place = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct rows rows;
	struct json *row;
	int rc = fs_read(path, ROWS_FILE_MAX, &text, e);
	if (rc < 0)
		return rc;
	rows_init(&rows, path, buf_view(&text));
	while ((rc = rows_next(&rows, &a, &row, e)) > 0) {
		buf_clear(&place);
		buf_printf(&place, "%s:%zu", path, rows.line);
		rc = join_row(b, &a, row, place.data, ret, e);
		if (rc < 0)
			break;
		arena_reset(&a);
	}
	arena_release(&a);
	return rc;
}
