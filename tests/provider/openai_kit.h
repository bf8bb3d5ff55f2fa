/* A provider of kind openai made from YAML, for tests of it. */
#ifndef TAF_TESTS_OPENAI_KIT_H
#define TAF_TESTS_OPENAI_KIT_H

#include "provider/openai.h"

struct openai_kit {
	struct arena arena;
	struct openai_params params;
	struct provider p;
};
/** `with`: the options as a YAML map. Fails the test when they are wrong. */
void openai_kit_open(struct openai_kit *k, const char *with);
void openai_kit_close(struct openai_kit *k);
/** Parse JSON into the kit's arena; fails the test when it is none. */
struct json *openai_kit_json(struct openai_kit *k, const char *text);

#endif
