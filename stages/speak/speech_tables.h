/* The rules of speech_text() that are lists: what a sign, a unit, a word is said as, and which words tell what a number is. All end with NULL. */
#ifndef TAF_SPEAK_SPEECH_TABLES_H
#define TAF_SPEAK_SPEECH_TABLES_H

#include "stages/speak/speech_text.h"

struct speech_word {
	const char *text, *said;
};

extern const char *const speech_letters[26];
/** Words that are said, not spelt, in Chinese talk: small letters. */
extern const struct speech_word speech_words[];
/** After a number, or after 元/: case counts (M is not m). The longest that fits. */
extern const struct speech_word speech_units[];
/** Before a number: ¥, HK$. */
extern const struct speech_word speech_money_signs[];
/** Mathematical and other signs. */
extern const struct speech_word speech_signs[];
/** In addresses of mail and web pages. */
extern const struct speech_word speech_url_words[];

/** The longest entry that stands at `at` and is not followed by a letter; its length in code points, or 0. `fold`: capitals are small letters. */
size_t speech_find(const struct speech_word *table, struct span text, size_t at, bool fold, const char **ret);

/** Numbers that have a reading of their own, said so where `word` follows; "" follows always. */
struct speech_fixed {
	const char *text, *said, *word;
};
extern const struct speech_fixed speech_fixed_numbers[];

extern const char *const speech_ranged[]; /* units behind which a dash is 到, though another unit follows: 30分钟-1小时 */
extern const char *const speech_parts_of_address[]; /* behind these it is silent */
extern const char *const speech_counted_by[];       /* after these a number is a quantity, whatever stands before it */
extern const char *const speech_two[];              /* before these 2 is said 两 */
extern const char *const speech_two_units[];        /* Latin units before which 2 is said 两 */
extern const char *const speech_code_words[];       /* before a code of three digits or more */
extern const char *const speech_phone_words[];
extern const char *const speech_place_names[];   /* after numbers of routes, rooms and doors, read digit by digit */
extern const char *const speech_rides[];         /* after numbers of trains and flights */
extern const char *const speech_scores[];        /* before a ratio: 比分2:1 */
extern const char *const speech_year_words[];    /* after a year, besides 年 */
extern const char *const speech_per[];           /* after a stroke behind a quantity: 60公里/小时 */
extern const char *const speech_hotlines[];      /* five digits that begin with 95 are such, too */
extern const char *const speech_hidden_before[]; /* after a single X, *: 张X先生 */

#endif
