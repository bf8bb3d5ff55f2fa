#include "cli/options.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/say.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_BASE 256 /* getopt's value of option i is LONG_BASE + i */

static const struct cli_option help_option = {'h', "help", CLI_FLAG, 0, NULL, 0, 0, "this text"};

/* --- Help --- */

static void option_head(struct buf *b, const struct cli_option *o)
{
	if (o->letter)
		buf_printf(b, "  -%c, ", o->letter);
	else
		buf_puts(b, "      ");
	buf_printf(b, "--%s", o->name);
	if (o->value)
		buf_printf(b, " %s", o->value);
}

static void option_line(struct buf *b, const struct cli_option *o, size_t wide)
{
	size_t from = b->len;
	option_head(b, o);
	size_t width = utf8_width(str_n(b->data + from, b->len - from));
	buf_printf(b, "%*s  %s%s\n", (int)(wide - width), "", o->help, o->type == CLI_LIST ? " (may be repeated)" : "");
}

static const char *sub_word(const struct cli_command *sub)
{
	const char *space = strrchr(sub->name, ' ');
	return space ? space + 1 : sub->name;
}

static void group_help(struct buf *b, const struct cli_command *c)
{
	buf_printf(b, "taf %s COMMAND\n\n%s\n", c->name, c->help);
	if (c->about)
		buf_printf(b, "%s\n", c->about);
	buf_puts(b, "\ncommands:\n");
	for (size_t i = 0; c->subs[i]; i++)
		buf_printf(b, "  %-8s %s\n", sub_word(c->subs[i]), c->subs[i]->help);
	buf_printf(b, "\n`taf %s COMMAND --help` tells the options of one.\n\nexample:\n  %s\n", c->name, c->example);
}

void command_help(struct buf *b, const struct cli_command *c)
{
	if (c->subs) {
		group_help(b, c);
		return;
	}
	CLEANUP(buf_release) struct buf head = BUF_INIT;
	size_t wide = 0;
	for (size_t i = 0; i <= c->noptions; i++) {
		buf_clear(&head);
		option_head(&head, i < c->noptions ? &c->options[i] : &help_option);
		size_t width = utf8_width(buf_view(&head));
		if (width > wide)
			wide = width;
	}
	buf_printf(b, "taf %s %s\n\n%s\n", c->name, c->usage, c->help);
	if (c->about)
		buf_printf(b, "%s\n", c->about);
	buf_puts(b, "\noptions:\n");
	for (size_t i = 0; i < c->noptions; i++)
		option_line(b, &c->options[i], wide);
	option_line(b, &help_option, wide);
	buf_printf(b, "\nexample:\n  %s\n", c->example);
}

/* --- Values --- */

static bool take_number(const struct cli_option *o, const char *text, void *at)
{
	double real;
	int64_t whole;
	bool is_int = o->type == CLI_INT;
	if (is_int ? !str_int(str_of(text), &whole) : !str_real(str_of(text), &real) || !isfinite(real)) {
		say_error("--%s: expected %s, got '%s'", o->name, is_int ? "a whole number" : "a number", text);
		return false;
	}
	double v = is_int ? (double)whole : real;
	if (v < o->min || v > o->max) {
		say_error("--%s: %s is out of range (%.15g to %.15g)", o->name, text, o->min, o->max);
		return false;
	}
	if (is_int)
		*(int64_t *)at = whole;
	else
		*(double *)at = real;
	return true;
}

static bool take_value(const struct cli_option *o, const char *text, void *opts)
{
	void *at = (char *)opts + o->offset;
	struct cli_list *list;
	switch (o->type) {
	case CLI_FLAG:
		*(bool *)at = true;
		return true;
	case CLI_TEXT:
		if (!text[0]) {
			say_error("--%s: expected %s, got nothing", o->name, o->value);
			return false;
		}
		*(const char **)at = text;
		return true;
	case CLI_LIST:
		list = at;
		if (list->n == CLI_LIST_MAX) {
			say_error("--%s: given more than %d times", o->name, CLI_LIST_MAX);
			return false;
		}
		list->v[list->n++] = text;
		return true;
	case CLI_TIME:
		if (clock_span(str_of(text), (int64_t *)at) && *(int64_t *)at > 0)
			return true;
		say_error("--%s: expected a time as 90, 90s, 15m or 2h, got '%s'", o->name, text);
		return false;
	case CLI_INT:
	case CLI_REAL:
		return take_number(o, text, at);
	}
	return false;
}

/* --- Parsing --- */

struct tables {
	struct option *longs;
	char *shorts;
};

static void tables_release(struct tables *t)
{
	free(t->longs);
	free(t->shorts);
}

static void tables_make(struct tables *t, const struct cli_command *c)
{
	CLEANUP(buf_release) struct buf shorts = BUF_INIT;
	t->longs = xcalloc(c->noptions + 2, sizeof(*t->longs));
	buf_puts(&shorts, ":h"); /* ':': a missing value is told apart */
	for (size_t i = 0; i < c->noptions; i++) {
		const struct cli_option *o = &c->options[i];
		t->longs[i] = (struct option){o->name, o->value ? required_argument : no_argument, NULL, LONG_BASE + (int)i};
		if (o->letter)
			buf_printf(&shorts, "%c%s", o->letter, o->value ? ":" : "");
	}
	t->longs[c->noptions] = (struct option){"help", no_argument, NULL, 'h'};
	t->shorts = buf_take(&shorts);
}

static const struct cli_option *option_of(const struct cli_command *c, int value)
{
	if (value >= LONG_BASE && (size_t)(value - LONG_BASE) < c->noptions)
		return &c->options[value - LONG_BASE];
	for (size_t i = 0; i < c->noptions; i++)
		if (value && c->options[i].letter == value)
			return &c->options[i];
	return NULL;
}

static int unknown_option(const struct cli_command *c, const char *word, int letter)
{
	const struct cli_option *known = option_of(c, letter);
	if (known) { /* getopt names the option by its value when it takes none */
		say_error("--%s takes no value; see: taf %s --help", known->name, c->name);
		return CLI_BAD_USAGE;
	}
	struct str names[CLI_LIST_MAX];
	char dashed[CLI_LIST_MAX][40];
	size_t n = 0;
	for (size_t i = 0; i < c->noptions && n < CLI_LIST_MAX - 1; i++, n++) {
		snprintf(dashed[n], sizeof(dashed[n]), "--%s", c->options[i].name);
		names[n] = str_of(dashed[n]);
	}
	names[n++] = STR("--help");
	if (strncmp(word, "--", 2) == 0) {
		struct str got = str_of(word);
		ptrdiff_t value = str_find(got, STR("="));
		if (value >= 0)
			got.n = (size_t)value;
		say_unknown("unknown option", got, names, n);
	} else {
		say_error("unknown option '-%c'; see: taf %s --help", letter, c->name);
	}
	return CLI_BAD_USAGE;
}

/* -1: go on; else the exit status. */
static int parse(const struct cli_command *c, int argc, char **argv, void *opts)
{
	CLEANUP(tables_release) struct tables t = {NULL, NULL};
	tables_make(&t, c);
	opterr = 0;
	optind = 0; /* glibc: begin anew, whatever an earlier parse left behind */
	for (;;) {
		int at = optind ? optind : 1, got = getopt_long(argc, argv, t.shorts, t.longs, NULL);
		if (got < 0)
			return -1;
		const struct cli_option *o = got == '?' || got == ':' ? NULL : option_of(c, got);
		if (o) {
			if (!take_value(o, optarg, opts))
				return CLI_BAD_USAGE;
		} else if (got == 'h') {
			CLEANUP(buf_release) struct buf b = BUF_INIT;
			command_help(&b, c);
			say_out(&b);
			return CLI_DONE;
		} else if (got == ':') {
			o = option_of(c, optopt);
			say_error("--%s needs a value: --%s %s", o ? o->name : "", o ? o->name : "", o ? o->value : "");
			return CLI_BAD_USAGE;
		} else {
			const char *word = optind > at || !optopt ? argv[optind - 1] : argv[at];
			return unknown_option(c, word, optopt);
		}
	}
}

const struct cli_command *command_sub(const struct cli_command *c, struct str word)
{
	for (size_t i = 0; c->subs && c->subs[i]; i++)
		if (str_is(word, sub_word(c->subs[i])))
			return c->subs[i];
	return NULL;
}

static int group_main(const struct cli_command *c, int argc, char **argv)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct str names[CLI_LIST_MAX];
	size_t n = 0;
	for (; c->subs[n]; n++)
		names[n] = str_of(sub_word(c->subs[n]));
	if (argc < 2) {
		buf_printf(&b, "%s: say which:", c->name);
		for (size_t i = 0; i < n; i++)
			buf_printf(&b, "%s taf %s %s", i ? "," : "", c->name, names[i].p);
		say_error("%s; see: taf %s --help", b.data, c->name);
		return CLI_BAD_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		command_help(&b, c);
		say_out(&b);
		return CLI_DONE;
	}
	const struct cli_command *sub = command_sub(c, str_of(argv[1]));
	if (sub)
		return command_main(sub, argc - 1, argv + 1);
	buf_printf(&b, "%s: unknown command", c->name);
	say_unknown(b.data, str_of(argv[1]), names, n);
	return CLI_BAD_USAGE;
}

int command_main(const struct cli_command *c, int argc, char **argv)
{
	if (c->subs)
		return group_main(c, argc, argv);
	CLEANUP(free_ptr) void *opts = xcalloc(1, c->size + 1);
	int status = parse(c, argc, argv, opts);
	if (status >= 0)
		return status;
	struct cli_given given = {opts, argv + optind, argc - optind};
	if (given.nargs < c->min_args || given.nargs > c->max_args) {
		if (given.nargs > c->max_args)
			say_error("%s: '%s' is one argument too many; usage: taf %s %s", c->name, given.args[c->max_args], c->name,
				c->usage);
		else
			say_error("%s: an argument is missing; usage: taf %s %s", c->name, c->name, c->usage);
		return CLI_BAD_USAGE;
	}
	return c->run(&given);
}
