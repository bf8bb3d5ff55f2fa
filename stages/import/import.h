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
#define IMPORT_SEGMENTS_MAX \
	50000                      /* of one call: a recogniser writes one every few seconds, so this is more than a day */
#define IMPORT_SPEAKERS_MAX 64 /* names in one call */
#define IMPORT_NAME_MAX 100    /* bytes of a speaker's name */
#define IMPORT_TIME_MAX 359999999L /* ms: 99:59:59.999; later times are left out */
#define IMPORT_ROWS_FILE_MAX ((size_t)64 << 20)
#define IMPORT_CELL_MAX 1000 /* bytes of a cell of labels_csv */

enum side { SIDE_NONE = -1, SIDE_LEFT, SIDE_RIGHT };
enum sides_way { SIDES_AUTO, SIDES_FIRST, SIDES_QUESTIONS };

struct import_params {
	struct option_list inputs;
	struct str prefix;
	int source, initiator;
	bool is_private;
	struct str label;
	struct str labels_csv;
	const struct json *speakers;
	int sides;
	int64_t merge_ms;
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
	bool is_private;
	/* Full dialogues by id → index of their file + 1, negative once a JSONL line took it. A line and a full dialogue of one id are one call:
	 * labels and profile from the line, text in true order from the dialogue. */
	struct map dialogues;
	const struct import_file *files; /* all inputs, by index */
	struct rows *rows;               /* labels_csv; NULL for none */
	size_t added;                    /* items that can be worked */
	struct err *e;                   /* the first failure that stops the run */
	int rc;
};

/** What a reader makes of a record. Texts may be raw: import.c cleans them. Absent texts have p == NULL. */
struct transcript {
	struct json *turns; /* [{role, text, start_ms?, end_ms?}] in true order */
	/* Instead of turns, for forms that tell speakers and not sides: [{speaker, text, start_ms?, end_ms?}]; import.c makes turns of them. */
	const struct json *segments;
	struct str label; /* a fraud type or a scene */
	struct str scene; /* a scene beside a fraud type */
	int64_t age;      /* of the user; -1 when unknown */
	struct str occupation, awareness;
	const char *gender, *initiator; /* NULL when not said */
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

extern const struct reader reader_jsonl, reader_dialogue, reader_whisper, reader_funasr, reader_vtt, reader_srt,
	reader_plain;

/** List an item, with the row of labels_csv that belongs to it. Readers call this, not lister_add. */
void import_add(
	struct import_list *l, const struct import_file *f, struct str id, struct json *content, struct locator at);

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
/** The call's id when `part` tells it within its file: without one, the file's stem, which without a prefix of the user is the prefix already. */
struct str record_lone_id(struct arena *a, const struct import_file *f, struct str part, struct buf *why);
/** reader.lone_id of forms that no JSONL line can belong to. */
struct str record_no_lone_id(struct arena *a, const struct import_file *f);
/** A file that is one object with `member`, and no JSON lines, by a look at its text. */
bool record_is_lone(struct str text, const char *member);
/** Parse one JSON object that was read from outside: UTF-8 and kind are checked. NULL with the reason in `why`. */
struct json *record_parse(struct arena *a, struct str text, struct buf *why);

/** dialogue.c: the checked history of a dialogue file ([{role, content}]), or NULL with the reason. */
struct json *dialogue_history(struct arena *a, const struct import_file *f, struct buf *why);

/* --- segments.c: what somebody said without a pause, the common form of all that speech recognisers write --- */

struct segments {
	struct arena *arena;
	struct json *list; /* [{speaker?, text, start_ms?, end_ms?}], as listed; lines of a text are still apart (\n) */
	size_t n, named;   /* how many there are, how many with a speaker */
	int line;          /* where the reader is, for messages; 0 when it does not count lines */
	struct buf *why;
};
struct segment {
	struct str speaker; /* empty when not said */
	struct str text;
	int64_t start_ms, end_ms; /* -1 when not said */
};
/** Take a segment; one without anything to read is dropped. Times that cannot be true (negative, too late, an end before its start) are left out.
 * False, with the reason in `why`, over a limit. */
bool segments_add(struct segments *s, struct segment one);
/** printf into `why`; false. */
bool segments_fail(struct segments *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Milliseconds of a number of seconds × `scale`; -1 for none or for what is no number (recognisers write null and NaN). */
int64_t segments_time(const struct json *v, double scale);
/** A name written as text or number; p == NULL otherwise. */
struct str segments_speaker(struct arena *a, const struct json *v);
/** record_parse for what Python's json.dump writes: NaN and Infinity count as null. */
struct json *segments_parse_json(struct arena *a, struct str text, struct buf *why);
/** List one call: the segments that `parse` makes of `text`. `at` gets the line of the failure when there is one. */
void segments_list_call(struct import_list *l, const struct import_file *f, struct str id, struct str text,
	struct locator at, bool (*parse)(struct segments *s, struct str text));
/** reader.list of forms with one call a file. */
int segments_list(struct import_list *l, const struct import_file *f, bool (*parse)(struct segments *s, struct str text));
/** reader.read of all these forms. */
int segments_read(struct work *w, const struct json *content, struct transcript *ret, struct err *e);
/** Append a text to another: with a blank between Latin letters, without between Chinese ones. */
void segments_join(struct buf *b, struct str text);

/* --- names.c: who speaks, by what stands before a text --- */

/** "Name: text", "Name：text", "[Name]: text". False when the line has no such beginning. */
bool name_prefix(struct str line, struct str *ret_name, struct str *ret_text);
/** left, L, 左, …: a name that tells the side. */
enum side name_side(struct str name);
/** A name that can be nothing else: one that tells the side, a single letter, 说话人1, SPEAKER_00, … */
bool name_known(struct str name);

/* --- shown.c: what a message may repeat of its input, of which some is private --- */

/** A label in quotes, or how long it is when it is no word. */
void shown_label(struct buf *b, struct str label);
/** The name of a speaker; of a private call, only one that names nobody (SPEAKER_00, 客服). */
void shown_name(struct buf *b, struct str name, bool is_private);
/** ": 'line'" when the line holds nothing but times, else nothing. */
void shown_times(struct buf *b, struct str line);
/** Whether an id holds what looks like a mobile number (11 digits, 1[3-9]…) or a resident id (17 digits and a digit or x): names of recordings do. */
bool shown_number_in(struct str id);

/* --- cues.c: lines and times of subtitles --- */

/** The next line without its end: \n, \r\n or a lone \r. False at the end. */
bool cue_line(struct str *rest, struct str *ret_line);
/** Take a time off the front, [hours:]minutes:seconds with an optional fraction behind . or , and give it in ms. */
bool cue_clock(struct str *s, int64_t *ret_ms);
/** "start --> end", and whatever stands behind. */
bool cue_times(struct str line, int64_t *ret_start_ms, int64_t *ret_end_ms);
bool cue_is_times(struct str line);
/** Fail over a line that should hold times; false. */
bool cue_bad_times(struct segments *s, struct str line);
/** Text of a cue without its tags and entities, a segment for each voice (<v Name>). `any_tag`: everything in <> is a tag, as WebVTT has it; otherwise
 * only the tags that subtitles use, and {\…} too. `times` gives the times. */
bool cue_text(struct segments *s, struct str payload, const struct segment *times, bool any_tag);

/* --- sides.c --- */

/** Problems of the map `speakers`, as ERR_CONFIG. */
int sides_check(const struct json *speakers, struct err *e);
/** Turns of segments: speakers become sides, segments of one side become turns. */
int sides_turns(struct work *w, const struct json *segments, bool fraud, struct json **ret, struct err *e);

/* --- csv.c: comma-separated values as RFC 4180 has them --- */

struct csv {
	struct str rest;
	int line; /* of the row that was read last, from 1 */
	int next; /* of the next row */
};
#define CSV_CELLS_MAX 64
struct csv_row {
	struct str cells[CSV_CELLS_MAX]; /* in the text or the arena */
	size_t n;
};
/** The next row that is not empty: 1, 0 at the end, ERR_PARSE with the words (without a place). */
int csv_next(struct csv *c, struct arena *a, struct csv_row *ret, struct err *e);

/* --- rows.c: labels_csv --- */

struct rows;
/** Read the file into the arena; free with rows_free. Problems of the file as a whole are ERR_CONFIG; those of a value wait in its row. */
int rows_load(struct arena *a, const char *path, const struct labels *labels, struct rows **ret, struct err *e);
void rows_free(struct rows *rows);
/** The row of a call: by its whole id, or by its id within the file (encoded as in ids). `*ret_row` is NULL when there is none. ERR_CONFIG when the row
 * was taken by another call. `*ret_problem`: why the row cannot be used, NULL when it can. */
int rows_find(struct rows *rows, struct str id, struct str part, const struct json **ret_row, const char **ret_problem,
	struct err *e);
/** How many rows cannot be used, and why the first of them; 0: *ret_first is NULL. */
size_t rows_problems(const struct rows *rows, const char **ret_first);
/** Once all calls are listed: ERR_CONFIG when no row fits any; a warning when some do not. */
int rows_end(const struct rows *rows, struct err *e);
/** What a row says, over what the file said. */
void rows_apply(const struct json *row, struct transcript *t);

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
