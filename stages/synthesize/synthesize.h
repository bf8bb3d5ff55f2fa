/* The stage type `synthesize`. */
#ifndef TAF_STAGES_SYNTHESIZE_H
#define TAF_STAGES_SYNTHESIZE_H

#include "core/stage.h"

extern const struct stage_ops stage_synthesize;

#endif
