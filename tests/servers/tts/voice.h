/* Sound that is like speech enough to be measured: a text's syllables as vowels on a moving pitch, pauses where its marks are. No words can be understood.
 *
 * A pulse train (the voice) and noise (consonants) run through four resonators, whose frequencies move from vowel to vowel. Pitch, size of the mouth and pace
 * are the voice's; vowel, consonant and tone are the character's; small differences in length and pitch are of the `manner`. Pure: the same order gives the
 * same samples. */
#ifndef TAF_TTS_VOICE_H
#define TAF_TTS_VOICE_H

#include "base/str.h"
#include "io/av.h"

#define VOICE_RATE 24000              /* Hz */
#define VOICE_SECONDS_MAX 600         /* of one text */
#define VOICE_TEXT_MAX ((size_t)8192) /* bytes of one text */

struct voice_order {
	struct str text;
	uint64_t voice;  /* whose */
	uint64_t manner; /* how this time */
	double speed;    /* 1: some 4.5 syllables a second */
};

/** Speak: mono at VOICE_RATE, -20 LUFS within a decibel or so. A text without a syllable gives 0.3 s of silence. */
void voice_speak(const struct voice_order *o, struct sound *ret);
/** The same by libespeak-ng (src/io/speech.h), one at a time, whatever the thread. */
int voice_espeak(const struct voice_order *o, struct sound *ret, struct err *e);
/** What is spoken of a text: Chinese characters, digits, groups of Latin vowels. */
int voice_syllables(struct str text);

#endif
