/* The rules of qa (rules: audio) over a measured call. */
#ifndef TAF_QA_AUDIO_RULES_H
#define TAF_QA_AUDIO_RULES_H

#include "stages/qa/heard.h"
#include "stages/qa/qa.h"

/** `declared_ms` is audio.duration_ms. */
void audio_rules(const struct qa_params *p, const struct heard *h, int64_t declared_ms, struct findings *f);

#endif
