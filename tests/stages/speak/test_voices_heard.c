/* stages/speak/voices, by measurement: are the voices that are drawn as high, as fast and as different as voices.yaml says? With TAF_VOICES_TABLE=1 the table of
 * docs/voices.md is printed. */
#include "base/alloc.h"
#include "io/speech.h"
#include "stages/qa/syllables.h"
#include "stages/speak/voices.h"
#include "tests/stages/speak/voicekit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEXT "请您现在打开手机银行，把账户里的余额和验证码一起告诉我。"
#define DRAWN 100
#define CALLS 20
#define DISTINCT_MIN 40
/* Two voices are told apart by a semitone of pitch, or by their spectra. A voice that only speaks faster is 0.3-0.4 dB from itself; one that speaks half a
 * semitone higher mostly less than 1 dB. */
#define APART_SEMITONES 1.0
#define APART_DB 2.0
#define PITCH_ERROR 1.5 /* semitones between the pitch that was chosen and the one that is heard in one sentence */

static struct arena arena;
static struct voices all;

static int load(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int code = voices_load(&arena, "stages/speak/voices.yaml", &all, &e);
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

static double semitones(double a, double b)
{
	return fabs(12 * log2(a / b));
}

static void hear(const struct voice_choice *c, int rate_wpm, struct timbre *ret)
{
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	struct speech_voice v = {.variant = c->voice->variant.p, .rate_wpm = rate_wpm, .pitch = c->pitch, .range = c->range};
	struct err e = ERR_INIT;
	assert_int_equal(speech_say(&v, STR(TEXT), &s, &e), 0);
	timbre_measure(&s, syllables_count(STR(TEXT)), ret);
}

static bool apart(const struct timbre *a, const struct timbre *b)
{
	return semitones(a->hz, b->hz) >= APART_SEMITONES || timbre_distance(a, b) >= APART_DB;
}

static void check_voice(const struct voice_choice *c, const struct timbre *heard)
{
	bool pitch = semitones(heard->hz, c->hz) <= PITCH_ERROR;
	bool pace = heard->syllables_per_s >= 4 && heard->syllables_per_s <= 6;
	if (!pitch || !pace)
		print_message(
			"%s: %g Hz, not %d; %g syllables/s\n", c->voice->variant.p, heard->hz, c->hz, heard->syllables_per_s);
	assert_true(pitch && pace);
}

/* Of the voices of the first calls, at least 40 are told apart from each other, all of them. */
static void many_voices_are_told_apart(void **state)
{
	(void)state;
	struct timbre kept[DRAWN];
	int n = 0;
	for (uint64_t seed = 0; seed < DRAWN; seed++) {
		struct draw d;
		struct timbre heard;
		draw_init(&d, seed, STR("call"), "voice");
		struct voice_choice c = voices_choose(&all, (struct voice_persona){VOICE_ANY_GENDER, VOICE_ANY_AGE}, NULL, &d);
		hear(&c, c.rate_wpm, &heard);
		check_voice(&c, &heard);
		bool other = true;
		for (int i = 0; i < n && other; i++)
			other = apart(&heard, &kept[i]);
		if (other)
			kept[n++] = heard;
	}
	if (n < DISTINCT_MIN || getenv("TAF_VOICES_TABLE"))
		print_message("%d of %d\n", n, DRAWN);
	assert_true(n >= DISTINCT_MIN);
}

static void a_voice_is_not_apart_from_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i += 7) {
		struct timbre slow, fast;
		struct voice_choice c = {.voice = &all.v[i], .pitch = 60, .range = 50};
		hear(&c, 205, &slow);
		hear(&c, 245, &fast);
		assert_false(apart(&slow, &fast));
	}
}

static void both_sides_are_heard_to_differ(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < CALLS; seed++) {
		struct draw d;
		struct timbre one, two;
		struct voice_persona who = {(enum voice_gender)(seed % 2), (enum voice_age)(seed / 2 % 3)}; /* of both */
		draw_init(&d, seed, STR("pair"), "voice");
		struct voice_choice right = voices_choose(&all, who, NULL, &d), left = voices_choose(&all, who, &right, &d);
		hear(&right, right.rate_wpm, &one);
		hear(&left, left.rate_wpm, &two);
		if (semitones(one.hz, two.hz) < APART_SEMITONES)
			print_message("%s at %g, %s at %g Hz\n", right.voice->variant.p, one.hz, left.voice->variant.p, two.hz);
		assert_true(semitones(one.hz, two.hz) >= APART_SEMITONES);
	}
}

static const char *ages_of(const struct voice *v)
{
	static const char *const names[] = {"", "young", "middle", "young, middle", "elderly", "young, elderly",
		"middle, elderly", "young, middle, elderly"};
	return names[v->ages & 7];
}

/** A row: pitch as measured, pace, and the nearest of the other voices of that sex at the same pitch. */
static void print_row(const struct timbre *heard, size_t i)
{
	size_t nearest = i;
	double least = HUGE_VAL;
	for (size_t k = 0; k < all.n; k++) {
		double db = timbre_distance(&heard[i], &heard[k]);
		if (k != i && all.v[k].gender == all.v[i].gender && db < least) {
			least = db;
			nearest = k;
		}
	}
	const struct voice *v = &all.v[i], *n = &all.v[nearest];
	printf("| %s | %s | %s | %lld-%lld | %.1f | %s, %.1f |\n", v->variant.n ? v->variant.p : "(plain)",
		v->gender == VOICE_MALE ? "male" : "female", ages_of(v), (long long)v->hz[0],
		(long long)v->hz[VOICE_PITCHES - 1], heard[i].syllables_per_s, n->variant.n ? n->variant.p : "(plain)", least);
}

/* Timbre alone: at one pitch, one rate, the variants are no copies of each other. */
static void variants_differ_at_one_pitch(void **state)
{
	(void)state;
	struct timbre heard[64];
	assert_in_range(all.n, DISTINCT_MIN, COUNT_OF(heard));
	for (size_t i = 0; i < all.n; i++) {
		const struct voice *v = &all.v[i];
		int64_t hz = v->gender == VOICE_MALE ? 110 : 200;
		double share = log((double)hz / (double)v->hz[1]) / log((double)v->hz[2] / (double)v->hz[1]);
		struct voice_choice c = {.voice = v, .pitch = (int)fmin(90, 50 + 20 * share + 0.5), .range = 50};
		hear(&c, 240, &heard[i]);
		for (size_t k = 0; k < i; k++)
			assert_true(all.v[k].gender != v->gender || timbre_distance(&heard[i], &heard[k]) >= 0.4);
	}
	for (size_t i = 0; i < all.n && getenv("TAF_VOICES_TABLE"); i++)
		print_row(heard, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_voices_are_told_apart),
		cmocka_unit_test(a_voice_is_not_apart_from_itself),
		cmocka_unit_test(both_sides_are_heard_to_differ),
		cmocka_unit_test(variants_differ_at_one_pitch),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
