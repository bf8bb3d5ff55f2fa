/* Sound files by FFmpeg. Decoding is given the bytes and nothing else: formats that name other files (playlists, segments) are not allowed,
 * nor any protocol, so that a hostile file reaches neither disk nor network. */
#include "io/av.h"

#include "base/alloc.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/cpu.h>
#include <libavutil/ffversion.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <string.h>

#define SECONDS_MAX 3600
#define CHANNELS_MAX 8
#define RATE_MIN 4000
#define RATE_MAX 192000
#define SAMPLES_MAX ((int64_t)SECONDS_MAX * 48000 * 2) /* all channels: an hour of stereo at 48 kHz */
#define IO_BLOCK 65536
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

void av_init(void)
{
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

static int fail(struct err *e, int code, int av, const char *what)
{
	char words[AV_ERROR_MAX_STRING_SIZE] = "";
	if (av == AVERROR(ENOMEM)) /* as base/alloc: running out of memory aborts */
		abort();
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

/* What a muxer writes: at the end of a buffer, and now and then back into its header. */
struct filer {
	struct buf *b;
	size_t start; /* where the file begins in it */
	int64_t at;
};

static int filer_write(void *arg, uint8_t *p, int n)
{
	struct filer *f = arg;
	size_t to = f->start + (size_t)f->at;
	size_t over = to < f->b->len ? f->b->len - to : 0;
	if (over > (size_t)n)
		over = (size_t)n;
	if (to > f->b->len)
		return AVERROR(EINVAL);
	memcpy(f->b->data + to, p, over);
	buf_add(f->b, p + over, (size_t)n - over);
	if (buf_error(f->b))
		return AVERROR(EFBIG);
	f->at += n;
	return n;
}

static int64_t filer_seek(void *arg, int64_t offset, int whence)
{
	struct filer *f = arg;
	int64_t size = (int64_t)(f->b->len - f->start);
	if (whence & AVSEEK_SIZE)
		return size;
	int64_t to = seek_to(f->at, size, offset, whence);
	if (to < 0 || to > size)
		return AVERROR(EINVAL);
	return f->at = to;
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
	struct sound sound;
	int64_t room; /* frames that sound.samples can hold */
	int64_t good; /* packets that gave sound */
	int bad;      /* packets that could not be decoded */
	int warnings; /* of the decoder's log, and damaged frames */
};

static void decoding_release(struct decoding *d)
{
	av_frame_free(&d->frame);
	av_packet_free(&d->packet);
	avcodec_free_context(&d->codec);
	avformat_close_input(&d->format);
	io_free(&d->io);
	sound_release(&d->sound);
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
		return fail(e, ERR_PARSE, r, "this is no sound file of a known kind");
	r = avformat_find_stream_info(d->format, NULL);
	if (r < 0)
		return fail(e, ERR_PARSE, r, "broken sound file");
	d->stream = av_find_best_stream(d->format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
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
	return r < 0 ? fail(e, ERR_PARSE, r, "the decoder refuses the file") : 0;
}

/* Float and interleaved, whatever the decoder gives. Integers are scaled by a power of two, so that FLAC goes through unchanged. */
static float sample_of(const AVFrame *f, enum AVSampleFormat packed, int64_t i, int ch)
{
	bool planar = av_sample_fmt_is_planar((enum AVSampleFormat)f->format) != 0;
	const uint8_t *plane = planar ? f->extended_data[ch] : f->extended_data[0];
	int64_t at = planar ? i : i * f->ch_layout.nb_channels + ch;
	switch (packed) {
	case AV_SAMPLE_FMT_U8:
		return (float)(plane[at] - 128) / 128.0f;
	case AV_SAMPLE_FMT_S16:
		return (float)((const int16_t *)(const void *)plane)[at] / 32768.0f;
	case AV_SAMPLE_FMT_S32:
		return (float)((double)((const int32_t *)(const void *)plane)[at] / 2147483648.0);
	case AV_SAMPLE_FMT_FLT:
		return ((const float *)(const void *)plane)[at];
	default:
		return (float)((const double *)(const void *)plane)[at];
	}
}

static void copy_frame(const AVFrame *f, float *to)
{
	enum AVSampleFormat packed = av_get_packed_sample_fmt((enum AVSampleFormat)f->format);
	int channels = f->ch_layout.nb_channels;
	if (f->format == AV_SAMPLE_FMT_FLTP) { /* MP3: the one that matters for speed */
		for (int ch = 0; ch < channels; ch++) {
			const float *plane = (const float *)(const void *)f->extended_data[ch];
			for (int i = 0; i < f->nb_samples; i++)
				to[i * channels + ch] = plane[i];
		}
		return;
	}
	for (int i = 0; i < f->nb_samples; i++)
		for (int ch = 0; ch < channels; ch++)
			*to++ = sample_of(f, packed, i, ch);
}

static int64_t frames_expected(const struct decoding *d)
{
	const AVStream *s = d->format->streams[d->stream];
	int64_t n = s->duration > 0 ? av_rescale_q(s->duration, s->time_base, (AVRational){1, d->sound.rate}) : 0;
	return n > 0 && n < (int64_t)SECONDS_MAX * d->sound.rate ? n : 0;
}

static int take_frame(struct decoding *d, struct err *e)
{
	const AVFrame *f = d->frame;
	struct sound *s = &d->sound;
	int channels = f->ch_layout.nb_channels;
	if (!s->rate) {
		if (channels < 1 || channels > CHANNELS_MAX || f->sample_rate < RATE_MIN || f->sample_rate > RATE_MAX)
			return err_set(e, ERR_PARSE, "%d channels at %d Hz: not taken (1-%d, %d-%d Hz)", channels, f->sample_rate,
				CHANNELS_MAX, RATE_MIN, RATE_MAX);
		s->rate = f->sample_rate;
		s->channels = channels;
		d->room = frames_expected(d);
	}
	if (channels != s->channels || f->sample_rate != s->rate)
		return err_set(e, ERR_PARSE, "channels or sample rate change inside the file");
	int64_t frames = s->frames + f->nb_samples;
	if (frames > (int64_t)SECONDS_MAX * s->rate || frames * channels > SAMPLES_MAX)
		return err_set(e, ERR_TOOBIG, "longer than %d s of sound", SECONDS_MAX);
	if (frames > d->room || !s->samples) {
		d->room = frames > d->room ? frames + frames / 2 : d->room;
		s->samples = xreallocarray(s->samples, (size_t)(d->room * channels), sizeof *s->samples);
	}
	copy_frame(f, s->samples + s->frames * channels);
	s->frames = frames;
	return 0;
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
		d->good++;
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
		return fail(e, ERR_PARSE, r, "broken sound file");
	return decode_packet(d, NULL, e);
}

/** Frames the file says it has; 0 when it does not say. */
static int64_t frames_stated(const struct decoding *d)
{
	const AVStream *s = d->format->streams[d->stream];
	enum AVCodecID id = s->codecpar->codec_id;
	return id == AV_CODEC_ID_FLAC || id == AV_CODEC_ID_PCM_S16LE ? frames_expected(d) : 0;
}

/** `ret_warnings` NULL: a bad packet is an error. */
static int decode(struct str bytes, struct sound *ret, int *ret_warnings, struct err *e)
{
	CLEANUP(decoding_release) struct decoding d = {.reader = {.bytes = bytes}};
	int code = open_format(&d, e);
	if (!code)
		code = open_decoder(&d, e);
	if (!code)
		code = decode_all(&d, e);
	if (code)
		return code;
	if (d.sound.frames == 0)
		return err_set(e, ERR_PARSE, "no sound could be decoded from the file");
	if (d.bad && !ret_warnings)
		return err_set(e, ERR_PARSE, "broken sound file: %d packets cannot be decoded", d.bad);
	if (d.sound.frames < frames_stated(&d))
		return err_set(e, ERR_PARSE, "the sound file is cut short: %lld of %lld frames", (long long)d.sound.frames,
			(long long)frames_stated(&d));
	if (ret_warnings)
		*ret_warnings = d.warnings > d.bad ? d.warnings : d.bad; /* a bad packet is mostly warned of, too */
	*ret = d.sound;
	d.sound = (struct sound)SOUND_INIT;
	return 0;
}

int av_decode(struct str bytes, struct sound *ret, struct err *e)
{
	return decode(bytes, ret, NULL, e);
}

int av_decode_told(struct str bytes, struct sound *ret, int *ret_warnings, struct err *e)
{
	return decode(bytes, ret, ret_warnings, e);
}

/* --- Resampling --- */

static void swr_release(struct SwrContext **swr)
{
	swr_free(swr);
}

int av_resample(const struct sound *in, int rate, struct sound *ret, struct err *e)
{
	if (in->channels < 1 || in->channels > CHANNELS_MAX || in->frames > INT32_MAX / 2)
		return err_set(e, ERR_TOOBIG, "sound of %d channels and %lld frames cannot be resampled", in->channels,
			(long long)in->frames);
	int64_t frames = av_rescale_rnd(in->frames, rate, in->rate, AV_ROUND_UP);
	if (frames > (int64_t)SECONDS_MAX * rate)
		return err_set(e, ERR_TOOBIG, "longer than %d s of sound", SECONDS_MAX);
	CLEANUP(sound_release) struct sound out = {.channels = in->channels, .rate = rate};
	sound_resize(&out, frames);
	CLEANUP(swr_release) struct SwrContext *swr = NULL;
	AVChannelLayout layout;
	av_channel_layout_default(&layout, in->channels);
	int r = swr_alloc_set_opts2(&swr, &layout, AV_SAMPLE_FMT_FLT, rate, &layout, AV_SAMPLE_FMT_FLT, in->rate, 0, NULL);
	if (r >= 0) {
		av_opt_set_int(swr, "filter_size", 32, 0);
		av_opt_set_int(swr, "exact_rational", 1, 0);
		av_opt_set_double(swr, "cutoff", 0.97, 0);
		r = swr_init(swr);
	}
	if (r < 0)
		return fail(e, ERR_DATA, r, "cannot resample");
	const uint8_t *from = (const uint8_t *)in->samples;
	uint8_t *to = (uint8_t *)out.samples;
	int done = swr_convert(swr, &to, (int)frames, &from, (int)in->frames);
	while (done >= 0 && done < frames) { /* what the filter holds back */
		uint8_t *rest = (uint8_t *)(out.samples + (int64_t)done * in->channels);
		int more = swr_convert(swr, &rest, (int)(frames - done), NULL, 0);
		if (more <= 0)
			break;
		done += more;
	}
	if (done < 0)
		return fail(e, ERR_DATA, done, "cannot resample");
	*ret = out;
	out = (struct sound)SOUND_INIT;
	return 0;
}

/* --- Encoding --- */

struct encoding {
	struct filer filer;
	AVIOContext *io;
	AVFormatContext *format;
	AVStream *stream;
	AVCodecContext *codec;
	AVPacket *packet;
	AVFrame *frame;
};

static void encoding_release(struct encoding *x)
{
	av_frame_free(&x->frame);
	av_packet_free(&x->packet);
	avcodec_free_context(&x->codec);
	avformat_free_context(x->format);
	io_free(&x->io);
}

struct encoder {
	const char *name, *muxer;
	enum AVSampleFormat sample;
	int kbps; /* 0: lossless */
};

static int open_encoder(struct encoding *x, const struct encoder *how, const struct sound *in, struct err *e)
{
	const AVCodec *codec = avcodec_find_encoder_by_name(how->name);
	if (!codec)
		return err_set(e, ERR_CONFIG, "this FFmpeg has no encoder %s: install the libavcodec of Debian", how->name);
	x->codec = avcodec_alloc_context3(codec);
	if (!x->codec)
		abort();
	x->codec->sample_rate = in->rate;
	x->codec->sample_fmt = how->sample;
	x->codec->time_base = (AVRational){1, in->rate};
	x->codec->thread_count = 1;
	x->codec->bit_rate = (int64_t)how->kbps * 1000;
	x->codec->flags |= AV_CODEC_FLAG_BITEXACT;
	if (x->format->oformat->flags & AVFMT_GLOBALHEADER)
		x->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	av_channel_layout_default(&x->codec->ch_layout, in->channels);
	AVDictionary *opts = NULL;
	if (how->kbps) /* two speakers on two channels: joint stereo would leak one into the other */
		av_dict_set(&opts, "joint_stereo", "0", 0);
	int r = avcodec_open2(x->codec, codec, &opts);
	av_dict_free(&opts);
	if (r < 0)
		return fail(e, ERR_CONFIG, r, "the encoder refuses these settings (sample rate, channels, kbit/s)");
	return 0;
}

static int open_muxer(struct encoding *x, const struct encoder *how, struct err *e)
{
	x->io = avio_alloc_context(av_malloc(IO_BLOCK), IO_BLOCK, 1, &x->filer, NULL, filer_write, filer_seek);
	x->packet = av_packet_alloc();
	x->frame = av_frame_alloc();
	int r = avformat_alloc_output_context2(&x->format, NULL, how->muxer, NULL);
	if (!x->io || !x->packet || !x->frame)
		abort();
	if (r < 0)
		return fail(e, ERR_CONFIG, r, "this FFmpeg cannot write such files");
	x->format->pb = x->io;
	x->format->flags |= AVFMT_FLAG_BITEXACT;
	x->stream = avformat_new_stream(x->format, NULL);
	if (!x->stream)
		abort();
	return 0;
}

static int begin_file(struct encoding *x, const struct encoder *how, struct err *e)
{
	x->stream->time_base = x->codec->time_base;
	int r = avcodec_parameters_from_context(x->stream->codecpar, x->codec);
	AVDictionary *opts = NULL;
	if (how->kbps) {
		av_dict_set(&opts, "id3v2_version", "0", 0);
		av_dict_set(&opts, "write_xing", "1", 0); /* states delay and padding, so that players and we get the exact length */
	}
	if (r >= 0)
		r = avformat_write_header(x->format, &opts);
	av_dict_free(&opts);
	return r < 0 ? fail(e, ERR_DATA, r, "cannot begin the sound file") : 0;
}

static int16_t to_s16(float v)
{
	float scaled = v * 32768.0f;
	if (scaled >= 32767.0f)
		return 32767;
	if (scaled <= -32768.0f)
		return -32768;
	return (int16_t)(scaled < 0 ? scaled - 0.5f : scaled + 0.5f);
}

/** Frames `at`… of `in` into the encoder's frame. */
static int fill_frame(struct encoding *x, const struct sound *in, int64_t at, int n)
{
	AVFrame *f = x->frame;
	av_frame_unref(f);
	f->nb_samples = n;
	f->format = x->codec->sample_fmt;
	f->sample_rate = in->rate;
	f->pts = at;
	int r = av_channel_layout_copy(&f->ch_layout, &x->codec->ch_layout);
	if (r >= 0)
		r = av_frame_get_buffer(f, 0);
	if (r < 0)
		return r;
	const float *from = in->samples + at * in->channels;
	if (f->format == AV_SAMPLE_FMT_S16) {
		int16_t *to = (int16_t *)(void *)f->data[0];
		for (int64_t i = 0; i < (int64_t)n * in->channels; i++)
			to[i] = to_s16(from[i]);
		return 0;
	}
	for (int ch = 0; ch < in->channels; ch++) {
		float *to = (float *)(void *)f->data[ch];
		for (int i = 0; i < n; i++)
			to[i] = from[i * in->channels + ch];
	}
	return 0;
}

/** `frame` NULL: the end. */
static int encode_frame(struct encoding *x, const AVFrame *frame)
{
	int r = avcodec_send_frame(x->codec, frame);
	while (r >= 0) {
		r = avcodec_receive_packet(x->codec, x->packet);
		if (r == AVERROR(EAGAIN) || r == AVERROR_EOF)
			return 0;
		if (r < 0)
			break;
		av_packet_rescale_ts(x->packet, x->codec->time_base, x->stream->time_base);
		r = av_interleaved_write_frame(x->format, x->packet);
	}
	return r;
}

static int encode(const struct encoder *how, const struct sound *in, struct buf *ret, struct err *e)
{
	if (in->frames <= 0 || in->frames > (int64_t)SECONDS_MAX * in->rate)
		return err_set(e, in->frames > 0 ? ERR_TOOBIG : ERR_DATA,
			"a sound of %lld frames is not encoded (1 frame to 1 hour)", (long long)in->frames);
	CLEANUP(encoding_release) struct encoding x = {.filer = {.b = ret, .start = ret->len}};
	int code = open_muxer(&x, how, e);
	if (!code)
		code = open_encoder(&x, how, in, e);
	if (!code)
		code = begin_file(&x, how, e);
	if (code)
		return code;
	int step = x.codec->frame_size > 0 ? x.codec->frame_size : 4096, r = 0;
	for (int64_t at = 0; at < in->frames && r >= 0; at += step) {
		r = fill_frame(&x, in, at, (int)(in->frames - at < step ? in->frames - at : step));
		if (r >= 0)
			r = encode_frame(&x, x.frame);
	}
	if (r >= 0)
		r = encode_frame(&x, NULL);
	if (r >= 0)
		r = av_write_trailer(x.format);
	avio_flush(x.io);
	if (buf_error(ret))
		return err_set(e, ERR_TOOBIG, "the encoded sound is larger than its buffer may be (%zu bytes)", ret->max);
	return r < 0 ? fail(e, ERR_DATA, r, "encoding failed") : 0;
}

int av_encode_mp3(const struct sound *in, int kbps, struct buf *ret, struct err *e)
{
	return encode(&(struct encoder){"libmp3lame", "mp3", AV_SAMPLE_FMT_FLTP, kbps}, in, ret, e);
}

int av_encode_flac(const struct sound *in, struct buf *ret, struct err *e)
{
	return encode(&(struct encoder){"flac", "flac", AV_SAMPLE_FMT_S16, 0}, in, ret, e);
}

int av_encode_opus(const struct sound *in, int kbps, struct buf *ret, struct err *e)
{
	return encode(&(struct encoder){"libopus", "ogg", AV_SAMPLE_FMT_S16, kbps}, in, ret, e);
}
