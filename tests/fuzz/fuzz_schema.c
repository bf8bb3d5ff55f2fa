/* JSON Schema: a schema, a zero byte, a value. A verdict is the same each time, has words, and `not` turns it round. */
#include "base/alloc.h"
#include "core/schema.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/** 1 fits, 0 does not, -1 no verdict. */
static int verdict(const struct schema *s, const struct json *value)
{
	struct err e = ERR_INIT, again = ERR_INIT;
	int r = schema_check(s, value, &e);
	ASSERT(schema_check(s, value, &again) == r && strcmp(e.text, again.text) == 0);
	if (r == 0)
		return 1;
	ASSERT(r == ERR_INVALID && e.code == r && e.text[0]);
	fuzz_text(str_of(e.text));
	return strstr(e.text, "cannot be checked") ? -1 : 0;
}

/** {"not": SCHEMA}; places in it move, so only what refers to none. */
static void check_turned(struct arena *a, const struct json *document, const struct json *value, int expected)
{
	struct json *turned = json_object(a);
	struct schema *s;
	struct err e = ERR_INIT;
	json_set(a, turned, "not", json_copy(a, document));
	if (schema_read(a, turned, &s, &e) == 0 && expected >= 0) {
		int got = verdict(s, value);
		ASSERT(got < 0 || got == !expected);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	struct json *document, *value;
	struct schema *s = NULL;
	struct err e = ERR_INIT;
	size_t n = zero ? (size_t)(zero - data) : size;
	if (size > 1 << 16 || json_parse(&a, fuzz_str(data, n), &document, &e) < 0)
		return 0;
	int r = schema_read(&a, document, &s, &e);
	if (r) {
		ASSERT(s == NULL);
		fuzz_failed(r, ERR_CONFIG, &e);
		return 0;
	}
	ASSERT(json_equal(schema_document(s), document));
	if (!zero || json_parse(&a, fuzz_str(zero + 1, size - n - 1), &value, NULL) < 0)
		return 0;
	int fits = verdict(s, value);
	if (!memmem(data, n, "$ref", 4) && !memmem(data, n, "$id", 3) && !memchr(data, '\\', n))
		check_turned(&a, document, value, fits);
	return 0;
}
