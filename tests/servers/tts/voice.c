#include "tests/servers/tts/voice.h"

#include "tests/servers/common/mix.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "io/loudness.h"

#include <math.h>

#define SYLLABLE_S 0.205 /* with the pauses some 4.5 a second */
#define LEAD_S 0.12      /* silence before and behind */
#define TAIL_S 0.16
#define LOUDNESS_LUFS (-20.0)
#define PEAK_MAX 0.89
#define STEP 48 /* samples between two settings of the resonators: 2 ms */
#define RESONATORS 4

/* ---- What is to be spoken ---- */

struct piece {
	uint32_t cp;    /* 0: a pause */
	double seconds; /* of the pause */
};
struct pieces {
	struct str rest;
	bool in_word, had_vowel, vowel_before; /* of a Latin word */
};

static double pause_of(uint32_t cp)
{
	static const struct {
		uint32_t cp;
		double seconds;
	} marks[] = {{0x3002, 0.34}, {0xFF1F, 0.34}, {0xFF01, 0.34}, {'.', 0.34}, {'?', 0.34}, {'!', 0.34}, {0x2026, 0.4},
		{0xFF0C, 0.18}, {',', 0.18}, {0x3001, 0.14}, {0xFF1B, 0.24}, {';', 0.24}, {0xFF1A, 0.2}, {':', 0.2}};
	for (size_t i = 0; i < COUNT_OF(marks); i++)
		if (marks[i].cp == cp)
			return marks[i].seconds;
	return 0;
}

static bool is_wide(uint32_t cp) /* written characters of East Asia, without marks and full-width forms */
{
	return utf8_is_han(cp) || (cp >= 0x3041 && cp <= 0x30FF) || (cp >= 0xAC00 && cp <= 0xD7A3);
}

/* A Latin letter: the first of a group of vowels makes a syllable. */
static bool letter(struct pieces *p, uint32_t lower, struct piece *ret)
{
	bool vowel = lower == 'a' || lower == 'e' || lower == 'i' || lower == 'o' || lower == 'u' || lower == 'y';
	bool starts = vowel && !p->vowel_before;
	p->in_word = true;
	p->had_vowel |= vowel;
	p->vowel_before = vowel;
	*ret = (struct piece){.cp = lower};
	return starts;
}

static bool word_ends(struct pieces *p, struct piece *ret)
{
	bool mute = p->in_word && !p->had_vowel; /* said somehow */
	p->in_word = p->had_vowel = p->vowel_before = false;
	*ret = (struct piece){.cp = 'e'};
	return mute;
}

static bool next_piece(struct pieces *p, struct piece *ret)
{
	uint32_t cp;
	for (struct str before = p->rest; utf8_next(&p->rest, &cp); before = p->rest) {
		uint32_t lower = cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
		if (lower >= 'a' && lower <= 'z') {
			if (letter(p, lower, ret))
				return true;
			continue;
		}
		if (word_ends(p, ret)) {
			p->rest = before;
			return true;
		}
		ptrdiff_t close = cp == '[' ? str_find(p->rest, STR("]")) : -1;
		if (close > 0 && close < 20) { /* [uv_break], [laugh] */
			p->rest = str_n(p->rest.p + close + 1, p->rest.n - (size_t)close - 1);
			*ret = (struct piece){.seconds = 0.25};
			return true;
		}
		*ret = (struct piece){.cp = cp, .seconds = pause_of(cp)};
		if (ret->seconds > 0)
			ret->cp = 0;
		if (ret->seconds > 0 || is_wide(cp) || (cp >= '0' && cp <= '9'))
			return true;
	}
	return word_ends(p, ret);
}

int voice_syllables(struct str text)
{
	struct pieces p = {.rest = text};
	struct piece piece;
	int n = 0;
	while (next_piece(&p, &piece))
		n += piece.cp != 0;
	return n;
}

/* ---- The instrument ---- */

struct resonator {
	double a, b, c, y1, y2;
};
struct instrument {
	double pitch, size, pace; /* of the voice: Hz, of the formants, of the time */
	struct resonator r[RESONATORS];
	double formants[RESONATORS]; /* where they are now */
	double phase;
	uint64_t noise;
	float *at, *end;
};

/* Klatt 1980, section on digital resonators: two poles at frequency f and bandwidth bw, gain 1 at 0 Hz. */
static void tune(struct resonator *r, double f, double bw)
{
	r->c = -exp(-2 * M_PI * bw / VOICE_RATE);
	r->b = 2 * exp(-M_PI * bw / VOICE_RATE) * cos(2 * M_PI * f / VOICE_RATE);
	r->a = 1 - r->b - r->c;
}

static double noise(struct instrument *v)
{
	v->noise ^= v->noise << 13; /* Marsaglia 2003, xorshift64 */
	v->noise ^= v->noise >> 7;
	v->noise ^= v->noise << 17;
	return (double)(int64_t)v->noise * 0x1p-63;
}

/* The flow through the glottis, derived: opens slowly, closes at once. */
static double pulse(struct instrument *v, double hz)
{
	const double open = 0.62;
	v->phase += hz / VOICE_RATE;
	v->phase -= floor(v->phase);
	double x = v->phase / open;
	return x < 1 ? x * (2 - 3 * x) : 0;
}

static double resound(struct instrument *v, double x)
{
	for (int i = 0; i < RESONATORS; i++) {
		struct resonator *r = &v->r[i];
		double y = r->a * x + r->b * r->y1 + r->c * r->y2;
		r->y2 = r->y1;
		r->y1 = y;
		x = y;
	}
	return x;
}

/* The four tones of Mandarin, as factors of the pitch over the syllable (Chao 1930: 55, 35, 214, 51). */
static double tone_at(int tone, double t)
{
	static const double points[4][3] = {{1.18, 1.18, 1.17}, {0.95, 1.04, 1.2}, {0.92, 0.78, 0.9}, {1.24, 1.06, 0.8}};
	const double *p = points[tone];
	return t < 0.5 ? p[0] + (p[1] - p[0]) * t * 2 : p[1] + (p[2] - p[1]) * (t * 2 - 1);
}

struct syllable {
	const double *vowel;
	int tone, onset; /* onset: 0 none, 1 fricative, 2 plosive, 3 nasal */
	double pitch;    /* factor */
	int n;           /* samples */
};

static void glide(struct instrument *v, const struct syllable *s)
{
	static const double bandwidths[RESONATORS] = {80, 100, 150, 250};
	for (int i = 0; i < RESONATORS; i++) { /* 90% of the way in some 50 ms */
		v->formants[i] += (s->vowel[i] * v->size - v->formants[i]) * 0.09;
		tune(&v->r[i], v->formants[i], bandwidths[i]);
	}
}

/* Loudness of voice and of noise at a time (in seconds) of a syllable that lasts `length`. */
static void envelope(const struct syllable *s, double t, double length, double *ret_voice, double *ret_noise)
{
	double from = s->onset == 1 ? 0.05 : s->onset == 2 ? 0.03 : 0;
	double rise = (t - from) / 0.025, fall = (length - t) / 0.055;
	double voice = rise < 0 ? 0 : rise < 1 ? rise : 1;
	voice *= fall < 1 ? fall * fall : 1;
	if (s->onset == 3 && t < 0.05)
		voice *= 0.4;
	*ret_voice = voice;
	*ret_noise = (s->onset == 1 && t < 0.07)                  ? 0.25 * sin(M_PI * t / 0.07)
				 : (s->onset == 2 && t >= 0.018 && t < 0.034) ? 0.35
															  : 0.004 * voice;
}

static void sing(struct instrument *v, const struct syllable *s)
{
	double length = (double)s->n / VOICE_RATE, loud = 0, hiss = 0;
	for (int i = 0; i < s->n && v->at < v->end; i++) {
		double t = (double)i / VOICE_RATE;
		if (i % STEP == 0) {
			glide(v, s);
			envelope(s, t, length, &loud, &hiss);
		}
		double hz = v->pitch * s->pitch * tone_at(s->tone, t / length);
		*v->at++ = (float)resound(v, pulse(v, hz) * loud + noise(v) * hiss);
	}
}

static void rest(struct instrument *v, double seconds)
{
	int64_t n = (int64_t)(seconds * VOICE_RATE);
	for (; n > 0 && v->at < v->end; n--)
		*v->at++ = (float)resound(v, 0); /* the last vowel dies away */
}

/* ---- A text ---- */

static void instrument_of(struct instrument *v, uint64_t voice, double speed)
{
	bool high = mix_unit(voice, "sex", 0) < 0.5;
	*v = (struct instrument){.noise = mix(voice, "noise", 0) | 1};
	v->pitch = high ? 170 + 75 * mix_unit(voice, "pitch", 0) : 92 + 58 * mix_unit(voice, "pitch", 0);
	v->size = (high ? 1.12 : 0.97) + 0.1 * mix_unit(voice, "size", 0);
	v->pace = (0.93 + 0.14 * mix_unit(voice, "pace", 0)) / speed;
	for (int i = 0; i < RESONATORS; i++)
		v->formants[i] = 500 + 1000 * i;
}

static struct syllable syllable_of(const struct voice_order *o, uint32_t cp, int nth, double pace)
{
	/* formants in Hz of a, e, i, o, u, ü */
	static const double vowels[6][RESONATORS] = {{780, 1300, 2600, 3500}, {480, 1250, 2450, 3500},
		{290, 2250, 3000, 3600}, {520, 900, 2500, 3400}, {330, 750, 2400, 3400}, {290, 2000, 2450, 3400}};
	uint64_t sound = mix(cp, "character", 0); /* the same in every voice */
	uint64_t now = mix(o->manner, "syllable", (uint64_t)nth);
	double seconds = SYLLABLE_S * pace * (0.82 + 0.36 * mix_unit(now, "length", 0));
	return (struct syllable){.vowel = vowels[mix_below(sound, "vowel", 6)],
		.tone = (int)mix_below(sound, "tone", 4),
		.onset = (int)mix_below(sound, "onset", 4),
		.pitch = 0.96 + 0.08 * mix_unit(now, "pitch", 0),
		.n = (int)(seconds * VOICE_RATE)};
}

static double seconds_at_most(const struct voice_order *o, double pace)
{
	struct pieces p = {.rest = o->text};
	struct piece piece;
	double seconds = LEAD_S + TAIL_S;
	while (next_piece(&p, &piece))
		seconds += piece.cp ? SYLLABLE_S * pace * 1.2 : piece.seconds * pace * 1.1;
	return seconds < VOICE_SECONDS_MAX ? seconds : VOICE_SECONDS_MAX;
}

static void level(struct sound *s, uint64_t manner)
{
	struct loudness l;
	double peak = 1e-9, square = 0;
	for (int64_t i = 0; i < s->frames; i++) {
		double v = fabs((double)s->samples[i]);
		peak = v > peak ? v : peak;
		square += v * v;
	}
	double want = LOUDNESS_LUFS - 0.5 + mix_unit(manner, "level", 0);
	double is = 10 * log10(square / (double)s->frames + 1e-12); /* of sounds that are too short for EBU R128 */
	if (loudness_measure(s, false, &l, NULL) == 0 && l.integrated_lufs > -70)
		is = l.integrated_lufs;
	double gain = pow(10, (want - is) / 20);
	gain = gain * peak > PEAK_MAX ? PEAK_MAX / peak : gain;
	for (int64_t i = 0; i < s->frames; i++)
		s->samples[i] *= (float)gain;
}

void voice_speak(const struct voice_order *o, struct sound *ret)
{
	struct instrument v;
	struct pieces p = {.rest = o->text};
	struct piece piece;
	int n = 0;
	instrument_of(&v, o->voice, o->speed);
	*ret = (struct sound){.channels = 1, .rate = VOICE_RATE};
	sound_resize(ret, (int64_t)(seconds_at_most(o, v.pace) * VOICE_RATE));
	v.at = ret->samples + (int64_t)(LEAD_S * VOICE_RATE);
	v.end = ret->samples + ret->frames;
	while (next_piece(&p, &piece)) {
		if (piece.cp) {
			struct syllable s = syllable_of(o, piece.cp, n++, v.pace);
			sing(&v, &s);
		} else {
			rest(&v, piece.seconds * v.pace * (0.9 + 0.2 * mix_unit(o->manner, "pause", (uint64_t)n)));
		}
	}
	rest(&v, TAIL_S);
	sound_resize(ret, n ? v.at - ret->samples : (int64_t)(0.3 * VOICE_RATE));
	if (n)
		level(ret, o->manner);
}
