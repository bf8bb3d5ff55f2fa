/* Command lines: one table of options a command drives parsing, did-you-mean and `--help`.
 * Values are written into a struct of the command's own at `offset`; texts point into argv. One thread (getopt has state of its own). */
#ifndef TAF_CLI_OPTIONS_H
#define TAF_CLI_OPTIONS_H

#include "base/buf.h"
#include "base/err.h"

/* Exit statuses as in core/engine.h, which cannot stand beside getopt.h: both have a struct option. */
enum cli_status { CLI_DONE = 0, CLI_BAD_USAGE = 2 };

#define CLI_LIST_MAX 64 /* times that a repeatable option may be given */

enum cli_type {
	CLI_FLAG, /* bool */
	CLI_TEXT, /* const char * */
	CLI_LIST, /* struct cli_list: may be repeated */
	CLI_INT,  /* int64_t, min…max */
	CLI_REAL, /* double, min…max */
	CLI_TIME  /* int64_t, seconds: 90, 90s, 15m, 2h, 1h30m */
};

struct cli_list {
	const char *v[CLI_LIST_MAX];
	size_t n;
};

struct cli_option {
	char letter;      /* 0: none */
	const char *name; /* without the dashes */
	enum cli_type type;
	size_t offset;
	const char *value; /* what its value is called in --help; NULL for flags */
	double min, max;   /* numbers */
	const char *help;  /* one line */
};

/** What was given: `opts` is the command's struct, filled; `args` what is left over. */
struct cli_given {
	const void *opts;
	char *const *args;
	int nargs;
};

struct cli_command {
	const char *name;  /* one word; of a subcommand both: "scenario new" */
	const char *usage; /* arguments after the name, as in "ID [STAGE] [options]" */
	const char *help;  /* one line */
	const char *about; /* more lines; may be NULL */
	const char *example;
	const struct cli_option *options;
	size_t noptions;
	size_t size; /* of the struct that options are written into */
	int min_args, max_args;
	int (*run)(const struct cli_given *given); /* returns the exit status */
	/** "taf scenario new": the commands that its first argument chooses, NULL-terminated. It then has no options, `run` and `usage` of its own. */
	const struct cli_command *const *subs;
};

/** Parse argv[1…] (argv[0] is the command's name) and run the command. Prints help and errors itself; returns the exit status. */
int command_main(const struct cli_command *command, int argc, char **argv);
/** What `--help` prints, appended. */
void command_help(struct buf *b, const struct cli_command *command);
/** The subcommand of this word, or NULL. */
const struct cli_command *command_sub(const struct cli_command *command, struct str word);

#endif
