/* anonymize's own parts: how a call is taken apart, what is found in it, and what is put in its place.
 *
 * A text is an array of *signs*, one a code point. Digits of all styles become *atoms*; neighbouring atoms are a *group*, groups with nothing but
 * separators, fillers and corrections between them a *run*. A *span* is one place of a value: the signs from its first to its last character, and
 * which of its atoms stands for which character of the *value* (the normalised text of a number or address, the same however it was said).
 * All memory is the record's arena; one thread a call; the rules are read-only. Every look around is bounded, so work is linear in the text. */
#ifndef TAF_STAGES_ANONYMIZE_H
#define TAF_STAGES_ANONYMIZE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"

#define ANON_VALUE_MAX 128 /* characters of a value; nothing longer is taken for one */

enum anon_kind {
	ANON_MOBILE,
	ANON_LANDLINE,
	ANON_RESIDENT_ID,
	ANON_BANK_CARD,
	ANON_EMAIL,
	ANON_CHAT_ID,
	ANON_CODE,
	ANON_PLATE,
	ANON_PASSPORT,
	ANON_ACCOUNT,
	ANON_KINDS,
	ANON_NONE = ANON_KINDS
};
const char *anon_kind_name(enum anon_kind kind);

/* --- Rules: the lists of rules.yaml --- */

enum rule_list {
	RULE_FILLERS,
	RULE_CORRECTIONS,
	RULE_AT,
	RULE_DOT,
	RULE_DASH,
	RULE_UNDERSCORE,
	RULE_MAIL_PROVIDERS,
	RULE_MAIL_ENDS,
	RULE_CARD_WORDS,
	RULE_ID_WORDS,
	RULE_PASSPORT_WORDS,
	RULE_CODE_WORDS,
	RULE_CHAT_WORDS,
	RULE_ACCOUNT_WORDS,
	RULE_PHONE_LEADS,
	RULE_ID_LEADS,
	RULE_CARD_LEADS,
	RULE_NOT_AFTER,
	RULE_LINKS,
	RULE_PUBLIC_NUMBERS,
	RULE_UNITS,
	RULE_FREE_MOBILE,
	RULE_FREE_REGIONS,
	RULE_FREE_CARDS,
	RULE_LISTS
};
struct anon_words {
	struct str *v; /* longest first */
	size_t n;
	bool first[256]; /* bytes that a word begins with: most places are none */
};
struct anon_rules {
	struct anon_words lists[RULE_LISTS];
};
int anon_rules_load(struct arena *a, const char *path, struct anon_rules *ret, struct err *e);
/** Bytes of the longest word of a list that `s` begins with, or 0. ASCII letters in any case. */
size_t anon_word_at(const struct anon_words *words, struct str s);
/** Whether a word of a list stands anywhere in `s`; where the last one ends (bytes) in `ret_end` (may be NULL). */
bool anon_word_in(const struct anon_words *words, struct str s, size_t *ret_end);
/** Whether `s` is a word of a list. */
bool anon_word_is(const struct anon_words *words, struct str s);

/* --- Texts --- */

enum anon_style { STYLE_ASCII, STYLE_WIDE, STYLE_SPOKEN };
enum sign_kind { SIGN_OTHER, SIGN_DIGIT, SIGN_LETTER, SIGN_GAP };
struct sign {
	uint32_t at, cp; /* offset in bytes */
	uint8_t kind, style;
	int8_t digit; /* 0-9 */
	bool weak;    /* a digit only because of what stands beside it: 要, 么 at the front of a group */
	bool taken;   /* in a span */
};

#define ATOM_RUN 1        /* first of a run */
#define ATOM_GROUP 2      /* first of a group */
#define ATOM_QUANTITY 4   /* part of an amount, a date, a count */
#define ATOM_CORRECTED 8  /* a correction stands before it */
#define ATOM_EXTENSION 16 /* 转 stands before it */
#define ATOM_MARK 32      /* the X of a resident id */
#define INDEX_KEEP (-1)   /* stays: a country code, a domain */
#define INDEX_SLIP (-2)   /* said by mistake: becomes something else, but is no part of the value */
struct atom {
	uint32_t sign;
	uint8_t nsigns; /* 3 for the first atom of a repeat ("三个六"), 0 for its others */
	uint8_t style, flags;
	char c;        /* '0'-'9', 'X', letters as written, '@', '.', '-', '_' */
	int16_t index; /* into the value */
};
struct span {
	enum anon_kind kind;
	uint32_t first, end; /* signs */
	const struct atom *atoms;
	size_t natoms;
	size_t value; /* index into call->values */
};
struct anon_text {
	struct str s;
	const char *field; /* path, or NULL: a turn */
	int turn;
	char side;          /* 'l', 'r' or 0 */
	struct sign *signs; /* n + 1: the last stands at the end */
	size_t n;
	struct atom *atoms; /* all digits of the text */
	size_t natoms;
	struct span *spans; /* in order once anon_find is done */
	size_t nspans, cap;
};
struct anon_value {
	enum anon_kind kind;
	struct str text, fake; /* fake: as many characters */
};
struct anon_call {
	struct arena *a;
	const struct anon_rules *rules;
	struct str key;
	struct anon_text *texts;
	size_t ntexts;
	struct anon_value *values;
	size_t nvalues, cap;
	struct map known; /* kind and text → index into values */
};

/** Signs and atoms of a text. */
void anon_read(struct anon_call *c, struct anon_text *t);
/** Signs of the digit at sign `i`: 1, or 2 with the 十 or 百 behind it where a long number begins like a count. */
size_t anon_digit_signs(const struct anon_text *t, size_t i);
/** The text between two signs. */
struct str anon_slice(const struct anon_text *t, size_t from, size_t to);
/** The sign at which what can part two groups of a number ends, beginning at sign `i`; `i` when it is nothing of the sort or too long.
 * `*ret_flags` gets ATOM_CORRECTED, ATOM_EXTENSION. */
size_t anon_gap_end(const struct anon_call *c, const struct anon_text *t, size_t i, unsigned *ret_flags);
/** Whether a word of `list` stands close before sign `at` of the text, or (`turns` > 0) at the end of one of so many texts before it. */
bool anon_context(const struct anon_call *c, const struct anon_text *t, size_t at, enum rule_list list, int turns);

/* --- Finding --- */

/** Add a span over atoms (copied; their `index` is set) of a value, unless one of its signs is taken. */
bool anon_add(struct anon_call *c, struct anon_text *t, enum anon_kind kind, const struct atom *atoms, size_t n,
	struct str value);
/** Everything, in all texts of the call. */
void anon_find(struct anon_call *c);
/** What a string of digits (X last in an id) is by its form and check digits alone: mobile, landline, id, card, or none. */
enum anon_kind anon_number_kind(const char *digits, size_t n);
/** The same with the words before sign `at` of a text: what a check digit does not confirm, or old ids and cards without a range of their own. */
enum anon_kind anon_number_by_words(
	const struct anon_call *c, const struct anon_text *t, size_t at, const char *digits, size_t n);
/** Whether a value of this kind has its form; digits may have been lost before it came here. */
bool anon_form_known(enum anon_kind kind, const char *digits, size_t n);
bool anon_luhn(const char *digits, size_t n);
/** Check character of the first 17 digits of a resident id (GB 11643-1999, ISO 7064 MOD 11-2). */
char anon_id_check(const char *digits);

void anon_find_numbers(struct anon_call *c, struct anon_text *t);
/** Order, policy and other numbers after their word: before plain numbers are looked for in them. */
void anon_find_accounts(struct anon_call *c, struct anon_text *t);
void anon_find_words(struct anon_call *c, struct anon_text *t);
void anon_find_mail(struct anon_call *c, struct anon_text *t);

/* --- Surrogates --- */

/** A fake for every value: same kind, length and classes of characters; unlike all originals and all other fakes of its kind in the call. */
void anon_fake(struct anon_call *c);
/** Begin of a fake's mail domain that is not kept: written as "example", the rest of the name up to its end is FAKE_NOTHING. */
#define FAKE_EXAMPLE '\x01'
#define FAKE_NOTHING '\x02'
#define FAKE_COM '\x03'
#define MAIL_END '#' /* in a value: the end of a domain that is not free for examples */
/** The text with its surrogates, appended; each span's place in it (code points) in `ret_at`, `ret_chars`. */
void anon_render(
	const struct anon_call *c, const struct anon_text *t, struct buf *ret, size_t *ret_at, size_t *ret_chars);
/** "digits", "spoken" or "text". */
const char *anon_form(const struct span *s);

#endif
