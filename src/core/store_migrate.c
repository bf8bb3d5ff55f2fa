#include "core/store_parts.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/deflate.h"

/* From format to format. 1 → 2: answers know who asked, which step, and what they cost; their requests are packed; results name their answers, and what
 * was spent is summed by run. What format 1 did not know stays unknown: its answers cost nothing (it asked no paid provider). 2 → 3: the table `retried`. */

static int move_answers(struct db *db, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *from = NULL;
	CLEANUP(db_stmt_cleanup) struct db_stmt *to = NULL;
	CLEANUP(buf_release) struct buf sent = BUF_INIT;
	int rc =
		db_prepare(db, "SELECT request,draw,run,model,tokens_in,tokens_out,object,answer,sent FROM answer_1", &from, e);
	if (rc == 0)
		rc = db_prepare(db, "INSERT INTO answer VALUES(?,?,?,0,0,0,'',?,?,?,0,0,?,?,?)", &to, e);
	while (rc >= 0 && (rc = db_step(from, e)) > 0) {
		struct str request = db_col_str(from, 0), object = db_col_str(from, 6);
		buf_clear(&sent);
		deflate_pack(&sent, db_col_str(from, 8));
		db_blob(to, 1, request.p, request.n);
		db_int(to, 2, db_col_int(from, 1));
		db_int(to, 3, db_col_int(from, 2));
		db_text(to, 4, db_col_str(from, 3));
		db_int(to, 5, db_col_int(from, 4));
		db_int(to, 6, db_col_int(from, 5));
		if (object.n)
			db_blob(to, 7, object.p, object.n);
		else
			db_null(to, 7);
		db_text(to, 8, db_col_str(from, 7));
		db_blob(to, 9, sent.data, sent.len);
		rc = db_run(to, e);
	}
	return rc;
}

static int to_2(struct db *db, struct err *e)
{
	int rc = db_exec(db, "DROP INDEX answer_object; ALTER TABLE answer RENAME TO answer_1", e);
	if (rc == 0)
		rc = db_exec(db, store_answer_tables, e);
	if (rc == 0)
		rc = move_answers(db, e);
	return rc < 0 ? rc : db_exec(db, "DROP TABLE answer_1", e);
}

int store_migrate(struct db *db, const char *path, int from, struct err *e)
{
	if (from < 1)
		return err_set(e, ERR_DB, "%s has the format %d, which no taf wrote", path, from);
	log_info(NULL, "%s: from format %d to %d", path, from, STORE_VERSION);
	int rc = db_exec(db, "BEGIN IMMEDIATE", e);
	if (rc == 0 && from == 1)
		rc = to_2(db, e);
	if (rc == 0)
		rc = db_exec(db, store_retried_table, e);
	if (rc == 0)
		rc = db_exec(db, "COMMIT", e);
	if (rc < 0) {
		db_exec(db, "ROLLBACK", NULL);
		return err_context(e, "bringing taf.db from format %d to %d", from, STORE_VERSION);
	}
	return 0;
}
