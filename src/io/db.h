/* SQLite. The only file that includes it is db.c.
 * A handle is for one thread at a time. Errors name the database and what SQLite said; a full disk is ERR_NOSPACE, a locked database ERR_LOCKED. */
#ifndef TAF_IO_DB_H
#define TAF_IO_DB_H

#include "base/buf.h"
#include "base/err.h"

struct db;
struct db_stmt;

enum db_mode { DB_READ, DB_WRITE };

/** Open; DB_WRITE makes the file (mode 0600), WAL, synchronous=FULL. A missing file under DB_READ is ERR_NOTFOUND. */
int db_open(const char *path, enum db_mode mode, struct db **ret, struct err *e);
void db_close(struct db *db); /* takes NULL */
/** One or more statements without results. */
int db_exec(struct db *db, const char *sql, struct err *e);
int db_prepare(struct db *db, const char *sql, struct db_stmt **ret, struct err *e);
void db_finalize(struct db_stmt *st); /* takes NULL */
void db_stmt_cleanup(struct db_stmt **st);
/** Parameters count from 1. Text and blobs are not copied: they must live until db_reset. */
void db_int(struct db_stmt *st, int at, int64_t v);
void db_text(struct db_stmt *st, int at, struct str s);
void db_blob(struct db_stmt *st, int at, const void *p, size_t n);
void db_null(struct db_stmt *st, int at);
/** 1: a row; 0: done; negative: error. */
int db_step(struct db_stmt *st, struct err *e);
/** Step to the end and reset, for statements without results. */
int db_run(struct db_stmt *st, struct err *e);
void db_reset(struct db_stmt *st);
/** Columns count from 0; slices hold until the next step or reset. */
int64_t db_col_int(struct db_stmt *st, int col);
struct str db_col_str(struct db_stmt *st, int col);
/** One integer of a query without parameters; `missing` when there is no row. */
int db_query_int(struct db *db, const char *sql, int64_t missing, int64_t *ret, struct err *e);
/** Fold the write-ahead log into the file. */
int db_checkpoint(struct db *db, struct err *e);

#endif
