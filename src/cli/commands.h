/* All commands of taf, one file each. */
#ifndef TAF_CLI_COMMANDS_H
#define TAF_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct cli_command command_run, command_plan, command_status, command_show, command_why, command_try,
	command_retry, command_check, command_scenario, command_verify, command_diff, command_eval, command_answers,
	command_gc, command_help_;
/* Of the groups. */
extern const struct cli_command command_scenario_new, command_scenario_check, command_scenario_preview,
	command_scenario_list, command_eval_prepare, command_eval_metrics, command_answers_export, command_answers_import;
extern const struct cli_command *const commands_all[]; /* NULL-terminated, in the order of `taf help` */

const struct cli_command *command_find(struct str name);
/** "unknown command 'X'; did you mean …"; the exit status. */
int command_unknown(struct str name);
/** The list of commands, appended. */
void commands_overview(struct buf *b);

#endif
