/* The scripted model: an answer to a chat request, a pure function of the request (its key) and the switches.
 *
 * Which part it plays is told by the words of the prompt (lines.yaml: prompt/…), from the last message that is not an assistant's backwards:
 *   should_terminate → the manager's verdict; is_fraud, fraud_type or scene with confidence → an annotation; turns → a new dialogue;
 *   a last message with ##TERMINATE_SIGNAL## → a closing line; else the next line of a talk, whose history is the messages (own lines: assistant).
 * A json_schema in response_format tells by its properties, before any word does. Answers live in the arena. */
#ifndef TAF_LLM_AGENTS_H
#define TAF_LLM_AGENTS_H

#include "tests/servers/llm/lines.h"
#include "tests/servers/llm/replay.h"
#include "tests/servers/llm/request.h"
#include "tests/servers/llm/switches.h"

enum part {
	PART_LEFT,
	PART_RIGHT,
	PART_CLOSING,
	PART_MANAGER,
	PART_SCENE,
	PART_FRAUD,
	PART_TYPE,
	PART_DIALOGUE,
	PART_COUNT
};
extern const char *const part_names[PART_COUNT];

struct answer {
	enum part part;
	bool json;
	struct str text, thinking; /* thinking: empty unless the part thinks by itself (annotations) or is asked to */
	uint32_t misbehaved;       /* bits of enum misbehaviour */
};

/** Whose part a prompt gives, of what kind, remembered by the prompt's hash. */
struct facts {
	uint64_t prompt;
	const struct kind *kind;
	bool left, terse, may_end, early, emotions, known;
	int awareness;
};
#define FACTS_SLOTS 8192
struct agents {
	const struct lines *lines;
	const struct replay *replay; /* NULL: none */
	struct facts *facts;         /* FACTS_SLOTS */
};

/** An answer by one of the agents. */
void agents_answer(
	const struct agents *g, const struct request *r, const struct llm_switches *s, struct arena *a, struct answer *ret);

/* --- Shared by the parts --- */
/** The kind that a text is about: a label that stands in it, else the kind with most of its words; `fraud`: 1 only these, 0 only everyday ones, -1 any. */
const struct kind *agents_kind(const struct lines *l, struct str text, int fraud, uint64_t key);
/** All that is not an assistant's, the last message first; at most 64 KiB. */
struct str agents_prompt(const struct request *r, struct arena *a);
bool misbehaves(const struct llm_switches *s, uint64_t key, enum misbehaviour m, struct answer *ret);

/* --- judges.c --- */
void judges_answer(
	const struct agents *g, const struct request *r, const struct llm_switches *s, struct arena *a, struct answer *ret);

#endif
