/* Replies of speech servers: zips, sounds and JSON out of any bytes. The first byte says how it was asked: bit 0: as a zip, bits 1 to 3: texts, bit 4: for
 * samples without a header, bits 5 and 6: the status. */
#include "base/alloc.h"
#include "provider/tts_server.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_sound(const struct provider_sound *s, size_t size)
{
	ASSERT((s->bytes.n > 0) != (s->why != NULL));
	ASSERT(s->bytes.n <= TTS_SOUND_MAX + 44);
	/* Nothing grows beyond what deflate can do, 1032 times, and a header. */
	ASSERT(s->bytes.n <= 1032 * size + 44);
	if (s->why)
		fuzz_text(str_of(s->why));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = {200, 200, 500, 422};
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	unsigned how = size ? data[0] : 0;
	struct str body = size ? str_n((const char *)data + 1, size - 1) : STR("");
	struct http_reply http = {.end = HTTP_DONE, .status = statuses[how >> 5 & 3]};
	struct tts_expected x = {
		.zip = how & 1, .n = how & 1 ? 1 + (how >> 1 & 7) : 1, .pcm_rate = how & 16 ? 24000 : 0, .key = STR("key")};
	struct tts_reply r, again;
	http.body = (struct buf){.data = (char *)body.p, .len = body.n, .max = body.n};
	tts_read(&a, &http, &x, &r);
	fuzz_text(r.words);
	ASSERT(r.words.n <= 2 * OPENAI_WORDS && r.status >= 0 && r.retry_ms >= 0);
	ASSERT(r.means != OPENAI_STOPPED && r.means != OPENAI_TOO_LONG);
	ASSERT(http.status == 200 || r.means != OPENAI_ANSWER);
	for (size_t i = 0; i < x.n && r.means == OPENAI_ANSWER; i++)
		check_sound(&r.sounds[i], size);
	tts_read(&a, &http, &x, &again);
	ASSERT(again.means == r.means && str_eq(again.words, r.words));
	for (size_t i = 0; i < x.n && r.means == OPENAI_ANSWER; i++)
		ASSERT(str_eq(again.sounds[i].bytes, r.sounds[i].bytes));
	return 0;
}
