/* Any bytes as a sound file: blocks that hold together, or words about what is wrong; the three ways of decoding agree. */
#include "base/alloc.h"
#include "io/av.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define FRAMES_MAX ((int64_t)20 * 48000) /* more is cut off: a few bytes may stand for hours */

struct seen {
	int64_t frames;
	int channels, rate;
	bool full;
};

static int take(void *arg, const struct av_block *b, struct err *e)
{
	struct seen *s = arg;
	ASSERT(b->frames >= 0 && b->channels >= 1 && b->rate > 0);
	ASSERT(s->frames == 0 || (b->channels == s->channels && b->rate == s->rate));
	for (int ch = 0; ch < b->channels; ch++) {
		volatile float last = b->frames ? b->planes[ch][b->frames - 1] : 0; /* readable to its end */
		(void)last;
	}
	s->channels = b->channels;
	s->rate = b->rate;
	s->frames += b->frames;
	s->full = s->frames > FRAMES_MAX;
	return s->full ? err_set(e, ERR_TOOBIG, "enough") : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	if (!begun)
		av_init();
	begun = true;
	struct seen s = {.frames = 0};
	struct av_sink sink = {.take = take, .arg = &s};
	struct err e = ERR_INIT;
	int r = av_decode_each(fuzz_str(data, size), &sink, &e);
	if (r) {
		fuzz_failed(r, 0, &e);
		if (s.full)
			return 0;
	}
	CLEANUP(sound_release) struct sound whole = SOUND_INIT;
	CLEANUP(sound_release) struct sound mono = SOUND_INIT;
	struct err e2 = ERR_INIT, e3 = ERR_INIT;
	int r2 = av_decode(fuzz_str(data, size), &whole, &e2);
	int r3 = av_decode_mono(fuzz_str(data, size), 600, &mono, &e3);
	ASSERT(r2 == r && r3 == r);
	if (r == 0) {
		ASSERT(whole.frames == s.frames && whole.channels == s.channels && whole.rate == s.rate);
		ASSERT(mono.frames == s.frames && mono.channels == 1 && mono.rate == s.rate);
	} else {
		ASSERT(!whole.samples && !mono.samples);
	}
	return 0;
}
