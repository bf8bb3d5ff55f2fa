#include "core/store_parts.h"

#include "base/alloc.h"

#include <string.h>

static uint64_t key_head(const struct digest *key)
{
	uint64_t head;
	memcpy(&head, key->b, sizeof(head));
	return head;
}

static bool result_lost(const struct store *s, int64_t n)
{
	return s->lost.n > 0 && map_find(&s->lost, str_n((const char *)&n, sizeof(n)));
}

/* Under the lock, the first time anybody looks for a key. */
static int load_index(struct store *s, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(s->db, "SELECT n,head FROM result_key", &st, e);
	while (rc >= 0 && (rc = db_step(st, e)) > 0)
		if (!result_lost(s, db_col_int(st, 0)))
			keyindex_put(&s->index, (uint64_t)db_col_int(st, 1), db_col_int(st, 0));
	if (rc == 0)
		s->index_loaded = true;
	return rc;
}

/* 1 read, 0 no such row yet. */
static int read_result(struct store *s, int64_t n, struct result *ret, struct err *e)
{
	struct reader *r;
	struct db_stmt *st;
	int rc = reader_take(s, READ_RESULT, &r, &st, e);
	if (rc < 0)
		return rc;
	db_int(st, 1, n);
	rc = db_step(st, e);
	if (rc > 0) {
		struct str key = db_col_str(st, 1);
		ret->n = n;
		ret->rejected = db_col_int(st, 0) != 0;
		if (key.n == DIGEST_SIZE)
			memcpy(ret->key.b, key.p, DIGEST_SIZE);
		buf_clear(&ret->fields);
		buf_str(&ret->fields, db_col_str(st, 2));
	}
	db_reset(st);
	reader_give(s, r);
	return rc;
}

int store_result(struct store *s, int64_t n, struct result *ret, struct err *e)
{
	int rc = read_result(s, n, ret, e);
	if (rc == 0 && s->writer) {
		rc = store_flush(s, e); /* put a moment ago */
		if (rc == 0)
			rc = read_result(s, n, ret, e);
	}
	if (rc == 0)
		return err_set(e, ERR_LOST, "%s: the result row %lld is missing", s->path, (long long)n);
	return rc < 0 ? rc : 0;
}

int store_find(struct store *s, const struct digest *key, struct result *ret, struct err *e)
{
	uint64_t head = key_head(key);
	size_t at = SIZE_MAX;
	struct result own = {.fields = BUF_INIT};
	struct result *r = ret ? ret : &own;
	for (;;) {
		pthread_mutex_lock(&s->lock);
		int rc = s->index_loaded ? 0 : load_index(s, e);
		int64_t row = rc == 0 ? keyindex_next(&s->index, head, &at) : 0;
		pthread_mutex_unlock(&s->lock);
		if (rc == 0 && row == 0) {
			buf_release(&own.fields);
			return 0;
		}
		if (rc == 0)
			rc = store_result(s, row, r, NULL);
		if (rc == ERR_LOST)
			continue; /* dropped this very moment */
		if (rc < 0)
			err_set(e, rc, "%s: the result row %lld cannot be read", s->path, (long long)row);
		if (rc < 0 || digest_equal(&r->key, key)) {
			buf_release(&own.fields);
			return rc < 0 ? rc : 1;
		}
	}
}

int64_t store_put_result_row(struct store *s, const struct result_row *row)
{
	uint64_t head = key_head(row->key);
	writer_begin(s->writer);
	pthread_mutex_lock(&s->lock);
	int64_t n = s->next_result++;
	if (s->index_loaded || load_index(s, NULL) == 0)
		keyindex_put(&s->index, head, n);
	pthread_mutex_unlock(&s->lock);
	writer_put(s->writer, ROW_RESULT, "iibti", n, (int64_t)row->rejected, (const void *)row->key->b,
		(size_t)DIGEST_SIZE, row->fields, (int64_t)s->run);
	writer_put(s->writer, ROW_RESULT_KEY, "ii", n, (int64_t)head);
	for (size_t i = 0; i < row->nanswers; i++)
		writer_put(s->writer, ROW_RESULT_ANSWER, "iibi", n, (int64_t)i, (const void *)row->answers[i].request.b,
			(size_t)DIGEST_SIZE, row->answers[i].draw);
	writer_end(s->writer);
	return n;
}

int64_t store_put_result(struct store *s, const struct digest *key, bool rejected, struct str fields)
{
	return store_put_result_row(s, &(struct result_row){.key = key, .rejected = rejected, .fields = fields});
}

void store_put_object(struct store *s, const struct digest *object, int64_t size, int64_t result)
{
	writer_begin(s->writer);
	writer_put(s->writer, ROW_OBJECT, "bi", (const void *)object->b, (size_t)DIGEST_SIZE, size);
	if (result)
		writer_put(s->writer, ROW_RESULT_OBJECT, "bi", (const void *)object->b, (size_t)DIGEST_SIZE, result);
	writer_end(s->writer);
}

void store_drop_result(struct store *s, const struct digest *key, int64_t n)
{
	pthread_mutex_lock(&s->lock);
	if (s->index_loaded || load_index(s, NULL) == 0) /* else it would be read from the disk before it is gone there */
		keyindex_drop(&s->index, key_head(key), n);
	pthread_mutex_unlock(&s->lock);
	writer_begin(s->writer);
	writer_put(s->writer, ROW_DROP_RESULT, "i", n);
	writer_put(s->writer, ROW_DROP_RESULT_KEY, "i", n);
	writer_put(s->writer, ROW_DROP_RESULT_OBJECT, "i", n);
	writer_put(s->writer, ROW_DROP_RESULT_ANSWER, "i", n);
	writer_end(s->writer);
}

int64_t store_object_size(struct store *s, const struct digest *object)
{
	struct reader *r;
	struct db_stmt *st;
	if (reader_take(s, READ_OBJECT, &r, &st, NULL) < 0)
		return -1;
	db_blob(st, 1, object->b, DIGEST_SIZE);
	int64_t size = db_step(st, NULL) > 0 ? db_col_int(st, 0) : -1;
	db_reset(st);
	reader_give(s, r);
	return size;
}

/* --- Memos --- */

int store_memos(struct store *s, int32_t stage, int (*take)(void *arg, const struct memo *m), void *arg, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(
		s->db, "SELECT item,outcome,reason,input,fingerprint,changed,checked,was_fingerprint,result,was_result FROM memo WHERE stage=?",
		&st, e);
	if (rc < 0)
		return rc;
	db_int(st, 1, stage);
	while ((rc = db_step(st, e)) > 0) {
		struct memo m = {.item = (int32_t)db_col_int(st, 0),
			.outcome = (uint8_t)db_col_int(st, 1),
			.reason = (uint8_t)db_col_int(st, 2)};
		struct str input = db_col_str(st, 3);
		if (input.n == MEMO_INPUT)
			memcpy(m.input, input.p, MEMO_INPUT);
		m.fingerprint = (int32_t)db_col_int(st, 4);
		m.changed = (int32_t)db_col_int(st, 5);
		m.checked = (int32_t)db_col_int(st, 6);
		m.was_fingerprint = (int32_t)db_col_int(st, 7);
		m.result = db_col_int(st, 8);
		m.was_result = db_col_int(st, 9);
		if (result_lost(s, m.result)) {
			m.outcome = OUTCOME_NONE;
			m.result = 0;
		}
		int stop = take(arg, &m);
		if (stop < 0)
			return stop;
	}
	return rc;
}

void store_put_memo(struct store *s, int32_t stage, const struct memo *m)
{
	writer_begin(s->writer);
	writer_put(s->writer, ROW_MEMO, "iiiibiiiiii", (int64_t)stage, (int64_t)m->item, (int64_t)m->outcome,
		(int64_t)m->reason, (const void *)m->input, (size_t)MEMO_INPUT, (int64_t)m->fingerprint, (int64_t)m->changed,
		(int64_t)m->checked, (int64_t)m->was_fingerprint, m->result, m->was_result);
	/* For gc: until which run a result was in use. */
	if (m->was_result && m->was_result != m->result && m->checked == s->run)
		writer_put(s->writer, ROW_RETIRED, "ii", m->was_result, (int64_t)s->run);
	bool out = m->outcome == OUTCOME_LEFT || m->outcome == OUTCOME_ENDED || m->outcome == OUTCOME_MISSED;
	if (out && m->result)
		writer_put(s->writer, ROW_RETIRED, "ii", m->result, (int64_t)s->run);
	writer_end(s->writer);
}

/* --- Failures --- */

static void failure_fill(struct failure *f, struct db_stmt *st, int col)
{
	f->stage = (int32_t)db_col_int(st, col);
	f->item = (int32_t)db_col_int(st, col + 1);
	f->run = (int32_t)db_col_int(st, col + 2);
	f->code = (int)db_col_int(st, col + 3);
	buf_clear(&f->text);
	buf_str(&f->text, db_col_str(st, col + 4));
}

#define FAILED_KEY (DIGEST_SIZE + sizeof(int32_t))

static void failed_key(const struct digest *key, int32_t item, char ret[FAILED_KEY])
{
	memcpy(ret, key->b, DIGEST_SIZE);
	memcpy(ret + DIGEST_SIZE, &item, sizeof(item));
}

/* What was put or dropped in this process is newer than what is on disk: code by key and item, and by key alone (item 0). */
static void mark_failed(struct store *s, const struct digest *key, int32_t item, int code)
{
	char own[FAILED_KEY], any[FAILED_KEY];
	failed_key(key, item, own);
	failed_key(key, 0, any);
	pthread_mutex_lock(&s->lock);
	map_put(&s->failed, str_n(own, sizeof(own)), NULL)->value.i = code;
	map_put(&s->failed, str_n(any, sizeof(any)), NULL)->value.i = code;
	pthread_mutex_unlock(&s->lock);
}

static bool failed_now(struct store *s, const struct digest *key, int32_t item, int64_t *ret_code)
{
	char own[FAILED_KEY];
	failed_key(key, item, own);
	pthread_mutex_lock(&s->lock);
	const struct map_entry *entry = s->failed.n ? map_find(&s->failed, str_n(own, sizeof(own))) : NULL;
	if (entry)
		*ret_code = entry->value.i;
	pthread_mutex_unlock(&s->lock);
	return entry != NULL;
}

static int read_failure(struct store *s, const struct digest *key, int32_t item, struct failure *ret, struct err *e)
{
	struct reader *r;
	struct db_stmt *st;
	int rc = reader_take(s, READ_FAILURE, &r, &st, e);
	if (rc < 0)
		return rc;
	db_blob(st, 1, key->b, DIGEST_SIZE);
	db_int(st, 2, item);
	rc = db_step(st, e);
	if (rc > 0)
		failure_fill(ret, st, 0);
	db_reset(st);
	reader_give(s, r);
	ret->key = *key;
	return rc;
}

int store_find_failure(struct store *s, const struct digest *key, int32_t item, struct failure *ret, struct err *e)
{
	if (!store_used(s, &s->has_failures, "SELECT 1 FROM failure LIMIT 1"))
		return 0;
	int64_t code;
	bool now = failed_now(s, key, item, &code);
	if (now && code == 0)
		return 0; /* dropped */
	int rc = read_failure(s, key, item, ret, e);
	if (rc == 0 && now) {
		rc = store_flush(s, e);
		if (rc == 0)
			rc = read_failure(s, key, item, ret, e);
	}
	return rc;
}

void store_put_failure(struct store *s, const struct failure *f)
{
	store_mark_used(s, &s->has_failures);
	mark_failed(s, &f->key, f->item, f->code);
	writer_begin(s->writer);
	writer_put(s->writer, ROW_FAILURE, "biiiit", (const void *)f->key.b, (size_t)DIGEST_SIZE, (int64_t)f->stage,
		(int64_t)f->item, (int64_t)f->run, (int64_t)f->code, buf_view(&f->text));
	writer_end(s->writer);
}

void store_drop_failure(struct store *s, const struct digest *key, int32_t item)
{
	mark_failed(s, key, item, 0);
	writer_begin(s->writer);
	writer_put(s->writer, ROW_DROP_FAILURE, "bi", (const void *)key->b, (size_t)DIGEST_SIZE, (int64_t)item);
	writer_end(s->writer);
}

const char store_retried_table[] =
	"CREATE TABLE retried(key BLOB PRIMARY KEY, stage INTEGER NOT NULL, times INTEGER NOT NULL) WITHOUT ROWID;"
	"PRAGMA user_version=3;";

void store_put_retried(struct store *s, const struct digest *key, int32_t stage)
{
	writer_begin(s->writer);
	writer_put(s->writer, ROW_RETRIED, "bi", (const void *)key->b, (size_t)DIGEST_SIZE, (int64_t)stage);
	writer_end(s->writer);
}

int store_retried(struct store *s, const struct digest *key, int *ret, struct err *e)
{
	struct reader *r;
	struct db_stmt *st;
	*ret = 0;
	if (s->format < 3 || !store_used(s, &s->has_retried, "SELECT 1 FROM retried LIMIT 1"))
		return 0;
	int rc = reader_take(s, READ_RETRIED, &r, &st, e);
	if (rc < 0)
		return rc;
	db_blob(st, 1, key->b, DIGEST_SIZE);
	rc = db_step(st, e);
	if (rc > 0)
		*ret = (int)db_col_int(st, 0);
	db_reset(st);
	reader_give(s, r);
	return rc < 0 ? rc : 0;
}

int store_failures(struct store *s, int (*take)(void *arg, const struct failure *f), void *arg, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(s->db, "SELECT key,stage,item,run,code,text FROM failure ORDER BY stage,item", &st, e);
	struct failure f = {.text = BUF_INIT};
	while (rc >= 0 && (rc = db_step(st, e)) > 0) {
		struct str key = db_col_str(st, 0);
		if (key.n == DIGEST_SIZE)
			memcpy(f.key.b, key.p, DIGEST_SIZE);
		failure_fill(&f, st, 1);
		int stop = take(arg, &f);
		if (stop < 0) {
			rc = stop;
			break;
		}
	}
	buf_release(&f.text);
	return rc;
}

/* --- Objects --- */

int store_objects(
	struct store *s, int folder, int (*take)(void *arg, const struct digest *d, int64_t size), void *arg, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(s->db, "SELECT digest,size FROM object WHERE digest>=? AND digest<?", &st, e);
	if (rc < 0)
		return rc;
	unsigned char lo[1] = {(unsigned char)folder}, hi[1] = {(unsigned char)(folder + 1)};
	unsigned char top[DIGEST_SIZE + 1];
	memset(top, 0xff, sizeof(top));
	db_blob(st, 1, lo, 1);
	db_blob(st, 2, folder == 255 ? top : hi, folder == 255 ? sizeof(top) : 1);
	while ((rc = db_step(st, e)) > 0) {
		struct str key = db_col_str(st, 0);
		struct digest d;
		if (key.n != DIGEST_SIZE)
			continue;
		memcpy(d.b, key.p, DIGEST_SIZE);
		int stop = take(arg, &d, db_col_int(st, 1));
		if (stop < 0)
			return stop;
	}
	return rc;
}

/* Opened for reading: the rows are known as lost, and stay. */
static int mark_lost(struct store *s, const struct digest *objects, size_t n, struct err *e)
{
	CLEANUP(db_stmt_cleanup) struct db_stmt *st = NULL;
	int rc = db_prepare(s->db, "SELECT result FROM result_object WHERE object=?", &st, e);
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		db_blob(st, 1, objects[i].b, DIGEST_SIZE);
		while ((rc = db_step(st, e)) > 0) {
			int64_t row = db_col_int(st, 0);
			map_put(&s->lost, str_n((const char *)&row, sizeof(row)), NULL);
		}
		db_reset(st);
	}
	return rc;
}

int store_lose_objects(struct store *s, const struct digest *objects, size_t n, struct err *e)
{
	static const enum store_row steps[] = {ROW_LOST_MEMO, ROW_LOST_KEY, ROW_LOST_RESULT, ROW_LOST_RESULT_ANSWER,
		ROW_LOST_LINK, ROW_LOST_ANSWER, ROW_LOST_OBJECT, ROW_LOST_DONE};
	if (!s->writer)
		return mark_lost(s, objects, n, e);
	writer_begin(s->writer);
	for (size_t i = 0; i < n; i++)
		writer_put(s->writer, ROW_LOST, "b", (const void *)objects[i].b, (size_t)DIGEST_SIZE);
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		writer_put(s->writer, steps[i], "");
	writer_end(s->writer);
	int rc = store_flush(s, e);
	pthread_mutex_lock(&s->lock);
	keyindex_release(&s->index); /* read again by the next look-up */
	s->index_loaded = false;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* --- Files seen --- */

int store_seen(struct store *s, struct str path, int way, struct seen *ret, struct err *e)
{
	struct reader *r;
	struct db_stmt *st;
	int rc = reader_take(s, READ_SEEN, &r, &st, e);
	if (rc < 0)
		return rc;
	db_text(st, 1, path);
	db_int(st, 2, way);
	rc = db_step(st, e);
	if (rc > 0) {
		ret->size = db_col_int(st, 0);
		ret->mtime_ns = db_col_int(st, 1);
		ret->ctime_ns = db_col_int(st, 2);
		ret->ino = db_col_int(st, 3);
		ret->hashed_ms = db_col_int(st, 4);
		struct str d = db_col_str(st, 5);
		if (d.n == DIGEST_SIZE)
			memcpy(ret->digest.b, d.p, DIGEST_SIZE);
		else
			rc = 0;
	}
	db_reset(st);
	reader_give(s, r);
	return rc;
}

void store_put_seen(struct store *s, struct str path, int way, const struct seen *v)
{
	writer_begin(s->writer);
	writer_put(s->writer, ROW_SEEN, "tiiiiiib", path, (int64_t)way, v->size, v->mtime_ns, v->ctime_ns, v->ino,
		v->hashed_ms, (const void *)v->digest.b, (size_t)DIGEST_SIZE);
	writer_end(s->writer);
}
