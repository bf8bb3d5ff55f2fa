/* The rules of qa (rules: audio): duration, silence, sides and channels, clipping, speed, loudness. */
#include "stages/qa/audio_rules.h"

#include "base/alloc.h"

#include <math.h>

#define FULL_SCALE 0.9999f /* 16 bit at its largest: 32,767 of 32,768, and what a decoder gives over it */
#define SWAPPED 10.0       /* a channel with so much more energy in the other side's turns than in its own */
#define LEAK_FRAMES 50     /* speech of one side alone below which a leak is not looked for: 0.5 s */
#define LEAK_MARGIN 5      /* frames around the other side's segments that do not count */
/* What a short turn may be faster or slower than a rate says: its ends are uncertain by that much. */
#define SLACK_SYLLABLES 2
#define SLACK_MS 1000

struct judging {
	const struct qa_params *p;
	const struct heard *h;
	struct findings *f;
};

static int64_t thousandths(double v)
{
	return (int64_t)floor(v * 1000 + 0.5);
}

static int64_t decibels(double ratio)
{
	return (int64_t)floor(10 * log10(ratio) + 0.5);
}

static void judge_duration(const struct judging *j, int64_t declared_ms)
{
	const struct sound *s = j->h->sound;
	int64_t heard = (s->frames * 1000 + s->rate / 2) / s->rate, off = heard - declared_ms;
	if ((off < 0 ? -off : off) > j->p->duration_tolerance_ms)
		finding_number(j->f, "declared_duration", off, j->p->duration_tolerance_ms, "ms");
}

static void judge_silence(const struct judging *j)
{
	const struct heard *h = j->h;
	int64_t percent = h->n ? (int64_t)(h->silence * 100 / h->n) : 100, gap = heard_ms(h->longest_silence);
	if (percent > j->p->max_silence_percent)
		finding_number(j->f, "silence_share", percent, j->p->max_silence_percent, "percent");
	if (gap > j->p->max_gap_ms)
		finding_number(j->f, "long_silence", gap, j->p->max_gap_ms, "ms");
}

/* --- Sides and channels --- */

/** Energy of a channel in the turns of a side. */
static double energy_in_turns(const struct heard *h, int channel, int side)
{
	double sum = 0;
	for (size_t i = 0; i < h->nturns; i++)
		for (size_t k = h->turns[i].from; h->turns[i].side == side && k < h->turns[i].to; k++)
			sum += (double)h->voice[channel].energy[k];
	return sum;
}

/** Each side that has turns is heard on the other channel. */
static bool judge_swapped(const struct judging *j)
{
	double least = HUGE_VAL;
	bool any = false;
	for (int side = 0; side < SIDES; side++) {
		double own = energy_in_turns(j->h, side, side), other = energy_in_turns(j->h, !side, side);
		if (own == 0 && other == 0)
			continue;
		any = true;
		double ratio = own > 0 ? other / own : HUGE_VAL;
		least = ratio < least ? ratio : least;
	}
	if (!any || least <= SWAPPED)
		return false;
	int64_t db = isinf(least) ? 100 : decibels(least); /* nothing at all on the own channel: said as 100 dB */
	finding_number(j->f, "channels_swapped", db > 100 ? 100 : db, decibels(SWAPPED), "dB");
	return true;
}

static void judge_side_heard(const struct judging *j, int side)
{
	int64_t turns = 0, speech = 0;
	for (size_t i = 0; i < j->h->nturns; i++) {
		const struct heard_turn *t = &j->h->turns[i];
		if (t->side != side || !t->syllables)
			continue;
		turns++;
		speech += heard_ms(t->speech);
	}
	if (turns && speech < HEARD_TURN_SPEECH_MS) {
		finding_side(
			j->f, finding_number(j->f, "side_without_sound", speech, HEARD_TURN_SPEECH_MS, "ms"), side_name(side));
		return;
	}
	for (size_t i = 0; i < j->h->nturns; i++) {
		const struct heard_turn *t = &j->h->turns[i];
		int64_t ms = heard_ms(t->speech);
		if (t->side == side && t->syllables && ms < HEARD_TURN_SPEECH_MS)
			finding_turn(j->f, finding_number(j->f, "turn_without_sound", ms, HEARD_TURN_SPEECH_MS, "ms"), t->turn);
	}
}

/** The side is heard on the other channel while only this side speaks. */
static void judge_leakage(const struct judging *j, int side)
{
	const struct heard *h = j->h;
	CLEANUP(free_ptr) bool *skip = xcalloc(h->n + 1, sizeof *skip);
	for (size_t i = 0; i < h->nturns; i++) {
		const struct heard_turn *t = &h->turns[i];
		if (t->side == side)
			continue;
		size_t from = t->from > LEAK_MARGIN ? t->from - LEAK_MARGIN : 0;
		for (size_t k = from; k < t->to + LEAK_MARGIN && k < h->n; k++)
			skip[k] = true;
	}
	double own = 0, leaked = 0;
	size_t frames = 0;
	for (size_t k = 0; k < h->n; k++) {
		if (skip[k] || !h->voice[side].active[k])
			continue;
		own += (double)h->voice[side].energy[k];
		leaked += (double)h->voice[!side].energy[k];
		frames++;
	}
	if (frames < LEAK_FRAMES || leaked <= 0 || own <= 0)
		return;
	int64_t db = decibels(leaked / own);
	if (db > j->p->max_leakage_db)
		finding_side(j->f, finding_number(j->f, "leakage", db, j->p->max_leakage_db, "dB"), side_name(side));
}

/* --- Samples --- */

static void judge_clipping(const struct judging *j)
{
	const struct sound *s = j->h->sound;
	int64_t clipped = 0, longest = 0, all = s->frames * s->channels;
	for (int ch = 0; ch < s->channels; ch++) {
		int64_t run = 0;
		for (int64_t i = ch; i < all; i += s->channels) {
			run = fabsf(s->samples[i]) >= FULL_SCALE ? run + 1 : 0;
			clipped += run > 0;
			longest = run > longest ? run : longest;
		}
	}
	int64_t ppm = all ? clipped * 1000000 / all : 0;
	if (ppm > j->p->max_clipped_ppm)
		finding_number(j->f, "clipping", ppm, j->p->max_clipped_ppm, "ppm");
	if (longest > j->p->max_clipped_run)
		finding_number(j->f, "clipping", longest, j->p->max_clipped_run, "samples");
}

/** A value of the whole file, in thousandths; silence has none. An infinite limit is none. */
static void judge_level(const struct judging *j, const char *rule, double value, const double limits[2], const char *unit)
{
	if (!isfinite(value)) {
		finding_text(j->f, rule, STR("silent"), "measurable");
		return;
	}
	int64_t v = thousandths(value);
	if (isfinite(limits[0]) && v < thousandths(limits[0]))
		finding_number(j->f, rule, v, thousandths(limits[0]), unit);
	if (isfinite(limits[1]) && v > thousandths(limits[1]))
		finding_number(j->f, rule, v, thousandths(limits[1]), unit);
}

/* --- Speed --- */

/** Syllables of text against time of speech; NULL when they go together. */
static struct json *judge_rate(const struct judging *j, int64_t syllables, int64_t ms, const double limits[2], bool slack)
{
	int64_t min = thousandths(limits[0]), max = thousandths(limits[1]), rate = syllables * 1000000 / ms;
	int64_t fewer = slack ? syllables - SLACK_SYLLABLES : syllables, shorter = slack ? ms - SLACK_MS : ms;
	if (fewer > 0 && fewer * 1000000 / ms > max)
		return finding_number(j->f, "too_fast", rate, max, "msyl/s");
	if (shorter > 0 && syllables * 1000000 / shorter < min)
		return finding_number(j->f, "too_slow", rate, min, "msyl/s");
	return NULL;
}

static void judge_rates(const struct judging *j)
{
	const double turn_limits[2] = {j->p->turn_rate_min, j->p->turn_rate_max};
	const double side_limits[2] = {j->p->side_rate_min, j->p->side_rate_max};
	int64_t syllables[SIDES] = {0, 0}, speech[SIDES] = {0, 0};
	for (size_t i = 0; i < j->h->nturns; i++) {
		const struct heard_turn *t = &j->h->turns[i];
		int64_t ms = heard_ms(t->speech);
		if (ms < HEARD_TURN_SPEECH_MS || !t->syllables)
			continue;
		syllables[t->side] += t->syllables;
		speech[t->side] += ms;
		struct json *found = judge_rate(j, t->syllables, ms, turn_limits, true);
		if (found)
			finding_turn(j->f, found, t->turn);
	}
	for (int side = 0; side < SIDES; side++) {
		/* With few syllables a side is no more than a turn: that was looked at above. */
		struct json *found = syllables[side] > 10 * SLACK_SYLLABLES
								 ? judge_rate(j, syllables[side], speech[side], side_limits, false)
								 : NULL;
		if (found)
			finding_side(j->f, found, side_name(side));
	}
}

void audio_rules(const struct qa_params *p, const struct heard *h, int64_t declared_ms, struct findings *f)
{
	struct judging j = {.p = p, .h = h, .f = f};
	const double loudness[2] = {p->loudness_min, p->loudness_max}, peak[2] = {-HUGE_VAL, p->peak_max};
	bool stereo = h->sound->channels == SIDES, swapped = stereo && judge_swapped(&j);
	judge_duration(&j, declared_ms);
	judge_silence(&j);
	for (int side = 0; side < SIDES && !swapped; side++) {
		judge_side_heard(&j, side);
		if (stereo)
			judge_leakage(&j, side);
	}
	if (!swapped)
		judge_rates(&j);
	judge_clipping(&j);
	judge_level(&j, "loudness", h->all.integrated_lufs, loudness, "mLUFS");
	judge_level(&j, "true_peak", h->all.true_peak_dbtp, peak, "mdBTP");
}
