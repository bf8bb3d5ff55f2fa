/* axes.yaml: along what a model's new calls are varied. Read once at start, immutable; any thread. */
#ifndef TAF_STAGES_ENHANCE_AXES_H
#define TAF_STAGES_ENHANCE_AXES_H

#include "core/problems.h"

enum axis { AXIS_SCENE, AXIS_PRETEXT, AXIS_REGION, AXIS_PERSON, AXIS_OUTCOME, AXIS_COUNT };

struct axis_value {
	struct str say;
	int64_t age;                   /* person; 0: not said */
	struct str gender, occupation; /* person; empty: not said */
	struct str by;                 /* outcome; empty: not said */
};
struct axis_group {
	struct str name;
	struct axis_value *v;
	size_t n;
};
struct axes {
	struct {
		struct axis_group *groups;
		size_t n;
	} v[AXIS_COUNT];
};
/** "scene", "pretext", … */
const char *axis_name(enum axis axis);
/** Read the file. ERR_CONFIG tells all that is wrong in it. */
int axes_load(struct arena *a, const char *path, struct axes *ret, struct err *e);
/** The value that `seed` draws for a call, by the text of each: of the label's own group, else of its kind. */
const struct axis_value *axes_draw(const struct axes *axes, enum axis axis, bool fraud, struct str label, uint64_t seed);

#endif
