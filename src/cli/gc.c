/* taf gc: drops what the last runs did not use: results, then objects that nothing names any more. */
#include "base/alloc.h"
#include "base/fs.h"
#include "cli/commands.h"
#include "cli/folder.h"
#include "cli/say.h"
#include "core/engine.h"
#include "core/objects.h"

#include <stdio.h>
#include <string.h>

#define RUNS_KEPT 5

struct gc_options {
	struct where where;
	bool dry_run, answers, json;
};

#define AT(field) offsetof(struct gc_options, field)
static const struct cli_option options[] = {
	WORK_OPTIONS(struct gc_options),
	{0, "dry-run", CLI_FLAG, AT(dry_run), NULL, 0, 0, "only tell what would go"},
	{0, "answers", CLI_FLAG, AT(answers), NULL, 0, 0,
		"also drop provider answers that nothing which stays was made of: they were paid for"},
	{0, "json", CLI_FLAG, AT(json), NULL, 0, 0, "print JSON"},
};

struct gc {
	struct db *db;
	const char *objects;
	const struct config *config; /* NULL when the pipeline cannot be loaded */
	bool dry_run, answers;
	int64_t runs, from; /* complete runs that count, and the number of the first of them */
	int64_t results, kept_results, objects_dropped, object_bytes, orphans, orphan_bytes;
	int64_t answers_dropped, tokens_in, tokens_out, cost; /* what was asked and paid for them; millionths */
	int64_t characters;                                   /* of tokens_in: of sounds, by their texts */
};

/* Tables of this connection only: which stages, results and answers stay. */
static const char tables[] = "CREATE TEMP TABLE keep_stage(n INTEGER PRIMARY KEY);"
							 "CREATE TEMP TABLE keep_key(head BLOB);"
							 "CREATE TEMP TABLE keep_result(n INTEGER PRIMARY KEY);"
							 "CREATE TEMP TABLE drop_object(digest BLOB PRIMARY KEY, size INTEGER);";

/* What a call has now, at the stages that it reached. A call that left or ended has its results in `retired`, by the run that used them last. */
static const char mark_results[] =
	"INSERT OR IGNORE INTO keep_result SELECT result FROM memo WHERE result>0 AND outcome IN (1,2)" /* passed, rejected */
	" AND stage IN (SELECT n FROM keep_stage);"
	"INSERT OR IGNORE INTO keep_result SELECT result FROM retired WHERE run>=(SELECT n FROM keep_from);"
	"INSERT OR IGNORE INTO keep_result SELECT n FROM result WHERE run>=(SELECT n FROM keep_from);"
	"INSERT OR IGNORE INTO keep_result SELECT r.n FROM result r WHERE r.key IN (SELECT head FROM keep_key);";

_Static_assert(OUTCOME_PASSED == 1 && OUTCOME_REJECTED == 2, "numbers in SQL");

/* Numbers of dropped rows may be given to new ones, so no memo may name them: -1 is a result that was dropped. */
static const char drop_results[] =
	"DELETE FROM result WHERE n NOT IN (SELECT n FROM keep_result);"
	"DELETE FROM result_key WHERE n NOT IN (SELECT n FROM keep_result);"
	"DELETE FROM result_object WHERE result NOT IN (SELECT n FROM keep_result);"
	"DELETE FROM result_answer WHERE result NOT IN (SELECT n FROM keep_result);"
	"DELETE FROM retired WHERE result NOT IN (SELECT n FROM keep_result);"
	"DELETE FROM memo WHERE stage NOT IN (SELECT n FROM keep_stage);"
	"UPDATE memo SET result=0 WHERE result>0 AND result NOT IN (SELECT n FROM keep_result);"
	"UPDATE memo SET was_result=-1 WHERE was_result>0 AND was_result NOT IN"
	" (SELECT n FROM keep_result);"
	"UPDATE stage SET state='' WHERE n NOT IN (SELECT n FROM keep_stage);"
	"DELETE FROM failure WHERE stage NOT IN (SELECT n FROM keep_stage);"
	"DELETE FROM retried WHERE stage NOT IN (SELECT n FROM keep_stage);";

/* An answer stays when a result that stays was made of it (of results and answers of format 1, its sound tells), when it was given in one of the runs since
 * `from`, and when its call failed there: the next run would use it. What it cost stays counted in `spent`. */
static const char mark_answers[] =
	"CREATE TEMP TABLE drop_answer AS SELECT request,draw,object,tokens_in,tokens_out,cost FROM answer a"
	" WHERE run<(SELECT n FROM keep_from)"
	" AND (request,draw) NOT IN (SELECT request,draw FROM result_answer)"
	" AND (object IS NULL OR object NOT IN (SELECT object FROM result_object))"
	" AND NOT EXISTS (SELECT 1 FROM memo m WHERE m.stage=a.stage AND m.item=a.item AND m.outcome IN (3,4));";

_Static_assert(OUTCOME_QUARANTINED == 3 && OUTCOME_FAILED == 4, "numbers in SQL");

static const char drop_answers_sql[] =
	"DELETE FROM answer WHERE (request,draw) IN (SELECT request,draw FROM drop_answer);";

static const char mark_objects[] =
	"INSERT INTO drop_object SELECT digest,size FROM object WHERE digest NOT IN"
	" (SELECT object FROM result_object WHERE result IN (SELECT n FROM keep_result)) AND digest NOT IN"
	" (SELECT object FROM answer WHERE object IS NOT NULL);";

static int count(struct gc *g, const char *sql, int64_t *ret, struct err *e)
{
	return db_query_int(g->db, sql, 0, ret, e);
}

/* --- What stays --- */

static int keep_stages_of(struct gc *g, struct str stats, struct err *e)
{
	CLEANUP(arena_release) struct arena a = ARENA_INIT;
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	struct json *run;
	int rc = json_parse(&a, stats, &run, e);
	if (rc == 0)
		rc = db_prepare(g->db, "INSERT OR IGNORE INTO keep_stage SELECT n FROM stage WHERE name=?", &st, e);
	if (rc < 0)
		return rc;
	JSON_EACH(stage, json_get(run, "stages")) {
		db_text(st, 1, json_get_str(stage, "name"));
		rc = db_run(st, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Stages of the pipeline as it is stay too: the last runs may have gone only --until some stage. */
static int keep_pipeline(struct gc *g, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(g->db, "INSERT OR IGNORE INTO keep_stage SELECT n FROM stage WHERE name=?", &st, e);
	for (size_t i = 0; rc == 0 && g->config && i < g->config->nstages; i++) {
		db_text(st, 1, str_of(g->config->stages[i].stage.name));
		rc = db_run(st, e);
	}
	return rc;
}

/* The last complete runs, and the stages they had. */
static int keep_runs(struct gc *g, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	int rc = db_prepare(g->db, "SELECT n,stats FROM run WHERE state='done' ORDER BY n DESC LIMIT ?", &st, e);
	if (rc < 0)
		return rc;
	db_int(st, 1, RUNS_KEPT);
	while ((rc = db_step(st, e)) > 0) {
		g->from = db_col_int(st, 0);
		g->runs++;
		rc = keep_stages_of(g, db_col_str(st, 1), e);
		if (rc < 0)
			return rc;
	}
	if (rc == 0 && g->runs == 0)
		return err_set(e, ERR_NOTFOUND, "no run was completed in this work folder yet, so nothing can be called unused");
	buf_printf(&sql, "CREATE TEMP TABLE keep_from AS SELECT %lld AS n", (long long)g->from);
	return rc < 0 ? rc : db_exec(g->db, sql.data, e);
}

/* Reduce and sink stages name their last result by key, in what the store keeps of them. */
static int keep_keys(struct gc *g, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	CLEANUP(db_stmt_cleanup) struct db_stmt *put = NULL;
	int rc = db_prepare(g->db, "SELECT state FROM stage WHERE state<>'' AND n IN (SELECT n FROM keep_stage)", &st, e);
	if (rc == 0)
		rc = db_prepare(g->db, "INSERT INTO keep_key VALUES(?)", &put, e);
	while (rc >= 0 && (rc = db_step(st, e)) > 0) {
		CLEANUP(arena_release) struct arena a = ARENA_INIT;
		struct json *state;
		struct digest key;
		rc = json_parse(&a, db_col_str(st, 0), &state, e);
		if (rc == 0 && digest_parse(json_get_str(state, "key"), &key)) {
			db_blob(put, 1, key.b, DIGEST_SIZE);
			rc = db_run(put, e);
		}
	}
	return rc;
}

static int mark(struct gc *g, struct err *e)
{
	int rc = db_exec(g->db, tables, e);
	if (rc == 0)
		rc = keep_runs(g, e);
	if (rc == 0)
		rc = keep_pipeline(g, e);
	if (rc == 0)
		rc = keep_keys(g, e);
	if (rc == 0)
		rc = db_exec(g->db, mark_results, e);
	if (rc == 0)
		rc = count(g, "SELECT count(*) FROM result WHERE n NOT IN (SELECT n FROM keep_result)", &g->results, e);
	if (rc == 0)
		rc = count(g, "SELECT count(*) FROM result WHERE n IN (SELECT n FROM keep_result)", &g->kept_results, e);
	return rc;
}

/* --- What goes --- */

static int drop_answers(struct gc *g, struct err *e)
{
	int rc = db_exec(g->db, mark_answers, e);
	if (rc == 0)
		rc = count(g, "SELECT count(*) FROM drop_answer", &g->answers_dropped, e);
	if (rc == 0)
		rc = count(g, "SELECT sum(tokens_in) FROM drop_answer", &g->tokens_in, e);
	if (rc == 0)
		rc = count(g, "SELECT sum(tokens_in) FROM drop_answer WHERE object IS NOT NULL", &g->characters, e);
	if (rc == 0)
		rc = count(g, "SELECT sum(tokens_out) FROM drop_answer", &g->tokens_out, e);
	if (rc == 0)
		rc = count(g, "SELECT sum(cost) FROM drop_answer", &g->cost, e);
	return rc < 0 ? rc : db_exec(g->db, drop_answers_sql, e);
}

/* All in one transaction; a dry run takes it back. */
static int sweep_rows(struct gc *g, struct err *e)
{
	int rc = db_exec(g->db, drop_results, e);
	if (rc == 0 && g->answers)
		rc = drop_answers(g, e);
	if (rc == 0)
		rc = db_exec(g->db, mark_objects, e);
	if (rc == 0)
		rc = count(g, "SELECT count(*) FROM drop_object", &g->objects_dropped, e);
	if (rc == 0)
		rc = count(g, "SELECT sum(size) FROM drop_object", &g->object_bytes, e);
	if (rc == 0)
		rc = db_exec(g->db, "DELETE FROM object WHERE digest IN (SELECT digest FROM drop_object)", e);
	return rc;
}

static bool digest_of_name(int folder, const char *name, struct digest *ret)
{
	char hex[DIGEST_HEX + 1];
	if (strlen(name) != DIGEST_HEX - 2)
		return false;
	snprintf(hex, sizeof(hex), "%02x%s", (unsigned)folder, name);
	return digest_parse(str_of(hex), ret);
}

/* Files that no row names: of dropped rows, and of runs that were killed. Rows still count as there in a dry run. */
static int sweep_folder(struct gc *g, int folder, struct db_stmt *find, struct err *e)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	struct fs_names names = {NULL, 0};
	buf_printf(&path, "%s/%02x", g->objects, (unsigned)folder);
	int rc = fs_list(path.data, &names, e);
	if (rc == ERR_NOTFOUND) {
		err_clear(e);
		return 0;
	}
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		struct digest d;
		if (!digest_of_name(folder, names.v[i], &d))
			continue;
		db_blob(find, 1, d.b, DIGEST_SIZE);
		rc = db_step(find, e);
		db_reset(find);
		if (rc != 0) {
			rc = rc < 0 ? rc : 0;
			continue;
		}
		g->orphans++;
		int64_t size = objects_size(g->objects, &d);
		g->orphan_bytes += size > 0 ? size : 0;
		if (!g->dry_run)
			rc = objects_remove(g->objects, &d, e);
	}
	fs_names_free(&names);
	return rc;
}

static int sweep_files(struct gc *g, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *find = NULL;
	int rc = db_prepare(g->db, "SELECT 1 FROM object WHERE digest=?", &find, e);
	for (int folder = 0; rc == 0 && folder < OBJECT_FOLDERS; folder++)
		rc = sweep_folder(g, folder, find, e);
	return rc;
}

/* Rows go first: a kill between leaves files without rows, which the next gc finds. */
static int sweep(struct gc *g, struct err *e)
{
	int rc = db_exec(g->db, "BEGIN IMMEDIATE", e);
	if (rc < 0)
		return rc;
	rc = mark(g, e);
	if (rc == 0)
		rc = sweep_rows(g, e);
	if (rc == 0 && g->dry_run)
		rc = sweep_files(g, e);
	if (rc < 0 || g->dry_run) {
		db_exec(g->db, "ROLLBACK", NULL);
		return rc;
	}
	rc = db_exec(g->db, "COMMIT", e);
	if (rc == 0)
		rc = sweep_files(g, e);
	if (rc == 0 && g->results + g->answers_dropped > 0)
		db_exec(g->db, "VACUUM", NULL); /* gives the space back; not possible on a full disk, and no harm then */
	return rc;
}

static void report(const struct gc *g, bool json)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	/* Files without a row include those whose rows go now. */
	int64_t orphans = g->orphans - g->objects_dropped, orphan_bytes = g->orphan_bytes - g->object_bytes;
	if (orphans < 0)
		orphans = orphan_bytes = 0;
	if (json) {
		buf_printf(&b,
			"{\"answer_cost\":%.6f,\"answer_tokens_in\":%lld,\"answer_tokens_out\":%lld,\"answers\":%lld,\"bytes\":%"
			"lld,\"dry_run\":%s,\"kept_results\":%lld,\"objects\":%lld,\"orphans\":%lld,\"results\":%lld,\"runs\":%lld}"
			"\n",
			(double)g->cost / 1e6, (long long)g->tokens_in, (long long)g->tokens_out, (long long)g->answers_dropped,
			(long long)g->orphan_bytes, g->dry_run ? "true" : "false", (long long)g->kept_results,
			(long long)g->objects_dropped, (long long)orphans, (long long)g->results, (long long)g->runs);
		say_out(&b);
		return;
	}
	buf_puts(&b, g->dry_run ? "would drop " : "dropped ");
	put_many(&b, g->results, "result");
	buf_puts(&b, " that the last ");
	put_many(&b, g->runs, "complete run");
	buf_puts(&b, " did not use (");
	put_count(&b, g->kept_results);
	buf_puts(&b, " stay)\n  objects: ");
	put_count(&b, g->objects_dropped);
	buf_puts(&b, ", ");
	put_bytes(&b, g->object_bytes);
	buf_puts(&b, "\n  left over from killed runs: ");
	put_count(&b, orphans);
	buf_puts(&b, ", ");
	put_bytes(&b, orphan_bytes);
	if (g->answers) {
		buf_puts(&b, "\n  provider answers: ");
		put_count(&b, g->answers_dropped);
		if (g->tokens_in + g->tokens_out > 0) {
			int64_t tokens_in = g->tokens_in - g->characters;
			buf_puts(&b, ", which took ");
			if (tokens_in + g->tokens_out > 0)
				put_taken(&b, false, tokens_in, g->tokens_out);
			if (g->characters) {
				buf_puts(&b, tokens_in + g->tokens_out > 0 ? ", of speech " : "");
				put_taken(&b, true, g->characters, 0);
			}
			buf_printf(&b, " and cost %.4f%s", (double)g->cost / 1e6, g->dry_run ? "" : " (still counted as spent)");
		}
	}
	buf_putc(&b, '\n');
	say_out(&b);
}

static int gc(const struct cli_given *given)
{
	const struct gc_options *o = given->opts;
	CLEANUP(buf_release) struct buf work = BUF_INIT;
	CLEANUP(buf_release) struct buf objects = BUF_INIT;
	CLEANUP(fs_close) int lock = -1;
	CLEANUP(store_cleanup) struct store *store = NULL;
	struct err e = ERR_INIT;
	where_work(&o->where, &work);
	fs_join(&objects, work.data, "objects");
	int rc = folder_open_locked(work.data, &lock, &store, &e);
	if (rc < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	CLEANUP(config_cleanup) struct config *config = where_config_quiet(&o->where);
	struct gc g = {
		.config = config, .db = store_db(store), .objects = objects.data, .dry_run = o->dry_run, .answers = o->answers};
	rc = sweep(&g, &e);
	if (rc < 0) {
		say_error("%s", e.text);
		return EXIT_ERROR;
	}
	report(&g, o->json);
	return EXIT_DONE;
}

const struct cli_command command_gc = {
	.name = "gc",
	.usage = "[options]",
	.help = "drop results and sounds that the last 5 complete runs did not use",
	.about = "What is dropped is made again when it is needed; provider answers stay unless --answers is given, since "
			 "what was\n"
			 "paid for is then paid for again. --dry-run --answers tells how much that would be.",
	.example = "taf gc --dry-run",
	.options = options,
	.noptions = COUNT_OF(options),
	.size = sizeof(struct gc_options),
	.run = gc,
};
