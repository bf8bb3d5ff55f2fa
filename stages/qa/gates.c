/* The gates: limits of the options, whose defaults a preset gives (qa.c), and what a preset has beside them.
 *
 * teleantifraud2: as is_corrupted_pcm() of TeleAntiFraud 2.0 has them (src/teleantifraud2_pipeline/quality.py of
 * github.com/muqovo/TeleAntiFraud-2.0, commit 035e66a, 2026): published for the sound of a whole dialogue, one channel of 24 kHz. Its gate for silence (RMS below
 * 30 and peak below 200) is left out: RMS below 300 holds there too. A single syllable is as loud as its peak, so the gates on
 * the crest factor are for calls, and for turns of some length. */
#include "stages/qa/gates.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define CREST_TURN_S 2.0 /* shorter turns have no crest factor to speak of */
#define SILENCE_DB (-120.0)

#define STEPS(n) ((n) / (double)SIGNAL_FULL) /* of 16 bit, as published */

/* What no option says. */
static const struct gate published[] = {
	{"noise", {{SIGNAL_ZERO_CROSSING, true, 0.2}, {SIGNAL_RMS, false, STEPS(800)}}, 2},
	{"electric_noise",
		{{SIGNAL_ZERO_CROSSING, true, 0.15}, {SIGNAL_HIGH_FREQUENCY, true, 1.0}, {SIGNAL_CREST, false, 8.0}}, 3},
};

/** In findings: whole numbers of a unit; decibels in thousandths. */
static const struct {
	const char *unit;
	double scale; /* 0: decibels */
} units[SIGNAL_MEASURES] = {[SIGNAL_NEAR_SILENCE] = {"permille", 1000},
	[SIGNAL_CLIPPING] = {"ppm", 1e6},
	[SIGNAL_RMS] = {"mdBFS", 0},
	[SIGNAL_CREST] = {"mdB", 0},
	[SIGNAL_ZERO_CROSSING] = {"permille", 1000},
	[SIGNAL_HIGH_FREQUENCY] = {"permille", 1000}};

static int64_t in_unit(enum signal_measure m, double v)
{
	double told = units[m].scale > 0 ? v * units[m].scale : 1000 * fmax(20 * log10(fmax(v, 1e-9)), SILENCE_DB);
	return (int64_t)floor(told + 0.5);
}

static double factor(double db)
{
	return pow(10, db / 20);
}

/** 0 dB is no limit: a square wave has it, less one step. */
static double crest_limit(double db)
{
	return db > 0 ? factor(db) : 0;
}

static int limit_gates(const struct qa_limits *l, struct gate ret[GATES_MAX])
{
	const struct gate gates[] = {
		{"near_silence", {{SIGNAL_NEAR_SILENCE, true, l->near_silence_max / 100}}, 1},
		{"rms", {{SIGNAL_RMS, false, factor(l->rms_min)}}, 1},
		{"rms", {{SIGNAL_RMS, true, factor(l->rms_max)}}, 1},
		{"clipping", {{SIGNAL_CLIPPING, true, (double)l->max_clipped_ppm / 1e6}}, 1},
		{"crest_factor", {{SIGNAL_CREST, false, crest_limit(l->crest_min)}, {SIGNAL_RMS, true, factor(l->rms_min)}}, 2},
		{"zero_crossing", {{SIGNAL_ZERO_CROSSING, true, l->zero_crossing_max / 100}}, 1},
		{"high_frequency", {{SIGNAL_HIGH_FREQUENCY, true, l->high_frequency_max / 100}}, 1},
	};
	_Static_assert(COUNT_OF(gates) + COUNT_OF(published) <= GATES_MAX, "room for all gates");
	memcpy(ret, gates, sizeof gates);
	return COUNT_OF(gates);
}

static bool has_crest(const struct gate *g)
{
	for (int i = 0; i < g->n; i++)
		if (g->conditions[i].measure == SIGNAL_CREST)
			return true;
	return false;
}

int gates_of(const struct qa_params *p, bool turn, double seconds, struct gate ret[GATES_MAX])
{
	int all = limit_gates(turn ? &p->turn : &p->call, ret), n = 0;
	if (p->preset != QA_TELEANTIFRAUD2)
		return all;
	memcpy(ret + all, published, sizeof published);
	for (int i = 0; i < all + (int)COUNT_OF(published); i++)
		if (!turn || seconds >= CREST_TURN_S || !has_crest(&ret[i]))
			ret[n++] = ret[i];
	return n;
}

void gates_judge(const struct gate *gates, int n, const struct signal *s, int64_t turn, struct findings *f)
{
	double values[SIGNAL_MEASURES];
	signal_measures(s, values);
	for (const struct gate *g = gates; g < gates + n; g++) {
		bool closed = true;
		for (int i = 0; i < g->n && closed; i++) {
			double v = values[g->conditions[i].measure], limit = g->conditions[i].limit;
			closed = g->conditions[i].over ? v > limit : v < limit;
		}
		if (!closed)
			continue;
		enum signal_measure m = g->conditions[0].measure;
		struct json *found =
			finding_number(f, g->rule, in_unit(m, values[m]), in_unit(m, g->conditions[0].limit), units[m].unit);
		if (turn >= 0)
			finding_turn(f, found, turn);
	}
}
