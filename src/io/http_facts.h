/* Which headers of a reply are kept: part of io/http. Pure; reads what a server sent, trusting none of it. */
#ifndef TAF_IO_HTTP_FACTS_H
#define TAF_IO_HTTP_FACTS_H

#include "io/http.h"

/** Keep `line` ("Name: value", with or without its line end) when it is one of the facts. Of several with one name the first counts; what is too long is
 * cut; control characters and what is not ASCII become '?', for a terminal may see it. */
void http_facts_take(struct http_facts *facts, struct str line);

#endif
