/* qa: rules over the sound of a call, with its acoustic description, or over its annotation. */
#include "stages/qa/qa.h"

#include "base/alloc.h"

#include <stddef.h>

#define AT(field) offsetof(struct qa_params, field)
#define NUMBER(kind, option, field, low, high, value, u, words) \
	{ \
		.name = #option, .type = kind, .offset = AT(field), .flags = OPTION_SHAPES, .dflt = value, .min = low, \
		.max = high, .unit = u, .help = words \
	}
#define WHOLE(option, low, high, value, u, words) NUMBER(OPT_INT, option, option, low, high, value, u, words)
#define REAL(option, low, high, value, u, words) NUMBER(OPT_REAL, option, option, low, high, value, u, words)
/* Two options: one for the call, one for each of its turns. */
#define BOTH(kind, option, turns, field, low, high, of_call, of_turn, u, words) \
	NUMBER(kind, option, call.field, low, high, of_call, u, "audio: " words), \
		NUMBER(kind, turns, turn.field, low, high, of_turn, u, "audio: the same of each turn.")

/* The same with the defaults of preset teleantifraud2: as published, in the unit of the option, to 0.0001 dB. */
#define PUBLISHED(kind, option, field, low, high, value, published, u, words) \
	{ \
		.name = #option, .type = kind, .offset = AT(field), .flags = OPTION_SHAPES, .dflt = value, .min = low, \
		.max = high, .unit = u, .help = words, .presets = (const char *const[]) \
		{ \
			NULL, published \
		} \
	}
#define BOTH_PUBLISHED(kind, option, turns, field, low, high, of_call, of_turn, published, u, words) \
	PUBLISHED(kind, option, call.field, low, high, of_call, published, u, "audio: " words), \
		PUBLISHED(kind, turns, turn.field, low, high, of_turn, published, u, "audio: the same of each turn.")
#define RMS_LOWEST "-40.7666"  /* 20 lg(300 / 32768) */
#define RMS_HIGHEST "-5.20354" /* 20 lg(18000 / 32768) */
#define CREST_LOWEST "13.9794" /* 20 lg(5) */

static const char *const rules[] = {"audio", "annotations", NULL};
static const char *const actions[] = {"reject", "mark", NULL};
static const char *const presets[] = {"own", "teleantifraud2", NULL};

static const struct option options[] = {
	{.name = "rules",
		.type = OPT_CHOICE,
		.offset = AT(rules),
		.flags = OPTION_SHAPES | OPTION_REQUIRED,
		.choices = rules,
		.help = "audio: decode the call's file, measure it, describe it acoustically (acoustics). annotations: check "
				"what annotate wrote; reads "
				"annotations, label and turns.text, writes the verdict only."},
	{.name = "action",
		.type = OPT_CHOICE,
		.offset = AT(action),
		.flags = OPTION_SHAPES,
		.dflt = "reject",
		.choices = actions,
		.help = "reject: a call with findings ends here. mark: its findings stay with it and it goes on; only a sound "
				"that cannot be decoded is still rejected."},
	{.name = "preset",
		.type = OPT_CHOICE,
		.offset = AT(preset),
		.flags = OPTION_SHAPES | OPTION_PRESET,
		.dflt = "own",
		.choices = presets,
		.help = "audio: whose limits hold for near-silence, RMS, clipped samples, crest factor, zero crossings and "
				"high frequencies where none is written. teleantifraud2: those that TeleAntiFraud 2.0 publishes, with "
				"its gates noise and electric_noise. A limit that is written holds with either."},
	WHOLE(max_decoder_warnings, 0, 1000000, "0", "warnings",
		"audio: more complaints of the decoder (damaged packets among them) are decoder_warnings."),
	WHOLE(duration_tolerance_ms, 0, 60000, "50", "ms",
		"audio: a decoded file that is longer or shorter than audio.duration_ms by more is declared_duration."),
	BOTH(OPT_INT, max_silence_percent, max_turn_silence_percent, max_silence_percent, 0, 100, "60", "60", "percent",
		"a larger part of the call in which nobody speaks is silence_share."),
	WHOLE(max_gap_ms, 0, 3600000, "5000", "ms", "audio: a longer time in which nobody speaks is long_silence."),
	BOTH_PUBLISHED(OPT_REAL, near_silence_max, turn_near_silence_max, near_silence_max, 0, 100, "75", "75", "75",
		"percent",
		"a larger share of samples below -50 dBFS is near_silence. A call's is that of both channels together."),
	BOTH_PUBLISHED(OPT_INT, max_clipped_ppm, max_turn_clipped_ppm, max_clipped_ppm, 0, 1000000, "20", "100", "80000",
		"ppm", "more samples at full scale (from 32,700 of 32,768 on), per million, are clipping."),
	WHOLE(max_clipped_run, 0, 1000000, "3", "samples",
		"audio: more samples of a channel at full scale in a row are clipping, with any preset."),
	BOTH_PUBLISHED(OPT_REAL, rms_min, turn_rms_min, rms_min, -100, 0, "-45", "-50", RMS_LOWEST, "dBFS",
		"a lower RMS of the samples is rms."),
	BOTH_PUBLISHED(
		OPT_REAL, rms_max, turn_rms_max, rms_max, -100, 0, "-9", "-6", RMS_HIGHEST, "dBFS", "a higher one is rms."),
	BOTH_PUBLISHED(OPT_REAL, crest_min, turn_crest_min, crest_min, 0, 60, "9", "6", CREST_LOWEST,
		"dB", "a peak that is less over the RMS is crest_factor: distortion, or a tone. With teleantifraud2 turns are asked from 2 s on."),
	BOTH_PUBLISHED(OPT_REAL, zero_crossing_max, turn_zero_crossing_max, zero_crossing_max, 0, 100, "35", "40", "48",
		"percent", "a larger share of samples that have another sign than the one before is zero_crossing: noise."),
	BOTH_PUBLISHED(OPT_REAL, high_frequency_max, turn_high_frequency_max, high_frequency_max, 0, 200, "120", "140",
		"180", "percent",
		"a larger sum of changes from sample to sample, as a share of the sum of magnitudes, is high_frequency: noise "
		"(white noise has 141, speech at 24 kHz about 30)."),
	WHOLE(max_leakage_db, -100, 100, "-25",
		"dB", "audio: a side that is heard louder than this on the other channel, beside its own, while it speaks alone is leakage."),
	WHOLE(max_overlap_percent, 0, 100, "20", "percent",
		"audio: segments of both sides that overlap in a larger part of the call are overlap."),
	WHOLE(max_talk_over_ms, 0, 3600000, "3000", "ms",
		"audio: a turn that begins earlier than this before the other side's has ended is talk_over."),
	NUMBER(OPT_REAL, turn_rate_min, turn.rate_min, 0, 100, "1.5", "syllables/s",
		"audio: fewer syllables of text a second of speech are too_slow; a second more than that is allowed a turn."),
	NUMBER(OPT_REAL, turn_rate_max, turn.rate_max, 0, 100, "10", "syllables/s",
		"audio: more are too_fast, as when the sound is cut off; 2 syllables more than that are allowed a turn."),
	NUMBER(OPT_REAL, side_rate_min, call.rate_min, 0, 100, "2", "syllables/s",
		"audio: the same for all turns of a side together, from 20 syllables on."),
	NUMBER(OPT_REAL, side_rate_max, call.rate_max, 0, 100, "9", "syllables/s",
		"audio: the same for all turns of a side together, from 20 syllables on."),
	BOTH(OPT_REAL, loudness_min, turn_loudness_min, loudness_min, -70, 0, "-26", "-38", "LUFS",
		"a lower integrated loudness (EBU R128) of the file, or of a side in it, is loudness."),
	BOTH(OPT_REAL, loudness_max, turn_loudness_max, loudness_max, -70, 0, "-20", "-12", "LUFS",
		"a higher one is loudness."),
	REAL(peak_max, -60, 6, "-1", "dBTP",
		"audio: a higher true peak is true_peak, told of the file and of the turns that have it."),
	WHOLE(min_thinking, 0, 100000, "20", "characters",
		"annotations: a shorter thinking of a round is thinking_short. Blanks do not count."),
	WHOLE(max_thinking, 1, 100000, "2000", "characters", "annotations: a longer one is thinking_long."),
	WHOLE(min_citations, 0, 100, "1", "citations",
		"annotations: a thinking that names fewer turns (第3轮 is the third) is no_citation. Words in 「」 must stand "
		"in the turn named before."),
	WHOLE(han_percent, 0, 100, "60", "percent",
		"annotations: a text with a smaller share of Chinese characters is non_chinese. A Latin word counts as two; "
		"quoted words do not count."),
	{.name = "leaks",
		.type = OPT_FILE,
		.offset = AT(leaks_file),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/stages/qa/leaks.yaml'",
		.help = "annotations: phrases that say the answer was given (leak), and control tokens (markup)."},
	{.name = "labels",
		.type = OPT_FILE,
		.offset = AT(labels_file),
		.flags = OPTION_SHAPES | OPTION_YAML,
		.dflt = "'@/schemas/labels.yaml'",
		.help = "annotations: the closed label sets."},
};

static void fields(const void *params, struct stage_fields *ret)
{
	const struct qa_params *p = params;
	if (p->rules == QA_AUDIO) {
		fields_read(ret, "audio.object", 0);
		fields_read(ret, "audio.duration_ms", 0);
		fields_read(ret, "audio.segments", 0);
		fields_read(ret, "turns.role", 0);
		fields_read(ret, "turns.text", 0);
		fields_write(ret, "acoustics", 0);
	} else {
		fields_read(ret, "annotations", 0);
		fields_read(ret, "label.is_fraud", 0);
		fields_read(ret, "label.fraud_type", FIELD_OPTIONAL);
		fields_read(ret, "label.scene", FIELD_OPTIONAL);
		fields_read(ret, "turns.text", 0);
	}
	fields_write(ret, "qa.@", 0);
}

static int check(const void *params, struct err *e)
{
	const struct qa_params *p = params;
	const struct {
		const char *low, *high;
		double min, max;
	} pairs[] = {{"turn_rate_min", "turn_rate_max", p->turn.rate_min, p->turn.rate_max},
		{"side_rate_min", "side_rate_max", p->call.rate_min, p->call.rate_max},
		{"rms_min", "rms_max", p->call.rms_min, p->call.rms_max},
		{"turn_rms_min", "turn_rms_max", p->turn.rms_min, p->turn.rms_max},
		{"loudness_min", "loudness_max", p->call.loudness_min, p->call.loudness_max},
		{"turn_loudness_min", "turn_loudness_max", p->turn.loudness_min, p->turn.loudness_max},
		{"min_thinking", "max_thinking", (double)p->min_thinking, (double)p->max_thinking}};
	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		if (pairs[i].min > pairs[i].max)
			return err_set(
				e, ERR_CONFIG, "%s (%g) is over %s (%g)", pairs[i].low, pairs[i].min, pairs[i].high, pairs[i].max);
	return 0;
}

static int init(struct stage *s, struct err *e)
{
	const struct qa_params *p = s->params;
	if (p->rules == QA_AUDIO)
		return 0;
	struct qa_state *st = ARENA_NEW(&s->arena, struct qa_state);
	const struct phrase_key keys[] = {{"leaks", &st->leaks}, {"markup", &st->markup}};
	int r = labels_load(&s->arena, p->labels_file.p, &st->labels, e);
	if (!r)
		r = phrases_load(&s->arena, p->leaks_file.p, keys, COUNT_OF(keys), e);
	if (!r)
		s->state = st;
	return r;
}

static const char *libraries(void)
{
	return "libavcodec " TAF_FFMPEG_VERSION "; libebur128 " TAF_EBUR128_VERSION;
}

#define LOUDNESS_MET 0.3 /* LU: how near normalize comes */

static double real_of(const struct json *with, const char *name)
{
	const struct json *v = json_get(with, name);
	return json_is(v, JSON_INT) ? (double)v->u.i : json_is(v, JSON_REAL) ? v->u.d : 0;
}

/* Two stages each with a limit of its own: whoever makes calls louder in the one has them all rejected by the other. */
static void doubts(const struct stage *s, const struct stage *upstream, const struct json *with, struct buf *ret)
{
	const struct qa_params *p = s->params;
	const char *then = p->action == QA_MARK ? "marks" : "rejects", *from = upstream->name;
	if (p->rules != QA_AUDIO || strcmp(upstream->ops->name, "normalize") != 0)
		return;
	double loudness = real_of(with, "loudness"), peak = real_of(with, "peak");
	if (loudness + LOUDNESS_MET > p->call.loudness_max)
		buf_printf(ret, "loudness of %s is %g LUFS, give or take %g: %s %s what is over its loudness_max of %g", from,
			loudness, LOUDNESS_MET, s->name, then, p->call.loudness_max);
	else if (loudness - LOUDNESS_MET < p->call.loudness_min)
		buf_printf(ret, "loudness of %s is %g LUFS, give or take %g: %s %s what is under its loudness_min of %g", from,
			loudness, LOUDNESS_MET, s->name, then, p->call.loudness_min);
	if (peak > p->peak_max)
		buf_printf(ret, "%speak of %s is %g dBTP: %s %s what is over its peak_max of %g", ret->len ? "; " : "", from,
			peak, s->name, then, p->peak_max);
}

const struct stage_ops stage_qa = {
	.name = "qa",
	.help = "Quality rules over the sound of a call, which it also describes (speech rate, pauses, pitch, loudness, "
			"overlap), or over its annotation.",
	.version = 4,
	.kind = STAGE_MAP,
	.exec = EXEC_SOUND,
	.params_size = sizeof(struct qa_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.doubts = doubts,
	.init = init,
	.libraries = libraries,
};
