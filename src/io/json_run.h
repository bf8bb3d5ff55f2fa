/* For json.c and json_tree.c only: both look for the next byte of a string that is not copied as it is. */
#ifndef TAF_IO_JSON_RUN_H
#define TAF_IO_JSON_RUN_H

#include <stdint.h>
#include <string.h>

/** The first control character, quote or backslash of [p, end), or `end`. Eight bytes at a time: texts are long and nearly all plain. */
static inline const char *json_plain_run(const char *p, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	while (end - p >= 8) {
		uint64_t v, quote, slash;
		memcpy(&v, p, sizeof(v));
		quote = v ^ ones * '"';
		slash = v ^ ones * '\\';
		/* A byte's high bit comes out set when it is below the number taken off; a borrow may add hits, never hide one. */
		if ((((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & high)
			break;
		p += 8;
	}
	while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
		p++;
	return p;
}

#endif
