/* The calls of a barrier, in id order: what reduce and sink (barrier.c) and expand over a pool (peers.c) share. Inside the engine only; one thread. */
#ifndef TAF_CORE_BARRIER_PARTS_H
#define TAF_CORE_BARRIER_PARTS_H

#include "core/engine_parts.h"

struct member {
	int32_t item;
	struct digest input;
	bool held;    /* its memo stands */
	char *fields; /* reduce: what was set; NULL: nothing */
	bool rejected;
};
struct barrier {
	struct stage_run *s;
	struct record r;
	struct member *v;
	size_t n, at; /* at: members given so far in this pass */
	struct digest all;
	bool unknown;              /* plan: depends on work not done yet */
	struct families *families; /* peers(): collected here */
	struct arena arena;
};

/** Take the calls that have come to a barrier, in id order. Release with barrier_release. */
void barrier_gather(struct barrier *b, struct stage_run *s);
void barrier_release(struct barrier *b);
/** What the stage sees of them; the pass starts anew. */
void barrier_io(struct barrier *b, struct gather_io *io);

/* peers.c */
/** Expand over a pool: name the parents, then let their slots go. */
int peers_run(struct barrier *b, struct err *e);
/** gather_parent(). */
void peers_keep(struct barrier *b, const size_t *peers, size_t npeers, struct str basis);

#endif
