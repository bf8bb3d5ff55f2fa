/* Writing sound files by FFmpeg, piece by piece, into a buffer. */
#include "io/av_parts.h"

#include "base/alloc.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <string.h>

#define IO_BLOCK 65536
#define CHANNELS 2
#define STEP 4096 /* frames at a time where the encoder takes any number */
/* Channel mapping families of Ogg Opus (RFC 7845, 5.1.1), and where OpusHead names one. */
#define OPUS_FAMILY_AT 18
#define OPUS_SURROUND 1   /* one to eight channels; two are left and right */
#define OPUS_DISCRETE 255 /* channels of no meaning: players should refuse such a file, and do */

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
	int64_t size = (int64_t)(f->b->len - f->start), to;
	if (whence & AVSEEK_SIZE)
		return size;
	switch (whence & ~AVSEEK_FORCE) {
	case SEEK_SET:
		to = offset;
		break;
	case SEEK_CUR:
		to = f->at + offset;
		break;
	default:
		to = size + offset;
	}
	if (to < 0 || to > size)
		return AVERROR(EINVAL);
	return f->at = to;
}

struct av_encoder {
	struct av_file how;
	struct filer filer;
	AVIOContext *io;
	AVFormatContext *format;
	AVStream *stream;
	AVCodecContext *codec;
	AVPacket *packet;
	AVFrame *frame;
	int step;       /* frames that the encoder takes at a time */
	float *pending; /* a plane of `step` a channel */
	int npending;
	int64_t at; /* frames handed to the encoder */
};

static const struct {
	const char *encoder, *muxer;
	enum AVSampleFormat sample;
} kinds[] = {
	[AV_KIND_MP3] = {"libmp3lame", "mp3", AV_SAMPLE_FMT_FLTP},
	[AV_KIND_FLAC] = {"flac", "flac", AV_SAMPLE_FMT_S16},
	[AV_KIND_OPUS] = {"libopus", "ogg", AV_SAMPLE_FMT_FLT},
	[AV_KIND_WAV] = {"pcm_s16le", "wav", AV_SAMPLE_FMT_S16},
};

void av_encoder_free(struct av_encoder **p)
{
	struct av_encoder *x = *p;
	if (!x)
		return;
	av_frame_free(&x->frame);
	av_packet_free(&x->packet);
	avcodec_free_context(&x->codec);
	avformat_free_context(x->format);
	if (x->io)
		av_freep(&x->io->buffer);
	avio_context_free(&x->io);
	free(x->pending);
	free(x);
	*p = NULL;
}

static int open_codec(struct av_encoder *x, struct err *e)
{
	const char *name = kinds[x->how.kind].encoder;
	const AVCodec *codec = avcodec_find_encoder_by_name(name);
	if (!codec)
		return err_set(e, ERR_CONFIG, "this FFmpeg has no encoder %s: install the libavcodec of Debian", name);
	x->codec = avcodec_alloc_context3(codec);
	if (!x->codec)
		abort();
	x->codec->sample_rate = x->how.rate;
	x->codec->sample_fmt = kinds[x->how.kind].sample;
	x->codec->time_base = (AVRational){1, x->how.rate};
	x->codec->thread_count = 1;
	x->codec->bit_rate = (int64_t)x->how.kbps * 1000;
	x->codec->flags |= AV_CODEC_FLAG_BITEXACT;
	if (x->format->oformat->flags & AVFMT_GLOBALHEADER)
		x->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	av_channel_layout_default(&x->codec->ch_layout, x->how.channels);
	AVDictionary *opts = NULL;
	/* Two speakers on two channels: whatever codes them together would leak one into the other. */
	if (x->how.kind == AV_KIND_MP3)
		av_dict_set(&opts, "joint_stereo", "0", 0);
	if (x->how.kind == AV_KIND_OPUS && x->how.channels > 1)
		av_dict_set(&opts, "mapping_family", "255", 0);
	int r = avcodec_open2(x->codec, codec, &opts);
	av_dict_free(&opts);
	return r < 0 ? av_fail(e, ERR_CONFIG, r, "the encoder refuses these settings (sample rate, channels, kbit/s)") : 0;
}

static int open_muxer(struct av_encoder *x, struct err *e)
{
	x->io = avio_alloc_context(av_malloc(IO_BLOCK), IO_BLOCK, 1, &x->filer, NULL, filer_write, filer_seek);
	x->packet = av_packet_alloc();
	x->frame = av_frame_alloc();
	int r = avformat_alloc_output_context2(&x->format, NULL, kinds[x->how.kind].muxer, NULL);
	if (!x->io || !x->packet || !x->frame)
		abort();
	if (r < 0)
		return av_fail(e, ERR_CONFIG, r, "this FFmpeg cannot write such files");
	x->format->pb = x->io;
	x->format->flags |= AVFMT_FLAG_BITEXACT;
	x->stream = avformat_new_stream(x->format, NULL);
	if (!x->stream)
		abort();
	return 0;
}

/* libopus codes channels apart in the discrete family alone. The same streams, one a channel, may stand in the surround family, whose channels have names: there
 * the file says itself how many of its streams are coupled, here none. */
static void name_opus_channels(AVCodecParameters *p)
{
	if (p->extradata_size > OPUS_FAMILY_AT && p->extradata[OPUS_FAMILY_AT] == OPUS_DISCRETE)
		p->extradata[OPUS_FAMILY_AT] = OPUS_SURROUND;
}

static int begin_file(struct av_encoder *x, struct err *e)
{
	x->stream->time_base = x->codec->time_base;
	int r = avcodec_parameters_from_context(x->stream->codecpar, x->codec);
	if (r >= 0 && x->how.kind == AV_KIND_OPUS)
		name_opus_channels(x->stream->codecpar);
	AVDictionary *opts = NULL;
	if (x->how.kind == AV_KIND_MP3) {
		av_dict_set(&opts, "id3v2_version", "0", 0);
		av_dict_set(&opts, "write_xing", "1", 0); /* states delay and padding, so that players and we get the exact length */
	}
	if (r >= 0)
		r = avformat_write_header(x->format, &opts);
	av_dict_free(&opts);
	return r < 0 ? av_fail(e, ERR_DATA, r, "cannot begin the sound file") : 0;
}

int av_encoder_open(const struct av_file *how, struct buf *to, struct av_encoder **ret, struct err *e)
{
	if (how->channels < 1 || how->channels > CHANNELS)
		return err_set(e, ERR_CONFIG, "files of %d channels are not written", how->channels);
	CLEANUP(av_encoder_free) struct av_encoder *x = xcalloc(1, sizeof *x);
	x->how = *how;
	x->filer = (struct filer){.b = to, .start = to->len};
	int code = open_muxer(x, e);
	if (!code)
		code = open_codec(x, e);
	if (!code)
		code = begin_file(x, e);
	if (code)
		return code;
	x->step = x->codec->frame_size > 0 ? x->codec->frame_size : STEP;
	x->pending = xcalloc((size_t)x->step * CHANNELS, sizeof *x->pending);
	*ret = TAKE(x);
	return 0;
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

/** The encoder's frame, with room for `n` frames; its memory is used again when the encoder has let go of it. */
static int prepare_frame(struct av_encoder *x, int n)
{
	AVFrame *f = x->frame;
	int r = 0;
	if (f->nb_samples != n || !f->buf[0]) {
		av_frame_unref(f);
		f->nb_samples = n;
		f->format = x->codec->sample_fmt;
		f->sample_rate = x->how.rate;
		r = av_channel_layout_copy(&f->ch_layout, &x->codec->ch_layout);
		if (r >= 0)
			r = av_frame_get_buffer(f, 0);
	} else {
		r = av_frame_make_writable(f);
	}
	f->pts = x->at;
	return r;
}

static int fill_frame(struct av_encoder *x, const float *const *planes, int n)
{
	int r = prepare_frame(x, n), channels = x->how.channels;
	if (r < 0)
		return r;
	for (int ch = 0; ch < channels; ch++) {
		const float *from = planes[ch];
		void *to = x->codec->sample_fmt == AV_SAMPLE_FMT_FLTP ? x->frame->extended_data[ch] : x->frame->data[0];
		if (x->codec->sample_fmt == AV_SAMPLE_FMT_FLTP)
			memcpy(to, from, (size_t)n * sizeof *from);
		else if (x->codec->sample_fmt == AV_SAMPLE_FMT_FLT)
			for (int i = 0; i < n; i++)
				((float *)to)[i * channels + ch] = from[i];
		else
			for (int i = 0; i < n; i++)
				((int16_t *)to)[i * channels + ch] = to_s16(from[i]);
	}
	return 0;
}

/** `frame` NULL: the end. */
static int encode_frame(struct av_encoder *x, const AVFrame *frame)
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

static int check_written(const struct av_encoder *x, int r, struct err *e)
{
	if (buf_error(x->filer.b))
		return err_set(e, ERR_TOOBIG, "the encoded sound is larger than its buffer may be (%zu bytes)", x->filer.b->max);
	return r < 0 ? av_fail(e, ERR_DATA, r, "encoding failed") : 0;
}

static int encode_planes(struct av_encoder *x, const float *const *planes, int n)
{
	int r = fill_frame(x, planes, n);
	if (r >= 0)
		r = encode_frame(x, x->frame);
	x->at += n;
	return r;
}

static int encode_pending(struct av_encoder *x)
{
	const float *planes[CHANNELS] = {x->pending, x->pending + x->step};
	int n = x->npending;
	x->npending = 0;
	return n ? encode_planes(x, planes, n) : 0;
}

int av_encoder_add(struct av_encoder *x, const float *const *planes, int64_t frames, struct err *e)
{
	int r = 0;
	if (x->at + x->npending + frames > (int64_t)AV_SECONDS_MAX * x->how.rate)
		return err_set(e, ERR_TOOBIG, "a sound of more than %d s is not encoded", AV_SECONDS_MAX);
	for (int64_t at = 0; at < frames && r >= 0;) {
		int64_t n = frames - at < x->step - x->npending ? frames - at : x->step - x->npending;
		const float *from[CHANNELS] = {planes[0] + at, x->how.channels > 1 ? planes[1] + at : NULL};
		if (n == x->step) { /* nothing pending: without a copy */
			r = encode_planes(x, from, (int)n);
		} else {
			for (int ch = 0; ch < x->how.channels; ch++)
				memcpy(x->pending + ch * x->step + x->npending, from[ch], (size_t)n * sizeof(float));
			x->npending += (int)n;
			if (x->npending == x->step)
				r = encode_pending(x);
		}
		at += n;
	}
	return check_written(x, r, e);
}

int av_encoder_finish(struct av_encoder *x, struct err *e)
{
	if (x->at + x->npending == 0)
		return err_set(e, ERR_DATA, "a sound of no frames is not encoded");
	int r = encode_pending(x);
	if (r >= 0)
		r = encode_frame(x, NULL);
	if (r >= 0)
		r = av_write_trailer(x->format);
	avio_flush(x->io);
	return check_written(x, r, e);
}

static int encode_whole(const struct av_file *how, const struct sound *in, struct buf *ret, struct err *e)
{
	CLEANUP(av_encoder_free) struct av_encoder *x = NULL;
	CLEANUP(free_ptr) float *scratch = xcalloc((size_t)STEP * CHANNELS, sizeof *scratch);
	const float *planes[CHANNELS] = {scratch, scratch + STEP};
	int code = av_encoder_open(how, ret, &x, e);
	for (int64_t at = 0; !code && at < in->frames; at += STEP) {
		int64_t n = in->frames - at < STEP ? in->frames - at : STEP;
		for (int ch = 0; ch < in->channels; ch++)
			for (int64_t i = 0; i < n; i++)
				scratch[ch * STEP + i] = in->samples[(at + i) * in->channels + ch];
		code = av_encoder_add(x, planes, n, e);
	}
	return code ? code : av_encoder_finish(x, e);
}

int av_encode_mp3(const struct sound *in, int kbps, struct buf *ret, struct err *e)
{
	struct av_file how = {.kind = AV_KIND_MP3, .rate = in->rate, .channels = in->channels, .kbps = kbps};
	return encode_whole(&how, in, ret, e);
}

int av_encode_flac(const struct sound *in, struct buf *ret, struct err *e)
{
	struct av_file how = {.kind = AV_KIND_FLAC, .rate = in->rate, .channels = in->channels};
	return encode_whole(&how, in, ret, e);
}

int av_encode_opus(const struct sound *in, int kbps, struct buf *ret, struct err *e)
{
	struct av_file how = {.kind = AV_KIND_OPUS, .rate = in->rate, .channels = in->channels, .kbps = kbps};
	return encode_whole(&how, in, ret, e);
}
