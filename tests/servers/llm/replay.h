/* Dialogues of a file, replayed in place of the scripted lines: JSON lines with `turns` [{role: left|right, text}], or `left` and `right` lists of texts.
 * The dialogue is found by its opening line in the history; who opens gets one chosen by the request's key. Immutable after reading. */
#ifndef TAF_LLM_REPLAY_H
#define TAF_LLM_REPLAY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"

#define REPLAY_FILE_MAX ((size_t)256 << 20)

struct replay_talk {
	struct str *turns;
	size_t n;
};
struct replay {
	struct arena arena;
	struct map openings; /* text → index of the first dialogue */
	struct replay_talk *v;
	size_t n, cap;
};

int replay_read(const char *path, struct replay *ret, struct err *e);
void replay_release(struct replay *r);
/** The line at `turn` (0: the opening) of a dialogue that opens with `opening`, or of any, by the key. *ret_last: no line follows. False: there is none. */
bool replay_line(const struct replay *r, struct str opening, size_t turn, uint64_t key, struct str *ret, bool *ret_last);

#endif
