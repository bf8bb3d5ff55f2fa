/* How a place in a YAML file is shown: the line with a caret under it, cut to a width, safe for a terminal, without secrets. */
#include "io/yaml.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SHOWN_COLUMNS 110 /* code points of a source line that are shown around the mark */
#define SECRET_MIN 16     /* characters after sk- and the like that make a key of it */

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool ends_like(struct str s, const char *word)
{
	struct str w = str_of(word);
	if (s.n < w.n || strncasecmp(s.p + s.n - w.n, w.p, w.n) != 0)
		return false;
	if (s.n == w.n)
		return true;
	/* A whole word: hf_token, hfToken, but not "broken" for "token". */
	char before = s.p[s.n - w.n - 1], first = s.p[s.n - w.n];
	return !isalpha((unsigned char)before) || (islower((unsigned char)before) && isupper((unsigned char)first));
}

bool yaml_secret_key(struct str key)
{
	static const char *const words[] = {"api_key", "api-key", "apikey", "api key", "access_key", "access-key",
		"accesskey", "secret_key", "secret-key", "private_key", "private-key", "token", "password", "passwd",
		"passphrase", "secret", "authorization", "credential", "credentials"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ends_like(key, words[i]))
			return true;
	return false;
}

/* Length of what looks like a key at the start of `s`, or 0. */
static size_t secret_here(struct str s)
{
	static const char *const heads[] = {
		"sk-", "sk_", "hf_", "ghp_", "gho_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AKIA", "AIza", "gsk_"};
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct str head = str_of(heads[i]);
		if (!str_starts(s, heads[i]))
			continue;
		size_t n = head.n;
		bool digit = false;
		while (n < s.n && word_char(s.p[n])) {
			digit = digit || isdigit((unsigned char)s.p[n]) || isupper((unsigned char)s.p[n]);
			n++;
		}
		if (n - head.n >= SECRET_MIN && digit)
			return n;
	}
	if (s.n > 7 + SECRET_MIN && !strncasecmp(s.p, "bearer ", 7)) {
		size_t n = 7;
		while (n < s.n && (word_char(s.p[n]) || s.p[n] == '.'))
			n++;
		if (n - 7 >= SECRET_MIN)
			return n;
	}
	/* scheme://user:password@host */
	if (str_starts(s, "://")) {
		bool colon = false;
		for (size_t n = 3; n < s.n && s.p[n] != '/' && !isspace((unsigned char)s.p[n]); n++) {
			if (s.p[n] == '@' && colon)
				return n;
			colon = colon || s.p[n] == ':';
		}
	}
	return 0;
}

bool yaml_secret_value(struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if ((i == 0 || value.p[i] == ':' || !word_char(value.p[i - 1])) && secret_here(str_n(value.p + i, value.n - i)))
			return true;
	return false;
}

/* The key that stands before the ':' or '=' at `at` of a line. */
static struct str key_before(const struct buf *line, size_t at)
{
	size_t end = at, start;
	while (end > 0 && (line->data[end - 1] == ' ' || line->data[end - 1] == '"' || line->data[end - 1] == '\''))
		end--;
	start = end;
	while (start > 0 && word_char(line->data[start - 1]))
		start--;
	return str_n(line->data + start, end - start);
}

/* Blank out, in a copy of a line, what follows a secret's key (or the plain word "key": a privacy key may stand there) and what looks like a key. Bytes become '*', so that columns of ASCII stay. */
static void hide_secrets(struct buf *line)
{
	for (size_t i = 0; i < line->len; i++) {
		char c = line->data[i];
		bool after_key = c == ':' || c == '=';
		if (after_key && (yaml_secret_key(key_before(line, i)) || str_is(key_before(line, i), "key"))) {
			for (i++; i < line->len && line->data[i] == ' ';)
				i++;
			memset(line->data + i, '*', line->len - i);
			return;
		}
		if (c != ':' && i > 0 && word_char(line->data[i - 1]))
			continue;
		size_t n = secret_here(str_n(line->data + i, line->len - i));
		for (size_t k = i + 3; k < i + n; k++)
			line->data[k] = '*';
	}
}

/* Line `number` (from 1) of a text with \n, \r\n or \r line ends. */
static bool source_line(struct str source, int number, struct str *ret)
{
	size_t start = str_starts(source, "\xEF\xBB\xBF") ? 3 : 0;
	for (size_t i = start; i <= source.n; i++) {
		bool end = i == source.n;
		if (!end && source.p[i] != '\n' && source.p[i] != '\r')
			continue;
		if (--number == 0) {
			*ret = str_n(source.p + start, i - start);
			return true;
		}
		if (!end && source.p[i] == '\r' && i + 1 < source.n && source.p[i + 1] == '\n')
			i++;
		start = i + 1;
	}
	return false;
}

static void put_line(struct buf *b, struct str line, int col)
{
	uint32_t cp;
	int at = 0, from = col > SHOWN_COLUMNS / 2 ? col - SHOWN_COLUMNS / 2 : 0;
	size_t total = utf8_count(line);
	if (total <= SHOWN_COLUMNS)
		from = 0;
	struct str rest = line;
	buf_puts(b, "    ");
	if (from > 0)
		buf_puts(b, "…");
	size_t pad = from > 0;
	for (; at < from + SHOWN_COLUMNS && utf8_next(&rest, &cp); at++) {
		if (at < from)
			continue;
		if (cp == '\t')
			cp = ' ';
		else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x2028 && cp <= 0x202e) ||
				 (cp >= 0x2066 && cp <= 0x2069))
			cp = 0xfffd; /* nothing that moves the cursor or turns the text round */
		char bytes[4];
		size_t n = utf8_put(cp, bytes);
		buf_add(b, bytes, n);
		if (at < col - 1)
			pad += utf8_width(str_n(bytes, n));
	}
	if (rest.n)
		buf_puts(b, "…");
	buf_puts(b, "\n    ");
	while (pad--)
		buf_putc(b, ' ');
	buf_putc(b, '^');
}

void yaml_point(struct buf *b, struct yaml_mark mark, struct str source, const char *message)
{
	if (mark.file)
		buf_puts(b, mark.file);
	if (mark.line > 0)
		buf_printf(b, "%s%d:%d", mark.file ? ":" : "line ", mark.line, mark.col);
	if (mark.file || mark.line > 0)
		buf_puts(b, ": ");
	buf_puts(b, message);
	struct str line;
	if (mark.line <= 0 || !source.n || !source_line(source, mark.line, &line))
		return;
	CLEANUP(buf_release) struct buf copy = BUF_INIT;
	buf_str(&copy, line);
	hide_secrets(&copy);
	buf_putc(b, '\n');
	put_line(b, buf_view(&copy), mark.col);
}
