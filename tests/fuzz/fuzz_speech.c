/* Text as it is spoken: Chinese characters and four pauses, whatever the turn holds. */
#include "base/alloc.h"
#include "base/utf8.h"
#include "stages/speak/speech_text.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 1000 /* each place is compared with hundreds of words: longer texts cost time and show nothing new */

static void check_spoken(struct str s)
{
	uint32_t cp;
	while (utf8_next(&s, &cp))
		ASSERT(utf8_is_han(cp) || cp == 0xFF0C || cp == 0x3002 || cp == 0xFF01 || cp == 0xFF1F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_release) struct buf spoken = BUF_INIT;
	CLEANUP(buf_release) struct buf readings = BUF_INIT;
	struct str s = fuzz_str(data, size);
	struct err e = ERR_INIT;
	if (size > INPUT_MAX)
		return 0;
	int r = speech_text(&spoken, s, &e);
	if (r) {
		ASSERT(utf8_invalid(s) >= 0 && spoken.len == 0);
		fuzz_failed(r, ERR_PARSE, &e);
		return 0;
	}
	ASSERT(utf8_invalid(s) < 0);
	check_spoken(buf_view(&spoken));
	speech_readings(&readings, buf_view(&spoken));
	check_spoken(buf_view(&readings));
	ASSERT(utf8_count(buf_view(&spoken)) == utf8_count(buf_view(&readings)));
	return 0;
}
