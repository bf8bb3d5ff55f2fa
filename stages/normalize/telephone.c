#include "stages/normalize/telephone.h"

#include "base/alloc.h"
#include "stages/normalize/mix.h"

#include <math.h>

#define PI 3.14159265358979323846
#define LINE_RATE 8000
#define BAND_LOW 300.0
#define BAND_HIGH 3400.0
#define LINE_LEVEL_DB \
	(-26.0) /* RMS of speech on the line below full scale, the nominal level of ITU-T P.56 measurements */

/* --- G.711 --- */

/** Place of the highest bit that is set. */
static int highest_bit(unsigned v)
{
	int n = 0;
	while (v >>= 1)
		n++;
	return n;
}

/* A-law (table 1a): 11 bits of magnitude; two segments of 16 steps of 1, then six whose step doubles. Even bits are inverted on the line. */
uint8_t g711_a_code(int16_t v)
{
	unsigned sign = v >= 0 ? 0x80 : 0, magnitude = (unsigned)(v >= 0 ? v : -1 - v) >> 4;
	unsigned segment = magnitude < 16 ? 0 : (unsigned)highest_bit(magnitude) - 3;
	unsigned shift = segment ? segment - 1 : 0;
	return (uint8_t)((sign | segment << 4 | (magnitude >> shift & 15)) ^ 0x55);
}

int16_t g711_a_value(uint8_t code)
{
	unsigned bits = code ^ 0x55u, segment = bits >> 4 & 7, step = bits & 15;
	int magnitude = segment ? (int)((2 * step + 33) << (segment - 1)) : (int)(2 * step + 1);
	return (int16_t)(bits & 0x80 ? magnitude * 8 : -magnitude * 8);
}

/* mu-law (table 2a): 14 bits; a bias of 33 (of 132 at 16 bits) makes each segment begin at a power of two. All bits are inverted. */
#define MU_BIAS 132
#define MU_MAX 32635

uint8_t g711_mu_code(int16_t v)
{
	unsigned sign = v < 0 ? 0x80 : 0, magnitude = (unsigned)(v < 0 ? -(int)v : v);
	magnitude = (magnitude > MU_MAX ? MU_MAX : magnitude) + MU_BIAS;
	unsigned segment = (unsigned)highest_bit(magnitude) - 7;
	return (uint8_t) ~(sign | segment << 4 | (magnitude >> (segment + 3) & 15));
}

int16_t g711_mu_value(uint8_t code)
{
	unsigned bits = (uint8_t)~code, segment = bits >> 4 & 7, step = bits & 15;
	int magnitude = (int)((step * 8 + MU_BIAS) << segment) - MU_BIAS;
	return (int16_t)(bits & 0x80 ? -magnitude : magnitude);
}

/* --- The band --- */

/** A Butterworth section of second order by the bilinear transform. Coefficients are rounded to 24 bits: the last bits of sin and cos differ between
 * machines. */
static struct band_stage section(double hz, int rate, double q, bool high)
{
	double w = 2 * PI * hz / rate, c = cos(w), alpha = sin(w) / (2 * q), a0 = 1 + alpha;
	double edge = high ? (1 + c) / 2 : (1 - c) / 2;
	return (struct band_stage){.b0 = (double)(float)(edge / a0),
		.b1 = (double)(float)((high ? -2 : 2) * edge / a0),
		.b2 = (double)(float)(edge / a0),
		.a1 = (double)(float)(-2 * c / a0),
		.a2 = (double)(float)((1 - alpha) / a0)};
}

void band_init(struct band *b, int rate)
{
	/* the pole pairs of a Butterworth filter of 4th order: Q = 1 / (2 cos 22.5°) and 1 / (2 cos 67.5°) */
	static const double q[2] = {0.541196, 1.306563};
	for (int i = 0; i < 2; i++) {
		b->stage[i] = section(BAND_LOW, rate, q[i], true);
		b->stage[2 + i] = section(BAND_HIGH, rate, q[i], false);
	}
}

float band_next(struct band *b, float v)
{
	double x = (double)v;
	for (int i = 0; i < 4; i++) {
		struct band_stage *s = &b->stage[i];
		double y = s->b0 * x + s->z1;
		s->z1 = s->b1 * x - s->a1 * y + s->z2;
		s->z2 = s->b2 * x - s->a2 * y;
		x = y;
	}
	return (float)x;
}

/* --- A turn through the line --- */

static double rms(const struct sound *s)
{
	double sum = 0;
	for (int64_t i = 0; i < s->frames; i++)
		sum += (double)s->samples[i] * (double)s->samples[i];
	return s->frames ? sqrt(sum / (double)s->frames) : 0;
}

static float white(struct draw *d)
{
	return (float)(2 * draw_unit(d) - 1);
}

static void add_noise(struct sound *s, double level, struct draw d)
{
	CLEANUP(sound_release) struct sound noise = {.channels = 1, .rate = s->rate};
	struct band band;
	sound_resize(&noise, s->frames);
	band_init(&band, s->rate);
	for (int64_t i = 0; i < s->frames; i++)
		noise.samples[i] = band_next(&band, white(&d));
	double have = rms(&noise);
	float scale = have > 0 ? (float)(level / have) : 0;
	for (int64_t i = 0; i < s->frames; i++)
		s->samples[i] += noise.samples[i] * scale;
}

/** The codes of G.711 and back; `scale` takes the sound to the line's level. */
static void code_line(struct sound *s, enum line line, double scale)
{
	for (int64_t i = 0; i < s->frames; i++) {
		double v = floor((double)s->samples[i] * scale * 32768 + 0.5);
		int16_t x = (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
		x = line == LINE_A_LAW ? g711_a_value(g711_a_code(x)) : g711_mu_value(g711_mu_code(x));
		s->samples[i] = (float)((double)x / 32768 / scale);
	}
}

/** The same sound at another rate, or the sound itself. */
static int to_rate(struct sound *s, int rate, struct sound *ret, struct err *e)
{
	if (s->rate != rate)
		return av_resample(s, rate, ret, e);
	*ret = *s;
	*s = (struct sound)SOUND_INIT;
	return 0;
}

int telephone(struct sound *s, const struct telephone_line *line, int rate, struct sound *ret, struct err *e)
{
	CLEANUP(sound_release) struct sound narrow = SOUND_INIT;
	int code = to_rate(s, LINE_RATE, &narrow, e);
	if (code)
		return code;
	struct band band;
	band_init(&band, LINE_RATE);
	for (int64_t i = 0; i < narrow.frames; i++)
		narrow.samples[i] = band_next(&band, narrow.samples[i]);
	double level = rms(&narrow);
	if (level > 0) {
		if (line->noise_db > 0)
			add_noise(&narrow, level * mix_factor(-line->noise_db), line->noise);
		code_line(&narrow, line->kind, mix_factor(LINE_LEVEL_DB) / level);
	}
	return to_rate(&narrow, rate, ret, e);
}

/* --- Comfort noise --- */

void comfort_init(struct comfort *c, struct draw d, int rate, double level_db)
{
	/* white noise of −1…1 has a mean square of 1/3, of which the band lets its share of the spectrum through */
	double through = sqrt((BAND_HIGH - BAND_LOW) / (rate / 2.0) / 3);
	*c = (struct comfort){.d = d, .scale = mix_factor(level_db) / through};
	band_init(&c->band, rate);
}

float comfort_next(struct comfort *c)
{
	return (float)((double)band_next(&c->band, white(&c->d)) * c->scale);
}
