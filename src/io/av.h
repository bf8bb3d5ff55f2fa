/* Sound files by FFmpeg (libavformat, libavcodec, libswresample), for the worker only. The only files that include libav* are av.c (decoding), av_encode.c
 * and av_resample.c. Samples are float, −1…1; interleaved in a `struct sound`, a plane a channel in a block. Memory is the caller's.
 * Limits: 12 hours a file, and 345 million samples for one that is held whole; larger is ERR_TOOBIG.
 * CPU flags are forced to one baseline (av_init), so that bytes do not depend on the machine. */
#ifndef TAF_IO_AV_H
#define TAF_IO_AV_H

#include "base/buf.h"
#include "base/err.h"

#define AV_SECONDS_MAX 43200

struct sound {
	float *samples; /* malloc'ed, frames × channels */
	int64_t frames;
	int channels;
	int rate; /* Hz */
};
#define SOUND_INIT {.samples = NULL}

void sound_release(struct sound *s);
void sound_resize(struct sound *s, int64_t frames); /* new frames are silent */

/** Once per process, before any thread: baseline CPU flags, no SOXR_* in the environment; FFmpeg's log is not printed, but what a decoder warns of is heard. */
void av_init(void);
/** "libavcodec 59.37.100 …": the versions that shape bytes, for keys and manifests. */
const char *av_versions(void);

/* --- Decoding --- */

/** Some frames of a sound; the planes hold until the sink returns. */
struct av_block {
	const float *const *planes;
	int channels, rate;
	int64_t frames;
};
struct av_sink {
	int (*take)(void *arg, const struct av_block *b, struct err *e); /* not 0: decoding ends with it */
	void *arg;
	int *warnings; /* packets that cannot be decoded are left out and counted, with what else the decoder warns of; NULL: they are an error */
};

/** Decode any audio file in memory (first audio stream), block by block. ERR_PARSE for what is no sound, broken, shorter than its header says, or not of finite numbers.
 * Encoder delay and padding are trimmed when the file states them. */
int av_decode_each(struct str bytes, const struct av_sink *sink, struct err *e);
/** The same, whole. */
int av_decode(struct str bytes, struct sound *ret, struct err *e);
/** The same, with the count of av_sink.warnings. */
int av_decode_told(struct str bytes, struct sound *ret, int *ret_warnings, struct err *e);
/** The same, all channels averaged into one; ERR_TOOBIG from `seconds_max` on. */
int av_decode_mono(struct str bytes, int seconds_max, struct sound *ret, struct err *e);

/** Another sample rate (libswresample: by soxr where taf was built with it, else its own filter; fixed settings). */
int av_resample(const struct sound *in, int rate, struct sound *ret, struct err *e);

/* --- Encoding. Bit-exact: no times, no versions in the file --- */

enum av_kind { AV_KIND_MP3, AV_KIND_FLAC, AV_KIND_OPUS, AV_KIND_WAV };
struct av_file {
	enum av_kind kind; /* MP3 by libmp3lame, CBR, channels apart; FLAC and WAV 16 bit; Opus in Ogg by libopus, channels apart */
	int rate, channels, kbps; /* kbps: of MP3 and Opus, all channels together */
};
struct av_encoder;

/** A file that is appended to `to` as it grows; `to` stays where it is until av_encoder_free. */
int av_encoder_open(const struct av_file *how, struct buf *to, struct av_encoder **ret, struct err *e);
/** More of the sound, a plane a channel. */
int av_encoder_add(struct av_encoder *x, const float *const *planes, int64_t frames, struct err *e);
/** The rest of the file. Nothing can be added after it. */
int av_encoder_finish(struct av_encoder *x, struct err *e);
void av_encoder_free(struct av_encoder **x);

/** A whole sound as MP3; appended to `ret`. */
int av_encode_mp3(const struct sound *in, int kbps, struct buf *ret, struct err *e);
/** A whole sound as FLAC. Appended. */
int av_encode_flac(const struct sound *in, struct buf *ret, struct err *e);
/** A whole sound as Opus; 8000, 12000, 16000, 24000 or 48000 Hz. Appended. */
int av_encode_opus(const struct sound *in, int kbps, struct buf *ret, struct err *e);

#endif
