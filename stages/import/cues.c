/* Lines, times and text of subtitles: what SRT and WebVTT share. The rules are those of the WebVTT specification (https://www.w3.org/TR/webvtt1/),
 * read leniently where SRT files differ: a comma before the milliseconds, hours of one digit, fewer than three digits behind the point. */
#include "stages/import/import.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

bool cue_line(struct str *rest, struct str *ret_line)
{
	size_t n = 0;
	if (rest->n == 0)
		return false;
	while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r')
		n++;
	size_t end = n < rest->n && rest->p[n] == '\r' && n + 1 < rest->n && rest->p[n + 1] == '\n' ? 2 : 1;
	*ret_line = str_n(rest->p, n);
	*rest = n < rest->n ? str_n(rest->p + n + end, rest->n - n - end) : str_n(rest->p + n, 0);
	return true;
}

static bool digits(struct str *s, size_t most, int64_t *ret, size_t *ret_n)
{
	size_t n = 0;
	int64_t v = 0;
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9') {
		if (n == most)
			return false;
		v = v * 10 + (s->p[n++] - '0');
	}
	*s = str_n(s->p + n, s->n - n);
	*ret = v;
	*ret_n = n;
	return n > 0;
}

static bool take(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_n(s->p + 1, s->n - 1);
	return true;
}

/* Tenths, hundredths, …: digits behind the third are dropped. */
static bool fraction(struct str *s, int64_t *ret_ms)
{
	int64_t v, scale = 1;
	size_t n;
	if (!digits(s, 9, &v, &n))
		return false;
	for (; n < 3; n++)
		v *= 10;
	for (; n > 3; n--)
		scale *= 10;
	*ret_ms = v / scale;
	return true;
}

bool cue_clock(struct str *s, int64_t *ret_ms)
{
	struct str rest = *s;
	int64_t part[3] = {0}, ms = 0;
	size_t n, parts = 0;
	do {
		if (!digits(&rest, parts ? 2 : 6, &part[parts], &n))
			return false;
		parts++;
	} while (parts < 3 && take(&rest, ':'));
	if (parts < 2)
		return false;
	int64_t seconds = part[parts - 1], minutes = part[parts - 2], hours = parts == 3 ? part[0] : 0;
	if (seconds > 59 || (parts == 3 && minutes > 59))
		return false;
	if ((take(&rest, '.') || take(&rest, ',')) && !fraction(&rest, &ms))
		return false;
	*ret_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
	*s = rest;
	return true;
}

bool cue_is_times(struct str line)
{
	return str_find(line, STR("-->")) >= 0;
}

bool cue_times(struct str line, int64_t *ret_start_ms, int64_t *ret_end_ms)
{
	struct str rest = str_trim(line);
	int64_t start, end;
	if (!cue_clock(&rest, &start))
		return false;
	rest = str_trim(rest);
	if (!str_starts(rest, "-->"))
		return false;
	rest = str_trim(str_n(rest.p + 3, rest.n - 3));
	if (!cue_clock(&rest, &end) || (rest.n && rest.p[0] != ' ' && rest.p[0] != '\t'))
		return false;
	*ret_start_ms = start;
	*ret_end_ms = end;
	return true;
}

bool cue_bad_times(struct segments *s, struct str line)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT;
	shown_times(&shown, line);
	return segments_fail(s, "bad times of a cue%s", shown.len ? shown.data : "");
}

/* --- Text --- */

/* The code point of an entity at the front ("&lt;"), with its bytes; 0 when it is none. */
static uint32_t entity(struct str s, size_t *ret_n)
{
	static const struct {
		const char *name;
		uint32_t cp;
	} names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '},
		{"&lrm;", 0x200B}, {"&rlm;", 0x200B}}; /* marks of direction: nothing to read */
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (str_starts(s, names[i].name)) {
			*ret_n = strlen(names[i].name);
			return names[i].cp;
		}
	}
	if (!str_starts(s, "&#"))
		return 0;
	bool hex = s.n > 2 && (s.p[2] == 'x' || s.p[2] == 'X');
	uint32_t cp = 0;
	size_t i = hex ? 3 : 2, from = i;
	for (; i < s.n && i < from + 7 && s.p[i] != ';'; i++) {
		int c = (unsigned char)s.p[i], digit = -1;
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10;
		if (digit < 0)
			return 0;
		cp = cp * (hex ? 16 : 10) + (uint32_t)digit;
	}
	if (cp == 0 || i >= s.n || s.p[i] != ';' || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
		return 0;
	*ret_n = i + 1;
	return cp;
}

static void decode(struct buf *b, struct str s)
{
	while (s.n) {
		size_t n = 1;
		uint32_t cp = s.p[0] == '&' ? entity(s, &n) : 0;
		char bytes[4];
		if (cp)
			buf_add(b, bytes, utf8_put(cp, bytes));
		else
			buf_putc(b, s.p[0]);
		s = str_n(s.p + n, s.n - n);
	}
}

/* "v.loud Name" → "v" and "Name". */
static struct str tag_name(struct str tag, struct str *ret_rest)
{
	size_t n = 0;
	while (n < tag.n && !strchr(". \t\n\f", tag.p[n]))
		n++;
	size_t rest = n;
	while (rest < tag.n && !strchr(" \t\n\f", tag.p[rest]))
		rest++;
	*ret_rest = str_trim(str_n(tag.p + rest, tag.n - rest));
	return str_n(tag.p, n);
}

static bool subtitle_tag(struct str name)
{
	static const char *const names[] = {"i", "b", "u", "s", "c", "v", "font", "span", "ruby", "rt", "lang", "br"};
	if (str_starts(name, "/"))
		name = str_n(name.p + 1, name.n - 1);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (name.n && name.n == strlen(names[i]) && (name.p[0] | 0x20) == names[i][0] &&
			(name.n == 1 || str_is(str_n(name.p + 1, name.n - 1), names[i] + 1)))
			return true;
	return false;
}

struct payload {
	struct segments *s;
	const struct segment *times;
	struct buf text, voice;
	bool any_tag;
};

static bool flush(struct payload *p)
{
	struct segment one = *p->times;
	one.speaker = str_trim(buf_view(&p->voice));
	one.text = buf_view(&p->text);
	bool ok = segments_add(p->s, one);
	buf_clear(&p->text);
	return ok;
}

/* What stands between < and >. */
static bool take_tag(struct payload *p, struct str tag)
{
	struct str rest, name = tag_name(tag, &rest);
	if (str_is(name, "/v")) {
		bool ok = flush(p);
		buf_clear(&p->voice);
		return ok;
	}
	if (!str_is(name, "v"))
		return true;
	if (!flush(p))
		return false;
	buf_clear(&p->voice);
	decode(&p->voice, rest);
	return true;
}

/* Bytes of a tag or of {\…} at the front; 0 when it is text. */
static size_t markup(const struct payload *p, struct str s)
{
	struct str rest;
	if (!p->any_tag && str_starts(s, "{\\")) {
		const char *end = memchr(s.p, '}', s.n < 200 ? s.n : 200);
		return end ? (size_t)(end - s.p) + 1 : 0;
	}
	if (s.p[0] != '<')
		return 0;
	/* A tag that is not closed reaches to the end, as the specification has it; in SRT it is text. */
	const char *end = memchr(s.p, '>', p->any_tag || s.n < 200 ? s.n : 200);
	if (!end)
		return p->any_tag ? s.n : 0;
	size_t n = (size_t)(end - s.p) + 1;
	return p->any_tag || subtitle_tag(tag_name(str_n(s.p + 1, n - 2), &rest)) ? n : 0;
}

bool cue_text(struct segments *s, struct str payload, const struct segment *times, bool any_tag)
{
	struct payload p = {.s = s, .times = times, .text = BUF_INIT, .voice = BUF_INIT, .any_tag = any_tag};
	bool ok = true;
	size_t plain = 0;
	while (ok && plain <= payload.n) {
		struct str here = str_n(payload.p + plain, payload.n - plain);
		size_t n = here.n ? markup(&p, here) : 0;
		if (here.n && n == 0) {
			plain++;
			continue;
		}
		decode(&p.text, str_n(payload.p, plain));
		if (here.n == 0)
			break;
		if (here.p[0] == '<')
			ok = take_tag(&p, str_n(here.p + 1, n - 1 - (here.p[n - 1] == '>' && n > 1)));
		payload = str_n(here.p + n, here.n - n);
		plain = 0;
	}
	ok = ok && flush(&p);
	buf_release(&p.text);
	buf_release(&p.voice);
	return ok;
}
