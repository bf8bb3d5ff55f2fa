/* The next line of one side of a talk, made from the lists of lines.yaml. Pure.
 *
 * Left goes by phases: open, story, ask, then push and ask in turn (everyday: settle from the fifth on); before the phase's line it takes up what the other
 * side said last (hears/left → answers/left-*). Right answers what it hears (hears/right → answers/right-*), by awareness in a fraud; in an everyday call
 * it says what it needs and asks on. Right ends the talk after 4 to 10 lines of its own, sooner the warier it is. */
#ifndef TAF_LLM_TALK_H
#define TAF_LLM_TALK_H

#include "tests/servers/llm/lines.h"

enum awareness { AWARE_LOW, AWARE_MIDDLE, AWARE_HIGH };

struct talk {
	const struct lines *lines;
	const struct kind *kind;
	bool left;   /* which side speaks */
	bool opener; /* this side spoke, or speaks, first */
	bool terse;
	bool never_ends;          /* nobody says goodbye yet */
	struct str errand;        /* what who dials wants to say first; empty: as the lists have it */
	enum awareness awareness; /* of right */
	size_t turn;              /* own lines so far */
	struct str last;          /* the other side's last words; empty for none */
	const struct str *said;   /* all words so far, both sides */
	size_t nsaid;
	uint64_t key;  /* of this line */
	uint64_t talk; /* of this dialogue: the same for each line of this side */
};

/** Append the line. True: with it this side ends the talk (never on a question). */
bool talk_line(const struct talk *t, struct buf *b);
/** The last line, when the talk is to end now: it takes up the last words. */
void talk_closing(const struct talk *t, struct buf *b);
/** What a side hears in words ("bye", "who", …, "else"). */
struct str talk_hears(const struct named_set *cues, struct str words);

#endif
