/* qa's measures of samples, its gates on them, and a sound that breaks each rule beside one that does not. */
#include "base/alloc.h"
#include "stages/qa/gates.h"
#include "stages/qa/qa.h"
#include "tests/stages/qa/callkit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* --- Measures --- */

static void check_near(double v, double wanted, double apart)
{
	if (fabs(v - wanted) > apart)
		print_message("%g, not %g\n", v, wanted);
	assert_true(fabs(v - wanted) <= apart);
}

static void measures_known_waves(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound s = {.channels = 2, .rate = RATE};
	double m[SIGNAL_MEASURES];
	sound_resize(&s, RATE);
	for (int64_t i = 0; i < RATE; i++) {
		s.samples[2 * i] = (float)(0.5 * sin(6.283185307 * 10 * ((double)i + 0.5) / RATE)); /* 10 Hz */
		s.samples[2 * i + 1] = i % 2 ? -0.25f : 0.25f;                                      /* half the rate */
	}
	struct signal sine = {0}, square = {0}, both = {0}, none = {0};
	for (int64_t at = 0; at < RATE; at += 1000) /* in pieces, as in one */
		signal_add(&sine, &s, 0, at, at + 1000);
	signal_add(&square, &s, 1, 0, RATE);
	signal_add(&both, &s, SIGNAL_BOTH, 0, RATE);
	signal_measures(&sine, m);
	check_near(m[SIGNAL_RMS], 0.5 / sqrt(2), 1e-4);
	check_near(m[SIGNAL_CREST], sqrt(2), 1e-3);
	check_near(m[SIGNAL_ZERO_CROSSING], 19.0 / RATE, 1e-9);
	check_near(
		m[SIGNAL_HIGH_FREQUENCY], 4 * 10.0 / RATE * 1.5708, 1e-4); /* each period up and down: 4 peaks over its mean */
	check_near(m[SIGNAL_NEAR_SILENCE], 2 / 3.14159265 * asin(100 / 16384.0), 1e-3);
	signal_measures(&square, m);
	check_near(m[SIGNAL_CREST], 1, 1e-3);
	check_near(m[SIGNAL_ZERO_CROSSING], 1, 1e-3);
	check_near(m[SIGNAL_HIGH_FREQUENCY], 2, 1e-3);
	assert_int_equal(both.peak, 24575);
	signal_measures(&none, m);
	for (int i = 0; i < SIGNAL_MEASURES; i++)
		check_near(m[i], 0, 0);
	s.samples[0] = (float)NAN;
	s.samples[2] = (float)INFINITY;
	s.samples[4] = 1;
	struct signal wild = {0};
	signal_add(&wild, &s, 0, 0, 3);
	assert_int_equal(wild.clipped, 3);
	assert_int_equal(wild.peak, 65536);
}

/* --- The gates of TeleAntiFraud 2.0, at their limits --- */

/** 100,000 samples that no gate minds: RMS 3,000, crest factor 10. */
static struct signal fine(void)
{
	return (struct signal){.n = 100000,
		.near = 20000,
		.crossings = 10000,
		.magnitude = 200000000,
		.steps = 60000000,
		.square = 100000 * 9e6,
		.peak = 30010};
}

static const char *closed(const struct qa_params *p, bool turn, double seconds, const struct signal *s)
{
	static char text[256];
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	struct findings f = {.a = &a, .list = json_array(&a)};
	struct gate gates[GATES_MAX];
	int n = gates_of(p, turn, seconds, gates);
	gates_judge(gates, n, s, turn ? 3 : -1, &f);
	text[0] = 0;
	JSON_EACH(found, f.list) {
		size_t at = strlen(text);
		snprintf(text + at, sizeof text - at, "%s%.*s %lld>%lld", at ? "; " : "", STR_FMT(json_get_str(found, "rule")),
			(long long)json_get_int(found, "value", -1), (long long)json_get_int(found, "limit", -1));
		assert_int_equal(json_get_int(found, "turn", -1), turn ? 3 : -1);
	}
	return text;
}

static void holds_the_published_gates(void **state)
{
	(void)state;
	struct sound_work w;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio, preset: teleantifraud2}");
	const struct qa_params *p = w.stage.params;
	const double of_rms = 100000.0;
	struct {
		struct signal good, bad;
		const char *told;
	} cases[9];
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		cases[i].good = cases[i].bad = fine();
	cases[0].good.near = 75000, cases[0].bad.near = 75001, cases[0].told = "near_silence 750>750";
	cases[1].good.square = of_rms * 300 * 300, cases[1].bad.square = of_rms * 299 * 299,
	cases[1].told = "rms -40796>-40767";
	cases[2].good.square = of_rms * 6000 * 6000;
	cases[2].bad.square = of_rms * 18001.0 * 18001, cases[2].bad.peak = 90010, cases[2].told = "rms -5203>-5204";
	cases[3].good.clipped = 8000, cases[3].bad.clipped = 8001, cases[3].told = "clipping 80010>80000";
	cases[4].good.crossings = 48000, cases[4].bad.crossings = 48001, cases[4].told = "zero_crossing 480>480";
	cases[5].good.steps = 359999999, cases[5].bad.steps = 360200000, cases[5].told = "high_frequency 1801>1800";
	cases[6].good.peak = 15006, cases[6].bad.peak = 15000, cases[6].told = "crest_factor 13977>13979";
	cases[7].good.crossings = cases[7].bad.crossings = 20001;
	cases[7].good.square = of_rms * 800 * 800, cases[7].bad.square = of_rms * 799 * 799, cases[7].told = "noise 200>200";
	cases[8].good.crossings = cases[8].bad.crossings = 15001, cases[8].good.steps = cases[8].bad.steps = 201000000;
	cases[8].good.peak = 24010, cases[8].bad.peak = 24000, cases[8].told = "electric_noise 150>150";
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (*closed(p, false, 0, &cases[i].good) || strcmp(closed(p, false, 0, &cases[i].bad), cases[i].told) != 0)
			print_message("case %zu\n", i);
		assert_string_equal(closed(p, false, 0, &cases[i].good), "");
		assert_string_equal(closed(p, false, 0, &cases[i].bad), cases[i].told);
		assert_string_equal(closed(p, true, 2, &cases[i].bad), cases[i].told);
	}
	/* what rests on the crest factor is not asked of a short turn */
	assert_string_equal(closed(p, true, 1.9, &cases[8].bad), "");
	assert_string_equal(closed(p, true, 1.9, &cases[6].bad), "");
	assert_string_equal(closed(p, true, 1.9, &cases[4].bad), cases[4].told);
	sound_work_release(&w);
}

/* --- Sounds that break a rule --- */

/** Turn 1, 3.0-5.0 s on the right channel. */
enum { FROM = 3 * RATE, TO = 5 * RATE };

static float *right_at(struct made *m, int64_t i)
{
	return &m->sound.samples[2 * i + 1];
}

static void keep_a_fifth(struct made *m)
{
	for (int64_t i = FROM; i < TO; i++)
		*right_at(m, i) = i % 960 < 180 ? *right_at(m, i) * 2 : 0;
}

static void quieter(struct made *m)
{
	for (int64_t i = FROM; i < TO; i++)
		*right_at(m, i) *= 0.05f;
}

static void square_wave(struct made *m)
{
	for (int64_t i = FROM; i < TO; i++)
		*right_at(m, i) = i % 160 < 80 ? 0.1f : -0.1f;
}

static void loud_square_wave(struct made *m)
{
	for (int64_t i = FROM; i < TO; i++)
		*right_at(m, i) = i % 160 < 80 ? 0.6f : -0.6f;
}

static void hiss(struct made *m)
{
	uint32_t x = 7;
	for (int64_t i = FROM; i < TO; i++) {
		x = x * 1664525u + 1013904223u;
		*right_at(m, i) = 0.2f * ((float)(x >> 8) / 16777216.0f - 0.5f);
	}
}

static void shrill(struct made *m)
{
	for (int64_t i = FROM; i < TO; i++)
		*right_at(m, i) = fabsf(*right_at(m, i)) * (i % 2 ? -1.0f : 1.0f);
}

static void half_silent(struct made *m)
{
	made_silence(m, 1, 3200, 4600);
}

static void clipped_now_and_then(struct made *m)
{
	for (int64_t i = FROM; i < TO; i += 4000)
		*right_at(m, i) = 1;
}

static void clipped_once(struct made *m)
{
	*right_at(m, FROM + 999) = 1;
}

static void clipped_in_a_row(struct made *m)
{
	for (int64_t i = FROM + 253; i < FROM + 257; i++)
		*right_at(m, i) = 1;
}

static void quiet_right(struct made *m)
{
	for (int64_t i = 0; i < m->sound.frames; i++)
		*right_at(m, i) *= 0.4f;
}

static void loud_pulse(struct made *m)
{
	for (int64_t i = FROM + 500; i < FROM + 504; i++)
		*right_at(m, i) = 0.93f;
}

static void nothing(struct made *m)
{
	(void)m;
}

/* Found with the options named first, not with those named behind. */
static const struct {
	const char *rule;
	void (*damage)(struct made *m);
	const char *bad, *good;
} sounds[] = {
	{"near_silence/1 8", keep_a_fifth, "", "turn_near_silence_max: 90"},
	{"near_silence/ ", half_silent, "near_silence_max: 30", ""},
	{"rms/1 -4", quieter, "turn_rms_min: -40", ""},
	{"rms/1 -4", loud_square_wave, "", "turn_rms_max: -3"},
	{"rms/ -2", nothing, "rms_max: -40", ""},
	{"rms/ -2", nothing, "rms_min: -10", ""},
	{"crest_factor/1 ", square_wave, "", "turn_crest_min: 0"},
	{"crest_factor/ ", nothing, "crest_min: 20", ""},
	{"zero_crossing/1 5", hiss, "", "turn_zero_crossing_max: 60"},
	{"zero_crossing/ ", hiss, "zero_crossing_max: 10", ""},
	{"high_frequency/1 ", shrill, "", "turn_high_frequency_max: 200"},
	{"high_frequency/ ", shrill, "high_frequency_max: 50", ""},
	{"silence_share/1 70", half_silent, "", "max_turn_silence_percent: 75"},
	{"silence_share/ ", half_silent, "max_silence_percent: 30", ""},
	{"clipping/1 250", clipped_now_and_then, "", "max_turn_clipped_ppm: 300"},
	{"clipping/ 53", clipped_now_and_then, "", "max_clipped_ppm: 60"},
	{"clipping/ 4", clipped_in_a_row, "max_clipped_ppm: 1000", "max_clipped_run: 4"},
	{"clipping/1 21", clipped_once, "max_turn_clipped_ppm: 20", ""},
	{"loudness/right -", quiet_right, "", "loudness_min: -40"},
	{"loudness/1 -4", quieter, "", "turn_loudness_min: -60"},
	{"loudness/1 -", loud_square_wave, "", "turn_loudness_max: 0"},
	{"true_peak/1 ", loud_pulse, "", "peak_max: 3"},
	{"true_peak/ ", loud_pulse, "", "peak_max: 3"},
	{"overlap/ 2", nothing, "max_overlap_percent: 1", ""},
	{"talk_over/3 200", nothing, "max_talk_over_ms: 199", "max_talk_over_ms: 200"},
};

static bool finds(const char *rule, void (*damage)(struct made *), const char *options)
{
	struct sound_work w;
	CLEANUP(made_release) struct made m;
	char yaml[160];
	snprintf(yaml, sizeof yaml, "{rules: audio%s%s}", *options ? ", " : "", options);
	sound_work_init(&w, &stage_qa, NULL, yaml);
	make_usual(&w, &m);
	damage(&m);
	const char *found = judge_made(&w, &m), *at = strstr(found, rule);
	while (at && at != found && at[-1] != ' ')
		at = strstr(at + 1, rule);
	sound_work_release(&w);
	return at != NULL;
}

static void finds_what_is_wrong_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sounds); i++) {
		bool bad = finds(sounds[i].rule, sounds[i].damage, sounds[i].bad);
		bool good = finds(sounds[i].rule, sounds[i].damage, sounds[i].good);
		if (!bad || good)
			print_message("sound %zu, %s: %d, then %d\n", i, sounds[i].rule, bad, good);
		assert_true(bad);
		assert_false(good);
	}
}

/* A preset gives defaults: what is written beside it, before or behind, holds. */
static void the_preset_gives_defaults(void **state)
{
	(void)state;
	assert_false(finds("near_silence/", half_silent, "preset: teleantifraud2"));
	assert_true(finds("near_silence/", half_silent, "preset: teleantifraud2, near_silence_max: 1"));
	assert_true(finds("near_silence/", half_silent, "near_silence_max: 1, preset: teleantifraud2"));
	assert_true(finds("crest_factor/0 ", nothing, "preset: teleantifraud2"));
	assert_false(finds("crest_factor/0 ", nothing, "preset: teleantifraud2, turn_crest_min: 0"));
	assert_true(finds("rms/1 ", loud_square_wave, "preset: teleantifraud2"));
	assert_false(finds("rms/1 ", loud_square_wave, "preset: teleantifraud2, rms_max: 0, turn_rms_max: 0"));
	assert_true(finds("overlap/", nothing, "preset: teleantifraud2, max_overlap_percent: 1"));
}

/* --- The decoder --- */

static void counts_what_the_decoder_warns_of(void **state)
{
	(void)state;
	struct sound_work w, lenient;
	CLEANUP(made_release) struct made m;
	CLEANUP(buf_release) struct buf mp3 = BUF_INIT;
	struct err e = ERR_INIT;
	sound_work_init(&w, &stage_qa, NULL, "{rules: audio, action: mark}");
	make_usual(&w, &m);
	assert_int_equal(av_encode_mp3(&m.sound, 64, &mp3, &e), 0);
	assert_string_equal(judge(&w, call_of(&w, &m, buf_view(&mp3), 9500)), "");
	size_t told = 0;
	for (size_t at = 5000; at + 40 < mp3.len; at += 3000) {
		CLEANUP(buf_release) struct buf bad = BUF_INIT;
		buf_str(&bad, buf_view(&mp3));
		memset(bad.data + at, 0x5a, 40);
		const char *found = judge(&w, call_of(&w, &m, buf_view(&bad), 9500));
		told += strstr(found, "decoder_warnings/ ") != NULL;
		assert_false(w.work.rejected);
	}
	assert_true(told >= 3); /* many places of a frame can hold anything */
	sound_work_init(&lenient, &stage_qa, NULL, "{rules: audio, action: mark, max_decoder_warnings: 1000000}");
	memset(mp3.data + 5000, 0x5a, 40); /* told of above */
	assert_non_null(strstr(judge(&w, call_of(&w, &m, buf_view(&mp3), 9500)), "decoder_warnings"));
	assert_null(strstr(judge(&lenient, call_of(&lenient, &m, buf_view(&mp3), 9500)), "decoder_warnings"));
	sound_work_release(&lenient);
	sound_work_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures_known_waves),
		cmocka_unit_test(holds_the_published_gates),
		cmocka_unit_test(finds_what_is_wrong_and_nothing_else),
		cmocka_unit_test(the_preset_gives_defaults),
		cmocka_unit_test(counts_what_the_decoder_warns_of),
	};
	av_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
