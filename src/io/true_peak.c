/* The interpolation filter is that of libebur128: a sinc of 49 taps under a Hann window, four times oversampled (below 96 kHz) or twice. Its weights for
 * one output add up to 1.87 and 2.31 in magnitude (computed). tests/io/test_true_peak.c holds it against libebur128. */
#include "io/true_peak.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define SINC_TAPS 49
#define TINY 1e-6 /* weights below it are left out, as libebur128 does */
#define CHUNK 16

void true_peak_filter_init(struct true_peak_filter *f, int rate)
{
	memset(f, 0, sizeof *f);
	f->factor = rate < 96000 ? 4 : rate < 192000 ? 2 : 1;
	f->taps = f->factor == 1 ? 1 : (SINC_TAPS + f->factor - 1) / f->factor;
	f->gain = f->factor == 4 ? 1.9f : f->factor == 2 ? 2.4f : 1;
	if (f->factor == 1) {
		f->weight[0][0] = 1;
		return;
	}
	for (int j = 0; j < SINC_TAPS; j++) {
		double x = (j - (SINC_TAPS - 1) / 2.0) * PI / f->factor;
		double w = (fabs(x) > TINY ? sin(x) / x : 1) * 0.5 * (1 - cos(2 * PI * j / (SINC_TAPS - 1)));
		f->weight[j / f->factor][j % f->factor] = fabs(w) > TINY ? w : 0;
	}
}

float true_peak_samples(const float *v, int64_t n)
{
	float top[4] = {0, 0, 0, 0}; /* four at a time: one maximum would wait for the other */
	int64_t i = 0;
	for (; i + 4 <= n; i += 4)
		for (int k = 0; k < 4; k++) {
			float x = fabsf(v[i + k]);
			top[k] = x > top[k] ? x : top[k];
		}
	for (; i < n; i++) {
		float x = fabsf(v[i]);
		top[0] = x > top[0] ? x : top[0];
	}
	float a = top[0] > top[1] ? top[0] : top[1], b = top[2] > top[3] ? top[2] : top[3];
	return a > b ? a : b;
}

float true_peak_at(const struct true_peak_filter *f, const float *v)
{
	double sum[4] = {0, 0, 0, 0}; /* side by side: one after the other they would wait for each other */
	for (int i = 0; i < f->taps; i++)
		for (int k = 0; k < 4; k++)
			sum[k] += (double)v[-i] * f->weight[i][k];
	float top = 0;
	for (int k = 0; k < f->factor; k++) {
		float magnitude = fabsf((float)sum[k]);
		top = magnitude > top ? magnitude : top;
	}
	return top;
}

void true_peak_init(struct true_peak *t, int rate)
{
	memset(t, 0, sizeof *t);
	true_peak_filter_init(&t->filter, rate);
}

/** Samples v[0…n), before which there are `taps` - 1 more. */
static void add_stretch(struct true_peak *t, const float *v, int64_t n)
{
	const struct true_peak_filter *f = &t->filter;
	float before = true_peak_samples(v - (f->taps - 1), f->taps - 1);
	for (int64_t at = 0; at < n; at += CHUNK) {
		int64_t end = at + CHUNK < n ? at + CHUNK : n;
		float here = true_peak_samples(v + at, end - at);
		if (here > t->peak)
			t->peak = here; /* a true peak is never under the samples */
		if ((here > before ? here : before) * f->gain > t->peak)
			for (int64_t i = at; i < end; i++) {
				float x = true_peak_at(f, v + i);
				t->peak = x > t->peak ? x : t->peak;
			}
		before = end - at >= f->taps - 1 ? here : true_peak_samples(v + end - (f->taps - 1), f->taps - 1);
	}
}

void true_peak_add(struct true_peak *t, const float *v, int64_t n)
{
	int keep = t->filter.taps - 1;
	float joint[2 * (TRUE_PEAK_TAPS - 1)];
	int64_t head = n < keep ? n : keep; /* these need samples of the last call */
	memcpy(joint, t->last, (size_t)keep * sizeof *joint);
	memcpy(joint + keep, v, (size_t)head * sizeof *joint);
	add_stretch(t, joint + keep, head);
	if (n > head)
		add_stretch(t, v + head, n - head);
	if (n >= keep)
		memcpy(t->last, v + n - keep, (size_t)keep * sizeof *t->last);
	else
		memcpy(t->last, joint + head, (size_t)keep * sizeof *t->last);
}

double true_peak_end(struct true_peak *t)
{
	static const float silence[TRUE_PEAK_TAPS];
	true_peak_add(t, silence, t->filter.taps - 1);
	return (double)t->peak;
}
