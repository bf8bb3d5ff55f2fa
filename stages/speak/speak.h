/* What speak's two halves share: the plan of what is said (made in taf) and the work (in the worker). */
#ifndef TAF_SPEAK_SPEAK_H
#define TAF_SPEAK_SPEAK_H

#include "core/stage.h"
#include "stages/speak/voices.h"

struct speak_params {
	struct str provider;
	struct str voices;
	double rate; /* factor */
	bool delivery;
	/* of a server's sounds */
	double pace_min, pace_max; /* syllables a second */
	int64_t min_sample_rate;
};
struct speak_state {
	struct voices voices;
};

extern const struct stage_ops stage_speak;
extern const struct stage_sound speak_sound;

/** What is known of who speaks on a side, by the profile or by how the other side speaks to them. */
struct voice_persona speak_persona(const struct work *w, const char *role);
/** All of the work, with a provider over the network. */
int speak_by_server(struct work *w, struct err *e);
/** The worker's part of it: {measure: [HEX…]} → fields {measured: [{object, duration_ms, sample_rate, speech_ms, cut_off} or {why}]}. */
int speak_measure(struct work *w, const struct json *request, struct err *e);
/** The spoken form of a turn for the stage's provider, appended; nothing when there is nothing to speak. */
int speak_spoken(const struct stage *s, struct buf *ret, struct str text, struct err *e);

#endif
