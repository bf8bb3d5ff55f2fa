#include "stages/normalize/mix.h"

#include "io/true_peak.h"

#include <math.h>
#include <string.h>

#define SILENT 1e-4 /* -80 dB of full scale */
#define FADE_MS 3

double mix_factor(double db)
{
	return pow(10, db / 20);
}

void mix_center(struct sound *s)
{
	double sum = 0;
	for (int64_t i = 0; i < s->frames; i++)
		sum += (double)s->samples[i];
	float mean = s->frames ? (float)(sum / (double)s->frames) : 0;
	for (int64_t i = 0; i < s->frames; i++)
		s->samples[i] -= mean;
}

bool mix_trim(struct sound *s, double below_db, int64_t before_ms, int64_t after_ms)
{
	double peak = (double)true_peak_samples(s->samples, s->frames);
	if (peak < SILENT)
		return false;
	float limit = (float)(peak * mix_factor(-below_db));
	int64_t first = 0, last = s->frames - 1;
	while (fabsf(s->samples[first]) < limit)
		first++;
	while (fabsf(s->samples[last]) < limit)
		last--;
	first -= (int64_t)s->rate * before_ms / 1000;
	last += (int64_t)s->rate * after_ms / 1000;
	if (first < 0)
		first = 0;
	if (last >= s->frames)
		last = s->frames - 1;
	memmove(s->samples, s->samples + first, (size_t)(last + 1 - first) * sizeof *s->samples);
	sound_resize(s, last + 1 - first);
	return true;
}

void mix_fade(struct sound *s)
{
	int64_t n = (int64_t)s->rate * FADE_MS / 1000;
	if (n > s->frames / 2)
		n = s->frames / 2;
	for (int64_t i = 0; i < n; i++) { /* a straight line: the same on every machine */
		float part = (float)(i + 1) / (float)(n + 1);
		s->samples[i] *= part;
		s->samples[s->frames - 1 - i] *= part;
	}
}
