/* The parts of `taf eval`: a benchmark's items, the answer in a model's text, the numbers.
 *
 * Items come from bench.zip (a release folder, the zip, one of its JSON lists) or from the key file of `eval prepare`. A prediction is joined by id, else
 * by its prompt, as the evaluation scripts of TeleAntiFraud do (equal as sorted JSON), else by its messages and the name of its sound.
 * All memory is the bench's. One thread. At most EVAL_LABELS labels a task. */
#ifndef TAF_CLI_EVAL_H
#define TAF_CLI_EVAL_H

#include "base/map.h"
#include "io/digest.h"
#include "io/json.h"

enum eval_task { EVAL_SCENE, EVAL_FRAUD, EVAL_TYPE, EVAL_TASKS };
/** "scene", "fraud", "fraud_type"; their files are so named. */
extern const char *const eval_task_names[EVAL_TASKS];
/** The task's key in an answer: "scene", "is_fraud", "fraud_type". */
extern const char *const eval_task_keys[EVAL_TASKS];

#define EVAL_LABELS 64
struct eval_labels {
	struct str v[EVAL_LABELS];
	size_t n;
};

enum eval_found {
	EVAL_MISSING,    /* no prediction, or one without a text */
	EVAL_UNPARSABLE, /* a text without an answer */
	EVAL_INVALID,    /* an answer outside of the closed set */
	EVAL_FOUND
};

/** What items are counted by, beside their class; from the manifest beside the bench. */
enum eval_stratum { STRATUM_SOURCE, STRATUM_LABEL, STRATUM_TYPE, STRATUM_DURATION, EVAL_STRATA };
extern const char *const eval_strata[EVAL_STRATA];

struct eval_item {
	enum eval_task task;
	struct str id, audio; /* audio: its path in the prompt; empty when there is none */
	int truth;            /* index of the task's labels */
	struct str strata[EVAL_STRATA];
	struct digest prompt, swift; /* of the prompt as it is, and in the form of ms-swift with the sound's name */
	enum eval_found found;
	int predicted;     /* EVAL_FOUND: index of the task's labels */
	const char *place; /* of its prediction, "file:line"; NULL: none */
};
struct eval_bench {
	struct arena arena;
	struct eval_item *items;
	size_t n, cap;
	struct eval_labels labels[EVAL_TASKS]; /* the closed sets, and what else the bench holds */
	struct map by_id, by_prompt, by_swift; /* → item + 1; -1: of several items */
	struct map by_audio;                   /* manifest: sound → struct str[EVAL_STRATA] */
};

/** Read a bench. `take` (may be NULL) is called with each item and its JSON, which lives until it returns. A doubled id, an answer outside of fraud/normal, a broken file are errors that name the place. */
int eval_bench_read(struct eval_bench *b, const char *path,
	int (*take)(void *arg, const struct eval_item *item, const struct json *row, struct err *e), void *arg,
	struct err *e);
void eval_bench_release(struct eval_bench *b);
/** Index of a label of the task, or -1. */
int eval_label(const struct eval_labels *l, struct str label);

/* --- Forms of a prompt --- */

/** The prompt's messages with "<audio>" in the place of the sound's path; in the arena. */
struct json *eval_swift_messages(struct arena *a, const struct json *prompt, struct str audio);
/** Key for joining rows of {messages, audios}: of the messages and the sound's file name. */
void eval_swift_digest(const struct json *messages, struct str audio, struct digest *ret);

/* --- The answer in a text --- */

/** What a model's text answers: in <answer>…</answer>, in a code fence or bare; thinking is left out. EVAL_UNPARSABLE, EVAL_INVALID or EVAL_FOUND
 * with the label's index. */
enum eval_found eval_answer(enum eval_task task, const struct eval_labels *labels, struct str text, int *ret_label);

/* --- Predictions --- */

struct eval_joined {
	int64_t rows, unmatched, silent; /* silent: rows without a text */
	char *first; /* "file:line" of the first that matches nothing; of the bench's arena; NULL: none */
};
/** Join the rows of a file. Two predictions of one item are an error that names both. */
int eval_join(struct eval_bench *b, const char *path, struct eval_joined *ret, struct err *e);

/* --- Numbers --- */

struct eval_share {
	int64_t k, n;
	double value, low, high; /* k/n (0 of nothing) and Wilson's 95% interval (0…1 of nothing) */
};
struct eval_mean {
	double precision, recall, f1;
};
struct eval_class {
	int label;
	struct eval_share precision, recall;
	double f1;
};
struct eval_score {
	int64_t items, found[EVAL_FOUND + 1];
	struct eval_share accuracy;
	struct eval_mean macro, weighted, micro; /* macro: over the classes that occur as truth or as prediction */
	struct eval_class classes[EVAL_LABELS];  /* those that occur */
	size_t nclasses;
	int64_t confusion[EVAL_LABELS][EVAL_LABELS + 1]; /* [truth][predicted]; the last column: no answer of the set */
};
/** Score the task's items; those of one stratum's value when `value` is given. */
void eval_score(const struct eval_bench *b, enum eval_task task, enum eval_stratum by, const struct str *value,
	struct eval_score *ret);
/** Wilson's score interval at 95%. */
void eval_wilson(int64_t k, int64_t n, struct eval_share *ret);

#endif
