/* Text as it is to be spoken: no digits, Latin letters, marks or symbols are left, only Han characters and pauses, so that an engine for Mandarin
 * need not guess and never switches to another language.
 * Pure functions of the text; they own nothing and may run on many threads. */
#ifndef TAF_SPEAK_SPEECH_TEXT_H
#define TAF_SPEAK_SPEECH_TEXT_H

#include "base/buf.h"
#include "base/err.h"

/** Spoken form of a turn, appended: numbers in words (phone numbers, ids and codes digit by digit), Latin letters spelt with Chinese sounds, stage
 * directions in brackets and markup removed, punctuation as pauses (，。？！). Nothing is appended when there is nothing to speak.
 * ERR_PARSE for invalid UTF-8. */
int speech_text(struct buf *ret, struct str text, struct err *e);

/** For an engine that reads character by character (libespeak-ng): in frequent words, characters with several readings are replaced by a
 * homophone of the right one (银行 → 银航), and tone changes of 一, 不 and third tones are written out. Appended. */
void speech_readings(struct buf *ret, struct str spoken);

/* --- Numbers (speech_numbers.c) --- */

/** Text as code points, padded: v[-SPAN_PAD]…v[n+SPAN_PAD-1] may be read and are 0 outside the text. */
#define SPAN_PAD 16
struct span {
	const uint32_t *v;
	size_t n;
};
/** Speak what begins with a digit (or a mask such as XXXX that stands for digits) at `at`; gives the position after it. `spoken` is what stands before. */
size_t speech_number(struct buf *ret, struct span text, size_t at);
/** An amount of money with two decimals: 12.50 is 十二元五角, 元 included. Position after it and after a 元 that stands there; 0 for other numbers. */
size_t speech_yuan(struct buf *ret, struct span text, size_t at);
/** A digit's number as a quantity, whatever stands around it; the position after it. */
size_t speech_amount(struct buf *ret, struct span text, size_t at);
/** 元, 块, 角, 万, 次: after an amount. */
bool speech_is_money(uint32_t cp);
/** What a dash before a digit is said as, behind something counted: 到 in 9点-18点, nothing in 3栋-2单元. NULL: it is not behind such. */
const char *speech_dash(struct span text, size_t at);
/** One digit by itself; `phone` gives 幺 for 1. */
const char *speech_digit(uint32_t digit, bool phone);
/** True for characters that stand for a hidden digit or name: X x * × ○ ●. */
bool speech_is_mask(uint32_t cp);
/** True when the text at `at` (skipping blanks) begins with one of the words. */
bool speech_after(struct span text, size_t at, const char *const *words);

#endif
