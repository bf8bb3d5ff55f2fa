/* What the files of the store share: the struct and its pool of readers. Inside the store only. */
#ifndef TAF_CORE_STORE_PARTS_H
#define TAF_CORE_STORE_PARTS_H

#include "base/map.h"
#include "core/keyindex.h"
#include "core/store.h"
#include "core/writer.h"

#include <pthread.h>

enum store_read {
	READ_RESULT,
	READ_OBJECT,
	READ_FAILURE,
	READ_ANSWER,
	READ_SEEN,
	READ_STAGE_STATE,
	READ_FINGERPRINT,
	READ_RETRIED,
	READ_COUNT
};

/* Connections for reading; who finds none free waits for one. A look-up takes some 20 µs, so few are enough; a connection costs a megabyte, and half a
 * millisecond to open: one for each of two thousand threads that ask at the same moment were most of a run's memory (measured). */
#define READERS_MOST 8

struct reader {
	struct db *db;
	struct db_stmt *st[READ_COUNT];
	struct reader *next;
};

struct store {
	char *path;
	int format;          /* of the file: below STORE_VERSION only when opened for reading */
	struct db *db;       /* for whoever opened the store: loading, commands that read */
	struct db *write_db; /* the writer's */
	struct writer *writer;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t reader_free;
	struct reader *readers;          /* that nobody uses now */
	int nreaders;                    /* open, used or not: READERS_MOST at most */
	struct map stages, fingerprints; /* → row */
	int32_t next_stage, next_fingerprint, next_item, run;
	int64_t next_result;
	struct keyindex index;
	bool index_loaded;
	struct map lost; /* opened for reading: rows of results whose objects are gone, as 8 bytes; set before any other thread reads */
	struct map failed; /* keys of failures put by this process → code, 0 when dropped: they can be found before they are committed */
	struct map answered; /* (request, draw) → ticket of answers that may not be committed yet */
	int64_t last_answer;
	int has_failures, has_answers, has_retried; /* 0: not looked yet, -1: none, 1: some; spares look-ups in empty tables */
};

int reader_take(struct store *s, enum store_read what, struct reader **ret, struct db_stmt **ret_st, struct err *e);
void reader_give(struct store *s, struct reader *r);
/** Whether a table has rows, asked once (`known`): most runs have no failure and no answer to look for. */
bool store_used(struct store *s, int *known, const char *sql);
void store_mark_used(struct store *s, int *known);
/** Bring the tables of format `from` to STORE_VERSION, in one transaction. */
int store_migrate(struct db *db, const char *path, int from, struct err *e);
/** The tables of format 2 that format 1 had not, or had otherwise; the one that came with format 3. */
extern const char store_answer_tables[], store_retried_table[];

#endif
