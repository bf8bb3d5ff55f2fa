/* taf eval: numbers for a benchmark. */
#include "cli/commands.h"

static const struct cli_command *const subs[] = {&command_eval_prepare, &command_eval_metrics, NULL};

const struct cli_command command_eval = {
	.name = "eval",
	.help = "questions of a benchmark for a model, and the numbers of its answers",
	.about = "prepare writes the questions without the answers; ask a model, then metrics reads what it said.",
	.example = "taf eval prepare work/release -o questions",
	.subs = subs,
};
