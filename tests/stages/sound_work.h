/* A stage's surroundings made by hand, for tests of stages that touch sound: parameters from option defaults, an object store in memory. */
#ifndef TAF_TESTS_SOUND_WORK_H
#define TAF_TESTS_SOUND_WORK_H

#include "core/work.h"

struct memory_object {
	struct digest digest;
	struct buf bytes;
};
struct sound_work {
	struct stage stage;
	struct arena arena;
	struct work work;
	struct work_io io;
	struct memory_object *objects;
	size_t n, cap;
	bool damaged; /* reads fail with ERR_LOST */
};

/** A stage of type `ops`, options from YAML text (may be ""). Aborts the test when they do not parse. */
void sound_work_init(
	struct sound_work *s, const struct stage_ops *ops, const struct provider *provider, const char *options);
void sound_work_release(struct sound_work *s);
/** A new call on the same stage and store: its declared reads, as JSON text. */
void sound_work_call(struct sound_work *s, const char *id, const struct json *call);
const struct json *sound_work_json(struct sound_work *s, const char *text);
/** asks(), then answers given as null. */
int sound_work_ask(struct sound_work *s, struct err *e);
/** Store bytes; the digest in hex, in the arena. */
const char *sound_work_put(struct sound_work *s, struct str bytes);
const struct buf *sound_work_get(const struct sound_work *s, struct str hex);

#endif
