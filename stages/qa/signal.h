/* What a stretch of samples is like, by numbers that need no ear: how much of it is nearly silent or clipped, its RMS and peak, how often it crosses
 * zero, how much it changes from one sample to the next. Pure computation; sums of integers, so the same on every machine. */
#ifndef TAF_QA_SIGNAL_H
#define TAF_QA_SIGNAL_H

#include "io/av.h"

/* In steps of 16 bit, as TeleAntiFraud 2.0 measures (src/teleantifraud2_pipeline/quality.py of github.com/muqovo/TeleAntiFraud-2.0). */
#define SIGNAL_FULL 32768
#define SIGNAL_NEAR 100      /* below is nearly silent: -50 dB */
#define SIGNAL_CLIPPED 32700 /* from here on a sample is clipped */

/** Counts and sums; zero-initialised is empty. */
struct signal {
	int64_t n, near, clipped, crossings; /* samples */
	int64_t magnitude, steps;            /* sums of |x| and of |x − the one before| */
	double square;                       /* sum of x² */
	int32_t peak, last;
};
#define SIGNAL_BOTH (-1)
/** Samples [from, to) of a channel, or of the sum of both (SIGNAL_BOTH), after those that were added before. */
void signal_add(struct signal *s, const struct sound *sound, int channel, int64_t from, int64_t to);

enum signal_measure {
	SIGNAL_NEAR_SILENCE,  /* share of samples */
	SIGNAL_CLIPPING,      /* share of samples */
	SIGNAL_RMS,           /* of full scale */
	SIGNAL_CREST,         /* peak over RMS; over RMS and one step, as it is published: silence has 0 */
	SIGNAL_ZERO_CROSSING, /* share of samples that have another sign than the one before */
	SIGNAL_HIGH_FREQUENCY, /* Σ|x − the one before| / Σ|x|: 0 for a constant, 2 for a sign that changes with each sample */
	SIGNAL_MEASURES
};
void signal_measures(const struct signal *s, double ret[SIGNAL_MEASURES]);

#endif
