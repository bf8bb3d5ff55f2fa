/* Whisper and WhisperX: a JSON object with `segments` [{start, end, text, speaker?, words?}], times in seconds. Whisper's command line, faster-whisper and
 * OpenAI's verbose_json write it without speakers; WhisperX adds `speaker` to segments and to words, of which some lack one, or lack times (it cannot
 * align digits), and diarized_json of OpenAI has a speaker for each segment. A segment whose words change speaker is split. */
#include "stages/import/import.h"

#include "base/alloc.h"

static bool recognises(struct str text)
{
	return record_is_lone(text, "\"segments\"") && str_find(text, STR("\"tts_id\"")) < 0;
}

/* A part of a segment's words that one speaker says. */
struct run {
	struct str speaker;
	struct buf text;
	int64_t start_ms, end_ms;
	size_t words;
};

static struct str word_text(const struct json *word)
{
	struct str text = json_get_str(word, "word");
	return str_trim(text.p ? text : json_get_str(word, "text"));
}

/* The speaker of the first word that has one: words before it are taken as theirs. p == NULL when no word has one. */
static struct str first_speaker(struct arena *a, const struct json *words)
{
	JSON_EACH(word, words) {
		struct str name = segments_speaker(a, json_get(word, "speaker"));
		if (str_trim(name).n)
			return name;
	}
	return str_of(NULL);
}

static bool one_speaker(struct arena *a, const struct json *words, struct str first)
{
	JSON_EACH(word, words) {
		struct str name = segments_speaker(a, json_get(word, "speaker"));
		if (str_trim(name).n && !str_eq(name, first))
			return false;
	}
	return true;
}

static bool end_run(struct segments *s, struct run *r)
{
	bool ok = segments_add(s,
		(struct segment){.speaker = r->speaker, .text = buf_view(&r->text), .start_ms = r->start_ms, .end_ms = r->end_ms});
	buf_clear(&r->text);
	r->start_ms = r->end_ms = -1;
	r->words = 0;
	return ok;
}

/* The segment's own text between the words, blanks and marks included, as long as each word stands where the last one ended; else the words. */
static bool aligned(struct str text, const struct json *words)
{
	JSON_EACH(word, words) {
		struct str w = word_text(word);
		text = str_trim(text);
		if (!str_eq(str_n(text.p, w.n < text.n ? w.n : text.n), w))
			return false;
		text = str_n(text.p + w.n, text.n - w.n);
	}
	return str_trim(text).n == 0;
}

static void add_word(struct run *r, const struct json *word, struct str *rest)
{
	struct str w = word_text(word);
	int64_t start = segments_time(json_get(word, "start"), 1000), end = segments_time(json_get(word, "end"), 1000);
	if (rest->p) { /* as in the segment's text */
		struct str trimmed = str_trim(*rest);
		if (r->words)
			buf_add(&r->text, rest->p, (size_t)(trimmed.p - rest->p));
		buf_str(&r->text, w);
		*rest = str_n(trimmed.p + w.n, trimmed.n - w.n);
	} else {
		segments_join(&r->text, w);
	}
	if (r->start_ms < 0)
		r->start_ms = start;
	if (end >= 0)
		r->end_ms = end;
	r->words++;
}

static bool split_words(struct segments *s, const struct json *segment, const struct json *words, struct str first)
{
	struct run r = {.speaker = first, .text = BUF_INIT_MAX(IMPORT_FILE_MAX), .start_ms = -1, .end_ms = -1};
	struct str text = str_trim(json_get_str(segment, "text")), rest = aligned(text, words) ? text : str_of(NULL);
	bool ok = true, begun = false;
	JSON_EACH(word, words) {
		struct str name = segments_speaker(s->arena, json_get(word, "speaker"));
		if (str_trim(name).n && !str_eq(name, r.speaker)) {
			/* Words without times at the edges: the segment's own. */
			if (!begun && r.start_ms < 0)
				r.start_ms = segments_time(json_get(segment, "start"), 1000);
			begun = true;
			ok = ok && end_run(s, &r);
			r.speaker = name;
		}
		add_word(&r, word, &rest);
	}
	if (r.end_ms < 0)
		r.end_ms = segments_time(json_get(segment, "end"), 1000);
	ok = ok && end_run(s, &r);
	buf_release(&r.text);
	return ok;
}

static bool is_number_or_none(const struct json *v)
{
	return !v || v->kind == JSON_NULL || v->kind == JSON_INT || v->kind == JSON_REAL;
}

/* What is of another type than the format says is not guessed at. */
static bool check(struct segments *s, const struct json *segment, size_t i)
{
	static const char *const times[] = {"start", "end"};
	const struct json *text = json_get(segment, "text"), *speaker = json_get(segment, "speaker");
	if (segment->kind != JSON_OBJECT)
		return segments_fail(s, "segments[%zu]: expected an object, found %s", i, json_kind_name(segment->kind));
	if (!json_is(text, JSON_STRING))
		return segments_fail(
			s, "segments[%zu].text: expected a text, found %s", i, text ? json_kind_name(text->kind) : "nothing");
	for (size_t k = 0; k < COUNT_OF(times); k++) {
		const struct json *v = json_get(segment, times[k]);
		if (!is_number_or_none(v))
			return segments_fail(s, "segments[%zu].%s: expected seconds, found %s", i, times[k], json_kind_name(v->kind));
	}
	if (speaker && speaker->kind != JSON_NULL && !segments_speaker(s->arena, speaker).p)
		return segments_fail(s, "segments[%zu].speaker: expected a name, found %s", i, json_kind_name(speaker->kind));
	return true;
}

static bool take_segment(struct segments *s, const struct json *segment)
{
	const struct json *words = json_get(segment, "words");
	struct str first = first_speaker(s->arena, words);
	struct segment one = {
		.speaker = first.p ? first : segments_speaker(s->arena, json_get(segment, "speaker")),
		.text = json_get_str(segment, "text"),
		.start_ms = segments_time(json_get(segment, "start"), 1000),
		.end_ms = segments_time(json_get(segment, "end"), 1000),
	};
	if (first.p && !one_speaker(s->arena, words, first))
		return split_words(s, segment, words, first);
	return segments_add(s, one);
}

static bool parse(struct segments *s, struct str text)
{
	size_t i = 0;
	struct json *v = segments_parse_json(s->arena, text, s->why);
	const struct json *list = json_get(v, "segments");
	if (!v)
		return false;
	if (!json_is(list, JSON_ARRAY))
		return segments_fail(s, "segments: expected a list, found %s", list ? json_kind_name(list->kind) : "nothing");
	JSON_EACH(segment, list) {
		if (!check(s, segment, i++) || !take_segment(s, segment))
			return false;
	}
	return true;
}

static int list(struct import_list *l, const struct import_file *f, struct err *e)
{
	(void)e;
	return segments_list(l, f, parse);
}

const struct reader reader_whisper = {
	.name = "whisper",
	.help = "Whisper or WhisperX JSON (an object a file with segments)",
	.recognises = recognises,
	.lone_id = record_no_lone_id,
	.list = list,
	.read = segments_read,
};
