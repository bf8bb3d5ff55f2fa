#include "core/writer.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct writer {
	pthread_mutex_t lock;
	pthread_cond_t filled, drained;
	pthread_t thread;
	struct db *db;
	struct db_stmt *st[ROW_COUNT];
	struct buf filling, writing;
	size_t filling_rows;
	int64_t put, committed; /* tickets */
	int64_t first_us;       /* when the oldest row of `filling` came */
	int waiting;            /* who waits for a commit */
	bool stop, drop;
	struct err failure;
};

static const char *const row_sql[] = {
#define X(name, sql) sql,
	STORE_ROWS(X)
#undef X
};

/* A row in the FIFO: its statement (1 byte), the number of arguments (1 byte), then for each its type and 8 bytes (integer or length) and bytes. */
static const char *bind_args(struct db_stmt *st, const char *p, int n)
{
	for (int i = 1; i <= n; i++) {
		char type = *p++;
		int64_t v;
		memcpy(&v, p, sizeof(v));
		p += sizeof(v);
		if (type == 'i') {
			db_int(st, i, v);
			continue;
		}
		if (type == 't')
			db_text(st, i, str_n(p, (size_t)v));
		else if (type == 'n')
			db_null(st, i);
		else
			db_blob(st, i, p, (size_t)v);
		p += v;
	}
	return p;
}

static int write_rows(struct writer *w, struct err *e)
{
	int rc = db_exec(w->db, "BEGIN IMMEDIATE", e);
	if (rc < 0)
		return rc;
	const char *p = w->writing.data, *end = p + w->writing.len;
	while (rc == 0 && p < end) {
		struct db_stmt *st = w->st[(unsigned char)p[0]];
		p = bind_args(st, p + 2, p[1]);
		rc = db_run(st, e);
	}
	fault_point("before-commit");
	if (rc == 0)
		rc = db_exec(w->db, "COMMIT", e);
	if (rc < 0)
		db_exec(w->db, "ROLLBACK", NULL);
	else
		fault_point("after-commit");
	return rc;
}

/* Under the lock: sleep until there is a commit to make. */
static void wait_filled(struct writer *w)
{
	while (!w->stop && w->filling.len == 0)
		pthread_cond_wait(&w->filled, &w->lock);
	while (!w->stop && !w->waiting && w->filling_rows < WRITER_ROWS) {
		int64_t left_us = w->first_us + WRITER_MS * 1000 - clock_us();
		if (left_us <= 0)
			break;
		struct timespec at;
		clock_gettime(CLOCK_MONOTONIC, &at);
		int64_t ns = at.tv_nsec + left_us * 1000;
		at.tv_sec += ns / 1000000000;
		at.tv_nsec = ns % 1000000000;
		pthread_cond_timedwait(&w->filled, &w->lock, &at);
	}
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		wait_filled(w);
		if (w->filling.len == 0 || (w->stop && w->drop))
			break;
		struct buf rows = w->writing;
		w->writing = w->filling;
		w->filling = rows;
		w->filling_rows = 0;
		int64_t upto = w->put;
		bool failed = w->failure.code != 0;
		pthread_mutex_unlock(&w->lock);
		struct err e = ERR_INIT;
		if (!failed)
			write_rows(w, &e);
		pthread_mutex_lock(&w->lock);
		buf_clear(&w->writing);
		if (e.code && !w->failure.code)
			w->failure = e;
		else if (!failed)
			w->committed = upto;
		pthread_cond_broadcast(&w->drained);
	}
	pthread_cond_broadcast(&w->drained);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int writer_new(struct db *db, struct writer **ret, struct err *e)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	w->db = db;
	buf_init(&w->filling, (size_t)1 << 31);
	buf_init(&w->writing, (size_t)1 << 31);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_t mono;
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&w->filled, &mono);
	pthread_cond_init(&w->drained, NULL);
	pthread_condattr_destroy(&mono);
	int rc = 0;
	for (int i = 0; rc == 0 && i < ROW_COUNT; i++)
		rc = db_prepare(db, row_sql[i], &w->st[i], e);
	if (rc == 0 && (errno = pthread_create(&w->thread, NULL, writer_main, w)) != 0)
		rc = err_errno(e, "starting the writer thread");
	if (rc < 0) {
		for (int i = 0; i < ROW_COUNT; i++)
			db_finalize(w->st[i]);
		free(w);
		return rc;
	}
	*ret = w;
	return 0;
}

void writer_free(struct writer *w, bool drop)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	w->drop = drop;
	pthread_cond_broadcast(&w->filled);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	for (int i = 0; i < ROW_COUNT; i++)
		db_finalize(w->st[i]);
	buf_release(&w->filling);
	buf_release(&w->writing);
	pthread_cond_destroy(&w->filled);
	pthread_cond_destroy(&w->drained);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void writer_begin(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->filling.len > WRITER_PENDING && !w->failure.code)
		pthread_cond_wait(&w->drained, &w->lock);
}

void writer_end(struct writer *w)
{
	pthread_mutex_unlock(&w->lock);
}

static void put_args(struct buf *b, const char *types, va_list ap)
{
	for (const char *t = types; *t; t++) {
		int64_t v = 0;
		const void *p = NULL;
		if (*t == 'i') {
			v = va_arg(ap, int64_t);
		} else if (*t == 't') {
			struct str s = va_arg(ap, struct str);
			p = s.p;
			v = (int64_t)s.n;
		} else {
			p = va_arg(ap, const void *);
			v = (int64_t)va_arg(ap, size_t);
			if (*t == 'n')
				v = 0;
		}
		buf_putc(b, *t);
		buf_add(b, &v, sizeof(v));
		if (p)
			buf_add(b, p, (size_t)v);
	}
}

int64_t writer_put(struct writer *w, enum store_row row, const char *types, ...)
{
	if (w->failure.code)
		return w->put;
	if (w->filling.len == 0)
		w->first_us = clock_us();
	buf_putc(&w->filling, (char)row);
	buf_putc(&w->filling, (char)strlen(types));
	va_list ap;
	va_start(ap, types);
	put_args(&w->filling, types, ap);
	va_end(ap);
	w->filling_rows++;
	if (w->filling_rows == 1 || w->filling_rows == WRITER_ROWS)
		pthread_cond_signal(&w->filled);
	return ++w->put;
}

int writer_wait(struct writer *w, int64_t ticket, struct err *e)
{
	pthread_mutex_lock(&w->lock);
	if (ticket == 0)
		ticket = w->put;
	w->waiting++;
	while (w->committed < ticket && !w->failure.code) {
		pthread_cond_signal(&w->filled);
		pthread_cond_wait(&w->drained, &w->lock);
	}
	w->waiting--;
	int rc = w->failure.code ? err_set(e, w->failure.code, "%s", w->failure.text) : 0;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

int64_t writer_committed(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	int64_t n = w->committed;
	pthread_mutex_unlock(&w->lock);
	return n;
}

int writer_failed(struct writer *w, struct err *e)
{
	pthread_mutex_lock(&w->lock);
	int rc = w->failure.code ? err_set(e, w->failure.code, "%s", w->failure.text) : 0;
	pthread_mutex_unlock(&w->lock);
	return rc;
}
