/* The prompts of the agents: stages/synthesize/prompts/NAME.md, one per role and kind of call. Read once at start into an arena, immutable afterwards. */
#ifndef TAF_SYNTHESIZE_PROMPTS_H
#define TAF_SYNTHESIZE_PROMPTS_H

#include "core/template.h"

enum prompt {
	/* systems of the sides, by 2 × kind + role: see prompt_side() */
	PROMPT_LEFT_NORMAL,
	PROMPT_RIGHT_NORMAL,
	PROMPT_LEFT_FRAUD,
	PROMPT_RIGHT_FRAUD,
	PROMPT_MANAGER_NORMAL,
	PROMPT_MANAGER_FRAUD,
	PROMPT_SPEAKING, /* behind the system of a side */
	PROMPT_EMOTION,  /* and behind that, when emotions are asked for */
	PROMPT_OPENING,
	PROMPT_CLOSING_OWN,   /* who speaks ends the call */
	PROMPT_CLOSING_OTHER, /* the other side will */
	PROMPT_CLOSING_BOTH,
	PROMPT_VERDICT, /* to the manager, after an exchange */
	PROMPT_HANGUP,  /* to the manager, after a line with the signal */
	PROMPTS
};
enum prompt_fact {
	FACT_TITLE,
	FACT_LABEL,
	FACT_INITIATOR, /* left, right */
	FACT_DIALLER,   /* 你, 对方 */
	FACT_NAME,      /* of the user, as the next five */
	FACT_ADDRESS,
	FACT_GENDER,
	FACT_AGE,
	FACT_OCCUPATION,
	FACT_MANNER, /* awareness or style in words */
	FACT_LEFT_GENDER,
	FACT_LEFT_AGE,
	FACT_LEFT_SURNAME,
	FACT_LEFT_STAFF,
	FACT_PHASES,  /* names of the scenario's phases */
	FACT_EXAMPLE, /* lines of this side that the scenario's own lines give, each on a line of its own */
	FACT_ERRAND,  /* why the user calls; empty when left dials */
	FACT_MAX_CHARS,
	FACT_SIGNAL, /* the hang-up signal, when it may be used */
	FACT_EARLY,  /* 现在, while it may not */
	FACT_EMOTIONS,
	FACT_TRANSCRIPT,
	FACT_SIDE,
	FACT_REASON,
	FACTS
};
struct prompts {
	struct template v[PROMPTS];
};

/** Read all of them. ERR_CONFIG tells all that is wrong: unknown slots, files that no prompt is called after, prompts without a file. */
int prompts_load(struct arena *a, const struct option_list *files, struct prompts *ret, struct err *e);
/** Append a prompt; `values` has FACTS members. */
void prompt_put(struct buf *b, const struct prompts *p, enum prompt which, const struct str *values);

#endif
