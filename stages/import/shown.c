/* What a message may repeat of its input. Messages go to the terminal, to the log and to everyone who asks `taf status`; a transcript may be private, and
 * fields slip: a name stands where a label should, what was said stands where times should. So a message shows what can hardly be personal data, and of
 * the rest how long it is. The file and the line, which stand before it, tell where to look. */
#include "stages/import/import.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

#define LABEL_CHARS 12 /* code points: labels are words */
#define CLOCK_DIGITS 3 /* that follow each other in a time; a number that somebody could be called by has more */

static bool is_digit(uint32_t cp)
{
	return (cp >= '0' && cp <= '9') || (cp >= 0xFF10 && cp <= 0xFF19);
}

static bool has_digit(struct str s)
{
	uint32_t cp;
	while (utf8_next(&s, &cp))
		if (is_digit(cp))
			return true;
	return false;
}

void shown_label(struct buf *b, struct str label)
{
	size_t n = utf8_count(label);
	if (n <= LABEL_CHARS && !has_digit(label))
		buf_printf(b, "'%.*s'", STR_FMT(label));
	else
		buf_printf(b, "of %zu characters", n);
}

void shown_name(struct buf *b, struct str name, bool is_private)
{
	static const char *const roles[] = {
		"客服", "坐席", "客户", "用户", "主叫", "被叫", "agent", "customer", "caller", "user"};
	bool open = !is_private || name_known(name);
	for (size_t i = 0; !open && i < COUNT_OF(roles); i++)
		open = str_is(name, roles[i]);
	if (open)
		buf_str(b, name);
	else
		buf_printf(b, "a name of %zu characters", utf8_count(name));
}

void shown_times(struct buf *b, struct str line)
{
	size_t run = 0;
	bool clock = line.n < 60;
	for (size_t i = 0; clock && i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];
		run = c >= '0' && c <= '9' ? run + 1 : 0;
		clock = run ? run <= CLOCK_DIGITS : strchr(":.,-> \t", c) != NULL && c != '\0';
	}
	if (clock)
		buf_printf(b, ": '%.*s'", STR_FMT(line));
}

bool shown_number_in(struct str id)
{
	for (size_t i = 0; i < id.n;) {
		size_t n = 0;
		while (i + n < id.n && id.p[i + n] >= '0' && id.p[i + n] <= '9')
			n++;
		bool x = i + n < id.n && id.p[i + n] == 'x';
		if ((n == 11 && id.p[i] == '1' && id.p[i + 1] >= '3') || n == 18 || (n == 17 && x))
			return true;
		i += n ? n : 1;
	}
	return false;
}
