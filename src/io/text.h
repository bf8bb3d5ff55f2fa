/* Unicode text by utf8proc. The only file that includes utf8proc is text.c. */
#ifndef TAF_IO_TEXT_H
#define TAF_IO_TEXT_H

#include "base/buf.h"
#include "base/err.h"

/** NFKC, control characters other than \n and \t dropped, runs of white space to one blank, trimmed; appended. Invalid UTF-8 is ERR_PARSE. */
int text_normalize(struct buf *ret, struct str s, struct err *e);
/** NFC only, appended. */
int text_nfc(struct buf *ret, struct str s, struct err *e);
/** Unicode general category class of a code point: 'L' letter, 'M' mark, 'N' number, 'P' punctuation, 'S' symbol, 'Z' separator, 'C' other. */
char text_class(uint32_t cp);
const char *text_unicode_version(void);

#endif
