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
const char *loudness_version(void);

#endif
