/* Keys: that a data file which is changed after the run began is noticed. */
#include "core/key.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct params {
	struct str rules;
	struct option_list lists;
	struct str rows;
};
static const struct option options[] = {
	{.name = "rules", .type = OPT_FILE, .offset = offsetof(struct params, rules), .flags = OPTION_SHAPES | OPTION_YAML},
	{.name = "lists", .type = OPT_FILES, .offset = offsetof(struct params, lists), .flags = OPTION_SHAPES},
	{.name = "rows", .type = OPT_FILE, .offset = offsetof(struct params, rows), .flags = OPTION_PER_ITEM},
};
static const struct stage_ops ops = {.name = "kept", .version = 1, .options = options, .noptions = COUNT_OF(options)};

static char folder[100];

static const char *path_of(const char *name)
{
	static char paths[4][140];
	static size_t next;
	char *path = paths[next++ % COUNT_OF(paths)];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	struct err e = ERR_INIT;
	assert_int_equal(fs_write_atomic(path_of(name), text, strlen(text), 0600, &e), 0);
}

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%.70s/taf-key.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	return fs_remove_tree(folder, &e);
}

static void test_files_hold(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text;
		int rc;
	} edits[] = {
		{"rules.yaml", "max: 3\nword: 你好\n", 0},
		{"rules.yaml", "# a comment, and CRLF\r\nmax:   3\r\nword: 你好\r\n", 0}, /* parsed, it is the same */
		{"rules.yaml", "max: 4\nword: 你好\n", ERR_REFUSED}, {"rules.yaml", "max: 3\nword: 你好\n", 0},
		{"b.txt", "two, too\n", ERR_REFUSED}, {"b.txt", "two\n", 0},
		{"rows.csv", "id\nx\n", 0}, /* keyed by the items that use it */
	};
	write_file("rules.yaml", edits[0].text);
	write_file("a.txt", "one\n");
	write_file("b.txt", "two\n");
	write_file("rows.csv", "id\n");
	char rules[140], a[140], b[140], rows[140];
	snprintf(rules, sizeof rules, "%s", path_of("rules.yaml"));
	snprintf(a, sizeof a, "%s", path_of("a.txt"));
	snprintf(b, sizeof b, "%s", path_of("b.txt"));
	snprintf(rows, sizeof rows, "%s", path_of("rows.csv"));
	struct str lists[] = {str_of(a), str_of(b)};
	struct params p = {.rules = str_of(rules), .lists = {lists, 2}, .rows = str_of(rows)};
	const struct config_stage cs = {.stage = {.ops = &ops, .name = "s", .params = &p}};
	CLEANUP(buf_release) struct buf parts = BUF_INIT;
	struct files *files = files_new(NULL, false);
	struct digest d;
	struct err e = ERR_INIT;
	assert_int_equal(key_fingerprint(&cs, 7, files, &parts, &d, &e), 0);
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		e = (struct err)ERR_INIT;
		write_file(edits[i].name, edits[i].text);
		int rc = key_files_hold(&cs.stage, buf_view(&parts), &e);
		if (rc != edits[i].rc)
			print_message("edit %zu: %s\n", i, e.text);
		assert_int_equal(rc, edits[i].rc);
		if (rc)
			assert_non_null(strstr(e.text, "changed after the run began"));
	}
	e = (struct err)ERR_INIT;
	assert_int_equal(fs_remove(a, &e), 0);
	assert_true(key_files_hold(&cs.stage, buf_view(&parts), &e) < 0);
	files_free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_files_hold)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
