/* What the tests of releases share: calls in memory, their sounds in a folder, the engine's side of a sink. For tests; one thread. */
#ifndef TAF_TESTS_RELEASEKIT_H
#define TAF_TESTS_RELEASEKIT_H

#include "core/work.h"
#include "stages/release/release.h"

extern const struct stage_ops stage_release;

struct world {
	struct arena arena, call_arena;
	struct gather_io io;
	struct gather gather;
	const struct json **calls; /* with their id in "id", sorted by it */
	size_t at;
	struct stage stage;
	struct release_params params;
	struct stage_fields fields;
	int lost; /* objects that were asked for in vain */
};

/** `n` calls, two thirds fraud, of 2 turns and a second of (silent) MP3. */
void world_init(struct world *w, int n);
/** Annotations as `annotate` writes them, a split, and what else the coming stages add. */
void world_annotate(struct world *w);
void world_release(struct world *w);
/** Run the stage into a fresh folder of this name. */
int pack(struct world *w, const char *name, struct err *e);
/** The digest of a sound, in hex, stored for the world. */
const char *object(const char *bytes, size_t n);
/** The sound of call i: the bytes differ for the first 50. */
const char *sound(struct arena *a, int i, size_t *ret_n);

/** A path in the test's folder; the last four stay. */
const char *path_of(const char *name);
void read_file(const char *name, struct buf *ret);
const struct json *parse(struct arena *a, const char *text);
/** Fails the test on a code. */
void ok(int rc, const struct err *e);

/* For cmocka_run_group_tests: makes and removes the folder. */
int set_up(void **state);
int tear_down(void **state);

#endif
