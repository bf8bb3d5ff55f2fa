/* The LLM server as a service: what becomes of a chat request. */
#ifndef TAF_LLM_SERVICE_H
#define TAF_LLM_SERVICE_H

#include "tests/servers/common/server.h"
#include "tests/servers/llm/reply.h"

/** What the server owns. */
struct llm {
	const char *lines_file, *dialogues_file; /* options */
	struct agents agents;
	struct lines lines;
	struct replay replay;
	uint64_t misbehaved[MISBEHAVE_COUNT], parts[PART_COUNT];
	int64_t tokens_in, tokens_out; /* of answers that went out */
};
extern const struct service llm_service;

#endif
