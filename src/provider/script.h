/* The deterministic dialogue writer: no model, a call from a scenario's own lines by phase and persona, with slots.
 * Everything is drawn from the seed by name (of the phase, the line, the slot), never from a sequence: a line that is added to a list changes only
 * the calls that come to say it. Pure functions over immutable scenarios: safe from any thread. Results live in the caller's arena. */
#ifndef TAF_PROVIDER_SCRIPT_H
#define TAF_PROVIDER_SCRIPT_H

#include "core/scenario.h"

struct script_turn {
	enum scenario_role role;
	struct str text;
};
struct dialogue {
	struct script_turn *turns;
	size_t nturns;
	struct str *phases; /* names of the phases that took place, in order */
	size_t nphases;
	enum scenario_by by;
	struct str reason;
	struct str left_gender; /* 男 or 女 */
	int left_age, right_age;
};

/** Who speaks in a call: drawn from the seed, whatever is said. */
struct script_people {
	int left_age, right_age;
	struct str left_gender; /* 男 or 女 */
	struct str name, address, left_surname,
		left_staff; /* 王海涛, 王先生; of the other side: a surname, a staff number as it is said */
};
/** The people of the call that script_write writes with the same arguments. */
void script_people(
	struct arena *a, const struct scenario *s, const struct persona *who, uint64_t seed, struct script_people *ret);

/** Write one call. ERR_DATA, naming file, line and phase, when nobody has a line for this persona and these slot values. */
int script_write(struct arena *a, const struct scenario *s, const struct persona *who, uint64_t seed,
	struct dialogue *ret, struct err *e);
/** Run a scenario's own tests: writes tests.runs calls over the personas it suits. True when all hold. */
bool script_test(const struct scenario *s, const struct personas *personas, struct problems *p);
/** "left: …" and "right: …" lines with persona and ending, for people (`taf scenario preview`); appended. */
void script_print(struct buf *b, const struct scenario *s, const struct persona *who, const struct dialogue *d);

/** Four-character pieces of a call's words (punctuation left out), as sorted hashes without doubles. */
struct grams {
	uint64_t *v;
	size_t n;
};
struct grams script_grams(struct arena *a, const struct dialogue *d);
/** Jaccard similarity of two calls, 0…1. Above SCRIPT_ALIKE they count as too alike. */
double grams_jaccard(const struct grams *x, const struct grams *y);
#define SCRIPT_ALIKE 0.6

/** Numbers as they are said: 2 → 两, 12 → 十二, 3500 → 三千五百, 10500 → 一万零五百; 0 to 99,999,999. Appended. */
void say_number(struct buf *b, int64_t n);
/** Minutes of the day: 570 → 上午九点半. Appended. */
void say_time(struct buf *b, int64_t minutes);

#endif
