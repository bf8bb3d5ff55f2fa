/* overrides.jsonl, and what its lines make of a call. */
#include "base/alloc.h"
#include "stages/screen/overrides.h"
#include "tests/fuzz/fuzz.h"

static void check_apply(const struct overrides *o, struct arena *a, struct str id)
{
	static const char call[] = "[{\"role\":\"left\",\"text\":\"您好\"},{\"role\":\"right\",\"text\":\"哪位\"},{"
							   "\"role\":\"left\",\"text\":\"再见\"}]";
	struct json *turns;
	struct overridden made;
	struct err e = ERR_INIT;
	ASSERT(json_parse(a, str_of(call), &turns, &e) == 0);
	int r = overrides_apply(o, a, id, turns, &made, &e);
	if (r) {
		fuzz_failed(r, ERR_DATA, &e);
		return;
	}
	if (!made.applied)
		ASSERT(!made.turns && !made.label && !made.dropped.p);
	if (made.turns)
		ASSERT(json_count(made.turns) == 3);
	JSON_EACH(turn, made.turns)
		ASSERT(turn_text(turn).n > 0 && turn_text(turn).n <= CALL_TURN_TEXT_MAX);
	JSON_EACH(row, made.applied)
		ASSERT(str_trim(json_get_str(row, "reason")).n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct overrides *o = NULL;
	struct err e = ERR_INIT;
	fuzz_data(".");
	int r = overrides_load(&a, fuzz_file(data, size), &o, &e);
	if (r) {
		ASSERT(o == NULL);
		fuzz_failed(r, ERR_CONFIG, &e);
		return 0;
	}
	check_apply(o, &a, STR("run/1"));
	check_apply(o, &a, STR("run/2"));
	overrides_release(o);
	return 0;
}
