/* What servers say of their limits: Retry-After and resets, any bytes. */
#include "core/limiter.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define WALL INT64_C(1795287876000) /* 2026-11-21T19:04:36Z */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[80]; /* headers are cut to 63 bytes, see struct http_facts */
	if (size >= sizeof(text))
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	int64_t a = retry_after_ms(text, WALL), b = reset_ms(text, WALL);
	ASSERT(a >= -1 && a <= LIMITER_WAIT_MAX_MS);
	ASSERT(b >= -1 && b <= LIMITER_WAIT_MAX_MS);
	ASSERT(a == retry_after_ms(text, WALL) && b == reset_ms(text, WALL));
	/* A reset may be said in every way of a Retry-After, and in more. */
	ASSERT(a < 0 || b >= 0);
	/* Later, less is left of a date; plain seconds are as many. */
	int64_t later = retry_after_ms(text, WALL + 1000);
	ASSERT(later == a || (later < a && later >= a - 1000));
	return 0;
}
