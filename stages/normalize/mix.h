/* Steps on mono float samples, in place where it can be: the level of a turn, its ends, its offset. Pure functions, one thread. */
#ifndef TAF_NORMALIZE_MIX_H
#define TAF_NORMALIZE_MIX_H

#include "io/av.h"

/** Take the mean away: a recording's direct current, which is no sound but counts for levels. */
void mix_center(struct sound *s);
/** Cut what is quieter than `below_db` under the sound's own peak off both ends, but for the margins. False when it is silent throughout. */
bool mix_trim(struct sound *s, double below_db, int64_t before_ms, int64_t after_ms);
/** Fade the first and the last 3 ms in and out: a voice that its engine cut off in the middle of a wave would click. */
void mix_fade(struct sound *s);
/** Decibels as a factor of magnitude. */
double mix_factor(double db);

#endif
