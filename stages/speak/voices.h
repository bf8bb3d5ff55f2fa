/* The voices of voices.yaml, and which of them the two sides of a call get. Read-only once loaded; lives in the arena it was loaded into. */
#ifndef TAF_SPEAK_VOICES_H
#define TAF_SPEAK_VOICES_H

#include "base/draw.h"
#include "io/yaml.h"

enum voice_gender { VOICE_MALE, VOICE_FEMALE, VOICE_ANY_GENDER };
enum voice_age { VOICE_YOUNG, VOICE_MIDDLE, VOICE_ELDERLY, VOICE_ANY_AGE };
#define VOICE_GENDERS 2
#define VOICE_AGES 3
#define VOICE_PITCHES 4

struct voice {
	struct str variant;
	enum voice_gender gender;
	unsigned ages;             /* bit per enum voice_age */
	int64_t hz[VOICE_PITCHES]; /* median pitch at the pitch parameters 30, 50, 70, 90; it is used between the first and the last */
};
struct voice_group {
	bool given;
	int64_t hz[2], rate_wpm[2], range[2];
};
struct voices {
	struct voice *v;
	size_t n;
	struct voice_group groups[VOICE_GENDERS][VOICE_AGES];
	int64_t young_below, middle_below;
	int64_t apart; /* semitones between the two sides */
};
/** What is known of a speaker. */
struct voice_persona {
	enum voice_gender gender;
	enum voice_age age;
};
struct voice_choice {
	const struct voice *voice;
	int hz, pitch, rate_wpm, range;
};

/** Read a voices file. ERR_CONFIG with the place of what is wrong. */
int voices_load(struct arena *a, const char *path, struct voices *ret, struct err *e);
enum voice_age voices_age(const struct voices *all, int64_t years);
/** Draw a voice for a persona; what is not known of it is drawn too. `other` (may be NULL) is the voice of the other side: another variant and at least
 * `apart` semitones away. Age, then gender of the persona give way when nothing fits. */
struct voice_choice voices_choose(
	const struct voices *all, struct voice_persona who, const struct voice_choice *other, struct draw *d);
#endif
