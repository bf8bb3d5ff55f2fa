/* Where a command works: the pipeline file, its overlays and the work folder; the lock of the work folder.
 * Most commands begin with these: struct where is the first member of their options, WHERE_OPTIONS its rows. */
#ifndef TAF_CLI_FOLDER_H
#define TAF_CLI_FOLDER_H

#include "cli/options.h"
#include "core/config.h"
#include "core/store.h"

struct where {
	const char *file, *work;
	struct cli_list profiles, sets;
};

/* Rows of the option table of a command whose struct begins with `struct where where`. */
#define WORK_OPTIONS(type) \
	{'f', "file", CLI_TEXT, offsetof(type, where.file), "FILE", 0, 0, "the pipeline (default pipeline.yaml)"}, \
	{ \
		'w', "work", CLI_TEXT, offsetof(type, where.work), "DIR", 0, 0, \
			"the work folder (default work, beside the pipeline file)" \
	}
#define WHERE_OPTIONS(type) \
	WORK_OPTIONS(type), \
		{'p', "profile", CLI_LIST, offsetof(type, where.profiles), "P", 0, 0, "lay profile P over the pipeline"}, \
	{ \
		0, "set", CLI_LIST, offsetof(type, where.sets), "K=V", 0, 0, "override one value, as stages.speak.with.rate=1.1" \
	}

/** The name of the pipeline file. */
const char *where_file(const struct where *w);
/** The work folder: -w, or "work" in the pipeline file's folder. Cleared first. */
void where_work(const struct where *w, struct buf *ret);
/** Load the pipeline with its overlays; problems are added. 0, or ERR_CONFIG. */
int where_load(const struct where *w, struct config **ret, struct problems *problems);
/** Load the pipeline with its overlays; problems are printed. 0, or ERR_CONFIG. */
int where_config(const struct where *w, struct config **ret);
/** The same, but silent: NULL when it cannot be loaded. */
struct config *where_config_quiet(const struct where *w);
/** An id as people may write it, with letters of any script: in the form that ids are kept in ("录音/甲" → "%e5%bd%95…"). Cleared first. */
void where_id(const char *given, struct buf *ret);
/** Whether a stage of the pipeline has this name (NULL: none was given); says so when not: "LEAD: unknown stage …". */
bool folder_stage_known(const struct config *c, const char *lead, const char *name);
void config_cleanup(struct config **c);

/** " -f FILE -w DIR", as given: by what another command finds this pipeline and this work folder. Appended. */
void where_put(struct buf *b, const struct where *w);
/** " -p P --set K=V …", as given; of what may be a secret without its value. Appended. */
void where_put_changes(struct buf *b, const struct where *w);

/** Open the store of a work folder to read it, with an error that says what to do when no run was made there. */
int folder_open(const char *work, struct store **ret, struct err *e);
/** Words of an error that came from the store: whether the rights in the folder are why. Returns `rc`. */
int folder_why(const char *work, int rc, struct err *e);
/** Take the lock, then open the store to write. */
int folder_open_locked(const char *work, int *ret_lock, struct store **ret, struct err *e);
/** Take the lock of a work folder; the error says who holds it. */
int folder_lock(const char *work, int *ret_fd, struct err *e);
/** Whether the lock is held by process `pid`. */
bool folder_is_run_by(const char *work, int64_t pid);

#endif
