/* Scenario files and personas: what the synthetic calls are made of (docs/scenarios.md is the format's description for contributors).
 * A scenario is parsed from YAML into an immutable tree in the caller's arena; threads may share it. src/provider/script writes calls from it.
 * The order of keys in a map never shapes a call (digests sort them); the order of lists may.
 * Texts hold marks in angle brackets: `<slot>` is the slot's value, `<甲|乙|>` one of the alternatives, which may hold slots in turn.
 * Limits: 200 slots, 100 phases, 200 lines in a list, 400 bytes a line, values of 120 bytes. */
#ifndef TAF_CORE_SCENARIO_H
#define TAF_CORE_SCENARIO_H

#include "core/call.h"
#include "core/problems.h"
#include "io/yaml.h"

#define SCENARIO_SLOTS_MAX 200
#define SCENARIO_PHASES_MAX 100
#define SCENARIO_LINES_MAX 200
#define SCENARIO_LINE_BYTES 400
#define SCENARIO_VALUE_BYTES 120
#define SCENARIO_NAME_MAX 40 /* bytes of the name of a scenario or persona: both are in ids */
#define PERSONAS_MAX 1000

enum scenario_role { ROLE_LEFT, ROLE_RIGHT };
enum scenario_by { BY_NATURAL, BY_LEFT, BY_RIGHT };
enum scenario_awareness { AWARE_LOW = 1, AWARE_MID = 2, AWARE_HIGH = 4, AWARE_ANY = 7 };

/* --- Texts with marks --- */
enum scenario_part_kind { PART_TEXT, PART_SLOT, PART_CHOICE };
struct scenario_part;
struct scenario_text {
	struct scenario_part *parts;
	size_t n;
};
struct scenario_part {
	enum scenario_part_kind kind;
	struct str text;               /* PART_TEXT: the words; PART_SLOT: the slot's name */
	struct scenario_text *options; /* PART_CHOICE */
	size_t noptions;
};

/* --- Conditions: all that is given must hold --- */
struct scenario_want {
	struct str slot, *values;
	size_t n;
	struct yaml_mark mark;
};
struct scenario_when {
	unsigned awareness;      /* bits of enum scenario_awareness */
	int age_min, age_max;    /* inclusive; 0 and 200: any */
	struct str gender;       /* 男, 女; empty: any */
	struct str *occupations; /* any of; none: any */
	size_t noccupations;
	struct scenario_want *wants; /* slots that must have one of the values */
	size_t nwants;
};

/* --- Slots: drawn once a call --- */
enum slot_kind {
	SLOT_LIST,   /* one of `values` */
	SLOT_ROWS,   /* one of the rows; its columns are slots of their own (SLOT_COLUMN) */
	SLOT_COLUMN, /* a column of the rows slot `of` */
	SLOT_OTHER,  /* another value of the list slot `of` than those drawn from it before */
	SLOT_AMOUNT, /* a number read aloud (三千五百) */
	SLOT_COUNT,  /* a number before a measure word (两, 三, 十二) */
	SLOT_DIGITS, /* digits read one by one (三七幺零) */
	SLOT_TIME,   /* a time of day (下午三点半) */
	SLOT_DATE,   /* a day to come or gone (后天, 上周三) */
	SLOT_PERSON, /* an invented full name */
	SLOT_SURNAME /* a surname */
};
struct scenario_slot {
	struct str name;
	enum slot_kind kind;
	struct yaml_mark mark;
	struct str *values;     /* SLOT_LIST; SLOT_COLUMN: by row */
	size_t nvalues;         /* SLOT_ROWS: count of rows */
	int of;                 /* SLOT_COLUMN, SLOT_OTHER: index of the slot it comes from */
	int rank;               /* SLOT_OTHER: 1 for the second-drawn value, 2 for the third, … */
	int64_t min, max, step; /* SLOT_AMOUNT, SLOT_COUNT; SLOT_TIME: minutes of the day; SLOT_DIGITS: how many (min) */
	bool past;              /* SLOT_DATE */
	struct str gender;      /* SLOT_PERSON: 男, 女 or empty */
};

/* --- Phases --- */
struct scenario_line {
	struct str raw; /* as written; draws go by it, so that a line that is added or moved leaves the others' calls alone */
	struct scenario_text text;
	struct scenario_when when;
	struct yaml_mark mark;
};
/** One exchange: who speaks first says one of its lines, then the other. A side without lines is silent. */
struct scenario_way {
	struct scenario_line *lines[2]; /* by role */
	size_t nlines[2];
	enum scenario_role first;
	struct scenario_when when;
	struct yaml_mark mark;
};
struct scenario_phase {
	struct str name;
	int percent; /* how often it happens when its condition holds */
	struct scenario_when when;
	struct scenario_way *ways; /* one is drawn */
	size_t nways;
	struct yaml_mark mark;
};
struct scenario_ending {
	enum scenario_by by;
	int weight; /* 1…20 */
	struct str reason;
	struct scenario_when when;
	struct scenario_way way;
	struct yaml_mark mark;
};

/** What a scenario demands of its own calls. A word list entry may name alternatives: "验证码|密码". */
struct scenario_tests {
	int64_t runs, min_turns, max_turns;
	struct str *must, *some, *never; /* in every call; in at least one; in none */
	size_t nmust, nsome, nnever;
	struct yaml_mark mark;
};

struct scenario {
	struct str name, title;
	bool is_fraud;
	struct str fraud_type, scene; /* empty when not given */
	enum scenario_role initiator;
	struct scenario_when suits; /* personas it is for */
	struct str left_gender;     /* empty: either */
	int left_age_min, left_age_max;
	struct scenario_slot *slots;
	size_t nslots;
	struct scenario_phase *phases;
	size_t nphases;
	struct scenario_ending *endings;
	size_t nendings;
	struct scenario_tests tests;
	struct yaml_mark mark, label_mark;
};

/** A kind of callee: one cell of the grid for each scenario. */
struct persona {
	struct str name; /* [a-z0-9-] */
	int age_min, age_max;
	struct str gender, occupation, awareness_text;
	enum scenario_awareness awareness;
	struct str *fillers; /* little words it starts sentences with */
	size_t nfillers;
	int filler_percent;
	struct yaml_mark mark;
};
struct personas {
	struct persona *v;
	size_t n;
};

/** Parse a file's text. Problems (also those scenario_check would find in it alone) are collected with file:line:col; `*ret` is NULL when the
 * YAML itself cannot be read, else what could be understood. True when there were no problems. */
bool scenario_parse(struct arena *a, const char *file, struct str text, struct scenario **ret, struct problems *p);
/** What one file cannot know: labels in the closed sets, the name as the file's stem, personas it suits and endings for each of them. */
bool scenario_check(
	const struct scenario *s, const struct labels *labels, const struct personas *personas, struct problems *p);
bool personas_parse(struct arena *a, const char *file, struct str text, struct personas *ret, struct problems *p);
/** A starter file for `taf scenario new`: a whole scenario that passes its own tests. `label` is a fraud type or a scene. */
void scenario_template(struct buf *b, struct str name, bool is_fraud, struct str label);

/** Slots every scenario has: <姓> <姓名> <尊称> <称谓> <职业> of the callee, <客服姓> <工号> of the service's person. NULL-terminated. */
extern const char *const scenario_builtin_slots[];
int scenario_slot_find(const struct scenario *s, struct str name); /* index or -1 */
bool scenario_suits(const struct scenario *s, const struct persona *p);
/** Whether a condition can hold for a persona, slots and exact age left aside. */
bool scenario_when_persona(const struct scenario_when *w, const struct persona *p);
/** Words that cannot be spoken as written: markup, brackets, ASCII, placeholders. The offending piece, or an empty slice when all is well. */
struct str scenario_unspeakable(struct str text);

#endif
