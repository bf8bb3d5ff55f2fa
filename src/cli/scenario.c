/* taf scenario: its commands have a file each. */
#include "cli/commands.h"

static const struct cli_command *const subs[] = {
	&command_scenario_new, &command_scenario_check, &command_scenario_preview, &command_scenario_list, NULL};

const struct cli_command command_scenario = {
	.name = "scenario",
	.help = "write, check, read and list scenarios, which synthetic calls are made from",
	.about = "docs/scenarios.md tells the format.",
	.example = "taf scenario new book-vet --label 预约服务",
	.subs = subs,
};
