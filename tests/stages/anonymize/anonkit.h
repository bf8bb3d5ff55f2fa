/* Finding and replacing in a few turns, without the engine. For tests; one thread. */
#ifndef TAF_TESTS_ANONKIT_H
#define TAF_TESTS_ANONKIT_H

#include "stages/anonymize/anonymize.h"

struct anonkit {
	struct arena rules_memory, memory;
	struct anon_rules rules;
	struct anon_call call;
	char **out; /* texts with surrogates */
};

void anonkit_open(struct anonkit *k);
void anonkit_close(struct anonkit *k);
/** Work on turns: "l:…", "r:…" (left when not said), under a key. What was there before is gone. */
void anonkit_turns(struct anonkit *k, const char *key, const char *const *turns, size_t n);
/** One turn; its new text. */
const char *anonkit_text(struct anonkit *k, const char *text);
/** "kind:original|kind:original" of turn `i`, in the kit's memory. */
const char *anonkit_found(struct anonkit *k, size_t i);
/** Fails the test unless all that is outside of the spans of turn `i` stayed, byte for byte. */
void anonkit_check_outside(struct anonkit *k, size_t i);

#endif
