/* The live display: on a terminal one line a stage, redrawn in place; elsewhere a plain line every few seconds.
 * display_tick() is called by the running thread; log lines of other threads make room by the log's hook. The display owns its memory. */
#ifndef TAF_CLI_DISPLAY_H
#define TAF_CLI_DISPLAY_H

#include "core/engine.h"

#include <pthread.h>
#include <stdio.h>

struct table;

#define DISPLAY_HISTORY 16 /* ticks that a rate is taken over */
#define DISPLAY_LINES 256
#define DISPLAY_PLAIN_MS 5000

struct display_past {
	int64_t at_ms[DISPLAY_HISTORY], done[DISPLAY_HISTORY];
	size_t n, next;
};
struct display {
	FILE *out;
	bool live, colour;
	bool told;                    /* that an interrupt was heard */
	pthread_mutex_t lock;         /* of what was drawn */
	size_t widths[DISPLAY_LINES]; /* of the lines drawn last */
	size_t ndrawn;
	struct buf text;           /* as drawn last */
	struct display_past *past; /* by stage */
	size_t npast;
	int64_t plain_ms; /* when a plain line was written last */
};

/** `live` and colour are decided by what `out` is, TERM and NO_COLOR. Also takes the log's hook. */
void display_init(struct display *d, FILE *out);
/** Remove what is drawn, give the hook back. */
void display_release(struct display *d);
/** struct engine_args.tick; `display` is a struct display. */
void display_tick(void *display, const struct run_status *status);

/** Calls that are done with at a stage. */
int64_t stage_done(const struct stage_counts *c);
/** Whether stages of this run count tokens, and characters of speech. */
struct counted {
	bool tokens, characters;
};
struct counted status_counted(const struct run_status *s);
/** A stage's cells of the columns for what is counted: tokens, then characters. */
void put_taken_cells(struct table *t, struct counted counted, const struct stage_status *s);
/** What is counted in characters of speech; of all else tokens are. */
bool is_characters(const char *unit);
/** One line of a stage, without its end, cut to `columns`; `rate` is calls a second, 0 when not known. Appended. */
void display_stage_line(struct buf *b, const struct stage_status *s, double rate, size_t name_width, size_t columns);
/** Cut a line to so many terminal columns (wide characters whole), with "…" where something was cut. Appended. */
void put_cut(struct buf *b, struct str line, size_t columns);
/** The table by stage that ends a run; also of `status`. Appended. */
void status_table(struct buf *b, const struct run_status *s);

#endif
