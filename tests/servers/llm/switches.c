#include "tests/servers/llm/switches.h"

#include "base/alloc.h"

#define X(name, option) [MISBEHAVE_##name] = (option),
const char *const misbehave_names[MISBEHAVE_COUNT] = {MISBEHAVE_LIST(X)};
#undef X
#define X(name, option, help) [ANSWERED_##name] = {option, help},
static const struct switch_answered answered[ANSWERED_COUNT] = {ANSWERED_LIST(X)};
#undef X

#define AT(member) offsetof(struct llm_switches, member)
static const struct switch_entry own[] = {
	{"tpm", "N", "tokens a minute; more get 429", SWITCH_WHOLE, AT(base.amount_pm), 0, 1e12},
	{"reserve", NULL, "max_tokens count when a request is let in, and are corrected after", SWITCH_FLAG,
		AT(base.reserve), 0, 0},
	{"long-bytes", "N", "size of an over-long answer (65536)", SWITCH_WHOLE, AT(long_bytes), 1, 64 << 20},
	{"no-response-format", NULL, "400 when a json_schema is asked for", SWITCH_FLAG, AT(no_response_format), 0, 0},
	{"no-json-mode", NULL, "400 when any JSON response_format is asked for", SWITCH_FLAG, AT(no_json_mode), 0, 0},
	{"think", NULL, "answers begin with <think>…</think>", SWITCH_FLAG, AT(think), 0, 0},
	{"reasoning", NULL, "the thinking goes into reasoning_content", SWITCH_FLAG, AT(reasoning), 0, 0},
	{"fence", NULL, "JSON stands in a ```json fence with prose around", SWITCH_FLAG, AT(fence), 0, 0},
	{"misbehave", "NAME=P[,NAME=P…]", "agents do it in P percent of their answers; names below", SWITCH_SHARES,
		AT(misbehave), 0, 0},
};
static const struct llm_switches plain = {.base = SWITCHES_PLAIN, .long_bytes = 65536};

const struct switch_set llm_switch_set = {.size = sizeof(struct llm_switches),
	.own = own,
	.nown = COUNT_OF(own),
	.answered = answered,
	.nanswered = ANSWERED_COUNT,
	.shares = misbehave_names,
	.nshares = MISBEHAVE_COUNT,
	.plain = &plain};
