/* What tells one voice from another, measured on a sound of one speaker. */
#ifndef TAF_TESTS_VOICEKIT_H
#define TAF_TESTS_VOICEKIT_H

#include "io/av.h"

#define TIMBRE_BANDS 17 /* thirds of an octave, 200 Hz to 8 kHz */

struct timbre {
	double hz;                  /* median pitch */
	double syllables_per_s;     /* over the time from the first sound to the last, pauses of 200 ms and more left out */
	double bands[TIMBRE_BANDS]; /* dB, long-term spectrum; their mean is 0 */
};
/** `syllables`: of what is said. Mono. */
void timbre_measure(const struct sound *s, int64_t syllables, struct timbre *ret);
/** Root mean square of the differences of the bands, dB. */
double timbre_distance(const struct timbre *a, const struct timbre *b);

#endif
