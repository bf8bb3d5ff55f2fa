/* normalize: the turns of a call become one stereo file of known loudness. The work is in normalize_sound.c, in the worker. */
#include "stages/normalize/normalize.h"

#include "base/alloc.h"

#include <stddef.h>
#include <string.h>

#ifndef TAF_FFMPEG_VERSION
#define TAF_FFMPEG_VERSION "unknown"
#endif
#ifndef TAF_SWRESAMPLE_VERSION
#define TAF_SWRESAMPLE_VERSION "unknown"
#endif
#ifndef TAF_EBUR128_VERSION
#define TAF_EBUR128_VERSION "unknown"
#endif
#ifndef TAF_LAME_VERSION
#define TAF_LAME_VERSION "unknown"
#endif
#ifndef TAF_OPUS_VERSION
#define TAF_OPUS_VERSION "unknown"
#endif
#ifndef TAF_SOXR_VERSION
#define TAF_SOXR_VERSION "none"
#endif

#define AT(field) offsetof(struct normalize_params, field)

/* In the order of enum av_kind, enum layout, enum line. */
static const char *const formats[] = {"mp3", "flac", "opus", "wav", NULL};
static const char *const layouts[] = {"stereo", "mono", NULL};
static const char *const lines[] = {"none", "pstn-a", "pstn-mu", NULL};

static const struct option options[] = {
	{.name = "format",
		.type = OPT_CHOICE,
		.offset = AT(format),
		.flags = OPTION_SHAPES,
		.dflt = "mp3",
		.choices = formats,
		.help = "What the file is: MP3 at a constant bit rate, FLAC or WAV (16 bit), or Opus in Ogg, which is decoded "
				"at 48000 Hz whatever sample_rate says. A release takes mp3 only."},
	{.name = "layout",
		.type = OPT_CHOICE,
		.offset = AT(layout),
		.flags = OPTION_SHAPES,
		.dflt = "stereo",
		.choices = layouts,
		.help = "stereo: the left side on the left channel, the right side on the right one. mono: both on one."},
	{.name = "sample_rate",
		.type = OPT_INT,
		.offset = AT(sample_rate),
		.flags = OPTION_SHAPES,
		.dflt = "24000",
		.min = 8000,
		.max = 48000,
		.unit = "Hz",
		.help = "Sample rate of the file: 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100 or 48000."},
	{.name = "bitrate",
		.type = OPT_INT,
		.offset = AT(bitrate),
		.flags = OPTION_SHAPES,
		.dflt = "64",
		.min = 16,
		.max = 320,
		.unit = "kbit/s",
		.help =
			"Bit rate of MP3 (constant; the rates that MP3 has at this sample rate) and Opus, all channels together."},
	{.name = "loudness",
		.type = OPT_REAL,
		.offset = AT(loudness),
		.flags = OPTION_SHAPES,
		.dflt = "-23",
		.min = -40,
		.max = -10,
		.unit = "LUFS",
		.help = "Integrated loudness (EBU R128) of each side: its channel of the decoded file, measured as a file of "
				"its own; "
				"met within 0.3 LU unless the peak forbids it."},
	{.name = "peak",
		.type = OPT_REAL,
		.offset = AT(peak),
		.flags = OPTION_SHAPES,
		.dflt = "-1",
		.min = -20,
		.max = 0,
		.unit = "dBTP",
		.help = "Ceiling of the true peak of the decoded file."},
	{.name = "pause_min_ms",
		.type = OPT_INT,
		.offset = AT(pause_min_ms),
		.flags = OPTION_SHAPES,
		.dflt = "250",
		.min = 0,
		.max = 10000,
		.unit = "ms",
		.help = "Shortest pause between two turns. Pauses are drawn between the shortest and the longest from a "
				"log-normal distribution: many short ones, few long ones."},
	{.name = "pause_max_ms",
		.type = OPT_INT,
		.offset = AT(pause_max_ms),
		.flags = OPTION_SHAPES,
		.dflt = "900",
		.min = 0,
		.max = 10000,
		.unit = "ms",
		.help = "Longest pause between two turns."},
	{.name = "elderly_percent",
		.type = OPT_INT,
		.offset = AT(elderly_percent),
		.flags = OPTION_SHAPES,
		.dflt = "130",
		.min = 100,
		.max = 300,
		.unit = "percent",
		.help = "How long people of 60 and more (profile.SIDE.age) take to answer, of the time that others take."},
	{.name = "lead_ms",
		.type = OPT_INT,
		.offset = AT(lead_ms),
		.flags = OPTION_SHAPES,
		.dflt = "300",
		.min = 0,
		.max = 10000,
		.unit = "ms",
		.help = "Silence before the first turn."},
	{.name = "tail_ms",
		.type = OPT_INT,
		.offset = AT(tail_ms),
		.flags = OPTION_SHAPES,
		.dflt = "300",
		.min = 0,
		.max = 10000,
		.unit = "ms",
		.help = "Silence after the last turn."},
	{.name = "trim_db",
		.type = OPT_REAL,
		.offset = AT(trim_db),
		.flags = OPTION_SHAPES,
		.dflt = "45",
		.min = 10,
		.max = 90,
		.unit = "dB",
		.help = "What is quieter than this below a turn's peak counts as silence at its ends and is cut."},
	{.name = "trim_before_ms",
		.type = OPT_INT,
		.offset = AT(trim_before_ms),
		.flags = OPTION_SHAPES,
		.dflt = "10",
		.min = 0,
		.max = 2000,
		.unit = "ms",
		.help = "How much of the silence before a turn's first sound is kept."},
	{.name = "trim_after_ms",
		.type = OPT_INT,
		.offset = AT(trim_after_ms),
		.flags = OPTION_SHAPES,
		.dflt = "40",
		.min = 0,
		.max = 2000,
		.unit = "ms",
		.help = "How much of the silence after a turn's last sound is kept."},
	{.name = "telephone_left",
		.type = OPT_CHOICE,
		.offset = AT(telephone[SIDE_LEFT]),
		.flags = OPTION_SHAPES,
		.dflt = "none",
		.choices = lines,
		.help =
			"What the left side is heard through: pstn-a and pstn-mu are a telephone line: 300-3400 Hz, line noise, "
			"G.711 A-law or mu-law at 8000 Hz, comfort noise in the pauses."},
	{.name = "telephone_right",
		.type = OPT_CHOICE,
		.offset = AT(telephone[SIDE_RIGHT]),
		.flags = OPTION_SHAPES,
		.dflt = "none",
		.choices = lines,
		.help = "The same for the right side."},
	{.name = "line_noise_db",
		.type = OPT_REAL,
		.offset = AT(line_noise_db),
		.flags = OPTION_SHAPES,
		.dflt = "38",
		.min = 0,
		.max = 90,
		.unit = "dB",
		.help = "How far below the voice the noise of a telephone line is; 0 for none."},
	{.name = "comfort_noise_db",
		.type = OPT_REAL,
		.offset = AT(comfort_noise_db),
		.flags = OPTION_SHAPES,
		.dflt = "45",
		.min = 0,
		.max = 90,
		.unit = "dB",
		.help =
			"How far below `loudness` the comfort noise in the pauses of a telephone line is, as RMS in dBFS (measured "
			"in LUFS it is some 2 LU more); 0 for none."},
};

static void fields(const void *params, struct stage_fields *ret)
{
	(void)params;
	fields_read(ret, "speech.turn", 0);
	fields_read(ret, "speech.object", 0);
	fields_read(ret, "turns.role", 0);
	fields_read(ret, "profile.left.age", FIELD_OPTIONAL);
	fields_read(ret, "profile.right.age", FIELD_OPTIONAL);
	fields_write(ret, "audio", 0);
}

static bool is_in(int64_t v, const int *list)
{
	for (; *list; list++)
		if (*list == v)
			return true;
	return false;
}

static int check_mp3(const struct normalize_params *p, struct err *e)
{
	/* MPEG-1 layer III for the three high rates, MPEG-2 for the next, "2.5" below */
	static const int high[] = {32000, 44100, 48000, 0}, middle[] = {16000, 22050, 24000, 0},
					 low[] = {8000, 11025, 12000, 0};
	static const int rates_1[] = {32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0};
	static const int rates_2[] = {16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0};
	static const int rates_25[] = {16, 24, 32, 40, 48, 56, 64, 0};
	const int *rates = is_in(p->sample_rate, high)     ? rates_1
					   : is_in(p->sample_rate, middle) ? rates_2
					   : is_in(p->sample_rate, low)    ? rates_25
													   : NULL;
	if (!rates)
		return err_set(e, ERR_CONFIG,
			"sample_rate: MP3 has no %lld Hz; one of 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000",
			(long long)p->sample_rate);
	if (!is_in(p->bitrate, rates))
		return err_set(e, ERR_CONFIG, "bitrate: MP3 has no %lld kbit/s at %lld Hz (%s)", (long long)p->bitrate,
			(long long)p->sample_rate,
			rates == rates_1   ? "32 40 48 56 64 80 96 112 128 160 192 224 256 320"
			: rates == rates_2 ? "16 24 32 40 48 56 64 80 96 112 128 144 160"
							   : "16 24 32 40 48 56 64");
	return 0;
}

static int check(const void *params, struct err *e)
{
	static const int opus[] = {8000, 12000, 16000, 24000, 48000, 0},
					 all[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 0};
	const struct normalize_params *p = params;
	bool is_mp3 = strcmp(formats[p->format], "mp3") == 0, is_opus = strcmp(formats[p->format], "opus") == 0;
	int code = is_mp3 ? check_mp3(p, e) : 0;
	if (code)
		return code;
	if (is_opus && !is_in(p->sample_rate, opus))
		return err_set(e, ERR_CONFIG, "sample_rate: Opus has no %lld Hz; one of 8000, 12000, 16000, 24000, 48000",
			(long long)p->sample_rate);
	if (!is_in(p->sample_rate, all))
		return err_set(e, ERR_CONFIG,
			"sample_rate: %lld Hz is none of 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000",
			(long long)p->sample_rate);
	if (p->pause_min_ms > p->pause_max_ms)
		return err_set(e, ERR_CONFIG, "pause_min_ms (%lld) is over pause_max_ms (%lld)", (long long)p->pause_min_ms,
			(long long)p->pause_max_ms);
	return 0;
}

static const char *libraries(void)
{
	return "libavcodec " TAF_FFMPEG_VERSION "; libswresample " TAF_SWRESAMPLE_VERSION "; libsoxr " TAF_SOXR_VERSION
		   "; libebur128 " TAF_EBUR128_VERSION "; libmp3lame " TAF_LAME_VERSION "; libopus " TAF_OPUS_VERSION;
}

const struct stage_ops stage_normalize = {
	.name = "normalize",
	.help = "Mixes the turns into one recording: left and right channel, pauses, equal loudness, telephone line, "
			"true-peak limit, "
			"timeline.",
	.version = 4,
	.kind = STAGE_MAP,
	.exec = EXEC_SOUND,
	.flags = STAGE_DRAWS,
	.params_size = sizeof(struct normalize_params),
	.options = options,
	.noptions = COUNT_OF(options),
	.fields = fields,
	.check = check,
	.libraries = libraries,
};
