/* Golden rows: the digest of what each stage makes of tests/golden, by stage type, version and libraries. Output that changes under an unchanged
 * version would give stored results another meaning, so it fails here. Intended? Raise `version` of that stage, then `make golden` adds a row. */
#include "base/alloc.h"
#include "base/fs.h"
#include "core/engine.h"
#include "io/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS "tests/golden/rows.tsv"

static char folder[256], work[300];

static struct config *load(void)
{
	struct config *config = NULL;
	struct problems problems = PROBLEMS_INIT;
	struct config_args args = {.file = "tests/golden/pipeline.yaml", .registry = &stages_all};
	if (config_load(&args, &config, &problems) < 0) {
		CLEANUP(buf_release) struct buf b = BUF_INIT;
		problems_print(&problems, &b);
		fail_msg("%s", b.data);
	}
	problems_release(&problems);
	return config;
}

static void run(struct config *config)
{
	const char *worker = getenv("TAF_WORKER");
	const char *command[] = {worker ? worker : "build/taf-worker", NULL};
	struct engine_args args = {.config = config, .work = work, .jobs = 2, .worker = command, .command = "golden"};
	struct err e = ERR_INIT;
	struct run_status st;
	fs_mkdirs(work, &e);
	int rc = engine_run(&args, &st, &e);
	run_status_free(&st);
	if (rc != EXIT_DONE)
		fail_msg("the golden pipeline ends with %d: %s", rc, e.text);
}

/* The results of a stage in id order; of a sink, what it packed. */
static void digest_stage(struct store *store, const struct stage *s, char hex[DIGEST_HEX + 1])
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	if (s->ops->kind == STAGE_SINK) {
		CLEANUP(buf_release) struct buf path = BUF_INIT;
		buf_printf(&path, "%s/%s/SHA256SUMS", work, s->ops->name);
		CLEANUP(buf_release) struct buf sums = BUF_INIT;
		assert_int_equal(fs_read(path.data, 1 << 20, &sums, &e), 0);
		struct str rest = buf_view(&sums), line;
		while (str_line(&rest, &line)) /* the cards and the statistics name the version of taf */
			if (!str_ends(line, ".md") && !str_ends(line, "stats.json"))
				buf_str(&text, line);
	} else {
		struct db_stmt *st;
		assert_int_equal(db_prepare(store_db(store),
							 "SELECT item.id,result.rejected,result.fields FROM memo JOIN item ON item.n=memo.item"
							 " JOIN result ON result.n=memo.result WHERE memo.stage=? ORDER BY item.id",
							 &st, &e),
			0);
		db_int(st, 1, store_find_stage(store, s->name));
		while (db_step(st, &e) > 0) {
			buf_str(&text, db_col_str(st, 0));
			buf_printf(&text, "\t%d\t", (int)db_col_int(st, 1));
			buf_str(&text, db_col_str(st, 2));
			buf_putc(&text, '\n');
		}
		db_finalize(st);
	}
	assert_true(text.len > 0);
	struct digest d;
	digest_of(text.data, text.len, &d);
	digest_hex(&d, hex);
}

static void row_text(struct buf *b, const struct stage *s)
{
	buf_printf(b, "%s\t%d\t%s\t", s->ops->name, s->ops->version, s->ops->libraries ? s->ops->libraries() : "-");
	if (s->provider && s->provider->ops->libraries)
		buf_printf(b, "%s", s->provider->ops->libraries());
	buf_putc(b, '\t');
}

/* 1: the row is there and the same; 0: there, and another; -1: no row of this version; -2: only of other libraries. */
static int compare(const struct buf *rows, const struct stage *s, const char *head, const char *hex)
{
	char version[128];
	snprintf(version, sizeof(version), "%s\t%d\t", s->ops->name, s->ops->version);
	struct str rest = buf_view(rows), line;
	int found = -1;
	while (str_line(&rest, &line)) {
		if (str_starts(line, head))
			return str_ends(line, hex);
		if (str_starts(line, version))
			found = -2;
	}
	return found;
}

static void stages_make_what_they_made(void **state)
{
	(void)state;
	struct config *config = load();
	struct store *store;
	struct err e = ERR_INIT;
	CLEANUP(buf_release) struct buf rows = BUF_INIT;
	CLEANUP(buf_release) struct buf fresh = BUF_INIT;
	fs_read(ROWS, 1 << 20, &rows, NULL);
	run(config);
	assert_int_equal(store_open(work, DB_READ, &store, &e), 0);
	int bad = 0;
	for (size_t i = 0; i < config->nstages; i++) {
		const struct stage *s = &config->stages[i].stage;
		char hex[DIGEST_HEX + 1];
		CLEANUP(buf_release) struct buf head = BUF_INIT;
		digest_stage(store, s, hex);
		row_text(&head, s);
		int same = compare(&rows, s, head.data, hex);
		if (same == -2)
			printf("skipped: %s: the golden rows are of other library versions than %s\n", s->ops->name, head.data);
		if (same == 0)
			printf("%s makes something else under the unchanged version %d: raise its version, then make golden\n",
				s->ops->name, s->ops->version);
		if (same == -1)
			printf("%s has no golden row for version %d: make golden adds it\n", s->ops->name, s->ops->version);
		if (same < 0)
			buf_printf(&fresh, "%s%s\n", head.data, hex);
		bad += same == 0 || same == -1;
	}
	store_close(store, false);
	config_free(config);
	if (getenv("TAF_GOLDEN_ADD") && fresh.len) {
		buf_str(&rows, buf_view(&fresh));
		assert_int_equal(fs_write_atomic(ROWS, rows.data, rows.len, 0644, &e), 0);
		return;
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	snprintf(folder, sizeof(folder), "%s/taf-golden-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(folder))
		return 1;
	snprintf(work, sizeof(work), "%s/work", folder);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stages_make_what_they_made),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	fs_remove_tree(folder, NULL);
	return rc;
}
