/* The parts of the release stage: names, counts, rows and the card. One thread; all memory is the caller's arena or a released struct. */
#ifndef TAF_STAGES_RELEASE_RELEASE_H
#define TAF_STAGES_RELEASE_RELEASE_H

#include "base/map.h"
#include "core/stage.h"

struct release_params {
	double max_quarantined;
	struct str license;
	struct str date;
};

/* --- Names: a call's file name must not tell its label, as its id does --- */

#define RELEASE_NAME_HEX 12

/** 12 hex digits of SHA-256 over (dataset, id), each with its length in front. */
void release_name(const char *dataset, struct str id, char ret[RELEASE_NAME_HEX + 1]);

/* --- Counts --- */

struct release_range {
	int64_t n, total, min, max;
};
struct release_stats {
	int64_t calls;
	struct map labels, sources, writers, fraud_types, scenes, scene_origins, splits, sample_rates, channels;
	struct release_range duration_ms, turns, characters, loudness_mlufs, true_peak_mdbtp, bytes;
	struct digester *members; /* of the ids, in order */
};
/** Whether more calls were quarantined than the stage's max_quarantined allows. */
bool release_over_limit(const struct stage *s, const struct gather_facts *facts, int64_t arrived);
void release_stats_init(struct release_stats *s);
void release_stats_free(struct release_stats *s);
void release_stats_add(struct release_stats *s, struct str id, const struct json *call, int64_t bytes);
/** schemas/stats.schema.json. Ends the counting (the digest of the members is taken). */
struct json *release_stats_json(
	struct arena *a, struct release_stats *s, const struct stage *stage, const struct gather_facts *facts);
/** The mean, rounded half up; 0 of nothing. */
int64_t release_mean(const struct release_range *r);

/* --- Rows: a line of JSON a call --- */

struct str release_label(const struct json *call); /* fraud, normal */
/** schemas/manifest.schema.json */
struct json *release_manifest_row(
	struct arena *a, const char *name, struct str id, const struct json *call, int64_t bytes);
/** schemas/classification.schema.json */
struct json *release_classification_row(struct arena *a, const char *name, const struct json *call);

/* A file of lines that is written as it grows. */
struct release_lines {
	int fd; /* -1: none */
	char *path;
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

/* --- The card --- */

/** README.md from the counts (`stats` as release_stats_json gives it), appended. */
void release_card(struct buf *b, const struct release_params *params, const struct json *stats);

#endif
