#include "core/store_parts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *reason_name(enum reason r)
{
	static const char *const names[REASONS] = {"", "new-call", "input-changed", "parameter-changed", "file-changed",
		"version-changed", "provider-changed", "failed-before"};
	return names[r];
}

const char *outcome_name(enum outcome o)
{
	static const char *const names[] = {
		"unsettled", "passed", "rejected", "quarantined", "failed", "ended", "missed", "left"};
	return names[o];
}

/* Format of taf.db, with store_answer_tables and store_retried_table; of earlier formats see store_migrate.c. Rows that only grow are numbered in order, so that inserts append; nothing is indexed on a random key but
 * failures, objects and answers, which are rare or slow to come by. */
static const char schema[] =
	"CREATE TABLE item(n INTEGER PRIMARY KEY, id TEXT NOT NULL);"
	"CREATE TABLE stage(n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL, state TEXT NOT NULL, run "
	"INTEGER NOT NULL);"
	"CREATE TABLE fingerprint(n INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, parts TEXT NOT NULL);"
	"CREATE TABLE result(n INTEGER PRIMARY KEY, rejected INTEGER NOT NULL, key BLOB NOT NULL, run INTEGER NOT NULL, "
	"fields TEXT NOT NULL);"
	"CREATE TABLE result_key(n INTEGER PRIMARY KEY, head INTEGER NOT NULL);"
	"CREATE TABLE retired(result INTEGER PRIMARY KEY, run INTEGER NOT NULL);"
	"CREATE TABLE object(digest BLOB PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE result_object(object BLOB, result INTEGER, PRIMARY KEY(object,result)) WITHOUT ROWID;"
	"CREATE INDEX result_object_result ON result_object(result);"
	"CREATE TABLE lost(object BLOB PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE memo(stage INTEGER, item INTEGER, outcome INTEGER NOT NULL, reason INTEGER NOT NULL, input BLOB NOT "
	"NULL,"
	" fingerprint INTEGER NOT NULL, changed INTEGER NOT NULL, checked INTEGER NOT NULL, was_fingerprint INTEGER NOT "
	"NULL,"
	" result INTEGER NOT NULL, was_result INTEGER NOT NULL, PRIMARY KEY(stage,item)) WITHOUT ROWID;"
	"CREATE TABLE failure(key BLOB, stage INTEGER NOT NULL, item INTEGER, run INTEGER NOT NULL, code INTEGER NOT NULL,"
	" text TEXT NOT NULL, PRIMARY KEY(key,item)) WITHOUT ROWID;"
	"CREATE TABLE seen(path TEXT, way INTEGER, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT "
	"NULL, ino INTEGER NOT NULL,"
	" hashed_ms INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY(path,way)) WITHOUT ROWID;"
	"CREATE TABLE run(n INTEGER PRIMARY KEY, id TEXT NOT NULL, state TEXT NOT NULL, exit_status INTEGER NOT NULL, "
	"started_ms INTEGER NOT NULL,"
	" ended_ms INTEGER NOT NULL, pid INTEGER NOT NULL, stats TEXT NOT NULL);";

/* A file that has no tables yet. */
static int make_tables(struct store *s, struct err *e)
{
	int rc = db_exec(s->db, "BEGIN IMMEDIATE", e);
	if (rc == 0)
		rc = db_exec(s->db, schema, e);
	if (rc == 0)
		rc = db_exec(s->db, store_answer_tables, e);
	if (rc == 0)
		rc = db_exec(s->db, store_retried_table, e);
	return rc < 0 ? rc : db_exec(s->db, "COMMIT", e);
}

static int check_version(struct store *s, enum db_mode mode, struct err *e)
{
	int64_t version;
	int rc = db_query_int(s->db, "PRAGMA user_version", 0, &version, e);
	if (rc < 0)
		return rc;
	if (version > STORE_VERSION)
		return err_set(e, ERR_DB,
			"%s was written by a newer taf (format %lld, this one knows %d): use that taf, or another work folder (-w)",
			s->path, (long long)version, STORE_VERSION);
	s->format = mode == DB_READ ? (int)version : STORE_VERSION;
	if (version == STORE_VERSION)
		return 0;
	if (mode == DB_READ)
		return version ? 0 : err_set(e, ERR_NOTFOUND, "%s has no run in it yet", s->path);
	return version ? store_migrate(s->db, s->path, (int)version, e) : make_tables(s, e);
}

static int load_counters(struct store *s, struct err *e)
{
	int64_t item, run;
	int rc = db_query_int(s->db, "SELECT max(n) FROM result", 0, &s->next_result, e);
	if (rc == 0)
		rc = db_query_int(s->db, "SELECT max(n) FROM item", 0, &item, e);
	if (rc == 0)
		rc = db_query_int(s->db, "SELECT max(n) FROM run", 0, &run, e);
	if (rc < 0)
		return rc;
	s->next_result++;
	s->next_item = (int32_t)item + 1;
	s->run = (int32_t)run;
	return 0;
}

static int load_names(struct store *s, const char *sql, struct map *into, int32_t *ret_next, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(s->db, sql, &st, e);
	*ret_next = 1;
	while (rc >= 0 && (rc = db_step(st, e)) > 0) {
		int64_t n = db_col_int(st, 0);
		map_put(into, db_col_str(st, 1), NULL)->value.i = n;
		if (n >= *ret_next)
			*ret_next = (int32_t)n + 1;
	}
	return rc;
}

static void reader_free(struct reader *r);

int store_open(const char *work, enum db_mode mode, struct store **ret, struct err *e)
{
	struct store *s = xcalloc(1, sizeof(*s));
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	buf_printf(&path, "%s/taf.db", work);
	s->path = xstrdup(path.data);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->reader_free, NULL);
	int rc = db_open(s->path, mode, &s->db, e);
	if (rc == 0)
		rc = check_version(s, mode, e);
	if (rc == 0)
		rc = load_counters(s, e);
	if (rc == 0)
		rc = load_names(s, "SELECT n,name FROM stage", &s->stages, &s->next_stage, e);
	if (rc == 0)
		rc = load_names(s, "SELECT n,digest FROM fingerprint", &s->fingerprints, &s->next_fingerprint, e);
	if (rc == 0 && mode == DB_WRITE) {
		rc = db_open(s->path, DB_WRITE, &s->write_db, e);
		if (rc == 0)
			rc = writer_new(s->write_db, &s->writer, e);
	}
	if (rc < 0) {
		store_close(s, true);
		return rc;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s, bool drop)
{
	if (!s)
		return;
	writer_free(s->writer, drop);
	if (s->write_db && !drop)
		db_checkpoint(s->write_db, NULL);
	db_close(s->write_db);
	while (s->readers) {
		struct reader *r = s->readers;
		s->readers = r->next;
		reader_free(r);
	}
	db_close(s->db);
	keyindex_release(&s->index);
	map_release(&s->stages);
	map_release(&s->answered);
	map_release(&s->fingerprints);
	map_release(&s->lost);
	map_release(&s->failed);
	pthread_cond_destroy(&s->reader_free);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

void store_cleanup(struct store **s)
{
	store_close(*s, false);
}

int store_flush(struct store *s, struct err *e)
{
	return writer_wait(s->writer, 0, e);
}

int store_failed(struct store *s, struct err *e)
{
	return s->writer ? writer_failed(s->writer, e) : 0;
}

struct db *store_db(struct store *s)
{
	return s->db;
}

/* --- Readers --- */

static const char *const read_sql[READ_COUNT] = {
	[READ_RESULT] = "SELECT rejected,key,fields FROM result WHERE n=?",
	[READ_OBJECT] = "SELECT size FROM object WHERE digest=?",
	[READ_FAILURE] = "SELECT stage,item,run,code,text FROM failure WHERE key=?1 AND (item=?2 OR ?2=0) LIMIT 1",
	[READ_ANSWER] = "SELECT answer,tokens_in,tokens_out FROM answer WHERE request=? AND draw=?",
	[READ_SEEN] = "SELECT size,mtime_ns,ctime_ns,ino,hashed_ms,digest FROM seen WHERE path=? AND way=?",
	[READ_STAGE_STATE] = "SELECT state FROM stage WHERE n=?",
	[READ_FINGERPRINT] = "SELECT parts FROM fingerprint WHERE n=?",
	[READ_RETRIED] = "SELECT times FROM retried WHERE key=?",
};

static void reader_free(struct reader *r)
{
	for (int i = 0; i < READ_COUNT; i++)
		db_finalize(r->st[i]);
	db_close(r->db);
	free(r);
}

/* Nobody holds a reader while it asks for another. */
int reader_take(struct store *s, enum store_read what, struct reader **ret, struct db_stmt **ret_st, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	while (!s->readers && s->nreaders == READERS_MOST)
		pthread_cond_wait(&s->reader_free, &s->lock);
	struct reader *r = s->readers;
	if (r)
		s->readers = r->next;
	else
		s->nreaders++;
	pthread_mutex_unlock(&s->lock);
	int rc = 0;
	if (!r) {
		r = xcalloc(1, sizeof(*r));
		rc = db_open(s->path, DB_READ, &r->db, e);
	}
	if (rc == 0 && !r->st[what])
		rc = db_prepare(r->db, read_sql[what], &r->st[what], e);
	if (rc < 0) {
		reader_free(r);
		pthread_mutex_lock(&s->lock);
		s->nreaders--;
		pthread_cond_signal(&s->reader_free);
		pthread_mutex_unlock(&s->lock);
		return rc;
	}
	*ret = r;
	*ret_st = r->st[what];
	return 0;
}

void reader_give(struct store *s, struct reader *r)
{
	pthread_mutex_lock(&s->lock);
	r->next = s->readers;
	s->readers = r;
	pthread_cond_signal(&s->reader_free);
	pthread_mutex_unlock(&s->lock);
}

bool store_used(struct store *s, int *known, const char *sql)
{
	pthread_mutex_lock(&s->lock);
	if (*known <= 0) {
		int64_t any = 0;
		if (*known == 0)
			db_query_int(s->db, sql, 0, &any, NULL);
		*known = any ? 1 : -1;
	}
	bool used = *known > 0;
	pthread_mutex_unlock(&s->lock);
	return used;
}

void store_mark_used(struct store *s, int *known)
{
	pthread_mutex_lock(&s->lock);
	*known = 1;
	pthread_mutex_unlock(&s->lock);
}

/* --- Names --- */

static int32_t name_number(struct store *s, struct map *names, struct str name, int32_t *next, bool *ret_new)
{
	pthread_mutex_lock(&s->lock);
	struct map_entry *entry = map_put(names, name, ret_new);
	if (*ret_new)
		entry->value.i = (*next)++;
	int32_t n = (int32_t)entry->value.i;
	pthread_mutex_unlock(&s->lock);
	return n;
}

int32_t store_stage(struct store *s, const char *name, const char *type)
{
	bool fresh;
	int32_t n = name_number(s, &s->stages, str_of(name), &s->next_stage, &fresh);
	if (fresh) {
		writer_begin(s->writer);
		writer_put(s->writer, ROW_STAGE, "itt", (int64_t)n, str_of(name), str_of(type));
		writer_end(s->writer);
	}
	return n;
}

int32_t store_fingerprint(struct store *s, const struct digest *d, struct str parts)
{
	bool fresh;
	int32_t n = name_number(s, &s->fingerprints, str_n((const char *)d->b, DIGEST_SIZE), &s->next_fingerprint, &fresh);
	if (fresh) {
		writer_begin(s->writer);
		writer_put(s->writer, ROW_FINGERPRINT, "ibt", (int64_t)n, (const void *)d->b, (size_t)DIGEST_SIZE, parts);
		writer_end(s->writer);
	}
	return n;
}

int32_t store_find_stage(struct store *s, const char *name)
{
	return (int32_t)map_int(&s->stages, str_of(name), 0);
}

int32_t store_find_fingerprint(struct store *s, const struct digest *d)
{
	return (int32_t)map_int(&s->fingerprints, str_n((const char *)d->b, DIGEST_SIZE), 0);
}

static int read_text(struct store *s, enum store_read what, int32_t n, struct buf *ret, struct err *e)
{
	struct reader *r;
	struct db_stmt *st;
	int rc = reader_take(s, what, &r, &st, e);
	if (rc < 0)
		return rc;
	db_int(st, 1, n);
	rc = db_step(st, e);
	if (rc > 0)
		buf_str(ret, db_col_str(st, 0));
	db_reset(st);
	reader_give(s, r);
	return rc < 0 ? rc : 0;
}

int store_fingerprint_parts(struct store *s, int32_t n, struct buf *ret, struct err *e)
{
	return read_text(s, READ_FINGERPRINT, n, ret, e);
}

int store_stage_state(struct store *s, int32_t stage, struct buf *ret, struct err *e)
{
	return read_text(s, READ_STAGE_STATE, stage, ret, e);
}

void store_put_stage_state(struct store *s, int32_t stage, struct str state)
{
	writer_begin(s->writer);
	writer_put(s->writer, ROW_STAGE_STATE, "iti", (int64_t)stage, state, (int64_t)s->run);
	writer_end(s->writer);
}

/* --- Items and runs --- */

int store_items(struct store *s, int (*take)(void *arg, int32_t n, struct str id), void *arg, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(s->db, "SELECT n,id FROM item ORDER BY n", &st, e);
	while (rc >= 0 && (rc = db_step(st, e)) > 0) {
		int stop = take(arg, (int32_t)db_col_int(st, 0), db_col_str(st, 1));
		if (stop < 0)
			return stop;
	}
	return rc;
}

int32_t store_next_item(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	int32_t n = s->next_item++;
	pthread_mutex_unlock(&s->lock);
	return n;
}

void store_put_item(struct store *s, int32_t n, struct str id)
{
	writer_begin(s->writer);
	writer_put(s->writer, ROW_ITEM, "it", (int64_t)n, id);
	writer_end(s->writer);
}

int32_t store_next_run(struct store *s)
{
	return ++s->run;
}

void store_put_run(struct store *s, const struct run_row *r)
{
	writer_begin(s->writer);
	writer_put(s->writer, ROW_RUN, "ittiiiit", (int64_t)r->n, str_of(r->id), str_of(r->state), (int64_t)r->exit_status,
		r->started_ms, r->ended_ms, r->pid, buf_view(&r->stats));
	writer_end(s->writer);
}

static void copy_text(char *to, size_t size, struct str s)
{
	size_t n = s.n < size - 1 ? s.n : size - 1;
	memcpy(to, s.p, n);
	to[n] = '\0';
}

int store_run(struct store *s, int32_t n, struct run_row *ret, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(s->db,
		n ? "SELECT n,id,state,exit_status,started_ms,ended_ms,pid,stats FROM run WHERE n=?"
		  : "SELECT n,id,state,exit_status,started_ms,ended_ms,pid,stats FROM run ORDER BY n DESC LIMIT 1",
		&st, e);
	if (rc < 0)
		return rc;
	if (n)
		db_int(st, 1, n);
	rc = db_step(st, e);
	if (rc <= 0)
		return rc;
	ret->n = (int32_t)db_col_int(st, 0);
	copy_text(ret->id, sizeof(ret->id), db_col_str(st, 1));
	copy_text(ret->state, sizeof(ret->state), db_col_str(st, 2));
	ret->exit_status = (int)db_col_int(st, 3);
	ret->started_ms = db_col_int(st, 4);
	ret->ended_ms = db_col_int(st, 5);
	ret->pid = db_col_int(st, 6);
	buf_clear(&ret->stats);
	buf_str(&ret->stats, db_col_str(st, 7));
	return 1;
}
