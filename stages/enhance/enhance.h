/* What enhance's files share: the stage, and one child in the making. */
#ifndef TAF_STAGES_ENHANCE_ENHANCE_H
#define TAF_STAGES_ENHANCE_ENHANCE_H

#include "core/line_rules.h"
#include "core/schema.h"
#include "core/template.h"
#include "provider/script_remix.h"
#include "stages/enhance/axes.h"
#include "stages/enhance/pool.h"

#include <pthread.h>

#define CHILD_TURNS_MIN 6 /* of a model's child */
#define CHILD_TURNS_MAX 40
#define CHILD_LINE_CHARS 200              /* of a turn; the prompt asks for less */
#define SEED_BYTES_MAX ((size_t)64 << 10) /* of the calls that are shown: peers that do not fit are left out */

struct params {
	struct str provider, lexicon, tag, axes, lines;
	struct option_list prompts;
	int64_t per_call, parents, peers, draws, min_turns;
	double novelty;
};

enum prompt { PROMPT_SYSTEM, PROMPT_SEED, PROMPT_LEFT, PROMPT_RIGHT, PROMPT_FRAUD, PROMPT_NORMAL, PROMPT_COUNT };
/* With a model. */
struct writer {
	struct template prompts[PROMPT_COUNT];
	struct axes axes;
	struct line_rules lines;
	struct schema *answer;
};
/* The pool is filled by peers(), possibly again while slots are worked: a slot holds the lock to read while it compares. */
struct state {
	struct lexicon lexicon;
	struct writer *writer; /* NULL with the embedded writer */
	pthread_rwlock_t lock;
	struct pool *pool;
};

/* One child in the making. */
struct making {
	struct work *w;
	const struct json *calls[REMIX_CALLS]; /* the parent, then its peers */
	struct str ids[REMIX_CALLS];
	size_t ncalls;
	int64_t limit; /* of likeness, thousandths */
};
/** The highest ROUGE-L of turns [{role, text}] against parent and peers, then the pool of the label (which holds them too, but they come first: most are
 * ruled out by them). */
int making_likeness(const struct making *m, const struct json *turns, int64_t *ret, struct err *e);
/** End the slot with a finding. */
void making_reject(struct work *w, const char *rule, int64_t value, int64_t limit, const char *unit);

/* --- By a model (model.c) ---
 * One question a slot: parent and peers as examples, the label, and one value of each axis of axes.yaml. The answer is a list of turns; sides alternate, each
 * turn keeps the line rules, and ROUGE-L stays under `novelty`: what does not hold costs the next draw. When draws were good but too similar, the slot is
 * rejected as the embedded writer's; when none was even good, it is quarantined. */
int writer_load(struct arena *a, const struct params *p, struct writer **ret, struct err *e);
int writer_make(struct making *m, const struct writer *writer, struct err *e);
void writer_cost(const struct params *p, struct stage_cost *ret);

#endif
