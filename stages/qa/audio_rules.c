/* The rules of qa (rules: audio): duration, silence, sides and channels, clipping, speed, loudness. */
#include "stages/qa/audio_rules.h"

#include "base/alloc.h"
#include "stages/qa/gates.h"

#include <math.h>
#include <string.h>

#define FULL_SCALE ((float)SIGNAL_CLIPPED / SIGNAL_FULL)
#define CLIP_BLOCK 256 /* samples that are looked through at once */
#define SWAPPED 10.0   /* a channel with so much more energy in the other side's turns than in its own */
#define LEAK_FRAMES 50 /* speech of one side alone below which a leak is not looked for: 0.5 s */
#define LEAK_MARGIN 5  /* frames around the other side's segments that do not count */
/* What a short turn may be faster or slower than a rate says: its ends are uncertain by that much. */
#define SLACK_SYLLABLES 2
#define SLACK_MS 1000
#define TURN_SHARE_MS 1000 /* a shorter turn has no share of silence: its ends are all */

struct judging {
	const struct qa_params *p;
	const struct heard *h;
	struct findings *f;
	bool swapped; /* the turns are not where they are said to be: nothing is told of them */
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
	if (percent > j->p->call.max_silence_percent)
		finding_number(j->f, "silence_share", percent, j->p->call.max_silence_percent, "percent");
	if (gap > j->p->max_gap_ms)
		finding_number(j->f, "long_silence", gap, j->p->max_gap_ms, "ms");
}

/** By segments: what leaks from one channel to the other is not both speaking. */
static void judge_overlap(const struct judging *j)
{
	const struct heard *h = j->h;
	size_t both = 0;
	for (size_t i = 0; i < h->nturns; i++) {
		int64_t ms = heard_ms(h->turns[i].talked_over);
		both += h->turns[i].talked_over;
		if (ms > j->p->max_talk_over_ms)
			finding_turn(j->f, finding_number(j->f, "talk_over", ms, j->p->max_talk_over_ms, "ms"), h->turns[i].turn);
	}
	int64_t percent = h->n ? (int64_t)(both * 100 / h->n) : 0;
	if (percent > j->p->max_overlap_percent)
		finding_number(j->f, "overlap", percent, j->p->max_overlap_percent, "percent");
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

static bool any_clipped(const float *v, int64_t n)
{
	int32_t found = 0;
	for (int64_t i = 0; i < n; i++)
		found += fabsf(v[i]) >= FULL_SCALE;
	return found;
}

/** Samples at full scale in a row. */
static void judge_clipped_runs(const struct judging *j)
{
	const struct sound *s = j->h->sound;
	int64_t longest = 0, run[SIDES] = {0, 0}, all = s->frames * s->channels;
	for (int64_t at = 0; at < all; at += CLIP_BLOCK) { /* a multiple of the channels */
		int64_t n = all - at < CLIP_BLOCK ? all - at : CLIP_BLOCK;
		if (!any_clipped(s->samples + at, n)) {
			memset(run, 0, sizeof run);
			continue;
		}
		for (int64_t i = at; i < at + n; i++) {
			int64_t *r = &run[i % s->channels];
			*r = fabsf(s->samples[i]) >= FULL_SCALE ? *r + 1 : 0;
			longest = *r > longest ? *r : longest;
		}
	}
	if (longest > j->p->max_clipped_run)
		finding_number(j->f, "clipping", longest, j->p->max_clipped_run, "samples");
}

static void judge_signal(const struct judging *j)
{
	struct gate gates[GATES_MAX];
	const struct heard *h = j->h;
	int n = gates_of(j->p, false, 0, gates);
	gates_judge(gates, n, &h->signal, -1, j->f);
	judge_clipped_runs(j);
	for (size_t i = 0; i < h->nturns && !j->swapped; i++) {
		const struct heard_turn *t = &h->turns[i];
		int64_t ms = heard_ms(t->to - t->from), quiet = ms - heard_ms(t->speech);
		if (heard_ms(t->speech) < HEARD_TURN_SPEECH_MS) /* that is told elsewhere */
			continue;
		n = gates_of(j->p, true, (double)t->signal.n / h->sound->rate, gates);
		gates_judge(gates, n, &t->signal, t->turn, j->f);
		if (ms >= TURN_SHARE_MS && quiet * 100 > j->p->turn.max_silence_percent * ms)
			finding_turn(j->f,
				finding_number(j->f, "silence_share", quiet * 100 / ms, j->p->turn.max_silence_percent, "percent"),
				t->turn);
	}
}

/** A level in thousandths; an infinite limit is none. The finding, or NULL. */
static struct json *judge_level(
	const struct judging *j, const char *rule, double value, const double limits[2], const char *unit)
{
	int64_t v = thousandths(value);
	if (isfinite(limits[0]) && v < thousandths(limits[0]))
		return finding_number(j->f, rule, v, thousandths(limits[0]), unit);
	if (isfinite(limits[1]) && v > thousandths(limits[1]))
		return finding_number(j->f, rule, v, thousandths(limits[1]), unit);
	return NULL;
}

static bool has_turns(const struct heard *h, int side)
{
	for (size_t i = 0; i < h->nturns; i++)
		if (h->turns[i].side == side)
			return true;
	return false;
}

/** The file's; when that is as it should be, that of each side that has turns: the channel of another may hold a telephone's comfort noise, which is no
 * voice; each turn's. Silence has none. */
static void judge_loudness(const struct judging *j)
{
	const struct heard *h = j->h;
	const double call[2] = {j->p->call.loudness_min, j->p->call.loudness_max};
	const double turn[2] = {j->p->turn.loudness_min, j->p->turn.loudness_max};
	struct json *found = NULL;
	if (isfinite(h->all.integrated_lufs))
		found = judge_level(j, "loudness", h->all.integrated_lufs, call, "mLUFS");
	else
		finding_text(j->f, "loudness", STR("silent"), "measurable");
	for (int side = 0; side < SIDES && !found; side++) {
		bool judged = isfinite(h->side_lufs[side]) && has_turns(h, side);
		struct json *of_side = judged ? judge_level(j, "loudness", h->side_lufs[side], call, "mLUFS") : NULL;
		if (of_side)
			finding_side(j->f, of_side, side_name(side));
	}
	for (size_t i = 0; i < h->nturns && !j->swapped; i++) {
		const struct heard_turn *t = &h->turns[i];
		found = isfinite(t->lufs) ? judge_level(j, "loudness", t->lufs, turn, "mLUFS") : NULL;
		if (found)
			finding_turn(j->f, found, t->turn);
	}
}

/** The file's true peak; when it is too high, the turns that have it. */
static int judge_true_peak(const struct judging *j, struct err *e)
{
	const struct heard *h = j->h;
	const struct sound *s = h->sound;
	const double limits[2] = {-HUGE_VAL, j->p->peak_max};
	if (!isfinite(h->all.true_peak_dbtp)) {
		finding_text(j->f, "true_peak", STR("silent"), "measurable");
		return 0;
	}
	int code = 0;
	bool high = judge_level(j, "true_peak", h->all.true_peak_dbtp, limits, "mdBTP") != NULL;
	for (size_t i = 0; i < h->nturns && high && !j->swapped && !code; i++) {
		const struct heard_turn *t = &h->turns[i];
		CLEANUP(sound_release) struct sound own = {.channels = 1, .rate = s->rate};
		int64_t from = voice_sample(s->rate, t->from), n = voice_sample(s->rate, t->to) - from;
		double peak = -HUGE_VAL;
		sound_resize(&own, n);
		for (int64_t k = 0; k < n; k++)
			own.samples[k] = s->samples[(from + k) * s->channels + (s->channels == 1 ? 0 : t->side)];
		code = loudness_true_peak(&own, &peak, e);
		struct json *found = isfinite(peak) ? judge_level(j, "true_peak", peak, limits, "mdBTP") : NULL;
		if (found)
			finding_turn(j->f, found, t->turn);
	}
	return code;
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
	const double turn_limits[2] = {j->p->turn.rate_min, j->p->turn.rate_max};
	const double side_limits[2] = {j->p->call.rate_min, j->p->call.rate_max};
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

int audio_rules(
	const struct qa_params *p, const struct heard *h, const struct told *told, struct findings *f, struct err *e)
{
	struct judging j = {.p = p, .h = h, .f = f};
	bool stereo = h->sound->channels == SIDES;
	j.swapped = stereo && judge_swapped(&j);
	if (told->warnings > p->max_decoder_warnings)
		finding_number(f, "decoder_warnings", told->warnings, p->max_decoder_warnings, "warnings");
	judge_duration(&j, told->duration_ms);
	judge_silence(&j);
	judge_overlap(&j);
	for (int side = 0; side < SIDES && !j.swapped; side++) {
		judge_side_heard(&j, side);
		if (stereo)
			judge_leakage(&j, side);
	}
	if (!j.swapped)
		judge_rates(&j);
	judge_signal(&j);
	judge_loudness(&j);
	return judge_true_peak(&j, e);
}
