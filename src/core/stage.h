/* What a stage is. One stage type = one folder stages/NAME, one const struct stage_ops in the array of stages/stages.c.
 *
 * A stage is a function from the fields it reads to the fields it writes. It opens no sockets and no database, keeps no state between
 * records but what init() read, and sees of a call only the fields it declared. The engine (core/engine.h) keys, caches, retries,
 * orders and stores. `process` runs on many threads at once over one `struct stage`: params and state are read-only after init.
 *
 * Stages that touch sound (exec EXEC_SOUND) are described here like all others, but their `process` lives in stages/NAME/NAME_sound.c, is
 * listed in stages/sounds.c and runs in taf-worker, one item at a time.
 */
#ifndef TAF_CORE_STAGE_H
#define TAF_CORE_STAGE_H

#include "base/draw.h"
#include "core/option.h"
#include "core/provider.h"
#include "io/digest.h"
#include "io/json.h"

enum stage_kind {
	STAGE_SOURCE, /* lists items, then makes a call of each */
	STAGE_MAP,    /* a call → the fields it sets, or a rejection */
	STAGE_EXPAND, /* a call → slots of new calls */
	STAGE_REDUCE, /* all calls → a field or a rejection of each; a declared barrier */
	STAGE_SINK    /* all calls → files */
};

enum stage_exec {
	EXEC_CPU,     /* item threads of -j */
	EXEC_NETWORK, /* a thread an item, thousands in flight, waits on providers */
	EXEC_SOUND    /* worker processes */
};

enum stage_flags {
	STAGE_DRAWS = 1,          /* uses work_draw(): seed and call id are in the key */
	STAGE_CLEARS_PRIVACY = 2, /* after it a call is no longer private */
};

enum field_flags {
	FIELD_OPTIONAL = 1 /* a read that may be absent; a write that may not happen */
};

/** A leaf path ("turns.text" reads that member of every turn) or, for a write, any path: "turns" covers "turns.text".
 * A member of the call that is written whole ("label") takes the place of what earlier stages wrote there; a path ("label.scene") is laid over it.
 * In a write, "@" stands for the stage's own name ("qa.@"): stored without it, put in when calls are put together, so that a renamed stage keeps its results. */
struct field {
	const char *path;
	unsigned flags;
};

#define STAGE_FIELDS_MAX 32
struct stage_fields {
	struct field reads[STAGE_FIELDS_MAX], writes[STAGE_FIELDS_MAX];
	size_t nreads, nwrites;
};
void fields_read(struct stage_fields *f, const char *path, unsigned flags);
void fields_write(struct stage_fields *f, const char *path, unsigned flags);

/** A stage in a pipeline: made by the engine from the YAML. */
struct stage {
	const struct stage_ops *ops;
	const char *name;   /* as in the YAML */
	void *params;       /* parsed options */
	void *state;        /* what init() made */
	struct arena arena; /* the stage's memory: params, state */
	uint64_t seed;
	const char *dataset;             /* `name` of the pipeline */
	const struct provider *provider; /* of its OPT_PROVIDER option; NULL when it has none */
	const char *base;                /* folder that relative paths start from */
};

/** Where a listed item stands in the files of a source: for re-reading and for messages. */
struct locator {
	int file;       /* index into the source's OPTION_PER_ITEM files; -1 for none */
	int64_t offset; /* bytes */
	int64_t length; /* bytes; 0: the whole file */
	int line;       /* from 1; 0: the whole file */
};

/* --- Listing (sources) --- */
struct lister;
/** The next item: its id (percent-encoded where needed by id_encode) and the content that makes it: canonical JSON of what this item's work uses
 * (parsed, so that comments and line ends do not count); it is digested, and handed back as work->call when the item is worked.
 * `uses`: indexes into the source's per-item files whose *parsed* content this item's work rests on as a whole (e.g. its scenario file); may be NULL.
 * An id that was listed before makes this one a broken item that names both places. */
void lister_add(
	struct lister *l, struct str id, const struct json *content, struct locator at, const int *uses, size_t nuses);
/** An item that cannot be worked: it is quarantined (class data) with this reason and file:line. */
void lister_broken(struct lister *l, struct str id, struct locator at, const char *reason);
/** Scratch memory, reset after each lister_add. */
struct arena *lister_arena(struct lister *l);
/** The bytes of a per-item file (read once a run, capped at 1 GiB). Holds while the stage lists or works. */
int lister_file(struct lister *l, int file, struct str *ret, struct err *e);

/* --- Work on one item --- */
struct work_io; /* the engine's side */
struct work {
	struct stage *stage;
	struct str id;            /* of the call (expand: of the parent) */
	struct arena *arena;      /* the record's memory: results go here */
	const struct json *call;  /* the declared reads, nothing else; source: what lister_add got as `content` */
	struct locator at;        /* source: where it was listed */
	int slot;                 /* expand: which slot */
	const struct json *peers; /* expand with peers(): the calls it was given, [{id, the reads…}]; NULL otherwise */
	const struct json *asks;  /* answers to the stage's asks(), in order: [{request, answer|null}] */
	/* results */
	struct json *fields; /* what it writes: an object; NULL is {} */
	bool rejected;       /* the call ends here; its reason is in the fields it wrote (qa.@ with verdict and findings) */
	struct work_io *io;
};

/** Numbers of this call for `purpose`; the stage has STAGE_DRAWS. */
void work_draw(struct work *w, const char *purpose, struct draw *ret);
/** Store bytes as an object (by content) and give its digest in hex in the record's memory. Objects named in the stored fields are kept. */
int work_object(struct work *w, struct str bytes, const char **ret_hex, struct err *e);
/** Read an object whole. ERR_LOST when it is missing or damaged: the engine re-makes it in the same run. */
int work_object_read(struct work *w, struct str hex, size_t max, struct buf *ret, struct err *e);
/** Name a provider request that this item will make (canonical JSON, binary parts as object digests), from asks(). */
void work_ask(struct work *w, struct json *request);
/** The answer made for ask `index` when none was stored: kept before anything made from it. */
void work_answer(struct work *w, size_t index, struct json *answer);
/** A file of the source, for re-reading. */
int work_file(struct work *w, int file, struct str *ret, struct err *e);
/** A verdict as every stage writes it: sets qa.@ = {verdict, findings} in w->fields and w->rejected when verdict is not "pass".
 * `findings` is an array of {rule, value, limit, turn?} (may be NULL when it passed). */
void work_verdict(struct work *w, const char *verdict, struct json *findings);

/* --- All calls (reduce, sink) --- */
struct gather;
/** Calls in id order: the declared reads. False at the end or on failure (then *e is set). `*ret_call` holds until the next call. */
bool gather_next(struct gather *g, struct str *ret_id, const struct json **ret_call, struct err *e);
void gather_rewind(struct gather *g);
size_t gather_count(const struct gather *g);
/** reduce: set fields of, or reject, the call last given. A call that is not set keeps going with no fields. */
void gather_set(struct gather *g, const struct json *fields, bool rejected);
/** peers: the call last given is a parent: its slots see these calls of the pool, in this order (work->peers). `peers` are places in the order of
 * gather_next, from 0. `basis` is what else of the pool decides what they become (a digest; may be empty): it is in their keys, as the peers' reads
 * are. A call that is never named here gets no slots. */
void gather_parent(struct gather *g, const size_t *peers, size_t npeers, struct str basis);
/** sink: path of an object's file in `ret` (cleared first); ERR_LOST when it is missing or its bytes are not those of its digest:
 * it is re-made in the same run. */
int gather_object(struct gather *g, struct str hex, struct buf *ret, struct err *e);
/** sink: counts of what did not arrive, and facts for the manifest. */
struct gather_facts {
	int64_t rejected, quarantined; /* calls upstream, all stages */
	const struct json *stages; /* [{name, uses, version, rejected, quarantined, rules:{RULE:count}, fingerprint, files?:{OPTION:digest(s)}}] */
	const struct json *pipeline; /* {name, seed, digest, taf, tools} */
	bool partial;                /* --partial */
};
const struct gather_facts *gather_facts(const struct gather *g);

struct stage_cost {
	int64_t requests, bytes_in /* of all prompts, UTF-8 */, tokens_out;
};

struct stage_ops {
	const char *name; /* `uses:` */
	const char *help; /* one line */
	int version;      /* raised when output changes for equal input: in the key */
	enum stage_kind kind;
	enum stage_exec exec;
	unsigned flags;
	size_t params_size;
	const struct option *options;
	size_t noptions;
	/** The paths it reads and writes, a function of the parameters. Mandatory. */
	void (*fields)(const void *params, struct stage_fields *ret);
	/** Check what the table cannot (one option against another). Problems go to err as ERR_CONFIG. */
	int (*check)(const void *params, struct err *e);
	/** What is allowed, and yet may not be meant, of a stage upstream with the options `with`: a sentence for the user, appended, or nothing. May be NULL. */
	void (*doubts)(const struct stage *s, const struct stage *upstream, const struct json *with, struct buf *ret);
	/** Whether a provider of this kind can do what the parameters ask: the words of ERR_CONFIG are told with the place, before any work. NULL: any of
	 * the kind it serves. */
	int (*suits)(const void *params, const struct provider_ops *provider, struct err *e);
	/** Read data files (by their parsed options), build tables: stage->state. Run only when the stage has work. Also in the worker. */
	int (*init)(struct stage *s, struct err *e);
	void (*destroy)(struct stage *s); /* what the arena does not free */
	/** `taf check`, after init(): what a listing would say of the whole file that an OPT_FILE with OPTION_PER_ITEM names, `option` its name. What only some
	 * of its items will suffer from is a line for the user, appended to *ret_doubt. NULL: the file is not looked at. */
	int (*check_file)(struct stage *s, const char *option, struct buf *ret_doubt, struct err *e);
	/** source: list all items. */
	int (*list)(struct stage *s, struct lister *l, struct err *e);
	/** source, map, expand: the work on one item. NULL for EXEC_SOUND in `taf`. */
	int (*process)(struct work *w, struct err *e);
	/** map: the provider requests it will make, known before the work (speak: one a turn), so that stored answers spare them. */
	int (*asks)(struct work *w, struct err *e);
	/** expand: slots a call gets, and the tag in `<parent>+<tag>.<slot>`. */
	int (*slots)(const void *params);
	const char *(*tag)(const void *params);
	/** expand over a closed pool: called when all calls have come, before any slot is worked; names the parents and what each sees
	 * (gather_parent). It may keep in s->state what the slots need of the pool; what that decides belongs into `basis`. */
	int (*peers)(struct stage *s, struct gather *g, struct err *e);
	/** With peers(): the most parents it will name, for a plan that does not know the pool yet; 0, or NULL: any number. */
	int64_t (*parents)(const void *params);
	int (*reduce)(struct stage *s, struct gather *g, struct err *e);
	/** sink: write files into `folder` (empty, made by the engine, renamed to its place when this returns 0). */
	int (*sink)(struct stage *s, struct gather *g, const char *folder, struct err *e);
	/** Names and versions of libraries and voice data that shape its output ("libespeak-ng 1.51; …"); NULL for none. */
	const char *(*libraries)(void);
	/** Ids of calls that its data files name, one by one: those that did not come to the stage are told at its end. After init(). */
	void (*mentions)(const struct stage *s, void (*each)(void *arg, struct str id), void *arg);
	/** Whether calls it makes are private (sources). */
	bool (*is_private)(const void *params);
	/** LLM stages: what one item takes of its provider, all its requests together, when nothing is known from earlier runs: for `taf plan`. NULL: nothing. */
	void (*cost)(const struct stage *s, struct stage_cost *ret);
	/** The same of one item whose call is there already, by its own content; cheap, and not after init(). Any thread. NULL: as cost(). */
	void (*cost_of)(const struct work *w, struct stage_cost *ret);
	/** Which kind of provider its OPT_PROVIDER option names; PROVIDER_LLM when not said. */
	enum provider_serves serves;
};

/** All stage types of a program, NULL-terminated; `stages` in stages/stages.c is the real one, tests have their own. */
struct stage_registry {
	const struct stage_ops *const *types;
};
extern const struct stage_registry stages_all;

/** Work of sound stages, in the worker: by stage type name. */
struct stage_sound {
	const char *name;
	int (*process)(struct work *w, struct err *e);
	/** What a network thread of the stage wants to know of sounds (work_io.errand): the answer goes to w->fields. NULL: nothing. */
	int (*errand)(struct work *w, const struct json *request, struct err *e);
};
extern const struct stage_sound *const stages_sound[];

#endif
