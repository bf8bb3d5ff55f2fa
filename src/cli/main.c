/* taf: the command line. Nothing heavy is done before the command is known: --help and version answer in a few milliseconds. */
#include "base/alloc.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "core/engine.h"

#include <stdio.h>
#include <string.h>

#ifndef TAF_VERSION
#error "TAF_VERSION comes from the Makefile"
#endif

_Static_assert((int)CLI_DONE == (int)EXIT_DONE && (int)CLI_BAD_USAGE == (int)EXIT_BAD_CONFIG, "exit statuses agree");

static int overview(int status)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	commands_overview(&b);
	if (status == EXIT_DONE)
		say_out(&b);
	else
		fputs(b.data, stderr);
	return status;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return overview(EXIT_BAD_CONFIG);
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return overview(EXIT_DONE);
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
		puts("taf " TAF_VERSION);
		return EXIT_DONE;
	}
	const struct cli_command *command = command_find(str_of(name));
	if (!command)
		return command_unknown(str_of(name));
	int status = command_main(command, argc - 1, argv + 1);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		say_error("standard output could not be written");
		return status == EXIT_DONE ? EXIT_ERROR : status;
	}
	return status;
}
