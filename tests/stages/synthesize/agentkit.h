/* Two scripted agents and a manager for the tests of synthesize: they behave, but for one question that a test may spoil. One thread. */
#ifndef TAF_TESTS_AGENTKIT_H
#define TAF_TESTS_AGENTKIT_H

#include "stages/synthesize/synthesize.h"
#include "tests/stages/import/stagekit.h"
#include "tests/stages/llmkit.h"

struct agentkit {
	struct kit kit;
	struct llmkit llm;
	/* how they behave */
	int over_at;            /* the manager's question ("manager N") at which the call is over; 0: never */
	const char *terminator; /* what it says then; natural when NULL */
	bool emotions;          /* answer as JSON */
	/* the spoilt question: its first `bad_draws` answers are `bad` */
	const char *bad_step, *bad;
	int bad_draws;
};

/** `with` has neither provider nor scenarios when it is a plain list of members ("count: 1"). Lists the items too. */
void agents_open(struct agentkit *k, const char *with);
void agents_close(struct agentkit *k);
/** Work on a listed item. What was asked before is forgotten. */
int agents_work(struct agentkit *k, const struct kit_item *item, struct work *ret, struct err *e);
/** The first listed item of a scenario; aborts when there is none. */
const struct kit_item *agents_item(struct agentkit *k, const char *scenario);
/** "left 1 right 1 …": what was asked, with a "/N" behind further draws. */
const char *agents_steps(struct agentkit *k);
/** The asked question with this step (draw 0), or NULL. */
const struct llmkit_asked *agents_asked(const struct agentkit *k, const char *step);
/** A message of it: its role and text. */
struct str asked_role(const struct llmkit_asked *asked, size_t i);
struct str asked_text(const struct llmkit_asked *asked, size_t i);

#endif
