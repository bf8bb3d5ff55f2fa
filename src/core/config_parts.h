/* What the files that load a pipeline share: config.c (the whole) and config_stages.c (its stages). Inside core/config*.c only.
 * What is wrong becomes a problem with its place, and loading goes on, so that all is told at once. */
#ifndef TAF_CORE_CONFIG_PARTS_H
#define TAF_CORE_CONFIG_PARTS_H

#include "core/config.h"

#define NAME_MAX_BYTES 64 /* of the dataset, a provider, a stage */

/* State of one load. Stages are parsed in file order here and moved into config->stages in topological order. */
struct config_loading {
	struct config *c;
	const struct config_args *args;
	struct problems *problems;
	struct config_stage *stages;
	struct graph_stage *graph; /* same indexes as `stages` */
	size_t n;                  /* of both */
};

extern const int64_t config_counts[2]; /* 0 and more: a range for config_read_int() */
/** A whole number in range[0]…range[1]. False, *ret untouched: it is not given, or is wrong (a problem). */
bool config_read_int(
	struct config_loading *l, const struct yaml_node *map, const char *key, const int64_t range[2], int64_t *ret);
/** Whether it is a name: letters, digits, '_' and '-'; of a dataset, with `dots`: also '.', but no capitals. */
bool config_name_ok(struct str s, bool dots);
/** `stages:` into l->stages and l->graph, in the order of the file. False: there are none, or too many. (config_stages.c) */
bool config_read_stages(struct config_loading *l, const struct yaml_node *root);

#endif
