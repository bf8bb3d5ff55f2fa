/* UTF-8 by hand where a library is not worth the call: checking, walking, counting. Normalisation is io/text. */
#ifndef TAF_BASE_UTF8_H
#define TAF_BASE_UTF8_H

#include "base/str.h"

/** Offset of the first invalid byte (overlong, surrogate, over U+10FFFF, cut short), or -1 when all is valid. */
ptrdiff_t utf8_invalid(struct str s);
/** Take one code point off the front; invalid bytes come out as U+FFFD one by one. False at the end. */
bool utf8_next(struct str *s, uint32_t *ret_cp);
/** Bytes written to `ret` (at most 4). */
size_t utf8_put(uint32_t cp, char *ret);
size_t utf8_count(struct str s); /* code points */
/** The longest beginning of at most `max` bytes that does not end within a character; for excerpts in messages. */
struct str utf8_clip(struct str s, size_t max);
bool utf8_is_han(uint32_t cp);   /* CJK ideographs: URO, extensions A-H, compatibility, 〇 */
bool utf8_is_space(uint32_t cp); /* ASCII, NBSP, ideographic space, U+2000-200A, ZWSP, BOM */
/** Columns on a terminal (wide = 2, combining = 0). */
size_t utf8_width(struct str s);

#endif
