/* What the parts of `taf verify` share. Owned by the command; one thread. */
#ifndef TAF_CLI_VERIFY_PARTS_H
#define TAF_CLI_VERIFY_PARTS_H

#include "base/map.h"
#include "io/json.h"
#include "stages/release/release.h"

#define VERIFY_SHOWN 50 /* problems told in full; the rest is counted */

struct verify {
	struct arena arena;
	struct json *bad;   /* array of texts */
	struct json *notes; /* array of texts: what could not be looked at */
	int64_t nbad, files, bytes, calls, orphans;
};

/** Count something that is wrong: file, entry and line first, then what. */
void verify_bad(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A release folder. Negative only when it cannot be looked at at all. */
int verify_release(struct verify *v, const char *folder, struct err *e);

/* --- A release while it is looked at --- */

/** A text that stands in several places, as it was last read. */
struct verify_text {
	bool read;
	struct digest digest;
};
/** A call as the manifest tells it. Texts live in the release's arena. */
struct verify_row {
	size_t line;
	struct str id, name, sha256, label, source, fraud_type, scene, scene_origin, split, group;
	const struct json *parents;
	int64_t bytes, duration_ms, sample_rate, channels, turns, rounds;
	int64_t loudness, peak; /* INT64_MIN: not told */
	bool in_audio, in_classification, in_sft;
	unsigned in_bench;                        /* bit by round */
	struct verify_text reply[RELEASE_ROUNDS]; /* of the model, in sft.zip and bench.zip */
	int64_t characters;                       /* of the words in binary_classification.zip */
};
struct release {
	struct verify *v;
	const char *folder;
	struct arena arena;
	struct verify_row *rows;
	size_t n, cap;
	struct map by_audio, by_id;                 /* "audio/NAME.mp3", id → row + 1 */
	struct map sums;                            /* file → its digest in hex, as it is (arena text) */
	struct map prompts;                         /* of bench.zip, as digests */
	struct map sft, bench[RELEASE_ROUNDS];      /* rows by split, items by answer */
	struct verify_text ask[1 + RELEASE_ROUNDS]; /* the system text and the questions */
	const struct json *stats;                   /* NULL: not to be read */
	const char *dataset;                        /* NULL: not known */
};

/** A whole file of the release; false (told) when it cannot be read. */
bool verify_read(struct release *r, const char *name, struct buf *ret);
struct verify_row *verify_row_of(const struct release *r, struct str audio);

/** A member of a row: its name, kind, whether it must be there. */
struct verify_field {
	const char *name;
	enum json_kind kind;
	bool required;
};
/** Whether a row has the members it should and no other; what is wrong is told with `where`. */
bool verify_fields(
	struct verify *v, const char *where, const struct json *row, const struct verify_field *fields, size_t n);

/** Entries of zips, whole, by what they are. `zip` and `entry` are for messages. */
void verify_classification(struct release *r, const char *entry, struct str text);
void verify_sft(struct release *r, const char *entry, struct str text);
void verify_bench(struct release *r, const char *entry, struct str text);

/** What the frames of an MP3 file tell. */
struct verify_sound {
	int64_t frames, samples; /* a channel */
	int64_t sample_rate, channels;
};
/** Walk all frame headers; NULL, or what is wrong with the file. */
const char *verify_mp3(struct str bytes, struct verify_sound *ret);

/** When all was read: counts against stats.json, families against splits, cards, croissant.json and preview. */
void verify_counts(struct release *r);
void verify_families(struct release *r);
void verify_texts(struct release *r);

#endif
