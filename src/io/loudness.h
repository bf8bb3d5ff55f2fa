/* Loudness by libebur128 (EBU R128 / ITU-R BS.1770-4), for the worker only. The only file that includes libebur128 is loudness.c. */
#ifndef TAF_IO_LOUDNESS_H
#define TAF_IO_LOUDNESS_H

#include "base/err.h"
#include "io/av.h"

struct loudness {
	double integrated_lufs; /* -HUGE_VAL when all is below the gate */
	double true_peak_dbtp;  /* the largest of all channels; -HUGE_VAL for silence */
};

int loudness_measure(const struct sound *s, bool true_peak, struct loudness *ret, struct err *e);
/** The true peak alone, in dBTP; -HUGE_VAL for silence. */
int loudness_true_peak(const struct sound *s, double *ret_dbtp, struct err *e);

/** Loudness in steps of 100 ms, for those who want that of parts too: after each step, the energy of the 400 ms that end with it, through the K filter.
 * Energies of channels add up; a part's loudness is loudness_gated() over the steps that lie in it. One channel. */
struct loudness_meter;
int loudness_meter_new(int rate, struct loudness_meter **ret, struct err *e);
void loudness_meter_free(struct loudness_meter **m);
/** The next step: `n` samples, each `stride` behind the one before, at most a second. */
int loudness_meter_step(struct loudness_meter *m, const float *v, int64_t n, int stride, double *ret_energy);
/** Integrated loudness of steps by the two gates of BS.1770; -HUGE_VAL when all are below. */
double loudness_gated(const double *energies, size_t n);

const char *loudness_version(void);

#endif
