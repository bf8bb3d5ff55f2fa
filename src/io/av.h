/* Sound files by FFmpeg (libavformat, libavcodec, libswresample), for the worker only. The only file that includes libav* is av.c.
 * Samples are float, interleaved, −1…1. All memory is the caller's `struct sound`. Limits: 1 hour of sound a file; larger is ERR_TOOBIG.
 * CPU flags are forced to one baseline (av_init), so that bytes do not depend on the machine. */
#ifndef TAF_IO_AV_H
#define TAF_IO_AV_H

#include "base/buf.h"
#include "base/err.h"

struct sound {
	float *samples; /* malloc'ed, frames × channels */
	int64_t frames;
	int channels;
	int rate; /* Hz */
};
#define SOUND_INIT {.samples = NULL}

void sound_release(struct sound *s);
void sound_resize(struct sound *s, int64_t frames); /* new frames are silent */

/** Once per process: baseline CPU flags, quiet log. */
void av_init(void);
/** "libavcodec 59.37.100 …": the versions that shape bytes, for keys and manifests. */
const char *av_versions(void);
/** Decode any audio file in memory (first audio stream). ERR_PARSE for what is no sound, or broken. Encoder delay and padding are trimmed when the file states them. */
int av_decode(struct str bytes, struct sound *ret, struct err *e);
/** The same, but packets that cannot be decoded are left out and counted, with what else the decoder warned of. */
int av_decode_told(struct str bytes, struct sound *ret, int *ret_warnings, struct err *e);
/** Another sample rate (libswresample, fixed settings). */
int av_resample(const struct sound *in, int rate, struct sound *ret, struct err *e);
/** MP3 by libmp3lame, CBR; `kbps` 32…320; bit-exact: no encoder tag with times. Appended to `ret`. */
int av_encode_mp3(const struct sound *in, int kbps, struct buf *ret, struct err *e);
/** FLAC, 16 bit, bit-exact. Appended. */
int av_encode_flac(const struct sound *in, struct buf *ret, struct err *e);
/** Opus in Ogg by libopus, bit-exact; 8000, 12000, 16000, 24000 or 48000 Hz. Appended. */
int av_encode_opus(const struct sound *in, int kbps, struct buf *ret, struct err *e);

#endif
