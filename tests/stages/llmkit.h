/* A scripted LLM for tests of stages: it answers work_chat() from the test's own function and keeps what it was asked. One thread. */
#ifndef TAF_TESTS_LLMKIT_H
#define TAF_TESTS_LLMKIT_H

#include "core/work.h"

#define LLMKIT_ASKED_MAX 256

struct llmkit_answer {
	const char *content, *reasoning; /* reasoning NULL: none */
	const char *finish;              /* NULL: stop */
};
struct llmkit_asked {
	const char *step, *request; /* canonical JSON */
	const struct json *messages;
	int draw;
};
struct llmkit {
	struct provider provider;
	struct provider_ops ops;
	int draws; /* of a question; set by llmkit_init to 3 */
	bool repair;
	/** The answer to a question; content NULL: the provider fails with ERR_TRANSIENT. */
	struct llmkit_answer (*answer)(void *arg, const struct llmkit_asked *asked);
	void *arg;
	struct llmkit_asked asked[LLMKIT_ASKED_MAX];
	size_t n, invalid; /* asked; answers that did not pass */
	struct work_io io; /* give it to the work */
	struct arena arena;
};
/** A networked provider called "llm" of kind "test"; give &kit->provider to the stage before init(). */
void llmkit_init(
	struct llmkit *kit, struct llmkit_answer (*answer)(void *arg, const struct llmkit_asked *asked), void *arg);
void llmkit_release(struct llmkit *kit);
/** Forget what was asked. */
void llmkit_forget(struct llmkit *kit);
/** All text of the messages that were asked, one behind the other. */
const char *llmkit_text(struct llmkit *kit, const struct llmkit_asked *asked);
/** Fail the test unless these fields of a call are as schemas/call.schema.json wants them. */
void llmkit_conforms(struct llmkit *kit, const struct json *fields);

#endif
