/* The full-dialogue form: a JSON object a file, `dialogue_history` [{role, content, timestamp}] in true order. The time stamps tell
 * when a model wrote a turn, not when it was spoken: they are left out. */
#include "stages/import/import.h"

#include "base/alloc.h"

static const struct member members[] = {
	{"dialogue_history", MEMBER_HISTORY, true},
	{"tts_id", MEMBER_ID, false},
	{"fraud_type", MEMBER_TEXT, false},
	{"scene", MEMBER_TEXT, false},
	{"user_age", MEMBER_AGE, false},
	{"user_awareness", MEMBER_TEXT, false},
	{"occupation", MEMBER_TEXT, false},
	{"terminator", MEMBER_TEXT, false},
	{"termination_reason", MEMBER_TEXT, false},
	{"end_call_signal_detected", MEMBER_BOOL, false},
};

static bool recognises(struct str text)
{
	return record_is_lone(text, "\"dialogue_history\"");
}

static struct json *pick(struct arena *a, const struct import_file *f, struct buf *why)
{
	if (f->text.n > IMPORT_FILE_MAX) {
		buf_printf(why, "a full dialogue of %zu bytes is over %zu", f->text.n, IMPORT_FILE_MAX);
		return NULL;
	}
	struct json *v = record_parse(a, f->text, why);
	return v ? record_pick(a, v, members, COUNT_OF(members), why) : NULL;
}

struct json *dialogue_history(struct arena *a, const struct import_file *f, struct buf *why)
{
	struct json *record = pick(a, f, why);
	return record ? json_get(record, "dialogue_history") : NULL;
}

static struct str id_of(struct arena *a, const struct import_file *f, const struct json *record, struct buf *why)
{
	return record_lone_id(a, f, record ? json_get_str(record, "tts_id") : str_of(NULL), why);
}

static struct str lone_id(struct arena *a, const struct import_file *f)
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	struct json *record = pick(a, f, &why);
	return record ? id_of(a, f, record, &why) : str_of(NULL);
}

static void broken(struct import_list *l, const struct import_file *f, const char *why)
{
	CLEANUP(buf_release) struct buf toolong = BUF_INIT;
	struct arena *a = lister_arena(l->lister);
	struct str id = id_of(a, f, NULL, &toolong);
	if (!id.p)
		id = str_of(arena_printf(a, "file-%d", f->index));
	lister_broken(l->lister, id, (struct locator){.file = f->index}, why);
}

static int list(struct import_list *l, const struct import_file *f, struct err *e)
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	struct arena *a = lister_arena(l->lister);
	struct json *record = pick(a, f, &why);
	struct str id = record ? id_of(a, f, record, &why) : str_of(NULL);
	(void)e;
	if (!id.p) {
		broken(l, f, why.data);
		return 0;
	}
	struct map_entry *entry = map_find(&l->dialogues, id);
	if (entry && entry->value.i == -((int64_t)f->index + 1))
		return 0; /* a line of that id took it */
	/* The id is the origin, not part of the content. */
	struct json *content = json_object(a);
	JSON_EACH(member, record) {
		if (!str_is(member->key, "tts_id"))
			json_set_key(a, content, member->key, json_copy(a, member));
	}
	import_add(l, f, id, record_content(a, &reader_dialogue, content), (struct locator){.file = f->index});
	return 0;
}

static int read_record(struct work *w, const struct json *content, struct transcript *ret, struct err *e)
{
	const struct json *record = json_get(content, "record");
	(void)e;
	record_facts(record, ret);
	ret->turns = record_history(w->arena, json_get(record, "dialogue_history"));
	return 0;
}

const struct reader reader_dialogue = {
	.name = "dialogue",
	.help = "full dialogue (a JSON object a file with dialogue_history)",
	.recognises = recognises,
	.lone_id = lone_id,
	.list = list,
	.read = read_record,
};
