/* All stage types of taf, in the order of a pipeline. A new stage adds a line here and in the list below it. */
#include "core/stage.h"

extern const struct stage_ops stage_import, stage_anonymize, stage_enhance, stage_synthesize, stage_screen, stage_speak,
	stage_normalize, stage_qa, stage_annotate, stage_dedupe, stage_bench, stage_release;

static const struct stage_ops *const types[] = {
	&stage_import,
	&stage_anonymize,
	&stage_enhance,
	&stage_synthesize,
	&stage_screen,
	&stage_speak,
	&stage_normalize,
	&stage_qa,
	&stage_annotate,
	&stage_dedupe,
	&stage_bench,
	&stage_release,
	NULL,
};
const struct stage_registry stages_all = {types};
