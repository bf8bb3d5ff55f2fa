/* engine: map stages that do nothing, 28,511 calls × 8, cold, beside a bare SQLite loop that writes the same rows. */
#include "tests/bench/kit.h"

#include "base/fs.h"
#include "core/store_rows.h"

#include <stdio.h>
#include <string.h>

static const char *const sql[] = {
#define X(name, text) text,
	STORE_ROWS(X)
#undef X
};

/* The rows of one record-stage: its result, its key's head, its memo. */
static void put_rows(struct db_stmt *result, struct db_stmt *key, struct db_stmt *memo, int64_t n, int stage, int item)
{
	unsigned char digest[DIGEST_SIZE];
	digest_of(&n, sizeof(n), (struct digest *)(void *)digest);
	db_int(result, 1, n);
	db_int(result, 2, 0);
	db_blob(result, 3, digest, DIGEST_SIZE);
	db_text(result, 4, STR("{}"));
	db_int(result, 5, 1);
	db_run(result, NULL);
	int64_t head;
	memcpy(&head, digest, sizeof(head));
	db_int(key, 1, n);
	db_int(key, 2, head);
	db_run(key, NULL);
	for (int i = 1; i <= 11; i++)
		db_int(memo, i, 1);
	db_int(memo, 1, stage);
	db_int(memo, 2, item);
	db_blob(memo, 5, digest, 16);
	db_int(memo, 10, n);
	db_run(memo, NULL);
}

static double bare_loop(struct bench *b, int calls, int maps)
{
	char path[512];
	struct store *store;
	struct err e = ERR_INIT;
	bench_path(b, path, sizeof(path), "bare");
	if (fs_mkdirs(path, &e) < 0 || store_open(path, DB_WRITE, &store, &e) < 0)
		bench_die("bare loop: %s", e.text);
	store_close(store, false);
	struct db *db;
	struct db_stmt *result, *key, *memo;
	strncat(path, "/taf.db", sizeof(path) - strlen(path) - 1);
	if (db_open(path, DB_WRITE, &db, &e) < 0 || db_prepare(db, sql[ROW_RESULT], &result, &e) < 0 ||
		db_prepare(db, sql[ROW_RESULT_KEY], &key, &e) < 0 || db_prepare(db, sql[ROW_MEMO], &memo, &e) < 0)
		bench_die("bare loop: %s", e.text);
	double from = bench_now();
	int64_t n = 0;
	db_exec(db, "BEGIN", &e);
	for (int i = 1; i <= calls; i++) {
		for (int s = 1; s <= maps; s++) {
			put_rows(result, key, memo, ++n, s, i);
			if (n % 330 == 0) /* commits of about 1,000 rows, as the writer's */
				db_exec(db, "COMMIT; BEGIN", &e);
		}
	}
	db_exec(db, "COMMIT", &e);
	double seconds = bench_now() - from;
	db_finalize(result);
	db_finalize(key);
	db_finalize(memo);
	db_close(db);
	return seconds;
}

int main(int argc, char **argv)
{
	int rc = bench_child(argc, argv);
	if (rc >= 0)
		return rc;
	struct bench b;
	const int maps = 8;
	bench_begin(&b, BENCH_CALLS, maps);
	double bare = bare_loop(&b, BENCH_CALLS, maps);
	double cold = bench_run(&b);
	double done = (double)BENCH_CALLS * maps;
	if (bench_computed(&b) != BENCH_CALLS * (maps + 1) + 1)
		bench_die("computed %lld", (long long)bench_computed(&b));
	/* The source's own work is in `cold` too: it makes the calls. */
	printf("engine: %.1f s for %.0f record-stages (%.0f/s); bare SQLite loop of the same rows %.1f s (%.0f/s)\n", cold,
		done, done / cold, bare, done / bare);
	bench_line("engine", done / cold, "/s", 30000, false);
	bench_line("engine-ratio", bare / cold, "", 0.4, false);
	bench_end(&b);
	return 0;
}
