/* The frame headers of an MP3 file (ISO/IEC 11172-3 and 13818-3, layer III), without decoding: is it whole, and how long does it sound? */
#include "cli/verify_parts.h"

#include <string.h>

struct frame {
	int64_t bytes, samples, rate, channels;
};

/* A header of 4 bytes; false when it is none. */
static bool frame_of(const unsigned char *h, struct frame *ret)
{
	static const int rates[4] = {44100, 48000, 32000, 0}; /* MPEG-1; half in MPEG-2, a quarter in MPEG-2.5 */
	static const int kbits[2][16] = {{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0}};
	int version = h[1] >> 3 & 3, layer = h[1] >> 1 & 3; /* 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5; layer 1 is III */
	bool first = version == 3;
	int kbit = kbits[first][h[2] >> 4], rate = rates[h[2] >> 2 & 3] >> (first ? 0 : version == 2 ? 1 : 2);
	if (h[0] != 0xff || (h[1] & 0xe0) != 0xe0 || version == 1 || layer != 1 || kbit == 0 || rate == 0)
		return false;
	*ret = (struct frame){.bytes = (int64_t)(first ? 144 : 72) * kbit * 1000 / rate + (h[2] >> 1 & 1),
		.samples = first ? 1152 : 576,
		.rate = rate,
		.channels = (h[3] >> 6) == 3 ? 1 : 2};
	return true;
}

/* Bytes of an ID3v2 tag at the beginning: 10, and a length of four times 7 bits. */
static size_t tag_bytes(const unsigned char *p, size_t n)
{
	if (n < 10 || memcmp(p, "ID3", 3) != 0)
		return 0;
	return 10 + ((size_t)(p[6] & 127) << 21 | (size_t)(p[7] & 127) << 14 | (size_t)(p[8] & 127) << 7 | (p[9] & 127));
}

const char *verify_mp3(struct str bytes, struct verify_sound *ret)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t n = bytes.n, at = n ? tag_bytes(p, n) : 0;
	struct verify_sound s = {0};
	if (n >= 128 && memcmp(p + n - 128, "TAG", 3) == 0)
		n -= 128;
	for (; at < n; s.frames++) {
		struct frame f;
		if (n - at < 4 || !frame_of(p + at, &f))
			return s.frames ? "has bytes between its frames that are no MP3" : "is no MP3 file";
		if (f.bytes < 4 || (size_t)f.bytes > n - at)
			return "is cut short within a frame";
		if (s.frames && (f.rate != s.sample_rate || f.channels != s.channels))
			return "changes its sampling rate or channels";
		s.sample_rate = f.rate;
		s.channels = f.channels;
		s.samples += f.samples;
		at += (size_t)f.bytes;
	}
	if (s.frames == 0)
		return "is no MP3 file";
	*ret = s;
	return NULL;
}
