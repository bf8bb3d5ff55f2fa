/* JSON: what is read, written and read again is the same value, and written again the same bytes. */
#include "base/alloc.h"
#include "io/json.h"
#include "tests/fuzz/fuzz.h"

static void check_again(struct arena *a, const struct json *v, void (*write)(struct buf *, const struct json *))
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf again = BUF_INIT;
	struct json *back;
	struct err e = ERR_INIT;
	write(&text, v);
	fuzz_text(buf_view(&text));
	ASSERT(!buf_error(&text) && json_parse(a, buf_view(&text), &back, &e) == 0);
	ASSERT(json_equal(v, back));
	write(&again, back);
	ASSERT(str_eq(buf_view(&text), buf_view(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *v = NULL;
	struct err e = ERR_INIT;
	int r = json_parse(&a, fuzz_str(data, size), &v, &e);
	if (r) {
		ASSERT(v == NULL);
		fuzz_failed(r, ERR_PARSE, &e);
		return 0;
	}
	check_again(&a, v, json_write);
	check_again(&a, v, json_write_pretty);
	struct json *copy = json_copy(&a, v);
	ASSERT(json_equal(v, copy));
	json_merge(&a, copy, v);
	ASSERT(json_equal(v, copy));
	size_t n = 0;
	JSON_EACH(item, v)
		ASSERT(v->kind == JSON_ARRAY ? json_at(v, n++) == item : (n++, json_get_key(v, item->key) == item));
	ASSERT(n == json_count(v));
	return 0;
}
