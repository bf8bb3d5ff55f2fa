/* Sample rates by libswresample: by its engine soxr where it has one (Debian's does), else by its own polyphase filter. Which one shapes bytes, so it is
 * decided when taf is built (TAF_SOXR_VERSION, part of the keys), and a libswresample that is different when it runs is an error. At 20 bits of precision
 * soxr works in single precision with SSE, which every x86-64 has: the machine's newer instructions are not used. */
#include "io/av_parts.h"

#include "base/alloc.h"

#include <libavutil/channel_layout.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <string.h>

#ifndef TAF_SOXR_VERSION
#define TAF_SOXR_VERSION "none"
#endif

#define PIECE 4096 /* frames */

static void swr_release(struct SwrContext **swr)
{
	swr_free(swr);
}

static int open_swr(struct SwrContext **swr, const struct sound *in, int rate, struct err *e)
{
	AVChannelLayout layout;
	av_channel_layout_default(&layout, in->channels);
	int r = swr_alloc_set_opts2(swr, &layout, AV_SAMPLE_FMT_FLT, rate, &layout, AV_SAMPLE_FMT_FLT, in->rate, 0, NULL);
	if (r < 0)
		return av_fail(e, ERR_DATA, r, "cannot resample");
	if (strcmp(TAF_SOXR_VERSION, "none") != 0) {
		av_opt_set_int(*swr, "resampler", SWR_ENGINE_SOXR, 0);
		av_opt_set_double(*swr, "precision", 20, 0);
		if (swr_init(*swr) < 0)
			return err_set(e,
				ERR_CONFIG, "this libswresample has no soxr, the one that taf was built with had it (%s): install it, or build taf anew",
				TAF_SOXR_VERSION);
		return 0;
	}
	av_opt_set_int(*swr, "filter_size", 32, 0);
	av_opt_set_int(*swr, "exact_rational", 1, 0);
	av_opt_set_double(*swr, "cutoff", 0.97, 0);
	r = swr_init(*swr);
	return r < 0 ? av_fail(e, ERR_DATA, r, "cannot resample") : 0;
}

int av_resample(const struct sound *in, int rate, struct sound *ret, struct err *e)
{
	if (in->channels < 1 || in->channels > AV_CHANNELS_MAX || in->frames > INT32_MAX / 2)
		return err_set(e, ERR_TOOBIG, "sound of %d channels and %lld frames cannot be resampled", in->channels,
			(long long)in->frames);
	int64_t frames = av_rescale_rnd(in->frames, rate, in->rate, AV_ROUND_UP);
	if (frames > INT32_MAX / 2)
		return err_set(e, ERR_TOOBIG, "%lld frames are too many to be resampled", (long long)frames);
	CLEANUP(sound_release) struct sound out = {.channels = in->channels, .rate = rate};
	CLEANUP(swr_release) struct SwrContext *swr = NULL;
	sound_resize(&out, frames);
	int code = open_swr(&swr, in, rate, e);
	if (code)
		return code;
	/* Piece by piece: the engine's own buffers then stay in the processor's cache. What the filter holds back comes last. */
	int64_t done = 0, taken = 0;
	int got = 0;
	while (done < frames && got >= 0 && (taken < in->frames || got > 0)) {
		const uint8_t *from = (const uint8_t *)(in->samples + taken * in->channels);
		uint8_t *to = (uint8_t *)(out.samples + done * in->channels);
		int n = (int)(in->frames - taken < PIECE ? in->frames - taken : PIECE);
		bool last = n == 0;
		got = swr_convert(swr, &to, (int)(frames - done), last ? NULL : &from, n);
		taken += n;
		done += got > 0 ? got : 0;
		got = !last && got == 0 ? 1 : got; /* nothing yet is not the end */
	}
	if (got < 0)
		return av_fail(e, ERR_DATA, got, "cannot resample");
	*ret = out;
	out = (struct sound)SOUND_INIT;
	return 0;
}
