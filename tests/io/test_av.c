/* io/av: sound files in and out. */
#include "base/alloc.h"
#include "base/fs.h"
#include "io/av.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PI 3.14159265358979323846

/** Tones that differ from channel to channel, and a little noise. */
static void make(struct sound *s, int channels, int rate, int64_t frames)
{
	*s = (struct sound){.channels = channels, .rate = rate};
	sound_resize(s, frames);
	uint32_t noise = 1;
	for (int64_t i = 0; i < frames; i++)
		for (int ch = 0; ch < channels; ch++) {
			noise = noise * 1664525u + 1013904223u;
			double v = 0.4 * sin(2 * PI * (300.0 + 200 * ch) * (double)i / rate) + 0.001 * (double)(noise >> 20) / 4096;
			s->samples[i * channels + ch] = (float)(floor(v * 32768) / 32768);
		}
}

static double energy(const struct sound *s, int channel)
{
	double sum = 0;
	for (int64_t i = 0; i < s->frames; i++)
		sum += (double)s->samples[i * s->channels + channel] * (double)s->samples[i * s->channels + channel];
	return sum / (double)s->frames;
}

static void flac_gives_back_every_sample(void **state)
{
	(void)state;
	for (int channels = 1; channels <= 2; channels++) {
		CLEANUP(sound_release) struct sound in = SOUND_INIT;
		CLEANUP(sound_release) struct sound out = SOUND_INIT;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		make(&in, channels, 22050, 30011);
		in.samples[5] = 1.5f; /* clipped, not wrapped */
		in.samples[6] = -1.5f;
		buf_puts(&b, "before"); /* the file is appended */
		assert_int_equal(av_encode_flac(&in, &b, &e), 0);
		assert_memory_equal(b.data, "beforefLaC", 10);
		assert_int_equal(av_decode((struct str){b.data + 6, b.len - 6}, &out, &e), 0);
		assert_int_equal(out.frames, in.frames);
		assert_int_equal(out.channels, channels);
		assert_int_equal(out.rate, 22050);
		in.samples[5] = 32767.0f / 32768;
		in.samples[6] = -1;
		assert_memory_equal(in.samples, out.samples, (size_t)(in.frames * channels) * sizeof(float));
	}
}

static void mp3_keeps_length_channels_and_sound(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(sound_release) struct sound out = SOUND_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	make(&in, 2, 24000, 24000 * 3 + 17);
	for (int64_t i = 0; i < in.frames; i++)
		in.samples[i * 2 + 1] = 0; /* the right side is silent */
	assert_int_equal(av_encode_mp3(&in, 64, &b, &e), 0);
	assert_true(b.len > 3 * 8000 && b.len < 3 * 8000 + 2000); /* constant bit rate */
	assert_int_equal(av_decode(buf_view(&b), &out, &e), 0);
	assert_in_range(out.frames, in.frames, in.frames + 1152); /* the padding of the last frame may stay */
	assert_int_equal(out.rate, 24000);
	assert_int_equal(out.channels, 2);
	assert_true(energy(&out, 0) > 0.9 * energy(&in, 0) * 0.95 * 0.95);
	assert_true(energy(&out, 1) < 1e-8); /* no leak from left to right */
	/* in step: the correlation with the input is near 1, so no delay is left */
	double xy = 0, xx = 0, yy = 0;
	for (int64_t i = 0; i < in.frames; i++) {
		double x = in.samples[i * 2], y = out.samples[i * 2];
		xy += x * y;
		xx += x * x;
		yy += y * y;
	}
	assert_true(xy / sqrt(xx * yy) > 0.99);
	/* CBR: a frame each 72 × 64000 / 24000 bytes, whose header says stereo (0); joint stereo (1) may put one channel into the other */
	for (size_t at = 0; at + 192 <= b.len; at += 192)
		assert_true((unsigned char)b.data[at] == 0xff && (unsigned char)b.data[at + 3] >> 6 == 0);
	assert_null(memmem(b.data, b.len, "Lavc", 4)); /* no version of the encoder: bytes rest on what is keyed */
	assert_null(memmem(b.data, b.len, "ID3", 3));
}

static void same_input_gives_same_bytes(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(buf_release) struct buf one = BUF_INIT;
	CLEANUP(buf_release) struct buf two = BUF_INIT;
	struct err e = ERR_INIT;
	make(&in, 2, 24000, 50000);
	for (int i = 0; i < 2; i++) {
		struct buf *b = i ? &two : &one;
		assert_int_equal(av_encode_mp3(&in, 64, b, &e), 0);
		assert_int_equal(av_encode_flac(&in, b, &e), 0);
	}
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
}

static void resampling_keeps_tone_and_length(void **state)
{
	(void)state;
	static const int rates[] = {24000, 8000, 44100, 22050};
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	make(&in, 1, 22050, 22050);
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		CLEANUP(sound_release) struct sound out = SOUND_INIT;
		struct err e = ERR_INIT;
		assert_int_equal(av_resample(&in, rates[i], &out, &e), 0);
		assert_int_equal(out.frames, rates[i]);
		assert_int_equal(out.rate, rates[i]);
		int crossings = 0;
		for (int64_t k = 1; k < out.frames; k++)
			crossings += out.samples[k - 1] < 0 && out.samples[k] >= 0;
		assert_in_range(crossings, 297, 303);
		assert_true(fabs(energy(&out, 0) / energy(&in, 0) - 1) < 0.02);
	}
}

/** A pulse of 700 Hz, some 10 ms long, around `at_s`, on channel 0 alone. */
static void pulse(struct sound *s, int channels, int rate, double at_s, int64_t frames)
{
	*s = (struct sound){.channels = channels, .rate = rate};
	sound_resize(s, frames);
	for (int64_t i = 0; i < frames; i++) {
		double t = (double)i / rate - at_s;
		s->samples[i * channels] = (float)(0.5 * exp(-t * t / (2 * 0.004 * 0.004)) * cos(2 * PI * 700 * t));
	}
}

/** When it is heard: the middle of its energy, in seconds. */
static double middle(const struct sound *s)
{
	double sum = 0, moment = 0;
	for (int64_t i = 0; i < s->frames; i++) {
		double v = (double)s->samples[i * s->channels];
		sum += v * v;
		moment += v * v * (double)i;
	}
	return moment / sum / s->rate;
}

/* The filter's delay is taken away at both ends: what is said at 0.3 s, and at the end, is there. */
static void resampling_keeps_times(void **state)
{
	(void)state;
	static const int rates[] = {8000, 11025, 22050, 24000, 44100, 48000, 192000};
	for (size_t i = 0; i < COUNT_OF(rates); i++)
		for (size_t k = 0; k < COUNT_OF(rates); k++) {
			CLEANUP(sound_release) struct sound in = SOUND_INIT;
			CLEANUP(sound_release) struct sound out = SOUND_INIT;
			CLEANUP(sound_release) struct sound end = SOUND_INIT;
			struct err e = ERR_INIT;
			pulse(&in, 1, rates[i], 0.3, rates[i]);
			assert_int_equal(av_resample(&in, rates[k], &out, &e), 0);
			assert_true(fabs(middle(&out) - 0.3) < 1e-6);
			sound_release(&in);
			pulse(&in, 1, rates[i], 1, rates[i]); /* cut off in its middle */
			assert_int_equal(av_resample(&in, rates[k], &end, &e), 0);
			assert_int_equal(end.frames, rates[k]);
			assert_true(fabsf(end.samples[end.frames - 1 - rates[k] / 2000]) > 0.05f);
		}
}

static void refuse(const void *p, size_t n)
{
	CLEANUP(sound_release) struct sound out = SOUND_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(av_decode((struct str){p, n}, &out, &e), ERR_PARSE);
	assert_null(out.samples);
	assert_true(strlen(e.text) > 5);
}

static void refuses_what_is_no_sound(void **state)
{
	(void)state;
	static const char playlist[] = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n";
	static const char concat[] = "ffconcat version 1.0\nfile '/etc/hostname'\n";
	unsigned char noise[5000];
	uint32_t x = 7;
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (unsigned char)((x = x * 1664525u + 1013904223u) >> 24);
	refuse("", 0);
	refuse("{\"error\":\"rate limited\"}", 24);
	refuse(playlist, sizeof playlist - 1);
	refuse(concat, sizeof concat - 1);
	refuse(noise, sizeof noise);
	memset(noise, 0, sizeof noise);
	refuse(noise, sizeof noise);
}

static void opus_gives_back_the_sound(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(sound_release) struct sound out = SOUND_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	CLEANUP(buf_release) struct buf again = BUF_INIT;
	struct err e = ERR_INIT;
	make(&in, 1, 24000, 24000 * 3 + 17);
	assert_int_equal(av_encode_opus(&in, 32, &b, &e), 0);
	assert_int_equal(av_encode_opus(&in, 32, &again, &e), 0);
	assert_true(b.len == again.len && memcmp(b.data, again.data, b.len) == 0);
	assert_memory_equal(b.data, "OggS", 4);
	assert_int_equal(av_decode(buf_view(&b), &out, &e), 0);
	assert_int_equal(out.rate, 48000); /* Opus always decodes to it */
	assert_int_equal(out.channels, 1);
	assert_in_range(out.frames, in.frames * 2 - 1000, in.frames * 2 + 1000);
	double ratio = energy(&out, 0) / energy(&in, 0);
	assert_true(ratio > 0.9 && ratio < 1.1);
	in.rate = 22050; /* a rate that Opus has not */
	assert_int_equal(av_encode_opus(&in, 32, &b, &e), ERR_CONFIG);
}

/* Packets that cannot be decoded: an error, or counted and left out. */
static void tells_what_the_decoder_warns_of(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(sound_release) struct sound whole = SOUND_INIT;
	CLEANUP(sound_release) struct sound rest = SOUND_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	int warnings = -1;
	make(&in, 1, 24000, 24000 * 3);
	assert_int_equal(av_encode_mp3(&in, 64, &b, &e), 0);
	assert_int_equal(av_decode_told(buf_view(&b), &whole, &warnings, &e), 0);
	assert_int_equal(warnings, 0);
	assert_int_equal(whole.frames, in.frames);
	/* a frame without its head, in the middle: 192 bytes each at 64 kbit/s and 24 kHz */
	memset(b.data + b.len / 2, 0, 400);
	refuse(b.data, b.len);
	assert_int_equal(av_decode_told(buf_view(&b), &rest, &warnings, &e), 0);
	assert_true(warnings > 0 && rest.frames > 0 && rest.frames <= in.frames);
}

static void refuses_a_cut_or_damaged_flac(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	make(&in, 1, 22050, 22050);
	assert_int_equal(av_encode_flac(&in, &b, &e), 0);
	for (size_t n = 0; n < b.len; n += 1 + b.len / 60)
		refuse(b.data, n);
	b.data[b.len / 2] ^= 0x40;
	refuse(b.data, b.len);
}

/* What libopusfile, browsers and ffmpeg's filters want to know: which channel is left. Family 255 does not say it, and they refuse it. */
static void opus_names_its_channels(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	make(&in, 2, 24000, 24000);
	assert_int_equal(av_encode_opus(&in, 64, &b, &e), 0);
	int64_t at = str_find(buf_view(&b), STR("OpusHead"));
	assert_true(at > 0);
	const unsigned char *head = (const unsigned char *)b.data + at;
	assert_int_equal(head[9], 2);  /* channels */
	assert_int_equal(head[18], 1); /* family */
	assert_int_equal(head[19], 2); /* streams, of which coupled: none, so that no channel is heard in the other */
	assert_int_equal(head[20], 0);
	assert_memory_equal(head + 21, "\0\1", 2);
}

static int encode(enum av_kind kind, const struct sound *in, struct buf *ret)
{
	struct av_file how = {.kind = kind, .rate = in->rate, .channels = in->channels, .kbps = 64};
	CLEANUP(av_encoder_free) struct av_encoder *x = NULL;
	CLEANUP(free_ptr) float *planes = xcalloc((size_t)in->frames * 2, sizeof *planes);
	const float *from[2] = {planes, planes + in->frames};
	struct err e = ERR_INIT;
	for (int64_t i = 0; i < in->frames; i++)
		for (int ch = 0; ch < in->channels; ch++)
			planes[ch * in->frames + i] = in->samples[i * in->channels + ch];
	int code = av_encoder_open(&how, ret, &x, &e);
	for (int64_t at = 0, n = 1; !code && at < in->frames; at += n, n = n * 3 + 1) { /* pieces of any size */
		n = n < in->frames - at ? n : in->frames - at;
		const float *here[2] = {from[0] + at, from[1] + at};
		code = av_encoder_add(x, here, n, &e);
	}
	return code ? code : av_encoder_finish(x, &e);
}

static void every_format_goes_there_and_back(void **state)
{
	(void)state;
	for (int kind = AV_KIND_MP3; kind <= AV_KIND_WAV; kind++) {
		CLEANUP(sound_release) struct sound in = SOUND_INIT;
		CLEANUP(sound_release) struct sound out = SOUND_INIT;
		CLEANUP(sound_release) struct sound mono = SOUND_INIT;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		make(&in, 2, 24000, 24000 * 2 + 17);
		for (int64_t i = 0; i < in.frames; i++)
			in.samples[i * 2 + 1] = 0;
		assert_int_equal(encode((enum av_kind)kind, &in, &b), 0);
		assert_int_equal(av_decode(buf_view(&b), &out, &e), 0);
		assert_int_equal(out.rate, kind == AV_KIND_OPUS ? 48000 : 24000);
		assert_int_equal(out.channels, 2);
		int64_t wanted = in.frames * (out.rate / 24000);
		assert_in_range(out.frames, wanted, kind == AV_KIND_FLAC || kind == AV_KIND_WAV ? wanted : wanted + 1152);
		assert_true(fabs(10 * log10(energy(&out, 0) / energy(&in, 0))) < 0.6);
		assert_true(energy(&out, 1) < 1e-8); /* no leak from left to right */
		assert_int_equal(av_decode_mono(buf_view(&b), 3, &mono, &e), 0);
		assert_int_equal(mono.channels, 1);
		for (int64_t i = 0; i < mono.frames; i += 7)
			assert_true(fabsf(mono.samples[i] - (out.samples[i * 2] + out.samples[i * 2 + 1]) / 2) < 1e-6f);
		sound_release(&mono);
		assert_int_equal(av_decode_mono(buf_view(&b), 2, &mono, &e), ERR_TOOBIG);
	}
}

/* Segments name samples: no delay of an encoder is left in the file, where a player takes it away as we do. */
static void every_format_keeps_times(void **state)
{
	(void)state;
	for (int kind = AV_KIND_MP3; kind <= AV_KIND_WAV; kind++) {
		CLEANUP(sound_release) struct sound in = SOUND_INIT;
		CLEANUP(sound_release) struct sound out = SOUND_INIT;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		pulse(&in, 2, 24000, 1.3, 24000 * 2 + 500);
		assert_int_equal(encode((enum av_kind)kind, &in, &b), 0);
		assert_int_equal(av_decode(buf_view(&b), &out, &e), 0);
		assert_int_equal(out.frames, in.frames * (out.rate / 24000));
		assert_true(fabs(middle(&out) - 1.3) < 20e-6); /* half a sample at 24 kHz */
	}
}

/* What a header says is held against what comes: a file that lost its end is an error that tells both. */
static void refuses_a_sound_shorter_than_its_header(void **state)
{
	(void)state;
	static const enum av_kind kinds[] = {AV_KIND_MP3, AV_KIND_FLAC, AV_KIND_WAV};
	for (size_t k = 0; k < COUNT_OF(kinds); k++) {
		CLEANUP(sound_release) struct sound in = SOUND_INIT;
		CLEANUP(sound_release) struct sound out = SOUND_INIT;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		make(&in, 1, 24000, 24000 * 4);
		assert_int_equal(encode(kinds[k], &in, &b), 0);
		assert_int_equal(av_decode((struct str){b.data, b.len * 3 / 4 / 2 * 2}, &out, &e), ERR_PARSE);
		assert_true(strstr(e.text, "cut short") && strstr(e.text, "40"));
		assert_null(out.samples);
	}
}

/* Servers that write a WAV while they speak do not know its length: they say all bits. */
static void a_wav_of_unknown_length_is_read_to_its_end(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(sound_release) struct sound out = SOUND_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	make(&in, 1, 24000, 24000);
	assert_int_equal(encode(AV_KIND_WAV, &in, &b), 0);
	char *data = memmem(b.data, b.len, "data", 4);
	assert_non_null(data);
	memset(data + 4, 0xff, 4);
	memset(b.data + 4, 0xff, 4);
	assert_int_equal(av_decode(buf_view(&b), &out, &e), 0);
	assert_int_equal(out.frames, 24000);
}

static void put_le(struct buf *b, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> 8 * i & 0xff));
}

/* A WAV of 32-bit floats, as servers write what their model gave. */
static void float_wav(struct buf *b, const float *v, uint32_t n, uint32_t rate)
{
	buf_puts(b, "RIFF");
	put_le(b, 36 + 4 * n, 4);
	buf_puts(b, "WAVEfmt ");
	put_le(b, 16, 4);
	put_le(b, 3, 2); /* floats */
	put_le(b, 1, 2);
	put_le(b, rate, 4);
	put_le(b, rate * 4, 4);
	put_le(b, 4, 2);
	put_le(b, 32, 2);
	buf_puts(b, "data");
	put_le(b, 4 * n, 4);
	buf_add(b, (const char *)v, 4 * (size_t)n);
}

/* Loudness, gates and trimming would all pass over them: NaN is below no limit. */
static void refuses_what_is_no_number(void **state)
{
	(void)state;
	static const float bad[] = {NAN, INFINITY, -INFINITY};
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	make(&in, 1, 16000, 16000);
	for (size_t i = 0; i <= COUNT_OF(bad); i++) {
		CLEANUP(sound_release) struct sound out = SOUND_INIT;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		struct err e = ERR_INIT;
		in.samples[12000] = i < COUNT_OF(bad) ? bad[i] : 3e30f; /* the last is very loud, no more */
		float_wav(&b, in.samples, 16000, 16000);
		assert_int_equal(av_decode(buf_view(&b), &out, &e), i < COUNT_OF(bad) ? ERR_PARSE : 0);
		assert_true(i == COUNT_OF(bad) || strstr(e.text, "no number"));
	}
	/* No PCM: Matroska with WavPack of 400 floats, one of them NaN, another infinite. */
	CLEANUP(buf_release) struct buf wv = BUF_INIT;
	CLEANUP(sound_release) struct sound out = SOUND_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(fs_read("tests/fixtures/sound/no-number.mka", 10000, &wv, &e), 0);
	assert_int_equal(av_decode(buf_view(&wv), &out, &e), ERR_PARSE);
	assert_non_null(strstr(e.text, "no number"));
}

/* Any damage to any kind of file is an error or other sound, never a crash, and never more than the file can hold. */
static void survives_damage(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(buf_release) struct buf flac = BUF_INIT;
	CLEANUP(buf_release) struct buf mp3 = BUF_INIT;
	struct err e = ERR_INIT;
	make(&in, 2, 24000, 12000);
	assert_int_equal(av_encode_flac(&in, &flac, &e), 0);
	assert_int_equal(av_encode_mp3(&in, 64, &mp3, &e), 0);
	uint32_t x = 1;
	for (int round = 0; round < 200; round++) {
		const struct buf *from = round % 2 ? &mp3 : &flac;
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		CLEANUP(sound_release) struct sound out = SOUND_INIT;
		struct err why = ERR_INIT;
		x = x * 1664525u + 1013904223u;
		buf_add(&b, from->data, round % 3 ? from->len : (x >> 8) % from->len);
		for (int k = 0; b.len && k < 1 + round % 20; k++) {
			x = x * 1664525u + 1013904223u;
			b.data[(x >> 8) % b.len] ^= (char)(1 + (x >> 3) % 255);
		}
		int code = av_decode(buf_view(&b), &out, &why);
		assert_true(code == 0 ? out.frames > 0 : code == ERR_PARSE || code == ERR_TOOBIG);
		assert_true(out.frames < 24000 * 60);
	}
}

static void refuses_what_cannot_be_encoded(void **state)
{
	(void)state;
	CLEANUP(sound_release) struct sound in = SOUND_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	CLEANUP(buf_release) struct buf small = BUF_INIT_MAX(500);
	struct err e = ERR_INIT;
	make(&in, 2, 23456, 30000); /* MP3 has no such rate */
	assert_int_equal(av_encode_mp3(&in, 64, &b, &e), ERR_CONFIG);
	in.rate = 24000;
	err_clear(&e);
	assert_int_equal(av_encode_mp3(&in, 64, &small, &e), ERR_TOOBIG);
	in.frames = 0;
	err_clear(&e);
	assert_int_equal(av_encode_flac(&in, &b, &e), ERR_DATA);
}

/* libsoxr would take its kernels from there: other bytes under the same key. */
static void the_environment_changes_no_byte(void **state)
{
	(void)state;
	struct sound out[2] = {SOUND_INIT, SOUND_INIT};
	for (int with = 0; with < 2; with++) {
		CLEANUP(sound_release) struct sound in = SOUND_INIT;
		struct err e = ERR_INIT;
		make(&in, 1, 22050, 22050);
		if (with) {
			setenv("SOXR_USE_SIMD", "0", 1);
			setenv("SOXR_COEF_INTERP", "3", 1);
			av_init();
		}
		assert_int_equal(av_resample(&in, 24000, &out[with], &e), 0);
	}
	assert_int_equal(out[0].frames, out[1].frames);
	assert_memory_equal(out[0].samples, out[1].samples, (size_t)out[0].frames * sizeof(float));
	sound_release(&out[0]);
	sound_release(&out[1]);
}

static void names_versions(void **state)
{
	(void)state;
	assert_non_null(strstr(av_versions(), "libavcodec "));
	assert_non_null(strstr(av_versions(), "libswresample "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flac_gives_back_every_sample),
		cmocka_unit_test(resampling_keeps_times),
		cmocka_unit_test(every_format_keeps_times),
		cmocka_unit_test(opus_gives_back_the_sound),
		cmocka_unit_test(opus_names_its_channels),
		cmocka_unit_test(mp3_keeps_length_channels_and_sound),
		cmocka_unit_test(same_input_gives_same_bytes),
		cmocka_unit_test(resampling_keeps_tone_and_length),
		cmocka_unit_test(refuses_what_is_no_sound),
		cmocka_unit_test(refuses_a_cut_or_damaged_flac),
		cmocka_unit_test(tells_what_the_decoder_warns_of),
		cmocka_unit_test(every_format_goes_there_and_back),
		cmocka_unit_test(refuses_a_sound_shorter_than_its_header),
		cmocka_unit_test(a_wav_of_unknown_length_is_read_to_its_end),
		cmocka_unit_test(refuses_what_is_no_number),
		cmocka_unit_test(survives_damage),
		cmocka_unit_test(refuses_what_cannot_be_encoded),
		cmocka_unit_test(the_environment_changes_no_byte),
		cmocka_unit_test(names_versions),
	};
	av_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
