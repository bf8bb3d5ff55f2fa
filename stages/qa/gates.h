/* Gates: limits on what signal_measures() tells of a call or a turn, in sets. */
#ifndef TAF_QA_GATES_H
#define TAF_QA_GATES_H

#include "stages/qa/findings.h"
#include "stages/qa/qa.h"
#include "stages/qa/signal.h"

#define GATE_CONDITIONS 3
#define GATES_MAX 9

/** Closed when all its conditions hold; the first is told. */
struct gate {
	const char *rule;
	struct condition {
		enum signal_measure measure;
		bool over; /* than the limit; else under */
		double limit;
	} conditions[GATE_CONDITIONS];
	int n;
};
/** Those of the preset, for the call or for a turn of `seconds`; their number. */
int gates_of(const struct qa_params *p, bool turn, double seconds, struct gate ret[GATES_MAX]);
/** A finding for each closed gate. `turn` < 0: the call. */
void gates_judge(const struct gate *gates, int n, const struct signal *s, int64_t turn, struct findings *f);

#endif
