/* Loudness by libebur128 (EBU R128 / ITU-R BS.1770-4), for the worker only. The only file that includes libebur128 is loudness.c. One or two channels. */
#ifndef TAF_IO_LOUDNESS_H
#define TAF_IO_LOUDNESS_H

#include "base/err.h"
#include "io/av.h"

#define LOUDNESS_CHANNELS 2

struct loudness {
	double integrated_lufs; /* -HUGE_VAL when all is below the gate */
	double true_peak_dbtp;  /* the largest of all channels; -HUGE_VAL for silence, or when not asked for */
};

/** A sound that comes in pieces: integrated loudness of the whole and of each channel as if it were a file of its own, in one go. */
struct loudness_meter;
struct loudness_meter *loudness_meter_new(int channels, int rate, bool true_peak);
void loudness_meter_free(struct loudness_meter **m);
/** A plane a channel; NULL for silence. */
int loudness_meter_add(struct loudness_meter *m, const float *const *planes, int64_t frames, struct err *e);
/** All of a sound that has the meter's channels and rate. */
int loudness_meter_add_sound(struct loudness_meter *m, const struct sound *s, struct err *e);
/** Energies (mean squares behind the K filter) of the blocks of 400 ms that are full so far, of the channels first…last together. They begin every
 * loudness_unit(): block i with frame i × that. Malloc'ed, the caller's; the count is returned. */
size_t loudness_meter_blocks(const struct loudness_meter *m, int first, int last, double **ret);
/** Ends the measurement. `ret_channel`: a value a channel, may be NULL. */
void loudness_meter_end(struct loudness_meter *m, struct loudness *ret_whole, struct loudness *ret_channel);

/** Frames of a unit: 100 ms. */
int64_t loudness_unit(int rate);
#define LOUDNESS_BLOCK_UNITS 4
/** Integrated loudness of blocks, also of some of a sound's only, by the two gates of BS.1770; -HUGE_VAL when all are below. */
double loudness_gated(const double *blocks, size_t n);

int loudness_measure(const struct sound *s, bool true_peak, struct loudness *ret, struct err *e);
/** The true peak alone, in dBTP; -HUGE_VAL for silence. */
int loudness_true_peak(const struct sound *s, double *ret_dbtp, struct err *e);
const char *loudness_version(void);

#endif
