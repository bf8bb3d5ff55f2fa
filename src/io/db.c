#include "io/db.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct db {
	sqlite3 *h;
	char *path;
};
struct db_stmt {
	sqlite3_stmt *h;
	struct db *db;
};

static int db_fail(struct db *db, int rc, struct err *e)
{
	int code = ERR_DB;
	int basic = rc & 0xff;
	int sys = db->h ? sqlite3_system_errno(db->h) : 0;
	if (basic == SQLITE_FULL || (basic == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT)))
		return err_set(e, ERR_NOSPACE, "%s: no space left on the disk", db->path);
	if (basic == SQLITE_BUSY || basic == SQLITE_LOCKED)
		code = ERR_LOCKED;
	const char *hint =
		basic == SQLITE_CORRUPT || basic == SQLITE_NOTADB
			? ": the file is damaged; move it away, the next run makes it anew (stored answers are in it)"
			: "";
	return err_set(e, code, "%s: %s%s", db->path, db->h ? sqlite3_errmsg(db->h) : sqlite3_errstr(rc), hint);
}

int db_open(const char *path, enum db_mode mode, struct db **ret, struct err *e)
{
	struct stat st;
	if (mode == DB_READ && stat(path, &st) < 0)
		return err_errno(e, "%s", path);
	struct db *db = xcalloc(1, sizeof(*db));
	db->path = xstrdup(path);
	/* 0600, and so are the -wal and -shm that SQLite makes after it. Not by umask: that is the whole process's. Only when it is not there:
	 * to open and close a database that this process has open would drop its locks. */
	int made = mode == DB_WRITE ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	if (made >= 0)
		close(made);
	/* Readers open read-write too: SQLite needs it to recover the write-ahead log of a run that was killed. */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == DB_WRITE ? SQLITE_OPEN_CREATE : 0);
	int rc = sqlite3_open_v2(path, &db->h, flags, NULL);
	if (rc == SQLITE_CANTOPEN && mode == DB_READ)
		rc = sqlite3_open_v2(path, &db->h, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(db->h, 1);
		sqlite3_busy_timeout(db->h, 10000);
		rc = sqlite3_exec(db->h,
			mode == DB_WRITE ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16384;"
							   "PRAGMA wal_autocheckpoint=16000; PRAGMA temp_store=MEMORY"
							 : "PRAGMA query_only=1; PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY",
			NULL, NULL, NULL);
	}
	if (rc != SQLITE_OK) {
		rc = db_fail(db, rc, e);
		db_close(db);
		return rc;
	}
	*ret = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	sqlite3_close_v2(db->h);
	free(db->path);
	free(db);
}

int db_exec(struct db *db, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_fail(db, rc, e);
}

int db_prepare(struct db *db, const char *sql, struct db_stmt **ret, struct err *e)
{
	sqlite3_stmt *h;
	int rc = sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &h, NULL);
	if (rc != SQLITE_OK)
		return db_fail(db, rc, e);
	struct db_stmt *st = xcalloc(1, sizeof(*st));
	st->h = h;
	st->db = db;
	*ret = st;
	return 0;
}

void db_finalize(struct db_stmt *st)
{
	if (!st)
		return;
	sqlite3_finalize(st->h);
	free(st);
}

void db_stmt_cleanup(struct db_stmt **st)
{
	db_finalize(*st);
}

void db_int(struct db_stmt *st, int at, int64_t v)
{
	sqlite3_bind_int64(st->h, at, v);
}

void db_text(struct db_stmt *st, int at, struct str s)
{
	sqlite3_bind_text(st->h, at, s.p ? s.p : "", (int)s.n, SQLITE_STATIC);
}

void db_blob(struct db_stmt *st, int at, const void *p, size_t n)
{
	sqlite3_bind_blob(st->h, at, p ? p : "", (int)n, SQLITE_STATIC);
}

void db_null(struct db_stmt *st, int at)
{
	sqlite3_bind_null(st->h, at);
}

int db_step(struct db_stmt *st, struct err *e)
{
	int rc = sqlite3_step(st->h);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : db_fail(st->db, rc, e);
}

void db_reset(struct db_stmt *st)
{
	sqlite3_reset(st->h);
}

int db_run(struct db_stmt *st, struct err *e)
{
	int rc;
	do
		rc = db_step(st, e);
	while (rc > 0);
	sqlite3_reset(st->h);
	return rc;
}

int64_t db_col_int(struct db_stmt *st, int col)
{
	return sqlite3_column_int64(st->h, col);
}

struct str db_col_str(struct db_stmt *st, int col)
{
	const void *p = sqlite3_column_blob(st->h, col);
	size_t n = (size_t)sqlite3_column_bytes(st->h, col);
	return (struct str){p ? p : "", n};
}

static bool column_null(struct db_stmt *st, int col)
{
	return sqlite3_column_type(st->h, col) == SQLITE_NULL;
}

int db_query_int(struct db *db, const char *sql, int64_t missing, int64_t *ret, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(db, sql, &st, e);
	if (rc == 0)
		rc = db_step(st, e);
	if (rc < 0)
		return rc;
	*ret = rc > 0 && !column_null(st, 0) ? db_col_int(st, 0) : missing;
	return 0;
}

int db_checkpoint(struct db *db, struct err *e)
{
	int rc = sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ? 0 : db_fail(db, rc, e);
}
