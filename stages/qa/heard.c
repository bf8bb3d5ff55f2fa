/* A call's sound, measured. One channel a side; in a file of one channel a side is heard where its segments are. */
#include "stages/qa/heard.h"

#include "base/alloc.h"
#include "core/call.h"
#include "stages/qa/syllables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_FRAMES (200 / VOICE_FRAME_MS) /* shorter quiet inside a turn is articulation */
#define PITCH_FRAMES 10                     /* voiced frames below which a pitch says nothing: 0.2 s */

const char *side_name(int side)
{
	return side == LEFT ? "left" : "right";
}

int64_t heard_ms(size_t frames)
{
	return (int64_t)frames * VOICE_FRAME_MS;
}

void heard_release(struct heard *h)
{
	for (int side = 0; side < SIDES; side++)
		voice_release(&h->voice[side]);
	for (int side = 0; side < SIDES; side++)
		free(h->blocks[side]);
	free(h->turns);
}

/* --- Segments --- */

struct placing {
	const struct json *turns;
	struct findings *f;
	int64_t duration_ms;
	int64_t last_start[SIDES + 1], last_end[SIDES]; /* of segments so far; [SIDES]: of any side */
	bool *seen;                                     /* by turn */
};

/** Whether the segment is in its place; if not, that is a finding. */
static bool well_placed(struct placing *p, const struct json *segment)
{
	int64_t turn = json_get_int(segment, "turn", -1), start = json_get_int(segment, "start_ms", -1),
			end = json_get_int(segment, "end_ms", -1);
	struct str role = json_get_str(segment, "role");
	const struct json *spoken = turn >= 0 ? json_at(p->turns, (size_t)turn) : NULL;
	int side = str_is(role, "left") ? LEFT : RIGHT;
	struct json *found = NULL;
	if (!spoken)
		found = finding_number(p->f, "segment_without_turn", turn + 1, (int64_t)json_count(p->turns), "turns");
	else if (p->seen[turn])
		found = finding_number(p->f, "segment_doubled", 2, 1, "segments");
	else if (!str_eq(role, turn_role(spoken)))
		found = finding_text(p->f, "segment_side", role, str_is(turn_role(spoken), "left") ? "left" : "right");
	else if (start < 0 || end <= start)
		found = finding_number(p->f, "segment_order", end, start, "ms");
	else if (end > p->duration_ms)
		found = finding_number(p->f, "segment_after_end", end, p->duration_ms, "ms");
	else if (start < p->last_start[SIDES])
		found = finding_number(p->f, "segment_order", start, p->last_start[SIDES], "ms");
	else if (start < p->last_end[side]) /* nobody talks over himself */
		found = finding_number(p->f, "segment_order", start, p->last_end[side], "ms");
	if (found && turn >= 0)
		finding_turn(p->f, found, turn);
	if (found)
		return false;
	p->seen[turn] = true;
	p->last_start[SIDES] = start;
	p->last_end[side] = end;
	return true;
}

static size_t frame_of(int64_t ms, size_t n)
{
	int64_t frame = (ms + VOICE_FRAME_MS / 2) / VOICE_FRAME_MS;
	return frame < (int64_t)n ? (size_t)frame : n;
}

static void place_turns(struct heard *h, const struct json *call, struct findings *f)
{
	const struct json *segments = json_path(call, "audio.segments"), *turns = json_get(call, "turns");
	const struct sound *s = h->sound;
	CLEANUP(free_ptr) bool *seen = xcalloc(json_count(turns) + 1, sizeof *seen);
	struct placing p = {.turns = turns, .f = f, .duration_ms = (s->frames * 1000 + s->rate - 1) / s->rate, .seen = seen};
	h->turns = xcalloc(json_count(segments) + 1, sizeof *h->turns);
	JSON_EACH(segment, segments) {
		if (!well_placed(&p, segment))
			continue;
		struct heard_turn *t = &h->turns[h->nturns++];
		t->turn = json_get_int(segment, "turn", -1);
		t->side = str_is(json_get_str(segment, "role"), "left") ? LEFT : RIGHT;
		t->syllables = syllables_count(turn_text(json_at(turns, (size_t)t->turn)));
		t->from = frame_of(json_get_int(segment, "start_ms", 0), h->n);
		t->to = frame_of(json_get_int(segment, "end_ms", 0), h->n);
	}
	int64_t at = 0;
	JSON_EACH(turn, turns) {
		int64_t syllables = syllables_count(turn_text(turn));
		bool named = seen[at];
		JSON_EACH(segment, named ? NULL : segments)
			named |= json_get_int(segment, "turn", -1) == at; /* misplaced: told above */
		if (!named && syllables)
			finding_turn(f, finding_number(f, "turn_without_segment", 0, 1, "segments"), at);
		at++;
	}
}

/* --- Measuring --- */

static struct voice_track track_of(const struct sound *s, int side)
{
	return (struct voice_track){s->samples + (s->channels == 1 ? 0 : side), s->channels, s->frames, s->rate};
}

/** In a file of one channel the side speaks where its segments are, and is silent elsewhere. */
static void keep_own_segments(struct heard *h, int side)
{
	CLEANUP(free_ptr) bool *own = xcalloc(h->n + 1, sizeof *own);
	for (size_t i = 0; i < h->nturns; i++)
		for (size_t k = h->turns[i].from; h->turns[i].side == side && k < h->turns[i].to; k++)
			own[k] = true;
	for (size_t k = 0; k < h->n; k++) {
		h->voice[side].active[k] &= own[k];
		h->voice[side].energy[k] = own[k] ? h->voice[side].energy[k] : 0;
	}
}

static void measure_side(struct heard *h, int side)
{
	struct voice_track track = track_of(h->sound, side);
	if (h->sound->channels == 1)
		keep_own_segments(h, side);
	voice_pitch(&track, &h->voice[side], &h->pitch[side]);
}

/** Activity needs the level of the louder voice. */
static void measure_sides(struct heard *h)
{
	double loudest = 0;
	for (int side = 0; side < SIDES; side++) {
		struct voice_track track = track_of(h->sound, side);
		voice_measure(&track, &h->voice[side]);
		loudest = h->voice[side].level > loudest ? h->voice[side].level : loudest;
	}
	for (int side = 0; side < SIDES; side++) {
		voice_activity(&h->voice[side], voice_floor(loudest));
		measure_side(h, side);
	}
}

/** The blocks of loudness that lie in a turn: the first of them, and how many. */
static size_t turn_blocks(const struct heard *h, const struct heard_turn *t, size_t *ret_n)
{
	int64_t unit = loudness_unit(h->sound->rate), first = (voice_sample(h->sound->rate, t->from) + unit - 1) / unit,
			behind = voice_sample(h->sound->rate, t->to) / unit - (LOUDNESS_BLOCK_UNITS - 1);
	behind = behind < (int64_t)h->nblocks ? behind : (int64_t)h->nblocks;
	*ret_n = first < behind ? (size_t)(behind - first) : 0;
	return (size_t)first;
}

/** In a file of one channel the blocks of a side are those that lie in its turns. */
static void keep_own_blocks(struct heard *h, int side)
{
	double *own = xcalloc(h->nblocks + 1, sizeof *own);
	for (size_t i = 0; i < h->nturns; i++) {
		size_t n, first = turn_blocks(h, &h->turns[i], &n);
		if (h->turns[i].side == side && n)
			memcpy(own + first, h->blocks[side] + first, n * sizeof *own);
	}
	free(h->blocks[side]);
	h->blocks[side] = own;
}

/** Of the whole file and of each side, in one pass. */
static int measure_loudness(struct heard *h, struct err *e)
{
	const struct sound *s = h->sound;
	CLEANUP(loudness_meter_free) struct loudness_meter *meter = loudness_meter_new(s->channels, s->rate, true);
	int code = loudness_meter_add_sound(meter, s, e);
	if (code)
		return code;
	for (int side = 0; side < SIDES; side++) {
		int channel = s->channels == 1 ? 0 : side;
		h->nblocks = loudness_meter_blocks(meter, channel, channel, &h->blocks[side]);
		if (s->channels == 1)
			keep_own_blocks(h, side);
		h->side_lufs[side] = loudness_gated(h->blocks[side], h->nblocks);
	}
	loudness_meter_end(meter, &h->all, NULL);
	return 0;
}

/** Samples, and loudness of the blocks that lie in it. */
static void measure_turn_sound(const struct heard *h, struct heard_turn *t)
{
	size_t n, first = turn_blocks(h, t, &n);
	signal_add(&t->signal, h->sound, t->side, voice_sample(h->sound->rate, t->from), voice_sample(h->sound->rate, t->to));
	t->lufs = n ? loudness_gated(h->blocks[t->side] + first, n) : -HUGE_VAL;
}

static void measure_turn(const struct voice *v, struct heard_turn *t)
{
	t->first = t->last = t->to;
	for (size_t k = t->from; k < t->to; k++) {
		if (!v->active[k])
			continue;
		if (!t->speech++)
			t->first = k;
		t->last = k + 1;
	}
}

static void count_frames(struct heard *h)
{
	size_t quiet = 0;
	for (size_t k = 0; k < h->n; k++) {
		bool left = h->voice[LEFT].active[k], right = h->voice[RIGHT].active[k];
		h->speech[LEFT] += left;
		h->speech[RIGHT] += right;
		h->overlap += left && right;
		h->silence += !left && !right;
		quiet = left || right ? 0 : quiet + 1;
		h->longest_silence = quiet > h->longest_silence ? quiet : h->longest_silence;
	}
}

int heard_measure(const struct sound *s, const struct json *call, struct findings *f, struct heard *ret, struct err *e)
{
	struct heard h = {.sound = s, .n = (size_t)(s->frames * 1000 / ((int64_t)s->rate * VOICE_FRAME_MS))};
	place_turns(&h, call, f);
	measure_sides(&h);
	signal_add(&h.signal, s, SIGNAL_BOTH, 0, s->frames);
	int code = measure_loudness(&h, e);
	if (code) {
		heard_release(&h);
		return code;
	}
	size_t ends[SIDES] = {0, 0};
	for (size_t i = 0; i < h.nturns; i++) {
		struct heard_turn *t = &h.turns[i];
		measure_turn(&h.voice[t->side], t);
		measure_turn_sound(&h, t);
		t->talked_over = ends[!t->side] > t->from ? (ends[!t->side] < t->to ? ends[!t->side] : t->to) - t->from : 0;
		ends[t->side] = t->to;
	}
	count_frames(&h);
	*ret = h;
	return 0;
}

/* --- The description --- */

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/** Of two in the middle the lower one. Sorts. */
static int64_t median(int64_t *v, size_t n)
{
	qsort(v, n, sizeof *v, by_number);
	return v[(n - 1) / 2];
}

static void describe_pauses(struct arena *a, const struct heard *h, int side, struct json *to)
{
	int64_t *pauses = arena_array(a, h->n / PAUSE_FRAMES + 1, sizeof *pauses), longest = 0;
	size_t n = 0;
	for (size_t i = 0; i < h->nturns; i++) {
		const struct heard_turn *t = &h->turns[i];
		size_t quiet = 0;
		for (size_t k = t->first; t->side == side && k < t->last; k++) {
			if (!h->voice[side].active[k]) {
				quiet++;
				continue;
			}
			if (quiet >= PAUSE_FRAMES) {
				pauses[n++] = heard_ms(quiet);
				longest = heard_ms(quiet) > longest ? heard_ms(quiet) : longest;
			}
			quiet = 0;
		}
	}
	json_set_int(a, to, "pauses", (int64_t)n);
	if (n) {
		json_set_int(a, to, "pause_median_ms", median(pauses, n));
		json_set_int(a, to, "pause_longest_ms", longest);
	}
}

/** From the end of the other side's speech to the start of its own; who begins before the other has ended responds in 0 ms. */
static void describe_response(struct arena *a, const struct heard *h, int side, struct json *to)
{
	int64_t *waits = arena_array(a, h->nturns + 1, sizeof *waits);
	size_t n = 0;
	const struct heard_turn *before = NULL;
	for (size_t i = 0; i < h->nturns; i++) {
		const struct heard_turn *t = &h->turns[i];
		if (!t->speech)
			continue;
		if (t->side == side && before && before->side != side)
			waits[n++] = t->first > before->last ? heard_ms(t->first - before->last) : 0;
		before = t;
	}
	if (n)
		json_set_int(a, to, "response_median_ms", median(waits, n));
}

static struct json *describe_side(struct arena *a, const struct heard *h, int side)
{
	struct json *to = json_object(a);
	const struct voice_pitch *pitch = &h->pitch[side];
	int64_t turns = 0, syllables = 0, speech_ms = heard_ms(h->speech[side]);
	for (size_t i = 0; i < h->nturns; i++) {
		turns += h->turns[i].side == side;
		syllables += h->turns[i].side == side ? h->turns[i].syllables : 0;
	}
	json_set_int(a, to, "turns", turns);
	json_set_int(a, to, "speech_ms", speech_ms);
	json_set_int(a, to, "syllables", syllables);
	if (speech_ms && syllables)
		json_set_int(a, to, "speech_rate_msyl_per_s", syllables * 1000000 / speech_ms);
	describe_pauses(a, h, side, to);
	describe_response(a, h, side, to);
	if (pitch->frames >= PITCH_FRAMES) {
		json_set_int(a, to, "pitch_median_hz", pitch->median_hz);
		json_set_int(a, to, "pitch_low_hz", pitch->low_hz);
		json_set_int(a, to, "pitch_high_hz", pitch->high_hz);
	}
	if (isfinite(h->side_lufs[side]))
		json_set_int(a, to, "loudness_mlufs", (int64_t)floor(h->side_lufs[side] * 1000 + 0.5));
	return to;
}

struct json *heard_acoustics(struct arena *a, const struct heard *h)
{
	struct json *v = json_object(a);
	json_set(a, v, "left", describe_side(a, h, LEFT));
	json_set(a, v, "right", describe_side(a, h, RIGHT));
	json_set_int(a, v, "overlap_ms", heard_ms(h->overlap));
	json_set_int(a, v, "silence_ms", heard_ms(h->silence));
	return v;
}
