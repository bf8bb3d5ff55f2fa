/* The rules of qa (rules: audio) over a measured call. */
#ifndef TAF_QA_AUDIO_RULES_H
#define TAF_QA_AUDIO_RULES_H

#include "stages/qa/heard.h"
#include "stages/qa/qa.h"

/** What is told of the sound by others. */
struct told {
	int64_t duration_ms; /* audio.duration_ms */
	int64_t warnings;    /* of the decoder */
};
int audio_rules(
	const struct qa_params *p, const struct heard *h, const struct told *told, struct findings *f, struct err *e);

#endif
