/* stages/speak/speak_measure: what is told of a server's sound before it is accepted. */
#include "base/alloc.h"
#include "io/av.h"
#include "stages/speak/speak.h"
#include "tests/stages/sound_work.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PI 3.14159265358979323846

/* A tone from one time to another, in ms, silent before and after; on two channels each the negative of the other. */
static void tone(struct sound *s, int channels, int64_t from, int64_t to, int64_t all)
{
	*s = (struct sound){.channels = channels, .rate = 16000};
	sound_resize(s, all * 16);
	for (int64_t i = from * 16; i < to * 16; i++)
		for (int ch = 0; ch < channels; ch++)
			s->samples[i * channels + ch] = (ch ? -0.3f : 0.3f) * (float)sin(2 * PI * 300 * (double)i / 16000);
}

static const struct json *measure(struct sound_work *s, const struct sound *sound)
{
	CLEANUP(buf_release) struct buf flac = BUF_INIT;
	struct err e = ERR_INIT;
	struct json *request = json_object(&s->arena), *list = json_array(&s->arena);
	assert_int_equal(av_encode_flac(sound, &flac, &e), 0);
	json_append(list, json_text(&s->arena, sound_work_put(s, buf_view(&flac))));
	json_set(&s->arena, request, "measure", list);
	assert_int_equal(speak_sound.errand(&s->work, request, &e), 0);
	const struct json *measured = json_get(s->work.fields, "measured");
	assert_int_equal(json_count(measured), 1);
	return json_first(measured);
}

static void says(struct sound_work *s, const struct sound *sound, const char *why)
{
	const struct json *m = measure(s, sound);
	if (!str_is(json_get_str(m, "why"), why))
		fail_msg("'%.*s', not '%s'", STR_FMT(json_get_str(m, "why")), why);
	assert_null(json_get(m, "object"));
}

static void tells_length_and_ends(void **state)
{
	(void)state;
	struct sound_work s;
	CLEANUP(sound_release) struct sound whole = SOUND_INIT;
	CLEANUP(sound_release) struct sound cut = SOUND_INIT;
	sound_work_init(&s, &stage_speak, NULL, "{provider: voice}");
	sound_work_call(&s, "a/1", sound_work_json(&s, "{}"));
	tone(&whole, 1, 200, 1100, 1500);
	const struct json *m = measure(&s, &whole);
	assert_int_equal(json_get_int(m, "duration_ms", 0), 1500);
	assert_int_equal(json_get_int(m, "speech_ms", 0), 900);
	assert_int_equal(json_get_int(m, "sample_rate", 0), 16000);
	assert_false(json_get_bool(m, "cut_off", true));
	tone(&cut, 1, 200, 1500, 1500);
	assert_true(json_get_bool(measure(&s, &cut), "cut_off", false));
	sound_work_release(&s);
}

static void tells_what_is_no_speech(void **state)
{
	(void)state;
	struct sound_work s;
	CLEANUP(sound_release) struct sound silent = SOUND_INIT;
	CLEANUP(sound_release) struct sound tiny = SOUND_INIT;
	CLEANUP(sound_release) struct sound cancels = SOUND_INIT;
	CLEANUP(sound_release) struct sound endless = SOUND_INIT;
	sound_work_init(&s, &stage_speak, NULL, "{provider: voice}");
	sound_work_call(&s, "a/1", sound_work_json(&s, "{}"));
	tone(&silent, 1, 0, 0, 500);
	says(&s, &silent, "it is silent");
	tone(&tiny, 1, 0, 9, 9);
	says(&s, &tiny, "it is shorter than 10 ms");
	/* normalize averages the channels: nothing would be left there, and the call would be lost for a sound that was accepted */
	tone(&cancels, 2, 100, 900, 1000);
	says(&s, &cancels, "it is silent");
	/* nor does normalize take a turn of over 10 minutes; hours of it would cost the worker its memory */
	tone(&endless, 1, 0, 1000, 601000);
	says(&s, &endless, "longer than 600 s of sound");
	sound_work_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_length_and_ends),
		cmocka_unit_test(tells_what_is_no_speech),
	};
	av_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
