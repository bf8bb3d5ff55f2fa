/* Plain text: a line begins with who speaks, "L: …", "左：…", "说话人1：…", "客服：…", with a time before it if one likes ("[00:01:02] A: …"). Lines
 * without a name go on with what was said. A name and a time on a line of their own ("说话人1 00:03") stand for what follows. */
#include "stages/import/import.h"

#include "base/alloc.h"

#include <string.h>

struct spoken {
	struct str name, text;
	int64_t start_ms, end_ms;
};

/* "[00:01:02]", "(01:02.5)", "00:01:02 --> 00:01:04" or without brackets, at the front. */
static void take_times(struct str *line, struct spoken *ret)
{
	struct str rest = str_trim(*line), after;
	bool open = str_starts(rest, "[") || str_starts(rest, "(");
	char close = open && rest.p[0] == '(' ? ')' : ']';
	int64_t start, end = -1;
	if (open)
		rest = str_trim(str_n(rest.p + 1, rest.n - 1));
	if (!cue_clock(&rest, &start))
		return;
	after = str_trim(rest);
	if (str_starts(after, "-->") || str_starts(after, "-")) {
		size_t n = str_starts(after, "-->") ? 3 : 1;
		after = str_trim(str_n(after.p + n, after.n - n));
		if (!cue_clock(&after, &end))
			return;
		rest = str_trim(after);
	} else if (open) {
		rest = after;
	}
	if (open && (rest.n == 0 || rest.p[0] != close))
		return;
	if (open)
		rest = str_n(rest.p + 1, rest.n - 1);
	else if (rest.n && rest.p[0] != ' ' && rest.p[0] != '\t') /* a word that begins like a time */
		return;
	ret->start_ms = start;
	ret->end_ms = end;
	*line = str_trim(rest);
}

/* "说话人1 00:03" and nothing else. */
static bool name_and_time(struct str line, struct spoken *ret)
{
	size_t at = line.n;
	while (at > 0 && line.p[at - 1] != ' ' && line.p[at - 1] != '\t')
		at--;
	if (at == 0 || line.n - at > 16)
		return false;
	struct str clock = str_n(line.p + at, line.n - at);
	struct str name = str_trim(str_n(line.p, at));
	if (!cue_clock(&clock, &ret->start_ms) || clock.n || !name_known(name))
		return false;
	ret->name = name;
	ret->text = str_of("");
	return true;
}

/* A line that names its speaker. */
static bool named_line(struct str line, struct spoken *ret)
{
	ret->start_ms = ret->end_ms = -1;
	line = str_trim(line);
	if (name_and_time(line, ret))
		return true;
	take_times(&line, ret);
	return name_prefix(line, &ret->name, &ret->text);
}

static bool is_comment(struct str line)
{
	line = str_trim(line);
	return line.n == 0 || line.p[0] == '#';
}

/* The first line that is neither empty nor a comment names a speaker, and so does one more. */
static bool recognises(struct str text)
{
	struct str rest = text, line;
	struct spoken one;
	int names = 0;
	while (names < 2 && cue_line(&rest, &line)) {
		if (is_comment(line))
			continue;
		if (named_line(line, &one))
			names++;
		else if (names == 0)
			return false;
	}
	return names == 2;
}

struct turn {
	struct spoken one;
	struct buf text;
	bool any;
	int line;
};

static bool end_turn(struct segments *s, struct turn *t)
{
	int line = s->line;
	struct segment one = {
		.speaker = t->one.name, .text = buf_view(&t->text), .start_ms = t->one.start_ms, .end_ms = t->one.end_ms};
	s->line = t->line;
	if (buf_error(&t->text))
		return segments_fail(s, "what is said at once is over %d bytes", CALL_TURN_TEXT_MAX);
	bool ok = !t->any || segments_add(s, one);
	if (ok)
		s->line = line;
	buf_clear(&t->text);
	return ok;
}

static bool parse_lines(struct segments *s, struct str text, struct turn *t)
{
	struct str rest = text, line;
	bool known = false;
	while (cue_line(&rest, &line)) {
		struct spoken one;
		s->line++;
		if (is_comment(line))
			continue;
		/* Where speakers are L and R, or 说话人1 and 说话人2, the "地址：" of a dictated line is no speaker. */
		bool named = named_line(line, &one) && !(known && !name_known(one.name));
		if (!t->any)
			known = named && name_known(one.name);
		if (!named) {
			if (!t->any)
				return segments_fail(s, "a line before the first speaker");
			buf_str(&t->text, line);
			buf_putc(&t->text, '\n');
			continue;
		}
		if (!end_turn(s, t))
			return false;
		*t = (struct turn){.one = one, .text = t->text, .any = true, .line = s->line};
		buf_str(&t->text, one.text);
		buf_putc(&t->text, '\n');
	}
	return end_turn(s, t);
}

static bool parse(struct segments *s, struct str text)
{
	struct turn t = {.text = BUF_INIT_MAX(2 * CALL_TURN_TEXT_MAX)};
	bool ok = parse_lines(s, text, &t);
	buf_release(&t.text);
	return ok;
}

static int list(struct import_list *l, const struct import_file *f, struct err *e)
{
	(void)e;
	return segments_list(l, f, parse);
}

const struct reader reader_plain = {
	.name = "plain",
	.help = "plain text (lines 'L: …' and 'R: …', '左：…', '说话人1：…', 'A: …')",
	.recognises = recognises,
	.lone_id = record_no_lone_id,
	.list = list,
	.read = segments_read,
};
