/* Who speaks, by what stands before a text: "客服：您好", "[SPEAKER_00]: 喂", "L: …". */
#include "stages/import/import.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "io/text.h"

#include <string.h>

#define NAME_CHARS 20 /* code points: what is longer is a sentence with a colon in it */

static bool ascii_equal(struct str a, const char *lower)
{
	size_t n = strlen(lower);
	if (a.n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = a.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != lower[i])
			return false;
	}
	return true;
}

enum side name_side(struct str name)
{
	static const char *const words[2][7] = {
		{"l", "left", "左", "左方", "左边", "左侧", "左声道"},
		{"r", "right", "右", "右方", "右边", "右侧", "右声道"},
	};
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < COUNT_OF(words[side]); i++)
			if (ascii_equal(name, words[side][i]))
				return side == 0 ? SIDE_LEFT : SIDE_RIGHT;
	return SIDE_NONE;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* 说话人1, 发言人 2, Speaker A, SPEAKER_00, spk0, …: the word for a speaker and a short number. */
static bool numbered(struct str name)
{
	static const char *const words[] = {"说话人", "发言人", "讲话人", "speaker", "spk"};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		size_t n = strlen(words[i]);
		if (name.n <= n || name.n > n + 4 || !ascii_equal(str_n(name.p, n), words[i]))
			continue;
		struct str rest = str_n(name.p + n, name.n - n);
		if (strchr(" _-", rest.p[0]))
			rest = str_n(rest.p + 1, rest.n - 1);
		bool all = rest.n > 0;
		for (size_t k = 0; k < rest.n; k++)
			all = all && is_alnum(rest.p[k]);
		if (all)
			return true;
	}
	return false;
}

bool name_known(struct str name)
{
	bool letter = name.n == 1 && is_alnum(name.p[0]) && name.p[0] > '9';
	return letter || numbered(name) || name_side(name) != SIDE_NONE;
}

/* Letters, numbers and what joins them; at least one letter, so that "12" of "12:30" is none. */
static bool is_name(struct str s)
{
	struct str rest = s;
	uint32_t cp;
	size_t n = 0;
	bool letter = false;
	if (s.n == 0 || s.n > IMPORT_NAME_MAX)
		return false;
	while (utf8_next(&rest, &cp)) {
		char class = text_class(cp);
		if (++n > NAME_CHARS)
			return false;
		if (class == 'L')
			letter = true;
		else if (class != 'N' && class != 'M' && !(cp < 0x80 && strchr(" _-.#()", (int)cp)) && cp != 0xFF08 &&
				 cp != 0xFF09 && cp != 0xB7) /* （ ） · */
			return false;
	}
	return letter;
}

/* Bytes of a colon, ASCII or fullwidth, at the front; 0 for none. */
static size_t colon(struct str s)
{
	if (str_starts(s, ":"))
		return 1;
	return str_starts(s, "：") ? strlen("：") : 0;
}

static bool bracketed(struct str line, struct str *ret_name, struct str *ret_rest)
{
	static const char *const pairs[][2] = {{"[", "]"}, {"【", "】"}};
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		size_t open = strlen(pairs[i][0]), close = strlen(pairs[i][1]);
		if (!str_starts(line, pairs[i][0]))
			continue;
		/* No further than a name may reach, so that a line is not searched from end to end for nothing. */
		size_t reach = line.n < IMPORT_NAME_MAX + open + close ? line.n : IMPORT_NAME_MAX + open + close;
		ptrdiff_t at = str_find(str_n(line.p, reach), str_of(pairs[i][1]));
		if (at < 0)
			return false;
		*ret_name = str_trim(str_n(line.p + open, (size_t)at - open));
		*ret_rest = str_n(line.p + at + close, line.n - (size_t)at - close);
		return true;
	}
	return false;
}

bool name_prefix(struct str line, struct str *ret_name, struct str *ret_text)
{
	struct str name = str_of(NULL), rest = str_of(NULL);
	line = str_trim(line);
	if (!bracketed(line, &name, &rest)) {
		size_t reach = line.n < IMPORT_NAME_MAX + 1 ? line.n : IMPORT_NAME_MAX + 1, at = 0;
		while (at < reach && !colon(str_n(line.p + at, line.n - at)))
			at++;
		if (at >= reach)
			return false;
		name = str_trim(str_n(line.p, at));
		rest = str_n(line.p + at, line.n - at);
	}
	rest = str_trim(rest);
	size_t n = colon(rest);
	if (n == 0 || !is_name(name) || str_starts(rest, "://"))
		return false;
	*ret_name = name;
	*ret_text = str_trim(str_n(rest.p + n, rest.n - n));
	return true;
}
