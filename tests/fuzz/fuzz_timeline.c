/* Any JSON as a call that is released with its timeline: times in the form mm:ss.mmm, in the order of the segments. */
#include "base/alloc.h"
#include "stages/release/release.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_time(struct str t)
{
	ASSERT(t.n >= 9 && t.p[t.n - 4] == '.' && t.p[t.n - 7] == ':');
	for (size_t i = 0; i < t.n; i++)
		ASSERT(i == t.n - 4 || i == t.n - 7 || (t.p[i] >= '0' && t.p[i] <= '9'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct json *call = NULL;
	struct err e = ERR_INIT;
	if (json_parse(&a, fuzz_str(data, size), &call, &e) < 0)
		return 0;
	const struct json *list = json_get(release_timeline(&a, call), "audio_segments");
	ASSERT(json_is(list, JSON_ARRAY));
	ASSERT(json_count(list) == json_count(json_path(call, "audio.segments")));
	JSON_EACH(row, list) {
		check_time(json_get_str(row, "start_time"));
		check_time(json_get_str(row, "end_time"));
		fuzz_text(json_get_str(row, "content"));
		ASSERT(json_get(row, "seconds") && json_get(row, "role"));
	}
	return 0;
}
