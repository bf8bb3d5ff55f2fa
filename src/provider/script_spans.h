/* What can be drawn anew in a turn: people, amounts, times, numbers, and names of one kind (script_lexicon). Finding is a pure function of the text
 * and the lexicon. Spans point into the text they were found in; results live in the caller's arena. */
#ifndef TAF_PROVIDER_SCRIPT_SPANS_H
#define TAF_PROVIDER_SCRIPT_SPANS_H

#include "provider/script_lexicon.h"

/** Kinds are also bits of masks; entities of list L are SPAN_ENTITY + L. */
enum span_kind {
	SPAN_LEFT,    /* the caller's or the service's person */
	SPAN_RIGHT,   /* the called person */
	SPAN_OTHER,   /* somebody who is spoken of */
	SPAN_MONEY,   /* yuan */
	SPAN_CLOCK,   /* hour of the day, as it is said */
	SPAN_DATE,    /* day of the month */
	SPAN_MINUTES, /* minutes that something takes */
	SPAN_DIGITS,  /* a number told digit by digit */
	SPAN_ENTITY
};

struct span {
	size_t from, to; /* bytes of the turn's text */
	int kind;        /* enum span_kind, or SPAN_ENTITY + list */
	/* What makes two spans the same thing: surname or digits as a hash, else the number or the place in the list. */
	uint64_t value;
	bool arabic;     /* written in Arabic digits */
	int64_t times;   /* money in Arabic digits: 10,000 when 万 stands behind it */
	int low, high;   /* clock: hours of its part of the day; 0: not said */
	struct str nick; /* people: 小 or 老 before the surname */
	struct str surname, given, title;
	int title_list;    /* of LEX_TITLES; -1 without a title */
	bool self;         /* the speaker says who he is */
	struct str digits; /* SPAN_DIGITS, in ASCII */
};
struct spans {
	struct span *v;
	size_t n, cap;
};

/** Find them in one turn, in order, without overlaps. `known` (may be NULL) are people found before: their full names are taken for names wherever they
 * stand, others only where a name would end. */
void spans_find(
	struct arena *a, const struct lexicon *l, const struct spans *known, struct str text, bool left, struct spans *ret);
/** Add the people of `turn` that have a full name to `known`. */
void spans_know(struct arena *a, const struct spans *turn, struct spans *known);
/** After all turns of a call: hours and days that are said without their part of the day or month are taken for the ones that were said with it,
 * or dropped; whoever was first spoken of as a third person stays one. */
void spans_settle(struct spans *turns, size_t n);

/** A whole number in Chinese numerals, of the strict form (三千五百, 一万零五十; not 三四百, 三千五, 一二三): its value, or -1. */
int64_t spans_number(struct str text);

#endif
