/* The switches of the LLM server: those of every server, what its model does, and how its agents misbehave. */
#ifndef TAF_LLM_SWITCHES_H
#define TAF_LLM_SWITCHES_H

#include "tests/servers/common/switches.h"

/* What the model does, decided by the request alone: the same request gets it again, another seed or model may not. */
#define ANSWERED_LIST(X) \
	X(REFUSE, "refuse", "the model refuses, in Chinese or English words") \
	X(FILTER, "filter", "finish_reason content_filter with an empty message") \
	X(FILTER_400, "filter-400", "400 with the code data_inspection_failed") \
	X(LONG, "long", "an answer of --long-bytes") \
	X(LENGTH, "length", "an answer cut in its middle, finish_reason length")
#define MISBEHAVE_LIST(X) \
	X(ENDCALL_ON_QUESTION, "endcall-on-question") \
	X(BLIND_CLOSING, "blind-closing") \
	X(FREE_TERMINATOR, "free-terminator") \
	X(PLACEHOLDER, "placeholder") \
	X(STAGE_DIRECTION, "stage-direction") \
	X(MARKUP, "markup") \
	X(LEAKED_TOKEN, "leaked-token") \
	X(ROLE_PREFIX, "role-prefix") \
	X(TWO_TURNS, "two-turns") \
	X(META, "meta") \
	X(ENGLISH, "english") \
	X(REPEAT, "repeat") \
	X(EMPTY, "empty") \
	X(NEVER_ENDS, "never-ends") \
	X(BAD_VERDICT, "bad-verdict") \
	X(WRONG_LABEL, "wrong-label") \
	X(LEAK, "leak") \
	X(WRONG_JSON, "wrong-json")

enum answered {
	ANSWERED_NONE,
#define X(name, option, help) ANSWERED_##name,
	ANSWERED_LIST(X)
#undef X
		ANSWERED_COUNT
};
enum misbehaviour {
#define X(name, option) MISBEHAVE_##name,
	MISBEHAVE_LIST(X)
#undef X
		MISBEHAVE_COUNT
};
extern const char *const misbehave_names[MISBEHAVE_COUNT];

struct llm_switches {
	struct switches base; /* first */
	int64_t long_bytes;
	double misbehave[MISBEHAVE_COUNT]; /* percent */
	bool think, reasoning, fence, no_response_format, no_json_mode;
};
extern const struct switch_set llm_switch_set;

#endif
