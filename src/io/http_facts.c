#include "io/http_facts.h"

#include "base/alloc.h"

#include <string.h>
#include <strings.h>

#define FACT(header, field) {header, sizeof(header) - 1, offsetof(struct http_facts, field), sizeof(((struct http_facts *)0)->field)}
static const struct {
	const char *header;
	size_t length, offset, size;
} fact_list[] = {
	FACT("content-type", content_type),
	FACT("retry-after", retry_after),
	FACT("retry-after-ms", retry_after_ms),
	FACT("x-ratelimit-limit-requests", limit_requests),
	FACT("x-ratelimit-remaining-requests", remaining_requests),
	FACT("x-ratelimit-reset-requests", reset_requests),
	FACT("x-ratelimit-limit-tokens", limit_tokens),
	FACT("x-ratelimit-remaining-tokens", remaining_tokens),
	FACT("x-ratelimit-reset-tokens", reset_tokens),
	FACT("x-request-id", request_id),
};

void http_facts_take(struct http_facts *facts, struct str line)
{
	const char *colon = memchr(line.p, ':', line.n);
	if (!colon)
		return;
	size_t length = (size_t)(colon - line.p);
	for (size_t i = 0; i < COUNT_OF(fact_list); i++) {
		if (fact_list[i].length != length || strncasecmp(line.p, fact_list[i].header, length) != 0)
			continue;
		char *to = (char *)facts + fact_list[i].offset;
		struct str value = str_trim(str_n(colon + 1, line.n - length - 1));
		size_t n = value.n < fact_list[i].size ? value.n : fact_list[i].size - 1;
		if (to[0] != '\0')
			return;
		for (size_t k = 0; k < n; k++)
			to[k] = value.p[k] >= ' ' && value.p[k] <= '~' ? value.p[k] : '?';
		to[n] = '\0';
		return;
	}
}
