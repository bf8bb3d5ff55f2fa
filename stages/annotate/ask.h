/* annotate with a model: three questions a call (scene, fraud, fraud type), each with the transcript, the true label of this call and the sound as `hears`
 * says. A prompt never holds the closed sets, so a label that is added asks nothing anew; the answer must be the call's label.
 *
 * The scene of a call that has none is the model's choice: it is asked to choose among the few scenes whose cues (scenes.yaml) the call has most of, at most
 * SCENES_PROPOSED, so that a new scene changes the requests only of calls whose words fit it.
 *
 * The thinking is the first of these that passes the rules of core/note_rules.h: what the server gave as the model's reasoning (unless thinking: answer),
 * then the member `thinking` of the answer, which is always asked for. Without one, with a wrong label or with a fault in the reason, the next draw is asked
 * for. */
#ifndef TAF_STAGES_ANNOTATE_ASK_H
#define TAF_STAGES_ANNOTATE_ASK_H

#include "core/note_rules.h"
#include "core/schema.h"
#include "core/template.h"
#include "stages/annotate/annotate.h"

#define SCENES_PROPOSED 3
#define ASK_CALL_BYTES ((size_t)200 << 10) /* of a transcript in a prompt; a longer one is a bad record */
#define ASK_HAN_PERCENT 60                 /* as qa's default */

enum prompt {
	PROMPT_SYSTEM,
	PROMPT_CALL,
	PROMPT_LEFT,
	PROMPT_RIGHT,
	PROMPT_VOICE,
	PROMPT_AUDIO,
	PROMPT_SCENE,
	PROMPT_SCENES,
	PROMPT_FRAUD,
	PROMPT_NORMAL,
	PROMPT_TYPE,
	PROMPT_COUNT
};
enum thinking_of { THINKING_AUTO, THINKING_ANSWER };

struct ask_options {
	const struct option_list *prompts;
	const char *leaks;
	int64_t min_thinking, max_thinking, min_citations;
	int hears, thinking;
};
/** Immutable after loading; any thread. */
struct asker {
	const struct tables *tables;
	struct labels labels;
	struct phrase_list leaks, markup;
	struct note_rules rules;
	struct template prompts[PROMPT_COUNT];
	struct schema *answers[ROUND_COUNT];
	enum hears hears;
	enum thinking_of thinking;
};
/** Read prompts and phrases. `tables` and `labels` are kept. All that is wrong with the prompts is told at once. */
int asker_load(struct arena *a, const struct ask_options *o, const struct tables *tables, const struct labels *labels,
	struct asker **ret, struct err *e);
/** What one call takes, from the sizes of the prompt files (ask_prompts.c says how). */
void ask_cost(const struct ask_options *o, struct stage_cost *ret);

/** The messages of a question: the system's, and the user's with the call first, so that servers which cache beginnings read the call once for all three.
 * `values` are the slots of `question`. ERR_TOOBIG over ASK_CALL_BYTES. */
int ask_messages(const struct asker *k, struct work *w, enum prompt question, const struct str *values,
	struct json **ret, struct err *e);
/** {annotations, label?} of a call, into work->fields. ERR_INVALID when no draw would do. */
int ask_rounds(struct work *w, const struct asker *k, struct err *e);

/** Scenes of scenes.yaml that the turns fit, the best first; at least one (the default one). */
size_t scenes_proposed(
	struct arena *a, const struct tables *t, const struct json *turns, struct str ret[SCENES_PROPOSED]);

#endif
