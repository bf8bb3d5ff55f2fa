/* What the files that read numbers share. A span's padding may be read, see speech_text.h. */
#ifndef TAF_SPEAK_SPEECH_DIGITS_H
#define TAF_SPEAK_SPEECH_DIGITS_H

#include "stages/speak/speech_text.h"

static inline bool digits_is(uint32_t cp)
{
	return cp >= '0' && cp <= '9';
}

static inline bool letters_is(uint32_t cp)
{
	return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

/** How many digits stand at `at`. */
size_t digits_at(struct span t, size_t at);
/** The number they make; of the first 17. */
int64_t digits_value(struct span t, size_t at, size_t n);
/** Groups of three after commas: 15,000. The end of the whole part, and its value. */
size_t digits_thousands(struct span t, size_t at, size_t n, int64_t *ret);
/** One by one; `phone` gives 幺 for 1. */
void digits_say(struct buf *b, struct span t, size_t at, size_t n, bool phone);
/** As a number: 两千零五十. */
void digits_say_value(struct buf *b, int64_t v);
/** True when the text just before `at` (skipping blanks and 是为:，) ends with one of the words. */
bool digits_stand_after(struct span t, size_t at, const char *const *words);
/** A number that its shape tells, of `n` digits at first: the position after it, or 0. */
size_t speech_shape(struct buf *b, struct span t, size_t at, size_t n);

#endif
