/* taf help: of a command, of a stage type, or the whole reference page. */
#include "base/alloc.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "core/config.h"

#include <stddef.h>

#define NAMES_MAX 128

struct help_options {
	bool markdown;
};

static const struct cli_option options[] = {
	{0, "markdown", CLI_FLAG, offsetof(struct help_options, markdown), NULL, 0, 0,
		"print the reference of all stage types as Markdown (docs/stages.md)"},
};

static void reference(struct buf *b)
{
	buf_puts(b, "# Stages\n\nMade by `make docs` from the option tables; edit those, not this page.\n\n"
				"A keyed option shapes the output: changing it makes the stage work again on the calls it touches.\n"
				"Options that are not keyed (counts, limits, paths) only decide which calls there are. A path that "
				"begins with `@/` lies in taf's\n"
				"own data folder. Per-file input is keyed by the calls that use it.\n");
	for (size_t i = 0; stages_all.types[i]; i++) {
		buf_putc(b, '\n');
		config_help_stage(b, stages_all.types[i], true);
	}
	buf_puts(b, "\n# Providers\n");
	for (size_t i = 0; providers_all[i]; i++) {
		const struct provider_ops *p = providers_all[i];
		buf_printf(b, "\n## %s\n\n%s\n\n- serves: %s\n- version: %d\n", p->kind, p->help,
			p->serves == PROVIDER_TTS ? "speech" : "text", p->version);
		if (p->noptions) {
			buf_putc(b, '\n');
			options_help(b, p->options, p->noptions, true);
		} else {
			buf_puts(b, "\nIt has no options.\n");
		}
	}
}

static void help_provider(struct buf *b, const struct provider_ops *p)
{
	buf_printf(b, "provider kind %s: %s\n\nserves: %s\nversion: %d\n", p->kind, p->help,
		p->serves == PROVIDER_TTS ? "speech" : "text", p->version);
	buf_puts(b, p->noptions ? "\noptions:\n" : "\nno options\n");
	options_help(b, p->options, p->noptions, false);
}

static int unknown(struct str name)
{
	struct str names[NAMES_MAX];
	size_t n = 0;
	for (size_t i = 0; stages_all.types[i] && n < NAMES_MAX; i++)
		names[n++] = str_of(stages_all.types[i]->name);
	for (size_t i = 0; commands_all[i] && n < NAMES_MAX; i++)
		names[n++] = str_of(commands_all[i]->name);
	for (size_t i = 0; providers_all[i] && n < NAMES_MAX; i++)
		names[n++] = str_of(providers_all[i]->kind);
	say_unknown("no stage type, command or provider kind", name, names, n);
	return CLI_BAD_USAGE;
}

static int help(const struct cli_given *given)
{
	const struct help_options *o = given->opts;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct str name = str_of(given->nargs ? given->args[0] : NULL);
	const struct stage_ops *stage = name.n ? config_stage_type(&stages_all, name) : NULL;
	const struct cli_command *command = name.n ? command_find(name) : NULL;
	if (given->nargs > 1) { /* "scenario new" */
		const struct cli_command *sub = command ? command_sub(command, str_of(given->args[1])) : NULL;
		if (!sub) {
			say_error("no command '%s %s'; see: taf help", given->args[0], given->args[1]);
			return CLI_BAD_USAGE;
		}
		command_help(&b, sub);
		say_out(&b);
		return CLI_DONE;
	}
	if (o->markdown) {
		reference(&b);
	} else if (!name.n) {
		commands_overview(&b);
		buf_puts(&b, "\nstage types:\n");
		for (size_t i = 0; stages_all.types[i]; i++)
			buf_printf(&b, "  %-12s %s\n", stages_all.types[i]->name, stages_all.types[i]->help);
		buf_puts(&b, "\nprovider kinds:\n");
		for (size_t i = 0; providers_all[i]; i++)
			buf_printf(&b, "  %-12s %s\n", providers_all[i]->kind, providers_all[i]->help);
	} else if (stage) {
		config_help_stage(&b, stage, false);
	} else if (command) {
		command_help(&b, command);
	} else if (provider_find(name)) {
		help_provider(&b, provider_find(name));
	} else {
		return unknown(name);
	}
	say_out(&b);
	return CLI_DONE;
}

const struct cli_command command_help_ = {
	.name = "help",
	.usage = "[STAGE|COMMAND|PROVIDER] [--markdown]",
	.help = "tell what a stage type, a command or a provider kind does, with all its options",
	.example = "taf help screen",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct help_options),
	.max_args = 2,
	.run = help,
};
