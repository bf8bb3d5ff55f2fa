/* A telephone line (PSTN): what a voice sounds like at its other end. Band 300-3400 Hz, the line's noise, G.711 at 8000 Hz; and the comfort noise that a
 * receiver makes in the pauses. One thread; all noise comes from the draws given. */
#ifndef TAF_NORMALIZE_TELEPHONE_H
#define TAF_NORMALIZE_TELEPHONE_H

#include "base/draw.h"
#include "stages/normalize/normalize.h"

#include "io/av.h"

/* G.711 (ITU-T, 11/1988): 16-bit linear samples to a code of 8 bits and back. */
uint8_t g711_a_code(int16_t v);
int16_t g711_a_value(uint8_t code);
uint8_t g711_mu_code(int16_t v);
int16_t g711_mu_value(uint8_t code);

/** 300-3400 Hz: Butterworth of 4th order at either end. */
struct band_stage {
	double b0, b1, b2, a1, a2, z1, z2;
};
struct band {
	struct band_stage stage[4];
};
void band_init(struct band *b, int rate);
float band_next(struct band *b, float v);

struct telephone_line {
	enum line kind;
	double noise_db; /* how far below the sound's own level the line's noise is; 0: none */
	struct draw noise;
};
/** A mono sound through the line, at `rate` then. `s` is used up. */
int telephone(struct sound *s, const struct telephone_line *line, int rate, struct sound *ret, struct err *e);

/** Comfort noise without an end, in the line's band. */
struct comfort {
	struct draw d;
	struct band band;
	double scale; /* 0: none */
};
/** `level_db`: of its RMS, below full scale. */
void comfort_init(struct comfort *c, struct draw d, int rate, double level_db);
float comfort_next(struct comfort *c);

#endif
