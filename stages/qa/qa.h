/* What qa's files share. */
#ifndef TAF_QA_QA_H
#define TAF_QA_QA_H

#include "core/call.h"
#include "core/phrases.h"
#include "core/stage.h"

enum qa_rules { QA_AUDIO, QA_ANNOTATIONS };
enum qa_action { QA_REJECT, QA_MARK };

struct qa_params {
	int rules, action;
	/* audio */
	int64_t duration_tolerance_ms, max_silence_percent, max_gap_ms, max_clipped_ppm, max_clipped_run, max_leakage_db;
	double turn_rate_min, turn_rate_max, side_rate_min, side_rate_max; /* syllables a second of speech */
	double loudness_min, loudness_max, peak_max;                       /* LUFS, dBTP */
	/* annotations */
	int64_t min_thinking, max_thinking, min_citations, han_percent;
	struct str labels_file, leaks_file;
};

/** rules: annotations. */
struct qa_state {
	struct labels labels;
	struct phrase_list leaks, markup; /* of leaks.yaml */
};

extern const struct stage_ops stage_qa;
extern const struct stage_sound qa_sound;

#endif
