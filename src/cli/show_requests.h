/* What `taf show --requests` tells: the questions that a call's stages asked of providers, and what was answered. One thread; reads only. */
#ifndef TAF_CLI_SHOW_REQUESTS_H
#define TAF_CLI_SHOW_REQUESTS_H

#include "cli/trace.h"

/** The requests of one stage, in the order they were asked: those that its result was made of; where it has none, those that were answered before it
 * failed. [{step, draw, try, model, imported, tokens_in, tokens_out, cost, request, answer, text?, thinking?, object?}] in the trace's arena; `draw` is the
 * stored number, `try` counts the draws of one question from 1. NULL for none, and for a stage whose texts are withheld. */
int requests_of(struct trace *t, const struct trace_stage *s, struct json **ret, struct err *e);
/** For people, appended; texts are cut to some lines unless `full`. */
void put_requests(struct buf *b, const struct trace_stage *s, const struct json *requests, bool full);

#endif
