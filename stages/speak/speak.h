/* What speak's two halves share: the plan of what is said (made in taf) and the work (in the worker). */
#ifndef TAF_SPEAK_SPEAK_H
#define TAF_SPEAK_SPEAK_H

#include "core/stage.h"
#include "stages/speak/voices.h"

struct speak_params {
	struct str provider;
	struct str voices;
	double rate; /* factor */
};
struct speak_state {
	struct voices voices;
};

extern const struct stage_ops stage_speak;
extern const struct stage_sound speak_sound;

/** The spoken form of a turn for the stage's provider, appended; nothing when there is nothing to speak. */
int speak_spoken(const struct stage *s, struct buf *ret, struct str text, struct err *e);

#endif
