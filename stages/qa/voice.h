/* What is heard on one channel: where somebody speaks, and how high the voice is. Pure computation on samples, no library; deterministic for a CPU
 * architecture: sums, products and square roots in a fixed order, no function of libm whose last bits depend on the CPU. */
#ifndef TAF_QA_VOICE_H
#define TAF_QA_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VOICE_FRAME_MS 10

/** One channel of a sound. */
struct voice_track {
	const float *samples; /* its first; not owned; full scale is ±1 */
	int stride;           /* from one to the next: the number of channels */
	int64_t frames;       /* samples */
	int rate;             /* Hz, 4,000…192,000 */
};

/** Speech and silence of a channel in frames of 10 ms; what is left over at the end is not counted. */
struct voice {
	float *energy; /* mean square of each frame, without the channel's mean */
	bool *active;  /* somebody speaks */
	size_t n;
	double level; /* mean square of speech by two gates; 0 for silence */
};
void voice_release(struct voice *v);
/** Energies and level; nothing is active yet. */
void voice_measure(const struct voice_track *t, struct voice *ret);
/** Mark the active frames. What is below `floor` (a mean square) is never speech: voice_floor() of the loudest channel. */
void voice_activity(struct voice *v, double floor);
double voice_floor(double loudest_level);

/** First sample of a frame; `frame` may be n: the end of the last. */
int64_t voice_sample(int rate, size_t frame);

struct voice_pitch {
	int64_t frames; /* voiced frames; one each 20 ms of speech is looked at */
	int64_t median_hz, low_hz, high_hz;
};
/** Pitch of the active frames: median, 10th and 90th percentile of the voiced ones. All 0 without voiced frames. */
void voice_pitch(const struct voice_track *t, const struct voice *v, struct voice_pitch *ret);

#endif
