/* stages/speak/voices: who gets which voice. */
#include "base/alloc.h"
#include "base/fs.h"
#include "io/speech.h"
#include "stages/speak/voices.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_NAME "stages/speak/voices.yaml"

static struct arena arena;
static struct voices all;

static int load(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int code = voices_load(&arena, FILE_NAME, &all, &e);
	if (code)
		print_message("%s\n", e.text);
	return code;
}

static int unload(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void persona_decides(void **state)
{
	(void)state;
	for (int g = 0; g < VOICE_GENDERS; g++)
		for (int a = 0; a < VOICE_AGES; a++)
			for (uint64_t seed = 0; seed < 50; seed++) {
				struct draw d;
				draw_init(&d, seed, STR("call"), "voice");
				struct voice_choice c =
					voices_choose(&all, (struct voice_persona){(enum voice_gender)g, (enum voice_age)a}, NULL, &d);
				const struct voice_group *group = &all.groups[g][a];
				assert_int_equal(c.voice->gender, g);
				assert_true(c.voice->ages & (1u << a));
				assert_in_range(c.hz, group->hz[0], group->hz[1]);
				assert_in_range(c.rate_wpm, group->rate_wpm[0], group->rate_wpm[1]);
				assert_in_range(c.range, group->range[0], group->range[1]);
				assert_in_range(c.pitch, 5, 95);
			}
	assert_int_equal(voices_age(&all, 22), VOICE_YOUNG);
	assert_int_equal(voices_age(&all, 40), VOICE_MIDDLE);
	assert_int_equal(voices_age(&all, 70), VOICE_ELDERLY);
	assert_int_equal(voices_age(&all, -1), VOICE_ANY_AGE);
}

/* Whatever is known of the two, they are never hard to tell apart. */
static void sides_always_differ(void **state)
{
	(void)state;
	size_t distinct = 0;
	bool seen[256] = {false};
	for (uint64_t seed = 0; seed < 4000; seed++) {
		struct draw d;
		struct voice_persona one = {(enum voice_gender)(seed % 3), (enum voice_age)(seed / 3 % 4)};
		struct voice_persona two = {(enum voice_gender)(seed / 12 % 3), (enum voice_age)(seed / 36 % 4)};
		draw_init(&d, seed, STR("call"), "voice");
		struct voice_choice right = voices_choose(&all, one, NULL, &d), left = voices_choose(&all, two, &right, &d);
		assert_false(str_eq(left.voice->variant, right.voice->variant));
		assert_true(fabs(12 * log2((double)left.hz / right.hz)) >= 3); /* semitones */
		if (two.gender != VOICE_ANY_GENDER)
			assert_int_equal(left.voice->gender, two.gender);
		size_t at = (size_t)(left.voice - all.v);
		distinct += !seen[at];
		seen[at] = true;
	}
	assert_int_equal(distinct, all.n); /* every voice of the file is used */
	assert_true(all.n >= 40);
}

/* A file of one's own may ask for more semitones than its voices have: then the variants differ all the same. */
static void variants_differ_at_least(void **state)
{
	(void)state;
	struct voices far = all;
	far.apart = 60;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct draw d;
		struct voice_persona who = {(enum voice_gender)(seed % 3), (enum voice_age)(seed / 3 % 4)};
		draw_init(&d, seed, STR("call"), "voice");
		struct voice_choice right = voices_choose(&far, who, NULL, &d), left = voices_choose(&far, who, &right, &d);
		assert_false(str_eq(left.voice->variant, right.voice->variant));
		assert_true(who.gender == VOICE_ANY_GENDER || left.voice->gender == who.gender);
	}
}

static void every_variant_is_installed(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		CLEANUP(sound_release) struct sound s = SOUND_INIT;
		struct err e = ERR_INIT;
		struct speech_voice v = {.variant = all.v[i].variant.p, .rate_wpm = 240, .pitch = 50, .range = 50};
		if (speech_say(&v, STR("好"), &s, &e) != 0)
			print_message("%s\n", e.text);
		assert_int_equal(e.code, 0);
	}
}

static void check_broken(const char *from, const char *to, const char *words)
{
	CLEANUP(buf_release) struct buf good = BUF_INIT;
	CLEANUP(buf_release) struct buf bad = BUF_INIT;
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct voices v;
	struct err e = ERR_INIT;
	assert_int_equal(fs_read(FILE_NAME, 1 << 20, &good, &e), 0);
	ptrdiff_t at = str_find(buf_view(&good), str_of(from));
	assert_true(at >= 0);
	buf_add(&bad, good.data, (size_t)at);
	buf_puts(&bad, to);
	buf_puts(&bad, good.data + at + strlen(from));
	char path[300];
	snprintf(path, sizeof path, "%s/taf-voices-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, bad.data, bad.len, path, &e), 0);
	close(fd);
	assert_int_equal(voices_load(&a, path, &v, &e), ERR_CONFIG);
	unlink(path);
	if (!strstr(e.text, words))
		print_message("%s\n", e.text);
	assert_non_null(strstr(e.text, words));
	assert_non_null(strstr(e.text, "taf-voices-"));
}

static void tells_what_is_wrong_in_the_file(void **state)
{
	(void)state;
	check_broken("apart: 3", "apart: 30", "apart");
	check_broken("gender: female, age: elderly", "gender: male, age: elderly", "voices for elderly");
	check_broken("gender: male, ages", "gender: none, ages", "gender: male|female");
	check_broken("hz: [108, 148]", "hz: [148, 108]", "hz:");
	check_broken("hz: [152, 206]", "hz: [400, 406]", "reach its pitches");
	check_broken("hz: [71, 87, 110, 140]", "hz: [71, 87, 87, 140]", "growing");
	check_broken("hz: [71, 87, 110, 140]", "hz: 90", "hz:");
	check_broken("voices:\n", "voice:\n", "voices");
	check_broken("ages: [young, middle, elderly]", "ages: [young, old]", "elderly");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(persona_decides),
		cmocka_unit_test(sides_always_differ),
		cmocka_unit_test(variants_differ_at_least),
		cmocka_unit_test(every_variant_is_installed),
		cmocka_unit_test(tells_what_is_wrong_in_the_file),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
