/* The YAML tables that contributors edit, each by the code that reads it; the first letter of the input chooses (l, t, r, v). */
#include "base/alloc.h"
#include "stages/import/import.h"
#include "stages/screen/rules.h"
#include "stages/speak/voices.h"
#include "tests/fuzz/fuzz.h"

static int load(struct arena *a, uint8_t which, const char *path, struct err *e)
{
	struct labels labels;
	struct terminators terminators = {.nendings = 0};
	struct rules rules;
	struct voices voices;
	int r;
	switch (which) {
	case 'l':
		return labels_load(a, path, &labels, e);
	case 't':
		r = terminators_load(a, path, &terminators, e);
		if (!r)
			terminators_release(&terminators);
		return r;
	case 'r':
		return rules_load(a, path, &rules, e);
	default:
		r = voices_load(a, path, &voices, e);
		for (size_t i = 0; !r && i < 4; i++) {
			struct draw d;
			draw_init(&d, i, STR("fuzz"), "voice");
			struct voice_choice one = voices_choose(&voices, (struct voice_persona){VOICE_MALE, VOICE_ELDERLY}, NULL, &d);
			struct voice_choice other =
				voices_choose(&voices, (struct voice_persona){VOICE_ANY_GENDER, VOICE_YOUNG}, &one, &d);
			ASSERT(one.voice && other.voice && one.pitch >= 0 && one.pitch <= 99 && other.rate_wpm > 0);
		}
		return r;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	if (size == 0)
		return 0;
	int r = load(&a, data[0], fuzz_file(data + 1, size - 1), &e);
	if (r)
		fuzz_failed(r, ERR_CONFIG, &e);
	return 0;
}
