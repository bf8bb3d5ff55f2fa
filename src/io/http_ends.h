/* Between http.c and http_ends.c: how an exchange went, and what its end means. */
#ifndef TAF_IO_HTTP_ENDS_H
#define TAF_IO_HTTP_ENDS_H

#include "io/http.h"

#include <stdbool.h>
#include <stddef.h>

struct http_course {
	void *easy; /* curl's handle of it */
	int code;   /* a CURLcode */
	int sends;  /* how often curl wanted to send the request */
	bool too_long, headers_broken, headers_whole;
	const char *words; /* curl's own */
};

enum http_end http_end_of(const struct http_course *c);
/** Words for the user, at most `size` bytes with their end. */
void http_explain(const struct http_course *c, char *ret, size_t size);

#endif
