/* Format of the file: one JSON object a line, {"v":1,"t":"2026-11-21T18:44:36.123Z","level":"warn","object":"speak","text":"…"};
 * "object" is left out when there is none. */
#include "base/log.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)1 << 20)

enum log_level log_terminal_level = LOG_WARN;

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the sinks below */
static _Atomic(FILE *) file;
static void (*hook_before)(void *), (*hook_after)(void *);
static void *hook_arg;

void log_set_file(FILE *f)
{
	pthread_mutex_lock(&lock);
	atomic_store(&file, f);
	pthread_mutex_unlock(&lock);
}

void log_set_hook(void (*before)(void *), void (*after)(void *), void *arg)
{
	pthread_mutex_lock(&lock);
	hook_before = before;
	hook_after = after;
	hook_arg = arg;
	pthread_mutex_unlock(&lock);
}

int log_wanted(enum log_level level)
{
	return level <= log_terminal_level || (level <= LOG_DEBUG && atomic_load(&file) != NULL);
}

/** A JSON string by hand: base may not use io/json. Invalid bytes become U+FFFD. */
static void add_quoted(struct buf *b, struct str s)
{
	char bytes[4];
	buf_putc(b, '"');
	for (uint32_t cp; utf8_next(&s, &cp);) {
		if (cp == '"' || cp == '\\')
			buf_putc(b, '\\');
		if (cp == '\n')
			buf_puts(b, "\\n");
		else if (cp < 0x20)
			buf_printf(b, "\\u%04x", (unsigned)cp);
		else
			buf_add(b, bytes, utf8_put(cp, bytes));
	}
	buf_putc(b, '"');
}

static void write_file(FILE *f, enum log_level level, const char *object, struct str text)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	char when[32];
	int64_t now = clock_wall_ms();
	clock_iso(now, when, sizeof(when));
	when[19] = '\0'; /* the "Z" moves behind the milliseconds */
	buf_printf(&b, "{\"v\":1,\"t\":\"%s.%03dZ\",\"level\":\"%s\"", when, (int)(now % 1000), level_names[level]);
	if (object) {
		buf_puts(&b, ",\"object\":");
		add_quoted(&b, str_of(object));
	}
	buf_puts(&b, ",\"text\":");
	add_quoted(&b, text);
	buf_puts(&b, "}\n");
	fwrite(b.data, 1, b.len, f);
	fflush(f);
}

/** Words may hold what a server or a file said: control characters must not reach the terminal. */
static void write_terminal(enum log_level level, const char *object, struct str text)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	char bytes[4];
	buf_printf(&b, "taf: %s%s%s: ", level_names[level], object ? " " : "", object ? object : "");
	for (uint32_t cp; utf8_next(&text, &cp);) {
		bool control = (cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7F && cp < 0xA0);
		buf_add(&b, bytes, utf8_put(control ? 0xFFFD : cp, bytes));
	}
	buf_putc(&b, '\n');
	if (hook_before)
		hook_before(hook_arg);
	fwrite(b.data, 1, b.len, stderr);
	fflush(stderr);
	if (hook_after)
		hook_after(hook_arg);
}

void log_line(enum log_level level, const char *object, const char *fmt, ...)
{
	if (!log_wanted(level))
		return;
	CLEANUP(buf_release) struct buf text = BUF_INIT_MAX(LINE_MAX_BYTES);
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (buf_error(&text)) {
		buf_clear(&text);
		buf_puts(&text, "(a line too long for the log)");
	}
	pthread_mutex_lock(&lock);
	FILE *f = atomic_load(&file);
	if (f && level <= LOG_DEBUG)
		write_file(f, level, object, buf_view(&text));
	if (level <= log_terminal_level)
		write_terminal(level, object, buf_view(&text));
	pthread_mutex_unlock(&lock);
}
