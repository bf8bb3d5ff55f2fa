#include "cli/commands.h"

#include "cli/say.h"

#include <stddef.h>

const struct cli_command *const commands_all[] = {
	&command_run,
	&command_plan,
	&command_status,
	&command_show,
	&command_why,
	&command_try,
	&command_retry,
	&command_check,
	&command_scenario,
	&command_verify,
	&command_diff,
	&command_eval,
	&command_answers,
	&command_gc,
	&command_help_,
	NULL,
};
#define COMMANDS (sizeof(commands_all) / sizeof(commands_all[0]) - 1)

const struct cli_command *command_find(struct str name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (str_is(name, commands_all[i]->name))
			return commands_all[i];
	return NULL;
}

int command_unknown(struct str name)
{
	struct str names[COMMANDS + 1];
	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = str_of(commands_all[i]->name);
	names[COMMANDS] = STR("version");
	say_unknown("unknown command", name, names, COMMANDS + 1);
	return CLI_BAD_USAGE;
}

void commands_overview(struct buf *b)
{
	buf_puts(b, "taf builds audio-text call datasets from one YAML file.\n\ncommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		buf_printf(b, "  %-8s %s\n", commands_all[i]->name, commands_all[i]->help);
	buf_puts(b, "  version  the version of this program\n\n"
				"`taf COMMAND --help` tells a command's options, `taf help STAGE` those of a stage type.\n"
				"To begin: taf plan, then taf run.\n");
}
