/* Which sounds of a request are spoilt, and how: drawn from the request, or from each text when a failure lasts until something changes (`until`). */
#ifndef TAF_TTS_FATE_H
#define TAF_TTS_FATE_H

#include "tests/servers/tts/service.h"
#include "tests/servers/tts/sound.h"

/** Sets o->spoilt (in the arena) by o->request and the switches. Remembers with what its texts were first asked for, if that matters. */
void fate_decide(struct server *s, struct arena *a, struct sound_order *o);
/** What is wrong with the answer: SPOILT_ENGINE if all of it is, else the first of its sounds that is spoilt. */
enum spoilt fate_of(const struct sound_order *o);
/** Counts what is wrong with its texts. */
void fate_count(struct server *s, const struct sound_order *o);
void fate_forget(struct tts *own);

#endif
