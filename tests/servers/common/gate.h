/* What comes before and after the work of any service: key, limits, failures on the way, delay; and the accounting.
 * In this order: gate_enter, gate_seen, gate_model, gate_admit, gate_attempt; the work; gate_spoil; then the server's own gate_leaves and gate_done. */
#ifndef TAF_SERVERS_GATE_H
#define TAF_SERVERS_GATE_H

#include "tests/servers/common/server.h"

/** {"error": {message, type, code}}, as OpenAI's. */
void reply_error(struct buf *b, int status, const char *code, const char *message);
/** An error reply in the service's form. */
void gate_refuse(struct exchange *x, int status, const char *code, const char *message);

/** Counts it as a request of the service. False: it is refused, it has no key. */
bool gate_enter(struct exchange *x);
/** Its digest, by which it is known again. */
void gate_seen(struct exchange *x, uint64_t digest);
/** False: refused, there is no such model. */
bool gate_model(struct exchange *x, struct str model);
/** Takes from the allowances, or refuses. */
bool gate_admit(struct exchange *x, int64_t amount);
/** The number of the attempt, what fails on the way, and the delay. False: no answer need be made. */
bool gate_attempt(struct exchange *x);
/** The answer is made: what fails on the way is done to its body. */
void gate_spoil(struct exchange *x);

/* --- For the server --- */
void gate_limits(struct server *s); /* anew, by the switches */
/** The reply is about to go: what was used is charged. */
void gate_leaves(struct exchange *x);
/** It has gone (`whole`) or failed. */
void gate_done(struct exchange *x, bool whole);
/** x-ratelimit-… and Retry-After. */
void gate_headers(const struct exchange *x, struct MHD_Response *response);

#endif
