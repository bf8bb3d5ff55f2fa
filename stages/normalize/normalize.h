/* What normalize's two halves share. */
#ifndef TAF_NORMALIZE_NORMALIZE_H
#define TAF_NORMALIZE_NORMALIZE_H

#include "core/stage.h"

struct normalize_params {
	int64_t sample_rate, bitrate;
	double loudness, peak; /* LUFS and dBTP of the decoded file */
	int64_t pause_min_ms, pause_max_ms, lead_ms, tail_ms;
	double trim_db;
};

extern const struct stage_ops stage_normalize;
extern const struct stage_sound normalize_sound;

#endif
