/* YAML by libyaml into a tree with marks, for configuration and data files (pipeline, scenarios, rules, voices, labels).
 * The only file that includes libyaml is yaml.c. The tree lives in the caller's arena.
 * A leading BOM and CRLF line ends are taken as if they were not there. Limits: 16 MiB a file (a larger one is ERR_TOOBIG), 64 levels,
 * 1,000,000 nodes after aliases are followed (an alias bomb is an error at the alias); one document a file; duplicate keys are errors;
 * merge keys (<<) are not supported and are an error. Scalars keep their text: types are decided by who reads them (core/option, core/config). */
#ifndef TAF_IO_YAML_H
#define TAF_IO_YAML_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

/** Where a node stands. Line and column count from 1; columns are code points. */
struct yaml_mark {
	const char *file; /* as the user named it; NULL for values that come from --set or from the program */
	int line, col;
};

struct yaml_node {
	enum yaml_kind kind;
	bool plain; /* scalar without quotes: may be null, true, a number */
	struct yaml_mark mark;
	struct str text; /* scalar */
	struct str key;  /* when a member of a map */
	struct yaml_mark keymark;
	struct yaml_node *next; /* sibling */
	struct yaml_node *first, *last;
	size_t n;
};

#define YAML_EACH(item, parent) for (struct yaml_node *item = (parent)->first; item; item = item->next)

/** Parse. Errors are ERR_CONFIG with "file:line:col: message", the line and a caret under it. An empty document gives an empty map. */
int yaml_parse(struct arena *a, const char *file, struct str text, struct yaml_node **ret, struct err *e);
/** The member of a map, or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
struct yaml_node *yaml_new(struct arena *a, enum yaml_kind kind, struct yaml_mark mark);
struct yaml_node *yaml_scalar(struct arena *a, struct str text, bool plain, struct yaml_mark mark);
void yaml_append(struct yaml_node *list, struct yaml_node *item);
void yaml_set(struct arena *a, struct yaml_node *map, struct str key, struct yaml_node *value);
/** A canonical text of the tree (kinds, keys sorted, texts, plain or quoted; no marks, no comments): equal trees give equal bytes. For digests. */
void yaml_canonical(struct buf *b, const struct yaml_node *node);
/** "file:line:col: message", the source line, a caret. `source` is the whole text of the file (may be empty: then no line). */
void yaml_point(struct buf *b, struct yaml_mark mark, struct str source, const char *message);
/** Whether a key is named like a place for a secret (api_key, token, password, …, not api_key_env), and whether a value looks like one (sk-…,
 * "Bearer …", user:password@ in a URL). Configuration refuses them; yaml_point (src/io/yaml_point.c) never shows them. */
bool yaml_secret_key(struct str key);
bool yaml_secret_value(struct str value);

/** Scalars by YAML 1.2 core rules; false (ret untouched) when the node is not a plain scalar of that type (strings: any scalar). */
bool yaml_is_null(const struct yaml_node *node);
bool yaml_bool(const struct yaml_node *node, bool *ret);
bool yaml_int(const struct yaml_node *node, int64_t *ret);
bool yaml_real(const struct yaml_node *node, double *ret);

#endif
