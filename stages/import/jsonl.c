/* The TeleAntiFraud form: JSON lines, an object a call, `left` and `right` with the texts of either side. Turns alternate, left first. */
#include "stages/import/import.h"

#include "base/alloc.h"

static const struct member members[] = {
	{"tts_id", MEMBER_ID, true},
	{"left", MEMBER_TEXTS, true},
	{"right", MEMBER_TEXTS, true},
	{"fraud_type", MEMBER_TEXT, false},
	{"scene", MEMBER_TEXT, false},
	{"user_age", MEMBER_AGE, false},
	{"user_awareness", MEMBER_TEXT, false},
	{"occupation", MEMBER_TEXT, false},
	{"termination_reason", MEMBER_TEXT, false},
	{"terminator", MEMBER_TEXT, false},
};

#define BOM "\xef\xbb\xbf"

static struct str without_bom(struct str s)
{
	return str_starts(s, BOM) ? str_n(s.p + 3, s.n - 3) : s;
}

/* Any line that looks like a whole object, or like the beginning of ours: one broken line must not hide the others. */
static bool recognises(struct str text)
{
	struct str rest = text, line;
	while (str_line(&rest, &line)) {
		line = str_trim(without_bom(line));
		if (str_starts(line, "{") && (str_ends(line, "}") || str_find(line, STR("\"tts_id\"")) >= 0))
			return true;
	}
	return false;
}

/* Lay the true order over a line: both must tell of the same turns, as far as counts go. */
static bool take_dialogue(struct import_list *l, struct arena *a, struct str id, struct json *content, struct buf *why)
{
	struct map_entry *entry = map_find(&l->dialogues, id);
	if (!entry || entry->value.i < 0)
		return true;
	const struct json *record = json_get(content, "record");
	struct json *history = dialogue_history(a, &l->files[entry->value.i - 1], why);
	size_t left = 0, right = 0, nleft = json_count(json_get(record, "left")),
		   nright = json_count(json_get(record, "right"));
	if (!history)
		return false;
	JSON_EACH(turn, history) {
		if (str_is(json_get_str(turn, "role"), "left"))
			left++;
		else
			right++;
	}
	entry->value.i = -entry->value.i;
	if (left != nleft || right != nright) {
		buf_printf(
			why, "the line has %zu left and %zu right turns, the full dialogue of the same id %zu and %zu: are they of one run?",
			nleft, nright, left, right);
		return false;
	}
	json_set(a, content, "dialogue", json_copy(a, history));
	return true;
}

static void broken_line(struct import_list *l, const struct import_file *f, struct locator at, const char *why)
{
	struct arena *a = lister_arena(l->lister);
	CLEANUP(buf_release) struct buf toolong = BUF_INIT;
	struct str id = record_id(a, f->prefix, str_of(arena_printf(a, "line-%d", at.line)), &toolong);
	/* A prefix too long for an id: told at each line under a name that fits. */
	if (!id.p)
		id = str_of(arena_printf(a, "file-%d/line-%d", at.file, at.line));
	lister_broken(l->lister, id, at, why);
}

static void list_line(struct import_list *l, const struct import_file *f, struct str line, struct locator at)
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	struct arena *a = lister_arena(l->lister);
	if (line.n > IMPORT_LINE_MAX) {
		buf_printf(&why, "a line of %zu bytes is over %zu", line.n, IMPORT_LINE_MAX);
		broken_line(l, f, at, why.data);
		return;
	}
	struct json *parsed = record_parse(a, line, &why);
	struct json *record = parsed ? record_pick(a, parsed, members, COUNT_OF(members), &why) : NULL;
	size_t turns = json_count(json_get(record, "left")) + json_count(json_get(record, "right"));
	if (record && turns > CALL_TURNS_MAX) {
		buf_printf(&why, "left and right: %zu turns are over %d", turns, CALL_TURNS_MAX);
		record = NULL;
	}
	struct str id = record ? record_id(a, f->prefix, json_get_str(record, "tts_id"), &why) : str_of(NULL);
	if (!id.p) {
		broken_line(l, f, at, why.data);
		return;
	}
	/* The id is the origin, not part of the content. */
	struct json *kept = json_object(a);
	JSON_EACH(member, record) {
		if (!str_is(member->key, "tts_id"))
			json_set_key(a, kept, member->key, json_copy(a, member));
	}
	struct json *content = record_content(a, &reader_jsonl, kept);
	if (!take_dialogue(l, a, id, content, &why))
		lister_broken(l->lister, id, at, why.data);
	else
		import_add(l, f, id, content, at);
}

static int list(struct import_list *l, const struct import_file *f, struct err *e)
{
	struct str rest = f->text, line;
	(void)e;
	for (int number = 1; str_line(&rest, &line); number++) {
		struct str s = str_trim(without_bom(line));
		if (s.n == 0)
			continue;
		struct locator at = {
			.file = f->index,
			.offset = (int64_t)(f->skipped + (size_t)(s.p - f->text.p)),
			.length = (int64_t)s.n,
			.line = number,
		};
		list_line(l, f, s, at);
	}
	return 0;
}

/* Left, right, left, …: only counts that fit can be put in order. */
static int alternate(struct work *w, const struct json *record, struct json **ret, struct err *e)
{
	const struct json *left = json_get(record, "left"), *right = json_get(record, "right");
	size_t nleft = json_count(left), nright = json_count(right);
	if (nleft != nright && nleft != nright + 1)
		return err_set(e, ERR_DATA,
			"turns doubled: %zu left, %zu right: one side spoke twice in a row and the line does not tell where; "
			"add the full-dialogue file of this call under the same prefix",
			nleft, nright);
	struct json *turns = json_array(w->arena);
	const struct json *r = json_first(right);
	JSON_EACH(l, left) {
		json_append(turns, turn_new(w->arena, "left", l->u.s));
		if (r) {
			json_append(turns, turn_new(w->arena, "right", r->u.s));
			r = r->next;
		}
	}
	*ret = turns;
	return 0;
}

static int read_record(struct work *w, const struct json *content, struct transcript *ret, struct err *e)
{
	const struct json *record = json_get(content, "record"), *dialogue = json_get(content, "dialogue");
	record_facts(record, ret);
	if (!dialogue)
		return alternate(w, record, &ret->turns, e);
	ret->turns = record_history(w->arena, dialogue);
	return 0;
}

const struct reader reader_jsonl = {
	.name = "jsonl",
	.help = "TeleAntiFraud JSONL (an object a line: tts_id, left, right, …)",
	.recognises = recognises,
	.lone_id = record_no_lone_id,
	.list = list,
	.read = read_record,
};
