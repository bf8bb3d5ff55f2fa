/* Sound files by FFmpeg. Decoding is given the bytes and nothing else: formats that name other files (playlists, segments) are not allowed,
 * nor any protocol, so that a hostile file reaches neither disk nor network. */
#include "io/av_parts.h"

#include "base/alloc.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/cpu.h>
#include <libavutil/ffversion.h>
#include <libswresample/swresample.h>
#include <string.h>

#define RATE_MIN 4000
#define RATE_MAX 192000
#define SAMPLES_MAX ((int64_t)3600 * 48000 * 2) /* of a sound that is held whole: an hour of stereo at 48 kHz */
#define WAV_UNKNOWN 0x7fff0000u
#define SPARED_FRAMES 2304 /* of a codec: its delay (MP3: 1105) and the padding of the last packet */
#define SPARED_MS 120
#define IO_BLOCK 65536
#define ROOM_FIRST 131072 /* frames: some seconds */
#define FORMATS "mp3,flac,wav,w64,aiff,au,ogg,matroska,webm,mov,mp4,m4a,aac,amr,amrnb,amrwb,caf"

/** FFmpeg's log: nothing is printed; what a decoder of ours warns of is counted where its `opaque` points. */
static void hear(void *from, int level, const char *format, va_list args)
{
	(void)format;
	(void)args;
	if (!from || level > AV_LOG_WARNING || *(const AVClass *const *)from != avcodec_get_class())
		return;
	int *warnings = ((AVCodecContext *)from)->opaque;
	if (warnings)
		++*warnings;
}

void sound_release(struct sound *s)
{
	free(s->samples);
	*s = (struct sound)SOUND_INIT;
}

void sound_resize(struct sound *s, int64_t frames)
{
	size_t ch = (size_t)s->channels;
	if (!s->samples) { /* zero pages of the kernel, not yet touched */
		s->samples = xcalloc((size_t)(frames ? frames : 1) * ch, sizeof *s->samples);
		s->frames = frames;
		return;
	}
	s->samples = xreallocarray(s->samples, (size_t)(frames ? frames : 1) * ch, sizeof *s->samples);
	if (frames > s->frames)
		memset(s->samples + (size_t)s->frames * ch, 0, (size_t)(frames - s->frames) * ch * sizeof *s->samples);
	s->frames = frames;
}

/* libsoxr takes sizes, kernels and precision of its work from the environment; each gives other bytes. */
static void forget_environment(void)
{
	static const char *const names[] = {"SOXR_USE_SIMD", "SOXR_USE_SIMD32", "SOXR_USE_SIMD64", "SOXR_MIN_DFT_SIZE",
		"SOXR_LARGE_DFT_SIZE", "SOXR_COEFS_SIZE", "SOXR_COEF_INTERP", "SOXR_NUM_THREADS", "SOXR_STRICT_BUF",
		"SOXR_NOSMALLINTOPT", "SOXR_TRACE"};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		unsetenv(names[i]);
}

void av_init(void)
{
	forget_environment();
	av_log_set_callback(hear);
#if defined(__x86_64__)
	/* what every x86-64 has; more would give other bytes on other machines */
	av_force_cpu_flags(AV_CPU_FLAG_MMX | AV_CPU_FLAG_MMXEXT | AV_CPU_FLAG_SSE | AV_CPU_FLAG_SSE2 | AV_CPU_FLAG_CMOV);
#else
	av_force_cpu_flags(0);
#endif
}

const char *av_versions(void)
{
	static char text[160];
	unsigned c = avcodec_version(), f = avformat_version(), r = swresample_version();
	if (!text[0])
		snprintf(text, sizeof text, "FFmpeg %.40s libavcodec %u.%u.%u libavformat %u.%u.%u libswresample %u.%u.%u",
			av_version_info(), AV_VERSION_MAJOR(c), AV_VERSION_MINOR(c), AV_VERSION_MICRO(c), AV_VERSION_MAJOR(f),
			AV_VERSION_MINOR(f), AV_VERSION_MICRO(f), AV_VERSION_MAJOR(r), AV_VERSION_MINOR(r), AV_VERSION_MICRO(r));
	return text;
}

int av_fail(struct err *e, int code, int av, const char *what)
{
	char words[AV_ERROR_MAX_STRING_SIZE] = "";
	if (av == AVERROR(ENOMEM)) /* mostly a header that claims gigabytes: it must not take the process with it */
		return err_set(e, ERR_TOOBIG, "%s: it asks for more memory than there is", what);
	av_strerror(av, words, sizeof words);
	return err_set(e, code, "%s: %s", what, words);
}

/* --- Bytes in memory as a file --- */

struct reader {
	struct str bytes;
	int64_t at;
};

static int reader_read(void *arg, uint8_t *to, int n)
{
	struct reader *r = arg;
	int64_t left = (int64_t)r->bytes.n - r->at;
	if (left <= 0)
		return AVERROR_EOF;
	if (n > left)
		n = (int)left;
	memcpy(to, r->bytes.p + r->at, (size_t)n);
	r->at += n;
	return n;
}

static int64_t seek_to(int64_t at, int64_t size, int64_t offset, int whence)
{
	switch (whence & ~AVSEEK_FORCE) {
	case SEEK_SET:
		return offset;
	case SEEK_CUR:
		return at + offset;
	case SEEK_END:
		return size + offset;
	default:
		return AVERROR(EINVAL);
	}
}

static int64_t reader_seek(void *arg, int64_t offset, int whence)
{
	struct reader *r = arg;
	if (whence & AVSEEK_SIZE)
		return (int64_t)r->bytes.n;
	int64_t to = seek_to(r->at, (int64_t)r->bytes.n, offset, whence);
	if (to < 0 || to > (int64_t)r->bytes.n)
		return AVERROR(EINVAL);
	return r->at = to;
}

static void io_free(AVIOContext **io)
{
	if (*io)
		av_freep(&(*io)->buffer);
	avio_context_free(io);
}

/* --- Decoding --- */

struct decoding {
	struct reader reader;
	AVIOContext *io;
	AVFormatContext *format;
	AVCodecContext *codec;
	AVPacket *packet;
	AVFrame *frame;
	int stream;
	const struct av_sink *sink;
	int channels, rate; /* of the first frame */
	int64_t frames;     /* so far */
	int bad;            /* packets that could not be decoded */
	int warnings;       /* of the decoder's log, and damaged frames */
	float *scratch;     /* planes of a frame that is not float */
	int scratch_frames;
};

static void decoding_release(struct decoding *d)
{
	av_frame_free(&d->frame);
	av_packet_free(&d->packet);
	avcodec_free_context(&d->codec);
	avformat_close_input(&d->format);
	io_free(&d->io);
	free(d->scratch);
}

static int open_format(struct decoding *d, struct err *e)
{
	d->io = avio_alloc_context(av_malloc(IO_BLOCK), IO_BLOCK, 0, &d->reader, reader_read, NULL, reader_seek);
	d->format = avformat_alloc_context();
	d->packet = av_packet_alloc();
	d->frame = av_frame_alloc();
	if (!d->io || !d->format || !d->packet || !d->frame)
		abort();
	d->format->pb = d->io;
	AVDictionary *opts = NULL;
	av_dict_set(&opts, "format_whitelist", FORMATS, 0);
	av_dict_set(&opts, "protocol_whitelist", "", 0);
	int r = avformat_open_input(&d->format, NULL, NULL, &opts);
	av_dict_free(&opts);
	if (r < 0)
		return av_fail(e, ERR_PARSE, r, "this is no sound file of a known kind");
	/* The headers of these say all that is needed; looking further would read and keep seconds of packets. */
	static const char *const plain[] = {"mp3", "flac", "wav"};
	bool known = false;
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		known |= strcmp(d->format->iformat->name, plain[i]) == 0;
	r = known ? 0 : avformat_find_stream_info(d->format, NULL);
	if (r < 0)
		return av_fail(e, ERR_PARSE, r, "broken sound file");
	d->stream =
		known && d->format->nb_streams == 1 ? 0 : av_find_best_stream(d->format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
	if (d->stream < 0)
		return err_set(e, ERR_PARSE, "the file has no audio stream");
	return 0;
}

static int open_decoder(struct decoding *d, struct err *e)
{
	AVStream *stream = d->format->streams[d->stream];
	const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
	if (!codec)
		return err_set(e, ERR_PARSE, "there is no decoder for %s", avcodec_get_name(stream->codecpar->codec_id));
	d->codec = avcodec_alloc_context3(codec);
	if (!d->codec)
		abort();
	int r = avcodec_parameters_to_context(d->codec, stream->codecpar);
	d->codec->pkt_timebase = stream->time_base;
	d->codec->opaque = &d->warnings;
	d->codec->thread_count = 1;
	d->codec->flags |= AV_CODEC_FLAG_BITEXACT;
	d->codec->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK;
	if (r >= 0)
		r = avcodec_open2(d->codec, codec, NULL);
	return r < 0 ? av_fail(e, ERR_PARSE, r, "the decoder refuses the file") : 0;
}

/** One channel of a frame as floats, `step` samples apart in the source. Integers are scaled by a power of two, so that FLAC goes through unchanged. */
static void to_float(const uint8_t *from, enum AVSampleFormat packed, int step, int n, float *to)
{
	const void *v = from;
	switch (packed) {
	case AV_SAMPLE_FMT_U8:
		for (int i = 0; i < n; i++)
			to[i] = (float)(from[i * step] - 128) / 128.0f;
		break;
	case AV_SAMPLE_FMT_S16:
		for (int i = 0; i < n; i++)
			to[i] = (float)((const int16_t *)v)[i * step] / 32768.0f;
		break;
	case AV_SAMPLE_FMT_S32:
		for (int i = 0; i < n; i++)
			to[i] = (float)((double)((const int32_t *)v)[i * step] / 2147483648.0);
		break;
	case AV_SAMPLE_FMT_S64:
		for (int i = 0; i < n; i++)
			to[i] = (float)((double)((const int64_t *)v)[i * step] / 9223372036854775808.0);
		break;
	case AV_SAMPLE_FMT_FLT:
		for (int i = 0; i < n; i++)
			to[i] = ((const float *)v)[i * step];
		break;
	default:
		for (int i = 0; i < n; i++)
			to[i] = (float)((const double *)v)[i * step];
	}
}

/** The planes of a frame: its own where they are float already, else made in d->scratch. */
static void planes_of(struct decoding *d, const AVFrame *f, const float *planes[AV_CHANNELS_MAX])
{
	enum AVSampleFormat format = (enum AVSampleFormat)f->format, packed = av_get_packed_sample_fmt(format);
	int channels = f->ch_layout.nb_channels, bytes = av_get_bytes_per_sample(format), n = f->nb_samples;
	bool planar = av_sample_fmt_is_planar(format) != 0;
	if (packed == AV_SAMPLE_FMT_FLT && (planar || channels == 1)) {
		for (int ch = 0; ch < channels; ch++)
			planes[ch] = (const float *)(const void *)f->extended_data[ch];
		return;
	}
	if (n > d->scratch_frames) {
		d->scratch = xreallocarray(d->scratch, (size_t)n * AV_CHANNELS_MAX, sizeof *d->scratch);
		d->scratch_frames = n;
	}
	for (int ch = 0; ch < channels; ch++) {
		const uint8_t *from = planar ? f->extended_data[ch] : f->extended_data[0] + (size_t)ch * (size_t)bytes;
		float *to = d->scratch + (size_t)ch * (size_t)n;
		to_float(from, packed, planar ? 1 : channels, n, to);
		planes[ch] = to;
	}
}

static bool is_pcm(const struct decoding *d)
{
	enum AVCodecID id = d->codec->codec_id;
	return id >= AV_CODEC_ID_FIRST_AUDIO && id < AV_CODEC_ID_ADPCM_IMA_QT;
}

/** Files of floats hold what their maker's arithmetic gave: a speech model that overflows gives NaN, which no level and no loudness is over. Decoders of
 * damaged files may make such, too. */
static bool is_finite(const struct av_block *b)
{
	float sum[4] = {
		0}; /* NaN and infinity times 0 are NaN, and so is each sum with it; four, for one would wait for itself */
	for (int ch = 0; ch < b->channels; ch++) {
		int64_t i = 0;
		for (; i + 4 <= b->frames; i += 4)
			for (int k = 0; k < 4; k++)
				sum[k] += b->planes[ch][i + k] * 0.0f;
		for (; i < b->frames; i++)
			sum[0] += b->planes[ch][i] * 0.0f;
	}
	return sum[0] + sum[1] + sum[2] + sum[3] == 0;
}

static int take_frame(struct decoding *d, struct err *e)
{
	const AVFrame *f = d->frame;
	int channels = f->ch_layout.nb_channels;
	if (!d->rate) {
		if (channels < 1 || channels > AV_CHANNELS_MAX || f->sample_rate < RATE_MIN || f->sample_rate > RATE_MAX)
			return err_set(e, ERR_PARSE, "%d channels at %d Hz: not taken (1-%d, %d-%d Hz)", channels, f->sample_rate,
				AV_CHANNELS_MAX, RATE_MIN, RATE_MAX);
		d->rate = f->sample_rate;
		d->channels = channels;
	}
	if (channels != d->channels || f->sample_rate != d->rate)
		return err_set(e, ERR_PARSE, "channels or sample rate change inside the file");
	d->frames += f->nb_samples;
	if (d->frames > (int64_t)AV_SECONDS_MAX * d->rate)
		return err_set(e, ERR_TOOBIG, "longer than %d s of sound", AV_SECONDS_MAX);
	const float *planes[AV_CHANNELS_MAX] = {NULL};
	planes_of(d, f, planes);
	struct av_block b = {.planes = planes, .channels = channels, .rate = d->rate, .frames = f->nb_samples};
	if (!is_finite(&b))
		return err_set(e, ERR_PARSE,
			"the sound holds samples that are no number (NaN, or infinite) at %lld ms or soon after",
			(long long)((d->frames - f->nb_samples) * 1000 / d->rate));
	return d->sink->take(d->sink->arg, &b, e);
}

/** One packet (NULL: the end) through the decoder. */
static int decode_packet(struct decoding *d, const AVPacket *packet, struct err *e)
{
	int r = avcodec_send_packet(d->codec, packet);
	if (r < 0 && r != AVERROR_EOF) {
		d->bad++;
		return 0;
	}
	for (;;) {
		r = avcodec_receive_frame(d->codec, d->frame);
		if (r == AVERROR(EAGAIN) || r == AVERROR_EOF)
			return 0;
		if (r < 0) {
			d->bad++;
			return 0;
		}
		d->warnings += d->frame->decode_error_flags || (d->frame->flags & AV_FRAME_FLAG_CORRUPT);
		int code = take_frame(d, e);
		av_frame_unref(d->frame);
		if (code)
			return code;
	}
}

static int decode_all(struct decoding *d, struct err *e)
{
	int r, code = 0;
	while (!code && (r = av_read_frame(d->format, d->packet)) >= 0) {
		if (d->packet->stream_index == d->stream)
			code = decode_packet(d, d->packet, e);
		av_packet_unref(d->packet);
	}
	if (code)
		return code;
	if (r != AVERROR_EOF)
		return av_fail(e, ERR_PARSE, r, "broken sound file");
	return decode_packet(d, NULL, e);
}

static uint32_t le(const char *p, int bytes)
{
	uint32_t v = 0;
	for (int i = 0; i < bytes; i++)
		v |= (uint32_t)(unsigned char)p[i] << (8 * i);
	return v;
}

/** Frames by the chunk "data" of a WAV, which FFmpeg takes for as long as the file is. Whoever writes while he speaks does not know the length and says
 * about the largest number there is, or 0: that says nothing. */
static int64_t wav_stated(struct str b)
{
	uint32_t block = 0;
	for (size_t at = 12; at + 8 <= b.n;) {
		uint32_t size = le(b.p + at + 4, 4);
		if (memcmp(b.p + at, "data", 4) == 0)
			return block && size < WAV_UNKNOWN ? (int64_t)(size / block) : 0;
		if (memcmp(b.p + at, "fmt ", 4) == 0 && at + 22 <= b.n)
			block = le(b.p + at + 20, 2);
		at += 8 + (size_t)size + size % 2;
	}
	return 0;
}

/** Frames the header of the file says it has; 0 when it does not say, or when FFmpeg has only guessed from the bit rate. */
static int64_t frames_stated(const struct decoding *d)
{
	const AVStream *s = d->format->streams[d->stream];
	if (is_pcm(d) && strcmp(d->format->iformat->name, "wav") == 0)
		return wav_stated(d->reader.bytes);
	if (d->format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE || s->duration <= 0)
		return 0;
	return av_rescale_q(s->duration, s->time_base, (AVRational){1, d->rate});
}

/** By how much less may come: nothing where frames are counted one by one, else the codec's delay and a last packet. */
static int64_t frames_spared(const struct decoding *d)
{
	if (d->codec->codec_id == AV_CODEC_ID_FLAC || is_pcm(d))
		return 0;
	return SPARED_FRAMES + (int64_t)d->rate * SPARED_MS / 1000;
}

static int check_decoded(const struct decoding *d, struct err *e)
{
	if (d->frames == 0)
		return err_set(e, ERR_PARSE, "no sound could be decoded from the file");
	int64_t stated = frames_stated(d);
	if (d->frames < stated - frames_spared(d))
		return err_set(e, ERR_PARSE, "the sound file is cut short: its header says %lld ms, decoded are %lld ms",
			(long long)(stated * 1000 / d->rate), (long long)(d->frames * 1000 / d->rate));
	if (d->bad && !d->sink->warnings)
		return err_set(e, ERR_PARSE, "broken sound file: %d packets cannot be decoded", d->bad);
	return 0;
}

int av_decode_each(struct str bytes, const struct av_sink *sink, struct err *e)
{
	CLEANUP(decoding_release) struct decoding d = {.reader = {.bytes = bytes}, .sink = sink};
	int code = open_format(&d, e);
	if (!code)
		code = open_decoder(&d, e);
	if (!code)
		code = decode_all(&d, e);
	if (!code)
		code = check_decoded(&d, e);
	if (!code && sink->warnings)
		*sink->warnings = d.warnings > d.bad ? d.warnings : d.bad; /* a bad packet is mostly warned of, too */
	return code;
}

/* --- Sounds that are held whole --- */

struct gathering {
	struct sound sound;
	int64_t room; /* frames that sound.samples can hold */
	bool mono;
	int seconds_max;
	int *warnings; /* as in av_sink */
};

static void gathering_release(struct gathering *g)
{
	sound_release(&g->sound);
}

static int gather_block(void *arg, const struct av_block *b, struct err *e)
{
	struct gathering *g = arg;
	struct sound *s = &g->sound;
	int channels = s->channels = g->mono ? 1 : b->channels;
	int64_t frames = s->frames + b->frames;
	s->rate = b->rate;
	if (frames > (int64_t)g->seconds_max * s->rate)
		return err_set(e, ERR_TOOBIG, "longer than %d s of sound", g->seconds_max);
	if (frames * channels > SAMPLES_MAX)
		return err_set(e, ERR_TOOBIG, "more than %lld samples of sound", (long long)SAMPLES_MAX);
	if (frames > g->room || !s->samples) {
		g->room = s->samples ? frames + frames / 2 : frames + ROOM_FIRST;
		s->samples = xreallocarray(s->samples, (size_t)(g->room * channels), sizeof *s->samples);
	}
	float *to = s->samples + s->frames * channels;
	for (int ch = 0; ch < b->channels; ch++) {
		const float *from = b->planes[ch];
		if (!g->mono)
			for (int64_t i = 0; i < b->frames; i++)
				to[i * channels + ch] = from[i];
		else if (ch == 0)
			memcpy(to, from, (size_t)b->frames * sizeof *to);
		else
			for (int64_t i = 0; i < b->frames; i++)
				to[i] += from[i];
	}
	for (int64_t i = 0; g->mono && b->channels > 1 && i < b->frames; i++)
		to[i] /= (float)b->channels;
	s->frames = frames;
	return 0;
}

static int decode_whole(struct str bytes, struct gathering *g, struct sound *ret, struct err *e)
{
	struct av_sink sink = {.take = gather_block, .arg = g, .warnings = g->warnings};
	int code = av_decode_each(bytes, &sink, e);
	if (code)
		return code;
	*ret = g->sound;
	g->sound = (struct sound)SOUND_INIT;
	return 0;
}

int av_decode(struct str bytes, struct sound *ret, struct err *e)
{
	CLEANUP(gathering_release) struct gathering g = {.seconds_max = AV_SECONDS_MAX};
	return decode_whole(bytes, &g, ret, e);
}

int av_decode_told(struct str bytes, struct sound *ret, int *ret_warnings, struct err *e)
{
	CLEANUP(gathering_release) struct gathering g = {.seconds_max = AV_SECONDS_MAX, .warnings = ret_warnings};
	return decode_whole(bytes, &g, ret, e);
}

int av_decode_mono(struct str bytes, int seconds_max, struct sound *ret, struct err *e)
{
	CLEANUP(gathering_release) struct gathering g = {.mono = true, .seconds_max = seconds_max};
	return decode_whole(bytes, &g, ret, e);
}
