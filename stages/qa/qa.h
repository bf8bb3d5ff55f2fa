/* What qa's files share. */
#ifndef TAF_QA_QA_H
#define TAF_QA_QA_H

#include "core/call.h"
#include "core/phrases.h"
#include "core/stage.h"

enum qa_rules { QA_AUDIO, QA_ANNOTATIONS };
enum qa_action { QA_REJECT, QA_MARK };
enum qa_preset { QA_OWN, QA_TELEANTIFRAUD2 };

/** Limits that a call and its turns have each. */
struct qa_limits {
	int64_t max_silence_percent, max_clipped_ppm;
	double near_silence_max, zero_crossing_max, high_frequency_max; /* percent */
	double rms_min, rms_max, crest_min;                             /* dBFS, dB */
	double loudness_min, loudness_max;                              /* LUFS */
	double rate_min, rate_max; /* syllables a second of speech; of the call: of a side */
};

struct qa_params {
	int rules, action;
	/* audio */
	int preset;
	int64_t duration_tolerance_ms, max_gap_ms, max_clipped_run, max_leakage_db;
	int64_t max_overlap_percent, max_talk_over_ms, max_decoder_warnings;
	double peak_max; /* dBTP */
	struct qa_limits call, turn;
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
