/* How many syllables a Chinese text has when it is read aloud: what speech rates are measured by. */
#ifndef TAF_QA_SYLLABLES_H
#define TAF_QA_SYLLABLES_H

#include "base/str.h"

/** One for a Han character; one for a digit (8500 is read 八千五百, 139 is read 一三九); three for a percent sign (百分之), one for a point between
 * digits (点); one for each letter of an abbreviation (a word without small letters, or without a vowel); one for each group of vowels (a e i o u y) of
 * another Latin word. Full-width forms count as their plain ones. What speak leaves out is not read: short text in brackets （停顿）, but for a code in them （尾号：1234）, and signals ##结束##. All else is silent. An estimate: readings are the speaker's business. */
int64_t syllables_count(struct str text);

#endif
