/* A call's sound, measured once for the rules and for the acoustic description: who speaks when (stages/qa/voice.h), turn by turn. */
#ifndef TAF_QA_HEARD_H
#define TAF_QA_HEARD_H

#include "io/av.h"
#include "io/loudness.h"
#include "stages/qa/findings.h"
#include "stages/qa/signal.h"
#include "stages/qa/voice.h"

enum { LEFT, RIGHT, SIDES };
const char *side_name(int side);

#define HEARD_TURN_SPEECH_MS 30 /* a turn with less is silent */

/** A segment of audio.segments that has its place in the call and in the file. */
struct heard_turn {
	int64_t turn, syllables;
	int side;
	size_t from, to;    /* frames of 10 ms */
	size_t first, last; /* the speech in it: from its first active frame to behind its last; equal when there is none */
	size_t speech;      /* active frames in it */
	size_t talked_over; /* frames at its beginning in which a segment of the other side has not ended */
	double lufs;        /* of its channel; -HUGE_VAL for silence and for less than 400 ms */
	struct signal signal; /* of its channel */
};
struct heard {
	const struct sound *sound; /* one or two channels; not owned */
	struct voice voice[SIDES]; /* of one channel: its speech inside the segments of the side */
	struct voice_pitch pitch[SIDES];
	double side_lufs[SIDES]; /* -HUGE_VAL for silence */
	struct loudness all;
	struct signal signal; /* of both channels together */
	double *blocks[SIDES]; /* loudness_meter_blocks() of its channel; of one channel: 0 outside the segments of the side */
	size_t n, nblocks;     /* frames, blocks */
	struct heard_turn *turns;
	size_t nturns;
	size_t speech[SIDES], overlap, silence, longest_silence; /* frames */
};
void heard_release(struct heard *h);
int64_t heard_ms(size_t frames);
/** Measure. Segments that are out of place are findings and take no part. */
int heard_measure(const struct sound *s, const struct json *call, struct findings *f, struct heard *ret, struct err *e);
/** The field `acoustics`. */
struct json *heard_acoustics(struct arena *a, const struct heard *h);

#endif
