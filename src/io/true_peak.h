/* True peak of a sound (ITU-R BS.1770-4, annex 2): the largest magnitude of the wave between and at its samples, by oversampling. Only where it can matter:
 * an output of the interpolation filter is a sum over a few samples whose weights add up to TRUE_PEAK_GAIN at most, so stretches whose samples are all
 * below what is wanted / TRUE_PEAK_GAIN are passed over. The result is that of oversampling everything. One channel each; nothing is allocated. */
#ifndef TAF_IO_TRUE_PEAK_H
#define TAF_IO_TRUE_PEAK_H

#include <stdint.h>

#define TRUE_PEAK_TAPS 25 /* samples an output rests on at most: itself and those before */

/** The filter of a sample rate. */
struct true_peak_filter {
	int factor;                       /* 4 below 96 kHz, 2 below 192 kHz, else 1 */
	int taps;                         /* samples an output rests on */
	double weight[TRUE_PEAK_TAPS][4]; /* of the samples, newest first, for each output */
	float gain;                       /* no output is over gain × the largest of its samples */
};
void true_peak_filter_init(struct true_peak_filter *f, int rate);
/** The largest magnitude among the outputs that end at v[0]; reads v[0] and the taps - 1 samples before. They lie taps / 2 samples back. */
float true_peak_at(const struct true_peak_filter *f, const float *v);

/** Largest magnitude of `n` samples. */
float true_peak_samples(const float *v, int64_t n);

/** A running measurement. */
struct true_peak {
	struct true_peak_filter filter;
	float last[TRUE_PEAK_TAPS - 1]; /* the newest samples */
	float peak;                     /* so far; of full scale */
};
void true_peak_init(struct true_peak *t, int rate);
void true_peak_add(struct true_peak *t, const float *v, int64_t n);
/** After the last sample: the peak as a factor of full scale. */
double true_peak_end(struct true_peak *t);

#endif
