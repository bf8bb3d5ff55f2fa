#include "tests/servers/tts/sound.h"

#include "tests/servers/common/mix.h"
#include "tests/servers/tts/archive.h"
#include "tests/servers/tts/voice.h"

#include "base/alloc.h"
#include "io/digest.h"

#include <math.h>
#include <string.h>

#define MP3_KBPS 64
#define MP3_FRAME 192 /* bytes at 64 kbit/s and 24 kHz: 72 × 64000 / 24000 (ISO 13818-3) */
#define OPUS_KBPS 32
#define SHORT_S 0.2
#define LONG_TIMES 10
#define LOW_RATE 8000
#define BOMB_BYTES (256u << 20)
#define BOMB_ENTRIES 20000
#define PASSWORD "secret"

/* What chance has a say in of a kind of failure: the same for all texts of a request that it befalls. */
static uint64_t fate(const struct sound_order *o, enum spoilt kind)
{
	return mix(o->request.key, "fate", kind);
}

/* ---- Sounds ---- */

static void make_silent(uint64_t fate, struct sound *s)
{
	bool faint = mix_below(fate, "faint", 2) == 1; /* or nothing but zeros */
	for (int64_t i = 0; i < s->frames; i++)
		s->samples[i] = faint ? (float)(mix(fate, "hiss", (uint64_t)i) % 5) * 3e-5f : 0;
}

static void make_noise(uint64_t fate, struct sound *s)
{
	for (int64_t i = 0; i < s->frames; i++)
		s->samples[i] = (float)(mix_unit(fate, "noise", (uint64_t)i) * 0.3 - 0.15);
}

static void make_clipped(struct sound *s)
{
	for (int64_t i = 0; i < s->frames; i++) {
		float v = s->samples[i] * 24;
		s->samples[i] = v > 1 ? 1 : v < -1 ? -1 : v;
	}
}

static void make_long(struct sound *s)
{
	int64_t once = s->frames, most = (int64_t)VOICE_SECONDS_MAX * VOICE_RATE;
	sound_resize(s, once * LONG_TIMES < most ? once * LONG_TIMES : once < most ? most : once);
	for (int64_t i = once; i < s->frames; i++)
		s->samples[i] = s->samples[i % once];
}

static void make_stereo(struct sound *s)
{
	struct sound both = {.channels = 2, .rate = s->rate};
	sound_resize(&both, s->frames);
	for (int64_t i = 0; i < s->frames; i++) {
		both.samples[i * 2] = s->samples[i];
		both.samples[i * 2 + 1] = s->samples[i] * 0.5f;
	}
	sound_release(s);
	*s = both;
}

static int make_low(const struct sound_order *o, struct sound *s, struct err *e)
{
	struct sound low = SOUND_INIT;
	int rc = av_resample(s, LOW_RATE, &low, e);
	if (rc < 0)
		return rc;
	if (o->request.format == FORMAT_PCM || mix_below(fate(o, SPOILT_RATE), "says", 2) == 0) /* it says 24 kHz */
		low.rate = VOICE_RATE;
	sound_release(s);
	*s = low;
	return 0;
}

static int spoil(const struct sound_order *o, enum spoilt kind, struct sound *s, struct err *e)
{
	switch (kind) {
	case SPOILT_SILENT:
		make_silent(fate(o, kind), s);
		return 0;
	case SPOILT_NOISE:
		make_noise(fate(o, kind), s);
		return 0;
	case SPOILT_CUT: /* a quarter to seven tenths are left */
		sound_resize(s, (int64_t)((double)s->frames * (0.25 + 0.45 * mix_unit(fate(o, kind), "keep", 0))));
		return 0;
	case SPOILT_SHORT:
		sound_resize(s, (int64_t)(SHORT_S * s->rate));
		return 0;
	case SPOILT_LONG:
		make_long(s);
		return 0;
	case SPOILT_CLIPPED:
		make_clipped(s);
		return 0;
	case SPOILT_STEREO:
		make_stereo(s);
		return 0;
	case SPOILT_RATE:
		return make_low(o, s, e);
	default:
		return 0;
	}
}

/* ---- Files ---- */

static void put_number(struct buf *b, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> (8 * i) & 255));
}

static void put_samples(const struct sound *s, struct buf *b)
{
	for (int64_t i = 0; i < s->frames * s->channels; i++) {
		double v = round((double)s->samples[i] * 32767);
		put_number(b, (uint32_t)(int32_t)v, 2);
	}
}

static void put_wav(const struct sound *s, bool open, struct buf *b)
{
	uint32_t bytes = (uint32_t)(s->frames * s->channels * 2), rate = (uint32_t)s->rate, wide = (uint32_t)s->channels * 2;
	buf_puts(b, "RIFF");
	put_number(b, open ? UINT32_MAX : bytes + 36, 4);
	buf_puts(b, "WAVEfmt ");
	put_number(b, 16, 4);
	put_number(b, 1, 2); /* PCM */
	put_number(b, (uint32_t)s->channels, 2);
	put_number(b, rate, 4);
	put_number(b, rate * wide, 4);
	put_number(b, wide, 2);
	put_number(b, 16, 2);
	buf_puts(b, "data");
	put_number(b, open ? UINT32_MAX : bytes, 4);
	put_samples(s, b);
}

static int encode(const struct sound_order *o, const struct sound *s, struct buf *b, struct err *e)
{
	switch (o->request.format) {
	case FORMAT_MP3:
		return av_encode_mp3(s, MP3_KBPS, b, e);
	case FORMAT_FLAC:
		return av_encode_flac(s, b, e);
	case FORMAT_OPUS:
		return av_encode_opus(s, OPUS_KBPS, b, e);
	case FORMAT_WAV:
		put_wav(s, o->open_wav, b);
		return 0;
	default:
		put_samples(s, b);
		return 0;
	}
}

/* In the middle of a frame, somewhere between a third and the end of the file. */
static void truncate_file(const struct sound_order *o, struct buf *b)
{
	size_t frames = b->len / MP3_FRAME, from = frames / 3;
	size_t keep = from + mix_below(fate(o, SPOILT_TRUNCATED), "keep", frames > from + 1 ? frames - from - 1 : 1);
	size_t len = keep * MP3_FRAME + MP3_FRAME / 2 + 1;
	buf_truncate(b, len < b->len ? len : b->len / 2);
}

/* 40 to 180 of the 192 bytes of a frame are left: of all frames, or of those from the middle on. */
static void tear_file(const struct sound_order *o, struct buf *b)
{
	size_t keep = 40 + mix_below(fate(o, SPOILT_TORN), "keep", 141);
	size_t len = mix_below(fate(o, SPOILT_TORN), "from", 2) * (b->len / MP3_FRAME / 2) * MP3_FRAME;
	for (size_t at = len; at < b->len; at += MP3_FRAME) {
		size_t n = b->len - at < keep ? b->len - at : keep;
		memmove(b->data + len, b->data + at, n);
		len += n;
	}
	buf_truncate(b, len);
}

static int speak(const struct sound_order *o, size_t i, struct sound *ret, struct err *e)
{
	const struct speech_request *r = &o->request;
	uint64_t manner = request_manner(r, r->texts[i]);
	struct voice_order v = {.text = r->texts[i],
		.voice = r->voiced ? r->voice_key : mix(manner, "somebody", 0),
		.manner = manner,
		.speed = r->speed};
	if (o->espeak)
		return voice_espeak(&v, ret, e);
	voice_speak(&v, ret);
	return 0;
}

/* The file of text `i`, spoilt as ordered. */
static int make_file(const struct sound_order *o, size_t i, struct buf *b, struct sound_made *m, struct err *e)
{
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	enum spoilt kind = o->spoilt[i];
	int rc = speak(o, i, &s, e);
	if (rc < 0)
		return rc;
	m->sounds++;
	m->sound_ms += s.frames * 1000 / s.rate;
	if (kind == SPOILT_EMPTY)
		return 0;
	rc = spoil(o, kind, &s, e);
	if (rc == 0)
		rc = encode(o, &s, b, e);
	if (rc == 0 && kind == SPOILT_TRUNCATED)
		truncate_file(o, b);
	if (rc == 0 && kind == SPOILT_TORN)
		tear_file(o, b);
	return rc;
}

/* ---- The zip ---- */

/* As the server of TeleAntiFraud gives it: 0.1 s of 440 Hz, hardly to be heard, 16 kHz. */
static int put_dummy(struct archive *z, struct str name, struct err *e)
{
	CLEANUP(sound_release) struct sound s = {.channels = 1, .rate = 16000};
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	sound_resize(&s, s.rate / 10);
	for (int64_t i = 0; i < s.frames; i++)
		s.samples[i] = (float)(0.001 * sin(2 * M_PI * 440 * (double)i / s.rate));
	int rc = av_encode_mp3(&s, MP3_KBPS, &b, e);
	if (rc == 0)
		archive_put(z, &(struct archive_entry){.name = name, .data = buf_view(&b)});
	return rc;
}

static struct str name_of(size_t i, char ret[24])
{
	return str_n(ret, (size_t)snprintf(ret, 24, "%zu.mp3", i));
}

static struct str strange_name(const struct sound_order *o)
{
	static const char *const names[] = {
		"../x.mp3", "../../../../tmp/x.mp3", "/tmp/x.mp3", "..\\x.mp3", "C:\\x.mp3", "a/../../x.mp3"};
	return str_of(names[mix_below(fate(o, SPOILT_NAMES), "name", COUNT_OF(names))]);
}

static void put_bomb(const struct sound_order *o, struct archive *z, struct str name, struct str file)
{
	char other[24];
	switch (mix_below(fate(o, SPOILT_BOMB), "bomb", 3)) {
	case 0:
		archive_put_zeros(z, name, BOMB_BYTES, 0);
		break;
	case 1: /* small, it says; or huge */
		if (mix_below(fate(o, SPOILT_BOMB), "lie", 2))
			archive_put_zeros(z, name, BOMB_BYTES, 4000);
		else
			archive_put(z, &(struct archive_entry){.name = name, .data = file, .claims = 0xFFFFFFF0u});
		break;
	default:
		for (size_t i = o->request.n; i < BOMB_ENTRIES; i++)
			archive_put(z, &(struct archive_entry){.name = name_of(i, other), .data = STR("x")});
		archive_put(z, &(struct archive_entry){.name = name, .data = file});
	}
}

/* Another sound under the name of the victim. */
static int put_double(const struct sound_order *o, struct archive *z, struct str name, struct err *e)
{
	CLEANUP(sound_release) struct sound s = SOUND_INIT;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct voice_order v = {
		.text = STR("喂，你好。"), .voice = o->request.voice_key, .manner = fate(o, SPOILT_DOUBLED), .speed = 1};
	voice_speak(&v, &s);
	int rc = av_encode_mp3(&s, MP3_KBPS, &b, e);
	if (rc == 0)
		archive_put(z, &(struct archive_entry){.name = name, .data = buf_view(&b)});
	return rc;
}

/* The entry of text `i`, whose failure is one of the zip. */
static int put_victim(const struct sound_order *o, struct archive *z, size_t i, struct str file, struct err *e)
{
	char own[24];
	struct str name = name_of(i, own);
	struct archive_entry entry = {.name = name, .data = file};
	char extra[24];
	int rc = 0;
	switch (o->spoilt[i]) {
	case SPOILT_ENTRIES:
		if (mix_below(fate(o, SPOILT_ENTRIES), "count", 2)) { /* else it is missing */
			archive_put(z, &entry);
			archive_put(z, &(struct archive_entry){.name = name_of(o->request.n, extra), .data = file});
		}
		return 0;
	case SPOILT_BOMB:
		put_bomb(o, z, name, file);
		return 0;
	case SPOILT_NAMES:
		entry.name = strange_name(o);
		break;
	case SPOILT_CRC:
		entry.bad_crc = true;
		break;
	case SPOILT_ENCRYPTED:
		entry.password = PASSWORD;
		break;
	case SPOILT_DOUBLED:
		rc = put_double(o, z, name, e);
		break;
	default:
		break;
	}
	archive_put(z, &entry);
	return rc;
}

static int make_entries(const struct sound_order *o, struct archive *z, struct sound_made *m, struct err *e)
{
	char name[24];
	int rc = 0;
	for (size_t i = 0; rc == 0 && o->dummy_first && i < o->request.n; i++)
		rc = put_dummy(z, name_of(i, name), e);
	for (size_t i = 0; rc == 0 && i < o->request.n; i++) {
		CLEANUP(buf_release) struct buf file = BUF_INIT;
		if (atomic_load(o->stop))
			return err_set(e, ERR_STOPPED, "the server ends");
		rc = make_file(o, i, &file, m, e);
		if (rc == 0 && o->spoilt[i] >= SPOILT_ZIP)
			rc = put_victim(o, z, i, buf_view(&file), e);
		else if (rc == 0)
			archive_put(z, &(struct archive_entry){.name = name_of(i, name), .data = buf_view(&file)});
	}
	return rc;
}

/* ---- The reply ---- */

static int make_speech(const struct sound_order *o, struct buf *b, struct sound_made *m, struct err *e)
{
	/* opus: in Ogg, RFC 7845; pcm has no registered type without its rate */
	static const char *const types[FORMAT_COUNT] = {"audio/mpeg", "audio/wav", "audio/flac", "audio/ogg", "audio/pcm"};
	CLEANUP(buf_release) struct buf file = BUF_INIT;
	m->type = types[o->request.format];
	if (!o->json_reply[0])
		return make_file(o, 0, b, m, e);
	int rc = make_file(o, 0, &file, m, e);
	if (rc < 0)
		return rc;
	m->type = "application/json";
	buf_putc(b, '{');
	json_write_string(b, str_of(o->json_reply));
	buf_puts(b, ":\"");
	base64_put(b, file.data, file.len);
	buf_printf(b, "\",\"format\":\"%s\",\"sample_rate\":%d}", format_names[o->request.format], VOICE_RATE);
	return 0;
}

int sound_make(const struct sound_order *o, struct buf *b, struct sound_made *ret, struct err *e)
{
	struct sound_made m = {.type = "application/zip"};
	int rc;
	if (o->chattts) {
		struct archive z;
		archive_begin(&z, b);
		rc = make_entries(o, &z, &m, e);
		archive_end(&z);
	} else {
		rc = make_speech(o, b, &m, e);
	}
	if (rc == 0 && buf_error(b))
		rc = err_set(e, ERR_TOOBIG, "the sounds are larger than a reply may be");
	if (rc == 0)
		*ret = m;
	return rc;
}
