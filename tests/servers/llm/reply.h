/* Bodies of replies, as OpenAI-compatible servers write them. */
#ifndef TAF_LLM_REPLY_H
#define TAF_LLM_REPLY_H

#include "tests/servers/llm/agents.h"

struct reply {
	int status;
	int64_t tokens_out;
	enum answered answered; /* what the model did */
	struct answer answer;   /* what the agents said, unless refused or filtered */
	uint64_t content;       /* digest of the content that goes out */
};

/** The whole answer to a request: body appended to `b`. */
void reply_make(
	const struct agents *g, const struct request *r, const struct llm_switches *s, struct buf *b, struct reply *ret);

#endif
