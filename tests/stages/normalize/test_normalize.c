/* stages/normalize/normalize: its description. */
#include "base/alloc.h"
#include "stages/normalize/normalize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int check(int64_t rate, int64_t kbps, int64_t min, int64_t max, const char *word)
{
	struct normalize_params p = {.sample_rate = rate, .bitrate = kbps, .pause_min_ms = min, .pause_max_ms = max};
	struct err e = ERR_INIT;
	int code = stage_normalize.check(&p, &e);
	assert_true(!word || strstr(e.text, word));
	return code;
}

static void refuses_rates_that_mp3_has_not(void **state)
{
	(void)state;
	assert_int_equal(check(24000, 64, 250, 900, NULL), 0);
	assert_int_equal(check(8000, 16, 0, 0, NULL), 0);
	assert_int_equal(check(48000, 320, 0, 0, NULL), 0);
	assert_int_equal(check(23000, 64, 0, 0, "sample_rate"), ERR_CONFIG);
	assert_int_equal(check(24000, 320, 0, 0, "bitrate"), ERR_CONFIG);
	assert_int_equal(check(8000, 128, 0, 0, "bitrate"), ERR_CONFIG);
	assert_int_equal(check(24000, 65, 0, 0, "bitrate"), ERR_CONFIG);
	assert_int_equal(check(24000, 64, 900, 250, "pause_min_ms"), ERR_CONFIG);
}

static void checks_the_rates_of_a_format(void **state)
{
	(void)state;
	/* in the order of av_kind: mp3, flac, opus, wav */
	static const struct {
		int format;
		int64_t rate, kbps;
		int code;
	} cases[] = {{1, 24000, 65, 0}, {1, 23456, 64, ERR_CONFIG}, {2, 24000, 65, 0}, {2, 44100, 64, ERR_CONFIG},
		{3, 44100, 320, 0}, {3, 9000, 64, ERR_CONFIG}, {0, 44100, 64, 0}};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct normalize_params p = {.format = cases[i].format, .sample_rate = cases[i].rate, .bitrate = cases[i].kbps};
		struct err e = ERR_INIT;
		assert_int_equal(stage_normalize.check(&p, &e), cases[i].code);
	}
}

static void describes_itself(void **state)
{
	(void)state;
	struct stage_fields f = {.nreads = 0};
	stage_normalize.fields(NULL, &f);
	assert_int_equal(f.nreads, 5);
	assert_int_equal(f.nwrites, 1);
	assert_string_equal(f.writes[0].path, "audio");
	assert_null(stage_normalize.process); /* the worker's */
	static const char *const names[] = {"libavcodec", "libswresample", "libsoxr", "libebur128", "libmp3lame", "libopus"};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_non_null(strstr(stage_normalize.libraries(), names[i]));
	for (size_t i = 0; i < stage_normalize.noptions; i++)
		assert_int_equal(stage_normalize.options[i].flags, OPTION_SHAPES); /* all of them change the sound */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_rates_that_mp3_has_not),
		cmocka_unit_test(checks_the_rates_of_a_format),
		cmocka_unit_test(describes_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
