/* Real speech, when it is asked for: libespeak-ng has one state for the process, so one text at a time. */
#include "tests/servers/tts/voice.h"

#include "tests/servers/common/mix.h"

#include "base/alloc.h"
#include "io/speech.h"

#include <pthread.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

int voice_espeak(const struct voice_order *o, struct sound *ret, struct err *e)
{
	static const char *const variants[] = {"", "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7"};
	CLEANUP(sound_release) struct sound raw = SOUND_INIT;
	double rate = (150 + 30 * mix_unit(o->voice, "rate", 0) + 8 * mix_unit(o->manner, "rate", 0)) * o->speed;
	struct speech_voice voice = {.variant = variants[mix_below(o->voice, "variant", COUNT_OF(variants))],
		.rate_wpm = rate < 80    ? 80
					: rate > 450 ? 450
								 : (int)rate,
		.pitch = 30 + (int)mix_below(o->voice, "pitch", 40),
		.range = 40 + (int)mix_below(o->manner, "range", 20)};
	if (voice_syllables(o->text) == 0) { /* nothing that could be said */
		voice_speak(o, ret);
		return 0;
	}
	pthread_mutex_lock(&turn);
	int rc = speech_say(&voice, o->text, &raw, e);
	pthread_mutex_unlock(&turn);
	return rc < 0 ? rc : av_resample(&raw, VOICE_RATE, ret, e);
}
