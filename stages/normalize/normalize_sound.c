/* normalize, the half that touches sound: runs in taf-worker.
 *
 * The loudness and the peak that count are those of the file as a player decodes it. libmp3lame at a constant bit rate scales by 0.95 (−0.45 dB) and its
 * quantisation moves peaks: the first pass compensates the former, the decoded file is measured, and what is left is corrected in another pass. */
#include "stages/normalize/normalize.h"

#include "base/alloc.h"
#include "core/call.h"
#include "io/av.h"
#include "io/loudness.h"
#include "stages/normalize/mix.h"

#include <math.h>
#include <stdlib.h>

#define OBJECT_MAX ((size_t)256 << 20)
#define MP3_MAX ((size_t)160 << 20) /* an hour at 320 kbit/s */
#define SECONDS_MAX 3600
#define PASSES 4
#define TOLERANCE_LU 0.2
#define CODEC_GAIN_DB 0.446    /* what libmp3lame takes away */
#define CODEC_OVERSHOOT_DB 0.6 /* by which a decoded true peak may be over the samples that went in, before measuring */
#define MARGIN_DB 0.2
#define LIMIT_DB 6 /* how far the gain may be raised against the limiter: more would crush the voices */
#define LIMIT_ROUNDS 5

struct mixing {
	const struct normalize_params *p;
	struct mix_turn *turns; /* in the record's arena; their sounds are owned */
	size_t n;
	int64_t frames;
	struct json *segments;
};

static void mixing_release(struct mixing *m)
{
	for (size_t i = 0; i < m->n; i++)
		sound_release(&m->turns[i].sound);
}

/* --- The turns --- */

static int read_turn(
	struct work *w, const struct normalize_params *p, struct str object, struct sound *ret, struct err *e)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT_MAX(OBJECT_MAX);
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	int code = work_object_read(w, object, OBJECT_MAX, &bytes, e);
	if (!code)
		code = av_decode(buf_view(&bytes), &s, e);
	if (code)
		return code;
	mix_mono(&s);
	if (!mix_trim(&s, p->trim_db))
		return err_set(e, ERR_DATA, "the sound is silent");
	if (s.rate == p->sample_rate) {
		*ret = s;
		s = (struct sound)SOUND_INIT;
		return 0;
	}
	return av_resample(&s, (int)p->sample_rate, ret, e);
}

static int read_turns(struct work *w, struct mixing *m, struct err *e)
{
	const struct json *speech = json_get(w->call, "speech"), *turns = json_get(w->call, "turns");
	m->turns = arena_array(w->arena, json_count(speech) + 1, sizeof *m->turns);
	int64_t total = 0;
	JSON_EACH(row, speech) {
		int64_t index = json_get_int(row, "turn", -1);
		const struct json *turn = index >= 0 ? json_at(turns, (size_t)index) : NULL;
		if (!turn)
			return err_set(e, ERR_DATA, "speech names turn %lld, which the call does not have", (long long)index);
		struct mix_turn *t = &m->turns[m->n];
		t->turn = index;
		t->side = str_is(turn_role(turn), "left") ? MIX_LEFT : MIX_RIGHT;
		int code = read_turn(w, m->p, json_get_str(row, "object"), &t->sound, e);
		if (code)
			return err_context(e, "turn %lld", (long long)index);
		m->n++;
		total += t->sound.frames;
		if (total > SECONDS_MAX * m->p->sample_rate)
			return err_set(e, ERR_TOOBIG, "the call is longer than %d s", SECONDS_MAX);
	}
	return m->n ? 0 : err_set(e, ERR_DATA, "the call has no speech");
}

/* --- The timeline --- */

static int64_t in_frames(const struct mixing *m, int64_t ms)
{
	return (ms * m->p->sample_rate + 500) / 1000;
}

static int64_t in_ms(const struct mixing *m, int64_t frames)
{
	return (frames * 1000 + m->p->sample_rate / 2) / m->p->sample_rate;
}

static int lay_out(struct work *w, struct mixing *m, struct err *e)
{
	struct draw pauses;
	work_draw(w, "pause", &pauses);
	int64_t at = in_frames(m, m->p->lead_ms);
	m->segments = json_array(w->arena);
	for (size_t i = 0; i < m->n; i++) {
		struct mix_turn *t = &m->turns[i];
		if (i)
			at += in_frames(m, draw_range(&pauses, m->p->pause_min_ms, m->p->pause_max_ms));
		t->start = at;
		at += t->sound.frames;
		struct json *segment = json_object(w->arena);
		json_set_int(w->arena, segment, "turn", t->turn);
		json_set_text(w->arena, segment, "role", t->side == MIX_LEFT ? "left" : "right");
		json_set_int(w->arena, segment, "start_ms", in_ms(m, t->start));
		json_set_int(w->arena, segment, "end_ms", in_ms(m, at));
		json_append(m->segments, segment);
	}
	m->frames = at + in_frames(m, m->p->tail_ms);
	if (m->frames > SECONDS_MAX * m->p->sample_rate)
		return err_set(e, ERR_TOOBIG, "the call is longer than %d s", SECONDS_MAX);
	if (m->frames * 1000 < 400 * m->p->sample_rate)
		return err_set(
			e, ERR_DATA, "the call lasts %lld ms: loudness needs 400 ms at least", (long long)in_ms(m, m->frames));
	return 0;
}

/** Both sides to the wanted loudness, on two channels. */
static int mix(struct mixing *m, struct sound *ret, struct err *e)
{
	double gain[MIX_SIDES] = {0, 0};
	for (int side = 0; side < MIX_SIDES; side++) {
		double lufs = -HUGE_VAL;
		bool speaks = false;
		for (size_t i = 0; i < m->n; i++)
			speaks |= m->turns[i].side == (enum mix_side)side;
		int code = mix_side_loudness(m->turns, m->n, (enum mix_side)side, &lufs, e);
		if (code)
			return code;
		if (speaks && !isfinite(lufs))
			return err_set(e, ERR_DATA, "the %s side is too quiet for its loudness to be measured (below -70 LUFS)",
				side == MIX_LEFT ? "left" : "right");
		gain[side] = speaks ? mix_factor(m->p->loudness + CODEC_GAIN_DB - lufs) : 0;
	}
	mix_place(m->turns, m->n, gain, m->frames, ret);
	return 0;
}

/* --- The file --- */

struct pass {
	struct loudness heard; /* of the decoded file */
	int64_t frames;        /* of the decoded file */
	bool limited;          /* the limiter had work to do */
	struct buf mp3;
};

static void pass_release(struct pass *x)
{
	buf_release(&x->mp3);
}

static int encode(const struct sound *s, int64_t kbps, struct pass *ret, struct err *e)
{
	CLEANUP(sound_release) struct sound decoded = SOUND_INIT;
	buf_clear(&ret->mp3);
	int code = av_encode_mp3(s, (int)kbps, &ret->mp3, e);
	if (!code)
		code = av_decode(buf_view(&ret->mp3), &decoded, e);
	if (!code)
		code = loudness_measure(&decoded, true, &ret->heard, e);
	ret->frames = decoded.frames;
	return code;
}

/** What the next pass tries. Gains are of the mix as it was laid out. */
struct aim {
	double gain_db;
	double ceiling_db; /* of samples that go in */
	double codec_db;   /* what the codec does to the loudness */
};

static void copy_scaled(const struct sound *from, double gain_db, struct sound *to)
{
	float g = (float)mix_factor(gain_db);
	int64_t n = from->frames * from->channels;
	for (int64_t i = 0; i < n; i++)
		to->samples[i] = from->samples[i] * g;
}

/** The mix under the ceiling; the gain is raised for what the limiter takes away, as far as that goes. Cheap beside encoding. */
static int limit(
	const struct normalize_params *p, const struct sound *mixed, struct aim *aim, struct sound *ret, struct err *e)
{
	double want = p->loudness - aim->codec_db;
	for (int i = 0;; i++) {
		struct loudness l;
		copy_scaled(mixed, aim->gain_db, ret);
		mix_limit(ret, mix_factor(aim->ceiling_db));
		int code = loudness_measure(ret, false, &l, e);
		if (code)
			return code;
		double missing = want - l.integrated_lufs;
		if (fabs(missing) < TOLERANCE_LU / 4 || i == LIMIT_ROUNDS || !isfinite(missing) ||
			(missing > 0 && aim->gain_db >= LIMIT_DB))
			return 0;
		aim->gain_db = fmin(aim->gain_db + missing, LIMIT_DB);
	}
}

static int try_pass(
	const struct normalize_params *p, const struct sound *mixed, struct aim *aim, struct pass *ret, struct err *e)
{
	ret->limited = mix_db(mix_peak(mixed)) + aim->gain_db > aim->ceiling_db;
	if (!ret->limited && aim->gain_db == 0)
		return encode(mixed, p->bitrate, ret, e);
	CLEANUP(sound_release) struct sound copy = {.channels = mixed->channels, .rate = mixed->rate};
	sound_resize(&copy, mixed->frames);
	if (ret->limited) {
		int code = limit(p, mixed, aim, &copy, e);
		if (code)
			return code;
	} else {
		copy_scaled(mixed, aim->gain_db, &copy);
	}
	return encode(&copy, p->bitrate, ret, e);
}

static bool loud_enough(const struct normalize_params *p, const struct pass *x)
{
	return fabs(x->heard.integrated_lufs - p->loudness) <= TOLERANCE_LU;
}

/** Whether `x` may be the result, at worst: below the ceiling, and not too loud. */
static bool may_stand(const struct normalize_params *p, const struct pass *x)
{
	return x->heard.true_peak_dbtp <= p->peak && x->heard.integrated_lufs <= p->loudness + TOLERANCE_LU;
}

static int fail(const struct normalize_params *p, const struct pass *x, struct err *e)
{
	return err_set(e, ERR_DATA,
		"after %d passes the file is at %.2f LUFS and %.2f dBTP; wanted are %.2f LUFS and at most %.2f dBTP: "
		"lower the loudness, or raise the bit rate",
		PASSES, x->heard.integrated_lufs, x->heard.true_peak_dbtp, p->loudness, p->peak);
}

/** Correct the aim by what was heard. */
static void aim_again(const struct normalize_params *p, double mixed_peak_db, const struct pass *x, struct aim *aim)
{
	double missing = p->loudness - x->heard.integrated_lufs, over = x->heard.true_peak_dbtp - p->peak;
	if (over > 0)
		aim->ceiling_db = fmin(aim->ceiling_db, mixed_peak_db + aim->gain_db) - 1.3 * over - MARGIN_DB;
	if (x->limited)
		aim->codec_db -= fabs(missing) < 1 ? missing : 0; /* more than that is the ceiling's doing */
	else
		aim->gain_db += missing;
}

/** Passes until loudness and peak hold. When the ceiling keeps the loudness from being reached, the loudest pass below the ceiling stands. */
static int make_file(const struct normalize_params *p, const struct sound *mixed, struct pass *best, struct err *e)
{
	CLEANUP(pass_release) struct pass x = {.mp3 = BUF_INIT_MAX(MP3_MAX)};
	struct aim aim = {
		.gain_db = 0, .ceiling_db = p->peak - CODEC_OVERSHOOT_DB + CODEC_GAIN_DB, .codec_db = -CODEC_GAIN_DB};
	double peak_db = mix_db(mix_peak(mixed));
	bool have = false;
	for (int i = 0; i < PASSES; i++) {
		int code = try_pass(p, mixed, &aim, &x, e);
		if (code)
			return code;
		if (!isfinite(x.heard.integrated_lufs))
			return err_set(e, ERR_DATA, "the call is too short or too quiet for its loudness to be measured");
		bool done = may_stand(p, &x) && loud_enough(p, &x);
		bool better = may_stand(p, &x) && x.limited && (!have || x.heard.integrated_lufs > best->heard.integrated_lufs);
		aim_again(p, peak_db, &x, &aim);
		if (done || better) {
			struct pass swap = *best;
			*best = x;
			x = swap;
			have = true;
		}
		if (done || (better && aim.gain_db >= LIMIT_DB)) /* another pass would be the same */
			return 0;
	}
	return have ? 0 : fail(p, &x, e);
}

static void write_audio(struct work *w, const struct mixing *m, const struct pass *file, const char *object)
{
	struct json *audio = json_object(w->arena);
	json_set_text(w->arena, audio, "object", object);
	json_set_int(w->arena, audio, "duration_ms", in_ms(m, file->frames));
	json_set_int(w->arena, audio, "sample_rate", m->p->sample_rate);
	json_set_int(w->arena, audio, "channels", MIX_SIDES);
	json_set_int(w->arena, audio, "loudness_mlufs", (int64_t)floor(file->heard.integrated_lufs * 1000 + 0.5));
	json_set_int(w->arena, audio, "true_peak_mdbtp", (int64_t)floor(file->heard.true_peak_dbtp * 1000 + 0.5));
	json_set(w->arena, audio, "segments", m->segments);
	if (!w->fields)
		w->fields = json_object(w->arena);
	json_set(w->arena, w->fields, "audio", audio);
}

static int process(struct work *w, struct err *e)
{
	CLEANUP(mixing_release) struct mixing m = {.p = w->stage->params};
	CLEANUP(sound_release) struct sound mixed = SOUND_INIT;
	CLEANUP(pass_release) struct pass file = {.mp3 = BUF_INIT_MAX(MP3_MAX)};
	const char *object = NULL;
	int code = read_turns(w, &m, e);
	if (!code)
		code = lay_out(w, &m, e);
	if (!code)
		code = mix(&m, &mixed, e);
	if (!code)
		code = make_file(m.p, &mixed, &file, e);
	if (!code)
		code = work_object(w, buf_view(&file.mp3), &object, e);
	if (!code)
		write_audio(w, &m, &file, object);
	return code;
}

const struct stage_sound normalize_sound = {.name = "normalize", .process = process};
