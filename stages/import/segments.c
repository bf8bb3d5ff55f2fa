/* Segments: what somebody said without a pause. All that speech recognisers write comes to this form while a file is listed; it is the content of
 * the item, so scores, tokens and other members of a file do not count, and options on sides and turns change no reading. */
#include "stages/import/import.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

bool segments_fail(struct segments *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(s->why, fmt, ap);
	va_end(ap);
	return false;
}

int64_t segments_time(const struct json *v, double scale)
{
	double x = json_is(v, JSON_INT) ? (double)v->u.i : json_is(v, JSON_REAL) ? v->u.d : -1;
	x = round(x * scale);
	return x >= 0 && x <= (double)IMPORT_TIME_MAX ? (int64_t)x : -1;
}

struct str segments_speaker(struct arena *a, const struct json *v)
{
	if (json_is(v, JSON_INT))
		return str_of(arena_printf(a, "%lld", (long long)v->u.i));
	return json_is(v, JSON_STRING) ? v->u.s : str_of(NULL);
}

static bool readable(struct str text)
{
	uint32_t cp;
	while (utf8_next(&text, &cp))
		if (!utf8_is_space(cp) && cp >= 0x20 && cp != 0x7F && !(cp >= 0x200C && cp <= 0x200F) && cp != 0x2060)
			return true;
	return false;
}

/* Control characters are nothing to say, and JSON writes six bytes for each: they become blanks, lines stay apart. */
static struct json *text_json(struct arena *a, struct str text, bool lines)
{
	char *copy = arena_dup(a, text.p, text.n);
	for (size_t i = 0; i < text.n; i++)
		if (((unsigned char)copy[i] < 0x20 && !(lines && copy[i] == '\n')) || copy[i] == 0x7F)
			copy[i] = ' ';
	return json_str(a, str_trim(str_n(copy, text.n)));
}

static bool fits(struct segments *s, const struct segment *one)
{
	if (s->n == IMPORT_SEGMENTS_MAX)
		return segments_fail(s, "more than %d segments: more than one call holds", IMPORT_SEGMENTS_MAX);
	if (one->text.n > CALL_TURN_TEXT_MAX)
		return segments_fail(s, "segment %zu: a text of %zu bytes is over %d", s->n + 1, one->text.n, CALL_TURN_TEXT_MAX);
	if (one->speaker.n > IMPORT_NAME_MAX)
		return segments_fail(
			s, "segment %zu: the name of the speaker is longer than %d bytes", s->n + 1, IMPORT_NAME_MAX);
	return true;
}

bool segments_add(struct segments *s, struct segment one)
{
	one.speaker = str_trim(one.speaker);
	one.text = str_trim(one.text);
	if (!readable(one.text))
		return true;
	if (!fits(s, &one))
		return false;
	struct json *v = json_object(s->arena);
	bool start = one.start_ms >= 0 && one.start_ms <= IMPORT_TIME_MAX;
	json_set(s->arena, v, "text", text_json(s->arena, one.text, true));
	if (one.speaker.n) {
		json_set(s->arena, v, "speaker", text_json(s->arena, one.speaker, false));
		s->named++;
	}
	if (start)
		json_set_int(s->arena, v, "start_ms", one.start_ms);
	if (one.end_ms >= (start ? one.start_ms : 0) && one.end_ms <= IMPORT_TIME_MAX)
		json_set_int(s->arena, v, "end_ms", one.end_ms);
	json_append(s->list, v);
	s->n++;
	return true;
}

/* --- JSON as Python writes it --- */

/* The length of NaN, Infinity or -Infinity at the front; 0 for anything else. */
static size_t no_number(struct str s)
{
	static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_starts(s, words[i]))
			return strlen(words[i]);
	return 0;
}

static void without_nan(struct buf *b, struct str text)
{
	bool quoted = false;
	for (size_t i = 0; i < text.n;) {
		char c = text.p[i];
		size_t n = quoted || !strchr("NI-", c) ? 0 : no_number(str_n(text.p + i, text.n - i));
		if (n) {
			buf_puts(b, "null");
			i += n;
			continue;
		}
		if (quoted && c == '\\' && i + 1 < text.n)
			buf_putc(b, text.p[i++]);
		else if (c == '"')
			quoted = !quoted;
		buf_putc(b, text.p[i++]);
	}
}

struct json *segments_parse_json(struct arena *a, struct str text, struct buf *why)
{
	if (str_find(text, STR("NaN")) < 0 && str_find(text, STR("Infinity")) < 0)
		return record_parse(a, text, why);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	without_nan(&b, text);
	return record_parse(a, buf_view(&b), why);
}

/* --- Texts of more than one piece --- */

static bool wide_at_end(struct str s)
{
	size_t at = s.n;
	while (at > 0 && ((unsigned char)s.p[--at] & 0xC0) == 0x80)
		;
	return utf8_width(str_n(s.p + at, s.n - at)) > 1;
}

static bool wide_at_start(struct str s)
{
	struct str rest = s;
	uint32_t cp;
	utf8_next(&rest, &cp);
	return utf8_width(str_n(s.p, s.n - rest.n)) > 1;
}

void segments_join(struct buf *b, struct str text)
{
	if (text.n == 0)
		return;
	if (b->len && !wide_at_end(buf_view(b)) && !wide_at_start(text))
		buf_putc(b, ' ');
	buf_str(b, text);
}

static bool add_like(struct segments *out, const struct json *like, struct str speaker, struct str text)
{
	return segments_add(out, (struct segment){
								 .speaker = speaker,
								 .text = text,
								 .start_ms = json_get_int(like, "start_ms", -1),
								 .end_ms = json_get_int(like, "end_ms", -1),
							 });
}

/* Speakers are known: the lines of a text are one. */
static bool join_lines(struct segments *out, const struct json *segment)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct str rest = json_get_str(segment, "text"), line;
	while (cue_line(&rest, &line))
		segments_join(&b, str_trim(line));
	return add_like(out, segment, json_get_str(segment, "speaker"), buf_view(&b));
}

/* Nobody is named: each text begins with "Name:", and a later line may name another. The pieces share the times. */
static bool split_names(struct segments *out, const struct json *segment)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct str rest = json_get_str(segment, "text"), line, name, text, speaker = str_of(NULL);
	bool ok = true;
	while (ok && cue_line(&rest, &line)) {
		if (name_prefix(line, &name, &text)) {
			ok = speaker.n == 0 || add_like(out, segment, speaker, buf_view(&b));
			buf_clear(&b);
			speaker = name;
			line = text;
		}
		segments_join(&b, str_trim(line));
	}
	return ok && add_like(out, segment, speaker, buf_view(&b));
}

static bool all_prefixed(const struct json *list)
{
	JSON_EACH(segment, list) {
		struct str rest = json_get_str(segment, "text"), line = str_of(NULL), name, text;
		cue_line(&rest, &line);
		if (!name_prefix(line, &name, &text))
			return false;
	}
	return true;
}

static bool tell_nameless(struct segments *s)
{
	size_t i = 0;
	if (s->named == 0)
		return segments_fail(s,
			"nobody says who spoke: no segment has a speaker, and not every text begins with 'Name:'; "
			"let the recogniser tell speakers apart (diarisation)");
	JSON_EACH(segment, s->list) {
		i++;
		if (json_get_str(segment, "speaker").n == 0)
			break;
	}
	return segments_fail(s, "segment %zu has no speaker, others have: write who it is, or take it out", i);
}

/* Each segment with its speaker and one line of text. */
static bool finish(struct segments *s, struct segments *out)
{
	s->line = 0;
	if (s->n == 0)
		return segments_fail(s, "empty call: no segment has a text");
	bool prefixed = s->named == 0 && all_prefixed(s->list);
	if (!prefixed && s->named < s->n)
		return tell_nameless(s);
	JSON_EACH(segment, s->list) {
		if (!(prefixed ? split_names(out, segment) : join_lines(out, segment)))
			return false;
	}
	return out->n > 0 || segments_fail(s, "empty call: no segment has a text");
}

/* --- Listing and reading --- */

static struct json *record_of(
	struct arena *a, struct str text, struct locator *at, bool (*parse)(struct segments *, struct str), struct buf *why)
{
	struct segments raw = {.arena = a, .list = json_array(a), .why = why};
	struct segments out = {.arena = a, .list = json_array(a), .why = why};
	if (text.n > IMPORT_FILE_MAX) {
		buf_printf(why, "a call of %zu bytes is over %zu", text.n, IMPORT_FILE_MAX);
		return NULL;
	}
	ptrdiff_t bad = utf8_invalid(text);
	if (bad >= 0) {
		buf_printf(why, "invalid UTF-8 at byte %zu; if the file is in GBK: iconv -f GBK -t UTF-8", (size_t)bad + 1);
		return NULL;
	}
	if (!parse(&raw, text) || !finish(&raw, &out)) {
		if (raw.line)
			at->line = raw.line;
		return NULL;
	}
	struct json *record = json_object(a);
	json_set(a, record, "segments", out.list);
	return record;
}

void segments_list_call(struct import_list *l, const struct import_file *f, struct str id, struct str text,
	struct locator at, bool (*parse)(struct segments *s, struct str text))
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	struct arena *a = lister_arena(l->lister);
	struct json *record = record_of(a, text, &at, parse, &why);
	if (!record)
		lister_broken(l->lister, id, at, why.data);
	else
		import_add(l, f, id, record_content(a, f->reader, record), at);
}

int segments_list(struct import_list *l, const struct import_file *f, bool (*parse)(struct segments *s, struct str text))
{
	CLEANUP(buf_release) struct buf why = BUF_INIT;
	struct arena *a = lister_arena(l->lister);
	struct locator at = {.file = f->index};
	struct str id = record_lone_id(a, f, str_of(NULL), &why);
	if (id.p)
		segments_list_call(l, f, id, f->text, at, parse);
	else
		lister_broken(l->lister, str_of(arena_printf(a, "file-%d", f->index)), at, why.data);
	return 0;
}

int segments_read(struct work *w, const struct json *content, struct transcript *ret, struct err *e)
{
	(void)w;
	(void)e;
	ret->segments = json_path(content, "record.segments");
	return 0;
}
