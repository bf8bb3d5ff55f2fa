/* The stages whose work touches sound: linked into taf-worker only. */
#include "core/stage.h"

extern const struct stage_sound speak_sound, normalize_sound, qa_sound;

const struct stage_sound *const stages_sound[] = {&speak_sound, &normalize_sound, &qa_sound, NULL};
