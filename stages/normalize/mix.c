#include "stages/normalize/mix.h"

#include "base/alloc.h"
#include "io/loudness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_BEFORE_MS 10 /* of the quiet before the first loud sample */
#define KEEP_AFTER_MS 40
#define SILENT 1e-4f /* -80 dB of full scale */
#define BLOCK_MS 400 /* of EBU R128's gate: so much silence parts the turns when a side is measured */
#define LOOKAHEAD_MS 5

double mix_db(double factor)
{
	return factor > 0 ? 20 * log10(factor) : -HUGE_VAL;
}

double mix_factor(double db)
{
	return pow(10, db / 20);
}

void mix_mono(struct sound *s)
{
	int channels = s->channels;
	if (channels == 1)
		return;
	for (int64_t i = 0; i < s->frames; i++) {
		float sum = 0;
		for (int ch = 0; ch < channels; ch++)
			sum += s->samples[i * channels + ch];
		s->samples[i] = sum / (float)channels;
	}
	s->channels = 1;
}

double mix_peak(const struct sound *s)
{
	float peak = 0;
	int64_t n = s->frames * s->channels;
	for (int64_t i = 0; i < n; i++) {
		float v = fabsf(s->samples[i]);
		peak = v > peak ? v : peak;
	}
	return peak;
}

bool mix_trim(struct sound *s, double below_db)
{
	float peak = (float)mix_peak(s);
	if (peak < SILENT)
		return false;
	float limit = peak * (float)mix_factor(-below_db);
	int64_t first = 0, last = s->frames - 1;
	while (fabsf(s->samples[first]) < limit)
		first++;
	while (fabsf(s->samples[last]) < limit)
		last--;
	first -= (int64_t)s->rate * KEEP_BEFORE_MS / 1000;
	last += (int64_t)s->rate * KEEP_AFTER_MS / 1000;
	if (first < 0)
		first = 0;
	if (last >= s->frames)
		last = s->frames - 1;
	memmove(s->samples, s->samples + first, (size_t)(last + 1 - first) * sizeof *s->samples);
	sound_resize(s, last + 1 - first);
	return true;
}

int mix_side_loudness(const struct mix_turn *turns, size_t n, enum mix_side side, double *ret, struct err *e)
{
	int64_t frames = 0, at = 0;
	int rate = 0;
	for (size_t i = 0; i < n; i++) {
		if (turns[i].side != side)
			continue;
		rate = turns[i].sound.rate;
		frames += turns[i].sound.frames + (int64_t)rate * BLOCK_MS / 1000;
	}
	if (frames == 0) {
		*ret = -HUGE_VAL;
		return 0;
	}
	CLEANUP(sound_release) struct sound track = {.channels = 1, .rate = rate};
	sound_resize(&track, frames);
	for (size_t i = 0; i < n; i++) {
		const struct sound *s = &turns[i].sound;
		if (turns[i].side != side)
			continue;
		memcpy(track.samples + at, s->samples, (size_t)s->frames * sizeof *s->samples);
		at += s->frames + (int64_t)rate * BLOCK_MS / 1000;
	}
	struct loudness l;
	int code = loudness_measure(&track, false, &l, e);
	if (!code)
		*ret = l.integrated_lufs;
	return code;
}

void mix_place(struct mix_turn *turns, size_t n, const double gain[MIX_SIDES], int64_t frames, struct sound *ret)
{
	struct sound out = {.channels = 2, .rate = n ? turns[0].sound.rate : 0};
	sound_resize(&out, frames);
	for (size_t i = 0; i < n; i++) {
		struct sound *s = &turns[i].sound;
		float g = (float)gain[turns[i].side];
		float *to = out.samples + turns[i].start * 2 + (turns[i].side == MIX_RIGHT);
		for (int64_t k = 0; k < s->frames; k++)
			to[k * 2] += s->samples[k] * g;
		sound_release(s);
	}
	*ret = out;
}

/* --- Limiting --- */

/** What gain each frame needs by itself: 1 where it is below the ceiling. */
static float *needed_gain(const struct sound *s, float ceiling)
{
	float *gain = xcalloc((size_t)s->frames + 1, sizeof *gain);
	for (int64_t i = 0; i < s->frames; i++) {
		float top = 0;
		for (int ch = 0; ch < s->channels; ch++)
			top = fmaxf(top, fabsf(s->samples[i * s->channels + ch]));
		gain[i] = top > ceiling ? ceiling / top : 1.0f;
	}
	return gain;
}

/** The least of each frame's neighbours up to `reach` away (van Herk: minima of blocks from both ends). `v` is replaced. */
static void sliding_minimum(float *v, int64_t n, int64_t reach)
{
	int64_t width = 2 * reach + 1, padded = (n + 2 * reach + width - 1) / width * width;
	float *fore = xcalloc((size_t)padded, sizeof *fore), *back = xcalloc((size_t)padded, sizeof *back);
	for (int64_t i = 0; i < padded; i++) {
		float x = i >= reach && i < n + reach ? v[i - reach] : 1.0f;
		fore[i] = i % width ? fminf(fore[i - 1], x) : x;
		back[i] = x;
	}
	for (int64_t i = padded - 2; i >= 0; i--)
		if (i % width != width - 1)
			back[i] = fminf(back[i], back[i + 1]);
	for (int64_t i = 0; i < n; i++)
		v[i] = fminf(back[i], fore[i + width - 1]);
	free(fore);
	free(back);
}

static double gain_at(const float *gain, int64_t n, int64_t i)
{
	return i >= 0 && i < n ? gain[i] : 1.0;
}

void mix_limit(struct sound *s, double ceiling)
{
	int64_t reach = (int64_t)s->rate * LOOKAHEAD_MS / 1000, n = s->frames;
	float top = (float)ceiling;
	if (n == 0 || mix_peak(s) <= ceiling)
		return;
	float *gain = needed_gain(s, top);
	sliding_minimum(gain, n, reach);
	/* The mean over ±reach of minima over ±reach is never over what the frame itself needs, and has no steps. */
	double sum = 0;
	for (int64_t i = -reach; i <= reach; i++)
		sum += gain_at(gain, n, i);
	for (int64_t i = 0; i < n; i++) {
		float g = (float)(sum / (double)(2 * reach + 1));
		for (int ch = 0; ch < s->channels; ch++) {
			float *x = &s->samples[i * s->channels + ch];
			*x = fmaxf(-top, fminf(top, *x * g)); /* rounding may go over by a bit */
		}
		sum += gain_at(gain, n, i + reach + 1) - gain_at(gain, n, i - reach);
	}
	free(gain);
}
