/* The pipeline: one YAML file, its profiles and --set overlaid, checked whole before any work, as structs.
 * A struct config owns all its memory (arena, and one arena a stage); it is immutable after config_load but for stage->state, which the engine
 * makes by ops->init(). Limits: CONFIG_FILE_MAX bytes, GRAPH_STAGES_MAX stages. */
#ifndef TAF_CORE_CONFIG_H
#define TAF_CORE_CONFIG_H

#include "core/graph.h"
#include "core/problems.h"

#define CONFIG_FILE_MAX ((size_t)1 << 20)
#define CONFIG_ITEM_TIMEOUT_S 120

struct config_args {
	const char *file; /* "pipeline.yaml" */
	const char *const *profiles;
	size_t nprofiles;
	const char *const *sets; /* "K=V" */
	size_t nsets;
	const struct stage_registry *registry;
};

struct config_stage {
	struct stage stage;
	int *needs; /* indexes into config->stages, as written in the file */
	size_t nneeds;
	struct yaml_mark mark;        /* of its name */
	const struct yaml_node *with; /* its options as written; may be NULL */
	struct stage_fields fields;   /* at its parameters; "@" in writes is put in */
	int64_t generation;
	int item_timeout_s; /* the limit of one item in a worker */
	int provider;       /* index into config->providers, or -1 */
};

struct config {
	struct arena arena;
	const char *file; /* as named */
	const char *base; /* its folder: what relative paths start from */
	const char *name; /* the dataset's */
	int64_t seed;
	const char *date;     /* "YYYY-MM-DD", or NULL */
	double max_cost;      /* of the work folder in all; negative: none given */
	double confirm_above; /* a run that would pay this much again asks first; negative: never */
	struct yaml_mark max_cost_mark, confirm_above_mark;
	int64_t max_tokens;         /* of a run, both ways; 0: none */
	int64_t max_time_s;         /* of a run; 0: none */
	struct provider *providers; /* by name */
	size_t nproviders;
	struct config_stage *stages; /* topological order, stable by file order */
	size_t nstages;
	const struct graph *graph;   /* over `stages`: same indexes */
	struct option_list profiles; /* names of all profiles in the file */
	struct option_list applied;  /* those laid over it, in order */
	char digest[DIGEST_HEX + 1]; /* of the parsed YAML after profiles and --set, without `profiles` */
	struct str canonical;        /* what was digested */
};

/** Load, overlay and check. All that is wrong goes to `problems`; 0, or ERR_CONFIG when there was any. Free with config_free. */
int config_load(const struct config_args *args, struct config **ret, struct problems *problems);
/** Also calls ops->destroy() of stages that have a state. Takes NULL. */
void config_free(struct config *c);
/** Where in the file a mistake of a provider's options is, by its words (provider_ops.ready): the option, and of a list or map the member, that they name;
 * else the provider. (ready.c) */
struct yaml_mark config_provider_place(const struct provider *p, struct str words);
/** What provider_ops.ready says, with place, line and caret when it is ERR_CONFIG. 0 for a provider that needs nothing. (ready.c) */
int config_ready(const struct config *c, const struct provider *p, struct err *e);
/** What stages doubt of those upstream (stage_ops.doubts). `last`: only stages that lead to this one, itself included; -1: all. (doubts.c) */
void config_doubts(const struct config *c, int last,
	void (*tell)(void *arg, const struct config_stage *s, const char *words), void *arg);
/** Index of a stage by name, or -1. */
int config_stage_index(const struct config *c, struct str name);
/** The stage type by its `uses:` name, or NULL. */
const struct stage_ops *config_stage_type(const struct stage_registry *r, struct str name);
/** What `taf help STAGE` and docs/stages.md print: name, kind, help, version, reads and writes at default parameters, options. */
void config_help_stage(struct buf *b, const struct stage_ops *ops, bool markdown);

#endif
