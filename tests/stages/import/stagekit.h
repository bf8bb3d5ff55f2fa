/* Running a stage without the engine: options from YAML, a listing into an array, work on one call. For tests; one thread. */
#ifndef TAF_TESTS_STAGEKIT_H
#define TAF_TESTS_STAGEKIT_H

#include "core/stage.h"
#include "core/work.h"

struct kit_item {
	struct str id;
	struct json *content; /* NULL when broken */
	const char *broken;   /* the reason, or NULL */
	struct locator at;
};
struct kit {
	struct stage stage;
	struct arena arena;
	struct kit_item *items;
	size_t n, cap;
	struct buf *texts; /* of the input files, read once */
	size_t ntexts;
	const struct option_list *files;
	const struct work_io *io; /* NULL: one that has the source's files alone. A test may set its own before kit_work() */
};

/** Parse `with` (YAML), paths against `base`, and run init(). The words of all problems go to `e`. */
int kit_open(struct kit *k, const struct stage_ops *ops, const char *with, const char *base, struct err *e);
/** The same with a provider; NULL stands for kind script. */
int kit_open_with(
	struct kit *k, const struct stage_ops *ops, const char *with, const struct provider *provider, struct err *e);
void kit_close(struct kit *k);
/** All items of a source, in the order of listing. */
int kit_list(struct kit *k, struct err *e);
const struct kit_item *kit_item(const struct kit *k, const char *id); /* NULL when there is none */
/** Work on one call; results are in `ret` and live in the kit's arena. */
int kit_work(struct kit *k, const char *id, const struct json *call, struct work *ret, struct err *e);
/** Canonical JSON in the kit's arena. */
const char *kit_json(struct kit *k, const struct json *v);
/** Parse JSON into the kit's arena; aborts when it is none. */
struct json *kit_parse(struct kit *k, const char *text);

/** A fresh folder under $TMPDIR, in the arena; removed by kit_remove_folder. */
const char *kit_folder(struct arena *a);
void kit_remove_folder(const char *folder);
/** Write a file into a folder. */
void kit_write(const char *folder, const char *name, const void *p, size_t n);

#endif
