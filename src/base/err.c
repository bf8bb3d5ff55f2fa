#include "base/err.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *text;
	enum err_class cls;
} codes[] = {
#define X(name, text, cls) {#name, text, cls},
	ERR_LIST(X)
#undef X
};

static const char *const class_names[] = {
	[CLASS_BUG] = "bug",
	[CLASS_CONFIG] = "config",
	[CLASS_ACCOUNT] = "account",
	[CLASS_TRANSIENT] = "transient",
	[CLASS_INVALID] = "invalid",
	[CLASS_DATA] = "data",
	[CLASS_MACHINE] = "machine",
	[CLASS_STOPPED] = "stopped",
};

#define NCODES (sizeof(codes) / sizeof(codes[0]))
#define NCLASSES (sizeof(class_names) / sizeof(class_names[0]))

/** Words that were cut at the end of the buffer may end inside a character: take its beginning off. */
static void trim_cut(char *text)
{
	size_t n = strlen(text), back = 1;
	if (n + 1 < ERR_TEXT_MAX)
		return;
	while (back < 4 && back < n && ((unsigned char)text[n - back] & 0xC0) == 0x80)
		back++;
	if (utf8_invalid(str_n(text + n - back, back)) >= 0)
		text[n - back] = '\0';
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	ASSERT(code < 0);
	if (!e || e->code)
		return code;
	e->code = code;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	trim_cut(e->text);
	return code;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int saved = errno, code = ERR_IO;
	if (saved == ENOSPC || saved == EDQUOT)
		code = ERR_NOSPACE;
	else if (saved == ENOENT)
		code = ERR_NOTFOUND;
	if (!e || e->code)
		return code;
	e->code = code;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	char words[128];
	size_t n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", strerror_r(saved, words, sizeof(words)));
	trim_cut(e->text);
	errno = saved;
	return code;
}

int err_context(struct err *e, const char *fmt, ...)
{
	if (!e)
		return ERR_BUG; /* who has no words has the code elsewhere; never a success */
	if (!e->code)
		return 0;
	char old[ERR_TEXT_MAX];
	memcpy(old, e->text, sizeof(old));
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	size_t n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", old);
	trim_cut(e->text);
	return e->code;
}

void err_clear(struct err *e)
{
	if (!e)
		return;
	e->code = 0;
	e->text[0] = '\0';
}

/** Index into `codes`, or of BUG for what is no code. */
static size_t code_index(int code)
{
	if (code >= 0 || code < -(int)NCODES)
		return ERR_INDEX_BUG;
	return (size_t)(-1 - code);
}

const char *err_text(int code)
{
	return code == 0 ? "no error" : codes[code_index(code)].text;
}

const char *err_name(int code)
{
	return code == 0 ? "OK" : codes[code_index(code)].name;
}

enum err_class err_class_of(int code)
{
	return codes[code_index(code)].cls;
}

const char *err_class_name(enum err_class c)
{
	return (size_t)c < NCLASSES ? class_names[c] : "bug";
}

int err_class_parse(const char *name)
{
	for (size_t i = 0; i < NCLASSES; i++) {
		if (strcmp(name, class_names[i]) == 0)
			return (int)i;
	}
	return -1;
}

void assert_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "taf: internal error: %s:%d: %s\n", file, line, cond);
	abort();
}
