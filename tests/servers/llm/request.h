/* A chat request as it is asked for: read and checked as OpenAI-compatible servers do.
 * `key` is all that decides the reply: server seed, model, messages, temperature, seed. `digest` is the whole canonical body. */
#ifndef TAF_LLM_REQUEST_H
#define TAF_LLM_REQUEST_H

#include "io/json.h"

#define MESSAGES_MAX 4096

enum speaker_role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT };
struct message {
	enum speaker_role role;
	struct str text; /* text parts joined */
};
struct request {
	struct message *messages;
	size_t n;
	struct str model;
	struct str format;         /* response_format.type; empty for none */
	const struct json *schema; /* of response_format json_schema; may be NULL */
	struct {
		struct str v[4];
		size_t n;
	} stop;
	int64_t max_tokens; /* 0: not given */
	int64_t tokens_in;
	uint64_t key, digest;
};

/** ERR_DATA with the words for a 400. */
int request_read(struct arena *a, struct str body, uint64_t seed, struct request *ret, struct err *e);
/** By a stated rule: a character from U+2E80 on counts 0.7, other bytes a quarter; rounded up. */
int64_t tokens_of(struct str text);
/** The beginning of a text that is at most `max` tokens. */
struct str tokens_clip(struct str text, int64_t max);

#endif
