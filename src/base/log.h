/* The log: a line with time, level, the object it speaks of (stage, record) and words; to the terminal by level, to the run's file always.
 * Library code logs at debug and trace only; what a user must know travels as an error. Safe from any thread. */
#ifndef TAF_BASE_LOG_H
#define TAF_BASE_LOG_H

#include <stdio.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

extern enum log_level log_terminal_level; /* what goes to stderr; default LOG_WARN */

/** A second sink that gets every line up to debug, as JSON lines {"v":1,"t":…,"level":…,"object":…,"text":…}. NULL for none. The caller closes it. */
void log_set_file(FILE *f);
/** Called around terminal output, so that a live display can make room. NULL for none. */
void log_set_hook(void (*before)(void *), void (*after)(void *), void *arg);
/** `object` names what the line is about ("speak calls/0001"); may be NULL. */
void log_line(enum log_level level, const char *object, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_error(object, ...) log_line(LOG_ERROR, object, __VA_ARGS__)
#define log_warn(object, ...) log_line(LOG_WARN, object, __VA_ARGS__)
#define log_info(object, ...) log_line(LOG_INFO, object, __VA_ARGS__)
#define log_debug(object, ...) \
	do { \
		if (log_wanted(LOG_DEBUG)) \
			log_line(LOG_DEBUG, object, __VA_ARGS__); \
	} while (0)
/** Whether any sink takes this level. */
int log_wanted(enum log_level level);

#endif
