#include "stages/normalize/turns.h"

#include "base/alloc.h"
#include "core/call.h"
#include "stages/normalize/mix.h"
#include "stages/normalize/telephone.h"

#include <math.h>
#include <stdio.h>

#define OBJECT_BYTES_MAX ((size_t)256 << 20)
#define KEPT_FRAMES_MAX ((int64_t)16 << 20) /* 64 MiB: 11 minutes of speech at 24 kHz */
#define ELDERLY_AGE 60

int64_t turns_in_frames(int64_t ms, int64_t rate)
{
	return (ms * rate + 500) / 1000;
}

int64_t turns_in_ms(int64_t frames, int64_t rate)
{
	return (frames * 1000 + rate / 2) / rate;
}

/* --- A turn's sound --- */

static void noise_of(const struct turns *t, const struct turn *turn, struct draw *ret)
{
	char purpose[48];
	snprintf(purpose, sizeof purpose, "line noise %lld", (long long)turn->index);
	work_draw(t->w, purpose, ret);
}

static int make_sound(const struct turns *t, const struct turn *turn, struct sound *ret, struct err *e)
{
	const struct normalize_params *p = t->p;
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(OBJECT_BYTES_MAX);
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	int code = work_object_read(t->w, turn->object, OBJECT_BYTES_MAX, &bytes, e);
	if (!code)
		code = av_decode_mono(buf_view(&bytes), TURN_SECONDS_MAX, &s, e);
	if (code)
		return code;
	mix_center(&s);
	if (!mix_trim(&s, p->trim_db, p->trim_before_ms, p->trim_after_ms))
		return err_set(e, ERR_DATA, "the sound is silent");
	mix_fade(&s);
	if (p->telephone[turn->side] != LINE_NONE) {
		struct telephone_line line = {.kind = (enum line)p->telephone[turn->side], .noise_db = p->line_noise_db};
		noise_of(t, turn, &line.noise);
		return telephone(&s, &line, (int)p->sample_rate, ret, e);
	}
	if (s.rate != p->sample_rate)
		return av_resample(&s, (int)p->sample_rate, ret, e);
	*ret = s;
	s = (struct sound)SOUND_INIT;
	return 0;
}

int turns_hold(struct turns *t, size_t i, struct err *e)
{
	struct turn *turn = &t->v[i];
	if (turn->sound.samples)
		return 0;
	int code = make_sound(t, turn, &turn->sound, e);
	return code ? err_context(e, "turn %lld", (long long)turn->index) : 0;
}

void turns_let_go(struct turns *t, size_t i)
{
	if (!t->v[i].kept)
		sound_release(&t->v[i].sound);
}

void turns_release(struct turns *t)
{
	for (size_t i = 0; i < t->n; i++)
		sound_release(&t->v[i].sound);
}

/* --- The timeline --- */

/** Roughly normal, mean 0, deviation 1, without a libm whose last bits differ: twelve uniform numbers (Irwin-Hall), within ±2. */
static double normal_within_two(struct draw *d)
{
	double z = 0;
	for (int attempt = 0; attempt < 64; attempt++) {
		z = -6;
		for (int i = 0; i < 12; i++)
			z += draw_unit(d);
		if (fabs(z) <= 2)
			return z;
	}
	return 0;
}

/* Silent pauses in speech are distributed log-normally (Campione & Véronis 2002), and so, roughly, are the gaps between speakers (Heldner & Edlund 2010).
 * The limits are two deviations away from the median, which is their geometric mean. A lower limit of 0 counts as a twentieth of the upper one there. */
int64_t turns_pause(const struct normalize_params *p, struct draw *d, bool elderly_answers)
{
	double high = (double)p->pause_max_ms, low = fmax((double)p->pause_min_ms, high / 20);
	if (high <= 0)
		return 0;
	double ms = sqrt(low * high) * exp(normal_within_two(d) * log(high / low) / 4);
	ms = fmin(fmax(ms, (double)p->pause_min_ms), high);
	if (elderly_answers)
		ms = ms * (double)p->elderly_percent / 100;
	return (int64_t)floor(ms + 0.5);
}

static bool is_elderly(const struct work *w, enum side side)
{
	const struct json *person = json_path(w->call, side == SIDE_LEFT ? "profile.left" : "profile.right");
	return json_get_int(person, "age", 0) >= ELDERLY_AGE;
}

/* --- All turns --- */

static int find_turn(const struct turns *t, const struct json *row, struct turn *ret, struct err *e)
{
	int64_t index = json_get_int(row, "turn", -1);
	const struct json *turns = json_get(t->w->call, "turns");
	const struct json *turn = index >= 0 ? json_at(turns, (size_t)index) : NULL;
	if (!turn)
		return err_set(e, ERR_DATA, "speech names turn %lld, which the call does not have", (long long)index);
	*ret = (struct turn){.index = index, .object = json_get_str(row, "object")};
	ret->side = str_is(turn_role(turn), "left") ? SIDE_LEFT : SIDE_RIGHT;
	return 0;
}

struct reading {
	struct turns *t;
	struct draw pauses;
	struct loudness_meter *meter;
	int64_t at; /* end of the last turn */
	bool elderly[SIDES];
};

static void reading_release(struct reading *r)
{
	loudness_meter_free(&r->meter);
}

/** Put t->v[t->n] behind the turns before it, and measure it there. */
static int place_turn(struct reading *r, struct err *e)
{
	struct turns *t = r->t;
	ASSERT(t->v);
	struct turn *turn = &t->v[t->n], *last = t->n ? turn - 1 : NULL;
	int64_t rate = t->p->sample_rate, pause = turns_in_frames(t->p->lead_ms, rate);
	if (last)
		pause = turns_in_frames(turns_pause(t->p, &r->pauses, last->side != turn->side && r->elderly[turn->side]), rate);
	turn->frames = turn->sound.frames;
	turn->start = r->at + pause;
	r->at = turn->start + turn->frames;
	t->speaks[turn->side] = true;
	if (r->at > CALL_SECONDS_MAX * rate)
		return err_set(e, ERR_TOOBIG, "the call is longer than %d s", CALL_SECONDS_MAX);
	const float *planes[SIDES] = {NULL, NULL};
	int code = loudness_meter_add(r->meter, planes, pause, e);
	planes[turn->side] = turn->sound.samples;
	return code ? code : loudness_meter_add(r->meter, planes, turn->frames, e);
}

static int read_rows(struct reading *r, const struct json *speech, struct err *e)
{
	struct turns *t = r->t;
	JSON_EACH(row, speech) {
		int code = find_turn(t, row, &t->v[t->n], e);
		if (!code)
			code = turns_hold(t, t->n, e);
		if (code)
			return code;
		code = place_turn(r, e);
		struct turn *turn = &t->v[t->n++]; /* from here on it is released with the others */
		if (code)
			return code;
		turn->kept = t->kept + turn->frames <= KEPT_FRAMES_MAX;
		t->kept += turn->kept ? turn->frames : 0;
		turns_let_go(t, t->n - 1);
	}
	return t->n ? 0 : err_set(e, ERR_DATA, "the call has no speech");
}

static int end_call(struct reading *r, struct err *e)
{
	struct turns *t = r->t;
	int64_t rate = t->p->sample_rate, tail = turns_in_frames(t->p->tail_ms, rate);
	const float *silence[SIDES] = {NULL, NULL};
	struct loudness whole;
	t->frames = r->at + tail;
	if (t->frames > CALL_SECONDS_MAX * rate)
		return err_set(e, ERR_TOOBIG, "the call is longer than %d s", CALL_SECONDS_MAX);
	if (t->frames * 1000 < 400 * rate)
		return err_set(e, ERR_DATA, "the call lasts %lld ms: loudness needs 400 ms at least",
			(long long)turns_in_ms(t->frames, rate));
	int code = loudness_meter_add(r->meter, silence, tail, e);
	if (code)
		return code;
	loudness_meter_end(r->meter, &whole, t->side);
	for (int side = 0; side < SIDES; side++)
		if (t->speaks[side] && !isfinite(t->side[side].integrated_lufs))
			return err_set(e, ERR_DATA, "the %s side is too quiet for its loudness to be measured (below -70 LUFS)",
				side == SIDE_LEFT ? "left" : "right");
	return 0;
}

int turns_read(struct turns *t, struct err *e)
{
	const struct json *speech = json_get(t->w->call, "speech");
	CLEANUP(reading_release)
	struct reading r = {.t = t, .meter = loudness_meter_new(SIDES, (int)t->p->sample_rate, true)};
	work_draw(t->w, "pause", &r.pauses);
	for (int side = 0; side < SIDES; side++)
		r.elderly[side] = is_elderly(t->w, (enum side)side);
	t->v = arena_array(t->w->arena, json_count(speech) + 1, sizeof *t->v);
	int code = read_rows(&r, speech, e);
	return code ? code : end_call(&r, e);
}
