/* The graph of stages: order, who reaches whom, and the static checks on fields, joins and privacy.
 * All memory is in the arena given; immutable once made, so any thread may read it. At most GRAPH_STAGES_MAX stages. */
#ifndef TAF_CORE_GRAPH_H
#define TAF_CORE_GRAPH_H

#include "core/stage.h"

#define GRAPH_STAGES_MAX 256

/** What the graph needs to know of a stage. */
struct graph_stage {
	const struct stage *stage; /* ops NULL: the type is unknown (vague) */
	const struct stage_fields *fields;
	const int *needs; /* indexes of stages */
	size_t nneeds;
	struct yaml_mark mark;
	bool vague; /* its description has errors of its own: taken to write all, read nothing and keep nothing private */
};

/** Where calls that arrive at a stage are made. */
struct graph_origin {
	int stage; /* a source or expand stage */
	int ways;  /* by how many of this stage's needs its calls arrive (an id is complete when that many have settled) */
	uint64_t *via; /* bitset: the stages its calls may have passed before they arrive, the origin included */
};
struct graph_node {
	const int *needs;
	size_t nneeds;
	int *followers; /* stages that need this one, ascending */
	size_t nfollowers;
	uint64_t *ancestors;          /* bitset: all stages upstream, without itself; through expand stages too */
	struct graph_origin *origins; /* of the calls that arrive, by stage; none for a source */
	size_t norigins;
};
struct graph {
	size_t n, words; /* words: uint64_t in a bitset */
	struct graph_node *nodes;
	const struct graph_stage *stages;
};

/** Topological order, stable by index, of `n` stages into `ret_order` (n entries: position → index).
 * A cycle is a problem ("a -> b -> a") and gives false. */
bool graph_order(const struct graph_stage *stages, size_t n, int *ret_order, struct problems *problems);
/** Build; `stages` are in topological order already and must outlive the graph. */
struct graph *graph_new(struct arena *a, const struct graph_stage *stages, size_t n);
/** The static checks: fields written before they are read, joins without conflicts, privacy. */
void graph_check(const struct graph *g, struct problems *problems);

/** Whether stage `up` is upstream of `down` (not itself). */
bool graph_is_ancestor(const struct graph *g, int up, int down);
/** The origins of the calls that leave a stage: itself for sources and expand stages, none for sinks, else those that arrive. */
size_t graph_leaving(const struct graph *g, int stage, int *ret, size_t max);
/** The origin entry of calls made by `origin` that arrive at `stage`, or NULL. */
const struct graph_origin *graph_origin_at(const struct graph *g, int stage, int origin);
bool graph_bit(const uint64_t *set, int i);

#endif
