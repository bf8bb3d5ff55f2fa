/* Answers of models: thinking, text, JSON and refusals are read out of any bytes. */
#include "base/alloc.h"
#include "core/chat.h"
#include "tests/fuzz/fuzz.h"

static bool within(struct str part, struct str whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(buf_release) struct buf written = BUF_INIT;
	struct str all = fuzz_str(data, size), thinking, text;
	struct json *v = NULL, *again = NULL;
	struct err e = ERR_INIT;
	answer_split(all, STR(""), &thinking, &text);
	ASSERT(within(thinking, all) && within(text, all) && thinking.n + text.n <= all.n);
	bool refuses = answer_refuses(text);
	ASSERT(refuses == answer_refuses(text));
	int rc = answer_json(&a, text, &v, &e);
	if (rc) {
		ASSERT(v == NULL);
		fuzz_failed(rc, ERR_INVALID, &e);
		return 0;
	}
	ASSERT(json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY));
	/* What was found is found again when it stands alone. */
	json_write(&written, v);
	ASSERT(answer_json(&a, buf_view(&written), &again, &e) == 0 && json_equal(v, again));
	return 0;
}
