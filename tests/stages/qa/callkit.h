/* Calls of generated sound with known faults, for the tests of qa (rules: audio). */
#ifndef TAF_TESTS_QA_CALLKIT_H
#define TAF_TESTS_QA_CALLKIT_H

#include "io/av.h"
#include "tests/stages/sound_work.h"

#define RATE 24000

struct made {
	struct sound sound;
	struct json *turns, *segments;
};
void made_release(struct made *m);
/** The usual call at -23 LUFS, 9.5 s: left 0.5-2.5 s with a pause of 300 ms in it, right 3.0-5.0 s, left 5.4-7.4 s, right 7.2-9.0 s. */
void make_usual(struct sound_work *w, struct made *m);
void made_scale(struct sound *s, double factor);
void made_silence(struct made *m, int side, int64_t from_ms, int64_t to_ms);
/** The call of a file; what `m` says of turns and segments. */
struct json *call_of(struct sound_work *w, const struct made *m, struct str file, int64_t duration_ms);
/** "rule/turn or side value" of each finding, parted by "; ". */
const char *judge(struct sound_work *w, const struct json *call);
const char *judge_made(struct sound_work *w, const struct made *m);
int64_t acoustic(const struct sound_work *w, const char *path);

#endif
