/* FunASR: what AutoModel.generate gives with a speaker model, `sentence_info` [{text, start, end, spk}] with times in ms, as one result or as a list of
 * them [{key, text, timestamp, sentence_info}], each of which is one call. spk_mode vad_segment calls the text `sentence`. SenseVoice leaves its marks
 * in the text (<|zh|><|NEUTRAL|>…): they are cut. */
#include "stages/import/import.h"

#include "base/alloc.h"

#include <string.h>

static bool recognises(struct str text)
{
	if (str_starts(str_trim(text), "["))
		return str_find(text, STR("sentence_info")) >= 0 ||
			   (str_find(text, STR("\"key\"")) >= 0 && str_find(text, STR("\"text\"")) >= 0);
	return record_is_lone(text, "\"sentence_info\"");
}

/* A mark that is not closed is text. */
static struct str without_marks(struct arena *a, struct str text)
{
	char *out = arena_alloc(a, text.n + 1);
	size_t n = 0, from = 0;
	bool open = false;
	for (size_t i = 0; i < text.n; i++) {
		bool pair = i + 1 < text.n;
		if (!open && pair && text.p[i] == '<' && text.p[i + 1] == '|') {
			open = true;
			from = i++;
		} else if (open && pair && text.p[i] == '|' && text.p[i + 1] == '>') {
			open = false;
			i++;
		} else if (!open) {
			out[n++] = text.p[i];
		}
	}
	if (open) {
		memcpy(out + n, text.p + from, text.n - from);
		n += text.n - from;
	}
	return str_n(out, n);
}

static bool take_sentence(struct segments *s, const struct json *sentence, size_t i)
{
	const struct json *text = json_get(sentence, "text"), *spk = json_get(sentence, "spk");
	if (!text)
		text = json_get(sentence, "sentence");
	if (sentence->kind != JSON_OBJECT)
		return segments_fail(s, "sentence_info[%zu]: expected an object, found %s", i, json_kind_name(sentence->kind));
	if (!json_is(text, JSON_STRING))
		return segments_fail(
			s, "sentence_info[%zu].text: expected a text, found %s", i, text ? json_kind_name(text->kind) : "nothing");
	struct segment one = {
		.speaker = segments_speaker(s->arena, spk),
		.text = without_marks(s->arena, text->u.s),
		.start_ms = segments_time(json_get(sentence, "start"), 1),
		.end_ms = segments_time(json_get(sentence, "end"), 1),
	};
	if (spk && spk->kind != JSON_NULL && !one.speaker.p)
		return segments_fail(s, "sentence_info[%zu].spk: expected a number, found %s", i, json_kind_name(spk->kind));
	return segments_add(s, one);
}

static bool take_result(struct segments *s, const struct json *result)
{
	const struct json *list = json_get(result, "sentence_info");
	size_t i = 0;
	if (!json_is(list, JSON_ARRAY))
		return segments_fail(
			s, "sentence_info: expected a list, found %s; nobody says who spoke: run FunASR with a speaker model (spk_model)",
			list ? json_kind_name(list->kind) : "nothing");
	JSON_EACH(sentence, list) {
		if (!take_sentence(s, sentence, i++))
			return false;
	}
	return true;
}

static bool parse(struct segments *s, struct str text)
{
	struct json *v = segments_parse_json(s->arena, text, s->why);
	return v && take_result(s, v);
}

/* --- A list of results: cut into its members by their brackets, so that a broken one does not hide the others --- */

/* The end of a value in a list: the comma or bracket behind it, at depth 0 and outside of strings. */
static size_t value_end(struct str s, int *lines)
{
	bool quoted = false;
	size_t i = 0;
	for (int64_t depth = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '\n')
			++*lines;
		if (quoted) {
			if (c == '\\' && i + 1 < s.n)
				i++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		if (depth == 0 && (c == ',' || c == ']'))
			break;
		if (c == '"')
			quoted = true;
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return i;
}

static int leading_lines(struct str s)
{
	int n = 0;
	for (size_t i = 0; i < s.n && (s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r')); i++)
		n += s.p[i] == '\n';
	return n;
}

static struct str key_of(struct arena *a, struct str piece)
{
	CLEANUP(buf_release) struct buf ignored = BUF_INIT;
	struct json *v = piece.n <= IMPORT_FILE_MAX ? segments_parse_json(a, piece, &ignored) : NULL;
	return str_trim(segments_speaker(a, json_get(v, "key")));
}

/* The id in the file is its key, the name of the sound; a result without one is known by its place. */
static void list_result(struct import_list *l, const struct import_file *f, struct str piece, struct locator at, int n)
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	struct arena *a = lister_arena(l->lister);
	struct str key = key_of(a, piece);
	struct str id = record_id(a, f->prefix, key.n ? key : str_of(arena_printf(a, "result-%d", n)), &why);
	if (id.p)
		segments_list_call(l, f, id, piece, at, parse);
	else
		lister_broken(l->lister, str_of(arena_printf(a, "file-%d/result-%d", f->index, n)), at, why.data);
}

static void broken_list(struct import_list *l, const struct import_file *f, int line, int n, const char *reason)
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	struct arena *a = lister_arena(l->lister);
	struct str id = record_id(a, f->prefix, str_of(arena_printf(a, "result-%d", n)), &why);
	if (!id.p)
		id = str_of(arena_printf(a, "file-%d/result-%d", f->index, n));
	lister_broken(l->lister, id, (struct locator){.file = f->index, .line = line}, reason);
}

/* `rest` begins with the bracket of the list, on `line`. */
static void list_results(struct import_list *l, const struct import_file *f, struct str rest, int line)
{
	for (int n = 1;; n++) {
		int lines = 0;
		rest = str_n(rest.p + 1, rest.n - 1);
		size_t end = value_end(rest, &lines);
		struct str piece = str_trim(str_n(rest.p, end));
		bool last = end >= rest.n || rest.p[end] == ']';
		struct locator at = {
			.file = f->index,
			.offset = (int64_t)(f->skipped + (size_t)(piece.p - f->text.p)),
			.length = (int64_t)piece.n,
			.line = line + leading_lines(rest),
		};
		if (piece.n || !last)
			list_result(l, f, piece, at, n);
		else if (end < rest.n)
			broken_list(l, f, at.line, n, n == 1 ? "the list is empty" : "a comma and nothing behind it");
		line += lines;
		rest = str_n(rest.p + end, rest.n - end);
		if (!last)
			continue;
		if (rest.n == 0)
			broken_list(l, f, line, piece.n ? n + 1 : n, "the list is not closed: was the file cut short?");
		else if (str_trim(str_n(rest.p + 1, rest.n - 1)).n)
			broken_list(l, f, line, n + 1, "text behind the end of the list");
		return;
	}
}

static int list(struct import_list *l, const struct import_file *f, struct err *e)
{
	struct str rest = str_trim(f->text);
	(void)e;
	if (!str_starts(rest, "["))
		return segments_list(l, f, parse);
	list_results(l, f, rest, 1 + leading_lines(f->text));
	return 0;
}

const struct reader reader_funasr = {
	.name = "funasr",
	.help = "FunASR JSON (sentence_info with spk; one result or a list of them)",
	.recognises = recognises,
	.lone_id = record_no_lone_id,
	.list = list,
	.read = segments_read,
};
