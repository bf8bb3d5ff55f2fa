/* normalize: the turns of a call become one stereo file of known loudness. The work is in normalize_sound.c, in the worker. */
#include "stages/normalize/normalize.h"

#include "base/alloc.h"

#include <stddef.h>

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

#define AT(field) offsetof(struct normalize_params, field)

static const struct option options[] = {
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
		.help = "Constant bit rate of the MP3, both channels together; the rates that MP3 has at this sample rate."},
	{.name = "loudness",
		.type = OPT_REAL,
		.offset = AT(loudness),
		.flags = OPTION_SHAPES,
		.dflt = "-23",
		.min = -40,
		.max = -10,
		.unit = "LUFS",
		.help = "Integrated loudness (EBU R128) of the decoded file, met within 0.2 LU unless the peak forbids it."},
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
		.help = "Shortest pause between two turns; each is drawn between the shortest and the longest."},
	{.name = "pause_max_ms",
		.type = OPT_INT,
		.offset = AT(pause_max_ms),
		.flags = OPTION_SHAPES,
		.dflt = "900",
		.min = 0,
		.max = 10000,
		.unit = "ms",
		.help = "Longest pause between two turns."},
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
};

static void fields(const void *params, struct stage_fields *ret)
{
	(void)params;
	fields_read(ret, "speech.turn", 0);
	fields_read(ret, "speech.object", 0);
	fields_read(ret, "turns.role", 0);
	fields_write(ret, "audio", 0);
}

static bool is_in(int64_t v, const int *list)
{
	for (; *list; list++)
		if (*list == v)
			return true;
	return false;
}

static int check(const void *params, struct err *e)
{
	/* MPEG-1 layer III for the three high rates, MPEG-2 for the next, "2.5" below */
	static const int high[] = {32000, 44100, 48000, 0}, middle[] = {16000, 22050, 24000, 0},
					 low[] = {8000, 11025, 12000, 0};
	static const int rates_1[] = {32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0};
	static const int rates_2[] = {16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0};
	static const int rates_25[] = {16, 24, 32, 40, 48, 56, 64, 0};
	const struct normalize_params *p = params;
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
	if (p->pause_min_ms > p->pause_max_ms)
		return err_set(e, ERR_CONFIG, "pause_min_ms (%lld) is over pause_max_ms (%lld)", (long long)p->pause_min_ms,
			(long long)p->pause_max_ms);
	return 0;
}

static const char *libraries(void)
{
	return "libavcodec " TAF_FFMPEG_VERSION "; libswresample " TAF_SWRESAMPLE_VERSION
		   "; libebur128 " TAF_EBUR128_VERSION "; libmp3lame " TAF_LAME_VERSION;
}

const struct stage_ops stage_normalize = {
	.name = "normalize",
	.help =
		"Mixes the turns into one stereo MP3: left and right sides, pauses, equal loudness, true-peak limit, timeline.",
	.version = 1,
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
