/* WebVTT (https://www.w3.org/TR/webvtt1/): blocks between empty lines. Cues have an optional id, a line of times with settings, and text; who
 * speaks stands in voice tags (<v Name>) or, as some recognisers write it, before the text. NOTE, STYLE and REGION blocks are not speech. */
#include "stages/import/import.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

static bool starts_word(struct str line, const char *word)
{
	size_t n = strlen(word);
	return str_starts(line, word) && (line.n == n || line.p[n] == ' ' || line.p[n] == '\t');
}

static bool recognises(struct str text)
{
	struct str rest = text, line;
	return cue_line(&rest, &line) && starts_word(line, "WEBVTT");
}

/* The text of a cue: up to an empty line, or to times, with which another cue begins. */
static struct str payload_of(struct segments *s, struct str *rest)
{
	const char *from = rest->p;
	struct str next = *rest, line;
	while (cue_line(&next, &line) && line.n && !cue_is_times(line)) {
		s->line++;
		*rest = next;
	}
	return str_n(from, (size_t)(rest->p - from));
}

static bool take_cue(struct segments *s, struct str times, struct str *rest)
{
	struct segment one = {.speaker = str_of(NULL)};
	if (!cue_times(times, &one.start_ms, &one.end_ms))
		return cue_bad_times(s, times);
	int line = s->line;
	struct str payload = payload_of(s, rest);
	int end = s->line;
	s->line = line;
	bool ok = cue_text(s, payload, &one, true);
	if (ok)
		s->line = end;
	return ok;
}

static void skip_block(struct segments *s, struct str *rest)
{
	struct str line;
	while (cue_line(rest, &line) && (s->line++, line.n))
		;
}

static bool parse(struct segments *s, struct str text)
{
	struct str rest = text, line, before = str_of(NULL);
	bool header = true;
	while (cue_line(&rest, &line)) {
		s->line++;
		if (cue_is_times(line)) {
			header = false;
			if (!take_cue(s, line, &rest))
				return false;
		} else if (line.n == 0) {
			header = false;
		} else if (!header && before.n == 0 && starts_word(line, "NOTE")) {
			skip_block(s, &rest);
			line = str_of(NULL);
		} /* else: the header, a style sheet, a region, a cue's id */
		before = line;
	}
	return true;
}

static int list(struct import_list *l, const struct import_file *f, struct err *e)
{
	(void)e;
	return segments_list(l, f, parse);
}

const struct reader reader_vtt = {
	.name = "vtt",
	.help = "WebVTT (first line WEBVTT; who speaks in <v Name> or before the text)",
	.recognises = recognises,
	.lone_id = record_no_lone_id,
	.list = list,
	.read = segments_read,
};
