/* Reading answers: what a model thought, what it said, and the JSON in it. All of it takes any bytes, in time linear in them. */
#include "core/chat.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

#define DEPTH_MAX \
	64 /* levels of JSON: no schema of ours has ten; deeper ones would need more stack than an item's thread has */
#define FENCE_TRIES 8  /* fenced blocks, from the last */
#define VALUE_PASSES 4 /* times the length of the text that is read in all while looking for a value in prose */

/* --- Thinking --- */

struct tags {
	const char *open, *close;
};
/* DeepSeek-R1, Qwen3, GLM and others; Anthropic-like fine-tunes; Magistral; Kimi. */
static const struct tags all_tags[] = {
	{"<think>", "</think>"},
	{"<thinking>", "</thinking>"},
	{"[THINK]", "[/THINK]"},
	{"◁think▷", "◁/think▷"},
};

static struct str from(struct str s, size_t at)
{
	return str_n(s.p + at, s.n - at);
}

/* Where thinking ends that begins at the front of `s` (which is `open`): *ret_inside is what is in the tags, *ret_rest
 * what is behind them. A tag that is only spoken of within the thinking leaves one open: the last closing tag then
 * ends it; without any, all is thinking. */
static void leading(struct str s, const struct tags *t, struct str *ret_inside, struct str *ret_rest)
{
	size_t open = strlen(t->open), close = strlen(t->close), last = 0, depth = 1;
	bool closed = false;
	for (size_t i = open; i < s.n && depth; i++) {
		struct str here = from(s, i);
		if (str_starts(here, t->close)) {
			depth--;
			last = i;
			closed = true;
		} else if (str_starts(here, t->open)) {
			depth++;
		}
	}
	size_t end = closed ? last : s.n;
	*ret_inside = str_trim(str_n(s.p + open, end - open));
	*ret_rest = str_trim(closed ? from(s, end + close) : from(s, s.n));
}

/* One pair of tags. True when it was there. */
static bool split_tags(struct str content, const struct tags *t, struct str *ret_thinking, struct str *ret_text)
{
	struct str rest = content, thinking = STR("");
	bool found = false;
	while (str_starts(rest, t->open)) { /* some servers put an empty pair in front of the real one */
		struct str inside;
		leading(rest, t, &inside, &rest);
		if (inside.n > thinking.n)
			thinking = inside;
		found = true;
	}
	if (found) {
		*ret_thinking = thinking;
		*ret_text = rest;
		return true;
	}
	ptrdiff_t close = str_find(content, str_of(t->close)), open = str_find(content, str_of(t->open));
	if (close < 0)
		return false;
	struct str behind = str_trim(from(content, (size_t)close + strlen(t->close)));
	if (open >= 0 && open < close) { /* prose, thinking, then (usually) the answer */
		size_t begin = (size_t)open + strlen(t->open);
		*ret_thinking = str_trim(str_n(content.p + begin, (size_t)close - begin));
		*ret_text = behind.n ? behind : str_trim(str_n(content.p, (size_t)open));
		return true;
	}
	/* The chat template wrote the opening tag itself, so the server returned the closing one alone. */
	*ret_thinking = str_trim(str_n(content.p, (size_t)close));
	*ret_text = behind;
	return true;
}

void answer_split(struct str content, struct str reasoning, struct str *ret_thinking, struct str *ret_text)
{
	struct str text = str_trim(content), thinking = STR("");
	for (size_t i = 0; i < COUNT_OF(all_tags); i++)
		if (split_tags(text, &all_tags[i], &thinking, &text))
			break;
	struct str told = str_trim(reasoning);
	*ret_thinking = told.n ? told : thinking;
	*ret_text = text;
}

/* --- JSON --- */

static bool too_deep(struct str s)
{
	int depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']'))
			depth--;
		if (depth > DEPTH_MAX)
			return true;
	}
	return false;
}

static bool brackets(struct str s)
{
	return s.n >= 2 && (s.p[0] == '{' || s.p[0] == '[');
}

/* A piece of the text that looks like a value. The words of the first piece that does not parse stay in `e`. */
static bool parses(struct arena *a, struct str piece, struct json **ret, struct err *e)
{
	struct err own = ERR_INIT;
	if (!brackets(piece))
		return false;
	if (too_deep(piece)) {
		err_set(e, ERR_INVALID, "the JSON of the answer is nested deeper than %d levels", DEPTH_MAX);
		return false;
	}
	if (json_parse(a, piece, ret, &own) == 0)
		return true;
	err_set(e, ERR_INVALID, "the JSON of the answer cannot be read: %s", own.text);
	return false;
}

/* Fences are lines that begin with ```; the block is what stands between two of them. Reads from the end; *ret_rest is
 * what is before the block. */
static bool last_fence(struct str text, struct str *ret_block, struct str *ret_rest)
{
	size_t close = text.n;
	bool closing = false;
	for (size_t i = text.n; i-- > 0;) {
		bool line = i == 0 || text.p[i - 1] == '\n';
		if (!line || !str_starts(from(text, i), "```"))
			continue;
		if (!closing) {
			close = i;
			closing = true;
			continue;
		}
		struct str block = str_n(text.p + i, close - i), first;
		str_line(&block, &first); /* ```json */
		*ret_block = str_trim(block);
		*ret_rest = str_n(text.p, i);
		return true;
	}
	return false;
}

static bool from_fences(struct arena *a, struct str text, struct json **ret, struct err *e)
{
	struct str block, rest = text;
	for (int i = 0; i < FENCE_TRIES && last_fence(rest, &block, &rest); i++)
		if (parses(a, block, ret, e))
			return true;
	return false;
}

static bool escaped(struct str s, size_t at)
{
	size_t n = 0;
	while (n < at && s.p[at - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

/* The opening bracket of the value that ends at `close`, read backwards; -1 when there is none. Within a value quotes are
 * paired, so that going back from its end tells strings from the rest as surely as going on from its beginning. What is
 * read is taken off `*left`. */
static ptrdiff_t opening(struct str s, size_t close, size_t *left)
{
	int depth = 0;
	bool in_string = false;
	for (size_t i = close + 1; i-- > 0 && *left > 0;) {
		char c = s.p[i];
		--*left;
		if (c == '"' && !escaped(s, i)) {
			in_string = !in_string;
		} else if (in_string) {
			continue;
		} else if (c == '}' || c == ']') {
			depth++;
		} else if (c == '{' || c == '[') {
			if (--depth == 0)
				return (ptrdiff_t)i;
		}
	}
	return -1;
}

/* Whether what stands before shows that this value is a piece of a larger one that was not finished. */
static bool inner(struct str s, size_t at)
{
	struct str before = str_trim(str_n(s.p, at));
	return before.n && (str_ends(before, "\":") || str_ends(before, "{") || str_ends(before, "["));
}

static bool from_prose(struct arena *a, struct str text, struct json **ret, struct err *e)
{
	size_t left = text.n * VALUE_PASSES;
	struct json *value, *list = NULL;
	for (size_t i = text.n; i-- > 0 && left > 0;) {
		if (text.p[i] != '}' && text.p[i] != ']')
			continue;
		ptrdiff_t at = opening(text, i, &left);
		if (at < 0 || !parses(a, str_n(text.p + at, i + 1 - (size_t)at), &value, e))
			continue;
		if (inner(text, (size_t)at)) {
			err_set(e, ERR_INVALID, "the JSON of the answer is not whole");
			return false;
		}
		if (json_is(value, JSON_OBJECT)) {
			*ret = value;
			return true;
		}
		list = list ? list : value; /* may be a note mark, as in [1] */
		i = (size_t)at;
	}
	*ret = list;
	return list;
}

int answer_json(struct arena *a, struct str text, struct json **ret, struct err *e)
{
	struct err first = ERR_INIT;
	if (str_starts(text, "\xef\xbb\xbf"))
		text = from(text, 3);
	text = str_trim(text);
	if (parses(a, text, ret, &first) || from_fences(a, text, ret, &first) || from_prose(a, text, ret, &first))
		return 0;
	if (first.code)
		return err_set(e, ERR_INVALID, "%s", first.text);
	text = utf8_clip(text, 80);
	ptrdiff_t bad = utf8_invalid(text);
	if (bad >= 0)
		text.n = (size_t)bad;
	return err_set(e, ERR_INVALID, "the answer holds no JSON; it begins with: %.*s", STR_FMT(text));
}
