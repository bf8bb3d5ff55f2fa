#include "cli/options.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct toy_options {
	bool loud;
	const char *file;
	struct cli_list sets;
	int64_t limit, time;
	double cost;
};

static struct toy_options seen;
static int seen_args, runs;
static char first_arg[64];

static int run_toy(const struct cli_given *given)
{
	seen = *(const struct toy_options *)given->opts;
	seen_args = given->nargs;
	runs++;
	snprintf(first_arg, sizeof(first_arg), "%s", given->nargs ? given->args[0] : "");
	return 77;
}

#define AT(field) offsetof(struct toy_options, field)
static const struct cli_option toy_table[] = {
	{'l', "loud", CLI_FLAG, AT(loud), NULL, 0, 0, "say it loud"},
	{'f', "file", CLI_TEXT, AT(file), "FILE", 0, 0, "a file"},
	{0, "set", CLI_LIST, AT(sets), "K=V", 0, 0, "a value"},
	{0, "limit", CLI_INT, AT(limit), "N", 1, 100, "how many"},
	{0, "cost", CLI_REAL, AT(cost), "X", 0, 10, "how much"},
	{0, "max-time", CLI_TIME, AT(time), "T", 0, 0, "how long"},
};
static const struct cli_command toy = {.name = "toy",
	.usage = "[ID] [options]",
	.help = "a toy",
	.example = "taf toy",
	.options = toy_table,
	.noptions = COUNT_OF(toy_table),
	.size = sizeof(struct toy_options),
	.max_args = 1,
	.run = run_toy};

/* Run with these words, NULL-terminated. */
static int call(const char *const *words)
{
	char *argv[16];
	int argc = 0;
	argv[argc++] = xstrdup("toy");
	while (*words)
		argv[argc++] = xstrdup(*words++);
	argv[argc] = NULL;
	char *owned[16];
	memcpy(owned, argv, sizeof(owned)); /* getopt moves them about */
	int status = command_main(&toy, argc, argv);
	for (int i = 0; i < argc; i++)
		free_ptr(&owned[i]);
	return status;
}
#define CALL(...) call((const char *const[]){__VA_ARGS__, NULL})

static void test_values(void **state)
{
	(void)state;
	runs = 0;
	assert_int_equal(
		CALL("-l", "--set", "a=1", "x/1", "--limit=7", "--set=b", "--cost", "2.5", "--max-time", "1h30m"), 77);
	assert_true(seen.loud);
	assert_int_equal(seen.sets.n, 2);
	assert_int_equal(seen.limit, 7);
	assert_true(seen.cost == 2.5);
	assert_int_equal(seen.time, 5400);
	assert_int_equal(seen_args, 1);
	assert_string_equal(first_arg, "x/1");
	assert_int_equal(CALL("--", "-l"), 77);
	assert_false(seen.loud);
	assert_string_equal(first_arg, "-l");
	assert_int_equal(runs, 2);
}

static void test_bad_usage(void **state)
{
	(void)state;
	runs = 0;
	assert_int_equal(CALL("--liimt", "3"), CLI_BAD_USAGE);
	assert_int_equal(CALL("-x"), CLI_BAD_USAGE);
	assert_int_equal(CALL("--limit"), CLI_BAD_USAGE);
	assert_int_equal(CALL("--limit", "0"), CLI_BAD_USAGE);
	assert_int_equal(CALL("--limit", "101"), CLI_BAD_USAGE);
	assert_int_equal(CALL("--limit", "7x"), CLI_BAD_USAGE);
	assert_int_equal(CALL("--cost", "nan"), CLI_BAD_USAGE);
	assert_int_equal(CALL("--max-time", "soon"), CLI_BAD_USAGE);
	assert_int_equal(CALL("--loud=yes"), CLI_BAD_USAGE);
	assert_int_equal(CALL("--file="), CLI_BAD_USAGE);
	assert_int_equal(CALL("a", "b"), CLI_BAD_USAGE);
	assert_int_equal(runs, 0);
}

static void test_help(void **state)
{
	(void)state;
	runs = 0;
	assert_int_equal(CALL("--help"), CLI_DONE);
	assert_int_equal(CALL("-h"), CLI_DONE);
	assert_int_equal(runs, 0);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	command_help(&b, &toy);
	for (size_t i = 0; i < toy.noptions; i++) {
		assert_non_null(strstr(b.data, toy_table[i].name));
		assert_non_null(strstr(b.data, toy_table[i].help));
	}
	assert_non_null(strstr(b.data, "may be repeated"));
	assert_non_null(strstr(b.data, "example:"));
}

static const struct cli_command sub = {.name = "group toy",
	.usage = "[ID] [options]",
	.help = "a toy in a group",
	.example = "taf group toy",
	.options = toy_table,
	.noptions = COUNT_OF(toy_table),
	.size = sizeof(struct toy_options),
	.max_args = 1,
	.run = run_toy};
static const struct cli_command *const subs[] = {&sub, NULL};
static const struct cli_command group = {
	.name = "group", .help = "a group", .about = "of toys", .example = "taf group toy", .subs = subs};

static int call_group(const char *first, const char *second)
{
	char *argv[] = {xstrdup("group"), first ? xstrdup(first) : NULL, second ? xstrdup(second) : NULL, NULL};
	int rc = command_main(&group, first ? second ? 3 : 2 : 1, argv);
	for (size_t i = 0; i < 3; i++)
		free_ptr(&argv[i]);
	return rc;
}

static void test_groups(void **state)
{
	(void)state;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	runs = 0;
	assert_int_equal(call_group("toy", "here"), 77);
	assert_string_equal(first_arg, "here");
	assert_int_equal(call_group("toy", "--nothing"), CLI_BAD_USAGE);
	assert_int_equal(call_group("tow", NULL), CLI_BAD_USAGE);
	assert_int_equal(call_group(NULL, NULL), CLI_BAD_USAGE);
	assert_int_equal(call_group("--help", NULL), CLI_DONE);
	assert_int_equal(runs, 1);
	assert_ptr_equal(command_sub(&group, STR("toy")), &sub);
	assert_null(command_sub(&group, STR("group toy")));
	assert_null(command_sub(&toy, STR("toy")));
	command_help(&b, &group);
	assert_non_null(strstr(b.data, "  toy      a toy in a group"));
	buf_clear(&b);
	command_help(&b, &sub);
	assert_non_null(strstr(b.data, "taf group toy [ID]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad_usage),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_groups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
