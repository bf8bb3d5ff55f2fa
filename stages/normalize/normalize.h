/* What normalize's two halves share. */
#ifndef TAF_NORMALIZE_NORMALIZE_H
#define TAF_NORMALIZE_NORMALIZE_H

#include "core/stage.h"

enum side { SIDE_LEFT, SIDE_RIGHT, SIDES };
enum layout { LAYOUT_STEREO, LAYOUT_MONO };
enum line { LINE_NONE, LINE_A_LAW, LINE_MU_LAW }; /* what a side is heard through */

struct normalize_params {
	int format; /* enum av_kind */
	int layout;
	int64_t sample_rate, bitrate;
	double loudness, peak; /* LUFS and dBTP of the decoded file */
	int64_t pause_min_ms, pause_max_ms, elderly_percent, lead_ms, tail_ms;
	double trim_db;
	int64_t trim_before_ms, trim_after_ms;
	int telephone[SIDES];
	double line_noise_db, comfort_noise_db; /* below the voice; 0: none */
};

extern const struct stage_ops stage_normalize;
extern const struct stage_sound normalize_sound;

#endif
