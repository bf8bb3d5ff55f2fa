#include "tests/stages/speak/voicekit.h"

#include "base/alloc.h"
#include "stages/qa/voice.h"

#include <math.h>
#include <string.h>

#define BAND_Q 4.3 /* of a third of an octave */
#define PAUSE_FRAMES (200 / VOICE_FRAME_MS)
#define TWO_PI 6.283185307179586

/** Energy in a band: two resonators of second order, one behind the other (Bristow-Johnson's band-pass of peak 1). */
static double band_energy(const struct sound *s, double hz)
{
	double w = TWO_PI * hz / s->rate, alpha = sin(w) / (2 * BAND_Q), a0 = 1 + alpha;
	double gain = alpha / a0, a1 = -2 * cos(w) / a0, a2 = (1 - alpha) / a0, sum = 0;
	double x1 = 0, x2 = 0, y1 = 0, y2 = 0, z1 = 0, z2 = 0;
	for (int64_t i = 0; i < s->frames; i++) {
		double x = (double)s->samples[i], y = gain * (x - x2) - a1 * y1 - a2 * y2;
		double z = gain * (y - y2) - a1 * z1 - a2 * z2;
		x2 = x1, x1 = x, y2 = y1, y1 = y, z2 = z1, z1 = z;
		sum += z * z;
	}
	return s->frames ? sum / (double)s->frames : 0;
}

static double pace_of(const struct voice *v, int64_t syllables)
{
	size_t spoken = 0, quiet = 0;
	for (size_t i = 0; i < v->n; i++) {
		if (!v->active[i]) {
			quiet++;
			continue;
		}
		spoken += 1 + (spoken && quiet < PAUSE_FRAMES ? quiet : 0);
		quiet = 0;
	}
	return spoken ? (double)syllables * 1000 / (double)(spoken * VOICE_FRAME_MS) : 0;
}

void timbre_measure(const struct sound *s, int64_t syllables, struct timbre *ret)
{
	struct voice_track track = {s->samples, 1, s->frames, s->rate};
	CLEANUP(voice_release) struct voice v = {.energy = NULL};
	struct voice_pitch pitch;
	double mean = 0;
	voice_measure(&track, &v);
	voice_activity(&v, voice_floor(v.level));
	voice_pitch(&track, &v, &pitch);
	ret->hz = (double)pitch.median_hz;
	ret->syllables_per_s = pace_of(&v, syllables);
	for (int i = 0; i < TIMBRE_BANDS; i++) {
		ret->bands[i] = 10 * log10(band_energy(s, 200 * pow(2, i / 3.0)) + 1e-12);
		mean += ret->bands[i] / TIMBRE_BANDS;
	}
	for (int i = 0; i < TIMBRE_BANDS; i++)
		ret->bands[i] -= mean;
}

double timbre_distance(const struct timbre *a, const struct timbre *b)
{
	double sum = 0;
	for (int i = 0; i < TIMBRE_BANDS; i++)
		sum += (a->bands[i] - b->bands[i]) * (a->bands[i] - b->bands[i]);
	return sqrt(sum / TIMBRE_BANDS);
}
