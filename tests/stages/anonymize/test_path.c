/* anonymize in a pipeline: what comes behind it sees surrogates only; the key comes from a literal, a variable or a file, and only its fingerprint
 * is kept. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/call.h"
#include "core/engine.h"
#include "tests/stages/import/stagekit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "a-key-that-nobody-may-see-4711"
#define NUMBER "13920174463"

extern const struct stage_ops stage_import, stage_anonymize;

/* --- see: a sink that writes down what it reads --- */

static void see_fields(const void *params, struct stage_fields *ret)
{
	(void)params;
	fields_read(ret, "turns", 0);
	fields_read(ret, "profile", FIELD_OPTIONAL);
	fields_read(ret, "termination", FIELD_OPTIONAL);
	fields_read(ret, "privacy", FIELD_OPTIONAL);
}

static int see(struct stage *s, struct gather *g, const char *folder, struct err *e)
{
	(void)s;
	CLEANUP(buf_release) struct buf b = BUF_INIT, path = BUF_INIT;
	struct str id;
	const struct json *call;
	while (gather_next(g, &id, &call, e)) {
		json_write(&b, call);
		buf_putc(&b, '\n');
	}
	fs_join(&path, folder, "seen.jsonl");
	return fs_write_atomic(path.data, b.data, b.len, 0644, e);
}

static const struct stage_ops stage_see = {.name = "see",
	.help = "Writes what it reads.",
	.version = 1,
	.kind = STAGE_SINK,
	.exec = EXEC_CPU,
	.fields = see_fields,
	.sink = see};
static const struct stage_ops *const types[] = {&stage_import, &stage_anonymize, &stage_see, NULL};
static const struct stage_registry registry = {types};

/* --- A folder with a pipeline --- */

static struct arena memory;
static const char *folder;
static struct run_status status;
static struct err error;

static const char *in(const char *name)
{
	return arena_printf(&memory, "%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
	kit_write(folder, name, text, strlen(text));
}

static const char *content(const char *path)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	if (fs_read(path, (size_t)64 << 20, &b, &e) < 0)
		fail_msg("%s", e.text);
	return arena_dup(&memory, b.data, b.len);
}

static void pipeline(const char *needs, const char *with)
{
	put("p.yaml", arena_printf(&memory,
					  "version: 1\nname: t\nstages:\n"
					  "  - {name: calls, uses: import, with: {inputs: [calls.jsonl], label: 银行诈骗}}\n"
					  "  - {name: hidden, uses: anonymize, needs: [calls], with: %s}\n"
					  "  - {name: see, uses: see, needs: [%s]}\n",
					  with, needs));
}

static struct config *load(struct problems *problems)
{
	struct config *c = NULL;
	struct config_args args = {.file = in("p.yaml"), .registry = &registry};
	config_load(&args, &c, problems);
	return c;
}

/* Exit status; `status` and `error` tell more. */
static int run(void)
{
	struct problems problems = PROBLEMS_INIT;
	struct config *c = load(&problems);
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	run_status_free(&status);
	status = (struct run_status){0};
	error = (struct err)ERR_INIT;
	problems_print(&problems, &b);
	if (!c) {
		err_set(&error, ERR_CONFIG, "%s", b.data);
		problems_release(&problems);
		return EXIT_BAD_CONFIG;
	}
	struct engine_args args = {.config = c, .work = in("work"), .jobs = 2, .command = "run"};
	struct err e = ERR_INIT;
	fs_mkdirs(args.work, &e);
	int rc = engine_run(&args, &status, &error);
	/* stage names live in the configuration */
	config_free(c);
	problems_release(&problems);
	return rc;
}

static int64_t computed(size_t stage)
{
	return status.stages[stage].c.computed;
}

static void begin(void)
{
	folder = kit_folder(&memory);
	put("calls.jsonl",
		"{\"tts_id\":\"1\",\"left\":[\"您的电话是" NUMBER "吗\",\"好的\"],\"right\":[\"是，幺三九二零幺七四四六三\"],"
		"\"user_age\":30,\"user_awareness\":\"低\",\"fraud_type\":\"银行诈骗\",\"occupation\":\"教师，" NUMBER "\","
		"\"termination_reason\":\"留下" NUMBER "\",\"terminator\":\"left\"}\n");
}

static void end(void)
{
	run_status_free(&status);
	status = (struct run_status){0};
	kit_remove_folder(folder);
	arena_release(&memory);
}

static void absent(const char *path, const char *what)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	if (fs_read(path, (size_t)64 << 20, &b, &e) == 0 && str_find(buf_view(&b), str_of(what)) >= 0)
		fail_msg("%s stands in %s", what, path);
}

static void later_stages_see_surrogates(void **state)
{
	(void)state;
	begin();
	pipeline("hidden", "{key: public-demo}");
	assert_int_equal(run(), EXIT_DONE);
	const char *seen = content(in("work/see/seen.jsonl"));
	assert_null(strstr(seen, "4463"));
	assert_null(strstr(seen, "四四六三"));
	assert_non_null(strstr(seen, "您的电话是1"));
	assert_non_null(strstr(seen, "教师，1"));
	assert_non_null(strstr(seen, "\"kind\":\"mobile\""));
	end();
}

static void private_calls_do_not_pass(void **state)
{
	(void)state;
	begin();
	pipeline("calls, hidden", "{key: public-demo}");
	assert_int_equal(run(), EXIT_BAD_CONFIG);
	assert_non_null(strstr(error.text, "private calls reach the sink see by calls -> see"));
	assert_non_null(strstr(error.text, "anonymize"));
	end();
}

/* One key is one key, wherever it stands; a changed one works again; nothing of it is kept. */
static void keys_and_their_places(void **state)
{
	(void)state;
	begin();
	setenv("TAF_TEST_KEY", "  " SECRET "\n", 1);
	put("a.key", SECRET "\n");
	pipeline("hidden", "{key_env: TAF_TEST_KEY}");
	assert_int_equal(run(), EXIT_DONE);
	assert_int_equal(computed(1), 1);
	const char *first = content(in("work/see/seen.jsonl"));
	pipeline("hidden", "{key_file: a.key}");
	assert_int_equal(run(), EXIT_DONE);
	assert_int_equal(computed(1), 0);
	rename(in("a.key"), in("b.key"));
	pipeline("hidden", "{key_file: b.key}");
	assert_int_equal(run(), EXIT_DONE);
	assert_int_equal(computed(1), 0);
	pipeline("hidden", "{key: " SECRET "}");
	assert_int_equal(run(), EXIT_DONE);
	assert_int_equal(computed(1), 0);
	assert_string_equal(content(in("work/see/seen.jsonl")), first);
	put("b.key", SECRET "2\n");
	pipeline("hidden", "{key_file: b.key}");
	assert_int_equal(run(), EXIT_DONE);
	assert_int_equal(computed(1), 1);
	assert_string_not_equal(content(in("work/see/seen.jsonl")), first);
	/* the same file, another key in it: noticed too */
	put("b.key", SECRET "3\n");
	assert_int_equal(run(), EXIT_DONE);
	assert_int_equal(computed(1), 1);
	absent(in("work/taf.db"), "nobody-may-see");
	absent(in("work/taf.db-wal"), "nobody-may-see");
	absent(in("work/see/seen.jsonl"), "nobody-may-see");
	unsetenv("TAF_TEST_KEY");
	end();
}

static void assert_refused(const char *with, const char *says)
{
	pipeline("hidden", with);
	assert_int_equal(run(), EXIT_BAD_CONFIG);
	if (!strstr(error.text, says))
		fail_msg("%s: %s", with, error.text);
	assert_null(strstr(error.text, SECRET));
	assert_null(strstr(error.text, "tiny"));
}

static void keys_that_are_refused(void **state)
{
	(void)state;
	begin();
	unsetenv("TAF_TEST_KEY");
	assert_refused("{key_env: TAF_TEST_KEY}", "TAF_TEST_KEY, which holds the privacy key, is not set");
	assert_non_null(strstr(error.text, "p.yaml:5:"));
	assert_non_null(strstr(error.text, "hidden"));
	setenv("TAF_TEST_KEY", "", 1);
	assert_refused("{key_env: TAF_TEST_KEY}", "is empty");
	setenv("TAF_TEST_KEY", "tiny", 1);
	assert_refused("{key_env: TAF_TEST_KEY}", "shorter than 8 bytes");
	assert_refused("{key_file: nowhere.key}", "nowhere.key");
	assert_refused("{key: " SECRET ", key_env: TAF_TEST_KEY}", "only one");
	assert_refused("{key: tiny}", "at least 8 bytes");
	assert_refused("{key: " SECRET ", kee: 1}", "unknown option");
	fs_mkdirs(in("work"), &error);
	put("work/a.key", SECRET);
	assert_refused("{key_file: work/a.key}", "lies in the work folder");
	assert_int_equal(symlink(in("work/a.key"), in("link.key")), 0);
	assert_refused("{key_file: link.key}", "lies in the work folder");
	put("big.key", arena_printf(&memory, "%05000d", 1));
	assert_refused("{key_file: big.key}", "cannot be read");
	unsetenv("TAF_TEST_KEY");
	end();
}

/* The digest of the pipeline is published: it says nothing of a literal key. Results can be looked at without a key. */
static void a_pipeline_without_its_key(void **state)
{
	(void)state;
	struct problems problems = PROBLEMS_INIT;
	begin();
	pipeline("hidden", "{key: " SECRET "}");
	struct config *a = load(&problems);
	pipeline("hidden", "{key: public-demo}");
	struct config *b = load(&problems);
	assert_string_equal(a->digest, b->digest);
	pipeline("hidden", "{key_file: not-there.key}");
	struct config *c = load(&problems);
	assert_non_null(c);
	config_free(a);
	config_free(b);
	config_free(c);
	problems_release(&problems);
	end();
}

int main(void)
{
	char cwd[4096];
	if (getcwd(cwd, sizeof(cwd)))
		setenv("TAF_DATA", cwd, 0);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_stages_see_surrogates),
		cmocka_unit_test(private_calls_do_not_pass),
		cmocka_unit_test(keys_and_their_places),
		cmocka_unit_test(keys_that_are_refused),
		cmocka_unit_test(a_pipeline_without_its_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
