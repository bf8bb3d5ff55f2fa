/* Two releases side by side, from their manifest.jsonl, stats.json, SHA256SUMS and the rows of their zips; audio.zip is not opened.
 * All memory is the two releases'. One thread. */
#ifndef TAF_CLI_DIFF_H
#define TAF_CLI_DIFF_H

#include "base/map.h"
#include "io/digest.h"
#include "io/json.h"

/** What of a call can differ. Names are those of `--json`. */
enum diff_what { DIFF_AUDIO, DIFF_LABEL, DIFF_SPLIT, DIFF_TEXT, DIFF_ANNOTATIONS, DIFF_OTHER, DIFF_WHATS };
extern const char *const diff_names[DIFF_WHATS];

struct diff_call {
	struct str id, label, split;     /* label: "fraud 客服诈骗" */
	struct digest parts[DIFF_WHATS]; /* all zero: it has none */
};
struct diff_release {
	const char *folder;
	struct arena arena;
	struct json *stats;      /* stats.json */
	struct map sums;         /* file → its SHA-256 in hex (char *) */
	struct map by_name;      /* name of a call in the release → index + 1 */
	struct diff_call *calls; /* after diff_sort: by id */
	size_t n, cap;
};

/** Read the sums, the stats and the manifest. */
int diff_read(struct diff_release *r, const char *folder, struct err *e);
/** Read the rows of a zip (binary_classification.zip: texts, sft.zip: annotations); one that is not there has none. */
int diff_read_zip(struct diff_release *r, const char *zip, enum diff_what what, struct err *e);
void diff_sort(struct diff_release *r);
void diff_release_free(struct diff_release *r);
/** Whether the two releases have this file with equal bytes (or neither has it). */
bool diff_file_equal(const struct diff_release *a, const struct diff_release *b, struct str file);

#endif
