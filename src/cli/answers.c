/* taf answers: its commands have a file each. */
#include "cli/commands.h"

static const struct cli_command *const subs[] = {&command_answers_export, &command_answers_import, NULL};

const struct cli_command command_answers = {
	.name = "answers",
	.help = "hand the stored answers of providers to a colleague, or take them over",
	.about = "A run that asks the same finds them stored: it asks, waits and pays for nothing of it.",
	.example = "taf answers export answers.zip",
	.subs = subs,
};
