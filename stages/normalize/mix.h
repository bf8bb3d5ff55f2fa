/* From the sounds of the turns to one stereo recording: trimming, a timeline, two sides, limiting. All on float samples, in place where it can be.
 * Pure functions, one thread. */
#ifndef TAF_NORMALIZE_MIX_H
#define TAF_NORMALIZE_MIX_H

#include "base/err.h"
#include "io/av.h"

enum mix_side { MIX_LEFT, MIX_RIGHT, MIX_SIDES };

struct mix_turn {
	struct sound sound; /* mono, at the rate of the mix */
	int64_t turn;       /* index in the call */
	enum mix_side side;
	int64_t start; /* frame in the mix */
};

/** All channels averaged into one. */
void mix_mono(struct sound *s);
/** Cut what is quieter than `below_db` under the sound's own peak off both ends, but for a few milliseconds. False when it is silent throughout. */
bool mix_trim(struct sound *s, double below_db);
/** EBU R128 loudness of one side: its turns one after the other, each followed by silence as in the call. -HUGE_VAL when it has none. */
int mix_side_loudness(const struct mix_turn *turns, size_t n, enum mix_side side, double *ret, struct err *e);
/** Lay the turns on two channels of `frames` frames, each side scaled; the turns' sounds are released on the way. */
void mix_place(struct mix_turn *turns, size_t n, const double gain[MIX_SIDES], int64_t frames, struct sound *ret);
/** Largest magnitude of a sample. */
double mix_peak(const struct sound *s);
/** No sample over `ceiling` any more: the gain of both channels sinks ahead of a peak and rises after it, over 5 ms. */
void mix_limit(struct sound *s, double ceiling);
double mix_db(double factor);
double mix_factor(double db);

#endif
