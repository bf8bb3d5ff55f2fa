/* import: what its files share. A reader knows one form of file. Readers list records (checked, cut down to the members that matter) and later turn a
 * record into a `struct transcript`; import.c makes the call's fields of it, the same way for every form. A new form is one file
 * and one line in import_readers[] (import.c). Everything here is pure but for the lister. */
#ifndef TAF_STAGES_IMPORT_H
#define TAF_STAGES_IMPORT_H

#include "base/map.h"
#include "core/call.h"
#include "core/stage.h"

#define IMPORT_LINE_MAX ((size_t)4 << 20)  /* bytes of one JSONL line */
#define IMPORT_FILE_MAX ((size_t)16 << 20) /* bytes of a file that holds one call */
#define IMPORT_AGE_MAX 150

struct import_params {
	struct option_list inputs;
	struct str prefix;
	int source, initiator;
	bool is_private;
	struct str label;
	struct str labels_file, terminators_file;
};

/** One input file while it is listed. */
struct import_file {
	int index;               /* among the inputs */
	struct str text;         /* without BOM */
	size_t skipped;          /* bytes of the BOM */
	struct str prefix, stem; /* both encoded for ids */
	bool named;              /* the prefix was given by the user */
	const struct reader *reader;
};

/** A listing under way. */
struct import_list {
	struct lister *lister;
	/* Full dialogues by id → index of their file + 1, negative once a JSONL line took it. A line and a full dialogue of one id are one call:
	 * labels and profile from the line, text in true order from the dialogue. */
	struct map dialogues;
	const struct import_file *files; /* all inputs, by index */
};

/** What a reader makes of a record. Texts may be raw: import.c cleans them. Absent texts have p == NULL. */
struct transcript {
	struct json *turns; /* [{role, text}] in true order */
	struct str label;   /* a fraud type or a scene */
	struct str scene;   /* a scene beside a fraud type */
	int64_t age;        /* of the user; -1 when unknown */
	struct str occupation, awareness;
	struct str terminator, reason;
	const char *signal; /* a control signal that the record tells of; NULL for none */
};

struct reader {
	const char *name; /* also in the content of an item: it tells which reader made it */
	const char *help;
	/** By content. Readers are asked in order; the first that says yes takes the file. */
	bool (*recognises)(struct str text);
	/** The id of the single record in a file, in the arena; p == NULL for forms of many records, or when it cannot be told. */
	struct str (*lone_id)(struct arena *a, const struct import_file *f);
	int (*list)(struct import_list *l, const struct import_file *f, struct err *e);
	int (*read)(struct work *w, const struct json *content, struct transcript *ret, struct err *e);
};

extern const struct stage_ops stage_import;

extern const struct reader reader_jsonl, reader_dialogue;

/* --- record.c: checking members of a JSON record --- */

enum member_kind { MEMBER_TEXT, MEMBER_ID, MEMBER_AGE, MEMBER_BOOL, MEMBER_TEXTS, MEMBER_HISTORY };
struct member {
	const char *name;
	enum member_kind kind;
	bool required;
};
/** A copy of `record` with the members of the table only, null counted as absent; NULL with the reason appended to `why` when one
 * is missing, of a wrong type or over a limit. */
struct json *record_pick(
	struct arena *a, const struct json *record, const struct member *table, size_t n, struct buf *why);
/** Label, profile and termination members that all JSON forms share. */
void record_facts(const struct json *record, struct transcript *ret);
/** The turns of a picked dialogue_history. */
struct json *record_history(struct arena *a, const struct json *history);
/** {reader, record} as lister_add takes it. */
struct json *record_content(struct arena *a, const struct reader *reader, struct json *record);
/** `prefix/part`, encoded, in the arena; p == NULL with the reason in `why` when it is longer than an id may be. */
struct str record_id(struct arena *a, struct str prefix, struct str part, struct buf *why);
/** Parse one JSON object that was read from outside: UTF-8 and kind are checked. NULL with the reason in `why`. */
struct json *record_parse(struct arena *a, struct str text, struct buf *why);

/** dialogue.c: the checked history of a dialogue file ([{role, content}]), or NULL with the reason. */
struct json *dialogue_history(struct arena *a, const struct import_file *f, struct buf *why);

/* --- terminator.c: who ended the call, and control signals in the text --- */

struct terminators {
	struct map sides;    /* simplified text → index into terminator_sides */
	struct str *endings; /* longest first: what may follow a side's name */
	struct str *signals; /* simplified names */
	const char **names;  /* the same as written in the file */
	size_t nendings, nsignals;
};
int terminators_load(struct arena *a, const char *path, struct terminators *ret, struct err *e);
void terminators_release(struct terminators *t);
/** "left", "right", "natural" or "unknown". */
const char *terminator_side(const struct terminators *t, struct str text);
/** Append `text` without known control signals (##NAME##, two or three signs, blanks and letter case do not matter). The name of the last one
 * found goes to `*ret_name`, which stays as it was when there is none. */
void signals_cut(const struct terminators *t, struct str text, struct buf *ret, const char **ret_name);

#endif
