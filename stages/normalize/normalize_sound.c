/* normalize, the half that touches sound: runs in taf-worker.
 *
 * The loudness and the peak that count are those of the file as a player decodes it. libmp3lame at a constant bit rate scales by 0.95 (−0.45 dB) and its
 * quantisation moves peaks: the first pass compensates the former, the decoded file is measured, and what is left is corrected in another pass.
 *
 * No call is held whole, but for the file itself: turns go by lanes, block by block, into the encoder, and the file is decoded back block by block into the
 * meters. Gains are rounded to thousandths of a decibel: the last bits of logarithms differ between machines. */
#include "stages/normalize/normalize.h"

#include "base/alloc.h"
#include "stages/normalize/lane.h"
#include "stages/normalize/mix.h"

#include <math.h>

#define FILE_BYTES_MAX ((size_t)1 << 30)
#define PASSES 4
#define TOLERANCE_LU 0.2
#define MP3_GAIN_DB 0.446 /* what libmp3lame takes away */
#define CODEC_OVERSHOOT_DB \
	0.6 /* by which a decoded true peak may be over that of the samples that went in, before measuring */
#define MARGIN_DB 0.2
#define LIMIT_DB 6 /* how far the gain may be raised against the limiter: more would crush the voices */
#define LIMIT_ROUNDS 5
#define CODEC_LU 3 /* no codec takes more away */

static double rounded(double db)
{
	return floor(db * 1000 + 0.5) / 1000;
}

/* --- The mix, block by block --- */

struct mix_sink {
	int (*take)(void *arg, const float *const *planes, int64_t frames, struct err *e);
	void *arg;
};

struct mix {
	struct lane lane[SIDES];
	float *room;
	int channels;
};

static void mix_release(struct mix *m)
{
	for (int ch = 0; ch < m->channels; ch++)
		lane_release(&m->lane[ch]);
	free_ptr(&m->room);
}

/** All of the mix into a sink; `ret_limited`: whether the limiter had work to do. */
static int run_mix(
	struct turns *t, const struct levels *levels, const struct mix_sink *sink, bool *ret_limited, struct err *e)
{
	bool stereo = t->p->layout == LAYOUT_STEREO;
	CLEANUP(mix_release) struct mix m = {.channels = stereo ? SIDES : 1};
	m.room = xcalloc((size_t)LANE_BLOCK * SIDES, sizeof *m.room);
	const float *planes[SIDES] = {m.room, m.room + LANE_BLOCK};
	for (int ch = 0; ch < m.channels; ch++)
		lane_init(&m.lane[ch], t, stereo ? 1u << ch : 3u, levels);
	for (;;) {
		int64_t n = 0;
		for (int ch = 0; ch < m.channels; ch++) {
			n = lane_next(&m.lane[ch], m.room + ch * LANE_BLOCK, e);
			if (n < 0)
				return (int)n;
		}
		int code = n ? sink->take(sink->arg, planes, n, e) : 0;
		if (code)
			return code;
		if (n == 0)
			break;
	}
	*ret_limited = false;
	for (int ch = 0; ch < m.channels; ch++)
		*ret_limited |= m.lane[ch].limiter.least < 1;
	return 0;
}

/* --- Listening --- */

/** Both sides and the whole of a recording. On one channel a side is what is heard from the start of its turn to the start of the next. */
struct ear {
	const struct turns *t;
	struct loudness_meter *meter;
	int rate, channels;
	int64_t at;
	size_t turn; /* who is heard at `at` */
};

static void ear_release(struct ear *x)
{
	loudness_meter_free(&x->meter);
}

static int hear_mono(struct ear *x, const float *v, int64_t frames, struct err *e)
{
	const struct turns *t = x->t;
	int64_t scale = x->rate / t->p->sample_rate; /* Opus: 48 kHz always */
	for (int64_t done = 0; done < frames;) {
		int64_t next = x->turn + 1 < t->n ? t->v[x->turn + 1].start * scale : INT64_MAX, n = next - (x->at + done);
		if (n <= 0) {
			x->turn++;
			continue;
		}
		n = n < frames - done ? n : frames - done;
		const float *planes[SIDES] = {NULL, NULL};
		planes[t->v[x->turn].side] = v + done;
		int code = loudness_meter_add(x->meter, planes, n, e);
		if (code)
			return code;
		done += n;
	}
	return 0;
}

static int hear(struct ear *x, const float *const *planes, int64_t frames, struct err *e)
{
	int code = x->channels == 1 ? hear_mono(x, planes[0], frames, e) : loudness_meter_add(x->meter, planes, frames, e);
	x->at += frames;
	return code;
}

static int hear_mix(void *arg, const float *const *planes, int64_t frames, struct err *e)
{
	return hear(arg, planes, frames, e);
}

static int hear_decoded(void *arg, const struct av_block *b, struct err *e)
{
	struct ear *x = arg;
	if (!x->meter) {
		if (b->channels != x->channels || b->rate % x->t->p->sample_rate != 0)
			return err_set(e, ERR_BUG, "the file is decoded to %d channels at %d Hz", b->channels, b->rate);
		x->rate = b->rate;
		x->meter = loudness_meter_new(SIDES, b->rate, true);
	}
	return hear(x, b->planes, b->frames, e);
}

/* --- The file --- */

struct pass {
	struct loudness whole, side[SIDES]; /* of the decoded file */
	int64_t frames;                     /* of the decoded file, at its rate */
	int rate, channels;
	bool limited; /* the limiter had work to do */
	struct buf bytes;
};

static void pass_release(struct pass *x)
{
	buf_release(&x->bytes);
}

static int channels_of(const struct normalize_params *p)
{
	return p->layout == LAYOUT_STEREO ? SIDES : 1;
}

static int write_file(void *arg, const float *const *planes, int64_t frames, struct err *e)
{
	return av_encoder_add(arg, planes, frames, e);
}

static int listen_back(const struct turns *t, struct pass *x, struct err *e)
{
	CLEANUP(ear_release) struct ear ear = {.t = t, .channels = channels_of(t->p)};
	struct av_sink sink = {.take = hear_decoded, .arg = &ear};
	int code = av_decode_each(buf_view(&x->bytes), &sink, e);
	if (code)
		return err_context(e, "the file that was just made");
	loudness_meter_end(ear.meter, &x->whole, x->side);
	x->frames = ear.at;
	x->rate = ear.rate;
	x->channels = ear.channels;
	int64_t wanted = t->frames * (ear.rate / t->p->sample_rate), over = x->frames - wanted;
	if (over < 0 || over > (int64_t)ear.rate / 10) /* a codec's last frame may be padded */
		return err_set(e, ERR_DATA, "the file holds %lld frames of the %lld that went in", (long long)x->frames,
			(long long)wanted);
	return 0;
}

static int encode(struct turns *t, const struct levels *levels, struct pass *ret, struct err *e)
{
	const struct normalize_params *p = t->p;
	struct av_file how = {.kind = (enum av_kind)p->format, .rate = (int)p->sample_rate, .channels = channels_of(p)};
	how.kbps = how.kind == AV_KIND_MP3 || how.kind == AV_KIND_OPUS ? (int)p->bitrate : 0;
	CLEANUP(av_encoder_free) struct av_encoder *x = NULL;
	buf_clear(&ret->bytes);
	int code = av_encoder_open(&how, &ret->bytes, &x, e);
	if (code)
		return code;
	struct mix_sink sink = {.take = write_file, .arg = x};
	code = run_mix(t, levels, &sink, &ret->limited, e);
	if (!code)
		code = av_encoder_finish(x, e);
	return code ? code : listen_back(t, ret, e);
}

/* --- Levels --- */

/** What the next pass tries. */
struct aim {
	struct levels levels;
	double base_db[SIDES];  /* gains that no limiter stands against */
	double codec_db[SIDES]; /* what the codec does to the loudness */
};

static void first_aim(const struct turns *t, struct aim *ret)
{
	double lost = t->p->format == AV_KIND_MP3 ? MP3_GAIN_DB : 0;
	double overshoot = t->p->format == AV_KIND_MP3 || t->p->format == AV_KIND_OPUS ? CODEC_OVERSHOOT_DB : 0.01;
	*ret = (struct aim){.levels = {.ceiling_db = t->p->peak - overshoot + lost}};
	for (int side = 0; side < SIDES; side++) {
		ret->codec_db[side] = -lost;
		if (t->speaks[side])
			ret->base_db[side] = rounded(t->p->loudness + lost - t->side[side].integrated_lufs);
		ret->levels.gain_db[side] = ret->base_db[side];
	}
}

/** Whether a side's peaks, as they will stand in the mix, are over the ceiling. */
static bool is_limited(const struct turns *t, const struct aim *aim, int side)
{
	return t->speaks[side] && t->side[side].true_peak_dbtp + aim->levels.gain_db[side] > aim->levels.ceiling_db;
}

/** Raise the gains for what the limiter takes away, as far as that goes. Cheap beside encoding. */
static int meet_limiter(struct turns *t, struct aim *aim, struct err *e)
{
	for (int i = 0; i < LIMIT_ROUNDS && (is_limited(t, aim, SIDE_LEFT) || is_limited(t, aim, SIDE_RIGHT)); i++) {
		CLEANUP(ear_release) struct ear ear = {.t = t, .channels = channels_of(t->p), .rate = (int)t->p->sample_rate};
		struct mix_sink sink = {.take = hear_mix, .arg = &ear};
		struct loudness whole, heard[SIDES];
		bool limited, changed = false;
		ear.meter = loudness_meter_new(SIDES, ear.rate, false);
		int code = run_mix(t, &aim->levels, &sink, &limited, e);
		if (code)
			return code;
		loudness_meter_end(ear.meter, &whole, heard);
		for (int side = 0; side < SIDES; side++) {
			double missing = t->p->loudness - aim->codec_db[side] - heard[side].integrated_lufs;
			double *gain = &aim->levels.gain_db[side], most = aim->base_db[side] + LIMIT_DB;
			if (!is_limited(t, aim, side) || !isfinite(missing) || fabs(missing) < TOLERANCE_LU / 4 ||
				(missing > 0 && *gain >= most))
				continue;
			*gain = fmin(rounded(*gain + missing), most);
			changed = true;
		}
		if (!changed)
			return 0;
	}
	return 0;
}

static bool loud_enough(const struct turns *t, const struct pass *x)
{
	for (int side = 0; side < SIDES; side++)
		if (t->speaks[side] && fabs(x->side[side].integrated_lufs - t->p->loudness) > TOLERANCE_LU)
			return false;
	return true;
}

/** Whether `x` may be the result, at worst: below the ceiling, and not too loud. */
static bool may_stand(const struct turns *t, const struct pass *x)
{
	for (int side = 0; side < SIDES; side++)
		if (t->speaks[side] && x->side[side].integrated_lufs > t->p->loudness + TOLERANCE_LU)
			return false;
	return x->whole.true_peak_dbtp <= t->p->peak;
}

static int fail(const struct normalize_params *p, const struct pass *x, struct err *e)
{
	return err_set(e, ERR_DATA,
		"after %d passes the sides are at %.2f and %.2f LUFS and the file at %.2f dBTP; wanted are %.2f LUFS and at "
		"most "
		"%.2f dBTP: lower the loudness, or raise the bit rate",
		PASSES, x->side[SIDE_LEFT].integrated_lufs, x->side[SIDE_RIGHT].integrated_lufs, x->whole.true_peak_dbtp,
		p->loudness, p->peak);
}

/** Who says a word in a long call has few blocks of loudness; comfort noise that is not far enough below it gets over the gate, and then it is the noise that
 * is measured. Making the word louder until the sum is right would crush it against the ceiling. */
static int check_noise(const struct turns *t, const struct pass *x, const struct aim *aim, struct err *e)
{
	const struct normalize_params *p = t->p;
	for (int side = 0; side < SIDES; side++)
		if (t->speaks[side] && p->telephone[side] != LINE_NONE && p->comfort_noise_db > 0 &&
			!is_limited(t, aim, side) && p->loudness - x->side[side].integrated_lufs > CODEC_LU)
			return err_set(e, ERR_DATA,
				"the %s side speaks so little of the call that its comfort noise counts for its loudness, which is "
				"%.2f "
				"LUFS in place of %.2f: raise comfort_noise_db (%g)",
				side == SIDE_LEFT ? "left" : "right", x->side[side].integrated_lufs, p->loudness, p->comfort_noise_db);
	return 0;
}

/** Whether the limiter stands against the side, and its gain may not be raised further: what is missing of its loudness is the ceiling's doing. */
static bool is_spent(const struct turns *t, const struct aim *aim, int side)
{
	return is_limited(t, aim, side) && aim->levels.gain_db[side] >= aim->base_db[side] + LIMIT_DB;
}

/** Correct the aim by what was heard. */
static void aim_again(const struct turns *t, const struct pass *x, struct aim *aim)
{
	double over = x->whole.true_peak_dbtp - t->p->peak, top = -HUGE_VAL;
	for (int side = 0; side < SIDES; side++) {
		double missing = t->p->loudness - x->side[side].integrated_lufs;
		if (!t->speaks[side])
			continue;
		top = fmax(top, t->side[side].true_peak_dbtp + aim->levels.gain_db[side]);
		if (!is_spent(t, aim, side)) /* the mix was as loud as it should be: the codec has taken it away */
			aim->codec_db[side] -= missing;
		if (!is_limited(t, aim, side))
			aim->base_db[side] = aim->levels.gain_db[side] = rounded(aim->levels.gain_db[side] + missing);
	}
	if (over > 0)
		aim->levels.ceiling_db = rounded(fmin(aim->levels.ceiling_db, top) - 1.3 * over - MARGIN_DB);
}

static double quieter_side(const struct turns *t, const struct pass *x)
{
	double least = HUGE_VAL;
	for (int side = 0; side < SIDES; side++)
		if (t->speaks[side])
			least = fmin(least, x->side[side].integrated_lufs);
	return least;
}

static bool gains_spent(const struct turns *t, const struct aim *aim)
{
	for (int side = 0; side < SIDES; side++)
		if (t->speaks[side] && is_limited(t, aim, side) && !is_spent(t, aim, side))
			return false;
	return true;
}

/** Passes until loudness and peak hold. When the ceiling keeps the loudness from being reached, the loudest pass below the ceiling stands. */
static int make_file(struct turns *t, struct pass *best, struct err *e)
{
	CLEANUP(pass_release) struct pass x = {.bytes = BUF_INIT_MAX(FILE_BYTES_MAX)};
	struct aim aim;
	bool have = false;
	first_aim(t, &aim);
	for (int i = 0; i < PASSES; i++) {
		int code = meet_limiter(t, &aim, e);
		if (!code)
			code = encode(t, &aim.levels, &x, e);
		if (code)
			return code;
		if (!isfinite(quieter_side(t, &x)))
			return err_set(e, ERR_DATA, "the call is too short or too quiet for its loudness to be measured");
		code = check_noise(t, &x, &aim, e);
		if (code)
			return code;
		bool done = may_stand(t, &x) && loud_enough(t, &x), spent = gains_spent(t, &aim);
		bool better = may_stand(t, &x) && x.limited && (!have || quieter_side(t, &x) > quieter_side(t, best));
		aim_again(t, &x, &aim);
		if (done || better) {
			struct pass swap = *best;
			*best = x;
			x = swap;
			have = true;
		}
		if (done || (better && spent)) /* another pass would be the same */
			return 0;
	}
	return have ? 0 : fail(t->p, &x, e);
}

/* --- The record --- */

static void set_milli(struct arena *a, struct json *to, const char *key, double v)
{
	json_set_int(a, to, key, (int64_t)floor(v * 1000 + 0.5));
}

static struct json *segments_json(struct arena *a, const struct turns *t, int rate)
{
	struct json *segments = json_array(a);
	int64_t scale = rate / t->p->sample_rate;
	for (size_t i = 0; i < t->n; i++) {
		const struct turn *turn = &t->v[i];
		struct json *s = json_object(a);
		json_set_int(a, s, "turn", turn->index);
		json_set_text(a, s, "role", turn->side == SIDE_LEFT ? "left" : "right");
		json_set_int(a, s, "start_ms", turns_in_ms(turn->start, t->p->sample_rate));
		json_set_int(a, s, "end_ms", turns_in_ms(turn->start + turn->frames, t->p->sample_rate));
		json_set_int(a, s, "start_sample", turn->start * scale);
		json_set_int(a, s, "end_sample", (turn->start + turn->frames) * scale);
		json_append(segments, s);
	}
	return segments;
}

static struct json *sides_json(struct arena *a, const struct turns *t, const struct pass *file)
{
	struct json *sides = json_object(a);
	for (int side = 0; side < SIDES; side++) {
		if (!t->speaks[side])
			continue;
		struct json *s = json_object(a);
		set_milli(a, s, "loudness_mlufs", file->side[side].integrated_lufs);
		if (file->channels == SIDES)
			set_milli(a, s, "true_peak_mdbtp", file->side[side].true_peak_dbtp);
		json_set(a, sides, side == SIDE_LEFT ? "left" : "right", s);
	}
	return sides;
}

static void write_audio(struct work *w, const struct turns *t, const struct pass *file, const char *object)
{
	static const char *const formats[] = {"mp3", "flac", "opus", "wav"}; /* by enum av_kind */
	struct arena *a = w->arena;
	struct json *audio = json_object(a);
	json_set_text(a, audio, "object", object);
	json_set_text(a, audio, "format", formats[t->p->format]);
	json_set_int(a, audio, "duration_ms", turns_in_ms(file->frames, file->rate));
	json_set_int(a, audio, "sample_rate", file->rate);
	json_set_int(a, audio, "channels", file->channels);
	set_milli(a, audio, "loudness_mlufs", file->whole.integrated_lufs);
	set_milli(a, audio, "true_peak_mdbtp", file->whole.true_peak_dbtp);
	json_set(a, audio, "sides", sides_json(a, t, file));
	json_set(a, audio, "segments", segments_json(a, t, file->rate));
	if (!w->fields)
		w->fields = json_object(a);
	json_set(a, w->fields, "audio", audio);
}

static int process(struct work *w, struct err *e)
{
	CLEANUP(turns_release) struct turns t = {.w = w, .p = w->stage->params};
	CLEANUP(pass_release) struct pass file = {.bytes = BUF_INIT_MAX(FILE_BYTES_MAX)};
	const char *object = NULL;
	int code = turns_read(&t, e);
	if (!code)
		code = make_file(&t, &file, e);
	if (!code)
		code = work_object(w, buf_view(&file.bytes), &object, e);
	if (!code)
		write_audio(w, &t, &file, object);
	return code;
}

const struct stage_sound normalize_sound = {.name = "normalize", .process = process};
