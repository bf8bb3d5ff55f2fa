/* The scenario files a command is about: those of the pipeline's stage, of a folder, or those named; with personas and labels.
 * A struct scenes owns its memory. One thread. */
#ifndef TAF_CLI_SCENES_H
#define TAF_CLI_SCENES_H

#include "cli/folder.h"
#include "core/scenario.h"
#include "provider/script.h"

#define SCENE_FILE_MAX ((size_t)16 << 20) /* bytes */

/** What the options say; a command's struct begins with it, SCENES_OPTIONS are its rows. */
struct scenes_where {
	struct where where;
	const char *folder;
};
#define SCENES_OPTIONS(type) \
	{'f', "file", CLI_TEXT, offsetof(type, at.where.file), "FILE", 0, 0, \
		"the pipeline (default pipeline.yaml, if there is one)"}, \
		{'p', "profile", CLI_LIST, offsetof(type, at.where.profiles), "P", 0, 0, "lay profile P over the pipeline"}, \
		{0, "set", CLI_LIST, offsetof(type, at.where.sets), "K=V", 0, 0, "override one value of the pipeline"}, \
	{ \
		0, "folder", CLI_TEXT, offsetof(type, at.folder), "DIR", 0, 0, \
			"the folder of scenarios (default: that of the pipeline, else taf's own)" \
	}

struct scenes {
	struct arena arena;
	struct problems problems;
	struct labels labels;
	struct personas personas;
	struct option_list files; /* in bytewise order */
	const char *folder;       /* where new ones go */
	int64_t seed;             /* of the pipeline */
};

/** Find folder, files, personas and labels. What is wrong is printed; 0, or the exit status. */
int scenes_open(struct scenes *s, const struct scenes_where *at);
void scenes_release(struct scenes *s);
/** Read, parse and check one file; problems are added. NULL when it cannot be used. */
struct scenario *scenes_read(struct scenes *s, const char *path);
/** The path of the scenario of this name, or of the file itself; NULL, with an error printed, when there is none. */
const char *scenes_find(struct scenes *s, const char *name);
/** Whether two paths are of one file. */
bool scenes_same_file(const char *a, const char *b);
/** The personas a scenario suits, in the arena. */
size_t scenes_suited(struct scenes *s, const struct scenario *sc, const struct persona ***ret);
/** Up to `max` calls over the personas, by the seeds of the scenario's own tests: their 4-grams, in the arena. */
size_t scenes_sample(struct scenes *s, const struct scenario *sc, size_t max, struct grams **ret);

/** [{file?, line?, column?, message}] */
struct json *scenes_problems_json(struct arena *a, const struct problems *p);

#endif
