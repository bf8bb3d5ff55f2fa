/* The rules of qa (rules: annotations) over the three rounds of an annotation. */
#ifndef TAF_QA_ANNOTATION_RULES_H
#define TAF_QA_ANNOTATION_RULES_H

#include "stages/qa/findings.h"
#include "stages/qa/qa.h"

/** `call` holds annotations, label and turns. Findings go to `f`; ERR_PARSE for texts that are no UTF-8. */
int annotation_rules(const struct stage *s, const struct json *call, struct findings *f, struct err *e);

#endif
