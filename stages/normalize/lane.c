#include "stages/normalize/lane.h"

#include "base/alloc.h"
#include "stages/normalize/mix.h"

#include <stdlib.h>
#include <string.h>

#define FADE_MS 5 /* of the comfort noise, where a turn begins and ends */

void lane_init(struct lane *l, struct turns *t, unsigned sides, const struct levels *levels)
{
	const struct normalize_params *p = t->p;
	memset(l, 0, sizeof *l);
	l->t = t;
	l->left = t->frames;
	l->ceiling = mix_factor(levels->ceiling_db);
	peak_limiter_init(&l->limiter, (int)p->sample_rate, LANE_BLOCK);
	l->window = xcalloc((size_t)peak_limiter_window(&l->limiter), sizeof *l->window);
	for (int side = 0; side < SIDES; side++) {
		struct voice_part *v = &l->side[side];
		struct draw d;
		v->here = sides >> side & 1;
		v->gain = (float)mix_factor(levels->gain_db[side]);
		if (!v->here || p->telephone[side] == LINE_NONE || p->comfort_noise_db <= 0)
			continue;
		work_draw(t->w, side == SIDE_LEFT ? "comfort noise left" : "comfort noise right", &d);
		comfort_init(&v->comfort, d, (int)p->sample_rate, p->loudness - p->comfort_noise_db);
	}
}

void lane_release(struct lane *l)
{
	peak_limiter_release(&l->limiter);
	free(l->window);
	memset(l, 0, sizeof *l);
}

/** Comfort noise of a pause [from, to), as far as it lies in the frames [at, at + n). */
static void add_comfort(struct lane *l, enum side side, const int64_t pause[2], int64_t at, int64_t n, float *out)
{
	struct comfort *c = &l->side[side].comfort;
	int64_t fade = (int64_t)l->t->p->sample_rate * FADE_MS / 1000;
	int64_t from = pause[0] > at ? pause[0] : at, to = pause[1] < at + n ? pause[1] : at + n;
	for (int64_t i = from; i < to; i++) {
		int64_t edge = i - pause[0] < pause[1] - 1 - i ? i - pause[0] : pause[1] - 1 - i;
		float part = edge < fade ? (float)edge / (float)fade : 1.0f;
		out[i - at] += comfort_next(c) * part;
	}
}

static void add_pauses(struct lane *l, enum side side, int64_t at, int64_t n, float *out)
{
	int64_t pause[2] = {0, 0};
	for (size_t i = 0; i <= l->t->n && pause[0] < at + n; i++) {
		const struct turn *t = i < l->t->n ? &l->t->v[i] : NULL;
		if (t && t->side != side)
			continue;
		pause[1] = t ? t->start : l->t->frames;
		if (pause[1] > at)
			add_comfort(l, side, pause, at, n, out);
		pause[0] = t ? t->start + t->frames : pause[0];
	}
}

static int add_turn(struct lane *l, size_t index, int64_t at, int64_t n, float *out, struct err *e)
{
	int code = turns_hold(l->t, index, e);
	if (code)
		return code;
	const struct turn *t = &l->t->v[index];
	float gain = l->side[t->side].gain;
	int64_t from = t->start > at ? t->start : at, end = t->start + t->frames, to = end < at + n ? end : at + n;
	for (int64_t i = from; i < to; i++)
		out[i - at] += t->sound.samples[i - t->start] * gain;
	return 0;
}

/** The next `n` frames of the mix, silent behind its end. */
static int render(struct lane *l, int64_t n, float *out, struct err *e)
{
	int64_t at = l->rendered;
	const struct turns *t = l->t;
	memset(out, 0, (size_t)n * sizeof *out);
	for (size_t i = l->first; i < t->n && t->v[i].start < at + n; i++) {
		bool over = t->v[i].start + t->v[i].frames <= at + n;
		if (l->side[t->v[i].side].here) {
			int code = t->v[i].start + t->v[i].frames > at ? add_turn(l, i, at, n, out, e) : 0;
			if (code)
				return code;
			if (over)
				turns_let_go(l->t, i);
		}
		l->first = over && i == l->first ? i + 1 : l->first;
	}
	for (int side = 0; side < SIDES; side++)
		if (l->side[side].here && l->side[side].comfort.scale > 0)
			add_pauses(l, (enum side)side, at, n, out);
	l->rendered += n;
	return 0;
}

int64_t lane_next(struct lane *l, float *to, struct err *e)
{
	int64_t margin = l->limiter.margin, all = peak_limiter_window(&l->limiter),
			n = l->left < LANE_BLOCK ? l->left : LANE_BLOCK;
	if (n == 0)
		return 0;
	int64_t have = l->rendered == 0 ? margin : 2 * margin; /* what of the window stays: at the start, silence behind it */
	if (l->rendered)
		memmove(l->window, l->window + LANE_BLOCK, (size_t)have * sizeof *l->window);
	int code = render(l, all - have, l->window + have, e);
	if (code)
		return code;
	peak_limiter_work(&l->limiter, l->window, l->ceiling, to);
	l->left -= n;
	return n;
}
