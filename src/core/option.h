/* Options of stages and providers: one table drives parsing, defaults, ranges, the cache key, `taf help STAGE`, docs/stages.md and the fuzzer.
 * Values are written into a params struct at `offset`; strings and lists live in the arena given to options_parse. */
#ifndef TAF_CORE_OPTION_H
#define TAF_CORE_OPTION_H

#include "io/json.h"
#include "io/yaml.h"

enum option_type {
	OPT_BOOL,    /* bool */
	OPT_INT,     /* int64_t, min…max */
	OPT_REAL,    /* double, min…max */
	OPT_STRING,  /* struct str */
	OPT_CHOICE,  /* int: index into `choices` */
	OPT_STRINGS, /* struct option_list of strings */
	OPT_FILE,    /* struct str: a path, made absolute against the YAML's folder; "@/…" is under the data root */
	OPT_FILES, /* struct option_list of absolute paths: globs are expanded, sorted, without doubles; a folder stands for its files */
	OPT_PROVIDER, /* struct str: the name of a provider */
	OPT_MAP       /* const struct json *: an object of scalars, free keys (e.g. speaker → side) */
};

enum option_flags {
	OPTION_SHAPES = 1,   /* shapes the output: in the stage's fingerprint. Counts, limits, attempts do not. */
	OPTION_REQUIRED = 2, /* no default */
	OPTION_PER_ITEM = 4, /* files: content is keyed by the items that use it, not by the whole stage */
	OPTION_YAML = 8, /* files: YAML; digested as a parsed tree. Otherwise text: BOM, CRLF and trailing blanks do not count */
	OPTION_SECRET_KEY = 16,  /* string: a privacy key; only its fingerprint enters keys, never shown (core/secret.h) */
	OPTION_SECRET_ENV = 32,  /* string: the environment variable that holds the privacy key */
	OPTION_SECRET_FILE = 64, /* file: it holds the privacy key; read when a run begins, not before */
	OPTION_CHOOSES =
		128, /* of providers, with OPTION_SHAPES: what is chosen by it stands in each request (of a list of voices, the voice), so answers are
	                         not stored under it: a longer list asks nothing anew */
	OPTION_PRESET = 256 /* choice: other options take their defaults by it (`presets`); it stands before them, one a table */
};

struct option_list {
	struct str *v;
	size_t n;
};

struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	unsigned flags;
	const char *dflt; /* YAML text of the default ("12", "[a, b]"); NULL: empty, or required */
	/* By the choice of the table's OPTION_PRESET, in the order of its choices: the default in the place of `dflt`; NULL there: `dflt`. What is written in the
	 * file beats both. NULL: as `dflt` with each. */
	const char *const *presets;
	double min, max;            /* numbers; both 0: any */
	const char *const *choices; /* OPT_CHOICE, NULL-terminated */
	const char *unit;           /* "ms", "LUFS", …; NULL for none */
	const char *help;           /* one or two sentences */
};

/* A list of errors with places, so that all errors of a file are told at once. */
struct problems;

/** Parse `with` (a map node or NULL) by the table. Problems are collected; false when there were any. `base` is the folder relative paths start from.
 * `type_name` is for messages ("stage type screen"). */
bool options_parse(struct arena *a, const struct option *table, size_t n, const struct yaml_node *with,
	const char *base, const char *type_name, void *params, struct problems *problems);
/** All values as JSON, by option name (secrets left out): for logs, worker set-up and the fingerprint. Only those with all bits of `flags` when flags ≠ 0.
 * Paths of OPT_FILE(S) are given as they are. */
struct json *options_json(struct arena *a, const struct option *table, size_t n, const void *params, unsigned flags);
/** The inverse of options_json(…, 0), for the worker. */
int options_from_json(
	struct arena *a, const struct option *table, size_t n, const struct json *values, void *params, struct err *e);
/** `taf help` text / Markdown table rows of an option table, appended. */
void options_help(struct buf *b, const struct option *table, size_t n, bool markdown);

#endif
