/* annotate's tables (scenes.yaml, cues.yaml, templates.yaml), what is found of them in a call, and the three rounds made of it.
 * Tables are read-only after loading; all else is pure and lives in the record's arena. */
#ifndef TAF_STAGES_ANNOTATE_H
#define TAF_STAGES_ANNOTATE_H

#include "core/call.h"
#include "core/problems.h"
#include "core/stage.h"
#include "provider/script_think.h"

extern const struct stage_ops stage_annotate;

#define ANNOTATE_MIN_CHARS 100 /* of a thinking: below, steps that fill are added */
#define ANNOTATE_MAX_CHARS 400
#define QUOTE_MAX_CHARS 20
#define CUE_HITS_MAX 8    /* kept of a cue */
#define CUE_HITS_A_TURN 3 /* of these from one turn */
#define CUE_TURNS_MAX 3   /* that count for the points of a scene */

/* --- Tables --- */

enum cue_kind {
	CUE_PLAIN,
	CUE_SIGN, /* points for fraud */
	CUE_SOUND /* points against it */
};
struct texts {
	struct str *v;
	size_t n;
};
struct cue {
	struct str name;
	enum cue_kind kind;
	int weight;
	bool left, right; /* whose turns */
	int within;       /* > 0: of the first turns only; < 0: of the last */
	struct texts unless, means;
};
struct versus {
	struct str label;
	struct texts say, unless; /* names of common cues */
};
/** A scene or a fraud type. */
struct label_kind {
	struct str label;
	struct texts about;
	size_t first, n; /* its cues */
	struct versus *versus;
	size_t nversus;
};
struct label_set {
	struct label_kind *v;
	size_t n;
};
struct cue_word {
	struct str text;
	uint32_t cue;
};
struct confidence {
	int64_t base, per_point, per_contrary, floor, ceiling, none;
};
struct speech_limits {
	int64_t slow_below_msyl_per_s, fast_above_msyl_per_s;
	int64_t many_pauses_per_minute, few_pauses_per_minute;
	int64_t wide_pitch_percent, narrow_pitch_percent;
};

enum round { ROUND_SCENE, ROUND_FRAUD, ROUND_TYPE, ROUND_COUNT };
#define WORD_BUCKETS 1024 /* by the first character */

struct tables {
	struct cue *cues; /* the common ones first */
	size_t ncues, cap, ncommon;
	struct cue_word *words; /* by bucket */
	size_t nwords, words_cap;
	uint32_t bucket[WORD_BUCKETS + 1]; /* the first word of each */
	struct label_set scenes, types;
	size_t default_scene;
	int64_t enough;       /* points of a scene that is chosen */
	struct texts general; /* about, of a fraud type without an entry */
	struct texts never, dull;
	struct think_plan thinking[ROUND_COUNT], reason[ROUND_COUNT], values;
	struct confidence confidence[ROUND_COUNT];
	struct speech_limits speech;
};

struct table_files {
	const char *scenes, *cues, *templates;
};
/** Read the three files. Every scene and type must be in the closed sets. All that is wrong is told at once, with file:line:col. */
int tables_load(
	struct arena *a, const struct table_files *files, const struct labels *labels, struct tables *ret, struct err *e);
/** The entry of a label, or NULL. */
const struct label_kind *label_find(const struct label_set *set, struct str label);
int cue_find(const struct tables *t, struct str name); /* of the common cues; -1 when there is none */

/* The readers behind it, one a file (tables_*.c). */
struct table_reader {
	struct arena *a;
	struct tables *t;
	const struct labels *labels;
	struct problems *p;
};
void read_templates(struct table_reader *r, const struct yaml_node *root);
/** A list of texts (or one text), at least one. */
struct texts read_texts(struct table_reader *r, const struct yaml_node *node);
/** False, and a problem, when the map has a key that is not in the NULL-terminated list, or is no map. */
bool read_keys(struct table_reader *r, const struct yaml_node *map, const char *const *keys);
int64_t read_number(struct table_reader *r, const struct yaml_node *map, const char *key, int64_t min, int64_t max);
/** Words of a cue are parted into buckets by this. */
uint32_t word_bucket(const char *p, size_t n);

/* --- Evidence --- */

struct hit {
	int turn;         /* from 0 */
	bool left;        /* who says it */
	size_t from, to;  /* bytes of the turn's text: the quotation */
	struct str quote; /* empty: it cannot be quoted */
	bool whole;       /* whole clauses, not cut inside */
};
struct found {
	struct hit hits[CUE_HITS_MAX];
	size_t n;
	int turns; /* in which it is, of those that were kept */
};
struct evidence {
	struct found *cues; /* by index of tables.cues */
	struct found first; /* clauses of the first turn that has any */
	int turns;
};
void evidence_find(struct arena *a, const struct tables *t, const struct json *turns, struct evidence *ret);
/** Points of a scene: weight × turns. `flat`: of a fraud type, each cue once. */
int64_t label_points(const struct tables *t, const struct evidence *ev, const struct label_kind *k, bool flat);

/* --- Rounds --- */

/** What templates.yaml may ask of a call besides common cues, `words` and citations (writing.c). */
bool fact_named(struct str name);
bool value_named(struct str name);

enum hears { HEARS_TEXT, HEARS_FEATURES, HEARS_AUDIO };
struct call_facts {
	const struct tables *t;
	const struct json *call;
	enum hears hears;
	uint64_t seed; /* of the call */
};
/** {annotations, label?} of a call; `writer` is named in it. */
int rounds_write(struct arena *a, const struct call_facts *f, const char *writer, struct json **ret, struct err *e);

#endif
