/* The parts of the release stage: names, counts, rows, rounds, cards, preview. `taf verify` uses names, rounds' rule and cards as its measure.
 * One thread; all memory is the caller's arena or a released struct. */
#ifndef TAF_STAGES_RELEASE_RELEASE_H
#define TAF_STAGES_RELEASE_RELEASE_H

#include "base/map.h"
#include "core/call.h"
#include "core/stage.h"

/* Raised when equal calls give other bytes; `taf verify` re-makes the cards of its own version only. */
#define RELEASE_VERSION 6

struct release_params {
	double max_quarantined;
	struct str license, date, url, creator;
	int64_t preview; /* calls */
	struct str rounds_file, labels_file;
	bool timelines;
};

/* --- Names: a call's file name must not tell its label, as its id does --- */

#define RELEASE_NAME_HEX 12

/** 12 hex digits of SHA-256 over (dataset, id), each with its length in front. */
void release_name(const char *dataset, struct str id, char ret[RELEASE_NAME_HEX + 1]);
/** The member list: SHA-256 in hex over the names (keys of the map), sorted, a line each. `jq -r .name manifest.jsonl | LC_ALL=C sort | sha256sum` */
void release_members(const struct map *names, char ret[DIGEST_HEX + 1]);

/* --- The three rounds of questions --- */

enum release_round { RELEASE_SCENE, RELEASE_FRAUD, RELEASE_TYPE, RELEASE_ROUNDS };

/** The texts of rounds.yaml with the closed sets put in. */
struct release_rounds {
	struct str system, ask[RELEASE_ROUNDS];
	struct digest digest; /* of the file as parsed */
};
int release_rounds_load(
	struct arena *a, const char *path, const struct labels *labels, struct release_rounds *ret, struct err *e);
/** "scene", "fraud", "fraud_type" */
const char *release_round_name(int round);
/** Which round the evaluation scripts take a prompt for, by its words; -1: none. */
int release_task_of(struct str prompt);
/** How many rounds a call's annotations give: 2 (normal), 3 (fraud); 0 when it has none, -1 when they cannot be used: at odds with the label, a
 * part missing, or a text with a tag that ends a reply. */
int release_rounds_of(const struct json *call);
/** The true label of a round as the evaluation reads it. */
struct str release_answer(const struct json *call, int round);
/** schemas/sft.schema.json; only of calls with 2 or 3 rounds. */
struct json *release_sft_row(struct arena *a, const struct release_rounds *r, const char *name, const struct json *call);
/** schemas/bench.schema.json (an item) */
struct json *release_bench_item(
	struct arena *a, const struct release_rounds *r, const char *name, const struct json *call, int round);

/* --- Counts --- */

struct release_range {
	int64_t n, total, min, max;
};
struct release_stats {
	int64_t calls, annotated, unusable, linked;
	struct map labels, sources, writers, fraud_types, scenes, scene_origins, splits, sample_rates, channels;
	struct map annotators, hears, surrogates, sft, bench[RELEASE_ROUNDS];
	struct map label_ms, split_ms;
	struct release_range duration_ms, turns, characters, loudness_mlufs, true_peak_mdbtp, bytes;
};
/** What stats.json says besides the counts. */
struct release_build {
	const struct stage *stage;
	const struct gather_facts *facts;
	const struct release_rounds *rounds;
	const char *members; /* hex */
};
/** Whether more calls were quarantined than the stage's max_quarantined allows. */
bool release_over_limit(const struct stage *s, const struct gather_facts *facts, int64_t arrived);
void release_stats_free(struct release_stats *s);
void release_stats_add(struct release_stats *s, struct str id, const struct json *call, int64_t bytes);
/** schemas/stats.schema.json */
struct json *release_stats_json(struct arena *a, const struct release_stats *s, const struct release_build *b);
/** The mean, rounded half up; 0 of nothing. */
int64_t release_mean(const struct release_range *r);

/* --- Rows: a line of JSON a call --- */

struct str release_label(const struct json *call); /* fraud, normal */
/** The scene of the label, else that of usable annotations; `ret_origin` is that of the label, or "model". Empty when there is none. */
struct str release_scene(const struct json *call, struct str *ret_origin);
/** The split; a call of a pipeline without one is for training. */
struct str release_split(const struct json *call);
/** schemas/manifest.schema.json */
struct json *release_manifest_row(
	struct arena *a, const char *name, struct str id, const struct json *call, int64_t bytes);
/** schemas/classification.schema.json */
struct json *release_classification_row(struct arena *a, const char *name, const struct json *call);

/* A file of lines that is written as it grows. */
struct release_lines {
	int fd; /* -1: none */
	char *path;
	bool list; /* a JSON list, an item a line */
	int64_t rows, bytes;
	struct buf text;
};
#define RELEASE_LINES_INIT \
	{ \
		.fd = -1, .text = BUF_INIT \
	}
int release_lines_open(struct release_lines *l, const char *folder, const char *name, struct err *e);
int release_lines_add(struct release_lines *l, const struct json *row, struct err *e);
int release_lines_close(struct release_lines *l, struct err *e); /* writes the rest, syncs */
void release_lines_free(struct release_lines *l);

/* --- Texts made of the counts (`stats` as release_stats_json gives it), appended --- */

/** README.md, or README.zh-CN.md when `chinese`. */
void release_card(struct buf *b, const struct json *stats, bool chinese);
/** What a reader must know of where texts and voices come from; sentences, no line end. For cards and preview. */
void release_origin(struct buf *b, const struct json *stats, bool chinese);

/* A file of the release with its digest, taken once. */
struct release_file {
	char *name;
	int64_t size;
	char sha256[DIGEST_HEX + 1];
};
struct release_files {
	struct release_file *v;
	size_t n;
};
/** All files under the folder, sorted by name. */
int release_files_read(const char *folder, struct release_files *ret, struct err *e);
void release_files_free(struct release_files *f);
/** croissant.json (MLCommons Croissant 1.0), with what `f` has of the files it describes. */
void release_croissant(struct buf *b, struct arena *a, const struct json *stats, const struct release_files *f);

/* --- The preview: a few calls to look at and listen to --- */

#define RELEASE_PREVIEW_MAX 200

struct release_pick {
	uint64_t hash;
	size_t index; /* of the call */
	bool fraud;
	char *html; /* NULL until the second pass comes by */
};
struct release_preview {
	int64_t want;
	struct release_pick *v[2]; /* normal, fraud: the lowest hashes, in order */
	size_t n[2];
	struct release_pick *chosen; /* in order of hash */
	size_t nchosen;
};
void release_preview_free(struct release_preview *p);
/** First pass: offer a call. Its hash is of its name only, so that adding calls changes few of those chosen. */
void release_preview_offer(struct release_preview *p, const char *name, bool fraud, size_t index);
/** After the first pass: half of each label, as far as there are. */
void release_preview_choose(struct release_preview *p);
/** Second pass: a chosen call or NULL. */
struct release_pick *release_preview_find(struct release_preview *p, size_t index);
/** The call's part of the page. */
void release_preview_call(struct release_pick *pick, const char *name, const struct json *call);
/** preview/index.html, appended. */
void release_preview_page(struct buf *b, const struct release_preview *p, const struct json *stats);

/* --- Timelines: a file of JSON a call --- */

struct release_part {
	char name[RELEASE_NAME_HEX + 1];
	int64_t end; /* in the spool */
};
struct release_timelines {
	struct release_lines lines;
	struct release_part *parts;
	size_t n, cap;
};
/** Who says what and when, in the upstream form. */
struct json *release_timeline(struct arena *a, const struct json *call);
int release_timelines_open(struct release_timelines *t, const char *folder, struct err *e);
int release_timelines_add(
	struct release_timelines *t, struct arena *a, const char *name, const struct json *call, struct err *e);
int release_timelines_pack(struct release_timelines *t, const char *folder, struct err *e);
void release_timelines_free(struct release_timelines *t);

#endif
