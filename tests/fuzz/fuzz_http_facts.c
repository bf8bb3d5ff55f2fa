/* Header lines of a reply: every fact stays a short line of printable ASCII, and the first of a name stands. */
#include "base/alloc.h"
#include "io/http_facts.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_field(const char *field, size_t size)
{
	size_t n = strnlen(field, size);
	ASSERT(n < size);
	for (size_t i = 0; i < n; i++)
		ASSERT(field[i] >= ' ' && field[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = fuzz_str(data, size), line;
	struct http_facts facts = {0}, again;
	while (str_line(&rest, &line))
		http_facts_take(&facts, line);
	check_field(facts.content_type, sizeof(facts.content_type));
	check_field(facts.retry_after, sizeof(facts.retry_after));
	check_field(facts.retry_after_ms, sizeof(facts.retry_after_ms));
	check_field(facts.limit_requests, sizeof(facts.limit_requests));
	check_field(facts.remaining_requests, sizeof(facts.remaining_requests));
	check_field(facts.reset_requests, sizeof(facts.reset_requests));
	check_field(facts.limit_tokens, sizeof(facts.limit_tokens));
	check_field(facts.remaining_tokens, sizeof(facts.remaining_tokens));
	check_field(facts.reset_tokens, sizeof(facts.reset_tokens));
	check_field(facts.request_id, sizeof(facts.request_id));
	again = facts;
	rest = fuzz_str(data, size);
	while (str_line(&rest, &line))
		http_facts_take(&again, line);
	ASSERT(memcmp(&again, &facts, sizeof(facts)) == 0);
	return 0;
}
