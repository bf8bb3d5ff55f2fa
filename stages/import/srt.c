/* SubRip: a number, a line of times, text, an empty line. There is no specification; files are written by hand and by many programs, so numbers
 * may be missing or wrong, empty lines may be missing or stand within a text. Who speaks stands before the text ("客服：…") or in <v Name>. */
#include "stages/import/import.h"

#include "base/alloc.h"
#include "base/utf8.h"

static bool is_number(struct str line)
{
	line = str_trim(line);
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] < '0' || line.p[i] > '9')
			return false;
	return line.n > 0;
}

/* The next line that is not blank. */
static bool next_line(struct str *rest, struct str *ret)
{
	while (cue_line(rest, ret))
		if (str_trim(*ret).n)
			return true;
	return false;
}

/* Times, or a number and then times. */
static bool recognises(struct str text)
{
	struct str rest = text, line;
	if (!next_line(&rest, &line) || (!is_number(line) && !cue_is_times(line)))
		return false;
	return cue_is_times(line) || (next_line(&rest, &line) && cue_is_times(line));
}

struct cue {
	struct segment times;
	struct buf text;
	size_t before; /* length of the text before its last line: that line is the next cue's number when times follow it */
	bool number, any;
	int line; /* where it began */
};

static bool end_cue(struct segments *s, struct cue *c)
{
	int line = s->line;
	s->line = c->line;
	if (buf_error(&c->text))
		return segments_fail(s, "the text of a cue is too long");
	bool ok = !c->any || cue_text(s, buf_view(&c->text), &c->times, false);
	if (ok)
		s->line = line;
	buf_clear(&c->text);
	return ok;
}

static bool begin_cue(struct segments *s, struct cue *c, struct str line)
{
	if (c->number)
		buf_truncate(&c->text, c->before);
	if (!end_cue(s, c))
		return false;
	if (!cue_times(line, &c->times.start_ms, &c->times.end_ms))
		return cue_bad_times(s, line);
	c->any = true;
	c->number = false;
	c->line = s->line;
	return true;
}

static bool parse_lines(struct segments *s, struct str text, struct cue *c)
{
	struct str rest = text, line;
	while (cue_line(&rest, &line)) {
		s->line++;
		if (cue_is_times(line)) {
			if (!begin_cue(s, c, line))
				return false;
		} else if (str_trim(line).n) {
			c->number = is_number(line);
			c->before = c->text.len;
			if (!c->any && !c->number)
				return segments_fail(s, "a text before the first times");
			if (c->any) {
				buf_str(&c->text, line);
				buf_putc(&c->text, '\n');
			}
		}
	}
	return end_cue(s, c);
}

static bool parse(struct segments *s, struct str text)
{
	struct cue c = {.text = BUF_INIT_MAX(IMPORT_FILE_MAX)};
	bool ok = parse_lines(s, text, &c);
	buf_release(&c.text);
	return ok;
}

static int list(struct import_list *l, const struct import_file *f, struct err *e)
{
	(void)e;
	return segments_list(l, f, parse);
}

const struct reader reader_srt = {
	.name = "srt",
	.help = "SRT subtitles (who speaks before the text: 'Name: …')",
	.recognises = recognises,
	.lone_id = record_no_lone_id,
	.list = list,
	.read = segments_read,
};
